"""The application: routes, what surrounds them, and their description."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from dialer.serve import problems
from dialer.serve.auth import Authenticate
from dialer.serve.guard import BodyLimit, RequestGuard
from dialer.serve.port import Control
from dialer.serve.problems import Problem
from dialer.serve.routes import agents, campaigns, contact_lists, dnc_lists, mapping_lists, queues, system
from dialer.serve.uploads import Uploads
from dialer.storage.keys import KeyFile

#: A list of ten million contacts with a few columns fits.
MAX_UPLOAD_BYTES = 2 << 30

_DESCRIPTION = """
The control plane of the dialer. Send an API key with each request: `Authorization: Bearer <key>`.

Errors are RFC 9457 problem details; programs should look at `type`, which is stable. Lists come in pages: ask again
with `next_cursor` until it is null. Times are microseconds since 1970 UTC. Repeating a request is harmless.
"""
_RESOURCES = (contact_lists, mapping_lists, dnc_lists, queues, agents, campaigns, system)


def build_app(
    control: Control, keys: KeyFile, *, upload_dir: Path, max_upload_bytes: int = MAX_UPLOAD_BYTES
) -> FastAPI:
    """The HTTP API.

    Args:
        control: The dialer.
        keys: Who may come in.
        upload_dir: For files on their way in; on the node of the data directory, for this application alone.
        max_upload_bytes: Limit for one file.

    Returns:
        The ASGI application. It never raises: every error is an answer.
    """
    app = FastAPI(
        title="Dialer",
        version=metadata.version("dialer"),
        description=_DESCRIPTION,
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
        generate_unique_id_function=_operation_id,
    )
    app.state.control = control
    app.state.uploads = Uploads(upload_dir)
    for resource in _RESOURCES:
        app.include_router(resource.router)
    problems.install(app)
    # the last one added is the first to see a request
    app.add_middleware(BodyLimit, max_upload_bytes=max_upload_bytes)
    app.add_middleware(Authenticate, keys=keys)
    app.add_middleware(RequestGuard)
    _describe_problems(app)
    return app


def _operation_id(route: APIRoute) -> str:
    """Stable names for generated clients."""
    return route.name


def _describe_problems(app: FastAPI) -> None:
    """The description refers to the schema of problems, which no route returns by itself."""
    described = app.openapi

    def openapi() -> dict[str, Any]:
        document = described()
        schemas = document["components"]["schemas"]
        if Problem.__name__ not in schemas:
            schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(schema.pop("$defs"))
            schemas[Problem.__name__] = schema
        return document

    app.openapi = openapi  # type: ignore[method-assign]
