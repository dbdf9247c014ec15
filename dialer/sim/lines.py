"""The lines between trunks and their switches, each of which is a simulated carrier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dialer.domain.events import SwitchConnected
from dialer.domain.media import FlowsUp
from dialer.domain.message import Address, Envelope
from dialer.sim.clock import Clock
from dialer.sim.host import Directory, Host
from dialer.sim.referee import Referee
from dialer.telephony.simulated.carrier import Carrier

LINE_US = 1_000  #: between trunk and switch


class _Switch:
    """One switch: a carrier that outlives every crash of the trunk's host."""

    __slots__ = ("armed_us", "carrier", "orders", "trunk")

    def __init__(self, carrier: Carrier, trunk: Address) -> None:
        self.carrier = carrier
        self.trunk = trunk
        self.armed_us: int | None = None
        self.orders: list[Any] = []


class Lines:
    """All switches of the world.

    Args:
        clock: Virtual time.
        directory: Who lives where.
        referee: Sees everything that passes between trunk and switch.
        take: Hands a host a batch of messages.
    """

    def __init__(
        self, clock: Clock, directory: Directory, referee: Referee, take: Callable[[Host, Sequence[Envelope]], None]
    ) -> None:
        self.ordered: list[_Switch] = []  #: with commands that were accepted and not carried out
        self._clock = clock
        self._directory = directory
        self._referee = referee
        self._take = take
        self._switches: dict[Address, _Switch] = {}

    def add(self, address: Address, trunk: Address, carrier: Carrier) -> None:
        """Add the far end of a trunk."""
        switch = self._switches[address] = _Switch(carrier, trunk)
        host = self._directory.host_of(trunk)
        if host is not None:
            self._clock.at(self._clock.now_us + LINE_US, self._connected, switch, host)

    def connect(self, host: Host) -> None:
        """The trunks of a new incarnation reach their switches."""
        for switch in self._switches.values():
            if switch.trunk in host.berths:
                self._clock.at(self._clock.now_us + LINE_US, self._connected, switch, host)

    def _connected(self, switch: _Switch, host: Host) -> None:
        up = switch.carrier.flows_up()
        self._arrive(switch, [SwitchConnected(switch.carrier.live_calls()), *([FlowsUp(up)] if up else [])], host)

    # -- to the switch -----------------------------------------------------------------------------------------------

    def accept(self, envelope: Envelope) -> bool:
        """Take a command to a switch; False if the envelope is for somebody else."""
        switch = self._switches.get(envelope.to)
        if switch is None:
            return False
        if not switch.orders:
            self.ordered.append(switch)
        switch.orders.append(envelope.message)
        return True

    def carry_out(self) -> None:
        """Give the switches the commands that were accepted."""
        while self.ordered:
            switch = self.ordered.pop()
            orders, switch.orders = switch.orders, []
            now_us = self._clock.now_us
            self._referee.commanded(switch.trunk.id, orders, now_us)
            self._tell(switch, switch.carrier.handle(orders, now_us))

    # -- from the switch ---------------------------------------------------------------------------------------------

    def _timer(self, switch: _Switch, due_us: int) -> None:
        if switch.armed_us == due_us:
            switch.armed_us = None
            self._tell(switch, switch.carrier.handle((), self._clock.now_us))

    def _tell(self, switch: _Switch, events: list[Any]) -> None:
        clock = self._clock
        if events:
            self._referee.told(switch.trunk.id, events, clock.now_us)
            host = self._directory.host_of(switch.trunk)
            if host is not None:
                clock.at(clock.now_us + LINE_US, self._arrive, switch, events, host)
        due_us = switch.carrier.next_deadline_us()
        if due_us is not None and (switch.armed_us is None or due_us < switch.armed_us):
            switch.armed_us = due_us
            clock.at(max(due_us, clock.now_us), self._timer, switch, due_us)

    def _arrive(self, switch: _Switch, events: list[Any], host: Host) -> None:
        """Events reach the incarnation that was connected when they happened, if it still lives."""
        if not host.dead:
            self._take(host, [Envelope(switch.trunk, event) for event in events])
