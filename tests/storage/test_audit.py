"""The audit: silent on clean records, and loud on each single broken promise."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dialer.domain import rows as r
from dialer.domain.ids import attempt_id
from dialer.domain.kinds import CampaignState, Outcome
from dialer.errors import DataDirectoryError
from dialer.storage.audit import audit, audit_store
from dialer.storage.store import Store

S = 1_000_000
DAY = 86_400 * S
NOON = 1_790_006_400_000_000  # Monday 2026-09-21 16:00 UTC: noon in New York, 11:00 in Chicago
NUMBER = 12125550100
EASTERN = "America/New_York"

RUN = {
    "campaign": "c",
    "contacts": "contacts.arrow",
    "excluded": "excluded.parquet",
    "rows": 3,
    "retry": {"max_attempts": 2},
    "caps": [[2, 3600 * S]],
    "hours": [[0, 600, 1200]],
}

INVARIANTS = """
    outcome_has_intent one_record_per_attempt undialled_never_sent epochs_monotonic ended_run_has_outcomes open_intents
    one_attempt_per_number not_on_dnc sent_in_time legal_hours campaign_hours trunk_lines trunk_rate one_call_per_agent
    attempts_per_contact connected_once asked_not_to_be_called dispositions_of_calls skips_are_no_attempts abandonment
    rolling_cap rows_accounted_for
""".split()


def attempt(
    contact,
    *,
    try_no=1,
    run_no=1,
    at_us=NOON,
    sent_us=None,
    ended_us=None,
    joined_us=0,
    agent="",
    what=Outcome.BUSY,
    number=None,
    zones=EASTERN,
    trunk="t",
    epoch=1,
):
    """Intent and outcome of one attempt that is sent at once and lasts 10 s, where nothing else is said."""
    key = attempt_id(run_no, contact, try_no)
    sent_us = at_us if sent_us is None else sent_us
    ended_us = sent_us + 10 * S if ended_us is None else ended_us
    called = NUMBER + contact if number is None else number
    intent = r.IntentRow(key, "c", called, trunk, 12125550199, at_us, at_us + 5 * S, epoch, "r", zones, 0, 1)
    return [intent, r.OutcomeRow(key, what, agent, 0, sent_us, 0, joined_us, ended_us, max(ended_us, at_us))]


def ended(run_no=1, what=CampaignState.COMPLETED):
    return r.CampaignStateRow(run_no, "c", what, NOON + DAY, "")


@pytest.fixture
def store(tmp_path):
    """A store with a campaign, a do-not-call list with a file, a trunk and a run of three rows."""
    data_dir = tmp_path / "[data]*"  # a name that must not be taken for a pattern
    data_dir.mkdir()
    pq.write_table(pa.table({"number": pa.array([NUMBER + 90], pa.int64())}), data_dir / "list.parquet")
    contacts = pa.table({"number": pa.array([NUMBER, NUMBER + 1], pa.int64())})
    with pa.ipc.new_file(data_dir / "contacts.arrow", contacts.schema) as writer:
        writer.write_table(contacts)
    pq.write_table(pa.table({"source_row": [3], "reason": ["duplicate"]}), data_dir / "excluded.parquet")
    with Store.open(data_dir) as opened:
        opened.put("campaign", "c", {"dnc_lists": ["own"]})
        opened.put("dnc_list", "own", {"path": "list.parquet", "global": False})
        opened.put("trunk", "t", {"lines": 2, "calls_per_s": 2})
        opened.put("run", "1", RUN)
        yield opened


def broken(store):
    """Names of the invariants that are violated, with how often."""
    return {f.invariant: f.violations for f in audit_store(store) if f.violations}


def found(store, invariant):
    (finding,) = [f for f in audit_store(store) if f.invariant == invariant]
    return finding


def change(store, doc_kind, doc_id, **changes):
    store.put(doc_kind, doc_id, {**store.get(doc_kind, doc_id), **changes})


def test_clean_records_break_nothing(store):
    """Calls at every limit, but not beyond one, give all findings with cases and without violations."""
    store.append(attempt(0, ended_us=NOON + S))
    store.append(attempt(1, ended_us=NOON + S, joined_us=NOON, agent="a", what=Outcome.CONNECTED))
    store.append(attempt(2, at_us=NOON + S, joined_us=NOON + S, agent="a", what=Outcome.CONNECTED))
    store.append(attempt(0, try_no=2, at_us=NOON + S, sent_us=NOON + 6 * S))
    store.append(attempt(3, what=Outcome.WITHDRAWN, sent_us=0, ended_us=NOON + S))
    store.append([ended()])
    findings = audit_store(store)
    assert [f.invariant for f in findings] == INVARIANTS
    assert [f for f in findings if f.violations or f.examples] == []
    assert [f.cases for f in findings] == [5, 5, 1, 5, 5, 0, 4, 4, 4, 4, 4, 4, 4, 2, 3, 2, 0, 0, 0, 0, 4, 3]


def test_audit_of_a_closed_directory(store):
    """The audit opens the directory itself, and repeats itself exactly."""
    store.append(attempt(0, zones="Mars/Olympus"))
    store.close()
    first = audit(store.data_dir)
    assert [f.invariant for f in first if f.violations] == ["legal_hours", "campaign_hours"]
    assert audit(store.data_dir) == first


def test_audit_of_nothing(tmp_path):
    """A directory without records is refused, not declared clean."""
    with pytest.raises(DataDirectoryError, match="is not a data directory"):
        audit(tmp_path)


def test_outcome_without_intent(store):
    """An outcome nobody asked for, and one that precedes its intent, are found."""
    store.append(attempt(0)[1:])
    store.append(attempt(1, sent_us=NOON - 1))
    store.append([attempt(2)[0], r.OutcomeRow(attempt_id(1, 2, 1), Outcome.UNKNOWN, "", 0, 0, 0, 0, 0, NOON - 1)])
    assert broken(store) == {"outcome_has_intent": 3}


@pytest.mark.parametrize("table", ["intents", "outcomes"])
def test_two_records_of_one_attempt(store, table):
    """A second intent or outcome of an attempt is found, should the table's key ever be lost."""
    store.append(attempt(0))
    store.append(attempt(1))
    assert broken(store) == {}
    again = f"SELECT * FROM {table} WHERE attempt_id = {attempt_id(1, 0, 1)}"
    store.rows(f"CREATE TABLE unkeyed AS SELECT * FROM {table} UNION ALL {again}")
    store.rows(f"DROP TABLE {table}")
    store.rows(f"ALTER TABLE unkeyed RENAME TO {table}")
    finding = found(store, "one_record_per_attempt")
    assert (finding.cases, finding.violations) == (2, 1)
    assert finding.examples == (f"attempt {attempt_id(1, 0, 1)}: 2 {table}",)


