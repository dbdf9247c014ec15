"""Decisions of the predictive controller, one at a time."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.domain.pacing import Predictive, Sight
from dialer.domain.specs import DAY_US, HOUR_US, MINUTE_US, SECOND_US, PacingSpec

NOW_US = HOUR_US
QUIET = Sight(NOW_US, 10, [], [], 0, 0.0, 1000, 0)


def taught(ratio=0.25, calls=1000, handling_s=150.0, seed=1):
    """A controller that has seen the last calls of an hour."""
    pacing, rng = Predictive(PacingSpec()), Random(seed)
    for call in range(calls):
        now_us = NOW_US - (calls - call) * SECOND_US
        if rng.random() < ratio:
            pacing.answered(int(rng.uniform(4, 14) * SECOND_US), now_us)
            pacing.handled(int(rng.expovariate(1 / handling_s) * SECOND_US), now_us)
        else:
            pacing.failed(25 * SECOND_US, now_us)
    return pacing


USUAL, RARE, FREQUENT = taught(), taught(0.06), taught(0.7)


def decide(sight, pacing=USUAL):
    return deepcopy(pacing).decide(sight)


def ago(*seconds):
    return [NOW_US - int(one * SECOND_US) for one in seconds]


AGES = st.lists(st.floats(0.0, 900.0), max_size=60).map(lambda ages: ago(*ages))
RINGING = st.lists(st.floats(0.0, 26.0), max_size=60).map(lambda ages: ago(*ages))


@st.composite
def sights(draw):
    live = draw(st.integers(0, 5000))
    return Sight(
        NOW_US,
        draw(st.integers(0, 60)),
        draw(AGES),
        draw(RINGING),
        draw(st.integers(0, 10)),
        draw(st.floats(0.0, 10.0)),
        live,
        draw(st.integers(0, min(live, 200))),
    )


TAUGHT = st.sampled_from([USUAL, RARE, FREQUENT, Predictive(PacingSpec())])


# -- what always holds -------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(sights(), TAUGHT)
def test_launches_are_never_negative_and_every_decision_has_its_reason(sight, pacing):
    decision = decide(sight, pacing)
    assert decision.launch >= 0
    assert decision.reason


@settings(max_examples=60)
@given(sights(), TAUGHT)
def test_the_fallback_never_calls_more_people_than_agents_wait(sight, pacing):
    decision = decide(sight, pacing)
    if decision.reserve:
        assert decision.launch <= max(0, sight.idle - sight.waiting)


@settings(max_examples=60)
@given(sights(), TAUGHT)
def test_without_credits_every_call_has_an_agent_promised(sight, pacing):
    broke = replace(sight, abandoned=sight.live_answers * 3 // 100)
    assert decide(broke, pacing).reserve


@settings(max_examples=60)
@given(sights(), TAUGHT)
def test_one_more_idle_agent_never_means_fewer_calls(sight, pacing):
    assert decide(replace(sight, idle=sight.idle + 1), pacing).launch >= decide(sight, pacing).launch


@settings(max_examples=60)
@given(sights(), TAUGHT, st.integers(1, 5))
def test_who_waits_or_may_answer_elsewhere_never_means_more_calls(sight, pacing, more):
    usual = decide(sight, pacing).launch
    assert decide(replace(sight, waiting=sight.waiting + more), pacing).launch <= usual
    assert decide(replace(sight, rival_answers=sight.rival_answers + more), pacing).launch <= usual


@settings(max_examples=60)
@given(sights(), TAUGHT)
def test_one_more_abandoned_call_never_means_more_calls(sight, pacing):
    usual, after = decide(sight, pacing), decide(replace(sight, abandoned=sight.abandoned + 1), pacing)
    assert after.launch <= usual.launch or after.reserve
    assert after.reserve or not usual.reserve


@settings(max_examples=60)
@given(sights(), TAUGHT)
def test_deciding_twice_without_news_is_the_same_decision(sight, pacing):
    one = deepcopy(pacing)
    first = one.decide(sight)
    assert one.decide(sight) == first or first.reserve


@given(st.data())
@settings(max_examples=30)
def test_any_sequence_of_news_leaves_a_sane_controller(data):
    pacing, now_us = Predictive(PacingSpec()), 0
    for _ in range(data.draw(st.integers(1, 60))):
        now_us += data.draw(st.integers(0, 5 * MINUTE_US))
        what = data.draw(st.integers(0, 4))
        time_us = data.draw(st.integers(0, 60 * MINUTE_US))
        if what == 0:
            pacing.answered(time_us, now_us)
        elif what == 1:
            pacing.failed(time_us, now_us)
        elif what == 2:
            pacing.handled(time_us, now_us)
        elif what == 3:
            pacing.launched(1, now_us)
        else:
            sight = data.draw(sights())
            decision = pacing.decide(replace(sight, now_us=now_us))
            assert decision.launch >= 0
            assert not decision.reserve or decision.launch <= sight.idle
            next_us = pacing.next_us(now_us)
            assert next_us is None or next_us == now_us + SECOND_US // 2


# -- when it falls back ------------------------------------------------------------------------------------------------


def test_nothing_known_is_one_call_for_each_agent():
    decision = decide(QUIET, Predictive(PacingSpec()))
    assert (decision.launch, decision.reserve) == (10, True)
    assert "too few" in decision.reason


def test_the_first_answers_are_dialled_one_to_one():
    """33 answers earn no credit: one abandoned call would be 3.03 %."""
    assert decide(replace(QUIET, live_answers=33)).reserve
    assert not decide(replace(QUIET, live_answers=34)).reserve


def test_fewer_than_five_agents_are_served_one_to_one():
    four = decide(replace(QUIET, idle=2, busy_since_us=ago(10, 20)))
    assert (four.launch, four.reserve) == (2, True)
    assert not decide(replace(QUIET, idle=2, busy_since_us=ago(10, 20, 30))).reserve


def test_what_was_learnt_long_ago_is_no_basis():
    stale = decide(replace(QUIET, now_us=NOW_US + DAY_US))
    assert stale.reserve
    assert "of late" in stale.reason


def test_the_fallback_keeps_agents_for_who_was_called_without_a_promise():
    broke = replace(QUIET, abandoned=30, ringing_since_us=ago(*[5.0] * 8))
    assert decide(broke).launch <= 5
    assert decide(replace(broke, idle=2)).launch == 0


def test_a_reborn_controller_keeps_an_agent_for_each_call_that_rings():
    decision = decide(replace(QUIET, ringing_since_us=ago(*[5.0] * 8)), Predictive(PacingSpec()))
    assert (decision.launch, decision.reserve) == (2, True)


def test_calls_with_a_promised_agent_are_no_risk_to_others():
    """Their agents are not among the idle ones: to count them would stop the dialling of all others."""
    pacing = Predictive(PacingSpec())
    assert pacing.decide(QUIET).launch == 10
    pacing.launched(10, NOW_US)
    later_us = NOW_US + 5 * SECOND_US
    more = pacing.decide(replace(QUIET, now_us=later_us, idle=3, ringing_since_us=[NOW_US] * 10))
    assert (more.launch, more.reserve) == (3, True)


def test_calls_of_the_same_instant_are_a_risk_when_the_credits_end_there():
    """The last credit is spent in the batch in which it dialled ahead: those calls have no agent promised."""
    pacing = deepcopy(USUAL)
    sent = pacing.decide(QUIET).launch
    pacing.launched(sent, NOW_US)
    decision = pacing.decide(replace(QUIET, abandoned=30, ringing_since_us=[NOW_US] * sent))
    assert decision.reserve
    assert decision.launch < 5


def test_a_call_that_never_ends_does_not_gather_memories():
    """Each change between the two ways is remembered as long as a call rings."""
    pacing, sight = deepcopy(USUAL), replace(QUIET, ringing_since_us=[0])
    for step in range(1000):
        pacing.decide(replace(sight, now_us=NOW_US + step, abandoned=30 * (step % 2)))
    assert len(pacing._promised) <= 64


# -- what it foresees --------------------------------------------------------------------------------------------------


def test_more_calls_than_agents_are_placed_where_few_are_answered():
    decision = decide(QUIET)
    assert not decision.reserve
    assert 14 <= decision.launch <= 40
    assert decide(replace(QUIET, idle=20), RARE).launch > 2 * decide(replace(QUIET, idle=20)).launch


def test_agents_who_will_be_free_soon_count():
    busy = replace(QUIET, idle=0, busy_since_us=ago(*[100.0] * 200))
    assert decide(busy).launch > 0
    assert decide(busy, taught(handling_s=1500.0)).launch < decide(busy).launch


def test_calls_that_have_rung_long_are_not_expected_to_be_answered():
    none = replace(QUIET, idle=20)
    fresh = replace(none, ringing_since_us=ago(*[1.0] * 20))
    old = replace(none, ringing_since_us=ago(*[20.0] * 20))
    assert decide(fresh).launch < decide(old).launch
    assert decide(old).launch >= 0.8 * decide(none).launch


def test_after_a_fall_of_answers_the_credits_cover_that_they_return():
    """A thousand calls that failed at once are no reason to dial a thousand."""
    pacing = deepcopy(USUAL)
    for _ in range(1000):
        pacing.failed(SECOND_US, NOW_US)
    sight = replace(QUIET, idle=20, live_answers=400)
    launch = pacing.decide(sight).launch
    assert launch >= 20
    assert launch * 0.2 <= 20 + 12


def test_what_other_things_limit_teaches_no_boldness():
    """Calls that were granted and never sent lack lines or contacts."""
    starved, served = deepcopy(USUAL), deepcopy(USUAL)
    for step in range(600):
        sight = replace(QUIET, idle=20, now_us=NOW_US + step * SECOND_US, live_answers=3000 + step, abandoned=60)
        served.launched(served.decide(sight).launch, sight.now_us)
        starved.decide(sight)
    last = replace(QUIET, idle=20, now_us=NOW_US + 600 * SECOND_US, live_answers=3600, abandoned=60)
    assert served.decide(last).launch > starved.decide(last).launch


@pytest.mark.parametrize("agents", [5, 8, 14])
def test_a_small_pool_has_few_lines(agents):
    """About two for each agent, however few are answered."""
    launch = decide(replace(QUIET, idle=agents), RARE).launch
    assert launch <= 3 * agents
    assert agents > 5 or launch <= 2 * agents


def test_the_reason_names_agents_and_answers():
    assert decide(replace(QUIET, waiting=2)).reason.startswith("predictive: 10.0 agents free soon, 2.0 answers due")


# -- when to decide again ----------------------------------------------------------------------------------------------


def test_prediction_moves_with_time_and_the_fallback_does_not():
    pacing = deepcopy(USUAL)
    assert pacing.next_us(NOW_US) is None
    pacing.decide(QUIET)
    assert pacing.next_us(NOW_US) == NOW_US + SECOND_US // 2
    assert pacing.next_us(NOW_US + SECOND_US // 10) == NOW_US + SECOND_US // 2
    assert pacing.next_us(NOW_US + SECOND_US) == NOW_US + 3 * SECOND_US // 2
    pacing.decide(replace(QUIET, abandoned=30))
    assert pacing.next_us(NOW_US) is None
    pacing.decide(replace(QUIET, abandoned=30, ringing_since_us=ago(5.0)))
    assert pacing.next_us(NOW_US) == NOW_US + SECOND_US // 2
    pacing.decide(replace(QUIET, idle=0))
    assert pacing.next_us(NOW_US) is None
