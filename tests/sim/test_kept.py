"""Kept campaigns in virtual time: the keeper beside the machines that dial, over weeks, clock changes and crashes."""
# ruff: noqa: DTZ001 - a wall clock has no zone

from collections import Counter
from datetime import datetime

import pytest

from dialer.config import load_rules
from dialer.domain import keeping as k
from dialer.domain.ids import contact_of, run_of
from dialer.domain.keeper_table import status_of
from dialer.domain.keeping import Ending, Status
from dialer.domain.kinds import UNDIALLED, CampaignState, DialingMode
from dialer.domain.localtime import moment_us, wall_clock
from dialer.domain.message import Address
from dialer.domain.schedule import RecurrenceUnit, Schedule
from dialer.domain.specs import AgentSpec, CampaignSpec, DispositionRule, RetryRule, TrunkSpec, WeeklyHours
from dialer.sim.contacts import SyntheticContacts
from dialer.sim.kept import KeptCampaigns, Setting

NEW_YORK = "America/New_York"
MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, 86_400_000_000
ONCE = RetryRule(max_attempts=1)
SIZE = 6
#: Nobody asks to be called again, which would be one more call.
NO_CALLBACKS = (DispositionRule("done"),)


def kept(start, *, agents=2, faults="none", seed=1):
    """A dialer with a contact list of the state of New York, where clocks change on 8 March 2026."""
    people = [AgentSpec(f"a{no}", "main", ("main",), ("main",)) for no in range(agents)]
    setting = Setting(
        start_us=moment_us(NEW_YORK, start),
        trunk=TrunkSpec("main", lines=10, calls_per_s=5),
        rules=load_rules(),
        lists={"people": SyntheticContacts(SIZE)},
        agents=people,
        faults=faults,
        seed=seed,
        check_every=1 if faults == "none" else 3,
    )
    return KeptCampaigns(setting)


def save(campaigns, name="spring", **fields):
    spec = CampaignSpec(
        name,
        DialingMode.PROGRESSIVE,
        "main",
        "main",
        "main",
        12025550100,
        retry=ONCE,
        dispositions=NO_CALLBACKS,
        **fields,
    )
    campaigns.order(k.SaveCampaign, name, spec=spec, lists=("people",), dnc_lists=(), file={})


def dialled(campaigns):
    """How often each contact was dialled, by run."""
    found = {}
    for attempt, row in campaigns.world.journal.outcomes.items():
        if row.outcome not in UNDIALLED:
            found.setdefault(run_of(attempt), Counter())[contact_of(attempt)] += 1
    return found


