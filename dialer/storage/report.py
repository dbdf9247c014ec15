"""The report of one run, from its records alone: what the machines counted on the way is not asked."""

from __future__ import annotations

from typing import Any

from dialer.domain.kinds import LIVE_ANSWERS, UNDIALLED, Outcome
from dialer.domain.specs import HOUR_US, MINUTE_US, SECOND_US, PacingSpec
from dialer.errors import NotFoundError
from dialer.storage.flows import flow_report
from dialer.storage.replay import abandonment
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
        start to end), and ``timeline`` and ``by_hour``: counts per minute and hour, UTC, without empty ones; and what
        ``results`` and ``flow_report`` return.

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
    connected = counted.get(Outcome.CONNECTED, 0)
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
        "connected": connected,
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
        **results(store, run_no, connected),
        **flow_report(store, run_no),
    }


def campaign_report(store: Store, campaign: str, *, speed: float = 1.0) -> dict[str, Any]:
    """Report the run of a campaign that is active, or its last one.

    Args:
        store: The open store.
        campaign: Campaign id.
        speed: As for ``run_report``.

    Raises:
        NotFoundError: The campaign has no run here.
    """
    ((run_no,),) = store.rows(load("report")["last_run"], {"campaign": campaign})
    if run_no is None:
        msg = f"campaign {campaign} has no run in {store.data_dir}"
        raise NotFoundError(msg)
    return run_report(store, run_no, speed=speed)


def results(store: Store, run_no: int, connected: int) -> dict[str, Any]:
    """What came of the calls of one run.

    Args:
        store: The open store.
        run_no: Number of the run.
        connected: Its connected attempts.

    Returns:
        ``dispositions`` (code -> count, of the whole set of the campaign, none left out; ``no_code`` where the time
        for it passed), ``positive`` and ``conversion_ratio`` (positive over connected), ``talk_s`` (``total`` and
        ``mean`` of connected calls), ``by_attempt`` (``attempt``, ``attempts``, ``connected``), ``skips``,
        ``skipped_contacts`` and ``abandon_30d`` (``live_answers``, ``abandoned``, ``ratio``, ``limit_ratio``).
    """
    sql, run = load("report"), {"run_no": run_no}
    doc = store.get("run", str(run_no)) or {}
    rules = doc.get("dispositions") or []
    found = {code or "no_code": count for code, count in store.rows(sql["dispositions"], run)}
    positive = sum(found.get(rule["code"], 0) for rule in rules if rule["positive"])
    ((calls, talk_us),) = store.rows(sql["talk"], run)
    ((skips, skipped),) = store.rows(sql["skips"], run)
    live_answers, abandoned = abandonment(store, run_no)
    names = ("attempt", "attempts", "connected")
    return {
        "dispositions": {**{rule["code"]: 0 for rule in rules}, **found},
        "positive": positive,
        "conversion_ratio": _ratio(positive, connected),
        "talk_s": {"total": talk_us / SECOND_US, "mean": _ratio(talk_us / SECOND_US, calls)},
        "by_attempt": [dict(zip(names, row, strict=True)) for row in store.rows(sql["by_attempt"], run)],
        "skips": skips,
        "skipped_contacts": skipped,
        "abandon_30d": {
            "live_answers": live_answers,
            "abandoned": abandoned,
            "ratio": _ratio(abandoned, live_answers),
            "limit_ratio": doc.get("abandon_limit_ratio", PacingSpec().abandon_limit_ratio),
        },
    }


def _named(counts: dict[Outcome, int]) -> dict[str, int]:
    return {outcome.name.lower(): count for outcome, count in counts.items()}


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _timeline(store: Store, run_no: int, bucket_us: int) -> list[dict[str, int]]:
    rows = store.rows(load("report")["timeline"], {"run_no": run_no, "bucket_us": bucket_us})
    return [dict(zip(("at_us", "attempts", "connected", "abandoned"), row, strict=True)) for row in rows]
