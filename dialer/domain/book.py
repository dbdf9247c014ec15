"""The contact book of one run: which contact is next, and when. Ten million contacts must fit in memory.

Per contact there are ten bytes in flat arrays; only contacts in play are objects, and those live in ``inflight.py``.
Contacts that somebody asked something about, who are as many as people can talk to, have entries in dictionaries
besides: callbacks, skips. The order of those that wait is in ``lane.py``.

Callbacks. A contact that asked to be called is due at that time, may be dialled a little before, and goes first. It is
called even if its attempts are used up: the person asked. The attempt counts like any other, so each request is worth
one call. A personal one waits for its agent until some time after the hour, then anyone takes it.
"""

from __future__ import annotations

import heapq
from array import array
from collections import Counter
from dataclasses import dataclass

from dialer.domain.ids import MAX_TRY
from dialer.domain.kinds import UNDIALLED, Outcome
from dialer.domain.lane import Lane, Rank
from dialer.domain.openhours import OpenHours
from dialer.domain.owners import Owners
from dialer.domain.phones import Phones
from dialer.domain.ports import ContactSource
from dialer.domain.specs import SECOND_US, RetryRule, WeeklyHours
from dialer.domain.standing import Place, Standing
from dialer.errors import InvariantError

#: Outcomes that say something about the phone and nothing about the person.
_OF_THE_PHONE = frozenset({Outcome.INVALID, Outcome.FAX})
_MANY = 255  #: attempts of a contact are counted up to here
_LATEST_S = (1 << 32) - 1  #: in 2106: nobody is called later


@dataclass(slots=True)
class _Asked:
    """A callback that is still owed. ``agent`` is "" when anyone may take it."""

    agent: str
    until_us: int


