"""Why a campaign, or one contact, is not being dialled: the reasons, from the records and the run's files.

An offer that an agent looks at leaves no record before it is confirmed or skipped: until then its contact is told as if
it were still waiting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dialer.domain.ids import attempt_id, mask_number, try_of
from dialer.domain.kinds import UNDIALLED, Outcome
from dialer.errors import NotFoundError
from dialer.storage.layout import NUMBER_COLUMNS
from dialer.storage.sql import load
from dialer.storage.standing import StoredRun, latest_run, next_free_us, next_open_us, standing, zones_of_phone
from dialer.storage.store import Store

_SHORTEST_NUMBER = 10_000_000  #: a smaller integer is taken for a row of the list

#: States of the waterfall in words; ``{detail}`` is an outcome or a reason.
_LABELS = {
    "in_progress": "in progress",
    "verdict": "waiting for its disposition",
    "done": "done: {detail}",
    "used_up": "attempts used up: last {detail}",
    "dnc": "on a do-not-call list since",
    "callback": "callback asked for",
    "resting": "resting",
    "number_busy": "number busy elsewhere",
    "capped": "rolling cap",
    "parked": "outside its hours",
    "agent": "due, for its agent alone",
    "fresh": "never tried",
    "due": "due again",
}
#: Why a contact stands where it does, where the state alone does not say it.
_REASONS = {
    "in_progress": "an attempt is open",
    "verdict": "connected, and the agent has not closed the call",
    "dnc": "put on a do-not-call list after the list was scrubbed",
    "number_busy": "its number is in a call of another campaign",
    "capped": "rolling cap",
    "parked": "outside the hours in which it may be called",
    "fresh": "never tried; nothing stands against it",
    "due": "nothing stands against it",
}
#: States that end with an event whose moment nobody knows, or never.
_NO_MOMENT = frozenset({"in_progress", "verdict", "done", "used_up", "dnc", "number_busy", "ended"})


@dataclass(frozen=True, slots=True)
class _Stand:
    """Where one contact stands, as the query tells it."""

    contact: int
    state: str
    detail: str | None
    due_us: int | None
    skipped_last: bool
    asked: bool
    callback_us: int | None
    agent: str | None
    made: int
    skips: int


def why_campaign(store: Store, campaign: str, *, now_us: int | None = None) -> list[tuple[str, int]]:
    """The waterfall of a campaign's latest run: from the rows of its list to where each contact stands.

    Args:
        store: The open store.
        campaign: Campaign id.
        now_us: Moment to judge rests, caps and hours at, UTC microseconds; by default the moment of the last record.

    Returns:
        (label, count): rows in the list, each reason for exclusion, dialable contacts, then each state. Exclusions and
        dialable contacts add up to the rows, states to the dialable contacts.

    Raises:
        NotFoundError: The campaign has no run here.
        DataDirectoryError: A file of the run cannot be read.
    """
    run = latest_run(store, campaign, now_us)
    excluded = store.rows(load("why")["excluded"].format(path=run.excluded))
    counted: dict[str, int] = {}
    query = (
        "SELECT state, CASE WHEN state IN ('done', 'used_up') THEN detail END, count(*) FROM ({standing}) GROUP BY ALL"
    )
    for state, detail, count in standing(store, run, query):
        label = _LABELS[state].format(detail=detail)
        counted[label] = counted.get(label, 0) + count
    dialable = run.contacts.num_rows
    return [
        ("rows in the list", dialable + sum(count for _, count in excluded)),
        *((f"excluded: {reason}", count) for reason, count in excluded),
        ("dialable", dialable),
        *sorted(counted.items()),
    ]


def why_contact(store: Store, campaign: str, number_or_row: int | str, *, now_us: int | None = None) -> dict[str, Any]:
    """One contact of a campaign's latest run: what was tried, how it stands, and when it may be called next.

    Args:
        store: The open store.
        campaign: Campaign id.
        number_or_row: E.164 number, with or without the plus sign, or the contact's row in the list.
        now_us: Moment to judge at, UTC microseconds; by default the moment of the last record.

    Returns:
        ``campaign``, ``run_no``, ``number`` (masked, None for an excluded row), ``state`` (``excluded``, ``ended``, or
        one of the states of the waterfall), ``reason``, ``agent`` (for whom it waits, "" for anyone), ``callback_us``
        (what it asked for, None if it did not), ``skips``, ``attempts`` and ``next_us``: the next possible moment by
        rest, rolling caps, legal and campaign hours, or None where no moment can be told.

    Raises:
        NotFoundError: The campaign has no run here, or the contact is not in it.
        DataDirectoryError: A file of the run cannot be read.
    """
    digits = str(number_or_row).strip().lstrip("+")
    if not digits.isdecimal():
        msg = "a contact is named by its telephone number or by its row in the list"
        raise NotFoundError(msg)
    wanted = int(digits)
    run = latest_run(store, campaign, now_us)
    known: dict[str, Any] = {"campaign": campaign, "run_no": run.run_no}
    if wanted < _SHORTEST_NUMBER:
        reasons = store.rows(load("why")["excluded_row"].format(path=run.excluded), {"source_row": wanted})
        if reasons:
            nothing: dict[str, Any] = {"number": None, "attempts": [], "next_us": None}
            nothing |= {"agent": "", "callback_us": None, "skips": 0}
            return {**known, **nothing, "state": "excluded", "reason": str(reasons[0][0])}
    index = _index(run, wanted)
    if index < 0:
        shown = mask_number(wanted) if wanted >= _SHORTEST_NUMBER else f"row {wanted}"
        msg = f"{shown} is not among the dialable contacts of {campaign}; excluded ones are found by row"
        raise NotFoundError(msg)
    return {**known, **_told(store, run, index)}


def _index(run: StoredRun, wanted: int) -> int:
    """Position in the contact file, -1 if it is not there."""
    names = NUMBER_COLUMNS[: run.phones] if wanted >= _SHORTEST_NUMBER else ("source_row",)
    for name in names:
        if name in run.contacts.column_names:
            values = run.contacts[name]
            found = int(pc.index(values, pa.scalar(wanted, values.type)).as_py())
            if found >= 0:
                return found
    return -1


def _told(store: Store, run: StoredRun, index: int) -> dict[str, Any]:
    stand = _Stand(*standing(store, run, "{standing}", only=index)[0])
    first = attempt_id(run.run_no, index, 1)
    tried = store.rows(load("why")["attempts"], {"first": first, "last": first | 0xFFFF})
    state, reason = stand.state, _reason(stand, run)
    agent = (stand.agent or "") if stand.asked else ""
    if state == "resting" and _capped_us(store, run, index, tried) > max(run.now_us, stand.due_us or 0):
        state, reason = "capped", _REASONS["capped"]
    if run.ended and state not in {"done", "used_up"}:
        state, reason = "ended", f"the run is {run.state}"
    next_us = None if state in _NO_MOMENT else _next_us(store, run, index, stand, tried)
    if next_us is None and state not in _NO_MOMENT:
        state, reason = "parked", "its hours never open"
    return {
        "number": mask_number(run.contacts["number"][index].as_py()),
        "state": state,
        "reason": reason,
        "agent": agent or run.agent(index),
        "callback_us": stand.callback_us if stand.asked else None,
        "skips": stand.skips,
        "attempts": [_attempt(row) for row in tried],
        "next_us": next_us,
    }


def _reason(stand: _Stand, run: StoredRun) -> str:
    if stand.state == "done":
        return str(stand.detail)
    if stand.state == "used_up":
        return f"{stand.made} of {run.max_attempts} attempts made"
    if stand.state == "callback":
        return "a callback was asked for" + (f", by agent {stand.agent}" if stand.agent else ", by anyone")
    if stand.state == "agent":
        return "a personal callback waits for its agent" if stand.asked else "the contact is mapped to its agent"
    if stand.state == "resting":
        return "rest after an agent skipped it" if stand.skipped_last else "rest after the last attempt"
    return _REASONS[stand.state]


def _next_us(store: Store, run: StoredRun, index: int, stand: _Stand, tried: list[tuple[Any, ...]]) -> int | None:
    """The first moment at which one of the contact's numbers may be called; None if there is none."""
    moments = []
    for phone, number in _usable(run, index, tried):
        free_us = max(stand.due_us or 0, run.now_us, next_free_us(store, run, number))
        moments.append(next_open_us(zones_of_phone(run, index, phone, tried), run.doc.get("hours"), free_us))
    return min((at_us for at_us in moments if at_us is not None), default=None)


def _capped_us(store: Store, run: StoredRun, index: int, tried: list[tuple[Any, ...]]) -> int:
    """When the caps have room for one of the contact's numbers."""
    return min((next_free_us(store, run, number) for _, number in _usable(run, index, tried)), default=0)


def _usable(run: StoredRun, index: int, tried: list[tuple[Any, ...]]) -> list[tuple[int, int]]:
    """Place and number of each number that exists and is answered by people."""
    useless = {row[7] for row in tried if row[3] in (Outcome.INVALID, Outcome.FAX)}
    numbers = [(phone, run.number(index, phone)) for phone in range(run.phones)]
    return [(phone, number) for phone, number in numbers if number and number not in useless]


def _attempt(row: tuple[Any, ...]) -> dict[str, Any]:
    key, at_us, _, outcome, agent, cause, ended_us, number = row
    name = None if outcome is None else Outcome(outcome).name.lower()
    return {
        "try": try_of(key),
        "at_us": at_us,
        "number": mask_number(number),
        "outcome": name,
        "counted": name is not None and Outcome(outcome) not in UNDIALLED,
        "agent": agent,
        "cause": cause,
        "ended_us": ended_us,
    }
