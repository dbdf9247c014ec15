r"""Attempts that are not over for the books: what passes about them between campaign, ledger and trunk.

    PROPOSED --accepted--> LEASED --ended or returned--> CLOSING --recorded--> (gone)
        \--refused--> (gone)

A refused attempt leaves no trace anywhere, so its id is proposed again when the contact is next due. Every outcome is
recorded before the attempt is forgotten. One that nothing has been heard of for a while is asked for at the trunk, so
that no loss of any actor can leave it open for ever. Offers of preview dialling are in ``previews.py``.
"""

from __future__ import annotations

from collections import Counter

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.abandonment import AbandonmentWindow
from dialer.domain.attempts import Attempt, Stage, Watch
from dialer.domain.book import ContactBook
from dialer.domain.grants import Grants
from dialer.domain.ids import contact_of, run_of, try_of
from dialer.domain.kinds import UNDIALLED, IntentRefusal, Outcome
from dialer.domain.ledger import STORE
from dialer.domain.message import Address, Envelope
from dialer.domain.specs import SECOND_US, CampaignSpec
from dialer.domain.verdicts import Verdicts
from dialer.errors import InvariantError

#: How long an attempt may be silent before the trunk is asked about it.
SILENCE_US = 60 * SECOND_US
#: An intent that the ledger has not answered is proposed again after this time.
PROPOSAL_PATIENCE_US = 10 * SECOND_US


