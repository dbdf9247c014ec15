"""A flow: what a person who answers hears and may do, as named steps. Built by ``config/flow.py``.

A step names the step that follows each of its results. ``flow_check.py`` says what is wrong with a flow;
``flow_run.py`` carries it out for one call. Texts and the fields of webhooks may hold placeholders: ``flow_text.py``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from dialer.domain.message import message

_SECOND_US = 1_000_000


class OnMachine(StrEnum):
    """What happens when a machine answers and detection is on."""

    HANG_UP = "hang_up"
    FLOW = "flow"  #: the flow, as for a person
    MESSAGE = "message"  #: one message after the tone, then hang up


class FlowResult(StrEnum):
    """How the run of a flow ended."""

    COMPLETED = "completed"  #: came to a step that hangs up
    HUNG_UP = "hung_up"  #: the callee hung up, or the call was ended by an order, before that
    TRANSFERRED = "transferred"  #: an agent has taken over
    MESSAGE = "message"  #: a message was left on a machine
    LIMIT = "limit"  #: longer than ``FlowSpec.limit_us``
    FAILED = "failed"  #: the flow cannot be carried out
    LOST = "lost"  #: the trunk was restarted in the middle


@message
class PlayStep:
    """Play a recording."""

    name: str
    prompt: str
    next: str
    kind: Literal["play"] = "play"


@message
class SayStep:
    """Speak a text."""

    name: str
    text: str
    next: str
    kind: Literal["say"] = "say"


@message
class GatherStep:
    """Ask a question and take digits; a key interrupts the prompt. ``attempts`` is for the whole call.

    Digits that are in no branch go to ``any_digits``, if that is given and there are ``min_digits`` of them. Otherwise
    the question is asked again; ``otherwise`` is next when all attempts are used up.
    """

    name: str
    otherwise: str
    branches: tuple[tuple[str, str], ...] = ()  #: (digits, step)
    prompt: str = ""  #: a recording; this or ``text``
    text: str = ""
    any_digits: str = ""
    min_digits: int = 1
    max_digits: int = 1
    end_key: str = ""
    attempts: int = 3
    first_us: int = 5 * _SECOND_US
    between_us: int = 3 * _SECOND_US
    kind: Literal["gather"] = "gather"


@message
class BranchStep:
    """Go on by the result of an earlier step: digits of a gather, answer of a webhook."""

    name: str
    of: str  #: the earlier step
    branches: tuple[tuple[str, str], ...]  #: (value, step)
    otherwise: str
    kind: Literal["branch"] = "branch"


@message
class CountStep:
    """Go to ``again`` for the first ``times`` visits of a call, then to ``next``."""

    name: str
    times: int
    again: str
    next: str
    kind: Literal["count"] = "count"


@message
class RecordStep:
    """Record what the callee says."""

    name: str
    next: str
    limit_us: int = 60 * _SECOND_US
    silence_us: int = 3 * _SECOND_US
    beep: bool = True
    kind: Literal["record"] = "record"


@message
class WebhookStep:
    """Ask an automation."""

    name: str
    url: str
    next: str
    failed: str
    timed_out: str = ""  #: "" for the same as ``failed``
    fields: tuple[tuple[str, str], ...] = ()  #: what is posted: (name, text with placeholders)
    timeout_us: int = 5 * _SECOND_US
    kind: Literal["webhook"] = "webhook"


@message
class QueueStep:
    """Wait for an agent of a queue; the run ends when one has joined."""

    name: str
    queue: str
    nobody: str  #: when ``limit_us`` have passed
    music: str = ""  #: recording that is repeated meanwhile; "" for silence
    limit_us: int = 60 * _SECOND_US
    kind: Literal["queue"] = "queue"


@message
class OptOutStep:
    """Put the number on a do-not-call list, at once."""

    name: str
    dnc_list: str
    next: str
    kind: Literal["opt_out"] = "opt_out"


@message
class HangUpStep:
    """The end."""

    name: str
    kind: Literal["hang_up"] = "hang_up"


Step = (
    PlayStep
    | SayStep
    | GatherStep
    | BranchStep
    | CountStep
    | RecordStep
    | WebhookStep
    | QueueStep
    | OptOutStep
    | HangUpStep
)


@message
class FlowSpec:
    """One flow."""

    flow: str  #: name, a slug
    start: str
    steps: tuple[Step, ...]
    language: str = "en-US"
    on_machine: OnMachine = OnMachine.HANG_UP
    machine_prompt: str = ""  #: message for machines, a recording; this or ``machine_text``
    machine_text: str = ""
    limit_us: int = 600 * _SECOND_US  #: longest run
    version: int = 1

    def step(self, name: str) -> Step | None:
        """The step of that name."""
        return next((step for step in self.steps if step.name == name), None)


#: Fields that name the step to follow; those in ``_OPTIONAL`` may be empty.
_EXITS = ("again", "next", "failed", "timed_out", "nobody", "any_digits", "otherwise")
_OPTIONAL = frozenset({"timed_out", "any_digits"})


def exits(step: Step) -> list[tuple[str, str]]:
    """Where a step leads: (field, step) of each way out, as the errors name them."""
    found = [(f"branches.{value}", to) for value, to in getattr(step, "branches", ())]
    for field in _EXITS:
        to = getattr(step, field, None)
        if to or (to is not None and field not in _OPTIONAL):
            found.append((field, to))
    return found


def unbounded_exits(step: Step) -> list[str]:
    """Steps it can lead to without using anything up: an answer uses up an attempt, ``again`` a visit."""
    if isinstance(step, GatherStep):
        return [step.otherwise]
    return [step.next] if isinstance(step, CountStep) else [to for _, to in exits(step)]
