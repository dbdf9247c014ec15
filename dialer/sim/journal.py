"""The journal of a simulated world: rows that have become durable, in memory, with the replay a restart needs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from dialer.domain import rows as r
from dialer.domain.attempts import RunHistory
from dialer.domain.events import DispositionSet
from dialer.domain.flow_talk import FlowEnded
from dialer.domain.ids import run_of
from dialer.domain.kinds import LIVE_ANSWERS, UNDIALLED, CampaignState, Outcome
from dialer.domain.specs import DAY_US
from dialer.errors import InvariantError


class MemoryJournal:
    """Durable rows. The first of each kind about an attempt stands; later ones change nothing."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self.intents: dict[int, r.IntentRow] = {}
        self.outcomes: dict[int, r.OutcomeRow] = {}
        self.states: dict[int, CampaignState] = {}
        self.flows: dict[int, FlowEnded] = {}
        self.dnc: list[tuple[str, int, bool]] = []
        self.dispositions: dict[int, DispositionSet] = {}
        self.skips: dict[int, r.SkipRow] = {}
        #: rows of which the first one of an attempt stands
        self._once: dict[type, dict[int, Any]] = {
            r.IntentRow: self.intents,
            r.OutcomeRow: self.outcomes,
            r.SkipRow: self.skips,
            DispositionSet: self.dispositions,
            FlowEnded: self.flows,
        }
        self._digest = hashlib.sha256()

    def append(self, rows: Iterable[Any]) -> None:
        """Make rows durable.

        Raises:
            InvariantError: An outcome without an intent.
        """
        for row in rows:
            kind = type(row)
            if kind is r.OutcomeRow and row.attempt_id not in self.intents:
                raise InvariantError("intent before outcome", f"attempt {row.attempt_id}")
            once = self._once.get(kind)
            if once is not None:
                if row.attempt_id in once:
                    continue
                once[row.attempt_id] = row
            elif kind is r.CampaignStateRow:
                self.states[row.run_no] = row.state
            elif kind is r.DncRow:
                self.dnc.append((row.dnc_list, row.number, row.added))
            self.rows.append(row)
            self._digest.update(repr(row.__reduce__()[1]).encode())

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

    def failures(self) -> list[tuple[int, int]]:
        """(number, counted attempts in a row that reached nobody), for numbers that have any."""
        in_a_row: dict[int, int] = {}
        for row in self.rows:
            if type(row) is r.OutcomeRow and row.outcome not in UNDIALLED:
                number = self.intents[row.attempt_id].number
                in_a_row[number] = 0 if row.outcome in LIVE_ANSWERS else in_a_row.get(number, 0) + 1
        return [(number, count) for number, count in in_a_row.items() if count]

    def history(self, run_no: int) -> RunHistory:
        """What a reborn campaign must know again."""
        closed = sorted(
            (key, int(row.outcome), row.ended_us, self.intents[key].number)
            for key, row in self.outcomes.items()
            if run_of(key) == run_no
        )
        told = (self.dispositions[key] for key in sorted(self.dispositions) if run_of(key) == run_no)
        live_answers, abandoned = self._abandonment(run_no)
        return RunHistory(
            self.states.get(run_no, CampaignState.READY),
            closed,
            sorted(row for row in self.open_intents() if run_of(row[0]) == run_no),
            [(d.attempt_id, d.code, d.agent, d.callback_us, d.personal, d.wrapped_up_us) for d in told],
            [(key, row.agent, row.at_us) for key, row in sorted(self.skips.items()) if run_of(key) == run_no],
            live_answers,
            abandoned,
        )

    def _abandonment(self, run_no: int) -> tuple[int, int]:
        """Live answers and abandoned ones of the run's campaign within the 30 days before the newest outcome."""
        newest_us = max((row.ended_us for row in self.outcomes.values()), default=0)
        names = {row.campaign for key, row in self.intents.items() if run_of(key) == run_no}
        found = [
            row.outcome
            for key, row in self.outcomes.items()
            if self.intents[key].campaign in names and row.ended_us > newest_us - 30 * DAY_US
        ]
        return sum(outcome in LIVE_ANSWERS for outcome in found), found.count(Outcome.ABANDONED)
