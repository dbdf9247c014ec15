"""The run of a flow: step by step, then every event in every phase, then whatever a switch and a callee may do."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.domain import media as m
from dialer.domain.events import LineEnded, LineJoined
from dialer.domain.flow import (
    BranchStep,
    CountStep,
    FlowResult,
    FlowSpec,
    GatherStep,
    HangUpStep,
    OnMachine,
    OptOutStep,
    PlayStep,
    QueueStep,
    RecordStep,
    SayStep,
    WebhookStep,
)
from dialer.domain.flow_check import flow_errors
from dialer.domain.flow_run import PROMPT_LIMIT_US, SLACK_US, TONE_LIMIT_US, FlowRun
from dialer.domain.flow_table import TABLE, TIMEOUTS, AgentForgone, AgentSought, Doing, OptedOut, RunEnded
from dialer.domain.kinds import Outcome
from dialer.domain.specs import SECOND_US
from dialer.errors import IllegalTransitionError, InvariantError

T0 = 1_000 * SECOND_US
NUMBER = 12025550100
FLOW = FlowSpec(
    "f",
    "hello",
    (
        PlayStep("hello", "welcome", "menu"),
        GatherStep(
            "menu",
            otherwise="bye",
            branches=(("1", "words"), ("2", "stop"), ("3", "hook"), ("4", "agent"), ("9", "menu")),
            text="Press a key.",
            attempts=2,
        ),
        RecordStep("words", "bye"),
        OptOutStep("stop", "mine", "bye"),
        WebhookStep("hook", "https://example.com/{menu}", "check", "bye", "late", (("who", "{phone}"),)),
        BranchStep("check", "hook", (("yes", "agent"),), "bye"),
        CountStep("late", 1, "hook", "bye"),
        QueueStep("agent", "sales", "bye", "music"),
        SayStep("bye", "Goodbye {phone}.", "end"),
        HangUpStep("end"),
    ),
    on_machine=OnMachine.MESSAGE,
    machine_text="Call us.",
)
ENDED = LineEnded(1, Outcome.CONNECTED, 16)
TO_MENU = (m.PromptEnded(1, 1),)


class Bench:
    """A run with a clock; invariants are checked after every step."""

    def __init__(self, spec=FLOW, *, machine=False):
        self.now_us = T0
        self.run = FlowRun(spec, 1, NUMBER)
        self.said = self.run.start_message(T0) if machine else self.run.start(T0)
        self.run.check_invariants()

    def tell(self, *events, after_us=0):
        """Events, in order, some time later; None is a deadline."""
        self.now_us += after_us
        said = []
        for event in events:
            said += self.run.handle(event, self.now_us)
            self.run.check_invariants()
        self.said += said
        return said

    def wait(self):
        """Let the next deadline come."""
        due_us = self.run.next_deadline_us()
        assert due_us is not None
        return self.tell(None, after_us=due_us - self.now_us)


def at(doing):
    """A run that waits in this phase."""
    if doing is Doing.TONE or doing is Doing.MESSAGE:
        bench = Bench(machine=True)
        if doing is Doing.MESSAGE:
            bench.tell(m.ToneHeard(1, 0))
        return bench
    bench = Bench()
    if doing is Doing.OVER:
        bench.tell(ENDED)
    elif doing is not Doing.SPEAKING:
        bench.tell(*TO_MENU)
        keys = {Doing.RECORDING: "1", Doing.CALLING: "3", Doing.QUEUED: "4"}
        if doing in keys:
            bench.tell(m.DigitsGathered(1, 2, keys[doing]))
    assert bench.run.doing is doing
    return bench


def test_the_flow_of_these_tests_is_sound():
    assert flow_errors(FLOW, queues=["sales"], dnc_lists=["mine"]) == []


def test_plays_asks_and_says_goodbye():
    """Requirement 21. A key interrupts the question, and what was pressed is in the result."""
    bench = Bench()
    assert bench.said == [m.PlayPrompt(1, 1, "welcome")]
    asked = [m.SayText(1, 2, "Press a key.", "en-US"), m.GatherDigits(1, 2, 1, "", 5 * SECOND_US, 3 * SECOND_US)]
    assert bench.tell(m.PromptEnded(1, 1)) == asked
    stop, opted, bye = bench.tell(m.DigitsGathered(1, 2, "2"))
    assert (stop, opted) == (m.StopPrompt(1, 2), OptedOut("mine"))
    assert bye == m.SayText(1, 3, "Goodbye +12025550100.", "en-US")
    assert bench.tell(m.PromptEnded(1, 3)) == [RunEnded("end", FlowResult.COMPLETED, (("menu", "2"), ("stop", "mine")))]
    assert bench.run.next_deadline_us() is None


@pytest.mark.parametrize("digits", ["", "7"])
def test_asks_again_and_then_goes_on(digits):
    """No digits and wrong ones use up an attempt each; then the way for all other cases is taken."""
    bench = Bench()
    bench.tell(*TO_MENU, m.PromptEnded(1, 2))
    again = bench.tell(m.DigitsGathered(1, 2, digits))
    assert [type(item) for item in again] == [m.SayText, m.GatherDigits]
    assert bench.tell(m.DigitsGathered(1, 3, digits))[-1] == m.SayText(1, 4, "Goodbye +12025550100.", "en-US")


def test_repeating_uses_up_attempts():
    """A callee who wants to hear the question for ever does not."""
    bench = Bench()
    bench.tell(*TO_MENU, m.DigitsGathered(1, 2, "9"))
    assert bench.tell(m.DigitsGathered(1, 3, "9"))[-1].text.startswith("Goodbye")


def test_any_digits():
    """Digits of no branch are taken as they are, if there are enough of them."""
    ask = GatherStep(
        "ask", "end", (("0", "end"),), text="How many?", any_digits="end", min_digits=2, max_digits=3, attempts=2
    )
    bench = Bench(FlowSpec("f", "ask", (ask, HangUpStep("end"))))
    bench.tell(m.DigitsGathered(1, 1, "7"))
    assert bench.tell(m.DigitsGathered(1, 2, "42"))[-1] == RunEnded("end", FlowResult.COMPLETED, (("ask", "42"),))


def test_records():
    """Requirement 21. The recording has the name of attempt and step."""
    bench = at(Doing.RECORDING)
    assert bench.said[-1] == m.StartRecording(1, 3, "1-words", 60 * SECOND_US, 3 * SECOND_US, beep=True)
    bench.tell(m.RecordingEnded(1, 3, SECOND_US), m.PromptEnded(1, 4))
    assert bench.said[-1].answers == (("menu", "1"), ("words", "1-words"))


@pytest.mark.parametrize(
    ("answer", "doing"),
    [
        (m.AutomationAnswered(1, 3, ok=True, answer="yes"), Doing.QUEUED),
        (m.AutomationAnswered(1, 3, ok=True, answer="no"), Doing.SPEAKING),
        (m.AutomationAnswered(1, 3, ok=False), Doing.SPEAKING),
    ],
)
def test_asks_an_automation(answer, doing):
    """Requirement 29. The answer decides; the number leaves only where a placeholder says so."""
    bench = at(Doing.CALLING)
    assert bench.said[-1] == m.CallAutomation(1, 3, "https://example.com/3", (("who", "+12025550100"),), 5 * SECOND_US)
    bench.tell(answer)
    assert bench.run.doing is doing


def test_automation_that_does_not_answer():
    """A webhook has a timeout and a way of its own for it."""
    bench = at(Doing.CALLING)
    assert type(bench.wait()[-1]) is m.CallAutomation  # the count step leads back once
    assert type(bench.wait()[-1]) is m.SayText


def test_no_webhook_with_an_empty_placeholder():
    """Without the value it would be another URL: it is not asked."""
    hook = WebhookStep("hook", "https://example.com/{who}", "end", "end")
    spec = FlowSpec("f", "hook", (hook, HangUpStep("end")))
    assert Bench(spec).said == [RunEnded("end", FlowResult.COMPLETED, (("hook", "failed"),))]
    asked = FlowRun(spec, 1, NUMBER, {"who": "a/b"}).start(T0)
    assert asked[0].url == "https://example.com/a%2Fb"


def test_waits_for_an_agent():
    """An agent of the queue is sought while music plays; the run ends when one has joined."""
    bench = at(Doing.QUEUED)
    until_us = T0 + 60 * SECOND_US
    assert bench.said[-2:] == [m.PlayPrompt(1, 3, "music", loop=True), AgentSought("sales", until_us)]
    said = bench.tell(LineJoined(1, "a1"))
    assert said == [m.StopPrompt(1, 3), RunEnded("agent", FlowResult.TRANSFERRED, (("menu", "4"),))]


def test_nobody_comes():
    """At the limit the agent is not wanted any more, and the flow goes on."""
    bench = at(Doing.QUEUED)
    said = bench.wait()
    assert said[:2] == [m.StopPrompt(1, 3), AgentForgone()]
    assert bench.run.doing is Doing.SPEAKING


@pytest.mark.parametrize("heard", [True, False])
def test_leaves_a_message_after_the_tone(heard):
    """Requirements 22, 28. A machine gets one message, after its tone or when that does not come."""
    bench = Bench(machine=True)
    assert bench.said == [m.AwaitTone(1, 0, TONE_LIMIT_US)]
    assert bench.tell(m.ToneHeard(1, 0, heard)) == [m.SayText(1, 1, "Call us.", "en-US")]
    assert bench.tell(m.PromptEnded(1, 1)) == [RunEnded("", FlowResult.MESSAGE, ())]


def test_longest_run():
    """The limit of the whole run ends it in any step, and what is running is stopped."""
    bench = Bench(replace(FLOW, limit_us=10 * SECOND_US))
    bench.tell(*TO_MENU)
    said = bench.wait()
    assert bench.now_us == T0 + 10 * SECOND_US
    assert said == [m.StopPrompt(1, 2), m.StopGather(1, 2), RunEnded("menu", FlowResult.LIMIT, ())]


def test_stopped_from_outside():
    """A recording that was going on is kept; a run that is over stays as it is."""
    bench = at(Doing.RECORDING)
    said = bench.run.stop(FlowResult.FAILED, bench.now_us)
    assert [type(item) for item in said] == [m.StopRecording, RunEnded]
    assert bench.run.stop(FlowResult.LOST, bench.now_us) == []
    assert bench.run.result is FlowResult.FAILED


@pytest.mark.parametrize("doing", list(TIMEOUTS))
def test_a_silent_switch_holds_nobody(doing):
    """In every phase that waits, the deadline alone leads on."""
    bench = at(doing)
    op = bench.run._op
    assert bench.run.next_deadline_us() <= bench.now_us + PROMPT_LIMIT_US + SECOND_US * 60
    bench.wait()
    assert bench.run.doing is Doing.OVER or bench.run._op > op


def test_a_flow_that_was_not_checked_fails():
    """An unknown step, or a circle without waiting, ends the run instead of the trunk."""
    circle = (CountStep("a", 1, "b", "b"), CountStep("b", 1, "a", "a"))
    assert Bench(FlowSpec("f", "no", ())).run.result is FlowResult.FAILED
    assert Bench(FlowSpec("f", "a", circle)).run.result is FlowResult.FAILED


EVENTS = {
    m.PromptEnded: lambda op: m.PromptEnded(1, op),
    m.DigitsGathered: lambda op: m.DigitsGathered(1, op, "1"),
    m.RecordingEnded: lambda op: m.RecordingEnded(1, op, 5),
    m.ToneHeard: lambda op: m.ToneHeard(1, op),
    m.AutomationAnswered: lambda op: m.AutomationAnswered(1, op, ok=True),
    LineJoined: lambda op: LineJoined(1, "a1"),
    LineEnded: lambda op: ENDED,
}


def facts(run):
    return [getattr(run, name) for name in FlowRun.__slots__ if name not in ("spec", "_now_us")]


@pytest.mark.parametrize(("doing", "kind"), list(itertools.product(Doing, EVENTS)))
def test_every_event_in_every_phase(doing, kind):
    """What the table has leads on; what is late changes nothing; everything else is refused before anything changes."""
    bench = at(doing)
    op = bench.run._op
    before = facts(bench.run)
    event = EVENTS[kind](op)
    if doing is Doing.OVER:
        assert bench.tell(event) == []
    elif (doing, kind) in TABLE:
        bench.tell(event, after_us=1)
        assert facts(bench.run) != before
    else:
        with pytest.raises(IllegalTransitionError):
            bench.tell(event)
        assert facts(bench.run) == before
    if doing is not Doing.OVER and kind not in (LineEnded, LineJoined):
        bench = at(doing)
        assert bench.tell(EVENTS[kind](op - 1)) == []  # crossed with what made it vain
        with pytest.raises(IllegalTransitionError):
            bench.tell(EVENTS[kind](op + 1))


def test_broken_invariants_are_found():
    run = at(Doing.SPEAKING).run
    run.result = FlowResult.LOST
    with pytest.raises(InvariantError, match="ends once"):
        run.check_invariants()
    run.result, run._deadline_us = None, 0
    with pytest.raises(InvariantError, match="deadline"):
        run.check_invariants()


STARTS = (m.PlayPrompt, m.SayText)
ACTIONS = st.lists(
    st.tuples(st.sampled_from(["answer", "fail", "late", "deadline", "deadline", "wait"]), st.sampled_from("12349#")),
    max_size=60,
)


class World(Bench):
    """A bench with a switch and a callee who do what they are told to."""

    heard: set[int]

    def act(self, action, key):
        """One thing happens."""
        op = self.run._op
        if action == "late":
            self.tell(m.PromptEnded(1, op - 1), m.DigitsGathered(1, op - 1, key))
        elif action == "deadline":
            self.wait()
        elif action == "wait":
            self.tell(None, after_us=SECOND_US)
        else:
            self.tell(self.answer(op, ok=action == "answer", key=key), after_us=SECOND_US)

    def answer(self, op, *, ok, key):
        """What comes of the order in progress."""
        doing = self.run.doing
        if doing in (Doing.SPEAKING, Doing.MESSAGE):
            self.heard.add(op)
            return m.PromptEnded(1, op, ok)
        return {
            Doing.ASKING: m.DigitsGathered(1, op, key if ok else ""),
            Doing.RECORDING: m.RecordingEnded(1, op, 5, ok),
            Doing.CALLING: m.AutomationAnswered(1, op, ok, "yes"),
            Doing.QUEUED: LineJoined(1, "a1") if ok else None,
            Doing.TONE: m.ToneHeard(1, op, ok),
        }[doing]

    def finish(self):
        """Silence until it is over; within the steps that the flow allows."""
        for _ in range(200):
            if self.run.doing is not Doing.OVER:
                self.wait()


@settings(max_examples=300)
@given(ACTIONS, st.booleans(), st.booleans())
def test_whatever_happens_it_ends_once(actions, machine, hangs_up):
    """Requirement 24. Under any order of answers, failures, late events and silence a run ends exactly once.

    Every prompt that was begun has ended, was stopped, or ended with the call.
    """
    bench = World(machine=machine)
    bench.heard = set()
    for action, key in actions:
        if bench.run.doing is not Doing.OVER:
            bench.act(action, key)
    if hangs_up:
        bench.tell(ENDED)
    bench.finish()
    assert bench.now_us <= T0 + FLOW.limit_us + (len(actions) + 1) * SECOND_US
    ends = [item for item in bench.said if type(item) is RunEnded]
    assert ends == bench.said[-1:]
    assert ends[0].result is bench.run.result
    begun = {item.op for item in bench.said if type(item) in STARTS}
    stopped = {item.op for item in bench.said if type(item) is m.StopPrompt}
    assert begun <= bench.heard | stopped or ends[0].result is FlowResult.HUNG_UP
    wanted = [type(item) for item in bench.said if type(item) in (AgentSought, AgentForgone)]
    joined = ends[0].result is FlowResult.TRANSFERRED
    assert wanted.count(AgentSought) == wanted.count(AgentForgone) + joined


def test_a_join_that_is_under_way_gets_time():
    """The wait is as much longer as it is told."""
    bench = at(Doing.QUEUED)
    before = bench.run.next_deadline_us()
    bench.run.postpone(SLACK_US)
    assert bench.run.next_deadline_us() == before + SLACK_US
