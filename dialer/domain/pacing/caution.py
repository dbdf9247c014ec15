"""How careful to be: the safety factor of the predictive rule, learnt from what was abandoned.

The rule dials until the answers to expect, and ``z`` standard deviations, reach the agents to expect. Which ``z``
spends the budget depends on everything the estimates leave out, so it is learnt: a start from simulation, a part in
proportion to the credits in hand, and an integral of what was abandoned beyond what was meant to be.
"""

from __future__ import annotations

import bisect
import math

from dialer.domain.pacing.budget import Budget

#: Agents, and the factor that spent 3 % in a stationary simulation with known distributions.
KNOWN = ((5, 1.85), (10, 1.77), (25, 1.66), (50, 1.58), (100, 1.34), (300, 0.80), (1000, 0.05))
LOWEST, HIGHEST = -0.5, 4.0
#: Abandoned calls fall by a factor of e for a rise of the factor by about 1 / STEEPNESS.
STEEPNESS = 1.2
#: Integral action: change of the factor for one abandoned call more than was meant.
GAIN = 0.05
FARTHEST = 2.0  #: of the integral from the start, either way
#: The cushion of credits that is kept: a few, and this many standard deviations of one horizon's answers.
CUSHION_LEAST = 2.0
CUSHION_DEVIATIONS = 2.0
#: Variance of answers and ends within a horizon, for each agent: twice 9 s of ringing in 150 s of handling.
VARIANCE_PER_AGENT = 0.12
#: With credits to spare, at most this multiple of the limit is aimed at.
SPEND_MOST = 1.5
SHARE_LEAST = 0.05


class Caution:
    """The factor of one campaign.

    Args:
        budget: Its abandonment limit.
        limit_ratio: The same limit as a number, 0 to 1.
    """

    __slots__ = ("_abandoned", "_budget", "_learnt", "_limit_ratio", "_live_answers")

    def __init__(self, budget: Budget, limit_ratio: float) -> None:
        self._budget = budget
        self._limit_ratio = limit_ratio
        self._learnt = 0.0
        self._live_answers = -1
        self._abandoned = -1

    def learn(self, live_answers: int, abandoned: int, agents: int, *, binding: bool) -> None:
        """Compare what was abandoned since the last time with what was meant.

        Args:
            live_answers: People who answered, within the days of the limit.
            abandoned: How many of them were abandoned.
            agents: Of the queue.
            binding: True if this factor limited the dialling; if anything else did (lines, contacts, the budget), few
                abandoned calls prove nothing and the factor is not lowered.
        """
        answers, spent = live_answers - self._live_answers, abandoned - self._abandoned
        first = self._live_answers < 0
        self._live_answers, self._abandoned = live_answers, abandoned
        if first or answers < 0 or spent < 0 or not (answers or spent):
            return  # the first time, or new days of the limit have begun
        share = min(SPEND_MOST, max(0.0, self._share(live_answers, abandoned, agents)))
        meant = self._limit_ratio * share * answers if binding else 0.0
        self._learnt = min(FARTHEST, max(-FARTHEST, self._learnt + GAIN * (spent - meant)))

    def factor(self, live_answers: int, abandoned: int, agents: int) -> float:
        """Standard deviations to keep away from more answers than agents, ``LOWEST`` to ``HIGHEST``."""
        share = min(SPEND_MOST, max(SHARE_LEAST, self._share(live_answers, abandoned, agents)))
        return min(HIGHEST, max(LOWEST, known_factor(agents) + self._learnt - math.log(share) / STEEPNESS))

    def _share(self, live_answers: int, abandoned: int, agents: int) -> float:
        """Credits in hand, in cushions."""
        cushion = CUSHION_LEAST + CUSHION_DEVIATIONS * math.sqrt(VARIANCE_PER_AGENT * agents)
        return self._budget.balance(live_answers, abandoned) / cushion


def known_factor(agents: int) -> float:
    """Where to start: linear in the logarithm of the pool between the known sizes."""
    sizes = [size for size, _ in KNOWN]
    at = bisect.bisect_right(sizes, agents)
    if at == 0:
        return KNOWN[0][1]
    if at == len(KNOWN):
        return KNOWN[-1][1]
    (low, here), (high, there) = KNOWN[at - 1], KNOWN[at]
    return here + (there - here) * math.log(agents / low) / math.log(high / low)
