"""What machines are given from outside: contacts, number sets. Implemented in ``storage``; lists will do in tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol


class ContactSource(Protocol):
    """The scrubbed contacts of one run, in dialling order. Reading one is cheap and never changes it."""

    def __len__(self) -> int:
        """Number of contacts."""

    def phones(self, index: int) -> int:
        """How many numbers the contact has, 1 to 8."""

    def number(self, index: int, phone: int = 0) -> int:
        """E.164 number as an integer. ``phone`` is below ``phones(index)``; numbers of one contact differ."""

    def zone_key(self, index: int, phone: int = 0) -> int:
        """Index into ``zone_sets``, for this number of the contact."""

    def agent(self, index: int) -> str:
        """The agent the contact is mapped to, "" for none."""

    def mapped(self) -> Iterable[tuple[int, str]]:
        """(index, agent) of every contact that is mapped to an agent, in order. Read once at birth; mostly empty."""

    def card(self, index: int) -> tuple[tuple[str, str], ...]:
        """(column, text) as the list has them, for whoever talks to the contact."""

    @property
    def zone_sets(self) -> Sequence[tuple[str, ...]]:
        """Every zone a contact may be in, by zone key; a call must be allowed in all of them."""


class NumberSet(Protocol):
    """A set of E.164 numbers, for example one do-not-call list: a Python set, or a mapped sorted file."""

    def __contains__(self, number: object) -> bool:
        """True if the number is in the set."""
