"""Facts about predictive dialling: what the pacer sees, hears and decides, with a pacer that does as it is told."""

from __future__ import annotations

from functools import partial

import pytest

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.kinds import AgentState, AnswerClass, Outcome
from dialer.domain.modes import POLICIES
from dialer.domain.modes.predictive import PredictiveMode
from dialer.domain.pacing import Decision
from dialer.domain.specs import SECOND_US


class Told:
    """Wants a fixed number of calls to ring, and notes what it sees and hears."""

    def __init__(self, spec=None, *, calls=0, reserve=False):
        self.calls, self.reserve = calls, reserve
        self.sights, self.heard, self.again_us = [], [], None

    def decide(self, sight):
        """Fill up the ringing calls."""
        self.sights.append(sight)
        ring = len(sight.ringing_since_us)
        launch = sight.idle if self.reserve else max(0, self.calls - ring)
        return Decision(launch, "as told", reserve=self.reserve)

    def next_us(self, now_us):
        """When told."""
        return self.again_us

    def launched(self, count, now_us):
        """Noted."""
        self.heard.append(("launched", count))

    def answered(self, ring_us, now_us):
        """Noted."""
        self.heard.append(("answered", ring_us))

    def failed(self, after_us, now_us):
        """Noted."""
        self.heard.append(("failed", after_us))

    def handled(self, duration_us, now_us):
        """Noted."""
        self.heard.append(("handled", duration_us))


def predictive(new, *, calls=3, reserve=False, agents=("a1", "a2"), **options):
    """A scheduler whose pacer wants so many calls."""
    pacer = Told(calls=calls, reserve=reserve)
    bench = new(policies={**POLICIES, "predictive": partial(PredictiveMode, make=lambda _spec: pacer)})
    bench.pacer = pacer
    bench.said = bench.open("predictive", **options)
    if agents:
        bench.said += bench.idle(*agents)
    return bench


def test_calls_are_placed_without_a_promise(new):
    bench = predictive(new)
    said = bench.supply(5)
    assert bench.sent(said) == [1, 2, 3]
    assert said.of(c.ReserveAgent) == []
    assert bench.card().reason == "as told"


def test_no_more_than_leases_and_credits(new):
    bench = predictive(new, calls=9)
    assert bench.sent(bench.supply(4, credit=2)) == [1, 2]
    assert "no free line" in bench.card().reason
    assert bench.sent(bench.tell(e.CreditsGranted("t1", 9))) == [3, 4]


def test_leases_and_credits_are_asked_for_what_is_wanted(new):
    """Even while nobody is idle: agents will be, by the time somebody answers."""
    bench = predictive(new, calls=7, agents=())
    assert bench.said.of(c.RequestCredits) == [c.RequestCredits("p1", 7)]
    said = bench.said + bench.tell(e.CreditsGranted("t1", 7))
    assert bench.card().asked == 7
    assert said


def test_who_answers_is_joined_with_the_longest_idle(new):
    """Requirement 34."""
    bench = predictive(new)
    bench.supply(3)
    (ask,) = bench.answered(2).of(c.ReserveAgent)
    assert (ask.agent, ask.attempt_id) == ("a1", bench.call(2))
    assert bench.promised("a1", 2).of(c.JoinAgent) == [c.JoinAgent(bench.call(2), "a1", 1)]


def test_nobody_is_free_in_time(new):
    bench = predictive(new, agents=())
    bench.supply(3)
    bench.answered(1)
    assert bench.tell(after_us=bench.spec.join_limit_us).of(c.HangUp) == [c.HangUp(bench.call(1), Outcome.ABANDONED)]
    assert bench.pacer.sights[-1].abandoned == 1


def test_the_pacer_sees_the_pool(new):
    bench = predictive(new, calls=4, live_answers=40, abandoned=1)
    bench.supply(4)
    sent_us = bench.now_us
    bench.answered(1, after_us=8 * SECOND_US)
    bench.promised("a1", 1)
    joined_us = bench.now_us
    bench.answered(2, after_us=SECOND_US)
    bench.promised("a2", 2)
    bench.answered(3, after_us=SECOND_US)
    seen = bench.pacer.sights[-1]
    assert seen.now_us == bench.now_us
    assert seen.idle == 0
    assert seen.busy_since_us == [joined_us, joined_us + SECOND_US]
    assert seen.ringing_since_us == [sent_us]
    assert seen.waiting == 1
    assert (seen.live_answers, seen.abandoned) == (43, 1)
    assert seen.rival_answers == 0.0


def test_an_agent_is_busy_from_the_join_to_the_end_of_the_wrap_up(new):
    bench = predictive(new, calls=1)
    bench.supply(1)
    bench.answered(1)
    bench.promised("a1", 1)
    bench.tell(after_us=60 * SECOND_US)
    bench.ended(1, Outcome.CONNECTED, "a1")
    assert len(bench.pacer.sights[-1].busy_since_us) == 1
    bench.tell(after_us=20 * SECOND_US)
    bench.idle("a1")
    assert ("handled", 80 * SECOND_US) in bench.pacer.heard
    assert bench.pacer.sights[-1].busy_since_us == []
    assert bench.pacer.sights[-1].idle == 2


