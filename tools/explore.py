"""Find every move of a machine by trying: part of ``make_diagrams.py``.

Some machines keep their rules in a table, which is drawn as it stands. For the others, and for what time does to all of
them, a machine is brought into every state it can reach and given every message it handles, in every variant that
could matter. Machines are pure, so this is exact for the variants tried, takes a second, and gives the same every time.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple, TypeVar

from dialer.domain.message import Machine
from dialer.errors import IllegalTransitionError

#: A Tuesday at 16:00 UTC, when everybody from Maine to California may be called.
START_US = 1_772_553_600_000_000
STEP_US = 1_000
TIME = "time"
M = TypeVar("M", bound=Machine)


class Symbol(NamedTuple):
    """Something that can happen: a name for the picture, and the message at a moment; None when a deadline comes."""

    label: str
    message: Callable[[int], Any] | None
    when: Callable[[Any], bool] = lambda _machine: True  #: whether somebody could say it to this machine now


class Move(NamedTuple):
    """What a step did to the state that is looked at."""

    before: Any
    label: str
    after: Any


class _Probe:
    """One machine on its way, with the time."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.now_us = START_US
        machine.start(self.now_us)

    def step(self, symbol: Symbol) -> bool:
        """Let it happen; False if it cannot, here."""
        if not symbol.when(self.machine):
            return False
        self.now_us += STEP_US
        if symbol.message is not None:
            batch = [symbol.message(self.now_us)]
        else:
            due_us = self.machine.next_deadline_us()
            if due_us is None:
                return False
            self.now_us, batch = max(self.now_us, due_us), []
        try:
            self.machine.handle(batch, self.now_us)
        except IllegalTransitionError:
            return False  # an order that contradicts the state; it changed nothing
        self.machine.check_invariants()
        return True


def explore(
    make: Callable[[], M],
    alphabet: Sequence[Symbol],
    *,
    look: Callable[[M], Any],
    tell_apart: Callable[[M], Hashable],
) -> list[tuple[Move, M]]:
    """Try everything everywhere.

    Args:
        make: A new machine.
        alphabet: What can happen.
        look: The state that is drawn.
        tell_apart: All that matters for what happens next; finite.

    Returns:
        Every step that was tried, with the machine after it.
    """
    found: list[tuple[Move, M]] = []
    ways: list[tuple[Symbol, ...]] = [()]
    seen = {tell_apart(_walk(make, ()).machine)}
    while ways:
        way = ways.pop(0)
        for symbol in alphabet:
            probe = _walk(make, way)
            before = look(probe.machine)
            if not probe.step(symbol):
                continue
            found.append((Move(before, symbol.label, look(probe.machine)), probe.machine))
            here = tell_apart(probe.machine)
            if here not in seen:
                seen.add(here)
                ways.append((*way, symbol))
    return found


def _walk(make: Callable[[], Any], way: Sequence[Symbol]) -> Any:
    probe = _Probe(make())
    for symbol in way:
        probe.step(symbol)
    return probe
