"""Filters and orders as SQL. What an operator wrote is a parameter or a column's number, never part of a statement."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from dialer.domain.kinds import DialingOrder
from dialer.domain.selection import Comparison, Condition, ContactFilter, Selection
from dialer.errors import ConfigError
from dialer.storage.layout import PRIORITY_COLUMN
from dialer.storage.lists import columns_of, make_everything, open_list
from dialer.storage.sql import load

Statement = tuple[str, list[object]]

_BY_TEXT: Mapping[Comparison, str] = {
    Comparison.EQUALS: "{cell} = lower(trim(?))",
    Comparison.NOT_EQUALS: "{cell} <> lower(trim(?))",
    Comparison.CONTAINS: "contains({cell}, lower(trim(?)))",
    Comparison.STARTS_WITH: "starts_with({cell}, lower(trim(?)))",
    Comparison.GREATER: "({cell} <> '' AND {cell} > lower(trim(?)))",
    Comparison.LESS: "({cell} <> '' AND {cell} < lower(trim(?)))",
}
_BY_NUMBER: Mapping[Comparison, str] = {
    Comparison.GREATER: "coalesce(isfinite({number}) AND {number} > ?, false)",
    Comparison.LESS: "coalesce(isfinite({number}) AND {number} < ?, false)",
}
#: Where rows that are equal otherwise stand.
_AS_LISTED = "list_no, source_row"


@dataclass(frozen=True, slots=True)
class FilterCount:
    """What a filter does to lists.

    Attributes:
        contacts: Contacts in the lists, as they were imported.
        kept: Contacts that pass.
        by_condition: Contacts that pass each condition alone.
    """

    contacts: int
    kept: int
    by_condition: tuple[int, ...]


def count_filter(lists: Sequence[Path], only: ContactFilter) -> FilterCount:
    """Try a filter on lists; nothing is written.

    Args:
        lists: Files that ``import_contacts`` wrote; at least one.
        only: The filter.

    Returns:
        The counts.

    Raises:
        ContactFileError: A list cannot be read.
        ConfigError: The filter names a column that no list has.
    """
    opened = [open_list(path) for path in lists]
    columns = columns_of(opened)
    counted = []
    with duckdb.connect() as con:
        make_everything(con, opened, columns)
        alone = [ContactFilter((condition,)) for condition in only.conditions]
        for one in (only, *alone):
            condition, values = filter_sql(one, columns)
            rows = con.execute(load("scrub")["count_filter"].format(condition=condition), values).fetchall()
            counted.append(rows[0])
    (contacts, kept), *others = counted
    return FilterCount(contacts, kept, tuple(passed for _, passed in others))


def filter_sql(only: ContactFilter, columns: Mapping[str, str]) -> Statement:
    """The condition of a filter, with the values of its parameters.

    Args:
        only: The filter.
        columns: Text columns by name without case, in the order in which they are numbered.

    Raises:
        ConfigError: It names a column that there is not.
    """
    parts, values = [], list[object]()
    for condition in only.conditions:
        part, given = _condition(condition, f"c{_number_of(condition.column, columns)}")
        parts.append(part)
        values += given
    return "(" + (" AND " if only.every else " OR ").join(parts) + ")", values


def _condition(condition: Condition, column: str) -> Statement:
    cell = f"lower(trim(coalesce({column}, '')))"
    by, values = condition.by, condition.values
    if by in {Comparison.EMPTY, Comparison.NOT_EMPTY}:
        return f"{cell} {'=' if by is Comparison.EMPTY else '<>'} ''", []
    if by is Comparison.IN:
        return f"{cell} IN ({', '.join(['lower(trim(?))'] * len(values))})", list(values)
    number = _finite(values[0])
    if by in _BY_NUMBER and number is not None:
        return _BY_NUMBER[by].format(number=f"try_cast({cell} AS DOUBLE)"), [number]
    return _BY_TEXT[by].format(cell=cell), [values[0]]


def _finite(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def order_sql(
    con: duckdb.DuckDBPyConnection, selection: Selection, columns: Mapping[str, str], *, seed: int, priorities: bool
) -> str:
    """The ORDER BY of a run's contacts; the view ``chosen`` is there.

    Args:
        con: The connection.
        selection: What the campaign wants.
        columns: Text columns by name without case, in the order in which they are numbered.
        seed: Of a random order; the same seed gives the same order.
        priorities: A mapping list gives contacts a priority.

    Raises:
        ConfigError: The order needs a column that there is not.
    """
    order = selection.order
    if order is DialingOrder.FIFO:
        return _AS_LISTED
    if order is DialingOrder.LIFO:
        return "list_no DESC, source_row DESC"
    if order is DialingOrder.RANDOM:
        return f"hash({int(seed)}::BIGINT, list_no, source_row), {_AS_LISTED}"
    if order is DialingOrder.PRIORITY:
        if PRIORITY_COLUMN not in columns and not priorities:
            msg = f"order priority needs a column {PRIORITY_COLUMN}, or a mapping list with priorities"
            raise ConfigError(msg)
        return f"priority DESC NULLS LAST, {_AS_LISTED}"
    column = f"c{_number_of(selection.order_by, columns)}"
    ((numeric,),) = con.execute(load("scrub")["all_numeric"].format(column=column)).fetchall()
    value = f"try_cast(trim({column}) AS DOUBLE)" if numeric else f"nullif(lower(trim({column})), '')"
    direction = "ASC" if order is DialingOrder.COLUMN_UP else "DESC"
    return f"{value} {direction} NULLS LAST, {_AS_LISTED}"


def _number_of(column: str, columns: Mapping[str, str]) -> int:
    key = column.strip().casefold()
    if key not in columns:
        msg = f"the lists have no column {column!r}: they have {', '.join(columns.values()) or 'only numbers'}"
        raise ConfigError(msg)
    return list(columns).index(key)
