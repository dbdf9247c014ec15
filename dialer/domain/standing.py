"""Where each contact of a run stands: flat arrays, because ten million contacts must fit in memory."""

from __future__ import annotations

from array import array
from enum import IntEnum

from dialer.domain.ids import CONTACT_BITS, MAX_CONTACT
from dialer.errors import InvariantError


class Place(IntEnum):
    """Where a contact stands."""

    FRESH = 0  #: never tried, in file order
    PARKED = 1  #: its calling window is closed
    RESTING = 2  #: due again later
    IN_PLAY = 3  #: offered, proposed, leased or in a call
    DONE = 4
    MAPPED = 5  #: fresh, for one agent alone
    CALLBACK = 6  #: asked to be called at a time
    VERDICT = 7  #: was connected; what the agent says of the call decides


class Standing:
    """Place and due time of every contact: five bytes each.

    Args:
        size: Number of contacts.
    """

    __slots__ = ("counts", "due_s", "place")

    def __init__(self, size: int) -> None:
        self.place = bytearray(size)
        self.due_s = array("I", bytes(4 * size))  #: when a waiting contact is due; a queue entry that differs is stale
        self.counts = [size, *([0] * (len(Place) - 1))]

    def move(self, contact: int, place: Place) -> None:
        """Put a contact elsewhere."""
        self.counts[self.place[contact]] -= 1
        self.counts[place] += 1
        self.place[contact] = place

    def is_current(self, entry: int, place: Place) -> bool:
        """True if a queue entry (due second << CONTACT_BITS | contact) still says how the contact stands."""
        contact = entry & MAX_CONTACT
        return self.place[contact] == place and self.due_s[contact] == entry >> CONTACT_BITS

    def check_invariants(self) -> None:
        """Counts agree with the array."""
        real = [self.place.count(place) for place in Place]
        if real != self.counts:
            raise InvariantError("contact counts", f"kept {self.counts}, real {real}")
