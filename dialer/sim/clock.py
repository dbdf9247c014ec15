"""Virtual time: everything that happens is an entry of one queue, ordered by time and then by order of creation."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Any

#: How many events pass between two looks at whether the run is over.
_EVENTS_BETWEEN_LOOKS = 256
#: Events within this time wait in a heap of their own. It stays small beside the hundreds of timers that are seconds
#: away, and a small heap is several times as fast.
_NEAR_US = 30_000

_Event = tuple[int, int, Callable[..., None], tuple[Any, ...]]


class Clock:
    """The one clock of a simulated world. It stands still while anything happens.

    Args:
        start_us: UTC microseconds at which the world begins.
    """

    __slots__ = ("_far", "_horizon_us", "_near", "_serial", "now_us")

    def __init__(self, start_us: int) -> None:
        self.now_us = start_us
        self._near: list[_Event] = []  #: before the horizon
        self._far: list[_Event] = []  #: from the horizon on
        self._horizon_us = start_us
        self._serial = count()

    def at(self, at_us: int, call: Callable[..., None], *args: Any) -> None:
        """Do something at a moment, UTC microseconds, not before now."""
        heappush(self._near if at_us < self._horizon_us else self._far, (at_us, next(self._serial), call, args))

    def run(self, until_us: int, done: Callable[[], bool]) -> None:
        """Let time pass.

        Args:
            until_us: Not beyond this moment.
            done: Asked once in a while; True ends the run early.
        """
        near = self._near
        while (near or self._look_ahead()) and near[0][0] <= until_us:
            self.now_us, serial, call, args = heappop(near)
            call(*args)
            if not serial % _EVENTS_BETWEEN_LOOKS and done():
                return
        if not done():
            self.now_us = max(self.now_us, until_us)

    def _look_ahead(self) -> bool:
        """Move the horizon beyond the next event; False if there is none."""
        near, far = self._near, self._far
        if far:
            self._horizon_us = far[0][0] + _NEAR_US
            while far and far[0][0] < self._horizon_us:
                heappush(near, heappop(far))
        return bool(near)
