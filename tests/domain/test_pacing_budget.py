"""The abandonment budget: exact arithmetic, and how many calls it covers."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.domain.pacing import Budget

LIVE = st.integers(0, 2_000_000)
LIMITS = st.integers(0, 100).map(lambda percent: percent / 100)


@pytest.mark.parametrize(
    ("live", "abandoned", "credits_left"),
    [
        (0, 0, 0),
        (33, 0, 0),
        (34, 0, 1),
        (34, 1, 0),
        (33, 1, -1),
        (100, 0, 3),
        (66, 1, 0),
        (67, 1, 1),
        (10**6, 29999, 1),
    ],
)
def test_three_percent_of_live_answers_may_be_abandoned(live, abandoned, credits_left):
    assert Budget(0.03).credits(live, abandoned) == credits_left


@given(LIMITS, LIVE, st.integers(0, 1000))
def test_a_call_that_a_credit_pays_for_never_breaks_the_limit(limit, live, abandoned):
    budget = Budget(limit)
    left = budget.credits(live, abandoned)
    percent = round(limit * 100)
    assert (abandoned + left) * 100 <= percent * live < (abandoned + left + 1) * 100


@given(LIVE, st.integers(0, 1000))
def test_limits_are_decimal_numbers(live, abandoned):
    """0.29 in binary is a little less: a credit must not get lost by that."""
    assert Budget(0.29).credits(100 * live, abandoned) == 29 * live - abandoned


@given(LIMITS, LIVE, st.integers(0, 1000))
def test_each_abandoned_call_costs_one_credit(limit, live, abandoned):
    budget = Budget(limit)
    assert budget.credits(live, abandoned + 1) == budget.credits(live, abandoned) - 1


@given(LIMITS, LIVE, st.integers(0, 1000))
def test_answers_never_cost_credits(limit, live, abandoned):
    budget = Budget(limit)
    assert budget.credits(live + 1, abandoned) >= budget.credits(live, abandoned)
    assert math.floor(budget.balance(live, abandoned) + 1e-6) >= budget.credits(live, abandoned)
    assert budget.balance(live, abandoned) < budget.credits(live, abandoned) + 1


@pytest.mark.parametrize("limit", [-0.01, 1.01, math.nan])
def test_a_limit_is_a_ratio(limit):
    with pytest.raises(ValueError, match="limit_ratio"):
        Budget(limit)


@given(LIVE, st.integers(0, 100_000), st.floats(0.0, 1.0))
def test_without_credits_no_call_is_covered(live, abandoned, chance):
    budget = Budget(0.03)
    covered = budget.calls_covered(live, abandoned, chance)
    left = budget.credits(live, abandoned)
    assert covered >= max(0, left)
    assert (covered > 0) == (left > 0)


def test_where_every_call_is_answered_each_needs_a_credit():
    assert Budget(0.03).calls_covered(1000, 10, 1.0) == 20


@given(st.integers(34, 100_000), st.floats(0.01, 0.99))
def test_more_is_covered_with_more_credits_and_fewer_answers(live, chance):
    budget = Budget(0.03)
    assert budget.calls_covered(live + 34, 0, chance) >= budget.calls_covered(live, 0, chance)
    assert budget.calls_covered(live, 0, chance / 2) >= budget.calls_covered(live, 0, chance)


@pytest.mark.parametrize(("live", "chance"), [(340, 0.25), (1000, 0.25), (1000, 0.06), (3000, 0.6)])
def test_covered_calls_rarely_bring_more_answers_than_credits(live, chance):
    rng = Random(7)
    budget = Budget(0.03)
    calls, left = budget.calls_covered(live, 0, chance), budget.credits(live, 0)
    broken = sum(sum(rng.random() < chance for _ in range(calls)) > left for _ in range(2000))
    assert calls > left
    assert broken <= 10  # 1 in 1,000 by the normal approximation; small numbers have a longer tail
