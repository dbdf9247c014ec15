"""The director: carries out what operators order, and sees to it that it comes true.

It owns the directory, and hosts the keeper, which owns the life cycle of every campaign (``actors/keeping.py``).
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from dialer.actors import registry
from dialer.actors.deployment import Clock, Deployment
from dialer.actors.directory import Directory, Plan
from dialer.actors.keeping import NOTE, KeeperHost, note_from_doc
from dialer.config import CampaignFile
from dialer.domain import commands as c
from dialer.domain import keeping as k
from dialer.domain.events import DeskUpdated
from dialer.domain.ids import mask_number
from dialer.domain.keeper_view import row_of
from dialer.domain.keeping import CampaignRecord, RunNote
from dialer.domain.kinds import AgentState, CampaignState
from dialer.domain.ledger import STORE
from dialer.domain.message import Address, Envelope
from dialer.domain.schedule import Schedule
from dialer.domain.specs import AgentSpec
from dialer.domain.statuses import shown_status
from dialer.domain.views import CampaignView, Snapshot
from dialer.errors import ConfigError, NotFoundError
from dialer.storage.library import import_dnc_list, import_list, import_mapping_list
from dialer.storage.lists import matching_columns

log = logging.getLogger(__name__)

_CAMPAIGN_ORDERS: dict[str, type[Any]] = {"pause": k.PauseRun, "resume": k.ResumeRun, "stop": k.StopRun}


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
        self._orders = asyncio.Lock()  # one order after the other changes the catalogue
        self.keeper = KeeperHost(deployment, self.clock, self.directory, self._on_data_node)
        self._ready = asyncio.Event()
        self._tasks = [asyncio.get_running_loop().create_task(self._begin())]

    async def _begin(self) -> None:
        await self.directory.load()
        self._ready.set()
        await self._keep(reborn=True)

    async def _keep(self, *, reborn: bool) -> None:
        """Start the keeper, as soon as this dialer has its hosts."""
        placed = self.directory.placed
        if placed is not None:
            await self.keeper.open(reborn=reborn, schedules=placed["schedules"])

    async def drain(self) -> None:
        """Place no new calls, whatever is desired: the dialer is about to end, and the next one goes on."""
        self.keeper.tell(k.Drain())

    async def begin(self, plan: Plan) -> None:
        """Start the hosts of a plan."""
        await self._ready.wait()
        async with self._orders:
            await self.directory.begin(plan)
        await self._keep(reborn=False)

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

    async def import_mapping(self, name: str, source: str, filename: str) -> dict[str, Any]:
        """Import a CSV file as the next version of a list that maps contacts to agents."""
        async with self._orders:
            doc = await self._on_data_node(import_mapping_list, self.data, name, Path(source))
            doc |= {"source": filename}
            await self.directory.store("put", "mapping_list", name, doc)
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
            doc = {"queues": list(queues), "pool": pool, "outbound": True}
            await self.directory.store("put", "agent", agent, doc)
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
            "status": shown_status(desk.state, desk.reason).status.value,
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
        """Keep a campaign, or change it as far as its state allows."""
        campaign = CampaignFile.model_validate(file)
        pool = await self._check_campaign(campaign, lists)
        dnc_lists = tuple(sorted({*campaign.dnc_lists, *dnc}))
        what = {"spec": campaign.to_domain(pool=pool), "lists": tuple(lists), "dnc_lists": dnc_lists, "file": file}
        await self.keeper.order(k.SaveCampaign, campaign.name, **what)
        return await self.campaign(campaign.name)

    async def _check_campaign(self, campaign: CampaignFile, lists: tuple[str, ...]) -> str:
        """Everything a campaign names must be there; its pool is returned."""
        trunks = sorted(host.id for host in self.directory.births if host.kind == "trunk")
        if campaign.trunk.name not in trunks:
            raise ConfigError(f"there is no trunk {campaign.trunk.name!r}; use one of: {', '.join(trunks)}")
        missing = set(campaign.cap_rules()) - set(self.deployment.rules.caps)
        if missing:
            raise ConfigError("attempt caps hold for all campaigns; put them in the service file")
        caller_ids = (self.directory.placed or {}).get("caller_ids")
        if caller_ids is not None and campaign.caller_id not in caller_ids:
            shown = mask_number(campaign.caller_id)
            raise ConfigError(f"caller_id {shown} is none of the numbers for outbound calls in the service file")
        if not lists:
            raise ConfigError(f"campaign {campaign.name} has no contact list; name at least one")
        known = dict(await self.directory.store("all", "contact_list"))
        for name in lists:
            if name not in known:
                raise NotFoundError(f"there is no contact list {name!r}; import it first")
        matching_columns({name: known[name]["columns"] for name in lists})
        target = campaign.to_domain().dnc_target
        if target and await self.directory.store("get", "dnc_list", target) is None:
            raise NotFoundError(f"there is no do-not-call list {target!r} (dnc_target); import it first")
        queues = (campaign.queue,) if campaign.queue is not None else campaign.flow_queues()
        return await self._pool_of(queues) if queues else "main"

    async def start_campaign(self, name: str) -> dict[str, Any]:
        """Begin a run, or go on with one that was interrupted."""
        return await self._run(k.StartRun, name)

    async def rerun_campaign(self, name: str) -> dict[str, Any]:
        """Begin a new run over all contacts."""
        return await self._run(k.RerunCampaign, name)

    async def _run(self, order: type[Any], name: str) -> dict[str, Any]:
        done = await self.keeper.order(order, name)
        await self.directory.shows(Address("campaign", name))  # whoever asks next finds it at work
        return {"campaign": name, "run_no": done.run_no, "continued": done.continued}

    async def command_campaign(self, name: str, action: str) -> None:
        """Pause, resume or stop a campaign that runs; repeated until it has happened."""
        await self.keeper.order(_CAMPAIGN_ORDERS[action], name)

    async def clone_campaign(self, name: str, to: str) -> dict[str, Any]:
        """Copy a campaign, without its schedule and history."""
        await self.keeper.order(k.CloneCampaign, name, to)
        return await self.campaign(to)

    async def delete_campaign(self, name: str) -> None:
        """Delete a campaign that does not run."""
        await self.keeper.order(k.DeleteCampaign, name)

    async def schedule_campaign(self, name: str, schedule: Schedule | None) -> dict[str, Any]:
        """Run a campaign by the calendar; None: by hand again."""
        if schedule is None:
            await self.keeper.order(k.ClearSchedule, name)
        else:
            await self.keeper.order(k.SetSchedule, name, schedule)
        return await self.campaign(name)

    async def may_delete(self, kind: str, name: str) -> None:
        """Refuse if a campaign needs a thing; see ``keeping.MayDelete``."""
        await self.keeper.order(k.MayDelete, kind, name)

    async def runs(self, name: str) -> list[RunNote]:
        """The history of a campaign, oldest first."""
        await self._record(name)
        notes = await self.directory.store("all", NOTE)
        return [note_from_doc(doc) for key, doc in notes if key.rpartition("/")[0] == name]

    async def _record(self, name: str) -> CampaignRecord:
        record = (await self.keeper.records()).get(name)
        if record is None:
            raise NotFoundError(f"there is no campaign {name!r}")
        return record

    async def campaigns(self) -> list[dict[str, Any]]:
        """All campaigns with their status and progress."""
        views = {view.campaign: view for view in (await self.snapshot()).campaigns}
        records = await self.keeper.records()
        return [await self._shown(record, views.get(name)) for name, record in sorted(records.items())]

    async def campaign(self, name: str) -> dict[str, Any]:
        """One campaign with its status and progress."""
        views = {view.campaign: view for view in (await self.snapshot()).campaigns}
        return await self._shown(await self._record(name), views.get(name))

    async def _shown(self, record: CampaignRecord, view: CampaignView | None) -> dict[str, Any]:
        row = row_of(record)
        state = await self.directory.store("run_state", row.run_no) if row.run_no else CampaignState.READY.value
        return {
            "name": row.name,
            "file": record.file,
            "lists": list(record.lists),
            "dnc_lists": list(record.dnc_lists),
            "run_no": row.run_no or None,
            "desired": row.desired.value,
            "state": state,
            "progress": view,
            "row": row,
        }

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
