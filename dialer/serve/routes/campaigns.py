"""Campaigns: keep one, run it, watch it, ask why."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from dialer.config import CampaignFile, Slug
from dialer.domain.kinds import CampaignState
from dialer.errors import ConfigError, NotFoundError, ServiceError
from dialer.serve.context import OPERATE, SEE, ControlDep, Name
from dialer.serve.paging import Page, WindowDep
from dialer.serve.port import Control
from dialer.serve.problems import Kind, responses
from dialer.serve.views import Progress

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
    progress: Progress | None = Field(description="The latest run, null before it has begun.")


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


@router.get("", summary="List campaigns", dependencies=[SEE], responses=responses())
async def list_campaigns(control: ControlDep, window: WindowDep) -> Page[Campaign]:
    """All campaigns with their state and progress, by name."""
    return window.page([Campaign.model_validate(doc) for doc in await control.campaigns()], lambda item: item.name)


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
    """Keep a campaign under its name. One that runs must be stopped first."""
    if body.file.name != name:
        raise ConfigError(f"the address says campaign {name!r} and the file {body.file.name!r}; use one name")
    return Campaign.model_validate(await control.put_campaign(body.file, body.lists, ()))


@router.post(
    "/{name}/start",
    summary="Start a campaign",
    status_code=202,
    dependencies=[OPERATE],
    responses=responses(Kind.NOT_FOUND, Kind.CONFLICT, Kind.FILE),
)
async def start_campaign(name: Name, control: ControlDep) -> Started:
    """Scrub the lists as they are now and begin a run, or go on with one that was interrupted."""
    return Started.model_validate({"campaign": name, **await control.start_campaign(name)})


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
