"""Do-not-call lists. Changes are in force before the answer, also for campaigns that run."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from dialer.config import E164
from dialer.serve.context import OPERATE, SEE, ControlDep, Name, Operator, UploadsDep
from dialer.serve.paging import Page, WindowDep
from dialer.serve.port import Doc
from dialer.serve.problems import Kind, responses
from dialer.serve.uploads import CSV_BODY
from dialer.storage.keys import Key

router = APIRouter(prefix="/v1/dnc-lists", tags=["do-not-call lists"])

MAX_NUMBERS = 10_000
Number = Annotated[E164, WithJsonSchema({"type": "string", "pattern": r"^\+[1-9][0-9]{7,14}$"})]


class DncList(BaseModel):
    """A do-not-call list, as it was imported; numbers put on it one by one are not counted here."""

    name: str
    version: int = Field(description="1 for the first file, one more with each file after it.")
    everywhere: bool = Field(description="It applies to all campaigns.")
    rows: int = Field(description="Rows of the file.")
    numbers: int = Field(description="Distinct numbers of the file.")
    excluded: dict[str, int] = Field(description="Rows left out, by reason.")

    @classmethod
    def of(cls, doc: Doc) -> DncList:
        """The list as the catalogue describes it."""
        return cls.model_validate({**doc, "everywhere": doc["global"], "numbers": doc["contacts"]})


class Numbers(BaseModel):
    """Telephone numbers, and who wants them listed or not."""

    numbers: list[Number] = Field(min_length=1, max_length=MAX_NUMBERS, description="E.164 with the plus sign.")
    source: str = Field(default="request", max_length=100, description="Why, for the record.")

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"numbers": ["+12125550100"], "source": "asked the agent not to be called"}]},
    )


class Changed(BaseModel):
    """How many numbers a request was about."""

    numbers: int


@router.get("", summary="List do-not-call lists", dependencies=[SEE], responses=responses())
async def list_dnc_lists(control: ControlDep, window: WindowDep) -> Page[DncList]:
    """All do-not-call lists, by name."""
    return window.page([DncList.of(doc) for doc in await control.dnc_lists()], lambda item: item.name)


@router.put(
    "/{name}",
    summary="Upload a do-not-call list",
    dependencies=[OPERATE],
    responses=responses(Kind.FILE, Kind.MEDIA),
    openapi_extra=CSV_BODY,
)
async def put_dnc_list(
    name: Name,
    request: Request,
    control: ControlDep,
    uploads: UploadsDep,
    *,
    everywhere: Annotated[bool, Query(description="Apply it to all campaigns. Never assumed, so always needed.")],
) -> DncList:
    """Import a CSV file of numbers as the next version of a list, which is made if there is none.

    It takes the place of the file before it. It is in force when the answer comes, also for campaigns that run.
    """
    async with uploads.received(request, f"{name}.csv") as path:
        return DncList.of(await control.import_dnc(name, path, everywhere))


@router.post("/{name}/numbers", summary="Add numbers to a do-not-call list", responses=responses(Kind.NOT_FOUND))
async def add_to_dnc_list(name: Name, body: Numbers, control: ControlDep, caller: Operator) -> Changed:
    """Put numbers on a list. From the answer on none of them is dialled, also by campaigns that run."""
    return Changed(numbers=await control.add_to_dnc(name, body.numbers, _source(body, caller)))


@router.post(
    "/{name}/numbers/remove", summary="Remove numbers from a do-not-call list", responses=responses(Kind.NOT_FOUND)
)
async def remove_from_dnc_list(name: Name, body: Numbers, control: ControlDep, caller: Operator) -> Changed:
    """Take numbers off a list. Numbers stand in the body, because addresses end up in logs."""
    return Changed(numbers=await control.remove_from_dnc(name, body.numbers, _source(body, caller)))


def _source(body: Numbers, caller: Key) -> str:
    return f"{body.source} (key {caller.id}, {caller.name})"
