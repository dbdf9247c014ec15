"""A trunk that runs flows: which calls it takes, what it says when, and what becomes of runs when something breaks."""

from __future__ import annotations

import json

import pytest

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain import media as m
from dialer.domain.flow import (
    FlowResult,
    FlowSpec,
    GatherStep,
    HangUpStep,
    OnMachine,
    OptOutStep,
    QueueStep,
    SayStep,
)
from dialer.domain.flow_calls import ASK_AGAIN_US, KEEP
from dialer.domain.flow_talk import AgentUnwanted, AgentWanted, FlowEnded, FlowKnown, RequestFlow
from dialer.domain.kinds import AnswerClass, Outcome
from dialer.domain.lines import JOIN_PATIENCE_US
from dialer.domain.specs import SECOND_US, TrunkSpec
from dialer.domain.trunk import MARGIN_US, TrunkMachine
from dialer.errors import InvariantError

NOW = 1_000 * SECOND_US
NUMBER = 12025550100
SWITCH, POOL, CAMPAIGN, STORE, AGENT = "switch/t1", "scheduler/p1", "campaign/c1", "store/main", "agent/a1"
FLOW = FlowSpec(
    "f",
    "menu",
    (
        GatherStep(
            "menu",
            otherwise="end",
            branches=(("1", "end"), ("2", "stop"), ("3", "agent")),
            text="Press a key.",
            attempts=1,
        ),
        OptOutStep("stop", "mine", "bye"),
        QueueStep("agent", "sales", "bye", "music", 20 * SECOND_US),
        SayStep("bye", "Goodbye.", "end"),
        HangUpStep("end"),
    ),
    version=7,
)


class Bench:
    """A trunk that knows the flow, connected and old enough to dial."""

    def __init__(self, flow=FLOW, *, epoch=1):
        self.trunk = TrunkMachine(TrunkSpec("t1", 10, 50, ("1",), ("p1",)), epoch=epoch)
        self.now_us = NOW
        self.trunk.start(NOW)
        self.tell(e.SwitchConnected(()))
        self.now_us += MARGIN_US + 1
        if flow is not None:
            self.tell(FlowKnown("c1", flow))

    def tell(self, *batch, after_us=0):
        """One batch, some time later; what is said, as (to, message)."""
        self.now_us += after_us
        said = [(str(to), message) for to, message in self.trunk.handle(batch, self.now_us)]
        self.trunk.check_invariants()
        return said

    def wait(self):
        """Let the next deadline come."""
        return self.tell(after_us=self.trunk.next_deadline_us() - self.now_us)

    def dial(self, flow="f", *, amd=False, attempt=1, campaign="c1"):
        """An order to dial."""
        return self.tell(
            c.Originate(
                attempt,
                "p1",
                campaign,
                NUMBER,
                12025550199,
                25 * SECOND_US,
                self.now_us,
                self.now_us + 5 * SECOND_US,
                amd,
                flow,
            )
        )


def answered(flow=FLOW, heard=AnswerClass.UNKNOWN):
    """A trunk with attempt 1 answered, and what it said then."""
    bench = Bench(flow)
    bench.dial()
    return bench, bench.tell(e.LineAnswered(1, heard))


def of(said, kind):
    return [message for _, message in said if type(message) is kind]


ENDED = e.LineEnded(1, Outcome.CONNECTED, 16)


def test_runs_the_flow_of_the_campaign():
    """Requirements 21, 24. A person hears the flow at once; result and outcome go their ways."""
    bench, said = answered()
    assert said == [
        (POOL, e.CallAnswered(1, "t1", AnswerClass.UNKNOWN, bench.now_us)),
        (SWITCH, m.SayText(1, 1, "Press a key.", "en-US")),
        (SWITCH, m.GatherDigits(1, 1, 1, "", 5 * SECOND_US, 3 * SECOND_US)),
    ]
    said = bench.tell(m.DigitsGathered(1, 1, "1"))
    ended = FlowEnded(1, "f", 7, "end", FlowResult.COMPLETED, '{"menu": "1"}', bench.now_us)
    assert said == [(SWITCH, m.StopPrompt(1, 1)), (STORE, ended), (SWITCH, c.ClearCall(1, None))]
    said = bench.tell(ENDED)
    assert [message.outcome for message in of(said, e.AttemptEnded)] == [Outcome.CONNECTED]
    assert not of(said, FlowEnded)


