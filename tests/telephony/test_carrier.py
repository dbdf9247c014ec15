"""Facts about the simulated carrier as a machine."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from dialer.domain.commands import BridgeCall, ChangeCall, ClearCall, LogIn, PlaceCall
from dialer.domain.events import LineAnswered, LineChanged, LineEnded, LineJoined
from dialer.domain.kinds import AnswerClass, Outcome
from dialer.domain.specs import HOUR_US, SECOND_US
from dialer.errors import InvariantError
from dialer.telephony.simulated.carrier import Carrier
from dialer.telephony.simulated.chance import Spread
from dialer.telephony.simulated.profile import CarrierProfile, profile_by_name

PERSON = replace(
    profile_by_name("instant"),
    ring=Spread(9 * SECOND_US),
    detection=Spread(SECOND_US),
    patience=Spread(5 * SECOND_US),
    talk=Spread(60 * SECOND_US),
    flow=Spread(20 * SECOND_US),
)
MACHINE = replace(PERSON, person_ratio=0.0, machine_ratio=1.0)


def place(attempt: int, *, amd: bool = False, flow: str | None = None, ring_s: int = 25) -> PlaceCall:
    """An order to dial a fictional number."""
    return PlaceCall(attempt, 12025550100, 12025550199, ring_s * SECOND_US, amd, flow)


def run(carrier: Carrier, until_us: int | None = None) -> list[tuple[int, Any]]:
    """Let time pass from deadline to deadline; what happened, and when."""
    told: list[tuple[int, Any]] = []
    while (due_us := carrier.next_deadline_us()) is not None and (until_us is None or due_us <= until_us):
        told += [(due_us, event) for event in carrier.handle((), due_us)]
        carrier.check_invariants()
    return told


def answered(profile: CarrierProfile, *, amd: bool = False, flow: str | None = None) -> Carrier:
    """A carrier with attempt 1 just reported as answered."""
    carrier = Carrier(profile, 1)
    carrier.handle([place(1, amd=amd, flow=flow)], 0)
    while not (carrier.live_calls() and carrier.live_calls()[0][2]):
        due_us = carrier.next_deadline_us()
        assert due_us is not None
        carrier.handle((), due_us)
    return carrier


def test_person_joined_talks_and_hangs_up() -> None:
    """A joined person talks for the drawn time from the join, and the call counts as connected."""
    carrier = answered(PERSON)
    assert carrier.live_calls() == ((1, "", True),)
    assert carrier.handle([BridgeCall(1, "a1")], 10 * SECOND_US) == [LineJoined(1, "a1")]
    assert carrier.live_calls() == ((1, "a1", True),)
    assert run(carrier) == [(70 * SECOND_US, LineEnded(1, Outcome.CONNECTED, 16))]
    assert carrier.live_calls() == ()


def test_person_alone_hangs_up() -> None:
    """A person whom nobody joins hangs up when patience is out."""
    carrier = Carrier(PERSON, 1)
    assert carrier.handle([place(1)], 0) == []
    assert run(carrier) == [
        (9 * SECOND_US, LineAnswered(1, AnswerClass.UNKNOWN)),
        (14 * SECOND_US, LineEnded(1, Outcome.HUNG_UP, 16)),
    ]


def test_detection_takes_time_and_patience() -> None:
    """Detection reports a person later, and the person's patience runs meanwhile."""
    carrier = Carrier(PERSON, 1)
    carrier.handle([place(1, amd=True)], 0)
    assert run(carrier) == [
        (10 * SECOND_US, LineAnswered(1, AnswerClass.HUMAN)),
        (14 * SECOND_US, LineEnded(1, Outcome.HUNG_UP, 16)),
    ]


def test_answer_is_reported_before_the_hang_up() -> None:
    """A person with less patience than detection takes is still reported as answered first."""
    carrier = Carrier(replace(PERSON, patience=Spread(1)), 1)
    carrier.handle([place(1, amd=True)], 0)
    assert [type(event) for _, event in run(carrier)] == [LineAnswered, LineEnded]


def test_machine_detected() -> None:
    """A machine under detection is reported as one and ends as one, by itself or when cleared."""
    carrier = Carrier(MACHINE, 1)
    carrier.handle([place(1, amd=True), place(2, amd=True)], 0)
    told = run(carrier, until_us=15 * SECOND_US)
    assert {event for _, event in told} == {LineAnswered(n, AnswerClass.MACHINE) for n in (1, 2)}
    assert carrier.handle([ClearCall(1, None)], 15 * SECOND_US) == [LineEnded(1, Outcome.MACHINE, 16)]
    assert [event for _, event in run(carrier)] == [LineEnded(2, Outcome.MACHINE, 16)]


