"""Facts about power dialling: groups of calls, who gets which answer, and how long calls ring."""

from __future__ import annotations

import pytest

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.calls import Stage
from dialer.domain.groups import CLOCK_MARGIN_US, LEAST_RING_US
from dialer.domain.kinds import AgentState, AnswerClass, CampaignState, Outcome
from dialer.domain.modes.base import NO_AGENT, NO_LINE
from dialer.domain.modes.power import CAPPED
from dialer.domain.pool import PROMISE_MARGIN_US
from dialer.domain.specs import SECOND_US

TRUNK = "trunk/t1"
RICH = {"live_answers": 100_000}  #: the abandonment limit leaves room for anything


def power(new, *, agents=("a1",), ratio=2.0, leases=2, credit=None, **options):
    """A scheduler that has asked the agents to wait for groups of calls."""
    bench = new()
    bench.open("power", ratio=ratio, **(RICH | options))
    bench.idle(*agents)
    bench.said = bench.supply(leases, credit=credit)
    return bench


def dialling(new, **options):
    """The same with one agent, and the group is being dialled."""
    bench = power(new, **options)
    bench.said = bench.promised()
    return bench


def test_an_idle_agent_is_promised_before_a_group_is_dialled(new):
    """Requirements 64, 71, 72."""
    bench = power(new, ratio=3.0, leases=3)
    (ask,) = bench.said.of(c.ReserveAgent)
    assert (ask.agent, ask.attempt_id, ask.preview_us) == ("a1", bench.call(1), 0)
    assert bench.said.of(c.Originate) == []
    assert [bench.stage(no) for no in (1, 2, 3)] == [Stage.MATCHED] * 3
    assert bench.sent(bench.promised()) == [1, 2, 3]
    assert [bench.stage(no) for no in (1, 2, 3)] == [Stage.DIALLING] * 3


def test_the_ratio_is_a_decimal_and_the_rest_is_carried_on(new):
    """Requirement 66."""
    agents = [f"a{no}" for no in range(6)]
    bench = power(new, agents=agents, ratio=2.5, leases=15)
    sizes = [len(bench.sent(bench.promised(ask.agent, _number(ask)))) for ask in bench.said.of(c.ReserveAgent)]
    assert sizes == [2, 3, 2, 3, 2, 3]


@pytest.mark.parametrize("ratio", [1.0, 1.1, 2.0, 2.3, 3.7, 10.0])
def test_groups_add_up_to_the_ratio(new, ratio):
    bench = power(new, agents=[f"a{no}" for no in range(100)], ratio=ratio, leases=1_000)
    assert len(bench.said.of(c.ReserveAgent)) == 100
    assert len(bench.scheduler.pool.calls) == round(100 * ratio)


def test_a_group_is_never_larger_than_leases_or_credits(new):
    bench = power(new, ratio=5.0, leases=2, credit=9)
    assert len(bench.scheduler.pool.calls) == 2
    bench = power(new, ratio=5.0, leases=9, credit=3, agents=("a1", "a2"))
    assert len(bench.scheduler.pool.calls) == 3
    assert len(bench.said.of(c.ReserveAgent)) == 1
    assert bench.card().reason == NO_LINE


def test_leases_and_credits_are_asked_for_all_calls_of_the_groups(new):
    bench = new()
    bench.open("power", ratio=2.5, **RICH)
    said = bench.idle("a1", "a2")
    assert said.of(c.RequestCredits) == [c.RequestCredits("p1", 5)]
    said += bench.tell(e.CreditsGranted("t1", 5))
    assert sum(ask.count for ask in said.of(c.RequestLeases)) == 5


def test_the_first_answer_is_joined_under_its_own_attempt(new):
    """Requirements 70, 76."""
    bench = dialling(new)
    assert bench.answered(2) == [(TRUNK, c.JoinAgent(bench.call(2), "a1", 1))]
    assert bench.stage(2) is Stage.JOINING
    assert bench.stage(1) is Stage.DIALLING


def test_a_second_answer_finds_another_idle_agent(new):
    bench = dialling(new)
    bench.answered(2)
    bench.idle("a2")
    said = bench.answered(1, after_us=SECOND_US)
    assert [(ask.agent, ask.attempt_id) for ask in said.of(c.ReserveAgent)] == [("a2", bench.call(1))]
    assert (TRUNK, c.JoinAgent(bench.call(1), "a2", 1)) in bench.promised("a2", 1)


