"""Imported contact lists as the scrub reads them: their files, their columns, and whether they go together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from dialer.errors import ContactFileError
from dialer.storage.layout import NUMBER_COLUMNS, RESERVED_COLUMNS
from dialer.storage.sql import identifier, load, path_literal


@dataclass(frozen=True, slots=True)
class ContactList:
    """One imported list.

    Attributes:
        path: The parquet file.
        source: Name of the file it was imported from.
        excluded: Parquet file of the rows that the import left out.
        phones: Columns of numbers.
        columns: Text columns of the card.
    """

    path: Path
    source: str
    excluded: Path
    phones: int
    columns: tuple[str, ...]


def open_list(path: Path) -> ContactList:
    """Look at a file that ``import_contacts`` wrote.

    Raises:
        ContactFileError: It cannot be read, or is something else.
    """
    schema = open_numbers(path)
    known = schema.metadata or {}
    if b"source" not in known or b"excluded" not in known:
        msg = f"{path} is not an imported contact list: import the list first"
        raise ContactFileError(msg)
    excluded = path.parent / known[b"excluded"].decode()
    open_numbers(excluded)
    return ContactList(
        path=path,
        source=known[b"source"].decode(),
        excluded=excluded,
        phones=sum(name in schema.names and schema.field(name).type == pa.int64() for name in NUMBER_COLUMNS),
        columns=tuple(name for name in schema.names if name not in RESERVED_COLUMNS),
    )


def open_numbers(path: Path) -> pa.Schema:
    """Schema of an imported file, whose column ``number`` holds numbers.

    Raises:
        ContactFileError: It cannot be read, or has no numbers.
    """
    try:
        schema = pq.read_schema(path)
    except FileNotFoundError as error:
        msg = f"{path} does not exist: import the list again"
        raise ContactFileError(msg) from error
    except (OSError, pa.ArrowException) as error:
        msg = f"{path} is damaged, or was never imported: import the list again"
        raise ContactFileError(msg) from error
    if "number" not in schema.names or schema.field("number").type != pa.int64():
        msg = f"{path} has no numbers: give a file that an import wrote"
        raise ContactFileError(msg)
    return schema


def columns_of(lists: Sequence[ContactList]) -> dict[str, str]:
    """Text columns of all lists: name by the name without case. Inside they are called ``c0``, ``c1`` and so on."""
    found: dict[str, str] = {}
    for one in lists:
        for name in one.columns:
            found.setdefault(name.casefold(), name)
    return found


def make_everything(con: duckdb.DuckDBPyConnection, lists: Sequence[ContactList], columns: Mapping[str, str]) -> int:
    """Make the view ``everything``, one row for each contact of each list.

    Args:
        con: Connection to make it in.
        lists: The lists, in dialling order.
        columns: What ``columns_of`` says of them.

    Returns:
        How many columns of numbers it has.
    """
    phones = max(one.phones for one in lists)
    parts = []
    for at, one in enumerate(lists):
        own = {name.casefold(): identifier(name) for name in one.columns}
        cells = "".join(f", {own.get(key, 'NULL::VARCHAR')} AS c{place}" for place, key in enumerate(columns))
        numbers = [
            name if place < one.phones else f"NULL::BIGINT AS {name}"
            for place, name in enumerate(NUMBER_COLUMNS[:phones])
        ]
        given = {"list_no": at, "numbers": ", ".join(numbers), "columns": cells, "path": path_literal(one.path)}
        parts.append(load("scrub")["one_list"].format(**given))
    con.execute(load("scrub")["everything"].format(lists=" UNION ALL ".join(parts)))
    return phones


def matching_columns(lists: Mapping[str, Sequence[str]]) -> None:
    """Refuse lists that do not have the same columns, whatever their order and case.

    Args:
        lists: Columns by list, as the catalogue has them.

    Raises:
        ContactFileError: Two lists differ; the line names them and the columns that one of them lacks.
    """
    named = iter(lists.items())
    first, wanted = next(named, ("", ()))
    for name, columns in named:
        lacking = _missing(wanted, columns)
        more = _missing(columns, wanted)
        if lacking or more:
            parts = [f"{name} lacks {', '.join(lacking)}"] * bool(lacking) + [
                f"{first} lacks {', '.join(more)}"
            ] * bool(more)
            msg = f"lists {first} and {name} do not have the same columns: {'; '.join(parts)}"
            raise ContactFileError(msg)


def _missing(wanted: Sequence[str], columns: Sequence[str]) -> list[str]:
    known = {column.casefold() for column in columns}
    return [column for column in wanted if column.casefold() not in known]
