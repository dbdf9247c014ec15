"""One trunk and its switch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dialer.actors.base import HostActor
from dialer.actors.births import Enlisted
from dialer.actors.host import Host
from dialer.domain.message import Envelope, Machine
from dialer.domain.trunk import TrunkMachine
from dialer.domain.viewing import trunk_view
from dialer.domain.views import TrunkView
from dialer.telephony.base import TrunkBackend
from dialer.telephony.simulated import SimulatedBackend, profile_by_name


class TrunkActor(HostActor):
    """Hosts one trunk and the back-end that reaches its switch."""

    def _make_host(self) -> Host:
        pace_s = self.deployment.pace_s
        return Host(self.address, self.clock, self.office, pace_s=pace_s, switch=self._command)

    async def make(self, enlisted: Enlisted) -> Sequence[Machine]:
        """A trunk learns from its switch what is up."""
        deployment, birth = self.deployment, enlisted.birth
        self.backend: TrunkBackend = SimulatedBackend(
            profile_by_name(birth.profile), deployment.seed, self.clock.now_us, deployment.speed
        )
        return [TrunkMachine(birth.spec, epoch=enlisted.epoch)]

    async def began(self) -> None:
        """Connect the switch."""
        await self.backend.start(self._told)

    def _command(self, commands: Sequence[Any]) -> None:
        self.backend.submit(commands)

    def _told(self, events: Sequence[Any]) -> None:
        self.host.queue([Envelope(self.address, event) for event in events])

    def view(self) -> list[TrunkView]:
        """Lines in use."""
        return [trunk_view(machine) for machine in self.host.machines.values() if isinstance(machine, TrunkMachine)]