def test_six_weeks_of_a_weekly_campaign_over_a_clock_change():
    """At 15:00 on the wall each time, each time over all contacts, scrubbed a quarter of an hour before.

    Requirements 94, 95, 96, 99, 100.
    """
    campaigns = kept(datetime(2026, 2, 16, 12))
    save(campaigns)
    weekly = Schedule(NEW_YORK, datetime(2026, 2, 17, 15), datetime(2026, 3, 31, 12), RecurrenceUnit.WEEK)
    campaigns.order(k.SetSchedule, "spring", weekly)
    campaigns.run(moment_us(NEW_YORK, datetime(2026, 3, 31, 13)))
    notes = campaigns.notes("spring")
    days = [(2, 17), (2, 24), (3, 3), (3, 10), (3, 17), (3, 24)]
    assert [wall_clock(NEW_YORK, note.started_us) for note in notes] == [datetime(2026, *day, 15) for day in days]
    assert [note.started_us // HOUR % 24 for note in notes] == [20, 20, 20, 19, 19, 19]
    assert [note.ending for note in notes] == [Ending.COMPLETED] * 6
    every_contact_once = Counter(range(SIZE))
    assert dialled(campaigns) == {note.run_no: every_contact_once for note in notes}
    scrubbed = [at_us for _, at_us in campaigns.library.prepared.values()]
    assert [note.started_us - at_us for note, at_us in zip(notes, scrubbed, strict=True)] == pytest.approx(
        [15 * MINUTE] * 6, abs=MINUTE
    )
    assert status_of(campaigns.library.records["spring"]) is Status.COMPLETED


def test_active_before_its_hours():
    """At the scheduled time it is active, and dials when its hours open. Requirements 92, 99."""
    campaigns = kept(datetime(2026, 3, 2, 12))
    save(campaigns, hours=WeeklyHours.daily(17 * 60, 20 * 60))
    campaigns.order(k.SetSchedule, "spring", Schedule(NEW_YORK, datetime(2026, 3, 2, 16)))
    campaigns.run(moment_us(NEW_YORK, datetime(2026, 3, 2, 16, 59)))
    assert status_of(campaigns.library.records["spring"]) is Status.ACTIVE
    assert dialled(campaigns) == {}
    campaigns.run(moment_us(NEW_YORK, datetime(2026, 3, 3, 4)))
    assert dialled(campaigns) == {1: Counter(range(SIZE))}


def test_precedence_beats_the_hours_and_not_the_law():
    """With it the run dials while the campaign's own hours are closed, and never before 8:00 or after 21:00 anywhere.

    Requirement 97.
    """
    campaigns = kept(datetime(2026, 3, 2, 2))
    save(campaigns, hours=WeeklyHours.daily(19 * 60, 20 * 60))
    schedule = Schedule(NEW_YORK, datetime(2026, 3, 2, 6), precedence=True)
    campaigns.order(k.SetSchedule, "spring", schedule)
    campaigns.run(moment_us(NEW_YORK, datetime(2026, 3, 2, 18)))
    assert dialled(campaigns) == {1: Counter(range(SIZE))}
    source = campaigns.setting.lists["people"]
    for attempt, row in campaigns.world.journal.intents.items():
        hours = [wall_clock(zone, row.at_us).hour for zone in source.zone_sets[source.zone_key(contact_of(attempt))]]
        assert all(8 <= hour < 21 for hour in hours)
        assert any(hour < 19 for hour in hours)


def test_pause_stop_and_rerun_by_hand():
    """The orders reach the run, its calls end, and the replay dials everybody again. Requirements 11, 108, 110."""
    campaigns = kept(datetime(2026, 3, 2, 15))
    save(campaigns)
    start_us = campaigns.setting.start_us
    started = campaigns.order(k.StartRun, "spring")
    campaigns.run(start_us + 10_000_000)
    assert campaigns.operator.answers[started] == k.OrderDone(started, 1)
    campaigns.order(k.PauseRun, "spring")
    campaigns.run(start_us + 10 * MINUTE)
    assert campaigns.world.journal.states[1] is CampaignState.PAUSED
    before = dialled(campaigns)[1].total()
    assert before < SIZE
    campaigns.order(k.StopRun, "spring")
    campaigns.run(start_us + 11 * MINUTE)
    assert campaigns.world.journal.states[1] is CampaignState.STOPPED
    campaigns.order(k.RerunCampaign, "spring")
    campaigns.run(start_us + 6 * HOUR)
    assert dialled(campaigns)[2] == Counter(range(SIZE))
    assert [note.ending for note in campaigns.notes("spring")] == [Ending.STOPPED, Ending.COMPLETED]


def test_a_change_while_it_dials():
    """The run goes on under the new version, and nobody is called twice. Requirement 106."""
    campaigns = kept(datetime(2026, 3, 2, 15))
    save(campaigns)
    campaigns.order(k.StartRun, "spring")
    campaigns.run(campaigns.setting.start_us + 10_000_000)
    save(campaigns, priority=2)
    campaigns.run(campaigns.setting.start_us + 6 * HOUR)
    assert dialled(campaigns) == {1: Counter(range(SIZE))}
    assert {row.version for row in campaigns.world.journal.intents.values()} == {1, 2}


@pytest.mark.parametrize("seed", range(4))
def test_a_week_of_accidents(seed):
    """Daily runs while everything crashes: each day one run, each contact at most once in it. Requirements 96, 102."""
    campaigns = kept(datetime(2026, 3, 5, 12), faults="heavy", seed=seed)
    save(campaigns)
    daily = Schedule(NEW_YORK, datetime(2026, 3, 5, 16), datetime(2026, 3, 8, 23), RecurrenceUnit.DAY)
    campaigns.order(k.SetSchedule, "spring", daily)
    campaigns.world.accidents.unleash()
    campaigns.run(moment_us(NEW_YORK, datetime(2026, 3, 9)))
    assert campaigns.world.accidents.crashes > 10
    notes = campaigns.notes("spring")
    starts = [moment_us(NEW_YORK, datetime(2026, 3, day, 16)) for day in (5, 6, 7, 8)]
    assert [note.scheduled_us for note in notes] == starts
    assert all(0 <= note.started_us - note.scheduled_us < 15 * MINUTE for note in notes)
    assert all(max(count.values()) == 1 for count in dialled(campaigns).values())
    assert {note.ending for note in notes} <= {Ending.COMPLETED, Ending.ENDED}
    machine = campaigns.world.last_known(Address("keeper", "main"))
    assert machine.records == campaigns.library.records
