"""One pool as its scheduler sees it: agents, campaigns, trunks and calls, and the moves a call can make."""

from __future__ import annotations

from dialer.domain import commands as c
from dialer.domain.calls import Call, Calls, Stage
from dialer.domain.events import Lease
from dialer.domain.ids import run_of
from dialer.domain.kinds import Outcome
from dialer.domain.message import Address, Envelope
from dialer.domain.roster import AgentCard, Hold, Roster
from dialer.domain.specs import SECOND_US, PoolSpec
from dialer.domain.supply import CampaignCard, TrunkCard
from dialer.errors import InvariantError

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

    def campaign_of(self, attempt_id: int) -> str:
        """The campaign of an attempt that an earlier incarnation dialled, "" if it has not announced itself yet."""
        run_no = run_of(attempt_id)
        return next((card.name for card in self.campaigns.values() if card.opened.run_no == run_no), "")

    def asking(self) -> bool:
        """True while a trunk has not said what is up on it."""
        return any(trunk.asking for trunk in self.trunks.values())

    def adopt(self, attempt_id: int, trunk: str, agent: str = "") -> Call:
        """Take in a call that an earlier incarnation dialled."""
        call = Call(attempt_id, self.campaign_of(attempt_id), trunk, Stage.DIALLING, agent)
        self.begin(call)
        return call

    def begin(self, call: Call) -> None:
        """A call begins."""
        self.calls.add(call)
        if call.stage is Stage.MATCHED:
            self._set_aside(call, 1)
        card = self.campaigns.get(call.campaign)
        if card is not None:
            card.in_progress += 1

    def drop(self, call: Call, out: list[Envelope]) -> None:
        """A call is over, or will not be: whoever is promised to it is free."""
        self.release(call, out)
        self.calls.remove(call)
        card = self.campaigns.get(call.campaign)
        if card is not None:
            card.in_progress -= 1
        if call.stage is Stage.MATCHED:
            self._set_aside(call, -1)  # nothing was sent

    def _set_aside(self, call: Call, count: int) -> None:
        """Take a credit for a call that is to be dialled, or with -1 put it back."""
        trunk = self.trunks[call.trunk]
        trunk.credits_free -= count
        trunk.matched += count

    # -- agents ------------------------------------------------------------------------------------------------------

    def match(self, lease: Lease, campaign: CampaignCard, agent: AgentCard, out: list[Envelope]) -> None:
        """Ask an agent to take the call that is to be dialled under a lease."""
        call = Call(
            lease.attempt_id,
            campaign.name,
            campaign.opened.trunk,
            Stage.MATCHED,
            agent.agent,
            lease,
            0,
            lease.not_after_us,
        )
        self.begin(call)
        until_us = lease.not_after_us + campaign.opened.ring_timeout_us + PROMISE_MARGIN_US
        self._ask(call, agent, until_us, out)

    def find_agent(self, call: Call, out: list[Envelope]) -> None:
        """Ask the longest-idle agent to take a call on which a person is waiting, if anybody is idle."""
        campaign = self.campaigns.get(call.campaign)
        queue = None if campaign is None else campaign.opened.queue
        agent = None if queue is None else self.roster.longest_idle(queue)
        if agent is not None:
            self._ask(call, agent, call.deadline_us + PROMISE_MARGIN_US, out)

    def _ask(self, call: Call, agent: AgentCard, until_us: int, out: list[Envelope]) -> None:
        call.agent = agent.agent
        self.roster.take(agent, call.attempt_id)
        ask = c.ReserveAgent(agent.agent, call.attempt_id, call.campaign, until_us)
        out.append(Envelope(Address("agent", agent.agent), ask))

    def release(self, call: Call, out: list[Envelope]) -> None:
        """Free whoever is asked for or promised to a call; an agent who talks is told by the trunk."""
        card = self.roster.cards.get(call.agent)
        if card is not None and card.hold in _PROMISED and card.attempt_id == call.attempt_id:
            self.roster.away(card)  # until it says that it is idle
            out.append(Envelope(Address("agent", card.agent), c.ReleaseAgent(card.agent, call.attempt_id)))
        call.agent = ""

    def lose_promise(self, card: AgentCard, out: list[Envelope]) -> None:
        """The agent is not promised to its attempt any more: somebody else must take the call."""
        call = self.calls.get(card.attempt_id) if card.hold in _PROMISED else None
        self.roster.away(card)
        if call is None or call.agent != card.agent:
            return
        call.agent = ""
        if call.stage is Stage.MATCHED:
            self.unmatch(call, out)
        elif call.stage is Stage.WAITING:
            self.find_agent(call, out)

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
        trunk.matched -= 1
        trunk.wanted = max(0, trunk.wanted - 1)  # the trunk counts it off, too
        card.rate.note(1, now_us)
        opened = card.opened
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
        )
        out.append(Envelope(Address("trunk", call.trunk), order))

    def answered(self, call: Call, answered_us: int, now_us: int, out: list[Envelope]) -> None:
        """A person is on the line: join whoever is promised, or find somebody, or leave it to the flow."""
        call.answered_us = answered_us
        campaign = self.campaigns.get(call.campaign)
        agent = self.roster.cards.get(call.agent)
        if campaign is not None and campaign.agentless:
            self.calls.move(call, Stage.JOINING)
        elif agent is not None and agent.hold is Hold.RESERVED and agent.attempt_id == call.attempt_id:
            self.join(call, agent, out)
        else:
            known = campaign is not None
            limit_us = answered_us + self.spec.join_limit_us if known else now_us + ADOPTION_PATIENCE_US
            self.calls.move(call, Stage.WAITING, limit_us)
            if not call.agent:
                self.find_agent(call, out)

    def join(self, call: Call, agent: AgentCard, out: list[Envelope]) -> None:
        """Order the join with an agent who is promised."""
        self.calls.move(call, Stage.JOINING)
        order = c.JoinAgent(call.attempt_id, agent.agent, agent.epoch)
        out.append(Envelope(Address("trunk", call.trunk), order))

    def overdue(self, now_us: int, out: list[Envelope]) -> None:
        """What time alone moves on: promises that did not come, people nobody was found for, leases too old."""
        for call in self.calls.overdue(now_us):
            if call.stage is Stage.MATCHED:
                self.drop(call, out)
                self.give_back(call.campaign, [call.attempt_id], out)
            elif call.stage is Stage.WAITING:
                self.release(call, out)
                self.calls.move(call, Stage.CLEARING)
                out.append(Envelope(Address("trunk", call.trunk), c.HangUp(call.attempt_id, Outcome.ABANDONED)))
        for card in self.campaigns.values():
            if card.stock:
                self.give_back(card.name, list(card.expired(now_us)), out)

    def check_invariants(self) -> None:
        """Agents, calls and campaigns agree with each other.

        Raises:
            InvariantError: They do not.
        """
        self.roster.check_invariants()
        promised = {call.agent for call in self.calls if self._holds(call)}
        for card in self.roster.cards.values():
            if card.hold in _PROMISED and card.agent not in promised:
                raise InvariantError("every promise has a call", f"{card.agent} is promised to nothing")
        for campaign in self.campaigns.values():
            real = len(self.calls.of(campaign.name))
            if real != campaign.in_progress:
                detail = f"{campaign.name}: counted {campaign.in_progress}, real {real}"
                raise InvariantError("calls in progress", detail)
        for trunk in self.trunks.values():
            if trunk.credits_free < 0:
                raise InvariantError("no call without credit", f"{trunk.trunk}: {trunk.credits_free}")
            matched = sum(call.stage is Stage.MATCHED for call in self.calls.on_trunks((trunk.trunk,)))
            if matched != trunk.matched:
                raise InvariantError("credits set aside", f"{trunk.trunk}: {trunk.matched}, matched {matched}")

    def _holds(self, call: Call) -> bool:
        card = self.roster.cards.get(call.agent)
        return card is not None and card.hold in _PROMISED and card.attempt_id == call.attempt_id
