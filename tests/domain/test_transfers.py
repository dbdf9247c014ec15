"""Callees of a flow who ask for an agent: found, waited for, given up; and nobody is abandoned by it."""

from random import Random

import pytest

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.calls import Stage
from dialer.domain.flow_talk import AgentUnwanted, AgentWanted
from dialer.domain.ids import attempt_id
from dialer.domain.kinds import AnswerClass, Outcome
from dialer.domain.scheduler import Scheduler
from dialer.domain.specs import SECOND_US, PoolSpec

NOON = 1_000 * SECOND_US
CALL = attempt_id(1, 1, 1)
WANTED = AgentWanted(CALL, "t1", "c1", "sales", NOON + 30 * SECOND_US)


class Bench:
    """The scheduler of an agentless campaign with one call in its flow; checked after every step."""

    def __init__(self):
        self.scheduler = Scheduler(PoolSpec("p1", ("t1",), ("a1", "a2"), ("c1",)), rng=Random(1))
        self.scheduler.start(NOON)
        self.now_us = NOON
        self.tell(e.TrunkOpened("t1", 1, 0, ()))
        self.tell(
            e.CampaignOpened("c1", 1, 1, "agentless", "t1", None, 5, 1, 12025550100, 25 * SECOND_US, True, "f")  # noqa: FBT003
        )
        lease = e.Lease(CALL, 12025550101, NOON, NOON + 5 * SECOND_US)
        self.tell(e.LeasesGranted("c1", (lease,), 1, None), e.CreditsGranted("t1", 1))
        self.tell(e.CallAnswered(CALL, "t1", AnswerClass.HUMAN, NOON))
        assert self.call.stage is Stage.JOINING

    @property
    def call(self):
        """The call."""
        return self.scheduler.pool.calls.get(CALL)

    def tell(self, *batch, after_s=0):
        """One batch; what was said, by address."""
        self.now_us += after_s * SECOND_US
        out = self.scheduler.handle(batch, self.now_us)
        self.scheduler.check_invariants()
        return [(str(to), message) for to, message in out if type(message) is not c.RequestCredits]

    def idle(self, agent, queue="sales"):
        """An agent becomes idle."""
        return self.tell(e.AgentIdle(agent, 1, (queue,), self.now_us))


def test_the_longest_idle_agent_of_the_queue_is_joined():
    """Requirement 34. As for every call on which a person waits."""
    bench = Bench()
    bench.idle("a2", "other")
    bench.idle("a1")
    ((to, ask),) = bench.tell(WANTED)
    assert (to, type(ask), ask.agent) == ("agent/a1", c.ReserveAgent, "a1")
    assert bench.tell(e.AgentReserved("a1", 1, CALL)) == [("trunk/t1", c.JoinAgent(CALL, "a1", 1))]
    assert bench.call.agent == "a1"


def test_who_becomes_idle_while_a_callee_waits_is_asked():
    bench = Bench()
    assert bench.tell(WANTED) == []
    assert bench.call.stage is Stage.WAITING
    ((to, _),) = bench.idle("a1")
    assert to == "agent/a1"


def test_nobody_in_time_is_no_abandonment():
    """The flow goes on: the scheduler hangs nothing up, and counts nobody as abandoned."""
    bench = Bench()
    bench.tell(WANTED)
    assert bench.tell(after_s=30) == []
    assert bench.call.stage is Stage.JOINING
    assert bench.scheduler.pool.campaigns["c1"].abandoned == 0
    assert bench.idle("a1") == []


@pytest.mark.parametrize(
    "end", [AgentUnwanted(CALL), e.CallEnded(CALL, "", Outcome.CONNECTED, NOON)], ids=["unwanted", "ended"]
)
def test_an_agent_who_is_asked_is_free_when_the_callee_is_gone(end):
    bench = Bench()
    bench.idle("a1")
    bench.tell(WANTED)
    assert ("agent/a1", c.ReleaseAgent("a1", CALL)) in bench.tell(end)


def test_a_join_that_fails_is_tried_with_another_agent():
    bench = Bench()
    bench.idle("a1")
    bench.tell(WANTED)
    bench.tell(e.AgentReserved("a1", 1, CALL))
    bench.idle("a2")
    said = bench.tell(e.JoinFailed(CALL, "a1"))
    assert ("agent/a2", c.ReserveAgent) in [(to, type(message)) for to, message in said]


def test_what_comes_late_is_vain():
    """Twice, or for a call that is over."""
    bench = Bench()
    bench.idle("a1")
    bench.tell(WANTED)
    assert bench.tell(WANTED) == []
    bench.tell(e.CallEnded(CALL, "", Outcome.CONNECTED, NOON))
    assert bench.tell(WANTED) == []
    assert bench.tell(AgentUnwanted(CALL)) == []
