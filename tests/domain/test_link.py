"""Delivery between two hosts over a network that loses, repeats, delays and reorders, while either side restarts."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.domain.link import Ack, Delivery, Inbox, Outbox, Verdict
from dialer.domain.message import Address, Envelope

SENDER = Address("host", "a")
TO = Address("agent", "a7")


def outbox(epoch=1, *said):
    box = Outbox(SENDER, epoch)
    for item in said:
        box.post(Envelope(TO, item))
    return box


def delivery(*, seq=1, sender_epoch=1, receiver_epoch=1):
    return Delivery(SENDER, sender_epoch, receiver_epoch, seq, (Envelope(TO, seq),))


# -- one side at a time ----------------------------------------------------------------------------------------------


def test_one_batch_is_in_the_air():
    """What is posted while a batch is in the air joins the next batch, and keeps its order."""
    box = outbox(1, "a", "b")
    first = box.next_delivery()
    assert [envelope.message for envelope in first.batch] == ["a", "b"]
    box.post(Envelope(TO, "c"))
    assert box.next_delivery() is None
    assert box.repeat() is first
    assert box.acknowledged(1, Ack(Verdict.TAKEN, 1)) is False
    second = box.next_delivery()
    assert (second.seq, [envelope.message for envelope in second.batch]) == (2, ["c"])


def test_nothing_waits():
    """An empty outbox sends nothing and repeats nothing."""
    box = outbox()
    assert (box.next_delivery(), box.repeat()) == (None, None)


def test_the_receiver_s_epoch_is_learned_without_a_restart():
    """The first contact teaches the epoch: the same batch goes out again, and nobody is said to be reborn."""
    box = outbox(1, "a")
    box.next_delivery()
    assert box.acknowledged(1, Ack(Verdict.WRONG_EPOCH, 4)) is False
    assert (box.repeat().receiver_epoch, box.repeat().seq) == (4, 1)
    assert box.acknowledged(1, Ack(Verdict.WRONG_EPOCH, 5)) is True
    assert box.repeat().receiver_epoch == 5


@pytest.mark.parametrize("verdict", [Verdict.TAKEN, Verdict.REPEATED, Verdict.FENCED])
def test_every_other_answer_ends_the_batch(verdict):
    """Taken, taken before, or refused for good: the batch is not sent again."""
    box = outbox(1, "a")
    box.next_delivery()
    assert box.acknowledged(1, Ack(verdict, 1)) is False
    assert box.repeat() is None


@pytest.mark.parametrize(
    ("seq", "ack"), [(1, Ack(Verdict.TAKEN, 9)), (3, Ack(Verdict.TAKEN, 9)), (2, Ack(Verdict.WRONG_EPOCH, 9))]
)
def test_old_answers_are_ignored(seq, ack):
    """An answer to another batch, or one that teaches nothing new, changes nothing."""
    box = outbox(1, "a")
    box.next_delivery()
    box.acknowledged(1, Ack(Verdict.WRONG_EPOCH, 9))
    box.acknowledged(1, Ack(Verdict.TAKEN, 9))
    box.post(Envelope(TO, "b"))
    in_air = box.next_delivery()
    assert box.acknowledged(seq, ack) is False
    assert box.repeat() is in_air


def test_verdicts():
    """New, repeated, meant for another incarnation, and from a replaced sender."""
    inbox = Inbox(epoch=3)
    steps = [
        (delivery(receiver_epoch=0), Verdict.WRONG_EPOCH, False),
        (delivery(receiver_epoch=3), Verdict.TAKEN, False),
        (delivery(receiver_epoch=3), Verdict.REPEATED, False),
        (delivery(receiver_epoch=3, seq=2), Verdict.TAKEN, False),
        (delivery(receiver_epoch=2, seq=3), Verdict.WRONG_EPOCH, False),
        (delivery(receiver_epoch=3, sender_epoch=2), Verdict.TAKEN, True),
        (delivery(receiver_epoch=3, seq=3), Verdict.FENCED, False),
        (delivery(receiver_epoch=3, sender_epoch=2, seq=2), Verdict.TAKEN, False),
    ]
    for sent, verdict, reborn in steps:
        assert inbox.judge(sent) == (Ack(verdict, 3), reborn)


@pytest.mark.parametrize(("epoch", "verdict"), [(1, Verdict.REPEATED), (2, Verdict.FENCED)])
def test_fence(epoch, verdict):
    """A sender that is known to be replaced is refused before its successor has said anything; no fence comes down."""
    inbox = Inbox(epoch=3)
    inbox.judge(delivery(receiver_epoch=3, seq=4))
    inbox.fence(SENDER, epoch)
    assert inbox.judge(delivery(receiver_epoch=3, seq=4))[0].verdict is verdict
    inbox.fence(SENDER, 1)
    assert inbox.judge(delivery(receiver_epoch=3, seq=4))[0].verdict is verdict
    assert inbox.judge(delivery(receiver_epoch=3, sender_epoch=2))[0].verdict is Verdict.TAKEN


# -- both sides, and a hostile network between them ------------------------------------------------------------------


@dataclass
class World:
    """Every incarnation of a sender and a receiver; replaced ones live on as zombies.

    A message on the wire knows the incarnation that sent it: an answer returns to the caller, never to its successor.
    """

    outboxes: list = field(default_factory=lambda: [outbox()])
    inboxes: list = field(default_factory=lambda: [Inbox(1)])
    wire: list = field(default_factory=list)
    posted: dict = field(default_factory=dict)  #: sender's epoch -> what it said
    taken: dict = field(default_factory=dict)  #: (sender's epoch, receiver's epoch) -> what was heard
    told_reborn: int = 0

    def post(self, box):
        """The sender says the next number."""
        said = self.posted.setdefault(box.epoch, [])
        said.append(len(said))
        box.post(Envelope(TO, said[-1]))

    def send(self, box):
        """The sender's host puts a batch on the wire, the same one again if it is not acknowledged."""
        sent = box.next_delivery() or box.repeat()
        if sent is not None:
            self.wire.append((box, sent))

    def arrive(self, at, inbox, *, keep):
        """One message on the wire arrives; a copy stays there if ``keep``."""
        box, item = self.wire[at] if keep else self.wire.pop(at)
        if not isinstance(item, Delivery):
            self.told_reborn += box.acknowledged(*item)
            return
        ack, _ = inbox.judge(item)
        if ack.verdict is Verdict.TAKEN:
            heard = self.taken.setdefault((box.epoch, inbox.epoch), [])
            heard += [envelope.message for envelope in item.batch]
            newest = max(sender for sender, receiver in self.taken if receiver == inbox.epoch)
            assert box.epoch == newest, "a fenced sender got something through"
        self.wire.append((box, (item.seq, ack)))

    def step(self, action, which, stale):
        """One thing happens; ``stale`` means to or through a replaced incarnation, if there is one."""
        box = self.outboxes[-2 if stale and len(self.outboxes) > 1 else -1]
        inbox = self.inboxes[-2 if stale and len(self.inboxes) > 1 else -1]
        if action == "post":
            self.post(box)
        elif action == "send":
            self.send(box)
        elif action == "restart sender":
            self.outboxes.append(Outbox(SENDER, self.outboxes[-1].epoch + 1))
        elif action == "restart receiver":
            self.inboxes.append(Inbox(self.inboxes[-1].epoch + 1))
        elif self.wire and action == "lose":
            self.wire.pop(which % len(self.wire))
        elif self.wire:
            self.arrive(which % len(self.wire), inbox, keep=action == "arrive twice")

    def settle(self):
        """The network heals: the latest incarnations repeat until nothing is left to say."""
        box, inbox = self.outboxes[-1], self.inboxes[-1]
        while self.wire or box.repeat() or box.waiting:
            self.send(box)
            while self.wire:
                self.arrive(0, inbox, keep=False)


