"""What the predictive controller believes: the chance of an answer, and how long things take."""

from __future__ import annotations

import math
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.domain.pacing.budget import Budget
from dialer.domain.pacing.caution import KNOWN, Caution, known_factor
from dialer.domain.pacing.chance import HALF_LIFE_US, AnswerChance
from dialer.domain.pacing.durations import Durations
from dialer.domain.specs import DAY_US, HOUR_US, MINUTE_US, SECOND_US

BITS, BUCKETS = 22, 256
NO_PRIOR = (0.5, 180.0 * SECOND_US)


def dial(chance, ratio, calls, rng, from_us=0):
    for call in range(calls):
        chance.note(person=rng.random() < ratio, now_us=from_us + call * SECOND_US)
    return from_us + calls * SECOND_US


def handled(seconds, now_us=0, half_life_us=HOUR_US):
    found = Durations(bucket_bits=BITS, buckets=BUCKETS, half_life_us=half_life_us)
    for one in seconds:
        found.note(int(one * SECOND_US), now_us)
    return found


def bucket(seconds):
    return int(seconds * SECOND_US) >> BITS


# -- the chance of an answer -------------------------------------------------------------------------------------------


def test_before_the_first_call_many_answers_are_expected():
    """A high chance dials little."""
    chance = AnswerChance()
    assert chance.mean() == 0.5
    assert chance.variance() > 0.05
    assert chance.observations(0) == 0.0


@pytest.mark.parametrize("ratio", [0.06, 0.25, 0.6])
def test_a_steady_ratio_is_found(ratio):
    chance = AnswerChance()
    dial(chance, ratio, 3000, Random(1))
    assert chance.mean() == pytest.approx(ratio, abs=4 * math.sqrt(ratio * (1 - ratio) / 1000))
    assert math.sqrt(chance.variance()) < 0.025


def test_an_outcome_counts_half_after_the_half_life():
    chance = AnswerChance()
    chance.note(person=True, now_us=0)
    assert chance.observations(HALF_LIFE_US) == pytest.approx(0.5)
    assert chance.observations(DAY_US) < 1e-20
    assert chance.mean() >= 0.5


@pytest.mark.parametrize("seed", range(5))
def test_a_doubled_chance_is_noticed_within_150_calls(seed):
    """Each call dialled on the old belief may abandon somebody."""
    chance, rng = AnswerChance(), Random(seed)
    end_us = dial(chance, 0.25, 2000, rng)
    dial(chance, 0.5, 150, rng, from_us=end_us)
    assert chance.mean() > 0.36


@pytest.mark.parametrize("seed", range(5))
def test_a_halved_chance_is_noticed_within_an_hour(seed):
    chance, rng = AnswerChance(), Random(seed)
    end_us = dial(chance, 0.3, 2000, rng)
    dial(chance, 0.15, 1200, rng, from_us=end_us)
    assert chance.mean() < 0.2


def test_what_people_did_before_a_fall_is_remembered_for_the_worst_case():
    """A dead trunk fails every call at once; people answer as before when it is back."""
    chance, rng = AnswerChance(), Random(1)
    end_us = dial(chance, 0.25, 2000, rng)
    assert chance.worst() == pytest.approx(chance.mean(), abs=0.1)
    for call in range(2000):
        chance.note(person=False, now_us=end_us + call * SECOND_US // 10)
    assert chance.mean() < 0.02
    assert chance.worst() > 0.18
    dial(chance, 0.05, 7200, rng, from_us=end_us + 200 * SECOND_US)
    assert chance.worst() < 0.14


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 10 * MINUTE_US)), max_size=200))
def test_a_chance_stays_a_probability(outcomes):
    chance, now_us = AnswerChance(), 0
    for person, gap_us in outcomes:
        now_us += gap_us
        chance.note(person=person, now_us=now_us)
        assert 0.0 < chance.mean() <= chance.worst() <= 1.0
        assert chance.mean() < 1.0
        assert 0.0 < chance.variance() <= 0.25
        assert chance.observations(now_us) >= 1.0 - 1e-9


# -- durations ---------------------------------------------------------------------------------------------------------


def test_an_exponential_time_is_memoryless():
    rng = Random(3)
    found = handled(rng.expovariate(1 / 100.0) for _ in range(20_000))
    ends = found.ends_within(9.0 * SECOND_US, {}, NO_PRIOR)
    for age_s in (2, 50, 100, 200):
        assert ends[bucket(age_s)] == pytest.approx(1 - math.exp(-0.09), abs=0.03)


def test_a_fixed_time_ends_when_it_ends():
    found = handled([100.0] * 2000)
    ends = found.ends_within(9.0 * SECOND_US, {}, NO_PRIOR)
    assert ends[bucket(50.0)] < 0.01
    assert ends[bucket(96.0)] > 0.6