class ContactBook:
    """Owner of every contact's state in one run.

    Args:
        contacts: The run's scrubbed contacts, in dialling order.
        hours: The campaign's contactable timings, local time of the contact.
        retry: How often and when contacts are tried again.
        early_us: How long before its time a callback may be dialled.
        personal_wait_us: How long after its time a personal callback waits for its agent.
    """

    def __init__(
        self,
        contacts: ContactSource,
        hours: WeeklyHours,
        retry: RetryRule,
        *,
        early_us: int = 0,
        personal_wait_us: int = 0,
    ) -> None:
        self.contacts = contacts
        size = len(contacts)
        self.phones = Phones(contacts)
        self.done_by: Counter[str] = Counter()
        self._standing = Standing(size)
        self._hours = OpenHours(contacts, self.phones, hours)
        self._attempts = bytearray(size)
        self._tries = array("H", bytes(2 * size))
        self._anyone = Lane(self._standing, self._hours)
        self.owners = Owners(self._standing, self._hours, contacts.mapped())
        self._mapped = bool(self._standing.counts[Place.MAPPED])
        self._asked: dict[int, _Asked] = {}
        self._expiry: list[tuple[int, int]] = []  #: heap of (until, contact): personal callbacks that anyone may take
        self._skips: dict[int, tuple[int, str]] = {}  #: contact -> (skips, by whom last)
        self.set_rules(hours, retry, early_us=early_us, personal_wait_us=personal_wait_us)

    def set_rules(self, hours: WeeklyHours, retry: RetryRule, *, early_us: int, personal_wait_us: int) -> None:
        """Go on by these rules. What has been decided stands: rests that have begun, contacts that are done."""
        self.retry = retry
        self._hours.set_hours(hours)
        self._early_us, self._personal_wait_us = early_us, personal_wait_us
        self._final = frozenset(retry.final)
        self._rest_us = dict(retry.rest_by_outcome)
        self.owners.touch_all()

    # -- questions ---------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """Contacts in the run."""
        return len(self._attempts)

    def counts(self) -> dict[str, int]:
        """Contacts by place, lower-case names; they add up to the size of the run. ``done_by`` has the reasons."""
        return {place.name.lower(): self._standing.counts[place] for place in Place}

    def place(self, contact: int) -> Place:
        """Where a contact stands."""
        return Place(self._standing.place[contact])

    def attempts(self, contact: int) -> int:
        """Counted attempts so far."""
        return self._attempts[contact]

    def try_no(self, contact: int) -> int:
        """Number of the latest try, 0 for none."""
        return self._tries[contact]

    def agent(self, contact: int) -> str:
        """The agent this contact is for alone, "" for anyone."""
        mapped = self.contacts.agent(contact) if self._mapped else ""
        asked = self._asked.get(contact)
        return mapped or (asked.agent if asked is not None else "")

    def avoid(self, contact: int) -> str:
        """The agent who skipped this contact last, if there may be another one; "" for nobody."""
        skipped = self._skips.get(contact)
        return skipped[1] if skipped is not None and skipped[1] != self.agent(contact) else ""

    def next_due_us(self, now_us: int) -> int | None:
        """When ``take`` may find something for anyone.

        Returns:
            0 for now; a time; None if nothing is waiting at all.
        """
        return self._anyone.next_us(now_us)

    def next_change_us(self) -> int | None:
        """When time alone makes a contact due for an agent, or for anyone after it waited for one."""
        look_us = self.owners.next_look_us()
        expiry_us = self._expiry[0][0] if self._expiry else None
        if look_us is None or expiry_us is None:
            return expiry_us if look_us is None else look_us
        return min(look_us, expiry_us)

    def next_possible_us(self, contact: int, now_us: int) -> int | None:
        """The first moment at which the contact may be called, as things stand; None if that is not for time to say."""
        place = self._standing.place[contact]
        if place in {Place.IN_PLAY, Place.DONE, Place.VERDICT}:
            return None
        waits = place in {Place.RESTING, Place.CALLBACK}
        due_us = self._standing.due_s[contact] * SECOND_US if waits else now_us
        return self._hours.next_open_us(contact, max(now_us, due_us))

    def exhausted(self) -> bool:
        """True when no contact can ever become due again: all are done, or may never be called."""
        counts = self._standing.counts
        if sum(counts) - counts[Place.DONE] - counts[Place.PARKED]:
            return False
        lanes = (self._anyone, *self.owners.lanes()) if counts[Place.PARKED] else ()
        return all(lane.all_parked_for_ever() for lane in lanes)

    # -- changes -----------------------------------------------------------------------------------------------------

    def advance(self, now_us: int) -> None:
        """Let time pass: personal callbacks that waited long enough are for anyone, and agents' own ones become due."""
        while self._expiry and self._expiry[0][0] <= now_us:
            until_us, contact = heapq.heappop(self._expiry)
            asked = self._asked.get(contact)
            if asked is None or not asked.agent or asked.until_us != until_us:
                continue  # called since, or asked again
            waits = self._standing.place[contact] in {Place.CALLBACK, Place.PARKED}
            if waits:
                self.owners.lane(asked.agent).discard(contact)
            asked.agent = ""
            if waits:
                self._wait(contact, Rank.CALLBACK, self._standing.due_s[contact] * SECOND_US)
        self.owners.look(now_us)

    def take(self, now_us: int, agent: str = "") -> int | None:
        """Put the next contact in play, choose its phone and use up a try number.

        Args:
            now_us: UTC microseconds.
            agent: Only contacts of this agent; "" for those that are for anyone.

        Returns:
            Contact index, or None if nothing is callable now, or nothing was found within ``LOOK_LIMIT`` contacts:
            ``next_due_us`` tells which.
        """
        self.advance(now_us)
        if agent and not self.owners.knows(agent):
            return None
        lane = self.owners.lane(agent) if agent else self._anyone
        while (found := lane.take(now_us, retries_last=self.retry.after_all_others)) is not None:
            contact, phone = found
            if self._tries[contact] >= MAX_TRY:
                self.finish(contact, "tries_used_up")
            elif self._attempts[contact] >= self.retry.max_attempts and contact not in self._asked:
                self.finish(contact, "attempts_used_up")  # the limit was lowered while the contact rested
            else:
                self._standing.move(contact, Place.IN_PLAY)
                self._tries[contact] += 1
                self.phones.dial(contact, phone)
                return contact
        return None

    def give_back_try(self, contact: int) -> None:
        """The latest try of this contact left no trace, so its number is free for the next one."""
        self._tries[contact] -= 1

    def use_up_try(self, contact: int, try_no: int) -> None:
        """This try number, and every lower one, is never given to this contact again."""
        self._tries[contact] = max(self._tries[contact], try_no)

    def ended(self, contact: int, outcome: Outcome, ended_us: int, *, hold: bool = False) -> None:
        """An attempt is over: the contact is done, or rests. Clocks run from the end of the call.

        Args:
            contact: Contact index.
            outcome: The attempt's outcome; un-dialled ones use up nothing and the contact is due at once.
            ended_us: When it ended, UTC microseconds.
            hold: What the agent says of the call decides: the contact waits for ``conclude``, ``rest`` or ``callback``.
        """
        if outcome in UNDIALLED:
            self.rest(contact, ended_us)
            return
        self._attempts[contact] = min(_MANY, self._attempts[contact] + 1)
        self._asked.pop(contact, None)  # a callback is worth one call
        if hold:
            self._standing.move(contact, Place.VERDICT)
        else:
            self.conclude(contact, outcome, ended_us)

    def conclude(self, contact: int, outcome: Outcome, ended_us: int) -> None:
        """The contact is done, or rests, by its outcome alone; arguments as of ``ended``, which has counted it."""
        rest_us = self._rest_us.get(outcome, self.retry.rest_us)
        final = outcome in self._final
        if final and outcome in _OF_THE_PHONE:
            final = not self.phones.block(contact, self.phones.latest(contact))
            rest_us = 0  # nobody was reached, so the next phone need not wait
        if final or not self.may_retry(contact):
            self.finish(contact, outcome.name.lower())
            return
        if outcome is not Outcome.CONNECTED:  # who was reached is called there again
            self.phones.end_turn(contact)
        self.rest(contact, ended_us + rest_us)

    def may_retry(self, contact: int) -> bool:
        """True if attempts are left."""
        return self._attempts[contact] < self.retry.max_attempts

    def refused(self, contact: int, until_us: int | None, why: str, now_us: int) -> None:
        """The number may not be called before ``until_us``, or never: the turn of the contact's next phone."""
        self.give_back_try(contact)
        several = len(self.phones.in_turn(contact)) > 1
        if until_us is not None:
            if several:
                self.phones.end_turn(contact)
                until_us = min(until_us, now_us + self.retry.rest_us)
            self.rest(contact, until_us)
        elif self.phones.block(contact, self.phones.latest(contact)):
            self.rest(contact, now_us)
        else:
            self.finish(contact, why)

    def rest(self, contact: int, due_us: int) -> None:
        """The contact is due again at ``due_us``, to the next full second; a callback stays one."""
        self._wait(contact, Rank.CALLBACK if contact in self._asked else Rank.RETRY, due_us)

    def callback(self, contact: int, at_us: int, agent: str = "") -> None:
        """The contact wants to be called at a time.

        Args:
            contact: Contact index.
            at_us: When, UTC microseconds.
            agent: By this agent; "" for anyone. Ignored if the contact is mapped to one.
        """
        asked = self._asked[contact] = _Asked(agent, at_us + self._personal_wait_us)
        if agent:
            heapq.heappush(self._expiry, (asked.until_us, contact))
        self._wait(contact, Rank.CALLBACK, max(0, at_us - self._early_us))

    def skipped(self, contact: int, agent: str, at_us: int, limit: int | None) -> None:
        """An agent did not want the contact: it rests for the retry period, and rather goes to another agent then.

        Args:
            contact: Contact index.
            agent: Who skipped it. A personal callback is for anyone from now on.
            at_us: When, UTC microseconds.
            limit: After so many skips the contact is done; None for no limit.
        """
        skips = self._skips.get(contact, (0, ""))[0] + 1
        self._skips[contact] = (skips, agent)
        if contact in self._asked:
            self._asked[contact].agent = ""
        if limit is not None and skips >= limit:
            self.finish(contact, "skipped")
        else:
            self.rest(contact, at_us + self.retry.rest_us)

    def finish(self, contact: int, why: str) -> None:
        """The contact is never called again in this run."""
        self._standing.move(contact, Place.DONE)
        self._asked.pop(contact, None)
        self._skips.pop(contact, None)
        self.done_by[why] += 1

    def revive(self, contact: int, why: str, place: Place) -> None:
        """A contact that was done for this reason is not: it is in play, or waits for what the agent says."""
        self.done_by[why] -= 1
        self._standing.move(contact, place)

    def restore(self, contact: int, try_no: int, number: int | None = None) -> bool:
        """Replay that an attempt of the journal was made, in order of attempt ids: the contact is in play.

        Args:
            contact: Contact index.
            try_no: Its try number.
            number: What was called; None for an offer that was skipped.

        Returns:
            False if the contact is done, which is for ever: how the attempt ended does not matter then.
        """
        self.use_up_try(contact, try_no)
        if self._standing.place[contact] == Place.DONE:
            return False
        if number is not None:
            self.phones.dial(contact, self.phones.find(contact, number))
        self._standing.move(contact, Place.IN_PLAY)
        return True

    # -- inside ------------------------------------------------------------------------------------------------------

    def _wait(self, contact: int, rank: Rank, due_us: int) -> None:
        self._standing.due_s[contact] = min(_LATEST_S, -(-due_us // SECOND_US))
        self._standing.move(contact, Place.CALLBACK if rank is Rank.CALLBACK else Place.RESTING)
        agent = self.agent(contact)
        (self.owners.lane(agent) if agent else self._anyone).wait(contact, rank)

    def check_invariants(self) -> None:
        """Counts agree with the array; who waits is in a queue, in those of one lane only."""
        self._standing.check_invariants()
        waiting: Counter[int] = Counter()
        for lane in (self._anyone, *self.owners.lanes()):
            waiting.update(set(lane.waiting()))
        for contact, place in enumerate(self._standing.place):
            waits = place in {Place.PARKED, Place.RESTING, Place.MAPPED, Place.CALLBACK}
            lost = self._anyone.passed(contact) if place == Place.FRESH else waiting[contact] != waits
            if lost:
                found = f"contact {contact} is {Place(place).name}, in {waiting[contact]} lanes"
                raise InvariantError("no contact is lost, none is in two places", found)
            if place == Place.CALLBACK and contact not in self._asked:
                raise InvariantError("a callback was asked for", f"contact {contact}")
