"""How many contacts to lease ahead: pure arithmetic.

Leases exist so that an agent who becomes free finds a contact that the ledger has just allowed. Too few and agents
wait for the ledger; too many and intents expire un-dialled while other campaigns cannot reach those numbers.
"""

from __future__ import annotations

import math

from dialer.domain.specs import SECOND_US


def lease_target(*, need: int, credits_free: int, launches_per_s: float, lead_us: int) -> int:
    """Leases to hold or have asked for: what can be dialled at once, and what will be within the lead time.

    Args:
        need: Calls that could be placed now, if there were leases and credits: idle agents or free slots.
        credits_free: Calls the trunk would take now.
        launches_per_s: Recent rate of calls placed by this campaign.
        lead_us: How far ahead to lease, microseconds.

    Returns:
        The target, 0 if nothing could be dialled now or soon.
    """
    soon = math.floor(launches_per_s * lead_us / SECOND_US)  # a part of one would mostly lapse un-dialled
    if need <= 0:
        return soon
    return min(need, max(1, credits_free)) + soon


class LaunchRate:
    """Calls placed per second, exponentially forgotten.

    Args:
        memory_us: Time constant, microseconds.
    """

    __slots__ = ("_at_us", "_memory_us", "_rate_per_s")

    def __init__(self, memory_us: int) -> None:
        self._memory_us = memory_us
        self._rate_per_s = 0.0
        self._at_us = 0

    def note(self, count: int, now_us: int) -> None:
        """Count calls placed now."""
        self._rate_per_s = self.per_s(now_us) + count * SECOND_US / self._memory_us
        self._at_us = now_us

    def per_s(self, now_us: int) -> float:
        """The rate now."""
        if self._rate_per_s == 0.0:
            return 0.0
        return self._rate_per_s * math.exp((self._at_us - now_us) / self._memory_us)
