"""Delivery between hosts: exactly once per pair of incarnations, in order, whatever the network repeats or loses.

One batch at a time is in the air per destination; what is posted meanwhile joins the next batch. That makes batches
grow with load by themselves and keeps the receiver's memory at one number per sender. The sender repeats a batch, with
the same sequence number, until it is acknowledged. Every delivery names the incarnation of the receiver it is meant
for: a delayed copy can never reach a reborn receiver. Both couriers, Ray and simulation, use this code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from dialer.domain.message import Address, Envelope, message


class Verdict(IntEnum):
    """What a receiver did with a delivery."""

    TAKEN = 1  #: new, or a repeat of what was taken before
    REPEATED = 2
    WRONG_EPOCH = 3  #: meant for another incarnation of the receiver: learn ``epoch`` and send again
    FENCED = 4  #: the sender has been replaced by a newer incarnation and must stop


@message
class Delivery:
    """One batch on the wire."""

    sender: Address
    sender_epoch: int
    receiver_epoch: int  #: 0 when not known yet
    seq: int
    batch: tuple[Envelope, ...]


class Ack(NamedTuple):
    """The receiver's answer, with its own incarnation."""

    verdict: Verdict
    epoch: int


@dataclass(slots=True)
class Outbox:
    """What one host has to say to one other host."""

    sender: Address
    epoch: int
    peer_epoch: int = 0
    seq: int = 0
    waiting: list[Envelope] = field(default_factory=list)
    in_air: Delivery | None = None

    def post(self, envelope: Envelope) -> None:
        """Queue one envelope."""
        self.waiting.append(envelope)

    def next_delivery(self) -> Delivery | None:
        """The batch to send now; None while one is in the air or nothing waits."""
        if self.in_air is not None or not self.waiting:
            return None
        self.seq += 1
        self.in_air = Delivery(self.sender, self.epoch, self.peer_epoch, self.seq, tuple(self.waiting))
        self.waiting = []
        return self.in_air

    def repeat(self) -> Delivery | None:
        """The batch in the air once more, after a failure or silence."""
        return self.in_air

    def acknowledged(self, seq: int, ack: Ack) -> bool:
        """Take the receiver's answer.

        Args:
            seq: Sequence number the answer is for; an answer to an earlier one is ignored.
            ack: The answer.

        Returns:
            True if the receiver turned out to be a new incarnation of one that was known.
        """
        if self.in_air is None or seq != self.in_air.seq:
            return False
        if ack.verdict is Verdict.WRONG_EPOCH:
            if ack.epoch <= self.peer_epoch:
                return False  # an old answer, delayed on the wire
            restarted = self.peer_epoch != 0
            self.peer_epoch = ack.epoch
            air = self.in_air
            self.in_air = Delivery(self.sender, self.epoch, ack.epoch, air.seq, air.batch)
            return restarted
        self.in_air = None
        return False


@dataclass(slots=True)
class Inbox:
    """What one host has taken from all others."""

    epoch: int
    seen: dict[Address, tuple[int, int]] = field(default_factory=dict)  #: sender -> (epoch, last seq)

    def fence(self, sender: Address, epoch: int) -> None:
        """From now on refuse what an earlier incarnation of ``sender`` than ``epoch`` has sent."""
        if self.seen.get(sender, (0, 0))[0] < epoch:
            self.seen[sender] = (epoch, 0)

    def judge(self, delivery: Delivery) -> tuple[Ack, bool]:
        """Decide on a delivery and remember it.

        Returns:
            The answer to send, and whether the sender is a new incarnation of one that was known. The batch is to be
            processed only if the verdict is ``TAKEN``.
        """
        sender, sender_epoch, seq = delivery.sender, delivery.sender_epoch, delivery.seq
        known_epoch, known_seq = self.seen.get(sender, (0, 0))
        if sender_epoch < known_epoch:
            return Ack(Verdict.FENCED, self.epoch), False
        if delivery.receiver_epoch != self.epoch:
            return Ack(Verdict.WRONG_EPOCH, self.epoch), False
        if sender_epoch == known_epoch and seq <= known_seq:
            return Ack(Verdict.REPEATED, self.epoch), False
        self.seen[sender] = (sender_epoch, seq)
        return Ack(Verdict.TAKEN, self.epoch), 0 < known_epoch < sender_epoch
