"""The note a running service leaves in its data directory, so that commands on the same machine can ask it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

from dialer.errors import OperatorError, ServiceError

FILE_NAME = "service.json"
_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Service:
    """A running service: only who may read the data directory can read its key."""

    pid: int
    url: str
    key: str

    def ask(self, path: str, *, post: dict[str, Any] | None = None) -> Any:
        """Call the API.

        Args:
            path: From the root, for example ``/v1/snapshot``.
            post: A body to POST; None for a GET.

        Raises:
            OperatorError: The service refuses, with its own words.
            ServiceError: It does not answer.
        """
        try:
            with httpx.Client(base_url=self.url, timeout=_TIMEOUT_S, trust_env=False) as client:
                headers = {"authorization": f"Bearer {self.key}"}
                answer = (
                    client.get(path, headers=headers) if post is None else client.post(path, headers=headers, json=post)
                )
        except httpx.HTTPError as error:
            raise ServiceError(f"the service at {self.url} does not answer: {error}") from error
        if answer.is_error:
            problem = answer.json()
            raise OperatorError(str(problem.get("detail") or problem["title"]))
        return answer.json()

    def write(self, data: Path) -> None:
        """Leave the note."""
        path = data / FILE_NAME
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(asdict(self), file)


def find_service(data: Path) -> Service | None:
    """The service that holds a data directory, None if none runs on this machine."""
    try:
        service = Service(**json.loads((data / FILE_NAME).read_text(encoding="utf-8")))
        os.kill(service.pid, 0)
    except (OSError, ValueError, TypeError):
        return None
    return service


def remove_note(data: Path) -> None:
    """The service ends."""
    (data / FILE_NAME).unlink(missing_ok=True)
