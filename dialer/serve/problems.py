"""Errors as RFC 9457 problem details: which error becomes which problem, and how OpenAPI says so.

No answer carries an unmasked telephone number: every text that an error brings along goes through ``masked``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse

from dialer.domain.ids import mask_number
from dialer.errors import (
    ConfigError,
    ConflictError,
    ContactFileError,
    DataDirectoryError,
    NotFoundError,
    OperatorError,
    ServiceError,
)

MEDIA_TYPE = "application/problem+json"
_TYPE_PREFIX = "urn:dialer:error:"
_MAX_FIELDS = 20  #: of one request; a body may be wrong in as many places as it has
_MAX_CHARACTERS = 500  #: of one text; a line for the operator may quote what it found, which may be a whole file

#: Seven digits or more, however they are grouped; dates and times of day are not numbers to call.
_NUMBER = re.compile(r"(?<!\d)(?!\d{4}-\d\d-\d\d(?!\d))\+?\d(?:[\s().\-/\u2010-\u2013]*\d){6,}")


class FieldError(BaseModel):
    """One field that is wrong."""

    field: str = Field(description="Where it is, for example body.file.priority.")
    message: str = Field(description="What is wrong, or what is allowed.")


class Problem(BaseModel):
    """An error, after RFC 9457."""

    type: str = Field(description="What kind of error, a stable name for programs.")
    title: str = Field(description="The kind in words.")
    status: int = Field(description="The HTTP status.")
    detail: str | None = Field(default=None, description="What is wrong here, and what to do.")
    instance: str | None = Field(default=None, description="Names this request; quote it when you ask for help.")
    errors: list[FieldError] | None = Field(default=None, description="The fields that are wrong.")


class Kind(Enum):
    """The kinds of problems: name in ``type``, HTTP status, title."""

    BAD_REQUEST = ("bad-request", 400, "The request cannot be read")
    NO_KEY = ("unauthorized", 401, "A valid API key is needed")
    FORBIDDEN = ("forbidden", 403, "This key may not do that")
    NOT_FOUND = ("not-found", 404, "There is no such thing")
    METHOD = ("method-not-allowed", 405, "This method is not for this address")
    CONFLICT = ("conflict", 409, "The present state forbids it")
    TOO_LARGE = ("too-large", 413, "The request is too large")
    MEDIA = ("unsupported-media-type", 415, "The content is of a type that is not taken here")
    INVALID = ("invalid", 422, "A field of the request is wrong")
    CONFIG = ("configuration", 422, "The configuration is wrong")
    FILE = ("contact-file", 422, "The file cannot be used")
    INTERNAL = ("internal", 500, "The dialer made a mistake")
    UNAVAILABLE = ("unavailable", 503, "The dialer cannot do that now")

    def __init__(self, slug: str, status: int, title: str) -> None:
        self.type = _TYPE_PREFIX + slug
        self.status = status
        self.title = title


#: Which kind an operator's error is; an error of a class that is not here is of the kind of its nearest base.
KIND_BY_ERROR: Mapping[type[OperatorError], Kind] = {
    OperatorError: Kind.BAD_REQUEST,
    ConfigError: Kind.CONFIG,
    ContactFileError: Kind.FILE,
    DataDirectoryError: Kind.UNAVAILABLE,
    NotFoundError: Kind.NOT_FOUND,
    ConflictError: Kind.CONFLICT,
    ServiceError: Kind.UNAVAILABLE,
}
#: What any operation under ``/v1`` may meet.
_ALWAYS = (
    *(Kind.BAD_REQUEST, Kind.NO_KEY, Kind.FORBIDDEN, Kind.TOO_LARGE, Kind.INVALID),
    *(Kind.INTERNAL, Kind.UNAVAILABLE),
)
_KIND_BY_STATUS: Mapping[int, Kind] = {kind.status: kind for kind in reversed(Kind)}


def masked(text: str) -> str:
    """A text in which whatever could be a telephone number shows its last two digits only; cut if it is long."""
    text = _NUMBER.sub(lambda found: mask_number(re.sub(r"\D", "", found[0])), text)
    return text if len(text) <= _MAX_CHARACTERS else text[:_MAX_CHARACTERS] + "…"


def problem(
    kind: Kind,
    detail: str | None = None,
    *,
    request_id: str | None = None,
    errors: list[FieldError] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The answer to a request that failed.

    Args:
        kind: What kind of error.
        detail: What is wrong here and what to do; masked on the way out.
        request_id: Names the request.
        errors: The fields that are wrong.
        headers: Further headers.
    """
    body = Problem(
        type=kind.type,
        title=kind.title,
        status=kind.status,
        detail=None if detail is None else masked(detail),
        instance=None if request_id is None else f"urn:dialer:request:{request_id}",
        errors=errors,
    )
    return JSONResponse(
        body.model_dump(exclude_none=True),
        status_code=kind.status,
        media_type=MEDIA_TYPE,
        headers=None if headers is None else dict(headers),
    )


