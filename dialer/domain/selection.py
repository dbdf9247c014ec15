"""Which contacts of its lists a run dials, and in which order. Applied when the lists are scrubbed."""

from __future__ import annotations

from enum import StrEnum

from dialer.domain.kinds import DialingOrder
from dialer.domain.message import message


class Comparison(StrEnum):
    """How a column is compared. Text without case and outer blanks; an empty cell is equal only to another."""

    EQUALS = "equals"
    NOT_EQUALS = "not_equals"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    IN = "in"  #: equals one of several values
    GREATER = "greater"  #: as numbers, if the value is one; cells that are none do not pass
    LESS = "less"
    EMPTY = "empty"
    NOT_EMPTY = "not_empty"


@message
class Condition:
    """A condition on one column of the lists."""

    column: str
    by: Comparison
    values: tuple[str, ...] = ()  #: none for ``EMPTY`` and ``NOT_EMPTY``, any number for ``IN``, otherwise one


@message
class ContactFilter:
    """Conditions that a contact has to meet."""

    conditions: tuple[Condition, ...]
    every: bool = True  #: all of them; False: one is enough


@message
class Selection:
    """What a campaign makes of its lists."""

    order: DialingOrder = DialingOrder.FIFO
    order_by: str = ""  #: column of ``COLUMN_UP`` and ``COLUMN_DOWN``
    only: ContactFilter | None = None


#: All contacts, in the order in which they are listed.
AS_LISTED = Selection()
