"""What machines are given from outside: contacts, number sets. Implemented in ``storage``; lists will do in tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class ContactSource(Protocol):
    """The scrubbed contacts of one run, in dialling order. Reading one is cheap and never changes it."""

    def __len__(self) -> int:
        """Number of contacts."""

    def number(self, index: int) -> int:
        """E.164 number as an integer."""

    def zone_key(self, index: int) -> int:
        """Index into ``zone_sets``."""

    @property
    def zone_sets(self) -> Sequence[tuple[str, ...]]:
        """Every zone a contact may be in, by zone key; a call must be allowed in all of them."""


class NumberSet(Protocol):
    """A set of E.164 numbers, for example one do-not-call list: a Python set, or a mapped sorted file."""

    def __contains__(self, number: object) -> bool:
        """True if the number is in the set."""
