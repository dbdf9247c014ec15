"""What is wrong with a flow, found when it is saved: (path, words) of each error.

A flow that passes ends by itself, whatever the callee does: every step leads to one that hangs up, and no circle can
be gone round for ever. Answers use up attempts and counters visits (``flow.unbounded_exits``), so it is enough that
what is left without these ways has no circle.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

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
    Step,
    WebhookStep,
    exits,
    unbounded_exits,
)
from dialer.domain.flow_text import placeholders, url_error

KEYS = frozenset("0123456789*#")
MAX_TEXT = 2_000
MAX_DIGITS = 20
MAX_ATTEMPTS = 10
MAX_STEPS = 200
_SECOND_US = 1_000_000
#: Field -> (least, most) microseconds.
RANGES_US = {
    "first_us": (_SECOND_US, 60 * _SECOND_US),
    "between_us": (_SECOND_US // 2, 30 * _SECOND_US),
    "limit_us": (_SECOND_US, 3_600 * _SECOND_US),
    "silence_us": (_SECOND_US, 60 * _SECOND_US),
    "timeout_us": (_SECOND_US // 2, 30 * _SECOND_US),
}

Errors = Iterator[tuple[str, str]]


def flow_errors(
    spec: FlowSpec,
    *,
    queues: Collection[str] | None = None,
    dnc_lists: Collection[str] | None = None,
    columns: Collection[str] | None = (),
) -> list[tuple[str, str]]:
    """What is wrong with a flow.

    Args:
        spec: The flow.
        queues: Queues that exist; None where that is not known: then every name will do.
        dnc_lists: Lists that the campaign looks at; None if that is not known here.
        columns: Columns of the contact that placeholders may name; None if that is not known here.

    Returns:
        (path, words) of each error, for example ``("steps.menu.branches.2", "no step 'byee'")``; empty if it is sound.
    """
    found = list(_whole(spec))
    if found:
        return found  # what names mean is not clear
    for step in spec.steps:
        found += _own_errors(step, spec, queues, dnc_lists)
        for field, to in exits(step):
            if not to:
                found.append((f"steps.{step.name}.{field}", "names no step; say what follows"))
            elif spec.step(to) is None:
                found.append((f"steps.{step.name}.{field}", f"no step {to!r}"))
    if columns is not None:
        found += _placeholder_errors(spec, columns)
    return found or list(_graph_errors(spec))


def _whole(spec: FlowSpec) -> Errors:
    names = [step.name for step in spec.steps]
    if not names or len(names) > MAX_STEPS:
        yield "steps", f"must be 1 to {MAX_STEPS}"
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        yield f"steps.{name}", "is given twice"
    if names and spec.start not in names:
        yield "start", f"no step {spec.start!r}"
    yield from _range("limit_us", spec.limit_us, "limit_us")
    spoken = bool(spec.machine_prompt) + bool(spec.machine_text)
    if spec.on_machine is OnMachine.MESSAGE and spoken != 1:
        yield "on_machine", "message wants either machine_prompt or machine_text"
    elif spec.on_machine is not OnMachine.MESSAGE and spoken:
        yield "on_machine", "must be message if there is a message for machines"


def _own_errors(
    step: Step, spec: FlowSpec, queues: Collection[str] | None, dnc_lists: Collection[str] | None
) -> Errors:
    """What is wrong with a step by itself."""
    at = f"steps.{step.name}"
    check: Callable[..., Errors] | None = _CHECKS.get(type(step))
    if check is not None:
        yield from check(step, at)
    for field in RANGES_US:
        value = getattr(step, field, None)
        if value is not None:
            yield from _range(field, value, f"{at}.{field}")
    if isinstance(step, QueueStep) and queues is not None and step.queue not in queues:
        yield f"{at}.queue", f"no queue {step.queue!r}"
    if isinstance(step, OptOutStep):
        if not step.dnc_list:
            yield f"{at}.dnc_list", "names no do-not-call list: an opt-out would have no effect"
        elif dnc_lists is not None and step.dnc_list not in dnc_lists:
            yield f"{at}.dnc_list", f"the campaign does not look at list {step.dnc_list!r}: name it in dnc_lists"
    if isinstance(step, BranchStep) and not isinstance(spec.step(step.of), GatherStep | WebhookStep):
        yield f"{at}.of", f"{step.of!r} is no step that gathers digits or asks a webhook"


def _range(field: str, value: int, path: str) -> Errors:
    least, most = RANGES_US[field]
    if not least <= value <= most:
        yield path, f"must be {least / _SECOND_US:g} to {most / _SECOND_US:g} seconds, not {value / _SECOND_US:g}"


def _words(text: str, path: str, what: str) -> Errors:
    if not text.strip():
        yield path, f"{what} is empty"
    elif len(text) > MAX_TEXT:
        yield path, f"{what} is longer than {MAX_TEXT} characters"


def _play(step: PlayStep, at: str) -> Errors:
    yield from _words(step.prompt, f"{at}.prompt", "the prompt")


def _say(step: SayStep, at: str) -> Errors:
    yield from _words(step.text, f"{at}.text", "the text")


def _gather(step: GatherStep, at: str) -> Errors:
    if bool(step.prompt) == bool(step.text):
        yield f"{at}.prompt", "wants either prompt or text"
    else:
        yield from _words(step.prompt or step.text, f"{at}.prompt" if step.prompt else f"{at}.text", "the prompt")
    if not step.branches and not step.any_digits:
        yield f"{at}.branches", "has none, and no any_digits: no answer leads anywhere"
    if not 1 <= step.min_digits <= step.max_digits <= MAX_DIGITS:
        yield f"{at}.max_digits", f"wants 1 <= min_digits <= max_digits <= {MAX_DIGITS}"
    if not 1 <= step.attempts <= MAX_ATTEMPTS:
        yield f"{at}.attempts", f"must be 1 to {MAX_ATTEMPTS}"
    if step.end_key not in ("", "#", "*"):
        yield f"{at}.end_key", "must be #, * or nothing"
    yield from _distinct(step.branches, at)
    for digits, _ in step.branches:
        if not digits or not set(digits) <= KEYS:
            yield f"{at}.branches.{digits}", "must be digits, * and #"
        elif len(digits) > step.max_digits:
            yield f"{at}.branches.{digits}", f"is longer than max_digits, {step.max_digits}"
        elif step.end_key and step.end_key in digits:
            yield f"{at}.branches.{digits}", f"has the end key, {step.end_key}"


def _branch(step: BranchStep, at: str) -> Errors:
    if not step.branches:
        yield f"{at}.branches", "has none"
    yield from _distinct(step.branches, at)


def _distinct(branches: tuple[tuple[str, str], ...], at: str) -> Errors:
    values = [value for value, _ in branches]
    for value in dict.fromkeys(value for value in values if values.count(value) > 1):
        yield f"{at}.branches.{value}", "is given twice"


def _count(step: CountStep, at: str) -> Errors:
    if not 1 <= step.times <= MAX_ATTEMPTS:
        yield f"{at}.times", f"must be 1 to {MAX_ATTEMPTS}"


def _webhook(step: WebhookStep, at: str) -> Errors:
    wrong = url_error(step.url)
    if wrong is not None:
        yield f"{at}.url", wrong
    yield from _fields(step.fields, at)


def _fields(fields: tuple[tuple[str, str], ...], at: str) -> Errors:
    names = [name for name, _ in fields]
    for name, text in fields:
        if not name or names.count(name) > 1 or len(text) > MAX_TEXT:
            yield f"{at}.fields.{name}", f"wants a name of its own and at most {MAX_TEXT} characters"


def _placeholder_errors(spec: FlowSpec, columns: Collection[str]) -> Errors:
    """Placeholders that nothing can fill."""
    filled = {"phone", *columns}
    filled |= {step.name for step in spec.steps if isinstance(step, GatherStep | WebhookStep | RecordStep)}
    texts = [("machine_text", spec.machine_text)]
    for step in spec.steps:
        at = f"steps.{step.name}"
        texts += [(f"{at}.{field}", getattr(step, field)) for field in ("text", "url") if hasattr(step, field)]
        texts += [(f"{at}.fields.{name}", text) for name, text in getattr(step, "fields", ())]
    for path, text in texts:
        for name in placeholders(text):
            if name not in filled:
                yield path, f"nothing is known as {{{name}}}: use phone, or a step that gathers, records or asks"


_CHECKS: dict[type[Any], Callable[..., Errors]] = {
    PlayStep: _play,
    SayStep: _say,
    GatherStep: _gather,
    BranchStep: _branch,
    CountStep: _count,
    WebhookStep: _webhook,
}


def _graph_errors(spec: FlowSpec) -> Errors:
    """Steps that cannot be reached, circles without a bound, and steps from which no end can be reached."""
    reached = _closure({spec.start}, lambda name: [to for _, to in exits(_known(spec, name))])
    for step in spec.steps:
        if step.name not in reached:
            yield f"steps.{step.name}", "cannot be reached from the start"
    circle = _circle(spec)
    if circle:
        yield f"steps.{circle[0]}", f"leads round for ever: {' > '.join([*circle, circle[0]])}; a count step ends it"
        return
    before: dict[str, list[str]] = {}
    for step in spec.steps:
        for _, to in exits(step):
            before.setdefault(to, []).append(step.name)
    ends = {step.name for step in spec.steps if isinstance(step, HangUpStep | QueueStep)}
    ending = _closure(ends, lambda name: before.get(name, []))
    for step in spec.steps:
        if step.name not in ending:
            yield f"steps.{step.name}", "leads to no end: no step that hangs up follows"


def _known(spec: FlowSpec, name: str) -> Step:
    step = spec.step(name)
    assert step is not None  # noqa: S101 - checked before the graph is looked at
    return step


def _closure(first: Collection[str], following: Callable[[str], list[str]]) -> set[str]:
    found, left = set(first), list(first)
    while left:
        for name in following(left.pop()):
            if name not in found:
                found.add(name)
                left.append(name)
    return found


def _circle(spec: FlowSpec) -> list[str]:
    """Names along a circle that uses nothing up, empty if there is none."""
    free = {step.name: unbounded_exits(step) for step in spec.steps}
    # take away, again and again, what leads only to steps that are taken away: what remains lies on or before a circle
    changed = True
    while changed:
        gone = [name for name, to in free.items() if not any(name in free for name in to)]
        changed = bool(gone)
        for name in gone:
            del free[name]
    if not free:
        return []
    path = [next(iter(free))]
    while True:
        following = next(name for name in free[path[-1]] if name in free)
        if following in path:
            return path[path.index(following) :]
        path.append(following)