def test_a_second_answer_without_an_agent_is_abandoned_in_time(new):
    bench = dialling(new)
    bench.answered(2)
    bench.answered(1)
    assert bench.stage(1) is Stage.WAITING
    assert bench.tell(after_us=bench.spec.join_limit_us - 1).of(c.HangUp) == []
    assert bench.tell(after_us=1).of(c.HangUp) == [c.HangUp(bench.call(1), Outcome.ABANDONED)]
    assert (bench.card().live_seen, bench.card().abandoned_seen) == (2, 1)
    bench.ended(1, Outcome.ABANDONED)
    assert (bench.card().live_seen, bench.card().abandoned_seen) == (2, 1)


def test_after_a_join_the_others_ring_on_for_fifteen_seconds(new):
    """The trunk may have sent them as late as the intent was good: fifteen seconds count from there."""
    bench = dialling(new)
    sent_by_us = bench.now_us + bench.ttl_us
    bench.answered(2, after_us=SECOND_US)
    give_up_us = sent_by_us + LEAST_RING_US + CLOCK_MARGIN_US
    assert bench.tell(after_us=give_up_us - 1 - bench.now_us).of(c.HangUp) == []
    assert bench.scheduler.next_deadline_us() == give_up_us
    assert bench.tell(after_us=1).of(c.HangUp) == [c.HangUp(bench.call(1), Outcome.NO_ANSWER)]
    assert bench.stage(1) is Stage.CLEARING


def test_without_a_join_calls_ring_to_their_time_limit(new):
    bench = dialling(new)
    assert bench.tell(after_us=29 * SECOND_US).of(c.HangUp) == []


def test_the_agent_stays_promised_until_the_last_call_is_over(new):
    """Whatever becomes of the leader."""
    bench = dialling(new, ratio=3.0, leases=3)
    assert bench.ended(1, Outcome.BUSY).of(c.ReleaseAgent) == []
    assert bench.tell(e.OriginateRefused(bench.call(2), Outcome.EXPIRED)).of(c.ReleaseAgent) == []
    said = bench.ended(3, Outcome.NO_ANSWER)
    assert ("agent/a1", c.ReleaseAgent("a1", bench.call(1))) in said


def test_an_agent_is_joined_after_the_leader_is_over(new):
    bench = dialling(new)
    bench.ended(1, Outcome.BUSY)
    assert bench.answered(2) == [(TRUNK, c.JoinAgent(bench.call(2), "a1", 1))]


def test_a_join_that_fails_frees_the_agent_under_its_promise(new):
    bench = dialling(new)
    bench.answered(2)
    said = bench.tell(e.JoinFailed(bench.call(2), "a1"))
    assert ("agent/a1", c.ReleaseAgent("a1", bench.call(1))) in said
    assert bench.stage(2) is Stage.WAITING


def test_an_agent_waits_no_longer_than_the_limit(new):
    """And the calls ring on: who answers finds another agent."""
    bench = power(new, agent_idle_limit_us=6 * SECOND_US)
    (ask,) = bench.said.of(c.ReserveAgent)
    assert ask.until_us == bench.now_us + 6 * SECOND_US + PROMISE_MARGIN_US  # should this scheduler be lost
    bench.promised()
    assert bench.tell(after_us=6 * SECOND_US - 1).of(c.ReleaseAgent) == []
    assert bench.scheduler.next_deadline_us() == bench.now_us + 1
    said = bench.tell(after_us=1)
    assert said.of(c.ReleaseAgent) == [c.ReleaseAgent("a1", bench.call(1))]
    assert said.of(c.HangUp) == []
    bench.idle("a2")
    assert [ask.agent for ask in bench.answered(1).of(c.ReserveAgent)] == ["a2"]


def test_an_agent_that_refuses_leaves_the_group_to_the_next(new):
    bench = power(new, agents=("a1", "a2"))
    said = bench.tell(e.ReservationRefused("a1", 1, bench.call(1)))
    assert [(ask.agent, ask.attempt_id) for ask in said.of(c.ReserveAgent)] == [("a2", bench.call(1))]
    assert bench.sent(bench.promised("a2")) == [1, 2]


def test_a_promise_that_does_not_come_dials_nothing(new):
    bench = power(new)
    said = bench.tell(after_us=bench.ttl_us)
    assert said.of(c.ReleaseAgent) == [c.ReleaseAgent("a1", bench.call(1))]
    assert sorted(sum((back.attempt_ids for back in said.of(c.ReturnLeases)), ())) == [bench.call(1), bench.call(2)]
    assert bench.promised() == [("agent/a1", c.ReleaseAgent("a1", bench.call(1)))]


