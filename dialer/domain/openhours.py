"""When contacts of a run may be called: contactable timings, in the zones of the phone that would be dialled."""

from __future__ import annotations

from dialer.domain.localtime import Window, window_all
from dialer.domain.phones import Phones
from dialer.domain.ports import ContactSource
from dialer.domain.specs import WeeklyHours


class OpenHours:
    """Contactable timings of a run, as answers that hold for a while, by zone key.

    Args:
        contacts: The run's contacts.
        phones: Which of a contact's phones may be dialled.
        hours: Local time of the called place.
    """

    def __init__(self, contacts: ContactSource, phones: Phones, hours: WeeklyHours) -> None:
        self._contacts = contacts
        self._zone_sets = contacts.zone_sets
        self._phones = phones
        self._hours = hours
        self._windows: dict[int, Window] = {}

    def set_hours(self, hours: WeeklyHours) -> None:
        """Other timings apply from now on."""
        self._hours = hours
        self._windows.clear()

    def window(self, key: int, now_us: int) -> Window:
        """Is a zone key open, and until when."""
        window = self._windows.get(key)
        if window is None or (window.until_us is not None and now_us >= window.until_us):
            window = self._windows[key] = self._made(key, now_us)
        return window

    def never_opens(self, key: int) -> bool:
        """True if it is known that there is no time at which a zone key is open."""
        window = self._windows.get(key)
        return window is not None and not window.open and window.until_us is None

    def open_phone(self, contact: int, now_us: int) -> int | None:
        """The first phone in turn whose window is open; None if all are closed."""
        for phone in self._phones.in_turn(contact):
            if self.window(self._contacts.zone_key(contact, phone), now_us).open:
                return phone
        return None

    def opening_key(self, contact: int, now_us: int) -> int:
        """Zone key of the closed phone that opens first."""
        keys = [self._contacts.zone_key(contact, phone) for phone in self._phones.in_turn(contact)]
        return min(keys, key=lambda key: _until(self.window(key, now_us)))

    def next_open_us(self, contact: int, from_us: int) -> int | None:
        """The first moment from ``from_us`` on at which one of the contact's phones may be dialled; None: never."""
        times: list[int] = []
        for phone in self._phones.in_turn(contact):
            window = self._made(self._contacts.zone_key(contact, phone), from_us)
            if window.open:
                return from_us
            if window.until_us is not None:
                times.append(window.until_us)
        return min(times, default=None)

    def _made(self, key: int, now_us: int) -> Window:
        zones = self._zone_sets[key]
        return window_all(dict.fromkeys(zones, self._hours), zones, now_us)


def _until(window: Window) -> tuple[bool, int]:
    return window.until_us is None, window.until_us or 0
