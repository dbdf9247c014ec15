"""Campaigns: keep one, run it, watch it, ask why."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.config import JsonDict

from dialer.config import CampaignFile, Slug
from dialer.config.schedule import ScheduleSection
from dialer.domain.keeper_view import CampaignRow
from dialer.domain.keeping import Status
from dialer.domain.kinds import CampaignState, DialingMode
from dialer.errors import ConfigError, NotFoundError, ServiceError
from dialer.serve.context import OPERATE, SEE, ControlDep, Name
from dialer.serve.paging import Page, WindowDep
from dialer.serve.port import Control
from dialer.serve.problems import Kind, responses
from dialer.serve.views import Progress, Row, Run

router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"])

MAX_LISTS = 100
#: Address of each order -> what it does, for OpenAPI.
ORDERS: dict[Literal["pause", "resume", "stop"], str] = {
    "pause": "Hold a campaign; calls in progress end normally",
    "resume": "Go on with a paused campaign",
    "stop": "End a campaign's run for good; calls in progress end normally",
}
_FILE: JsonDict = {
    "name": "spring",
    "mode": "progressive",
    "caller_id": 12125550199,
    "queue": "sales",
    "retry_by_outcome": {"busy": 300},
    "dnc_lists": ["company"],
}
_SCHEDULE: JsonDict = {
    "start": "2026-03-02T09:00",
    "zone": "America/New_York",
    "unit": "week",
    "weekdays": ["mon", "thu"],
}


class CampaignBody(BaseModel):
    """A campaign and the lists it dials."""

    file: CampaignFile = Field(description="The same fields as in a campaign file.")
    lists: list[Slug] = Field(min_length=1, max_length=MAX_LISTS, description="Contact lists, in dialling order.")

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"file": _FILE, "lists": ["spring-contacts"]}]}
    )


class Campaign(BaseModel):
    """A campaign, what it should be doing, and what it does."""

    name: str
    state: CampaignState
    desired: str = Field(description="What was ordered last: active, paused or stopped. Orders take a moment.")
    run_no: int | None = Field(description="Number of the latest run, null before the first.")
    lists: list[str]
    dnc_lists: list[str]
    file: CampaignFile
    row: Row = Field(description="Its life: status, schedule, last run.")
    progress: Progress | None = Field(description="The latest run, null before it has begun. Ask again every 5 s.")

    @field_validator("row", mode="before")
    @classmethod
    def _row(cls, value: Any) -> Any:
        return Row.of(value) if isinstance(value, CampaignRow) else value


class CloneBody(BaseModel):
    """Where a copy goes."""

    to: Slug = Field(description="Name of the copy; there must be none yet.")

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"to": "summer"}]})


class ScheduleBody(ScheduleSection):
    """When a campaign runs by itself."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SCHEDULE]})


class Started(BaseModel):
    """A run that begins."""

    campaign: str
    run_no: int
    continued: bool = Field(description="True if an interrupted run goes on, false for a new run.")


class Report(BaseModel):
    """What a campaign's latest run has come to. More keys may be added; these keep their meaning."""

    campaign: str
    run_no: int
    state: str | None
    attempts: int = Field(description="Attempts that the network took.")
    outcomes: dict[str, int] = Field(description="Their outcomes.")
    undialled: dict[str, int] = Field(description="Intents that were given up before they were dialled.")
    open: int = Field(description="Attempts without an outcome yet.")
    connected: int
    abandoned: int
    live_answers: int = Field(description="Calls that a person answered.")
    abandon_ratio: float = Field(description="Abandoned calls in all that a person answered, 0 to 1.")
    agents: int
    utilisation_ratio: float = Field(description="Talk and wrap-up in all staffed time, 0 to 1.")
    dials_per_s: float
    answer_to_agent_ms: dict[str, float | None] = Field(description="`p50`, `p99`, `max`; null without such calls.")
    virtual_s: float = Field(description="Length of the run in the dialer's own time.")
    timeline: list[dict[str, int]] = Field(description="Counts by minute, UTC, without empty ones.")
    by_hour: list[dict[str, int]] = Field(description="Counts by hour, UTC, without empty ones.")

    model_config = ConfigDict(extra="allow")


class Step(BaseModel):
    """One line of the waterfall."""

    label: str
    contacts: int


class Waterfall(BaseModel):
    """From the rows of the lists to where each contact stands."""

    campaign: str
    reason: str = Field(description="Why nothing is being dialled; empty if calls are made.")
    steps: list[Step]


class Question(BaseModel):
    """Which contact is meant. It stands in the body, because addresses end up in logs."""

    contact: str = Field(pattern=r"^\+?[0-9]{1,15}$", description="E.164 number, or row in the list.")

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"contact": "+12125550100"}]})