@pytest.mark.parametrize("what", [Outcome.EXPIRED, Outcome.WITHDRAWN, Outcome.TRUNK_REFUSED])
def test_sent_call_that_is_not_counted(store, what):
    """A call that left and was written off as not dialled escapes the caps, and is found."""
    store.append(attempt(0, what=what))
    assert broken(store) == {"undialled_never_sent": 1}


@pytest.mark.parametrize(("at_us", "violations"), [(NOON, 0), (NOON + 1, 1)])
def test_epoch_steps_back(store, at_us, violations):
    """An intent of an older incarnation after one of a newer is found; in one microsecond nobody knows the order."""
    store.append(attempt(0, epoch=2))
    store.append(attempt(1, epoch=1, at_us=at_us))
    assert broken(store) == ({"epochs_monotonic": 1} if violations else {})


def test_epochs_of_runs_are_apart(store):
    """Another run has epochs of its own."""
    store.put("run", "2", RUN)
    store.append(attempt(0, epoch=2))
    store.append(attempt(1, run_no=2, epoch=1, at_us=NOON + S))
    assert broken(store) == {}


@pytest.mark.parametrize(
    ("last", "violations", "opened"),
    [(CampaignState.STOPPED, 1, 0), (CampaignState.COMPLETED, 1, 0), (CampaignState.PAUSED, 0, 1)],
)
def test_open_intent_of_an_ended_run(store, last, violations, opened):
    """An intent without outcome is a violation once the run has ended, before that it is counted as open."""
    store.append(attempt(0)[:1])
    store.append([ended(what=CampaignState.ACTIVE), ended(what=last)])
    assert found(store, "ended_run_has_outcomes").violations == violations
    assert found(store, "open_intents").cases == opened


