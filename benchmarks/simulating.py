"""A shift in virtual time: how many seconds of one processor eight hours of a hundred agents take."""

from __future__ import annotations

import time
from typing import Any

from dialer.sim.run import simulate

AGENTS, HOURS, TARGET_S = 100, 8.0, 20.0
ROUNDS = 2


def run(scale: float) -> list[dict[str, Any]]:
    """Measure.

    Args:
        scale: Share of the hours, above 0 and at most 20.

    Returns:
        Seconds, and calls in a second; the better of two rounds of the same simulation.
    """
    hours = HOURS * scale
    taken_s: list[float] = []
    for _ in range(ROUNDS):
        began_s = time.perf_counter()
        report = simulate(mode="progressive", agents=AGENTS, hours=hours, seed=7)
        taken_s.append(time.perf_counter() - began_s)
    best_s = min(taken_s)
    what = f"{AGENTS} agents, {hours:g} h, progressive"
    return [
        {"case": "sim", "what": what, "value": best_s, "unit": "s", "target": f"< {TARGET_S * scale:g}"},
        {"case": "sim", "what": f"{what}: calls", "value": report["attempts"] / best_s, "unit": "calls/s"},
    ]
