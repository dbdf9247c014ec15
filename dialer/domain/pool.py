"""One pool as its scheduler sees it: agents, campaigns, trunks and calls, and the moves a call can make.

What begins with a look at the contact moves in ``offers.py``, and calls of which an agent takes the first that is
answered are kept together in ``groups.py``.
"""

from __future__ import annotations

from dialer.domain import commands as c
from dialer.domain.calls import LOOKING, UNSENT, Call, Calls, Stage
from dialer.domain.events import Lease
from dialer.domain.groups import Groups
from dialer.domain.ids import run_of
from dialer.domain.kinds import Outcome
from dialer.domain.message import Address, Envelope
from dialer.domain.offers import Offers
from dialer.domain.pool_checks import check
from dialer.domain.roster import AgentCard, Hold, Roster
from dialer.domain.specs import SECOND_US, PoolSpec
from dialer.domain.supply import CampaignCard, TrunkCard
from dialer.domain.transfers import Transfers

#: An agent stays promised this long after a call must have been answered, for detection and the join.
PROMISE_MARGIN_US = 30 * SECOND_US
#: A call that a reborn scheduler finds answered waits this long for its campaign to say what it is.
ADOPTION_PATIENCE_US = 10 * SECOND_US

_PROMISED = (Hold.ASKED, Hold.RESERVED)


