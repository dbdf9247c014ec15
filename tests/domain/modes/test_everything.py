"""Every message at every stage of a call, for the modes with stages of their own; then sequences at random."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.flow_talk import AgentUnwanted, AgentWanted
from dialer.domain.kinds import AgentState, AnswerClass, CampaignState, DialingMode, IntentRefusal, Outcome
from dialer.domain.message import Address
from dialer.domain.specs import SECOND_US

RICH = {"live_answers": 10**6}
AGENTS = ("a1", "a2")


def power_asked(new):
    """An agent is asked to wait for three calls."""
    bench = new()
    bench.open("power", ratio=3.0, **RICH)
    bench.idle("a1")
    bench.supply(4)
    return bench


def power_dialling(new):
    """They ring."""
    bench = power_asked(new)
    bench.promised()
    return bench


def power_leaderless(new):
    """The first is over."""
    bench = power_dialling(new)
    bench.ended(1, Outcome.BUSY)
    return bench


def power_joined(new):
    """The second was answered."""
    bench = power_dialling(new)
    bench.answered(2)
    return bench


def power_waiting(new):
    """And the first after it."""
    bench = power_joined(new)
    bench.answered(1)
    return bench


def preview_offered(new):
    """An agent looks at a contact, another contact is in stock."""
    bench = new()
    bench.open("preview")
    bench.idle("a1")
    bench.tell(bench.granted(2, offer=True))
    return bench


def preview_confirming(new):
    """The agent wants to dial."""
    bench = preview_offered(new)
    bench.promised()
    return bench


def preview_ready(new):
    """The ledger has allowed it."""
    bench = preview_confirming(new)
    lease = e.Lease(bench.call(1), 1, bench.now_us, bench.now_us + bench.ttl_us)
    bench.tell(e.LeasesGranted("c1", (lease,), 0, 0))
    return bench


def preview_dialling(new):
    """There is a line."""
    bench = preview_ready(new)
    bench.tell(e.CreditsGranted("t1", 1))
    return bench


def predictive_fallback(new):
    """One call for each agent, as long as nothing is known."""
    bench = new()
    bench.open("predictive")
    bench.idle("a1")
    bench.supply(2)
    return bench


def own_waiting(new):
    """A contact of an agent's own waits for a line."""
    bench = new()
    bench.open("progressive")
    bench.tell(bench.granted(0, asked=0, personal=("a1",)))
    bench.idle("a1")
    bench.tell(bench.granted(1, agent="a1", personal=("a1",)))
    return bench


STAGES = [
    power_asked,
    power_dialling,
    power_leaderless,
    power_joined,
    power_waiting,
    preview_offered,
    preview_confirming,
    preview_ready,
    preview_dialling,
    predictive_fallback,
    own_waiting,
]


