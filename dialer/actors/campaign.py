"""One running campaign."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from dialer.actors.base import HostActor
from dialer.actors.births import Enlisted
from dialer.domain.campaign import CampaignRun
from dialer.domain.message import Machine
from dialer.domain.viewing import campaign_view
from dialer.domain.views import CampaignView
from dialer.storage.contacts import ContactFile


class CampaignActor(HostActor):
    """Hosts one campaign run. Its contact file is mapped, or fetched from the node of the store."""

    async def make(self, enlisted: Enlisted) -> Sequence[Machine]:
        """The run, with all that its predecessors have done."""
        birth = enlisted.birth
        path = await self.office.contact_file(Path(birth.contacts))
        contacts = await asyncio.to_thread(ContactFile, path)
        run = CampaignRun(birth.run_no, birth.spec, contacts, epoch=enlisted.epoch, history=enlisted.history)
        return [run]

    def view(self) -> list[CampaignView]:
        """The progress of the run."""
        runs = (machine for machine in self.host.machines.values() if isinstance(machine, CampaignRun))
        return [campaign_view(run) for run in runs]
