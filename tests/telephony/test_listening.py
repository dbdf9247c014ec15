"""Simulated callees in a flow: when they press what, what they leave unanswered, and that nothing outlives a call."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from dialer.domain import media as m
from dialer.domain.commands import BridgeCall, ClearCall, PlaceCall
from dialer.domain.events import LineAnswered, LineEnded, LineJoined
from dialer.domain.kinds import Outcome
from dialer.domain.specs import SECOND_US
from dialer.errors import ConfigError
from dialer.telephony.simulated.carrier import Carrier
from dialer.telephony.simulated.chance import Spread
from dialer.telephony.simulated.listening import CHARACTER_US, Listeners, Manners
from dialer.telephony.simulated.profile import profile_by_name

LONG = 100_000 * SECOND_US
ANSWERS = replace(profile_by_name("instant"), flow=Spread(600 * SECOND_US))
MACHINE = replace(
    ANSWERS, person_ratio=0.0, machine_ratio=1.0, greeting=Spread(15 * SECOND_US), machine_detection=Spread(0)
)


def until(listeners: Listeners, now_us: int = LONG) -> list[Any]:
    events: list[Any] = []
    listeners.advance(now_us, events)
    return events


def gather(attempt: int = 1, op: int = 1, *, digits: int = 1, first_s: int = 5) -> m.GatherDigits:
    return m.GatherDigits(attempt, op, digits, "", first_s * SECOND_US, SECOND_US)


def test_a_text_takes_time_to_speak():
    listeners = Listeners(Manners(), 1)
    listeners.order(m.SayText(1, 1, "x" * 100, "en-US"), 50, None)
    assert listeners.next_us() == 50 + 100 * CHARACTER_US
    assert until(listeners) == [m.PromptEnded(1, 1)]
    assert listeners.next_us() is None


def test_a_recording_is_always_as_long():
    """The same name is the same length, to everybody; music that loops has no end."""
    listeners = Listeners(Manners(), 1)
    ends = []
    for attempt in (1, 2):
        listeners.order(m.PlayPrompt(attempt, attempt, "hello"), 0, None)
        ends.append(listeners.next_us())
        until(listeners)
    listeners.order(m.PlayPrompt(3, 1, "music", loop=True), 0, None)
    assert ends[0] == ends[1]
    assert listeners.next_us() is None


def test_share_of_those_who_press():
    """Over many callees, answers and keys have the shares of the manners."""
    manners = Manners(press_ratio=0.6, keys=(("1", 0.75), ("2", 0.25)), reaction=Spread(SECOND_US))
    listeners = Listeners(manners, 7)
    for attempt in range(4_000):
        listeners.order(gather(attempt), 0, None)
    found = Counter(event.digits for event in until(listeners))
    assert found["1"] / 4_000 == pytest.approx(0.45, abs=0.03)
    assert found["2"] / 4_000 == pytest.approx(0.15, abs=0.03)
    assert found[""] == 4_000 - found["1"] - found["2"]


def test_slow_people_are_too_late():
    """A reaction that takes longer than the time for an answer is none; the time runs from the end of the question."""
    listeners = Listeners(Manners(press_ratio=1.0, reaction=Spread(6 * SECOND_US)), 1)
    listeners.order(m.SayText(1, 1, "x" * 100, "en-US"), 0, None)
    listeners.order(gather(), 0, None)
    assert until(listeners, 100 * CHARACTER_US) == [m.PromptEnded(1, 1)]
    assert listeners.next_us() == 100 * CHARACTER_US + 5 * SECOND_US
    assert until(listeners) == [m.DigitsGathered(1, 1, "")]


def test_impatient_people_interrupt():
    """Somebody who presses before the question is over is told of before its end."""
    listeners = Listeners(Manners(press_ratio=1.0, barge_ratio=1.0, reaction=Spread(SECOND_US)), 1)
    listeners.order(m.SayText(1, 1, "x" * 100, "en-US"), 0, None)
    listeners.order(gather(digits=3), 0, None)
    events = until(listeners, 3 * SECOND_US)
    assert [len(event.digits) for event in events] == [3]
    listeners.order(m.StopPrompt(1, 1), 3 * SECOND_US, None)
    assert until(listeners) == []


def test_speaking_and_silence():
    """A recording ends after speech and silence, at the limit at the latest; of silence there is none."""
    for manners, limit_s, expected in (
        (Manners(speak_ratio=1.0, speech=Spread(5 * SECOND_US)), 60, m.RecordingEnded(1, 1, 5 * SECOND_US)),
        (Manners(speak_ratio=1.0, speech=Spread(50 * SECOND_US)), 10, m.RecordingEnded(1, 1, 10 * SECOND_US)),
        (Manners(speak_ratio=0.0), 60, m.RecordingEnded(1, 1, 0, ok=False)),
    ):
        listeners = Listeners(manners, 1)
        order = m.StartRecording(1, 1, "x", limit_s * SECOND_US, 3 * SECOND_US, beep=True)
        listeners.order(order, 0, None)
        assert listeners.next_us() <= limit_s * SECOND_US
        assert until(listeners) == [expected]


def test_automations_answer_fail_or_are_silent():
    """Requirement 29. Each in its share; one that would take too long says nothing."""
    order = m.CallAutomation(1, 1, "https://example.com", (), SECOND_US)
    listeners = Listeners(Manners(automation_ratio=0.8, latency=Spread(SECOND_US // 2)), 1)
    for attempt in range(1_000):
        listeners.order(m.CallAutomation(attempt, 1, order.url, (), SECOND_US), 0, None)
    found = Counter((event.ok, event.answer) for event in until(listeners))
    assert set(found) == {(True, "yes"), (True, "no"), (False, "")}
    assert found[False, ""] / 1_000 == pytest.approx(0.2, abs=0.05)
    slow = Listeners(Manners(latency=Spread(2 * SECOND_US)), 1)
    slow.order(order, 0, None)
    assert slow.next_us() is None


@pytest.mark.parametrize(
    ("begin", "stop"),
    [
        (m.PlayPrompt(1, 1, "hello"), m.StopPrompt(1, 1)),
        (gather(), m.StopGather(1, 1)),
        (m.StartRecording(1, 1, "x", LONG, SECOND_US, beep=False), m.StopRecording(1, 1)),
    ],
)
def test_what_is_stopped_is_not_told(begin, stop):
    listeners = Listeners(Manners(), 1)
    listeners.order(stop, 0, None)  # nothing is going on yet
    listeners.order(begin, 0, None)
    listeners.order(stop, 1, None)
    assert until(listeners) == []


@pytest.mark.parametrize(
    "wrong", [{"press_ratio": 1.1}, {"speak_ratio": -0.1}, {"keys": (("1", 0.5),)}, {"keys": ()}, {"answers": ()}]
)
def test_manners_that_cannot_be(wrong):
    with pytest.raises(ConfigError, match="manners"):
        Manners(**wrong)


# -- in the carrier --------------------------------------------------------------------------------------------------


def answered(profile=ANSWERS, *, amd=False):
    carrier = Carrier(profile, 1)
    carrier.handle([PlaceCall(1, 12025550100, 12025550199, 25 * SECOND_US, amd, "f")], 0)
    assert carrier.live_calls()[0][2]
    return carrier


def test_a_call_in_a_flow():
    """Requirement 21. The carrier speaks, and tells when it is done; orders before the pick-up are in vain."""
    slow = Carrier(replace(ANSWERS, ring=Spread(SECOND_US)), 1)
    order = m.SayText(1, 1, "Hello", "en-US")
    events = slow.handle([PlaceCall(1, 12025550100, 12025550199, 25 * SECOND_US, amd=False, flow="f"), order], 0)
    assert events == []
    assert [type(event) for event in slow.handle([], SECOND_US)] == [LineAnswered]
    carrier = answered()
    assert carrier.flows_up() == (1,)
    carrier.handle([order], 10)
    assert carrier.next_deadline_us() == 10 + 5 * CHARACTER_US
    assert carrier.handle([], 10 + 5 * CHARACTER_US) == [m.PromptEnded(1, 1)]


def test_nothing_outlives_a_call():
    """Whatever was going on ends with the call, without a word."""
    carrier = answered()
    carrier.handle([m.SayText(1, 1, "Hello", "en-US"), gather()], 10)
    assert carrier.handle([ClearCall(1, None)], 20) == [LineEnded(1, Outcome.CONNECTED, 16)]
    assert carrier.next_deadline_us() is None
    assert carrier.handle([m.SayText(1, 2, "Hello", "en-US")], 30) == []
    assert carrier.flows_up() == ()


def test_an_agent_joins_from_a_flow():
    """Who waits in a queue can be joined, and talks then for as long as anybody."""
    carrier = answered()
    carrier.handle([m.PlayPrompt(1, 1, "music", loop=True)], 10)
    assert carrier.handle([BridgeCall(1, "a1")], 20) == [LineJoined(1, "a1")]
    assert carrier.next_deadline_us() == 20 + SECOND_US


def test_a_machine_has_a_tone():
    """Requirements 22, 28. The tone comes at the end of the greeting; after it the machine records."""
    carrier = answered(MACHINE, amd=True)
    carrier.handle([m.AwaitTone(1, 0, 40 * SECOND_US)], SECOND_US)
    assert carrier.next_deadline_us() == 15 * SECOND_US
    assert carrier.handle([], 15 * SECOND_US) == [m.ToneHeard(1, 0)]
    carrier.handle([m.SayText(1, 1, "Call us.", "en-US")], 15 * SECOND_US)
    assert carrier.handle([], 16 * SECOND_US) == [m.PromptEnded(1, 1)]
    assert carrier.handle([ClearCall(1, None)], 17 * SECOND_US) == [LineEnded(1, Outcome.MACHINE, 16)]


def test_a_person_has_no_tone():
    carrier = answered()
    carrier.handle([m.AwaitTone(1, 0, 2 * SECOND_US)], 0)
    assert carrier.handle([], 2 * SECOND_US) == [m.ToneHeard(1, 0, ok=False)]
