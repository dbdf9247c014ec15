"""The store: what is durable, what is refused, and what a restart reads back."""

import dataclasses
import json
import subprocess
import sys
import threading

import duckdb
import pytest

from dialer.domain import events as e
from dialer.domain import rows as r
from dialer.domain.flow import FlowResult
from dialer.domain.flow_talk import FlowEnded
from dialer.domain.ids import attempt_id, run_of
from dialer.domain.kinds import UNDIALLED, AgentState, CampaignState, Outcome
from dialer.errors import ConflictError, DataDirectoryError
from dialer.storage import store as store_module
from dialer.storage.records import RECORDS, group
from dialer.storage.replay import ledger_replay, run_history
from dialer.storage.sql import load
from dialer.storage.store import FILE_NAME, SCHEMA_VERSION, Store

NUMBER = 12125550100
T0 = 1_790_000_000_000_000


def intent(attempt, *, number=NUMBER, at_us=T0):
    zones = "America/New_York|America/Chicago"
    return r.IntentRow(attempt, "c", number, "t", 12125550199, at_us, at_us + 5_000_000, 3, "us-1", zones, 2, 7)


def outcome(attempt, what=Outcome.BUSY, *, ended_us=T0 + 9):
    return r.OutcomeRow(attempt, what, "a1", 17, T0 + 1, T0 + 2, T0 + 3, ended_us, T0 + 10)


def one_of_each():
    attempt = attempt_id(4, 5, 6)
    return [
        intent(attempt),
        outcome(attempt),
        e.DispositionSet(attempt, "a1", "sale", "called back", T0 + 20, T0 + 999, personal=True),
        e.AgentSessionChanged("a1", AgentState.BREAK, T0 + 30, "lunch"),
        r.SkipRow(attempt_id(4, 6, 1), "a1", T0 + 35),
        FlowEnded(attempt, "survey", 2, "end", FlowResult.COMPLETED, '{"menu": "1"}', T0 + 35),
        r.DncRow("internal", NUMBER, added=True, at_us=T0 + 40, source="api"),
        r.CampaignStateRow(4, "c", CampaignState.ACTIVE, T0 + 50, "start"),
    ]


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "data") as opened:
        yield opened


@pytest.mark.parametrize("row", one_of_each(), ids=lambda row: type(row).__name__)
def test_every_journal_row_reads_back_equal(store, row):
    """A row of each class survives closing and opening without a change to any field or type."""
    store.append([row])
    store.close()
    with Store.open_read_only(store.data_dir) as reader:
        record = RECORDS[type(row)]
        (back,) = record.to_rows(reader.table(f"SELECT * FROM {record.table}"))
    assert back == row
    assert [type(getattr(back, name)) for name in record.schema.names] == [
        type(getattr(row, name)) for name in record.schema.names
    ]


def test_run_number_is_stored_beside_the_attempt(store):
    """The run number column equals the run part of the attempt id in all four tables of attempts."""
    store.append(one_of_each())
    for table in ("intents", "outcomes", "dispositions", "skips"):
        ((attempt, run_no),) = store.rows(f"SELECT attempt_id, run_no FROM {table}")
        assert run_no == run_of(attempt) == 4


@pytest.mark.parametrize("row", one_of_each()[:5], ids=lambda row: type(row).__name__)
def test_a_repeated_row_changes_nothing(store, row):
    """The same row in the same batch and in a later one is kept once."""
    store.append([row, row])
    store.append([row])
    assert store.rows(f"SELECT count(*) FROM {RECORDS[type(row)].table}") == [(1,)]


def test_first_outcome_stands(store):
    """A second outcome of an attempt does not replace the first."""
    store.append([intent(1), outcome(1, Outcome.CONNECTED)])
    store.append([outcome(1, Outcome.FAILED)])
    assert store.rows("SELECT outcome FROM outcomes") == [(Outcome.CONNECTED,)]


def test_batch_is_all_or_nothing(store):
    """If one table of a batch cannot be written, no row of the batch is."""
    store.rows("DROP TABLE campaign_states")
    with pytest.raises(DataDirectoryError):
        store.append(one_of_each())
    assert store.rows("SELECT count(*) FROM intents") == [(0,)]
    store.append([intent(9)])  # and the store is still usable
    assert store.rows("SELECT count(*) FROM intents") == [(1,)]


def test_strange_row_is_refused():
    """A class the journal does not know is named in the error."""
    with pytest.raises(TypeError, match="Lease"):
        group([e.Lease(1, 2, 3, 4)])


