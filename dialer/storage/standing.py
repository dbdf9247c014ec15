"""Where contacts of a run stand by its records: the run's rules as tables, and the moments when calls are allowed."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dialer.domain.ids import CONTACT_BITS, TRY_BITS
from dialer.domain.kinds import UNDIALLED, DialingMode, Outcome
from dialer.domain.specs import MINUTE_US, SECOND_US
from dialer.errors import DataDirectoryError, NotFoundError
from dialer.storage.audit_inputs import lists_of, zone_or_none
from dialer.storage.layout import NUMBER_COLUMNS, ZONE_KEY_COLUMNS
from dialer.storage.sql import load, path_literal
from dialer.storage.store import Store

_LEGAL_SPAN = (8 * 60, 21 * 60)  #: local minutes, half open
_LOOK_AHEAD_MINUTES = 8 * 24 * 60  #: weekly hours that do not open within eight days never do
_DEFAULT_FINAL = ("connected", "invalid", "fax")
_FOR_EVER = 1 << 40  #: as a number of skips: no limit
_PATIENCE_US = 15 * MINUTE_US  #: so long after a call its disposition is waited for


@dataclass(frozen=True, slots=True)
class StoredRun:
    """The latest run of a campaign, as its document describes it."""

    run_no: int
    state: str | None
    doc: dict[str, Any]
    contacts: pa.Table
    excluded: str  #: path as an SQL literal
    lists: list[str]
    max_attempts: int
    now_us: int

    @property
    def ended(self) -> bool:
        """It dials no more."""
        return self.state in {"completed", "stopped"}

    @property
    def phones(self) -> int:
        """Columns of numbers."""
        names = self.contacts.column_names
        return max(1, sum(name in names for name in NUMBER_COLUMNS))

    def number(self, index: int, phone: int) -> int:
        """A number of a contact, 0 for none."""
        return int(self.contacts[NUMBER_COLUMNS[phone]][index].as_py())

    def agent(self, index: int) -> str:
        """The agent a contact is mapped to, "" for none."""
        if "agent_key" not in self.contacts.column_names:
            return ""
        names = json.loads((self.contacts.schema.metadata or {}).get(b"agents", b"[]"))
        key = self.contacts["agent_key"][index].as_py()
        return str(names[key]) if key else ""


def latest_run(store: Store, campaign: str, now_us: int | None) -> StoredRun:
    """The latest run of a campaign.

    Args:
        store: The open store.
        campaign: Campaign id.
        now_us: Moment to judge at, UTC microseconds; None for the moment of the last record.

    Raises:
        NotFoundError: The campaign has no run here.
        DataDirectoryError: Its contact file cannot be read.
    """
    ((recorded,),) = store.rows(load("why")["latest_run"], {"campaign": campaign})
    numbers = [int(key) for key, doc in store.all("run") if doc.get("campaign") == campaign]
    run_no = max([*numbers, *([recorded] if recorded else [])], default=0)
    doc = store.get("run", str(run_no))
    if doc is None:
        msg = f"campaign {campaign} has no run in {store.data_dir}"
        raise NotFoundError(msg)
    state = store.rows(load("store")["run_state"], [run_no])
    return StoredRun(
        run_no=run_no,
        state=state[0][0] if state else None,
        doc=doc,
        contacts=_contacts(store.data_dir / doc["contacts"]),
        excluded=path_literal(store.data_dir / doc["excluded"]),
        lists=lists_of(store, run_no, campaign),
        max_attempts=int((doc.get("retry") or {}).get("max_attempts", 1)),
        now_us=store.last_us() if now_us is None else now_us,
    )


def standing(store: Store, run: StoredRun, query: str, *, only: int | None = None) -> list[tuple[Any, ...]]:
    """Ask where contacts stand.

    Args:
        store: The open store.
        run: The run.
        query: A query over ``{standing}``.
        only: Index of one contact; None for all.

    Returns:
        The rows of the query.
    """
    retry = run.doc.get("retry") or {}
    first = run.run_no << CONTACT_BITS + TRY_BITS
    last = first + (1 << CONTACT_BITS + TRY_BITS) - 1
    if only is not None:
        first += only << TRY_BITS
        last = first + (1 << TRY_BITS) - 1
    codes = run.doc.get("dispositions") or []
    limit = run.doc.get("max_skips_per_contact")
    given = {
        "first": first,
        "last": last,
        "run_no": run.run_no,
        "lists": run.lists,
        "now_us": run.now_us,
        "max_attempts": run.max_attempts,
        "max_skips": _FOR_EVER if limit is None else limit,
        "rest_us": round(retry.get("rest_s", 0) * SECOND_US),
        "early_us": round(run.doc.get("callback_early_s", 0) * SECOND_US),
        "wait_us": round(run.doc.get("personal_wait_s", 0) * SECOND_US),
        "patience_us": _PATIENCE_US,
        # nobody waits for codes that have no effect, or of calls that a flow takes
        "awaits": not run.ended
        and run.doc.get("mode") != DialingMode.AGENTLESS.value
        and any(rule["do_not_call"] or rule["callback"] or rule["retry_s"] is not None for rule in codes),
    }
    sql = load("why")
    phones = [sql["phone"].format(suffix=f"_{place}" if place > 1 else "") for place in range(1, run.phones + 1)]
    tables = {
        "rules": _rules(retry),
        "codes": _codes(codes),
        "caps": _table({"most": pa.int64(), "window_us": pa.int64()}, run.doc.get("caps") or []),
        "zones_now": _zones_now(run),
        "contacts": _numbered(run, only),
    }
    with ExitStack() as stack:
        for name, table in tables.items():
            stack.enter_context(store.registered(name, table))
        return store.rows(query.format(standing=sql["standing"].format(phones=" UNION ALL ".join(phones))), given)


def next_free_us(store: Store, run: StoredRun, number: int) -> int:
    """When every rolling cap has room for a number again; 0 if all have."""
    at_us = [row[0] for row in store.rows(load("why")["counted_at"], {"number": number})]
    free = [at_us[-limit] + window_us for limit, window_us in run.doc.get("caps") or () if len(at_us) >= limit]
    return max(free, default=0)


def zones_of_phone(run: StoredRun, index: int, phone: int, tried: list[tuple[Any, ...]]) -> list[str]:
    """All zones the owner of a number may be in: from the run's own table, else from the last intent, else none."""
    sets = run.doc.get("zone_sets")
    if sets and ZONE_KEY_COLUMNS[phone] in run.contacts.column_names:
        return list(sets[run.contacts[ZONE_KEY_COLUMNS[phone]][index].as_py()])
    return str(tried[-1][2]).split("|") if tried else []


