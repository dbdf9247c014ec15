"""The store: ledger, catalogue and files of one data directory, in the one process that may write there."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from dialer.actors import births
from dialer.actors.births import CampaignBirth, Enlisted
from dialer.actors.deployment import Clock, Deployment
from dialer.actors.handles import Office
from dialer.actors.host import StoreHost
from dialer.domain.ledger import STORE, Ledger
from dialer.domain.link import Ack, Delivery
from dialer.domain.message import Address, Envelope
from dialer.domain.ports import NumberSet
from dialer.errors import OperatorError
from dialer.storage.audit import audit_store
from dialer.storage.numbers import NumberFile
from dialer.storage.replay import ledger_replay, run_history, run_state
from dialer.storage.report import run_report
from dialer.storage.store import Store
from dialer.storage.why import why_campaign, why_contact

log = logging.getLogger(__name__)
T = TypeVar("T")


class StoreActor:
    """Hosts the ledger. All DuckDB work runs on one thread of its own, never on the event loop.

    Args:
        deployment: What every actor must know.
    """

    def __init__(self, deployment: Deployment) -> None:
        logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        self.deployment = deployment
        self.clock = Clock(deployment)
        self.office = Office(deployment.namespace)
        self._disk = ThreadPoolExecutor(1, "disk")
        self._store: Store | None = None
        self._ready = asyncio.Event()
        self._refused: OperatorError | None = None
        self.host = StoreHost(STORE, self.clock, self.office, pace_s=0.002, flush=self._flush)
        self._beginning = asyncio.get_running_loop().create_task(self._begin())

    @property
    def store(self) -> Store:
        """The open store; there is one as soon as the actor is ready."""
        assert self._store is not None  # noqa: S101 - every way here has waited for it
        return self._store

    async def _on_disk(self, work: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._disk, work, *args)

    # -- life --------------------------------------------------------------------------------------------------------

    async def _begin(self) -> None:
        try:
            ledger, epoch = await self._on_disk(self._open)
            self.host.begin(epoch, [ledger])
        except OperatorError as refused:
            self._refused = refused  # told to whoever asks
        except Exception:
            log.exception("%s: cannot start", STORE)
            os._exit(1)
        self._ready.set()

    def _open(self) -> tuple[Ledger, int]:
        """Open the file and build the ledger from it."""
        self._store = store = Store.open(Path(self.deployment.data))
        epoch = store.enlist(*STORE)
        rules = self.deployment.rules
        longest_us = max((cap.window_us for cap in rules.caps), default=0)
        replay = ledger_replay(store, since_us=self.clock.now_us() - longest_us, failures=rules.auto_dnc_after > 0)
        lists = store.all("dnc_list")
        ledger = Ledger(
            rules,
            dnc={name: self._numbers(doc) for name, doc in lists},
            global_lists=[name for name, doc in lists if doc["global"]],
            open_intents=replay.open_intents,
            recent=replay.recent,
            dnc_changes=replay.dnc,
            failures=replay.failures,
            began_us=self.deployment.start_us,
        )
        return ledger, epoch

    def _numbers(self, doc: dict[str, Any]) -> NumberSet:
        path = doc["path"]
        return frozenset[int]() if path is None else NumberFile(Path(self.deployment.data) / path)

    async def _flush(self, rows: list[Any]) -> None:
        await self._on_disk(self.store.append, rows)

    async def opened(self) -> None:
        """Wait until the store can be used.

        Raises:
            DataDirectoryError: The data directory cannot be used.
        """
        await self._ready.wait()
        if self._refused is not None:
            raise self._refused

    async def close(self) -> None:
        """Make everything durable and let go of the file. Nothing is taken any more."""
        await self.opened()
        await self.host.settled()
        self._ready.clear()
        await self._on_disk(self.store.close)

    # -- hosts -------------------------------------------------------------------------------------------------------

    async def deliver(self, delivery: Delivery) -> Ack:
        """Take one delivery; answered when all that follows from it is durable."""
        await self._ready.wait()
        ack = self.host.take(delivery)
        await self.host.settled()
        return ack

    async def enlist(self, address: Address) -> Enlisted:
        """A host starts: give it an epoch, fence its predecessors, and tell it what they have made durable."""
        await self.opened()
        epoch = await self._on_disk(self.store.enlist, *address)
        self.host.inbox.fence(address, epoch)
        await self.host.settled()
        return await self._on_disk(self._enlisted, address, epoch)

    def _enlisted(self, address: Address, epoch: int) -> Enlisted:
        doc = self.store.get(births.KIND, str(address)) or {}
        birth = births.from_doc(address, doc)
        history = run_history(self.store, birth.run_no) if isinstance(birth, CampaignBirth) else None
        return Enlisted(epoch, birth, history)

    async def tell(self, envelopes: list[Envelope]) -> None:
        """Hand the ledger messages of the control plane; answered when all that follows is durable."""
        await self.opened()
        self.host.queue(envelopes)
        await self.host.settled()

    # -- catalogue ---------------------------------------------------------------------------------------------------

    async def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """One document of the catalogue."""
        await self.opened()
        return await self._on_disk(self.store.get, kind, name)

    async def all(self, kind: str) -> list[tuple[str, dict[str, Any]]]:
        """All documents of a kind."""
        await self.opened()
        return await self._on_disk(self.store.all, kind)

    async def put(self, kind: str, name: str, doc: dict[str, Any]) -> int:
        """Keep a document; its version is returned."""
        await self.opened()
        return await self._on_disk(self.store.put, kind, name, doc)

    async def delete(self, kind: str, name: str) -> bool:
        """Delete a document; True if there was one."""
        await self.opened()
        return await self._on_disk(self.store.delete, kind, name)

    async def next_run_no(self) -> int:
        """A run number nobody has had."""
        await self.opened()
        return await self._on_disk(self.store.next_run_no)

    async def audit_log(self, who: str, what: str, details: dict[str, Any]) -> None:
        """Note who did what."""
        await self.opened()
        await self._on_disk(self.store.audit_log, who, what, details)

    async def load_list(self, name: str) -> None:
        """The ledger obeys the present version of a do-not-call list."""
        doc = await self.get("dnc_list", name)
        if doc is not None:
            numbers = await self._on_disk(self._numbers, doc)
            for machine in self.host.machines.values():
                if isinstance(machine, Ledger):
                    machine.set_list(name, numbers, everywhere=doc["global"])

    async def read_file(self, path: str) -> bytes:
        """A file of the data directory, for a host on another node."""
        return await asyncio.to_thread(Path(path).read_bytes)

    # -- questions ---------------------------------------------------------------------------------------------------

    async def run_state(self, run_no: int) -> str:
        """Recorded state of a run."""
        await self.opened()
        return (await self._on_disk(run_state, self.store, run_no)).value

    async def report(self, run_no: int) -> dict[str, Any]:
        """The report of a run, as far as it has come."""
        await self.opened()
        return await self._on_disk(lambda: run_report(self.store, run_no, speed=self.deployment.speed))

    async def audit(self) -> list[dict[str, Any]]:
        """The findings of an audit of everything on record."""
        await self.opened()
        return [asdict(finding) for finding in await self._on_disk(audit_store, self.store)]

    async def why(self, campaign: str, contact: str | None) -> Any:
        """Why a campaign dials or does not, or the next possible moment of one contact."""
        await self.opened()
        if contact is None:
            return await self._on_disk(why_campaign, self.store, campaign)
        return await self._on_disk(why_contact, self.store, campaign, contact)

    # -- tests -------------------------------------------------------------------------------------------------------

    async def process(self) -> tuple[int, int, int]:
        """Process id, steps and deliveries, for tests and benchmarks."""
        return os.getpid(), self.host.steps, self.host.sent
