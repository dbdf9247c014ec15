"""Accidents: hosts that stop at once, and hosts that stand still, are replaced, and wake up as zombies."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from dialer.domain.ledger import STORE
from dialer.domain.message import Address
from dialer.domain.specs import SECOND_US
from dialer.sim.clock import Clock
from dialer.sim.faults import FaultPlan
from dialer.sim.host import Directory, Host
from dialer.sim.network import Network

#: A host that stands still is not replaced before this time. Health checks need longer than an intent is good for (5 s;
#: a cluster was measured to take 12 s), and the limits of a trunk rest on that: what a frozen one still has in its
#: queue has lapsed when its successor starts to dial, so that both together stay within the calls per second.
DETECTION_US = 6 * SECOND_US


class Accidents:
    """What happens to hosts.

    Args:
        clock: Virtual time.
        rng: All chance of the world.
        faults: How often accidents happen, and how long it takes to get over them.
        directory: Who lives where.
        network: Must know when deliveries can be lost.
        boot: Starts a new incarnation of a host.
        wake: Lets a host that has stood still go on.
    """

    def __init__(
        self,
        clock: Clock,
        rng: Random,
        faults: FaultPlan,
        directory: Directory,
        network: Network,
        *,
        boot: Callable[[Address], None],
        wake: Callable[[Host], None],
    ) -> None:
        self.mortal: list[Address] = []  #: names of hosts that may be hit
        self.crashes = 0
        self.freezes = 0
        self._clock = clock
        self._rng = rng
        self._faults = faults
        self._directory = directory
        self._network = network
        self._boot = boot
        self._wake = wake

    def unleash(self) -> None:
        """Let accidents happen from now on."""
        self._plan(self._faults.crash_every_us, self.crash)
        self._plan(self._faults.freeze_every_us, self.freeze)

    def _plan(self, every_us: int, accident: Callable[[Address], None]) -> None:
        if every_us:
            at_us = self._clock.now_us + 1 + int(self._rng.expovariate(1.0) * every_us)
            self._clock.at(at_us, self._happen, every_us, accident)

    def _happen(self, every_us: int, accident: Callable[[Address], None]) -> None:
        self._plan(every_us, accident)
        accident(self.mortal[self._rng.randrange(len(self.mortal))])

    def crash(self, name: Address) -> None:
        """A host stops at once, and a new incarnation starts a little later. Nothing if it is down already."""
        host = self._directory.hosts[name]
        if host is None:
            return
        self._network.beware()
        host.dead = True
        self._directory.hosts[name] = None
        self.crashes += 1
        self._clock.at(self._clock.now_us + self._while_us(), self._boot, name)

    def freeze(self, name: Address) -> None:
        """A host stands still, is replaced, and wakes up as a zombie. A store is guarded by the lock on its file."""
        host = self._directory.hosts[name]
        if host is None or host.frozen or STORE in host.berths:
            return
        self._network.beware()
        host.frozen = True
        self.freezes += 1
        replaced_us = self._clock.now_us + DETECTION_US + self._while_us()
        self._clock.at(replaced_us, self._replace, name, host)
        self._clock.at(replaced_us + self._while_us(), self._thaw, host)

    def _replace(self, name: Address, host: Host) -> None:
        if self._directory.hosts[name] is host:  # otherwise it has crashed meanwhile, and was replaced for that
            self._boot(name)

    def _thaw(self, host: Host) -> None:
        host.frozen = False
        if not host.dead:
            self._wake(host)

    def _while_us(self) -> int:
        return 1 + self._rng.randrange(self._faults.down_us)
