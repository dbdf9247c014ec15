"""Agents: who there is, what their desk shows, and what a desk can ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from dialer.config import Slug
from dialer.domain import commands as c
from dialer.domain.kinds import AgentState
from dialer.serve.context import CONFIGURE, DESK, SEE, ControlDep, Name
from dialer.serve.paging import Page, WindowDep
from dialer.serve.problems import Kind, responses

router = APIRouter(prefix="/v1/agents", tags=["agents"])

#: A call, by the id the desk shows. Text: it has more digits than a browser's numbers keep.
AttemptId = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,18}$", description="The call, as the desk shows it.")]


class AgentBody(BaseModel):
    """What an agent does."""

    queues: list[Slug] = Field(min_length=1, max_length=100, description="Queues served, all of one pool.")

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"queues": ["sales"]}]})


class Agent(BaseModel):
    """An agent and what they are doing."""

    agent: str
    queues: list[str]
    state: AgentState


class Desk(Agent):
    """What the desk of an agent shows."""

    status: str = Field(description="available, busy, system_busy (a call is being made), away or offline.")
    campaign: str = Field(description="Whose call or contact this is; empty for none.")
    attempt_id: str | None = Field(description="The call that is offered, dialled, up, or in wrap-up.")
    fields: dict[str, str] = Field(description="The contact's card: text by column of the list.")
    until_us: int = Field(description="When time alone ends the state, microseconds since 1970 UTC; 0 for never.")
    may_skip: bool = Field(description="Preview: the contact may be skipped.")
    muted: bool
    held: bool
    reason: str = Field(description="Of a break.")


class BreakBody(BaseModel):
    """Why an agent takes a break."""

    reason: str = Field(default="", max_length=64, description="Shown and recorded, for example lunch.")

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "lunch"}]})


class CallBody(BaseModel):
    """Which call is meant: an order that crosses with the next call must not hit that one."""

    attempt_id: AttemptId

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"attempt_id": "8796093022209"}]})


class SoundBody(CallBody):
    """Who is to hear whom."""

    muted: bool = Field(default=False, description="The callee does not hear the agent.")
    held: bool = Field(default=False, description="The callee hears music.")


class DispositionBody(CallBody):
    """How a call is closed."""

    code: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$", description="One of the campaign's dispositions.")
    notes: str = Field(default="", max_length=4_000)
    callback_at: AwareDatetime | None = Field(
        default=None, description="When to call again, with its offset from UTC, for example 2026-03-04T10:30-05:00."
    )
    personal: bool = Field(default=False, description="The callback is for this agent.")

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "attempt_id": "8796093022209",
                    "code": "callback_asked",
                    "callback_at": "2026-03-04T10:30-05:00",
                    "personal": True,
                }
            ]
        },
    )


@router.get("", summary="List agents", dependencies=[SEE], responses=responses())
async def list_agents(control: ControlDep, window: WindowDep) -> Page[Agent]:
    """All agents, by id."""
    return window.page([Agent.model_validate(doc) for doc in await control.agents()], lambda item: item.agent)


@router.get("/{name}", summary="An agent's desk", dependencies=[DESK], responses=responses(Kind.NOT_FOUND))
async def agent_desk(name: Name, control: ControlDep) -> Desk:
    """What the desk shows now: state, call, contact."""
    return Desk.model_validate(await control.agent(name))


@router.put(
    "/{name}", summary="Declare an agent", dependencies=[CONFIGURE], responses=responses(Kind.NOT_FOUND, Kind.CONFIG)
)
async def put_agent(name: Name, body: AgentBody, control: ControlDep) -> Agent:
    """Declare an agent and the queues they serve."""
    return Agent.model_validate(await control.put_agent(name, body.queues))


_NO_REASON = BreakBody()
_PRESENCE = "Taken up as soon as nothing holds the agent; repeating it changes nothing. See the desk."
_CALL = "Does nothing if the desk has moved on to another call. See the desk."


def _order(action: str, what: str, how: str) -> Any:
    """The frame of every order: accepted, carried out as soon as the agent's state allows it."""
    return router.post(
        f"/{{name}}/{action}",
        name=f"{action}_agent",
        summary=what,
        status_code=202,
        response_class=Response,
        dependencies=[DESK],
        responses=responses(Kind.NOT_FOUND),
        description=how,
    )


def _add_simple(action: str, what: str, make: Callable[[str], Any]) -> None:
    @_order(action, what, _PRESENCE)  # type: ignore[untyped-decorator]
    async def order(name: Name, control: ControlDep) -> None:
        await control.order_agent(name, make(name))


_add_simple("login", "Begin the shift, or connect the desk again", c.LogIn)
_add_simple("logout", "End the shift, after the call in progress", c.LogOut)
_add_simple("resume", "Come back from a break", c.EndBreak)


@_order("break", "Take a break, after the call in progress", _PRESENCE)  # type: ignore[untyped-decorator]
async def break_agent(name: Name, control: ControlDep, body: BreakBody = _NO_REASON) -> None:
    """Take a break."""
    await control.order_agent(name, c.TakeBreak(name, body.reason))


def _add_call(action: str, what: str, make: Callable[[str, int], Any]) -> None:
    @_order(action, what, _CALL)  # type: ignore[untyped-decorator]
    async def order(name: Name, body: CallBody, control: ControlDep) -> None:
        await control.order_agent(name, make(name, int(body.attempt_id)))


_add_call("dial", "Preview: dial the contact that is shown", c.DialNow)
_add_call("skip", "Preview: skip the contact that is shown", c.SkipContact)
_add_call("hang-up", "End the call", c.EndCall)


@_order("sound", "Mute the agent, hold the call, or take that back", _CALL)  # type: ignore[untyped-decorator]
async def sound_agent(name: Name, body: SoundBody, control: ControlDep) -> None:
    """Mute or hold."""
    await control.order_agent(name, c.SetCall(name, int(body.attempt_id), body.muted, body.held))


@_order("disposition", "Close the call with a disposition", _CALL)  # type: ignore[untyped-decorator]
async def disposition_agent(name: Name, body: DispositionBody, control: ControlDep) -> None:
    """During the call it waits for its end; in wrap-up it ends that."""
    asked_us = 0 if body.callback_at is None else round(body.callback_at.timestamp() * 1e6)
    await control.order_agent(
        name, c.SetDisposition(name, int(body.attempt_id), body.code, body.notes, asked_us, body.personal)
    )
