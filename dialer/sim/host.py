"""One incarnation of a host in the simulated world: machines, links and timers that live and die together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dialer.domain.events import PeerRestarted
from dialer.domain.groupcommit import GroupCommit
from dialer.domain.ledger import STORE
from dialer.domain.link import Ack, Inbox, Outbox
from dialer.domain.message import Address, Envelope, Machine


class Wire:
    """What one host has to say to another one.

    Args:
        host: The sender.
        home: The receiver's address.
    """

    __slots__ = ("box", "free_us", "home", "host", "late", "talks")

    def __init__(self, host: Host, home: Address) -> None:
        self.host = host
        self.home = home
        self.box = Outbox(host.address, host.epoch)
        self.late: tuple[int, int, Ack] | None = None  #: (when it comes, sequence number, answer) nobody waits for
        self.free_us = 0  #: when the last batch arrives; calm worlds only
        self.talks: set[tuple[Address, Address]] = set()  #: (machine of ours, machine over there)

    def restarted(self) -> list[Envelope]:
        """What our machines must hear when the other host is a new incarnation."""
        return [Envelope(machine, PeerRestarted(peer)) for machine, peer in sorted(self.talks)]


class Berth:
    """The place of one machine in its host.

    Args:
        machine: The machine.
    """

    __slots__ = ("address", "armed_us", "durable", "machine", "wires")

    def __init__(self, machine: Machine) -> None:
        self.address = machine.address
        self.machine = machine
        self.durable = machine.address == STORE  #: what it says waits for the disk
        self.armed_us: int | None = None  #: when its timer rings
        self.wires: dict[Address, Wire] = {}  #: by the machine spoken to


class Host:
    """One incarnation.

    Args:
        address: Where others find it.
        epoch: Which incarnation it is.
        machines: What it hosts.
        pace_us: Least time between two steps.
    """

    __slots__ = (
        "acks",
        "address",
        "berths",
        "commit",
        "dead",
        "due",
        "epoch",
        "flushing_acks",
        "frozen",
        "inbox",
        "last_us",
        "pace_us",
        "pending",
        "rows",
        "wires",
        "woken",
    )

    def __init__(self, address: Address, epoch: int, machines: Iterable[Machine], pace_us: int) -> None:
        self.address = address
        self.epoch = epoch
        self.berths = {machine.address: Berth(machine) for machine in machines}
        self.pace_us = pace_us
        self.inbox = Inbox(epoch)
        self.wires: dict[Address, Wire] = {}
        self.pending: list[Envelope] = []
        self.due: list[Berth] = []  #: whose timers have rung
        self.woken = False  #: a step is planned
        self.dead = False
        self.frozen = False
        self.last_us = 0
        self.commit = GroupCommit()
        self.rows: list[Any] | None = None  #: being written to disk
        self.acks: list[tuple[Wire, int, Ack]] = []  #: held back until what they are for is durable
        self.flushing_acks: list[tuple[Wire, int, Ack]] = []

    def wire(self, home: Address) -> Wire:
        """What is to be said to another host."""
        wire = self.wires.get(home)
        if wire is None:
            wire = self.wires[home] = Wire(self, home)
        return wire


class Directory:
    """Who lives where. A name stays; the hosts behind it come and go."""

    def __init__(self) -> None:
        self.hosts: dict[Address, Host | None] = {}  #: by name, None while nobody is there
        self.homes: dict[Address, Address] = {}  #: machine -> name of its host

    def expect(self, name: Address, machines: Iterable[Address]) -> None:
        """Say where machines will be: others may speak to them before their host is there."""
        self.hosts.setdefault(name, None)
        for machine in machines:
            self.homes[machine] = name

    def host_of(self, machine: Address) -> Host | None:
        """The host of a machine, None while it is down."""
        return self.hosts[self.homes[machine]]
