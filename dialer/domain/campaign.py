"""A campaign run: owner of its contacts, its attempts and its life cycle.

It answers the scheduler's wish for leases with contacts that the ledger allows right now, or, in preview dialling, with
offers; hears how attempts end and what agents say of the calls; and is over when no contact can ever become due again.
Here stand its life cycle, a table below: (state, message) -> next state, and who gets which message. Contacts are in
``book.py``, attempts in ``inflight.py``, offers in ``previews.py``, dispositions in ``verdicts.py``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from heapq import merge
from typing import Any

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.abandonment import AbandonmentWindow
from dialer.domain.attempts import Attempt, RunHistory, Stage
from dialer.domain.book import ContactBook
from dialer.domain.editing import edit_refusal
from dialer.domain.flow_talk import FlowKnown, RequestFlow
from dialer.domain.grants import Grants
from dialer.domain.ids import attempt_id, contact_of, try_of
from dialer.domain.inflight import InFlight
from dialer.domain.kinds import CampaignState, DialingMode, IntentRefusal, Outcome
from dialer.domain.ledger import STORE
from dialer.domain.message import Address, Envelope
from dialer.domain.ports import ContactSource
from dialer.domain.previews import Previews
from dialer.domain.specs import CampaignSpec
from dialer.domain.story import Story
from dialer.errors import IllegalTransitionError

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
        spec: The campaign, as last edited.
        contacts: Its scrubbed contacts, in dialling order.
        epoch: Incarnation of this actor.
        history: What the journal knows, for a run that goes on, or whose campaign has run before.
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
        self.book = ContactBook(
            contacts,
            spec.hours,
            spec.retry,
            early_us=spec.callback_early_us,
            personal_wait_us=spec.personal_wait_us,
        )
        self.state = CampaignState.READY
        self.story = Story()
        self._scheduler = Address("scheduler", spec.pool)
        self._trunk = Address("trunk", spec.trunk)
        self._grants = Grants(spec.campaign, self.book)
        self._flight = InFlight(run_no, epoch, spec, self.book, self._grants)
        self._open = self._flight.open
        self._verdicts = self._flight.verdicts
        self._previews = Previews(run_no, epoch, spec, self.book, self._flight)
        self._listings: list[c.AddToDnc] = []  #: may have been lost with the incarnation before
        self._handlers: dict[type, Callable[[Any, int, list[Envelope]], None]] = {
            c.RequestLeases: self._lease,
            c.ReturnLeases: self._flight.returned,
            c.ConfirmOffer: self._previews.confirm,
            c.SkipOffer: self._previews.skip,
            c.RequestCard: self._previews.card,
            c.PauseCampaign: self._command,
            c.ResumeCampaign: self._command,
            c.StopCampaign: self._command,
            c.EditCampaign: self._edit,
            c.Announce: self._announce,
            RequestFlow: self._tell_flow,
            e.IntentAccepted: self._accepted,
            e.IntentRefused: self._flight.refused,
            e.OutcomeRecorded: self._flight.recorded,
            e.AttemptEnded: self._flight.ended,
            e.AttemptReported: self._flight.reported,
            e.DispositionSet: self._disposition_set,
            e.PeerRestarted: self._peer_restarted,
        }
        if history is not None:
            self._replay(history)

    def _replay(self, history: RunHistory) -> None:
        self.state = history.state
        flight, verdicts = self._flight, self._verdicts
        flight.window = AbandonmentWindow(history.live_answers, history.abandoned)
        for attempt, number, intent_us, not_after_us in history.open:
            self._open[attempt] = Attempt(
                contact_of(attempt), number, Stage.LEASED, intent_us, not_after_us, suspect=True
            )
        told = [
            e.DispositionSet(attempt, agent, code, "", wrapped_up_us, callback_us, personal)
            for attempt, code, agent, callback_us, personal, wrapped_up_us in history.dispositions
        ]
        in_call = {known.contact: "" for known in self._open.values()}  #: contact -> why it is done nevertheless
        verdicts.remember(told)
        skips = {attempt: (agent, at_us) for attempt, agent, at_us in history.skips}
        newest_us = max((msg.wrapped_up_us for msg in told), default=0)
        # each contact's attempts and skips in the order in which they were made
        for attempt, code, ended_us, number in merge(history.closed, ((skip, 0, 0, 0) for skip in skips)):
            contact = contact_of(attempt)
            before = Counter(self.book.done_by) if contact in in_call else None
            if not code:
                self._previews.replay_skip(attempt, *skips[attempt])
            else:
                newest_us = max(newest_us, ended_us)
                flight.count(Outcome(code))
                if self.book.restore(contact, try_of(attempt), number):
                    verdicts.ended(attempt, Outcome(code), ended_us)
            if before is not None:
                in_call[contact] = next(iter(self.book.done_by - before), in_call[contact])
        for attempt, known in self._open.items():
            if not self.book.restore(known.contact, try_of(attempt), known.number):
                verdicts.end_after(known.contact, in_call[known.contact])
        self._listings = verdicts.replayed(told, newest_us)

    # -- the machine -------------------------------------------------------------------------------------------------

    def start(self, now_us: int) -> list[Envelope]:
        """Open the run at the ledger, go on dialling if that was the state, ask about attempts left open.

        A run that is held or has ended says so: the scheduler may not have heard it before the restart.
        """
        out = [Envelope(STORE, self._open_run()), *(Envelope(STORE, order) for order in self._listings)]
        self._flight.ask_trunk(now_us, out)
        self._verdicts.lose_patience(now_us)
        if self.state is CampaignState.READY:
            self._enter(CampaignState.ACTIVE, "started", now_us, out)
        elif self.state is CampaignState.ACTIVE:
            self._open_at_scheduler(now_us, out)
        else:
            out.append(self._closed())
        self._finish_if_over(now_us, out)
        return out

    def handle(self, batch: Sequence[Any], now_us: int) -> list[Envelope]:
        """Apply the batch, then settle what is owed to the scheduler."""
        out: list[Envelope] = []
        for item in batch:
            self._handlers[type(item)](item, now_us, out)
        self._flight.look_into_silence(now_us, out)
        self._verdicts.lose_patience(now_us)
        self.book.advance(now_us)
        self._finish_if_over(now_us, out)
        granted = self._grants.tell(now_us, active=self.state is CampaignState.ACTIVE)
        if granted is not None:
            out.append(Envelope(self._scheduler, granted))
        return out

    def next_deadline_us(self) -> int | None:
        """The next silence to look into, the end of a patience, or a contact of an agent's own that becomes due.

        Contacts that wait for anyone are the scheduler's to ask for.
        """
        due_us = self._flight.watch.next_us()
        for at_us in (self._verdicts.next_us(), self.book.next_change_us(), self._grants.next_us()):
            if at_us is not None and (due_us is None or at_us < due_us):
                due_us = at_us
        return due_us

    def in_progress(self) -> int:
        """Attempts that are not over for the books."""
        return len(self._open)

    @property
    def outcomes(self) -> Counter[Outcome]:
        """Durable outcomes that count."""
        return self._flight.outcomes

    @property
    def refusals(self) -> Counter[IntentRefusal]:
        """Intents that the ledger refused, by reason."""
        return self._flight.refusals

    # -- leases ------------------------------------------------------------------------------------------------------

    def _lease(self, msg: c.RequestLeases, now_us: int, out: list[Envelope]) -> None:
        left = msg.count
        while left and self.state is CampaignState.ACTIVE:
            contact = self.book.take(now_us, msg.agent)
            if contact is None:
                break
            left -= 1
            if self._previews.apply:
                self._grants.settled += 1
                self._grants.leases.append(self._previews.offer(contact, msg.agent, now_us))
                continue
            number = self.contacts.number(contact, self.book.phones.latest(contact))
            attempt = attempt_id(self.run_no, contact, self.book.try_no(contact))
            self._open[attempt] = Attempt(contact, number, Stage.PROPOSED, agent=msg.agent)
            self._flight.propose(attempt, now_us, out)
        self._grants.settled += left

    def _accepted(self, msg: e.IntentAccepted, now_us: int, out: list[Envelope]) -> None:
        self._flight.accepted(msg, now_us, out, active=self.state is CampaignState.ACTIVE)

    def _disposition_set(self, msg: e.DispositionSet, now_us: int, out: list[Envelope]) -> None:  # noqa: ARG002
        order = self._verdicts.told(msg, over=self.state in {STOPPED, COMPLETED})
        if order is not None:
            out.append(Envelope(STORE, order))

    def _peer_restarted(self, msg: e.PeerRestarted, now_us: int, out: list[Envelope]) -> None:
        """Do at once what silence would bring about later."""
        if msg.peer == STORE:
            out.append(Envelope(STORE, self._open_run()))
            self._flight.tell_ledger(out)
        elif msg.peer == self._scheduler:
            self._previews.drop_all(now_us)
            self._flight.doubt(now_us)
        elif msg.peer == self._trunk:
            self._flight.ask_trunk(now_us, out)

    # -- life cycle --------------------------------------------------------------------------------------------------

    def _command(self, msg: Any, now_us: int, out: list[Envelope]) -> None:
        target = TRANSITIONS.get((self.state, type(msg)))
        if target is None:
            raise IllegalTransitionError(str(self.address), self.state.name, type(msg).__name__, self.story.told())
        if target is not self.state:
            self._enter(target, "ordered", now_us, out)

    def _edit(self, msg: c.EditCampaign, now_us: int, out: list[Envelope]) -> None:
        """Go on by another configuration; one that may not be taken, for example after a resume, changes nothing."""
        refusal = edit_refusal(self.state, self.spec, msg.spec)
        if refusal is not None:
            self._record(f"version {msg.spec.version} refused: {refusal}", out)
            return
        spec = self.spec = self._previews.spec = msg.spec
        self.book.set_rules(
            spec.hours, spec.retry, early_us=spec.callback_early_us, personal_wait_us=spec.personal_wait_us
        )
        self._verdicts.set_rules(spec)
        out.append(Envelope(STORE, self._open_run()))
        self._record(f"edited: version {spec.version}", out)
        if self.state is CampaignState.ACTIVE:
            self._open_at_scheduler(now_us, out)

    def _enter(self, state: CampaignState, why: str, now_us: int, out: list[Envelope]) -> None:
        self.story.note(now_us, self.state.name, why, state.name)
        was_active = self.state is CampaignState.ACTIVE
        self.state = state
        self._record(why, out)
        if state is CampaignState.ACTIVE:
            self._open_at_scheduler(now_us, out)
        elif was_active:
            self._previews.drop_all(now_us)
            out.append(self._closed())

    def _record(self, why: str, out: list[Envelope]) -> None:
        out.append(Envelope(STORE, c.RecordCampaignState(self.run_no, self.spec.campaign, self.state, why)))

    def _finish_if_over(self, now_us: int, out: list[Envelope]) -> None:
        if self._open:
            return
        if self.state is CampaignState.STOPPING and not self._verdicts.owes_a_list():
            self._enter(CampaignState.STOPPED, "all calls ended", now_us, out)
        elif self.state is CampaignState.ACTIVE and self.book.exhausted():
            self._enter(CampaignState.COMPLETED, "no contact can become due again", now_us, out)

    def _announce(self, msg: c.Announce, now_us: int, out: list[Envelope]) -> None:  # noqa: ARG002
        if self.state is CampaignState.ACTIVE:
            self._open_at_scheduler(now_us, out)
            return
        if self._open:  # held, but its calls in progress still need the scheduler
            out.append(self._opened(now_us))
        out.append(self._closed())

    def _open_at_scheduler(self, now_us: int, out: list[Envelope]) -> None:
        out.append(self._opened(now_us))
        self._grants.opened()

    def _tell_flow(self, msg: RequestFlow, now_us: int, out: list[Envelope]) -> None:  # noqa: ARG002
        if self.spec.flow_spec is not None:
            out.append(Envelope(self._trunk, FlowKnown(self.spec.campaign, self.spec.flow_spec)))

    def _closed(self) -> Envelope:
        return Envelope(self._scheduler, e.CampaignClosed(self.spec.campaign, self.state))

    def _opened(self, now_us: int) -> Envelope:
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
            *self._flight.window.totals(now_us),
        )
        return Envelope(self._scheduler, opened)

    def _open_run(self) -> c.OpenRun:
        return c.OpenRun(self.run_no, self.epoch, self.spec, tuple(self.contacts.zone_sets))

    def check_invariants(self) -> None:
        """The books of contacts and attempts are right, each and together."""
        self.book.check_invariants()
        self._flight.check_invariants()