def test_the_age_tells_when_a_lognormal_time_ends():
    """Against the distribution itself: F(e + h | e)."""
    rng, mu, sigma = Random(4), math.log(150) - 0.25, math.sqrt(0.5)
    found = handled(rng.lognormvariate(mu, sigma) for _ in range(20_000))
    ends = found.ends_within(9.0 * SECOND_US, {}, NO_PRIOR)

    def survives(seconds):
        return 0.5 * math.erfc((math.log(seconds) - mu) / (sigma * math.sqrt(2)))

    for age_s in (10, 40, 90, 150, 300):
        middle_s = (bucket(age_s) + 0.5) * (1 << BITS) / SECOND_US
        assert ends[bucket(age_s)] == pytest.approx(1 - survives(middle_s + 9.0) / survives(middle_s), abs=0.02)


def test_calls_that_go_on_prove_that_calls_are_long():
    """The first that end are the short ones; who looks at them alone expects agents too early."""
    found = handled([20.0] * 10)
    alone = found.ends_within(9.0 * SECOND_US, {}, NO_PRIOR)
    among = found.ends_within(9.0 * SECOND_US, {bucket(300.0): 90}, NO_PRIOR)
    assert among[bucket(18.0)] < 0.2
    assert alone[bucket(18.0)] > 0.6
    assert among[bucket(200.0)] < alone[bucket(200.0)]


def test_nothing_known_is_the_prior():
    ends = handled([]).ends_within(9.0 * SECOND_US, {}, NO_PRIOR)
    assert ends == pytest.approx([1 - math.exp(-9 / 180)] * BUCKETS)


def test_old_observations_fade():
    found = handled([20.0] * 100, half_life_us=20 * MINUTE_US)
    assert found.observations(0) == pytest.approx(100)
    assert found.observations(20 * MINUTE_US) == pytest.approx(50)
    later_us = 200 * MINUTE_US
    for _ in range(10):
        found.note(200 * SECOND_US, later_us)
    assert found.mean_us(0.0) > 195 * SECOND_US


def test_years_of_silence_do_no_harm():
    found = handled([20.0] * 100)
    assert found.observations(50 * 365 * DAY_US) == pytest.approx(0.0, abs=1e-9)
    found.note(30 * SECOND_US, 50 * 365 * DAY_US)
    assert found.mean_us(0.0) == pytest.approx(30 * SECOND_US)


def test_survival_falls_from_all_to_nearly_none():
    rung = handled([9.0] * 100 + [12.0] * 100).survival()
    assert rung[0] == 1.0
    assert rung[bucket(9.0) - 1] == 1.0
    assert rung[bucket(20.0)] == pytest.approx(0.5 / 200.5)
    assert all(late <= early for early, late in pairwise(rung))


@given(
    st.lists(st.floats(0.0, 4000.0), max_size=50),
    st.dictionaries(st.integers(0, BUCKETS - 1), st.integers(1, 50), max_size=20),
    st.floats(0.1, 60.0),
)
def test_what_is_believed_of_ends_is_a_probability(seconds, going_on, horizon_s):
    ends = handled(seconds).ends_within(horizon_s * SECOND_US, going_on, NO_PRIOR)
    assert len(ends) == BUCKETS
    assert all(0.0 <= one <= 1.0 for one in ends)


# -- caution -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("agents", "factor"), KNOWN)
def test_the_start_is_what_simulation_found(agents, factor):
    assert known_factor(agents) == pytest.approx(factor)


def test_the_start_is_between_the_known_sizes():
    assert known_factor(1) == 1.85
    assert 1.34 < known_factor(70) < 1.58
    assert known_factor(5000) == 0.05


def caution():
    return Caution(Budget(0.03), 0.03)


def test_abandoned_calls_make_careful_and_answers_bold():
    one = caution()
    one.learn(1000, 10, 50, binding=True)
    start = one.factor(1000, 10, 50)
    one.learn(1010, 15, 50, binding=True)
    careful = one.factor(1000, 10, 50)
    assert careful > start
    one.learn(1600, 15, 50, binding=True)
    assert one.factor(1000, 10, 50) < careful


def test_few_abandoned_calls_prove_nothing_where_something_else_limits():
    """No wind-up while lines, contacts or the budget are short."""
    one = caution()
    one.learn(1000, 10, 50, binding=True)
    start = one.factor(1000, 10, 50)
    one.learn(5000, 10, 50, binding=False)
    assert one.factor(1000, 10, 50) == start
    one.learn(5000, 11, 50, binding=False)
    assert one.factor(1000, 10, 50) > start


def test_new_days_of_the_limit_teach_nothing():
    one = caution()
    one.learn(1000, 10, 50, binding=True)
    start = one.factor(1000, 10, 50)
    one.learn(0, 0, 50, binding=True)
    assert one.factor(1000, 10, 50) == start


def test_credits_in_hand_make_bold():
    one = caution()
    factors = [one.factor(3000, abandoned, 50) for abandoned in range(0, 95, 5)]
    assert factors == sorted(factors)
    assert factors[0] < known_factor(50) < factors[-1]
