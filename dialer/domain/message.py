"""Messages and addresses: what machines say, and to whom.

A machine never holds a reference to another one. It returns envelopes, pairs of (address, message), and a courier
carries them. Messages are immutable and cheap: a frozen slotted data class is pickled through a generic state setter,
which on CPython 3.11 makes it three times slower to dump than the ``__reduce__`` used here, and built through
``object.__setattr__``, which makes it 1.7 times slower to make than by its slots.
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar, dataclass_transform

T = TypeVar("T")


class Address(NamedTuple):
    """Who a message is for: the kind of machine and its id. Never a telephone number."""

    kind: str
    id: str

    def __str__(self) -> str:
        """``kind/id``, as shown in logs and errors."""
        return f"{self.kind}/{self.id}"


@dataclass_transform(frozen_default=True)
def message(cls: type[T]) -> type[T]:
    """Make a class an immutable message: frozen, slotted, fast to pickle.

    Args:
        cls: A class with annotated fields and no ``__init__``.

    Returns:
        The data class, with an ``__init__`` that fills its slots and a ``__reduce__`` that rebuilds it positionally.
    """
    made = dataclasses.dataclass(frozen=True, slots=True)(cls)
    names = [field.name for field in dataclasses.fields(made)]  # type: ignore[arg-type]
    made.__init__ = _initialiser(made)  # type: ignore[method-assign]
    made.__reduce__ = _reducer(made, names)  # type: ignore[method-assign, assignment]
    return made


def _initialiser(made: type[Any]) -> Callable[..., None]:
    """The ``__init__`` of the data class with the same parameters, each stored by its slot's own setter."""
    scope: dict[str, Any] = {}
    parameters, body = ["self"], ["pass"]
    for field in dataclasses.fields(made):
        name = field.name
        scope[f"set_{name}"] = getattr(made, name).__set__
        body.append(f"set_{name}(self, {name})")
        if field.default is dataclasses.MISSING:
            parameters.append(name)
        else:
            scope[f"default_{name}"] = field.default
            parameters.append(f"{name}=default_{name}")
    source = f"def __init__({', '.join(parameters)}):\n    " + "\n    ".join(body)
    exec(source, scope)  # noqa: S102 - made of the names of fields, as the data class's own is
    made_init: Callable[..., None] = scope["__init__"]
    made_init.__qualname__ = f"{made.__qualname__}.__init__"
    return made_init


def _reducer(made: type[Any], names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    if not names:
        return lambda self: (made, ())  # noqa: ARG005 - pickle passes the instance
    if len(names) == 1:
        only = operator.attrgetter(names[0])
        return lambda self: (made, (only(self),))
    fields = operator.attrgetter(*names)
    return lambda self: (made, fields(self))


class Envelope(NamedTuple):
    """One message on its way."""

    to: Address
    message: Any


class Machine(Protocol):
    """All logic lives behind these four members; see the package docstring for the rules."""

    address: Address

    def start(self, now_us: int) -> list[Envelope]:
        """Say what has to be said after birth or rebirth. Called once, before any batch."""

    def handle(self, batch: Sequence[Any], now_us: int) -> list[Envelope]:
        """Apply messages in order, then decide once. An empty batch means: a deadline came.

        Args:
            batch: Messages for this machine, oldest first.
            now_us: UTC microseconds; never before an earlier call's value.

        Returns:
            Envelopes, in the order in which they must leave.
        """

    def next_deadline_us(self) -> int | None:
        """When ``handle([], now)`` must be called at the latest; None if time alone changes nothing."""

    def check_invariants(self) -> None:
        """Raise InvariantError on a contradiction. For tests and simulation."""