def responses(*kinds: Kind) -> dict[int | str, dict[str, Any]]:
    """The errors an operation may answer with, for OpenAPI.

    Args:
        kinds: Kinds of this operation; ``_ALWAYS`` is added.
    """
    by_status: dict[int, list[Kind]] = {}
    for kind in sorted({*_ALWAYS, *kinds}, key=lambda kind: (kind.status, kind.type)):
        by_status.setdefault(kind.status, []).append(kind)
    return {status: documented(*same) for status, same in by_status.items()}


def documented(*kinds: Kind) -> dict[str, Any]:
    """One error response of OpenAPI; all kinds are of the same status."""
    examples = {kind.type: {"value": {"type": kind.type, "title": kind.title, "status": kind.status}} for kind in kinds}
    schema = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    return {
        "description": "; ".join(f"{kind.title} (`{kind.type}`)" for kind in kinds),
        "content": {MEDIA_TYPE: {"schema": schema, "examples": examples}},
    }


def install(app: FastAPI) -> None:
    """Turn the errors that routes raise into problems. What is not known here is left to ``guard.RequestGuard``."""

    @app.exception_handler(OperatorError)
    async def operator_error(request: Request, error: OperatorError) -> JSONResponse:
        kind = next(KIND_BY_ERROR[base] for base in type(error).__mro__ if base in KIND_BY_ERROR)
        return problem(kind, error.message, request_id=_id_of(request))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        found = [_field_error(item) for item in error.errors()[:_MAX_FIELDS]]
        detail = "; ".join(f"{item.field}: {item.message}" for item in found[:1])
        return problem(Kind.INVALID, detail, request_id=_id_of(request), errors=found)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> JSONResponse:
        kind = _KIND_BY_STATUS.get(error.status_code, Kind.BAD_REQUEST)
        headers = dict(error.headers or {})
        detail = error.detail
        if kind is Kind.NOT_FOUND:
            detail = "nothing is at this address; the addresses are described at /docs"
        elif kind is Kind.METHOD:
            headers["Allow"] = ", ".join(_methods(app, request.url.path))
            detail = f"this address takes {headers['Allow']}"
        return problem(kind, detail, request_id=_id_of(request), headers=headers)

    @app.exception_handler(ClientDisconnect)
    async def cut_off(request: Request, _: ClientDisconnect) -> JSONResponse:
        detail = "the connection ended before the request did; nothing was changed"
        return problem(Kind.BAD_REQUEST, detail, request_id=_id_of(request))


def _methods(app: FastAPI, path: str) -> list[str]:
    """All methods of an address; routing knows only those of the first route that fits."""
    paths = app.openapi()["paths"].items()
    fits = [operations for template, operations in paths if re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path)]
    return sorted({method.upper() for operations in fits for method in operations}) or ["GET"]


def _id_of(request: Request) -> str | None:
    return getattr(request.state, "request_id", None)


def _field_error(item: Mapping[str, Any]) -> FieldError:
    message = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] == "json_invalid":
        message = "not valid JSON"
    return FieldError(field=masked(".".join(str(part) for part in item["loc"])), message=masked(message))
