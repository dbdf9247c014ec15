"""The directory: which hosts there are, what each was born as, where machines live, and what hosts last showed."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import Any

import ray

from dialer.actors import births, registry
from dialer.actors.births import AgentsBirth, DesksBirth, PoolBirth, TrunkBirth
from dialer.actors.deployment import Deployment
from dialer.actors.handles import Office
from dialer.actors.host import UndeliveredError
from dialer.actors.placement import place_one, spread
from dialer.domain.kinds import PriorityPolicy
from dialer.domain.ledger import STORE
from dialer.domain.message import Address, Envelope, message
from dialer.domain.specs import AgentSpec, PoolSpec, TrunkSpec

_RETRY_S = 0.3
_OBSERVE_S = 2.0
_START_LOOKS = 100
_PEOPLE_PER_ACTOR = 500
#: The document that says for which dialer the hosts on record were placed.
_PLACED = ("dialer", "main")
#: Who must be there before others speak to them starts first.
_START_ORDER = ("trunk", "scheduler", "campaign", "agents", "desks")
_STAFF = ("agents", "desks")


@message
class Plan:
    """What a dialer consists of when it starts."""

    trunks: tuple[tuple[TrunkSpec, str], ...]  #: with the profile of the simulated carrier
    queues: tuple[tuple[str, str], ...]  #: queue, pool
    agents: tuple[AgentSpec, ...] = ()
    habits: str | None = None  #: of simulated people at the desks; None leaves desks to connect
    schedules: bool = False  #: campaigns start by the calendar; False for a dialer that is there for some of them only
    policies: tuple[tuple[str, PriorityPolicy], ...] = ()  #: pool, how its agents are divided; strictly unless said
    caller_ids: tuple[int, ...] | None = None  #: numbers that campaigns may show; None for any


class Directory:
    """Hosts of one dialer. Births stand in the catalogue, so that a reborn director finds them.

    Args:
        deployment: What every actor must know.
        per_actor: Agents in one actor: ``auto`` or a number from 1.
    """

    def __init__(self, deployment: Deployment, per_actor: int | str) -> None:
        self.deployment = deployment
        self.per_actor = per_actor
        self.office = Office(deployment.namespace)
        self.births: dict[Address, Any] = {}
        self.views: dict[Address, Any] = {}  #: what each host last showed
        self.homes: dict[Address, Address] = {}  #: machine -> host, for machines that share one
        self._changing = asyncio.Lock()  # one member after the other joins a pool
        self.placed: dict[str, Any] | None = None  #: what this dialer was placed with; None until ``begin``

    async def store(self, method: str, *args: Any) -> Any:
        """Ask the store, until it answers."""
        while True:
            try:
                return await self.office.call(STORE, method, *args)
            except UndeliveredError:
                await asyncio.sleep(_RETRY_S)

    async def load(self) -> None:
        """Learn what an earlier incarnation of the director has started."""
        for name, doc in await self.store("all", births.KIND):
            kind, _, rest = name.partition("/")
            host = Address(kind, rest)
            self._note(host, births.from_doc(host, doc))
        placed = await self.store("get", *_PLACED)
        if placed is not None and placed["origin_us"] == self.deployment.origin_us:
            self.placed = placed  # otherwise the hosts on record are those of an earlier dialer on the same data

    def _note(self, host: Address, birth: Any) -> None:
        self.births[host] = birth
        for machine in births.machines_of(host, birth):
            if machine != host:
                self.homes[machine] = host
                self.office.learned({machine: host})

    async def keep(self, host: Address, birth: Any) -> None:
        """Write down what a host is born as."""
        await self.store("put", births.KIND, str(host), births.to_doc(host, birth))
        self._note(host, birth)

    def start(self, host: Address) -> None:
        """Start the actor of a host, unless it runs."""
        registry.start_host(host, self.deployment)

    # -- a new dialer ------------------------------------------------------------------------------------------------

    async def begin(self, plan: Plan) -> None:
        """Forget the hosts of an earlier dialer on the same data, place those of the plan, start trunks and schedulers.

        Agents come with ``staff``: each actor is a process that takes its time to start, and calls need lists first.
        """
        for name, _ in await self.store("all", births.KIND):
            await self.store("delete", births.KIND, name)
        self.births.clear()
        self.homes.clear()
        for queue, pool in plan.queues:
            await self.store("put", "queue", queue, {"pool": pool})
        for agent in plan.agents:
            doc = {"queues": list(agent.queues), "pool": agent.pool, "outbound": agent.outbound}
            await self.store("put", "agent", agent.agent, doc)
        hosts: list[tuple[Address, Any]] = []
        pools = sorted({pool for _, pool in plan.queues} | {agent.pool for agent in plan.agents} | {"main"})
        for trunk, profile in plan.trunks:
            doc = {"lines": trunk.lines, "calls_per_s": trunk.calls_per_s, "profile": profile}
            await self.store("put", "trunk", trunk.trunk, doc)
            hosts.append((Address("trunk", trunk.trunk), TrunkBirth(replace(trunk, pools=tuple(pools)), profile)))
        for pool in pools:
            agents = [agent for agent in plan.agents if agent.pool == pool]
            hosts += await self._place(pool, agents, plan.habits)
            spec = PoolSpec(
                pool,
                tuple(trunk.trunk for trunk, _ in plan.trunks),
                tuple(agent.agent for agent in agents),
                # leases lead by a second of wall time, which is more of a faster dialler time
                lead_us=round(PoolSpec(pool).lead_us * max(1.0, self.deployment.speed)),
                priority_policy=dict(plan.policies).get(pool, PriorityPolicy.STRICT),
            )
            hosts.append((Address("scheduler", pool), PoolBirth(spec)))
        hosts.sort(key=lambda pair: _START_ORDER.index(pair[0].kind))
        for host, birth in hosts:
            await self.keep(host, birth)
        self.placed = {
            "origin_us": self.deployment.origin_us,
            "schedules": plan.schedules,
            "caller_ids": None if plan.caller_ids is None else list(plan.caller_ids),
        }
        await self.store("put", *_PLACED, self.placed)
        for host, _ in hosts:
            if host.kind not in _STAFF:
                self.start(host)

    def staff(self) -> None:
        """Start agents and desks."""
        for host in self.births:
            if host.kind in _STAFF:
                self.start(host)

    async def _place(self, pool: str, agents: list[AgentSpec], habits: str | None) -> list[tuple[Address, Any]]:
        placed: list[tuple[Address, Any]] = []
        at = 0
        for number, size in enumerate(spread(len(agents), per_actor=self.per_actor, cpus=await _cpus())):
            placed.append((Address("agents", f"{pool}-{number}"), AgentsBirth(tuple(agents[at : at + size]))))
            at += size
        if habits is not None:
            for number, first in enumerate(range(0, len(agents), _PEOPLE_PER_ACTOR)):
                people = tuple(agent.agent for agent in agents[first : first + _PEOPLE_PER_ACTOR])
                placed.append((Address("desks", f"{pool}-{number}"), DesksBirth(people, habits)))
        return placed

    async def add_agent(self, agent: AgentSpec) -> None:
        """Place one more agent, and tell everybody where it lives."""
        machine = Address("agent", agent.agent)
        host = self.homes.get(machine)
        if host is not None:
            return  # placed before: queues change with the next start of its actor
        sizes = {
            str(host): len(birth.specs)
            for host, birth in self.births.items()
            if host.kind == "agents" and host.id.rpartition("-")[0] == agent.pool
        }
        name = place_one(sizes, per_actor=self.per_actor, cpus=await _cpus())
        host = Address("agents", f"{agent.pool}-{len(sizes)}" if name is None else name.partition("/")[2])
        known = self.births.get(host, AgentsBirth(()))
        await self.keep(host, AgentsBirth((*known.specs, agent)))
        await self.change_pool(agent.pool, agent=agent.agent)
        self.start(host)
        await asyncio.gather(*(self._tell_home(other, machine, host) for other in self.births))
        await self.office.call(host, "join", agent)

    async def _tell_home(self, other: Address, machine: Address, host: Address) -> None:
        try:
            await self.office.call(other, "learned", {machine: host})
        except UndeliveredError:
            return  # a host that starts asks for all homes

    async def change_pool(self, pool: str, *, agent: str | None = None, campaign: str | None = None) -> None:
        """A pool gets one more member; its scheduler hears of it from the member itself."""
        host = Address("scheduler", pool)
        async with self._changing:
            spec = self.births[host].spec
            agents = spec.agents if agent is None or agent in spec.agents else (*spec.agents, agent)
            known = campaign is None or campaign in spec.campaigns
            campaigns = spec.campaigns if known else (*spec.campaigns, campaign)
            await self.keep(host, PoolBirth(replace(spec, agents=agents, campaigns=campaigns)))

    async def renew(self, host: Address) -> None:
        """A host is to be reborn as what is written down now."""
        with contextlib.suppress(UndeliveredError):  # gone, as it was told
            await self.office.call(host, "renew")

    # -- what hosts show ---------------------------------------------------------------------------------------------

    async def tell(self, machine: Address, order: Any) -> None:
        """Hand a machine an order; it may be lost with its actor.

        Raises:
            UndeliveredError: There was no answer.
        """
        await self.office.call(self.homes.get(machine, machine), "tell", [Envelope(machine, order)])

    async def observe(self) -> None:
        """Look at all hosts; of one that does not answer the last view stays."""
        hosts = list(self.births)
        views = await asyncio.gather(*(self._view(host) for host in hosts))
        self.views |= {host: view for host, view in zip(hosts, views, strict=True) if view is not None}

    async def shows(self, host: Address) -> bool:
        """Wait until a host that starts shows something; False if it takes too long to wait for."""
        for _ in range(_START_LOOKS):
            view = await self._view(host)
            if view is not None:
                self.views[host] = view
                return True
            await asyncio.sleep(_RETRY_S)
        return False

    async def _view(self, host: Address) -> Any:
        try:
            async with asyncio.timeout(_OBSERVE_S):
                return await self.office.call(host, "observe")
        except (TimeoutError, UndeliveredError):
            return None

    def shown(self, kind: str) -> list[Any]:
        """The last views of all hosts of a kind."""
        return [self.views[host] for host in self.births if host.kind == kind and host in self.views]


async def _cpus() -> int:
    resources = await asyncio.to_thread(ray.cluster_resources)
    return int(resources.get("CPU", 1))