class ContactStanding(BaseModel):
    """How one contact of the latest run stands. Its number is masked."""

    campaign: str
    run_no: int
    number: str | None
    state: str
    reason: str
    attempts: list[dict[str, Any]]
    next_us: int | None = Field(description="Next possible moment, microseconds since 1970 UTC; null for never.")


class Sort(StrEnum):
    """Order of the list; a hyphen reverses it, and equal ones go by name."""

    NAME = "name"
    PRIORITY = "priority"
    PRIORITY_DOWN = "-priority"
    LAST_RUN = "last_run"
    LAST_RUN_DOWN = "-last_run"
    UPDATED = "updated"
    UPDATED_DOWN = "-updated"


#: Above every priority and every time in microseconds: keys count down from it.
_HIGH = 10**18
_SORT_KEYS: dict[str, Callable[[Campaign], int]] = {
    "name": lambda _: 0,
    "priority": lambda found: found.row.priority,
    "last_run": lambda found: found.row.last_run_us or 0,
    "updated": lambda found: found.row.updated_us,
}


def _sort_key(sort: Sort) -> Callable[[Campaign], str]:
    """Text that orders campaigns as wanted, and stays with its campaign between pages."""
    number = _SORT_KEYS[sort.removeprefix("-")]
    if sort.startswith("-"):
        return lambda found: f"{_HIGH - number(found):019} {found.name}"
    return lambda found: f"{number(found):019} {found.name}"


class Filters:
    """Which campaigns are wanted; what is left out filters nothing.

    Args:
        status: Any of these.
        mode: Any of these.
        priority: Any of these.
    """

    def __init__(
        self,
        status: Annotated[list[Status] | None, Query(description="Any of these.")] = None,
        mode: Annotated[list[DialingMode] | None, Query(description="Any of these.")] = None,
        priority: Annotated[list[int] | None, Query(description="Any of these, 5 is dialled first.")] = None,
    ) -> None:
        self._wanted = (status, mode, priority)

    def fits(self, found: Campaign) -> bool:
        """Whether a campaign is wanted."""
        has = (found.row.status, found.row.mode, found.row.priority)
        return all(wanted is None or one in wanted for one, wanted in zip(has, self._wanted, strict=True))


@router.get("", summary="List campaigns", dependencies=[SEE], responses=responses())
async def list_campaigns(
    control: ControlDep,
    window: WindowDep,
    filters: Annotated[Filters, Depends()],
    sort: Annotated[Sort, Query(description="Default: the latest run first.")] = Sort.LAST_RUN_DOWN,
) -> Page[Campaign]:
    """Campaigns with their status and progress."""
    found = [Campaign.model_validate(doc) for doc in await control.campaigns()]
    return window.page(filter(filters.fits, found), _sort_key(sort))


@router.get("/{name}", summary="Show a campaign", dependencies=[SEE], responses=responses(Kind.NOT_FOUND))
async def get_campaign(name: Name, control: ControlDep) -> Campaign:
    """One campaign with its state and progress."""
    return Campaign.model_validate(await control.campaign(name))


@router.put(
    "/{name}",
    summary="Create or change a campaign",
    dependencies=[OPERATE],
    responses=responses(Kind.NOT_FOUND, Kind.CONFLICT, Kind.CONFIG),
)
async def put_campaign(name: Name, body: CampaignBody, control: ControlDep) -> Campaign:
    """Keep a campaign under its name; its lists are scrubbed a little later.

    One that dials bears a change of priority, caller ID, concurrency and pacing ratio; one that is paused of everything
    but its mode and lists. Each change is a new version, stored with every later attempt.
    """
    if body.file.name != name:
        raise ConfigError(f"the address says campaign {name!r} and the file {body.file.name!r}; use one name")
    return Campaign.model_validate(await control.put_campaign(body.file, body.lists, ()))


@router.post(
    "/{name}/start",
    summary="Start a campaign",
    status_code=202,
    dependencies=[OPERATE],
    responses=responses(Kind.NOT_FOUND, Kind.CONFLICT, Kind.FILE, Kind.CONFIG),
)
async def start_campaign(name: Name, control: ControlDep) -> Started:
    """Scrub the lists as they are now and begin a run, or go on with one that was interrupted."""
    return Started.model_validate({"campaign": name, **await control.start_campaign(name)})


@router.post(
    "/{name}/rerun",
    summary="Run a campaign again",
    status_code=202,
    dependencies=[OPERATE],
    responses=responses(Kind.NOT_FOUND, Kind.CONFLICT, Kind.FILE, Kind.CONFIG),
)
async def rerun_campaign(name: Name, control: ControlDep) -> Started:
    """A new run over all contacts, without what is known from earlier ones. Their records stay."""
    return Started.model_validate({"campaign": name, **await control.rerun_campaign(name)})


