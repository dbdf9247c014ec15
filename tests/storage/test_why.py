"""Reasons: the waterfall of a campaign, and where one contact stands."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dialer.domain import rows as r
from dialer.domain.ids import attempt_id
from dialer.domain.kinds import CampaignState, Outcome
from dialer.errors import DataDirectoryError, NotFoundError
from dialer.storage.store import Store
from dialer.storage.why import why_campaign, why_contact

S = 1_000_000
HOUR = 3600 * S
NOON = 1_790_006_400_000_000  # Monday 2026-09-21 16:00 UTC: noon in New York
NUMBER = 12125550100
RUN = {
    "campaign": "c",
    "contacts": "contacts.arrow",
    "excluded": "excluded.parquet",
    "retry": {"max_attempts": 2, "rest_s": 3600, "rest_by_outcome": {"no_answer": 60}},
    "zone_sets": [["America/New_York"], ["America/Los_Angeles"]],
}


@pytest.fixture
def store(tmp_path):
    """A run of ten dialable contacts, the odd ones in Los Angeles, and three excluded rows."""
    data_dir = tmp_path / "[data]*"  # a name that must not be taken for a pattern
    data_dir.mkdir()
    contacts = pa.table(
        {
            "number": pa.array([NUMBER + n for n in range(10)], pa.int64()),
            "zone_key": pa.array([n % 2 for n in range(10)], pa.int16()),
            "source_row": pa.array([n + 2 for n in range(10)], pa.int64()),
        }
    )
    with pa.ipc.new_file(data_dir / "contacts.arrow", contacts.schema) as writer:
        writer.write_table(contacts)
    rows = {"source_row": [12, 13, 14], "reason": ["duplicate", "dnc", "duplicate"]}
    pq.write_table(pa.table(rows), data_dir / "excluded.parquet")
    with Store.open(data_dir) as opened:
        opened.put("campaign", "c", {"dnc_lists": ["own"]})
        opened.put("run", "3", RUN)
        opened.append([r.CampaignStateRow(3, "c", CampaignState.ACTIVE, NOON - HOUR, "")])
        yield opened


def tried(contact, *outcomes, ended_us=NOON):
    """Attempts of one contact, all at one time; None leaves the last one open."""
    rows = []
    for n, what in enumerate(outcomes):
        key = attempt_id(3, contact, n + 1)
        at_us = ended_us - 60 * S
        rows.append(
            r.IntentRow(
                key, "c", NUMBER + contact, "t", 12125550199, at_us, at_us + 5, 1, "r", "America/New_York", 0, 1
            )
        )
        if what is not None:
            rows.append(r.OutcomeRow(key, what, "", 17, at_us, 0, 0, ended_us, ended_us))
    return rows


def listed(contact, *, added=True, name="own"):
    return r.DncRow(name, NUMBER + contact, added=added, at_us=NOON, source="api")


def campaign(store, **options):
    return why_campaign(store, "c", **options)


def contact(store, which, **options):
    return why_contact(store, "c", which, **options)


def test_waterfall_adds_up(store):
    """Each row is counted once: excluded by a reason, or dialable and in exactly one state."""
    store.append(tried(0, Outcome.CONNECTED))
    store.append(tried(1, Outcome.BUSY, Outcome.MACHINE))
    store.append(tried(2, Outcome.BUSY))
    store.append(tried(3, Outcome.NO_ANSWER, ended_us=NOON - 61 * S))
    store.append(tried(4, None))
    store.append(tried(5, Outcome.EXPIRED))
    store.append([listed(6), listed(7), listed(7, added=False), listed(8, name="not ours")])
    told = campaign(store)
    assert told == [
        ("rows in the list", 13),
        ("excluded: duplicate", 2),
        ("excluded: dnc", 1),
        ("dialable", 10),
        ("attempts used up: last machine", 1),
        ("done: connected", 1),
        ("due again", 1),
        ("in progress", 1),
        ("never tried", 4),
        ("on a do-not-call list since", 1),
        ("resting", 1),
    ]
    assert sum(count for _, count in told[4:]) == 10


def test_waterfall_at_another_moment(store):
    """A rest that is over at the given moment is over in the waterfall."""
    store.append(tried(2, Outcome.BUSY))
    assert ("due again", 1) in campaign(store, now_us=NOON + HOUR)


def test_latest_run_is_told(store):
    """A new run of the same campaign starts with nothing tried."""
    store.append(tried(0, Outcome.CONNECTED))
    store.put("run", "10", RUN)
    assert ("never tried", 10) in campaign(store)


@pytest.mark.parametrize(
    ("rows", "state", "next_us"),
    [
        (tried(0, Outcome.CONNECTED), "done", None),
        (tried(0, Outcome.BUSY, Outcome.BUSY), "used_up", None),
        (tried(0, None), "in_progress", None),
        ([listed(0)], "dnc", None),
        ([r.CampaignStateRow(3, "c", CampaignState.STOPPED, NOON, "")], "ended", None),
        (tried(0, Outcome.BUSY), "resting", NOON + HOUR),
        (tried(0, Outcome.NO_ANSWER), "resting", NOON + 60 * S),
        (tried(0, Outcome.EXPIRED), "fresh", NOON),
        ([listed(0), listed(0, added=False)], "fresh", NOON),
    ],
)
def test_contact_states(store, rows, state, next_us):
    """Each state of a contact, with the next possible moment."""
    store.append(rows)
    told = contact(store, NUMBER)
    assert (told["state"], told["next_us"]) == (state, next_us)
    assert told["reason"]


def test_contact_shows_its_attempts_and_no_number(store):
    """Attempts are told in order with their outcomes; the number is masked."""
    store.append(tried(0, Outcome.BUSY, None))
    told = contact(store, f"+{NUMBER}")
    assert [(a["try"], a["outcome"], a["cause"]) for a in told["attempts"]] == [(1, "busy", 17), (2, None, None)]
    assert told["number"] == "+*********00"
    assert str(NUMBER) not in str(told)


def test_contact_by_row(store):
    """A row names its dialable contact, or the reason why it is none."""
    store.append(tried(1, Outcome.CONNECTED))
    told = contact(store, 3)
    assert (told["state"], told["number"]) == ("done", "+*********01")
    excluded = contact(store, "13")
    assert (excluded["state"], excluded["reason"], excluded["next_us"]) == ("excluded", "dnc", None)


@pytest.mark.parametrize(
    ("which", "hours", "now_us", "next_us"),
    [
        (0, None, NOON + 9 * HOUR, NOON + 20 * HOUR),  # 21:00 in New York -> 8:00 the next day
        (1, None, NOON - 3 * HOUR, NOON - HOUR),  # 6:00 in Los Angeles -> 8:00
        (0, [[2, 600, 660]], NOON, NOON + 46 * HOUR),  # Wednesday at 10:00
        (0, [[0, 720, 721]], NOON + 59 * S, NOON + 59 * S),  # inside the only minute
        (0, [[0, 0, 480]], NOON, None),  # never inside the legal hours
    ],
)
def test_next_moment_lies_in_the_hours(store, which, hours, now_us, next_us):
    """The next moment is inside the legal hours and the campaign's own, at the contact's place."""
    store.put("run", "3", {**RUN, "hours": hours})
    assert contact(store, NUMBER + which, now_us=now_us)["next_us"] == next_us


def test_rolling_cap_delays(store):
    """A cap that is full delays the contact until its oldest attempt leaves the window."""
    store.put("run", "3", {**RUN, "caps": [[1, 2 * HOUR]]})
    store.append(tried(0, Outcome.BUSY))
    told = contact(store, NUMBER)
    assert (told["reason"], told["next_us"]) == ("rolling cap", NOON - 60 * S + 2 * HOUR)


def test_strangers_are_not_found(store):
    """An unknown campaign, number, row or word is one clear line without the number."""
    with pytest.raises(NotFoundError, match=r"^\+\*{9}50 is not among the dialable contacts of c"):
        contact(store, NUMBER + 50)
    with pytest.raises(NotFoundError, match=r"^row 99 is not among"):
        contact(store, 99)
    with pytest.raises(NotFoundError, match="by its telephone number or by its row"):
        contact(store, "Smith")
    with pytest.raises(NotFoundError, match="campaign x has no run"):
        why_campaign(store, "x")


def test_lost_contact_file(store):
    """A run whose contact file is gone is an error of the data directory."""
    (store.data_dir / "contacts.arrow").unlink()
    with pytest.raises(DataDirectoryError, match="cannot be read; restore it"):
        campaign(store)
