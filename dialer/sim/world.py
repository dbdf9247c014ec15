"""A world in virtual time: the same machines, links and group commit as on Ray, with seeded chance and faults.

Everything that happens is an entry of one heap, ordered by time and then by the order of creation, and all chance
comes from one generator: the same seed gives the same world, fault by fault.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any

from dialer.domain.events import SwitchConnected
from dialer.domain.ledger import STORE
from dialer.domain.link import Ack, Delivery, Outbox, Verdict
from dialer.domain.message import Address, Envelope, Machine
from dialer.errors import InvariantError
from dialer.sim.faults import FaultPlan
from dialer.sim.host import Host
from dialer.sim.journal import MemoryJournal
from dialer.sim.referee import Referee
from dialer.telephony.simulated.carrier import Carrier

#: Builds the machines of a host: (epoch, now) -> machines.
Build = Callable[[int, int], Sequence[Machine]]

LATENCY_US = 700  #: least time on the wire
JITTER_US = 1_300
FLUSH_US = 3_000  #: measured for small batches on a local disk
RESEND_US = 500_000
LINE_US = 1_000  #: between trunk and switch


class World:
    """Virtual clock, hosts and the network between them.

    Args:
        seed: Any integer.
        start_us: UTC microseconds at which the world begins.
        faults: What goes wrong.
        check_every: Check a machine's invariants after every so many of its steps; 0 for never.
    """

    def __init__(self, *, seed: int, start_us: int, faults: FaultPlan, check_every: int = 0) -> None:
        self.now_us = start_us
        self.journal = MemoryJournal()
        self.referee = Referee(self.journal)
        self.faults = faults
        self.crashes = 0
        self.freezes = 0
        self.deliveries = 0
        self._rng = Random(seed)
        self._check_every = check_every
        self._steps = 0
        self._heap: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._serial = 0
        self._builds: dict[Address, Build] = {}
        self._hosts: dict[Address, Host | None] = {}
        self._home: dict[Address, Address] = {}
        self._epochs: dict[Address, int] = {}
        self._carriers: dict[Address, tuple[Carrier, Address]] = {}
        self._mortal: list[Address] = []
        self._paces: dict[Address, int] = {}
        self._lines_armed: dict[Address, int] = {}

    # -- making ------------------------------------------------------------------------------------------------------

    def expect(self, host: Address, machines: Iterable[Address]) -> None:
        """Say where machines will be: others may speak to them before their host is there."""
        self._hosts.setdefault(host, None)
        for machine in machines:
            self._home[machine] = host

    def add(
        self, host: Address, machines: Iterable[Address], build: Build, *, pace_us: int = 0, mortal: bool = True
    ) -> None:
        """Add a host.

        Args:
            host: Its address.
            machines: The machines it will hold.
            build: Makes them, at birth and at every rebirth.
            pace_us: Least time between two steps, so that messages gather.
            mortal: False if no fault may hit it.
        """
        self.expect(host, machines)
        self._builds[host] = build
        self._paces[host] = pace_us
        if mortal:
            self._mortal.append(host)
        self._boot(host)

    def add_carrier(self, switch: Address, trunk: Address, carrier: Carrier) -> None:
        """Add the far end of a trunk. It outlives crashes of the trunk's host."""
        self._carriers[switch] = (carrier, trunk)
        self.at(self.now_us + LINE_US, self._connect, switch, self._hosts[self._home[trunk]])

    def at(self, at_us: int, call: Callable[..., None], *args: Any) -> None:
        """Do something at a moment."""
        self._serial += 1
        heapq.heappush(self._heap, (at_us, self._serial, call, args))

    def machine(self, address: Address) -> Machine | None:
        """The living machine at an address, None while its host is down."""
        host = self._hosts[self._home[address]]
        return None if host is None else host.machines[address]

    def tell(self, address: Address, message: Any) -> None:
        """Give a machine a message from outside the world; repeated until somebody is there to take it."""
        host = self._hosts[self._home[address]]
        if host is None or host.frozen:
            self.at(self.now_us + RESEND_US, self.tell, address, message)
        else:
            self._take(host, (Envelope(address, message),))

    # -- running -----------------------------------------------------------------------------------------------------

    def run(self, until_us: int, done: Callable[[], bool] = lambda: False) -> None:
        """Let time pass.

        Args:
            until_us: Not beyond this moment.
            done: Asked once in a while; True ends the run early.
        """
        heap = self._heap
        count = 0
        while heap and heap[0][0] <= until_us:
            self.now_us, _, call, args = heapq.heappop(heap)
            call(*args)
            count += 1
            if not count & 255 and done():
                return
        if not done():
            self.now_us = until_us

    def unleash(self) -> None:
        """Let accidents happen from now on."""
        self._plan_accident(self.faults.crash_every_us, self._crash)
        self._plan_accident(self.faults.freeze_every_us, self._freeze)

    # -- accidents ---------------------------------------------------------------------------------------------------

    def _plan_accident(self, every_us: int, accident: Callable[[], None]) -> None:
        if every_us:
            self.at(self.now_us + 1 + int(self._rng.expovariate(1.0) * every_us), accident)

    def crash(self, address: Address) -> None:
        """The host of a machine stops at once, and a new incarnation starts a little later."""
        name = self._home[address]
        host = self._hosts[name]
        if host is not None:
            host.dead = True
            self._hosts[name] = None
            self.crashes += 1
            self.at(self.now_us + 1 + self._rng.randrange(self.faults.down_us), self._boot, name)

    def _crash(self) -> None:
        self._plan_accident(self.faults.crash_every_us, self._crash)
        name = self._mortal[self._rng.randrange(len(self._mortal))]
        host = self._hosts[name]
        if host is not None:
            self.crash(next(iter(host.machines)))

    def _freeze(self) -> None:
        """A host stands still, is replaced, and wakes up as a zombie. A store is guarded by its file's lock."""
        self._plan_accident(self.faults.freeze_every_us, self._freeze)
        name = self._mortal[self._rng.randrange(len(self._mortal))]
        host = self._hosts[name]
        if host is None or host.frozen or STORE in host.machines:
            return
        host.frozen = True
        self.freezes += 1
        replaced_us = self.now_us + 1 + self._rng.randrange(self.faults.down_us)
        self.at(replaced_us, self._boot, name)
        self.at(replaced_us + self._rng.randrange(self.faults.down_us), self._thaw, host)

    def _thaw(self, host: Host) -> None:
        host.frozen = False
        if not host.dead:
            for address in host.machines:
                self._step(host, address, [])

    def _boot(self, name: Address) -> None:
        store = self._hosts.get(STORE)
        if name != STORE:
            if store is None:
                self.at(self.now_us + RESEND_US, self._boot, name)
                return
            self._settle(store)
        epoch = self._epochs[name] = self._epochs.get(name, 0) + 1
        if name != STORE and store is not None:
            store.inbox.fence(name, epoch)
        machines = self._builds[name](epoch, self.now_us)
        host = Host(name, epoch, {machine.address: machine for machine in machines}, self._paces[name])
        self._hosts[name] = host
        for machine in machines:
            self._route(host, machine.address, machine.start(self.now_us))
            self._arm(host, machine)
        for switch, (_, trunk) in self._carriers.items():
            if trunk in host.machines:
                self.at(self.now_us + LINE_US, self._connect, switch, host)

    # -- machines ----------------------------------------------------------------------------------------------------

    def _take(self, host: Host, batch: Iterable[Envelope]) -> None:
        """Hand a host a batch; a paced one steps when its time has come."""
        host.pending.extend(batch)
        if host.woken:
            return
        due_us = host.last_us + host.pace_us
        if due_us <= self.now_us:
            self._wake(host)
        else:
            host.woken = True
            self.at(due_us, self._wake, host)

    def _wake(self, host: Host) -> None:
        host.woken = False
        if host.dead or host.frozen:
            return
        while host.pending:
            host.last_us = self.now_us
            pending, host.pending = host.pending, []
            batches: dict[Address, list[Any]] = {}
            for envelope in pending:
                batches.setdefault(envelope.to, []).append(envelope.message)
            for address, batch in batches.items():
                self._step(host, address, batch)

    def _step(self, host: Host, address: Address, batch: list[Any]) -> None:
        machine = host.machines[address]
        out = machine.handle(batch, self.now_us)
        if self._check_every:
            self._steps += 1
            if self._steps % self._check_every == 0:
                machine.check_invariants()
        self._route(host, address, out)
        self._arm(host, machine)

    def _arm(self, host: Host, machine: Machine) -> None:
        due_us = machine.next_deadline_us()
        if due_us is None:
            return
        armed_us = host.armed.get(machine.address)
        if armed_us is None or due_us < armed_us:
            host.armed[machine.address] = due_us
            self.at(max(due_us, self.now_us), self._timer, host, machine.address, due_us)

    def _timer(self, host: Host, address: Address, due_us: int) -> None:
        if host.dead or host.frozen or host.armed.get(address) != due_us:
            return
        del host.armed[address]
        machine = host.machines[address]
        next_us = machine.next_deadline_us()
        if next_us is not None and next_us <= self.now_us:
            self._step(host, address, [])
        else:
            self._arm(host, machine)

    # -- the network -------------------------------------------------------------------------------------------------

    def _route(self, host: Host, machine: Address, envelopes: list[Envelope]) -> None:
        if machine == STORE:
            host.commit.add(envelopes)
            self._flush(host)
            return
        self._send(host, machine, envelopes)

    def _send(self, host: Host, machine: Address, envelopes: list[Envelope]) -> None:
        touched: dict[Address, Outbox] = {}
        commands: dict[Address, list[Any]] = {}
        for envelope in envelopes:
            to = envelope.to
            if to in self._carriers:
                commands.setdefault(to, []).append(envelope.message)
                continue
            home = self._home[to]
            if home == host.address:
                host.pending.append(envelope)
                continue
            touched[home] = box = host.box(home)
            box.post(envelope)
            host.note(home, machine, to)
        for home, box in touched.items():
            delivery = box.next_delivery()
            if delivery is not None:
                self._launch(host, home, box, delivery)
        for switch, orders in commands.items():
            self._command(switch, orders)
        if host.pending and not host.woken:
            host.woken = True
            self.at(self.now_us, self._wake, host)

    def _launch(self, host: Host, to: Address, box: Outbox, delivery: Delivery) -> None:
        self.deliveries += 1
        rng, faults = self._rng, self.faults
        at_us = self.now_us + LATENCY_US + int(rng.random() * JITTER_US)
        if faults.none:
            self.at(at_us, self._arrive, host, to, box, delivery)
            return
        self.at(self.now_us + RESEND_US, self._repeat, host, to, box, delivery.seq)
        if rng.random() < faults.delayed:
            at_us += int(rng.random() * faults.delay_us)
        if rng.random() >= faults.lost:
            self.at(at_us, self._arrive, host, to, box, delivery)
        if rng.random() < faults.duplicated:
            self.at(at_us + int(rng.random() * faults.delay_us), self._arrive, host, to, box, delivery)

    def _repeat(self, host: Host, to: Address, box: Outbox, seq: int) -> None:
        delivery = box.repeat()
        if delivery is None or delivery.seq != seq or host.dead:
            return
        if host.frozen:
            self.at(self.now_us + RESEND_US, self._repeat, host, to, box, seq)
        else:
            self._launch(host, to, box, delivery)

    def _arrive(self, sender: Host, to: Address, box: Outbox, delivery: Delivery) -> None:
        host = self._hosts[to]
        if host is None or host.frozen:
            return  # nobody is there: the sender will repeat
        ack, restarted = host.inbox.judge(delivery)
        if restarted:
            host.pending.extend(host.restarted(delivery.sender))
        if ack.verdict is Verdict.TAKEN:
            self._take(host, delivery.batch)
        if to == STORE and host.commit.flushing is not None:
            host.acks.append((sender, to, box, delivery.seq, ack))  # taken means durable
            return
        self._acknowledge(sender, to, box, delivery.seq, ack)

    def _acknowledge(self, sender: Host, to: Address, box: Outbox, seq: int, ack: Ack) -> None:
        if self.faults.lost and self._rng.random() < self.faults.lost:
            return
        at_us = self.now_us + LATENCY_US + int(self._rng.random() * JITTER_US)
        self.at(at_us, self._acknowledged, sender, to, box, seq, ack)

    def _acknowledged(self, host: Host, to: Address, box: Outbox, seq: int, ack: Ack) -> None:
        if host.dead or host.frozen:
            return
        if ack.verdict is Verdict.FENCED:
            host.dead = True
            return
        if box.acknowledged(seq, ack):
            self._take(host, host.restarted(to))
        if box.in_air is None:
            delivery = box.next_delivery()
        else:
            delivery = box.in_air if ack.verdict is Verdict.WRONG_EPOCH else None
        if delivery is not None:
            self._launch(host, to, box, delivery)

    # -- the store's disk --------------------------------------------------------------------------------------------

    def _flush(self, host: Host) -> None:
        rows = host.commit.begin()
        if rows is not None:
            host.rows, host.flushing_acks, host.acks = rows, host.acks, []
            self.at(self.now_us + FLUSH_US, self._flushed, host, rows)
        elif host.commit.flushing is None:
            host.flushing_acks, host.acks = host.acks, []
            self._answer(host)

    def _flushed(self, host: Host, rows: list[Any]) -> None:
        if host.dead:
            return  # lost with the process; nothing of it was said
        if rows is host.rows:
            self.journal.append(rows)
            host.rows = None
        self._send(host, STORE, host.commit.durable())
        self._answer(host)
        self._flush(host)

    def _answer(self, host: Host) -> None:
        acks, host.flushing_acks = host.flushing_acks, []
        for sender, to, box, seq, ack in acks:
            self._acknowledge(sender, to, box, seq, ack)

    def _settle(self, store: Host) -> None:
        """Before an incarnation is replaced, what it has had accepted becomes durable."""
        if store.rows is not None:
            self.journal.append(store.rows)
            store.rows = None
        self.journal.append(store.commit.rows)
        store.commit.rows = []

    # -- the lines ---------------------------------------------------------------------------------------------------

    def _connect(self, switch: Address, host: Host | None) -> None:
        carrier, trunk = self._carriers[switch]
        self._line_events(switch, [SwitchConnected(carrier.live_calls())], host)
        if host is not None and trunk not in host.machines:
            raise InvariantError("a switch talks to its trunk", str(switch))

    def _command(self, switch: Address, orders: list[Any]) -> None:
        carrier, trunk = self._carriers[switch]
        self.referee.commanded(trunk.id, orders, self.now_us)
        self._told(switch, carrier.handle(orders, self.now_us))

    def _line_timer(self, switch: Address, due_us: int) -> None:
        carrier, _ = self._carriers[switch]
        if self._lines_armed.get(switch) == due_us:
            del self._lines_armed[switch]
            self._told(switch, carrier.handle((), self.now_us))

    def _told(self, switch: Address, events: list[Any]) -> None:
        carrier, trunk = self._carriers[switch]
        if events:
            self.referee.told(trunk.id, events, self.now_us)
            self.at(self.now_us + LINE_US, self._line_events, switch, events, self._hosts[self._home[trunk]])
        due_us = carrier.next_deadline_us()
        armed_us = self._lines_armed.get(switch)
        if due_us is not None and (armed_us is None or due_us < armed_us):
            self._lines_armed[switch] = due_us
            self.at(max(due_us, self.now_us), self._line_timer, switch, due_us)

    def _line_events(self, switch: Address, events: list[Any], host: Host | None) -> None:
        """Events reach the incarnation that was connected when they happened, if it still lives."""
        _, trunk = self._carriers[switch]
        if host is not None and not host.dead:
            self._take(host, [Envelope(trunk, event) for event in events])
