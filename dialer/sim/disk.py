"""The store's disk: nothing the ledger says leaves, and nothing is acknowledged, before its rows are durable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from dialer.domain.ledger import STORE
from dialer.domain.message import Envelope
from dialer.sim.clock import Clock
from dialer.sim.host import Host
from dialer.sim.journal import MemoryJournal
from dialer.sim.network import Network

FLUSH_US = 3_000  #: measured for small batches on a local disk


class Disk:
    """Flushes one group of rows after the other.

    Args:
        clock: Virtual time.
        journal: What is durable.
        network: Sends what may leave.
        take: Hands a host a batch of messages.
    """

    def __init__(
        self,
        clock: Clock,
        journal: MemoryJournal,
        network: Network,
        take: Callable[[Host, Sequence[Envelope]], None],
    ) -> None:
        self._clock = clock
        self._journal = journal
        self._network = network
        self._take = take

    def commit(self, store: Host, envelopes: Iterable[Envelope]) -> None:
        """Take what the ledger has said, and flush unless a flush runs."""
        store.commit.add(envelopes)
        self._flush(store)

    def settle(self, store: Host) -> None:
        """Write at once what has been accepted: whoever is born now must find it in the journal."""
        if store.rows is not None:
            self._journal.append(store.rows)
            store.rows = None
        self._journal.append(store.commit.rows)
        store.commit.rows = []

    def _flush(self, store: Host) -> None:
        rows = store.commit.begin()
        if rows is not None:
            store.rows, store.flushing_acks, store.acks = rows, store.acks, []
            self._clock.at(self._clock.now_us + FLUSH_US, self._flushed, store, rows)
        elif store.commit.flushing is None:
            store.flushing_acks, store.acks = store.acks, []
            self._answer(store)

    def _flushed(self, store: Host, rows: list[Any]) -> None:
        if store.dead:
            return  # lost with the process; nothing of it was said
        if rows is store.rows:
            self._journal.append(rows)
            store.rows = None
        self._network.send(store, store.berths[STORE], store.commit.durable())
        self._take(store, ())  # what it said to machines of its own host
        self._answer(store)
        self._flush(store)

    def _answer(self, store: Host) -> None:
        acks, store.flushing_acks = store.flushing_acks, []
        for wire, seq, ack in acks:
            self._network.acknowledge(wire, seq, ack)
