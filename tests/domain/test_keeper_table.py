"""The tables of the keeper: each status, and every order in every status."""
# ruff: noqa: DTZ001 - a wall clock has no zone

from dataclasses import replace
from datetime import datetime

import pytest
from keeper_world import World

from dialer.domain import keeping as k
from dialer.domain.keeper_table import ANSWERS, ORDERS, OUTSTANDING, STATUS, Do, Trait
from dialer.domain.keeping import Phase, Refusal, Status
from dialer.domain.kinds import CampaignState
from dialer.domain.localtime import moment_us
from dialer.domain.schedule import Schedule

MONDAY = moment_us("Europe/Berlin", datetime(2026, 3, 2, 8))
AT_NINE = Schedule("Europe/Berlin", datetime(2026, 3, 2, 9))
HOUR = 3_600_000_000


def world_in(status):
    """A campaign called spring that shows this status, by the shortest way there."""
    by_hand = (k.KeepRecords, k.ScrubLists, k.BeginRun, k.ReportRun)
    world = World(MONDAY, by_hand) if status is Status.PREPARING else World(MONDAY)
    world.save()
    if status is Status.SCHEDULED:
        world.order(k.SetSchedule, "spring", AT_NINE)
    elif status is not Status.READY:
        world.order(k.StartRun, "spring")
    if status is Status.PAUSED:
        world.order(k.PauseRun, "spring")
    elif status is Status.STOPPING:
        world.hosts.clear()  # nobody there to obey at once
        world.auto = (k.KeepRecords, k.ReportRun)
        world.order(k.StopRun, "spring")
    elif status in {Status.COMPLETED, Status.RERUN}:
        world.end("spring")
        world.leap(world.now_us + HOUR // 60)
    if status is Status.RERUN:
        world.order(k.RerunCampaign, "spring")
    assert world.status("spring") is status
    return world


def payload(order, world):
    if order is k.SaveCampaign:
        record = world.record("spring")
        spec = replace(record.spec, priority=1)
        return {"spec": spec, "lists": record.lists, "dnc_lists": record.dnc_lists, "file": {}}
    if order is k.CloneCampaign:
        return {"to": "copy"}
    return {"schedule": AT_NINE} if order is k.SetSchedule else {}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("status", list(Status))
def test_every_order_in_every_status(status, order):
    """Done, or refused with words and nothing changed. Requirements 6, 8, 101, 106, 109, 110."""
    world = world_in(status)
    before = world.record("spring")
    said = len(world.said)
    expected = ANSWERS[status, order]
    answer = world.order(order, "spring", **payload(order, world))
    if isinstance(expected, str):
        assert answer == k.OrderRefused(world.orders, Refusal.CONFLICT, expected.format(name="spring"))
    if isinstance(answer, k.OrderRefused):
        assert world.record("spring") == before
        assert len(world.said) == said + 1  # the answer
    elif expected is Do.JOIN:
        assert answer is None
        world.do(k.PrepareRun)
        assert {world.answers[no].run_no for no in (world.orders - 1, world.orders)} == {1}
    else:
        assert isinstance(answer, k.OrderDone)


def test_the_tables_are_whole():
    """Every status has an answer to every order, every phase a status, and every status is reached."""
    assert set(ANSWERS) == {(status, order) for status in Status for order in ORDERS}
    assert {phase for phase, _ in STATUS} == set(Phase)
    assert set(STATUS.values()) == set(Status)
    assert {trait for _, trait in STATUS} == set(Trait)
    assert {answer for answer in ANSWERS.values() if isinstance(answer, Do)} == set(Do)
    ended = {CampaignState.STOPPED, CampaignState.COMPLETED, CampaignState.STOPPING}
    assert not ended & {state for _, state in OUTSTANDING}


@pytest.mark.parametrize("order", ORDERS)
def test_an_unknown_campaign(order):
    """Saving makes it; everything else says that there is none."""
    world = World(MONDAY)
    world.save("other")
    fields = payload(order, world_in(Status.READY))
    answer = world.order(order, "nobody", **fields)
    if order is k.SaveCampaign:
        assert answer == k.OrderDone(world.orders)
    else:
        assert (answer.kind, answer.words) == (Refusal.NOT_FOUND, "there is no campaign 'nobody'")
