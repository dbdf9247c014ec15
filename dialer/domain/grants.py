"""What a campaign owes its scheduler: answers to requests, word of contacts that are due, names of agents."""

from __future__ import annotations

from dialer.domain import events as e
from dialer.domain.book import ContactBook
from dialer.domain.specs import SECOND_US

#: Agents named in one message: ten thousand may have contacts of their own, and few of them are free.
NAMES_LIMIT = 100
#: The next names follow after this time.
NAMES_PACE_US = SECOND_US


class Grants:
    """Answers that go out together, at the end of a batch.

    Args:
        campaign: Its id.
        book: Where contacts wait.
    """

    def __init__(self, campaign: str, book: ContactBook) -> None:
        self.settled = 0  #: contacts asked for that are answered with this message, also by nothing
        self.leases: list[e.Lease] = []
        self._campaign = campaign
        self._book = book
        self._told_next_us: int | None = 0
        self._names_us: int | None = None  #: when to name the next agents, if they are too many for one message

    def opened(self) -> None:
        """The scheduler has just heard of the campaign: it asks at once, and knows no names."""
        self._told_next_us = 0
        self._book.owners.news = self._book.owners.due() > 0

    def next_us(self) -> int | None:
        """When more names are to be told."""
        return self._names_us

    def tell(self, now_us: int, *, active: bool) -> e.LeasesGranted | None:
        """Settle requests; and say so, unasked, when there is something to dial earlier than was last told.

        Args:
            now_us: UTC microseconds.
            active: The campaign dials.

        Returns:
            The message, None if there is nothing to say.
        """
        owners = self._book.owners
        more = self._names_us is not None and now_us >= self._names_us
        owed = bool(self.settled or self.leases or (active and (owners.news or more)))
        if not owed and (self._told_next_us == 0 or not active):
            return None  # nothing is earlier than now
        next_us = self._book.next_due_us(now_us) if active else None
        earlier = next_us is not None and (self._told_next_us is None or next_us < self._told_next_us)
        if not (owed or earlier):
            return None
        names = owners.names(NAMES_LIMIT) if active else ()
        self._names_us = now_us + NAMES_PACE_US if active and owners.due() > NAMES_LIMIT else None
        granted = e.LeasesGranted(self._campaign, tuple(self.leases), self.settled, next_us, names)
        self.leases, self.settled, self._told_next_us = [], 0, next_us
        return granted
