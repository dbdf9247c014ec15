"""The whole dialer: is it well, what is it doing, and do its records add up."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from dialer.errors import DialerError
from dialer.serve.context import SEE, ControlDep
from dialer.serve.paging import Page, WindowDep
from dialer.serve.problems import responses
from dialer.serve.views import Picture

router = APIRouter()

#: A probe wants an answer, not the patience that an order gets.
_PROBE_S = 5.0


class Alive(BaseModel):
    """What anybody may know."""

    alive: bool = Field(description="The API answers.")
    ready: bool = Field(description="Calls can be made.")


class Health(BaseModel):
    """Whether calls can be made."""

    ready: bool
    reasons: list[str] = Field(description="Why not; empty if ready.")


class Trunk(BaseModel):
    """A trunk and its limits."""

    name: str
    lines: int = Field(description="Calls at one moment.")
    calls_per_s: int = Field(description="New calls in any second.")
    profile: str = Field(description="World of the simulated carrier.")


class Finding(BaseModel):
    """What the audit found for one promise."""

    invariant: str
    title: str = Field(description="The promise.")
    cases: int = Field(description="Cases looked at.")
    violations: int
    examples: list[str] = Field(description="Some violations, with masked numbers.")


class Audit(BaseModel):
    """Every promise, recomputed from the records."""

    clean: bool = Field(description="No promise was broken.")
    findings: list[Finding]


@router.get(
    "/health",
    summary="Probe",
    tags=["system"],
    responses={503: {"model": Alive, "description": "It answers, and cannot make calls."}},
)
async def probe(control: ControlDep, response: Response) -> Alive:
    """For load balancers; needs no key. 200 if calls can be made, 503 if not; the reasons are at `/v1/health`."""
    try:
        async with asyncio.timeout(_PROBE_S):
            ready = bool((await control.health())["ready"])
    except (DialerError, TimeoutError):
        ready = False
    response.status_code = 200 if ready else 503
    return Alive(alive=True, ready=ready)


@router.get("/v1/health", summary="Show what is missing", tags=["system"], dependencies=[SEE], responses=responses())
async def get_health(control: ControlDep) -> Health:
    """Whether calls can be made, and every reason why not."""
    return Health.model_validate(await control.health())


@router.get("/v1/snapshot", summary="See everything", tags=["system"], dependencies=[SEE], responses=responses())
async def get_snapshot(control: ControlDep) -> Picture:
    """All campaigns, agents by state, and trunks at this moment; for screens."""
    return Picture.model_validate(await control.snapshot())


@router.get("/v1/audit", summary="Audit the records", tags=["system"], dependencies=[SEE], responses=responses())
async def get_audit(control: ControlDep) -> Audit:
    """Recompute every promise from what was recorded. It reads all records: ask rarely."""
    findings = [Finding.model_validate(doc) for doc in await control.audit()]
    return Audit(clean=not any(finding.violations for finding in findings), findings=findings)


@router.get("/v1/trunks", summary="List trunks", tags=["trunks"], dependencies=[SEE], responses=responses())
async def list_trunks(control: ControlDep, window: WindowDep) -> Page[Trunk]:
    """All trunks and their limits, by name. How much of each is in use stands in the snapshot."""
    return window.page([Trunk.model_validate(doc) for doc in await control.trunks()], lambda item: item.name)
