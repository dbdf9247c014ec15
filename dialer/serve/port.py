"""What the HTTP layer asks of the dialer. ``dialer.actors.handles.Control`` answers on Ray, a fake in tests.

Documents are dictionaries with at least the keys named here; others are left out of answers. Every member may raise
``OperatorError``: ``NotFoundError`` for an unknown name, ``ConflictError`` where the present state forbids it,
``ConfigError`` and ``ContactFileError`` for unusable input, ``ServiceError`` if the dialer does not answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from dialer.config import CampaignFile
from dialer.domain.keeping import RunNote
from dialer.domain.schedule import Schedule
from dialer.domain.views import Snapshot

Doc = Mapping[str, Any]


class Control(Protocol):
    """The dialer, as the control plane sees it."""

    # -- lists -------------------------------------------------------------------------------------------------------

    async def contact_lists(self) -> Sequence[Doc]:
        """``name``, ``version``, ``source`` (file name), ``rows``, ``contacts``, ``excluded``, ``columns`` of each."""

    async def contact_list(self, name: str) -> Doc:
        """One contact list, as in ``contact_lists``."""

    async def import_contacts(self, name: str, source: Path, filename: str) -> Doc:
        """Import a CSV file as the next version of a list, which is returned.

        Args:
            name: The list; made if there is none.
            source: The file, on the node of the data directory. It is deleted when this has returned.
            filename: What its owner calls the file.
        """

    async def mapping_lists(self) -> Sequence[Doc]:
        """``name``, ``version``, ``source``, ``rows``, ``contacts``, ``excluded`` of each."""

    async def import_mapping(self, name: str, source: Path, filename: str) -> Doc:
        """Import a CSV file that maps contacts to agents as the next version of a list; as ``import_contacts``."""

    async def dnc_lists(self) -> Sequence[Doc]:
        """``name``, ``version``, ``source``, ``rows``, ``contacts`` (numbers), ``excluded``, ``global`` of each."""

    async def import_dnc(self, name: str, source: Path, everywhere: bool) -> Doc:  # noqa: FBT001 - called by position
        """Import numbers as the next version of a do-not-call list, in force when this returns with the list.

        Args:
            name: The list; made if there is none.
            source: The file, on the node of the data directory. It is deleted when this has returned.
            everywhere: True for a list that applies to all campaigns.
        """

    async def add_to_dnc(self, name: str, numbers: Sequence[int], source: str) -> int:
        """Put E.164 numbers on a list, in force when this returns with their count; ``source`` says who asked."""

    async def remove_from_dnc(self, name: str, numbers: Sequence[int], source: str) -> int:
        """Take E.164 numbers off a list; as ``add_to_dnc``."""

    # -- people and lines --------------------------------------------------------------------------------------------

    async def queues(self) -> Sequence[Doc]:
        """``name`` and ``pool`` of each queue."""

    async def put_queue(self, name: str, pool: str) -> Doc:
        """Declare a queue, which is returned."""

    async def trunks(self) -> Sequence[Doc]:
        """``name``, ``lines``, ``calls_per_s``, ``profile`` of each trunk."""

    async def agents(self) -> Sequence[Doc]:
        """``agent``, ``queues``, ``state`` of each agent."""

    async def put_agent(self, agent: str, queues: Sequence[str]) -> Doc:
        """Declare an agent, who is returned."""

    async def agent(self, agent: str) -> Doc:
        """One agent as in ``agents``, and what the desk shows.

        Returns:
            Also ``status``, ``campaign``, ``attempt_id`` (text, or None), ``fields`` (the card), ``until_us``,
            ``may_skip``, ``muted``, ``held`` and ``reason``.
        """

    async def order_agent(self, agent: str, order: Any) -> None:
        """Give an agent a request of its desk: one of those in ``domain/commands.py`` that name an agent."""

    # -- campaigns ---------------------------------------------------------------------------------------------------

    async def campaigns(self) -> Sequence[Doc]:
        """Of each: ``name``, ``file``, ``lists``, ``dnc_lists``, ``state``, ``desired``, ``run_no``, ``progress``.

        ``file`` is the campaign file as JSON, ``run_no`` and ``progress`` (a ``CampaignView``) are None before a run;
        ``row`` is the ``CampaignRow``.
        """

    async def campaign(self, name: str) -> Doc:
        """One campaign, as in ``campaigns``."""

    async def put_campaign(self, file: CampaignFile, lists: Sequence[str], dnc_lists: Sequence[str]) -> Doc:
        """Keep a campaign, or change it as far as its status allows; it is returned as by ``campaign``.

        Args:
            file: The campaign.
            lists: The contact lists it dials, in dialling order.
            dnc_lists: Do-not-call lists beside those of the file.
        """

    async def start_campaign(self, name: str) -> Doc:
        """Begin a run, or go on with one that was interrupted: ``run_no`` and ``continued``."""

    async def command_campaign(self, name: str, action: str) -> None:
        """Order ``pause``, ``resume`` or ``stop``; repeated by the dialer until it has happened."""

    async def rerun_campaign(self, name: str) -> Doc:
        """Begin a new run over all contacts; as ``start_campaign``."""

    async def clone_campaign(self, name: str, to: str) -> Doc:
        """Copy a campaign without its schedule and history; the copy is returned as by ``campaign``."""

    async def delete_campaign(self, name: str) -> None:
        """Delete a campaign that does not run."""

    async def schedule_campaign(self, name: str, schedule: Schedule | None) -> Doc:
        """Run a campaign by the calendar, or None: by hand again; it is returned as by ``campaign``."""

    async def runs(self, name: str) -> Sequence[RunNote]:
        """The history of a campaign, oldest first."""

    async def report(self, name: str) -> Doc:
        """The report of a campaign's latest run; see ``storage.report.run_report``."""

    async def why(self, name: str, contact: str | None) -> Any:
        """For a campaign, pairs of label and count; for one contact, what ``storage.why.why_contact`` returns."""

    # -- everything --------------------------------------------------------------------------------------------------

    async def audit(self) -> Sequence[Doc]:
        """``invariant``, ``title``, ``cases``, ``violations``, ``examples`` of each invariant of the records."""

    async def snapshot(self) -> Snapshot:
        """The whole dialer at this moment."""

    async def health(self) -> Doc:
        """``ready``, and ``reasons`` why not."""
