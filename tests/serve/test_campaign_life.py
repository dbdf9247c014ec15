"""The life of campaigns over HTTP: the table and its order, replay, copies, deletion, schedules, history."""
# ruff: noqa: DTZ001 - a wall clock has no zone

from dataclasses import replace
from datetime import datetime

import pytest

from dialer.domain.keeping import Status
from dialer.domain.kinds import DialingMode
from dialer.domain.schedule import RecurrenceUnit, Schedule
from dialer.errors import ConfigError, ConflictError, ContactFileError, NotFoundError

SCHEDULE = {"start": "2026-03-02T09:00", "zone": "America/New_York", "unit": "week", "weekdays": ["mon", "thu"]}


def ok(answer, status=200):
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


@pytest.fixture
def table(control):
    """Four campaigns."""
    (known,) = control.campaign_docs.values()

    def put(name, **fields):
        file = {**known["file"], "name": name}
        control.campaign_docs[name] = {**known, "name": name, "file": file, "row": replace(known["row"], **fields)}

    control.campaign_docs.clear()
    put("a", priority=3, last_run_us=30, updated_us=1)
    put("b", priority=5, last_run_us=0, updated_us=4, status=Status.READY)
    put("c", priority=1, last_run_us=1_772_442_000_000_000, updated_us=3, mode=DialingMode.AGENTLESS)
    put("d", priority=3, last_run_us=40, updated_us=2, status=Status.PAUSED)
    return control


def names(answer):
    return "".join(item["name"] for item in ok(answer)["items"])


def test_columns(api):
    """What the table shows of each campaign. Requirements 5, 7, 8, 15, 16, 17."""
    shown = ok(api("GET", "/v1/campaigns/spring"))
    assert (shown["name"], shown["lists"], shown["progress"]["contacts"]) == ("spring", ["people"], 10)
    assert shown["row"] == {
        "status": "active",
        "mode": "progressive",
        "priority": 5,
        "connection": "sales",
        "last_run_us": 20,
        "updated_us": 10,
        "next_start_us": 30,
        "ending": None,
        "version": 2,
        "schedule": {
            "start": "2026-03-02T09:00:00",
            "zone": "America/New_York",
            "end": None,
            "unit": "day",
            "every": 1,
            "weekdays": [],
            "precedence": False,
        },
        "scrub": {"at_us": 15, "rows": 11, "dialable": 10, "problem": ""},
    }


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        (None, "cdab"),  # the latest run first, never run last
        ("last_run", "badc"),
        ("name", "abcd"),
        ("priority", "cadb"),  # 1 to 5: honestly ascending
        ("-priority", "badc"),
        ("updated", "adcb"),
        ("-updated", "bcda"),
    ],
)
def test_sorting(api, table, sort, expected):
    """Also over pages, one by one. Requirements 18, 19."""
    query = "" if sort is None else f"&sort={sort}"
    assert names(api("GET", f"/v1/campaigns?limit=100{query}")) == expected
    found, cursor = "", ""
    while cursor is not None:
        page = ok(api("GET", f"/v1/campaigns?limit=1{query}{cursor and '&cursor=' + cursor}"))
        found += page["items"][0]["name"]
        cursor = page["next_cursor"]
    assert found == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=ready&status=paused", "bd"),
        ("priority=3", "ad"),
        ("mode=agentless", "c"),
        ("priority=3&status=active", "a"),
        ("status=rerun", ""),
    ],
)
def test_filters(api, table, query, expected):
    """Any of each kind, all kinds together. Requirement 5."""
    assert names(api("GET", f"/v1/campaigns?sort=name&{query}")) == expected


def test_unknown_orders_and_filters(api, table):
    for query in ("sort=luck", "status=tired", "mode=predictiv", "priority=high"):
        assert api("GET", f"/v1/campaigns?{query}").status_code == 422


def test_rerun(api, control):
    """A new run. Requirements 6, 12."""
    assert ok(api("POST", "/v1/campaigns/spring/rerun"), 202) == {"campaign": "spring", "run_no": 3, "continued": False}
    assert control.calls == [("rerun_campaign", "spring")]


def test_clone(api, control):
    """Requirements 6, 107."""
    assert ok(api("POST", "/v1/campaigns/spring/clone", json={"to": "summer"}), 201)["name"] == "summer"
    assert control.calls == [("clone_campaign", "spring", "summer")]
    assert api("POST", "/v1/campaigns/spring/clone", json={"to": "No Slug"}).status_code == 422