def test_machine_undetected_looks_like_a_person() -> None:
    """Without detection a machine is UNKNOWN, can be joined, and then counts as connected."""
    carrier = Carrier(MACHINE, 1)
    carrier.handle([place(1)], 0)
    assert [event for _, event in run(carrier, until_us=9 * SECOND_US)] == [LineAnswered(1, AnswerClass.UNKNOWN)]
    carrier.handle([BridgeCall(1, "a1")], 9 * SECOND_US)
    assert [event for _, event in run(carrier)] == [LineEnded(1, Outcome.CONNECTED, 16)]


def test_flow_is_heard_at_once() -> None:
    """A flow call needs no join, and counts as connected."""
    carrier = answered(PERSON, flow="greeting")
    assert run(carrier) == [(29 * SECOND_US, LineEnded(1, Outcome.CONNECTED, 16))]


def test_ring_timeout() -> None:
    """Who would pick up after the ring timeout does not answer, and the call ends on time."""
    carrier = Carrier(PERSON, 1)
    carrier.handle([place(1, ring_s=8)], 0)
    assert run(carrier) == [(8 * SECOND_US, LineEnded(1, Outcome.NO_ANSWER, 19))]


def test_live_attempt_is_not_dialled_again() -> None:
    """Placing a live attempt id again makes no second leg."""
    carrier = Carrier(PERSON, 1)
    carrier.handle([place(1), place(1)], 0)
    carrier.handle([place(1)], SECOND_US)
    assert len(carrier.live_calls()) == 1
    assert sum(type(event) is LineEnded for _, event in run(carrier)) == 1


def test_clear_before_answer_and_after() -> None:
    """Clearing a ringing call is no answer; a waiting person hung up; a joined one is connected."""
    carrier = Carrier(PERSON, 1)
    carrier.handle([place(1)], 0)
    assert carrier.handle([ClearCall(1, "sorry")], SECOND_US) == [LineEnded(1, Outcome.NO_ANSWER, 19)]
    waiting = answered(PERSON)
    assert waiting.handle([ClearCall(1, None)], 10 * SECOND_US) == [LineEnded(1, Outcome.HUNG_UP, 16)]
    joined = answered(PERSON)
    joined.handle([BridgeCall(1, "a1")], 10 * SECOND_US)
    assert joined.handle([ClearCall(1, None)], 11 * SECOND_US) == [LineEnded(1, Outcome.CONNECTED, 16)]


def test_message_is_played_before_clearing() -> None:
    """A message is heard to its end, once, by somebody whom nobody can be joined to any more."""
    carrier = answered(PERSON)
    assert carrier.handle([ClearCall(1, "sorry")], 13 * SECOND_US) == []
    assert carrier.handle([ClearCall(1, "sorry"), BridgeCall(1, "a1")], 14 * SECOND_US) == []
    assert run(carrier) == [(17 * SECOND_US, LineEnded(1, Outcome.HUNG_UP, 16))]
    again = answered(PERSON)
    again.handle([ClearCall(1, "sorry")], 10 * SECOND_US)
    assert again.handle([ClearCall(1, None)], 11 * SECOND_US) == [LineEnded(1, Outcome.HUNG_UP, 16)]


def test_orders_for_calls_that_are_gone() -> None:
    """Orders for unknown, ringing or already joined calls do nothing."""
    carrier = Carrier(PERSON, 1)
    assert carrier.handle([BridgeCall(7, "a1"), ClearCall(7, None), place(1), BridgeCall(1, "a1")], 0) == []
    joined = answered(PERSON)
    joined.handle([BridgeCall(1, "a1")], 10 * SECOND_US)
    assert joined.handle([BridgeCall(1, "a2")], 11 * SECOND_US) == []
    assert joined.live_calls() == ((1, "a1", True),)


def change(attempt: int = 1, *, muted: bool = False, held: bool = False) -> ChangeCall:
    """An order to mute, hold, or take that back."""
    return ChangeCall(attempt, muted, held)


