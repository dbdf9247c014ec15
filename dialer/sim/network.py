"""The network between hosts: seeded delays, losses and doubles, under the same links as on Ray."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from random import Random

from dialer.domain.link import Ack, Delivery, Verdict
from dialer.domain.message import Address, Envelope
from dialer.domain.specs import SECOND_US
from dialer.errors import InvariantError
from dialer.sim.clock import Clock
from dialer.sim.faults import FaultPlan
from dialer.sim.host import Berth, Directory, Host, Wire
from dialer.sim.lines import Lines

LATENCY_US = 700  #: least time on the wire
JITTER_US = 1_300
RESEND_US = SECOND_US // 2
_TRAVELS = 4_093  #: times on the wire that a calm world draws in advance; a prime number, so that no pattern meets them
#: Chance that a delivery is lost which is in the air when its sender dies: what its sender had acknowledged may then
#: have no effect at all.
LAST_WORDS_LOST = 0.5


class Network:
    """Carries deliveries and their acknowledgements.

    An acknowledgement for which nothing waits is no event of its own: it is looked at when there is something more to
    send. That saves a third of all events and changes nothing else.

    Args:
        clock: Virtual time.
        rng: All chance of the world.
        faults: How often a delivery is lost, doubled or delayed.
        directory: Who lives where.
        lines: Takes what is meant for a switch.
        take: Hands a host a batch of messages.
        calm: Nothing will ever be lost, and nobody crash: batches travel without links, which would only take time.
    """

    def __init__(
        self,
        clock: Clock,
        rng: Random,
        faults: FaultPlan,
        *,
        directory: Directory,
        lines: Lines,
        take: Callable[[Host, Sequence[Envelope]], None],
        calm: bool = False,
    ) -> None:
        self.deliveries = 0
        self._calm = calm
        self._travel_us = [LATENCY_US + int(rng.random() * JITTER_US) for _ in range(_TRAVELS if calm else 0)]
        self._clock = clock
        self._rng = rng
        self._faults = faults
        self._lost = faults.lost
        self._directory = directory
        self._lines = lines
        self._take = take
        self._watchful = not faults.none  # without accidents nothing is lost, and no delivery needs a timer

    def beware(self) -> None:
        """From now on deliveries may be lost: those in the air are watched, too."""
        if self._calm:
            raise InvariantError("nothing happens in a calm world", "an accident")
        if self._watchful:
            return
        self._watchful = True
        for host in self._directory.hosts.values():
            for wire in () if host is None else host.wires.values():
                if wire.box.in_air is not None:
                    self._clock.at(self._clock.now_us + RESEND_US, self._repeat, wire, wire.box.in_air.seq)

    # -- sending -----------------------------------------------------------------------------------------------------

    def send(self, host: Host, berth: Berth, envelopes: Iterable[Envelope]) -> None:
        """Send what a machine has said: one delivery for each host that is spoken to."""
        wires = berth.wires
        touched: list[Wire] = []
        for envelope in envelopes:
            wire = wires.get(envelope.to)
            if wire is None:
                wire = self._first_word(host, berth, envelope)
                if wire is None:
                    continue
            waiting = wire.box.waiting
            if not waiting:
                touched.append(wire)
            waiting.append(envelope)
        post = self._carry if self._calm else self._post
        for wire in touched:
            post(wire)
        if self._lines.ordered:
            self._lines.carry_out()

    def _post(self, wire: Wire) -> None:
        """Send what waits, unless a delivery is in the air."""
        box = wire.box
        if box.in_air is None or self._clear(wire):
            delivery = box.next_delivery()
            if delivery is not None:
                self._launch(wire, delivery)

    def _carry(self, wire: Wire) -> None:
        """Send a batch that will arrive, in the order of its wire."""
        box, clock = wire.box, self._clock
        batch, box.waiting = box.waiting, []
        at_us = clock.now_us + self._travel_us[self.deliveries % _TRAVELS]
        at_us = max(at_us, wire.free_us)
        wire.free_us = at_us
        self.deliveries += 1
        clock.at(at_us, self._hand_over, wire.home, batch)

    def _hand_over(self, home: Address, batch: list[Envelope]) -> None:
        host = self._directory.hosts[home]
        if host is None:
            raise InvariantError("nothing happens in a calm world", f"{home} is not there")
        self._take(host, batch)

    def _first_word(self, host: Host, berth: Berth, envelope: Envelope) -> Wire | None:
        """The wire to a machine that is spoken to for the first time; None if the message needs no wire."""
        to = envelope.to
        if self._lines.accept(envelope):
            return None
        home = self._directory.homes[to]
        if home == host.address:
            host.pending.append(envelope)
            return None
        wire = berth.wires[to] = host.wire(home)
        wire.talks.add((berth.address, to))
        return wire

    def _clear(self, wire: Wire) -> bool:
        """Whether the delivery in the air has been acknowledged by now; if not, whatever waits is sent when it is."""
        if wire.late is None:
            return False
        (at_us, seq, ack), wire.late = wire.late, None
        if at_us > self._clock.now_us:
            self._clock.at(at_us, self._acknowledged, wire, seq, ack)
            return False
        wire.box.acknowledged(seq, ack)
        return True

    def _launch(self, wire: Wire, delivery: Delivery) -> None:
        self.deliveries += 1
        clock, random = self._clock, self._rng.random
        at_us = clock.now_us + LATENCY_US + int(random() * JITTER_US)
        if self._watchful:
            faults = self._faults
            clock.at(clock.now_us + RESEND_US, self._repeat, wire, delivery.seq)
            if random() < faults.delayed:
                at_us += int(random() * faults.delay_us)
            if random() < faults.duplicated:
                clock.at(at_us + int(random() * faults.delay_us), self._arrive, wire, delivery)
            if random() < self._lost:
                return
        clock.at(at_us, self._arrive, wire, delivery)

    def _repeat(self, wire: Wire, seq: int) -> None:
        if wire.host.dead:
            return
        if wire.host.frozen:
            self._clock.at(self._clock.now_us + RESEND_US, self._repeat, wire, seq)
            return
        if wire.late is not None and wire.late[0] <= self._clock.now_us:
            wire.box.acknowledged(*wire.late[1:])
            wire.late = None
        delivery = wire.box.repeat()
        if delivery is not None and delivery.seq == seq:
            self._launch(wire, delivery)

    # -- arriving ----------------------------------------------------------------------------------------------------

    def _arrive(self, wire: Wire, delivery: Delivery) -> None:
        host = self._directory.hosts[wire.home]
        if host is None or host.frozen:
            return  # nobody is there: the sender will repeat
        if wire.host.dead and self._rng.random() < LAST_WORDS_LOST:
            return  # nobody will
        ack, restarted = host.inbox.judge(delivery)
        if restarted and delivery.sender in host.wires:
            host.pending.extend(host.wires[delivery.sender].restarted())
        if ack.verdict is Verdict.TAKEN:
            self._take(host, delivery.batch)
        if host.commit.flushing is not None:
            host.acks.append((wire, delivery.seq, ack))  # taken means durable
        else:
            self.acknowledge(wire, delivery.seq, ack)

    def acknowledge(self, wire: Wire, seq: int, ack: Ack) -> None:
        """Send the answer to a delivery."""
        if self._lost and self._rng.random() < self._lost:
            return
        at_us = self._clock.now_us + LATENCY_US + int(self._rng.random() * JITTER_US)
        if ack.verdict <= Verdict.REPEATED and wire.late is None and not wire.box.waiting:
            wire.late = (at_us, seq, ack)
        else:
            self._clock.at(at_us, self._acknowledged, wire, seq, ack)

    def _acknowledged(self, wire: Wire, seq: int, ack: Ack) -> None:
        host, box = wire.host, wire.box
        if host.dead or host.frozen:
            return
        if ack.verdict is Verdict.FENCED:
            host.dead = True
            return
        if box.acknowledged(seq, ack):
            self._take(host, wire.restarted())
        if box.in_air is None:
            delivery = box.next_delivery()
        else:
            delivery = box.in_air if ack.verdict is Verdict.WRONG_EPOCH else None
        if delivery is not None:
            self._launch(wire, delivery)
