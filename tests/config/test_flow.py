"""Flow files: what they become, and what is said of wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialer.config import load_campaign, load_flow
from dialer.domain import flow as f
from dialer.domain.flow_check import flow_errors
from dialer.domain.specs import SECOND_US
from dialer.errors import ConfigError

EXAMPLES = Path(__file__).parents[2] / "examples" / "flows"
WHOLE = """
name: whole
start: hello
language: de
on_machine: message
machine_prompt: call-us
limit_s: 120
steps:
  hello: {kind: play, prompt: welcome, next: menu}
  menu:
    kind: gather
    text: Press a key.
    branches: {1: words, "#": stop}
    any_digits: hook
    otherwise: again
    min_digits: 2
    max_digits: 4
    attempts: 2
    first_s: 4
    between_s: 1.5
  words: {kind: record, next: bye, limit_s: 30, silence_s: 2, beep: false}
  hook:
    kind: webhook
    url: https://example.com/ask?key={menu}
    fields: {phone: "{phone}"}
    next: check
    failed: bye
    timed_out: again
    timeout_s: 2
  check: {kind: branch, of: hook, branches: {yes: agent}, otherwise: bye}
  again: {kind: count, times: 2, again: menu, next: bye}
  agent: {kind: queue, queue: sales, music: waltz, limit_s: 45, nobody: bye}
  stop: {kind: opt_out, dnc_list: mine, next: bye}
  bye: {kind: say, text: Goodbye., next: end}
  end: {kind: hang_up}
"""


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "f.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_every_kind_of_step_comes_across(file):
    """Requirements 27, 29. Seconds become microseconds, and nothing is lost."""
    text = WHOLE.replace("{yes: agent}", '{"yes": agent}')
    s = SECOND_US
    assert load_flow(file(text)).to_domain(version=3) == f.FlowSpec(
        "whole",
        "hello",
        (
            f.PlayStep("hello", "welcome", "menu"),
            f.GatherStep(
                "menu",
                "again",
                (("1", "words"), ("#", "stop")),
                text="Press a key.",
                any_digits="hook",
                min_digits=2,
                max_digits=4,
                attempts=2,
                first_us=4 * s,
                between_us=1_500_000,
            ),
            f.RecordStep("words", "bye", 30 * s, 2 * s, beep=False),
            f.WebhookStep(
                "hook",
                "https://example.com/ask?key={menu}",
                "check",
                "bye",
                "again",
                (("phone", "{phone}"),),
                2 * s,
            ),
            f.BranchStep("check", "hook", (("yes", "agent"),), "bye"),
            f.CountStep("again", 2, "menu", "bye"),
            f.QueueStep("agent", "sales", "bye", "waltz", 45 * s),
            f.OptOutStep("stop", "mine", "bye"),
            f.SayStep("bye", "Goodbye.", "end"),
            f.HangUpStep("end"),
        ),
        "de",
        f.OnMachine.MESSAGE,
        "call-us",
        limit_us=120 * s,
        version=3,
    )


@pytest.mark.parametrize("name", ["reminder", "survey"])
def test_examples_are_sound(name):
    """Requirement 27. And they let callees opt out."""
    spec = load_flow(EXAMPLES / f"{name}.yaml").to_domain()
    assert flow_errors(spec, dnc_lists=["do-not-call"]) == []
    assert any(isinstance(step, f.OptOutStep) for step in spec.steps)


SMALL = "name: small\nstart: a\nsteps:\n  a: {kind: say, text: Hello, next: end}\n  end: {kind: hang_up}\n"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("next: end", "next: nope", "steps.a.next: no step 'nope'"),
        ("start: a", "start: b", "start: no step 'b'"),
        ("text: Hello", "text: ''", "steps.a.text: the text is empty"),
        ("kind: say", "kind: sing", "kind"),
        ("kind: say, ", "kind: say, loud: 1, ", "unknown field"),
        ("steps:", "limit_s: 0.5\nsteps:", "limit_s: must be 1 to 3600 seconds, not 0.5"),
        ("kind: say, text: Hello, next: end", "kind: gather, text: a, branches: {yes: a}, otherwise: end", "in quotes"),
        ("name: small", "name: Small Talk", "'Small Talk'"),
        ("name: small", "name: small\nmachine_text: Hello", "on_machine: must be message"),
    ],
)
def test_wrong_files_say_where(file, old, new, expected):
    """Requirement 111. File, path and what is wrong, in one line."""
    path = file(SMALL.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        load_flow(path)
    text = str(caught.value)
    assert text.startswith(f"{path}:")
    assert expected in text
    assert "\n" not in text


HEAD = "name: c\nmode: agentless\ncaller_id: '+12125550100'\n"


def campaign_with(flow, extra=""):
    lines = "".join(f"  {line}\n" for line in flow.strip().splitlines())
    return f"{HEAD}{extra}call_flow:\n{lines}"


def test_campaign_with_a_flow_of_its_own(file):
    """Requirements 16, 27. The flow travels with the campaign, under the campaign's version."""
    spec = load_campaign(file(campaign_with(SMALL))).to_domain(version=4)
    assert spec.flow == "small"
    assert spec.flow_spec is not None
    assert (spec.flow_spec.flow, spec.flow_spec.version) == ("small", 4)


@pytest.mark.parametrize("name", ["notice", "reminder"])
def test_campaign_with_a_flow_that_is_built_in(file, name):
    """Requirement 16. A name is enough."""
    spec = load_campaign(file(f"{HEAD}flow: {name}\n")).to_domain()
    assert (spec.flow, spec.flow_spec) == (name, None)


OPT_OUT = SMALL.replace("next: end}", "next: stop}") + "  stop: {kind: opt_out, dnc_list: mine, next: end}\n"
QUEUE = SMALL.replace("next: end}", "next: agent}") + "  agent: {kind: queue, queue: sales, nobody: end}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEAD, "flow is missing; mode agentless needs it"),
        (f"{HEAD}flow: other\n", "no flow 'other'; use one of: notice, reminder"),
        (campaign_with(SMALL, "flow: other\n"), "flow is other, but call_flow is named small"),
        (campaign_with(SMALL.replace("small", "notice")), "notice is built in"),
        (campaign_with(OPT_OUT), "call_flow.steps.stop.dnc_list: the campaign does not look at list 'mine'"),
        (
            campaign_with(SMALL, "queue: sales\n").replace("agentless", "progressive"),
            "call_flow does not go with mode progressive",
        ),
    ],
)
def test_campaigns_whose_flow_cannot_run(file, text, expected):
    """Requirements 27, 111. Nothing is saved that could not be run."""
    with pytest.raises(ConfigError) as caught:
        load_campaign(file(text))
    assert expected in str(caught.value)


def test_queues_a_flow_asks_for(file):
    """Whether they exist is known to the dialer alone, which asks when the campaign is kept."""
    assert load_campaign(file(campaign_with(QUEUE))).flow_queues() == ("sales",)
    assert load_campaign(file(campaign_with(SMALL))).flow_queues() == ()


def test_campaign_that_looks_at_the_list(file):
    """An opt-out to a list of the campaign is in order."""
    assert load_campaign(file(campaign_with(OPT_OUT, "dnc_lists: [mine]\n"))).to_domain().flow == "small"
