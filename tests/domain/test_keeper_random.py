"""Any orders, leaps of time over clock changes, endings, lost answers and crashes: what must hold whatever happens."""
# ruff: noqa: D102, DTZ001 - rules say it by their names; a wall clock has no zone

from collections import Counter
from datetime import datetime

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from keeper_world import ENDED, World

from dialer.domain import keeping as k
from dialer.domain.keeper_calendar import GRACE_US
from dialer.domain.keeping import Ending, Phase
from dialer.domain.kinds import CampaignState
from dialer.domain.localtime import moment_us, wall_clock
from dialer.domain.schedule import RecurrenceUnit, Schedule, next_start_us

MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, 86_400_000_000
#: Two days before clocks change: in New York and in Sydney.
BEGINNINGS = {"America/New_York": datetime(2026, 3, 6, 8), "Australia/Sydney": datetime(2026, 4, 3, 8)}
NAMES = st.sampled_from(["spring", "summer"])
WORK = (k.KeepRecords, k.PrepareRun, k.ScrubLists, k.BeginRun, k.ReportRun)


class Lives(RuleBasedStateMachine):
    """Two campaigns and their keeper."""

    @initialize(zone=st.sampled_from(sorted(BEGINNINGS)))
    def begin(self, zone):
        self.zone = zone
        self.world = World(moment_us(zone, BEGINNINGS[zone]))
        self.stopped = set()
        for name in ("spring", "summer"):
            self.world.save(name)
        start = self._wall(self.world.now_us + HOUR)
        self.world.order(k.SetSchedule, "spring", Schedule(zone, start, unit=RecurrenceUnit.DAY))

    # -- operators ---------------------------------------------------------------------------------------------------

    @rule(name=NAMES, order=st.sampled_from([k.StartRun, k.PauseRun, k.ResumeRun, k.RerunCampaign, k.ClearSchedule]))
    def orders(self, name, order):
        if name in self.world.keeper.records:
            self.world.order(order, name)

    @rule(name=NAMES)
    def stop(self, name):
        if name in self.world.keeper.records and self.world.record(name).phase in {Phase.BEGINNING, Phase.RUNNING}:
            self.stopped.add(self.world.record(name).note.run_no)
            assert isinstance(self.world.order(k.StopRun, name), k.OrderDone | None)

    @rule(name=NAMES, priority=st.integers(1, 5))
    def save(self, name, priority):
        self.world.save(name, priority=priority)

    @rule(order=st.sampled_from([k.DeleteCampaign, k.ClearSchedule]))
    def away(self, order):
        if "summer" in self.world.keeper.records:
            self.world.order(order, "summer")

    @rule(
        name=NAMES,
        minutes=st.sampled_from([-30, 1, 14, 16, 45, 120, 1500]),
        unit=st.sampled_from([None, *RecurrenceUnit]),
        end=st.none() | st.sampled_from([20, 200, 2000, 8000]),
        precedence=st.booleans(),
    )
    def schedule(self, name, minutes, unit, end, precedence):
        if name not in self.world.keeper.records:
            return
        start = self._wall(self.world.now_us + minutes * MINUTE)
        until = None if end is None else self._wall(self.world.now_us + end * MINUTE)
        self.world.order(k.SetSchedule, name, Schedule(self.zone, start, until, unit, precedence=precedence))

    def _wall(self, at_us):
        return wall_clock(self.zone, at_us)

    # -- time and accidents ------------------------------------------------------------------------------------------

    @rule(passed_us=st.sampled_from([1, 14 * MINUTE, 16 * MINUTE, 45 * MINUTE, 3 * HOUR]))
    def time_passes(self, passed_us):
        self.world.leap(self.world.now_us + passed_us)

    @rule(passed_us=st.sampled_from([14 * MINUTE, 45 * MINUTE, DAY]))
    def nobody_is_there_for_a_while(self, passed_us):
        """The keeper is down and comes back later."""
        self.world.now_us += passed_us
        self.world.crash()

    @rule()
    def crash(self):
        self.world.crash()

    @rule(name=NAMES)
    def end(self, name):
        """The run completes by itself."""
        record = self.world.keeper.records.get(name)
        if record is not None and record.phase is Phase.RUNNING:
            run_no = record.note.run_no
            if self.world.states[run_no] is CampaignState.ACTIVE:
                self.world.end(name)

    @rule(silent=st.sets(st.sampled_from(WORK)))
    def the_library_is_slow(self, silent):
        """Work of these kinds waits from now on."""
        self.world.auto = tuple(kind for kind in WORK if kind not in silent)

    @precondition(lambda self: self.world.waiting)
    @rule(kind=st.sampled_from(WORK))
    def the_library_catches_up(self, kind):
        self.world.do(kind)

    # -- what holds --------------------------------------------------------------------------------------------------

    @invariant()
    def one_run_of_a_campaign(self):
        """``World`` asserts it whenever a run begins; here of everything that dials."""
        going = Counter(self.world.runs[no].campaign for no, state in self.world.states.items() if state not in ENDED)
        deleted = {name for name in going if name not in self.world.kept}
        assert not deleted
        assert max(going.values(), default=0) <= 1

    @invariant()
    def an_occurrence_is_dealt_with_once(self):
        """Run or skipped, never both, never twice."""
        lines = Counter((note.campaign, note.scheduled_us) for note in self.world.history.values() if note.scheduled_us)
        assert max(lines.values(), default=0) <= 1

    @invariant()
    def no_occurrence_is_lost(self):
        """What is behind the clock by more than the grace has a line, or is being pressed for."""
        for name, record in self.world.kept.items():
            if record.schedule is None or name not in self.world.keeper.records:
                continue
            next_us = next_start_us(record.schedule, record.through_us)
            assert (
                next_us is None
                or next_us + GRACE_US >= self.world.now_us
                or self.world.waiting  # the library owes an answer
            )

    @invariant()
    def a_run_starts_on_time(self):
        """Occurrences begin within the grace, never early; others by hand."""
        for note in self.world.history.values():
            if note.started_us and note.scheduled_us:
                assert 0 <= note.started_us - note.scheduled_us <= GRACE_US

    @invariant()
    def what_is_stopped_stays_stopped(self):
        """No order makes a stopped run dial again, and its end is on record in the end."""
        for note in self.world.history.values():
            if note.run_no in self.stopped and note.ending is not Ending.OPEN:
                assert note.ending in {Ending.STOPPED, Ending.COMPLETED}
                assert self.world.states.get(note.run_no, CampaignState.STOPPED) in ENDED

    def teardown(self):
        """When everybody answers again, everything that was stopped ends, and nobody waits any more."""
        if not hasattr(self, "world"):
            return
        world = self.world
        world.auto = WORK
        for _ in range(3):
            for kind in WORK:
                world.do(kind)
            world.leap(world.now_us + 6 * MINUTE)
        for name, record in world.keeper.records.items():
            assert record.phase not in {Phase.PREPARING, Phase.BEGINNING, Phase.STOPPING}, name
            assert world.kept[name] == record


Lives.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestLives = Lives.TestCase