NETWORK = ("post", "send", "arrive", "arrive twice", "lose")


def histories(*restarts):
    """Up to 120 steps, as (action, which message on the wire, through a stale incarnation)."""
    return st.lists(st.tuples(st.sampled_from(NETWORK + restarts), st.integers(0, 40), st.booleans()), max_size=120)


def lived(history):
    world = World()
    for step in history:
        world.step(*step)
    return world


@given(histories("restart sender", "restart receiver"))
@settings(max_examples=400, deadline=None)
def test_at_most_once_and_in_order_per_pair_of_incarnations(history):
    """Whatever the network does and whoever restarts, one incarnation never hears the same thing of another twice."""
    world = lived(history)
    for heard in world.taken.values():
        assert heard == sorted(set(heard))


@given(histories())
@settings(max_examples=400, deadline=None)
def test_exactly_once_if_nobody_restarts(history):
    """When the network heals, everything has been heard once, in the order in which it was said."""
    world = lived(history)
    world.settle()
    assert world.taken.get((1, 1), []) == world.posted.get(1, [])
    assert world.told_reborn == 0


@given(histories("restart receiver"))
@settings(max_examples=400, deadline=None)
def test_nothing_is_lost_when_the_receiver_restarts(history):
    """Everything is heard by some incarnation, what is new by the last; the sender is told of the rebirth."""
    world = lived(history)
    (box,), inbox = world.outboxes, world.inboxes[-1]
    known_epoch, told = box.peer_epoch, world.told_reborn
    world.post(box)
    world.settle()
    assert {item for heard in world.taken.values() for item in heard} == set(world.posted[1])
    assert world.taken[1, inbox.epoch][-1] == world.posted[1][-1]
    assert box.peer_epoch == inbox.epoch
    if 0 < known_epoch < inbox.epoch:
        assert world.told_reborn > told


@given(histories("restart sender"), st.integers(1, 5))
@settings(max_examples=200, deadline=None)
def test_a_fenced_sender_gets_nothing_through(history, said):
    """Once the receiver has heard the successor, nothing of a replaced sender is taken, however long it tries."""
    world = lived([*history, ("restart sender", 0, False)])
    world.post(world.outboxes[-1])
    world.settle()
    before = {pair: list(heard) for pair, heard in world.taken.items()}
    for zombie in world.outboxes[:-1]:
        zombie.peer_epoch = world.inboxes[-1].epoch  # it knows its receiver well
        for _ in range(said):
            world.post(zombie)
            world.send(zombie)
    while world.wire:
        world.arrive(0, world.inboxes[-1], keep=False)
    assert world.taken == before