def test_delete(api, control):
    """Requirement 109."""
    assert ok(api("DELETE", "/v1/campaigns/spring"), 204) is None
    assert control.calls == [("delete_campaign", "spring")]


def test_schedule(api, control):
    """Put, shown, removed. Requirements 94, 95, 97."""
    put = ok(api("PUT", "/v1/campaigns/spring/schedule", json=SCHEDULE))
    schedule = Schedule("America/New_York", datetime(2026, 3, 2, 9), unit=RecurrenceUnit.WEEK, weekdays=(0, 3))
    assert control.calls == [("schedule_campaign", "spring", schedule)]
    assert put["row"]["schedule"].items() >= {"unit": "week", "weekdays": ["mon", "thu"], "end": None}.items()
    assert ok(api("DELETE", "/v1/campaigns/spring/schedule"))["row"]["schedule"] is None
    assert control.calls[1] == ("schedule_campaign", "spring", None)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("zone", "Mars/Olympus", "unknown time zone"),
        ("end", "2026-03-01T09:00", "the end must be after the start"),
        ("start", "2026-03-02T09:00:00Z", "wall-clock time"),
        ("every", 101, "less than or equal to 100"),
    ],
)
def test_a_schedule_that_is_wrong(api, control, field, value, words):
    """The field and what is allowed. Requirement 94."""
    answer = api("PUT", "/v1/campaigns/spring/schedule", json={**SCHEDULE, field: value})
    assert answer.status_code == 422
    assert words in answer.json()["errors"][0]["message"]
    assert control.calls == []


def test_history(api, control):
    """Runs, and occurrences that did not become one; page by page. Requirements 96, 108."""
    shown = ok(api("GET", "/v1/campaigns/spring/runs"))["items"]
    assert shown == [
        {
            "no": 1,
            "run_no": 1,
            "ending": "stopped",
            "reason": "stopped by an operator",
            "scheduled_us": None,
            "started_us": 20,
            "ended_us": 25,
        },
        {
            "no": 2,
            "run_no": None,
            "ending": "skipped",
            "reason": "the dialer was not running",
            "scheduled_us": 30,
            "started_us": None,
            "ended_us": 45,
        },
    ]
    page = ok(api("GET", "/v1/campaigns/spring/runs?limit=1"))
    assert ok(api("GET", f"/v1/campaigns/spring/runs?cursor={page['next_cursor']}"))["items"] == shown[1:]


@pytest.mark.parametrize(
    "request_",
    [
        ("POST", "rerun", None),
        ("POST", "clone", {"to": "summer"}),
        ("PUT", "schedule", SCHEDULE),
        ("DELETE", "schedule", None),
        ("DELETE", "", None),
        ("POST", "start", None),
    ],
)
@pytest.mark.parametrize(
    ("error", "status"), [(ConflictError, 409), (NotFoundError, 404), (ConfigError, 422), (ContactFileError, 422)]
)
def test_refusals(api, control, request_, error, status):
    """A status of its kind, and the words of the keeper. Requirements 101, 106, 109, 111."""
    method, address, body = request_
    control.error = error("campaign spring is running; stop it first")
    answer = api(method, f"/v1/campaigns/spring/{address}".rstrip("/"), json=body)
    assert answer.status_code == status
    assert answer.json()["detail"] == "campaign spring is running; stop it first"


def test_an_edit_that_is_refused(api, control):
    """Requirement 106."""
    control.error = ConflictError("campaign spring is running; stop it before you change it")
    file = {"name": "spring", "mode": "progressive", "caller_id": "+12125550199", "queue": "sales"}
    answer = api("PUT", "/v1/campaigns/spring", json={"file": file, "lists": ["people"]})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:dialer:error:conflict")


def test_progress_may_be_asked_for_again_and_again(api):
    """It is never kept on the way; the description says how often. Requirement 14."""
    answer = api("GET", "/v1/campaigns/spring/progress")
    assert answer.headers["Cache-Control"] == "no-store"
    schemas = ok(api("GET", "/openapi.json"))["components"]["schemas"]
    assert "every 5 s" in schemas["Campaign"]["properties"]["progress"]["description"]