@router.post(
    "/{name}/clone",
    summary="Copy a campaign",
    status_code=201,
    dependencies=[OPERATE],
    responses=responses(Kind.NOT_FOUND, Kind.CONFLICT),
)
async def clone_campaign(name: Name, body: CloneBody, control: ControlDep) -> Campaign:
    """Everything but its schedule and its history, under another name."""
    return Campaign.model_validate(await control.clone_campaign(name, body.to))


@router.delete(
    "/{name}",
    summary="Delete a campaign",
    status_code=204,
    response_class=Response,
    dependencies=[OPERATE],
    responses=responses(Kind.NOT_FOUND, Kind.CONFLICT),
)
async def delete_campaign(name: Name, control: ControlDep) -> None:
    """Forget a campaign and its history. One that runs must be stopped first. The records of its calls stay."""
    await control.delete_campaign(name)


@router.put(
    "/{name}/schedule",
    summary="Schedule a campaign",
    dependencies=[OPERATE],
    responses=responses(Kind.NOT_FOUND, Kind.CONFLICT, Kind.CONFIG),
)
async def put_schedule(name: Name, body: ScheduleBody, control: ControlDep) -> Campaign:
    """Run a campaign by the calendar: each occurrence is a new run over all contacts, scrubbed 15 minutes before.

    An occurrence that finds the one before still running is skipped, and the history says so. While the campaign dials
    only the end can be changed.
    """
    return Campaign.model_validate(await control.schedule_campaign(name, body.to_domain()))


@router.delete(
    "/{name}/schedule",
    summary="Remove a campaign's schedule",
    dependencies=[OPERATE],
    responses=responses(Kind.NOT_FOUND, Kind.CONFLICT),
)
async def delete_schedule(name: Name, control: ControlDep) -> Campaign:
    """The campaign is run by hand again."""
    return Campaign.model_validate(await control.schedule_campaign(name, None))


@router.get("/{name}/runs", summary="List a campaign's runs", dependencies=[SEE], responses=responses(Kind.NOT_FOUND))
async def list_runs(name: Name, control: ControlDep, window: WindowDep) -> Page[Run]:
    """Its history, oldest first: every run, and every occurrence that did not become one, with the reason."""
    return window.page([Run.of(note) for note in await control.runs(name)], lambda run: f"{run.no:09}")


def _add_order(action: str, what: str) -> None:
    @router.post(
        f"/{{name}}/{action}",
        name=f"{action}_campaign",
        summary=what,
        status_code=202,
        response_class=Response,
        dependencies=[OPERATE],
        responses=responses(Kind.NOT_FOUND, Kind.CONFLICT),
        description="Ordered when the answer comes, and repeated inside until it has happened. See the state.",
    )
    async def order(name: Name, control: ControlDep) -> None:
        await control.command_campaign(name, action)


for _action, _what in ORDERS.items():
    _add_order(_action, _what)


@router.get("/{name}/progress", summary="Watch a campaign", dependencies=[SEE], responses=responses(Kind.NOT_FOUND))
async def get_progress(name: Name, control: ControlDep) -> Progress:
    """Where the contacts of the latest run stand, and why nothing is dialled if nothing is."""
    found = await _with_run(control, name)
    if found.progress is None:
        raise ServiceError(f"the progress of campaign {name} is not known yet; ask again")
    return found.progress


@router.get("/{name}/report", summary="Report a campaign", dependencies=[SEE], responses=responses(Kind.NOT_FOUND))
async def get_report(name: Name, control: ControlDep) -> Report:
    """The latest run, from its records alone; also while it is being dialled."""
    await _with_run(control, name)
    return Report.model_validate(await control.report(name))


@router.get("/{name}/why", summary="Explain a campaign", dependencies=[SEE], responses=responses(Kind.NOT_FOUND))
async def explain_campaign(name: Name, control: ControlDep) -> Waterfall:
    """Why contacts are not dialled: each reason with its number of contacts."""
    found = await _with_run(control, name)
    steps = [Step(label=label, contacts=count) for label, count in await control.why(name, None)]
    return Waterfall(campaign=name, reason=found.progress.reason if found.progress else "", steps=steps)


@router.post("/{name}/why", summary="Explain one contact", dependencies=[OPERATE], responses=responses(Kind.NOT_FOUND))
async def explain_contact(name: Name, body: Question, control: ControlDep) -> ContactStanding:
    """What was tried with one contact, and when it may be called next."""
    await _with_run(control, name)
    return ContactStanding.model_validate(await control.why(name, body.contact))


async def _with_run(control: Control, name: str) -> Campaign:
    found = Campaign.model_validate(await control.campaign(name))
    if found.run_no is None:
        raise NotFoundError(f"campaign {name} has never been started; start it first")
    return found
