"""``dialer run`` on a real Ray: the report, the audit after it, and every way to end a run early."""

import json
import signal

import duckdb
import pytest

from dialer.storage.store import FILE_NAME

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

SUMMER = """\
name: summer
mode: agentless
caller_id: "+12125550101"
flow: notice
concurrency: 12
max_attempts: 2
retry_period_s: 120
amd: true
trunk: {name: main, lines: 30, calls_per_s: 10, profile: eager}
"""
KEYS = {
    *("campaign", "mode", "contacts", "dialable", "excluded", "attempts", "outcomes", "connected", "abandoned"),
    *("live_answers", "abandon_ratio", "agents", "utilisation_ratio", "dials_per_s", "answer_to_agent_ms"),
    *("wall_s", "virtual_s", "seed", "status"),
}
#: On stderr when calls are being made.
DIALLING = r"[1-9]\d* dialled"
#: A Tuesday morning from coast to coast, whatever day it is; later runs go on from there by themselves.
MORNING = "2030-01-08T18:00Z"


def run_command(*more, contacts=True):
    """The arguments of a first run, with ``contacts``, or of one that goes on."""
    files = ["--contacts", "people.csv", "--start", MORNING] if contacts else []
    return ["run", "spring.yaml", *files, "--speed", "60", "--per-actor", "4", "--data", "data", "--json", *more]


def assert_adds_up(report, dialable=24):
    assert report["contacts"] == report["dialable"] + sum(report["excluded"].values())
    assert report["attempts"] == sum(report["outcomes"].values())
    assert report["dialable"] == dialable
    assert report["open"] == 0


def assert_clean(call):
    told = call("audit", "data", "--json")
    assert (told.status, told.result["clean"]) == (0, True)
    cases = {finding["invariant"]: finding["cases"] for finding in told.result["findings"]}
    assert cases["outcome_has_intent"] > 0
    assert cases["open_intents"] == 0


def run_to_the_end(start, *more, contacts=False):
    told = start(*run_command(*more, contacts=contacts)).end()
    assert told.status == 0, told.err
    return told


def test_a_run_its_audit_and_its_reasons(start, call, folder):
    """One story on one data directory.

    1. ``run --json`` prints one object with the agreed keys as the last and only line of stdout; it adds up.
    2. ``audit`` is clean, with status 0; ``why`` accounts for every row of the list.
    3. A broken promise is put into the records: ``audit`` says which, with status 1.
    """
    told = run_to_the_end(start, "--dnc", "dnc.csv", "--seed", "5", contacts=True)
    report = told.result
    assert told.out.count("\n") == 1
    assert report.keys() >= KEYS
    assert_adds_up(report, dialable=22)
    assert report["excluded"] == {"dnc": 2}
    assert (report["status"], report["mode"], report["agents"], report["seed"]) == ("completed", "progressive", 4, 5)

    assert_clean(call)
    steps = dict(call("why", "data", "spring", "--json").result)
    assert sum(steps.values()) > 0
    contact = call("why", "data", "spring", "+12015550102", "--json").result
    assert contact["campaign"] == "spring"
    assert "2015550102" not in json.dumps(contact)

    with duckdb.connect(str(folder / "data" / FILE_NAME)) as records:
        records.execute("UPDATE outcomes SET recorded_us = 1 WHERE attempt_id = (SELECT min(attempt_id) FROM outcomes)")
    told = call("audit", "data", "--json")
    broken = {finding["invariant"] for finding in told.result["findings"] if finding["violations"]}
    assert (told.status, told.result["clean"]) == (1, False)
    assert "outcome_has_intent" in broken


def test_ctrl_c_lets_calls_end_and_the_next_run_goes_on(start, call, folder):
    """SIGINT to the whole process group, as a terminal sends it.

    1. In the middle of a run: calls drain, their outcomes are recorded, a report comes, status 130.
    2. The campaign file changes: it names another trunk, which has to wait for the next run.
    3. Without naming contacts again, the same run goes on to its end, and what was done is not done again.
    """
    first = start(*run_command())
    first.until(DIALLING)
    first.signal(signal.SIGINT)
    told = first.end()
    assert told.status == 130
    assert "Traceback" not in told.err
    report = told.result
    assert report["status"] == "interrupted"
    assert report["attempts"] > 0
    assert_adds_up(report)
    assert_clean(call)

    path = folder / "spring.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("name: main", "name: other"), encoding="utf-8")
    told = run_to_the_end(start)
    assert "the unfinished run of spring goes on as it began" in told.err
    later = told.result
    assert later["run_no"] == report["run_no"]
    assert later["status"] == "completed"
    assert later["attempts"] > report["attempts"]
    assert all(later["outcomes"][name] >= count for name, count in report["outcomes"].items())
    assert_adds_up(later)
    assert_clean(call)


def test_ctrl_c_while_starting(start, call, folder):
    """Before anything is dialled: status 130, no traceback, and the next run has a free data directory."""
    first = start(*run_command())
    first.until_there_is(folder / "data" / "ray.log")
    first.signal(signal.SIGINT)
    told = first.end()
    assert told.status == 130
    assert told.complaint.startswith("dialer: interrupted; ")
    assert told.out == ""
    assert "has no contacts yet" in call(*run_command(contacts=False)).complaint


def test_a_run_that_was_killed_goes_on(start, call, folder, numbers):
    """``kill -9`` of everything, three runs on one data directory.

    1. A run is killed with calls up, and leaves open intents.
    2. Another campaign with the same numbers runs to its end: nobody's open intents stand in its way for long.
    3. The killed run goes on under its number to its end; each number it left open counts as one attempt.
    """
    first = start(*run_command())
    first.until(DIALLING)
    first.signal(signal.SIGKILL)
    assert first.end().status == -signal.SIGKILL

    (folder / "summer.yaml").write_text(SUMMER, encoding="utf-8")
    told = when_free(start, ["run", "summer.yaml", "--contacts", "people.csv", *run_command(contacts=False)[2:]])
    assert told.status == 0, told.err
    summer = told.result
    assert_adds_up(summer)
    assert summer["status"] == "completed"

    spring = run_to_the_end(start).result
    assert (spring["run_no"], spring["status"]) == (1, "completed")
    assert_adds_up(spring)
    assert spring["outcomes"].get("unknown", 0) > 0
    assert_clean(call)


def when_free(start, command):
    """Run a command when the processes of one that was killed have let go of the data directory."""
    told = start(*command).end()
    while "is in use by another dialer process" in told.err:
        told = start(*command).end()
    return told


def test_no_contact_may_be_dialled(start, folder, numbers):
    """Every number is on the do-not-call list: one line that counts why, status 2."""
    numbers(folder / "dnc.csv", range(24))
    told = start(*run_command("--dnc", "dnc.csv")).end()
    assert told.status == 2
    assert "Traceback" not in told.err
    assert told.err.splitlines()[-1] == ("dialer: campaign spring: none of the 24 contacts may be dialled (24 dnc)")
    assert told.out == ""