class Pool:
    """State and moves; what decides is in ``scheduler.py`` and ``matching.py``.

    Args:
        spec: The pool.
    """

    def __init__(self, spec: PoolSpec) -> None:
        self.spec = spec
        self.roster = Roster()
        self.campaigns: dict[str, CampaignCard] = {}
        self.trunks: dict[str, TrunkCard] = {}
        self.calls = Calls()
        self.groups = Groups(self)
        self.offers = Offers(self)
        self.transfers = Transfers(self)

    def campaign_of(self, attempt_id: int) -> str:
        """The campaign of an attempt that an earlier incarnation dialled, "" if it has not announced itself yet."""
        run_no = run_of(attempt_id)
        return next((card.name for card in self.campaigns.values() if card.opened.run_no == run_no), "")

    def asking(self) -> bool:
        """True while a trunk has not said what is up on it."""
        return any(trunk.asking for trunk in self.trunks.values())

    def waiting_of(self, campaign: str) -> int:
        """People of a campaign who wait and for whom nobody is asked."""
        return sum(call.campaign == campaign for call in self.calls.waiting())

    def rival_answers(self, card: CampaignCard) -> float:
        """Of other campaigns of the same queue: people who wait, and expected answers of calls no agent waits for."""
        if len(self.campaigns) == 1:
            return 0.0
        expected = 0.0
        for other in self.campaigns.values():
            if other is not card and other.opened.queue == card.opened.queue:
                if other.alone:
                    expected += len(other.alone) * other.answer_ratio
                expected += self.waiting_of(other.name)
        return expected

    # -- beginning and end -------------------------------------------------------------------------------------------

    def adopt(self, attempt_id: int, trunk: str, now_us: int, agent: str = "") -> Call:
        """Take in a call that an earlier incarnation dialled: nobody may dial it once more."""
        for card in self.campaigns.values():
            card.forget((attempt_id,))
        call = Call(attempt_id, self.campaign_of(attempt_id), trunk, Stage.DIALLING, agent, sent_us=now_us)
        self.begin(call)
        return call

    def begin(self, call: Call) -> None:
        """A call begins."""
        self.calls.add(call)
        if call.stage is Stage.MATCHED:
            self._set_aside(call, 1)
        card = self.campaigns.get(call.campaign)
        if card is not None and call.stage not in LOOKING:
            card.in_progress += 1
            self.track(call)

    def track(self, call: Call) -> None:
        """Keep the campaign's note of calls that ring without an agent, after a call or its agent has moved."""
        card = self.campaigns.get(call.campaign)
        if card is not None and not card.policy.flow:
            if call.alone:
                card.alone.setdefault(call.attempt_id, call.sent_us)
            else:
                card.alone.pop(call.attempt_id, None)

    def drop(self, call: Call, out: list[Envelope]) -> None:
        """A call is over, or will not be: whoever is promised to it is free."""
        if call.group is not None and self.groups.asking(call.group):
            self.groups.undo(call.group, out, but=call)
        self.release(call, out)
        self.calls.remove(call)
        card = self.campaigns.get(call.campaign)
        if card is not None and call.stage not in LOOKING:
            card.in_progress -= 1
            if card.alone:
                card.alone.pop(call.attempt_id, None)
        if call.stage is Stage.MATCHED:
            self._set_aside(call, -1)  # nothing was sent

    def line_up(self, call: Call) -> None:
        """A call that an agent has decided to make gets its credit."""
        self.calls.move(call, Stage.MATCHED)
        self._set_aside(call, 1)
        self.campaigns[call.campaign].in_progress += 1

    def _set_aside(self, call: Call, count: int) -> None:
        """Take a credit for a call that is to be dialled, or with -1 put it back."""
        trunk = self.trunks[call.trunk]
        trunk.credits_free -= count
        trunk.matched += count

    # -- agents ------------------------------------------------------------------------------------------------------

    def match(self, lease: Lease, campaign: CampaignCard, agent: AgentCard, out: list[Envelope]) -> None:
        """Ask an agent to take the call that is to be dialled under a lease."""
        call = self._matched(lease, campaign)
        self.ask(call, agent, lease.not_after_us + self.promise_us(campaign), out)

    def match_first(
        self, leases: list[Lease], campaign: CampaignCard, agent: AgentCard, until_us: int, out: list[Envelope]
    ) -> None:
        """Ask an agent to wait for the first answer of calls that are to be dialled, until ``until_us``."""
        calls = [self._matched(lease, campaign) for lease in leases]
        self.ask(calls[0], agent, until_us + PROMISE_MARGIN_US, out)
        calls[0].agent = ""  # it is the group's
        self.groups.form(calls, agent, until_us)

    def place(self, lease: Lease, campaign: CampaignCard, now_us: int, out: list[Envelope]) -> None:
        """Dial without an agent."""
        self.originate(self._matched(lease, campaign), now_us, out)

    def _matched(self, lease: Lease, campaign: CampaignCard) -> Call:
        trunk, due_us = campaign.opened.trunk, lease.not_after_us
        call = Call(lease.attempt_id, campaign.name, trunk, Stage.MATCHED, "", lease, 0, due_us)
        self.begin(call)
        return call

    def promise_us(self, campaign: CampaignCard) -> int:
        """How long a promise to one call must last from the moment when it is sent at the latest."""
        return campaign.opened.ring_timeout_us + PROMISE_MARGIN_US

    def find_agent(self, call: Call, out: list[Envelope]) -> None:
        """Ask the longest-idle agent to take a call on which a person is waiting, if anybody is idle."""
        campaign = self.campaigns.get(call.campaign)
        queue = call.queue or (None if campaign is None else campaign.opened.queue)
        agent = None if queue is None else self.roster.longest_idle(queue)
        if agent is not None:
            self.ask(call, agent, call.deadline_us + PROMISE_MARGIN_US, out)

    def ask(self, call: Call, agent: AgentCard, until_us: int, out: list[Envelope], *, preview_us: int = 0) -> None:
        """Ask an agent to promise itself to a call."""
        call.agent = agent.agent
        self.roster.take(agent, call.attempt_id)
        order = c.ReserveAgent(agent.agent, call.attempt_id, call.campaign, until_us, preview_us)
        out.append(Envelope(Address("agent", agent.agent), order))

    def release(self, call: Call, out: list[Envelope]) -> None:
        """Free whoever is asked for or promised to a call; an agent who talks is told by the trunk."""
        if call.group is not None:
            self.groups.leave(call, out)
            return
        card = self.roster.cards.get(call.agent)
        promised = card is not None and card.hold in _PROMISED and card.attempt_id == call.attempt_id
        if card is not None and promised and self.groups.held_by(card) is None:
            self._let_go(card, out)
        call.agent = ""

    def _let_go(self, card: AgentCard, out: list[Envelope]) -> None:
        """An agent is promised to nothing any more, and away until it says that it is idle."""
        self.roster.away(card)
        out.append(Envelope(Address("agent", card.agent), c.ReleaseAgent(card.agent, card.promise_id)))

    def lose_promise(self, card: AgentCard, out: list[Envelope]) -> None:
        """The agent is not promised to its attempt any more: somebody else must take the call."""
        promised = card.hold in _PROMISED
        group = self.groups.held_by(card) if promised else None
        call = self.calls.get(card.attempt_id) if promised else None
        self.roster.away(card)
        if group is not None:
            self.groups.orphan(group, out)
            return
        if call is None or call.agent != card.agent:
            return
        call.agent = ""
        if call.stage in (Stage.MATCHED, Stage.OFFERED):
            self.unmatch(call, out)
        elif call.stage in LOOKING:  # the ledger may have its intent by now
            self.drop(call, out)
            self.give_back(call.campaign, [call.attempt_id], out)
        elif call.stage is Stage.WAITING:
            self.find_agent(call, out)
        else:
            self.track(call)

    def free(self, agent: str, now_us: int) -> None:
        """The agent has neither a call nor wrap-up any more: the mode may learn how long that took."""
        work = self.roster.rest(agent)
        if work is not None:
            since_us, campaign = work
            card = self.campaigns.get(campaign)
            if card is not None:
                card.policy.handled(now_us - since_us, now_us)

    def unmatch(self, call: Call, out: list[Envelope]) -> None:
        """Nothing was dialled: put the lease back in stock."""
        self.drop(call, out)
        card = self.campaigns.get(call.campaign)
        if card is not None and call.lease is not None:
            if card.active:
                card.put_back(call.lease)
            else:
                self.give_back(call.campaign, [call.attempt_id], out)

    def give_back(self, campaign: str, attempts: list[int], out: list[Envelope]) -> None:
        """Return leases that will not be used."""
        if attempts:
            out.append(Envelope(Address("campaign", campaign), c.ReturnLeases(tuple(attempts))))

    # -- the line ----------------------------------------------------------------------------------------------------

    def originate(self, call: Call, now_us: int, out: list[Envelope]) -> None:
        """Send the order to dial, or give up the lease if it is too late or the trunk must first announce itself."""
        card, lease, trunk = self.campaigns[call.campaign], call.lease, self.trunks[call.trunk]
        if lease is None or now_us >= lease.not_after_us or trunk.asking:
            self.drop(call, out)
            self.give_back(call.campaign, [call.attempt_id], out)
            return
        self.calls.move(call, Stage.DIALLING)
        call.sent_us = now_us
        self.track(call)
        card.policy.launched(now_us)
        trunk.matched -= 1
        trunk.wanted = max(0, trunk.wanted - 1)  # the trunk counts it off, too
        card.rate.note(1, now_us)
        opened, agent = card.opened, self.roster.cards.get(call.agent if call.group is None else call.group.agent)
        order = c.Originate(
            call.attempt_id,
            self.spec.pool,
            card.name,
            lease.number,
            opened.caller_id,
            opened.ring_timeout_us,
            lease.intent_us,
            lease.not_after_us,
            opened.amd,
            opened.flow,
            "" if agent is None else agent.agent,
            0 if agent is None else agent.epoch,
        )
        out.append(Envelope(Address("trunk", call.trunk), order))

    def answered(self, call: Call, answered_us: int, now_us: int, out: list[Envelope], *, joining: str = "") -> None:
        """A person is on the line: join whoever is promised, or find somebody, or leave it to the flow.

        Args:
            call: The call.
            answered_us: When the person picked up, UTC microseconds.
            now_us: UTC microseconds.
            out: Where to put what is to be said.
            joining: The agent with whom the trunk joins the call already, as it was told to.
        """
        call.answered_us = answered_us
        campaign = self.campaigns.get(call.campaign)
        if campaign is not None:
            campaign.alone.pop(call.attempt_id, None)
            if not call.live:
                campaign.count_answer(call)
                if call.lease is not None:  # otherwise it is not known when it was sent
                    campaign.policy.answered(max(0, answered_us - call.sent_us), now_us)
        agent = self.roster.cards.get(call.agent)
        if joining:
            self._is_joined(call, joining, now_us, out)
        elif campaign is not None and campaign.policy.flow:
            self.calls.move(call, Stage.JOINING)
        elif call.group is not None:
            self.join(call, self.groups.win(call), now_us, out)
        elif agent is not None and agent.hold is Hold.RESERVED and agent.attempt_id == call.attempt_id:
            self.join(call, agent, now_us, out)
        else:
            known = campaign is not None
            limit_us = answered_us + self.spec.join_limit_us if known else now_us + ADOPTION_PATIENCE_US
            self.calls.move(call, Stage.WAITING, limit_us)
            if not call.agent:
                self.find_agent(call, out)

    def failed(self, call: Call, now_us: int) -> None:
        """No person comes of a call that was being dialled."""
        card = self.campaigns.get(call.campaign)
        if card is not None and call.stage is Stage.DIALLING:
            card.settled += 1
            if call.lease is not None:
                card.policy.failed(now_us - call.sent_us, now_us)

    def join(self, call: Call, agent: AgentCard, now_us: int, out: list[Envelope]) -> None:
        """Order the join with an agent who is promised."""
        agent.attempt_id = call.attempt_id
        self._joins(call, agent.agent, now_us)
        order = c.JoinAgent(call.attempt_id, agent.agent, agent.epoch)
        out.append(Envelope(Address("trunk", call.trunk), order))

    def _is_joined(self, call: Call, name: str, now_us: int, out: list[Envelope]) -> None:
        """The trunk joins a call with the agent who was promised when it was sent, whatever the promise came to."""
        agent, group = self.roster.cards.get(name), call.group
        held = None if agent is None or group is None else self.groups.held_by(agent)
        if group is not None:
            winner = self.groups.win(call)
            if winner is not agent:
                self._let_go(winner, out)
        elif call.agent != name:
            self.release(call, out)  # somebody else was promised meanwhile
        if agent is not None:  # a reborn scheduler may not have heard of it
            if agent.hold not in _PROMISED:
                self.roster.away(agent, call.attempt_id)
            elif group is not None and held is group:
                agent.attempt_id = call.attempt_id
        self._joins(call, name, now_us)  # who is asked for, or promised to another call, will say that it talks

    def _joins(self, call: Call, agent: str, now_us: int) -> None:
        self.calls.move(call, Stage.JOINING)
        call.agent = agent
        self.track(call)
        card = self.roster.cards.get(agent)
        if card is not None and card.hold is not Hold.ASKED:
            self.roster.work(agent, now_us, call.campaign)

    def clear(self, call: Call, outcome: Outcome, out: list[Envelope]) -> None:
        """Hang up."""
        self.release(call, out)
        self.calls.move(call, Stage.CLEARING)
        self.track(call)
        out.append(Envelope(Address("trunk", call.trunk), c.HangUp(call.attempt_id, outcome)))

    def overdue(self, now_us: int, out: list[Envelope]) -> None:
        """What time alone moves on: promises that did not come, people nobody was found for, leases too old."""
        self.groups.overdue(now_us, out)
        for call in self.calls.overdue(now_us):
            if call.stage in UNSENT:
                self.drop(call, out)
                self.give_back(call.campaign, [call.attempt_id], out)
            elif call.stage is Stage.WAITING and call.queue:
                self.transfers.forgo(call, out)
            elif call.stage is Stage.WAITING:
                card = self.campaigns.get(call.campaign)
                if card is not None:
                    card.count_abandoned(call)
                self.clear(call, Outcome.ABANDONED, out)
            elif call.stage is Stage.DIALLING:  # its agent talks with whoever was first, and it has rung long enough
                self.failed(call, now_us)
                self.clear(call, Outcome.NO_ANSWER, out)
        for card in self.campaigns.values():
            if card.stock or card.own:
                self.give_back(card.name, list(card.expired(now_us)), out)

    def next_deadline_us(self) -> int | None:
        """The next call or group that time alone moves on; None if there is none."""
        call_us, group_us = self.calls.next_deadline_us(), self.groups.next_deadline_us()
        if call_us is None or group_us is None:
            return call_us or group_us
        return min(call_us, group_us)

    def check_invariants(self) -> None:
        """Agents, calls and campaigns agree with each other; see ``pool_checks.py``.

        Raises:
            InvariantError: They do not.
        """
        self.roster.check_invariants()
        self.groups.check_invariants()
        check(self.roster, self.calls, self.groups, self.campaigns, self.trunks)
