"""The life of campaigns, step by step: by hand, by the calendar, edited, copied, deleted, over crashes."""
# ruff: noqa: DTZ001 - a wall clock has no zone

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from keeper_world import World, spec

from dialer.domain import keeping as k
from dialer.domain.events import PeerRestarted
from dialer.domain.keeper import PATIENCE_US, SCRUB_PATIENCE_US
from dialer.domain.keeper_orders import CHECK_AFTER_US
from dialer.domain.keeper_rules import ALWAYS
from dialer.domain.keeping import Desire, Ending, Phase, Refusal, Status
from dialer.domain.kinds import CampaignState, DialingMode
from dialer.domain.localtime import moment_us
from dialer.domain.schedule import RecurrenceUnit, Schedule
from dialer.domain.specs import PacingSpec, WeeklyHours

ZONE = "Europe/Berlin"
MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, 86_400_000_000
MONDAY = moment_us(ZONE, datetime(2026, 3, 2, 8))
NINE = moment_us(ZONE, datetime(2026, 3, 2, 9))
DAILY = Schedule(ZONE, datetime(2026, 3, 2, 9), unit=RecurrenceUnit.DAY)
ONCE = Schedule(ZONE, datetime(2026, 3, 2, 9))
SOON = 2_000_000


@pytest.fixture
def world():
    made = World(MONDAY)
    made.save()
    return made


@pytest.fixture
def patient():
    """The same for long days: runs are looked at once in a minute."""
    made = World(MONDAY, scale=60.0)
    made.save()
    return made


def scheduled(world, schedule=DAILY):
    assert world.order(k.SetSchedule, "spring", schedule) == k.OrderDone(world.orders)
    return world


# -- by hand -----------------------------------------------------------------------------------------------------------


def test_play_pause_resume_to_the_end(world):
    """Ready, Active, Paused, Active, Completed. Requirements 9, 10, 11, 13, 110."""
    assert world.status("spring") is Status.READY
    assert world.order(k.StartRun, "spring") == k.OrderDone(world.orders, 1)
    assert world.status("spring") is Status.ACTIVE
    world.order(k.PauseRun, "spring")
    assert (world.status("spring"), world.states[1]) == (Status.PAUSED, CampaignState.PAUSED)
    world.order(k.ResumeRun, "spring")
    assert (world.status("spring"), world.states[1]) == (Status.ACTIVE, CampaignState.ACTIVE)
    world.end("spring")
    world.leap(world.now_us + SOON)
    assert world.status("spring") is Status.COMPLETED
    assert world.keeper.next_deadline_us() is None or world.keeper.next_deadline_us() > world.now_us


def test_replay_is_a_new_instance(world):
    """All contacts again, scrubbed again, with a history of its own. Requirements 12, 65, 108."""
    world.order(k.StartRun, "spring")
    world.end("spring")
    world.leap(world.now_us + SOON)
    assert world.order(k.RerunCampaign, "spring").run_no == 2
    assert world.status("spring") is Status.RERUN
    assert [run_no for run_no, _, _ in world.prepared] == [1, 2]
    world.order(k.StopRun, "spring")
    world.leap(world.now_us + SOON)
    assert world.status("spring") is Status.READY
    endings = [(note.run_no, note.ending) for note in world.notes("spring")]
    assert endings == [(1, Ending.COMPLETED), (2, Ending.STOPPED)]


def test_a_stop_is_repeated_until_it_has_happened(world):
    """Stopping lasts until the last call has ended, and stays ordered over a crash. Requirement 108."""
    world.order(k.StartRun, "spring")
    world.hosts.clear()
    world.auto = (k.KeepRecords, k.ReportRun)
    world.order(k.StopRun, "spring")
    assert (world.status("spring"), world.states[1]) == (Status.STOPPING, CampaignState.ACTIVE)
    world.crash()
    assert world.status("spring") is Status.STOPPING
    world.auto = (*world.auto, k.BeginRun)
    world.waiting.clear()
    world.leap(world.now_us + SOON)  # its host is started again, to end it
    assert (world.status("spring"), world.states[1]) == (Status.READY, CampaignState.STOPPED)


