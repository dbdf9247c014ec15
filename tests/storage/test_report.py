"""The report of a run, computed from records written by hand."""

import dataclasses

import pytest

from dialer.domain import events as e
from dialer.domain import rows as r
from dialer.domain.ids import attempt_id
from dialer.domain.kinds import AgentState, CampaignState, Outcome
from dialer.errors import NotFoundError
from dialer.storage.report import campaign_report, run_report
from dialer.storage.store import Store

T0 = 1_790_000_040_000_000  # a whole minute, twenty minutes before an hour
S = 1_000_000
HOUR = 3600 * S


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path) as opened:
        yield opened


def call(contact, what, *, run_no=1, sent_s=1.0, answered_s=0.0, joined_s=0.0, ended_s=10.0, agent=""):
    """Intent and outcome of one attempt; seconds after T0, 0 for a stage that was not reached."""
    attempt = attempt_id(run_no, contact, 1)
    at = [round(T0 + s * S) if s else 0 for s in (sent_s, answered_s, joined_s, ended_s)]
    intent_us = at[0] or T0
    return [
        r.IntentRow(
            attempt, f"c{run_no}", 12125550100 + contact, "t", 12125550199, intent_us, T0 + HOUR, 1, "r", "UTC", 0, 1
        ),
        r.OutcomeRow(attempt, what, agent, 0, *at, at[3]),
    ]


def state(what, at_s, run_no=1):
    return r.CampaignStateRow(run_no, f"c{run_no}", what, T0 + at_s * S, "")


def session(agent, what, at_s):
    return e.AgentSessionChanged(agent, what, T0 + at_s * S)


def wrap_up(contact, agent, at_s, run_no=1):
    return e.DispositionSet(attempt_id(run_no, contact, 1), agent, "", "", T0 + at_s * S)


def test_counts_and_ratio(store):
    """Un-dialled attempts count nowhere; the abandonment ratio is over all who answered in person."""
    kinds = [Outcome.CONNECTED] * 2 + [Outcome.ABANDONED, Outcome.HUNG_UP, Outcome.BUSY, Outcome.EXPIRED]
    store.append([row for n, what in enumerate(kinds) for row in call(n, what)])
    store.append([call(20, Outcome.BUSY)[0], *call(21, Outcome.BUSY, run_no=2)])
    report = run_report(store, 1)
    assert report["attempts"] == 5
    assert report["outcomes"] == {"connected": 2, "abandoned": 1, "busy": 1, "hung_up": 1}
    assert report["undialled"] == {"expired": 1}
    assert report["open"] == 1
    assert (report["connected"], report["abandoned"], report["live_answers"]) == (2, 1, 4)
    assert report["abandon_ratio"] == 0.25
    assert report["campaign"] == "c1"


def test_nobody_answered(store):
    """Without live answers, agents or time, every ratio is 0."""
    store.append([state(CampaignState.ACTIVE, 0)])
    report = run_report(store, 1)
    ratios = ("abandon_ratio", "utilisation_ratio", "dials_per_s", "agents", "virtual_s", "attempts")
    assert [report[name] for name in ratios] == [0] * 6
    assert report["answer_to_agent_ms"] == {"p50": 0, "p99": 0, "max": 0}
    assert report["timeline"] == []


def test_utilisation_is_busy_over_staffed_time(store):
    """Talk and wrap-up over logged-in time without the break: (40 + 10) / (100 - 50) and (0) / 50 make one half."""
    store.append([state(CampaignState.ACTIVE, 0), state(CampaignState.COMPLETED, 100)])
    store.append(call(1, Outcome.CONNECTED, answered_s=4, joined_s=5, ended_s=45, agent="a"))
    store.append([wrap_up(1, "a", 55)])
    store.append(
        [session("a", AgentState.IDLE, -20), session("a", AgentState.BREAK, 60), session("a", AgentState.IDLE, 100)]
    )
    store.append([session("a", AgentState.IDLE, 90), session("a", AgentState.OFFLINE, 120)])
    store.append([session("b", AgentState.IDLE, 50), session("b", AgentState.OFFLINE, 80)])
    report = run_report(store, 1)
    assert report["agents"] == 2
    assert report["utilisation_ratio"] == pytest.approx(50 / (60 + 10 + 30))