def test_mute_and_hold() -> None:
    """A joined call is muted and held as ordered, each time told, and talks on for its time. Requirements 38, 56."""
    carrier = answered(PERSON)
    carrier.handle([BridgeCall(1, "a1")], 10 * SECOND_US)
    assert carrier.handle([change(muted=True)], 20 * SECOND_US) == [LineChanged(1, muted=True, held=False)]
    carrier.check_invariants()
    assert carrier.handle([change(held=True), change()], 30 * SECOND_US) == [
        LineChanged(1, muted=False, held=True),
        LineChanged(1, muted=False, held=False),
    ]
    assert run(carrier) == [(70 * SECOND_US, LineEnded(1, Outcome.CONNECTED, 16))]


def test_mute_is_vain_where_no_agent_is() -> None:
    """Calls that are unknown, ringing, waiting or with a flow are not changed, nor is the next one of that id."""
    carrier = Carrier(PERSON, 1)
    assert carrier.handle([change(7), place(1), change()], 0) == []
    assert answered(PERSON).handle([change(muted=True)], 10 * SECOND_US) == []
    assert answered(PERSON, flow="f").handle([change(muted=True)], 10 * SECOND_US) == []
    joined = answered(PERSON)
    joined.handle([BridgeCall(1, "a1"), change(muted=True), ClearCall(1, None)], 10 * SECOND_US)
    assert joined.handle([change(held=True)], 11 * SECOND_US) == []


def test_a_late_carrier_changes_late() -> None:
    """The latest order is carried out when the first one is due, and one that the end overtakes is not told."""
    late = replace(PERSON, late_ratio=1.0, lateness=Spread(2 * SECOND_US))
    carrier = answered(late)
    carrier.handle([BridgeCall(1, "a1")], 9 * SECOND_US)
    assert run(carrier, until_us=11 * SECOND_US) == [(11 * SECOND_US, LineJoined(1, "a1"))]
    assert carrier.handle([change(muted=True), change(held=True)], 20 * SECOND_US) == []
    assert run(carrier, until_us=30 * SECOND_US) == [(22 * SECOND_US, LineChanged(1, muted=False, held=True))]
    carrier.handle([change()], 70 * SECOND_US)
    assert run(carrier) == [(71 * SECOND_US, LineEnded(1, Outcome.CONNECTED, 16))]


def test_unknown_command_is_refused() -> None:
    """What is no command to a switch raises."""
    with pytest.raises(TypeError, match="LogIn"):
        Carrier(PERSON, 1).handle([LogIn("a1")], 0)


def test_slow_bridge_can_be_too_late() -> None:
    """A join takes the bridge's time; somebody who hangs up first is never joined."""
    slow = replace(PERSON, bridge_us=2 * SECOND_US)
    carrier = answered(slow)
    assert carrier.handle([BridgeCall(1, "a1")], 10 * SECOND_US) == []
    assert run(carrier, until_us=12 * SECOND_US) == [(12 * SECOND_US, LineJoined(1, "a1"))]
    late = answered(slow)
    late.handle([BridgeCall(1, "a1")], 13 * SECOND_US)
    assert run(late) == [(14 * SECOND_US, LineEnded(1, Outcome.HUNG_UP, 16))]


def test_late_carrier_crosses_orders() -> None:
    """A late carrier clears late, though asked again, and what happens meanwhile is still told."""
    carrier = Carrier(replace(PERSON, late_ratio=1.0, lateness=Spread(2 * SECOND_US)), 1)
    carrier.handle([place(1)], 0)
    carrier.handle([ClearCall(1, None)], 8 * SECOND_US)
    carrier.handle([ClearCall(1, None)], 9 * SECOND_US - 1)
    assert run(carrier) == [
        (9 * SECOND_US, LineAnswered(1, AnswerClass.UNKNOWN)),
        (10 * SECOND_US, LineEnded(1, Outcome.HUNG_UP, 16)),
    ]


def test_shares_of_the_typical_world() -> None:
    """Outcomes of many calls have the profile's shares within a percentage point."""
    carrier = Carrier(profile_by_name("typical"), 5)
    count = 20_000
    carrier.handle([place(n, amd=True, flow="f", ring_s=120) for n in range(1, count + 1)], 0)
    ends = Counter(event.outcome for _, event in run_fast(carrier) if type(event) is LineEnded)
    assert sum(ends.values()) == count
    want = {
        Outcome.CONNECTED: 0.25,
        Outcome.MACHINE: 0.25,
        Outcome.NO_ANSWER: 0.35,
        Outcome.BUSY: 0.06,
        Outcome.INVALID: 0.04,
        Outcome.REJECTED: 0.02,
        Outcome.CONGESTION: 0.02,
        Outcome.FAILED: 0.01,
    }
    assert set(ends) == set(want)
    assert all(abs(ends[outcome] / count - ratio) < 0.01 for outcome, ratio in want.items())


