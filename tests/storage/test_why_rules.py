"""Reasons under the rules of campaigns: dispositions, callbacks, skips, several numbers, mapping, caps, hours."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dialer.domain import events as e
from dialer.domain import rows as r
from dialer.domain.ids import attempt_id
from dialer.domain.kinds import CampaignState, Outcome
from dialer.storage.store import Store
from dialer.storage.why import why_campaign, why_contact

S = 1_000_000
MINUTE = 60 * S
HOUR = 60 * MINUTE
NOON = 1_790_006_400_000_000  # Monday 2026-09-21 16:00 UTC: noon in New York, 9:00 in Los Angeles
NUMBER = 12125550100
SECOND = 13125550100
CODES = [
    {"code": "sale", "retry_s": None, "positive": True, "do_not_call": False, "callback": False},
    {"code": "undecided", "retry_s": 7200, "positive": False, "do_not_call": False, "callback": False},
    {"code": "later", "retry_s": None, "positive": False, "do_not_call": False, "callback": True},
    {"code": "never", "retry_s": None, "positive": False, "do_not_call": True, "callback": False},
]
RUN = {
    "campaign": "c",
    "mode": "preview",
    "contacts": "contacts.arrow",
    "excluded": "excluded.parquet",
    "retry": {"max_attempts": 2, "rest_s": 3600, "rest_by_outcome": {"no_answer": 60}},
    "zone_sets": [["America/New_York"], ["America/Los_Angeles"]],
    "dispositions": CODES,
    "max_skips_per_contact": 2,
    "callback_early_s": 600,
    "personal_wait_s": 900,
    "dnc_lists": ["own"],
}


@pytest.fixture
def store(tmp_path):
    """Six contacts: the even ones have a second number in Los Angeles; the last is mapped to agent a9."""
    columns = {
        "number": pa.array([NUMBER + n for n in range(6)], pa.int64()),
        "zone_key": pa.array([0] * 6, pa.uint16()),
        "number_2": pa.array([SECOND + n if n % 2 == 0 else 0 for n in range(6)], pa.int64()),
        "zone_key_2": pa.array([1 if n % 2 == 0 else 0 for n in range(6)], pa.uint16()),
        "agent_key": pa.array([0] * 5 + [1], pa.uint16()),
        "source_row": pa.array([n + 1 for n in range(6)], pa.int64()),
    }
    contacts = pa.table(columns).replace_schema_metadata({"agents": json.dumps(["", "a9"])})
    with pa.ipc.new_file(tmp_path / "contacts.arrow", contacts.schema) as writer:
        writer.write_table(contacts)
    pq.write_table(pa.table({"source_row": [7], "reason": ["filtered"]}), tmp_path / "excluded.parquet")
    with Store.open(tmp_path) as opened:
        opened.put("run", "3", RUN)
        opened.append([r.CampaignStateRow(3, "c", CampaignState.ACTIVE, NOON - HOUR, "")])
        yield opened


def call(contact, try_no, what, *, ended_us=NOON, number=None, run_no=3):
    """Intent and outcome of one attempt; None leaves it open."""
    key = attempt_id(run_no, contact, try_no)
    whom = number or NUMBER + contact
    at_us = ended_us - MINUTE
    rows = [r.IntentRow(key, "c", whom, "t", 12125550199, at_us, at_us + 5, 1, "r", "America/New_York", 0, 1)]
    if what is not None:
        rows.append(r.OutcomeRow(key, what, "a1", 16, at_us, 0, 0, ended_us, ended_us))
    return rows


def said(contact, code, callback_us=0, *, personal=False, try_no=1):
    return e.DispositionSet(attempt_id(3, contact, try_no), "a1", code, "", NOON, callback_us, personal)


def skip(contact, try_no, at_us=NOON):
    return r.SkipRow(attempt_id(3, contact, try_no), "a1", at_us)


def listed(number):
    return r.DncRow("own", number, added=True, at_us=NOON, source="api")


def told(store, contact, now_us=NOON):
    return why_contact(store, "c", NUMBER + contact, now_us=now_us)


TALKED = call(1, 1, Outcome.CONNECTED)


@pytest.mark.parametrize(
    ("rows", "now_us", "told_as"),
    [
        (TALKED, NOON, ("verdict", "connected, and the agent has not closed the call", None)),
        (TALKED, NOON + 15 * MINUTE, ("done", "connected", None)),
        ([*TALKED, said(1, "sale")], NOON, ("done", "connected", None)),
        ([*TALKED, said(1, "")], NOON, ("done", "connected", None)),
        ([*TALKED, said(1, "undecided")], NOON, ("resting", "rest after the last attempt", NOON + 2 * HOUR)),
        ([*TALKED, said(1, "undecided")], NOON + 2 * HOUR, ("due", "nothing stands against it", NOON + 2 * HOUR)),
        ([*TALKED, said(1, "never")], NOON, ("done", "do_not_call", None)),
        ([*call(1, 1, Outcome.BUSY), said(1, "never")], NOON, ("done", "do_not_call", None)),
        (
            [*TALKED, said(1, "later", NOON + HOUR)],
            NOON,
            ("callback", "a callback was asked for, by anyone", NOON + 50 * MINUTE),
        ),
        ([*TALKED, said(1, "later")], NOON, ("done", "connected", None)),
        ([*TALKED, *call(1, 2, Outcome.BUSY), said(1, "undecided")], NOON, ("used_up", "2 of 2 attempts made", None)),
        ([skip(1, 1)], NOON, ("resting", "rest after an agent skipped it", NOON + HOUR)),
        ([skip(1, 1)], NOON + HOUR, ("due", "nothing stands against it", NOON + HOUR)),
        ([skip(1, 1), skip(1, 2)], NOON + HOUR, ("done", "skipped", None)),
        ([skip(1, 1), *call(1, 2, Outcome.BUSY)], NOON, ("resting", "rest after the last attempt", NOON + HOUR)),
        (call(1, 1, None), NOON, ("in_progress", "an attempt is open", None)),
        (
            call(1, 1, None, run_no=2, number=NUMBER + 1),
            NOON,
            ("number_busy", "its number is in a call of another campaign", None),
        ),
        ([listed(NUMBER + 1)], NOON, ("dnc", "put on a do-not-call list after the list was scrubbed", None)),
        ([], NOON, ("fresh", "never tried; nothing stands against it", NOON)),
        ([], NOON + 9 * HOUR, ("parked", "outside the hours in which it may be called", NOON + 20 * HOUR)),
    ],
)
def test_states_of_one_contact(store, rows, now_us, told_as):
    """Requirements 50, 103. Each rule of a campaign gives its state, its reason, and the next possible moment."""
    store.append(rows)
    found = told(store, 1, now_us)
    assert (found["state"], found["reason"], found["next_us"]) == told_as


def test_a_callback_is_worth_a_call_beyond_the_limit(store):
    """Two attempts of two are made, and still the contact is called again: it asked."""
    store.append([*call(1, 1, Outcome.BUSY), *call(1, 2, Outcome.CONNECTED), said(1, "later", NOON + HOUR, try_no=2)])
    assert told(store, 1)["state"] == "callback"
    store.append(call(1, 3, Outcome.NO_ANSWER, ended_us=NOON + HOUR))
    assert told(store, 1, NOON + 2 * HOUR)["state"] == "used_up"


def test_a_personal_callback_waits_for_its_agent(store):
    """Due for the agent alone, until the agent has been waited for long enough."""
    store.append([*TALKED, said(1, "later", NOON + HOUR, personal=True)])
    found = told(store, 1)
    assert (found["reason"], found["agent"], found["callback_us"]) == (
        "a callback was asked for, by agent a1",
        "a1",
        NOON + HOUR,
    )
    found = told(store, 1, NOON + HOUR)
    assert (found["state"], found["reason"], found["agent"]) == (
        "agent",
        "a personal callback waits for its agent",
        "a1",
    )
    assert told(store, 1, NOON + HOUR + 15 * MINUTE)["state"] == "due"


def test_a_mapped_contact_waits_for_its_agent(store):
    """The mapping of the run's file is told with the agent's name."""
    found = told(store, 5)
    assert (found["state"], found["agent"], found["next_us"]) == ("agent", "a9", NOON)


def test_a_contact_with_several_numbers(store):
    """It goes on while one number is left; a wrong one costs no rest; each number has its own zone and list."""
    store.append(call(0, 1, Outcome.INVALID))
    found = told(store, 0)
    assert (found["state"], found["next_us"]) == ("due", NOON)
    assert told(store, 0, NOON + 9 * HOUR)["next_us"] == NOON + 9 * HOUR  # 18:00 in Los Angeles
    store.append([listed(SECOND)])
    assert told(store, 0)["state"] == "dnc"
    assert why_contact(store, "c", SECOND, now_us=NOON)["number"] == told(store, 0)["number"]
    store.append(call(0, 2, Outcome.FAX, number=SECOND))
    found = told(store, 0)
    assert (found["state"], found["reason"], found["next_us"]) == ("done", "no_number_left", None)
    store.append([listed(NUMBER + 2)])
    assert told(store, 2)["state"] == "fresh"  # the other number is free


def test_a_number_at_its_cap(store):
    """Attempts of any campaign fill the cap; the contact waits until the oldest leaves the window."""
    store.put("run", "3", {**RUN, "caps": [[1, 3 * HOUR]]})
    store.append(call(7, 1, Outcome.BUSY, run_no=2, number=NUMBER + 1))
    found = told(store, 1)
    assert (found["state"], found["reason"], found["next_us"]) == ("capped", "rolling cap", NOON - MINUTE + 3 * HOUR)


def test_the_waterfall_counts_every_contact_once(store):
    """Whatever is recorded, the states add up to the dialable contacts."""
    store.append([*call(0, 1, Outcome.CONNECTED), said(0, "later", NOON + HOUR)])
    store.append([*TALKED, skip(2, 1), skip(3, 1), skip(3, 2), *call(4, 1, Outcome.CONNECTED), said(4, "never")])
    steps = why_campaign(store, "c", now_us=NOON)
    assert steps == [
        ("rows in the list", 7),
        ("excluded: filtered", 1),
        ("dialable", 6),
        ("callback asked for", 1),
        ("done: do_not_call", 1),
        ("done: skipped", 1),
        ("due, for its agent alone", 1),
        ("resting", 1),
        ("waiting for its disposition", 1),
    ]
    night = dict(why_campaign(store, "c", now_us=NOON + 15 * HOUR))
    assert night["outside its hours"] == 3  # in both zones; who is done stays done
    store.append([r.CampaignStateRow(3, "c", CampaignState.STOPPED, NOON, "")])
    assert dict(why_campaign(store, "c", now_us=NOON))["done: connected"] == 1  # nobody waits for its code any more


def test_no_number_is_shown(store):
    """Attempts tell which number was called, masked."""
    store.append([*call(0, 1, Outcome.BUSY), *call(0, 2, Outcome.BUSY, number=SECOND)])
    found = told(store, 0)
    assert [one["number"] for one in found["attempts"]] == ["+*********00", "+*********00"]
    assert str(NUMBER)[:6] not in str(found)
