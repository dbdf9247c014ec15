"""The journal of a simulated world: rows that have become durable, in memory, with the replay a restart needs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from dialer.domain import rows as r
from dialer.domain.attempts import RunHistory
from dialer.domain.flow_talk import FlowEnded
from dialer.domain.ids import run_of
from dialer.domain.kinds import UNDIALLED, CampaignState
from dialer.errors import InvariantError


class MemoryJournal:
    """Durable rows. The first intent, outcome, disposition and flow of an attempt stand; later ones change nothing."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self.intents: dict[int, r.IntentRow] = {}
        self.outcomes: dict[int, r.OutcomeRow] = {}
        self.states: dict[int, CampaignState] = {}
        self.flows: dict[int, FlowEnded] = {}
        self.dnc: list[tuple[str, int, bool]] = []
        self._digest = hashlib.sha256()

    def append(self, rows: Iterable[Any]) -> None:
        """Make rows durable.

        Raises:
            InvariantError: An outcome without an intent.
        """
        for row in rows:
            if self._take(row):
                self.rows.append(row)
                self._digest.update(repr(row.__reduce__()[1]).encode())

    def _take(self, row: Any) -> bool:
        """Keep a row by what it is about; False if it repeats one."""
        kind = type(row)
        if kind is r.IntentRow:
            return self.intents.setdefault(row.attempt_id, row) is row
        if kind is r.OutcomeRow:
            if row.attempt_id not in self.intents:
                raise InvariantError("intent before outcome", f"attempt {row.attempt_id}")
            return self.outcomes.setdefault(row.attempt_id, row) is row
        if kind is FlowEnded:
            return self.flows.setdefault(row.attempt_id, row) is row
        if kind is r.CampaignStateRow:
            self.states[row.run_no] = row.state
        elif kind is r.DncRow:
            self.dnc.append((row.dnc_list, row.number, row.added))
        return True

    def digest(self) -> str:
        """Fingerprint of everything that happened."""
        return self._digest.hexdigest()

    def open_intents(self) -> list[tuple[int, int, int, int]]:
        """(attempt id, number, intent time, not after) without an outcome."""
        still_open = (row for key, row in self.intents.items() if key not in self.outcomes)
        return [(row.attempt_id, row.number, row.at_us, row.not_after_us) for row in still_open]

    def recent(self, since_us: int) -> list[tuple[int, int]]:
        """(number, intent time) of attempts since then that count or still may, oldest first."""
        return [
            (row.number, row.at_us)
            for key, row in self.intents.items()
            if row.at_us >= since_us and (key not in self.outcomes or self.outcomes[key].outcome not in UNDIALLED)
        ]

    def history(self, run_no: int) -> RunHistory:
        """What a reborn campaign must know again."""
        closed = sorted(
            (key, int(row.outcome), row.ended_us) for key, row in self.outcomes.items() if run_of(key) == run_no
        )
        still_open = sorted(row for row in self.open_intents() if run_of(row[0]) == run_no)
        return RunHistory(self.states.get(run_no, CampaignState.READY), closed, still_open)