def test_stopped_while_it_is_prepared():
    """What the library answers later begins nothing; who waited hears it."""
    world = World(MONDAY, (k.KeepRecords, k.ScrubLists, k.BeginRun, k.ReportRun))
    world.save()
    assert world.order(k.StartRun, "spring") is None
    assert world.status("spring") is Status.PREPARING
    world.order(k.StopRun, "spring")
    assert world.answers[world.orders - 1].kind is Refusal.CONFLICT
    world.do(k.PrepareRun)
    assert (world.status("spring"), world.runs) == (Status.READY, {})


def test_lists_that_cannot_be_scrubbed(world):
    """The operator hears why, and the campaign can be run again when they are better."""
    world.auto = (k.KeepRecords,)
    assert world.order(k.StartRun, "spring") is None
    asked_us = world.record("spring").asked_us
    world.tell(k.PreparationFailed("spring", asked_us, Refusal.FILE, "none of the 3 contacts may be dialled"))
    assert world.answers[world.orders].kind is Refusal.FILE
    assert world.status("spring") is Status.READY
    assert world.record("spring").scrub.problem == "none of the 3 contacts may be dialled"
    world.tell(k.RunPrepared("spring", asked_us, 7, 3, 3))  # late: repeated before it failed
    assert world.record("spring").phase is Phase.IDLE


@pytest.mark.parametrize(
    ("fields", "lists", "missing"),
    [
        ({"caller_id": 0}, ("people",), "caller ID"),
        ({"queue": None}, ("people",), "queue"),
        ({"mode": DialingMode.AGENTLESS, "queue": None}, ("people",), "flow"),
        ({}, (), "contact list"),
    ],
)
@pytest.mark.parametrize("order", [k.StartRun, k.RerunCampaign, k.SetSchedule])
def test_what_must_be_attached(fields, lists, missing, order):
    """A caller ID always, a queue for agents, a flow for none. Requirements 111, 27, 36."""
    world = World(MONDAY)
    world.save(lists=lists, **fields)
    refused = world.order(order, "spring", *([DAILY] if order is k.SetSchedule else []))
    assert refused.kind is Refusal.CONFIG
    assert f"has no {missing}" in refused.words
    assert world.prepared == []


def test_saving_scrubs(world):
    """A little later, and not if it is run at once: the run's own scrub says the same. Requirement 88."""
    world.leap(world.now_us + CHECK_AFTER_US)
    assert world.record("spring").scrub == k.ScrubNote(world.now_us, 10, 8)
    world.save(priority=2)
    world.order(k.StartRun, "spring")
    world.leap(world.now_us + CHECK_AFTER_US)
    assert world.record("spring").scrub.dialable == 9
    assert sum(isinstance(message, k.ScrubLists) for message in world.said) == 1


def test_lists_of_an_occurrence_that_cannot_be_scrubbed(world):
    """Tried again each minute; late is better than never, and never is in the history. Requirements 65, 100."""
    scheduled(world)
    for day, mended in ((0, True), (1, False)):
        world.auto = tuple({*world.auto} - {k.PrepareRun})
        world.leap(NINE + day * DAY - 15 * MINUTE)
        asked_us = world.record("spring").asked_us
        world.tell(k.PreparationFailed("spring", asked_us, Refusal.FILE, "nobody is left to call"))
        assert world.record("spring").phase is Phase.PREPARING
        world.waiting.clear()
        if mended:
            world.auto = (*world.auto, k.PrepareRun)
        world.leap(NINE + day * DAY + 16 * MINUTE)
        if mended:
            assert world.begun_us == {1: NINE}
            world.end("spring")
            world.leap(world.now_us + SOON)
    note = world.notes("spring")[-1]
    assert (note.ending, note.reason) == (Ending.SKIPPED, "it could not begin in time: nobody is left to call")
    assert world.status("spring") is Status.SCHEDULED


# -- editing -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fields", [{"priority": 1}, {"pacing": PacingSpec(ratio=3.0)}, {"caller_id": 12125550111}])
def test_a_running_campaign_bears_few_changes(world, fields):
    """They reach the run as a new version. Requirement 106."""
    world.order(k.StartRun, "spring")
    assert world.save(**fields) == k.OrderDone(world.orders)
    assert world.runs[1].spec == spec("spring", version=2, **fields)
    assert world.record("spring").phase is Phase.RUNNING
    assert world.begun_us[1] == MONDAY


def test_saving_the_same_again_does_not_disturb_a_run(world):
    """No new version, and its host is left alone. Requirement 106."""
    world.order(k.StartRun, "spring")
    before = world.record("spring")
    said = len(world.said)
    assert world.save() == k.OrderDone(world.orders)
    assert (world.record("spring"), len(world.said)) == (before, said + 1)


