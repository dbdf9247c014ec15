"""Files that clients send: streamed to disk, handed on, and deleted again. They hold telephone numbers."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from dialer.errors import OperatorError, ServiceError
from dialer.serve.problems import Kind

_PREFIX = "upload-"
_WRITE_BYTES = 1 << 20

#: For ``openapi_extra`` of operations that take a file: the body is read as it comes, not by FastAPI.
CSV_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A CSV file with a header: `curl -X PUT -H 'Content-Type: text/csv' --data-binary @FILE`.",
        "content": {
            "text/csv": {
                "schema": {"type": "string", "format": "binary"},
                "example": "phone,first_name\n+12125550100,Ada\n",
            }
        },
    }
}


class Uploads:
    """The directory of files on their way in. What a crash has left there is deleted at the start.

    Args:
        directory: Made if missing, for its owner only; on the node of the data directory.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in directory.glob(f"{_PREFIX}*"):
            left.unlink(missing_ok=True)

    @asynccontextmanager
    async def received(self, request: Request, filename: str) -> AsyncIterator[Path]:
        """The body of a request as a file, for the length of a ``with`` block.

        Args:
            request: A request whose body nobody has read.
            filename: What its owner calls the file; errors of the block speak of it by this name.

        Raises:
            HTTPException: The body is not declared as CSV, or too long.
            ServiceError: It cannot be written.
        """
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "text/csv":
            raise HTTPException(Kind.MEDIA.status, "send the file as it is, with the header Content-Type: text/csv")
        descriptor, name = await _on_disk(tempfile.mkstemp, ".csv", _PREFIX, self._directory)
        path = Path(name)
        try:
            await _write(request, descriptor)
            yield path
        except OperatorError as error:
            raise type(error)(error.message.replace(name, filename).replace(path.name, filename)) from error
        finally:
            path.unlink(missing_ok=True)  # noqa: ASYNC240 - has to happen, also when the request is cancelled


async def _write(request: Request, descriptor: int) -> None:
    """Memory holds one piece of the body at a time, however it is cut."""
    try:
        piece = bytearray()
        async for chunk in request.stream():
            piece += chunk
            if len(piece) >= _WRITE_BYTES:
                await _on_disk(_write_all, descriptor, bytes(piece))
                piece.clear()
        await _on_disk(_write_all, descriptor, bytes(piece))
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


async def _on_disk(work: Any, *args: Any) -> Any:
    try:
        return await run_in_threadpool(work, *args)
    except OSError as error:
        raise ServiceError(f"the upload cannot be written: {error.strerror}; make room and send it again") from error
