"""The real dialer, simulated trunk, durable intents: at saturation against the floor, and at a fixed rate."""

from __future__ import annotations

import sys
from typing import Any

from benchmarks import floor
from benchmarks.cluster import Load, Measured, measure, own_ray
from dialer.actors.placement import AUTO

#: Agents that take the calls where agents do. Who talks for a second takes almost one call a second.
AGENTS = 2_000
#: Agentless: calls at one moment. Calls last a second; more than the machine can carry is what is wanted.
CONCURRENCY = 12_000
#: Attempts under way at the floor, in turn.
IN_FLIGHT = (4_000, 8_000)
#: What disturbs the machine makes figures worse, never better: the best of so many counts.
ROUNDS = 3
#: More contacts than any machine of today dials in a second, so that the list outlasts the measurement.
CONTACTS_PER_S = 15_000
#: Agents in one actor where the case is not run at full size: each actor takes its time to start.
PER_ACTOR = 125
RATE_PER_S, RATE_AGENTS = 200, 300
_TARGET_RATIO, _TARGET_MS = ">= 0.15", "<= 100"


def run_floor(scale: float) -> list[dict[str, Any]]:
    """Measure the machine's limit.

    Args:
        scale: Share of the full length and size, above 0.

    Returns:
        Attempts per second without agents and with them.
    """
    agents = _agents(scale)
    with own_ray():
        flow = _floor(0, scale, 1)
        _say(f"floor, agentless: {flow:,.0f} attempts/s")
        people = _floor(agents, scale, 0)
        _say(f"floor, {agents:,} agents: {people:,.0f} attempts/s")
    return [
        {"case": "floor", "what": "bare actors, agentless", "value": flow, "unit": "attempts/s"},
        {"case": "floor", "what": f"bare actors, {agents:,} agents", "value": people, "unit": "attempts/s"},
    ]


def run(scale: float) -> list[dict[str, Any]]:
    """Measure the dialer.

    Args:
        scale: Share of the full length and size, above 0.

    Returns:
        Throughput against the floor of the same moments, what an attempt costs, and how fast answers reach agents.
    """
    with own_ray():
        return [*_agentless(scale), *_progressive(scale), *_at_rate(scale)]


def _agentless(scale: float) -> list[dict[str, Any]]:
    concurrency = max(200, round(CONCURRENCY * scale))
    return _against_floor("agentless, saturated", scale, 0, _load(scale, concurrency=concurrency))


def _progressive(scale: float) -> list[dict[str, Any]]:
    agents = _agents(scale)
    return _against_floor(f"progressive, {agents:,} agents", scale, agents, _load(scale, agents=agents))


def _against_floor(what: str, scale: float, agents: int, load: Load) -> list[dict[str, Any]]:
    """The floor before and after the dialer, the best of both; the dialer's best round."""
    before = _floor(agents, scale, 0)
    rounds = measure(load, rounds=_rounds(scale))
    limit = max(before, _floor(agents, scale, 1))
    best = max(rounds, key=lambda measured: measured.attempts_per_s)
    all_of_them = ", ".join(f"{measured.attempts_per_s:,.0f}" for measured in rounds)
    _say(f"{what}: {all_of_them} attempts/s, floor {limit:,.0f}")
    return [
        {
            "case": "dial",
            "what": what,
            "value": best.attempts_per_s,
            "unit": "attempts/s",
            "floor": limit,
            "ratio": best.attempts_per_s / limit,
            "target": _TARGET_RATIO,
        },
        *_costs(what, best),
    ]


def _at_rate(scale: float) -> list[dict[str, Any]]:
    agents, rate = max(8, round(RATE_AGENTS * scale)), max(4, round(RATE_PER_S * scale))
    what = f"progressive at {rate} dials/s"
    rounds = measure(_load(scale, agents=agents, calls_per_s=rate), rounds=_rounds(scale))
    best = min(rounds, key=lambda measured: measured.answer_to_agent_ms["p99"])
    all_of_them = ", ".join(f"{measured.answer_to_agent_ms['p99']:.0f}" for measured in rounds)
    _say(f"{what}: answer to agent p99 {all_of_them} ms")
    return [
        {"case": "dial", "what": what, "value": best.attempts_per_s, "unit": "attempts/s"},
        *(
            {
                "case": "dial",
                "what": f"{what}: answer to agent, {name}",
                "value": best.answer_to_agent_ms[name],
                "unit": "ms",
                "target": target,
            }
            for name, target in (("p50", None), ("p99", _TARGET_MS), ("max", None))
        ),
        *_costs(what, best),
    ]


def _costs(what: str, measured: Measured) -> list[dict[str, Any]]:
    busy = ", ".join(f"{kind} {ratio:.2f}" for kind, ratio in measured.cpu_ratio_by_kind.items())
    _say(f"{what}: processors busy: {busy}")
    costs = (
        ("remote calls per attempt", measured.deliveries_per_attempt, "calls"),
        ("processor time per attempt", measured.cpu_ms_per_attempt, "ms"),
    )
    return [{"case": "dial", "what": f"{what}: {name}", "value": value, "unit": unit} for name, value, unit in costs]


def _per_actor(scale: float) -> int | str:
    return PER_ACTOR if scale < 1.0 else AUTO


def _agents(scale: float) -> int:
    return max(8, round(AGENTS * scale))


def _floor(agents: int, scale: float, turn: int) -> float:
    in_flight = max(200, round(IN_FLIGHT[turn] * scale))
    laid_out = floor.layout(agents, per_actor=_per_actor(scale))
    return floor.measure(laid_out, in_flight=in_flight, warm_up_s=_warm_up_s(scale), seconds=_seconds(scale))


def _load(scale: float, *, agents: int = 0, concurrency: int = 1, calls_per_s: int = 100_000) -> Load:
    seconds, warm_up_s = _seconds(scale), _warm_up_s(scale)
    most_per_s = min(CONTACTS_PER_S, calls_per_s, 2 * agents or CONTACTS_PER_S)
    contacts = round(most_per_s * (warm_up_s + seconds + 4)) + 2 * concurrency
    return Load(
        agents=agents,
        concurrency=concurrency,
        calls_per_s=calls_per_s,
        contacts=contacts,
        warm_up_s=warm_up_s,
        seconds=seconds,
        per_actor=_per_actor(scale),
    )


def _rounds(scale: float) -> int:
    return ROUNDS if scale >= 1.0 else 1


def _seconds(scale: float) -> float:
    return max(1.0, 6.0 * scale)


def _warm_up_s(scale: float) -> float:
    return max(1.0, 3.0 * min(1.0, scale))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
