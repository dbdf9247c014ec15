"""Whose turn it is among campaigns that may use the same agents: by lot, or in proportion to their priorities.

In proportion it is stride scheduling (Waldspurger and Weihl, 1995): each campaign has a count of the agents it has had,
divided by its priority, and the one with the lowest count is next. A campaign that comes back with something to dial
starts where the others are: what it did not use is not saved up.

A campaign whose turn it is while its leases are on their way keeps an agent for it, but for a moment only. Otherwise
whoever holds leases ahead would get every agent, and with them the leases ahead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

from dialer.domain.specs import SECOND_US
from dialer.domain.supply import CampaignCard

#: A campaign that has not answered a request for leases in this time keeps no agents.
ANSWER_PATIENCE_US = 2 * SECOND_US


class Turns:
    """The turns of the campaigns of one pool.

    Args:
        rng: Chance, for the lot and among equal counts.
        shares: In proportion to the priorities; False: by lot.
    """

    def __init__(self, rng: Random, *, shares: bool) -> None:
        self._rng = rng
        self._shares = shares
        self._reached = 0.0  # count of whoever had the last turn
        self._ahead: dict[str, float] = {}  # campaign -> count, with the agents kept for it in this step
        self._kept: dict[str, Counter[str]] = {}  # queue -> campaign -> agents kept for its turns

    def begin(self, peers: Sequence[CampaignCard], now_us: int) -> list[CampaignCard]:
        """A step begins.

        Returns:
            Those of the campaigns that have something to dial, or will in a moment.
        """
        contend = [card for card in peers if card.stock or _expects(card, now_us)]
        reached = min((card.turn for card in contend if card.contends), default=self._reached)
        for card in peers:
            contends = card in contend
            if contends and not card.contends:
                card.turn = max(card.turn, reached)
            card.contends = contends
        self._ahead = {card.name: card.turn for card in contend}
        self._kept = {}
        return contend

    def next(self, ready: Sequence[CampaignCard]) -> CampaignCard:
        """Whose turn it is."""
        if self._shares:
            lowest = min(self._ahead[card.name] for card in ready)
            ready = [card for card in ready if self._ahead[card.name] == lowest]
        return ready[self._rng.randrange(len(ready))] if len(ready) > 1 else ready[0]

    def took(self, card: CampaignCard, agents: float) -> None:
        """A campaign has begun calls worth so many agents."""
        self._reached = card.turn
        card.turn += agents / card.opened.priority
        self._ahead[card.name] += agents / card.opened.priority

    def keep(self, card: CampaignCard) -> None:
        """An agent is kept for a campaign whose leases are on their way."""
        self._ahead[card.name] += 1.0 / card.opened.priority
        self._kept.setdefault(card.opened.queue or "", Counter())[card.name] += 1

    def kept_for(self, card: CampaignCard) -> int:
        """Agents that are kept for the turns of a campaign."""
        kept = self._kept.get(card.opened.queue or "")
        return kept[card.name] if kept else 0

    def kept_for_others(self, card: CampaignCard) -> int:
        """Agents of its queue that are kept for the turns of other campaigns."""
        kept = self._kept.get(card.opened.queue or "")
        return kept.total() - kept[card.name] if kept else 0


def _expects(card: CampaignCard, now_us: int) -> bool:
    """Whether leases are on their way, or would be if they were asked for."""
    return card.hungry(now_us) and not (card.asked and now_us >= card.asked_us + ANSWER_PATIENCE_US)