def test_callee_who_hangs_up():
    """Requirements 23, 24. The call counts as connected; the step in which it ended is on record."""
    bench, _ = answered()
    said = bench.tell(ENDED)
    assert of(said, FlowEnded) == [FlowEnded(1, "f", 7, "menu", FlowResult.HUNG_UP, "{}", bench.now_us)]
    assert of(said, e.AttemptEnded)[0].outcome is Outcome.CONNECTED
    assert bench.trunk.next_deadline_us() is None
    assert bench.tell(m.DigitsGathered(1, 1, "1")) == []  # crossed with the end


def test_call_that_nobody_answers_has_no_result():
    """Requirement 23. A flow that has talked to nobody leaves no record of itself."""
    bench = Bench()
    bench.dial()
    said = bench.tell(e.LineEnded(1, Outcome.NO_ANSWER, 19))
    assert not of(said, FlowEnded)
    assert of(said, e.AttemptEnded)[0].outcome is Outcome.NO_ANSWER


def test_opt_out_reaches_the_store_at_once():
    """Requirement 24. The number is on the list before anything else is said to the callee."""
    bench, _ = answered()
    said = bench.tell(m.DigitsGathered(1, 1, "2"))
    assert said[1] == (STORE, c.AddToDnc("mine", (NUMBER,), "flow:f"))
    assert said[2] == (SWITCH, m.SayText(1, 2, "Goodbye.", "en-US"))
    ended = of(bench.tell(m.PromptEnded(1, 2)), FlowEnded)[0]
    assert json.loads(ended.answers) == {"menu": "2", "stop": "mine"}


def test_a_flow_that_is_not_known_is_asked_for_and_not_dialled():
    """Requirement 27. Fail closed: no call without its flow; the campaign is asked once, and again if silent."""
    bench = Bench(flow=None)
    said = bench.dial()
    assert said[0] == (CAMPAIGN, RequestFlow("t1", "f"))
    assert of(said, e.OriginateRefused) == [e.OriginateRefused(1, Outcome.TRUNK_REFUSED)]
    assert not of(bench.dial(attempt=2), RequestFlow)
    bench.now_us += ASK_AGAIN_US
    assert of(bench.dial(attempt=3), RequestFlow)
    bench.tell(FlowKnown("c1", FLOW))
    assert of(bench.dial(attempt=4), c.PlaceCall)
    assert of(bench.dial(attempt=5, campaign="c2"), e.OriginateRefused)  # it is another campaign's


def test_a_flow_with_errors_is_not_kept():
    """What could run for ever is not dialled, whoever sent it."""
    round_for_ever = FlowSpec("f", "a", (SayStep("a", "x", "a"), HangUpStep("end")))
    assert of(Bench(round_for_ever).dial(), e.OriginateRefused)


def test_not_all_flows_are_kept_for_ever():
    """Of too many, the one that was not used for longest is asked for again."""
    bench = Bench()
    bench.tell(FlowKnown("c2", FLOW))
    bench.dial()
    bench.tell(*(FlowKnown(f"d{n}", FLOW) for n in range(KEEP - 1)))
    assert of(bench.dial(attempt=2), c.PlaceCall)
    assert of(bench.dial(attempt=3, campaign="c2"), RequestFlow)


@pytest.mark.parametrize("flow", ["notice", "reminder"])
def test_built_in_flows_need_no_campaign(flow):
    bench = Bench(flow=None)
    assert of(bench.dial(flow), c.PlaceCall)
    assert of(bench.tell(e.LineAnswered(1, AnswerClass.HUMAN)), m.SayText)


@pytest.mark.parametrize("heard", [AnswerClass.MACHINE, AnswerClass.FAX])
def test_machines_are_hung_up_on(heard):
    """Requirements 22, 28. By default a machine hears nothing."""
    _, said = answered(heard=heard)
    assert [type(message) for _, message in said] == [e.CallAnswered, c.ClearCall]


