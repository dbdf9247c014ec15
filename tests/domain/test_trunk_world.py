"""A trunk before the simulated carrier, under random orders, repeats, stale ids, lost switches and restarts."""

from __future__ import annotations

import random
from collections import Counter, deque
from typing import Any

import pytest

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.flow import (
    FlowResult,
    FlowSpec,
    GatherStep,
    HangUpStep,
    OnMachine,
    OptOutStep,
    QueueStep,
    RecordStep,
)
from dialer.domain.flow_talk import AgentWanted, FlowEnded, FlowKnown
from dialer.domain.kinds import UNDIALLED, Outcome
from dialer.domain.media import FlowsUp
from dialer.domain.message import Address
from dialer.domain.specs import SECOND_US, TrunkSpec
from dialer.domain.trunk import TrunkMachine, switch_of
from dialer.telephony.simulated.carrier import Carrier
from dialer.telephony.simulated.profile import profile_by_name

LINES, CALLS_PER_S, AGENTS = 12, 15, 6
POOLS = ("p1", "p2")
HELLO = FlowSpec(
    "hello",
    "menu",
    (
        GatherStep("menu", "words", (("1", "agent"), ("2", "stop")), text="Press a key.", attempts=2),
        RecordStep("words", "end"),
        OptOutStep("stop", "mine", "end"),
        QueueStep("agent", "sales", "end", "music", 4 * SECOND_US),
        HangUpStep("end"),
    ),
    on_machine=OnMachine.MESSAGE,
    machine_text="Call us.",
)
STEPS = 900


