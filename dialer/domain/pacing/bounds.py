"""What other ways of dialling reach: one call after the other, and a rate that looks at nobody. For comparison."""

from __future__ import annotations

import math

_BISECTIONS = 60


def progressive_utilisation(aht_s: float, answer_chance: float, fail_s: float, answer_s: float) -> float:
    """Busy share of an agent who waits for one call after the other.

    Args:
        aht_s: Mean handling time, call and wrap-up.
        answer_chance: Probability that a person answers, above 0.
        fail_s: Mean life of a call without an answer.
        answer_s: Mean time from sending a call to its answer.
    """
    return aht_s / (aht_s + (1.0 / answer_chance - 1.0) * fail_s + answer_s)


def blind_utilisation(agents: int, aht_s: float, limit_ratio: float, patience_s: float) -> float:
    """Busy share where calls are answered at a fixed rate, whatever the agents do: M/M/N with patience, no feedback.

    Args:
        agents: Size of the pool, at least 1.
        aht_s: Mean handling time, exponential.
        limit_ratio: Share of the answers that is abandoned; the rate is the one that reaches it.
        patience_s: How long who answered waits, fixed.
    """
    service_per_s = 1.0 / aht_s
    low, high = 0.0, 3.0 * agents * service_per_s
    for _ in range(_BISECTIONS):
        rate = 0.5 * (low + high)
        if _abandoned_share(agents, service_per_s, rate, patience_s) < limit_ratio:
            low = rate
        else:
            high = rate
    return low * (1.0 - limit_ratio) / (agents * service_per_s)


def _abandoned_share(agents: int, service_per_s: float, rate_per_s: float, patience_s: float) -> float:
    """M/M/N + D, from the Erlang B recursion."""
    load = rate_per_s / service_per_s
    lost = 1.0
    for servers in range(1, agents):
        lost = load * lost / (servers + load * lost)
    drift = rate_per_s - agents * service_per_s
    grown = math.expm1(drift * patience_s) / drift if drift else patience_s
    waiting = grown + math.exp(drift * patience_s) / (agents * service_per_s)
    return (1.0 + drift * waiting) / (1.0 / lost + rate_per_s * waiting)