def message_for_machines(on_machine=OnMachine.MESSAGE):
    text = "Call us." if on_machine is OnMachine.MESSAGE else ""
    return FlowSpec("f", FLOW.start, FLOW.steps, on_machine=on_machine, machine_text=text)


def test_machine_gets_a_message():
    """Requirements 22, 28. After the tone one message, then the call is cleared; it stays a machine."""
    bench, said = answered(message_for_machines(), AnswerClass.MACHINE)
    assert type(said[-1][1]) is m.AwaitTone
    assert bench.tell(m.ToneHeard(1, 0)) == [(SWITCH, m.SayText(1, 1, "Call us.", "en-US"))]
    said = bench.tell(m.PromptEnded(1, 1))
    assert of(said, FlowEnded)[0].result is FlowResult.MESSAGE
    assert said[-1] == (SWITCH, c.ClearCall(1, None))
    assert of(bench.tell(ENDED), e.AttemptEnded)[0].outcome is Outcome.MACHINE


@pytest.mark.parametrize("order", [None, c.HangUp(1, Outcome.WITHDRAWN)])
def test_machine_may_hear_the_flow(order):
    """With on_machine: flow a machine is treated as a person, and still counts as a machine, however it ends."""
    bench, said = answered(message_for_machines(OnMachine.FLOW), AnswerClass.MACHINE)
    assert of(said, m.GatherDigits)
    if order is not None:
        assert of(bench.tell(order), FlowEnded)
    assert of(bench.tell(ENDED), e.AttemptEnded)[0].outcome is Outcome.MACHINE


def test_fax_hears_no_flow():
    """Requirement 22. A message for machines is not for fax machines."""
    _, said = answered(message_for_machines(), AnswerClass.FAX)
    assert said[-1] == (SWITCH, c.ClearCall(1, None))


def test_order_to_hang_up_ends_the_run():
    """A stop of the campaign ends the run with the call, and nothing is said to the callee any more."""
    bench, _ = answered()
    said = bench.tell(c.HangUp(1, Outcome.CONNECTED))
    assert [type(message) for _, message in said] == [c.ClearCall, FlowEnded]
    assert bench.tell(m.DigitsGathered(1, 1, "1")) == []
    assert of(bench.tell(ENDED), e.AttemptEnded)[0].outcome is Outcome.CONNECTED


def test_silent_switch():
    """When no media event ever comes, deadlines lead the flow to its end and the line is freed."""
    bench, _ = answered()
    said = bench.wait()
    assert of(said, FlowEnded)[0].step == "end"
    assert said[-1] == (SWITCH, c.ClearCall(1, None))


# -- agents ----------------------------------------------------------------------------------------------------------


def waiting():
    """A trunk with attempt 1 in the queue for an agent."""
    bench, _ = answered()
    return bench, bench.tell(m.DigitsGathered(1, 1, "3"))


def test_an_agent_takes_over():
    """The scheduler is asked for an agent of the queue; the join is as any other, and ends the run."""
    bench, said = waiting()
    until_us = bench.now_us + 20 * SECOND_US
    assert said[1:] == [
        (SWITCH, m.PlayPrompt(1, 2, "music", loop=True)),
        (POOL, AgentWanted(1, "t1", "c1", "sales", until_us)),
    ]
    assert bench.tell(c.JoinAgent(1, "a1", 1)) == [(SWITCH, c.BridgeCall(1, "a1"))]
    said = bench.tell(e.LineJoined(1, "a1"))
    assert of(said, e.CallJoined)
    assert of(said, m.StopPrompt)
    assert of(said, FlowEnded)[0].result is FlowResult.TRANSFERRED
    said = bench.tell(ENDED)
    assert (AGENT, e.CallEnded(1, "a1", Outcome.CONNECTED, bench.now_us)) in said
    assert not of(said, FlowEnded)


def test_nobody_takes_over():
    """At the limit the scheduler is told, and the flow goes on; a join that comes later fails."""
    bench, _ = waiting()
    said = bench.wait()
    assert of(said, AgentUnwanted) == [AgentUnwanted(1)]
    assert of(said, m.SayText)
    assert bench.tell(c.JoinAgent(1, "a1", 1)) == [(POOL, e.JoinFailed(1, "a1"))]


