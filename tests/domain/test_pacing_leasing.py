"""Facts about how many contacts are leased ahead."""

from __future__ import annotations

import pytest

from dialer.domain.pacing import LaunchRate, lease_target
from dialer.domain.specs import SECOND_US


def target(need, credits_free=100, per_s=0.0, lead_us=SECOND_US):
    return lease_target(need=need, credits_free=credits_free, launches_per_s=per_s, lead_us=lead_us)


def test_nothing_is_leased_when_nothing_can_be_dialled():
    assert target(0) == 0
    assert target(-3) == 0


def test_what_can_be_dialled_at_once_is_leased():
    assert target(5) == 5
    assert target(5, credits_free=3) == 3


def test_one_is_leased_before_the_first_credit():
    """The ledger answers while the trunk does."""
    assert target(5, credits_free=0) == 1


def test_the_lead_time_is_worth_its_launches():
    assert target(0, per_s=10.0) == 10
    assert target(5, per_s=10.0) == 15
    assert target(0, per_s=10.0, lead_us=SECOND_US // 2) == 5


@pytest.mark.parametrize("per_s", [0.0, 0.3, 0.5, 0.99])
def test_less_than_one_launch_in_the_lead_time_is_worth_no_lease(per_s):
    """It would mostly lapse before its turn."""
    assert target(0, per_s=per_s) == 0
    assert target(2, per_s=per_s) == 2


def test_the_rate_of_steady_launches_is_found():
    rate = LaunchRate(2 * SECOND_US)
    for step in range(200):
        rate.note(1, step * SECOND_US // 10)
    assert rate.per_s(200 * SECOND_US // 10) == pytest.approx(10.0, rel=0.05)


def test_the_rate_is_forgotten():
    rate = LaunchRate(2 * SECOND_US)
    rate.note(20, 0)
    assert rate.per_s(0) == pytest.approx(10.0)
    assert rate.per_s(2 * SECOND_US) == pytest.approx(10.0 / 2.718281828)
    assert rate.per_s(60 * SECOND_US) < 1e-9


def test_nothing_launched_is_no_rate():
    assert LaunchRate(SECOND_US).per_s(10**15) == 0.0
