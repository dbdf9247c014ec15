"""How long something takes, from decayed histograms: survival, and the chance to end within a time, given its age.

Equivalent to Kaplan-Meier on buckets: deaths and numbers at risk, where what goes on still is at risk up to its age
(Kaplan, Meier: Nonparametric estimation from incomplete observations, JASA 53, 1958).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

#: Weights grow with time instead of all buckets fading; at this size they are brought down again.
_HEAVIEST = 2.0**40
#: Half-lives after which nothing is left that could be told from nothing.
_FORGOTTEN = 500.0


class Durations:
    """Observed durations of one kind.

    Args:
        bucket_bits: A bucket is ``2**bucket_bits`` microseconds wide: the bucket of a duration is a shift.
        buckets: How many there are; the last one holds all that is longer.
        half_life_us: Time after which an observation counts half, microseconds.
    """

    __slots__ = ("_counts", "_half_life_us", "_origin_us", "_sum_us", "_total", "_weight", "bucket_bits", "buckets")

    def __init__(self, *, bucket_bits: int, buckets: int, half_life_us: int) -> None:
        self.bucket_bits = bucket_bits
        self.buckets = buckets
        self._half_life_us = half_life_us
        self._counts = [0.0] * buckets
        self._total = 0.0
        self._sum_us = 0.0
        self._origin_us = 0
        self._weight = 1.0

    def note(self, duration_us: int, now_us: int) -> None:
        """One has ended after this time."""
        weight = self._weigh(now_us)
        duration_us = max(0, duration_us)
        self._counts[min(duration_us >> self.bucket_bits, self.buckets - 1)] += weight
        self._total += weight
        self._sum_us += weight * duration_us

    def observations(self, now_us: int) -> float:
        """How many are remembered, each with the weight that is left of it."""
        weight = self._weigh(now_us)  # first: it may bring the total down
        return self._total / weight

    def mean_us(self, default_us: float) -> float:
        """The mean of what was observed."""
        return self._sum_us / self._total if self._total else default_us

    def survival(self) -> list[float]:
        """For the middle of each bucket: the part of all that takes longer. Never 0: half an observation is added."""
        extra = 0.5 * self._weight
        left = self._total
        found = []
        for count in self._counts:
            found.append((left - 0.5 * count + extra) / (self._total + extra))
            left -= count
        return found

    def ends_within(
        self, horizon_us: float, open_by_bucket: Mapping[int, int], prior: tuple[float, float]
    ) -> list[float]:
        """For each bucket of age: the chance that one of that age ends within the horizon.

        Args:
            horizon_us: How far ahead, microseconds.
            open_by_bucket: How many go on now, by the bucket of their age: seen to last at least so long.
            prior: Weight, in observations at risk, and mean in microseconds of an exponential belief. It speaks where
                nothing was observed.
        """
        width_us = 1 << self.bucket_bits
        scale = 1.0 / self._weight
        prior_weight, prior_mean_us = prior
        at_risk = sum(open_by_bucket.values()) + self._total * scale
        # The general hazard is what each bucket is drawn to: deaths over time at risk, in buckets.
        exposed = sum((age + 0.5) * count for age, count in open_by_bucket.items()) + self._sum_us * scale / width_us
        general = (self._total * scale + prior_weight) / (exposed + prior_weight * prior_mean_us / width_us)
        hazard = [0.0]
        for age, count in enumerate(self._counts):
            died, staying = count * scale, open_by_bucket.get(age, 0)
            exposure = at_risk - 0.5 * (died + staying)
            rate = (died + prior_weight * general) / (exposure + prior_weight)
            hazard.append(hazard[-1] + rate)
            at_risk = max(0.0, at_risk - died - staying)
        ahead = horizon_us / width_us
        whole, part = int(0.5 + ahead), (0.5 + ahead) % 1.0  # an age lies in the middle of its bucket
        found = []
        for age in range(self.buckets):
            if age + whole < self.buckets:
                low, high = hazard[age + whole], hazard[age + whole + 1]
                died = low + part * (high - low) - 0.5 * (hazard[age] + hazard[age + 1])
            else:
                died = general * ahead
            found.append(1.0 - math.exp(-died))
        return found

    def _weigh(self, now_us: int) -> float:
        """Weight of an observation made now."""
        if not self._total:
            self._origin_us = now_us
        half_lives = (now_us - self._origin_us) / self._half_life_us
        weight = math.pow(2.0, min(half_lives, _FORGOTTEN))
        if weight > _HEAVIEST:
            self._counts = [count / weight for count in self._counts]
            self._total /= weight
            self._sum_us /= weight
            self._origin_us, weight = now_us, 1.0
        self._weight = weight
        return weight
