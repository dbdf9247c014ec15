"""Mapping lists: which agent a contact is for, and how urgent it is."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from dialer.serve.context import OPERATE, SEE, ControlDep, Name, UploadsDep
from dialer.serve.paging import Page, WindowDep
from dialer.serve.problems import Kind, responses
from dialer.serve.uploads import CSV_BODY

router = APIRouter(prefix="/v1/mapping-lists", tags=["mapping lists"])


class MappingList(BaseModel):
    """A mapping list. ``rows`` is ``contacts`` plus everything in ``excluded``."""

    name: str
    version: int = Field(description="1 for the first file, one more with each file after it.")
    source: str = Field(description="What its owner calls the file.")
    rows: int = Field(description="Rows of the file, without its header.")
    contacts: int = Field(description="Rows that say something about a contact.")
    excluded: dict[str, int] = Field(description="Rows that do not, by reason.")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "vip", "version": 1, "source": "vip.csv", "rows": 40, "contacts": 40, "excluded": {}}]
        }
    )


@router.get("", summary="List mapping lists", dependencies=[SEE], responses=responses())
async def list_mapping_lists(control: ControlDep, window: WindowDep) -> Page[MappingList]:
    """All mapping lists in their present version, by name."""
    lists = [MappingList.model_validate(doc) for doc in await control.mapping_lists()]
    return window.page(lists, lambda item: item.name)


@router.put(
    "/{name}",
    summary="Upload a mapping list",
    dependencies=[OPERATE],
    responses=responses(Kind.FILE, Kind.MEDIA),
    openapi_extra=CSV_BODY,
)
async def put_mapping_list(
    name: Name,
    request: Request,
    control: ControlDep,
    uploads: UploadsDep,
    filename: Annotated[
        str, Query(max_length=100, pattern=r"^[^/\\\x00-\x1f]+$", description="What you call the file.")
    ] = "mapping.csv",
) -> MappingList:
    """Import a CSV file with the columns `phone` or `unique_id`, `agent` and `priority` as the next version of a list.

    A campaign names it as `mapping_list`; it holds from the next start on.
    """
    async with uploads.received(request, filename) as path:
        return MappingList.model_validate(await control.import_mapping(name, path, filename))
