"""Matching: which campaign gets which agent and which line, and what to ask for so that the next match can be made.

Higher priority goes first, strictly: as long as a campaign has contacts that may be dialled now, agents of its queue
are kept from lower ones. Equal ones take turns at random. Within a queue the longest-idle agent is first.
"""

from __future__ import annotations

import math
from random import Random

from dialer.domain.calls import Call, Stage
from dialer.domain.commands import RequestCredits, RequestLeases
from dialer.domain.message import Address, Envelope
from dialer.domain.pacing import lease_target
from dialer.domain.pool import Pool
from dialer.domain.specs import SECOND_US
from dialer.domain.supply import CampaignCard

#: A request for credits that brought none is repeated after this time.
CREDIT_PATIENCE_US = SECOND_US


class Matching:
    """The decisions of one scheduler.

    Args:
        pool: What is known, and the moves.
        rng: Chance for the choice among campaigns of equal priority.
    """

    def __init__(self, pool: Pool, rng: Random) -> None:
        self.pool = pool
        self._rng = rng
        self._now_us = 0  # of the last step: what was due by then has had its turn

    def run(self, now_us: int, out: list[Envelope]) -> None:
        """Match all that can be matched, then ask for leases and credits."""
        self._now_us = now_us
        for call in self.pool.calls.waiting():
            self.pool.find_agent(call, out)
        wanted = dict.fromkeys(self.pool.trunks, 0)
        held: set[str] = set()
        for peers in self._ranks():
            self._match_peers(peers, held, now_us, out)
            for card in self._in_turn(peers):
                need, unserved = self._need(card, peers, held, now_us)
                wanted[card.opened.trunk] += self._restock(card, need, unserved, now_us, out)
            for card in peers:
                if card.opened.queue and self._keeps(card, now_us):
                    held.add(card.opened.queue)
        self._request_credits(wanted, now_us, out)

    def next_deadline_us(self) -> int | None:
        """The next call, lease, contact or request that time alone moves on."""
        trunks = self.pool.trunks.values()
        times = [t.wanted_at_us + CREDIT_PATIENCE_US for t in trunks if t.wanted > t.matched and not t.credits_free]
        for card in self.pool.campaigns.values():
            if card.stock:
                times.append(card.stock[0].not_after_us)
            if card.next_us and card.active and not card.asked:
                times.append(card.next_us)
        next_call_us = self.pool.calls.next_deadline_us()
        if next_call_us is not None:
            times.append(next_call_us)
        return min(filter(self._now_us.__lt__, times), default=None)

    # -- matching ----------------------------------------------------------------------------------------------------

    def _ranks(self) -> list[list[CampaignCard]]:
        """Active campaigns by priority, highest first."""
        ranks: dict[int, list[CampaignCard]] = {}
        for card in self.pool.campaigns.values():
            if card.active:
                ranks.setdefault(card.opened.priority, []).append(card)
        return [ranks[priority] for priority in sorted(ranks, reverse=True)]

    def _in_turn(self, peers: list[CampaignCard]) -> list[CampaignCard]:
        """Equal campaigns in the order in which they may ask for leases: another one each time."""
        return self._rng.sample(peers, len(peers)) if len(peers) > 1 else peers

    def _match_peers(self, peers: list[CampaignCard], held: set[str], now_us: int, out: list[Envelope]) -> None:
        ready = [card for card in peers if card.stock or self._explain(card, now_us)]
        while ready:
            card = ready[self._rng.randrange(len(ready))] if len(ready) > 1 else ready[0]
            if not self._launch(card, held, now_us, out):
                ready.remove(card)

    def _explain(self, card: CampaignCard, now_us: int) -> bool:
        """Say why a campaign without leases does not dial."""
        if card.due(now_us) or card.asked:
            card.reason = "waiting for the ledger to allow contacts"
        else:
            card.reason = "all contacts rest" if card.next_us else "no contact is left to dial"
        return False

    def _launch(self, card: CampaignCard, held: set[str], now_us: int, out: list[Envelope]) -> bool:
        """Place one call, or begin to; False, with the reason on the card, if that is not possible now."""
        trunk = self.pool.trunks[card.opened.trunk]
        if not card.stock:
            return self._explain(card, now_us)
        if trunk.asking or trunk.credits_free <= 0:
            card.reason = "the trunk has no free line, or not within its calls per second"
            return False
        queue = card.opened.queue
        if card.agentless or queue is None:
            if card.free_slots <= 0:
                card.reason = f"all {card.opened.concurrency} calls are in progress"
                return False
            lease = card.stock.popleft()
            call = Call(lease.attempt_id, card.name, trunk.trunk, Stage.MATCHED, "", lease)
            self.pool.begin(call)
            self.pool.originate(call, now_us, out)
        else:
            agent = self.pool.roster.longest_idle(queue, held)
            if agent is None:
                card.reason = "no agent is idle"
                return False
            self.pool.match(card.stock.popleft(), card, agent, out)
        card.reason = "dialling"
        return True

    def _keeps(self, card: CampaignCard, now_us: int) -> bool:
        """True if lower priorities must leave the agents of this campaign's queue alone."""
        trunk = self.pool.trunks[card.opened.trunk]
        return card.hungry(now_us) and not trunk.asking

    # -- asking ------------------------------------------------------------------------------------------------------

    def _restock(self, card: CampaignCard, need: int, unserved: int, now_us: int, out: list[Envelope]) -> int:
        """Ask for leases up to the target; the credits it wants are returned."""
        due = card.due(now_us)
        if not (card.stock or card.asked or due):
            return 0
        lead_us = self.pool.spec.lead_us
        per_s = card.rate.per_s(now_us)
        trunk = self.pool.trunks[card.opened.trunk]
        target = lease_target(need=unserved, credits_free=trunk.credits_free, launches_per_s=per_s, lead_us=lead_us)
        missing = target - len(card.stock) - card.asked
        if missing > 0 and due:
            card.asked += missing
            out.append(Envelope(Address("campaign", card.name), RequestLeases(self.pool.spec.pool, missing)))
        return need + math.floor(per_s * lead_us / (10 * SECOND_US) + 0.5)

    def _need(self, card: CampaignCard, peers: list[CampaignCard], held: set[str], now_us: int) -> tuple[int, int]:
        """What equals leave of the agents of a queue.

        Returns:
            Calls that could be placed now, were there leases and credits; and how many of them lack a lease, those of
            equal campaigns counted.
        """
        queue = card.opened.queue
        if card.agentless or queue is None:
            slots = max(0, card.free_slots)
            return slots, slots
        idle = self.pool.roster.idle_count(queue, held)
        if not idle or len(peers) == 1:
            return idle, idle
        others = [peer for peer in peers if peer is not card and peer.opened.queue == queue]
        share = -(-idle // (1 + sum(1 for peer in others if peer.stock or peer.due(now_us))))
        served = sum(len(peer.stock) + peer.asked for peer in others)
        return share, max(0, min(share, idle - served))

    def _request_credits(self, wanted: dict[str, int], now_us: int, out: list[Envelope]) -> None:
        for name, soon in wanted.items():
            trunk = self.pool.trunks[name]
            count = soon + trunk.matched  # the trunk counts a call until it has the order
            waited = soon and not trunk.credits_free and now_us >= trunk.wanted_at_us + CREDIT_PATIENCE_US
            if trunk.asking or (count == trunk.wanted and not waited):
                continue
            if not count:
                trunk.credits_free = 0  # a request for none gives back what is left
            trunk.wanted, trunk.wanted_at_us = count, now_us
            out.append(Envelope(Address("trunk", name), RequestCredits(self.pool.spec.pool, count)))
