"""Why a campaign, or one contact, is not being dialled: the reasons, from the records and the run's files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dialer.domain.ids import mask_number, try_of
from dialer.domain.kinds import UNDIALLED, Outcome
from dialer.domain.specs import MINUTE_US, SECOND_US
from dialer.errors import DataDirectoryError, NotFoundError
from dialer.storage.audit_inputs import lists_of, zone_or_none
from dialer.storage.sql import load, path_literal
from dialer.storage.store import Store

_SHORTEST_NUMBER = 10_000_000  #: a smaller integer is taken for a row of the list
_LEGAL_SPAN = (8 * 60, 21 * 60)  #: local minutes, half open
_LOOK_AHEAD_MINUTES = 8 * 24 * 60  #: weekly hours that do not open within eight days never do
_DEFAULT_FINAL = ("connected", "invalid", "fax")


@dataclass(frozen=True, slots=True)
class _Run:
    """The latest run of a campaign, as its document describes it."""

    run_no: int
    state: str | None
    doc: dict[str, Any]
    contacts: pa.Table
    excluded: str  #: path as an SQL literal
    lists: list[str]
    max_attempts: int
    rules: pa.Table
    now_us: int

    @property
    def ended(self) -> bool:
        return self.state in {"completed", "stopped"}


def why_campaign(store: Store, campaign: str, *, now_us: int | None = None) -> list[tuple[str, int]]:
    """The waterfall of a campaign's latest run: from the rows of its list to where each contact stands.

    Args:
        store: The open store.
        campaign: Campaign id.
        now_us: Moment to judge rests at, UTC microseconds; by default the moment of the last record.

    Returns:
        (label, count): rows in the list, each reason for exclusion, dialable contacts, then each state. Exclusions and
        dialable contacts add up to the rows, states to the dialable contacts.

    Raises:
        NotFoundError: The campaign has no run here.
        DataDirectoryError: A file of the run cannot be read.
    """
    sql = load("why")
    run = _latest(store, campaign, now_us)
    excluded = store.rows(sql["excluded"].format(path=run.excluded))
    with store.registered("rules", run.rules), store.registered("contacts", run.contacts.select(["number"])):
        standing = store.rows(
            sql["standing"],
            {"run_no": run.run_no, "lists": run.lists, "max_attempts": run.max_attempts, "now_us": run.now_us},
        )
    dialable = run.contacts.num_rows
    return [
        ("rows in the list", dialable + sum(count for _, count in excluded)),
        *((f"excluded: {reason}", count) for reason, count in excluded),
        ("dialable", dialable),
        *((str(state), int(count)) for state, count in standing),
    ]


def why_contact(store: Store, campaign: str, number_or_row: int | str, *, now_us: int | None = None) -> dict[str, Any]:
    """One contact of a campaign's latest run: what was tried, how it stands, and when it may be called next.

    Args:
        store: The open store.
        campaign: Campaign id.
        number_or_row: E.164 number, with or without the plus sign, or the contact's row in the list.
        now_us: Moment to judge at, UTC microseconds; by default the moment of the last record.

    Returns:
        ``campaign``, ``run_no``, ``number`` (masked, None for an excluded row), ``state`` (excluded, in_progress, done,
        used_up, dnc, ended, resting or due), ``reason``, ``attempts`` and ``next_us``: the next possible moment by
        rest, rolling caps, legal and campaign hours, or None for never.

    Raises:
        NotFoundError: The campaign has no run here, or the contact is not in it.
        DataDirectoryError: A file of the run cannot be read.
    """
    digits = str(number_or_row).strip().lstrip("+")
    if not digits.isdecimal():
        msg = "a contact is named by its telephone number or by its row in the list"
        raise NotFoundError(msg)
    wanted = int(digits)
    run = _latest(store, campaign, now_us)
    known: dict[str, Any] = {"campaign": campaign, "run_no": run.run_no}
    if wanted < _SHORTEST_NUMBER:
        reasons = store.rows(load("why")["excluded_row"].format(path=run.excluded), {"source_row": wanted})
        if reasons:
            nothing: dict[str, Any] = {"number": None, "attempts": [], "next_us": None}
            return {**known, **nothing, "state": "excluded", "reason": str(reasons[0][0])}
    index = _index(run, wanted)
    if index < 0:
        shown = mask_number(wanted) if wanted >= _SHORTEST_NUMBER else f"row {wanted}"
        msg = f"{shown} is not among the dialable contacts of {campaign}; excluded ones are found by row"
        raise NotFoundError(msg)
    return {**known, **_standing(store, run, index)}


def _latest(store: Store, campaign: str, now_us: int | None) -> _Run:
    ((recorded,),) = store.rows(load("why")["latest_run"], {"campaign": campaign})
    numbers = [int(key) for key, doc in store.all("run") if doc.get("campaign") == campaign]
    run_no = max([*numbers, *([recorded] if recorded else [])], default=0)
    doc = store.get("run", str(run_no))
    if doc is None:
        msg = f"campaign {campaign} has no run in {store.data_dir}"
        raise NotFoundError(msg)
    retry = doc.get("retry") or {}
    state = store.rows(load("store")["run_state"], [run_no])
    return _Run(
        run_no=run_no,
        state=state[0][0] if state else None,
        doc=doc,
        contacts=_contacts(store.data_dir / doc["contacts"]),
        excluded=path_literal(store.data_dir / doc["excluded"]),
        lists=lists_of(store, run_no, campaign),
        max_attempts=int(retry.get("max_attempts", 1)),
        rules=_rules(retry),
        now_us=store.rows(load("why")["last_us"])[0][0] if now_us is None else now_us,
    )


def _contacts(path: Path) -> pa.Table:
    try:
        return pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    except (OSError, pa.ArrowException) as error:
        msg = f"contact file {path} cannot be read; restore it from a backup"
        raise DataDirectoryError(msg) from error


def _rules(retry: dict[str, Any]) -> pa.Table:
    """What follows each outcome that counts: the rest, or the end."""
    rests = retry.get("rest_by_outcome") or {}
    final = set(retry.get("final", _DEFAULT_FINAL))
    counted = [outcome for outcome in Outcome if outcome not in UNDIALLED]
    names = [outcome.name.lower() for outcome in counted]
    return pa.table(
        {
            "outcome": pa.array([int(outcome) for outcome in counted], pa.int8()),
            "name": names,
            "rest_us": [round(rests.get(name, retry.get("rest_s", 0)) * SECOND_US) for name in names],
            "final": [name in final for name in names],
        }
    )


def _index(run: _Run, wanted: int) -> int:
    """Position in the contact file, -1 if it is not there."""
    column = "number" if wanted >= _SHORTEST_NUMBER else "source_row"
    if column not in run.contacts.column_names:
        return -1
    values = run.contacts[column]
    return int(pc.index(values, pa.scalar(wanted, values.type)).as_py())


def _standing(store: Store, run: _Run, index: int) -> dict[str, Any]:
    sql = load("why")
    number = int(run.contacts["number"][index].as_py())
    tried = store.rows(sql["attempts"], {"run_no": run.run_no, "number": number})
    listed = store.rows(sql["listed_now"], {"number": number, "lists": run.lists})[0][0]
    counted = [row for row in tried if row[3] is not None and Outcome(row[3]) not in UNDIALLED]
    rule = {row["outcome"]: row for row in run.rules.to_pylist()}
    last = rule[counted[-1][3]] if counted else None
    state, reason = "due", "nothing stands against it but the hours"
    next_us: int | None = run.now_us
    if any(row[3] is None for row in tried):
        state, reason, next_us = "in_progress", "an attempt is open", None
    elif last is not None and last["final"]:
        state, reason, next_us = "done", str(last["name"]), None
    elif len(counted) >= run.max_attempts:
        state, reason, next_us = "used_up", f"{len(counted)} of {run.max_attempts} attempts made", None
    elif listed:
        state, reason, next_us = "dnc", "put on a do-not-call list after the list was scrubbed", None
    elif run.ended:
        state, reason, next_us = "ended", f"the run is {run.state}", None
    else:
        rested_us = counted[-1][6] + last["rest_us"] if last is not None else 0
        free_us = max(rested_us, _uncapped_us(store, run, number))
        if free_us > run.now_us:
            state, reason = "resting", "rest after the last attempt" if rested_us == free_us else "rolling cap"
        next_us = _next_open_us(_zones(run, index, tried), run.doc.get("hours"), max(free_us, run.now_us))
        if next_us is None:
            reason = "its hours never open"
    return {
        "number": mask_number(number),
        "state": state,
        "reason": reason,
        "attempts": [_attempt(row) for row in tried],
        "next_us": next_us,
    }


def _attempt(row: tuple[Any, ...]) -> dict[str, Any]:
    attempt_id, at_us, _, outcome, agent, cause, ended_us = row
    name = None if outcome is None else Outcome(outcome).name.lower()
    return {
        "try": try_of(attempt_id),
        "at_us": at_us,
        "outcome": name,
        "agent": agent,
        "cause": cause,
        "ended_us": ended_us,
    }


def _uncapped_us(store: Store, run: _Run, number: int) -> int:
    """When every rolling cap has room again; 0 if all have."""
    at_us = [row[0] for row in store.rows(load("why")["counted_at"], {"number": number})]
    free = [at_us[-limit] + window_us for limit, window_us in run.doc.get("caps") or () if len(at_us) >= limit]
    return max(free, default=0)


def _zones(run: _Run, index: int, tried: list[tuple[Any, ...]]) -> list[str]:
    """All zones the contact may be in: from its last intent, else from the run's own table, else none."""
    if tried:
        return str(tried[-1][2]).split("|")
    sets = run.doc.get("zone_sets")
    if sets and "zone_key" in run.contacts.column_names:
        return list(sets[run.contacts["zone_key"][index].as_py()])
    return []


def _next_open_us(zones: list[str], hours: list[list[int]] | None, at_us: int) -> int | None:
    """First moment from ``at_us`` on that lies inside the hours of every zone; None if there is none."""
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
