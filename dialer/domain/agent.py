"""One agent: the only owner of its state and its call, and the only one who can promise it.

The scheduler asks for the agent and is answered; the trunks say what is on the line, and are believed; the desk asks to
come, go, hang up and close a call, and is shown every change. What the agent wants (to be idle, on a break, or off) is
kept apart from what it does: a request that comes during a call is taken up when nothing holds the agent any more.
Nothing lasts for ever by a lost peer: a promise and a wrap-up have limits, and a call is asked about now and then.

The rules stand in ``agent_table.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.agent_table import DEADLINE, HOLDING, PRESENCE, SETTLED, TABLE, TIMED, Act
from dialer.domain.kinds import AgentState, Outcome
from dialer.domain.ledger import STORE
from dialer.domain.message import Address, Envelope
from dialer.domain.specs import SECOND_US, AgentSpec
from dialer.domain.story import Story
from dialer.errors import IllegalTransitionError, InvariantError

#: A reborn agent asks the trunks that have not answered again after this time.
RECOVERY_REPEAT_US = 5 * SECOND_US
#: A call is asked about this often: its trunk may have died with it, and nobody else would say so.
CALL_CHECK_US = 60 * SECOND_US


class Call(NamedTuple):
    """The attempt an agent holds. ``trunk`` is known once it is joined."""

    attempt_id: int = 0
    campaign: str = ""
    trunk: str = ""


NO_CALL = Call()


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
        self.after = AgentState.OFFLINE  #: where the agent goes when nothing holds it: idle, break or offline
        self.call = NO_CALL
        self.since_us = 0  #: idle since; a promise that comes to nothing does not change it
        self.story = Story()
        self._scheduler = Address("scheduler", spec.pool)
        self._desk = Address("desk", spec.agent)
        self._deadline_us = 0 if reborn else None  #: of the present state
        self._early: c.SetDisposition | None = None  #: how the call will be closed as soon as it ends
        self._unheard = set(spec.trunks) if reborn else set()  #: trunks a reborn agent waits for
        self._recorded: AgentState | None = None  #: what this incarnation told the store last; None: nothing yet
        self._recorded_us = -1

    @property
    def attempt_id(self) -> int:
        """The attempt the agent is promised to, talks in, or wraps up; 0 for none."""
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
        """The end of the promise or the wrap-up, or when to ask the trunks again."""
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
        self.after = PRESENCE[self.after, type(msg)]
        self._settle(_name(msg), now_us, out, since_us=now_us)

    def _wish(self, msg: Any, _now_us: int, out: list[Envelope]) -> None:
        self.after = PRESENCE[self.after, type(msg)]
        self._show_desk(out)

    # -- promises ----------------------------------------------------------------------------------------------------

    def _promise(self, msg: c.ReserveAgent, now_us: int, out: list[Envelope]) -> None:
        if msg.until_us <= now_us:
            self._refuse(msg, now_us, out)  # over before it began
            return
        call = Call(msg.attempt_id, msg.campaign)
        self._enter(AgentState.RESERVED, _name(msg), now_us, out, call=call, deadline_us=msg.until_us)
        self._say(e.AgentReserved(self.spec.agent, self.epoch, msg.attempt_id), out)

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
        if self.state is AgentState.WRAP_UP and msg.attempt_id != self.attempt_id:
            self._record_disposition(None, now_us, out)
        call = Call(msg.attempt_id, msg.campaign, msg.trunk)
        self._enter(AgentState.TALKING, _name(msg), now_us, out, call=call, deadline_us=now_us + CALL_CHECK_US)

    def _end(self, msg: e.CallEnded | e.AgentCallReported, now_us: int, out: list[Envelope]) -> None:
        limit_us = self.spec.wrap_up_limit_us
        if self._early is None and limit_us > 0:
            deadline_us = now_us + limit_us
            self._enter(AgentState.WRAP_UP, _name(msg), now_us, out, call=self.call, deadline_us=deadline_us)
        else:
            self._close(self._early, now_us, out)

    def _close(self, msg: c.SetDisposition | None, now_us: int, out: list[Envelope]) -> None:
        self._record_disposition(msg, now_us, out)
        self._settle(_name(msg), now_us, out, since_us=now_us)

    def _record_disposition(self, msg: c.SetDisposition | None, now_us: int, out: list[Envelope]) -> None:
        code, notes = ("", "") if msg is None else (msg.code, msg.notes)
        out.append(Envelope(STORE, e.DispositionSet(self.attempt_id, self.spec.agent, code, notes, now_us)))

    def _keep_code(self, msg: c.SetDisposition, _now_us: int, _out: list[Envelope]) -> None:
        self._early = msg

    def _hang_up(self, msg: c.EndCall, _now_us: int, out: list[Envelope]) -> None:
        trunk = Address("trunk", self.call.trunk)
        out.append(Envelope(trunk, c.HangUp(msg.attempt_id, Outcome.CONNECTED)))

    # -- after a crash -----------------------------------------------------------------------------------------------

    def _ask_trunks(self, _msg: None, now_us: int, out: list[Envelope]) -> None:
        if self.state is AgentState.TALKING:
            self._deadline_us = now_us + CALL_CHECK_US
            self._ask(self.call.trunk, out)
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

    # -- changes of state, and who hears of them ---------------------------------------------------------------------

    def _settle(self, why: str, now_us: int, out: list[Envelope], *, since_us: int) -> None:
        """Nothing holds the agent any more: go where it wants to be."""
        self.since_us = since_us
        self._enter(self.after, why, now_us, out)

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
        self._early = None
        self._unheard.clear()
        self._show_desk(out)
        self._record_presence(now_us, out)
        if state in SETTLED or (state is AgentState.TALKING and not promised):
            self._tell_scheduler(None, now_us, out)  # all the rest is what the scheduler expects

    def _show_desk(self, out: list[Envelope]) -> None:
        shown = e.DeskUpdated(self.spec.agent, self.state, self.attempt_id, self.campaign)
        out.append(Envelope(self._desk, shown))

    def _record_presence(self, now_us: int, out: list[Envelope]) -> None:
        presence = AgentState.IDLE if self.state in HOLDING else self.state
        if presence is self._recorded:
            return
        self._recorded = presence
        self._recorded_us = max(now_us, self._recorded_us + 1)  # the records of one agent are ordered by their time
        out.append(Envelope(STORE, e.AgentSessionChanged(self.spec.agent, presence, self._recorded_us)))

    def _tell_scheduler(self, _msg: Any, _now_us: int, out: list[Envelope]) -> None:
        if self.state is AgentState.IDLE:
            self._say(e.AgentIdle(self.spec.agent, self.epoch, self.spec.queues, self.since_us), out)
        else:
            self._say(e.AgentUnavailable(self.spec.agent, self.epoch, self.state, self.attempt_id), out)

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
        if (state is AgentState.TALKING) and not self.call.trunk:
            raise InvariantError("a call is on a trunk", f"{who} talks in {self.attempt_id} on none")
        if (state in TIMED) is not (self._deadline_us is not None):
            raise InvariantError("no state lasts for ever by a lost peer", f"{who} {state} until {self._deadline_us}")
        if self.after not in SETTLED or (state in SETTLED and state is not self.after):
            raise InvariantError("a free agent is where it wants to be", f"{who} {state}, wants {self.after}")
        if self._early is not None and (state is not AgentState.TALKING or self._early.attempt_id != self.attempt_id):
            raise InvariantError("an early disposition is of the call in progress", f"{who} {state}")
        if self._unheard and state is not AgentState.RECOVERING:
            raise InvariantError("only a reborn agent waits for trunks", f"{who} {state}")

    _ACTIONS: ClassVar[dict[Act, Callable[[AgentMachine, Any, int, list[Envelope]], None]]] = {
        Act.IGNORE: _ignore,
        Act.GO: _go,
        Act.WISH: _wish,
        Act.PROMISE: _promise,
        Act.CONFIRM: _confirm,
        Act.REFUSE: _refuse,
        Act.FREE: _free,
        Act.TALK: _talk,
        Act.END: _end,
        Act.CLOSE: _close,
        Act.KEEP_CODE: _keep_code,
        Act.HANG_UP: _hang_up,
        Act.TELL_SCHEDULER: _tell_scheduler,
        Act.ASK_TRUNKS: _ask_trunks,
        Act.COLLECT: _collect,
        Act.COMPARE: _compare,
        Act.MEET_PEER: _meet_peer,
    }


def _name(msg: Any) -> str:
    return "deadline" if type(msg) is DEADLINE else type(msg).__name__