def test_a_join_under_way_is_waited_for():
    """The limit does not take the callee away from an agent who is just being joined."""
    bench, _ = waiting()
    bench.tell(c.JoinAgent(1, "a1", 1), after_us=19 * SECOND_US)
    assert not of(bench.tell(after_us=2 * SECOND_US), AgentUnwanted)
    assert of(bench.tell(e.LineJoined(1, "a1")), FlowEnded)[0].result is FlowResult.TRANSFERRED


def test_a_join_that_is_not_made_in_the_end():
    """After the patience for a join the callee waits on, until the limit that was moved."""
    bench, _ = waiting()
    bench.tell(c.JoinAgent(1, "a1", 1), after_us=19 * SECOND_US)
    said = bench.tell(after_us=JOIN_PATIENCE_US)
    assert of(said, e.JoinFailed)
    assert of(said, AgentUnwanted)  # the limit has passed meanwhile


def test_callee_who_does_not_wait():
    """Who hangs up in the queue was connected to the flow; no agent is wanted any more."""
    bench, _ = waiting()
    said = bench.tell(ENDED)
    assert of(said, AgentUnwanted)
    assert of(said, FlowEnded)[0].result is FlowResult.HUNG_UP
    assert of(said, e.AttemptEnded)[0].outcome is Outcome.CONNECTED


# -- restarts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("up", [True, False])
def test_the_run_of_an_earlier_incarnation_is_lost(up):
    """Requirement 24. A call whose run died with its trunk is hung up: connected if somebody heard it, result lost."""
    bench = Bench(epoch=2)
    said = bench.tell(e.SwitchConnected(((1, "", up),)), m.FlowsUp((1,)))
    assert (SWITCH, c.ClearCall(1, None)) in said
    lost = [FlowEnded(1, "", 0, "", FlowResult.LOST, "{}", bench.now_us)] if up else []
    assert of(said, FlowEnded) == lost
    bench.tell(c.ReportAttempt(1, "c1"))
    line = Outcome.CONNECTED if up else Outcome.NO_ANSWER
    assert of(bench.tell(e.LineEnded(1, line, 16)), e.AttemptEnded)[0].outcome is line


def test_calls_of_this_incarnation_go_on():
    """A switch that was away tells of calls with flows, too: theirs run on, and those answered meanwhile begin."""
    bench, _ = answered()
    bench.dial(attempt=2)
    bench.tell(e.SwitchLost("gone"))
    said = bench.tell(e.SwitchConnected(((1, "", True), (2, "", True))), m.FlowsUp((1, 2)))
    assert [message.attempt_id for message in of(said, m.GatherDigits)] == [2]
    assert not of(said, FlowEnded)
    assert of(bench.tell(m.DigitsGathered(1, 1, "1")), FlowEnded)


def test_a_transferred_call_does_not_begin_again():
    """After a reconnect of the switch an agent's call has no flow any more."""
    bench, _ = waiting()
    bench.tell(c.JoinAgent(1, "a1", 1), e.LineJoined(1, "a1"))
    said = bench.tell(e.SwitchLost("gone"), e.SwitchConnected(((1, "a1", True),)), m.FlowsUp((1,)))
    assert not of(said, m.SayText)
    assert not of(said, c.ClearCall)


def test_calls_that_are_gone_after_a_reconnect():
    """What the switch does not know any more has ended, and so has its run."""
    bench, _ = answered()
    said = bench.tell(e.SwitchLost("gone"), e.SwitchConnected(()))
    assert of(said, FlowEnded)[0].result is FlowResult.HUNG_UP
    assert of(said, e.AttemptEnded)[0].outcome is Outcome.CONNECTED


def test_broken_invariants_are_found():
    for damage, name in (
        (lambda flows: flows._timers.clear(), "every run is watched"),
        (lambda flows: flows._lines.calls.clear(), "calls that are up"),
    ):
        bench, _ = answered()
        damage(bench.trunk._flows)
        with pytest.raises(InvariantError, match=name):
            bench.trunk._flows.check_invariants()
