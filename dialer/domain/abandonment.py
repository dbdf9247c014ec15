"""The abandonment window of a campaign: people who answered within 30 days, and those for whom nobody was there."""

from __future__ import annotations

from collections import deque

from dialer.domain.kinds import LIVE_ANSWERS, Outcome
from dialer.domain.specs import DAY_US

#: The abandonment limit is measured over 30 days of one campaign (16 CFR 310.4(b)(4)(i)).
WINDOW_DAYS = 30


class AbandonmentWindow:
    """Counts by day, in UTC. A day leaves the window as a whole, so it holds between 30 and 31 days.

    Args:
        live_answers: Of earlier incarnations and runs within the window. They are taken as of the first day on which
            anything is counted or asked here, so they stay a little longer than they have to: until 30 days from then.
        abandoned: Of them.
    """

    __slots__ = ("_days", "_earlier")

    def __init__(self, live_answers: int = 0, abandoned: int = 0) -> None:
        self._days: deque[list[int]] = deque()  #: [day, live answers, abandoned], oldest first
        self._earlier = (live_answers, abandoned)

    def count(self, outcome: Outcome, at_us: int) -> None:
        """One more outcome, of a call that ended at this time; calls need not come in the order of their ends."""
        if outcome in LIVE_ANSWERS:
            day = self._day(at_us)
            day[1] += 1
            day[2] += outcome is Outcome.ABANDONED

    def totals(self, now_us: int) -> tuple[int, int]:
        """Live answers and abandoned ones within the window that ends now."""
        self._day(now_us)
        while self._days[0][0] < now_us // DAY_US - WINDOW_DAYS:
            self._days.popleft()
        return sum(day[1] for day in self._days), sum(day[2] for day in self._days)

    def _day(self, at_us: int) -> list[int]:
        """The bucket of a time; the newest one for times before it."""
        no = at_us // DAY_US
        if not self._days:
            self._days.append([no, *self._earlier])
        elif self._days[-1][0] < no:
            self._days.append([no, 0, 0])
        return self._days[-1]
