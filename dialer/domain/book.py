"""The contact book of one run: which contact is next, and when. Ten million contacts must fit in memory.

Per contact there are eight bytes in flat arrays; only contacts in play are objects, and those live in ``campaign.py``.
A contact is FRESH (in file order, never tried), PARKED (its calling window is closed), RESTING (due again later),
IN_PLAY (proposed, leased or in a call) or DONE. Fresh and parked contacts go first, resting ones when all the others
have had their turn.
"""

from __future__ import annotations

import heapq
from array import array
from collections import Counter, deque
from enum import IntEnum

from dialer.domain.ids import CONTACT_BITS, MAX_CONTACT, MAX_TRY
from dialer.domain.kinds import UNDIALLED, Outcome
from dialer.domain.localtime import Window, window_all
from dialer.domain.ports import ContactSource
from dialer.domain.specs import SECOND_US, RetryRule, WeeklyHours
from dialer.errors import InvariantError

#: Contacts looked at in one ``take``: a list whose zones are closed must not stop the actor for seconds.
LOOK_LIMIT = 5_000


class Place(IntEnum):
    """Where a contact stands."""

    FRESH = 0
    PARKED = 1
    RESTING = 2
    IN_PLAY = 3
    DONE = 4


class ContactBook:
    """Owner of every contact's state in one run.

    Args:
        contacts: The run's scrubbed contacts, in dialling order.
        hours: The campaign's contactable timings, local time of the contact.
        retry: How often and when contacts are tried again.
    """

    def __init__(self, contacts: ContactSource, hours: WeeklyHours, retry: RetryRule) -> None:
        self.contacts = contacts
        self.retry = retry
        size = len(contacts)
        self._hours = hours
        self._zone_sets = contacts.zone_sets
        self._place = bytearray(size)
        self._attempts = bytearray(size)
        self._tries = array("H", bytes(2 * size))
        self._due_s = array("I", bytes(4 * size))  #: when a resting contact is due; a heap entry that differs is stale
        self._cursor = 0
        self._parked: dict[int, deque[int]] = {}
        self._windows: dict[int, Window] = {}
        self._resting: list[int] = []  #: heap of (due second << CONTACT_BITS | contact): plain integers stay small
        self._final = frozenset(retry.final)
        self._rest_us = dict(retry.rest_by_outcome)
        self._counts = [size, 0, 0, 0, 0]
        self.done_by: Counter[str] = Counter()

    # -- questions ---------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """Contacts in the run."""
        return len(self._place)

    def counts(self) -> dict[str, int]:
        """Contacts by place, lower-case names; they add up to the size of the run."""
        return {place.name.lower(): self._counts[place] for place in Place}

    def place(self, contact: int) -> Place:
        """Where a contact stands."""
        return Place(self._place[contact])

    def attempts(self, contact: int) -> int:
        """Counted attempts so far."""
        return self._attempts[contact]

    def next_due_us(self, now_us: int) -> int | None:
        """When ``take`` may find something.

        Returns:
            0 for now; a time; None if nothing is waiting at all (every contact is in play or done).
        """
        if self._counts[Place.FRESH]:
            return 0
        times: list[int] = []
        if self._counts[Place.PARKED]:
            for key, queue in self._parked.items():
                if queue:
                    window = self._window(key, now_us)
                    if window.open:
                        return 0
                    if window.until_us is not None:
                        times.append(window.until_us)
        self._drop_stale()
        if self._resting:
            times.append((self._resting[0] >> CONTACT_BITS) * SECOND_US)
        if not times:
            return None
        first_us = min(times)
        return 0 if first_us <= now_us else first_us

    def exhausted(self) -> bool:
        """True when no contact can ever become due again: all are done, or may never be called."""
        counts = self._counts
        if counts[Place.IN_PLAY] or counts[Place.RESTING] or counts[Place.FRESH]:
            return False
        return all(not queue or self._never_opens(key) for key, queue in self._parked.items())

    # -- changes -----------------------------------------------------------------------------------------------------

    def take(self, now_us: int) -> int | None:
        """Put the next contact in play and use up a try number.

        Args:
            now_us: UTC microseconds.

        Returns:
            Contact index, or None if nothing is callable now, or nothing was found within ``LOOK_LIMIT`` contacts:
            ``next_due_us`` tells which.
        """
        while (contact := self._next(now_us)) is not None:
            if self._tries[contact] < MAX_TRY:
                self._move(contact, Place.IN_PLAY)
                self._tries[contact] += 1
                return contact
            self.finish(contact, "tries_used_up")
        return None

    def try_no(self, contact: int) -> int:
        """Number of the latest try, 0 for none."""
        return self._tries[contact]

    def give_back_try(self, contact: int) -> None:
        """The latest try of this contact left no trace, so its number is free for the next one."""
        self._tries[contact] -= 1

    def use_up_try(self, contact: int, try_no: int) -> None:
        """This try number, and every lower one, is never given to this contact again."""
        self._tries[contact] = max(self._tries[contact], try_no)

    def ended(self, contact: int, outcome: Outcome, ended_us: int) -> None:
        """An attempt is over: the contact is done, or rests. Clocks run from the end of the call.

        Args:
            contact: Contact index.
            outcome: The attempt's outcome; un-dialled ones use up nothing and the contact is due at once.
            ended_us: When it ended, UTC microseconds.
        """
        if outcome in UNDIALLED:
            self.rest(contact, ended_us)
            return
        self._attempts[contact] += 1
        if outcome in self._final or self._attempts[contact] >= self.retry.max_attempts:
            self.finish(contact, outcome.name.lower())
        else:
            self.rest(contact, ended_us + self._rest_us.get(outcome, self.retry.rest_us))

    def rest(self, contact: int, due_us: int) -> None:
        """The contact is due again at ``due_us``, to the next full second."""
        due_s = self._due_s[contact] = -(-due_us // SECOND_US)
        heapq.heappush(self._resting, due_s << CONTACT_BITS | contact)
        self._move(contact, Place.RESTING)
        if 4 * len(self._resting) > 5 * self._counts[Place.RESTING] + LOOK_LIMIT:  # only while the journal is replayed
            self._resting = list({entry for entry in self._resting if self._is_current(entry)})
            heapq.heapify(self._resting)

    def finish(self, contact: int, why: str) -> None:
        """The contact is never called again in this run."""
        self._move(contact, Place.DONE)
        self.done_by[why] += 1

    def restore(self, contact: int, try_no: int, outcome: Outcome | None, ended_us: int) -> None:
        """Replay one attempt of the journal, in order of attempt ids.

        Args:
            contact: Contact index.
            try_no: Its try number.
            outcome: Its outcome; None for an open intent, which puts the contact in play.
            ended_us: When it ended; ignored for an open one.
        """
        self.use_up_try(contact, try_no)
        if self._place[contact] == Place.DONE:
            return  # done is for ever
        self._move(contact, Place.IN_PLAY)
        if outcome is not None:
            self.ended(contact, outcome, ended_us)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _next(self, now_us: int) -> int | None:
        counts = self._counts
        contact = self._next_parked(now_us) if counts[Place.PARKED] else None
        if contact is None and counts[Place.FRESH]:
            contact = self._next_fresh(now_us)
        if contact is None and not counts[Place.FRESH]:
            contact = self._next_resting(now_us)
        return contact

    def _next_parked(self, now_us: int) -> int | None:
        for key, queue in self._parked.items():
            if queue and self._window(key, now_us).open:
                return queue.popleft()
        return None

    def _next_fresh(self, now_us: int) -> int | None:
        for _ in range(LOOK_LIMIT):
            contact = self._place.find(Place.FRESH, self._cursor)
            if contact < 0:
                break
            self._cursor = contact + 1
            if self._callable(contact, now_us):
                return contact
        return None

    def _next_resting(self, now_us: int) -> int | None:
        now_s = now_us // SECOND_US
        for _ in range(LOOK_LIMIT):
            self._drop_stale()
            if not self._resting or self._resting[0] >> CONTACT_BITS > now_s:
                break
            contact = heapq.heappop(self._resting) & MAX_CONTACT
            if self._callable(contact, now_us):
                return contact
        return None

    def _callable(self, contact: int, now_us: int) -> bool:
        """True if the contact may be called now; otherwise it is parked."""
        key = self.contacts.zone_key(contact)
        if self._window(key, now_us).open:
            return True
        self._parked.setdefault(key, deque()).append(contact)
        self._move(contact, Place.PARKED)
        return False

    def _drop_stale(self) -> None:
        """Take heap entries off the top that a later attempt, replayed from the journal, has made void."""
        while self._resting and not self._is_current(self._resting[0]):
            heapq.heappop(self._resting)

    def _is_current(self, entry: int) -> bool:
        contact = entry & MAX_CONTACT
        return self._place[contact] == Place.RESTING and self._due_s[contact] == entry >> CONTACT_BITS

    def _window(self, key: int, now_us: int) -> Window:
        window = self._windows.get(key)
        if window is None or (window.until_us is not None and now_us >= window.until_us):
            zones = self._zone_sets[key]
            window = window_all(dict.fromkeys(zones, self._hours), zones, now_us)
            self._windows[key] = window
        return window

    def _never_opens(self, key: int) -> bool:
        window = self._windows.get(key)
        return window is not None and not window.open and window.until_us is None

    def _move(self, contact: int, place: Place) -> None:
        self._counts[self._place[contact]] -= 1
        self._counts[place] += 1
        self._place[contact] = place

    def check_invariants(self) -> None:
        """Counts agree with the array, and nobody waiting is lost."""
        real = [self._place.count(place) for place in Place]
        if real != self._counts:
            raise InvariantError("contact counts", f"kept {self._counts}, real {real}")
        resting = set(self._resting)
        parked = {contact for queue in self._parked.values() for contact in queue}
        for contact, place in enumerate(self._place):
            lost = (
                (place == Place.RESTING and self._due_s[contact] << CONTACT_BITS | contact not in resting)
                or (place == Place.PARKED and contact not in parked)
                or (place == Place.FRESH and contact < self._cursor)
            )
            if lost:
                raise InvariantError("no contact is lost", f"contact {contact} is {Place(place).name} but in no queue")
