"""A trunk: the one owner of its lines, its calls per second and its live calls.

Schedulers send ``Originate`` within the credits they were granted; the trunk queues, throttles and places. It gives an
attempt id to the switch at most once: it ignores ids it has seen, and refuses intents that are older than its own
memory, which an earlier incarnation may have dialled. What becomes of a call that was accepted stands in ``lines.py``,
its phases and the table of what leads where in ``call.py``.

A trunk that is born does not know what is up until its switch has said so; questions wait until then. Credits wait
until intents can be younger than its memory, so that no contact is spent on a call that could not be placed. Nothing
leaves before that, and so the limit of calls per second also holds across a restart.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain import media as m
from dialer.domain.call import Call, Phase
from dialer.domain.credits import Credits
from dialer.domain.endings import Endings
from dialer.domain.flow_calls import FlowCalls
from dialer.domain.flow_talk import FlowKnown
from dialer.domain.kinds import Outcome
from dialer.domain.lines import Lines, switch_of
from dialer.domain.message import Address, Envelope
from dialer.domain.peers import Peers
from dialer.domain.specs import MINUTE_US, SECOND_US, TrunkSpec
from dialer.domain.throttle import Throttle
from dialer.errors import InvariantError

__all__ = ["MARGIN_US", "MEMORY_US", "TrunkMachine", "switch_of"]

#: How far the ledger's clock may be ahead of this one: intents up to this long after birth may be older than they look.
MARGIN_US = SECOND_US
#: How long an ended attempt is remembered.
MEMORY_US = 10 * MINUTE_US

Out = list[Envelope]


class TrunkMachine:
    """Machine of one trunk.

    Args:
        spec: Its limits.
        epoch: Incarnation of this actor.
    """

    def __init__(self, spec: TrunkSpec, *, epoch: int) -> None:
        self.address = Address("trunk", spec.trunk)
        self.spec = spec
        self.epoch = epoch
        self.refusals: Counter[Outcome] = Counter()  #: orders to dial that were not carried out
        self._switch = switch_of(spec.trunk)
        self._start_us = 0
        self._now_us = 0
        self._informed = False  # the switch has told once what is up
        self._waiting: dict[tuple[type, int | str], Any] = {}  # to be handled as soon as it has
        self._peers = Peers(spec.pools)
        self._endings = Endings(MEMORY_US)
        self._lines = Lines(spec.trunk, self._peers, self._endings)
        self._calls = self._lines.calls
        self._flows = FlowCalls(spec.trunk, self._peers, self._lines)
        self._lines.on_over = self._flows.over
        self._credits = Credits()
        self._throttle = Throttle(spec.calls_per_s)
        self._queue: deque[c.Originate] = deque()
        self._queued = 0
        self._placed = 0
        self._send_us: int | None = None  # when the next one in the queue may leave
        self._handlers: dict[type, Callable[[Any, int, Out], None]] = {
            c.Originate: self._originate,
            c.RequestCredits: self._request,
            c.JoinAgent: self._on_call,
            c.HangUp: self._hang_up,
            c.SetCall: self._on_call,
            c.Announce: self._announce,
            c.ReportAttempt: self._report_attempt,
            c.ReportAgentCall: self._report_agent_call,
            e.LineAnswered: self._on_call,
            e.LineJoined: self._on_call,
            e.LineChanged: self._on_call,
            e.LineEnded: self._on_call,
            e.SwitchConnected: self._switch_connected,
            e.SwitchLost: self._switch_lost,
            e.PeerRestarted: self._peer_restarted,
            FlowKnown: self._learn_flow,
            m.FlowsUp: self._flows_up,
            m.PromptEnded: self._on_media,
            m.DigitsGathered: self._on_media,
            m.RecordingEnded: self._on_media,
            m.ToneHeard: self._on_media,
            m.AutomationAnswered: self._on_media,
        }

    # -- the machine -------------------------------------------------------------------------------------------------

    def start(self, now_us: int) -> list[Envelope]:
        """Note the time of birth; there is nothing to say until the switch is connected."""
        self._now_us = now_us
        self._start_us = 0 if self.epoch == 1 else now_us  # the first incarnation has nothing to have forgotten
        return []

    def handle(self, batch: Sequence[Any], now_us: int) -> list[Envelope]:
        """Apply the batch, then give up late joins, place what may leave, and grant credits."""
        self._now_us = now_us
        out: Out = []
        handlers = self._handlers
        for item in batch:
            handlers[type(item)](item, now_us, out)
        self._lines.give_up_joins(now_us, out)
        self._flows.expire(now_us, out)
        self._place(now_us, out)
        self._grant(now_us, out)
        self._endings.forget(now_us)
        return out

    def next_deadline_us(self) -> int | None:
        """The next call that may leave, join to give up, or the first moment for credits."""
        times = (self._send_us, self._lines.next_join_us(), self._flows.next_us())
        due = [at_us for at_us in times if at_us is not None]
        if self._lines.connected and self._now_us < self._opens_us and self._credits.needed():
            due.append(self._opens_us)
        return min(due, default=None)

    @property
    def connected(self) -> bool:
        """Whether the switch is there."""
        return self._lines.connected

    @property
    def lines_in_use(self) -> int:
        """Lines that are taken, those of queued calls included."""
        return len(self._calls)

    @property
    def queued(self) -> int:
        """Calls that wait for the calls-per-second limit."""
        return self._queued

    @property
    def placed_count(self) -> int:
        """Calls given to the switch since birth."""
        return self._placed

    # -- credits -----------------------------------------------------------------------------------------------------

    @property
    def _opens_us(self) -> int:
        """The first moment for which a new intent is known to be younger than this incarnation."""
        return self._start_us + MARGIN_US + 1

    def _request(self, msg: c.RequestCredits, _now_us: int, _out: Out) -> None:
        self._peers.meet(msg.pool)
        self._credits.request(msg.pool, msg.wanted)

    def _grant(self, now_us: int, out: Out) -> None:
        if not self._lines.connected or now_us < self._opens_us or not self._credits.needed():
            return
        promised = self._credits.outstanding
        free_lines = self.spec.lines - len(self._calls) - promised
        second = self.spec.calls_per_s - self._queued - promised
        for pool, count in self._credits.grant(min(free_lines, second)):
            out.append(Envelope(self._peers.to("scheduler", pool), e.CreditsGranted(self.spec.trunk, count)))

    # -- dialling ----------------------------------------------------------------------------------------------------

    def _originate(self, msg: c.Originate, now_us: int, out: Out) -> None:
        self._peers.meet(msg.pool)
        credited = self._credits.use(msg.pool)
        attempt = msg.attempt_id
        call = self._calls.get(attempt)
        if call is not None:
            if not call.campaign:  # dialled by an earlier incarnation, and sent again to this one
                call.pool, call.campaign = msg.pool, msg.campaign
            return
        ended = self._endings.get(attempt)
        if ended is not None:  # sent again by a reborn scheduler, which must not wait for its end
            out.append(Envelope(self._peers.to("scheduler", msg.pool), e.OriginateRefused(attempt, ended.outcome)))
            return
        if msg.intent_us <= self._knows_since_us():
            if self._informed:
                self._refuse(msg, Outcome.UNKNOWN, now_us, out)
            else:
                self._waiting[c.Originate, attempt] = msg  # it may be up
        elif not str(msg.number).startswith(self.spec.destinations):
            self._refuse(msg, Outcome.TRUNK_REFUSED, now_us, out)
        elif now_us >= msg.not_after_us:
            self._refuse(msg, Outcome.EXPIRED, now_us, out)
        elif not self._lines.connected or self._is_full(0 if credited else self._credits.outstanding):
            self._refuse(msg, Outcome.TRUNK_REFUSED, now_us, out)
        else:
            self._take(msg, now_us, out)

    def _take(self, msg: c.Originate, now_us: int, out: Out) -> None:
        """Put a call in the queue, unless it is to hear what is not known here."""
        call = Call(msg.attempt_id, msg.pool, msg.campaign, flow=msg.flow is not None)
        if msg.flow is not None:
            flow = self._flows.find(msg.campaign, msg.flow, now_us, out)
            if flow is None:
                self._refuse(msg, Outcome.TRUNK_REFUSED, now_us, out)
                return
            self._flows.expect(call, flow, msg.number)
        if msg.agent:
            call.promised = (msg.agent, msg.agent_epoch)
        self._calls[msg.attempt_id] = call
        self._queue.append(msg)
        self._queued += 1

    def _is_full(self, promised: int) -> bool:
        return len(self._calls) + promised >= self.spec.lines

    def _place(self, now_us: int, out: Out) -> None:
        """Let as many leave the queue as may."""
        queue, calls, switch = self._queue, self._calls, self._switch
        allowance = self._throttle.allowance(now_us) if queue else 0
        sent = 0
        while queue and sent < allowance:
            msg = queue.popleft()
            call = calls.get(msg.attempt_id)
            if call is None or call.phase is not Phase.QUEUED:
                continue  # withdrawn
            if now_us >= msg.not_after_us:
                self._drop(call, Outcome.EXPIRED, now_us, out)
                continue
            sent += 1
            call.phase, call.sent_us = Phase.RINGING, now_us
            order = c.PlaceCall(msg.attempt_id, msg.number, msg.caller_id, msg.ring_timeout_us, msg.amd, msg.flow)
            out.append(Envelope(switch, order))
        if sent:
            self._queued -= sent
            self._placed += sent
            self._throttle.spend(sent, now_us)
        self._send_us = self._throttle.next_us(now_us) if self._queued else None

    def _drop(self, call: Call, outcome: Outcome, now_us: int, out: Out) -> None:
        """Take a call off the queue for good."""
        self._flows.over(call, now_us, out)
        del self._calls[call.attempt_id]
        self._queued -= 1
        call.phase = Phase.OVER
        self._refuse(call, outcome, now_us, out)

    def _refuse(self, what: c.Originate | Call, outcome: Outcome, now_us: int, out: Out) -> None:
        attempt = what.attempt_id
        self.refusals[outcome] += 1
        ended = e.AttemptEnded(attempt, outcome, "", 0, 0, 0, 0, now_us)
        self._endings.remember(ended)
        out.append(Envelope(self._peers.to("scheduler", what.pool), e.OriginateRefused(attempt, outcome)))
        out.append(Envelope(self._peers.to("campaign", what.campaign), ended))

    # -- calls -------------------------------------------------------------------------------------------------------

    def _on_call(self, msg: Any, now_us: int, out: Out) -> None:
        call = self._calls.get(msg.attempt_id)
        self._lines.apply(call, msg, now_us, out)
        if call is not None and call.flow:
            self._flows.follow(call, msg, now_us, out)

    def _on_media(self, msg: Any, now_us: int, out: Out) -> None:
        self._flows.heard(self._calls.get(msg.attempt_id), msg, now_us, out)

    def _hang_up(self, msg: c.HangUp, now_us: int, out: Out) -> None:
        call = self._calls.get(msg.attempt_id)
        if call is not None and call.phase is Phase.QUEUED:
            self._drop(call, Outcome.WITHDRAWN, now_us, out)
        else:
            self._on_call(msg, now_us, out)

    # -- flows -------------------------------------------------------------------------------------------------------

    def _learn_flow(self, msg: FlowKnown, _now_us: int, _out: Out) -> None:
        self._flows.learn(msg)

    def _flows_up(self, msg: m.FlowsUp, now_us: int, out: Out) -> None:
        for attempt in msg.attempt_ids:
            self._flows.forsake(self._calls.get(attempt), now_us, out)

    # -- questions ---------------------------------------------------------------------------------------------------

    def _knows_since_us(self) -> int:
        """Of attempts with a later intent, this incarnation knows all there is to know."""
        return max(self._start_us, self._endings.forgotten_us) + MARGIN_US

    def _announce(self, msg: c.Announce, _now_us: int, out: Out) -> None:
        self._peers.meet(msg.pool)
        if self._informed:
            self._open(msg.pool, out)

    def _open(self, pool: str, out: Out) -> None:
        """Tell a scheduler what is up of its calls, and of those whose pool is not known; its credits are void."""
        self._credits.void(pool)
        live = tuple(
            (call.attempt_id, call.agent, call.answered) for call in self._calls.values() if call.pool in ("", pool)
        )
        out.append(
            Envelope(
                self._peers.to("scheduler", pool),
                e.TrunkOpened(self.spec.trunk, self.epoch, self._knows_since_us(), live),
            )
        )

    def _report_attempt(self, msg: c.ReportAttempt, now_us: int, out: Out) -> None:
        attempt = msg.attempt_id
        call = self._calls.get(attempt)
        ended = self._endings.get(attempt)
        if call is None and ended is None and not self._informed:
            self._waiting[c.ReportAttempt, attempt] = msg  # it may be up
            return
        if call is not None and not call.campaign:
            call.campaign = msg.campaign
        told = ended or e.AttemptReported(attempt, call is not None, self._knows_since_us(), now_us)
        out.append(Envelope(self._peers.to("campaign", msg.campaign), told))

    def _report_agent_call(self, msg: c.ReportAgentCall, _now_us: int, out: Out) -> None:
        if not self._lines.fence(msg.agent, msg.epoch):
            return  # a later incarnation has asked, or is being joined
        if self._informed:
            self._lines.report_agent(msg.agent, msg.epoch, out)
        else:
            self._waiting[c.ReportAgentCall, msg.agent] = msg  # it may be in a call

    def _peer_restarted(self, msg: e.PeerRestarted, _now_us: int, _out: Out) -> None:
        """Credits of a reborn scheduler are void; everyone else asks what they want to know."""
        if msg.peer.kind == "scheduler":
            self._credits.void(msg.peer.id)

    # -- the switch --------------------------------------------------------------------------------------------------

    def _switch_connected(self, msg: e.SwitchConnected, now_us: int, out: Out) -> None:
        """Learn what is up, open for every scheduler, and answer what was asked before."""
        for attempt, _, _ in msg.live:
            call = self._calls.get(attempt)
            if call is not None and call.phase is Phase.QUEUED:  # dialled by somebody else: not once more
                self._queued -= 1
                call.phase = Phase.RINGING
        self._informed = True
        self._lines.reconcile(msg.live, now_us, out)
        self._flows.catch_up(now_us, out)
        for pool in self._peers.pools():
            self._open(pool, out)
        waiting, self._waiting = self._waiting, {}
        for item in waiting.values():
            self._handlers[type(item)](item, now_us, out)

    def _switch_lost(self, _msg: e.SwitchLost, now_us: int, out: Out) -> None:
        """Nothing can be dialled; what is up stays until the switch says otherwise."""
        self._lines.connected = False
        for call in [call for call in self._calls.values() if call.phase is Phase.QUEUED]:
            self._drop(call, Outcome.TRUNK_REFUSED, now_us, out)

    def check_invariants(self) -> None:
        """Lines, credits and queue add up, and every live call is in its place.

        Raises:
            InvariantError: A contradiction.
        """
        self._lines.check_invariants()
        self._flows.check_invariants()
        self._credits.check_invariants()
        in_use, promised, limit = len(self._calls), self._credits.outstanding, self.spec.lines
        if in_use - self._lines.adopted > limit or (promised and in_use + promised > limit):
            raise InvariantError("lines", f"{in_use} in use, {self._lines.adopted} adopted, {promised} promised")
        queued = {attempt for attempt, call in self._calls.items() if call.phase is Phase.QUEUED}
        if len(queued) != self._queued or not queued <= {msg.attempt_id for msg in self._queue}:
            raise InvariantError("queue", f"{len(queued)} calls queued, {self._queued} counted")
        if queued and (self._send_us is None or not self._lines.connected):
            raise InvariantError("the queue moves", f"{len(queued)} queued, connected: {self._lines.connected}")
