"""What is said around the keeper of campaigns: orders of operators, work for the library, and the records it keeps.

The keeper decides, the library carries out: it reads and scrubs lists, starts campaign hosts, and keeps documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from dialer.domain.kinds import CampaignState
from dialer.domain.message import Address, message
from dialer.domain.schedule import Schedule
from dialer.domain.specs import CampaignSpec

KEEPER = Address("keeper", "main")
LIBRARY = Address("library", "main")
OPERATOR = Address("operator", "main")


class Status(StrEnum):
    """What an operator sees of a campaign. Derived, never stored."""

    READY = "ready"  #: saved, able to run
    SCHEDULED = "scheduled"  #: an occurrence will come
    PREPARING = "preparing"  #: ordered to run; its lists are being scrubbed
    ACTIVE = "active"  #: started and running
    PAUSED = "paused"  #: held, resumable
    RERUN = "rerun"  #: being run again
    STOPPING = "stopping"  #: stop ordered; calls in progress end
    COMPLETED = "completed"  #: every contact exhausted, or its end reached


class Phase(StrEnum):
    """How far the keeper is with a run."""

    IDLE = "idle"  #: no run
    PREPARING = "preparing"  #: the library scrubs the lists
    WAITING = "waiting"  #: scrubbed, before its scheduled time
    BEGINNING = "beginning"  #: the library starts the host
    RUNNING = "running"
    STOPPING = "stopping"  #: ends as soon as its calls have


class Desire(StrEnum):
    """What a run should be doing."""

    ACTIVE = "active"
    PAUSED = "paused"
    STOPPED = "stopped"


class Ending(StrEnum):
    """How a run, or an occurrence that never became one, ended."""

    OPEN = "open"  #: it has not
    COMPLETED = "completed"  #: no contact could ever become due again
    ENDED = "ended"  #: the end of the schedule was reached
    STOPPED = "stopped"  #: by an operator
    FAILED = "failed"  #: its lists could not be scrubbed, or nobody was left to call
    SKIPPED = "skipped"  #: an occurrence that did not run


class Refusal(StrEnum):
    """What kind of no an operator gets."""

    NOT_FOUND = "not_found"
    CONFLICT = "conflict"  #: the present state forbids it
    CONFIG = "config"  #: what was sent is wrong
    FILE = "file"  #: a list cannot be used


# -- records ---------------------------------------------------------------------------------------------------------


@message
class ScrubNote:
    """What the lists of a campaign came to when they were last scrubbed."""

    at_us: int
    rows: int
    dialable: int
    problem: str = ""  #: why it could not be done; "" if it could


@message
class RunNote:
    """One line of a campaign's history: a run, or an occurrence that did not become one."""

    campaign: str
    no: int  #: 1 for the first of its campaign
    run_no: int  #: 0 if there was no run
    scheduled_us: int  #: when it was due; 0 if ordered by hand
    started_us: int  #: 0 if it never was
    ended_us: int  #: 0 while it goes on
    ending: Ending
    reason: str = ""


@message
class CampaignRecord:
    """All the keeper knows about one campaign. Durable before anything that follows from it is done."""

    spec: CampaignSpec
    lists: tuple[str, ...]  #: contact lists, in dialling order
    dnc_lists: tuple[str, ...]  #: do-not-call lists beside the global ones
    file: Mapping[str, Any]  #: as the operator wrote it; handed on, never read here
    updated_us: int  #: last change by an operator
    phase: Phase = Phase.IDLE
    desired: Desire = Desire.STOPPED
    note: RunNote | None = None  #: the latest run or occurrence
    run_spec: CampaignSpec | None = None  #: what the latest run is made of: ``spec`` unless the schedule overrides it
    ending: Ending | None = None  #: how the latest run or the schedule ended; None before, and while one goes on
    last_run_us: int = 0  #: when a run last began
    runs: int = 0  #: runs that have begun
    run_no: int = 0  #: the latest of them
    notes: int = 0  #: lines of history
    schedule: Schedule | None = None
    through_us: int = 0  #: occurrences up to here are dealt with
    scrub: ScrubNote | None = None
    asked_us: int = 0  #: when the library was last asked to prepare a run: names that question


