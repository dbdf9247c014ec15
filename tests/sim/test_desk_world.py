"""A person, the agent, a trunk and its carrier in preview dialling, with the other actors played by chance."""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.agent import AgentMachine
from dialer.domain.ids import attempt_id, run_of
from dialer.domain.kinds import AgentState, AnswerClass
from dialer.domain.ledger import STORE
from dialer.domain.message import Address, Envelope
from dialer.domain.specs import HOUR_US, SECOND_US, AgentSpec, TrunkSpec
from dialer.domain.trunk import TrunkMachine, switch_of
from dialer.sim.people import Person, habits_by_name
from dialer.telephony.simulated.carrier import Carrier
from dialer.telephony.simulated.profile import profile_by_name

AGENT, DESK, TRUNK = Address("agent", "a1"), Address("desk", "a1"), Address("trunk", "t1")
SCHEDULER, CAMPAIGN, SWITCH = Address("scheduler", "p1"), Address("campaign", "c1"), switch_of("t1")
MAX_SKIPS = 3
RUN_CONTACTS = 25  #: then the next run begins
HOURS = 6
DRAIN_US = HOUR_US  #: how long the last call may take
HABITS = replace(
    habits_by_name("typical"), skip_ratio=0.5, undecided_ratio=0.2, tune_ratio=0.5, leave_at_us=HOURS * HOUR_US
)


