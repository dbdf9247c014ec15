"""The scheduler of one pool: matches idle agents with leased contacts, and calls with trunk credits.

It owns no durable fact. What it knows are copies of what agents, campaigns and trunks have told it, and it asks the
owner before it acts: an agent is promised only when the agent says so, a contact may be dialled only under a lease, a
line is used only under a credit. A reborn scheduler asks everybody to announce themselves and goes on.

The way of a call (kept in ``calls.py``, moved by ``pool.py``, begun by ``matching.py`` as the modes say):

    MATCHED --agent promised--> DIALLING --person answers--> JOINING --ended--> (gone)
       +--refused: lease back in stock   +--nobody promised--> WAITING --agent promised--> JOINING

A call that an agent looks at first begins in ``offers.py``; one that nobody is promised to begins as DIALLING.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.calls import LOOKING, UNSENT, Stage
from dialer.domain.flow_talk import AgentUnwanted, AgentWanted
from dialer.domain.kinds import AgentState, AnswerClass, Outcome
from dialer.domain.matching import Matching
from dialer.domain.message import Address, Envelope
from dialer.domain.modes import POLICIES, Policies
from dialer.domain.pacing import LaunchRate
from dialer.domain.pool import Pool
from dialer.domain.roster import AgentCard, Hold
from dialer.domain.specs import PoolSpec
from dialer.domain.supply import CampaignCard, TrunkCard

_PEOPLE = (AnswerClass.HUMAN, AnswerClass.UNKNOWN)
#: Stages in which a call may still be joined with whom an agent says it is promised to.
_ADOPTABLE = (Stage.DIALLING, Stage.WAITING)
_WORKING = (AgentState.TALKING, AgentState.WRAP_UP)


class Scheduler:
    """Machine of one pool.

    Args:
        spec: The pool and who belongs to it.
        rng: Chance for the choice among campaigns of equal priority.
        policies: What makes the policy of a campaign, by its mode.
    """

    def __init__(self, spec: PoolSpec, *, rng: Random, policies: Policies = POLICIES) -> None:
        self.address = Address("scheduler", spec.pool)
        self.spec = spec
        self.pool = Pool(spec)
        self.matching = Matching(self.pool, rng)
        self._policies = policies
        self._handlers: dict[type, Callable[[Any, int, list[Envelope]], None]] = {
            e.CampaignOpened: self._campaign_opened,
            e.CampaignClosed: self._campaign_closed,
            e.LeasesGranted: self._leases_granted,
            e.OfferWithdrawn: self._offer_withdrawn,
            e.AgentIdle: self._agent_idle,
            e.AgentUnavailable: self._agent_unavailable,
            e.AgentReserved: self._agent_reserved,
            e.ReservationRefused: self._reservation_refused,
            e.OfferSkipped: self._offer_skipped,
            e.TrunkOpened: self._trunk_opened,
            e.CreditsGranted: self._credits_granted,
            e.OriginateRefused: self._originate_refused,
            e.CallAnswered: self._call_answered,
            e.JoinFailed: self._join_failed,
            e.CallEnded: self._call_ended,
            AgentWanted: self._agent_wanted,
            AgentUnwanted: self._agent_unwanted,
            e.PeerRestarted: self._peer_restarted,
        }

    # -- the machine -------------------------------------------------------------------------------------------------

    def start(self, now_us: int) -> list[Envelope]:  # noqa: ARG002 - part of the Machine protocol
        """Ask the whole pool to announce itself."""
        announce = c.Announce(self.spec.pool)
        for trunk in self.spec.trunks:
            self.pool.trunks[trunk] = TrunkCard(trunk)
        kinds = (("trunk", self.spec.trunks), ("campaign", self.spec.campaigns), ("agent", self.spec.agents))
        return [Envelope(Address(kind, name), announce) for kind, names in kinds for name in names]

    def handle(self, batch: Sequence[Any], now_us: int) -> list[Envelope]:
        """Apply the batch, then match, then ask for what the next matches need."""
        out: list[Envelope] = []
        for item in batch:
            self._handlers[type(item)](item, now_us, out)
        self.pool.overdue(now_us, out)
        self.matching.run(now_us, out)
        return out

    def next_deadline_us(self) -> int | None:
        """The next call, lease, contact or request that time alone moves on."""
        return self.matching.next_deadline_us()

    def check_invariants(self) -> None:
        """Raise InvariantError on a contradiction among agents, calls and campaigns."""
        self.pool.check_invariants()

    # -- campaigns ---------------------------------------------------------------------------------------------------

    def _campaign_opened(self, msg: e.CampaignOpened, now_us: int, out: list[Envelope]) -> None:
        pool = self.pool
        card = pool.campaigns.get(msg.campaign)
        if msg.trunk not in pool.trunks:
            pool.trunks[msg.trunk] = TrunkCard(msg.trunk)
            out.append(Envelope(Address("trunk", msg.trunk), c.Announce(self.spec.pool)))
        if card is None:
            policy = self._policies[msg.mode](msg.pacing)
            card = pool.campaigns[msg.campaign] = CampaignCard(msg, LaunchRate(2 * self.spec.lead_us), policy)
        elif msg.epoch < card.opened.epoch:
            return  # a replaced incarnation speaking late
        else:
            self._reopen(card, msg, out)
        card.reopen(msg)
        card.recount(pool.calls.of(card.name))
        for call in pool.calls.adopt_run(msg.run_no, msg.campaign):
            card.in_progress += 1
            pool.track(call)
            if call.stage is Stage.WAITING:
                pool.answered(call, call.answered_us, now_us, out)

    def _reopen(self, card: CampaignCard, msg: e.CampaignOpened, out: list[Envelope]) -> None:
        """What a campaign that speaks again does not know or want any more is void."""
        before = card.opened
        if msg.run_no != before.run_no or msg.mode != before.mode:
            self._void(card, out)
        elif msg.epoch > before.epoch and card.policy.offers:
            self._forget_offers(card, out)
        if (msg.mode, msg.pacing) != (before.mode, before.pacing):
            card.policy = self._policies[msg.mode](msg.pacing)
            card.alone.clear()
            for call in self.pool.calls.of(card.name):
                self.pool.track(call)

    def _forget_offers(self, card: CampaignCard, out: list[Envelope]) -> None:
        """A reborn campaign does not know its offers: nobody may look at them any more. Intents it knows."""
        card.void()
        for call in self.pool.calls.of(card.name):
            if call.stage in (Stage.OFFERED, Stage.CONFIRMING):
                self.pool.drop(call, out)

    def _campaign_closed(self, msg: e.CampaignClosed, now_us: int, out: list[Envelope]) -> None:  # noqa: ARG002
        card = self.pool.campaigns.get(msg.campaign)
        if card is None:
            return  # closed before this incarnation heard of it
        card.active, card.reason = False, msg.state.value
        self._void(card, out)

    def _void(self, card: CampaignCard, out: list[Envelope]) -> None:
        """Give back every lease under which nothing was dialled."""
        unused = []
        for call in self.pool.calls.of(card.name):
            if call.stage in UNSENT and self.pool.calls.get(call.attempt_id) is call:
                unused.append(call.attempt_id)
                self.pool.drop(call, out)  # and others of its group
        self.pool.give_back(card.name, card.void() + unused, out)

    def _leases_granted(self, msg: e.LeasesGranted, now_us: int, out: list[Envelope]) -> None:  # noqa: ARG002
        card = self.pool.campaigns.get(msg.campaign)
        if card is None:
            self.pool.give_back(msg.campaign, [lease.attempt_id for lease in msg.leases], out)
            return
        usable = []
        held = card.attempts()
        for lease in msg.leases:
            call = self.pool.calls.get(lease.attempt_id)
            if lease.attempt_id in held:
                continue  # told twice
            if call is not None and self.pool.offers.expects(call, lease):
                self.pool.offers.confirmed(call, lease)
            elif call is not None:
                continue  # leased to an earlier incarnation of this scheduler, and dialled
            elif (lease.intent_us == 0) is card.policy.offers:
                usable.append(lease)
            else:  # the agent who wanted to dial has been let go, or the mode was another one
                self.pool.give_back(card.name, [lease.attempt_id], out)
        card.take_in(msg, usable)
        if not card.active:
            self._void(card, out)

    def _offer_withdrawn(self, msg: e.OfferWithdrawn, now_us: int, out: list[Envelope]) -> None:  # noqa: ARG002
        call = self.pool.calls.get(msg.attempt_id)
        if call is not None and call.stage in LOOKING:
            self.pool.drop(call, out)  # otherwise it was given back meanwhile

    # -- agents ------------------------------------------------------------------------------------------------------

    def _agent_idle(self, msg: e.AgentIdle, now_us: int, out: list[Envelope]) -> None:
        card = self._heard(msg.agent, msg.epoch, out)
        if card is None or card.hold is Hold.ASKED:
            return  # the answer to what it was asked is on its way
        self.pool.free(card.agent, now_us)
        self.pool.lose_promise(card, out)
        self.pool.roster.idle(card, msg.queues, msg.since_us)

    def _agent_unavailable(self, msg: e.AgentUnavailable, now_us: int, out: list[Envelope]) -> None:
        card = self._heard(msg.agent, msg.epoch, out)
        if card is None or card.hold is Hold.ASKED:
            return  # the answer to what it was asked is on its way
        if msg.state in _WORKING:
            if not self.pool.roster.working(card.agent):
                self.pool.roster.work(card.agent, now_us)  # an earlier incarnation of this scheduler knew since when
        elif msg.state is not AgentState.RECOVERING and card.hold is not Hold.RESERVED:
            self.pool.free(card.agent, now_us)
        if self._expected(card, msg):
            return
        self.pool.lose_promise(card, out)
        self.pool.roster.away(card, msg.attempt_id)
        if msg.state is AgentState.RESERVED:
            self._adopt_promise(card, msg.attempt_id, now_us, out)
        elif msg.state is AgentState.PREVIEW:  # the campaign has its offer back, as it knows of the restart
            out.append(Envelope(Address("agent", card.agent), c.ReleaseAgent(card.agent, msg.attempt_id)))

    def _expected(self, card: AgentCard, msg: e.AgentUnavailable) -> bool:
        """True if the agent only says that it is where its promise has brought it."""
        if card.hold is not Hold.RESERVED or card.attempt_id != msg.attempt_id:
            return False
        if msg.state is AgentState.RESERVED:
            return True
        call = self.pool.calls.get(msg.attempt_id)
        if msg.state not in _WORKING or call is None or call.stage in UNSENT or self.pool.groups.held_by(card):
            return False
        self.pool.roster.away(card, msg.attempt_id)
        if call.stage in _ADOPTABLE:  # joined by order of an earlier incarnation of this scheduler
            self.pool.calls.move(call, Stage.JOINING)
        return True

    def _heard(self, agent: str, epoch: int, out: list[Envelope]) -> AgentCard | None:
        """The card of an agent that speaks, None for a replaced incarnation; a new one has forgotten its promises."""
        card = self.pool.roster.card(agent, epoch)
        if card is not None and epoch > card.epoch:
            card.epoch = epoch
            self.pool.lose_promise(card, out)
        return card

    def _adopt_promise(self, card: AgentCard, attempt_id: int, now_us: int, out: list[Envelope]) -> None:
        """A reborn scheduler learns whom an agent is promised to."""
        call = self.pool.calls.get(attempt_id)
        if call is None and self.pool.asking():
            call = self.pool.adopt(attempt_id, "", now_us, card.agent)  # until all trunks have said what is up
        elif call is None or call.agent or call.group is not None or call.stage not in _ADOPTABLE:
            out.append(Envelope(Address("agent", card.agent), c.ReleaseAgent(card.agent, attempt_id)))
            return  # the call is over, or was never dialled, or somebody else takes it by now
        call.agent = card.agent
        card.hold, card.attempt_id, card.promise_id = Hold.RESERVED, attempt_id, attempt_id
        self.pool.track(call)
        if call.stage is Stage.WAITING:
            self.pool.join(call, card, now_us, out)

    def _agent_reserved(self, msg: e.AgentReserved, now_us: int, out: list[Envelope]) -> None:
        card = self._heard(msg.agent, msg.epoch, out)
        call = self.pool.calls.get(msg.attempt_id)
        asked = card is not None and card.hold is Hold.ASKED and card.attempt_id == msg.attempt_id
        group = None if call is None else call.group
        agent = "" if call is None else call.agent if group is None else group.agent
        if card is None or call is None or agent != msg.agent or not asked:
            out.append(Envelope(Address("agent", msg.agent), c.ReleaseAgent(msg.agent, msg.attempt_id)))
            return  # given up meanwhile
        card.hold = Hold.RESERVED
        if group is not None:
            for member in list(group.calls.values()):
                self.pool.originate(member, now_us, out)
        elif call.stage is Stage.WAITING:
            self.pool.join(call, card, now_us, out)
        elif call.stage is Stage.MATCHED:
            self.pool.originate(call, now_us, out)
        elif call.stage is Stage.OFFERED:
            self.pool.offers.decided(call, now_us, out)

    def _reservation_refused(self, msg: e.ReservationRefused, now_us: int, out: list[Envelope]) -> None:  # noqa: ARG002
        card = self._heard(msg.agent, msg.epoch, out)
        if card is not None and card.hold is Hold.ASKED and card.attempt_id == msg.attempt_id:
            self.pool.lose_promise(card, out)  # otherwise it was given up meanwhile

    def _offer_skipped(self, msg: e.OfferSkipped, now_us: int, out: list[Envelope]) -> None:  # noqa: ARG002
        card = self._heard(msg.agent, msg.epoch, out)
        call = self.pool.calls.get(msg.attempt_id)
        if card is not None and call is not None and self.pool.offers.decides(call, card):
            self.pool.offers.skipped(call, card, out)  # otherwise it was taken back meanwhile

    # -- trunks ------------------------------------------------------------------------------------------------------

    def _trunk_opened(self, msg: e.TrunkOpened, now_us: int, out: list[Envelope]) -> None:
        pool = self.pool
        trunk = pool.trunks.setdefault(msg.trunk, TrunkCard(msg.trunk))
        trunk.credits_free = trunk.wanted = 0
        live = {attempt: (agent, answered) for attempt, agent, answered in msg.live}
        for card in pool.campaigns.values():
            if card.opened.trunk == msg.trunk:
                card.forget(live)
                pool.give_back(card.name, list(card.too_old(msg.knows_since_us)), out)
        if trunk.asking:  # nothing was sent since it was asked: what it does not hold is gone
            trunk.asking = False
            names = (msg.trunk,) if pool.asking() else (msg.trunk, "")
            for call in pool.calls.on_trunks(names):
                if call.stage not in UNSENT and call.attempt_id not in live:
                    pool.drop(call, out)
        for attempt, (agent, answered) in live.items():
            self._found_up(attempt, msg.trunk, agent, answered=answered, now_us=now_us, out=out)

    def _found_up(
        self, attempt_id: int, trunk: str, agent: str, *, answered: bool, now_us: int, out: list[Envelope]
    ) -> None:
        """A trunk says that a call is up, and with whom."""
        pool = self.pool
        call = pool.calls.get(attempt_id)
        if call is not None and call.stage in UNSENT:
            pool.drop(call, out)  # an earlier incarnation has dialled it
            call = None
        if call is None:
            call = pool.adopt(attempt_id, trunk, now_us)
        call.trunk = trunk
        if agent:
            if call.agent != agent:
                pool.release(call, out)  # somebody else was asked or promised meanwhile
            pool.calls.move(call, Stage.JOINING)
            call.agent = agent
            pool.track(call)
        elif answered and call.stage is Stage.DIALLING:
            pool.answered(call, now_us, now_us, out)

    def _credits_granted(self, msg: e.CreditsGranted, now_us: int, out: list[Envelope]) -> None:  # noqa: ARG002
        trunk = self.pool.trunks.get(msg.trunk)
        if trunk is not None and trunk.wanted and not trunk.asking:
            trunk.credits_free += msg.count  # otherwise they were given back while on their way

    def _originate_refused(self, msg: e.OriginateRefused, now_us: int, out: list[Envelope]) -> None:  # noqa: ARG002
        call = self.pool.calls.get(msg.attempt_id)
        if call is not None and call.stage not in UNSENT:
            self.pool.drop(call, out)

    def _call_answered(self, msg: e.CallAnswered, now_us: int, out: list[Envelope]) -> None:
        call = self.pool.calls.get(msg.attempt_id)
        if msg.answer_class not in _PEOPLE:
            if call is not None and call.stage is Stage.DIALLING:
                self.pool.failed(call, now_us)
                self.pool.release(call, out)
                self.pool.calls.move(call, Stage.CLEARING)  # the trunk clears a machine by itself
                self.pool.track(call)
            return
        if call is None:
            call = self.pool.adopt(msg.attempt_id, msg.trunk, now_us)
        if call.stage is Stage.DIALLING:  # otherwise known from the trunk's announcement
            call.trunk = msg.trunk
            self.pool.answered(call, msg.answered_us, now_us, out, joining=msg.agent)

    def _join_failed(self, msg: e.JoinFailed, now_us: int, out: list[Envelope]) -> None:
        call = self.pool.calls.get(msg.attempt_id)
        if call is None or call.stage is not Stage.JOINING or call.agent not in ("", msg.agent):
            return  # over, or with somebody else by now
        self.pool.roster.rest(call.agent)
        self.pool.release(call, out)
        if call.queue:
            self.pool.transfers.wait(call, now_us, out)
        else:
            self.pool.answered(call, call.answered_us, now_us, out)

    def _agent_wanted(self, msg: AgentWanted, now_us: int, out: list[Envelope]) -> None:
        self.pool.transfers.want(msg, now_us, out)

    def _agent_unwanted(self, msg: AgentUnwanted, now_us: int, out: list[Envelope]) -> None:  # noqa: ARG002
        self.pool.transfers.unwant(msg, out)

    def _call_ended(self, msg: e.CallEnded, now_us: int, out: list[Envelope]) -> None:
        call = self.pool.calls.get(msg.attempt_id)
        if call is None:
            return
        card = self.pool.campaigns.get(call.campaign)
        if card is not None:
            card.count_end(call, msg.outcome)
        if not call.live:
            self.pool.failed(call, now_us)
        if call.stage is Stage.JOINING and msg.outcome is not Outcome.CONNECTED:
            self.pool.roster.rest(call.agent)  # it was never joined
        self.pool.drop(call, out)

    # -- restarts ----------------------------------------------------------------------------------------------------

    def _peer_restarted(self, msg: e.PeerRestarted, now_us: int, out: list[Envelope]) -> None:  # noqa: ARG002
        """What the peer only remembered is gone: ask it to announce itself."""
        kind, name = msg.peer
        pool = self.pool
        if kind == "trunk" and name in pool.trunks:
            trunk = pool.trunks[name]
            trunk.asking, trunk.credits_free, trunk.wanted = True, 0, 0
        elif kind == "campaign" and name in pool.campaigns:
            pool.campaigns[name].forget_requests()
        elif kind == "agent" and name in pool.roster.cards:
            pool.lose_promise(pool.roster.cards[name], out)
        else:
            return
        out.append(Envelope(msg.peer, c.Announce(self.spec.pool)))
