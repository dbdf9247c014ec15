"""Whom a trunk talks to: addresses, and the schedulers it knows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dialer.domain.message import Address, Envelope


class Peers:
    """Addresses of everyone around a trunk; each is made once, because few are asked for with every message.

    Args:
        pools: Pools that are known from the start.
    """

    def __init__(self, pools: Iterable[str] = ()) -> None:
        self._addresses: dict[tuple[str, str], Address] = {}
        self._pools: dict[str, None] = dict.fromkeys(pools)  # in the order in which they came

    def meet(self, pool: str) -> None:
        """Remember a pool whose scheduler speaks."""
        self._pools[pool] = None

    def pools(self) -> Iterable[str]:
        """Pools that are known."""
        return self._pools

    def to(self, kind: str, name: str) -> Address:
        """Address of one peer."""
        address = self._addresses.get((kind, name))
        if address is None:
            address = self._addresses[kind, name] = Address(kind, name)
        return address

    def tell_schedulers(self, pool: str, told: Any, out: list[Envelope]) -> None:
        """Tell the scheduler of a pool; all of them if the pool is not known, ""."""
        if pool:
            out.append(Envelope(self.to("scheduler", pool), told))
        else:
            out.extend(Envelope(self.to("scheduler", name), told) for name in self._pools)
