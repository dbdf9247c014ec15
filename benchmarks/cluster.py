"""A dialer of its own for one measurement: Ray on this machine, a scratch directory for data, a list, a load."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.processes import cpu_s
from dialer.actors.directory import Plan
from dialer.actors.handles import DIRECTOR, Control
from dialer.actors.launch import end, launch, make_deployment, start_ray, stop_ray
from dialer.config import AgentsSection, CampaignFile, TrunkSection, load_rules
from dialer.domain.kinds import AgentState, DialingMode
from dialer.domain.ledger import STORE
from dialer.domain.message import Address
from dialer.domain.specs import SECOND_US, AgentSpec, TrunkSpec
from dialer.sim.contacts import SyntheticContacts

#: A Tuesday at 19:00 UTC, when everybody from Maine to Hawaii may be called.
START_US = 1_772_564_400 * SECOND_US
_TRUNK, _QUEUE, _LIST = "main", "main", "list"
_CALLER_ID = 12125550100
#: Until all hosts have started: an actor is a process, and two or three start in a second.
_READY_S = 120.0
_LOOK_S = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What the dialer has to do.

    Every call is answered at once and lasts a second: what is measured is the dialer alone.
    """

    agents: int = 0  #: 0 for agentless
    concurrency: int = 1  #: agentless: calls at one moment
    lines: int = 100_000
    calls_per_s: int = 100_000
    contacts: int
    warm_up_s: float
    seconds: float  #: length of the measurement
    per_actor: int | str = "auto"
    pace_s: float | None = None  #: None for the default of the deployment
    tick_s: float | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """What the dialer has done in the time of measurement."""

    attempts_per_s: float
    deliveries_per_attempt: float
    cpu_ms_per_attempt: float
    cpu_ratio_by_kind: dict[str, float]  #: processors kept busy, by kind of host
    report: dict[str, Any]  #: of the whole run

    @property
    def answer_to_agent_ms(self) -> dict[str, float]:
        """Wall milliseconds from an answer until agent and callee hear each other: ``p50``, ``p99``, ``max``."""
        waits: dict[str, float] = self.report["answer_to_agent_ms"]
        return waits


@contextlib.contextmanager
def own_ray() -> Iterator[None]:
    """Ray on this machine for the length of a ``with`` block, with a token of its own and no word on the screen."""
    # Ray's workers yield to everything else on the machine unless told otherwise
    os.environ.setdefault("RAY_worker_niceness", "0")
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        start_ray(None)
        try:
            yield
        finally:
            stop_ray()


def measure(load: Load, *, rounds: int = 1) -> list[Measured]:
    """Start a dialer on the Ray of this process, let it dial, and end it.

    Args:
        load: What it has to do; the contacts must last for one measurement.
        rounds: How many campaigns it runs, one after the other.

    Returns:
        One measurement for each round.

    Raises:
        RuntimeError: The list was dialled before the measurement was over.
    """
    with tempfile.TemporaryDirectory(prefix="dialer-bench-") as scratch:
        return asyncio.run(_measure(load, rounds, Path(scratch)))


async def _measure(load: Load, rounds: int, scratch: Path) -> list[Measured]:
    async with dialer(load, scratch) as bench:
        await bench.import_list(scratch / "contacts.csv")
        return [await _round(bench, f"bench-{number}") for number in range(rounds)]


async def _round(bench: Bench, name: str) -> Measured:
    load, control = bench.load, bench.control
    await bench.start_campaign(name)
    await bench.until_dialling(name)
    await asyncio.sleep(load.warm_up_s)
    before = await bench.look(name)
    await asyncio.sleep(load.seconds)
    after = await bench.look(name)
    if not after.fresh:
        msg = f"{load.contacts} contacts were too few for {load.seconds:g} s"
        raise RuntimeError(msg)
    await control.command_campaign(name, "stop")
    await bench.until_over(name)
    attempts, taken_s = after.ended - before.ended, after.at_s - before.at_s
    busy_s: dict[str, float] = {}
    for host, cpu in after.cpu_s.items():
        busy_s[host.kind] = busy_s.get(host.kind, 0.0) + cpu - before.cpu_s[host]
    return Measured(
        attempts / taken_s,
        (after.deliveries - before.deliveries) / max(1, attempts),
        1_000 * sum(busy_s.values()) / max(1, attempts),
        {kind: cpu / taken_s for kind, cpu in busy_s.items()},
        await control.report(name),
    )


@dataclass(frozen=True, slots=True)
class _Look:
    at_s: float
    ended: int
    fresh: int
    deliveries: int
    cpu_s: dict[Address, float]