class World:
    """Everyone around one trunk, doing whatever chance says; the promises are checked as things happen."""

    def __init__(self, seed: int, profile: str) -> None:
        self.chance = random.Random(seed)
        self.carrier = Carrier(profile_by_name(profile), seed)
        self.now_us = 5_000 * SECOND_US
        self.spec = TrunkSpec("t1", LINES, CALLS_PER_S)
        self.up = False  # the switch is connected
        self.to_trunk: list[Any] = []  # events of the switch on their way
        self.orders: dict[int, c.Originate] = {}  # all that were ever given
        self.closed: dict[int, e.AttemptEnded] = {}  # the campaign's books
        self.ends: Counter[int] = Counter()
        self.flows: Counter[int] = Counter()  # results of flows, by attempt
        self.sent: deque[int] = deque()
        self.placed: dict[int, int] = {}
        self.holds: dict[str, int] = {}  # agent -> call it is in
        self.credits = dict.fromkeys(POOLS, 0)
        self.answered: list[int] = []
        self.changed = 0  # calls that were muted, put on hold, or the reverse
        self.trunk = self.born(1)

    def born(self, epoch: int) -> TrunkMachine:
        """The first trunk, or the next incarnation of it."""
        self.trunk = TrunkMachine(self.spec, epoch=epoch)
        assert self.trunk.start(self.now_us) == []
        self.tell(*(c.Announce(pool) for pool in POOLS), FlowKnown("c1", HELLO))
        return self.trunk

    # -- what chance does --------------------------------------------------------------------------------------------

    def step(self) -> None:
        """Some time passes, something happens."""
        wait_us = self.chance.choice((1_000, 20_000, 20_000, 20_000, 200_000, 1_000_000))
        due_us = self.trunk.next_deadline_us()
        if due_us is not None and self.chance.random() < 0.8:
            wait_us = min(wait_us, max(0, due_us - self.now_us))
        self.now_us += wait_us
        self.to_trunk += self.heard(self.carrier.handle((), self.now_us))
        batch, self.to_trunk = self.to_trunk, []
        if self.chance.random() < (0.01 if self.up else 0.1):  # the trunk hears of it a step later
            self.switch_goes() if self.up else self.switch_comes()
        if self.chance.random() < 0.1:
            batch += batch[-2:]  # told twice
        self.tell(*batch, *self.wishes())
        if self.chance.random() < 0.1:
            self.ask()

    def heard(self, events: list[Any]) -> list[Any]:
        """Events of the switch; nobody hears them while it is away."""
        return events if self.up else []

    def switch_goes(self) -> None:
        """The switch is lost, and with it what it would have told."""
        self.up = False
        self.to_trunk.append(e.SwitchLost("chance"))

    def switch_comes(self) -> None:
        """The switch is back and tells what is up."""
        self.up = True
        self.to_trunk += [e.SwitchConnected(self.carrier.live_calls()), FlowsUp(self.carrier.flows_up())]

    def wishes(self) -> list[Any]:
        """What schedulers order."""
        chance = self.chance
        wishes: list[Any] = []
        for pool in POOLS:
            if chance.random() < 0.5:
                wishes.append(c.RequestCredits(pool, chance.randrange(20)))
                self.credits[pool] *= wishes[-1].wanted > 0  # a request for none gives back what is left
            for _ in range(min(self.credits[pool], chance.randrange(4)) or chance.random() < 0.05):
                self.credits[pool] = max(0, self.credits[pool] - 1)
                wishes.append(self.order(pool))
        if self.orders and chance.random() < 0.2:
            wishes.append(chance.choice(list(self.orders.values())[-30:]))  # an order given before
        if chance.random() < 0.005:
            wishes.append(e.PeerRestarted(Address("scheduler", "p1")))
            self.credits["p1"] = 0
        for attempt in self.some():
            agent = f"a{chance.randrange(AGENTS)}"
            wishes.append(
                chance.choice(
                    (
                        c.JoinAgent(attempt, agent, chance.choice((1, 1, 1, 2))),
                        c.HangUp(attempt, chance.choice(list(Outcome))),
                        c.ReportAgentCall(agent, chance.choice((1, 1, 2))),
                        c.SetCall(self.talker(attempt, agent), attempt, chance.random() < 0.5, chance.random() < 0.5),
                    )
                )
            )
        wishes += [c.JoinAgent(n, f"a{chance.randrange(AGENTS)}", 2) for n in self.answered if chance.random() < 0.8]
        self.answered = []
        return wishes

    def talker(self, attempt: int, agent: str) -> str:
        """Mostly the agent who is in the call."""
        known = [name for name, held in self.holds.items() if held == attempt]
        return known[0] if known and self.chance.random() < 0.8 else agent

    def some(self) -> list[int]:
        """Attempts in progress, and now and then one that is long over."""
        pick = [n for n, _, _ in self.carrier.live_calls() if self.chance.random() < 0.03]
        return [*pick, self.chance.randrange(1, len(self.orders) + 2)] if self.chance.random() < 0.1 else pick

    def order(self, pool: str) -> c.Originate:
        """A new order to dial, sometimes one that cannot be carried out."""
        chance, attempt = self.chance, len(self.orders) + 1
        number = chance.choice((12025550100,) * 19 + (442079460000,))
        late_us = self.now_us + chance.choice((0, 300_000, 5 * SECOND_US, 5 * SECOND_US, 5 * SECOND_US))
        intent_us = self.now_us - chance.choice((0, 50_000))
        flow = chance.choice((None, None, None, "hello", "reminder"))
        made = c.Originate(
            attempt, pool, "c1", number, 12025550199, 25 * SECOND_US, intent_us, late_us, chance.random() < 0.5, flow
        )
        self.orders[attempt] = made
        return made

    # -- what is said ------------------------------------------------------------------------------------------------

    def tell(self, *batch: Any, asked: bool = False) -> None:
        """Hand a batch to the trunk, and what it says to whom it concerns; the switch answers later."""
        to_switch = []
        for to, message in self.trunk.handle(batch, self.now_us):
            kind = type(message)
            if to == switch_of("t1"):
                to_switch.append(message)
                if kind is c.PlaceCall:
                    self.check_placed(message.attempt_id)
            elif kind is e.AttemptEnded:
                self.ends[message.attempt_id] += not asked
                self.closed.setdefault(message.attempt_id, message)
            elif kind is e.AttemptReported:
                self.judge(message)
            elif kind is FlowEnded:
                again = message.result is FlowResult.LOST and message.attempt_id in self.flows
                self.flows[message.attempt_id] += not again  # the trunk died before the line was down
            elif to.kind == "scheduler":
                self.tell_scheduler(to.id, message)
            elif to.kind == "agent":
                self.tell_agent(to.id, message)
        self.trunk.check_invariants()
        if to_switch and self.up:  # else they are lost on the way
            self.to_trunk += self.carrier.handle(to_switch, self.now_us)
            assert self.carrier.live_count() <= LINES

    def tell_scheduler(self, pool: str, message: Any) -> None:
        """Count credits, and note whom to join."""
        if type(message) is e.CreditsGranted:
            self.credits[pool] += message.count
        elif type(message) is e.TrunkOpened:
            self.credits[pool] = 0
        elif type(message) in (e.CallAnswered, AgentWanted):
            self.answered.append(message.attempt_id)

    def tell_agent(self, agent: str, message: Any) -> None:
        """No second call before the end of the first."""
        if type(message) is e.CallJoined:
            assert self.holds.setdefault(agent, message.attempt_id) == message.attempt_id
        elif type(message) is e.CallChanged:
            assert self.holds.get(agent, message.attempt_id) == message.attempt_id, "of the call it is in, or nobody's"
            self.changed += 1
        elif type(message) is e.CallEnded and self.holds.get(agent) == message.attempt_id:
            del self.holds[agent]
        elif type(message) is e.AgentCallReported and self.holds.get(agent) not in (None, message.attempt_id):
            assert self.trunk.epoch > 1  # it ended unseen, between two incarnations of the trunk
            del self.holds[agent]

    def check_placed(self, attempt: int) -> None:
        """Once, in time, allowed, within the rate."""
        order = self.orders[attempt]
        assert attempt not in self.placed
        assert self.now_us < order.not_after_us
        assert order.number == 12025550100
        self.placed[attempt] = self.now_us
        self.sent.append(self.now_us)
        while self.sent[0] <= self.now_us - SECOND_US:
            self.sent.popleft()
        assert len(self.sent) <= CALLS_PER_S

    def ask(self) -> None:
        """The campaign asks about what it has not heard the end of."""
        for attempt in [n for n in self.orders if n not in self.closed]:
            self.tell(c.ReportAttempt(attempt, "c1"), asked=True)

    def judge(self, told: e.AttemptReported) -> None:
        """What a campaign makes of an answer."""
        order = self.orders[told.attempt_id]
        if told.live or told.attempt_id in self.closed:
            return
        lost = told.knows_since_us >= order.intent_us
        if lost or told.at_us >= order.not_after_us:
            outcome = Outcome.UNKNOWN if lost else Outcome.EXPIRED
            self.closed[told.attempt_id] = e.AttemptEnded(told.attempt_id, outcome, "", 0, 0, 0, 0, self.now_us)

    # -- the end -----------------------------------------------------------------------------------------------------

    def drain(self) -> None:
        """No more orders; everything that is up comes to its end."""
        if not self.up:
            self.switch_comes()
        for _ in range(1000):
            batch, self.to_trunk = self.to_trunk, []
            self.tell(*batch)
            due = [at for at in (self.trunk.next_deadline_us(), self.carrier.next_deadline_us()) if at is not None]
            if not due and not self.to_trunk:
                break
            self.now_us = max(self.now_us, min(due, default=0))
            self.to_trunk += self.carrier.handle((), self.now_us)
        self.ask()
        assert (self.trunk.lines_in_use, self.trunk.queued, self.carrier.live_count()) == (0, 0, 0)


