r"""A campaign run: owner of its contacts, its attempts and its life cycle.

It answers the scheduler's wish for leases with contacts that the ledger allows right now, hears from the trunk how
attempts end, and has every outcome recorded before it forgets the attempt. An attempt it has heard nothing of for a
while is asked for at the trunk, so that no loss of any actor can leave it open for ever.

    PROPOSED --accepted--> LEASED --ended or returned--> CLOSING --recorded--> (gone)
        \--refused--> (gone)

A refused attempt leaves no trace anywhere, so its id is proposed again when the contact is next due.
The state of the run is a table below: (state, message) -> next state.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.attempts import Attempt, RunHistory, Stage, Watch
from dialer.domain.book import ContactBook
from dialer.domain.flow_talk import FlowKnown, RequestFlow
from dialer.domain.ids import attempt_id, contact_of, run_of, try_of
from dialer.domain.kinds import UNDIALLED, CampaignState, DialingMode, IntentRefusal, Outcome
from dialer.domain.ledger import STORE
from dialer.domain.message import Address, Envelope
from dialer.domain.ports import ContactSource
from dialer.domain.specs import SECOND_US, CampaignSpec
from dialer.domain.story import Story
from dialer.errors import IllegalTransitionError, InvariantError

#: How long an attempt may be silent before the trunk is asked about it.
SILENCE_US = 60 * SECOND_US
#: An intent that the ledger has not answered is proposed again after this time.
PROPOSAL_PATIENCE_US = 10 * SECOND_US

A, P, S = CampaignState.ACTIVE, CampaignState.PAUSED, CampaignState.STOPPING
STOPPED, COMPLETED = CampaignState.STOPPED, CampaignState.COMPLETED

#: (state, operator's command) -> next state. What is absent is refused before anything changes.
TRANSITIONS: dict[tuple[CampaignState, type], CampaignState] = {
    (CampaignState.READY, c.ResumeCampaign): A,
    (CampaignState.READY, c.PauseCampaign): P,
    (CampaignState.READY, c.StopCampaign): S,
    (A, c.PauseCampaign): P,
    (A, c.StopCampaign): S,
    (A, c.ResumeCampaign): A,  # pressed twice
    (P, c.ResumeCampaign): A,
    (P, c.StopCampaign): S,
    (P, c.PauseCampaign): P,  # pressed twice
    (S, c.StopCampaign): S,  # pressed twice
    (S, c.PauseCampaign): S,  # crossed with a stop: a stop is final
    (S, c.ResumeCampaign): S,  # crossed with a stop
    (STOPPED, c.StopCampaign): STOPPED,  # crossed with the end
    (STOPPED, c.PauseCampaign): STOPPED,
    (STOPPED, c.ResumeCampaign): STOPPED,
    (COMPLETED, c.StopCampaign): COMPLETED,  # crossed with the end
    (COMPLETED, c.PauseCampaign): COMPLETED,
    (COMPLETED, c.ResumeCampaign): COMPLETED,
}


class CampaignRun:
    """Machine of one running campaign.

    Args:
        run_no: Number of the run.
        spec: The campaign.
        contacts: Its scrubbed contacts, in dialling order.
        epoch: Incarnation of this actor.
        history: What the journal knows, for a run that goes on.
    """

    def __init__(
        self,
        run_no: int,
        spec: CampaignSpec,
        contacts: ContactSource,
        *,
        epoch: int,
        history: RunHistory | None = None,
    ) -> None:
        self.address = Address("campaign", spec.campaign)
        self.run_no = run_no
        self.spec = spec
        self.epoch = epoch
        self.contacts = contacts
        self.book = ContactBook(contacts, spec.hours, spec.retry)
        self.state = CampaignState.READY
        self.story = Story()
        self.outcomes: Counter[Outcome] = Counter()
        self.refusals: Counter[IntentRefusal] = Counter()
        self._scheduler = Address("scheduler", spec.pool)
        self._trunk = Address("trunk", spec.trunk)
        self._open: dict[int, Attempt] = {}
        self._watch = Watch(self._open)
        self._granted: list[e.Lease] = []
        self._settled = 0
        self._told_next_us: int | None = 0
        self._handlers: dict[type, Callable[[Any, int, list[Envelope]], None]] = {
            c.RequestLeases: self._lease,
            c.ReturnLeases: self._returned,
            c.PauseCampaign: self._command,
            c.ResumeCampaign: self._command,
            c.StopCampaign: self._command,
            c.Announce: self._announce,
            RequestFlow: self._tell_flow,
            e.IntentAccepted: self._accepted,
            e.IntentRefused: self._refused,
            e.OutcomeRecorded: self._recorded,
            e.AttemptEnded: self._attempt_ended,
            e.AttemptReported: self._reported,
            e.PeerRestarted: self._peer_restarted,
        }
        if history is not None:
            self._replay(history)

    def _replay(self, history: RunHistory) -> None:
        self.state = history.state
        for attempt, code, ended_us in history.closed:
            outcome = Outcome(code)
            self.book.restore(contact_of(attempt), try_of(attempt), outcome, ended_us)
            if outcome not in UNDIALLED:
                self.outcomes[outcome] += 1
        for attempt, number, intent_us, not_after_us in history.open:
            contact = contact_of(attempt)
            self.book.restore(contact, try_of(attempt), None, 0)
            self._open[attempt] = Attempt(contact, number, Stage.LEASED, intent_us, not_after_us, suspect=True)

    # -- the machine -------------------------------------------------------------------------------------------------

    def start(self, now_us: int) -> list[Envelope]:
        """Open the run at the ledger, go on dialling if that was the state, ask about attempts left open.

        A run that is held or has ended says so: the scheduler may not have heard it before the restart.
        """
        out = [Envelope(STORE, self._open_run())]
        for attempt in self._open:
            out.append(Envelope(self._trunk, c.ReportAttempt(attempt, self.spec.campaign)))
            self._watch.at(attempt, now_us + SILENCE_US)
        if self.state is CampaignState.READY:
            self._enter(CampaignState.ACTIVE, "started", now_us, out)
        elif self.state is CampaignState.ACTIVE:
            out.append(self._opened())
        else:
            out.append(self._closed())
        self._finish_if_over(now_us, out)
        return out

    def handle(self, batch: Sequence[Any], now_us: int) -> list[Envelope]:
        """Apply the batch, then settle what is owed to the scheduler."""
        out: list[Envelope] = []
        for item in batch:
            self._handlers[type(item)](item, now_us, out)
        self._look_into_silence(now_us, out)
        self._finish_if_over(now_us, out)
        self._tell_scheduler(now_us, out)
        return out

    def next_deadline_us(self) -> int | None:
        """The next silence to look into; waiting contacts are the scheduler's to ask for."""
        return self._watch.next_us()

    def in_progress(self) -> int:
        """Attempts that are not over for the books."""
        return len(self._open)

    # -- leases ------------------------------------------------------------------------------------------------------

    def _lease(self, msg: c.RequestLeases, now_us: int, out: list[Envelope]) -> None:
        if self.state is not CampaignState.ACTIVE:
            self._settled += msg.count
            return
        for left in range(msg.count, 0, -1):
            contact = self.book.take(now_us)
            if contact is None:
                self._settled += left
                return
            number = self.contacts.number(contact)
            attempt = attempt_id(self.run_no, contact, self.book.try_no(contact))
            self._open[attempt] = Attempt(contact, number, Stage.PROPOSED)
            self._watch.at(attempt, now_us + PROPOSAL_PATIENCE_US)
            out.append(Envelope(STORE, self._proposal(attempt)))

    def _proposal(self, attempt: int) -> c.ProposeIntent:
        known = self._open[attempt]
        return c.ProposeIntent(attempt, self.epoch, known.number, self.contacts.zone_key(known.contact))

    def _accepted(self, msg: e.IntentAccepted, now_us: int, out: list[Envelope]) -> None:
        known = self._open.get(msg.attempt_id)
        if known is None:
            self._disown(msg.attempt_id, now_us, out)
            return
        if known.stage is not Stage.PROPOSED:
            return  # answered twice
        known.stage = Stage.LEASED
        known.intent_us, known.not_after_us = msg.intent_us, msg.not_after_us
        self._settled += 1
        if self.state is CampaignState.ACTIVE:
            lease = e.Lease(msg.attempt_id, known.number, msg.intent_us, msg.not_after_us)
            self._granted.append(lease)
            self._watch.at(msg.attempt_id, now_us + SILENCE_US)
        else:
            self._close(msg.attempt_id, Outcome.WITHDRAWN, now_us, out)

    def _disown(self, attempt: int, now_us: int, out: list[Envelope]) -> None:
        """Close an intent that was proposed twice, refused first and accepted then: nobody else will.

        The run has given it up, so it was never leased; its number must not stay busy, nor its id be used again.
        """
        contact, try_no = contact_of(attempt), try_of(attempt)
        if run_of(attempt) != self.run_no or try_no <= self.book.try_no(contact):
            return  # of an earlier run, or answered twice and over since
        self.book.use_up_try(contact, try_no)
        ended = e.AttemptEnded(attempt, Outcome.WITHDRAWN, "", 0, 0, 0, 0, now_us)
        out.append(Envelope(STORE, c.RecordOutcome(self.spec.campaign, ended)))

    def _refused(self, msg: e.IntentRefused, now_us: int, out: list[Envelope]) -> None:  # noqa: ARG002
        known = self._open.get(msg.attempt_id)
        if known is None or known.stage is not Stage.PROPOSED:
            return  # answered twice
        del self._open[msg.attempt_id]
        self._settled += 1
        self.refusals[msg.reason] += 1
        self.book.give_back_try(known.contact)
        if msg.until_us is not None:
            self.book.rest(known.contact, msg.until_us)
        elif msg.reason is IntentRefusal.STALE_EPOCH:
            self.book.rest(known.contact, now_us)  # this incarnation is being replaced; the next one goes on
        else:
            self.book.finish(known.contact, msg.reason.value)

    def _returned(self, msg: c.ReturnLeases, now_us: int, out: list[Envelope]) -> None:
        for attempt in msg.attempt_ids:
            known = self._open.get(attempt)
            if known is None or known.stage is not Stage.LEASED:
                continue  # over in the meantime
            if known.suspect:
                self._watch.at(attempt, max(now_us, known.not_after_us))
            else:
                self._close(attempt, Outcome.WITHDRAWN, now_us, out)

    # -- attempts ----------------------------------------------------------------------------------------------------

    def _attempt_ended(self, msg: e.AttemptEnded, now_us: int, out: list[Envelope]) -> None:
        known = self._open.get(msg.attempt_id)
        if known is None or known.stage is not Stage.LEASED:
            return  # told twice, or closed as unknown before: the first outcome stands
        self._close_as(msg, now_us, out)

    def _close(self, attempt: int, outcome: Outcome, now_us: int, out: list[Envelope]) -> None:
        self._close_as(e.AttemptEnded(attempt, outcome, "", 0, 0, 0, 0, now_us), now_us, out)

    def _close_as(self, ended: e.AttemptEnded, now_us: int, out: list[Envelope]) -> None:
        known = self._open[ended.attempt_id]
        known.stage, known.ended = Stage.CLOSING, ended
        out.append(Envelope(STORE, c.RecordOutcome(self.spec.campaign, ended)))
        self._watch.at(ended.attempt_id, now_us + PROPOSAL_PATIENCE_US)

    def _recorded(self, msg: e.OutcomeRecorded, now_us: int, out: list[Envelope]) -> None:  # noqa: ARG002
        known = self._open.get(msg.attempt_id)
        if known is None or known.ended is None:
            return  # confirmed twice
        del self._open[msg.attempt_id]
        outcome = known.ended.outcome
        if outcome not in UNDIALLED:
            self.outcomes[outcome] += 1
        self.book.ended(known.contact, outcome, known.ended.ended_us)

    def _reported(self, msg: e.AttemptReported, now_us: int, out: list[Envelope]) -> None:
        known = self._open.get(msg.attempt_id)
        if known is None or known.stage is not Stage.LEASED:
            return  # over in the meantime
        if msg.live:
            self._watch.at(msg.attempt_id, now_us + SILENCE_US)
        elif msg.knows_since_us >= known.intent_us:
            # the trunk was born after the intent: it may have been dialled, so it counts, and is never sent again
            self._close(msg.attempt_id, Outcome.UNKNOWN, now_us, out)
        elif msg.at_us >= known.not_after_us:
            self._close(msg.attempt_id, Outcome.EXPIRED, now_us, out)
        else:
            self._watch.at(msg.attempt_id, known.not_after_us)

    def _look_into_silence(self, now_us: int, out: list[Envelope]) -> None:
        for attempt in self._watch.due(now_us):
            self._watch.at(attempt, now_us + SILENCE_US)
            known = self._open[attempt]
            if known.stage is Stage.PROPOSED:
                out.append(Envelope(STORE, self._proposal(attempt)))
            elif known.ended is not None:
                out.append(Envelope(STORE, c.RecordOutcome(self.spec.campaign, known.ended)))
            else:
                out.append(Envelope(self._trunk, c.ReportAttempt(attempt, self.spec.campaign)))

    def _peer_restarted(self, msg: e.PeerRestarted, now_us: int, out: list[Envelope]) -> None:
        """Do at once what silence would bring about later."""
        if msg.peer == STORE:
            out.append(Envelope(STORE, self._open_run()))
            for attempt, known in self._open.items():
                if known.stage is Stage.PROPOSED:
                    out.append(Envelope(STORE, self._proposal(attempt)))
                elif known.ended is not None:
                    out.append(Envelope(STORE, c.RecordOutcome(self.spec.campaign, known.ended)))
        elif msg.peer == self._scheduler:
            for attempt, known in self._open.items():
                if known.stage is Stage.LEASED:
                    known.suspect = True
                    self._watch.at(attempt, max(now_us, known.not_after_us))
        elif msg.peer == self._trunk:
            out.extend(
                Envelope(self._trunk, c.ReportAttempt(attempt, self.spec.campaign))
                for attempt, known in self._open.items()
                if known.stage is Stage.LEASED
            )

    # -- life cycle --------------------------------------------------------------------------------------------------

    def _command(self, msg: Any, now_us: int, out: list[Envelope]) -> None:
        target = TRANSITIONS.get((self.state, type(msg)))
        if target is None:
            raise IllegalTransitionError(str(self.address), self.state.name, type(msg).__name__, self.story.told())
        if target is not self.state:
            self._enter(target, "ordered", now_us, out)

    def _enter(self, state: CampaignState, why: str, now_us: int, out: list[Envelope]) -> None:
        self.story.note(now_us, self.state.name, why, state.name)
        was_active = self.state is CampaignState.ACTIVE
        self.state = state
        out.append(Envelope(STORE, c.RecordCampaignState(self.run_no, self.spec.campaign, state, why)))
        if state is CampaignState.ACTIVE:
            out.append(self._opened())
            self._told_next_us = 0
        elif was_active:
            out.append(self._closed())

    def _finish_if_over(self, now_us: int, out: list[Envelope]) -> None:
        if self._open:
            return
        if self.state is CampaignState.STOPPING:
            self._enter(CampaignState.STOPPED, "all calls ended", now_us, out)
        elif self.state is CampaignState.ACTIVE and self.book.exhausted():
            self._enter(CampaignState.COMPLETED, "no contact can become due again", now_us, out)

    def _announce(self, msg: c.Announce, now_us: int, out: list[Envelope]) -> None:  # noqa: ARG002
        if self.state is CampaignState.ACTIVE:
            out.append(self._opened())
            self._told_next_us = 0
            return
        if self._open:  # held, but its calls in progress still need the scheduler
            out.append(self._opened())
        out.append(self._closed())

    def _tell_flow(self, msg: RequestFlow, now_us: int, out: list[Envelope]) -> None:  # noqa: ARG002
        if self.spec.flow_spec is not None:
            out.append(Envelope(self._trunk, FlowKnown(self.spec.campaign, self.spec.flow_spec)))

    def _closed(self) -> Envelope:
        return Envelope(self._scheduler, e.CampaignClosed(self.spec.campaign, self.state))

    def _opened(self) -> Envelope:
        spec = self.spec
        opened = e.CampaignOpened(
            spec.campaign,
            self.run_no,
            self.epoch,
            spec.mode.value,
            spec.trunk,
            spec.queue,
            spec.priority,
            spec.concurrency,
            spec.caller_id,
            spec.ring_timeout_us,
            spec.amd,
            spec.flow,
            spec.pacing,
            spec.preview.timer_us if spec.mode is DialingMode.PREVIEW else 0,
        )
        return Envelope(self._scheduler, opened)

    def _open_run(self) -> c.OpenRun:
        return c.OpenRun(self.run_no, self.epoch, self.spec, tuple(self.contacts.zone_sets))

    def _tell_scheduler(self, now_us: int, out: list[Envelope]) -> None:
        """Settle requests; and say so, unasked, when there is something to dial earlier than was last told."""
        owed = bool(self._settled or self._granted)
        if not owed and (self._told_next_us == 0 or self.state is not CampaignState.ACTIVE):
            return  # nothing is earlier than now
        next_us = self.book.next_due_us(now_us) if self.state is CampaignState.ACTIVE else None
        earlier = next_us is not None and (self._told_next_us is None or next_us < self._told_next_us)
        if not (owed or earlier):
            return
        granted = e.LeasesGranted(self.spec.campaign, tuple(self._granted), self._settled, next_us)
        out.append(Envelope(self._scheduler, granted))
        self._granted, self._settled, self._told_next_us = [], 0, next_us

    def check_invariants(self) -> None:
        """Contacts in play are those of open attempts, one each."""
        self.book.check_invariants()
        in_play = self.book.counts()["in_play"]
        contacts = {attempt.contact for attempt in self._open.values()}
        if len(contacts) != len(self._open) or in_play != len(contacts):
            raise InvariantError("one attempt per contact", f"{len(self._open)} open, {in_play} contacts in play")
        forgotten = self._watch.forgotten()
        if forgotten:
            raise InvariantError("every attempt is watched", f"attempt {forgotten[0]} is not")
