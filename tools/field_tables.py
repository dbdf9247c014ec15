"""The fields of the files that operators write, from their descriptions: part of ``make_diagrams.py``."""

from __future__ import annotations

import typing
from typing import Any

from pydantic import BaseModel

from dialer.config import CampaignFile, ServiceFile

BEGIN, END = "<!-- fields: begin -->", "<!-- fields: end -->"


def fields() -> str:
    """A table for the campaign file and one for the service file, sections after the field that holds them."""
    parts = []
    for title, model in (("A campaign file", CampaignFile), ("A service file", ServiceFile)):
        rows = [f"| `{name}` | {says} |" for name, says in _rows(model, "")]
        parts += [f"{title}:", "", "| field | meaning |", "|---|---|", *rows, ""]
    return "\n".join(["", *parts])


def put_in(text: str) -> str:
    """A document with its tables renewed."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{fields()}{END}{tail}"


def _rows(model: type[BaseModel], above: str) -> list[tuple[str, str]]:
    rows = []
    for name, field in model.model_fields.items():
        rows.append((above + name, field.description or ""))
        section, many = _section(field.annotation)
        if section is not None:
            rows += _rows(section, f"{above}{name}{'[]' if many else ''}.")
    return rows


def _section(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The section that a field holds, and whether it holds a list of them."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    many = typing.get_origin(annotation) is list
    for part in typing.get_args(annotation):
        section, inner = _section(part)
        if section is not None:
            return section, many or inner
    return None, False