def test_an_agent_that_is_lost_leaves_its_calls_to_others(new):
    bench = dialling(new)
    bench.tell(e.AgentUnavailable("a1", 2, AgentState.RECOVERING, 0))
    bench.idle("a2")
    said = bench.answered(2)
    assert [(ask.agent, ask.attempt_id) for ask in said.of(c.ReserveAgent)] == [("a2", bench.call(2))]


def test_a_machine_leaves_the_group(new):
    """Detection may be switched on in power dialling too."""
    bench = dialling(new)
    assert bench.answered(1, AnswerClass.MACHINE).of(c.ReleaseAgent) == []
    assert bench.answered(2, AnswerClass.MACHINE).of(c.ReleaseAgent) == [c.ReleaseAgent("a1", bench.call(1))]


def test_a_closed_campaign_has_its_groups_undone_before_they_are_dialled(new):
    bench = power(new, ratio=3.0, leases=4)
    said = bench.tell(e.CampaignClosed("c1", CampaignState.PAUSED))
    back = sum((back.attempt_ids for back in said.of(c.ReturnLeases)), ())
    assert sorted(back) == [bench.call(no) for no in (1, 2, 3, 4)]
    assert said.of(c.ReleaseAgent) == [c.ReleaseAgent("a1", bench.call(1))]


# -- the abandonment limit -------------------------------------------------------------------------------------------


def test_without_a_credit_for_an_abandoned_call_a_group_is_one_call(new):
    """Ruling B10. 34 live answers are the first of which one may be abandoned."""
    bench = power(new, ratio=4.0, leases=9, live_answers=33)
    assert len(bench.scheduler.pool.calls) == 1
    bench = power(new, ratio=4.0, leases=9, live_answers=34)
    assert len(bench.scheduler.pool.calls) == 3  # of two more, one is expected to answer
    bench = power(new, ratio=4.0, leases=9, live_answers=100, abandoned=3)
    assert len(bench.scheduler.pool.calls) == 1


def test_the_cap_is_said(new):
    bench = power(new, ratio=4.0, leases=2, live_answers=33)
    assert bench.card().reason == NO_AGENT + CAPPED


def test_people_who_answer_earn_credit(new):
    bench = power(new, ratio=2.0, leases=1, live_answers=33)
    bench.promised()
    bench.answered(1)
    bench.idle("a2")
    bench.supply(4)
    assert len(bench.scheduler.pool.calls) == 3


def test_calls_under_way_are_counted_before_more_are_made(new):
    """With one credit and an even chance two calls beyond the first are as many as there may be at a time."""
    bench = power(new, agents=("a1", "a2"), ratio=3.0, leases=9, live_answers=34)
    sizes = [len(group.calls) for group in bench.scheduler.pool.groups._groups.values()]
    assert sizes == [3, 1]
    assert len(bench.scheduler.pool.calls) == 4


def test_what_a_campaign_says_anew_replaces_what_was_seen(new):
    bench = dialling(new, live_answers=50)
    bench.answered(2)
    assert bench.card().live_answers == 51
    bench.tell(bench.opened("power", ratio=2.0, live_answers=60))
    assert bench.card().live_answers == 61  # the call that goes on is not among them
    bench.ended(2, Outcome.CONNECTED, "a1")
    assert bench.card().live_answers == 61


# -- restarts --------------------------------------------------------------------------------------------------------


def test_a_reborn_scheduler_lets_each_call_stand_alone(new):
    """The promised agent keeps the call under whose attempt it was promised."""
    bench = new(trunk=False)
    bench.open("power", **RICH)
    bench.tell(e.AgentUnavailable("a1", 1, AgentState.RESERVED, bench.call(1)))
    live = tuple((bench.call(no), "", False) for no in (1, 2))
    bench.tell(e.TrunkOpened("t1", 1, 0, live))
    bench.idle("a2")
    assert [ask.agent for ask in bench.answered(2).of(c.ReserveAgent)] == ["a2"]
    assert bench.answered(1).of(c.JoinAgent) == [c.JoinAgent(bench.call(1), "a1", 1)]


def test_a_reborn_scheduler_releases_an_agent_whose_leader_is_over(new):
    bench = new(trunk=False)
    bench.open("power", **RICH)
    bench.tell(e.TrunkOpened("t1", 1, 0, ((bench.call(2), "", False),)))
    said = bench.tell(e.AgentUnavailable("a1", 1, AgentState.RESERVED, bench.call(1)))
    assert said == [("agent/a1", c.ReleaseAgent("a1", bench.call(1)))]


def _number(ask):
    return (ask.attempt_id >> 16) & 0xFFFF
