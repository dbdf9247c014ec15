"""What the audit compares the records with: limits and lists from the catalogue, and local time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from dialer.storage.sql import load, path_literal
from dialer.storage.store import Store

_RUN_DOCS = pa.schema([("run_no", pa.int64()), ("max_attempts", pa.int64())])
_RUN_WITH_HOURS = pa.schema([("run_no", pa.int64())])
_RUN_HOURS = pa.schema([(name, pa.int64()) for name in ("run_no", "weekday", "from_minute", "to_minute")])
_RUN_CAPS = pa.schema([(name, pa.int64()) for name in ("run_no", "max_count", "window_us")])
_RUN_CONTACTS = pa.schema([(name, pa.int64()) for name in ("run_no", "dialable", "excluded", "listed")])
_RUN_CODES = pa.schema(
    [("run_no", pa.int64()), ("code", pa.string())] + [(name, pa.bool_()) for name in ("again", "callback", "never")]
)
_RUN_LIMITS = pa.schema(
    [
        ("run_no", pa.int64()),
        ("campaign", pa.string()),
        ("final_connected", pa.bool_()),
        ("over_dials", pa.bool_()),
        ("limit_ratio", pa.float64()),
    ]
)
#: Modes that dial more numbers than there are agents, and the share of live answers that may be abandoned by law.
_OVER_DIALLING, _LEGAL_LIMIT_RATIO = frozenset({"power", "predictive"}), 0.03
_TRUNKS = pa.schema([("trunk", pa.string()), ("lines", pa.int64()), ("calls_per_s", pa.int64())])
_LIST_USES = pa.schema([("run_no", pa.int64()), ("dnc_list", pa.string())])
_LIST_NUMBERS = pa.schema(
    [("dnc_list", pa.string()), ("number", pa.int64()), ("since_us", pa.int64()), ("until_us", pa.int64())]
)
_FOR_EVER_US = (1 << 63) - 1
_MINUTES = pa.schema(
    [("zone", pa.string()), ("utc_minute", pa.int64()), ("weekday", pa.int64()), ("minute", pa.int64())]
)


@dataclass(frozen=True, slots=True)
class AuditInputs:
    """Tables to register, by the name the queries use."""

    tables: dict[str, pa.Table]
    caps: list[tuple[int, int]]  #: each different (limit, window_us)
    problems: dict[str, list[str]]  #: invariant -> what it could not be compared with


def inputs(store: Store) -> AuditInputs:
    """Collect what the catalogue promises.

    These documents are read; paths may be relative to the data directory:

    ``run/<run_no>``
        ``contacts``, ``excluded`` (files), ``rows`` (of its lists), ``retry`` with ``max_attempts``, ``caps`` ([limit,
        window_us] pairs), ``hours`` ([weekday, from_minute, to_minute] triples, None for no bounds), ``dnc_lists``
        (None for those of ``campaign/<id>``), ``campaign``, ``mode``, ``abandon_limit_ratio`` (default the legal one),
        ``dispositions`` (each with ``code``, ``retry_s``, ``callback``, ``do_not_call``).
    ``trunk/<id>``
        ``lines``, ``calls_per_s``.
    ``dnc_list/<id>``
        ``global``, ``path`` (None without a file), ``since_us`` (when that file came into force, default always),
        ``earlier`` ([path, since_us] of the files before it, oldest first).

    Args:
        store: The open store.

    Returns:
        The tables.
    """
    runs = [(int(run_no), doc) for run_no, doc in store.all("run")]
    seen = store.rows(load("audit")["runs_seen"])
    caps = [(run_no, int(limit), int(window_us)) for run_no, doc in runs for limit, window_us in doc.get("caps") or ()]
    numbers, unreadable = _list_numbers(store)
    problems = {
        "not_on_dnc": unreadable,
        "trunk_lines": _unlimited_trunks(store),
        "attempts_per_contact": [f"run {n}: its attempt limit is not recorded" for n, d in runs if _limit(d) is None],
        "rows_accounted_for": _undescribed_runs(store, dict(runs)),
    }
    tables = {
        "run_docs": _table(_RUN_DOCS, [(n, _limit(d)) for n, d in runs]),
        "run_docs_with_hours": _table(_RUN_WITH_HOURS, [(n,) for n, d in runs if d.get("hours") is not None]),
        "run_hours": _table(_RUN_HOURS, [(n, *span) for n, d in runs for span in d.get("hours") or ()]),
        "run_caps": _table(_RUN_CAPS, caps),
        "run_contacts": _table(_RUN_CONTACTS, [_contacts(store.data_dir, n, d) for n, d in runs if "rows" in d]),
        "run_codes": _table(_RUN_CODES, [row for n, d in runs for row in _codes(n, d)]),
        "run_limits": _table(_RUN_LIMITS, [_limits(n, d) for n, d in runs]),
        "trunk_limits": _table(_TRUNKS, [(t, d.get("lines"), d.get("calls_per_s")) for t, d in store.all("trunk")]),
        "list_uses": _table(_LIST_USES, [(n, name) for n, campaign in seen for name in lists_of(store, n, campaign)]),
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


def lists_of(store: Store, run_no: int, campaign: str) -> list[str]:
    """Do-not-call lists that apply to a run: those named by the run, else by its campaign, and the global ones."""
    names = {name for name, doc in store.all("dnc_list") if doc.get("global")}
    own = (store.get("run", str(run_no)) or {}).get("dnc_lists")
    if own is None:
        own = (store.get("campaign", campaign) or {}).get("dnc_lists")
    return sorted(names | set(own or ()))


def _limit(doc: dict[str, Any]) -> int | None:
    limit = (doc.get("retry") or {}).get("max_attempts")
    return None if limit is None else int(limit)


def _codes(run_no: int, doc: dict[str, Any]) -> list[tuple[int, str, bool, bool, bool]]:
    return [
        (run_no, rule["code"], rule["retry_s"] is not None, rule["callback"], rule["do_not_call"])
        for rule in doc.get("dispositions") or ()
    ]


def _limits(run_no: int, doc: dict[str, Any]) -> tuple[int, Any, bool, bool, float]:
    final = "connected" in (doc.get("retry") or {}).get("final", ("connected",))
    limit_ratio = min(float(doc.get("abandon_limit_ratio", _LEGAL_LIMIT_RATIO)), _LEGAL_LIMIT_RATIO)
    return run_no, doc.get("campaign"), final, doc.get("mode") in _OVER_DIALLING, limit_ratio


def _undescribed_runs(store: Store, docs: dict[int, dict[str, Any]]) -> list[str]:
    seen = {run_no for run_no, _ in store.rows(load("audit")["runs_seen"])}
    return [
        *(f"run {run_no}: has no document in the catalogue" for run_no in sorted(seen - docs.keys())),
        *(
            f"run {run_no}: the number of rows in its lists is not recorded"
            for run_no, d in docs.items()
            if "rows" not in d
        ),
    ]


def _unlimited_trunks(store: Store) -> list[str]:
    limited = {name for name, doc in store.all("trunk") if {"lines", "calls_per_s"} <= doc.keys()}
    seen = [name for (name,) in store.rows(load("audit")["trunks_seen"])]
    return [f"trunk {name}: its limits are not recorded" for name in seen if name not in limited]


def _list_numbers(store: Store) -> tuple[pa.Table, list[str]]:
    """(list, number, from, until) for each number that was to be dialled and is in a present or earlier list file."""
    parts, problems = [_table(_LIST_NUMBERS, [])], []
    for name, doc in store.all("dnc_list"):
        files = [(str(path), int(since_us)) for path, since_us in doc.get("earlier") or ()]
        if doc.get("path") is not None:  # a list may live from changes alone
            files.append((doc["path"], int(doc.get("since_us", 0))))
        ends_us = [since_us for _, since_us in files[1:]] + [_FOR_EVER_US]
        for (path, since_us), until_us in zip(files, ends_us, strict=False):  # without files one end is left
            if count_rows(store.data_dir, path) is None:
                problems.append(f"list {name}: its file {path} cannot be read")
                continue
            found = load("audit")["numbers_on_list"].format(path=path_literal(store.data_dir / path))
            given = {"dnc_list": name, "since_us": since_us, "until_us": until_us}
            parts.append(store.table(found, given).cast(_LIST_NUMBERS))
    return pa.concat_tables(parts), problems


def _table(schema: pa.Schema, rows: list[tuple[Any, ...]]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    arrays = [pa.array(list(values), field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
