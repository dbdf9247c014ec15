"""A world in virtual time: the same machines, links and group commit as on Ray, with seeded chance and faults.

This file is the courier: it hosts machines, hands them what has arrived, sends on what they say and keeps their
timers, as ``actors/host.py`` does on Ray. Around it: ``clock.py`` (virtual time), ``network.py`` (deliveries between
hosts), ``disk.py`` (group commit of the store), ``lines.py`` (switches) and ``accidents.py`` (crashes, zombies). All
chance comes from one generator, so that the same seed gives the same world, fault by fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any

from dialer.domain.ledger import STORE
from dialer.domain.message import Address, Envelope, Machine
from dialer.sim.accidents import Accidents
from dialer.sim.clock import Clock
from dialer.sim.disk import Disk
from dialer.sim.faults import FaultPlan
from dialer.sim.host import Berth, Directory, Host
from dialer.sim.journal import MemoryJournal
from dialer.sim.lines import Lines
from dialer.sim.network import RESEND_US, Network
from dialer.sim.referee import Referee
from dialer.telephony.simulated.carrier import Carrier

#: Builds the machines of a host: (epoch, now) -> machines.
Build = Callable[[int, int], Sequence[Machine]]


class World:
    """Hosts, their machines, and all that is between them.

    Args:
        seed: Any integer.
        start_us: UTC microseconds at which the world begins.
        faults: What goes wrong.
        check_every: Check a machine's invariants after every so many steps; 0 for never.
        calm: No fault is planned, and nobody will provoke one: faster.
    """

    def __init__(
        self, *, seed: int, start_us: int, faults: FaultPlan, check_every: int = 0, calm: bool = False
    ) -> None:
        rng = Random(seed)
        self.clock = Clock(start_us)
        self.journal = MemoryJournal()
        self.referee = Referee(self.journal)
        self.directory = Directory()
        self.lines = Lines(self.clock, self.directory, self.referee, self._take)
        self.network = Network(
            self.clock, rng, faults, directory=self.directory, lines=self.lines, take=self._take, calm=calm
        )
        self.accidents = Accidents(
            self.clock, rng, faults, self.directory, self.network, boot=self._boot, wake=self._thawed
        )
        self._disk = Disk(self.clock, self.journal, self.network, self._take)
        self._builds: dict[Address, tuple[Build, int]] = {}
        self._epochs: dict[Address, int] = {}
        self._last_known: dict[Address, Machine] = {}
        self._check_every = check_every
        self._steps = 0

    @property
    def now_us(self) -> int:
        """UTC microseconds."""
        return self.clock.now_us

    # -- making ------------------------------------------------------------------------------------------------------

    def expect(self, name: Address, machines: Iterable[Address]) -> None:
        """Say where machines will be: others may speak to them before their host is there."""
        self.directory.expect(name, machines)

    def add(
        self, name: Address, machines: Iterable[Address], build: Build, *, pace_us: int = 0, mortal: bool = True
    ) -> None:
        """Add a host, and start it.

        Args:
            name: Its address.
            machines: The machines it will hold.
            build: Makes them, at birth and at every rebirth.
            pace_us: Least time between two steps, so that messages gather.
            mortal: False if no fault may hit it.
        """
        self.expect(name, machines)
        self._builds[name] = (build, pace_us)
        if mortal:
            self.accidents.mortal.append(name)
        self._boot(name)

    def add_carrier(self, switch: Address, trunk: Address, carrier: Carrier) -> None:
        """Add the far end of a trunk that is expected or there. It outlives every crash of the trunk's host."""
        self.lines.add(switch, trunk, carrier)

    # -- from outside ------------------------------------------------------------------------------------------------

    def machine(self, address: Address) -> Machine | None:
        """The living machine at an address, None while its host is down."""
        host = self.directory.host_of(address)
        return None if host is None else host.berths[address].machine

    def last_known(self, address: Address) -> Machine:
        """The latest incarnation of a machine, dead or alive."""
        return self._last_known[address]

    def tell(self, address: Address, message: Any) -> None:
        """Give a machine a message from outside the world; repeated until somebody is there to take it."""
        host = self.directory.host_of(address)
        if host is None or host.frozen:
            self.clock.at(self.now_us + RESEND_US, self.tell, address, message)
        else:
            self._take(host, (Envelope(address, message),))

    def crash(self, machine: Address) -> None:
        """The host of a machine stops at once, and a new incarnation starts a little later."""
        self.accidents.crash(self.directory.homes[machine])

    def freeze(self, machine: Address) -> None:
        """The host of a machine stands still, is replaced, and wakes up as a zombie."""
        self.accidents.freeze(self.directory.homes[machine])

    def run(self, until_us: int, done: Callable[[], bool] = lambda: False) -> None:
        """Let time pass, not beyond ``until_us``; ``done`` is asked once in a while and ends the run early."""
        self.clock.run(until_us, done)

    # -- hosts -------------------------------------------------------------------------------------------------------

    def _boot(self, name: Address) -> None:
        """Start a new incarnation: from now on nobody listens to the one before."""
        store = self.directory.hosts.get(STORE)
        if name != STORE:
            if store is None:
                self.clock.at(self.now_us + RESEND_US, self._boot, name)
                return
            self._disk.settle(store)
        epoch = self._epochs[name] = self._epochs.get(name, 0) + 1
        if name != STORE and store is not None:
            store.inbox.fence(name, epoch)
        build, pace_us = self._builds[name]
        host = Host(name, epoch, build(epoch, self.now_us), pace_us)
        self.directory.hosts[name] = host
        for berth in host.berths.values():
            self._last_known[berth.address] = berth.machine
            self._said(host, berth, berth.machine.start(self.now_us))
        self._take(host, ())
        self.lines.connect(host)

    def _thawed(self, host: Host) -> None:
        """A host goes on after it has stood still: its timers are all overdue."""
        for berth in host.berths.values():
            berth.armed_us = None
        host.due = list(host.berths.values())
        self._take(host, ())

    def _take(self, host: Host, batch: Sequence[Envelope]) -> None:
        """Hand a host a batch; a paced one steps when its time has come."""
        if len(batch) == 1 and not (host.pace_us or host.pending or host.frozen):  # as it mostly is
            ((to, message),) = batch
            self._step(host, host.berths[to], [message])
            if host.pending:
                self._wake(host)
            return
        host.pending += batch
        if not (host.pending or host.due):
            return
        due_us = host.last_us + host.pace_us
        if due_us <= self.clock.now_us:
            self._wake(host)
        elif not host.woken:
            host.woken = True
            self.clock.at(due_us, self._wake, host)

    def _wake(self, host: Host) -> None:
        host.woken = False
        if host.dead or host.frozen:
            return
        if host.pace_us:
            host.last_us = self.clock.now_us
        while host.pending or host.due:
            pending, host.pending = host.pending, []
            batches: dict[Address, list[Any]] = {}
            for to, message in pending:
                batches.setdefault(to, []).append(message)
            due, host.due = host.due, []
            for berth in due:
                batches.setdefault(berth.address, [])
            for address, batch in batches.items():
                self._step(host, host.berths[address], batch)

    # -- machines ----------------------------------------------------------------------------------------------------

    def _step(self, host: Host, berth: Berth, batch: list[Any]) -> None:
        machine = berth.machine
        out = machine.handle(batch, self.clock.now_us)
        if self._check_every:
            self._steps += 1
            if self._steps % self._check_every == 0:
                machine.check_invariants()
        self._said(host, berth, out)

    def _said(self, host: Host, berth: Berth, envelopes: list[Envelope]) -> None:
        """Send what a machine has said, and set its timer."""
        if envelopes:
            if berth.durable:
                self._disk.commit(host, envelopes)
            else:
                self.network.send(host, berth, envelopes)
        due_us = berth.machine.next_deadline_us()
        if due_us is not None and (berth.armed_us is None or due_us < berth.armed_us):
            berth.armed_us = due_us
            self.clock.at(max(due_us, self.clock.now_us), self._timer, host, berth, due_us)

    def _timer(self, host: Host, berth: Berth, due_us: int) -> None:
        if host.dead or host.frozen or berth.armed_us != due_us:
            return
        berth.armed_us = None
        next_us = berth.machine.next_deadline_us()
        if next_us is None:
            return
        if next_us <= self.clock.now_us:
            if host.pace_us:
                host.due.append(berth)
            else:
                self._step(host, berth, [])
            self._take(host, ())
        else:
            berth.armed_us = next_us
            self.clock.at(next_us, self._timer, host, berth, next_us)
