"""Queues, and the pool of agents each belongs to."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from dialer.config import Slug
from dialer.serve.context import CONFIGURE, SEE, ControlDep, Name
from dialer.serve.paging import Page, WindowDep
from dialer.serve.problems import Kind, responses

router = APIRouter(prefix="/v1/queues", tags=["queues"])


class QueueBody(BaseModel):
    """What a queue is."""

    pool: Slug = Field(default="main", description="Its pool of agents. Pools share only trunks and the store.")

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"pool": "main"}]})


class Queue(BaseModel):
    """A queue of agents."""

    name: str
    pool: str


@router.get("", summary="List queues", dependencies=[SEE], responses=responses())
async def list_queues(control: ControlDep, window: WindowDep) -> Page[Queue]:
    """All queues, by name."""
    return window.page([Queue.model_validate(doc) for doc in await control.queues()], lambda item: item.name)


@router.put("/{name}", summary="Declare a queue", dependencies=[CONFIGURE], responses=responses(Kind.CONFIG))
async def put_queue(name: Name, body: QueueBody, control: ControlDep) -> Queue:
    """Declare a queue, or move it to another pool of agents."""
    return Queue.model_validate(await control.put_queue(name, body.pool))
