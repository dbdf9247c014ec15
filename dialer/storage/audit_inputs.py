"""What the audit compares the records with: limits and lists from the catalogue, and local time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from dialer.storage.sql import load
from dialer.storage.store import Store

_RUN_DOCS = pa.schema([("run_no", pa.int64()), ("campaign", pa.string()), ("max_attempts", pa.int64())])
_RUN_WITH_HOURS = pa.schema([("run_no", pa.int64())])
_RUN_HOURS = pa.schema([(name, pa.int64()) for name in ("run_no", "weekday", "from_minute", "to_minute")])
_RUN_CAPS = pa.schema([(name, pa.int64()) for name in ("run_no", "max_count", "window_us")])
_RUN_CONTACTS = pa.schema([(name, pa.int64()) for name in ("run_no", "dialable", "excluded", "listed")])
_TRUNKS = pa.schema([("trunk", pa.string()), ("lines", pa.int64()), ("calls_per_s", pa.int64())])
_LIST_USES = pa.schema([("campaign", pa.string()), ("dnc_list", pa.string())])
_LIST_NUMBERS = pa.schema([("dnc_list", pa.string()), ("number", pa.int64())])
_MINUTES = pa.schema(
    [("zone", pa.string()), ("utc_minute", pa.int64()), ("weekday", pa.int64()), ("minute", pa.int64())]
)


@dataclass(frozen=True, slots=True)
class AuditInputs:
    """Tables to register, by the name the queries use."""

    tables: dict[str, pa.Table]
    caps: list[tuple[int, int]]  #: each different (limit, window_us)
    problems: list[str]  #: list files that could not be read


def inputs(store: Store) -> AuditInputs:
    """Collect what the catalogue promises.

    Args:
        store: The open store. Paths in its documents may be relative to its data directory.

    Returns:
        The tables.
    """
    runs = [(int(run_no), doc) for run_no, doc in store.all("run")]
    caps = [(run_no, int(limit), int(window_us)) for run_no, doc in runs for limit, window_us in doc.get("caps") or ()]
    numbers, problems = _list_numbers(store)
    tables = {
        "run_docs": _table(_RUN_DOCS, [(n, d.get("campaign"), d.get("max_attempts")) for n, d in runs]),
        "run_docs_with_hours": _table(_RUN_WITH_HOURS, [(n,) for n, d in runs if d.get("hours") is not None]),
        "run_hours": _table(_RUN_HOURS, [(n, *span) for n, d in runs for span in d.get("hours") or ()]),
        "run_caps": _table(_RUN_CAPS, caps),
        "run_contacts": _table(_RUN_CONTACTS, [_contacts(store.data_dir, n, d) for n, d in runs if "rows" in d]),
        "trunk_limits": _table(_TRUNKS, [(t, d.get("lines"), d.get("calls_per_s")) for t, d in store.all("trunk")]),
        "list_uses": _table(_LIST_USES, list_uses(store)),
        "list_numbers": numbers,
    }
    return AuditInputs(tables, sorted({(limit, window_us) for _, limit, window_us in caps}), problems)


def local_minutes(zone_minutes: pa.Table) -> pa.Table:
    """Local weekday and minute of the day for each (zone, UTC minute).

    The offset of a zone changes only at whole minutes, so a minute has one local time.

    Args:
        zone_minutes: Columns ``zone`` and ``utc_minute`` (minutes since 1970).

    Returns:
        The same rows with ``weekday`` (0 is Monday) and ``minute`` (0 to 1439), without those of unknown zones.
    """
    zones: dict[str, ZoneInfo | None] = {}
    found: list[tuple[str, int, int, int]] = []
    pairs = zip(zone_minutes["zone"].to_pylist(), zone_minutes["utc_minute"].to_pylist(), strict=True)
    for name, utc_minute in pairs:
        if name not in zones:
            zones[name] = zone_or_none(name)
        zone = zones[name]
        if zone is not None:
            local = datetime.fromtimestamp(utc_minute * 60, UTC).astimezone(zone)
            found.append((name, utc_minute, local.weekday(), local.hour * 60 + local.minute))
    return _table(_MINUTES, found)


def zone_or_none(name: str) -> ZoneInfo | None:
    """The IANA zone, None if there is none of this name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, ill-formed (empty, "..") or a folder of zones
        return None


def count_rows(data_dir: Path, path: object) -> int | None:
    """Rows of an Arrow IPC or parquet file; None if it cannot be read."""
    if not isinstance(path, str):
        return None
    try:
        if path.endswith(".parquet"):
            return int(pq.read_metadata(data_dir / path).num_rows)
        with pa.memory_map(str(data_dir / path)) as source, pa.ipc.open_file(source) as reader:
            return sum(int(reader.get_batch(i).num_rows) for i in range(reader.num_record_batches))
    except (OSError, pa.ArrowException):
        return None


def _contacts(data_dir: Path, run_no: int, doc: dict[str, Any]) -> tuple[int, int | None, int | None, int]:
    counts = (count_rows(data_dir, doc.get("contacts")), count_rows(data_dir, doc.get("excluded")))
    return run_no, *counts, int(doc["rows"])


def list_uses(store: Store) -> list[tuple[str, str]]:
    """Every list that applies to each campaign: its own, and the global ones."""
    everywhere = {name for name, doc in store.all("dnc_list") if doc.get("global")}
    uses = {key: everywhere | set(doc.get("dnc_lists") or ()) for key, doc in store.all("campaign")}
    for (campaign,) in store.rows(load("audit")["campaigns_seen"]):
        uses.setdefault(campaign, everywhere)  # deleted since; global lists bound it all the same
    return sorted((campaign, name) for campaign, names in uses.items() for name in names)


def _list_numbers(store: Store) -> tuple[pa.Table, list[str]]:
    """(list, number) for each dialled number that is in a list's file; only those, however long the list is."""
    parts, problems = [_table(_LIST_NUMBERS, [])], []
    for name, doc in store.all("dnc_list"):
        path = doc.get("path")
        if path is None:
            continue  # a list that lives from changes alone
        if count_rows(store.data_dir, path) is None:
            problems.append(f"list {name}: its file cannot be read")
            continue
        found = store.table(load("audit")["numbers_on_list"], [name, str(store.data_dir / path)])
        parts.append(found.cast(_LIST_NUMBERS))
    return pa.concat_tables(parts), problems


def _table(schema: pa.Schema, rows: list[tuple[Any, ...]]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    arrays = [pa.array(list(values), field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
