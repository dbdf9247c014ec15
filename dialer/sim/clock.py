"""Virtual time: everything that happens is an entry of one heap, ordered by time and then by order of creation."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Any

#: How many events pass between two looks at whether the run is over.
_EVENTS_BETWEEN_LOOKS = 256


class Clock:
    """The one clock of a simulated world. It stands still while anything happens.

    Args:
        start_us: UTC microseconds at which the world begins.
    """

    __slots__ = ("_heap", "_serial", "now_us")

    def __init__(self, start_us: int) -> None:
        self.now_us = start_us
        self._heap: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._serial = count()

    def at(self, at_us: int, call: Callable[..., None], *args: Any) -> None:
        """Do something at a moment, UTC microseconds, not before now."""
        heappush(self._heap, (at_us, next(self._serial), call, args))

    def run(self, until_us: int, done: Callable[[], bool]) -> None:
        """Let time pass.

        Args:
            until_us: Not beyond this moment.
            done: Asked once in a while; True ends the run early.
        """
        heap = self._heap
        while heap and heap[0][0] <= until_us:
            self.now_us, serial, call, args = heappop(heap)
            call(*args)
            if not serial % _EVENTS_BETWEEN_LOOKS and done():
                return
        if not done():
            self.now_us = max(self.now_us, until_us)