def test_agents_of_other_runs_are_not_staff(store):
    """An agent who took only another run's calls does not count; one who shared both counts with all calls."""
    store.append([state(CampaignState.ACTIVE, 0), state(CampaignState.COMPLETED, 100)])
    for agent in ("shared", "other"):
        store.append([session(agent, AgentState.IDLE, 0)])
    store.append(call(1, Outcome.CONNECTED, answered_s=9, joined_s=10, ended_s=30, agent="shared"))
    store.append(call(2, Outcome.CONNECTED, run_no=2, answered_s=39, joined_s=40, ended_s=50, agent="shared"))
    store.append(call(3, Outcome.CONNECTED, run_no=2, answered_s=9, joined_s=10, ended_s=99, agent="other"))
    report = run_report(store, 1)
    assert report["agents"] == 1
    assert report["utilisation_ratio"] == pytest.approx(0.3)


def test_agentless_run_has_no_staff(store):
    """Agents who are logged in while an agentless run dials are not its staff."""
    store.append([session("a", AgentState.IDLE, 0), state(CampaignState.ACTIVE, 0)])
    store.append(call(1, Outcome.CONNECTED, answered_s=2, joined_s=2))
    assert run_report(store, 1)["agents"] == 0


def test_answer_to_agent_is_in_wall_milliseconds(store):
    """Recorded waits are divided by the speed; calls without an agent are left out."""
    for n in range(1, 101):
        store.append(call(n, Outcome.CONNECTED, answered_s=2, joined_s=2 + n / 10, ended_s=20, agent="a"))
    store.append(call(200, Outcome.CONNECTED, answered_s=2, joined_s=19, ended_s=20))
    waits = run_report(store, 1, speed=10.0)["answer_to_agent_ms"]
    assert waits["max"] == pytest.approx(1000)
    assert waits["p50"] == pytest.approx(505, abs=1)
    assert waits["p99"] == pytest.approx(990, abs=2)


def test_rate_is_sent_calls_over_the_span(store):
    """Calls that reached a line, over the recorded seconds from the first record to the end state."""
    store.append([state(CampaignState.ACTIVE, 0), state(CampaignState.STOPPED, 20)])
    store.append([row for n in range(10) for row in call(n, Outcome.BUSY)])
    store.append(call(11, Outcome.UNKNOWN, sent_s=0))
    report = run_report(store, 1)
    assert report["virtual_s"] == 20
    assert report["dials_per_s"] == 0.5
    assert report["state"] == "stopped"


def test_timeline_by_minute_and_hour(store):
    """Counted attempts fall into the minute and hour they were sent in; empty ones are left out."""
    base = T0 // HOUR * HOUR
    store.append(call(1, Outcome.CONNECTED, sent_s=1))
    store.append(call(2, Outcome.ABANDONED, sent_s=59))
    store.append(call(3, Outcome.BUSY, sent_s=121, ended_s=130))
    store.append(call(4, Outcome.WITHDRAWN, sent_s=0))
    store.append(call(5, Outcome.BUSY, sent_s=3601, ended_s=3700))
    report = run_report(store, 1)
    rows = [tuple(point.values()) for point in report["timeline"]]
    minute = 60 * S
    assert rows == [(T0, 2, 1, 1), (T0 + 2 * minute, 1, 0, 0), (T0 + 60 * minute, 1, 0, 0)]
    assert [tuple(point.values()) for point in report["by_hour"]] == [(base, 3, 1, 1), (base + HOUR, 1, 0, 0)]


def test_unknown_run(store):
    """A run nothing is recorded of is not found."""
    with pytest.raises(NotFoundError, match="run 9 is not in"):
        run_report(store, 9)


RULES = [
    {"code": "sale", "positive": True},
    {"code": "renewed", "positive": True},
    {"code": "not_interested", "positive": False},
]


def said(contact, code, *, run_no=1, try_no=1):
    return e.DispositionSet(attempt_id(run_no, contact, try_no), "a", code, "", T0 + 20 * S)


