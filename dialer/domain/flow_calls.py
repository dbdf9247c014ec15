"""The flows of a trunk: which it knows, and their runs in the calls that are up.

A call with a flow is dialled only if the flow is known here: one of the campaign, asked for once and kept, or one that
is built in. A run lives and dies with this incarnation of the trunk: a call whose run is lost is hung up.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable
from typing import Any

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.call import Call, Phase
from dialer.domain.flow import FlowResult, FlowSpec, OnMachine, QueueStep
from dialer.domain.flow_builtin import BUILT_IN
from dialer.domain.flow_check import flow_errors
from dialer.domain.flow_run import SLACK_US, FlowRun
from dialer.domain.flow_table import AgentForgone, AgentSought, Doing, OptedOut, RunEnded
from dialer.domain.flow_talk import AgentUnwanted, AgentWanted, FlowEnded, FlowKnown, RequestFlow
from dialer.domain.kinds import AnswerClass
from dialer.domain.ledger import STORE
from dialer.domain.lines import Lines
from dialer.domain.message import Envelope
from dialer.domain.peers import Peers
from dialer.domain.specs import SECOND_US
from dialer.errors import InvariantError

#: Flows of campaigns that are kept; of more, the one that was used longest ago is asked for again.
KEEP = 256
#: A campaign that has not answered is asked again after this time.
ASK_AGAIN_US = SECOND_US

Out = list[Envelope]


class FlowCalls:
    """Flows and their runs.

    Args:
        trunk: Its name.
        peers: Whom to tell.
        lines: The live calls.
    """

    def __init__(self, trunk: str, peers: Peers, lines: Lines) -> None:
        self._trunk = trunk
        self._peers = peers
        self._lines = lines
        self._known: dict[tuple[str, str], FlowSpec] = {}  # (campaign, name), longest unused first
        self._asked: dict[tuple[str, str], int] = {}  # when; those that are not answered
        self._placed: dict[int, tuple[FlowSpec, int]] = {}  # live calls: the flow that is to run or runs, the number
        self._runs: dict[int, FlowRun] = {}
        self._timers: list[tuple[int, int]] = []  # heap of (when, attempt); of each run one is not after its deadline
        self._results: dict[type, Callable[[Call, Any, int, Out], None]] = {
            OptedOut: self._opt_out,
            AgentSought: self._seek,
            AgentForgone: self._forgo,
            RunEnded: self._finish,
        }

    # -- flows -------------------------------------------------------------------------------------------------------

    def find(self, campaign: str, flow: str, now_us: int, out: Out) -> FlowSpec | None:
        """The flow a call names; if it is not known, its campaign is asked, and None says: not now."""
        key = (campaign, flow)
        spec = self._known.pop(key, None)
        if spec is not None:
            self._known[key] = spec
            return spec
        if flow in BUILT_IN:
            return BUILT_IN[flow]
        if key not in self._asked or now_us >= self._asked[key] + ASK_AGAIN_US:
            self._asked[key] = now_us
            out.append(Envelope(self._peers.to("campaign", campaign), RequestFlow(self._trunk, flow)))
        return None

    def learn(self, msg: FlowKnown) -> None:
        """Keep the flow of a campaign, unless it could run for ever or lead nowhere."""
        key = (msg.campaign, msg.flow.flow)
        self._asked.pop(key, None)
        self._known.pop(key, None)
        queues = [step.queue for step in msg.flow.steps if isinstance(step, QueueStep)]  # known to who saved it
        if not flow_errors(msg.flow, queues=queues, columns=None):
            self._known[key] = msg.flow
        while len(self._known) > KEEP:
            del self._known[next(iter(self._known))]

    # -- calls -------------------------------------------------------------------------------------------------------

    def expect(self, call: Call, spec: FlowSpec, number: int) -> None:
        """The call was taken, and is to hear this flow."""
        self._placed[call.attempt_id] = (spec, number)
        call.for_machines = spec.on_machine is not OnMachine.HANG_UP

    def follow(self, call: Call, msg: Any, now_us: int, out: Out) -> None:
        """Do what a message about a call with a flow means for its run, after the lines have taken it."""
        attempt, kind = call.attempt_id, type(msg)
        run = self._runs.get(attempt)
        if kind is e.LineAnswered and run is None and call.phase is Phase.JOINED and attempt in self._placed:
            spec, number = self._placed[attempt]
            run = self._runs[attempt] = FlowRun(spec, attempt, number)
            leave = msg.answer_class is AnswerClass.MACHINE and spec.on_machine is OnMachine.MESSAGE
            self._say(call, run.start_message(now_us) if leave else run.start(now_us), now_us, out)
        elif run is None:
            return
        elif kind is e.LineJoined and run.doing is Doing.QUEUED and call.phase is Phase.JOINED:
            self._say(call, run.handle(msg, now_us), now_us, out)
        elif kind is c.HangUp and call.phase is Phase.CLEARING:
            self._say(call, run.stop(FlowResult.HUNG_UP, now_us), now_us, out)

    def catch_up(self, now_us: int, out: Out) -> None:
        """Begin the runs of calls that were answered while the switch was away."""
        for attempt in list(self._placed):
            call = self._lines.calls[attempt]
            self.follow(call, e.LineAnswered(attempt, AnswerClass.UNKNOWN), now_us, out)

    def heard(self, call: Call | None, msg: Any, now_us: int, out: Out) -> None:
        """The switch tells of media; of a call that is over, or has no run any more, it came too late."""
        run = self._runs.get(msg.attempt_id)
        if call is not None and run is not None:
            self._say(call, run.handle(msg, now_us), now_us, out)

    def over(self, call: Call, now_us: int, out: Out) -> None:
        """The call is gone from the switch, or was never placed."""
        run = self._runs.get(call.attempt_id)
        if run is not None:
            self._say(call, run.stop(FlowResult.HUNG_UP, now_us), now_us, out)
        self._placed.pop(call.attempt_id, None)

    def forsake(self, call: Call | None, now_us: int, out: Out) -> None:
        """A call of an earlier incarnation was placed with a flow, whose run has died: hang up."""
        if call is None or not call.adopted or call.agent or call.phase is Phase.CLEARING:
            return  # over, one of ours, or with an agent by now
        if call.answered:  # the flow has talked to somebody
            call.flow = call.joined = True
            ended = FlowEnded(call.attempt_id, "", 0, "", FlowResult.LOST, "{}", now_us)
            out.append(Envelope(STORE, ended))
        self._lines.clear(call, out)

    # -- time --------------------------------------------------------------------------------------------------------

    def next_us(self) -> int | None:
        """When the next run has something to do; timers that have lost their meaning are cleared away."""
        timers, runs = self._timers, self._runs
        while timers:
            at_us, attempt = timers[0]
            run = runs.get(attempt)
            due_us = None if run is None else run.next_deadline_us()
            if due_us is None or due_us < at_us:
                heapq.heappop(timers)  # over, or another timer stands for it
            elif due_us > at_us:
                heapq.heapreplace(timers, (due_us, attempt))
            else:
                return at_us
        return None

    def expire(self, now_us: int, out: Out) -> None:
        """Let the deadlines of runs come."""
        while (due_us := self.next_us()) is not None and due_us <= now_us:
            attempt = self._timers[0][1]
            call, run = self._lines.calls[attempt], self._runs[attempt]
            if call.phase is Phase.BRIDGING:
                run.postpone(now_us - due_us + SLACK_US)  # an agent is just being joined
            else:
                self._say(call, run.handle(None, now_us), now_us, out)

    # -- what runs say -----------------------------------------------------------------------------------------------

    def _say(self, call: Call, said: list[Any], now_us: int, out: Out) -> None:
        for item in said:
            result = self._results.get(type(item))
            if result is None:
                self._lines.order(item, out)
            else:
                result(call, item, now_us, out)
        run = self._runs.get(call.attempt_id)
        due_us = None if run is None else run.next_deadline_us()
        if due_us is not None:
            heapq.heappush(self._timers, (due_us, call.attempt_id))

    def _opt_out(self, call: Call, msg: OptedOut, _now_us: int, out: Out) -> None:
        spec, number = self._placed[call.attempt_id]
        out.append(Envelope(STORE, c.AddToDnc(msg.dnc_list, (number,), f"flow:{spec.flow}")))

    def _seek(self, call: Call, msg: AgentSought, _now_us: int, out: Out) -> None:
        """From now on the call waits for an agent as one without a flow does."""
        call.phase = Phase.ANSWERED
        wanted = AgentWanted(call.attempt_id, self._trunk, call.campaign, msg.queue, msg.until_us)
        self._peers.tell_schedulers(call.pool, wanted, out)

    def _forgo(self, call: Call, _msg: AgentForgone, _now_us: int, out: Out) -> None:
        if call.phase is Phase.ANSWERED:
            call.phase = Phase.JOINED
        self._peers.tell_schedulers(call.pool, AgentUnwanted(call.attempt_id), out)

    def _finish(self, call: Call, msg: RunEnded, now_us: int, out: Out) -> None:
        del self._runs[call.attempt_id]
        spec, _ = self._placed.pop(call.attempt_id)
        answers = json.dumps(dict(msg.answers))
        ended = FlowEnded(call.attempt_id, spec.flow, spec.version, msg.step, msg.result, answers, now_us)
        out.append(Envelope(STORE, ended))
        if msg.result not in (FlowResult.HUNG_UP, FlowResult.TRANSFERRED):
            self._lines.clear(call, out)

    def check_invariants(self) -> None:
        """Runs are in live calls that talk, and each has a timer.

        Raises:
            InvariantError: A contradiction.
        """
        calls = self._lines.calls
        timers = {attempt for _, attempt in self._timers}
        for attempt, run in self._runs.items():
            run.check_invariants()
            call = calls.get(attempt)
            where = f"attempt {attempt}, {run.doing.name}"
            if call is None or not call.flow or call.phase not in (Phase.ANSWERED, Phase.BRIDGING, Phase.JOINED):
                raise InvariantError("runs are in calls that are up", where)
            if attempt not in timers:
                raise InvariantError("every run is watched", where)
        if not self._placed.keys() <= calls.keys():
            raise InvariantError("flows are of live calls", f"{len(self._placed)} flows, {len(calls)} calls")