def run_fast(carrier: Carrier) -> list[tuple[int, Any]]:
    """As ``run``, in one step."""
    return [(0, event) for event in carrier.handle((), 10 * HOUR_US)]


def test_hour_of_day_moves_only_people() -> None:
    """At an hour when nobody is home, people do not answer, and everyone else fares as before."""
    typical = profile_by_name("typical")
    nobody = replace(typical, person_by_hour=(0.0, *(1.0,) * 23))

    def ends(profile: CarrierProfile, now_us: int) -> dict[int, Outcome]:
        carrier = Carrier(profile, 3)
        carrier.handle([place(n, amd=True, flow="f", ring_s=120) for n in range(1, 2001)], now_us)
        told = carrier.handle((), now_us + HOUR_US)
        return {event.attempt_id: event.outcome for event in told if type(event) is LineEnded}

    usual, night = ends(typical, 0), ends(nobody, 0)
    assert ends(nobody, HOUR_US) == usual
    assert Outcome.CONNECTED not in night.values()
    assert all(
        night[n] == (Outcome.NO_ANSWER if outcome is Outcome.CONNECTED else outcome) for n, outcome in usual.items()
    )


def test_callees_do_not_depend_on_order() -> None:
    """The same attempts meet the same callees in any order and company; another seed meets others."""

    def fates(order: list[int], seed: int) -> dict[int, list[tuple[int, Any]]]:
        carrier = Carrier(profile_by_name("faulty"), seed)
        carrier.handle([place(n, amd=True) for n in order], 0)
        told: dict[int, list[tuple[int, Any]]] = {}
        for at_us, event in run(carrier):
            told.setdefault(event.attempt_id, []).append((at_us, event))
        return told

    order = list(range(1, 201))
    first = fates(order, 1)
    shuffled = random.Random(4).sample(order, len(order))
    assert fates(shuffled, 1) == first
    assert fates(order[:50], 1) == {n: first[n] for n in order[:50]}
    assert fates(order, 2) != first


@pytest.mark.parametrize("name", ["typical", "eager", "instant", "quiet", "faulty", "daily"])
@pytest.mark.parametrize("seed", [1, 2])
def test_every_call_ends_exactly_once(name: str, seed: int) -> None:
    """Under random orders, repeated and vain ones too, each call placed ends exactly once, after its answer."""
    chance = random.Random(seed)
    carrier = Carrier(profile_by_name(name), seed)
    now_us, told = 0, []
    for attempt in range(1, 400):
        now_us += chance.randrange(SECOND_US)
        told += carrier.handle((), now_us)  # so that nothing repeated below is over by then
        flow = "f" if chance.random() < 0.2 else None
        orders: list[Any] = [place(attempt, amd=chance.random() < 0.5, flow=flow)]
        for live, _, _ in carrier.live_calls():
            if chance.random() < 0.05:
                orders.append(place(live))
            if chance.random() < 0.1:
                orders.append(BridgeCall(live, f"a{live}"))
            if chance.random() < 0.1:
                orders.append(change(live, muted=chance.random() < 0.5, held=chance.random() < 0.5))
            if chance.random() < 0.03:
                orders.append(ClearCall(live, chance.choice([None, "sorry"])))
        told += carrier.handle(orders, now_us)
        carrier.check_invariants()
    told += [event for _, event in run(carrier)]
    stages: dict[int, list[type]] = {}
    for event in told:
        stages.setdefault(event.attempt_id, []).append(type(event))
    allowed = ([LineEnded], [LineAnswered, LineEnded], [LineAnswered, LineJoined, LineEnded])
    for seen in stages.values():  # changes come while it is joined, and nothing else changes for them
        joins = seen.index(LineJoined) if LineJoined in seen else len(seen)
        assert LineChanged not in seen[:joins]
        seen[:] = [kind for kind in seen if kind is not LineChanged]
    assert sorted(stages) == list(range(1, 400))
    assert all(seen in allowed for seen in stages.values())
    assert (carrier.placed, carrier.ended, carrier.live_count()) == (399, 399, 0)


def test_broken_balance_is_found() -> None:
    """The check of invariants sees a call that got lost."""
    carrier = Carrier(PERSON, 1)
    carrier.handle([place(1)], 0)
    carrier.placed += 1
    with pytest.raises(InvariantError, match=r"carrier\.balance"):
        carrier.check_invariants()
