"""Attempts as their campaign keeps them, when to look after each, and what the journal tells of earlier ones."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from dialer.domain import events as e
from dialer.domain.kinds import CampaignState


class Stage(IntEnum):
    """Where an attempt stands between campaign and ledger."""

    PROPOSED = 1
    LEASED = 2
    CLOSING = 3
    OFFERED = 4  #: preview: shown to an agent, the ledger has not been asked


@dataclass(slots=True)
class Attempt:
    """One attempt that is not over for the books."""

    contact: int
    number: int
    stage: Stage
    intent_us: int = 0
    not_after_us: int = 0
    ended: e.AttemptEnded | None = None
    watch_us: int = 0  #: when silence is looked into
    timer_us: int = 0  #: when the watch comes to it next, never after ``watch_us``; 0 for not at all
    offered: bool = False  #: an agent has seen the contact: the scheduler waits for an answer to ``ConfirmOffer``
    unwanted: bool = False  #: given back before the ledger had answered
    agent: str = ""  #: leased for this agent alone
    suspect: bool = False  #: leased to a scheduler that has been replaced: it may be dialled, whatever the new one says


class Watch:
    """When to look into the silence of which attempt.

    The moment moves with every message about an attempt, mostly to a later one. The timer is left where it is then, and
    set anew when it fires: few attempts need more than one in their life.

    Args:
        attempts: Open attempts by id; the owner adds and removes them.
    """

    __slots__ = ("_attempts", "_timers")

    def __init__(self, attempts: dict[int, Attempt]) -> None:
        self._attempts = attempts
        self._timers: list[tuple[int, int]] = []  #: heap of (``timer_us``, attempt id)

    def at(self, attempt: int, at_us: int) -> None:
        """Look at an attempt at this moment, and at no other one."""
        known = self._attempts[attempt]
        known.watch_us = at_us
        if not known.timer_us or at_us < known.timer_us:
            known.timer_us = at_us
            heapq.heappush(self._timers, (at_us, attempt))

    def due(self, now_us: int) -> Iterator[int]:
        """Attempts whose moment has come, each once."""
        timers = self._timers
        while timers and timers[0][0] <= now_us:
            at_us, attempt = heapq.heappop(timers)
            known = self._attempts.get(attempt)
            if known is None or known.timer_us != at_us:
                continue  # over, or another timer stands for it
            known.timer_us = 0
            if known.watch_us > now_us:
                self.at(attempt, known.watch_us)
            else:
                yield attempt

    def next_us(self) -> int | None:
        """The next moment; None if there is none. Timers that have lost their meaning are cleared away first."""
        timers = self._timers
        while timers:
            at_us, attempt = timers[0]
            known = self._attempts.get(attempt)
            if known is None or known.timer_us != at_us:
                heapq.heappop(timers)
            elif known.watch_us > at_us:
                known.timer_us = known.watch_us
                heapq.heapreplace(timers, (known.watch_us, attempt))
            else:
                return at_us
        return None

    def forgotten(self) -> list[int]:
        """Open attempts that no timer stands for, or a late one. For checks: there must be none."""
        timers = set(self._timers)
        return [
            attempt
            for attempt, known in self._attempts.items()
            if known.timer_us > known.watch_us or (known.timer_us, attempt) not in timers
        ]


@dataclass(slots=True)
class RunHistory:
    """What the journal knows of a run. Built by the store for a campaign that is reborn.

    Rows of one kind stand in order of their attempt ids. ``closed`` carries the number, because a contact may have
    several: which phone was dialled is found by comparing.
    """

    state: CampaignState = CampaignState.READY
    closed: Sequence[tuple[int, int, int, int]] = field(default=())  #: (attempt id, outcome, ended, number)
    open: Sequence[tuple[int, int, int, int]] = field(default=())  #: (attempt id, number, intent, not after)
    #: (attempt id, code, agent, callback or 0, personal, wrapped up): the first disposition of each attempt
    dispositions: Sequence[tuple[int, str, str, int, bool, int]] = field(default=())
    skips: Sequence[tuple[int, str, int]] = field(default=())  #: (attempt id, agent, at): offers that agents skipped
    live_answers: int = 0  #: of all runs of the campaign within the last 30 days, this one included
    abandoned: int = 0  #: of them
