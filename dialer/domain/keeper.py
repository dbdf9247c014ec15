"""The keeper: owner of the life cycle of every campaign, from its first saving to its deletion.

It answers orders of operators by the table in ``keeper_table.py``, follows the calendar (``keeper_calendar.py``), has
lists scrubbed and hosts started by the library, and sees to it that runs do what is desired: it asks how each stands,
and repeats an order until it has had its effect. All it knows stands in records that are durable before anything
follows from them (``keeper_shelf.py``), so a reborn keeper goes on from the records alone.

    IDLE --start, rerun--> PREPARING --prepared--> BEGINNING --begun--> RUNNING --ended--> IDLE
    IDLE --15 min before an occurrence--> PREPARING --prepared--> WAITING --its time--> BEGINNING
    RUNNING --stop, end of the schedule--> STOPPING --ended--> IDLE

There is one run of a campaign at most. An occurrence that comes while there is one is skipped, and its history says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from dialer.domain import keeping as k
from dialer.domain.commands import PauseCampaign
from dialer.domain.events import PeerRestarted
from dialer.domain.keeper_calendar import Turn, is_own, next_turn_us, turn_of
from dialer.domain.keeper_entry import PROGRESSING, UPCOMING, Entry
from dialer.domain.keeper_orders import Orders
from dialer.domain.keeper_rules import run_spec
from dialer.domain.keeper_shelf import Shelf
from dialer.domain.keeper_table import OUTSTANDING
from dialer.domain.keeping import KEEPER, LIBRARY, CampaignRecord, Desire, Ending, Phase
from dialer.domain.kinds import CampaignState
from dialer.domain.message import Address, Envelope
from dialer.domain.specs import MINUTE_US, SECOND_US
from dialer.errors import InvariantError

#: How often a run is asked how it stands.
WATCH_US = SECOND_US
#: An order to the library that has not been answered is repeated after this time.
PATIENCE_US = 10 * SECOND_US
#: The same for scrubbing, which takes as long as the lists are long; the library knows what it is at.
SCRUB_PATIENCE_US = 5 * MINUTE_US
#: Lists of a scheduled run that could not be scrubbed are tried again after this time.
AGAIN_US = MINUTE_US


class Keeper:
    """Machine of all campaigns of one dialer.

    Args:
        records: What is on record.
        epoch: Incarnation of this keeper.
        reborn: True for a later incarnation in the same dialer; a new dialer goes on with runs only when it is told to.
        schedules: False for a dialer that follows no calendar.
        scale: Factor on all waits that are about machines, not people: X for a clock that runs X times as fast.
    """

    def __init__(
        self,
        records: Iterable[CampaignRecord],
        *,
        epoch: int,
        reborn: bool = False,
        schedules: bool = True,
        scale: float = 1.0,
    ) -> None:
        self.address = KEEPER
        self.entries = {record.spec.campaign: Entry(record) for record in records}
        self._schedules = schedules
        self._reborn = reborn
        self._scale = scale
        self._draining = False
        self._shelf = Shelf(epoch=epoch, patience_us=self._wait(PATIENCE_US))
        self._orders = Orders(self.entries, wait=self._wait)
        self._out: list[Envelope] = []
        self._handlers: dict[type, Callable[[Any, int], None]] = {
            k.Drain: self._drain,
            k.RunPrepared: self._prepared,
            k.PreparationFailed: self._failed,
            k.ListsScrubbed: self._scrubbed,
            k.RunBegun: self._begun,
            k.RunReported: self._reported,
            PeerRestarted: self._peer_restarted,
        }

    def _wait(self, time_us: int) -> int:
        return round(time_us * self._scale)

    @property
    def records(self) -> dict[str, CampaignRecord]:
        """All campaigns as they stand, by name."""
        return {name: entry.record for name, entry in self.entries.items()}

    # -- the machine -------------------------------------------------------------------------------------------------

    def start(self, now_us: int) -> list[Envelope]:
        """Take up what was going on: repeat what the predecessor may not have said, or wait to be told."""
        for entry in self.entries.values():
            if not self._reborn:
                self._lay_down(entry, now_us)
            entry.retry_us = now_us if entry.record.phase in PROGRESSING else None
        return self._leave(now_us, [])

    def handle(self, batch: Sequence[Any], now_us: int) -> list[Envelope]:
        """Apply orders and answers, then what time asks for."""
        released: list[Envelope] = []
        for item in batch:
            handler = self._handlers.get(type(item))
            if type(item) is k.RecordsKept:
                released += self._shelf.kept(item.seq, now_us)
            elif handler is not None:
                handler(item, now_us)
            else:
                self._out += self._orders.take(item, now_us, draining=self._draining)
        return self._leave(now_us, released)

    def next_deadline_us(self) -> int | None:
        """The next moment of a calendar, a question to repeat, or a record to press for."""
        dues = [entry.due_us for entry in self.entries.values() if entry.due_us is not None]
        again_us = self._shelf.next_us()
        return min(dues if again_us is None else [*dues, again_us], default=None)

    def _leave(self, now_us: int, released: list[Envelope]) -> list[Envelope]:
        """Do what time asks for, and say what may be said."""
        out = released + self._shelf.repeat(now_us)
        for entry in self.entries.values():
            if entry.changed or (entry.due_us is not None and entry.due_us <= now_us):
                self._pass_time(entry, now_us)
        changed = [entry for entry in self.entries.values() if entry.changed]
        notes = [note for entry in changed for note in entry.take_notes()]
        gone = self._orders.take_deleted()
        effects, self._out = self._out, []
        out += self._shelf.put([entry.record for entry in changed], notes, gone, effects, now_us)
        for entry in changed:
            entry.changed = False
        return out

    # -- time --------------------------------------------------------------------------------------------------------

    def _pass_time(self, entry: Entry, now_us: int) -> None:
        while self._schedules and not self._draining and self._take_turn(entry, now_us):
            pass
        if entry.check_us is not None and entry.check_us <= now_us:
            entry.check_us = None
            if entry.record.phase is Phase.IDLE:  # otherwise the run that begins does it
                record = entry.record
                spec = record.spec
                work = k.ScrubLists(spec.campaign, spec.version, spec, record.lists, record.dnc_lists, record.file)
                self._out.append(Envelope(LIBRARY, work))
        if entry.retry_us is not None and entry.retry_us <= now_us:
            self._ask(entry, now_us)
        turn_us = next_turn_us(entry.record, now_us) if self._schedules and not self._draining else None
        moments = (entry.retry_us, entry.check_us, turn_us)
        entry.due_us = min((moment for moment in moments if moment is not None), default=None)

    def _take_turn(self, entry: Entry, now_us: int) -> bool:
        """Do one thing that the calendar wants; False if it wants nothing more."""
        turn, at_us, reason = turn_of(entry.record, now_us)
        if turn is Turn.NOTHING:
            return False
        if turn is Turn.PREPARE:
            entry.prepare(now_us, scheduled_us=at_us)
        elif turn is Turn.BEGIN:
            self._begin(entry, now_us)
        elif turn is Turn.SKIP:
            own = is_own(entry.record, at_us)
            problem = entry.record.scrub.problem if own and entry.record.scrub is not None else ""
            entry.skip(at_us, f"{reason}: {problem}" if problem else reason, now_us, own=own)
        else:
            self._end(entry, at_us, reason)
        return True

    def _end(self, entry: Entry, at_us: int, reason: str) -> None:
        """The schedule is over: what was run by it is ended, and the campaign is completed."""
        record = entry.record
        entry.change(through_us=at_us)
        if record.phase is Phase.IDLE:
            entry.change(ending=Ending.ENDED)
        elif record.phase in {Phase.BEGINNING, Phase.RUNNING} and record.note is not None and record.note.scheduled_us:
            self._out += entry.stop(Ending.ENDED, reason)

    def _ask(self, entry: Entry, now_us: int) -> None:
        """Say again what an answer is missing for, and ask how a run stands."""
        record = entry.record
        name, run_no = record.spec.campaign, entry.run_no
        work: Any
        if record.phase is Phase.PREPARING:
            if entry.scheduled and not self._schedules:
                entry.retry_us = None
                return
            spec = run_spec(record.spec, record.schedule, scheduled=entry.scheduled)
            work = k.PrepareRun(name, record.asked_us, spec, record.lists, record.dnc_lists, record.file)
            wait_us = SCRUB_PATIENCE_US
        elif record.phase is Phase.BEGINNING:
            if entry.pressed:  # it is on record and will be pressed for: nobody need wait longer for that
                self._out += entry.answer_waiting()
            entry.pressed = True
            work, wait_us = k.BeginRun(name, run_no, record.run_spec or record.spec), PATIENCE_US
        else:
            work, wait_us = k.ReportRun(name, run_no), WATCH_US
        entry.retry_us = now_us + self._wait(wait_us)
        self._out.append(Envelope(LIBRARY, work))

    # -- the library -------------------------------------------------------------------------------------------------

    def _prepared(self, msg: k.RunPrepared, now_us: int) -> None:
        entry = self._asked(msg)
        if entry is None:
            return
        entry.retry_us = None
        entry.change(scrub=k.ScrubNote(now_us, msg.rows, msg.dialable))
        entry.note(run_no=msg.run_no)
        if entry.scheduled:
            entry.change(phase=Phase.WAITING)
        else:
            self._begin(entry, now_us)

    def _failed(self, msg: k.PreparationFailed, now_us: int) -> None:
        entry = self._asked(msg)
        if entry is None:
            return
        entry.change(scrub=k.ScrubNote(now_us, 0, 0, msg.words))
        if entry.scheduled:  # there is time to put it right; the calendar gives it up in the end
            entry.retry_us = now_us + self._wait(AGAIN_US)
            return
        self._out += entry.refuse_waiting(msg.kind, msg.words)
        entry.finish(Ending.FAILED, now_us, msg.words)

    def _asked(self, msg: k.RunPrepared | k.PreparationFailed) -> Entry | None:
        """The campaign an answer is for; None if nobody waits for it: repeated, cancelled, or asked anew meanwhile."""
        entry = self.entries.get(msg.campaign)
        waits = entry is not None and entry.record.phase is Phase.PREPARING and entry.record.asked_us == msg.asked_us
        return entry if waits else None

    def _begin(self, entry: Entry, now_us: int) -> None:
        record, note = entry.record, entry.record.note
        spec = run_spec(record.spec, record.schedule, scheduled=entry.scheduled)
        through_us = max(record.through_us, note.scheduled_us) if note is not None else record.through_us
        entry.note(started_us=now_us)
        entry.file_note()
        entry.begin(
            now_us,
            desired=Desire.ACTIVE,
            run_spec=spec,
            ending=None,
            last_run_us=now_us,
            runs=record.runs + 1,
            run_no=entry.run_no,
            through_us=through_us,
        )

    def _begun(self, msg: k.RunBegun, now_us: int) -> None:
        entry = self._running(msg)
        if entry is None:
            return
        entry.up = True
        entry.retry_us = now_us + self._wait(WATCH_US)
        if entry.record.phase is Phase.BEGINNING:
            entry.change(phase=Phase.RUNNING)
        # a host that was not there when the order came: it must not dial until it is next asked how it stands
        self._repeat_order(entry, CampaignState.ACTIVE)
        self._out += entry.answer_waiting()

    def _reported(self, msg: k.RunReported, now_us: int) -> None:
        entry = self._running(msg)
        if entry is None or entry.record.phase is Phase.BEGINNING:
            return  # asked before the run was begun anew
        record = entry.record
        if msg.state in {CampaignState.COMPLETED, CampaignState.STOPPED}:
            ordered = record.ending or Ending.STOPPED
            entry.finish(Ending.COMPLETED if msg.state is CampaignState.COMPLETED else ordered, now_us)
            return
        entry.up = msg.up
        if not msg.up:
            if record.phase is Phase.STOPPING:  # it takes its host to end a run: calls may be open
                work = k.BeginRun(msg.campaign, msg.run_no, record.run_spec or record.spec)
                self._out.append(Envelope(LIBRARY, work))
            return
        self._repeat_order(entry, msg.state)

    def _repeat_order(self, entry: Entry, state: CampaignState) -> None:
        """Order what is desired of a run, if it is not so."""
        record = entry.record
        desired = Desire.PAUSED if self._draining and record.desired is Desire.ACTIVE else record.desired
        order = OUTSTANDING.get((desired, state))
        if order is not None:
            self._out.append(Envelope(Address("campaign", record.spec.campaign), order()))

    def _running(self, msg: k.RunBegun | k.RunReported) -> Entry | None:
        """The campaign an answer is for; None if that run is over, or its campaign gone."""
        entry = self.entries.get(msg.campaign)
        if entry is None or entry.record.phase in {Phase.IDLE, *UPCOMING} or entry.run_no != msg.run_no:
            return None
        return entry

    def _scrubbed(self, msg: k.ListsScrubbed, now_us: int) -> None:
        entry = self.entries.get(msg.campaign)
        if entry is not None and entry.record.spec.version == msg.version:  # otherwise it has been changed meanwhile
            entry.change(scrub=k.ScrubNote(now_us, msg.rows, msg.dialable, msg.problem))

    def _peer_restarted(self, msg: PeerRestarted, now_us: int) -> None:
        """Do at once what patience would bring about later; a reborn campaign is seen by how its run stands."""
        if msg.peer != LIBRARY:
            return
        self._out += self._shelf.repeat(now_us, at_once=True)
        for entry in self.entries.values():
            if entry.record.phase in PROGRESSING:
                entry.retry_us = entry.due_us = now_us

    # -- the dialer --------------------------------------------------------------------------------------------------

    def _drain(self, msg: k.Drain, now_us: int) -> None:  # noqa: ARG002
        self._draining = True
        for name, entry in self.entries.items():
            if entry.record.phase is Phase.RUNNING and entry.record.desired is Desire.ACTIVE:
                self._out.append(Envelope(Address("campaign", name), PauseCampaign()))

    def _lay_down(self, entry: Entry, now_us: int) -> None:
        """A new dialer: whoever waited for a run has gone, and a run goes on when it is told to."""
        record = entry.record
        if record.phase is Phase.PREPARING and not entry.scheduled:
            entry.finish(Ending.FAILED, now_us, "the dialer ended before it could begin")
        elif record.phase is Phase.BEGINNING:
            entry.change(phase=Phase.RUNNING)

    def check_invariants(self) -> None:
        """One run for a campaign, a history for every run, and nothing waits for ever."""
        self._shelf.check_invariants()
        runs = [entry.run_no for entry in self.entries.values() if entry.run_no]
        if len(set(runs)) != len(runs):
            raise InvariantError("a run has one campaign", f"{sorted(runs)}")
        for name, entry in self.entries.items():
            entry.check_invariants(name)
