"""The abandonment window: what is counted, and for how long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.abandonment import WINDOW_DAYS, AbandonmentWindow
from dialer.domain.attempts import RunHistory
from dialer.domain.campaign import CampaignRun
from dialer.domain.ids import attempt_id
from dialer.domain.kinds import LIVE_ANSWERS, CampaignState, DialingMode, Outcome
from dialer.domain.specs import DAY_US, HOUR_US, CampaignSpec
from dialer.sim.contacts import ListedContacts

NOON = 1_790_006_400_000_000  # Monday 2026-09-21 16:00 UTC


@pytest.mark.parametrize("outcome", list(Outcome))
def test_what_counts(outcome):
    """People who answered, and of them those for whom nobody was there."""
    window = AbandonmentWindow()
    window.count(outcome, NOON)
    assert window.totals(NOON) == (outcome in LIVE_ANSWERS, outcome is Outcome.ABANDONED)


def test_earlier_ones_stay_for_thirty_days():
    """Those of the journal, and those of today, leave together."""
    window = AbandonmentWindow(100, 3)
    window.count(Outcome.ABANDONED, NOON)
    assert window.totals(NOON + WINDOW_DAYS * DAY_US) == (101, 4)
    assert window.totals(NOON + (WINDOW_DAYS + 1) * DAY_US) == (0, 0)


@given(st.lists(st.tuples(st.integers(0, 200), st.sampled_from(list(Outcome))), max_size=60))
def test_never_less_than_thirty_days(story):
    """Every answer of the last 30 days counts, none that is older than 31, wherever the days begin."""
    window, now_us, answers = AbandonmentWindow(), NOON, []
    for hours, outcome in story:
        now_us += hours * HOUR_US
        window.count(outcome, now_us)
        if outcome in LIVE_ANSWERS:
            answers.append(now_us)
        live = window.totals(now_us)[0]
        assert sum(at_us > now_us - 30 * DAY_US for at_us in answers) <= live
        assert live <= sum(at_us > now_us - 31 * DAY_US for at_us in answers)


def test_the_scheduler_is_told():
    """What the journal knows, and what has been recorded since: a reborn scheduler goes on from there."""
    spec = CampaignSpec("c", DialingMode.POWER, "p", "t", "q", 12125550199)
    history = RunHistory(CampaignState.ACTIVE, live_answers=200, abandoned=5)
    made = CampaignRun(1, spec, ListedContacts([(0,)] * 3), epoch=2, history=history)
    opened = [m for _, m in made.start(NOON) if isinstance(m, e.CampaignOpened)]
    attempt = attempt_id(1, 0, 1)
    made.handle([c.RequestLeases("p", 1), e.IntentAccepted(attempt, NOON, NOON + 5)], NOON)
    made.handle([e.AttemptEnded(attempt, Outcome.ABANDONED, "", 0, NOON, NOON, 0, NOON)], NOON)
    made.handle([e.OutcomeRecorded(attempt), e.OutcomeRecorded(attempt)], NOON)
    opened += [m for _, m in made.handle([c.Announce("p")], NOON) if isinstance(m, e.CampaignOpened)]
    assert [(m.live_answers, m.abandoned) for m in opened] == [(200, 5), (201, 6)]