def test_nobody_waits_for_ever_for_a_host():
    """A run that is on record and cannot begin yet: the operator hears so, and it is pressed for."""
    world = World(MONDAY, (k.KeepRecords, k.PrepareRun))
    world.save()
    assert world.order(k.StartRun, "spring") is None
    world.leap(MONDAY + PATIENCE_US)
    assert world.answers[world.orders] == k.OrderDone(world.orders, 1)
    assert sum(isinstance(message, k.BeginRun) for message in world.said) == 2


@pytest.mark.parametrize(
    ("fields", "lists"),
    [
        ({"amd": True}, ("people",)),
        ({"mode": DialingMode.POWER}, ("people",)),
        ({"pacing": PacingSpec(abandon_limit_ratio=0.01)}, ("people",)),
        ({}, ("people", "more")),
    ],
)
def test_a_running_campaign_bears_no_others(world, fields, lists):
    """Requirement 106."""
    world.order(k.StartRun, "spring")
    before = world.record("spring")
    refused = world.save(lists=lists, **fields)
    assert refused.kind is Refusal.CONFLICT
    assert "spring is running; stop it before you change it" in refused.words
    assert world.record("spring") == before


def test_a_paused_campaign_bears_more(world):
    """All but its mode and the contacts of the run. Requirement 106."""
    world.order(k.StartRun, "spring")
    world.order(k.PauseRun, "spring")
    assert world.save(amd=True, hours=WeeklyHours.daily(9 * 60, 12 * 60)) == k.OrderDone(world.orders)
    assert (world.runs[1].spec.amd, world.record("spring").desired) == (True, Desire.PAUSED)
    assert world.status("spring") is Status.PAUSED
    for name, value in (("mode", DialingMode.POWER), ("trunk", "other"), ("pool", "other")):
        assert f"a run keeps its {name}" in world.save(**{name: value}).words
    assert isinstance(world.save(lists=("more",)), k.OrderRefused)
    file = {"name": "spring", "filter": ["age > 30"]}
    refused = world.order(
        k.SaveCampaign, "spring", spec=spec("spring"), lists=("people",), dnc_lists=("company",), file=file
    )
    assert "the contacts of a run are those it was begun with" in refused.words
    world.order(k.StopRun, "spring")
    world.leap(world.now_us + SOON)
    assert "mode" in world.save(mode=DialingMode.POWER).words
    assert world.save(lists=("more",)) == k.OrderDone(world.orders)


def test_a_change_before_an_occurrence_scrubs_again(world):
    """What was prepared is out of date. Requirement 65."""
    scheduled(world)
    world.leap(NINE - 10 * MINUTE)
    assert world.record("spring").phase is Phase.WAITING
    world.save(lists=("people", "more"))
    assert [msg.lists for _, _, msg in world.prepared] == [("people",), ("people", "more")]
    world.leap(NINE)
    assert list(world.runs) == [2]


def test_clone_copies_all_but_the_schedule(world):
    """Requirement 107."""
    scheduled(world)
    assert world.order(k.CloneCampaign, "spring", "copy") == k.OrderDone(world.orders)
    copy, record = world.record("copy"), world.record("spring")
    assert copy.spec == replace(record.spec, campaign="copy")
    assert (copy.lists, copy.dnc_lists, copy.file) == (record.lists, record.dnc_lists, {"name": "copy"})
    assert (copy.schedule, copy.runs, world.status("copy")) == (None, 0, Status.READY)
    assert "already" in world.order(k.CloneCampaign, "spring", "copy").words


def test_delete(world):
    """Not while it runs; then it is gone, and its name is free. Requirement 109."""
    world.order(k.StartRun, "spring")
    assert "stop it before you delete it" in world.order(k.DeleteCampaign, "spring").words
    world.order(k.StopRun, "spring")
    world.leap(world.now_us + SOON)
    assert world.order(k.DeleteCampaign, "spring") == k.OrderDone(world.orders)
    assert (world.kept, world.keeper.records, world.history) == ({}, {}, {})
    world.save()
    assert world.order(k.StartRun, "spring").run_no == 2


