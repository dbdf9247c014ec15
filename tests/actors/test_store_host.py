"""The host of the ledger: nothing leaves, and nothing is acknowledged, before it is durable."""

import asyncio

import pytest

from dialer.actors.host import StoreHost
from dialer.domain.groupcommit import JOURNAL
from dialer.domain.ledger import STORE
from dialer.domain.message import Address, Envelope

A = Address("campaign", "a")


class Disk:
    """Flushes end when the test says so: each takes one release."""

    def __init__(self):
        self.rows = []
        self.begun = []
        self._releases = asyncio.Semaphore(0)

    def release(self, flushes=1):
        """Let so many flushes end."""
        for _ in range(flushes):
            self._releases.release()

    async def flush(self, rows):
        """Take rows as the real one does."""
        self.begun.append(list(rows))
        await self._releases.acquire()
        self.rows += rows


def accept(batch):
    """One row and one answer for each word."""
    return [reply for word in batch for reply in (Envelope(JOURNAL, f"row {word}"), Envelope(A, f"yes {word}"))]


def build(rig, network, flush):
    store = StoreHost(STORE, rig.clock(), network, pace_s=0.002, flush=flush)
    network.hosts[STORE] = store
    store.begin(1, [rig.machine(STORE, reply=accept)])
    return store


def test_no_answer_leaves_before_its_row_is_durable(play, rig):
    """While the flush runs neither the ledger's words nor the acknowledgement leave; then both do."""
    network = rig.network()

    async def story():
        disk = Disk()
        build(rig, network, disk.flush)
        a = rig.machine(A, says=rig.words(STORE, 1))
        network.host(A, [a])
        await rig.quiet()
        during = (list(disk.begun), list(a.heard), [d.receiver_epoch for d in network.sent])
        disk.release()
        await rig.quiet()
        return during, a.heard, disk.rows

    during, heard, rows = play(story)
    assert during == ([["row 1"]], [], [0, 1])  # told once which incarnation, and not answered since
    assert (heard, rows) == (["yes 1"], ["row 1"])


def test_batches_gather_while_a_flush_runs(play, rig):
    """What is decided during a flush goes to the next one, all together."""
    network = rig.network()

    async def story():
        disk = Disk()
        store = build(rig, network, disk.flush)
        network.host(A, [rig.machine(A)])
        answers = []
        for word in range(10):
            store.queue(rig.words(STORE, word))
            answers.append(asyncio.ensure_future(store.settled()))
            await asyncio.sleep(0.01)
        disk.release(2)
        await asyncio.gather(*answers)
        return disk.begun, store.flushes

    begun, flushes = play(story)
    assert begun == [["row 0"], [f"row {word}" for word in range(1, 10)]]
    assert flushes == 2


def test_settled_waits_for_what_was_taken_before(play, rig):
    """It returns when everything handed in before the call is durable, and not before."""
    network = rig.network()

    async def story():
        disk = Disk()
        store = build(rig, network, disk.flush)
        network.host(A, [rig.machine(A)])
        store.queue(rig.words(STORE, 1))
        first = asyncio.ensure_future(store.settled())
        await rig.quiet()
        store.queue(rig.words(STORE, 2))
        second = asyncio.ensure_future(store.settled())
        await rig.quiet()
        during = (first.done(), second.done())
        disk.release()
        await first
        seen = (list(disk.rows), second.done())
        disk.release()
        await second
        return during, seen, disk.rows

    during, seen, rows = play(story)
    assert during == (False, False)
    assert seen == (["row 1"], False)
    assert rows == ["row 1", "row 2"]


def test_settled_returns_when_there_is_nothing_to_write(play, rig):
    """A store that has nothing to do is settled, and has flushed nothing."""

    async def story():
        disk = Disk()
        store = build(rig, rig.network(), disk.flush)
        await asyncio.gather(*(store.settled() for _ in range(5)))
        return disk.begun

    assert play(story) == []


def test_a_flush_that_fails_ends_the_process(play, rig, gone):
    """The ledger remembers what the disk does not: status 1, and nobody has heard anything."""
    network = rig.network()

    async def full(rows):
        msg = "disk full"
        raise OSError(msg)

    async def story():
        build(rig, network, full)
        network.host(A, [rig.machine(A, says=rig.words(STORE, 1))])
        await rig.quiet()

    with pytest.raises(gone) as status:
        play(story)
    assert status.value.code == 1
    assert all(delivery.sender == A for delivery in network.sent)


def test_a_repeated_delivery_is_answered_only_when_the_first_is_durable(play, rig):
    """The repeat of a batch that is being flushed waits for that flush as well, and writes nothing again."""
    network = rig.network()

    async def story():
        disk = Disk()
        store = build(rig, network, disk.flush)
        network.host(A, [rig.machine(A, says=rig.words(STORE, 1))])
        await rig.quiet()
        again = asyncio.ensure_future(network._deliver(STORE, network.sent[-1]))
        await rig.quiet()
        during = again.done()
        disk.release()
        ack = await again
        await rig.quiet()
        return during, ack.verdict.name, disk.rows, store.flushes

    assert play(story) == (False, "REPEATED", ["row 1"], 1)
