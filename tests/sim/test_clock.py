"""Facts about virtual time."""

from __future__ import annotations

from random import Random

import pytest

from dialer.sim.clock import Clock

LONG_US = 10**9


def never():
    return False


@pytest.mark.parametrize("seed", range(20))
def test_events_happen_in_order_of_time_and_then_of_creation(seed):
    """Whenever they are made: before the run or by other events, for the next microsecond or for much later."""
    rng, clock = Random(seed), Clock(0)
    made, happened = [], []

    def happen(at_us, serial):
        assert clock.now_us == at_us
        happened.append((at_us, serial))
        for _ in range(rng.randrange(3) if len(made) < 500 else 0):
            make()

    def make():
        at_us = clock.now_us + rng.choice([0, 1, rng.randrange(50), rng.randrange(100_000), rng.randrange(10**7)])
        made.append((at_us, len(made)))
        clock.at(at_us, happen, *made[-1])

    for _ in range(200):
        make()
    clock.run(LONG_US, never)
    assert happened == sorted(made)


def test_time_stops_at_the_given_moment():
    clock, seen = Clock(0), []
    for at_us in (10, 20, 21):
        clock.at(at_us, seen.append, at_us)
    clock.run(20, never)
    assert (seen, clock.now_us) == ([10, 20], 20)
    clock.at(20, seen.append, 200)
    clock.run(LONG_US, never)
    assert (seen, clock.now_us) == ([10, 20, 200, 21], LONG_US)


def test_time_does_not_step_back():
    clock = Clock(100)
    clock.run(50, never)
    assert clock.now_us == 100


def test_a_run_that_is_over_ends_early():
    clock, seen = Clock(0), []
    for at_us in range(1_000):
        clock.at(at_us, seen.append, at_us)
    clock.run(LONG_US, lambda: len(seen) >= 300)
    assert 300 <= len(seen) < 600
    assert clock.now_us == seen[-1]
