"""Facts about the scheduler of a pool: each rule by itself, then every message at every stage of a call."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.calls import Stage
from dialer.domain.flow_talk import AgentUnwanted, AgentWanted
from dialer.domain.ids import attempt_id
from dialer.domain.kinds import AgentState, AnswerClass, CampaignState, IntentRefusal, Outcome
from dialer.domain.message import Address
from dialer.domain.pool import ADOPTION_PATIENCE_US
from dialer.domain.scheduler import Scheduler
from dialer.domain.specs import SECOND_US, PoolSpec

BORN = 1_000 * SECOND_US
SPEC = PoolSpec("p1", ("t1",), ("a1", "a2", "a3"), ("c1",))
TTL_US = 5 * SECOND_US
TRUNK = "trunk/t1"
PERSON, MACHINE = AnswerClass.HUMAN, AnswerClass.MACHINE


def opened(name: str = "c1", run_no: int = 1, *, epoch: int = 1, **options: Any) -> e.CampaignOpened:
    """A campaign that dials from now on."""
    given = {"mode": "progressive", "trunk": "t1", "queue": "q", "priority": 3, "concurrency": 2, **options}
    return e.CampaignOpened(
        campaign=name,
        run_no=run_no,
        epoch=epoch,
        caller_id=12025550100,
        ring_timeout_us=25 * SECOND_US,
        amd=True,
        flow="notice" if given["queue"] is None else None,
        **given,
    )


class Bench:
    """A scheduler whose trunk has announced itself; its invariants are checked after every step."""

    def __init__(self, *, spec: PoolSpec = SPEC, seed: int = 1, trunk: bool = True) -> None:
        self.scheduler = Scheduler(spec, rng=Random(seed))
        self.now_us = BORN
        self.started = self.scheduler.start(BORN)
        self.contact = 0
        if trunk:
            self.tell(e.TrunkOpened("t1", 1, 0, ()))

    def tell(self, *batch: Any, after_us: int = 0) -> list[tuple[str, Any]]:
        """One batch, some time after the last one."""
        self.now_us += after_us
        said = [(str(to), message) for to, message in self.scheduler.handle(batch, self.now_us)]
        self.scheduler.check_invariants()
        return said

    def idle(self, *agents: str, epoch: int = 1, queues: tuple[str, ...] = ("q",)) -> list[tuple[str, Any]]:
        """Agents become idle, one after the other."""
        return self.tell(*(e.AgentIdle(agent, epoch, queues, self.now_us + no) for no, agent in enumerate(agents)))

    def leases(self, count: int, campaign: str = "c1", run_no: int = 1, *, next_us: int | None = 0) -> e.LeasesGranted:
        """The ledger has allowed contacts."""
        granted = []
        for _ in range(count):
            self.contact += 1
            attempt = attempt_id(run_no, self.contact, 1)
            granted.append(e.Lease(attempt, 12025550000 + self.contact, self.now_us, self.now_us + TTL_US))
        return e.LeasesGranted(campaign, tuple(granted), count, next_us)

    def supply(self, leases: int, credit: int | None = None) -> list[tuple[str, Any]]:
        """Leases, and as many credits."""
        return self.tell(self.leases(leases), e.CreditsGranted("t1", leases if credit is None else credit))

    def call(self, number: int = 1) -> int:
        """Attempt id of the n-th lease of run 1."""
        return attempt_id(1, number, 1)

    def stage(self, number: int = 1) -> Stage | None:
        """Where the call under the n-th lease stands."""
        call = self.scheduler.pool.calls.get(self.call(number))
        return None if call is None else call.stage

    @property
    def reason(self) -> str:
        """What is said of the campaign."""
        return self.scheduler.pool.campaigns["c1"].reason


def of(kind: type, said: list[tuple[str, Any]]) -> list[Any]:
    """The messages of one kind."""
    return [message for _, message in said if type(message) is kind]


def matched() -> Bench:
    """A scheduler that has asked agent a1 to take the first call."""
    bench = Bench()
    bench.tell(opened())
    bench.idle("a1")
    said = bench.supply(1)
    assert [ask.agent for ask in of(c.ReserveAgent, said)] == ["a1"]
    return bench


def dialling() -> Bench:
    """The same, promised and being dialled."""
    bench = matched()
    said = bench.tell(e.AgentReserved("a1", 1, bench.call()))
    assert [order.attempt_id for order in of(c.Originate, said)] == [bench.call()]
    return bench


def lost() -> Bench:
    """The same, but the agent has crashed and forgotten its promise."""
    bench = dialling()
    bench.tell(e.AgentUnavailable("a1", 2, AgentState.RECOVERING, 0))
    return bench


def waiting() -> Bench:
    """The same, and a person has answered."""
    bench = lost()
    bench.tell(e.CallAnswered(bench.call(), "t1", PERSON, bench.now_us))
    return bench


def joining() -> Bench:
    """A call that is being joined with the agent who was promised."""
    bench = dialling()
    said = bench.tell(e.CallAnswered(bench.call(), "t1", PERSON, bench.now_us))
    assert said == [(TRUNK, c.JoinAgent(bench.call(), "a1", 1))]
    return bench


def clearing() -> Bench:
    """A call on which nobody was found in time."""
    bench = waiting()
    said = bench.tell(after_us=SPEC.join_limit_us)
    assert (TRUNK, c.HangUp(bench.call(), Outcome.ABANDONED)) in said
    return bench


# -- birth -----------------------------------------------------------------------------------------------------------


def test_it_asks_everybody_to_announce_themselves():
    asked = [str(to) for to, message in Bench(trunk=False).started if message == c.Announce("p1")]
    assert asked == [TRUNK, "campaign/c1", "agent/a1", "agent/a2", "agent/a3"]


def test_nothing_is_sent_to_a_trunk_that_has_not_announced_itself():
    bench = Bench(trunk=False)
    said = bench.tell(opened()) + bench.idle("a1") + bench.supply(2)
    assert TRUNK not in {to for to, _ in said}
    assert bench.tell(e.TrunkOpened("t1", 1, 0, ())) == [(TRUNK, c.RequestCredits("p1", 1))]


def test_a_trunk_of_a_campaign_that_is_not_the_pools_own_is_asked_too():
    assert ("trunk/t9", c.Announce("p1")) in Bench().tell(opened(trunk="t9"))


# -- matching --------------------------------------------------------------------------------------------------------


def test_longest_idle_first():
    """Requirement 34."""
    bench = Bench()
    bench.tell(opened())
    bench.tell(e.AgentIdle("a1", 1, ("q",), 30), e.AgentIdle("a2", 1, ("q",), 10), e.AgentIdle("a3", 1, ("q",), 20))
    assert [ask.agent for ask in of(c.ReserveAgent, bench.supply(2))] == ["a2", "a3"]


def test_only_agents_of_the_queue():
    bench = Bench()
    bench.tell(opened())
    bench.idle("a1", queues=("other",))
    bench.idle("a2", queues=("q", "other"))
    assert [ask.agent for ask in of(c.ReserveAgent, bench.supply(2))] == ["a2"]
    assert bench.reason == "no agent is idle"


def test_an_agent_is_asked_before_anything_is_dialled():
    """Requirements 31, 37."""
    bench = matched()
    assert bench.stage() is Stage.MATCHED
    said = bench.tell(e.AgentReserved("a1", 1, bench.call()))
    (order,) = of(c.Originate, said)
    assert (order.number, order.caller_id, order.flow) == (12025550001, 12025550100, None)
    assert order.not_after_us == BORN + TTL_US
    assert bench.stage() is Stage.DIALLING


def test_no_more_calls_than_credits():
    bench = Bench()
    bench.tell(opened())
    bench.idle("a1", "a2", "a3")
    assert len(of(c.ReserveAgent, bench.supply(3, credit=2))) == 2
    assert "no free line" in bench.reason
    assert len(of(c.ReserveAgent, bench.tell(e.CreditsGranted("t1", 1)))) == 1


def test_a_credit_is_kept_for_a_call_whose_agent_is_asked():
    """The trunk still counts it as wanted; asking for none would give it back."""
    bench = Bench()
    bench.tell(opened())
    said = bench.idle("a1") + bench.supply(1) + bench.tell(e.AgentReserved("a1", 1, bench.call()))
    assert of(c.RequestCredits, said) == [c.RequestCredits("p1", 1)]


def test_credits_nobody_needs_are_given_back():
    bench = Bench()
    bench.tell(opened())
    bench.idle("a1")
    bench.tell(e.CreditsGranted("t1", 1))
    assert bench.tell(e.AgentUnavailable("a1", 1, AgentState.BREAK, 0)) == [(TRUNK, c.RequestCredits("p1", 0))]
    bench.idle("a1")
    assert of(c.ReserveAgent, bench.tell(bench.leases(1))) == []


def test_credits_that_do_not_come_are_asked_for_again():
    bench = Bench()
    bench.tell(opened())
    assert of(c.RequestCredits, bench.idle("a1")) == [c.RequestCredits("p1", 1)]
    assert of(c.RequestCredits, bench.tell(after_us=SECOND_US // 2)) == []
    assert bench.scheduler.next_deadline_us() <= bench.now_us + SECOND_US // 2
    assert of(c.RequestCredits, bench.tell(after_us=SECOND_US // 2)) == [c.RequestCredits("p1", 1)]


def test_higher_priority_first_strictly():
    """Requirements 40, 42."""
    bench = Bench()
    bench.tell(opened("low", 2, priority=1), opened("c1", 1, priority=5))
    bench.idle("a1", "a2", "a3")
    bench.tell(bench.leases(3, "low", 2), bench.leases(2))
    asks = of(c.ReserveAgent, bench.tell(e.CreditsGranted("t1", 9)))
    assert [ask.campaign for ask in asks] == ["c1", "c1"]  # it may get another contact at any moment: a3 is kept for it
    said = bench.tell(e.LeasesGranted("c1", (), 9, None))
    assert [ask.campaign for ask in of(c.ReserveAgent, said)] == ["low"]


def test_agents_of_other_queues_are_not_kept_for_a_high_priority():
    bench = Bench()
    bench.tell(opened("low", 2, priority=1, queue="r"), opened("c1", 1, priority=5))
    bench.idle("a1")
    bench.tell(e.CreditsGranted("t1", 9), bench.leases(1, "low", 2))
    assert [ask.campaign for ask in of(c.ReserveAgent, bench.idle("a2", queues=("r",)))] == ["low"]


def test_equal_priorities_take_turns_at_random():
    """Requirement 41."""
    chosen = Counter()
    for seed in range(200):
        bench = Bench(seed=seed)
        bench.tell(opened("c1", 1), opened("c2", 2), opened("c3", 3))
        bench.idle("a1")
        bench.tell(*(bench.leases(1, f"c{no}", no) for no in (1, 2, 3)))
        (ask,) = of(c.ReserveAgent, bench.tell(e.CreditsGranted("t1", 9)))
        chosen[ask.campaign] += 1
    assert all(40 < count < 95 for count in chosen.values())
    assert len(chosen) == 3


# -- leases ----------------------------------------------------------------------------------------------------------


def test_leases_are_asked_for_what_can_be_dialled():
    bench = Bench()
    bench.tell(opened(), e.CreditsGranted("t1", 0))
    assert of(c.RequestLeases, bench.tell()) == []  # nobody is idle
    bench.idle("a1", "a2", "a3")
    asked = sum(ask.count for ask in of(c.RequestLeases, bench.tell(e.CreditsGranted("t1", 3))))
    assert asked <= 3
    assert bench.scheduler.pool.campaigns["c1"].asked == 3


def test_leases_run_ahead_of_demand_but_never_more_than_two_seconds():
    """Ten calls a second for a while: what is held or asked for stays below two seconds' worth."""
    bench = Bench()
    bench.tell(opened(mode="agentless", queue=None, concurrency=1_000))
    most = 0
    for step in range(100):
        said = bench.tell(e.CreditsGranted("t1", 1), after_us=SECOND_US // 10)
        card = bench.scheduler.pool.campaigns["c1"]
        most = max(most, len(card.stock) + card.asked)
        while asks := of(c.RequestLeases, said):
            said = bench.tell(bench.leases(sum(ask.count for ask in asks)))
        most = max(most, len(card.stock) + card.asked)
        if step > 50:
            assert len(card.stock) >= 5  # half a second's worth, and more
    assert most <= 20


def test_one_agent_is_not_worth_a_lease_ahead():
    """A call now and then does not make the next contact wait for it: it would lapse."""
    bench = dialling()
    assert of(c.RequestLeases, bench.tell(e.CallEnded(bench.call(), "", Outcome.BUSY, bench.now_us))) == []
    assert bench.scheduler.pool.campaigns["c1"].asked == 0
    assert len(bench.scheduler.pool.campaigns["c1"].stock) == 0


def test_equal_campaigns_ask_for_shares():
    bench = Bench()
    bench.tell(opened("c1", 1), opened("c2", 2), e.CreditsGranted("t1", 0))
    bench.idle("a1", "a2", "a3")
    bench.tell(e.CreditsGranted("t1", 9))
    cards = bench.scheduler.pool.campaigns
    assert cards["c1"].asked + cards["c2"].asked <= 4


def test_an_old_lease_goes_back():
    bench = Bench()
    bench.tell(opened(), bench.leases(1))
    assert bench.scheduler.next_deadline_us() == BORN + TTL_US
    said = bench.tell(after_us=TTL_US)
    assert said == [("campaign/c1", c.ReturnLeases((bench.call(),)))]


def test_a_promise_that_does_not_come_in_time_gives_the_lease_back():
    bench = matched()
    said = bench.tell(after_us=TTL_US)
    assert ("campaign/c1", c.ReturnLeases((bench.call(),))) in said
    assert ("agent/a1", c.ReleaseAgent("a1", bench.call())) in said
    assert bench.stage() is None
    late = bench.tell(e.AgentReserved("a1", 1, bench.call()))
    assert late == [("agent/a1", c.ReleaseAgent("a1", bench.call()))]


def test_leases_of_an_unknown_campaign_go_back():
    bench = Bench()
    assert ("campaign/c7", c.ReturnLeases((bench.call(),))) in bench.tell(bench.leases(1, "c7"))


def test_a_campaign_whose_contacts_rest_is_asked_when_they_are_due():
    bench = Bench()
    bench.tell(opened())
    bench.idle("a1")
    due_us = bench.now_us + 60 * SECOND_US
    said = bench.tell(e.CreditsGranted("t1", 1), e.LeasesGranted("c1", (), 1, due_us))
    assert of(c.RequestLeases, said) == []
    assert bench.reason == "all contacts rest"
    bench.now_us = due_us - 1
    assert of(c.RequestLeases, bench.tell()) == []
    assert of(c.RequestLeases, bench.tell(after_us=1)) != []


def test_a_campaign_without_contacts_is_left_alone():
    bench = Bench()
    bench.tell(opened())
    bench.tell(e.LeasesGranted("c1", (), 1, None))
    assert of(c.RequestLeases, bench.idle("a1")) == []
    assert bench.reason == "no contact is left to dial"


# -- promises --------------------------------------------------------------------------------------------------------


def test_who_refuses_is_passed_over():
    bench = Bench()
    bench.tell(opened())
    bench.idle("a1", "a2")
    bench.supply(1)
    said = bench.tell(e.ReservationRefused("a1", 1, bench.call()))
    assert [ask.agent for ask in of(c.ReserveAgent, said)] == ["a2"]
    assert bench.stage() is Stage.MATCHED


def test_an_agent_that_speaks_before_its_answer_is_waited_for():
    bench = matched()
    assert bench.tell(e.AgentIdle("a1", 1, ("q",), bench.now_us)) == []
    assert bench.tell(e.AgentUnavailable("a1", 1, AgentState.BREAK, 0)) == []
    assert bench.stage() is Stage.MATCHED


def test_word_of_an_earlier_incarnation_is_nothing():
    bench = Bench()
    bench.tell(opened(), e.AgentIdle("a1", 5, ("q",), BORN))
    bench.tell(e.AgentUnavailable("a1", 4, AgentState.BREAK, 0))
    assert [ask.agent for ask in of(c.ReserveAgent, bench.supply(1))] == ["a1"]
    assert bench.tell(e.ReservationRefused("a1", 4, bench.call())) == []
    assert bench.stage() is Stage.MATCHED


# -- calls -----------------------------------------------------------------------------------------------------------


def test_nobody_answers_and_the_agent_is_free():
    bench = dialling()
    said = bench.tell(e.CallEnded(bench.call(), "", Outcome.NO_ANSWER, bench.now_us))
    assert ("agent/a1", c.ReleaseAgent("a1", bench.call())) in said
    assert bench.stage() is None


def test_a_machine_answers_and_the_agent_is_free_at_once():
    bench = dialling()
    said = bench.tell(e.CallAnswered(bench.call(), "t1", MACHINE, bench.now_us))
    assert ("agent/a1", c.ReleaseAgent("a1", bench.call())) in said
    assert of(c.JoinAgent, said) == []


@pytest.mark.parametrize("kind", [AnswerClass.HUMAN, AnswerClass.UNKNOWN])
def test_a_person_is_joined_at_once(kind):
    bench = dialling()
    said = bench.tell(e.CallAnswered(bench.call(), "t1", kind, bench.now_us))
    assert said == [(TRUNK, c.JoinAgent(bench.call(), "a1", 1))]


def test_a_promise_is_lost_and_somebody_else_takes_the_call():
    bench = lost()
    bench.idle("a2")
    said = bench.tell(e.CallAnswered(bench.call(), "t1", PERSON, bench.now_us))
    assert [ask.agent for ask in of(c.ReserveAgent, said)] == ["a2"]
    said = bench.tell(e.AgentReserved("a2", 1, bench.call()))
    assert (TRUNK, c.JoinAgent(bench.call(), "a2", 1)) in said


def test_whoever_becomes_idle_takes_a_person_who_waits():
    bench = waiting()
    said = bench.idle("a3")
    assert [(ask.agent, ask.attempt_id) for ask in of(c.ReserveAgent, said)] == [("a3", bench.call())]
    said = bench.tell(e.ReservationRefused("a3", 1, bench.call()))
    assert of(c.ReserveAgent, said) == []
    assert [ask.agent for ask in of(c.ReserveAgent, bench.idle("a2"))] == ["a2"]


def test_nobody_is_found_within_the_limit():
    bench = waiting()
    assert bench.scheduler.next_deadline_us() == bench.now_us + SPEC.join_limit_us
    assert of(c.HangUp, bench.tell(after_us=SPEC.join_limit_us - 1)) == []
    assert (TRUNK, c.HangUp(bench.call(), Outcome.ABANDONED)) in bench.tell(after_us=1)
    assert of(c.ReserveAgent, bench.idle("a2")) == []  # too late
    bench.tell(e.CallEnded(bench.call(), "", Outcome.ABANDONED, bench.now_us))
    assert bench.stage() is None


def test_an_agent_that_was_asked_too_late_is_released():
    bench = waiting()
    bench.idle("a2")
    said = bench.tell(after_us=SPEC.join_limit_us)
    assert ("agent/a2", c.ReleaseAgent("a2", bench.call())) in said
    assert bench.tell(e.AgentReserved("a2", 1, bench.call())) == [("agent/a2", c.ReleaseAgent("a2", bench.call()))]


def test_a_join_that_fails_is_tried_with_somebody_else():
    bench = joining()
    bench.idle("a2")
    said = bench.tell(e.JoinFailed(bench.call(), "a1"))
    assert ("agent/a1", c.ReleaseAgent("a1", bench.call())) in said
    assert [ask.agent for ask in of(c.ReserveAgent, said)] == ["a2"]


def test_a_join_that_failed_with_somebody_else_changes_nothing():
    assert joining().tell(e.JoinFailed(joining().call(), "a2")) == []


def test_a_refused_order_frees_the_agent():
    bench = dialling()
    said = bench.tell(e.OriginateRefused(bench.call(), Outcome.TRUNK_REFUSED))
    assert ("agent/a1", c.ReleaseAgent("a1", bench.call())) in said
    assert bench.stage() is None


# -- agentless -------------------------------------------------------------------------------------------------------


def agentless(concurrency: int = 2) -> Bench:
    """A scheduler with a campaign whose calls a flow takes."""
    bench = Bench()
    bench.tell(opened(mode="agentless", queue=None, concurrency=concurrency))
    return bench


def test_agentless_dials_without_agents_up_to_its_concurrency():
    """Requirements 20, 26."""
    bench = agentless()
    said = bench.supply(5)
    assert len(of(c.Originate, said)) == 2
    assert of(c.Originate, said)[0].flow == "notice"
    assert bench.reason == "all 2 calls are in progress"
    bench.tell(e.CallAnswered(bench.call(), "t1", PERSON, bench.now_us))
    assert bench.stage() is Stage.JOINING
    assert len(of(c.Originate, bench.tell(e.CallEnded(bench.call(), "", Outcome.CONNECTED, bench.now_us)))) == 1


# -- campaigns come and go -------------------------------------------------------------------------------------------


def test_a_closed_campaign_gets_its_leases_back_and_agents_go_free():
    bench = Bench()
    bench.tell(opened())
    bench.idle("a1")
    bench.supply(3)
    said = bench.tell(e.CampaignClosed("c1", CampaignState.PAUSED))
    (back,) = of(c.ReturnLeases, said)
    assert sorted(back.attempt_ids) == [bench.call(1), bench.call(2), bench.call(3)]
    assert ("agent/a1", c.ReleaseAgent("a1", bench.call())) in said
    assert bench.reason == "paused"
    assert of(c.ReturnLeases, bench.tell(bench.leases(1))) == [c.ReturnLeases((bench.call(4),))]


def test_calls_of_a_closed_campaign_end_normally():
    bench = dialling()
    bench.tell(e.CampaignClosed("c1", CampaignState.STOPPING))
    said = bench.tell(e.CallAnswered(bench.call(), "t1", PERSON, bench.now_us))
    assert said == [(TRUNK, c.JoinAgent(bench.call(), "a1", 1))]


def test_a_campaign_nobody_knows_closes_in_silence():
    assert Bench().tell(e.CampaignClosed("c9", CampaignState.STOPPED)) == []


def test_a_reborn_campaign_has_forgotten_what_was_asked_for():
    bench = Bench()
    bench.tell(opened())
    bench.idle("a1")
    bench.tell(e.CreditsGranted("t1", 1))
    assert bench.scheduler.pool.campaigns["c1"].asked == 1
    assert of(c.RequestLeases, bench.tell(opened(epoch=2))) == [c.RequestLeases("p1", 1)]
    assert bench.tell(opened(epoch=1)) == []  # a replaced incarnation speaking late


def test_a_new_run_voids_the_leases_of_the_old_one():
    bench = Bench()
    bench.tell(opened(), bench.leases(2))
    assert of(c.ReturnLeases, bench.tell(opened(run_no=2, epoch=2))) == [c.ReturnLeases((bench.call(1), bench.call(2)))]


# -- restarts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("peer", ["trunk/t1", "campaign/c1", "agent/a1"])
def test_a_reborn_peer_is_asked_to_announce_itself(peer):
    bench = dialling()
    said = bench.tell(e.PeerRestarted(Address(*peer.split("/"))))
    assert (peer, c.Announce("p1")) in said


@pytest.mark.parametrize("peer", ["trunk/t9", "campaign/c9", "agent/a9", "store/main"])
def test_a_peer_nobody_knows_is_left_alone(peer):
    assert Bench().tell(e.PeerRestarted(Address(*peer.split("/")))) == []


def test_a_reborn_trunk_is_sent_nothing_until_it_has_spoken():
    bench = dialling()
    bench.idle("a2")
    bench.tell(e.PeerRestarted(Address("trunk", "t1")))
    assert {to for to, _ in bench.supply(2)} & {TRUNK} == set()
    assert bench.reason.startswith("the trunk has no free line")


def test_calls_a_reborn_trunk_does_not_know_are_over():
    bench = dialling()
    bench.tell(e.PeerRestarted(Address("trunk", "t1")))
    said = bench.tell(e.TrunkOpened("t1", 2, bench.now_us, ()))
    assert ("agent/a1", c.ReleaseAgent("a1", bench.call())) in said
    assert bench.stage() is None


def test_calls_a_reborn_trunk_has_found_go_on():
    bench = dialling()
    bench.tell(e.PeerRestarted(Address("trunk", "t1")))
    said = bench.tell(e.TrunkOpened("t1", 2, bench.now_us, ((bench.call(), "", True),)))
    assert (TRUNK, c.JoinAgent(bench.call(), "a1", 1)) in said


def test_leases_older_than_a_reborn_trunk_go_back():
    bench = Bench()
    bench.tell(opened(), bench.leases(2))
    said = bench.tell(e.TrunkOpened("t1", 2, bench.now_us, ()))
    assert ("campaign/c1", c.ReturnLeases((bench.call(1), bench.call(2)))) in said


def test_a_promise_of_a_crashed_agent_is_void_before_dialling():
    bench = matched()
    said = bench.tell(e.AgentIdle("a1", 2, ("q",), bench.now_us))
    assert [ask.agent for ask in of(c.ReserveAgent, said)] == ["a1"]  # the new incarnation is asked anew
    assert bench.stage() is Stage.MATCHED


def reborn() -> Bench:
    """A new incarnation of the scheduler, which knows nothing yet."""
    return Bench(trunk=False)


def test_a_reborn_scheduler_finds_its_calls():
    """Joined ones are left alone, dialled ones go on with whom the agents say."""
    bench = reborn()
    first, second, third = bench.call(1), bench.call(2), bench.call(3)
    bench.tell(opened())
    bench.tell(e.AgentUnavailable("a2", 1, AgentState.RESERVED, second))
    bench.tell(e.TrunkOpened("t1", 1, 0, ((first, "a1", True), (second, "", False), (third, "", True))))
    assert [bench.stage(no) for no in (1, 2, 3)] == [Stage.JOINING, Stage.DIALLING, Stage.WAITING]
    assert bench.scheduler.pool.campaigns["c1"].in_progress == 3
    said = bench.tell(e.CallAnswered(second, "t1", PERSON, bench.now_us))
    assert (TRUNK, c.JoinAgent(second, "a2", 1)) in said
    assert [ask.attempt_id for ask in of(c.ReserveAgent, bench.idle("a3"))] == [third]


def test_a_reborn_scheduler_learns_of_promises_after_the_trunk():
    bench = reborn()
    bench.tell(opened(), e.TrunkOpened("t1", 1, 0, ((bench.call(), "", True),)))
    said = bench.tell(e.AgentUnavailable("a1", 1, AgentState.RESERVED, bench.call()))
    assert said == [(TRUNK, c.JoinAgent(bench.call(), "a1", 1))]


def test_promises_for_calls_that_are_over_are_released():
    bench = reborn()
    bench.tell(opened(), e.AgentUnavailable("a1", 1, AgentState.RESERVED, bench.call()))
    said = bench.tell(e.TrunkOpened("t1", 1, 0, ()))
    assert ("agent/a1", c.ReleaseAgent("a1", bench.call())) in said
    said = bench.tell(e.AgentUnavailable("a2", 1, AgentState.RESERVED, bench.call(2)))
    assert said == [("agent/a2", c.ReleaseAgent("a2", bench.call(2)))]


def test_a_call_of_a_campaign_that_stays_silent_is_not_left_for_ever():
    bench = reborn()
    bench.tell(e.TrunkOpened("t1", 1, 0, ((bench.call(), "", True),)))
    assert bench.stage() is Stage.WAITING
    assert of(c.HangUp, bench.tell(after_us=ADOPTION_PATIENCE_US - 1)) == []
    assert (TRUNK, c.HangUp(bench.call(), Outcome.ABANDONED)) in bench.tell(after_us=1)


def test_a_call_of_a_campaign_that_speaks_later_finds_an_agent():
    bench = reborn()
    bench.tell(e.TrunkOpened("t1", 1, 0, ((bench.call(), "", True),)))
    assert of(c.ReserveAgent, bench.idle("a1")) == []
    assert [ask.attempt_id for ask in of(c.ReserveAgent, bench.tell(opened()))] == [bench.call()]


def test_an_agentless_call_of_a_campaign_that_speaks_later_is_left_to_the_flow():
    bench = reborn()
    bench.tell(e.TrunkOpened("t1", 1, 0, ((bench.call(), "", True),)))
    bench.tell(opened(mode="agentless", queue=None))
    assert bench.stage() is Stage.JOINING
    assert of(c.HangUp, bench.tell(after_us=60 * SECOND_US)) == []


# -- every message at every stage ------------------------------------------------------------------------------------

STAGES = {
    "none": Bench,
    "matched": matched,
    "dialling": dialling,
    "lost": lost,
    "waiting": waiting,
    "joining": joining,
    "clearing": clearing,
    "reborn": reborn,
    "agentless": agentless,
}


def everything(attempt: int, now_us: int) -> dict[str, Any]:
    """One of each message, in each variant that matters."""
    messages = [
        opened(),
        opened(epoch=2),
        opened(run_no=2, epoch=3),
        opened("c2", 2, mode="agentless", queue=None),
        e.CampaignClosed("c1", CampaignState.PAUSED),
        e.LeasesGranted("c1", (e.Lease(attempt, 1, now_us, now_us + TTL_US),), 1, 0),
        e.LeasesGranted("c1", (), 1, None),
        *(e.AgentIdle(agent, epoch, ("q",), now_us) for agent in ("a1", "a2") for epoch in (1, 2)),
        *(
            e.AgentUnavailable(agent, 1, state, known)
            for agent in ("a1", "a2")
            for state in AgentState
            for known in (0, attempt, attempt + 1)
        ),
        *(e.AgentReserved(agent, epoch, attempt) for agent in ("a1", "a2") for epoch in (1, 2)),
        *(e.ReservationRefused(agent, epoch, attempt) for agent in ("a1", "a2") for epoch in (1, 2)),
        e.OfferSkipped("a1", 1, attempt),
        e.OfferWithdrawn("c1", attempt, IntentRefusal.HOURS),
        *(
            e.TrunkOpened("t1", 2, 0, live)
            for live in ((), ((attempt, "", False),), ((attempt, "", True),), ((attempt, "a2", True),))
        ),
        e.CreditsGranted("t1", 3),
        e.CreditsGranted("t9", 3),
        e.OriginateRefused(attempt, Outcome.EXPIRED),
        *(e.CallAnswered(attempt, "t1", kind, now_us) for kind in AnswerClass),
        *(e.JoinFailed(attempt, agent) for agent in ("", "a1", "a2")),
        *(e.CallAnswered(attempt, "t1", PERSON, now_us, agent) for agent in ("a1", "a2", "a9")),
        AgentWanted(attempt, "t1", "c1", "q", now_us + 30 * SECOND_US),
        AgentUnwanted(attempt),
        e.CallEnded(attempt, "", Outcome.BUSY, now_us),
        *(e.PeerRestarted(Address(*peer)) for peer in (("trunk", "t1"), ("campaign", "c1"), ("agent", "a1"))),
    ]
    return {str(message): message for message in messages}


def test_every_kind_of_message_is_tried():
    kinds = {type(message) for message in everything(1, 0).values()}
    assert kinds == set(Bench().scheduler._handlers)


@pytest.mark.parametrize("stage", STAGES)
def test_no_message_at_no_stage_breaks_anything(stage):
    """Each message, then each other one, then a long time: invariants hold after every step, and nothing raises."""
    bench = STAGES[stage]()
    names = everything(bench.call(), bench.now_us)
    for first in names:
        for second in ("", *names):
            bench = STAGES[stage]()
            bench.tell(names[first])
            if second:
                bench.tell(names[second])
            bench.tell(after_us=60 * SECOND_US)


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage not in ("none", "reborn", "agentless")])
def test_no_call_is_kept_for_ever_by_word_of_its_end(stage):
    bench = STAGES[stage]()
    bench.tell(e.CallEnded(bench.call(), "", Outcome.BUSY, bench.now_us))
    assert bench.stage() is None
    assert len(bench.scheduler.pool.calls) == 0


@pytest.mark.parametrize("stage", STAGES)
def test_the_next_deadline_is_never_in_the_past(stage):
    bench = STAGES[stage]()
    for _ in range(20):
        due_us = bench.scheduler.next_deadline_us()
        if due_us is None:
            break
        assert due_us > bench.now_us
        bench.tell(after_us=due_us - bench.now_us)


def test_a_lease_that_an_earlier_scheduler_has_used_is_not_used_again():
    """A grant that is delivered again to a reborn scheduler may name a call that the trunk then reports as up."""
    bench = Bench(trunk=False)
    bench.tell(opened(), bench.leases(2))
    bench.tell(e.TrunkOpened("t1", 2, 0, ((bench.call(1), "", False),)))
    assert [lease.attempt_id for lease in bench.scheduler.pool.campaigns["c1"].stock] == [bench.call(2)]