def test_a_break_is_no_work(new):
    bench = predictive(new, calls=1)
    bench.supply(1)
    bench.answered(1)
    bench.promised("a1", 1)
    bench.ended(1, Outcome.CONNECTED, "a1")
    bench.tell(e.AgentUnavailable("a1", 1, AgentState.BREAK, 0), after_us=9 * SECOND_US)
    assert ("handled", 9 * SECOND_US) in bench.pacer.heard
    assert bench.pacer.sights[-1].busy_since_us == []


def test_a_call_that_was_never_joined_is_no_work(new):
    bench = predictive(new, calls=1)
    bench.supply(1)
    bench.answered(1)
    bench.promised("a1", 1)
    bench.ended(1, Outcome.HUNG_UP)
    bench.idle("a1")
    assert not [news for news in bench.pacer.heard if news[0] == "handled"]


@pytest.mark.parametrize("kind", [AnswerClass.MACHINE, AnswerClass.FAX])
def test_the_pacer_hears_how_calls_end(new, kind):
    bench = predictive(new, calls=4)
    bench.supply(4)
    bench.answered(1, after_us=6 * SECOND_US)
    bench.answered(2, kind, after_us=SECOND_US)
    bench.ended(3, Outcome.BUSY)
    bench.ended(2, Outcome.MACHINE)
    bench.ended(1, Outcome.HUNG_UP)
    assert bench.pacer.heard == [("launched", 1)] * 4 + [
        ("answered", 6 * SECOND_US),
        ("failed", 7 * SECOND_US),
        ("failed", 7 * SECOND_US),
    ]


def test_the_pacer_is_asked_again_when_something_happened_or_its_time_has_come(new):
    bench = predictive(new, calls=1)
    bench.supply(2)
    bench.pacer.again_us = bench.now_us + SECOND_US // 2
    bench.ended(1, Outcome.BUSY)
    asked = len(bench.pacer.sights)
    bench.tell(after_us=1)
    assert len(bench.pacer.sights) == asked
    assert bench.scheduler.next_deadline_us() == bench.pacer.again_us
    bench.tell(after_us=SECOND_US // 2)
    assert len(bench.pacer.sights) == asked + 1


def test_the_fallback_promises_an_agent_before_each_call(new):
    bench = predictive(new, reserve=True)
    said = bench.supply(5)
    assert [ask.agent for ask in said.of(c.ReserveAgent)] == ["a1", "a2"]
    assert said.of(c.Originate) == []
    assert bench.sent(bench.promised("a1", 1)) == [1]
    assert bench.answered(1).of(c.JoinAgent) == [c.JoinAgent(bench.call(1), "a1", 1)]
    assert bench.pacer.sights[-1].ringing_since_us == []  # each call has its agent


def test_rivals_of_the_queue_are_seen(new):
    """Ringing calls of others, times their answer ratio, and people of theirs who wait."""
    bench = predictive(new, calls=4, agents=())
    bench.tell(bench.opened("predictive", "c2", 2, priority=3))
    bench.pacer.sights.clear()
    bench.tell(e.CreditsGranted("t1", 4), bench.granted(4))
    assert max(sight.rival_answers for sight in bench.pacer.sights) == 4 * 0.5
    bench.ended(1, Outcome.BUSY)
    bench.ended(2, Outcome.BUSY)
    bench.answered(3)
    chance = bench.card().answer_ratio
    assert chance == (1 + 1) / (3 + 2)
    assert max(sight.rival_answers for sight in bench.pacer.sights[-2:]) == pytest.approx(1 + chance)


def test_lower_priorities_leave_agents_to_those_who_will_answer(new):
    bench = predictive(new, calls=1)
    bench.tell(bench.opened("progressive", "low", 2, priority=1))
    bench.supply(3)
    said = bench.tell(e.CreditsGranted("t1", 3), bench.granted(2, "low", 2))
    assert said.of(c.ReserveAgent) == []
    bench.tell(e.LeasesGranted("c1", (), 9, None))
    for number in (1, 2):
        assert bench.ended(number, Outcome.BUSY).of(c.ReserveAgent) == []
    bench.ended(3, Outcome.BUSY)
    assert [ask.campaign for ask in bench.tell(e.CreditsGranted("t1", 2)).of(c.ReserveAgent)] == ["low", "low"]


def test_equal_campaigns_with_promises_leave_agents_to_calls_that_ring_alone(new):
    """Two calls ring, one is expected to be answered: of two idle agents one is left to it."""
    bench = predictive(new, calls=2)
    bench.supply(2)
    bench.tell(bench.opened("progressive", "c2", 2))
    said = bench.tell(e.CreditsGranted("t1", 3), bench.granted(2, "c2", 2))
    assert len(said.of(c.ReserveAgent)) == 1
    assert "kept for calls that ring" in bench.card("c2").reason


def test_another_spec_another_pacer(new):
    made = []

    def make(spec):
        made.append(spec.abandon_limit_ratio)
        return Told()

    bench = new(policies={**POLICIES, "predictive": partial(PredictiveMode, make=make)})
    bench.open("predictive")
    bench.open("predictive", epoch=2)
    bench.open("predictive", epoch=2, abandon_limit_ratio=0.01)
    assert made == [0.03, 0.01]
