"""The probability that a person answers a call: a Beta posterior that forgets, quick to notice a rise."""

from __future__ import annotations

import math

from dialer.domain.specs import MINUTE_US

HALF_LIFE_US = 15 * MINUTE_US
#: What is believed before the first outcome: answers and failures. High, because a high chance dials less.
PRIOR = (1.0, 1.0)
#: Calls over which a rise is noticed, and a fall: rises cost abandoned calls, falls only time.
QUICK_CALLS = 50
STEADY_CALLS = 150
#: Standard deviations that a recent ratio is trusted less, when it lies above the long one.
RISE_DEVIATIONS = 1.5
#: What was believed before a fall is forgotten no faster: a dead trunk fails a thousand calls in a minute, and people
#: answer again when it is back.
PEAK_HALF_LIFE_US = 30 * MINUTE_US
LEAST_CALLS = 30  #: remembered outcomes from which a belief is one to be remembered
#: Standard deviations between a recent and the long ratio at which what was learnt before is given up. More for a rise:
#: the mean follows that at once, and a small ratio strays upwards.
RISE_BREAK_DEVIATIONS = 4.5
FALL_BREAK_DEVIATIONS = 3.5


class AnswerChance:
    """Estimated from how calls ended. Answers are known sooner than failures, so it errs upwards when dialling grows.

    Args:
        half_life_us: Time after which an outcome counts half, microseconds.
    """

    __slots__ = ("_at_us", "_failed", "_half_life_us", "_peak", "_persons", "_quick", "_steady")

    def __init__(self, half_life_us: int = HALF_LIFE_US) -> None:
        self._half_life_us = half_life_us
        self._persons = 0.0
        self._failed = 0.0
        self._at_us = 0
        self._quick = 0.0
        self._steady = 0.0
        self._peak = 0.0  # above the long ratio

    def note(self, *, person: bool, now_us: int) -> None:
        """One call has ended its ringing: a person answered, or not."""
        fresh = self._persons + self._failed < 1.0
        self._fade(now_us)
        before = self._long() + self._peak if self._persons + self._failed >= LEAST_CALLS else 0.0
        if person:
            self._persons += 1.0
        else:
            self._failed += 1.0
        if fresh:
            self._quick = self._steady = self._long()
        self._quick += (person - self._quick) / QUICK_CALLS
        self._steady += (person - self._steady) / STEADY_CALLS
        long = self._long()
        if self._quick - long > RISE_BREAK_DEVIATIONS * _deviation(long, QUICK_CALLS):
            self._begin_again(self._quick, QUICK_CALLS)
        elif long - self._steady > FALL_BREAK_DEVIATIONS * _deviation(long, STEADY_CALLS):
            self._begin_again(self._steady, STEADY_CALLS)
        self._peak = max(0.0, before - self._long())

    def observations(self, now_us: int) -> float:
        """Outcomes remembered, each with the weight that is left of it."""
        self._fade(now_us)
        return self._persons + self._failed

    def mean(self) -> float:
        """Expected value, 0 to 1; the recent ratio where that is clearly higher."""
        long = self._long()
        return max(long, self._quick - RISE_DEVIATIONS * _deviation(long, QUICK_CALLS))

    def worst(self) -> float:
        """The mean, or what it was before it fell, half of the difference forgotten every half an hour."""
        return max(self.mean(), min(1.0, self._long() + self._peak))

    def variance(self) -> float:
        """Variance of the posterior: how unsure the mean is."""
        mean = self._long()
        return mean * (1.0 - mean) / (self._persons + self._failed + sum(PRIOR) + 1.0)

    def _long(self) -> float:
        persons = self._persons + PRIOR[0]
        return persons / (persons + self._failed + PRIOR[1])

    def _fade(self, now_us: int) -> None:
        if now_us > self._at_us:
            left = 0.5 ** ((now_us - self._at_us) / self._half_life_us)
            self._persons *= left
            self._failed *= left
            self._peak *= 0.5 ** ((now_us - self._at_us) / PEAK_HALF_LIFE_US)
            self._at_us = now_us

    def _begin_again(self, recent: float, calls: int) -> None:
        """Believe the recent ratio alone: the long one cannot be true any more."""
        if self._persons + self._failed > 2 * calls:
            self._persons, self._failed = recent * 2 * calls, (1.0 - recent) * 2 * calls
            self._quick = self._steady = recent


def _deviation(chance: float, calls: int) -> float:
    """Standard deviation of an exponentially weighted ratio with a memory of so many calls."""
    return math.sqrt(chance * (1.0 - chance) / (2 * calls - 1))