def test_dispositions_cover_the_whole_set(store):
    """Requirements 104, 105. Codes nobody used are there with zero; positive ones over connected are the conversion."""
    store.put("run", "1", {"campaign": "c1", "dispositions": RULES})
    store.append([row for n in range(5) for row in call(n, Outcome.CONNECTED, answered_s=2, joined_s=3, agent="a")])
    store.append([said(0, "sale"), said(1, "not_interested"), said(2, "sale"), said(3, ""), said(4, "old_code")])
    store.append([said(0, "sale", run_no=2)])
    report = run_report(store, 1)
    assert report["dispositions"] == {"sale": 2, "renewed": 0, "not_interested": 1, "no_code": 1, "old_code": 1}
    assert (report["positive"], report["conversion_ratio"]) == (2, 0.4)


def test_a_run_with_no_set_and_no_call(store):
    """Nothing is made up: no code, no conversion, no talk."""
    store.append([state(CampaignState.ACTIVE, 0)])
    report = run_report(store, 1)
    assert (report["dispositions"], report["positive"], report["conversion_ratio"]) == ({}, 0, 0.0)
    assert report["talk_s"] == {"total": 0.0, "mean": 0.0}
    assert (report["by_attempt"], report["skips"], report["skipped_contacts"]) == ([], 0, 0)


def test_duration_of_calls(store):
    """Requirements 25, 35. From the join to the end, or from the answer if a flow took the call."""
    store.append(call(1, Outcome.CONNECTED, answered_s=3, joined_s=4, ended_s=34, agent="a"))
    store.append(call(2, Outcome.CONNECTED, answered_s=5, ended_s=15))
    store.append(call(3, Outcome.ABANDONED, answered_s=5, ended_s=500))
    assert run_report(store, 1)["talk_s"] == {"total": 40.0, "mean": 20.0}


def test_attempts_by_their_number(store):
    """Requirements 25, 35. The second counted attempt of a contact is the second, whatever was not dialled between."""

    def tries(contact, *outcomes):
        for at, what in enumerate(outcomes, 1):
            intent, ended = call(contact, what)
            key = attempt_id(1, contact, at)
            store.append([dataclasses.replace(intent, attempt_id=key), dataclasses.replace(ended, attempt_id=key)])

    tries(1, Outcome.BUSY, Outcome.EXPIRED, Outcome.CONNECTED)
    tries(2, Outcome.CONNECTED)
    tries(3, Outcome.WITHDRAWN, Outcome.BUSY, Outcome.BUSY, Outcome.BUSY)
    assert [tuple(row.values()) for row in run_report(store, 1)["by_attempt"]] == [(1, 3, 1), (2, 2, 1), (3, 1, 0)]


def test_skips_are_counted_beside_the_attempts(store):
    """Two agents skipped one contact: two skips, one contact, no attempt."""
    store.append([state(CampaignState.ACTIVE, 0), r.SkipRow(attempt_id(1, 7, 1), "a", T0)])
    store.append([r.SkipRow(attempt_id(1, 7, 2), "b", T0), r.SkipRow(attempt_id(2, 7, 1), "b", T0)])
    report = run_report(store, 1)
    assert (report["skips"], report["skipped_contacts"], report["attempts"]) == (2, 1, 0)


def test_abandonment_of_thirty_days_is_that_of_the_campaign(store):
    """The run's own ratio, and the one that the law limits: over all runs of the campaign."""
    store.put("run", "2", {"campaign": "c", "abandon_limit_ratio": 0.02})
    rows = [*call(1, Outcome.ABANDONED), *call(1, Outcome.CONNECTED, run_no=2), *call(2, Outcome.CONNECTED, run_no=2)]
    store.append([dataclasses.replace(row, campaign="c") if isinstance(row, r.IntentRow) else row for row in rows])
    report = run_report(store, 2)
    assert (report["abandoned"], report["abandon_ratio"]) == (0, 0.0)
    assert report["abandon_30d"] == {"live_answers": 3, "abandoned": 1, "ratio": 1 / 3, "limit_ratio": 0.02}


def test_report_of_a_campaign_is_that_of_its_last_run(store):
    """Requirement 105. The active run, or the last one; a stranger is one clear line."""
    store.append([state(CampaignState.COMPLETED, 5), *call(1, Outcome.BUSY)])
    store.append([dataclasses.replace(state(CampaignState.ACTIVE, 9, run_no=4), campaign="c1")])
    assert campaign_report(store, "c1")["run_no"] == 4
    with pytest.raises(NotFoundError, match="campaign x has no run"):
        campaign_report(store, "x")
