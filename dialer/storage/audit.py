"""An independent audit: every promise recomputed from what was recorded.

The checks are plain SQL and their own time zone arithmetic. They import nothing of the machines that dial, so a mistake
there cannot excuse itself here. Contradictions are counted, and shown with masked numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dialer.domain.ids import mask_number
from dialer.storage.audit_inputs import inputs, local_minutes
from dialer.storage.sql import load
from dialer.storage.store import Store

#: Invariants that are one query each, in the order of the report. The names are those of the statements.
_TITLES: Mapping[str, str] = {
    "outcome_has_intent": "every outcome has one intent, which precedes it",
    "one_record_per_attempt": "no attempt has two intents, outcomes, dispositions or skips",
    "undialled_never_sent": "no call that was sent is written off as not dialled",
    "epochs_monotonic": "no intent from an incarnation of a campaign that had been replaced",
    "ended_run_has_outcomes": "every intent of an ended run has one outcome",
    "open_intents": "open intents of runs that have not ended (for information)",
    "one_attempt_per_number": "no number in two attempts at once, over all campaigns",
    "not_on_dnc": "no number dialled while on a do-not-call list that applies",
    "sent_in_time": "no call sent after its intent had lapsed",
    "legal_hours": "no call outside 8:00-21:00 in any zone the contact may be in",
    "campaign_hours": "no call outside the campaign's own hours in any of these zones",
    "trunk_lines": "no trunk above its lines",
    "trunk_rate": "no trunk above its calls per second, in any window of 1 s",
    "one_call_per_agent": "no agent in two calls at once",
    "attempts_per_contact": "no contact tried more often than the campaign allows, plus once for each callback",
    "connected_once": "no contact dialled again after it was connected, unless its disposition says so",
    "asked_not_to_be_called": "no contact dialled again after it asked an agent not to be",
    "dispositions_of_calls": "every disposition is of a call",
    "skips_are_no_attempts": "no contact dialled under an offer that was skipped",
    "abandonment": "no campaign that dials ahead of its agents abandons more live answers than it may, over 30 days",
    "rolling_cap": "no number called more often than the rolling caps allow",
    "rows_accounted_for": "every row of a list is dialable or excluded with a reason",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What the audit found for one invariant."""

    invariant: str  #: short name, stable
    title: str  #: the promise, in words
    cases: int  #: how many cases were looked at
    violations: int
    examples: tuple[str, ...] = ()  #: up to three violations, numbers masked


def audit(data_dir: Path) -> list[Finding]:
    """Recompute every invariant from the records of a data directory.

    Args:
        data_dir: A data directory nobody is writing to.

    Returns:
        One finding for each invariant, always all of them and in the same order.

    Raises:
        DataDirectoryError: It is missing, in use, damaged, or of another schema version.
    """
    with Store.open_read_only(data_dir) as store:
        return audit_store(store)


def audit_store(store: Store) -> list[Finding]:
    """The audit of an open store; see ``audit``."""
    sql = load("audit")
    given = inputs(store)
    with ExitStack() as stack:
        for name, table in given.tables.items():
            stack.enter_context(store.registered(name, table))
        store.rows(sql["forget"])
        store.rows(sql["prepare"])
        minutes = local_minutes(store.table(sql["zone_minutes"]))
        stack.enter_context(store.registered("local_minutes", minutes))
        findings = [_check(store, sql, name, given.caps) for name in _TITLES]
        store.rows(sql["forget"])
    # what could not be compared with anything was not checked: that is a violation, not silent consent
    return [_with_problems(found, given.problems.get(found.invariant, [])) for found in findings]


def _check(store: Store, sql: Mapping[str, str], name: str, caps: list[tuple[int, int]]) -> Finding:
    if name != "rolling_cap":
        return _finding(name, store.rows(sql[name]))
    answers = [store.rows(sql[name], {"max_count": limit, "window_us": window_us}) for limit, window_us in caps]
    return _finding(name, [row for answer in answers for row in answer])


def _finding(name: str, rows: list[tuple[Any, ...]]) -> Finding:
    examples = [_example(found) for row in rows for found in row[2] or ()]
    return Finding(name, _TITLES[name], sum(r[0] for r in rows), sum(r[1] for r in rows), tuple(examples[:3]))


def _example(found: tuple[int, int, str]) -> str:
    attempt_id, number, text = found
    where = f"attempt {attempt_id}" if attempt_id else ""
    whom = f" to {mask_number(number)}" if number else ""
    return f"{where}{whom}: {text}" if where else text


def _with_problems(finding: Finding, problems: list[str]) -> Finding:
    return Finding(
        finding.invariant,
        finding.title,
        finding.cases,
        finding.violations + len(problems),
        (*problems, *finding.examples)[:3],
    )
