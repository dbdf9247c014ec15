"""The report of one run, from its records alone: what the machines counted on the way is not asked."""

from __future__ import annotations

from typing import Any

from dialer.domain.kinds import LIVE_ANSWERS, UNDIALLED, Outcome
from dialer.domain.specs import HOUR_US, MINUTE_US, SECOND_US
from dialer.errors import NotFoundError
from dialer.storage.flows import flow_report
from dialer.storage.sql import load
from dialer.storage.store import Store


def run_report(store: Store, run_no: int, *, speed: float = 1.0) -> dict[str, Any]:
    """Report one run, ended or not.

    Args:
        store: The open store.
        run_no: Number of the run.
        speed: Recorded seconds per wall second, above 0; recorded time is virtual where it is not 1.

    Returns:
        ``run_no``, ``campaign``, ``state``; ``attempts`` (counted ones), ``outcomes`` and ``undialled`` (lower-case
        name -> count), ``open``, ``connected``, ``abandoned``, ``live_answers``, ``abandon_ratio`` (0 without live
        answers), ``agents``, ``utilisation_ratio`` (talk and wrap-up over staffed time), ``dials_per_s`` (per recorded
        second), ``answer_to_agent_ms`` (wall time: ``p50``, ``p99``, ``max``), ``virtual_s`` (recorded seconds from
        start to end), ``timeline`` and ``by_hour``: counts per minute and hour, UTC, without empty ones; and what
        ``flow_report`` counts.

    Raises:
        NotFoundError: Nothing is recorded of such a run.
    """
    sql = load("report")
    run = {"run_no": run_no}
    if not store.rows(sql["known"], run)[0][0]:
        msg = f"run {run_no} is not in {store.data_dir}"
        raise NotFoundError(msg)
    by_outcome = {Outcome(number): count for number, count in store.rows(sql["outcomes"], run)}
    counted = {o: n for o, n in by_outcome.items() if o not in UNDIALLED}
    live_answers = sum(n for o, n in counted.items() if o in LIVE_ANSWERS)
    abandoned = counted.get(Outcome.ABANDONED, 0)
    ((campaign, state),) = store.rows(sql["header"], run)
    ((from_us, until_us),) = store.rows(sql["span"], run)
    span = {"from_us": from_us, "until_us": until_us}
    ((agents, busy_us, staffed_us),) = store.rows(sql["staff"], {**run, **span})
    ((sent,),) = store.rows(sql["sent"], run)
    (waits_us,) = store.rows(sql["answer_to_agent_us"], run)
    virtual_s = (until_us - from_us) / SECOND_US
    return {
        "run_no": run_no,
        "campaign": campaign,
        "state": state,
        "attempts": sum(counted.values()),
        "outcomes": _named(counted),
        "undialled": _named({o: n for o, n in by_outcome.items() if o in UNDIALLED}),
        "open": store.rows(sql["open"], run)[0][0],
        "connected": counted.get(Outcome.CONNECTED, 0),
        "abandoned": abandoned,
        "live_answers": live_answers,
        "abandon_ratio": _ratio(abandoned, live_answers),
        "agents": agents,
        "utilisation_ratio": _ratio(busy_us, staffed_us),
        "dials_per_s": _ratio(sent, virtual_s),
        "answer_to_agent_ms": {
            name: wait_us / speed / 1000 for name, wait_us in zip(("p50", "p99", "max"), waits_us, strict=True)
        },
        "virtual_s": virtual_s,
        "timeline": _timeline(store, run_no, MINUTE_US),
        "by_hour": _timeline(store, run_no, HOUR_US),
        **flow_report(store, run_no),
    }


def _named(counts: dict[Outcome, int]) -> dict[str, int]:
    return {outcome.name.lower(): count for outcome, count in counts.items()}


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _timeline(store: Store, run_no: int, bucket_us: int) -> list[dict[str, int]]:
    rows = store.rows(load("report")["timeline"], {"run_no": run_no, "bucket_us": bucket_us})
    return [dict(zip(("at_us", "attempts", "connected", "abandoned"), row, strict=True)) for row in rows]
