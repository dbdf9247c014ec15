"""What restarted actors must know again, read from the journal."""

from __future__ import annotations

from dataclasses import dataclass

from dialer.domain.attempts import RunHistory
from dialer.domain.kinds import CampaignState
from dialer.domain.specs import DAY_US
from dialer.storage.sql import load
from dialer.storage.store import Store

ABANDON_WINDOW_US = 30 * DAY_US  #: over which abandoned calls are counted, for each campaign (16 CFR 310.4(b)(4)(i))


@dataclass(frozen=True, slots=True)
class LedgerReplay:
    """Arguments of a reborn ledger. Times in UTC microseconds."""

    open_intents: list[tuple[int, int, int, int]]  #: attempt id, number, intent time, not after
    recent: list[tuple[int, int]]  #: number, intent time; oldest first
    dnc: list[tuple[str, int, bool]]  #: list, number, added; in the order of the changes
    failures: list[tuple[int, int]]  #: number, attempts in a row that reached nobody; empty unless asked for


def ledger_replay(store: Store, *, since_us: int, failures: bool = False) -> LedgerReplay:
    """Read what the ledger must know again.

    Args:
        store: The open store.
        since_us: Start of the longest cap window, UTC microseconds.
        failures: Count the failed attempts of every number too, for automatic do-not-call; reads all attempts.

    Returns:
        All open intents and list changes, and the attempts since ``since_us`` that count or still may.
    """
    sql = load("store")
    return LedgerReplay(
        open_intents=store.rows(sql["open_intents"]),
        recent=store.rows(sql["recent"], [since_us]),
        dnc=store.rows(sql["dnc"]),
        failures=store.rows(sql["failures"]) if failures else [],
    )


def run_history(store: Store, run_no: int, *, now_us: int | None = None) -> RunHistory:
    """Read what a reborn campaign must know again.

    Args:
        store: The open store.
        run_no: Number of the run.
        now_us: End of the 30 days of the abandonment figures, UTC microseconds; by default the last record.

    Returns:
        Its last state, and its closed and open attempts, dispositions and skips by attempt id; READY and empty for an
        unknown run.
    """
    sql = load("store")
    live_answers, abandoned = abandonment(store, run_no, now_us=now_us)
    return RunHistory(
        state=run_state(store, run_no),
        closed=store.rows(sql["run_closed"], [run_no]),
        open=store.rows(sql["run_open"], [run_no]),
        dispositions=store.rows(sql["run_dispositions"], [run_no]),
        skips=store.rows(sql["run_skips"], [run_no]),
        live_answers=live_answers,
        abandoned=abandoned,
    )


def abandonment(store: Store, run_no: int, *, now_us: int | None = None) -> tuple[int, int]:
    """Live answers of a campaign within 30 days, and how many of them were abandoned (16 CFR 310.4(b)(4)(i)).

    Args:
        store: The open store.
        run_no: A run of the campaign; all its runs count.
        now_us: End of the 30 days, UTC microseconds; by default the moment of the last record.
    """
    campaign = (store.get("run", str(run_no)) or {}).get("campaign")
    if campaign is None:  # a run without a document: its own records name the campaign
        found = store.rows(load("report")["header"], {"run_no": run_no})
        campaign = found[0][0] if found else None
    until_us = store.last_us() if now_us is None else now_us
    ((live, abandoned),) = store.rows(load("store")["answers_since"], [campaign or "", until_us - ABANDON_WINDOW_US])
    return live, abandoned


def run_state(store: Store, run_no: int) -> CampaignState:
    """Last recorded state of a run; READY for an unknown one."""
    state = store.rows(load("store")["run_state"], [run_no])
    return CampaignState(state[0][0]) if state else CampaignState.READY
