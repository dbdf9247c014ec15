"""What a trunk remembers of calls that are over, so that none is dialled twice and every question gets an answer."""

from __future__ import annotations

from collections import deque

from dialer.domain.events import AttemptEnded


class Endings:
    """Ended attempts, kept for a while.

    Args:
        keep_us: How long each is kept, microseconds.
    """

    __slots__ = ("_by_id", "_keep_us", "_oldest_first", "forgotten_us")

    def __init__(self, keep_us: int) -> None:
        self.forgotten_us = 0  #: when the last one ended that is no longer known
        self._keep_us = keep_us
        self._by_id: dict[int, AttemptEnded] = {}
        self._oldest_first: deque[AttemptEnded] = deque()

    def __contains__(self, attempt: int) -> bool:
        """Whether this attempt is known to be over."""
        return attempt in self._by_id

    def __len__(self) -> int:
        """Number of attempts that are remembered."""
        return len(self._by_id)

    def get(self, attempt: int) -> AttemptEnded | None:
        """How an attempt ended, None if that is not known."""
        return self._by_id.get(attempt)

    def remember(self, ended: AttemptEnded) -> None:
        """Keep the end of an attempt; ends come in the order of their time."""
        self._by_id[ended.attempt_id] = ended
        self._oldest_first.append(ended)

    def forget(self, now_us: int) -> None:
        """Drop what has been kept long enough."""
        line, over_us = self._oldest_first, now_us - self._keep_us
        while line and line[0].ended_us <= over_us:
            ended = line.popleft()
            del self._by_id[ended.attempt_id]
            self.forgotten_us = ended.ended_us
