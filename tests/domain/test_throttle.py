"""Facts about the limiter of calls per second."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.domain.specs import SECOND_US
from dialer.domain.throttle import SLOT_US, SLOTS_PER_SECOND, Throttle

RATES = st.one_of(st.integers(1, 30), st.sampled_from([99, 100, 101, 997, 10_000]))


def most_in_window(sends: list[tuple[int, int]], length_us: int) -> int:
    """The most calls in any half-open window of that length: the fullest one ends just after a send."""
    most, first, held = 0, 0, 0
    for at_us, count in sends:
        held += count
        while sends[first][0] <= at_us - length_us:
            held -= sends[first][1]
            first += 1
        most = max(most, held)
    return most


def saturated(calls_per_s: int, until_us: int, lateness_us: list[int]) -> list[tuple[int, int]]:
    """A sender that always has calls, on a host that wakes late in turn by these times."""
    throttle, now_us, sends = Throttle(calls_per_s), 0, []
    while now_us < until_us:
        count = throttle.allowance(now_us)
        throttle.spend(count, now_us)
        sends.append((now_us, count))
        now_us = throttle.next_us(now_us) + lateness_us[len(sends) % len(lateness_us)]
    return sends


@given(rate=RATES, steps=st.lists(st.tuples(st.integers(0, 400_000), st.integers(0, 12_000)), min_size=1, max_size=60))
def test_no_window_of_a_second_holds_more_than_the_limit(rate, steps):
    """Whatever is wished, and whenever: no second holds more than the limit, no slot more than its share."""
    throttle, now_us, sends = Throttle(rate), 0, []
    for pause_us, wished in steps:
        now_us += pause_us
        count = min(wished, throttle.allowance(now_us))
        if count:
            throttle.spend(count, now_us)
            sends.append((now_us, count))
    assert most_in_window(sends, SECOND_US) <= rate
    assert most_in_window(sends, SLOT_US) <= -(-rate // SLOTS_PER_SECOND)


@settings(max_examples=60, deadline=None)
@given(rate=RATES, lateness_us=st.lists(st.integers(0, 20_000), min_size=1, max_size=10))
def test_saturated_sender_gets_the_rate(rate, lateness_us):
    """A sender that always has calls places at least 95 % of the limit, also on a host that wakes 20 ms late."""
    sends = saturated(rate, 10 * SECOND_US, lateness_us)
    assert sum(count for _, count in sends) >= 0.95 * 10 * rate
    assert most_in_window(sends, SECOND_US) <= rate


@given(rate=RATES, steps=st.lists(st.tuples(st.integers(0, 400_000), st.integers(1, 12_000)), min_size=1, max_size=40))
def test_next_moment_is_the_first(rate, steps):
    """At the moment that was named at least one call may leave, and one microsecond before none."""
    throttle, now_us = Throttle(rate), 0
    for pause_us, wished in steps:
        now_us += pause_us
        if count := min(wished, throttle.allowance(now_us)):
            throttle.spend(count, now_us)
        next_us = throttle.next_us(now_us)
        if next_us > now_us:
            assert throttle.allowance(next_us - 1) == 0
            now_us = next_us
        assert throttle.allowance(now_us) > 0


def test_a_second_is_half_open():
    """A call may leave exactly one second after the one that used up the limit."""
    throttle = Throttle(1)
    throttle.spend(1, 0)
    assert throttle.next_us(SECOND_US - 1) == SECOND_US
    assert (throttle.allowance(SECOND_US - 1), throttle.allowance(SECOND_US)) == (0, 1)


def test_a_second_does_not_leave_in_one_burst():
    """At once leaves an eighth of a second's calls, the next part 100 ms later."""
    throttle = Throttle(80)
    assert throttle.allowance(0) == 10
    throttle.spend(10, 0)
    assert (throttle.allowance(0), throttle.next_us(0), throttle.allowance(SLOT_US)) == (0, SLOT_US, 10)


@pytest.mark.parametrize("count", [0, -1, 11])
def test_spending_what_is_not_allowed_is_refused(count):
    """The limit cannot be passed by mistake, and a refused spend changes nothing."""
    throttle = Throttle(80)
    with pytest.raises(ValueError, match="allowance is 10"):
        throttle.spend(count, 0)
    assert throttle.allowance(0) == 10


def test_limit_below_one_is_refused():
    """A trunk that may place no calls is a mistake of configuration, not a rate."""
    with pytest.raises(ValueError, match="not 0"):
        Throttle(0)
