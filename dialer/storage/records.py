"""Journal rows as Arrow tables, and back: which table a row belongs to, and the type of each column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from enum import Enum
from operator import attrgetter
from typing import Any

import pyarrow as pa

from dialer.domain import events as e
from dialer.domain import rows as r
from dialer.domain.flow import FlowResult
from dialer.domain.flow_talk import FlowEnded
from dialer.domain.kinds import AgentState, CampaignState, Outcome

_ARROW = {"int": pa.int64(), "str": pa.string(), "bool": pa.bool_()}
_ENUMS: dict[str, type[Enum]] = {
    "Outcome": Outcome,
    "AgentState": AgentState,
    "CampaignState": CampaignState,
    "FlowResult": FlowResult,
}
_ENUM_ARROW = {"Outcome": pa.int8(), "AgentState": pa.string(), "CampaignState": pa.string(), "FlowResult": pa.string()}


@dataclass(frozen=True, slots=True)
class RecordType:
    """How one class of journal rows is stored."""

    table: str
    row: type[Any]
    schema: pa.Schema
    columns: Callable[[Any], tuple[Any, ...]]
    enums: tuple[tuple[int, type[Enum]], ...]

    def to_table(self, rows: Sequence[object]) -> pa.Table:
        """Rows of this class, column by column."""
        by_column = zip(*map(self.columns, rows), strict=True)
        arrays = [pa.array(values, field.type) for values, field in zip(by_column, self.schema, strict=True)]
        return pa.Table.from_arrays(arrays, schema=self.schema)

    def to_rows(self, table: pa.Table) -> list[Any]:
        """Rows of a table that has at least this type's columns."""
        columns = [table.column(name).to_pylist() for name in self.schema.names]
        for position, enum in self.enums:
            columns[position] = [enum(value) for value in columns[position]]
        return [self.row(*values) for values in zip(*columns, strict=True)]


def _record(table: str, row: type[Any]) -> RecordType:
    kinds = [(field.name, str(field.type)) for field in fields(row)]
    schema = pa.schema([(name, _ENUM_ARROW.get(kind) or _ARROW[kind]) for name, kind in kinds])
    enums = tuple((at, _ENUMS[kind]) for at, (_, kind) in enumerate(kinds) if kind in _ENUMS)
    return RecordType(table, row, schema, attrgetter(*(name for name, _ in kinds)), enums)


#: Every class the journal takes.
RECORDS: dict[type[Any], RecordType] = {
    record.row: record
    for record in (
        _record("intents", r.IntentRow),
        _record("outcomes", r.OutcomeRow),
        _record("dispositions", e.DispositionSet),
        _record("agent_sessions", e.AgentSessionChanged),
        _record("skips", r.SkipRow),
        _record("flows", FlowEnded),
        _record("dnc_changes", r.DncRow),
        _record("campaign_states", r.CampaignStateRow),
    )
}


def group(rows: Iterable[object]) -> list[tuple[str, pa.Table]]:
    """Sort journal rows into tables, keeping their order within each.

    Args:
        rows: Instances of the classes in ``RECORDS``.

    Returns:
        Table name and Arrow table, one pair for each class that occurs.

    Raises:
        TypeError: A row is of a class the journal does not know.
    """
    found: dict[type[Any], list[object]] = {}
    for row in rows:
        found.setdefault(type(row), []).append(row)
    unknown = [cls.__name__ for cls in found if cls not in RECORDS]
    if unknown:
        msg = f"not a journal row: {', '.join(unknown)}"
        raise TypeError(msg)
    return [(RECORDS[cls].table, RECORDS[cls].to_table(of_class)) for cls, of_class in found.items()]