def everything(bench, attempt):
    """One of each message, in each variant that matters."""
    now_us, mode = bench.now_us, bench.card().opened.mode
    lease = e.Lease(attempt, 1, now_us, now_us + bench.ttl_us)
    offer = e.Lease(attempt, 1, 0, now_us + 60 * SECOND_US)
    return [
        bench.opened(mode),
        bench.opened(mode, epoch=2),
        bench.opened(mode, run_no=2, epoch=3),
        bench.opened("preview" if mode == "power" else "power", epoch=2),
        e.CampaignClosed("c1", CampaignState.PAUSED),
        e.LeasesGranted("c1", (lease,), 1, 0),
        e.LeasesGranted("c1", (offer,), 1, 0),
        e.LeasesGranted("c1", (e.Lease(attempt + 9, 1, now_us, now_us + bench.ttl_us, "a2"),), 1, 0, ("a2",)),
        e.LeasesGranted("c1", (), 1, None),
        e.OfferWithdrawn("c1", attempt, IntentRefusal.DNC),
        *(e.AgentIdle(agent, epoch, ("q",), now_us) for agent in AGENTS for epoch in (1, 2)),
        *(e.AgentUnavailable("a1", 1, state, known) for state in AgentState for known in (0, attempt)),
        e.AgentUnavailable("a2", 1, AgentState.RESERVED, attempt),
        *(e.AgentReserved(agent, epoch, attempt) for agent in AGENTS for epoch in (1, 2)),
        *(e.ReservationRefused(agent, 1, attempt) for agent in AGENTS),
        *(e.OfferSkipped(agent, epoch, attempt) for agent in AGENTS for epoch in (1, 2)),
        *(
            e.TrunkOpened("t1", 2, known_us, live)
            for known_us in (0, now_us)
            for live in ((), ((attempt, "", False),), ((attempt, "", True),), ((attempt, "a2", True),))
        ),
        e.CreditsGranted("t1", 3),
        e.OriginateRefused(attempt, Outcome.EXPIRED),
        *(e.CallAnswered(attempt, "t1", kind, now_us) for kind in AnswerClass),
        *(e.JoinFailed(attempt, agent) for agent in ("", *AGENTS)),
        *(e.CallAnswered(attempt, "t1", AnswerClass.HUMAN, now_us, agent) for agent in AGENTS),
        AgentWanted(attempt, "t1", "c1", "q", now_us + 30_000_000),
        AgentUnwanted(attempt),
        e.CallEnded(attempt, "", Outcome.BUSY, now_us),
        e.CallEnded(attempt, "a1", Outcome.CONNECTED, now_us),
        *(e.PeerRestarted(Address(*peer)) for peer in (("trunk", "t1"), ("campaign", "c1"), ("agent", "a1"))),
    ]


@pytest.mark.parametrize(
    ("stage", "number"),
    [(stage, 1) for stage in STAGES] + [(stage, 2) for stage in STAGES if stage.__name__.startswith("power")],
)
def test_no_message_at_no_stage_breaks_anything(new, stage, number):
    """Each message, then each other one, then a long time: invariants hold after every step, and nothing raises."""
    example = stage(new)
    messages = everything(example, example.call(number))
    kinds = {type(message) for message in messages}
    assert kinds == set(example.scheduler._handlers)
    for first in messages:
        for second in messages:
            bench = stage(new)
            bench.tell(first)
            bench.tell(second)
            bench.tell(after_us=60 * SECOND_US)


@pytest.mark.parametrize("stage", STAGES)
def test_the_next_deadline_is_never_in_the_past(new, stage):
    bench = stage(new)
    for _ in range(30):
        due_us = bench.scheduler.next_deadline_us()
        if due_us is None:
            break
        assert due_us > bench.now_us
        bench.tell(after_us=due_us - bench.now_us)


@pytest.mark.parametrize("stage", STAGES)
def test_time_alone_frees_everybody_who_is_asked_or_looks(new, stage):
    """No state lasts for ever by a lost peer; what rings or talks is the trunk's to end."""
    bench = stage(new)
    bench.tell(e.LeasesGranted("c1", (), 9, None))
    for _ in range(12):
        bench.tell(after_us=10 * SECOND_US)
    stages = {call.stage.name for call in bench.scheduler.pool.calls}
    assert stages <= {"DIALLING", "JOINING", "CLEARING"}


