"""The machine's limit: bare actors that pass what the real ones say for each attempt, with no logic and no disk.

Same actors with the same options, same messages in the same batches, one batch in the air per destination. Whoever
hears something says what follows from it in the real dialer, at once: nothing is decided, remembered or written.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, cast

import ray
from ray.actor import ActorHandle

from dialer.actors.deployment import Deployment
from dialer.actors.placement import spread

# the floor stands on whatever options the real actors have
from dialer.actors.registry import _OPTIONS as ACTOR_OPTIONS
from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.flow import FlowResult
from dialer.domain.flow_talk import FlowEnded
from dialer.domain.ids import attempt_id
from dialer.domain.kinds import AgentState, AnswerClass, Outcome
from dialer.domain.ledger import STORE
from dialer.domain.link import Ack, Delivery, Verdict
from dialer.domain.message import Address, Envelope

CAMPAIGN, SCHEDULER, TRUNK = Address("campaign", "bench"), Address("scheduler", "main"), Address("trunk", "main")
#: Wall seconds that messages gather, as in the real hosts.
PACE_S: float = next(field.default for field in fields(Deployment) if field.name == "pace_s")
_NUMBER, _CALLER_ID, _US = 12025550123, 12125550100, 1_772_564_400_000_000
_DESKS_PER_ACTOR = 500

Out = list[Envelope]
Rule = Callable[[Any, Out], None]


@dataclass(frozen=True, slots=True)
class Layout:
    """Who is where: host of each machine, and whether agents take the calls."""

    agents: int
    homes: Mapping[Address, Address]

    def hosts(self) -> list[Address]:
        """All hosts, each once."""
        return [STORE, CAMPAIGN, SCHEDULER, TRUNK, *dict.fromkeys(self.homes.values())]


def layout(agents: int, *, per_actor: int | str) -> Layout:
    """The hosts of a dialer with so many agents, placed as the real one places them on the Ray of this process.

    Args:
        agents: Agents, 0 for agentless.
        per_actor: Agents in one actor: ``auto`` or a number from 1.
    """
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    cpus = int(resources["CPU"])
    homes: dict[Address, Address] = {}
    names = iter(range(agents))
    for host, size in enumerate(spread(agents, per_actor=per_actor, cpus=cpus)):
        for _ in range(size):
            homes[Address("agent", f"a{next(names)}")] = Address("agents", f"main-{host}")
    for name in range(agents):
        homes[Address("desk", f"a{name}")] = Address("desks", f"main-{name // _DESKS_PER_ACTOR}")
    return Layout(agents, homes)


class Talk:
    """What follows from each message, for the hosts of one kind.

    Args:
        kind: Kind of the host.
        agents: Agents that take the calls, 0 for agentless.
    """

    def __init__(self, kind: str, agents: int) -> None:
        self.done = 0  #: attempts that have gone all the way
        self._agents = agents
        self._attempts = 0
        self._leases: list[e.Lease] = []
        self._over = 0
        rules: dict[str, dict[type, Rule]] = {
            "scheduler": {
                e.LeasesGranted: self._match if agents else self._dial,
                e.AgentReserved: lambda m, out: out.append(_order(m.attempt_id, m.agent)),
                e.CallAnswered: _nothing,
                e.CallEnded: self._ended,
                e.AgentIdle: _nothing,
            },
            "campaign": {
                c.RequestLeases: self._propose,
                e.IntentAccepted: self._lease,
                e.AttemptEnded: lambda m, out: out.append(Envelope(STORE, c.RecordOutcome("bench", m))),
                e.OutcomeRecorded: self._count,
                c.RequestCard: _card,
                e.DispositionSet: _nothing,
            },
            "store": {
                c.ProposeIntent: _accept,
                c.RecordOutcome: _record,
                e.DispositionSet: _nothing,
                FlowEnded: _nothing,
            },
            "trunk": {c.Originate: self._join_and_end if agents else self._answer_and_end},
            "agents": {
                c.ReserveAgent: _promise,
                e.CallJoined: _talking,
                e.ContactCard: self._known,
                e.CallEnded: _free,
                c.ReleaseAgent: _nothing,
            },
            "desks": {e.DeskUpdated: _nothing},
        }
        self._rules = rules[kind]

    def handle(self, batch: Sequence[Envelope]) -> Out:
        """Say what follows from a batch."""
        out: Out = []
        rules = self._rules
        for envelope in batch:
            rules[type(envelope.message)](envelope.message, out)
        if self._leases:
            leases, self._leases = tuple(self._leases), []
            out.append(Envelope(SCHEDULER, e.LeasesGranted("bench", leases, len(leases), 0)))
        if self._over:
            over, self._over = self._over, 0
            out.append(Envelope(CAMPAIGN, c.RequestLeases("main", over)))
        return out

    def _propose(self, msg: c.RequestLeases, out: Out) -> None:
        for _ in range(msg.count):
            self._attempts += 1
            attempt = attempt_id(1, self._attempts, 1)
            out.append(Envelope(STORE, c.ProposeIntent(attempt, 1, _NUMBER, 0)))

    def _lease(self, msg: e.IntentAccepted, _out: Out) -> None:
        self._leases.append(e.Lease(msg.attempt_id, _NUMBER, msg.intent_us, msg.not_after_us))

    def _count(self, _msg: e.OutcomeRecorded, _out: Out) -> None:
        self.done += 1

    def _dial(self, msg: e.LeasesGranted, out: Out) -> None:
        out.extend(_order(lease.attempt_id, "") for lease in msg.leases)

    def _match(self, msg: e.LeasesGranted, out: Out) -> None:
        for lease in msg.leases:
            agent = self._agent(lease.attempt_id)
            out.append(Envelope(Address("agent", agent), c.ReserveAgent(agent, lease.attempt_id, "bench", _US)))

    def _ended(self, msg: e.CallEnded, out: Out) -> None:
        self._over += 1
        if msg.agent:
            out.append(Envelope(Address("agent", msg.agent), c.ReleaseAgent(msg.agent, msg.attempt_id)))

    def _answer(self, msg: c.Originate, out: Out) -> None:
        out.append(Envelope(SCHEDULER, e.CallAnswered(msg.attempt_id, "main", AnswerClass.UNKNOWN, _US)))

    def _answer_and_end(self, msg: c.Originate, out: Out) -> None:
        self._answer(msg, out)
        out.append(Envelope(STORE, FlowEnded(msg.attempt_id, "notice", 1, "end", FlowResult.COMPLETED, "{}", _US)))
        _end(msg.attempt_id, "", out)

    def _join_and_end(self, msg: c.Originate, out: Out) -> None:
        """With the agent who is promised, as the order says."""
        self._answer(msg, out)
        agent = Address("agent", msg.agent)
        out.append(Envelope(agent, e.CallJoined(msg.attempt_id, "bench", "main", msg.agent, _US)))
        out.append(Envelope(agent, e.CallEnded(msg.attempt_id, msg.agent, Outcome.CONNECTED, _US)))
        _end(msg.attempt_id, msg.agent, out)

    def _known(self, msg: e.ContactCard, out: Out) -> None:
        _show(self._agent(msg.attempt_id), AgentState.TALKING, msg.attempt_id, out)

    def _agent(self, attempt: int) -> str:
        return f"a{(attempt >> 16) % self._agents}"


def _nothing(_msg: Any, _out: Out) -> None:
    """Heard, and nothing follows."""


def _accept(msg: c.ProposeIntent, out: Out) -> None:
    out.append(Envelope(CAMPAIGN, e.IntentAccepted(msg.attempt_id, _US, _US)))


def _record(msg: c.RecordOutcome, out: Out) -> None:
    out.append(Envelope(CAMPAIGN, e.OutcomeRecorded(msg.ended.attempt_id)))


def _order(attempt: int, agent: str) -> Envelope:
    flow = None if agent else "notice"
    order = c.Originate(attempt, "main", "bench", _NUMBER, _CALLER_ID, 25_000_000, _US, _US, False, flow, agent, 1)  # noqa: FBT003
    return Envelope(TRUNK, order)


def _end(attempt: int, agent: str, out: Out) -> None:
    out.append(Envelope(SCHEDULER, e.CallEnded(attempt, agent, Outcome.CONNECTED, _US)))
    ended = e.AttemptEnded(attempt, Outcome.CONNECTED, agent, 16, _US, _US, _US, _US)
    out.append(Envelope(CAMPAIGN, ended))


def _show(agent: str, state: AgentState, attempt: int, out: Out) -> None:
    out.append(Envelope(Address("desk", agent), e.DeskUpdated(agent, state, attempt, "bench")))


def _promise(msg: c.ReserveAgent, out: Out) -> None:
    _show(msg.agent, AgentState.RESERVED, msg.attempt_id, out)
    out.append(Envelope(SCHEDULER, e.AgentReserved(msg.agent, 1, msg.attempt_id)))


def _talking(msg: e.CallJoined, out: Out) -> None:
    _show(msg.agent, AgentState.TALKING, msg.attempt_id, out)
    out.append(Envelope(CAMPAIGN, c.RequestCard(msg.attempt_id, msg.agent)))


def _card(msg: c.RequestCard, out: Out) -> None:
    out.append(Envelope(Address("agent", msg.agent), e.ContactCard(msg.attempt_id, (), None)))


def _free(msg: e.CallEnded, out: Out) -> None:
    verdict = e.DispositionSet(msg.attempt_id, msg.agent, "", "", _US)
    out.append(Envelope(STORE, verdict))
    out.append(Envelope(CAMPAIGN, verdict))
    _show(msg.agent, AgentState.IDLE, 0, out)
    out.append(Envelope(SCHEDULER, e.AgentIdle(msg.agent, 1, ("main",), _US)))


class FloorActor:
    """A courier without a machine.

    Args:
        address: Its host's address.
        agents: Agents that take the calls, 0 for agentless.
    """

    def __init__(self, address: Address, agents: int) -> None:
        self._address = address
        self._talk = Talk(address.kind, agents)
        self._homes: Mapping[Address, Address] = {}
        self._peers: Mapping[Address, ActorHandle[Any]] = {}
        self._pending: list[Envelope] = []
        self._waiting: dict[Address, list[Envelope]] = {}
        self._in_air: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._stepping = False
        self._last_s = 0.0
        self._seq = 0

    async def meet(self, homes: Mapping[Address, Address], peers: Mapping[Address, ActorHandle[Any]]) -> None:
        """Learn who is where, and the others' handles."""
        self._homes, self._peers = homes, peers

    async def deliver(self, delivery: Delivery) -> Ack:
        """Take one batch."""
        self._pending += delivery.batch
        if not self._stepping:
            self._stepping = True
            self._loop.call_at(max(self._last_s + PACE_S, self._loop.time()), self._step)
        return Ack(Verdict.TAKEN, 1)

    async def done(self) -> int:
        """Attempts that have gone all the way."""
        return self._talk.done

    def _step(self) -> None:
        self._stepping = False
        self._last_s = self._loop.time()
        pending, self._pending = self._pending, []
        for envelope in self._talk.handle(pending):
            home = self._homes.get(envelope.to, envelope.to)
            waiting = self._waiting.get(home)
            if waiting is None:
                waiting = self._waiting[home] = []
                task = self._loop.create_task(self._carry(home, waiting))
                self._in_air.add(task)
                task.add_done_callback(self._in_air.discard)
            waiting.append(envelope)

    async def _carry(self, home: Address, waiting: list[Envelope]) -> None:
        while waiting:
            batch = tuple(waiting)
            waiting.clear()
            self._seq += 1
            await self._peers[home].deliver.remote(Delivery(self._address, 1, 1, self._seq, batch))
        del self._waiting[home]


