"""The audit of campaign rules: silent where a rule allows what happened, loud where none does."""

import duckdb
import pytest

from dialer.domain import events as e
from dialer.domain import rows as r
from dialer.domain.ids import attempt_id
from dialer.domain.kinds import Outcome
from dialer.storage.audit import audit_store
from dialer.storage.store import FILE_NAME, Store

S = 1_000_000
DAY = 86_400 * S
NOON = 1_790_006_400_000_000  # Monday 2026-09-21 16:00 UTC: noon in New York
NUMBER = 12125550100
CODES = [
    {"code": "sale", "retry_s": None, "callback": False, "do_not_call": False},
    {"code": "undecided", "retry_s": 60, "callback": False, "do_not_call": False},
    {"code": "later", "retry_s": None, "callback": True, "do_not_call": False},
    {"code": "never", "retry_s": None, "callback": False, "do_not_call": True},
]
RUN = {"campaign": "c", "mode": "power", "rows": 0, "retry": {"max_attempts": 2}, "dispositions": CODES}
WATCHED = {
    "attempts_per_contact",
    "connected_once",
    "asked_not_to_be_called",
    "dispositions_of_calls",
    "skips_are_no_attempts",
    "one_record_per_attempt",
    "abandonment",
}


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path) as opened:
        opened.put("run", "1", RUN)
        yield opened


def attempt(contact, try_no, what, *, at_us=None, run_no=1, campaign="c"):
    """Intent and outcome of one attempt; the tries of a contact are an hour apart."""
    key = attempt_id(run_no, contact, try_no)
    at_us = NOON + (try_no - 1) * 3600 * S if at_us is None else at_us
    intent = r.IntentRow(
        key, campaign, NUMBER + contact, "t", 12125550199, at_us, at_us + 5 * S, 1, "r", "America/New_York", 0, 1
    )
    return [intent, r.OutcomeRow(key, what, "", 0, at_us, at_us, 0, at_us + 9 * S, at_us + 9 * S)]


def said(contact, try_no, code, callback_us=0):
    wrapped_up_us = NOON + (try_no - 1) * 3600 * S + 20 * S
    return e.DispositionSet(attempt_id(1, contact, try_no), "a", code, "", wrapped_up_us, callback_us)


def broken(store):
    """Violations of the rules of campaigns."""
    return {f.invariant: f.violations for f in audit_store(store) if f.violations and f.invariant in WATCHED}


@pytest.mark.parametrize(
    ("code", "callback_us", "expected"),
    [
        (None, 0, {"connected_once": 1}),
        ("", 0, {"connected_once": 1}),
        ("sale", 0, {"connected_once": 1}),
        ("unknown", 0, {"connected_once": 1}),
        ("undecided", 0, {}),
        ("later", NOON + 3600 * S, {}),
        ("later", 0, {"connected_once": 1}),
        ("never", 0, {"connected_once": 1, "asked_not_to_be_called": 1}),
    ],
)
def test_connected_contacts_are_left_alone(store, code, callback_us, expected):
    """Requirement 103. After a connection only a code with a retry, or a callback that was asked for, allows a call."""
    store.append([*attempt(0, 1, Outcome.CONNECTED), *attempt(0, 2, Outcome.BUSY)])
    if code is not None:
        store.append([said(0, 1, code, callback_us)])
    assert broken(store) == expected


def test_connection_need_not_be_final(store):
    """A campaign that tries connected contacts again by its outcomes may."""
    store.put("run", "1", {**RUN, "retry": {"max_attempts": 2, "final": ["invalid"]}})
    store.append([*attempt(0, 1, Outcome.CONNECTED), *attempt(0, 2, Outcome.BUSY)])
    assert broken(store) == {}


def test_each_callback_is_one_more_attempt(store):
    """Two of two attempts, and one for the callback; the fourth is one too many."""
    store.append([*attempt(0, 1, Outcome.BUSY), *attempt(0, 2, Outcome.CONNECTED), said(0, 2, "later", NOON + DAY)])
    store.append(attempt(0, 3, Outcome.BUSY))
    assert broken(store) == {}
    store.append(attempt(0, 4, Outcome.BUSY))
    assert broken(store) == {"attempts_per_contact": 1}


