"""The scrub: imported lists minus what may not be called, as the file of one run.

Every row of every list ends in exactly one of two files: ``contacts.arrow``, in dialling order and ready to be mapped
(see ``contacts.py``), or ``excluded.parquet``, with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa

from dialer.domain.ids import MAX_CONTACT
from dialer.domain.selection import AS_LISTED, Selection
from dialer.errors import ContactFileError
from dialer.storage.layout import (
    AGENT_COLUMN,
    ID_COLUMN,
    NUMBER_COLUMNS,
    PRIORITY_COLUMN,
    ZONE_COLUMN,
    ZONE_KEY_COLUMNS,
)
from dialer.storage.lists import ContactList, columns_of, make_everything, open_list, open_numbers
from dialer.storage.numbers import declared_zone, zones_of
from dialer.storage.selecting import filter_sql, order_sql
from dialer.storage.sql import identifier, literal, load, path_literal
from dialer.storage.workspace import publish, workspace

CONTACTS_FILE = "contacts.arrow"
EXCLUDED_FILE = "excluded.parquet"
_MAX_KEYS = 1 << 16


@dataclass(frozen=True, slots=True)
class ScrubReport:
    """What became of the rows of the lists.

    Attributes:
        contacts: Rows of all lists as they were imported; equals ``dialable`` plus everything in ``excluded``.
        dialable: Contacts written.
        excluded: Rows left out, by the import or now, by ``ExcludedReason`` value.
        removed: Numbers taken off contacts that have another one, by ``ExcludedReason`` value.
    """

    contacts: int
    dialable: int
    excluded: dict[str, int]
    removed: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Work:
    """What every step of one scrub needs."""

    con: duckdb.DuckDBPyConnection
    lists: list[ContactList]
    columns: dict[str, str]  #: as ``columns_of`` gives them
    phones: int  #: columns of numbers
    mapping: Path | None

    @property
    def numbers(self) -> str:
        """Table of single numbers."""
        return "phones" if self.phones > 1 else "listed"

    def cell(self, name: str) -> str:
        """The column of this name as SQL, ``NULL`` if no list has it."""
        return f"c{list(self.columns).index(name)}" if name in self.columns else "NULL"


def scrub(
    lists: Sequence[Path],
    *,
    dnc: Sequence[Path],
    out_dir: Path,
    selection: Selection = AS_LISTED,
    mapping: Path | None = None,
    seed: int = 0,
    agents: bool = True,
) -> ScrubReport:
    """Write the contact file of a run. A run without a dialable contact is the caller's to refuse.

    Args:
        lists: Files that ``import_contacts`` wrote, in dialling order; at least one.
        dnc: Files that ``import_numbers`` wrote.
        out_dir: Directory to write ``contacts.arrow`` and ``excluded.parquet`` to; made if missing.
        selection: Which contacts, in which order.
        mapping: File that ``import_mapping`` wrote; what it says beats the columns of the lists.
        seed: Of a random order, for example the number of the run.
        agents: Contacts may be mapped to agents; False where there are none.

    Returns:
        The report.

    Raises:
        ContactFileError: A list cannot be read, or the result cannot be written; nothing was written.
        ConfigError: Filter or order name a column that no list has.
    """
    opened = [open_list(path) for path in lists]
    if not opened:
        msg = "no contact list is given: give at least one"
        raise ContactFileError(msg)
    for path in (*dnc, *([mapping] if mapping else [])):
        open_numbers(path)
    sql = load("scrub")
    with workspace(out_dir) as (con, scratch):
        columns = columns_of(opened)
        work = _Work(con, opened, columns, make_everything(con, opened, columns), mapping)
        _filter(work, selection)
        _prepare(work, dnc)
        zone_sets = _place(con)
        _judge(work)
        contacts, excluded = scratch / CONTACTS_FILE, scratch / EXCLUDED_FILE
        left_out = [
            sql["excluded_rows"].format(list_no=at, path=path_literal(one.excluded)) for at, one in enumerate(opened)
        ] + [sql["excluded_filtered"]] * (selection.only is not None)
        con.execute(sql["write_excluded"].format(left_out=" UNION ALL ".join(left_out), target=literal(excluded)))
        named = _choose(work, agents=agents)
        order = order_sql(con, selection, columns, seed=seed, priorities=mapping is not None)
        metadata = {"zone_sets": zone_sets, "lists": [one.source for one in opened], "agents": named}
        dialable = _write(con, _dialable(work, order, mapped=len(named) > 1), contacts, metadata)
        reasons = dict(con.execute(sql["count_excluded"].format(target=path_literal(excluded))).fetchall())
        removed = dict(con.execute(sql["count_removed"]).fetchall()) if work.phones > 1 else {}
        publish({excluded: out_dir / EXCLUDED_FILE, contacts: out_dir / CONTACTS_FILE})
    return ScrubReport(dialable + sum(reasons.values()), dialable, reasons, removed)


def _filter(work: _Work, selection: Selection) -> None:
    """Make the view ``listed``: what the filter lets through."""
    sql = load("scrub")
    if selection.only is not None:
        condition, values = filter_sql(selection.only, work.columns)
        work.con.execute(sql["filtered"].format(condition=condition), values)
    work.con.execute(sql["listed" if selection.only is None else "listed_filtered"])


def _prepare(work: _Work, dnc: Sequence[Path]) -> None:
    """Make everything that the judgement needs but the zones."""
    sql, con, numbers = load("scrub"), work.con, work.numbers
    declared = work.cell(ZONE_COLUMN)
    if work.phones > 1:
        parts = [
            sql["phone"].format(place=place, suffix=f"_{place}" if place > 1 else "", declared=declared)
            for place in range(1, work.phones + 1)
        ]
        con.execute(sql["phones"].format(phones=" UNION ALL ".join(parts)))
    nothing = pa.table({"number": pa.array([], pa.int64())})
    if dnc:
        paths = "[" + ", ".join(path_literal(path) for path in dnc) + "]"
        con.execute(sql["on_dnc"].format(paths=paths, numbers=numbers))
    else:
        con.register("on_dnc", nothing)
    if len(work.lists) > 1:
        con.execute(sql["repeats"].format(numbers=numbers))
    else:
        con.register("repeats", nothing.append_column("kept_list", pa.array([], pa.uint16())))
    names = {"list_no": pa.array(range(len(work.lists)), pa.uint16()), "source_list": [o.source for o in work.lists]}
    con.register("names", pa.table(names))
    con.execute(sql["placed"].format(declared="declared_zone" if work.phones > 1 else declared, numbers=numbers))


def _judge(work: _Work) -> None:
    """Make the view ``judged``, of contacts; by way of their numbers where they have several."""
    sql = load("scrub")
    work.con.execute(sql["judged"].format(judged="judged" if work.phones == 1 else "judged_phones"))
    if work.phones > 1:
        work.con.execute(sql["gathered"])
        work.con.execute(sql["judged_by_phones"])


def _choose(work: _Work, *, agents: bool) -> list[str]:
    """Make the view ``chosen``: dialable contacts with agent and priority; the agents by key, key 0 for none."""
    sql, con = load("scrub"), work.con
    agent, rank = f"lower(trim({work.cell(AGENT_COLUMN)}))", f"try_cast(trim({work.cell(PRIORITY_COLUMN)}) AS DOUBLE)"
    priority = f"CASE WHEN isfinite({rank}) THEN {rank} END"
    joined = ""
    if work.mapping is not None:
        given = {"mapping": path_literal(work.mapping), "id": work.cell(ID_COLUMN), "numbers": work.numbers}
        con.execute(sql["mapped"].format(place="n.place" if work.phones > 1 else 1, **given))
        agent, priority = f"coalesce(mapped.agent, {agent})", f"coalesce(mapped.priority, {priority})"
        joined = "LEFT JOIN mapped USING (list_no, source_row)"
    con.execute(sql["chosen"].format(agent=agent, priority=priority, mapped=joined))
    if not agents or (work.mapping is None and AGENT_COLUMN not in work.columns):
        return [""]
    named = ["", *(name for (name,) in con.execute(sql["agents"]).fetchall())]
    if len(named) > _MAX_KEYS:
        msg = f"the lists name {len(named)} different agents, at most {_MAX_KEYS - 1}: check the column {AGENT_COLUMN}"
        raise ContactFileError(msg)
    keys = {"agent": named, "agent_key": pa.array(range(len(named)), pa.uint16())}
    con.register("agent_keys", pa.table(keys))
    return named


def _dialable(work: _Work, order: str, *, mapped: bool) -> str:
    """The query of the contact file."""
    phones = "".join(
        f", coalesce(good[{place}].number, 0) AS {number}, coalesce(good[{place}].zone_key, 0)::USMALLINT AS {zone_key}"
        for place, (number, zone_key) in enumerate(zip(NUMBER_COLUMNS, ZONE_KEY_COLUMNS, strict=True), 1)
        if 1 < place <= work.phones
    )
    return load("scrub")["dialable"].format(
        phones=phones,
        agent_key=", coalesce(agent_key, 0)::USMALLINT AS agent_key" if mapped else "",
        agents="LEFT JOIN agent_keys USING (agent)" if mapped else "",
        columns="".join(f", c{at} AS {identifier(name)}" for at, name in enumerate(work.columns.values())),
        order=order,
    )


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
    if len(keys) > _MAX_KEYS:
        msg = f"the lists declare {len(keys)} different sets of time zones, at most {_MAX_KEYS}: check time_zone"
        raise ContactFileError(msg)
    places = {"area": pa.array(areas, pa.int64()), "declared": pa.array(texts, pa.string())}
    con.register("places", pa.table({**places, "zone_key": pa.array(zone_keys, pa.uint16())}))
    return list(keys)


def _write(con: duckdb.DuckDBPyConnection, query: str, target: Path, metadata: Mapping[str, object]) -> int:
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
