"""What all actors that host machines have in common: enlisting, deliveries, views."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence
from typing import Any

from dialer.actors.births import Enlisted
from dialer.actors.deployment import Clock, Deployment
from dialer.actors.handles import Office
from dialer.actors.host import Host, UndeliveredError
from dialer.domain.link import Ack, Delivery
from dialer.domain.message import Address, Envelope, Machine

log = logging.getLogger(__name__)

#: Wall seconds until a host that could not enlist tries again.
_RETRY_S = 0.3


class HostActor:
    """One actor process. Ray runs the constructor again after a crash: a new incarnation enlists by itself.

    Args:
        address: Address of the host.
        deployment: What every actor must know.
    """

    def __init__(self, address: Address, deployment: Deployment) -> None:
        logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        self.address = address
        self.deployment = deployment
        self.clock = Clock(deployment)
        self.office = Office(deployment.namespace)
        self.host = self._make_host()
        self._ready = asyncio.Event()
        self._beginning = asyncio.get_running_loop().create_task(self._begin())

    # -- for subclasses ----------------------------------------------------------------------------------------------

    def _make_host(self) -> Host:
        return Host(self.address, self.clock, self.office, pace_s=self.deployment.pace_s)

    async def make(self, enlisted: Enlisted) -> Sequence[Machine]:
        """Build the machines of this incarnation."""
        raise NotImplementedError

    async def began(self) -> None:
        """Called when the machines have started."""

    def view(self) -> Any:
        """What the screens show of these machines."""
        return None

    # -- life --------------------------------------------------------------------------------------------------------

    async def _begin(self) -> None:
        try:
            enlisted = await self._enlist()
            self.host.begin(enlisted.epoch, await self.make(enlisted))
            await self.began()
        except Exception:
            log.exception("%s: cannot start", self.address)
            os._exit(1)
        self._ready.set()

    async def _enlist(self) -> Enlisted:
        while True:
            try:
                await self.office.learn()
                return await self.office.enlist(self.address)
            except UndeliveredError:
                await asyncio.sleep(_RETRY_S)

    # -- remote ------------------------------------------------------------------------------------------------------

    async def deliver(self, delivery: Delivery) -> Ack:
        """Take one delivery of another host."""
        if not self._ready.is_set():
            await self._ready.wait()
        return self.host.take(delivery)

    async def tell(self, envelopes: Sequence[Envelope]) -> None:
        """Hand in messages of the control plane."""
        await self._ready.wait()
        self.host.queue(envelopes)

    async def observe(self) -> Any:
        """The view of these machines; None before they have started."""
        return self.view() if self._ready.is_set() else None

    async def learned(self, homes: dict[Address, Address]) -> None:
        """The director has placed new machines."""
        self.office.learned(homes)

    async def renew(self) -> None:
        """Stop; Ray starts a new incarnation, which reads its birth again."""
        os._exit(0)

    async def process(self) -> tuple[int, int, int]:
        """Process id, steps and deliveries, for tests and benchmarks."""
        return os.getpid(), self.host.steps, self.host.sent
