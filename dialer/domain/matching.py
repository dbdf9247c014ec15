"""Matching: which campaign gets which agent and which line, and what to ask for so that the next match can be made.

What a campaign may begin at this moment says the policy of its mode (``modes/``); this is the frame around it. Higher
priority goes first, strictly: as long as a campaign has contacts that may be dialled now, agents of its queue are kept
from lower ones. Equal ones take turns at random. Or all take turns in proportion to their priorities (``turns.py``).
Within a queue the longest-idle agent is first. An agent for whom a contact of the agent's own is due gets that contact
before any other.
"""

from __future__ import annotations

import math
from random import Random

from dialer.domain.commands import RequestCredits, RequestLeases
from dialer.domain.events import Lease
from dialer.domain.kinds import PriorityPolicy
from dialer.domain.message import Address, Envelope
from dialer.domain.modes.base import DIALLING, NO_LINE, Launch, View
from dialer.domain.pool import Pool
from dialer.domain.roster import AgentCard
from dialer.domain.specs import SECOND_US
from dialer.domain.supply import PERSONAL_PATIENCE_US, CampaignCard
from dialer.domain.turns import ANSWER_PATIENCE_US, Turns

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
        self._shares = pool.spec.priority_policy == PriorityPolicy.SHARES
        self._turns = Turns(rng, shares=self._shares)
        self._now_us = 0  # of the last step: what was due by then has had its turn

    def run(self, now_us: int, out: list[Envelope]) -> None:
        """Match all that can be matched, then ask for leases and credits."""
        self._now_us = now_us
        pool = self.pool
        wanted = dict.fromkeys(pool.trunks, 0)
        if pool.calls.decided():
            self._dial_decided(wanted, out)
        for call in pool.calls.waiting():
            pool.find_agent(call, out)
        held: set[str] = set()
        personal: set[str] = set()
        for peers in self._ranks():
            views = [View(pool, card, pool.trunks[card.opened.trunk], held, personal, now_us) for card in peers]
            for view in views:
                if view.card.own or view.card.personal:
                    wanted[view.card.opened.trunk] += self._match_own(view, personal, out)
            self._match_all(views, out)
            for view in self._in_turn(views):
                wanted[view.card.opened.trunk] += self._restock(view, views, out)
            for view in views:
                queue = view.card.opened.queue
                if queue and view.card.policy.keeps(view):
                    held.add(queue)
        self._request_credits(wanted, now_us, out)

    def _dial_decided(self, wanted: dict[str, int], out: list[Envelope]) -> None:
        """First the calls that agents have decided to make after a look: each has an agent who waits."""
        self.pool.offers.dial(self._now_us, out)
        for trunk in self.pool.calls.lines_needed():
            wanted[trunk] += 1

    def next_deadline_us(self) -> int | None:
        """The next call, lease, contact or request that time alone moves on."""
        now_us = self._now_us
        trunks = self.pool.trunks.values()
        times = [t.wanted_at_us + CREDIT_PATIENCE_US for t in trunks if t.wanted > t.matched and not t.credits_free]
        for card in self.pool.campaigns.values():
            if card.stock:
                times.append(card.stock[0].not_after_us)
            if card.own:
                times.append(min(lease.not_after_us for lease in card.own))
            if not card.active:
                continue
            if card.next_us and not card.asked:
                times.append(card.next_us)
            if card.asked_for:
                times.append(min(card.asked_for.values()) + PERSONAL_PATIENCE_US)
            if card.asked and len(self.pool.campaigns) > 1:
                times.append(card.asked_us + ANSWER_PATIENCE_US)
            again_us = card.policy.next_us()
            if again_us is not None:
                times.append(again_us)
        next_call_us = self.pool.next_deadline_us()
        if next_call_us is not None:
            times.append(next_call_us)
        return min(filter(now_us.__lt__, times), default=None)

    # -- matching ----------------------------------------------------------------------------------------------------

    def _ranks(self) -> list[list[CampaignCard]]:
        """Active campaigns by priority, highest first; all together where agents are shared."""
        ranks: dict[int, list[CampaignCard]] = {}
        for card in self.pool.campaigns.values():
            if card.active:
                ranks.setdefault(0 if self._shares else card.opened.priority, []).append(card)
        return [ranks[priority] for priority in sorted(ranks, reverse=True)]

    def _in_turn(self, views: list[View]) -> list[View]:
        """Equal campaigns in the order in which they may ask for leases: another one each time."""
        return self._rng.sample(views, len(views)) if len(views) > 1 else views

    def _match_all(self, views: list[View], out: list[Envelope]) -> None:
        """Begin what can be begun. Flows need no agents, and a campaign without equals has every turn."""
        rivals = [view for view in views if not view.card.policy.flow] if len(views) > 1 else []
        for view in views:
            if len(rivals) > 1 and not view.card.policy.flow:
                continue
            while self._launch(view, out):
                pass
        if len(rivals) > 1:
            self._match_in_turn({view.card.name: view for view in rivals}, out)

    def _match_in_turn(self, views: dict[str, View], out: list[Envelope]) -> None:
        turns, now_us = self._turns, self._now_us
        for view in views.values():
            if not view.card.stock:
                self._explain(view)
        ready = turns.begin([view.card for view in views.values()], now_us)
        while ready:
            card = turns.next(ready)
            view = views[card.name]
            view.kept = turns.kept_for_others(card) + turns.kept_for(card)
            if not card.stock and card.hungry(now_us) and view.idle:
                kept = turns.kept_for(card)
                if card.policy.need(view, kept + 1) > kept:
                    turns.keep(card)
                    continue
            launch = self._launch(view, out)
            if launch is None:
                ready.remove(card)
            else:
                turns.took(card, launch.agents)
        for view in views.values():
            view.kept = turns.kept_for_others(view.card)

    def _explain(self, view: View) -> bool:
        """Say why a campaign without leases does not dial."""
        card = view.card
        if card.due(self._now_us) or card.asked:
            card.reason = "waiting for the ledger to allow contacts"
        else:
            card.reason = "all contacts rest" if card.next_us else "no contact is left to dial"
        return False

    def _launch(self, view: View, out: list[Envelope]) -> Launch | None:
        """Begin what the mode says; None, with the reason on the card, if nothing can be begun now."""
        card = view.card
        if not card.stock:
            self._explain(view)
            return None
        launch = card.policy.launch(view)
        card.reason = launch.reason
        if not launch.calls:
            return None
        leases = [card.stock.popleft() for _ in range(launch.calls)]
        if launch.agent is not None:
            self._give(view, leases, launch.agent, launch.wait_us, out)
        else:
            for lease in leases:
                self.pool.place(lease, card, self._now_us, out)
        card.policy.begun(launch)
        return launch

    def _give(self, view: View, leases: list[Lease], agent: AgentCard, wait_us: int, out: list[Envelope]) -> None:
        """Ask an agent to take what is to be dialled."""
        card = view.card
        if card.policy.offers:
            self.pool.offers.show(leases[0], card, agent, self._now_us, out)
        elif wait_us:
            self.pool.match_first(leases, card, agent, self._now_us + wait_us, out)
        else:
            self.pool.match(leases[0], card, agent, out)

    # -- contacts of one agent's own ---------------------------------------------------------------------------------

    def _match_own(self, view: View, personal: set[str], out: list[Envelope]) -> int:
        """Match contacts of one agent's own with that agent, and ask for those that are due to idle ones.

        Returns:
            Calls that lack a line.
        """
        card, roster = view.card, self.pool.roster
        queue = card.opened.queue or ""
        own, card.own = card.own, []
        for lease in own:
            agent = roster.can_take(lease.agent, queue, view.held)
            if agent is None or agent.agent in personal:
                self.pool.give_back(card.name, [lease.attempt_id], out)
            elif view.credits or (card.policy.offers and not view.trunk.asking):
                self._give(view, [lease], agent, 0, out)
                card.reason = DIALLING
            else:
                card.own.append(lease)
                card.reason = NO_LINE
                personal.add(agent.agent)
        for name in card.personal:
            if name in personal or roster.can_take(name, queue, view.held) is None:
                continue
            personal.add(name)
            if self._now_us >= card.asked_for.get(name, -PERSONAL_PATIENCE_US) + PERSONAL_PATIENCE_US:
                card.asked_for[name] = card.asked_us = self._now_us
                card.asked += 1
                order = RequestLeases(self.pool.spec.pool, 1, name)
                out.append(Envelope(Address("campaign", card.name), order))
        return 0 if card.policy.offers else len(card.own)

    # -- asking ------------------------------------------------------------------------------------------------------

    def _restock(self, view: View, views: list[View], out: list[Envelope]) -> int:
        """Ask for leases up to the target; the credits it wants are returned."""
        card, now_us = view.card, self._now_us
        due = card.due(now_us)
        if not (card.stock or card.asked or due):
            return 0
        need, unserved = self._need(view, views)
        per_s = card.rate.per_s(now_us)
        target = card.policy.target(view, unserved, per_s)
        missing = target - len(card.stock) - card.asked
        if missing > 0 and due and 2 * missing >= target:  # several with one request, as long as there are others
            card.asked += missing
            card.asked_us = now_us
            out.append(Envelope(Address("campaign", card.name), RequestLeases(self.pool.spec.pool, missing)))
        if card.policy.offers:
            return 0  # a line is wanted when an agent has decided
        return need + math.floor(per_s * self.pool.spec.lead_us / (10 * SECOND_US) + 0.5)

    def _need(self, view: View, views: list[View]) -> tuple[int, int]:
        """What others leave of the agents of a queue.

        Returns:
            Calls that could be placed now, were there leases and credits; and for how many of them leases are wanted:
            where campaigns take turns, for the agents who are kept for its turns.
        """
        policy, card = view.card.policy, view.card
        need = policy.need(view, view.idle)
        if policy.flow or not need or len(views) == 1:
            return need, need
        return need, policy.need(view, self._turns.kept_for(card))

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