def test_number_in_two_attempts(store):
    """Two campaigns that hold one number at the same moment are found, with the number masked."""
    store.append(attempt(0, number=NUMBER))
    store.append(attempt(1, run_no=2, number=NUMBER, at_us=NOON + 10 * S - 1))
    finding = found(store, "one_attempt_per_number")
    assert (finding.cases, finding.violations) == (2, 1)
    assert finding.examples == (f"attempt {attempt_id(2, 1, 1)} to +*********00: number already in flight",)


def test_open_intent_holds_its_number(store):
    """An attempt on a number whose earlier intent is still open is found; an expired intent holds nothing."""
    store.append(attempt(0, number=NUMBER, what=Outcome.EXPIRED, sent_us=0, ended_us=NOON + 5 * S))
    store.append(attempt(1, number=NUMBER)[:1])
    assert found(store, "one_attempt_per_number").violations == 0
    store.append(attempt(2, number=NUMBER, at_us=NOON + 60 * S))
    assert found(store, "one_attempt_per_number").violations == 1


def test_number_in_a_list_file(store):
    """A call to a number of the campaign's list file is found, unless the number was taken off before."""
    store.append(attempt(90))
    assert broken(store) == {"not_on_dnc": 1}
    store.append([r.DncRow("own", NUMBER + 90, added=False, at_us=NOON, source="api")])
    assert broken(store) == {}


@pytest.mark.parametrize(
    ("doc", "violations"),
    [
        ({"path": "list.parquet", "since_us": NOON}, 0),
        ({"path": "list.parquet", "since_us": NOON - 1}, 1),
        ({"path": "empty.parquet", "since_us": NOON, "earlier": [["list.parquet", 0]]}, 0),
        ({"path": "empty.parquet", "since_us": NOON + 1, "earlier": [["list.parquet", 0]]}, 1),
        ({"path": "empty.parquet", "since_us": NOON + 2, "earlier": [["list.parquet", 0], ["empty.parquet", 9]]}, 0),
    ],
)
def test_a_list_file_binds_while_it_is_in_force(store, doc, violations):
    """A call is compared with the file that was in force when it was allowed, not with the one of today."""
    pq.write_table(pa.table({"number": pa.array([], pa.int64())}), store.data_dir / "empty.parquet")
    store.put("dnc_list", "own", {**doc, "global": False})
    store.append(attempt(90))
    assert broken(store) == ({"not_on_dnc": 1} if violations else {})


def test_lists_of_the_run_stand_before_those_of_the_campaign(store):
    """A campaign that names another list today leaves earlier runs as they were."""
    store.append(attempt(90))
    change(store, "run", "1", dnc_lists=[])
    assert broken(store) == {}
    store.put("campaign", "c", {"dnc_lists": []})
    change(store, "run", "1", dnc_lists=["own"])
    assert broken(store) == {"not_on_dnc": 1}


def test_list_of_another_campaign_binds_only_if_global(store):
    """A list the campaign does not name is ignored until it is global."""
    store.put("dnc_list", "own", {"path": None, "global": False})
    store.put("dnc_list", "house", {"path": "list.parquet", "global": False})
    store.append(attempt(90))
    assert broken(store) == {}
    change(store, "dnc_list", "house", **{"global": True})
    assert broken(store) == {"not_on_dnc": 1}


@pytest.mark.parametrize(("lead_us", "violations"), [(-S, 0), (0, 0), (1, 1)])
def test_number_added_while_running(store, lead_us, violations):
    """An addition binds every later intent; a call allowed before it may still leave in time."""
    store.append([r.DncRow("own", NUMBER, added=True, at_us=NOON - lead_us, source="api")])
    store.append(attempt(0, sent_us=NOON + 5 * S))
    assert found(store, "not_on_dnc").violations == violations


