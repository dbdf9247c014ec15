"""One agent: the only owner of its state and its call, and the only one who can promise it.

The scheduler asks for the agent and is answered; the trunks say what is on the line, and are believed; the desk asks to
come, go, hang up and close a call, and is shown every change. What the agent wants (to be idle, on a break, or off) is
kept apart from what it does: a request that comes during a call is taken up when nothing holds the agent any more.
Nothing lasts for ever by a lost peer: a look, a promise and a wrap-up have limits, and a call is asked about now and
then.

Who the contact is, the agent asks the campaign: as soon as a call is joined, or in preview dialling before it is made.
A decision of the agent that the scheduler waits for is always an answer to ``ReserveAgent``: promised, refused, or
skipped. An agent for inbound calls only is logged in like any other and, to the scheduler, off.

The rules stand in ``agent_table.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.agent_call import NO_CALL, Call
from dialer.domain.agent_table import DEADLINE, HOLDING, INFORMED, LIMITED, SETTLED, TABLE, TIMED, Act
from dialer.domain.ids import run_of
from dialer.domain.kinds import AgentState, Outcome
from dialer.domain.ledger import STORE
from dialer.domain.message import Address, Envelope
from dialer.domain.presence import Presence
from dialer.domain.skips import Skips
from dialer.domain.specs import SECOND_US, AgentSpec
from dialer.domain.story import Story
from dialer.errors import IllegalTransitionError, InvariantError

#: A reborn agent asks the trunks that have not answered again after this time.
RECOVERY_REPEAT_US = 5 * SECOND_US
#: A call is asked about this often: its trunk may have died with it, and nobody else would say so.
CALL_CHECK_US = 60 * SECOND_US


class AgentMachine:
    """Machine of one agent.

    Args:
        spec: The agent.
        epoch: Incarnation of this actor.
        reborn: True if an earlier incarnation may have left a call up.
    """

    def __init__(self, spec: AgentSpec, *, epoch: int, reborn: bool) -> None:
        self.address = Address("agent", spec.agent)
        self.spec = spec
        self.epoch = epoch
        self.state = AgentState.RECOVERING if reborn else AgentState.OFFLINE
        self.presence = Presence(spec.agent)
        self.call = NO_CALL
        self.since_us = 0  #: idle since; a promise that comes to nothing does not change it
        self.story = Story()
        self._scheduler = Address("scheduler", spec.pool)
        self._desk = Address("desk", spec.agent)
        self._deadline_us = 0 if reborn else None  #: of the present state
        self._skips = Skips()
        self._unheard = set(spec.trunks) if reborn else set()  #: trunks a reborn agent waits for

    @property
    def attempt_id(self) -> int:
        """The attempt the agent looks at, is promised to, talks in, or wraps up; 0 for none."""
        return self.call.attempt_id

    @property
    def campaign(self) -> str:
        """The campaign of that attempt, empty for none."""
        return self.call.campaign

    # -- the machine -------------------------------------------------------------------------------------------------

    def start(self, now_us: int) -> list[Envelope]:
        """Show the desk the state; a reborn agent asks the trunks for its call."""
        out: list[Envelope] = []
        if self.state is AgentState.RECOVERING and not self._unheard:
            self._settle("start", now_us, out, since_us=now_us)
            return out
        self._show_desk(out)
        if self.state is AgentState.RECOVERING:
            self._tell_scheduler(None, now_us, out)
            self._ask_trunks(None, now_us, out)
        return out

    def handle(self, batch: Sequence[Any], now_us: int) -> list[Envelope]:
        """Apply the batch, then look at the deadline: what arrived by then still counts.

        Args:
            batch: Messages, oldest first.
            now_us: UTC microseconds.

        Returns:
            Envelopes, in the order in which they must leave.

        Raises:
            IllegalTransitionError: A message contradicts the state; it has changed nothing.
        """
        out: list[Envelope] = []
        for item in batch:
            self._apply(item, now_us, out)
        if self._deadline_us is not None and now_us >= self._deadline_us:
            self._apply(None, now_us, out)
        return out

    def next_deadline_us(self) -> int | None:
        """The end of the look, the promise or the wrap-up, or when to ask the trunks again."""
        return self._deadline_us

    def _apply(self, msg: Any, now_us: int, out: list[Envelope]) -> None:
        row = TABLE.get((self.state, type(msg)))
        act = None
        if row is not None:
            act = row.own if getattr(msg, "attempt_id", None) == self.attempt_id else row.other
        if act is None:
            raise IllegalTransitionError(str(self.address), self.state.name, _name(msg), self.story.told())
        self._ACTIONS[act](self, msg, now_us, out)

    # -- presence ----------------------------------------------------------------------------------------------------

    def _go(self, msg: Any, now_us: int, out: list[Envelope]) -> None:
        self.presence.want(msg)
        self._settle(_name(msg), now_us, out, since_us=now_us)

    def _wish(self, msg: Any, now_us: int, out: list[Envelope]) -> None:
        self.presence.want(msg)
        self._show_desk(out)
        if self.state is AgentState.BREAK:
            self.presence.record(self.state, now_us, out)  # another reason

    # -- offers and promises -----------------------------------------------------------------------------------------

    def _promise(self, msg: c.ReserveAgent, now_us: int, out: list[Envelope]) -> None:
        if msg.until_us <= now_us or not self.spec.outbound:
            self._refuse(msg, now_us, out)  # over before it began; or without permission
        elif msg.preview_us > 0:
            call = Call(msg.attempt_id, msg.campaign, promise_us=msg.until_us - now_us)
            deadline_us = now_us + msg.preview_us
            self._enter(AgentState.PREVIEW, _name(msg), now_us, out, call=call, deadline_us=deadline_us)
        else:
            self._reserve(msg, Call(msg.attempt_id, msg.campaign), msg.until_us, now_us, out)

    def _reserve(self, msg: Any, call: Call, until_us: int, now_us: int, out: list[Envelope]) -> None:
        self._enter(AgentState.RESERVED, _name(msg), now_us, out, call=call, deadline_us=until_us)
        self._say(e.AgentReserved(self.spec.agent, self.epoch, call.attempt_id), out)

    def _dial(self, msg: c.DialNow | None, now_us: int, out: list[Envelope]) -> None:
        """Let the contact be dialled; the promise lasts as long as if it had been given without a look."""
        self._reserve(msg, self.call, now_us + self.call.promise_us, now_us, out)

    def _skip(self, msg: c.SkipContact, now_us: int, out: list[Envelope]) -> None:
        if not self._may_skip():
            self._show_desk(out)  # it has shown so before
            return
        self._skips.spend(run_of(msg.attempt_id))
        self._say(e.OfferSkipped(self.spec.agent, self.epoch, msg.attempt_id), out)
        self._settle(_name(msg), now_us, out, since_us=now_us)  # it has worked until now: others have waited longer

    def _may_skip(self) -> bool:
        """Whether the contact that is shown may be skipped; without its card it is not known."""
        look = self.state is AgentState.PREVIEW and self.call.card is not None
        return look and self._skips.allowed(run_of(self.attempt_id))

    def _confirm(self, msg: c.ReserveAgent, _now_us: int, out: list[Envelope]) -> None:
        self._deadline_us = max(self._deadline_us or 0, msg.until_us)
        self._say(e.AgentReserved(self.spec.agent, self.epoch, msg.attempt_id), out)

    def _refuse(self, msg: c.ReserveAgent, now_us: int, out: list[Envelope]) -> None:
        self._say(e.ReservationRefused(self.spec.agent, self.epoch, msg.attempt_id), out)
        self._tell_scheduler(msg, now_us, out)  # after the refusal: until then the scheduler waits for that only

    def _free(self, msg: Any, now_us: int, out: list[Envelope]) -> None:
        self._settle(_name(msg), now_us, out, since_us=self.since_us)

    # -- the call ----------------------------------------------------------------------------------------------------

    def _talk(self, msg: e.CallJoined | e.AgentCallReported, now_us: int, out: list[Envelope]) -> None:
        if self.state is AgentState.PREVIEW:
            self._say(e.ReservationRefused(self.spec.agent, self.epoch, self.attempt_id), out)
        elif self.state is AgentState.WRAP_UP and msg.attempt_id != self.attempt_id:
            self._record_disposition(None, now_us, out)
        call = self.call.joined(msg.attempt_id, msg.campaign, msg.trunk)
        self._enter(AgentState.TALKING, _name(msg), now_us, out, call=call, deadline_us=now_us + CALL_CHECK_US)

    def _learn(self, msg: e.CallJoined | e.AgentCallReported, _now_us: int, out: list[Envelope]) -> None:
        if msg.campaign and not self.campaign:
            self.call = self.call._replace(campaign=msg.campaign)
            self._show_desk(out)
            self._ask_card(out)

    def _end(self, msg: e.CallEnded | e.AgentCallReported, now_us: int, out: list[Envelope]) -> None:
        limit_us = self.spec.wrap_up_limit_us
        if self.call.early is None and limit_us > 0:
            call, deadline_us = self.call.over(), now_us + limit_us
            self._enter(AgentState.WRAP_UP, _name(msg), now_us, out, call=call, deadline_us=deadline_us)
        else:
            self._close(self.call.early, now_us, out)

    def _close(self, msg: c.SetDisposition | None, now_us: int, out: list[Envelope]) -> None:
        self._record_disposition(msg, now_us, out)
        self._settle(_name(msg), now_us, out, since_us=now_us)

    def _record_disposition(self, msg: c.SetDisposition | None, now_us: int, out: list[Envelope]) -> None:
        agent, attempt = self.spec.agent, self.attempt_id
        if msg is None:
            verdict = e.DispositionSet(attempt, agent, "", "", now_us)
        else:
            verdict = e.DispositionSet(attempt, agent, msg.code, msg.notes, now_us, msg.callback_us, msg.personal)
        out.append(Envelope(STORE, verdict))
        if self.campaign:
            out.append(Envelope(Address("campaign", self.campaign), verdict))

    def _keep_code(self, msg: c.SetDisposition, _now_us: int, _out: list[Envelope]) -> None:
        self.call = self.call._replace(early=msg)

    def _hang_up(self, msg: c.EndCall, _now_us: int, out: list[Envelope]) -> None:
        trunk = Address("trunk", self.call.trunk)
        out.append(Envelope(trunk, c.HangUp(msg.attempt_id, Outcome.CONNECTED)))

    def _set_call(self, msg: c.SetCall, _now_us: int, out: list[Envelope]) -> None:
        out.append(Envelope(Address("trunk", self.call.trunk), msg))  # shown when the switch has done it

    def _show_call(self, msg: e.CallChanged, _now_us: int, out: list[Envelope]) -> None:
        self.call = self.call._replace(muted=msg.muted, held=msg.held)
        self._show_desk(out)

    # -- the contact's card ------------------------------------------------------------------------------------------

    def _ask_card(self, out: list[Envelope]) -> None:
        if self.campaign and self.call.card is None:
            ask = c.RequestCard(self.attempt_id, self.spec.agent)
            out.append(Envelope(Address("campaign", self.campaign), ask))

    def _show_card(self, msg: e.ContactCard, _now_us: int, out: list[Envelope]) -> None:
        self._skips.tell(run_of(msg.attempt_id), msg.skips_left)
        self.call = self.call._replace(card=msg)
        self._show_desk(out)

    # -- after a crash -----------------------------------------------------------------------------------------------

    def _ask_trunks(self, _msg: None, now_us: int, out: list[Envelope]) -> None:
        if self.state is AgentState.TALKING:
            self._deadline_us = now_us + CALL_CHECK_US
            self._ask(self.call.trunk, out)
            self._ask_card(out)
        else:
            self._deadline_us = now_us + RECOVERY_REPEAT_US
            for trunk in self.spec.trunks:
                if trunk in self._unheard:
                    self._ask(trunk, out)

    def _ask(self, trunk: str, out: list[Envelope]) -> None:
        out.append(Envelope(Address("trunk", trunk), c.ReportAgentCall(self.spec.agent, self.epoch)))

    def _collect(self, msg: e.AgentCallReported, now_us: int, out: list[Envelope]) -> None:
        if msg.epoch != self.epoch:
            return  # the answer to an earlier incarnation
        if msg.attempt_id:
            self._talk(msg, now_us, out)
            return
        self._unheard.discard(msg.trunk)
        if not self._unheard:
            self._settle(_name(msg), now_us, out, since_us=now_us)

    def _compare(self, msg: e.AgentCallReported, now_us: int, out: list[Envelope]) -> None:
        if msg.epoch != self.epoch or msg.trunk != self.call.trunk:
            return  # the answer to an earlier incarnation, or of a trunk that has no part in this call
        self._end(msg, now_us, out)
        if msg.attempt_id:
            self._talk(msg, now_us, out)

    def _meet_peer(self, msg: e.PeerRestarted, now_us: int, out: list[Envelope]) -> None:
        """Tell a reborn peer what it needs, or ask it what it may know better."""
        kind, name = msg.peer
        if msg.peer == self._scheduler:
            self._tell_scheduler(msg, now_us, out)
        elif msg.peer == self._desk:
            self._show_desk(out)
        elif kind == "trunk" and self.state is AgentState.RECOVERING and name in self.spec.trunks:
            self._unheard.add(name)  # its answer is void: what it refused to old incarnations, it may accept again
            self._ask(name, out)
        elif kind == "trunk" and self.state is AgentState.TALKING and name == self.call.trunk:
            self._ask(name, out)
            if self.call.muted or self.call.held:
                self.call = self.call.over()  # whether it still is, the reborn trunk does not know
                self._show_desk(out)
        elif kind == "campaign" and name == self.campaign and self.state is not AgentState.RESERVED:
            self._ask_card(out)  # the question may have died with it

    # -- changes of state, and who hears of them ---------------------------------------------------------------------

    def _settle(self, why: str, now_us: int, out: list[Envelope], *, since_us: int) -> None:
        """Nothing holds the agent any more: go where it wants to be."""
        self.since_us = since_us
        self._enter(self.presence.wish, why, now_us, out)

    def _enter(
        self,
        state: AgentState,
        why: str,
        now_us: int,
        out: list[Envelope],
        *,
        call: Call = NO_CALL,
        deadline_us: int | None = None,
    ) -> None:
        promised = self.state is AgentState.RESERVED and call.attempt_id == self.attempt_id
        self.story.note(now_us, self.state.name, why, state.name)
        self.state, self.call, self._deadline_us = state, call, deadline_us
        self._unheard.clear()
        self._show_desk(out)
        self.presence.record(state, now_us, out)
        if state in INFORMED:
            self._ask_card(out)
        if state in SETTLED or (state is AgentState.TALKING and not promised):
            self._tell_scheduler(None, now_us, out)  # all the rest is what the scheduler expects

    def desk(self) -> e.DeskUpdated:
        """What the desk must show now."""
        state, call, agent = self.state, self.call, self.spec.agent
        until_us = (self._deadline_us or 0) if state in LIMITED else 0
        fields = () if call.card is None else call.card.fields
        reason = self.presence.reason if state is AgentState.BREAK else ""
        call_now = (self._may_skip(), call.muted, call.held)
        return e.DeskUpdated(agent, state, call.attempt_id, call.campaign, until_us, fields, *call_now, reason)

    def _show_desk(self, out: list[Envelope]) -> None:
        out.append(Envelope(self._desk, self.desk()))

    def _tell_scheduler(self, _msg: Any, _now_us: int, out: list[Envelope]) -> None:
        state = self.state
        if state is AgentState.IDLE and self.spec.outbound:
            self._say(e.AgentIdle(self.spec.agent, self.epoch, self.spec.queues, self.since_us), out)
        else:
            told = AgentState.OFFLINE if state is AgentState.IDLE else state  # free for inbound calls only
            self._say(e.AgentUnavailable(self.spec.agent, self.epoch, told, self.attempt_id), out)

    def _say(self, news: Any, out: list[Envelope]) -> None:
        out.append(Envelope(self._scheduler, news))

    def _ignore(self, _msg: Any, _now_us: int, _out: list[Envelope]) -> None:
        """The table has the reason."""

    # -- checks ------------------------------------------------------------------------------------------------------

    def check_invariants(self) -> None:
        """State, call, deadline and wishes agree.

        Raises:
            InvariantError: They do not.
        """
        state, who = self.state, self.spec.agent
        if (state in HOLDING) is not (self.attempt_id != 0):
            raise InvariantError("an agent holds a call when its state says so", f"{who} {state} {self.attempt_id}")
        if (state in TIMED) is not (self._deadline_us is not None):
            raise InvariantError("no state lasts for ever by a lost peer", f"{who} {state} until {self._deadline_us}")
        wish = self.presence.wish
        if wish not in SETTLED or (state in SETTLED and state is not wish):
            raise InvariantError("a free agent is where it wants to be", f"{who} {state}, wants {wish}")
        if self.presence.reason and wish is not AgentState.BREAK:
            raise InvariantError("a reason is that of a break", f"{who} {state}, wants {wish}")
        if not self.spec.outbound and state in (AgentState.PREVIEW, AgentState.RESERVED):
            raise InvariantError("an agent for inbound calls is not promised", f"{who} {state} {self.attempt_id}")
        if self._unheard and state is not AgentState.RECOVERING:
            raise InvariantError("only a reborn agent waits for trunks", f"{who} {state}")
        self.call.check(state)

    _ACTIONS: ClassVar[dict[Act, Callable[[AgentMachine, Any, int, list[Envelope]], None]]] = {
        Act.IGNORE: _ignore,
        Act.GO: _go,
        Act.WISH: _wish,
        Act.PROMISE: _promise,
        Act.DIAL: _dial,
        Act.SKIP: _skip,
        Act.CONFIRM: _confirm,
        Act.REFUSE: _refuse,
        Act.FREE: _free,
        Act.TALK: _talk,
        Act.END: _end,
        Act.CLOSE: _close,
        Act.KEEP_CODE: _keep_code,
        Act.HANG_UP: _hang_up,
        Act.SET_CALL: _set_call,
        Act.SHOW_CALL: _show_call,
        Act.SHOW_CARD: _show_card,
        Act.LEARN: _learn,
        Act.TELL_SCHEDULER: _tell_scheduler,
        Act.ASK_TRUNKS: _ask_trunks,
        Act.COLLECT: _collect,
        Act.COMPARE: _compare,
        Act.MEET_PEER: _meet_peer,
    }


def _name(msg: Any) -> str:
    return "deadline" if type(msg) is DEADLINE else type(msg).__name__