class Surroundings:
    """Agents, campaigns and a trunk that do at random what they may, with crashes; notes who has what."""

    def __init__(self, new, draw, mode):
        self.bench, self.draw, self.mode = new(seed=draw(st.integers(0, 99))), draw, mode
        self.epochs = dict.fromkeys(("a1", "a2", "a3"), 1)
        self.asked, self.ringing, self.up, self.contact = {}, [], {}, 0
        self.heard(self.bench.open(mode, ratio=2.5, **RICH))

    def heard(self, said):
        """Take note of what the scheduler says."""
        for _, message in said:
            if type(message) is c.ReserveAgent:
                assert message.agent not in self.asked, "asked for a second call"
                self.asked[message.agent] = message
            elif type(message) is c.ReleaseAgent:
                self.asked.pop(message.agent, None)
            elif type(message) is c.Originate:
                assert message.attempt_id not in self.up, "dialled twice"
                self.up[message.attempt_id] = ""
                self.ringing.append(message.attempt_id)
            elif type(message) is c.JoinAgent:
                assert message.agent not in self.up.values(), "in two calls"
                self.up[message.attempt_id] = message.agent
                self.asked.pop(message.agent, None)

    def step(self):
        """One thing that happens, or nothing."""
        moves = (
            self.comes,
            self.decides,
            self.decides,
            self.leases,
            self.credits,
            self.answers,
            self.ends,
            self.allows,
            self.crashes,
        )
        news = self.draw(st.sampled_from(moves))()
        self.heard(self.bench.tell(*news, after_us=self.draw(st.sampled_from([0, 1_000, SECOND_US, 7 * SECOND_US]))))

    def agent(self):
        """Somebody."""
        return self.draw(st.sampled_from(sorted(self.epochs)))

    def comes(self):
        """An agent who has nothing to do is idle."""
        agent = self.agent()
        if agent in self.asked or agent in self.up.values():
            return []
        return [e.AgentIdle(agent, self.epochs[agent], ("q",), self.bench.now_us)]

    def decides(self):
        """An agent answers what it was asked."""
        agent = self.agent()
        if agent not in self.asked:
            return []
        asked, epoch = self.asked[agent], self.epochs[agent]
        verdict = self.draw(st.sampled_from(["yes", "yes", "no", "skip"]))
        if verdict == "yes":
            return [e.AgentReserved(agent, epoch, asked.attempt_id)]
        del self.asked[agent]
        told = e.OfferSkipped if verdict == "skip" and asked.preview_us else e.ReservationRefused
        return [told(agent, epoch, asked.attempt_id)]

    def leases(self):
        """Contacts are allowed, or offered."""
        return [self.bench.granted(self.draw(st.integers(0, 4)), offer=self.mode == "preview")]

    def credits(self):
        """There are lines."""
        return [e.CreditsGranted("t1", self.draw(st.integers(1, 4)))]

    def answers(self):
        """Somebody picks up."""
        if not self.ringing:
            return []
        attempt = self.ringing.pop(self.draw(st.integers(0, len(self.ringing) - 1)))
        return [e.CallAnswered(attempt, "t1", AnswerClass.UNKNOWN, self.bench.now_us)]

    def ends(self):
        """A call is over."""
        if not self.up:
            return []
        attempt = self.draw(st.sampled_from(sorted(self.up)))
        who = self.up.pop(attempt)
        self.ringing = [ringing for ringing in self.ringing if ringing != attempt]
        outcome = Outcome.CONNECTED if who else Outcome.NO_ANSWER
        return [e.CallEnded(attempt, who, outcome, self.bench.now_us)]

    def allows(self):
        """The ledger allows what agents have decided to dial."""
        until_us = self.bench.now_us + self.bench.ttl_us
        leases = tuple(e.Lease(attempt, 1, self.bench.now_us, until_us) for attempt in self.confirming())
        return [e.LeasesGranted("c1", leases, 0, 0)]

    def crashes(self):
        """An agent forgets its promise; one in a call would find it again."""
        agent = self.agent()
        if agent in self.up.values():
            return []
        self.epochs[agent] += 1
        self.asked.pop(agent, None)
        return [e.AgentUnavailable(agent, self.epochs[agent], AgentState.RECOVERING, 0)]

    def confirming(self):
        """Offers that an agent has decided to dial."""
        return [call.attempt_id for call in self.bench.scheduler.pool.calls if call.stage.name == "CONFIRMING"]


@pytest.mark.parametrize("mode", [mode.value for mode in DialingMode])
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_nobody_is_ever_in_two_calls_and_nothing_is_dialled_twice(new, mode, data):
    surroundings = Surroundings(new, data.draw, mode)
    for _ in range(data.draw(st.integers(20, 80))):
        surroundings.step()
