"""Memory of logged-in agents: of an actor process, and of each agent in it."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.cluster import Load, dialer, own_ray
from benchmarks.processes import own_bytes, resident_bytes
from dialer.actors.placement import AUTO

AGENTS = 1_000
#: Actors where the case is not run at full size: each takes its time to start.
_FEW = 4
_MANY, _TARGET_MB = 10_000, 1_000.0
_KB, _MB = 1e3, 1e6


def run(scale: float) -> list[dict[str, Any]]:
    """Measure the same agents in as many actors as there are places for, and in one.

    Args:
        scale: Share of a thousand agents, above 0.

    Returns:
        Memory per agent in both, and what follows for one actor, one agent, and ten thousand agents.
    """
    agents = max(32, round(AGENTS * scale))
    with own_ray():
        spread_out = _own_and_resident(agents, AUTO if scale >= 1.0 else -(-agents // _FEW))
        packed = _own_and_resident(agents, agents)
    actors = len(spread_out)
    own, resident = (sum(column) for column in zip(*spread_out, strict=True))
    ((own_packed, _),) = packed
    actor = (own - own_packed) / (actors - 1)
    agent = max(0.0, own_packed - actor) / agents
    found = (
        (f"{agents:,} agents in {actors} actors: own, per agent", own / agents / _KB, "kB", None),
        (f"{agents:,} agents in {actors} actors: resident, per agent", resident / agents / _KB, "kB", None),
        (f"{agents:,} agents in 1 actor: own, per agent", own_packed / agents / _KB, "kB", None),
        ("an actor without agents (computed)", actor / _MB, "MB", None),
        ("one more agent (computed)", agent / _KB, "kB", None),
        (
            f"{_MANY:,} agents in {actors} actors (computed)",
            (actors * actor + _MANY * agent) / _MB,
            "MB",
            f"<= {_TARGET_MB:g}",
        ),
    )
    return [
        {"case": "memory", "what": what, "value": value, "unit": unit, "target": target}
        for what, value, unit, target in found
    ]


def _own_and_resident(agents: int, per_actor: int | str) -> list[tuple[int, int]]:
    """Memory of each agent actor, with all agents logged in."""
    print(f"{agents:,} agents, {per_actor} in an actor", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="dialer-bench-") as scratch:
        return asyncio.run(_look(agents, per_actor, Path(scratch)))


async def _look(agents: int, per_actor: int | str, scratch: Path) -> list[tuple[int, int]]:
    load = Load(agents=agents, contacts=1, warm_up_s=0, seconds=0, per_actor=per_actor)
    async with dialer(load, scratch) as bench:
        return [(own_bytes(pid), resident_bytes(pid)) for pid in await bench.pids("agents")]
