"""What agents say of calls, and what follows for the contact: another try, a callback, never again, or nothing.

The code of an agent comes when wrap-up ends, before or after the outcome of the call is durable, and perhaps twice:
from the agent, and from the ledger once it is on disk. A contact that was connected is held until it came, for else the
run could end while somebody is still to be called back. Agents may crash, so that does not last for ever: after
``VERDICT_PATIENCE_US`` the contact is done. A code that comes later still counts, as long as the run lives.
"""

from __future__ import annotations

import heapq
from collections.abc import Container, Sequence

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.book import ContactBook
from dialer.domain.ids import contact_of, run_of, try_of
from dialer.domain.kinds import DialingMode, Outcome
from dialer.domain.specs import MINUTE_US, CampaignSpec, DispositionRule, has_effect
from dialer.domain.standing import Place
from dialer.errors import InvariantError

#: After the end of a call; wrap-up takes a minute or two.
VERDICT_PATIENCE_US = 15 * MINUTE_US
#: Contacts whose code is late and is waited for in vain: so many are remembered.
MISSED_LIMIT = 10_000
_WAITING = frozenset({Place.PARKED, Place.RESTING, Place.CALLBACK, Place.VERDICT})
_DO_NOT_CALL = "do_not_call"


class Verdicts:
    """Dispositions of one run.

    Args:
        run_no: Number of the run.
        spec: The campaign.
        book: Its contacts.
        in_flight: Ids of attempts that are not over for the books.
    """

    def __init__(self, run_no: int, spec: CampaignSpec, book: ContactBook, in_flight: Container[int]) -> None:
        self._run_no = run_no
        self._book = book
        self._in_flight = in_flight
        self._early: dict[int, e.DispositionSet] = {}  #: of attempts whose outcome is not durable yet
        self._held: dict[int, int] = {}  #: attempt -> end of the call
        self._deadlines: list[tuple[int, int]] = []  #: heap of (until, attempt)
        self._missed: dict[int, int] = {}  #: attempt -> end of the call, patience is over
        self._listed: set[int] = set()  #: attempts whose number was put on the list
        self._never: dict[int, str] = {}  #: contacts in play that are done when their attempt is over -> why
        self.set_rules(spec)

    def set_rules(self, spec: CampaignSpec) -> None:
        """Go on by the rules of this configuration."""
        self._rules: dict[str, DispositionRule] = {rule.code: rule for rule in spec.dispositions}
        self._target = spec.dnc_target
        self._source = spec.campaign
        agents = spec.mode is not DialingMode.AGENTLESS  # a flow says nothing of its calls
        self._holds = agents and any(map(has_effect, spec.dispositions))

    def told(self, msg: e.DispositionSet) -> c.AddToDnc | None:
        """An agent has spoken. What was heard before, or is about another run, changes nothing.

        Returns:
            An order for the ledger, or None.
        """
        attempt = msg.attempt_id
        contact = contact_of(attempt)
        if run_of(attempt) != self._run_no or try_of(attempt) > self._book.try_no(contact):
            return None  # of another run, or of an attempt that the journal does not know
        never = self._is_never(msg)
        order = self._listing(attempt) if never else None
        if attempt in self._in_flight:
            self._early.setdefault(attempt, msg)
            return order
        if attempt in self._missed:
            self._held[attempt] = self._missed.pop(attempt)
            self._book.revive(contact, Outcome.CONNECTED.name.lower(), Place.VERDICT)
        if attempt in self._held:
            self._apply(contact, self._held.pop(attempt), msg)
        elif never:
            self._end(contact)
        return order

    def ended(self, attempt: int, outcome: Outcome, ended_us: int) -> None:
        """The outcome of an attempt is durable: the contact is held, or goes where its outcome or the agent says."""
        contact = contact_of(attempt)
        msg = self._early.pop(attempt, None)
        hold = self._holds and outcome is Outcome.CONNECTED
        self._book.ended(contact, outcome, ended_us, hold=hold)
        if contact in self._never or (msg is not None and self._is_never(msg)):
            self._end(contact)
        elif hold and msg is not None:
            self._apply(contact, ended_us, msg)
        elif hold:
            self._held[attempt] = ended_us
            heapq.heappush(self._deadlines, (ended_us + VERDICT_PATIENCE_US, attempt))

    def lose_patience(self, now_us: int) -> None:
        """Contacts that were held long enough go where their outcome says."""
        while self._deadlines and self._deadlines[0][0] <= now_us:
            _, attempt = heapq.heappop(self._deadlines)
            ended_us = self._held.pop(attempt, None)
            if ended_us is None:
                continue  # the agent has spoken
            contact = contact_of(attempt)
            self._book.conclude(contact, Outcome.CONNECTED, ended_us)
            if self._book.place(contact) is Place.DONE:
                self._missed[attempt] = ended_us
                if len(self._missed) > MISSED_LIMIT:
                    del self._missed[next(iter(self._missed))]

    def next_us(self) -> int | None:
        """When patience ends next."""
        while self._deadlines and self._deadlines[0][1] not in self._held:
            heapq.heappop(self._deadlines)
        return self._deadlines[0][0] if self._deadlines else None

    def owes_a_list(self) -> bool:
        """True if somebody may still have said not to be called again: a run that stops waits to hear that."""
        return bool(self._held and self._target and any(rule.do_not_call for rule in self._rules.values()))

    def remember(self, told: Sequence[e.DispositionSet]) -> None:
        """Dispositions of the journal, before its attempts are replayed with ``ended``."""
        self._early = {msg.attempt_id: msg for msg in told}

    def end_after(self, contact: int, why: str) -> None:
        """A contact that was done is in a call that began before: it is done again when that is over."""
        self._book.revive(contact, why, Place.IN_PLAY)
        self._never[contact] = why

    def replayed(self, told: Sequence[e.DispositionSet], newest_us: int) -> list[c.AddToDnc]:
        """All attempts have been replayed.

        Args:
            told: As remembered.
            newest_us: When the last thing happened that the journal knows.

        Returns:
            Orders for the ledger that may have been lost with the incarnation before, because they are of its last
            minutes. Older ones had their effect, and somebody may have taken the number off the list since.
        """
        self._early = {attempt: msg for attempt, msg in self._early.items() if attempt in self._in_flight}
        late = [msg for msg in told if self._is_never(msg) and msg.wrapped_up_us >= newest_us - VERDICT_PATIENCE_US]
        orders = [self._listing(msg.attempt_id) for msg in late]
        return [order for order in orders if order is not None]

    def check_invariants(self) -> None:
        """Every contact that is held is waited for, with an end."""
        held = {contact_of(attempt) for attempt in self._held}
        count = self._book.counts()["verdict"]
        if len(held) != len(self._held) or count != len(held):
            raise InvariantError("every held contact is waited for", f"{len(self._held)} held, {count} contacts")
        if not self._held.keys() <= {attempt for _, attempt in self._deadlines}:
            raise InvariantError("no contact is held for ever", "an attempt has no deadline")

    # -- inside ------------------------------------------------------------------------------------------------------

    def _apply(self, contact: int, ended_us: int, msg: e.DispositionSet) -> None:
        rule = self._rules.get(msg.code)
        if rule is None:  # the limit of wrap-up passed, or the code is not of this campaign
            self._book.conclude(contact, Outcome.CONNECTED, ended_us)
        elif rule.do_not_call:
            self._book.finish(contact, _DO_NOT_CALL)
        elif rule.callback and msg.callback_us > 0:
            self._book.callback(contact, msg.callback_us, msg.agent if msg.personal else "")
        elif rule.retry_us >= 0 and self._book.may_retry(contact):
            self._book.rest(contact, ended_us + rule.retry_us)
        else:
            self._book.finish(contact, Outcome.CONNECTED.name.lower())

    def _is_never(self, msg: e.DispositionSet) -> bool:
        rule = self._rules.get(msg.code)
        return rule is not None and rule.do_not_call

    def _end(self, contact: int) -> None:
        """The person does not want to be called: done, or as soon as the attempt in play is over."""
        place = self._book.place(contact)
        if place is Place.IN_PLAY:
            self._never[contact] = _DO_NOT_CALL
            return
        why = self._never.pop(contact, _DO_NOT_CALL)
        if place in _WAITING:
            self._book.finish(contact, why)

    def _listing(self, attempt: int) -> c.AddToDnc | None:
        """The number that was called goes on the list; every number of the contact if it is not known which."""
        if not self._target or attempt in self._listed:
            return None
        self._listed.add(attempt)
        contact = contact_of(attempt)
        contacts = self._book.contacts
        phones = range(contacts.phones(contact))
        if try_of(attempt) == self._book.try_no(contact):
            phones = range((latest := self._book.phones.latest(contact)), latest + 1)
        numbers = tuple(contacts.number(contact, phone) for phone in phones)
        return c.AddToDnc(self._target, numbers, f"campaign {self._source}")