class InFlight:
    """Open attempts of one run.

    Args:
        run_no: Number of the run.
        epoch: Incarnation of the campaign.
        spec: The campaign; only what no edit changes is read.
        book: Its contacts.
        grants: What the scheduler is owed.
    """

    def __init__(self, run_no: int, epoch: int, spec: CampaignSpec, book: ContactBook, grants: Grants) -> None:
        self.open: dict[int, Attempt] = {}
        self.watch = Watch(self.open)
        self.outcomes: Counter[Outcome] = Counter()
        self.refusals: Counter[IntentRefusal] = Counter()
        self.window = AbandonmentWindow()
        self.verdicts = Verdicts(run_no, spec, book, self.open)
        self._run_no = run_no
        self._epoch = epoch
        self._campaign = spec.campaign
        self._scheduler = Address("scheduler", spec.pool)
        self._trunk = Address("trunk", spec.trunk)
        self._book = book
        self._grants = grants

    # -- to and from the ledger --------------------------------------------------------------------------------------

    def add(self, attempt: int, known: Attempt, watch_us: int) -> None:
        """One more attempt, and when to look after it."""
        self.open[attempt] = known
        self.watch.at(attempt, watch_us)

    def propose(self, attempt: int, now_us: int, out: list[Envelope]) -> None:
        """Ask the ledger."""
        self.open[attempt].stage = Stage.PROPOSED
        self.watch.at(attempt, now_us + PROPOSAL_PATIENCE_US)
        out.append(Envelope(STORE, self._proposal(attempt)))

    def _proposal(self, attempt: int) -> c.ProposeIntent:
        known = self.open[attempt]
        contact = known.contact
        zone_key = self._book.contacts.zone_key(contact, self._book.phones.latest(contact))
        return c.ProposeIntent(attempt, self._epoch, known.number, zone_key)

    def accepted(self, msg: e.IntentAccepted, now_us: int, out: list[Envelope], *, active: bool) -> None:
        """The attempt may be dialled: lease it, unless nobody wants it any more."""
        attempt = msg.attempt_id
        known = self.open.get(attempt)
        if known is None:
            self._disown(attempt, now_us, out)
            return
        if known.stage is not Stage.PROPOSED:
            return  # answered twice
        known.stage = Stage.LEASED
        known.intent_us, known.not_after_us = msg.intent_us, msg.not_after_us
        self._grants.settled += not known.offered
        if active and not known.unwanted:
            avoid = "" if known.offered else self._book.avoid(known.contact)
            lease = e.Lease(attempt, known.number, msg.intent_us, msg.not_after_us, known.agent, avoid)
            self._grants.leases.append(lease)
            self.watch.at(attempt, now_us + SILENCE_US)
            return
        self._close(attempt, Outcome.WITHDRAWN, now_us, out)
        if known.offered:
            self._withdraw(attempt, IntentRefusal.STALE_EPOCH, out)

    def _disown(self, attempt: int, now_us: int, out: list[Envelope]) -> None:
        """Close an intent that was proposed twice, refused first and accepted then: nobody else will.

        The run has given it up, so it was never leased; its number must not stay busy, nor its id be used again.
        """
        contact, try_no = contact_of(attempt), try_of(attempt)
        if run_of(attempt) != self._run_no or try_no <= self._book.try_no(contact):
            return  # of an earlier run, or answered twice and over since
        self._book.use_up_try(contact, try_no)
        ended = e.AttemptEnded(attempt, Outcome.WITHDRAWN, "", 0, 0, 0, 0, now_us)
        out.append(Envelope(STORE, c.RecordOutcome(self._campaign, ended)))

    def refused(self, msg: e.IntentRefused, now_us: int, out: list[Envelope]) -> None:
        """Nothing is dialled, and the id is free."""
        known = self.open.get(msg.attempt_id)
        if known is None or known.stage is not Stage.PROPOSED:
            return  # answered twice
        del self.open[msg.attempt_id]
        self.refusals[msg.reason] += 1
        if known.offered:
            self._withdraw(msg.attempt_id, msg.reason, out)
        else:
            self._grants.settled += 1
        # a stale incarnation is being replaced; the next one goes on
        until_us = now_us if msg.reason is IntentRefusal.STALE_EPOCH and msg.until_us is None else msg.until_us
        self._book.refused(known.contact, until_us, msg.reason.value, now_us)

    def _withdraw(self, attempt: int, reason: IntentRefusal, out: list[Envelope]) -> None:
        out.append(Envelope(self._scheduler, e.OfferWithdrawn(self._campaign, attempt, reason)))

    def recorded(self, msg: e.OutcomeRecorded, now_us: int, out: list[Envelope]) -> None:  # noqa: ARG002
        """The outcome is durable: forget the attempt; the contact goes on."""
        known = self.open.get(msg.attempt_id)
        if known is None or known.ended is None:
            return  # confirmed twice
        del self.open[msg.attempt_id]
        ended = known.ended
        self.count(ended.outcome)
        self.window.count(ended.outcome, ended.ended_us)
        self.verdicts.ended(msg.attempt_id, ended.outcome, ended.ended_us)

    def count(self, outcome: Outcome) -> None:
        """One more durable outcome."""
        if outcome not in UNDIALLED:
            self.outcomes[outcome] += 1

    # -- from scheduler and trunk ------------------------------------------------------------------------------------

    def returned(self, msg: c.ReturnLeases, now_us: int, out: list[Envelope]) -> None:
        """Leases that the scheduler will not use."""
        for attempt in msg.attempt_ids:
            known = self.open.get(attempt)
            if known is None or known.stage is Stage.CLOSING:
                continue  # over in the meantime
            if known.stage is Stage.OFFERED:
                del self.open[attempt]
                self._book.give_back_try(known.contact)
                self._book.rest(known.contact, now_us)
            elif known.stage is Stage.PROPOSED:
                known.unwanted = known.offered  # given up after it was confirmed; any other one is not leased yet
            elif known.suspect:
                self.watch.at(attempt, max(now_us, known.not_after_us))
            else:
                self._close(attempt, Outcome.WITHDRAWN, now_us, out)

    def ended(self, msg: e.AttemptEnded, now_us: int, out: list[Envelope]) -> None:
        """The trunk tells how an attempt ended."""
        known = self.open.get(msg.attempt_id)
        if known is None or known.stage is not Stage.LEASED:
            return  # told twice, or closed as unknown before: the first outcome stands
        self._close_as(msg, now_us, out)

    def _close(self, attempt: int, outcome: Outcome, now_us: int, out: list[Envelope]) -> None:
        self._close_as(e.AttemptEnded(attempt, outcome, "", 0, 0, 0, 0, now_us), now_us, out)

    def _close_as(self, ended: e.AttemptEnded, now_us: int, out: list[Envelope]) -> None:
        known = self.open[ended.attempt_id]
        known.stage, known.ended = Stage.CLOSING, ended
        out.append(Envelope(STORE, c.RecordOutcome(self._campaign, ended)))
        self.watch.at(ended.attempt_id, now_us + PROPOSAL_PATIENCE_US)

    def reported(self, msg: e.AttemptReported, now_us: int, out: list[Envelope]) -> None:
        """The trunk tells what it knows of an attempt that is not known there to have ended."""
        known = self.open.get(msg.attempt_id)
        if known is None or known.stage is not Stage.LEASED:
            return  # over in the meantime
        if msg.live:
            self.watch.at(msg.attempt_id, now_us + SILENCE_US)
        elif msg.knows_since_us >= known.intent_us:
            # the trunk was born after the intent: it may have been dialled, so it counts, and is never sent again
            self._close(msg.attempt_id, Outcome.UNKNOWN, now_us, out)
        elif msg.at_us >= known.not_after_us:
            self._close(msg.attempt_id, Outcome.EXPIRED, now_us, out)
        else:
            self.watch.at(msg.attempt_id, known.not_after_us)

    # -- silence and restarts ----------------------------------------------------------------------------------------

    def look_into_silence(self, now_us: int, out: list[Envelope]) -> None:
        """Ask about attempts that nothing has been heard of; offers that nobody decided on go back."""
        for attempt in self.watch.due(now_us):
            known = self.open[attempt]
            if known.stage is Stage.OFFERED:
                del self.open[attempt]
                self._book.rest(known.contact, now_us)
                continue
            self.watch.at(attempt, now_us + SILENCE_US)
            if known.stage is Stage.LEASED:
                out.append(Envelope(self._trunk, c.ReportAttempt(attempt, self._campaign)))
            else:
                self._tell_ledger(attempt, known, out)

    def ask_trunk(self, now_us: int, out: list[Envelope]) -> None:
        """A reborn campaign, or one whose trunk is reborn, asks about every attempt that may be on a line."""
        for attempt, known in self.open.items():
            if known.stage is Stage.LEASED:
                out.append(Envelope(self._trunk, c.ReportAttempt(attempt, self._campaign)))
                if not known.watch_us:
                    self.watch.at(attempt, now_us + SILENCE_US)

    def tell_ledger(self, out: list[Envelope]) -> None:
        """A reborn ledger hears all that it has not answered."""
        for attempt, known in self.open.items():
            if known.stage in {Stage.PROPOSED, Stage.CLOSING}:
                self._tell_ledger(attempt, known, out)

    def _tell_ledger(self, attempt: int, known: Attempt, out: list[Envelope]) -> None:
        asked = self._proposal(attempt) if known.ended is None else c.RecordOutcome(self._campaign, known.ended)
        out.append(Envelope(STORE, asked))

    def doubt(self, now_us: int) -> None:
        """The scheduler is reborn: what its predecessor has done with its leases is for the trunk to say."""
        for attempt, known in self.open.items():
            if known.stage is Stage.LEASED:
                known.suspect = True
                self.watch.at(attempt, max(now_us, known.not_after_us))
            elif known.stage is Stage.PROPOSED and known.offered:
                known.unwanted = True

    def check_invariants(self) -> None:
        """Contacts in play are those of open attempts, one each, and every attempt is watched."""
        in_play = self._book.counts()["in_play"]
        contacts = {attempt.contact for attempt in self.open.values()}
        if len(contacts) != len(self.open) or in_play != len(contacts):
            raise InvariantError("one attempt per contact", f"{len(self.open)} open, {in_play} contacts in play")
        forgotten = self.watch.forgotten()
        if forgotten:
            raise InvariantError("every attempt is watched", f"attempt {forgotten[0]} is not")
        self.verdicts.check_invariants()
