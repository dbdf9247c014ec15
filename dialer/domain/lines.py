"""What is up on a trunk: its live calls, the agents in them, and the switch that carries them.

Each message about a call is looked up in the table of ``call.py``; the methods here are its actions. A call is known
from the moment its ``Originate`` was accepted; the queue, the throttle and the credits are the trunk machine's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.call import TRANSITIONS, Call, Phase
from dialer.domain.endings import Endings
from dialer.domain.kinds import AnswerClass, Outcome
from dialer.domain.message import Address, Envelope
from dialer.domain.peers import Peers
from dialer.domain.specs import SECOND_US
from dialer.errors import InvariantError

#: How long the switch may take to join a call with an agent.
JOIN_PATIENCE_US = 5 * SECOND_US
#: Name of the recording for a person to whom no agent could be given (16 CFR 310.4(b)(4)(iii)).
ABANDONED_MESSAGE = "abandoned"

_MACHINES = {AnswerClass.MACHINE: Outcome.MACHINE, AnswerClass.FAX: Outcome.FAX}
_WITH_AGENT = (Phase.BRIDGING, Phase.JOINED)

Out = list[Envelope]
Action = Callable[[Call, Any, int, Out], None]


def switch_of(trunk: str) -> Address:
    """Address of the switch behind a trunk; the courier hands what is sent there to the back-end."""
    return Address("switch", trunk)


class Lines:
    """The live calls of one trunk.

    Args:
        trunk: Its name.
        peers: Whom to tell.
        endings: Where to keep what is over.
    """

    def __init__(self, trunk: str, peers: Peers, endings: Endings) -> None:
        self.connected = False  #: whether the switch can be told anything
        self.calls: dict[int, Call] = {}
        self.adopted = 0  #: calls of an earlier incarnation
        self._trunk = trunk
        self._switch = switch_of(trunk)
        self._peers = peers
        self._endings = endings
        self._agents: dict[str, Call] = {}  # who is in a call, or being joined with one
        self._fences: dict[str, int] = {}  # agent -> latest incarnation heard of
        self._joins: deque[tuple[int, Call]] = deque()  # (when to give up, call)
        #: Told of every call that is over, before anybody else is: (call, now, where to put what is to be said).
        self.on_over: Callable[[Call, int, Out], None] = lambda _call, _now_us, _out: None
        self._actions: dict[type, Action] = {
            c.JoinAgent: self._join,
            c.HangUp: self._hang_up,
            c.SetCall: self._set_call,
            e.LineAnswered: self._answered,
            e.LineJoined: self._joined,
            e.LineChanged: self._changed,
            e.LineEnded: self._ended,
        }

    def apply(self, call: Call | None, msg: Any, now_us: int, out: Out) -> None:
        """Do what a message about a call brings about; what is not in the table does nothing to the call.

        Args:
            call: The call it is about, None if that is not live.
            msg: JoinAgent, HangUp, SetCall, LineAnswered, LineJoined, LineChanged or LineEnded.
            now_us: UTC microseconds.
            out: Where to put what is to be said.
        """
        kind = type(msg)
        if call is not None and (call.phase, kind) in TRANSITIONS:
            self._actions[kind](call, msg, now_us, out)
        elif kind is c.JoinAgent:
            if call is None:
                self._peers.tell_schedulers("", e.JoinFailed(msg.attempt_id, msg.agent), out)
            elif not (call.phase in _WITH_AGENT and call.agent == msg.agent):  # the same join twice is no failure
                self._peers.tell_schedulers(call.pool, e.JoinFailed(msg.attempt_id, msg.agent), out)
        elif call is None and kind in (e.LineAnswered, e.LineJoined) and msg.attempt_id in self._endings:
            self.order(c.ClearCall(msg.attempt_id, None), out)  # given up as lost, and yet up: nobody will talk there

    def order(self, order: Any, out: Out) -> None:
        """Tell the switch, if it is there; what it must hear after all is repeated when it is back."""
        if self.connected:
            out.append(Envelope(self._switch, order))

    def clear(self, call: Call, out: Out) -> None:
        """Hang up on a call that is up."""
        self._clear(call, None, out)

    # -- actions -----------------------------------------------------------------------------------------------------

    def _answered(self, call: Call, msg: e.LineAnswered, now_us: int, out: Out) -> None:
        if call.answered:
            return  # told twice
        call.answered, call.answered_us = True, now_us
        clearing = call.phase is Phase.CLEARING
        machine = _MACHINES.get(msg.answer_class)
        if machine is not None:
            call.outcome = machine
        elif clearing:
            call.outcome = Outcome.ABANDONED  # a person picked up, and is hung up on
        elif call.flow:
            call.joined, call.joined_us = True, now_us
        if clearing:
            return  # crossed with our order: there is nothing left to decide
        for_machines = call.for_machines and machine is Outcome.MACHINE  # the flow talks to it
        if machine is None or for_machines:
            call.phase = Phase.JOINED if call.flow else Phase.ANSWERED
        if machine is None and not call.flow and call.promised is not None:
            self._bridge(call, *call.promised, now_us, out)  # if the agent is elsewhere, the scheduler finds another
        told = e.CallAnswered(call.attempt_id, self._trunk, msg.answer_class, now_us, call.agent)
        self._peers.tell_schedulers(call.pool, told, out)
        if machine is not None and not for_machines:
            self.clear(call, out)

    def _join(self, call: Call, msg: c.JoinAgent, now_us: int, out: Out) -> None:
        if not self._bridge(call, msg.agent, msg.epoch, now_us, out):
            self._peers.tell_schedulers(call.pool, e.JoinFailed(call.attempt_id, msg.agent), out)

    def _bridge(self, call: Call, agent: str, epoch: int, now_us: int, out: Out) -> bool:
        """Have the switch join a call with an agent; False if the agent is in a call, or is a new incarnation."""
        if not self.connected or epoch < self._fences.get(agent, 0) or agent in self._agents:
            return False
        self._fences[agent] = epoch
        self._agents[agent] = call
        call.phase, call.agent, call.join_due_us = Phase.BRIDGING, agent, now_us + JOIN_PATIENCE_US
        self._joins.append((call.join_due_us, call))
        self.order(c.BridgeCall(call.attempt_id, agent), out)
        return True

    def _joined(self, call: Call, msg: e.LineJoined, now_us: int, out: Out) -> None:
        """The switch has joined: perhaps after we gave it up, and with an agent who is elsewhere by now."""
        agent = msg.agent
        if call.agent != agent:
            self._give_up_join(call, now_us, out)
            if agent in self._agents:
                call.outcome = Outcome.ABANDONED
                self._clear(call, None, out)
                return
        self._hold(call, agent, now_us)
        told = e.CallJoined(call.attempt_id, call.campaign, self._trunk, agent, now_us)
        out.append(Envelope(self._peers.to("agent", agent), told))

    def _hold(self, call: Call, agent: str, now_us: int) -> None:
        self._agents[agent] = call
        call.phase, call.agent = Phase.JOINED, agent
        call.joined, call.joined_us = True, now_us
        call.join_due_us, call.reported = 0, False

    def _set_call(self, call: Call, msg: c.SetCall, _now_us: int, out: Out) -> None:
        if call.agent == msg.agent:  # otherwise it speaks of a call it is not in
            self.order(c.ChangeCall(call.attempt_id, msg.muted, msg.held), out)

    def _changed(self, call: Call, msg: e.LineChanged, _now_us: int, out: Out) -> None:
        if call.agent:
            told = e.CallChanged(call.attempt_id, call.agent, msg.muted, msg.held)
            out.append(Envelope(self._peers.to("agent", call.agent), told))

    def _hang_up(self, call: Call, msg: c.HangUp, now_us: int, out: Out) -> None:
        call.outcome = call.ordered(msg.outcome)
        self._unbridge(call, Outcome.HUNG_UP, now_us, out)
        abandoned = call.answered and not call.joined and call.outcome is Outcome.ABANDONED
        self._clear(call, ABANDONED_MESSAGE if abandoned else None, out)

    def _clear(self, call: Call, message: str | None, out: Out) -> None:
        call.phase, call.message = Phase.CLEARING, message
        self.order(c.ClearCall(call.attempt_id, message), out)

    def _ended(self, call: Call, msg: e.LineEnded, now_us: int, out: Out) -> None:
        self._finish(call, call.final(msg.outcome), msg.cause, now_us, out)

    def _finish(self, call: Call, outcome: Outcome, cause: int, now_us: int, out: Out) -> None:
        """The call is over: free its line and tell everyone."""
        self.on_over(call, now_us, out)
        self._unbridge(call, outcome, now_us, out)
        attempt, agent = call.attempt_id, call.agent
        del self.calls[attempt]
        call.phase = Phase.OVER
        self.adopted -= call.adopted
        told = e.CallEnded(attempt, agent, outcome, now_us)
        if agent:
            del self._agents[agent]
            out.append(Envelope(self._peers.to("agent", agent), told))
        self._peers.tell_schedulers(call.pool, told, out)
        ended = e.AttemptEnded(attempt, outcome, agent, cause, call.sent_us, call.answered_us, call.joined_us, now_us)
        self._endings.remember(ended)
        if call.campaign:  # else it is not known; the campaign asks, and is told then
            out.append(Envelope(self._peers.to("campaign", call.campaign), ended))

    # -- joins that come to nothing ----------------------------------------------------------------------------------

    def next_join_us(self) -> int | None:
        """When the next join is to be given up; None if none is under way."""
        joins = self._joins
        while joins and joins[0][1].join_due_us != joins[0][0]:
            joins.popleft()  # made, or given up before
        return joins[0][0] if joins else None

    def give_up_joins(self, now_us: int, out: Out) -> None:
        """Let go of agents whom the switch did not join in time: another join may follow."""
        while (due_us := self.next_join_us()) is not None and due_us <= now_us:
            self._give_up_join(self._joins[0][1], now_us, out)

    def _give_up_join(self, call: Call, now_us: int, out: Out) -> None:
        agent = call.agent
        if self._unbridge(call, Outcome.FAILED, now_us, out):
            call.phase = Phase.ANSWERED
            self._peers.tell_schedulers(call.pool, e.JoinFailed(call.attempt_id, agent), out)

    def _unbridge(self, call: Call, outcome: Outcome, now_us: int, out: Out) -> bool:
        """Let go of the agent of a join that is not made; False if there is none."""
        if call.phase is not Phase.BRIDGING:
            return False
        agent = call.agent
        del self._agents[agent]
        call.agent, call.join_due_us = "", 0
        if call.reported:  # the agent believes to be in this call
            call.reported = False
            out.append(Envelope(self._peers.to("agent", agent), e.CallEnded(call.attempt_id, agent, outcome, now_us)))
        return True

    # -- agents ------------------------------------------------------------------------------------------------------

    def fence(self, agent: str, epoch: int) -> bool:
        """Refuse joins of older incarnations of an agent from now on; False if this one is older itself."""
        if epoch < self._fences.get(agent, 0):
            return False
        self._fences[agent] = epoch
        return True

    def report_agent(self, agent: str, epoch: int, out: Out) -> None:
        """Tell an agent which call it is in; one that is being joined counts."""
        call = self._agents.get(agent)
        if call is None:
            told = e.AgentCallReported(self._trunk, agent, epoch, 0, "", 0)
        else:
            call.reported = call.phase is Phase.BRIDGING
            told = e.AgentCallReported(self._trunk, agent, epoch, call.attempt_id, call.campaign, call.joined_us)
        out.append(Envelope(self._peers.to("agent", agent), told))

    # -- the switch --------------------------------------------------------------------------------------------------

    def reconcile(self, live: tuple[tuple[int, str, bool], ...], now_us: int, out: Out) -> None:
        """Compare what is up on the switch with what is known.

        Args:
            live: (attempt id, agent or "", answered) of each call on the switch.
            now_us: UTC microseconds.
            out: Where to put what is to be said.
        """
        self.connected = True
        up = {attempt for attempt, _, _ in live}
        for call in list(self.calls.values()):
            if call.phase is not Phase.QUEUED and call.attempt_id not in up:
                self._finish(call, call.final_if_lost(), 0, now_us, out)
        for attempt, agent, answered in live:
            known = self.calls.get(attempt)
            if known is not None:
                self._catch_up(known, agent=agent, answered=answered, now_us=now_us, out=out)
            elif attempt in self._endings:
                self.order(c.ClearCall(attempt, None), out)  # given up as lost
            else:
                self._adopt(attempt, agent=agent, answered=answered, now_us=now_us, out=out)

    def _adopt(self, attempt: int, *, agent: str, answered: bool, now_us: int, out: Out) -> None:
        """Take over a call of an earlier incarnation. When it was sent and answered is not known."""
        call = self.calls[attempt] = Call(attempt, "", "", adopted=True)
        self.adopted += 1
        call.answered = answered or agent != ""
        call.phase = Phase.ANSWERED if call.answered else Phase.RINGING
        if not agent:
            return
        if agent in self._agents:  # a join that was given up, and made after all
            call.outcome = Outcome.ABANDONED
            self._clear(call, None, out)
        else:
            self._hold(call, agent, now_us)

    def _catch_up(self, call: Call, *, agent: str, answered: bool, now_us: int, out: Out) -> None:
        """Apply what happened to a call while the switch was away, and repeat an order to clear it."""
        clearing = call.phase is Phase.CLEARING
        if answered:
            self.apply(call, e.LineAnswered(call.attempt_id, AnswerClass.UNKNOWN), now_us, out)
        if agent:
            self.apply(call, e.LineJoined(call.attempt_id, agent), now_us, out)
        if clearing:
            self.order(c.ClearCall(call.attempt_id, call.message), out)

    def check_invariants(self) -> None:
        """Every agent is in one live call at most, and that call knows; joins under way have a deadline.

        Raises:
            InvariantError: A contradiction.
        """
        if self.adopted != sum(call.adopted for call in self.calls.values()):
            raise InvariantError("adopted calls", f"counted {self.adopted}")
        watched = {(due_us, call.attempt_id) for due_us, call in self._joins}
        for attempt, call in self.calls.items():
            where = f"attempt {attempt} in {call.phase.name}"
            if call.attempt_id != attempt or call.phase is Phase.OVER or attempt in self._endings:
                raise InvariantError("live or over, not both", where)
            if call.agent and self._agents.get(call.agent) is not call:
                raise InvariantError("one call per agent", f"{where}, agent {call.agent}")
            if call.phase is Phase.BRIDGING and (call.join_due_us, attempt) not in watched:
                raise InvariantError("every join is watched", where)
            if not call.adopted and not (call.pool and call.campaign):
                raise InvariantError("every call has an owner", where)
        for agent, call in self._agents.items():
            if call.agent != agent or self.calls.get(call.attempt_id) is not call:
                raise InvariantError("agents are in live calls", f"agent {agent}, attempt {call.attempt_id}")
