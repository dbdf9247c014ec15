"""What a dialling mode is to the scheduler: a policy that says what may be begun now, and how much could be.

A policy sees one campaign at one moment (``View``) and answers with a record (``Launch``) that says what to begin, and
why or why not. It moves nothing itself: ``matching.py`` carries out what it says. What it learns of its calls on the
way it keeps for itself.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from dialer.domain.pacing import lease_target
from dialer.domain.pool import Pool
from dialer.domain.roster import AgentCard
from dialer.domain.supply import CampaignCard, TrunkCard

DIALLING = "dialling"
NO_LINE = "the trunk has no free line, or not within its calls per second"
NO_AGENT = "no agent is idle"
EXPECTING = "the idle agents are kept for calls that ring without one"


class Launch(NamedTuple):
    """What to begin now: ``calls`` is 0 for nothing. Leases are taken in the order in which they came."""

    calls: int
    reason: str  #: in words for the operator
    agent: AgentCard | None = None  #: asked to promise itself before anything is dialled; None: nobody is
    wait_us: int = 0  #: the agent waits this long for the first answer of all the calls; 0: as long as its call rings
    agents: float = 1.0  #: worth in agents, for campaigns that share them by their priorities


@dataclass(slots=True)
class View:
    """One campaign and what it may use, at one moment."""

    pool: Pool
    card: CampaignCard
    trunk: TrunkCard
    held: Collection[str]  #: queues whose agents are kept for a higher priority
    personal: Collection[str]  #: agents who wait for a contact of their own
    now_us: int
    kept: int = 0  #: agents of the queue that are kept for another campaign's turn

    @property
    def stock(self) -> int:
        """Leases at hand."""
        return len(self.card.stock)

    @property
    def credits(self) -> int:
        """Calls the trunk takes now."""
        return 0 if self.trunk.asking else max(0, self.trunk.credits_free)

    @property
    def idle(self) -> int:
        """Idle agents of the queue that are not kept for others."""
        queue = self.card.opened.queue
        return 0 if queue is None else max(0, self.pool.roster.idle_count(queue, self.held) - self.kept)

    @property
    def rival_answers(self) -> float:
        """People of other campaigns of the queue who wait, or will answer a call that no agent waits for."""
        return self.pool.rival_answers(self.card)

    def agent(self, avoid: str = "") -> AgentCard | None:
        """The longest-idle agent who may be promised to a call; ``avoid`` only if there is no other."""
        queue = self.card.opened.queue
        if queue is None or (self.kept and not self.idle):
            return None
        expected = math.ceil(self.rival_answers)
        if expected and self.idle <= expected:
            return None
        roster = self.pool.roster
        if avoid:
            other = roster.longest_idle(queue, self.held, {*self.personal, avoid})
            if other is not None:
                return other
        return roster.longest_idle(queue, self.held, self.personal)

    def no_agent(self) -> Launch:
        """Nothing, because ``agent`` has found none."""
        return Launch(0, EXPECTING if self.idle and self.rival_answers else NO_AGENT)


class Policy:
    """How the campaigns of one mode dial. One object for each campaign; what it knows may be lost at any time.

    A mode must say ``launch`` and ``need``; of the rest most modes share the meaning that stands here.
    """

    flow: ClassVar[bool] = False  #: a flow takes the calls, agents are not needed
    offers: ClassVar[bool] = False  #: agents see the contact first: no intent, no line before they have decided

    def launch(self, view: View) -> Launch:
        """What to begin now. Asked when there are leases in stock, again and again until it is nothing."""
        raise NotImplementedError

    def need(self, view: View, agents: int) -> int:
        """Calls that could be placed now, were there leases and lines, if so many idle agents were left to it."""
        raise NotImplementedError

    def begun(self, launch: Launch) -> None:
        """What it said was begun."""

    def target(self, view: View, need: int, launches_per_s: float) -> int:
        """Leases to hold or have asked for.

        Args:
            view: The campaign.
            need: Calls that could be placed now, and for which nobody else has leases.
            launches_per_s: Recent rate of calls placed by the campaign.
        """
        lead_us = view.pool.spec.lead_us
        return lease_target(need=need, credits_free=view.credits, launches_per_s=launches_per_s, lead_us=lead_us)

    def keeps(self, view: View) -> bool:
        """True if lower priorities must leave the agents of the queue alone: it has something to dial."""
        return view.card.hungry(view.now_us) and not view.trunk.asking

    def next_us(self) -> int | None:
        """When to look again although nothing has happened; None for never."""
        return None

    # -- what it may learn from --------------------------------------------------------------------------------------

    def launched(self, now_us: int) -> None:
        """A call was sent."""

    def answered(self, ring_us: int, now_us: int) -> None:
        """A person answered a call that had rung this long."""

    def failed(self, after_us: int, now_us: int) -> None:
        """No person came of a call, this long after it was sent."""

    def handled(self, duration_us: int, now_us: int) -> None:
        """An agent is free again, this long after a call was joined."""