@pytest.mark.parametrize(("kind", "name"), [("queue", "sales"), ("trunk", "main"), ("number", "+12125550199")])
def test_what_is_in_use_cannot_be_deleted(world, kind, name):
    """Held by campaigns that are active, paused or scheduled, not by others; numbers are masked. Requirement 112."""
    assert world.order(k.MayDelete, kind, name) == k.OrderDone(world.orders)
    scheduled(world)
    for _ in range(2):
        refused = world.order(k.MayDelete, kind, name)
        assert (refused.kind, "2125550199" in refused.words) == (Refusal.CONFLICT, False)
        world.leap(NINE)
        world.order(k.PauseRun, "spring")
    assert world.status("spring") is Status.PAUSED
    assert "which is paused" in world.order(k.MayDelete, kind, name).words
    assert world.order(k.MayDelete, kind, "other") == k.OrderDone(world.orders)


def test_lists_and_flows_in_use(world):
    """A list belongs to every campaign that names it, a flow to those that may run. Requirement 112."""
    assert "used by campaign spring" in world.order(k.MayDelete, "contact_list", "people").words
    assert "used by campaign spring" in world.order(k.MayDelete, "dnc_list", "company").words
    assert world.order(k.MayDelete, "contact_list", "company") == k.OrderDone(world.orders)
    world.save("notice", mode=DialingMode.AGENTLESS, queue=None, flow="hello")
    assert world.order(k.MayDelete, "flow", "hello") == k.OrderDone(world.orders)
    world.order(k.StartRun, "notice")
    assert "notice, which is active" in world.order(k.MayDelete, "flow", "hello").words


def test_what_campaigns_do_not_use(world):
    """An unknown kind is refused, and breaks nothing."""
    assert world.order(k.MayDelete, "cat", "felix").kind is Refusal.CONFIG


# -- by the calendar ---------------------------------------------------------------------------------------------------


def test_an_occurrence(world):
    """Scrubbed 15 minutes before, active at its time, a run like any other. Requirements 94, 96, 99, 100."""
    scheduled(world)
    assert world.status("spring") is Status.SCHEDULED
    world.leap(NINE - 15 * MINUTE - 1)
    assert world.prepared == []
    world.leap(NINE - 15 * MINUTE)
    assert [(run_no, at_us) for run_no, at_us, _ in world.prepared] == [(1, NINE - 15 * MINUTE)]
    world.leap(NINE - 1)
    assert (world.status("spring"), world.runs) == (Status.SCHEDULED, {})
    world.leap(NINE)
    assert (world.status("spring"), world.begun_us) == (Status.ACTIVE, {1: NINE})
    world.end("spring")
    world.leap(NINE + SOON)
    assert world.status("spring") is Status.SCHEDULED
    world.leap(NINE + DAY)
    assert world.begun_us == {1: NINE, 2: NINE + DAY}
    assert [msg.lists for _, _, msg in world.prepared] == [("people",), ("people",)]
    assert world.status("spring") is Status.ACTIVE


def test_run_on_a_scheduled_campaign_is_an_error(world):
    """Requirement 101."""
    scheduled(world)
    for order in (k.StartRun, k.RerunCampaign):
        assert "is scheduled and starts by itself" in world.order(order, "spring").words
    assert world.prepared == []


@pytest.mark.parametrize("at_us", [MONDAY, NINE - MINUTE, NINE + MINUTE])
def test_stop_ends_the_instance(world, at_us):
    """Waiting, prepared or running: this one ends, the next one comes. Requirement 102."""
    scheduled(world)
    world.leap(at_us)
    assert world.order(k.StopRun, "spring") == k.OrderDone(world.orders)
    world.leap(NINE + HOUR)
    assert world.status("spring") is Status.SCHEDULED
    ending = Ending.STOPPED if at_us > NINE else Ending.SKIPPED
    assert [(note.scheduled_us, note.ending) for note in world.notes("spring")] == [(NINE, ending)]
    world.leap(NINE + DAY)
    assert world.status("spring") is Status.ACTIVE
    assert list(world.begun_us.values())[-1] == NINE + DAY


@pytest.mark.parametrize(("paused", "shown"), [(False, Status.ACTIVE), (True, Status.PAUSED)])
def test_the_end_date_completes_it(patient, paused, shown):
    """Whatever is left to dial, and held or not. Requirement 13."""
    scheduled(patient, replace(DAILY, end=datetime(2026, 3, 2, 17)))
    patient.leap(NINE)
    if paused:
        patient.order(k.PauseRun, "spring")
    assert patient.status("spring") is shown
    patient.leap(NINE + 8 * HOUR + 2 * MINUTE)
    assert (patient.status("spring"), patient.states[1]) == (Status.COMPLETED, CampaignState.STOPPED)
    assert patient.notes("spring")[-1].ending is Ending.ENDED
    patient.leap(NINE + 3 * DAY)
    assert len(patient.runs) == 1