def test_appended_rows_survive_a_killed_process(tmp_path):
    """Rows are on disk when append returns: the process ends at once, without closing."""
    script = (
        "import os, pathlib, sys\n"
        "from dialer.domain.rows import DncRow\n"
        "from dialer.storage.store import Store\n"
        "store = Store.open(pathlib.Path(sys.argv[1]))\n"
        f"store.append([DncRow('internal', {NUMBER}, True, 5, 'api')])\n"
        "os._exit(9)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert ended.returncode == 9
    with Store.open_read_only(tmp_path) as reader:
        assert ledger_replay(reader, since_us=0).dnc == [("internal", NUMBER, True)]


def test_epochs_increase_for_each_actor_across_restarts(tmp_path):
    """Epochs start at 1, grow by one for each actor alone, and go on after reopening."""
    with Store.open(tmp_path) as store:
        assert [store.enlist("trunk", "a"), store.enlist("trunk", "a"), store.enlist("trunk", "b")] == [1, 2, 1]
    with Store.open(tmp_path) as store:
        assert store.enlist("trunk", "a") == 3


def test_concurrent_enlisting_never_repeats_an_epoch(store):
    """Eight threads that enlist the same actor get eight different epochs."""
    got = []
    threads = [threading.Thread(target=lambda: got.append(store.enlist("agent", "x"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == list(range(1, 9))


def test_run_numbers_are_never_given_twice(tmp_path):
    """Run numbers go on after reopening."""
    with Store.open(tmp_path) as store:
        assert [store.next_run_no(), store.next_run_no()] == [1, 2]
    with Store.open(tmp_path) as store:
        assert store.next_run_no() == 3


def test_run_numbers_end_with_an_error(store, monkeypatch):
    """The run after the last one an attempt id can hold is refused."""
    monkeypatch.setattr(store_module, "MAX_RUN", 1)
    assert store.next_run_no() == 1
    with pytest.raises(ConflictError, match="start a new data directory"):
        store.next_run_no()


def test_catalogue_keeps_the_newest_document(store):
    """Put, get, all and delete; versions go on after a deletion."""
    assert [store.put("trunk", "b", {"lines": 1}), store.put("trunk", "b", {"lines": 2})] == [1, 2]
    store.put("trunk", "a", {"nested": [{"x": None}]})
    assert store.get("trunk", "b") == {"lines": 2}
    assert store.all("trunk") == [("a", {"nested": [{"x": None}]}), ("b", {"lines": 2})]
    assert store.delete("trunk", "b") is True
    assert store.delete("trunk", "b") is False
    assert store.get("trunk", "b") is None
    assert store.all("trunk") == [("a", {"nested": [{"x": None}]})]
    assert store.put("trunk", "b", {}) == 4
    assert store.get("pool", "a") is None


def test_audit_log_keeps_who_did_what(store):
    """Entries stand in the order of the calls, with a time."""
    store.audit_log("ann", "dnc.add", {"count": 2})
    store.audit_log("bob", "run.stop", {})
    rows = store.rows("SELECT who, what, details, at_us FROM audit_log ORDER BY seq")
    assert [(who, what, json.loads(details)) for who, what, details, _ in rows] == [
        ("ann", "dnc.add", {"count": 2}),
        ("bob", "run.stop", {}),
    ]
    assert all(at_us > T0 - 10**15 for *_, at_us in rows)


def test_second_writer_is_refused_in_one_line(store):
    """Another process that opens the same directory gets one clear line."""
    script = "import pathlib, sys; from dialer.storage.store import Store; Store.open(pathlib.Path(sys.argv[1]))"
    ended = subprocess.run(
        [sys.executable, "-c", script, str(store.data_dir)], check=False, capture_output=True, text=True
    )
    last = ended.stderr.splitlines()[-1]
    assert last.endswith("is in use by another dialer process; stop it first")
    assert "DataDirectoryError" in last


def test_newer_directory_is_refused(tmp_path):
    """A higher schema version is refused with both numbers, and left as it is."""
    with Store.open(tmp_path) as store:
        store.rows("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    expected = f"written by a newer dialer .schema 99, this one knows {SCHEMA_VERSION}.; upgrade the dialer"
    for opening in (Store.open, Store.open_read_only):
        with pytest.raises(DataDirectoryError, match=expected):
            opening(tmp_path)


def test_empty_file_migrates_forward_and_reader_asks_for_it(tmp_path):
    """A file without a schema is brought up to date by a writer, and refused by a reader until then."""
    duckdb.connect(str(tmp_path / FILE_NAME)).close()
    with pytest.raises(DataDirectoryError, match="has schema 0"):
        Store.open_read_only(tmp_path)
    with Store.open(tmp_path) as store:
        assert store.rows(load("store")["schema_version"]) == [(str(SCHEMA_VERSION),)]


def version_1(where):
    """A data directory as the first version left it: one attempt with its disposition, and an agent's session."""
    with duckdb.connect(str(where / FILE_NAME)) as connection:
        connection.execute(load("schema")["version_1"])
        connection.execute("INSERT INTO meta VALUES ('schema_version', '1')")
        attempt = attempt_id(4, 5, 6)
        connection.execute("INSERT INTO dispositions VALUES (?, 4, 'a1', 'sale', 'notes', 7)", [attempt])
        connection.execute("INSERT INTO agent_sessions VALUES ('a1', 'break', 8)")
    return attempt


def test_file_of_the_first_version_is_brought_up_to_date(tmp_path):
    """What was recorded is kept, without callback and reason, and the new rows are taken; a reader waits for it."""
    attempt = version_1(tmp_path)
    with pytest.raises(DataDirectoryError, match="has schema 1, not 2; start the dialer on it once"):
        Store.open_read_only(tmp_path)
    with Store.open(tmp_path) as store:
        store.append(one_of_each())
    with Store.open_read_only(tmp_path) as store:
        (said,) = RECORDS[e.DispositionSet].to_rows(store.table("SELECT * FROM dispositions"))
        assert said == e.DispositionSet(attempt, "a1", "sale", "notes", 7)  # the first one stands
        breaks = RECORDS[e.AgentSessionChanged].to_rows(store.table("SELECT * FROM agent_sessions ORDER BY at_us"))
        assert [one.reason for one in breaks] == ["", "lunch"]
        assert store.rows("SELECT agent, reason FROM agent_history ORDER BY changed_at") == [
            ("a1", ""),
            ("a1", "lunch"),
        ]
        assert store.rows("SELECT count(*) FROM skips") == [(1,)]


def test_migration_survives_a_killed_process(tmp_path):
    """The process that has brought the file up to date ends at once, without closing."""
    version_1(tmp_path)
    script = (
        "import os, pathlib, sys\n"
        "from dialer.domain.rows import SkipRow\n"
        "from dialer.storage.store import Store\n"
        "Store.open(pathlib.Path(sys.argv[1])).append([SkipRow(9, 'a1', 5)])\n"
        "os._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False).returncode == 9
    with Store.open(tmp_path) as store:
        assert store.rows("SELECT count(*) FROM skips UNION ALL SELECT count(*) FROM dispositions") == [(1,), (1,)]


def test_foreign_file_is_refused(tmp_path):
    """Somebody else's database is not migrated."""
    connection = duckdb.connect(str(tmp_path / FILE_NAME))
    connection.execute("CREATE TABLE theirs (x INTEGER)")
    connection.close()
    with pytest.raises(DataDirectoryError, match="was not written by the dialer"):
        Store.open(tmp_path)


def test_damaged_file_is_refused(tmp_path):
    """A file that is no database is called damaged, in one line."""
    (tmp_path / FILE_NAME).write_bytes(b"not a database" * 1000)
    with pytest.raises(DataDirectoryError, match="is damaged; restore it from a backup") as caught:
        Store.open(tmp_path)
    assert "\n" not in str(caught.value)


def test_directory_that_cannot_be_made_is_refused(tmp_path):
    """A path below a file is refused with the reason."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataDirectoryError, match="cannot create data directory"):
        Store.open(tmp_path / "file" / "data")


def test_reader_needs_a_data_directory(tmp_path):
    """Reading never creates anything."""
    with pytest.raises(DataDirectoryError, match="is not a data directory"):
        Store.open_read_only(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_ledger_replay_tells_open_recent_and_listed(store):
    """Open intents, attempts that count or may count since a moment, and list changes in order."""
    store.append([intent(n, number=NUMBER + n, at_us=T0 + n) for n in range(1, 7)])
    store.append([outcome(1), outcome(2, Outcome.EXPIRED), outcome(3, Outcome.WITHDRAWN), outcome(6, Outcome.UNKNOWN)])
    store.append([outcome(4, Outcome.TRUNK_REFUSED)])
    store.append([r.DncRow("l", NUMBER, added=added, at_us=T0, source="s") for added in (True, False, True)])
    replay = ledger_replay(store, since_us=T0 + 1)
    assert replay.open_intents == [(5, NUMBER + 5, T0 + 5, T0 + 5_000_005)]
    assert replay.recent == [(NUMBER + n, T0 + n) for n in (1, 5, 6)]
    assert replay.dnc == [("l", NUMBER, True), ("l", NUMBER, False), ("l", NUMBER, True)]
    assert ledger_replay(store, since_us=T0 + 2).recent == [(NUMBER + n, T0 + n) for n in (5, 6)]


def test_undialled_outcomes_of_the_queries_are_those_of_the_domain():
    """The outcome numbers written into the queries name exactly the un-dialled outcomes."""
    assert {int(outcome) for outcome in UNDIALLED} == {13, 14, 15}


def test_run_history_is_one_run_only(store):
    """Closed and open attempts by attempt id, and the last state, of this run and no other."""
    ours = [attempt_id(2, contact, 1) for contact in (3, 1, 2)]
    store.append(
        [intent(n, number=NUMBER + i) for i, n in enumerate([*ours, attempt_id(1, 9, 1), attempt_id(3, 0, 1)])]
    )
    store.append([outcome(ours[0], ended_us=T0 + 7), outcome(ours[2], Outcome.MACHINE), outcome(attempt_id(1, 9, 1))])
    for state in (CampaignState.ACTIVE, CampaignState.PAUSED):
        store.append([r.CampaignStateRow(2, "c", state, T0, "")])
    history = run_history(store, 2)
    assert history.closed == [(ours[2], 3, T0 + 9, NUMBER + 2), (ours[0], 5, T0 + 7, NUMBER)]
    assert history.open == [(ours[1], NUMBER + 1, T0, T0 + 5_000_000)]
    assert history.state is CampaignState.PAUSED
    empty = run_history(store, 77)
    assert (empty.closed, empty.open, empty.state) == ([], [], CampaignState.READY)


def test_run_history_tells_dispositions_and_skips(store):
    """What agents said of the run's attempts, and which offers they skipped, by attempt id."""
    first, second, other = attempt_id(2, 1, 1), attempt_id(2, 2, 1), attempt_id(3, 1, 1)
    store.append([e.DispositionSet(second, "a2", "callback_asked", "", T0 + 2, T0 + 50, personal=True)])
    store.append([e.DispositionSet(key, "a1", "sale", "", T0 + 1) for key in (first, other)])
    store.append([r.SkipRow(key + 1, "a3", T0 + 3) for key in (second, first, other)])
    history = run_history(store, 2)
    assert history.dispositions == [
        (first, "sale", "a1", 0, False, T0 + 1),
        (second, "callback_asked", "a2", T0 + 50, True, T0 + 2),
    ]
    assert history.skips == [(first + 1, "a3", T0 + 3), (second + 1, "a3", T0 + 3)]


def test_run_history_tells_the_abandonment_of_thirty_days(store):
    """Live answers of all runs of the campaign count, for thirty days from their end, and those of no other one."""
    days = 86_400_000_000

    def answered(run_no, contact, what, ended_us, campaign="c"):
        key = attempt_id(run_no, contact, 1)
        row = dataclasses.replace(intent(key, number=NUMBER + key % 1000, at_us=ended_us - 9), campaign=campaign)
        return [row, outcome(key, what, ended_us=ended_us)]

    store.append(answered(1, 1, Outcome.ABANDONED, T0))  # thirty days ago: no more
    store.append(answered(1, 2, Outcome.ABANDONED, T0 + 1))
    store.append(answered(2, 1, Outcome.CONNECTED, T0 + 5 * days))
    store.append(answered(2, 2, Outcome.HUNG_UP, T0 + 5 * days))
    store.append(answered(2, 3, Outcome.BUSY, T0 + 5 * days))
    store.append(answered(3, 1, Outcome.ABANDONED, T0 + 30 * days, campaign="d"))
    history = run_history(store, 2, now_us=T0 + 30 * days)
    assert (history.live_answers, history.abandoned) == (3, 1)
    later = run_history(store, 2, now_us=T0 + 30 * days + 1)
    assert (later.live_answers, later.abandoned) == (2, 0)
    assert (run_history(store, 77).live_answers, run_history(store, 77).abandoned) == (0, 0)


def test_ledger_replay_counts_failures_in_a_row(store):
    """Attempts since somebody last answered, over all runs; not made is not failed, and unasked nothing is counted."""
    made = [
        (1, Outcome.BUSY),
        (1, Outcome.HUNG_UP),
        (1, Outcome.NO_ANSWER),
        (1, Outcome.EXPIRED),
        (1, Outcome.UNKNOWN),
        (2, Outcome.MACHINE),
        (3, Outcome.BUSY),
        (3, Outcome.CONNECTED),
    ]
    for at, (contact, what) in enumerate(made):
        key = attempt_id(at + 1, contact, 1)
        ended = dataclasses.replace(outcome(key, what), recorded_us=T0 + at)
        store.append([intent(key, number=NUMBER + contact), ended])
    assert ledger_replay(store, since_us=0, failures=True).failures == [(NUMBER + 1, 2), (NUMBER + 2, 1)]
    assert ledger_replay(store, since_us=0).failures == []


def test_views_show_times(store):
    """The attempts view has one line per attempt, with UTC times, and no time where a stage was not reached."""
    store.append(one_of_each())
    store.append([intent(attempt_id(4, 6, 1))])
    rows = store.rows("SELECT epoch_us(intent_at), epoch_us(ended_at), code FROM attempts ORDER BY attempt_id")
    assert rows == [(T0, T0 + 9, "sale"), (T0, None, None)]
