"""The only place that calls remote actors: the way between hosts, and the control plane's way to the dialer."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ray
from ray.actor import ActorHandle
from ray.exceptions import RayError, RayTaskError

from dialer.actors.births import Enlisted
from dialer.actors.host import UndeliveredError
from dialer.domain.ledger import STORE
from dialer.domain.link import Ack, Delivery
from dialer.domain.message import Address, Envelope
from dialer.domain.views import Snapshot
from dialer.errors import DialerError, NotFoundError, ServiceError

DIRECTOR = Address("director", "main")
#: How often, and after how many wall seconds, an operator's request is repeated while an actor is restarted.
_PATIENCE, _RETRY_S = 100, 0.3
#: Kinds whose machines may share a host: where one lives is asked of the director.
_SHARED = frozenset({"agent", "desk"})


class Office:
    """One actor's way to the others of its dialer. Handles are looked up once.

    Args:
        namespace: Ray namespace of the dialer.
    """

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._handles: dict[Address, ActorHandle[Any]] = {}
        self._homes: dict[Address, Address] = {}
        self._learning: asyncio.Task[None] | None = None

    def handle(self, host: Address) -> ActorHandle[Any]:
        """The actor of a host.

        Raises:
            UndeliveredError: There is none (yet).
        """
        handle = self._handles.get(host)
        if handle is None:
            try:
                handle = self._handles[host] = ray.get_actor(str(host), namespace=self._namespace)
            except ValueError as error:
                raise UndeliveredError(str(host)) from error
        return handle

    async def call(self, host: Address, method: str, *args: Any) -> Any:
        """Call a method of an actor.

        Raises:
            UndeliveredError: There was no answer; whether the call was made is not known.
            DialerError: What the method raised.
        """
        try:
            return await getattr(self.handle(host), method).remote(*args)
        except RayTaskError as error:
            cause = error.cause
            if isinstance(cause, DialerError):
                raise cause from None
            raise
        except RayError as error:
            self._handles.pop(host, None)
            raise UndeliveredError(str(host)) from error

    # -- between hosts -----------------------------------------------------------------------------------------------

    async def send(self, home: Address, delivery: Delivery) -> Ack:
        """Carry one delivery; see ``host.Post``."""
        answer: Ack = await self.call(home, "deliver", delivery)
        return answer

    def home(self, machine: Address) -> Address | None:
        """The host of a machine; None if nobody is known there."""
        return self._homes.get(machine) if machine.kind in _SHARED else machine

    async def learn(self) -> None:
        """Ask the director where the machines of shared hosts live.

        Raises:
            UndeliveredError: It does not answer.
        """
        self._homes = await self.call(DIRECTOR, "homes")

    def learned(self, homes: Mapping[Address, Address]) -> None:
        """Take in what the director says about new machines."""
        self._homes.update(homes)

    async def enlist(self, address: Address) -> Enlisted:
        """Begin an incarnation; see ``StoreActor.enlist``."""
        enlisted: Enlisted = await self.call(STORE, "enlist", address)
        return enlisted

    async def task(self, ref: Any) -> Any:
        """The result of a task.

        Raises:
            DialerError: What the task raised.
        """
        try:
            return await ref
        except RayTaskError as error:
            if isinstance(error.cause, DialerError):
                raise error.cause from None
            raise

    async def contact_file(self, path: Path) -> Path:
        """A contact file on this node: the original where it can be seen, else a copy."""
        if await asyncio.to_thread(path.exists):
            return path
        content: bytes = await self.call(STORE, "read_file", str(path))
        copy = Path(tempfile.mkdtemp(prefix="dialer-")) / path.name
        await asyncio.to_thread(copy.write_bytes, content)
        return copy


class Control:
    """The control plane: what operators can ask and order. Used by the command line and by the HTTP API.

    Args:
        namespace: Ray namespace of the dialer.
    """

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.office = Office(namespace)

    async def _ask(self, method: str, *args: Any) -> Any:
        return await self._call(DIRECTOR, method, *args)

    async def _call(self, host: Address, method: str, *args: Any) -> Any:
        """Ask, again if the actor is being restarted: every method here may be repeated without harm."""
        for _ in range(_PATIENCE):
            try:
                return await self.office.call(host, method, *args)
            except UndeliveredError:
                await asyncio.sleep(_RETRY_S)
        msg = f"the dialer does not answer ({host}); is it running?"
        raise ServiceError(msg)

    # -- lists -------------------------------------------------------------------------------------------------------

    async def contact_lists(self) -> list[dict[str, Any]]:
        """All contact lists, by name."""
        return _named(await self._call(STORE, "all", "contact_list"))

    async def contact_list(self, name: str) -> dict[str, Any]:
        """One contact list."""
        return await self._document("contact_list", name)

    async def import_contacts(self, name: str, source: Path, filename: str) -> dict[str, Any]:
        """Import a CSV file as the next version of a contact list."""
        answer: dict[str, Any] = await self._ask("import_contacts", name, str(source), filename)
        return answer

    async def mapping_lists(self) -> list[dict[str, Any]]:
        """All mapping lists, by name."""
        return _named(await self._call(STORE, "all", "mapping_list"))

    async def import_mapping(self, name: str, source: Path, filename: str) -> dict[str, Any]:
        """Import a CSV file as the next version of a list that maps contacts to agents."""
        answer: dict[str, Any] = await self._ask("import_mapping", name, str(source), filename)
        return answer

    async def dnc_lists(self) -> list[dict[str, Any]]:
        """All do-not-call lists, by name."""
        return _named(await self._call(STORE, "all", "dnc_list"))

    async def import_dnc(self, name: str, source: Path, everywhere: bool) -> dict[str, Any]:  # noqa: FBT001 - the port's shape
        """Import a CSV file as the next version of a do-not-call list, in force at once."""
        answer: dict[str, Any] = await self._ask("import_dnc", name, str(source), everywhere)
        return answer

    async def add_to_dnc(self, name: str, numbers: Sequence[int], source: str) -> int:
        """Put numbers on a do-not-call list, in force at once."""
        await self._ask("change_dnc", name, tuple(numbers), source, True)  # noqa: FBT003 - added
        return len(numbers)

    async def remove_from_dnc(self, name: str, numbers: Sequence[int], source: str) -> int:
        """Take numbers off a do-not-call list."""
        await self._ask("change_dnc", name, tuple(numbers), source, False)  # noqa: FBT003 - removed
        return len(numbers)

    async def staff(self) -> None:
        """Start agents and desks of the plan; they come to work one after the other."""
        await self._ask("staff")

    # -- people and lines --------------------------------------------------------------------------------------------

    async def queues(self) -> list[dict[str, Any]]:
        """All queues, by name."""
        return _named(await self._call(STORE, "all", "queue"))

    async def put_queue(self, name: str, pool: str) -> dict[str, Any]:
        """Declare a queue and the pool it belongs to."""
        answer: dict[str, Any] = await self._ask("put_queue", name, pool)
        return answer

    async def trunks(self) -> list[dict[str, Any]]:
        """All trunks, by name."""
        return _named(await self._call(STORE, "all", "trunk"))

    async def agents(self) -> list[dict[str, Any]]:
        """All agents and what they are doing."""
        answer: list[dict[str, Any]] = await self._ask("agents")
        return answer

    async def put_agent(self, agent: str, queues: Sequence[str]) -> dict[str, Any]:
        """Declare an agent and the queues it serves."""
        answer: dict[str, Any] = await self._ask("put_agent", agent, tuple(queues))
        return answer

    async def agent(self, agent: str) -> dict[str, Any]:
        """One agent and what its desk shows."""
        answer: dict[str, Any] = await self._ask("agent", agent)
        return answer

    async def order_agent(self, agent: str, order: Any) -> None:
        """Give an agent a request of its desk."""
        await self._ask("order_agent", agent, order)

    # -- campaigns ---------------------------------------------------------------------------------------------------

    async def campaigns(self) -> list[dict[str, Any]]:
        """All campaigns with their state and progress."""
        answer: list[dict[str, Any]] = await self._ask("campaigns")
        return answer

    async def campaign(self, name: str) -> dict[str, Any]:
        """One campaign with its state and progress."""
        answer: dict[str, Any] = await self._ask("campaign", name)
        return answer

    async def put_campaign(self, file: Any, lists: Sequence[str], dnc_lists: Sequence[str]) -> dict[str, Any]:
        """Keep a campaign: a ``config.CampaignFile``, the contact lists it dials, more do-not-call lists."""
        doc = file.model_dump(mode="json")
        answer: dict[str, Any] = await self._ask("put_campaign", doc, tuple(lists), tuple(dnc_lists))
        return answer

    async def start_campaign(self, name: str) -> dict[str, Any]:
        """Begin a run, or go on with one that was interrupted."""
        answer: dict[str, Any] = await self._ask("start_campaign", name)
        return answer

    async def command_campaign(self, name: str, action: str) -> None:
        """Order ``pause``, ``resume`` or ``stop``."""
        await self._ask("command_campaign", name, action)

    async def rerun_campaign(self, name: str) -> dict[str, Any]:
        """Begin a new run of a campaign over all contacts."""
        answer: dict[str, Any] = await self._ask("rerun_campaign", name)
        return answer

    async def clone_campaign(self, name: str, to: str) -> dict[str, Any]:
        """Copy a campaign under another name, without its schedule and history."""
        answer: dict[str, Any] = await self._ask("clone_campaign", name, to)
        return answer

    async def delete_campaign(self, name: str) -> None:
        """Delete a campaign that does not run. Records of its calls stay."""
        await self._ask("delete_campaign", name)

    async def schedule_campaign(self, name: str, schedule: Any) -> dict[str, Any]:
        """Run a campaign by the calendar, a ``domain.schedule.Schedule``; None: by hand again."""
        answer: dict[str, Any] = await self._ask("schedule_campaign", name, schedule)
        return answer

    async def runs(self, name: str) -> list[Any]:
        """The history of a campaign, ``domain.keeping.RunNote`` for each run and each occurrence, oldest first."""
        answer: list[Any] = await self._ask("runs", name)
        return answer

    async def may_delete(self, kind: str, name: str) -> None:
        """Ask before a thing is deleted: ``contact_list``, ``dnc_list``, ``queue``, ``trunk``, ``number``, ``flow``.

        Raises:
            ConflictError: A campaign needs it.
        """
        await self._ask("may_delete", kind, name)

    async def report(self, name: str) -> dict[str, Any]:
        """The report of a campaign's latest run."""
        run_no = (await self.campaign(name))["run_no"]
        answer: dict[str, Any] = await self._call(STORE, "report", run_no)
        return answer

    async def run_document(self, run_no: int) -> dict[str, Any]:
        """What a run was made of."""
        return await self._document("run", str(run_no))

    async def why(self, name: str, contact: str | None = None) -> Any:
        """Why a campaign dials or does not, or the next possible moment of one contact."""
        return await self._call(STORE, "why", name, contact)

    async def audit(self) -> list[dict[str, Any]]:
        """The findings of an audit of everything on record."""
        answer: list[dict[str, Any]] = await self._call(STORE, "audit")
        return answer

    # -- everything --------------------------------------------------------------------------------------------------

    async def snapshot(self) -> Snapshot:
        """The whole dialer at this moment."""
        answer: Snapshot = await self._ask("snapshot")
        return answer

    async def health(self) -> dict[str, Any]:
        """Whether calls can be made, and if not, why."""
        answer: dict[str, Any] = await self._ask("health")
        return answer

    async def drain(self) -> None:
        """Place no new calls; those that are up go on."""
        await self._ask("drain")

    async def tell(self, envelope: Envelope) -> None:
        """Hand a machine a message of the control plane."""
        home = self.office.home(envelope.to) or envelope.to
        await self._call(home, "tell", [envelope])

    async def _document(self, kind: str, name: str) -> dict[str, Any]:
        doc = await self._call(STORE, "get", kind, name)
        if doc is None:
            raise NotFoundError(f"there is no {kind.replace('_', ' ')} {name!r}")
        return {"name": name, **doc}


def _named(documents: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    return [{"name": name, **doc} for name, doc in documents]


def connect(namespace: str) -> Control:
    """The control plane of a dialer on the Ray cluster this process is connected to."""
    return Control(namespace)
