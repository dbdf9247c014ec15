r"""Preview dialling, as the campaign sees it: contacts are offered; the ledger is asked when an agent wants to call.

    OFFERED --confirmed--> PROPOSED (as any other attempt from here on)
        \--skipped, given back, or nobody wanted it for long--> (gone)

A contact that is offered is in play, so nobody else gets it. An offer is in no journal; a skip is, though it is not an
attempt. Ids of offers that were lost with a campaign are still on screens: the next incarnation uses even try numbers
where this one used odd ones, so that nobody confirms the offer of somebody else.
"""

from __future__ import annotations

from collections import Counter

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.attempts import Attempt, Stage
from dialer.domain.book import ContactBook
from dialer.domain.ids import MAX_TRY, attempt_id, contact_of, run_of, try_of
from dialer.domain.inflight import InFlight
from dialer.domain.kinds import DialingMode, IntentRefusal
from dialer.domain.ledger import STORE
from dialer.domain.message import Address, Envelope
from dialer.domain.specs import MINUTE_US, CampaignSpec

#: An offer that nobody has decided on goes back after this time and twice the agent's.
OFFER_PATIENCE_US = 5 * MINUTE_US


class Previews:
    """Offers of one run, skips, and the cards of its contacts.

    Args:
        run_no: Number of the run.
        epoch: Incarnation of the campaign.
        spec: The campaign.
        book: Its contacts.
        flight: Its attempts.
    """

    def __init__(self, run_no: int, epoch: int, spec: CampaignSpec, book: ContactBook, flight: InFlight) -> None:
        self.spec = spec
        self.skips_by_agent: Counter[str] = Counter()
        self._run_no = run_no
        self._epoch = epoch
        self._book = book
        self._flight = flight
        self._scheduler = Address("scheduler", spec.pool)

    @property
    def apply(self) -> bool:
        """True if this campaign offers its contacts."""
        return self.spec.mode is DialingMode.PREVIEW

    def offer(self, contact: int, agent: str, now_us: int) -> e.Lease:
        """Offer a contact that was just put in play.

        Args:
            contact: Contact index.
            agent: Only for this agent; "" for anyone.
            now_us: UTC microseconds.
        """
        book = self._book
        try_no = book.try_no(contact)
        if (try_no ^ self._epoch) & 1 and try_no < MAX_TRY:
            try_no += 1
            book.use_up_try(contact, try_no)
        attempt = attempt_id(self._run_no, contact, try_no)
        until_us = now_us + OFFER_PATIENCE_US + 2 * self.spec.preview.timer_us
        number = book.contacts.number(contact, book.phones.latest(contact))
        self._flight.add(attempt, Attempt(contact, number, Stage.OFFERED, agent=agent, offered=True), until_us)
        return e.Lease(attempt, 0, 0, until_us, agent, book.avoid(contact))

    def confirm(self, msg: c.ConfirmOffer, now_us: int, out: list[Envelope]) -> None:
        """The agent wants to call: ask the ledger. An offer that is none any more is withdrawn."""
        known = self._flight.open.get(msg.attempt_id)
        if known is None:
            gone = e.OfferWithdrawn(self.spec.campaign, msg.attempt_id, IntentRefusal.STALE_EPOCH)
            out.append(Envelope(self._scheduler, gone))
        elif known.stage is Stage.OFFERED:
            self._flight.propose(msg.attempt_id, now_us, out)
        # otherwise it was confirmed before: that question is being answered

    def skip(self, msg: c.SkipOffer, now_us: int, out: list[Envelope]) -> None:
        """The agent does not want to call: kept for good, and the contact rests."""
        known = self._flight.open.get(msg.attempt_id)
        if known is None or known.stage is not Stage.OFFERED:
            return  # it went back in the meantime
        del self._flight.open[msg.attempt_id]
        out.append(Envelope(STORE, c.RecordSkip(msg.attempt_id, msg.agent, now_us)))
        self._skipped(known.contact, msg.agent, now_us)

    def replay_skip(self, attempt: int, agent: str, at_us: int) -> None:
        """A skip of the journal, in order of attempt ids."""
        contact = contact_of(attempt)
        if self._book.restore(contact, try_of(attempt)):
            self._skipped(contact, agent, at_us)
        else:
            self.skips_by_agent[agent] += 1

    def drop_all(self, now_us: int) -> None:
        """Nothing is on offer any more: contacts are due at once. Their ids stay used up, for they are on screens."""
        for attempt, known in list(self._flight.open.items()):
            if known.stage is Stage.OFFERED:
                del self._flight.open[attempt]
                self._book.rest(known.contact, now_us)

    def card(self, msg: c.RequestCard, now_us: int, out: list[Envelope]) -> None:  # noqa: ARG002
        """Tell an agent who the contact is: of an attempt that is open, or was and is being wrapped up."""
        attempt = msg.attempt_id
        contact = contact_of(attempt)
        if run_of(attempt) != self._run_no or not 0 < try_of(attempt) <= self._book.try_no(contact):
            return  # of an earlier run, or of an offer that went back: the agent is about to hear of that
        limit = self.spec.preview.max_skips
        left = None if limit is None else max(0, limit - self.skips_by_agent[msg.agent])
        out.append(
            Envelope(Address("agent", msg.agent), e.ContactCard(attempt, self._book.contacts.card(contact), left))
        )

    def _skipped(self, contact: int, agent: str, at_us: int) -> None:
        self.skips_by_agent[agent] += 1
        self._book.skipped(contact, agent, at_us, self.spec.preview.max_skips_per_contact)
