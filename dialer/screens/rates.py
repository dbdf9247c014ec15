"""How fast the dialer dials, from pictures taken one after the other."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from dialer.domain.specs import SECOND_US
from dialer.domain.views import Snapshot

_WINDOW_S = 10.0  #: wall seconds looked back: long enough to be calm, short enough to show a stop
_SAME_CLOCK = 0.05  #: clocks that differ by less are one clock read at two moments


class Pace(NamedTuple):
    """How fast things go. All zero until two pictures are there."""

    dials_per_wall_s: float
    dials_per_virtual_s: float
    speed: float  #: recorded seconds per wall second

    @property
    def virtual(self) -> bool:
        """Recorded time is not wall time."""
        return self.speed > 0 and abs(self.speed - 1) > _SAME_CLOCK


class RateMeter:
    """Rates over the last ten wall seconds."""

    def __init__(self) -> None:
        self._seen: deque[Snapshot] = deque()

    def take(self, snapshot: Snapshot) -> Pace:
        """Add a picture and say how fast it goes.

        Args:
            snapshot: Newer than those before.

        Returns:
            The pace since the oldest picture in the window. Campaigns that came or went in between are left out, so
            that a run which resumes with a thousand attempts is not a thousand dials.
        """
        self._seen.append(snapshot)
        while len(self._seen) > 2 and snapshot.wall_s - self._seen[1].wall_s >= _WINDOW_S:  # noqa: PLR2004 - a pair
            self._seen.popleft()
        first = self._seen[0]
        wall_s = snapshot.wall_s - first.wall_s
        virtual_s = (snapshot.now_us - first.now_us) / SECOND_US
        if wall_s <= 0:
            return Pace(0.0, 0.0, 0.0)
        before = {view.campaign: view.attempts for view in first.campaigns}
        dials = sum(max(0, v.attempts - before[v.campaign]) for v in snapshot.campaigns if v.campaign in before)
        return Pace(dials / wall_s, dials / virtual_s if virtual_s > 0 else 0.0, virtual_s / wall_s)
