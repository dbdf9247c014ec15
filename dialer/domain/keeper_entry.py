"""One campaign in the keeper's hands: its record, the history it grows, and who waits for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dialer.domain import keeping as k
from dialer.domain.commands import StopCampaign
from dialer.domain.keeper_table import next_occurrence_us
from dialer.domain.keeping import OPERATOR, CampaignRecord, Desire, Ending, Phase, RunNote
from dialer.domain.message import Address, Envelope
from dialer.errors import InvariantError

#: A run that has not begun.
UPCOMING = frozenset({Phase.PREPARING, Phase.WAITING})
#: Something is asked again and again until it is answered.
PROGRESSING = frozenset({Phase.PREPARING, Phase.BEGINNING, Phase.RUNNING, Phase.STOPPING})


class Entry:
    """A campaign and what need not be durable about it.

    Args:
        record: The campaign.
    """

    __slots__ = ("_notes", "_waiting", "changed", "check_us", "due_us", "pressed", "record", "retry_us", "up")

    def __init__(self, record: CampaignRecord) -> None:
        self.record = record
        self.changed = False  #: since the record was last given to be kept
        self.pressed = False  #: the library has been asked to begin the run, and has not said that it did
        self.up = False  #: this dialer has a host for its run
        self.retry_us: int | None = None  #: when to ask the library again
        self.check_us: int | None = None  #: when to scrub the lists that were saved
        self.due_us: int | None = 0  #: when time asks for something
        self._notes: list[RunNote] = []
        self._waiting: list[tuple[int, bool]] = []  #: (order, whether it goes on with a run that was there)

    @property
    def run_no(self) -> int:
        """Number of the run in progress or about to begin, 0 without one."""
        note = self.record.note
        return 0 if note is None or self.record.phase is Phase.IDLE else note.run_no

    @property
    def scheduled(self) -> bool:
        """Whether the present run is an occurrence of the schedule."""
        return self.record.note is not None and self.record.note.scheduled_us > 0

    # -- changing ----------------------------------------------------------------------------------------------------

    def change(self, **fields: Any) -> None:
        """Change the record."""
        self.record = replace(self.record, **fields)
        self.changed = True

    def note(self, **fields: Any) -> None:
        """Change the latest line of the history."""
        if self.record.note is None:
            raise InvariantError("a run has a history", self.record.spec.campaign)
        self.change(note=replace(self.record.note, **fields))

    def file_note(self) -> None:
        """The latest line of the history is part of it from now on."""
        note = self.record.note
        if note is not None:
            self.change(notes=max(self.record.notes, note.no))
            self._notes.append(note)

    def take_notes(self) -> list[RunNote]:
        """Lines of the history to be kept; they are handed out once."""
        notes, self._notes = self._notes, []
        return notes

    # -- the ways of a run -------------------------------------------------------------------------------------------

    def prepare(self, now_us: int, *, scheduled_us: int = 0) -> None:
        """Have the lists fetched and scrubbed for the next run; what was asked before is not waited for any more."""
        no = self.record.notes + 1
        note = RunNote(self.record.spec.campaign, no, 0, scheduled_us, 0, 0, Ending.OPEN)
        asked_us = max(now_us, self.record.asked_us + 1)
        self.change(phase=Phase.PREPARING, note=note, asked_us=asked_us)
        self.check_us = None
        self.retry_us = now_us

    def begin(self, now_us: int, **fields: Any) -> None:
        """Have the host of the run started, or reborn with what has changed."""
        self.change(phase=Phase.BEGINNING, **fields)
        self.retry_us, self.pressed = now_us, False

    def skip(self, at_us: int, reason: str, now_us: int, *, own: bool) -> None:
        """An occurrence does not run, and the history says so.

        Args:
            at_us: The occurrence.
            reason: Why.
            now_us: Now.
            own: It was being prepared; otherwise whatever the campaign does goes on.
        """
        self.change(through_us=at_us)
        if own:
            self.finish(Ending.SKIPPED, now_us, reason)
            return
        present = self.record.note
        no = self.record.notes + 1
        skipped = RunNote(self.record.spec.campaign, no, 0, at_us, 0, now_us, Ending.SKIPPED, reason)
        self._notes.append(skipped)
        self.change(notes=no, note=skipped if self.record.phase is Phase.IDLE else present)

    def drop(self) -> None:
        """What is being prepared is not wanted any more; it leaves no trace."""
        self.change(phase=Phase.IDLE, note=None)
        self.retry_us = None

    def stop(self, ending: Ending, reason: str) -> list[Envelope]:
        """End the run as soon as its calls have; repeated until it has ended."""
        begun = self.record.phase is Phase.RUNNING
        self.note(reason=reason)
        self.change(phase=Phase.STOPPING, desired=Desire.STOPPED, ending=ending)
        self.retry_us = 0  # a run that has not been begun has to be asked after first
        order = [Envelope(Address("campaign", self.record.spec.campaign), StopCampaign())] if begun else []
        return order + self.answer_waiting()

    def finish(self, ending: Ending, now_us: int, reason: str = "") -> None:
        """The run is over, or will not be."""
        note = self.record.note
        self.note(ended_us=now_us, ending=ending, reason=reason or ("" if note is None else note.reason))
        self.file_note()
        kept = self.record.ending if ending is Ending.SKIPPED else ending
        self.change(phase=Phase.IDLE, desired=Desire.STOPPED, ending=kept)
        self.retry_us, self.up = None, False

    # -- operators who wait ------------------------------------------------------------------------------------------

    def wait_for_run(self, order: int, *, continued: bool) -> None:
        """Answer an order when its run has begun."""
        self._waiting.append((order, continued))

    def answer_waiting(self) -> list[Envelope]:
        """The run is there."""
        done = [Envelope(OPERATOR, k.OrderDone(order, self.run_no, continued)) for order, continued in self._waiting]
        self._waiting.clear()
        return done

    def refuse_waiting(self, kind: k.Refusal, words: str) -> list[Envelope]:
        """There will be no run."""
        refused = [Envelope(OPERATOR, k.OrderRefused(order, kind, words)) for order, _ in self._waiting]
        self._waiting.clear()
        return refused

    # -- checks ------------------------------------------------------------------------------------------------------

    def check_invariants(self, name: str) -> None:
        """The phase, the note and the waits agree."""
        record, note = self.record, self.record.note
        phase = record.phase
        if phase is not Phase.IDLE and (note is None or note.ending is not Ending.OPEN):
            raise InvariantError("a run has an open history", f"{name} is {phase.value}, its note {note}")
        if phase is Phase.IDLE and note is not None and note.ending is Ending.OPEN:
            raise InvariantError("a history is closed with its run", f"{name}: {note}")
        if phase in {Phase.WAITING, Phase.BEGINNING, Phase.RUNNING, Phase.STOPPING} and not self.run_no:
            raise InvariantError("a run has a number", f"{name} is {phase.value}")
        if phase is Phase.WAITING and next_occurrence_us(record) != (note and note.scheduled_us):
            raise InvariantError("what is prepared is the next occurrence", f"{name}: {note}")
        if self._waiting and phase not in {Phase.PREPARING, Phase.BEGINNING}:
            raise InvariantError("nobody waits for nothing", f"{name} is {phase.value}")
        if not self.changed and phase in PROGRESSING and self.retry_us is None and not self.scheduled:
            raise InvariantError("no wait without an end", f"{name} is {phase.value}")
