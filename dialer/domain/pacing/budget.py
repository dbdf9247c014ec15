"""The abandonment limit as a budget that live answers earn and abandoned calls spend.

A percentage cannot be kept while there are few answers: the first abandoned call in 33 is 3.03 %. A budget can, at
every moment: ``abandoned <= floor(limit * live answers)`` (16 CFR 310.4(b)(4)(i)).
"""

from __future__ import annotations

import math
from fractions import Fraction

#: Standard deviations between what is expected of the calls at risk and what the credits must cover: 1 in 1,000.
COVER_DEVIATIONS = 3.1
#: Limits are meant as decimal numbers: 0.03 is three in a hundred, whatever its binary form.
_FINEST = 1_000_000


class Budget:
    """Arithmetic of one limit. Keeps no counts: they belong to the campaign and its 30 days.

    Args:
        limit_ratio: Abandoned calls in live answers, 0 to 1.

    Raises:
        ValueError: The ratio is out of range.
    """

    __slots__ = ("_limit",)

    def __init__(self, limit_ratio: float) -> None:
        if not 0.0 <= limit_ratio <= 1.0:
            raise ValueError("limit_ratio", limit_ratio)
        self._limit = Fraction(limit_ratio).limit_denominator(_FINEST)

    def credits(self, live_answers: int, abandoned: int) -> int:
        """Calls that could be abandoned now without a breach; below 0 the limit is broken."""
        return self._limit.numerator * live_answers // self._limit.denominator - abandoned

    def balance(self, live_answers: int, abandoned: int) -> float:
        """Credits, with the part of one that is not earned yet."""
        return self._limit.numerator * live_answers / self._limit.denominator - abandoned

    def calls_covered(self, live_answers: int, abandoned: int, answer_chance: float) -> int:
        """Calls without an agent that the credits cover, were none of their answers joined.

        Args:
            live_answers: People who answered within the 30 days.
            abandoned: How many of them were abandoned.
            answer_chance: Probability that a person answers, 0 to 1; take it rather high. With 1 each call needs a
                credit.

        Returns:
            The most calls, ringing ones included, whose answers outnumber the credits once in 1,000 times, by the
            normal approximation to the binomial; 0 without credits.
        """
        credits_left = self.credits(live_answers, abandoned)
        if credits_left <= 0:
            return 0
        chance = min(1.0, max(answer_chance, 1 / _FINEST))
        spread = COVER_DEVIATIONS * math.sqrt(chance * (1.0 - chance))
        # n * chance + spread * sqrt(n) <= credits, solved for sqrt(n)
        root = (math.sqrt(spread * spread + 4.0 * chance * credits_left) - spread) / (2.0 * chance)
        return max(credits_left, math.floor(root * root + 1e-9))
