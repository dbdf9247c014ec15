"""The scrub: imported lists minus what may not be called, as the file of one run.

Every row of every list ends in exactly one of two files: ``contacts.arrow``, in dialling order and ready to be mapped
(see ``contacts.py``), or ``excluded.parquet``, with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from dialer.domain.ids import MAX_CONTACT
from dialer.errors import ConfigError, ContactFileError
from dialer.storage.layout import RESERVED_COLUMNS, ZONE_COLUMN
from dialer.storage.numbers import declared_zone, zones_of
from dialer.storage.sql import identifier, literal, load, path_literal
from dialer.storage.workspace import publish, workspace

CONTACTS_FILE = "contacts.arrow"
EXCLUDED_FILE = "excluded.parquet"
ORDERS = ("file",)
_MAX_ZONE_SETS = 1 << 16


@dataclass(frozen=True, slots=True)
class ScrubReport:
    """What became of the rows of the lists.

    Attributes:
        contacts: Rows of all lists as they were imported; equals ``dialable`` plus everything in ``excluded``.
        dialable: Contacts written.
        excluded: Rows left out, by the import or now, by ``ExcludedReason`` value.
    """

    contacts: int
    dialable: int
    excluded: dict[str, int]


@dataclass(frozen=True, slots=True)
class _List:
    """One imported list.

    Attributes:
        path: The parquet file.
        source: Name of the file it was imported from.
        excluded: Parquet file of the rows that the import left out.
        columns: Text columns of the card.
    """

    path: Path
    source: str
    excluded: Path
    columns: tuple[str, ...]


def scrub(lists: Sequence[Path], *, dnc: Sequence[Path], out_dir: Path, order: str = "file") -> ScrubReport:
    """Write the contact file of a run. A run without a dialable contact is the caller's to refuse.

    Args:
        lists: Files that ``import_contacts`` wrote, in dialling order; at least one.
        dnc: Files that ``import_numbers`` wrote.
        out_dir: Directory to write ``contacts.arrow`` and ``excluded.parquet`` to; made if missing.
        order: ``file``: as the lists and their rows stand.

    Returns:
        The report.

    Raises:
        ContactFileError: A list cannot be read, or the result cannot be written; nothing was written.
        ConfigError: No such order.
    """
    if order not in ORDERS:
        msg = f"unknown order {order!r}: give {', '.join(ORDERS)}"
        raise ConfigError(msg)
    opened = [_open_list(path) for path in lists]
    if not opened:
        msg = "no contact list is given: give at least one"
        raise ContactFileError(msg)
    for path in dnc:
        _open_parquet(path)
    sql = load("scrub")
    with workspace(out_dir) as (con, scratch):
        columns = _columns(opened)
        _prepare(con, opened, dnc, columns)
        zone_sets = _place(con)
        con.execute(sql["judged"])
        contacts, excluded = scratch / CONTACTS_FILE, scratch / EXCLUDED_FILE
        imported = [
            sql["excluded_rows"].format(list_no=at, path=path_literal(one.excluded)) for at, one in enumerate(opened)
        ]
        con.execute(sql["write_excluded"].format(imported=" UNION ALL ".join(imported), target=literal(excluded)))
        metadata = {"zone_sets": zone_sets, "lists": [one.source for one in opened]}
        listed = "".join(f", c{at} AS {identifier(name)}" for at, name in enumerate(columns.values()))
        dialable = _write(con, sql["dialable"].format(columns=listed), contacts, metadata)
        reasons = dict(con.execute(sql["count_excluded"].format(target=path_literal(excluded))).fetchall())
        publish({excluded: out_dir / EXCLUDED_FILE, contacts: out_dir / CONTACTS_FILE})
    return ScrubReport(contacts=dialable + sum(reasons.values()), dialable=dialable, excluded=reasons)


def _open_parquet(path: Path) -> pa.Schema:
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


def _open_list(path: Path) -> _List:
    schema = _open_parquet(path)
    known = schema.metadata or {}
    if b"source" not in known or b"excluded" not in known:
        msg = f"{path} is not an imported contact list: import the list first"
        raise ContactFileError(msg)
    excluded = path.parent / known[b"excluded"].decode()
    _open_parquet(excluded)
    return _List(
        path=path,
        source=known[b"source"].decode(),
        excluded=excluded,
        columns=tuple(name for name in schema.names if name not in RESERVED_COLUMNS),
    )


def _columns(lists: list[_List]) -> dict[str, str]:
    """The columns of the card: name by the name without case. Inside they are called ``c0``, ``c1`` and so on."""
    found: dict[str, str] = {}
    for one in lists:
        for name in one.columns:
            found.setdefault(name.casefold(), name)
    return found


def _prepare(con: duckdb.DuckDBPyConnection, lists: list[_List], dnc: Sequence[Path], columns: dict[str, str]) -> None:
    """Make everything that the judgement needs but the zones."""
    sql = load("scrub")
    parts = []
    for at, one in enumerate(lists):
        own = {name.casefold(): identifier(name) for name in one.columns}
        cells = "".join(f", {own.get(key, 'NULL::VARCHAR')} AS c{place}" for place, key in enumerate(columns))
        parts.append(sql["one_list"].format(list_no=at, columns=cells, path=path_literal(one.path)))
    con.execute(sql["listed"].format(lists=" UNION ALL ".join(parts)))
    nothing = pa.table({"number": pa.array([], pa.int64())})
    if dnc:
        con.execute(sql["on_dnc"].format(paths="[" + ", ".join(path_literal(path) for path in dnc) + "]"))
    else:
        con.register("on_dnc", nothing)
    if len(lists) > 1:
        con.execute(sql["repeats"])
    else:
        con.register("repeats", nothing.append_column("kept_list", pa.array([], pa.uint16())))
    names = {"list_no": pa.array(range(len(lists)), pa.uint16()), "source_list": [one.source for one in lists]}
    con.register("names", pa.table(names))
    declared = f"c{list(columns).index(ZONE_COLUMN)}" if ZONE_COLUMN in columns else "NULL"
    con.execute(sql["placed"].format(declared=declared))


def _place(con: duckdb.DuckDBPyConnection) -> list[tuple[str, ...]]:
    """Make the table ``places``: a zone key for each area code and declared zone that occur together.

    A declared zone only ever adds to those of the area code: the call must be allowed in all of them. A text that names
    no zone is as good as none.
    """
    keys: dict[tuple[str, ...], int] = {}
    areas: list[int] = []
    texts: list[str] = []
    zone_keys: list[int | None] = []
    for nanp, area, text in con.execute(load("scrub")["places"]).fetchall():
        if not nanp:
            continue
        zones = zones_of((1000 + area) * 10_000_000)
        declared = declared_zone(text)
        if zones and declared:
            zones = tuple(sorted({*zones, declared}))
        areas.append(area)
        texts.append(text)
        zone_keys.append(keys.setdefault(zones, len(keys)) if zones else None)
    if len(keys) > _MAX_ZONE_SETS:
        msg = f"the lists declare {len(keys)} different sets of time zones, at most {_MAX_ZONE_SETS}: check time_zone"
        raise ContactFileError(msg)
    places = {"area": pa.array(areas, pa.int64()), "declared": pa.array(texts, pa.string())}
    con.register("places", pa.table({**places, "zone_key": pa.array(zone_keys, pa.uint16())}))
    return list(keys)


def _write(con: duckdb.DuckDBPyConnection, query: str, target: Path, metadata: dict[str, object]) -> int:
    """Write the result of a query as an Arrow file; the number of rows."""
    rows = 0
    reader = pa.RecordBatchReader.from_stream(con.sql(query))
    schema = reader.schema.with_metadata({key: json.dumps(value) for key, value in metadata.items()})
    with pa.OSFile(str(target), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for batch in reader:
            writer.write_batch(batch.replace_schema_metadata(schema.metadata))
            rows += batch.num_rows
    if rows > MAX_CONTACT:
        msg = f"{rows} dialable contacts are too many for one run, at most {MAX_CONTACT}: split the lists"
        raise ContactFileError(msg)
    return rows