class World:
    """Messages take their time, in order between each two; the promises are checked as they arrive."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.now_us = 0
        self.epoch = 1
        self.crashes = 0
        self.spec = AgentSpec("a1", "p1", ("sales",), ("t1",))
        self.carrier = Carrier(profile_by_name("eager"), seed)
        self.trunk = TrunkMachine(TrunkSpec("t1", 10, 10), epoch=1)
        self.agent = AgentMachine(self.spec, epoch=1, reborn=False)
        self.person = Person("a1", seed, HABITS)
        self.mail: list[tuple[int, int, Address, Any]] = []
        self.serials = itertools.count()
        self.latest: Counter[tuple[Address, Address]] = Counter()  # when the last message between two arrives
        self.contacts = itertools.count()
        self.asked = 0  # the contact that the agent was asked to look at
        self.skips: Counter[int] = Counter()  # by run, as the campaign has counted
        self.skipped: Counter[int] = Counter()  # by run, as the agent has said
        self.verdicts: dict[Address, list[e.DispositionSet]] = {STORE: [], CAMPAIGN: []}
        self.seen: Counter[str] = Counter()
        for address, machine in ((TRUNK, self.trunk), (AGENT, self.agent), (DESK, self.person)):
            self.post(address, machine.start(0))
        self.send(SWITCH, TRUNK, e.SwitchConnected(()))

    # -- the post ------------------------------------------------------------------------------------------------------

    def send(self, sender: Address, to: Address, message: Any, delay_us: int = 0) -> None:
        """A message is on its way."""
        due_us = self.now_us + delay_us + self.chance.choice((1_000, 1_000, 20_000, 400_000))
        due_us = self.latest[sender, to] = max(due_us, self.latest[sender, to])
        heapq.heappush(self.mail, (due_us, next(self.serials), to, message))

    def post(self, sender: Address, envelopes: list[Envelope]) -> None:
        """What a machine has said."""
        for to, message in envelopes:
            self.send(sender, to, message)

    def run(self, until_us: int, crash_ratio: float) -> None:
        """Let things happen, in the order of their times."""
        while self.now_us < until_us:
            machines = {AGENT: self.agent, DESK: self.person, TRUNK: self.trunk}
            dues = [(due, to) for to, machine in machines.items() if (due := machine.next_deadline_us()) is not None]
            line_us = self.carrier.next_deadline_us()
            first_us = min([due for due, _ in dues] + [line_us or until_us] + [item[0] for item in self.mail[:1]])
            self.now_us = max(self.now_us, min(first_us, until_us))
            while self.mail and self.mail[0][0] <= self.now_us:
                _, _, to, message = heapq.heappop(self.mail)
                self.arrive(to, message)
            for to, machine in machines.items():
                if to != AGENT or machine is self.agent:  # else it has died meanwhile
                    self.post(to, machine.handle([], self.now_us))
            for event in self.carrier.handle((), self.now_us):
                self.send(SWITCH, TRUNK, event)
            if self.chance.random() < crash_ratio:
                self.crash()

    def crash(self) -> None:
        """The agent's actor dies with what was on its way to it, and is born again."""
        self.crashes += 1
        self.epoch += 1
        self.mail = [item for item in self.mail if item[2] != AGENT]
        heapq.heapify(self.mail)
        self.agent = AgentMachine(self.spec, epoch=self.epoch, reborn=True)
        self.post(AGENT, self.agent.start(self.now_us))
        self.send(AGENT, DESK, e.PeerRestarted(AGENT))

    def arrive(self, to: Address, message: Any) -> None:
        """A message is there."""
        self.seen[type(message).__name__] += 1
        if to == AGENT:
            self.post(AGENT, self.agent.handle([message], self.now_us))
            self.agent.check_invariants()
        elif to == DESK:
            self.post(DESK, self.person.handle([message], self.now_us))
            self.person.check_invariants()
        elif to == TRUNK:
            self.post(TRUNK, self.trunk.handle([message], self.now_us))
            self.trunk.check_invariants()
        elif to == SWITCH:
            for event in self.carrier.handle([message], self.now_us):
                self.send(SWITCH, TRUNK, event)
            self.carrier.check_invariants()
        elif type(message) is e.DispositionSet:
            self.verdicts[to].append(message)
        elif to == CAMPAIGN:
            self.campaign(message)
        elif to == SCHEDULER:
            self.scheduler(message)

    # -- the others, played --------------------------------------------------------------------------------------------

    def campaign(self, message: Any) -> None:
        """Count skips, and tell who a contact is."""
        if type(message) is c.SkipOffer:
            self.skips[run_of(message.attempt_id)] += 1
        elif type(message) is c.RequestCard:
            attempt = message.attempt_id
            left = max(0, MAX_SKIPS - self.skips[run_of(attempt)])
            self.send(CAMPAIGN, AGENT, e.ContactCard(attempt, (("name", str(attempt)),), left))

    def scheduler(self, message: Any) -> None:
        """Offer one contact after the other, dial what is wanted, join who answers."""
        kind, attempt = type(message), getattr(message, "attempt_id", 0)
        if getattr(message, "epoch", self.epoch) != self.epoch:
            return
        if kind is e.AgentIdle:
            contact = next(self.contacts)
            self.asked = attempt_id(1 + contact // RUN_CONTACTS, contact, 1)
            until_us = self.now_us + 90 * SECOND_US
            ask = c.ReserveAgent("a1", self.asked, "c1", until_us, preview_us=30 * SECOND_US)
            self.send(SCHEDULER, AGENT, ask)
        elif kind is e.AgentReserved:
            assert attempt == self.asked, "the one answer is about what was asked"
            order = (
                attempt,
                "p1",
                "c1",
                12025550100,
                12025550199,
                25 * SECOND_US,
                self.now_us,
                self.now_us + SECOND_US,
            )
            self.send(SCHEDULER, TRUNK, c.Originate(*order, amd=True, flow=None))
        elif kind is e.OfferSkipped:
            assert attempt == self.asked
            self.skipped[run_of(attempt)] += 1
            self.send(SCHEDULER, CAMPAIGN, c.SkipOffer(attempt, "a1"), delay_us=self.chance.randrange(20) * SECOND_US)
        elif kind is e.CallAnswered and message.answer_class is AnswerClass.HUMAN:
            self.send(SCHEDULER, TRUNK, c.JoinAgent(attempt, "a1", self.epoch))
        elif kind in (e.CallEnded, e.OriginateRefused, e.JoinFailed):
            self.send(SCHEDULER, AGENT, c.ReleaseAgent("a1", attempt))


@pytest.mark.parametrize("seed", range(3))
def test_a_day_of_preview_calls(seed: int) -> None:
    """Contacts are dialled, skipped up to the cap, or left to the timer; each call has one disposition.

    Requirements 43, 46, 48, 49, 51, 52, 56, 57.
    """
    world = World(seed)
    world.run(HOURS * HOUR_US + DRAIN_US, crash_ratio=0.0)
    assert world.agent.state is AgentState.OFFLINE
    assert world.skipped == world.skips
    assert max(world.skipped.values()) == MAX_SKIPS
    assert world.verdicts[STORE] == world.verdicts[CAMPAIGN]
    attempts = [verdict.attempt_id for verdict in world.verdicts[STORE]]
    assert len(attempts) == len(set(attempts)) == world.seen["CallJoined"] > 40
    assert 0 < world.seen["DialNow"] < world.seen["AgentReserved"], "some are left to the timer"
    assert 10 < world.seen["CallChanged"] <= world.seen["LineChanged"], "but for those that crossed with a hang-up"
    assert any(verdict.callback_us for verdict in world.verdicts[CAMPAIGN])


@pytest.mark.parametrize("seed", range(3))
def test_a_day_with_an_agent_that_dies(seed: int) -> None:
    """Whenever its actor dies, the agent comes back, forgets what was offered, and works on."""
    world = World(seed)
    world.run(HOURS * HOUR_US, crash_ratio=0.01)
    world.run(HOURS * HOUR_US + DRAIN_US, crash_ratio=0.0)
    assert world.crashes > 10
    assert world.agent.state is AgentState.OFFLINE
    attempts = [verdict.attempt_id for verdict in world.verdicts[STORE]]
    assert len(attempts) == len(set(attempts)) > 20
    assert max(world.skipped.values()) <= MAX_SKIPS + world.crashes
    assert not world.carrier.live_count()