# -- orders of operators ---------------------------------------------------------------------------------------------


@message
class SaveCampaign:
    """Keep a new campaign, or change one."""

    order: int
    campaign: str
    spec: CampaignSpec
    lists: tuple[str, ...]
    dnc_lists: tuple[str, ...]
    file: Mapping[str, Any]


@message
class StartRun:
    """Play: begin a run by hand, or go on with one that is held."""

    order: int
    campaign: str


@message
class PauseRun:
    """Hold the run; calls in progress end normally."""

    order: int
    campaign: str


@message
class ResumeRun:
    """Go on with a run that is held."""

    order: int
    campaign: str


@message
class StopRun:
    """End the run for good. Of a scheduled campaign it ends this occurrence; the next one comes."""

    order: int
    campaign: str


@message
class RerunCampaign:
    """Replay: a new run over all contacts."""

    order: int
    campaign: str


@message
class CloneCampaign:
    """Copy everything but the schedule and the history."""

    order: int
    campaign: str
    to: str


@message
class DeleteCampaign:
    """Forget a campaign that does not run. Records of its calls stay."""

    order: int
    campaign: str


@message
class SetSchedule:
    """Run by the calendar from now on."""

    order: int
    campaign: str
    schedule: Schedule


@message
class ClearSchedule:
    """Run by hand again."""

    order: int
    campaign: str


@message
class MayDelete:
    """Is a thing used by any campaign? ``kind``: contact_list, dnc_list, queue, trunk, number, flow."""

    order: int
    kind: str
    name: str


@message
class Drain:
    """The dialer is about to end: place no new calls, begin nothing, and keep what is desired."""


# -- answers to operators --------------------------------------------------------------------------------------------


@message
class OrderDone:
    """An order is carried out, or on record and will be repeated inside until it is."""

    order: int
    run_no: int = 0
    continued: bool = False  #: a run that was there goes on


@message
class OrderRefused:
    """An order is refused; nothing was changed."""

    order: int
    kind: Refusal
    words: str  #: for the operator: what is wrong, and what to do


# -- to the library --------------------------------------------------------------------------------------------------


@message
class KeepRecords:
    """Make records durable; what follows from them waits for ``RecordsKept``."""

    seq: int
    records: tuple[CampaignRecord, ...]
    notes: tuple[RunNote, ...]
    deleted: tuple[str, ...]  #: campaigns


@message
class PrepareRun:
    """Fetch the lists as they are now, filter and scrub them into the files of a new run."""

    campaign: str
    asked_us: int  #: names the question
    spec: CampaignSpec
    lists: tuple[str, ...]
    dnc_lists: tuple[str, ...]
    file: Mapping[str, Any]  #: how the lists are filtered and ordered stands there


@message
class ScrubLists:
    """The same for the eyes of the operator: what would be dialled? Makes no run."""

    campaign: str
    version: int
    spec: CampaignSpec
    lists: tuple[str, ...]
    dnc_lists: tuple[str, ...]
    file: Mapping[str, Any]  #: how the lists are filtered and ordered stands there


@message
class BeginRun:
    """Start the host of a campaign on a run, or let it go on with another spec. Repeated until it has begun."""

    campaign: str
    run_no: int
    spec: CampaignSpec


@message
class ReportRun:
    """How does a run stand?"""

    campaign: str
    run_no: int


# -- from the library ------------------------------------------------------------------------------------------------


@message
class RecordsKept:
    """Everything up to ``seq`` is durable."""

    seq: int


@message
class RunPrepared:
    """The files of a run are there."""

    campaign: str
    asked_us: int
    run_no: int
    rows: int
    dialable: int


@message
class PreparationFailed:
    """There is nothing to dial."""

    campaign: str
    asked_us: int
    kind: Refusal
    words: str


@message
class ListsScrubbed:
    """The answer to ``ScrubLists``."""

    campaign: str
    version: int
    rows: int
    dialable: int
    problem: str


@message
class RunBegun:
    """The host of a run is there, or being restarted by those who do that."""

    campaign: str
    run_no: int


@message
class RunReported:
    """The recorded state of a run, and whether this dialer has a host for it."""

    campaign: str
    run_no: int
    state: CampaignState
    up: bool
