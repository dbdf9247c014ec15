"""Agents: who there is, what they are doing, and the four orders of a desk."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from dialer.config import Slug
from dialer.domain.kinds import AgentState
from dialer.serve.context import CONFIGURE, DESK, SEE, ControlDep, Name
from dialer.serve.paging import Page, WindowDep
from dialer.serve.problems import Kind, responses

router = APIRouter(prefix="/v1/agents", tags=["agents"])

#: Address of each order -> what it does, for OpenAPI.
ORDERS: dict[Literal["login", "logout", "break", "resume"], str] = {
    "login": "Begin the shift, or connect the desk again",
    "logout": "End the shift, after the call in progress",
    "break": "Take a break, after the call in progress",
    "resume": "Come back from a break",
}


class AgentBody(BaseModel):
    """What an agent does."""

    queues: list[Slug] = Field(min_length=1, max_length=100, description="Queues served, all of one pool.")

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"queues": ["sales"]}]})


class Agent(BaseModel):
    """An agent and what they are doing."""

    agent: str
    queues: list[str]
    state: AgentState


@router.get("", summary="List agents", dependencies=[SEE], responses=responses())
async def list_agents(control: ControlDep, window: WindowDep) -> Page[Agent]:
    """All agents, by id."""
    return window.page([Agent.model_validate(doc) for doc in await control.agents()], lambda item: item.agent)


@router.put(
    "/{name}", summary="Declare an agent", dependencies=[CONFIGURE], responses=responses(Kind.NOT_FOUND, Kind.CONFIG)
)
async def put_agent(name: Name, body: AgentBody, control: ControlDep) -> Agent:
    """Declare an agent and the queues they serve."""
    return Agent.model_validate(await control.put_agent(name, body.queues))


def _add_order(action: str, what: str) -> None:
    @router.post(
        f"/{{name}}/{action}",
        name=f"{action}_agent",
        summary=what,
        status_code=202,
        response_class=Response,
        dependencies=[DESK],
        responses=responses(Kind.NOT_FOUND),
        description="Taken up as soon as nothing holds the agent; repeating it changes nothing. See the agent's state.",
    )
    async def order(name: Name, control: ControlDep) -> None:
        await control.command_agent(name, action)


for _action, _what in ORDERS.items():
    _add_order(_action, _what)