def test_the_end_may_move_while_it_runs(patient):
    """Only the end. Requirements 94, 106."""
    ends = replace(DAILY, end=datetime(2026, 3, 2, 17))
    scheduled(patient, ends)
    patient.leap(NINE)
    assert "only the end" in patient.order(k.SetSchedule, "spring", replace(ends, every=2)).words
    assert "over already" in patient.order(k.SetSchedule, "spring", replace(ends, end=datetime(2026, 3, 2, 8))).words
    later = replace(ends, end=datetime(2026, 3, 2, 18))
    assert patient.order(k.SetSchedule, "spring", later) == k.OrderDone(patient.orders)
    patient.leap(NINE + 8 * HOUR + 2 * MINUTE)
    assert patient.status("spring") is Status.ACTIVE
    patient.leap(NINE + 9 * HOUR + 2 * MINUTE)
    assert patient.status("spring") is Status.COMPLETED


def test_an_occurrence_finds_the_one_before_still_running(patient):
    """It is skipped, and the history says so. Requirement 96."""
    scheduled(patient)
    patient.leap(NINE + DAY)
    assert list(patient.begun_us.values()) == [NINE]
    note = patient.notes("spring")[-1]
    assert (note.ending, note.scheduled_us, note.run_no) == (Ending.SKIPPED, NINE + DAY, 0)
    assert note.reason == "the run before it was still going on"
    patient.end("spring")
    patient.leap(NINE + 2 * DAY)
    assert list(patient.begun_us.values()) == [NINE, NINE + 2 * DAY]
    assert [note.no for note in patient.notes("spring")] == [1, 2, 3]


def test_precedence(world):
    """The occurrence's own hours are always; the campaign and runs by hand keep theirs. Requirements 92, 97."""
    hours = WeeklyHours.daily(9 * 60, 17 * 60)
    world.save(hours=hours)
    world.order(k.StartRun, "spring")
    world.end("spring")
    world.leap(world.now_us + SOON)
    scheduled(world, replace(DAILY, precedence=True))
    world.leap(NINE)
    assert [world.runs[no].spec.hours for no in (1, 2)] == [hours, ALWAYS]
    assert world.prepared[-1][2].spec.hours == ALWAYS
    assert world.record("spring").spec.hours == hours


def test_a_schedule_without_a_future_is_refused(world):
    """Requirement 94."""
    for schedule in (replace(ONCE, start=datetime(2026, 3, 1, 9)), replace(DAILY, end=datetime(2026, 3, 2, 9))):
        assert world.order(k.SetSchedule, "spring", schedule).kind is Refusal.CONFIG
    assert world.record("spring").schedule is None


def test_removing_a_schedule(world):
    """What was prepared is dropped, and the campaign is run by hand again. Requirement 94."""
    scheduled(world)
    world.leap(NINE - MINUTE)
    world.order(k.ClearSchedule, "spring")
    world.leap(NINE + HOUR)
    assert (world.status("spring"), world.runs) == (Status.READY, {})
    assert world.order(k.StartRun, "spring").run_no == 2
    world.order(k.StopRun, "spring")
    world.leap(world.now_us + SOON)
    assert "has no schedule" in world.order(k.ClearSchedule, "spring").words


def test_last_run_and_last_updated(world):
    """A run is no change, a change is no run. Requirement 17."""
    assert (world.record("spring").last_run_us, world.record("spring").updated_us) == (0, MONDAY)
    scheduled(world)
    world.leap(NINE)
    assert (world.record("spring").last_run_us, world.record("spring").updated_us) == (NINE, MONDAY)


# -- accidents ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", range(-20, 16, 5))
def test_crashes_around_a_start(world, minutes):
    """One run, whenever the keeper dies. Requirements 96, 100."""
    scheduled(world)
    world.leap(NINE + minutes * MINUTE)
    world.crash()
    world.leap(NINE + 16 * MINUTE)
    assert (list(world.runs), world.status("spring")) == ([1], Status.ACTIVE)


