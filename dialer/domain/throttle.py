"""The limiter of calls per second: strict in every window of one second, and smooth within it.

Fixed slots are not strict: ten of them let a sliding second touch eleven. Here a send counts against the limit until
exactly one second after it left, so no second, wherever it starts, can hold more. A second, shorter window of the same
kind keeps the calls of one second from leaving in one burst. Both keep one entry per batch, not per call.
"""

from __future__ import annotations

from collections import deque

from dialer.domain.specs import SECOND_US

#: Length of the window that spreads a second's calls.
SLOT_US = 100_000
#: Slots that use up a second's calls. Fewer than fit in a second: a host that wakes 20 ms late in each slot still
#: reaches the full rate.
SLOTS_PER_SECOND = 8


class _Window:
    """At most ``limit`` calls in any window of ``length_us``, half open."""

    __slots__ = ("_batches", "_held", "_length_us", "limit")

    def __init__(self, limit: int, length_us: int) -> None:
        self.limit = limit
        self._length_us = length_us
        self._batches: deque[tuple[int, int]] = deque()  #: (when, how many), oldest first
        self._held = 0

    def free(self, now_us: int) -> int:
        """Calls the window still takes."""
        batches, over_us = self._batches, now_us - self._length_us
        while batches and batches[0][0] <= over_us:
            self._held -= batches.popleft()[1]
        return self.limit - self._held

    def take(self, count: int, now_us: int) -> None:
        """Count calls that leave now."""
        self._batches.append((now_us, count))
        self._held += count

    def opens_us(self, now_us: int) -> int:
        """When at least one more call fits."""
        return now_us if self.free(now_us) > 0 else self._batches[0][0] + self._length_us


class Throttle:
    """Says how many calls may leave now.

    Args:
        calls_per_s: The limit, 1 or more.

    Raises:
        ValueError: The limit is below 1.
    """

    __slots__ = ("_second", "_slot")

    def __init__(self, calls_per_s: int) -> None:
        if calls_per_s < 1:
            msg = f"calls per second must be 1 or more, not {calls_per_s}"
            raise ValueError(msg)
        self._second = _Window(calls_per_s, SECOND_US)
        self._slot = _Window(-(-calls_per_s // SLOTS_PER_SECOND), SLOT_US)

    def allowance(self, now_us: int) -> int:
        """How many calls may leave now.

        Args:
            now_us: UTC microseconds; never before an earlier call's value.

        Returns:
            Calls, 0 or more.
        """
        return min(self._second.free(now_us), self._slot.free(now_us))

    def spend(self, count: int, now_us: int) -> None:
        """Count calls that leave now.

        Args:
            count: Calls, 1 or more, within the allowance.
            now_us: UTC microseconds; never before an earlier call's value.

        Raises:
            ValueError: That many are not allowed.
        """
        if not 0 < count <= self.allowance(now_us):
            msg = f"{count} calls cannot leave now, the allowance is {self.allowance(now_us)}"
            raise ValueError(msg)
        self._second.take(count, now_us)
        self._slot.take(count, now_us)

    def next_us(self, now_us: int) -> int:
        """When at least one more call may leave.

        Args:
            now_us: UTC microseconds; never before an earlier call's value.

        Returns:
            UTC microseconds; now if one may leave at once.
        """
        return max(self._second.opens_us(now_us), self._slot.opens_us(now_us))
