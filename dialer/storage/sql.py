"""SQL statements from the ``.sql`` files beside this module, by name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

_MARK = "-- name:"


@cache
def load(name: str) -> Mapping[str, str]:
    """Read the statements of one file.

    Args:
        name: File name without ``.sql``.

    Returns:
        Statement text by the name that stands above it in a ``-- name: x`` line.

    Raises:
        ValueError: Two statements of the file have the same name.
    """
    text = files("dialer.storage").joinpath(f"{name}.sql").read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for part in ("\n" + text).split(f"\n{_MARK}")[1:]:
        title, _, body = part.partition("\n")
        if title.strip() in found:
            msg = f"{name}.sql has two statements named {title.strip()}"
            raise ValueError(msg)
        found[title.strip()] = body.strip()
    return MappingProxyType(found)


def literal(value: object) -> str:
    """A value as an SQL literal, for the places where DuckDB takes no parameter.

    Args:
        value: Text, path, number or truth value.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


def path_literal(path: Path) -> str:
    """A path to read, as an SQL literal; characters that would make it a pattern stand for themselves.

    Args:
        path: An existing file.
    """
    return literal("".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(path)))


def identifier(name: str) -> str:
    """A quoted column name.

    Args:
        name: Any text.
    """
    return '"' + name.replace('"', '""') + '"'
