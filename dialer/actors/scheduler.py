"""The scheduler of one pool."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from dialer.actors.base import HostActor
from dialer.actors.births import Enlisted
from dialer.actors.host import Host
from dialer.domain.message import Machine
from dialer.domain.scheduler import Scheduler


class SchedulerActor(HostActor):
    """Hosts one scheduler."""

    def _make_host(self) -> Host:
        return Host(self.address, self.clock, self.office, pace_s=self.deployment.tick_s)

    async def make(self, enlisted: Enlisted) -> Sequence[Machine]:
        """A scheduler knows nothing at birth, and asks."""
        return [Scheduler(enlisted.birth.spec, rng=Random(self.deployment.seed * 1_000 + enlisted.epoch))]

    def view(self) -> dict[str, str]:
        """Campaign -> why it dials, or does not."""
        schedulers = (machine for machine in self.host.machines.values() if isinstance(machine, Scheduler))
        return {card.name: card.reason for scheduler in schedulers for card in scheduler.pool.campaigns.values()}
