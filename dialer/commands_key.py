"""``dialer key``: keys of the HTTP API. They work at once, whether or not a service runs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from dialer.errors import ConfigError
from dialer.storage.keys import FILE_NAME, KeyFile, Role


def create_command(data: Path, name: str, role: str, *, as_json: bool) -> int:
    """Make a key and show it once.

    Raises:
        OperatorError: No such role or an unusable name.
    """
    if role not in tuple(Role):
        raise ConfigError(f"there is no role {role!r}; use one of: {', '.join(Role)}")
    key = KeyFile(data / FILE_NAME).create(name, Role(role), datetime.now(UTC))
    if as_json:
        print(json.dumps({"key": key, "name": name, "role": role}))
    else:
        print(key)  # alone on stdout, so that a shell can take it
        Console(stderr=True).print("shown once: keep it safe; only its hash is stored", style="dim", highlight=False)
    return 0


def list_command(data: Path) -> int:
    """List keys without their secrets."""
    table = Table("id", "name", "role", "created")
    for key in KeyFile(data / FILE_NAME).list():
        table.add_row(key.id, key.name, key.role.value, f"{key.created:%Y-%m-%d %H:%M} UTC")
    Console().print(table)
    return 0


def revoke_command(data: Path, key_id: str) -> int:
    """Revoke a key, at once.

    Raises:
        NotFoundError: There is no such key.
    """
    KeyFile(data / FILE_NAME).revoke(key_id)
    return 0
