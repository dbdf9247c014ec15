"""The keeper on Ray: its machine lives in the director, and this is its courier and its library.

What the keeper says is carried out here and decided there: documents are kept in the store, one order after the other;
lists are scrubbed by tasks on the node with the data; hosts of campaigns are started and reborn by the directory.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, Protocol

from pydantic import TypeAdapter

from dialer.actors.births import CampaignBirth
from dialer.actors.deployment import Clock, Deployment
from dialer.actors.host import UndeliveredError
from dialer.config import CampaignFile
from dialer.domain import keeping as k
from dialer.domain.commands import EditCampaign
from dialer.domain.keeper import Keeper
from dialer.domain.keeping import KEEPER, LIBRARY, CampaignRecord, Desire, Ending, Phase, Refusal, RunNote
from dialer.domain.kinds import CampaignState
from dialer.domain.message import Address, Envelope
from dialer.errors import ConfigError, ConflictError, ContactFileError, NotFoundError, OperatorError
from dialer.storage.library import prepare_run, rules_doc

log = logging.getLogger(__name__)

#: Kinds of the documents in the catalogue.
CAMPAIGN, NOTE = "campaign", "run_note"
#: Number of the folder in which lists are scrubbed for the eyes of the operator.
_NO_RUN = 0
_ERRORS: dict[Refusal, type[OperatorError]] = {
    Refusal.NOT_FOUND: NotFoundError,
    Refusal.CONFLICT: ConflictError,
    Refusal.CONFIG: ConfigError,
    Refusal.FILE: ContactFileError,
}
_RECORD = TypeAdapter(CampaignRecord)
_NOTE = TypeAdapter(RunNote)


def to_doc(record: CampaignRecord) -> dict[str, Any]:
    """A campaign as a document of the catalogue; the keys beside ``record`` are what reports and screens read."""
    return {
        "file": dict(record.file),
        "lists": list(record.lists),
        "dnc_lists": list(record.dnc_lists),
        "run_no": record.run_no or None,
        "desired": record.desired.value,
        "record": _RECORD.dump_python(record, mode="json"),
    }


def from_doc(doc: dict[str, Any], pools: Mapping[str, str]) -> CampaignRecord:
    """The campaign in a document of the catalogue.

    Args:
        doc: The document; one that was written before there was a keeper has no ``record``.
        pools: Pool of each queue.
    """
    if "record" in doc:
        return _RECORD.validate_python(doc["record"])
    file = CampaignFile.model_validate(doc["file"])
    spec = file.to_domain(pool=pools.get(file.queue or "", "main"))
    lists, dnc_lists, run_no = tuple(doc["lists"]), tuple(doc["dnc_lists"]), doc["run_no"]
    record = CampaignRecord(spec, lists, dnc_lists, doc["file"], 0)
    if run_no is None:
        return record
    note = RunNote(file.name, 1, run_no, 0, 0, 0, Ending.OPEN)
    record = replace(record, phase=Phase.RUNNING, desired=Desire(doc["desired"]), note=note)
    return replace(record, run_no=run_no, runs=1, notes=1)


def note_from_doc(doc: dict[str, Any]) -> RunNote:
    """A line of a campaign's history in a document of the catalogue."""
    return _NOTE.validate_python(doc)


class Hosts(Protocol):
    """What is needed of the directory."""

    births: dict[Address, Any]
    views: dict[Address, Any]

    async def store(self, method: str, *args: Any) -> Any:
        """Ask the store, until it answers."""

    async def keep(self, host: Address, birth: Any) -> None:
        """Write down what a host is born as."""

    async def change_pool(self, pool: str, *, campaign: str) -> None:
        """A pool gets one more campaign."""

    async def renew(self, host: Address) -> None:
        """A host is to be reborn as what is written down now."""

    async def tell(self, machine: Address, order: Any) -> None:
        """Hand a machine an order; it may be lost with its actor."""

    def start(self, host: Address) -> None:
        """Start the actor of a host, unless it runs."""