def next_open_us(zones: list[str], hours: list[list[int]] | None, at_us: int) -> int | None:
    """First moment from ``at_us`` on that lies inside the hours of every zone; None if there is none.

    Args:
        zones: IANA zones.
        hours: The campaign's own hours: (weekday, from, to) in minutes; None for no bounds beside the legal ones.
        at_us: UTC microseconds.
    """
    known = [zone_or_none(name) for name in zones]
    if any(zone is None for zone in known):
        return None
    first_minute = at_us // MINUTE_US
    for minute in range(first_minute, first_minute + _LOOK_AHEAD_MINUTES):
        moment = datetime.fromtimestamp(minute * 60, UTC)
        if all(_open(moment.astimezone(zone), hours) for zone in known):
            return max(at_us, minute * MINUTE_US)
    return None


def _open(local: datetime, hours: list[list[int]] | None) -> bool:
    minute = local.hour * 60 + local.minute
    if not _LEGAL_SPAN[0] <= minute < _LEGAL_SPAN[1]:
        return False
    return hours is None or any(day == local.weekday() and start <= minute < end for day, start, end in hours)


def _contacts(path: Path) -> pa.Table:
    try:
        return pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    except (OSError, pa.ArrowException) as error:
        msg = f"contact file {path} cannot be read; restore it from a backup"
        raise DataDirectoryError(msg) from error


def _numbered(run: StoredRun, only: int | None) -> pa.Table:
    """Numbers and zone keys of all contacts or of one, with their index, and whether they are mapped to an agent."""
    columns = [*NUMBER_COLUMNS[: run.phones], *ZONE_KEY_COLUMNS[: run.phones]]
    table = run.contacts
    count = table.num_rows
    mapped = pc.not_equal(table["agent_key"], 0) if "agent_key" in table.column_names else pa.array([False] * count)
    table = table.select([name for name in columns if name in table.column_names])
    table = table.append_column("contact", pa.array(range(count), pa.int64())).append_column("mapped", mapped)
    return table if only is None else table.slice(only, 1)


def _zones_now(run: StoredRun) -> pa.Table:
    """Whether each set of zones may be called at this moment."""
    hours = run.doc.get("hours")
    minute_us = run.now_us // MINUTE_US * MINUTE_US
    rows = []
    for key, names in enumerate(run.doc.get("zone_sets") or []):
        zones = [zone_or_none(name) for name in names]
        moment = datetime.fromtimestamp(minute_us // SECOND_US, UTC)
        rows.append((key, all(zone is not None and _open(moment.astimezone(zone), hours) for zone in zones)))
    return _table({"zone_key": pa.int64(), "open": pa.bool_()}, rows)


def _rules(retry: dict[str, Any]) -> pa.Table:
    """What follows each outcome that counts: the rest, or the end."""
    rests = retry.get("rest_by_outcome") or {}
    final = set(retry.get("final", _DEFAULT_FINAL))
    rows = []
    for outcome in (one for one in Outcome if one not in UNDIALLED):
        name = outcome.name.lower()
        rows.append((int(outcome), name, round(rests.get(name, retry.get("rest_s", 0)) * SECOND_US), name in final))
    return _table({"outcome": pa.int8(), "name": pa.string(), "rest_us": pa.int64(), "final": pa.bool_()}, rows)


def _codes(codes: list[dict[str, Any]]) -> pa.Table:
    """What follows each disposition."""
    rows = [
        (
            rule["code"],
            -1 if rule["retry_s"] is None else round(rule["retry_s"] * SECOND_US),
            rule["do_not_call"],
            rule["callback"],
        )
        for rule in codes
    ]
    return _table(
        {"code": pa.string(), "retry_us": pa.int64(), "do_not_call": pa.bool_(), "callback": pa.bool_()}, rows
    )


def _table(types: dict[str, pa.DataType], rows: list[Any]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [()] * len(types)
    arrays = [pa.array(list(values), kind) for values, kind in zip(columns, types.values(), strict=True)]
    return pa.Table.from_arrays(arrays, names=list(types))