def test_the_last_change_of_a_number_counts(store):
    """Taken off and added again is on the list; the changes of other lists and numbers are nothing to it."""
    for n, added in enumerate([True, False, False, True]):
        store.append([r.DncRow("own", NUMBER + n // 2, added=added, at_us=NOON - 9 + n, source="api")])
    store.append([r.DncRow("other", NUMBER + 1, added=False, at_us=NOON - 1, source="api")])
    store.append(attempt(0))
    store.append(attempt(1))
    assert broken(store) == {"not_on_dnc": 1}
    assert found(store, "not_on_dnc").examples[0].startswith(f"attempt {attempt_id(1, 1, 1)} ")


def test_lost_call_must_have_been_lawful(store):
    """A call of which nobody knows whether it was sent is judged by the moment at which it was allowed."""
    change(store, "run", "1", hours=None)
    night_us = NOON - 8 * 3600 * S
    store.append(attempt(90, at_us=night_us, sent_us=0, ended_us=night_us + S, what=Outcome.UNKNOWN))
    assert broken(store) == {"not_on_dnc": 1, "legal_hours": 1}


def test_undialled_attempt_breaks_no_list(store):
    """An attempt that was withdrawn for the list's sake is none."""
    store.append([r.DncRow("own", NUMBER, added=True, at_us=NOON - 60 * S, source="api")])
    store.append(attempt(0, what=Outcome.WITHDRAWN, sent_us=0, ended_us=NOON + 1))
    assert broken(store) == {}


def test_unreadable_list_is_a_violation(store):
    """A list whose file is gone cannot be checked, and that is said."""
    change(store, "dnc_list", "own", path="gone.parquet")
    assert found(store, "not_on_dnc").examples == ("list own: its file gone.parquet cannot be read",)
    assert broken(store) == {"not_on_dnc": 1}


@pytest.mark.parametrize(("late_us", "violations"), [(0, 0), (1, 1)])
def test_sent_after_the_intent_lapsed(store, late_us, violations):
    """The last allowed microsecond is ``not_after_us`` itself."""
    store.append(attempt(0, sent_us=NOON + 5 * S + late_us))
    assert broken(store) == ({"sent_in_time": violations} if violations else {})


@pytest.mark.parametrize(
    ("zones", "hour_utc", "minute", "legal"),
    [
        (EASTERN, 11, 59, False),  # 7:59 in New York (summer time)
        (EASTERN, 12, 0, True),
        (f"{EASTERN}|America/Chicago", 12, 0, False),  # 7:00 in Chicago
        (f"{EASTERN}|America/Chicago", 13, 0, True),
        (EASTERN, 24, 59, True),  # 20:59
        (EASTERN, 25, 0, False),  # 21:00
        ("", 16, 0, False),
        ("Nowhere/Else", 16, 0, False),
    ],
)
def test_legal_hours_hold_in_every_zone(store, zones, hour_utc, minute, legal):
    """From 8:00 up to but not including 21:00 in each zone; an unknown zone is never legal."""
    change(store, "run", "1", hours=None)
    at_us = NOON - 16 * 3600 * S + (hour_utc * 60 + minute) * 60 * S
    store.append(attempt(0, at_us=at_us, zones=zones))
    assert broken(store) == ({} if legal else {"legal_hours": 1})


def test_legal_hours_follow_the_change_to_winter_time(store):
    """12:30 UTC is 8:30 in New York on the last summer day and 7:30 on the first winter day."""
    change(store, "run", "1", hours=None)
    saturday = NOON + 40 * DAY - 3 * 3600 * S - 1800 * S  # 2026-10-31 12:30 UTC
    store.append(attempt(0, at_us=saturday))
    assert broken(store) == {}
    store.append(attempt(1, at_us=saturday + DAY))
    assert broken(store) == {"legal_hours": 1}


@pytest.mark.parametrize(
    ("hours", "violations"), [([[0, 720, 721]], 0), ([[0, 600, 720]], 1), ([[1, 600, 900]], 1), ([], 1)]
)
def test_campaign_hours(store, hours, violations):
    """Weekday and minute are those of the called place; an empty list allows nothing."""
    change(store, "run", "1", hours=hours)
    store.append(attempt(0))
    assert found(store, "campaign_hours").violations == violations
    assert found(store, "legal_hours").violations == 0


def test_trunk_lines(store):
    """A third call on two lines is found; a line is free again at the microsecond its call ends."""
    change(store, "trunk", "t", calls_per_s=100)
    store.append([row for n in range(2) for row in attempt(n)])
    store.append(attempt(2, at_us=NOON + 10 * S))
    store.put("trunk", "other", {"lines": 2, "calls_per_s": 100})
    store.append(attempt(3, at_us=NOON + 10 * S, trunk="other"))
    assert broken(store) == {}
    store.append(attempt(4, at_us=NOON + 9 * S))
    assert broken(store) == {"trunk_lines": 1}


@pytest.mark.parametrize(("gap_us", "violations"), [(S, 0), (S - 1, 1)])
def test_trunk_rate(store, gap_us, violations):
    """At most two calls in any window of one second, also across full seconds."""
    change(store, "trunk", "t", lines=100)
    for n, at_us in enumerate([NOON - S // 2, NOON, NOON - S // 2 + gap_us]):
        store.append(attempt(n, at_us=at_us))
    assert broken(store) == ({"trunk_rate": 1} if violations else {})


def test_agent_in_two_calls(store):
    """An agent who is joined to a second call before the first one ends is found."""
    store.append(attempt(0, joined_us=NOON + S, agent="a", what=Outcome.CONNECTED))
    store.append(attempt(1, joined_us=NOON + 9 * S, agent="a", what=Outcome.CONNECTED))
    finding = found(store, "one_call_per_agent")
    assert finding.violations == 1
    assert finding.examples[0].endswith("agent a was in another call")


def test_too_many_attempts_per_contact(store):
    """A third counted attempt is found; an expired one does not count."""
    for n in range(2):
        store.append(attempt(0, try_no=n + 1, at_us=NOON + n * 3700 * S))
    store.append(attempt(0, try_no=3, at_us=NOON + 2 * 3700 * S, what=Outcome.EXPIRED, sent_us=0, ended_us=NOON + DAY))
    assert broken(store) == {}
    store.append(attempt(0, try_no=4, at_us=NOON + 3 * 3700 * S))
    assert broken(store) == {"attempts_per_contact": 1}


@pytest.mark.parametrize(("last_us", "violations"), [(3600 * S, 0), (3600 * S - 1, 1)])
def test_rolling_cap_reaches_over_runs(store, last_us, violations):
    """Two attempts within any hour; one that is an hour old, to the microsecond, no longer counts."""
    for n, at_us in enumerate([0, 60 * S, last_us]):
        store.append(attempt(n, run_no=2 if n < 2 else 1, number=NUMBER, at_us=NOON + at_us))
    assert found(store, "rolling_cap").violations == violations
    assert found(store, "rolling_cap").cases == 1


def test_lost_row_of_a_list(store):
    """A list with more rows than dialable and excluded ones is found, and so is a file that is gone."""
    change(store, "run", "1", rows=4)
    assert found(store, "rows_accounted_for").examples == ("run 1: 2 dialable + 1 excluded, 4 rows in the list",)
    change(store, "run", "1", rows=3, excluded="gone.parquet")
    assert broken(store) == {"rows_accounted_for": 1}


def test_what_cannot_be_compared_is_a_violation(store):
    """A run or trunk that the catalogue does not describe was not checked, and that is said."""
    store.append(attempt(0, run_no=2, trunk="lost"))
    assert broken(store) == {"trunk_lines": 1, "rows_accounted_for": 1}
    assert found(store, "trunk_lines").examples == ("trunk lost: its limits are not recorded",)
    assert found(store, "rows_accounted_for").examples == ("run 2: has no document in the catalogue",)
    store.put("trunk", "lost", {"lines": 1, "calls_per_s": 1})
    store.put("run", "2", {"campaign": "c"})
    assert broken(store) == {"attempts_per_contact": 1, "rows_accounted_for": 1}
    store.put("run", "2", RUN)
    assert broken(store) == {}