class Bench:
    """A dialer under measurement.

    Args:
        control: Its control plane.
        load: What it has to do.
    """

    def __init__(self, control: Control, load: Load) -> None:
        self.control = control
        self.load = load
        self.hosts: list[Address] = [STORE, Address("trunk", _TRUNK), Address("scheduler", "main")]

    async def begin(self) -> None:
        """Start agents and wait until all hosts are there and all agents idle."""
        await self.control.staff()
        homes = await self.control.office.call(DIRECTOR, "homes")
        self.hosts += sorted(set(homes.values()))
        async with asyncio.timeout(_READY_S):
            await _until(self._all_there)

    async def _all_there(self) -> bool:
        if not (await self.control.health())["ready"]:
            return False
        idle = (await self.control.snapshot()).agents.get(AgentState.IDLE, 0)
        return idle == self.load.agents

    async def import_list(self, path: Path) -> None:
        """Make up a list and import it."""
        await asyncio.to_thread(write_list, path, self.load.contacts)
        await self.control.import_contacts(_LIST, path, path.name)

    async def start_campaign(self, name: str) -> None:
        """Start a campaign on the list."""
        await self.control.put_campaign(_campaign_file(name, self.load), [_LIST], [])
        await self.control.start_campaign(name)
        self.hosts.append(Address("campaign", name))

    async def pids(self, kind: str) -> list[int]:
        """Process ids of the hosts of one kind."""
        calls = (self.control.office.call(host, "process") for host in self.hosts if host.kind == kind)
        return [pid for pid, _, _ in await asyncio.gather(*calls)]

    async def look(self, campaign: str) -> _Look:
        """Count what was done so far."""
        (view,) = await self._view(campaign)
        at_s = time.perf_counter()
        told = await asyncio.gather(*(self.control.office.call(host, "process") for host in self.hosts))
        cpu = {host: cpu_s(pid) for host, (pid, _, _) in zip(self.hosts, told, strict=True)}
        ended = sum(view.outcomes.values())
        return _Look(at_s, ended, view.fresh, sum(sent for _, _, sent in told), cpu)

    async def until_dialling(self, campaign: str) -> None:
        """Wait until an attempt of the campaign is over."""

        async def dialling() -> bool:
            views = await self._view(campaign)
            return views is not None and bool(views[0].attempts)

        await _until(dialling)

    async def until_over(self, campaign: str) -> None:
        """Wait until no call of the campaign is up any more."""

        async def over() -> bool:
            return not (await self._view(campaign))[0].calls_up

        await _until(over)

    async def _view(self, campaign: str) -> Any:
        return await self.control.office.call(Address("campaign", campaign), "observe")


async def _until(come: Callable[[], Awaitable[bool]]) -> None:
    while True:
        if await come():
            return
        await asyncio.sleep(_LOOK_S)


@contextlib.asynccontextmanager
async def dialer(load: Load, scratch: Path) -> Any:
    """A dialer on the Ray of this process; its actors end with the block.

    Args:
        load: What it has to do.
        scratch: An empty directory.

    Yields:
        The dialer, with all its hosts there.
    """
    namespace = f"bench-{os.urandom(4).hex()}"
    deployment = make_deployment(scratch / "data", load_rules(), namespace=namespace, start_us=START_US)
    deployment = replace(deployment, pace_s=load.pace_s or deployment.pace_s, tick_s=load.tick_s or deployment.tick_s)
    trunk = TrunkSpec(_TRUNK, load.lines, load.calls_per_s)
    # no wrap-up: whoever has talked is free at once
    agents = tuple(AgentSpec(f"a{no}", "main", (_QUEUE,), (_TRUNK,), 0) for no in range(load.agents))
    plan = Plan(((trunk, "instant"),), ((_QUEUE, "main"),) if agents else (), agents, "steady" if agents else None)
    control = await launch(deployment, plan, per_actor=load.per_actor)
    bench = Bench(control, load)
    try:
        await bench.begin()
        yield bench
    finally:
        await end(control)


def write_list(path: Path, contacts: int) -> None:
    """Write a contact list of fictional numbers.

    Args:
        path: CSV file.
        contacts: Rows below the header, up to three million.
    """
    source = SyntheticContacts(contacts)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "phone"])
        writer.writerows([f"Contact {i}", f"+{source.number(i)}"] for i in range(contacts))


def _campaign_file(name: str, load: Load) -> CampaignFile:
    agentless = not load.agents
    return CampaignFile(
        name=name,
        mode=DialingMode.AGENTLESS if agentless else DialingMode.PROGRESSIVE,
        caller_id=_CALLER_ID,
        queue=None if agentless else _QUEUE,
        flow="notice" if agentless else None,
        concurrency=load.concurrency,
        max_attempts=1,
        trunk=TrunkSection(name=_TRUNK),
        agents=None if agentless else AgentsSection(count=load.agents),
    )
