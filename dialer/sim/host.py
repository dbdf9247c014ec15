"""One incarnation of a host in the simulated world."""

from __future__ import annotations

from typing import Any

from dialer.domain.events import PeerRestarted
from dialer.domain.groupcommit import GroupCommit
from dialer.domain.link import Inbox, Outbox
from dialer.domain.message import Address, Envelope, Machine


class Host:
    """Machines, links and timers that live and die together.

    Args:
        address: Where others find it.
        epoch: Which incarnation it is.
        machines: By address.
        pace_us: Least time between two steps.
    """

    __slots__ = (
        "acks",
        "address",
        "armed",
        "commit",
        "dead",
        "epoch",
        "flushing_acks",
        "frozen",
        "inbox",
        "last_us",
        "machines",
        "outboxes",
        "pace_us",
        "pending",
        "rows",
        "talks",
        "woken",
    )

    def __init__(self, address: Address, epoch: int, machines: dict[Address, Machine], pace_us: int) -> None:
        self.address = address
        self.epoch = epoch
        self.machines = machines
        self.pace_us = pace_us
        self.inbox = Inbox(epoch)
        self.outboxes: dict[Address, Outbox] = {}
        self.talks: dict[Address, set[tuple[Address, Address]]] = {}
        self.armed: dict[Address, int] = {}
        self.pending: list[Envelope] = []
        self.woken = False
        self.dead = False
        self.frozen = False
        self.last_us = 0
        self.commit = GroupCommit()
        self.rows: list[Any] | None = None
        self.acks: list[Any] = []
        self.flushing_acks: list[Any] = []

    def box(self, to: Address) -> Outbox:
        """What is to be said to another host."""
        box = self.outboxes.get(to)
        if box is None:
            box = self.outboxes[to] = Outbox(self.address, self.epoch)
        return box

    def note(self, home: Address, machine: Address, peer: Address) -> None:
        """Remember that a machine of ours talks to one over there."""
        self.talks.setdefault(home, set()).add((machine, peer))

    def restarted(self, home: Address) -> list[Envelope]:
        """What our machines must hear when another host is a new incarnation."""
        return [Envelope(machine, PeerRestarted(peer)) for machine, peer in sorted(self.talks.get(home, ()))]
