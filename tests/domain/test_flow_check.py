"""What is wrong with a flow is found when it is saved, one error at a time, with its path."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.domain.flow import (
    BranchStep,
    CountStep,
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
    exits,
)
from dialer.domain.flow_builtin import BUILT_IN
from dialer.domain.flow_check import flow_errors
from dialer.domain.specs import SECOND_US

END = HangUpStep("end")
MENU = GatherStep("menu", otherwise="end", branches=(("1", "end"), ("9", "menu")), text="Press 1.")
HOOK = WebhookStep("hook", "https://example.com/a?b={menu}", next="end", failed="end")


def flow(*steps, **fields):
    return FlowSpec("f", steps[0].name, (*steps, END), **fields)


def whole() -> FlowSpec:
    """One step of each kind, all reached."""
    return flow(
        PlayStep("hello", "hello", "menu"),
        replace(MENU, branches=(("1", "words"), ("2", "stop"), ("3", "agent"), ("9", "menu"))),
        RecordStep("words", "hook"),
        replace(HOOK, next="branch"),
        BranchStep("branch", "hook", (("yes", "again"),), "end"),
        CountStep("again", 2, "bye", "end"),
        SayStep("bye", "Your number is {phone}.", "again"),
        OptOutStep("stop", "mine", "end"),
        QueueStep("agent", "sales", "end"),
    )


def test_a_sound_flow_has_no_errors():
    """Requirements 27, 29. All kinds of steps together, and everything that is built in."""
    assert flow_errors(whole(), queues=["sales"], dnc_lists=["mine"]) == []
    for built_in in BUILT_IN.values():
        assert flow_errors(built_in) == []


def test_a_flow_travels():
    """A flow is hashable and survives pickling, so that it can stand in a spec."""
    assert pickle.loads(pickle.dumps(whole())) == whole()  # noqa: S301 - our own
    assert hash(whole()) == hash(whole())


LONG = "x" * 2_001
WRONG = {
    "no step": (FlowSpec("f", "a", ()), "steps"),
    "two of a name": (flow(END), "steps.end"),
    "unknown start": (replace(flow(MENU), start="no"), "start"),
    "unknown next": (flow(SayStep("a", "Hello", "no")), "steps.a.next"),
    "empty next": (flow(SayStep("a", "Hello", "")), "steps.a.next"),
    "unknown branch": (flow(replace(MENU, branches=(("2", "no"),))), "steps.menu.branches.2"),
    "unknown otherwise": (flow(replace(MENU, otherwise="no")), "steps.menu.otherwise"),
    "unknown any_digits": (flow(replace(MENU, any_digits="no")), "steps.menu.any_digits"),
    "unknown failed": (flow(replace(HOOK, url="https://a", failed="no")), "steps.hook.failed"),
    "unknown timed_out": (flow(replace(HOOK, url="https://a", timed_out="no")), "steps.hook.timed_out"),
    "unreachable": (flow(MENU, SayStep("a", "Hello", "end")), "steps.a"),
    "round for ever": (flow(SayStep("a", "Hello", "b"), SayStep("b", "Hello", "a")), "steps.end"),
    "round by otherwise": (flow(replace(MENU, otherwise="a"), SayStep("a", "Hello", "menu")), "steps.menu"),
    "no branch": (flow(replace(MENU, branches=())), "steps.menu.branches"),
    "no branch of a branch": (flow(MENU, BranchStep("b", "menu", (), "end")), "steps.b.branches"),
    "branch twice": (flow(replace(MENU, branches=(("1", "end"), ("1", "menu")))), "steps.menu.branches.1"),
    "branch on nothing": (flow(BranchStep("b", "end", (("1", "end"),), "end")), "steps.b.of"),
    "bad digits": (flow(replace(MENU, branches=(("A", "end"),))), "steps.menu.branches.A"),
    "too many digits": (flow(replace(MENU, branches=(("12", "end"),))), "steps.menu.branches.12"),
    "end key in digits": (flow(replace(MENU, branches=(("#", "end"),), end_key="#")), "steps.menu.branches.#"),
    "bad end key": (flow(replace(MENU, end_key="5")), "steps.menu.end_key"),
    "bad length": (flow(replace(MENU, min_digits=2)), "steps.menu.max_digits"),
    "no attempt": (flow(replace(MENU, attempts=0)), "steps.menu.attempts"),
    "empty prompt": (flow(PlayStep("a", " ", "end")), "steps.a.prompt"),
    "empty text": (flow(SayStep("a", "", "end")), "steps.a.text"),
    "long text": (flow(SayStep("a", LONG, "end")), "steps.a.text"),
    "gather says nothing": (flow(replace(MENU, text="")), "steps.menu.prompt"),
    "gather says two things": (flow(replace(MENU, prompt="menu")), "steps.menu.prompt"),
    "first digit": (flow(replace(MENU, first_us=61 * SECOND_US)), "steps.menu.first_us"),
    "next digit": (flow(replace(MENU, between_us=1)), "steps.menu.between_us"),
    "long recording": (flow(RecordStep("a", "end", limit_us=3_601 * SECOND_US)), "steps.a.limit_us"),
    "no silence": (flow(RecordStep("a", "end", silence_us=0)), "steps.a.silence_us"),
    "slow webhook": (flow(replace(HOOK, url="https://a", timeout_us=31 * SECOND_US)), "steps.hook.timeout_us"),
    "long run": (flow(MENU, limit_us=0), "limit_us"),
    "no visit": (flow(CountStep("a", 0, "end", "end")), "steps.a.times"),
    "no http": (flow(replace(HOOK, url="ftp://example.com")), "steps.hook.url"),
    "host from outside": (flow(replace(HOOK, url="https://{phone}/a")), "steps.hook.url"),
    "user in url": (flow(replace(HOOK, url="https://a:b@example.com/")), "steps.hook.url"),
    "field twice": (flow(replace(HOOK, url="https://a", fields=(("a", ""), ("a", "")))), "steps.hook.fields.a"),
    "unknown column": (flow(SayStep("a", "Hello {first_name}", "end")), "steps.a.text"),
    "unknown column in url": (flow(replace(HOOK, url="https://a/{x}")), "steps.hook.url"),
    "unknown column in field": (flow(replace(HOOK, url="https://a", fields=(("a", "{x}"),))), "steps.hook.fields.a"),
    "unknown queue": (flow(QueueStep("a", "no", "end")), "steps.a.queue"),
    "no list": (flow(OptOutStep("a", "", "end")), "steps.a.dnc_list"),
    "list of others": (flow(OptOutStep("a", "other", "end")), "steps.a.dnc_list"),
    "no message": (flow(MENU, on_machine=OnMachine.MESSAGE), "on_machine"),
    "two messages": (flow(MENU, on_machine=OnMachine.MESSAGE, machine_text="a", machine_prompt="b"), "on_machine"),
    "message for nobody": (flow(MENU, machine_text="a"), "on_machine"),
}


@pytest.mark.parametrize("name", WRONG)
def test_each_error_is_found_with_its_path(name):
    """Requirement 111. A flow that cannot run is not saved, and the path says where to look."""
    spec, path = WRONG[name]
    found = flow_errors(spec, queues=["sales"], dnc_lists=["mine"])
    assert path in [at for at, _ in found]
    assert all(words for _, words in found)


def test_columns_may_be_named():
    """A placeholder for a column that the contacts have is no error."""
    assert flow_errors(flow(SayStep("a", "Hello {first_name}", "end")), columns=["first_name"]) == []


def test_a_circle_with_a_bound_is_no_error():
    """Going round is allowed by an answer, which uses up an attempt, or a counter."""
    asked = flow(MENU)
    counted = flow(CountStep("a", 3, "b", "end"), SayStep("b", "Hello", "a"))
    assert flow_errors(asked) == flow_errors(counted) == []


NAMES = ["a", "b", "c", "d", "end"]
ANY = st.sampled_from(NAMES)
STEPS = st.one_of(
    st.builds(lambda to: ("say", to), ANY),
    st.builds(lambda one, other: ("gather", one, other), ANY, ANY),
    st.builds(lambda one, other: ("count", one, other), ANY, ANY),
)


def build(shape):
    made = []
    for name, (kind, *to) in zip(NAMES, shape, strict=False):
        if kind == "say":
            made.append(SayStep(name, "Hello", to[0]))
        elif kind == "gather":
            made.append(GatherStep(name, otherwise=to[0], branches=(("1", to[1]),), text="Hello", attempts=2))
        else:
            made.append(CountStep(name, 2, to[0], to[1]))
    return FlowSpec("f", "a", (*made, END))


@given(st.lists(STEPS, min_size=4, max_size=4), st.lists(st.booleans(), max_size=200))
def test_what_passes_comes_to_an_end(shape, choices):
    """Walking a checked flow, answering at will within the bounds, ends; a step that loops for ever is an error."""
    spec = build(shape)
    if flow_errors(spec):
        return
    used: dict[str, int] = {}
    name, walked = spec.start, 0
    while name != "end":
        step = spec.step(name)
        walked += 1
        assert walked < 200
        used[name] = used.get(name, 0) + 1
        if isinstance(step, GatherStep):
            answers = used[name] <= step.attempts and (choices.pop() if choices else True)
            name = step.branches[0][1] if answers else (name if used[name] <= step.attempts else step.otherwise)
        elif isinstance(step, CountStep):
            name = step.again if used[name] <= step.times else step.next
        else:
            name = exits(step)[0][1]