def measure(laid_out: Layout, *, in_flight: int, warm_up_s: float, seconds: float) -> float:
    """Attempts per second on the Ray of this process.

    Args:
        laid_out: Who is where.
        in_flight: Attempts under way: many, so that batches are as large as at saturation of the real dialer.
        warm_up_s: Wall seconds before the measurement.
        seconds: Wall seconds of the measurement.
    """
    options = ACTOR_OPTIONS | {"lifetime": None, "get_if_exists": False}
    actor = cast("Any", ray.remote(FloorActor)).options(**options)
    actors: dict[Address, ActorHandle[Any]] = {host: actor.remote(host, laid_out.agents) for host in laid_out.hosts()}
    try:
        ray.get([handle.meet.remote(laid_out.homes, actors) for handle in actors.values()])
        first = (Envelope(CAMPAIGN, c.RequestLeases("main", in_flight)),)
        ray.get(actors[CAMPAIGN].deliver.remote(Delivery(SCHEDULER, 1, 1, 0, first)))
        time.sleep(warm_up_s)
        began_s, before = time.perf_counter(), ray.get(actors[CAMPAIGN].done.remote())
        time.sleep(seconds)
        after = ray.get(actors[CAMPAIGN].done.remote())
        return float(after - before) / (time.perf_counter() - began_s)
    finally:
        for handle in actors.values():
            ray.kill(handle)
