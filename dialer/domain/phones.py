"""Which phone of a contact is dialled next: in turn, past those that proved useless. Two bytes for each contact."""

from __future__ import annotations

from dialer.domain.ports import ContactSource

_PHONE = 0b111  #: eight phones at most
_TURN = 0b1000  #: the phone of the latest try has had its turn


class Phones:
    """The phones of all contacts.

    Args:
        contacts: The run's contacts.
    """

    __slots__ = ("_blocked", "_contacts", "_latest")

    def __init__(self, contacts: ContactSource) -> None:
        self._contacts = contacts
        self._latest = bytearray(len(contacts))  #: phone of the latest try, and whether its turn is over
        self._blocked = bytearray(len(contacts))  #: one bit for each phone that is never dialled again

    def latest(self, contact: int) -> int:
        """Phone of the latest try; 0 before the first."""
        return self._latest[contact] & _PHONE

    def in_turn(self, contact: int) -> list[int]:
        """Phones that may be dialled, the one whose turn it is first; empty if none is left."""
        count = self._contacts.phones(contact)
        blocked = self._blocked[contact]
        if count == 1:
            return [] if blocked else [0]
        latest = self._latest[contact]
        first = (latest & _PHONE) + (1 if latest & _TURN else 0)
        turns = ((first + step) % count for step in range(count))
        return [phone for phone in turns if not blocked >> phone & 1]

    def dial(self, contact: int, phone: int) -> None:
        """This phone is tried now."""
        self._latest[contact] = phone

    def end_turn(self, contact: int) -> None:
        """The latest try used up the turn of its phone: the next try goes to the next one."""
        self._latest[contact] |= _TURN

    def block(self, contact: int, phone: int) -> bool:
        """Never dial this phone again.

        Returns:
            True if the contact has another one.
        """
        self._blocked[contact] |= 1 << phone
        return bool(self.in_turn(contact))

    def find(self, contact: int, number: int) -> int:
        """The phone that has this number; 0 if none has, for a number that is not the file's."""
        for phone in range(self._contacts.phones(contact)):
            if self._contacts.number(contact, phone) == number:
                return phone
        return 0
