"""A lane: contacts that wait for the same people (anyone, or one agent), and which of them is next.

Callbacks that were asked for go first. Then fresh contacts, those whose window has just opened before those that were
never looked at; and retries, when the fresh ones have had their turn or, if the rule says so, before them. A contact
whose window is closed is set aside under the zone that opens first, untouched, with the rank it has.
"""

from __future__ import annotations

import heapq
from array import array
from collections import deque
from collections.abc import Iterator
from enum import IntEnum

from dialer.domain.ids import CONTACT_BITS, MAX_CONTACT
from dialer.domain.openhours import OpenHours
from dialer.domain.specs import SECOND_US
from dialer.domain.standing import Place, Standing

#: Contacts looked at in one ``take``: a list whose zones are closed must not stop the actor for seconds.
LOOK_LIMIT = 5_000


class Rank(IntEnum):
    """What a contact waits as, also while its window is closed."""

    FRESH = 0
    RETRY = 1
    CALLBACK = 2


_PLACE = {Rank.RETRY: Place.RESTING, Rank.CALLBACK: Place.CALLBACK}


class Lane:
    """One lane.

    Args:
        standing: Where each contact stands; shared by all lanes of a run.
        hours: When contacts may be called.
        mapped: Contacts of this lane's agent, in file order; None for the lane of all fresh contacts.
    """

    def __init__(self, standing: Standing, hours: OpenHours, mapped: array[int] | None = None) -> None:
        self._standing = standing
        self._hours = hours
        self._mapped = mapped
        self._fresh = Place.FRESH if mapped is None else Place.MAPPED
        self._cursor = 0
        self._parked: tuple[dict[int, deque[int]], ...] = ({}, {}, {})  #: by rank: zone key -> contacts
        #: by rank: heap of (due second << CONTACT_BITS | contact); plain integers stay small
        self._heaps: dict[Rank, list[int]] = {Rank.RETRY: [], Rank.CALLBACK: []}

    def take(self, now_us: int, *, retries_last: bool) -> tuple[int, int] | None:
        """The next contact that may be called and the phone to dial; it is in no queue any more.

        Args:
            now_us: UTC microseconds.
            retries_last: A retry waits until every fresh contact had its turn.

        Returns:
            (contact, phone), or None: nothing, or nothing within ``LOOK_LIMIT`` contacts; ``next_us`` tells which.
        """
        found = self._next_waiting(Rank.CALLBACK, now_us)
        if found is None and not retries_last:
            found = self._next_waiting(Rank.RETRY, now_us)
        if found is None:
            found = self._next_parked(Rank.FRESH, now_us) or self._next_fresh(now_us)
        if found is None and retries_last and not self._has_fresh():
            found = self._next_waiting(Rank.RETRY, now_us)
        return found

    def wait(self, contact: int, rank: Rank) -> None:
        """A contact that has been moved to its place, with its due time, waits here as a retry or a callback."""
        heap, place = self._heaps[rank], _PLACE[rank]
        heapq.heappush(heap, self._standing.due_s[contact] << CONTACT_BITS | contact)
        if 4 * len(heap) > 5 * self._standing.counts[place] + LOOK_LIMIT:  # only while the journal is replayed
            current = self._standing.is_current
            self._heaps[rank] = list({entry for entry in heap if current(entry, place)})
            heapq.heapify(self._heaps[rank])

    def discard(self, contact: int) -> None:
        """A contact that waits here as a callback is to wait elsewhere. For lanes of one agent, which are short."""
        kept = [entry for entry in self._heaps[Rank.CALLBACK] if entry & MAX_CONTACT != contact]
        heapq.heapify(kept)
        self._heaps[Rank.CALLBACK] = kept
        for queue in self._parked[Rank.CALLBACK].values():
            if contact in queue:
                queue.remove(contact)

    def next_us(self, now_us: int) -> int | None:
        """When ``take`` may find something: 0 for now, a time, or None if nothing waits here."""
        if self._has_fresh():
            return 0
        times: list[int] = []
        for queues in self._parked:
            for key, queue in queues.items():
                if self._trim(queue):
                    window = self._hours.window(key, now_us)
                    if window.open:
                        return 0
                    if window.until_us is not None:
                        times.append(window.until_us)
        for rank in _PLACE:
            heap = self._drop_stale(rank)
            if heap:
                times.append((heap[0] >> CONTACT_BITS) * SECOND_US)
        if not times:
            return None
        first_us = min(times)
        return 0 if first_us <= now_us else first_us

    def all_parked_for_ever(self) -> bool:
        """True if no contact that is set aside here can ever be called."""
        return all(
            not self._trim(queue) or self._hours.never_opens(key)
            for queues in self._parked
            for key, queue in queues.items()
        )

    def waiting(self) -> Iterator[int]:
        """Every contact that waits here, but the fresh ones of anyone. For checks."""
        standing = self._standing
        if self._mapped is not None:
            yield from (n for n in self._mapped[self._cursor :] if standing.place[n] == Place.MAPPED)
        for queues in self._parked:
            for queue in queues.values():
                yield from (n for n in queue if standing.place[n] == Place.PARKED)
        for rank, place in _PLACE.items():
            yield from {entry & MAX_CONTACT for entry in self._heaps[rank] if standing.is_current(entry, place)}

    def passed(self, contact: int) -> bool:
        """True if a fresh contact would be overlooked: the search has gone past it. For checks."""
        return self._mapped is None and contact < self._cursor

    # -- inside ------------------------------------------------------------------------------------------------------

    def _has_fresh(self) -> bool:
        if self._mapped is None:
            return self._standing.counts[Place.FRESH] > 0
        place = self._standing.place
        while self._cursor < len(self._mapped) and place[self._mapped[self._cursor]] != Place.MAPPED:
            self._cursor += 1
        return self._cursor < len(self._mapped)

    def _next_fresh(self, now_us: int) -> tuple[int, int] | None:
        for _ in range(LOOK_LIMIT):
            if not self._has_fresh():
                break
            if self._mapped is None:
                contact = self._standing.place.find(self._fresh, self._cursor)
                self._cursor = contact + 1
            else:
                contact = self._mapped[self._cursor]
                self._cursor += 1
            found = self._callable(contact, Rank.FRESH, now_us)
            if found is not None:
                return found
        return None

    def _next_waiting(self, rank: Rank, now_us: int) -> tuple[int, int] | None:
        found = self._next_parked(rank, now_us)
        now_s = now_us // SECOND_US
        looks = LOOK_LIMIT
        while found is None and looks:
            heap = self._drop_stale(rank)
            if not heap or heap[0] >> CONTACT_BITS > now_s:
                break
            looks -= 1
            found = self._callable(heapq.heappop(heap) & MAX_CONTACT, rank, now_us)
        return found

    def _next_parked(self, rank: Rank, now_us: int) -> tuple[int, int] | None:
        for key, queue in list(self._parked[rank].items()):  # one that is set aside again may add a key
            while self._trim(queue) and self._hours.window(key, now_us).open:
                found = self._callable(queue.popleft(), rank, now_us)
                if found is not None:
                    return found
        return None

    def _callable(self, contact: int, rank: Rank, now_us: int) -> tuple[int, int] | None:
        """The contact and the phone to dial now; or None, and it is set aside."""
        phone = self._hours.open_phone(contact, now_us)
        if phone is not None:
            return contact, phone
        key = self._hours.opening_key(contact, now_us)
        self._parked[rank].setdefault(key, deque()).append(contact)
        self._standing.move(contact, Place.PARKED)
        return None

    def _trim(self, queue: deque[int]) -> bool:
        """Take contacts off the front that are set aside no more; True if one is left."""
        place = self._standing.place
        while queue and place[queue[0]] != Place.PARKED:
            queue.popleft()
        return bool(queue)

    def _drop_stale(self, rank: Rank) -> list[int]:
        """Take entries off the top that something later has made void, for example an attempt in the journal."""
        heap, place = self._heaps[rank], _PLACE[rank]
        while heap and not self._standing.is_current(heap[0], place):
            heapq.heappop(heap)
        return heap
