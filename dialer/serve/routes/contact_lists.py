"""Contact lists: upload a CSV file, and see what became of its rows."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from dialer.serve.context import OPERATE, SEE, ControlDep, Name, UploadsDep
from dialer.serve.paging import Page, WindowDep
from dialer.serve.problems import Kind, responses
from dialer.serve.uploads import CSV_BODY

router = APIRouter(prefix="/v1/contact-lists", tags=["contact lists"])


class ContactList(BaseModel):
    """A contact list. ``rows`` is ``contacts`` plus everything in ``excluded``."""

    name: str
    version: int = Field(description="1 for the first file, one more with each file after it.")
    source: str = Field(description="What its owner calls the file.")
    rows: int = Field(description="Rows of the file, without its header.")
    contacts: int = Field(description="Rows that became contacts.")
    excluded: dict[str, int] = Field(description="Rows that did not, by reason.")
    columns: list[str] = Field(description="Columns kept beside the number.")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "spring",
                    "version": 1,
                    "source": "contacts.csv",
                    "rows": 5000,
                    "contacts": 4953,
                    "excluded": {"duplicate": 31, "invalid_number": 16},
                    "columns": ["first_name", "last_name"],
                }
            ]
        }
    )


@router.get("", summary="List contact lists", dependencies=[SEE], responses=responses())
async def list_contact_lists(control: ControlDep, window: WindowDep) -> Page[ContactList]:
    """All contact lists in their present version, by name."""
    lists = [ContactList.model_validate(doc) for doc in await control.contact_lists()]
    return window.page(lists, lambda item: item.name)


@router.get("/{name}", summary="Show a contact list", dependencies=[SEE], responses=responses(Kind.NOT_FOUND))
async def get_contact_list(name: Name, control: ControlDep) -> ContactList:
    """One contact list in its present version."""
    return ContactList.model_validate(await control.contact_list(name))


@router.put(
    "/{name}",
    summary="Upload a contact list",
    dependencies=[OPERATE],
    responses=responses(Kind.FILE, Kind.MEDIA),
    openapi_extra=CSV_BODY,
)
async def put_contact_list(
    name: Name,
    request: Request,
    control: ControlDep,
    uploads: UploadsDep,
    filename: Annotated[
        str, Query(max_length=100, pattern=r"^[^/\\\x00-\x1f]+$", description="What you call the file.")
    ] = "contacts.csv",
) -> ContactList:
    """Import a CSV file as the next version of a list, which is made if there is none.

    The file needs a header with a phone column; rows with an empty, invalid or repeated number are left out and
    counted. A campaign that runs keeps the version it was started with.
    """
    async with uploads.received(request, filename) as path:
        return ContactList.model_validate(await control.import_contacts(name, path, filename))
