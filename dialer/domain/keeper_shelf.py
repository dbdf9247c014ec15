"""Write first, act then: what the keeper says waits until the records it rests on are durable.

The same idea as ``groupcommit.py``, across a conversation instead of a disk: the library confirms what it has kept.
"""

from __future__ import annotations

from collections.abc import Iterable

from dialer.domain.keeping import LIBRARY, CampaignRecord, KeepRecords, RunNote
from dialer.domain.message import Envelope
from dialer.errors import InvariantError

_EPOCH_BITS = 32


class Shelf:
    """Records on their way to the disk, and what must not be said before they are there.

    Args:
        epoch: Incarnation of the keeper, from 1: a confirmation meant for an earlier one confirms nothing here.
        patience_us: After this time without confirmation everything that waits for one is said again.
    """

    def __init__(self, *, epoch: int, patience_us: int) -> None:
        self._seq = epoch << _EPOCH_BITS
        self._patience_us = patience_us
        self._unkept: list[KeepRecords] = []
        self._held: list[tuple[int, list[Envelope]]] = []
        self._again_us: int | None = None

    def put(
        self,
        records: Iterable[CampaignRecord],
        notes: Iterable[RunNote],
        deleted: Iterable[str],
        effects: list[Envelope],
        now_us: int,
    ) -> list[Envelope]:
        """Take in what one step has changed, and what follows from it.

        Returns:
            What may be said now: the records to keep, or the effects if nothing waits.
        """
        order = KeepRecords(self._seq + 1, tuple(records), tuple(notes), tuple(deleted))
        if not (order.records or order.notes or order.deleted):
            if not self._held:
                return effects
            self._held[-1][1].extend(effects)  # in the order in which it was decided
            return []
        self._seq += 1
        self._unkept.append(order)
        self._held.append((self._seq, effects))
        if self._again_us is None:
            self._again_us = now_us + self._patience_us
        return [Envelope(LIBRARY, order)]

    def kept(self, seq: int, now_us: int) -> list[Envelope]:
        """Everything up to ``seq`` is durable: what rested on it may be said. A repeat confirms nothing new."""
        released = [envelope for known, effects in self._held if known <= seq for envelope in effects]
        self._held = [pair for pair in self._held if pair[0] > seq]
        self._unkept = [order for order in self._unkept if order.seq > seq]
        self._again_us = now_us + self._patience_us if self._unkept else None
        return released

    def repeat(self, now_us: int, *, at_once: bool = False) -> list[Envelope]:
        """Say again what has not been confirmed for too long, as one order: an old record never follows a new one."""
        if self._again_us is None or not (at_once or now_us >= self._again_us):
            return []
        self._again_us = now_us + self._patience_us
        records = {record.spec.campaign: record for order in self._unkept for record in order.records}
        notes = {(note.campaign, note.no): note for order in self._unkept for note in order.notes}
        gone = {name for order in self._unkept for name in order.deleted}
        merged = KeepRecords(self._unkept[-1].seq, tuple(records.values()), tuple(notes.values()), tuple(sorted(gone)))
        return [Envelope(LIBRARY, merged)]

    def next_us(self) -> int | None:
        """When ``repeat`` has something to say."""
        return self._again_us

    def check_invariants(self) -> None:
        """Everything that is held waits for a record that is on its way."""
        if [seq for seq, _ in self._held] != [order.seq for order in self._unkept]:
            raise InvariantError("effects wait for records", f"{len(self._held)} held, {len(self._unkept)} not kept")