@pytest.mark.parametrize("profile", ["eager", "faulty", "typical"])
@pytest.mark.parametrize("seed", range(4))
def test_every_promise_holds_under_chance(seed, profile):
    """Lines and rate are kept, no id is dialled twice, every order has one end, no agent has two calls."""
    world = World(seed, profile)
    world.switch_comes()
    for _ in range(STEPS):
        world.step()
    world.drain()
    assert world.ends == Counter(dict.fromkeys(world.orders, 1))
    flows = {attempt for attempt, order in world.orders.items() if order.flow is not None}
    heard = {attempt for attempt, ended in world.closed.items() if ended.outcome is Outcome.CONNECTED} & flows
    assert world.flows.keys() <= flows
    assert heard <= world.flows.keys()
    assert set(world.flows.values()) == {1}
    for attempt, ended in world.closed.items():
        assert (ended.outcome in UNDIALLED) == (attempt not in world.placed) or ended.outcome is Outcome.UNKNOWN
        assert ended.sent_us == world.placed.get(attempt, 0)
        assert (ended.outcome is Outcome.CONNECTED) == (ended.joined_us > 0)
    assert len(world.placed) > 100
    assert world.changed > 0
    assert {Outcome.CONNECTED, Outcome.EXPIRED} <= {ended.outcome for ended in world.closed.values()}


@pytest.mark.parametrize("profile", ["eager", "faulty"])
@pytest.mark.parametrize("seed", range(6))
def test_every_promise_holds_over_restarts(seed, profile):
    """The same with a trunk that dies now and then: orders repeated to the next incarnation are not dialled twice."""
    world = World(seed, profile)
    world.switch_comes()
    for turn in range(STEPS):
        world.step()
        if world.chance.random() < 0.01:
            world.up, world.to_trunk = False, []
            world.born(turn + 2)
            repeated = [order for order in list(world.orders.values())[-20:] if world.chance.random() < 0.3]
            world.tell(*repeated, *(c.ReportAgentCall(f"a{n}", 2) for n in range(AGENTS)))
            world.ask()
            world.switch_comes()
    world.drain()
    assert world.closed.keys() == world.orders.keys()
    assert set(world.flows.values()) == {1}
    uncounted = {attempt for attempt, ended in world.closed.items() if ended.outcome in UNDIALLED}
    assert not uncounted & world.placed.keys()
    assert len(world.placed) > 100