def test_who_asked_not_to_be_called_is_not(store):
    """A call that was allowed within five seconds of the agent's word had not heard of it yet."""
    store.append([*attempt(0, 1, Outcome.HUNG_UP), said(0, 1, "never")])
    store.append(attempt(0, 2, Outcome.BUSY, at_us=NOON + 25 * S))
    assert broken(store) == {}
    store.append([*attempt(1, 1, Outcome.HUNG_UP), said(1, 1, "never")])
    store.append(attempt(1, 2, Outcome.BUSY, at_us=NOON + 25 * S + 1))
    assert broken(store) == {"asked_not_to_be_called": 1}


def test_a_skip_is_no_attempt(store):
    """Requirement 50. An offer that was skipped is never dialled under its id."""
    store.append([r.SkipRow(attempt_id(1, 0, 1), "a", NOON), *attempt(0, 2, Outcome.BUSY)])
    assert broken(store) == {}
    store.append(attempt(0, 1, Outcome.EXPIRED))
    assert broken(store) == {"skips_are_no_attempts": 1}


def test_a_disposition_is_of_a_call(store):
    """A code for what was never to be dialled is found."""
    store.append([said(0, 1, "sale")])
    assert broken(store) == {"dispositions_of_calls": 1}


@pytest.mark.parametrize("table", ["dispositions", "skips"])
def test_two_records_of_one_attempt(store, table):
    """A second disposition or skip is found, should the table's key ever be lost."""
    store.append([*attempt(0, 1, Outcome.CONNECTED), said(0, 1, "sale"), r.SkipRow(attempt_id(1, 1, 1), "a", NOON)])
    store.close()
    with duckdb.connect(str(store.data_dir / FILE_NAME)) as connection:
        connection.execute(f"CREATE TABLE copy AS SELECT * FROM {table}")
        connection.execute(f"DROP TABLE {table}")
        connection.execute(f"CREATE TABLE {table} AS SELECT * FROM copy UNION ALL SELECT * FROM copy")
        connection.execute("DROP TABLE copy")
    with Store.open(store.data_dir) as again:
        assert broken(again) == {"one_record_per_attempt": 1}


def answers(live, abandoned, *, at_us=NOON, run_no=1, campaign="c"):
    """So many live answers, the first ones abandoned."""
    return [
        row
        for n in range(live)
        for row in attempt(
            n,
            1,
            Outcome.ABANDONED if n < abandoned else Outcome.CONNECTED,
            at_us=at_us + n * 20 * S,
            run_no=run_no,
            campaign=campaign,
        )
    ]


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (("power", 0.03, 100, 3), {}),
        (("power", 0.03, 100, 4), {"abandonment": 1}),
        (("predictive", 0.02, 100, 3), {"abandonment": 1}),
        (("predictive", 0.5, 100, 4), {"abandonment": 1}),  # no campaign may more than the law
        (("progressive", 0.03, 100, 4), {}),  # does not dial ahead: who is abandoned is an accident
        (("power", 0.03, 99, 9), {}),  # too few to be a share
    ],
)
def test_abandonment(store, case, expected):
    """The limit is that of the campaign, never above the law's."""
    mode, limit, live, abandoned = case
    store.put("run", "1", {**RUN, "mode": mode, "abandon_limit_ratio": limit})
    store.append(answers(live, abandoned))
    assert broken(store) == expected


def test_abandonment_is_over_thirty_days_and_all_runs(store):
    """What is older does not count, the runs of one campaign count together, those of another do not."""
    for run_no in (2, 3, 4):
        store.put("run", str(run_no), {**RUN, "campaign": "d" if run_no == 4 else "c"})
    store.append(answers(100, 90, at_us=NOON - 31 * DAY))
    store.append(answers(60, 2, run_no=2))
    store.append(answers(60, 1, run_no=3, at_us=NOON + DAY))
    store.append(answers(90, 50, run_no=4, at_us=NOON + 2 * DAY, campaign="d"))
    assert broken(store) == {}
    store.append(answers(61, 61, run_no=3, at_us=NOON + DAY)[-2:])
    assert broken(store) == {"abandonment": 1}
