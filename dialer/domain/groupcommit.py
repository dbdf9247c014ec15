"""Group commit: nothing a batch says leaves before the rows it wrote are durable.

The ledger answers with envelopes to others and rows to the journal. While one flush runs, further batches gather;
the next flush takes them all.

A failed flush is fatal for the host: the ledger has already decided on rows that may or may not be on disk. The actor
exits without calling ``durable``, nothing that was said is sent, and its next incarnation is built from the journal;
senders repeat what was not acknowledged and ask again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from dialer.domain.message import Address, Envelope

JOURNAL = Address("journal", "")


@dataclass(slots=True)
class GroupCommit:
    """Rows and envelopes of batches that are not durable yet."""

    rows: list[Any] = field(default_factory=list)
    held: list[Envelope] = field(default_factory=list)
    flushing: list[Envelope] | None = None

    def add(self, envelopes: Iterable[Envelope]) -> None:
        """Take one batch's output apart."""
        for envelope in envelopes:
            if envelope.to is JOURNAL or envelope.to == JOURNAL:
                self.rows.append(envelope.message)
            else:
                self.held.append(envelope)

    def begin(self) -> list[Any] | None:
        """Rows to flush now, possibly none; None while a flush runs or nothing waits."""
        if self.flushing is not None or not (self.rows or self.held):
            return None
        rows, self.rows = self.rows, []
        self.flushing, self.held = self.held, []
        return rows

    def durable(self) -> list[Envelope]:
        """The flush succeeded: what may leave now."""
        released, self.flushing = self.flushing or [], None
        return released
