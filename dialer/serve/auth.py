"""Who may do what: the key of a request, the permissions of roles, and the check before each route.

Whatever is not public needs a key, also an address that does not exist: the check stands before routing, so nothing
of a request without a key is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from dialer.errors import DataDirectoryError
from dialer.serve.problems import Kind, problem
from dialer.storage.keys import Key, KeyFile, Role

PUBLIC = frozenset({"/health", "/docs", "/openapi.json"})

_SCHEME = HTTPBearer(
    auto_error=False, scheme_name="ApiKey", description="An API key, made by `dialer key create`. Shown once."
)


class Permission(StrEnum):
    """What an operation needs. Each operation under ``/v1`` names one."""

    SEE = "see"  #: look at everything but contacts
    DESK = "desk"  #: log an agent in and out, and take breaks
    OPERATE = "operate"  #: lists, do-not-call, campaigns, questions about one contact
    CONFIGURE = "configure"  #: queues and agents


#: The whole matrix: what a key of each role may do.
ROLES: Mapping[Role, frozenset[Permission]] = {
    Role.ADMIN: frozenset(Permission),
    Role.SUPERVISOR: frozenset({Permission.SEE, Permission.DESK, Permission.OPERATE}),
    Role.AGENT: frozenset({Permission.DESK}),
    Role.READ: frozenset({Permission.SEE}),
}


class Authenticate:
    """Let nobody past without a key that stands in the key file; the key goes with the request.

    Args:
        app: What lies behind.
        keys: The keys.
    """

    def __init__(self, app: ASGIApp, *, keys: KeyFile) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope["path"] in PUBLIC:
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        request_id = state.get("request_id")
        scheme, _, shown = Headers(scope=scope).get("authorization", "").partition(" ")
        try:
            key = None
            if scheme.lower() == "bearer":
                key = await run_in_threadpool(self._keys.find, shown.strip())
        except DataDirectoryError as error:
            await problem(Kind.UNAVAILABLE, error.message, request_id=request_id)(scope, receive, send)
            return
        if key is None:
            detail = "send a key in the header Authorization: Bearer <key>; keys are made by `dialer key create`"
            challenge = 'Bearer realm="dialer"' + (', error="invalid_token"' if scheme else "")
            answer = problem(Kind.NO_KEY, detail, request_id=request_id, headers={"WWW-Authenticate": challenge})
            await answer(scope, receive, send)
            return
        state["key"] = key
        await self._app(scope, receive, send)


def require(permission: Permission) -> Any:
    """A dependency that gives the caller's key if its role has the permission, and refuses the request otherwise.

    Args:
        permission: What the operation needs.
    """

    async def caller(
        request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Security(_SCHEME)] = None
    ) -> Key:
        key: Key = request.state.key
        if permission not in ROLES[key.role]:
            allowed = ", ".join(role.value for role in Role if permission in ROLES[role])
            detail = f"a key of role {key.role} may not do that; use one of role {allowed}"
            raise HTTPException(Kind.FORBIDDEN.status, detail)
        return key

    return Depends(caller)