class KeeperHost:
    """Hosts the keeper of one dialer.

    Args:
        deployment: What every actor must know.
        clock: Dialler time.
        hosts: The directory.
        on_data_node: Runs a function on the node with the data.
    """

    def __init__(
        self,
        deployment: Deployment,
        clock: Clock,
        hosts: Hosts,
        on_data_node: Callable[..., Awaitable[Any]],
    ) -> None:
        self._deployment = deployment
        self._clock = clock
        self._hosts = hosts
        self._on_data_node = on_data_node
        self._beginning = asyncio.Lock()
        self._keeper: Keeper | None = None
        self._inbox: list[Any] = []
        self._woken = asyncio.Event()
        self._opened = asyncio.Event()
        self._numbers = count(1)
        self._answers: dict[int, asyncio.Future[k.OrderDone]] = {}
        self._keeping: asyncio.Queue[k.KeepRecords] = asyncio.Queue()
        self._scrubbing: set[Any] = set()  #: what is being scrubbed: asking again does not scrub twice
        self._looking = asyncio.Lock()  #: one scrub after the other uses the folder of no run
        self._tasks: set[asyncio.Task[None]] = set()
        self._work: dict[type, Callable[[Any], Awaitable[Any]]] = {
            k.PrepareRun: self._prepare,
            k.ScrubLists: self._scrub,
            k.BeginRun: self._begin_run,
            k.ReportRun: self._report,
        }

    async def open(self, *, reborn: bool, schedules: bool) -> None:
        """Start the keeper from the catalogue.

        Args:
            reborn: True if an earlier incarnation of the director had one in this dialer.
            schedules: Whether it follows the calendar.
        """
        if self._keeper is not None:
            return
        pools = {name: doc["pool"] for name, doc in await self._hosts.store("all", "queue")}
        records = [from_doc(doc, pools) for _, doc in await self._hosts.store("all", CAMPAIGN)]
        scale = max(1.0, self._deployment.speed)
        # the keeper and its library live and die together: no answer to an earlier incarnation can reach this one
        self._keeper = Keeper(records, epoch=1, reborn=reborn, schedules=schedules, scale=scale)
        self._spawn(self._keep_all())
        self._carry(self._keeper.start(self._clock.now_us()))
        self._spawn(self._live())
        self._opened.set()

    async def records(self) -> dict[str, CampaignRecord]:
        """All campaigns as they stand, by name."""
        await self._opened.wait()
        return {} if self._keeper is None else self._keeper.records

    async def order(self, kind: Callable[..., Any], *args: Any, **fields: Any) -> k.OrderDone:
        """Give an order and wait for its answer.

        Raises:
            OperatorError: It is refused.
        """
        await self._opened.wait()
        await self._look(fields.get("campaign", args[0] if args else ""))
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        self.tell(kind(number, *args, **fields))
        try:
            done: k.OrderDone = await answer
        finally:
            del self._answers[number]
        return done

    async def _look(self, campaign: str) -> None:
        """Let the keeper know how the latest run of a campaign stands: the order that follows is about that."""
        record = (await self.records()).get(campaign)
        if record is not None and record.run_no:
            self.tell(await self._report(k.ReportRun(campaign, record.run_no)))

    def tell(self, message: Any) -> None:
        """Hand the keeper a message."""
        self._inbox.append(message)
        self._woken.set()

    # -- the courier -------------------------------------------------------------------------------------------------

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _live(self) -> None:
        """Step whenever something has arrived or a deadline has come."""
        keeper = self._keeper
        if keeper is None:
            return
        try:
            while True:
                due_us = keeper.next_deadline_us()
                wait_s = None if due_us is None else max(0.0, self._clock.wall_s(due_us - self._clock.now_us()))
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await self._woken.wait()
                self._woken.clear()
                batch, self._inbox = self._inbox, []
                self._carry(keeper.handle(batch, self._clock.now_us()))
        except Exception:
            # A machine that contradicts itself must not go on: a new incarnation starts from the records.
            log.exception("%s: broken, starting again", KEEPER)
            os._exit(1)

    def _carry(self, envelopes: Iterable[Envelope]) -> None:
        for to, message in envelopes:
            if to.kind == "campaign":
                self._spawn(self._tell(to, message))
            elif to == LIBRARY and isinstance(message, k.KeepRecords):
                self._keeping.put_nowait(message)
            elif to == LIBRARY:
                self._spawn(self._do(message))
            else:
                self._answered(message)

    def _answered(self, answer: k.OrderDone | k.OrderRefused) -> None:
        waiter = self._answers.get(answer.order)
        if waiter is None or waiter.done():
            return  # who gave the order has gone
        if isinstance(answer, k.OrderRefused):
            waiter.set_exception(_ERRORS[answer.kind](answer.words))
        else:
            waiter.set_result(answer)

    async def _tell(self, campaign: Address, order: Any) -> None:
        with suppress(UndeliveredError):  # the keeper repeats it
            await self._hosts.tell(campaign, order)

    async def _keep_all(self) -> None:
        """Keep records in the order in which they were made."""
        try:
            while True:
                await self._keep(await self._keeping.get())
        except Exception:
            log.exception("%s: cannot keep its records, starting again", KEEPER)
            os._exit(1)

    async def _keep(self, msg: k.KeepRecords) -> None:
        store = self._hosts.store
        for name in msg.deleted:
            await store("delete", CAMPAIGN, name)
            for key, _ in await store("all", NOTE):
                if key.rpartition("/")[0] == name:
                    await store("delete", NOTE, key)
        for record in msg.records:
            await store("put", CAMPAIGN, record.spec.campaign, to_doc(record))
        for note in msg.notes:
            await store("put", NOTE, f"{note.campaign}/{note.no:06}", _NOTE.dump_python(note, mode="json"))
        self.tell(k.RecordsKept(msg.seq))

    # -- the library -------------------------------------------------------------------------------------------------

    async def _do(self, message: Any) -> None:
        try:
            answer = await self._work[type(message)](message)
        except Exception:
            log.exception("library: %s for campaign %s failed", type(message).__name__, message.campaign)
            return  # the keeper asks again
        if answer is not None:
            self.tell(answer)

    async def _prepare(self, msg: k.PrepareRun) -> k.RunPrepared | k.PreparationFailed | None:
        question = (msg.campaign, msg.asked_us)
        if question in self._scrubbing:
            return None
        self._scrubbing.add(question)
        try:
            run_no: int = await self._hosts.store("next_run_no")
            run = await self._scrubbed(msg, run_no)
            await self._hosts.store("put", "run", str(run_no), run)
        except OperatorError as error:
            kind = next((kind for kind, known in _ERRORS.items() if type(error) is known), Refusal.FILE)
            return k.PreparationFailed(msg.campaign, msg.asked_us, kind, str(error))
        except Exception:
            log.exception("library: scrubbing the lists of campaign %s broke off", msg.campaign)
            words = f"campaign {msg.campaign}: scrubbing its lists broke off; the log says why, try again"
            return k.PreparationFailed(msg.campaign, msg.asked_us, Refusal.FILE, words)
        finally:
            self._scrubbing.discard(question)
        return k.RunPrepared(msg.campaign, msg.asked_us, run_no, run["rows"], run["dialable"])

    async def _scrub(self, msg: k.ScrubLists) -> k.ListsScrubbed:
        try:
            async with self._looking:
                run = await self._scrubbed(msg, _NO_RUN)
        except OperatorError as error:
            return k.ListsScrubbed(msg.campaign, msg.version, 0, 0, str(error))
        return k.ListsScrubbed(msg.campaign, msg.version, run["rows"], run["dialable"], "")

    async def _scrubbed(self, msg: k.PrepareRun | k.ScrubLists, run_no: int) -> dict[str, Any]:
        """Fetch the lists as they are now, filter them, and scrub them against every do-not-call list that applies.

        Raises:
            OperatorError: It cannot be done.
        """
        lists = dict(await self._hosts.store("all", "contact_list"))
        dnc = {
            name: known["path"]
            for name, known in await self._hosts.store("all", "dnc_list")
            if known["global"] or name in msg.dnc_lists
        }
        for kind, names, known in (("contact", msg.lists, lists), ("do-not-call", msg.dnc_lists, dnc)):
            for name in names:
                if name not in known:
                    raise NotFoundError(f"campaign {msg.campaign}: there is no {kind} list {name!r}; import it first")
        file = CampaignFile.model_validate(dict(msg.file))
        run: dict[str, Any] = await self._on_data_node(
            prepare_run,
            Path(self._deployment.data),
            run_no,
            msg.spec,
            lists=[lists[name]["path"] for name in msg.lists],
            dnc=dnc,
            caps=self._deployment.rules.caps,
            selection=file.selection(),
            mapping=None if file.mapping_list is None else await self._mapping(file.mapping_list),
        )
        return run

    async def _mapping(self, name: str) -> str:
        doc = await self._hosts.store("get", "mapping_list", name)
        if doc is None:
            raise NotFoundError(f"there is no mapping list {name!r}; import it first")
        return str(doc["path"])

    async def _begin_run(self, msg: k.BeginRun) -> k.RunBegun | None:
        run = await self._hosts.store("get", "run", str(msg.run_no))
        host = Address("campaign", msg.campaign)
        needs = (Address("scheduler", msg.spec.pool), Address("trunk", msg.spec.trunk))
        async with self._beginning:
            if run is None or any(need not in self._hosts.births for need in needs):
                log.warning("%s: run %d needs what this dialer does not have", host, msg.run_no)
                return None
            birth = CampaignBirth(msg.run_no, msg.spec, str(Path(self._deployment.data) / run["contacts"]))
            known = self._hosts.births.get(host)
            if known != birth:
                self._hosts.views.pop(host, None)
                await self._hosts.keep(host, birth)
                await self._hosts.change_pool(msg.spec.pool, campaign=msg.campaign)
            if known is None:
                self._hosts.start(host)
            elif known.run_no != birth.run_no:
                await self._hosts.renew(host)
            elif known != birth:
                await self._edit(host, msg, run)
        return k.RunBegun(msg.campaign, msg.run_no)

    async def _edit(self, host: Address, msg: k.BeginRun, run: dict[str, Any]) -> None:
        """Change a run in progress. Its birth is kept already: an actor that misses the order is born with it."""
        await self._hosts.store("put", "run", str(msg.run_no), run | rules_doc(msg.spec))
        try:
            await self._hosts.tell(host, EditCampaign(msg.spec))
        except UndeliveredError:
            await self._hosts.renew(host)

    async def _report(self, msg: k.ReportRun) -> k.RunReported:
        birth = self._hosts.births.get(Address("campaign", msg.campaign))
        state = CampaignState(await self._hosts.store("run_state", msg.run_no))
        return k.RunReported(msg.campaign, msg.run_no, state, birth is not None and birth.run_no == msg.run_no)
