"""The director: carries out what operators order, and sees to it that it comes true.

It owns the directory and what is desired: for each campaign active, paused or stopped. What is desired stands in the
catalogue; the director compares it with what the campaigns show, and repeats an order until it has had its effect.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from dialer.actors import registry
from dialer.actors.births import CampaignBirth
from dialer.actors.deployment import Clock, Deployment
from dialer.actors.directory import Directory, Plan
from dialer.actors.host import UndeliveredError
from dialer.config import CampaignFile
from dialer.domain import commands as c
from dialer.domain.events import DeskUpdated
from dialer.domain.kinds import AgentState, CampaignState
from dialer.domain.ledger import STORE
from dialer.domain.message import Address, Envelope
from dialer.domain.specs import AgentSpec
from dialer.domain.views import CampaignView, Snapshot
from dialer.errors import ConfigError, ConflictError, NotFoundError
from dialer.storage.library import import_dnc_list, import_list, prepare_run

log = logging.getLogger(__name__)

_WATCH_S = 1.0

_ENDED = (CampaignState.COMPLETED, CampaignState.STOPPED)
_CAMPAIGN_ORDERS: dict[str, type[Any]] = {
    "active": c.ResumeCampaign,
    "paused": c.PauseCampaign,
    "stopped": c.StopCampaign,
}
#: (desired, shown) pairs that want an order.
_OUTSTANDING = {
    ("active", CampaignState.PAUSED),
    ("paused", CampaignState.ACTIVE),
    ("stopped", CampaignState.READY),
    ("stopped", CampaignState.ACTIVE),
    ("stopped", CampaignState.PAUSED),
}
_DESIRED = {"pause": "paused", "resume": "active", "stop": "stopped"}


class DirectorActor:
    """One per dialer.

    Args:
        deployment: What every actor must know.
        per_actor: Agents in one actor: ``auto`` or a number from 1.
    """

    def __init__(self, deployment: Deployment, per_actor: int | str) -> None:
        logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        self.deployment = deployment
        self.clock = Clock(deployment)
        self.data = Path(deployment.data)
        self.directory = Directory(deployment, per_actor)
        self._desired: dict[str, str] = {}
        self._draining = False
        self._orders = asyncio.Lock()  # one order after the other changes the catalogue
        self._ready = asyncio.Event()
        self._tasks = [asyncio.get_running_loop().create_task(self._begin())]

    async def _begin(self) -> None:
        await self.directory.load()
        for name, doc in await self.directory.store("all", "campaign"):
            self._desired[name] = doc["desired"]
        self._ready.set()
        self._tasks.append(asyncio.get_running_loop().create_task(self._watch()))

    async def _watch(self) -> None:
        """Repeat orders that have not had their effect."""
        while True:
            await asyncio.sleep(_WATCH_S)
            try:
                await self.directory.observe()
                for view in self._campaign_views():
                    desired = "paused" if self._draining else self._desired.get(view.campaign, "active")
                    if (desired, view.state) in _OUTSTANDING:
                        await self.directory.tell(Address("campaign", view.campaign), _CAMPAIGN_ORDERS[desired]())
            except UndeliveredError:
                continue  # being restarted: the next look is soon
            except Exception:
                log.exception("director: the watch failed")

    async def drain(self) -> None:
        """Place no new calls, whatever is desired: the dialer is about to end, and the next one goes on."""
        self._draining = True
        for view in self._campaign_views():
            if view.state is CampaignState.ACTIVE:
                with contextlib.suppress(UndeliveredError):  # the watch repeats it
                    await self.directory.tell(Address("campaign", view.campaign), c.PauseCampaign())

    async def begin(self, plan: Plan) -> None:
        """Start the hosts of a plan."""
        await self._ready.wait()
        async with self._orders:
            await self.directory.begin(plan)

    async def staff(self) -> None:
        """Start agents and desks."""
        await self._ready.wait()
        self.directory.staff()

    async def homes(self) -> dict[Address, Address]:
        """Where the machines of shared hosts live."""
        await self._ready.wait()
        return self.directory.homes

    # -- lists -------------------------------------------------------------------------------------------------------

    async def import_contacts(self, name: str, source: str, filename: str) -> dict[str, Any]:
        """Import a CSV file on the node of the store as the next version of a contact list."""
        async with self._orders:
            doc = await self._on_data_node(import_list, self.data, name, Path(source))
            doc |= {"source": filename}
            await self.directory.store("put", "contact_list", name, doc)
            return {"name": name, **doc}

    async def import_dnc(self, name: str, source: str, everywhere: bool) -> dict[str, Any]:  # noqa: FBT001 - remote
        """Import a CSV file as the next version of a do-not-call list, in force before this returns."""
        async with self._orders:
            known = await self.directory.store("get", "dnc_list", name)
            force = {"everywhere": everywhere, "now_us": self.clock.now_us(), "known": known}
            doc = await self._on_data_node(import_dnc_list, self.data, name, Path(source), **force)
            await self.directory.store("put", "dnc_list", name, doc)
            await self.directory.store("load_list", name)
            return {"name": name, **doc}

    async def change_dnc(self, name: str, numbers: tuple[int, ...], source: str, added: bool) -> None:  # noqa: FBT001 - remote
        """Put numbers on a do-not-call list, or take them off; durable and in force before this returns."""
        async with self._orders:
            if await self.directory.store("get", "dnc_list", name) is None:
                raise NotFoundError(f"there is no do-not-call list {name!r}; import it first")
            order = (c.AddToDnc if added else c.RemoveFromDnc)(name, numbers, source)
            await self.directory.store("tell", [Envelope(STORE, order)])

    async def _on_data_node(self, work: Any, *args: Any, **options: Any) -> Any:
        return await self.directory.office.task(registry.run_on_data_node(work, *args, **options))

    # -- queues and agents -------------------------------------------------------------------------------------------

    async def put_queue(self, name: str, pool: str) -> dict[str, Any]:
        """Declare a queue. Its pool must be one the dialer was started with."""
        async with self._orders:
            pools = sorted(host.id for host in self.directory.births if host.kind == "scheduler")
            if pool not in pools:
                raise ConfigError(f"there is no pool {pool!r}; use one of: {', '.join(pools)}")
            await self.directory.store("put", "queue", name, {"pool": pool})
            return {"name": name, "pool": pool}

    async def agents(self) -> list[dict[str, Any]]:
        """All agents and what they are doing."""
        await self.directory.observe()
        states = {agent: state for view in self.directory.shown("agents") for agent, state in view.items()}
        return [
            {"agent": name, "queues": doc["queues"], "state": states.get(name, AgentState.OFFLINE.value)}
            for name, doc in await self.directory.store("all", "agent")
        ]

    async def put_agent(self, agent: str, queues: tuple[str, ...]) -> dict[str, Any]:
        """Declare an agent and the queues it serves, all of one pool."""
        async with self._orders:
            pool = await self._pool_of(queues)
            trunks = tuple(host.id for host in self.directory.births if host.kind == "trunk")
            await self.directory.store("put", "agent", agent, {"queues": list(queues), "pool": pool})
            await self.directory.add_agent(AgentSpec(agent, pool, queues, trunks))
            return {"agent": agent, "queues": list(queues), "state": AgentState.OFFLINE.value}

    async def _pool_of(self, queues: tuple[str, ...]) -> str:
        known = dict(await self.directory.store("all", "queue"))
        for queue in queues:
            if queue not in known:
                raise NotFoundError(f"there is no queue {queue!r}; declare it first")
        pools = {known[queue]["pool"] for queue in queues}
        if len(pools) != 1:
            raise ConfigError("an agent serves one or more queues, all of the same pool")
        return str(pools.pop())

    async def agent(self, agent: str) -> dict[str, Any]:
        """One agent and what its desk shows."""
        doc = await self.directory.store("get", "agent", agent)
        host = self.directory.homes.get(Address("agent", agent))
        if doc is None or host is None:
            raise NotFoundError(f"there is no agent {agent!r}")
        desk: DeskUpdated = await self.directory.office.call(host, "desk", agent)
        return {
            "agent": agent,
            "queues": doc["queues"],
            "state": desk.state.value,
            "campaign": desk.campaign,
            "attempt_id": str(desk.attempt_id) if desk.attempt_id else None,
            "fields": dict(desk.fields),
            "until_us": desk.until_us,
            "may_skip": desk.may_skip,
            "muted": desk.muted,
            "held": desk.held,
            "reason": desk.reason,
        }

    async def order_agent(self, agent: str, order: Any) -> None:
        """Give an agent a request of its desk."""
        if Address("agent", agent) not in self.directory.homes:
            raise NotFoundError(f"there is no agent {agent!r}")
        await self.directory.tell(Address("agent", agent), order)

    # -- campaigns ---------------------------------------------------------------------------------------------------

    async def put_campaign(self, file: dict[str, Any], lists: tuple[str, ...], dnc: tuple[str, ...]) -> dict[str, Any]:
        """Keep a campaign that is not running."""
        async with self._orders:
            campaign = CampaignFile.model_validate(file)
            await self._check_campaign(campaign, lists)
            if await self._is_running(campaign.name):
                raise ConflictError(f"campaign {campaign.name} is running; stop it before you change it")
            known = await self.directory.store("get", "campaign", campaign.name) or {}
            doc = {
                "file": file,
                "lists": list(lists),
                "dnc_lists": sorted({*campaign.dnc_lists, *dnc}),
                "run_no": known.get("run_no"),
                "desired": "stopped",
            }
            self._desired[campaign.name] = "stopped"
            await self.directory.store("put", "campaign", campaign.name, doc)
        return await self.campaign(campaign.name)

    async def _check_campaign(self, campaign: CampaignFile, lists: tuple[str, ...]) -> None:
        trunks = sorted(host.id for host in self.directory.births if host.kind == "trunk")
        if campaign.trunk.name not in trunks:
            raise ConfigError(f"there is no trunk {campaign.trunk.name!r}; use one of: {', '.join(trunks)}")
        missing = set(campaign.cap_rules()) - set(self.deployment.rules.caps)
        if missing:
            raise ConfigError("attempt caps hold for all campaigns; put them in the service file")
        if not lists:
            raise ConfigError(f"campaign {campaign.name} has no contact list; name at least one")
        known = {name for name, _ in await self.directory.store("all", "contact_list")}
        for name in lists:
            if name not in known:
                raise NotFoundError(f"there is no contact list {name!r}; import it first")
        if campaign.queue is not None:
            await self._pool_of((campaign.queue,))

    async def _is_running(self, name: str) -> bool:
        doc = await self.directory.store("get", "campaign", name)
        if doc is None or doc["run_no"] is None:
            return False
        return CampaignState(await self.directory.store("run_state", doc["run_no"])) not in _ENDED

    async def start_campaign(self, name: str) -> dict[str, Any]:
        """Begin a run, or go on with one that was interrupted."""
        await self._ready.wait()
        async with self._orders:
            doc = await self.directory.store("get", "campaign", name)
            if doc is None:
                raise NotFoundError(f"there is no campaign {name!r}")
            campaign = CampaignFile.model_validate(doc["file"])
            pool = "main" if campaign.queue is None else await self._pool_of((campaign.queue,))
            continued = await self._is_running(name)
            if not continued:
                doc["run_no"] = await self._new_run(campaign, pool, doc)
            doc["desired"] = self._desired[name] = "active"
            await self.directory.store("put", "campaign", name, doc)
            await self._start_run(campaign, pool, doc["run_no"])
        await self.directory.shows(Address("campaign", name))  # whoever asks next finds it at work
        return {"campaign": name, "run_no": doc["run_no"], "continued": continued}

    async def _new_run(self, campaign: CampaignFile, pool: str, doc: dict[str, Any]) -> int:
        """Scrub the lists now, and keep what the run is made of."""
        run_no: int = await self.directory.store("next_run_no")
        lists = dict(await self.directory.store("all", "contact_list"))
        dnc = {
            name: known["path"]
            for name, known in await self.directory.store("all", "dnc_list")
            if known["global"] or name in doc["dnc_lists"]
        }
        for name in doc["dnc_lists"]:
            if name not in dnc:
                raise NotFoundError(f"campaign {campaign.name}: there is no do-not-call list {name!r}; import it first")
        spec = campaign.to_domain(pool=pool)
        paths = [lists[name]["path"] for name in doc["lists"]]
        rules = {"lists": paths, "dnc": dnc, "caps": self.deployment.rules.caps}
        run = await self._on_data_node(prepare_run, self.data, run_no, spec, **rules)
        await self.directory.store("put", "run", str(run_no), run)
        return run_no

    async def _start_run(self, campaign: CampaignFile, pool: str, run_no: int) -> None:
        run = await self.directory.store("get", "run", str(run_no))
        spec = campaign.to_domain(pool=pool)
        host = Address("campaign", campaign.name)
        birth = CampaignBirth(run_no, spec, str(self.data / run["contacts"]))
        known = self.directory.births.get(host)
        self.directory.views.pop(host, None)
        await self.directory.keep(host, birth)
        await self.directory.change_pool(pool, campaign=campaign.name)
        if known is None:
            self.directory.start(host)
        elif known != birth:
            await self._renew(host)

    async def _renew(self, host: Address) -> None:
        try:
            await self.directory.office.call(host, "renew")
        except UndeliveredError:
            return  # gone, as it was told

    async def command_campaign(self, name: str, action: str) -> None:
        """Pause, resume or stop a campaign that runs; repeated until it has happened."""
        async with self._orders:
            doc = await self.directory.store("get", "campaign", name)
            if doc is None:
                raise NotFoundError(f"there is no campaign {name!r}")
            if not await self._is_running(name):
                raise ConflictError(f"campaign {name} is not running; start it first")
            doc["desired"] = self._desired[name] = _DESIRED[action]
            await self.directory.store("put", "campaign", name, doc)
        try:
            await self.directory.tell(Address("campaign", name), _CAMPAIGN_ORDERS[_DESIRED[action]]())
        except UndeliveredError:
            return  # the watch repeats it

    async def campaigns(self) -> list[dict[str, Any]]:
        """All campaigns with their state and progress."""
        await self._ready.wait()
        snapshot = await self.snapshot()
        views = {view.campaign: view for view in snapshot.campaigns}
        return [
            await self._shown(name, doc, views.get(name)) for name, doc in await self.directory.store("all", "campaign")
        ]

    async def campaign(self, name: str) -> dict[str, Any]:
        """One campaign with its state and progress."""
        found = next((shown for shown in await self.campaigns() if shown["name"] == name), None)
        if found is None:
            raise NotFoundError(f"there is no campaign {name!r}")
        return found

    async def _shown(self, name: str, doc: dict[str, Any], view: CampaignView | None) -> dict[str, Any]:
        run_no = doc["run_no"]
        state = CampaignState.READY.value
        if run_no is not None:
            state = await self.directory.store("run_state", run_no)
        return {"name": name, **doc, "state": state, "progress": view}

    # -- views -------------------------------------------------------------------------------------------------------

    def _campaign_views(self) -> list[CampaignView]:
        return [view for views in self.directory.shown("campaign") for view in views]

    async def snapshot(self) -> Snapshot:
        """The whole dialer at this moment; of an actor that is being restarted, what it showed last."""
        await self._ready.wait()
        await self.directory.observe()
        reasons = {name: why for view in self.directory.shown("scheduler") for name, why in view.items()}
        agents = Counter(state for view in self.directory.shown("agents") for state in view.values())
        trunks = tuple(trunk for view in self.directory.shown("trunk") for trunk in view)
        campaigns = tuple(replace(view, reason=reasons.get(view.campaign, "")) for view in self._campaign_views())
        return Snapshot(self.clock.now_us(), asyncio.get_running_loop().time(), campaigns, dict(agents), trunks)

    async def health(self) -> dict[str, Any]:
        """Whether calls can be made, and if not, why."""
        await self._ready.wait()
        await self.directory.observe()
        missing = [str(host) for host in self.directory.births if host not in self.directory.views]
        return {"ready": not missing, "reasons": [f"{host} has not started yet" for host in missing]}

    async def process(self) -> tuple[int, int, int]:
        """Process id, for tests."""
        return os.getpid(), 0, 0
