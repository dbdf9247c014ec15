"""What restarted actors must know again, read from the journal."""

from __future__ import annotations

from dataclasses import dataclass

from dialer.domain.attempts import RunHistory
from dialer.domain.kinds import CampaignState
from dialer.storage.sql import load
from dialer.storage.store import Store


@dataclass(frozen=True, slots=True)
class LedgerReplay:
    """Arguments of a reborn ledger. Times in UTC microseconds."""

    open_intents: list[tuple[int, int, int, int]]  #: attempt id, number, intent time, not after
    recent: list[tuple[int, int]]  #: number, intent time; oldest first
    dnc: list[tuple[str, int, bool]]  #: list, number, added; in the order of the changes


def ledger_replay(store: Store, *, since_us: int) -> LedgerReplay:
    """Read what the ledger must know again.

    Args:
        store: The open store.
        since_us: Start of the longest cap window, UTC microseconds.

    Returns:
        All open intents and list changes, and the attempts since ``since_us`` that count or still may.
    """
    sql = load("store")
    return LedgerReplay(
        open_intents=store.rows(sql["open_intents"]),
        recent=store.rows(sql["recent"], [since_us]),
        dnc=store.rows(sql["dnc"]),
    )


def run_history(store: Store, run_no: int) -> RunHistory:
    """Read what a reborn campaign must know again.

    Args:
        store: The open store.
        run_no: Number of the run.

    Returns:
        Its last state, and its closed and open attempts by attempt id; READY and empty for an unknown run.
    """
    sql = load("store")
    return RunHistory(
        closed=store.rows(sql["run_closed"], [run_no]),
        open=store.rows(sql["run_open"], [run_no]),
        state=run_state(store, run_no),
    )


def run_state(store: Store, run_no: int) -> CampaignState:
    """Last recorded state of a run; READY for an unknown one."""
    state = store.rows(load("store")["run_state"], [run_no])
    return CampaignState(state[0][0]) if state else CampaignState.READY
