"""Predictive: as many calls as agents will be free for when they are answered. Nobody is promised before the answer.

How many that is decides the pacer (``pacing/predictive.py``); this is what it sees of the pool. When it cannot know
enough, or may abandon nobody, it asks for one call for each agent, who is promised before: as in progressive dialling.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from dialer.domain.modes.base import DIALLING, NO_LINE, Launch, Policy, View
from dialer.domain.pacing import Decision, Predictive, Sight
from dialer.domain.specs import PacingSpec


class Pacer(Protocol):
    """What decides how many calls to place."""

    def launched(self, count: int, now_us: int) -> None:
        """So many calls were sent."""

    def answered(self, ring_us: int, now_us: int) -> None:
        """A person answered, this long after the call was sent."""

    def failed(self, after_us: int, now_us: int) -> None:
        """A call ended without a person, this long after it was sent."""

    def handled(self, duration_us: int, now_us: int) -> None:
        """An agent is free again, this long after a call was joined."""

    def decide(self, sight: Sight) -> Decision:
        """How many calls to place now."""

    def next_us(self, now_us: int) -> int | None:
        """When to decide again although nothing has happened."""


class PredictiveMode(Policy):
    """What the pacer says.

    Args:
        spec: Abandonment limit.
        make: Makes the pacer.
    """

    def __init__(self, spec: PacingSpec, make: Callable[[PacingSpec], Pacer] = Predictive) -> None:
        self._pacer = make(spec)
        self._decision = Decision(0, "opening", reserve=True)
        self._seen: tuple[float, ...] = ()  # what the last decision was made from, but for the passing of time
        self._again_us: int | None = None

    def launch(self, view: View) -> Launch:
        """What the decision leaves, at once; with a promise first, one call."""
        decision = self._decide(view)
        if decision.launch <= 0:
            return Launch(0, decision.reason)
        if not view.credits:
            return Launch(0, NO_LINE)
        if decision.reserve:
            agent = view.agent()
            return view.no_agent() if agent is None else Launch(1, DIALLING, agent)
        calls = min(decision.launch, view.stock, view.credits)
        return Launch(calls, DIALLING, agents=calls * view.card.answer_ratio)

    def need(self, view: View, agents: int) -> int:
        """What the decision leaves; with a promise first, no more than there are agents."""
        decision = self._decide(view)
        return min(agents, decision.launch) if decision.reserve else decision.launch

    def keeps(self, view: View) -> bool:
        """Idle agents are there for those who will answer, as long as there are contacts."""
        return not view.trunk.asking and (view.stock > 0 or view.card.hungry(view.now_us))

    def next_us(self) -> int | None:
        """When the pacer wants to decide again."""
        return self._again_us

    def _decide(self, view: View) -> Decision:
        """The decision, made anew when something has happened or its time has come."""
        card, roster, now_us = view.card, view.pool.roster, view.now_us
        queue = card.opened.queue or ""
        busy = roster.busy_since_us(queue)
        waiting = view.pool.waiting_of(card.name)
        rivals = view.rival_answers
        seen: tuple[float, ...] = (
            view.idle,
            len(busy),
            sum(busy),
            len(card.alone),
            sum(card.alone.values()),
            waiting,
            rivals,
            card.live_answers,
            card.abandoned,
        )
        if seen != self._seen or (self._again_us is not None and now_us >= self._again_us):
            sent = list(card.alone.values())
            sight = Sight(now_us, view.idle, busy, sent, waiting, rivals, card.live_answers, card.abandoned)
            self._decision = self._pacer.decide(sight)
            self._seen, self._again_us = seen, self._pacer.next_us(now_us)
        return self._decision

    # -- what it learns from -----------------------------------------------------------------------------------------

    def launched(self, now_us: int) -> None:
        """A call was sent."""
        self._pacer.launched(1, now_us)

    def answered(self, ring_us: int, now_us: int) -> None:
        """A person answered a call that had rung this long."""
        self._pacer.answered(ring_us, now_us)

    def failed(self, after_us: int, now_us: int) -> None:
        """No person came of a call, this long after it was sent."""
        self._pacer.failed(after_us, now_us)

    def handled(self, duration_us: int, now_us: int) -> None:
        """An agent is free again, this long after a call was joined."""
        self._pacer.handled(duration_us, now_us)