def test_a_start_that_was_missed(world):
    """Within a quarter of an hour it is late, after that it is skipped. Requirement 99."""
    scheduled(world)
    for day, late, begun in ((0, 15 * MINUTE, True), (1, 15 * MINUTE + 1, False)):
        world.now_us = NINE + day * DAY + late  # nobody was there before
        world.crash()
        assert (NINE + day * DAY + late in world.begun_us.values()) is begun
        if begun:
            world.end("spring")
            world.leap(world.now_us + SOON)
    assert world.notes("spring")[-1].reason == "the dialer was not running"


def test_nothing_follows_before_its_record_is_durable():
    """Neither work, nor orders, nor answers; and what is not confirmed is pressed for."""
    world = World(MONDAY, ())
    world.save()
    assert [type(message) for message in world.said] == [k.KeepRecords]
    world.order(k.StartRun, "spring")
    assert [type(message) for message in world.said] == [k.KeepRecords] * 2
    world.leap(MONDAY + PATIENCE_US)
    assert [len(message.records) for message in world.said] == [1, 1, 1]
    assert world.said[-1].seq == world.said[-2].seq
    world.do(k.KeepRecords)
    assert world.answers == {1: k.OrderDone(1)}
    assert isinstance(world.waiting[-1].message, k.PrepareRun)


def test_a_confirmation_for_another_incarnation_confirms_nothing():
    world = World(MONDAY, ())
    world.save()
    old = world.said[-1].seq
    world.born(reborn=True)
    world.save()
    world.tell(k.RecordsKept(old))
    assert world.answers == {}


def test_work_without_an_answer_is_asked_for_again():
    """And at once when the library was reborn."""
    world = World(MONDAY, (k.KeepRecords,))
    world.save()
    world.order(k.StartRun, "spring")
    world.leap(MONDAY + SCRUB_PATIENCE_US)
    asked = [message for message in world.said if isinstance(message, k.PrepareRun)]
    assert len(asked) == 2
    assert asked[0] == asked[1]
    world.tell(PeerRestarted(k.LIBRARY))
    assert sum(isinstance(message, k.PrepareRun) for message in world.said) == 3
    world.do(k.PrepareRun)  # answered three times
    assert [len(world.notes("spring")), world.record("spring").runs] == [1, 1]
    world.leap(world.now_us + PATIENCE_US)
    assert sum(isinstance(message, k.BeginRun) for message in world.said) >= 2


def test_a_new_dialer_goes_on_when_it_is_told_to(world):
    """Runs of an earlier one wait for a start; nobody dials because a file was opened. Requirement 110."""
    world.order(k.StartRun, "spring")
    world.new_dialer()
    world.leap(world.now_us + MINUTE)
    assert (world.status("spring"), world.hosts) == (Status.ACTIVE, set())
    assert world.order(k.StartRun, "spring") == k.OrderDone(world.orders, 1, continued=True)
    assert (world.hosts, len(world.notes("spring"))) == ({1}, 1)


def test_a_dialer_without_a_calendar(world):
    """One that runs a single campaign leaves the others alone."""
    scheduled(world)
    world.options = {"schedules": False}
    world.new_dialer()
    world.leap(NINE + HOUR)
    assert (world.prepared, world.keeper.next_deadline_us()) == ([], None)


def test_drain(world):
    """Nothing begins, what runs is held, and what is desired stays. Requirement 11."""
    world.order(k.StartRun, "spring")
    world.save("other")
    world.tell(k.Drain())
    assert (world.states[1], world.record("spring").desired) == (CampaignState.PAUSED, Desire.ACTIVE)
    world.leap(world.now_us + SOON)
    assert world.states[1] is CampaignState.PAUSED
    assert "about to end" in world.order(k.StartRun, "other").words


def test_years_of_absence(world):
    """Every occurrence has its line, and the next one comes. Requirement 96."""
    scheduled(world)
    world.now_us = NINE + 400 * DAY + HOUR
    world.crash()
    assert {note.ending for note in world.notes("spring")} == {Ending.SKIPPED}
    assert len(world.notes("spring")) == 401
    assert world.status("spring") is Status.SCHEDULED


def test_time_is_not_wasted(world):
    """Between occurrences there is one deadline: the next scrub."""
    scheduled(world)
    world.leap(MONDAY + MINUTE)
    assert world.keeper.next_deadline_us() == NINE - 15 * MINUTE
    assert timedelta(microseconds=world.keeper.next_deadline_us() - world.now_us) == timedelta(minutes=44)
