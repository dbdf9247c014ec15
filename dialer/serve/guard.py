"""What surrounds every request: its id, its size, and the last net under errors nobody expected."""

from __future__ import annotations

import logging
import re
import secrets
import traceback

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dialer.serve.problems import Kind, masked, problem

log = logging.getLogger(__name__)

MAX_JSON_BYTES = 1 << 20
_UPLOAD = re.compile(r"/v1/(contact|dnc)-lists/[^/]+")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_MIB = 1 << 20


class RequestGuard:
    """Give each request an id, and answer errors nobody expected without a word of what went wrong inside.

    An id that came with the request is kept: who gave it (Ray Serve's proxy, a load balancer) shows it to the client.

    Args:
        app: What lies behind.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        known = _REQUEST_ID.fullmatch(given) is not None
        request_id = given if known else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        started = False

        async def send_on(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers.setdefault("Cache-Control", "no-store")
                headers["X-Content-Type-Options"] = "nosniff"
                if not known:
                    headers["X-Request-ID"] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_on)
        except Exception as error:  # noqa: BLE001 - the net under all of them
            # values may be telephone numbers: the log gets the error's class and its way through the code
            frames = traceback.extract_tb(error.__traceback__)
            way = " < ".join(f"{frame.filename}:{frame.lineno}" for frame in reversed(frames))
            where = f"{scope['method']} {masked(scope['path'])}"
            log.error("request %s: %s failed: %s at %s", request_id, where, type(error).__qualname__, way)  # noqa: TRY400 - the message may hold a number
            if not started:
                detail = "the dialer's log has more under this request's id"
                await problem(Kind.INTERNAL, detail, request_id=request_id)(scope, receive, send_on)


class BodyLimit:
    """Read no more of a request's body than belongs there.

    Args:
        app: What lies behind.
        max_upload_bytes: Limit for files that are put; anything else may have ``MAX_JSON_BYTES``.
    """

    def __init__(self, app: ASGIApp, *, max_upload_bytes: int) -> None:
        self._app = app
        self._max_upload_bytes = max_upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        upload = scope["method"] == "PUT" and _UPLOAD.fullmatch(scope["path"]) is not None
        limit = self._max_upload_bytes if upload else MAX_JSON_BYTES
        detail = f"at most {limit / _MIB:g} MiB are taken here" + ("; split the file" if upload else "")
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > limit:
            request_id = scope["state"]["request_id"]
            await problem(Kind.TOO_LARGE, detail, request_id=request_id)(scope, receive, send)
            return
        read = 0

        async def receive_on() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > limit:
                raise HTTPException(Kind.TOO_LARGE.status, detail)
            return message

        await self._app(scope, receive_on, send)
