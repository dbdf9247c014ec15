"""The report of several campaigns that dialled together: what can be added is added."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from dialer.domain.events import AgentSessionChanged
from dialer.domain.kinds import CampaignState
from dialer.sim.journal import MemoryJournal

_SUMS = ("contacts", "dialable", "attempts", "open", "connected", "abandoned", "live_answers")
_COUNTS = ("outcomes", "undialled", "excluded")


def totals(reports: Sequence[dict[str, Any]], journal: MemoryJournal | None = None) -> dict[str, Any]:
    """One report for all.

    Args:
        reports: Of each campaign, at least one.
        journal: The records they were made from; without them nothing is said of what cannot be added: the number of
            agents, whom campaigns share, and the time from answer to agent.

    Returns:
        The only report there is; or the sums, with ``campaigns`` holding the reports.
    """
    if len(reports) == 1:
        return reports[0]
    first = reports[0]
    virtual_s = max(report["virtual_s"] for report in reports)
    dials = sum(report["dials_per_s"] * report["virtual_s"] for report in reports)
    found: dict[str, Any] = {key: first[key] for key in ("mode", "seed", "digest") if key in first}
    found |= {key: sum(report[key] for report in reports) for key in _SUMS}
    found |= {key: dict(sum((Counter(report[key]) for report in reports), Counter())) for key in _COUNTS}
    found |= {key: _timeline(report[key] for report in reports) for key in ("timeline", "by_hour")}
    statuses = {report["status"] for report in reports}
    counted = sum(report["agents"] for report in reports)
    used = sum(report["agents"] * report["utilisation_ratio"] for report in reports)
    if journal is not None:
        found["answer_to_agent_ms"] = _answer_to_agent_ms(journal)
        found["agents"] = len({row.agent for row in journal.rows if type(row) is AgentSessionChanged})
    return found | {
        "campaign": ", ".join(report["campaign"] for report in reports),
        "status": statuses.pop() if len(statuses) == 1 else CampaignState.STOPPED.value,
        "abandon_ratio": found["abandoned"] / found["live_answers"] if found["live_answers"] else 0.0,
        "utilisation_ratio": used / counted if counted else 0.0,  # each counts all calls of the agents it had
        "dials_per_s": dials / virtual_s if virtual_s else 0.0,
        "virtual_s": virtual_s,
        "campaigns": list(reports),
    }


def _timeline(parts: Iterable[list[dict[str, int]]]) -> list[dict[str, int]]:
    buckets: dict[int, Counter[str]] = {}
    for part in parts:
        for bucket in part:
            counts = {key: count for key, count in bucket.items() if key != "at_us"}
            buckets.setdefault(bucket["at_us"], Counter()).update(counts)
    return [{"at_us": at_us, **buckets[at_us]} for at_us in sorted(buckets)]


def _answer_to_agent_ms(journal: MemoryJournal) -> dict[str, float]:
    rows = [row for row in journal.outcomes.values() if row.agent and row.answered_us and row.joined_us]
    waits_us = sorted(row.joined_us - row.answered_us for row in rows)
    if not waits_us:
        return {"p50": 0.0, "p99": 0.0, "max": 0.0}
    last = len(waits_us) - 1
    ranks = {"p50": last * 50 // 100, "p99": last * 99 // 100, "max": last}
    return {name: waits_us[rank] / 1000 for name, rank in ranks.items()}
