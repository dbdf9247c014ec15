"""The predictive controller of one campaign: how many calls to place now, and why.

It looks one ringing time ahead: agents who will be free against people who will have answered, both with their
variance, and dials as long as answers and a learnt safety margin fit (``caution``). Besides, the credits must cover
what could go wrong (``budget``). Where it cannot know enough, or may not abandon anyone, it falls back to one call for
each agent, promised before.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

from dialer.domain.pacing.budget import COVER_DEVIATIONS, Budget
from dialer.domain.pacing.caution import Caution
from dialer.domain.pacing.chance import AnswerChance
from dialer.domain.pacing.durations import Durations
from dialer.domain.pacing.sight import Decision, Sight
from dialer.domain.specs import MINUTE_US, SECOND_US, PacingSpec

#: Pools of fewer agents gain too little from a prediction.
SMALLEST_POOL = 5
#: Below this size there is a limit of lines for each agent who is free soon: 2 for five agents, and one more for ten
#: agents more. In so small a pool one wrong estimate costs more than the credits that it earns in an hour.
SMALL_POOL = 15
SMALL_POOL_LINES = 2.0
AGENTS_PER_LINE = 10
#: Remembered observations without which nothing is predicted.
LEAST_CALLS = 30
LEAST_ANSWERS = 5
LEAST_HANDLED = 10
#: Time alone moves the prediction on: answers become likelier, calls end.
STEP_US = SECOND_US // 2
KEEP_UP_US = 2 * SECOND_US
#: Tables of the estimates are made anew after this time.
REFRESH_US = 5 * SECOND_US
HALF_LIFE_US = 20 * MINUTE_US
RING_BITS, RING_BUCKETS = 20, 128  # buckets of 1.05 s up to 2 minutes
HANDLED_BITS, HANDLED_BUCKETS = 22, 256  # buckets of 4.2 s up to 18 minutes
#: Belief about handling times before any is known: weight in agents, and mean.
HANDLED_PRIOR = (4.0, 180.0 * SECOND_US)
RING_DEFAULT_US = 9.0 * SECOND_US
ENDS_IN_TIME = 0.5  #: share of the ends expected within a ringing time that the worst case counts on
MOST_CALLS = 1 << 16  #: in one decision
MOST_SPANS = 64  #: of promised calls; one that is forgotten makes its calls a risk again


class Predictive:
    """Estimates and decision of one campaign. Soft: a new one starts with one call for each agent.

    Calls sent while the last decision said ``reserve`` have an agent of their own: they are left out of the risk, as
    their agents are left out of the idle ones.

    Args:
        spec: Its ``abandon_limit_ratio`` counts.
    """

    __slots__ = (
        "_ahead_us",
        "_answers",
        "_binding",
        "_budget",
        "_caution",
        "_chance",
        "_decided_us",
        "_ends_within",
        "_failures",
        "_granted",
        "_handled",
        "_kept_up_us",
        "_promised",
        "_refreshed_us",
        "_stepping",
        "_still_failing",
        "_still_ringing",
    )

    def __init__(self, spec: PacingSpec) -> None:
        self._budget = Budget(spec.abandon_limit_ratio)
        self._caution = Caution(self._budget, spec.abandon_limit_ratio)
        self._chance = AnswerChance()
        self._answers = Durations(bucket_bits=RING_BITS, buckets=RING_BUCKETS, half_life_us=HALF_LIFE_US)
        self._failures = Durations(bucket_bits=RING_BITS, buckets=RING_BUCKETS, half_life_us=HALF_LIFE_US)
        self._handled = Durations(bucket_bits=HANDLED_BITS, buckets=HANDLED_BUCKETS, half_life_us=HALF_LIFE_US)
        self._binding = False  # the learnt margin limited the last decision, nothing else
        self._granted = 0  # of the last decision, not launched yet
        self._kept_up_us = 0  # when all that was granted had been launched
        self._promised: list[tuple[int, int | None]] = []  # spans in which calls were sent with a promised agent
        self._ahead_us = -1  # of the last decision to dial without promises
        self._decided_us = 0
        self._stepping = False
        self._refreshed_us: int | None = None
        self._still_ringing: list[float] = []
        self._still_failing: list[float] = []
        self._ends_within: list[float] = []

    # -- what happened -----------------------------------------------------------------------------------------------

    def launched(self, count: int, now_us: int) -> None:
        """So many calls were sent."""
        self._granted = max(0, self._granted - count)
        if not self._granted:
            self._kept_up_us = now_us

    def answered(self, ring_us: int, now_us: int) -> None:
        """A person answered, this long after the call was sent."""
        self._chance.note(person=True, now_us=now_us)
        self._answers.note(ring_us, now_us)

    def failed(self, after_us: int, now_us: int) -> None:
        """A call ended without a person, this long after it was sent: busy, no answer, machine, bad number."""
        self._chance.note(person=False, now_us=now_us)
        self._failures.note(after_us, now_us)

    def handled(self, duration_us: int, now_us: int) -> None:
        """An agent is free again, this long after a call was joined: call and wrap-up."""
        self._handled.note(duration_us, now_us)

    # -- what to do --------------------------------------------------------------------------------------------------

    def next_us(self, now_us: int) -> int | None:
        """When to decide again although nothing has happened; None if only news can change the decision."""
        if not self._stepping:
            return None
        due_us = self._decided_us + STEP_US
        return due_us if due_us > now_us else now_us + STEP_US  # who has not asked when it was due has a reason

    def decide(self, sight: Sight) -> Decision:
        """How many calls to place now."""
        agents = sight.idle + len(sight.busy_since_us)
        if not self._granted:
            self._kept_up_us = sight.now_us
        # What was granted and is not sent for so long lacked a line or a contact.
        binding = self._binding and sight.now_us <= self._kept_up_us + KEEP_UP_US
        self._caution.learn(sight.live_answers, sight.abandoned, agents, binding=binding)
        self._binding = False
        why = self._why_reserve(sight, agents)
        ringing = self._at_risk(sight)
        if why is None or self._refreshed_us is not None:
            self._refresh(sight)
        worst = self._expected_answers(ringing, sight.now_us, self._chance.worst())
        safe = self._safe(sight, len(ringing), *worst)
        if why is None:
            decision = self._predict(sight, ringing, worst, safe)
        else:
            decision = Decision(safe, f"one call for each agent: {why}", reserve=True)
        self._mark(sight.now_us, reserve=decision.reserve)
        self._decided_us = sight.now_us
        self._stepping = agents > 0 and (not decision.reserve or len(ringing) > 0)
        self._granted = decision.launch
        return decision

    def _why_reserve(self, sight: Sight, agents: int) -> str | None:
        """Why nothing may be predicted; None if it may."""
        if agents < SMALLEST_POOL:
            return f"fewer than {SMALLEST_POOL} agents"
        if self._budget.credits(sight.live_answers, sight.abandoned) <= 0:
            return "no credit is left for an abandoned call"
        now_us = sight.now_us
        if self._chance.observations(now_us) < LEAST_CALLS or self._answers.observations(now_us) < LEAST_ANSWERS:
            return "too few calls of late to tell how many are answered"
        if self._handled.observations(now_us) < LEAST_HANDLED:
            return "too few calls of late to tell how long one takes"
        return None

    def _at_risk(self, sight: Sight) -> Sequence[int]:
        """Send times of the ringing calls that no agent is promised to."""
        sent = sight.ringing_since_us
        if not sent:
            return sent
        oldest_us = min(sent)
        self._promised = [span for span in self._promised if span[1] is None or span[1] > oldest_us]
        for from_us, to_us in self._promised:
            if to_us is None:
                sent = [since_us for since_us in sent if since_us < from_us]
            else:
                sent = [since_us for since_us in sent if not from_us <= since_us < to_us]
        return sent

    def _mark(self, now_us: int, *, reserve: bool) -> None:
        """Remember in which spans calls are sent with a promised agent."""
        running = bool(self._promised) and self._promised[-1][1] is None
        if not reserve:
            self._ahead_us = now_us
        if reserve and not running:
            # In doubt at the same instant, a call is one without a promise.
            self._promised.append((max(now_us, self._ahead_us + 1), None))
            del self._promised[:-MOST_SPANS]
        elif running and not reserve:
            self._promised[-1] = (self._promised[-1][0], now_us)

    def _refresh(self, sight: Sight) -> None:
        """Make the tables of the estimates anew, now and then."""
        now_us = sight.now_us
        if self._refreshed_us is not None and now_us < self._refreshed_us + REFRESH_US:
            return
        self._refreshed_us = now_us
        self._still_ringing = self._answers.survival()
        self._still_failing = self._failures.survival()
        last = HANDLED_BUCKETS - 1
        ages = Counter(min(max(0, now_us - since_us) >> HANDLED_BITS, last) for since_us in sight.busy_since_us)
        self._ends_within = self._handled.ends_within(self._answers.mean_us(RING_DEFAULT_US), ages, HANDLED_PRIOR)

    def _expected_answers(self, ringing: Sequence[int], now_us: int, chance: float) -> tuple[float, float]:
        """Expected answers of the ringing calls, and their variance. All of them, as long as nothing is known."""
        if not ringing:
            return 0.0, 0.0
        if not self._still_ringing:
            return float(len(ringing)), 0.0
        mean = variance = 0.0
        for age, count in Counter([(now_us - since_us) >> RING_BITS for since_us in ringing]).items():
            at = min(max(age, 0), RING_BUCKETS - 1)
            person = chance * self._still_ringing[at]
            person /= person + (1.0 - chance) * self._still_failing[at]
            mean += count * person
            variance += count * person * (1.0 - person)
        return mean, variance

    def _expected_ends(self, busy: Sequence[int], now_us: int) -> tuple[float, float]:
        """Expected agents who are free within a ringing time, and their variance."""
        mean = variance = 0.0
        table, last = self._ends_within, HANDLED_BUCKETS - 1
        for age, count in Counter([(now_us - since_us) >> HANDLED_BITS for since_us in busy]).items():
            ends = table[min(max(age, 0), last)]
            mean += count * ends
            variance += count * ends * (1.0 - ends)
        return mean, variance

    @staticmethod
    def _safe(sight: Sight, ringing: int, answers: float, variance: float) -> int:
        """Idle agents whom nobody will need who was called without a promise: a call each is no risk."""
        unpromised = min(float(ringing), answers + COVER_DEVIATIONS * math.sqrt(variance))
        return max(0, math.floor(sight.idle - sight.waiting - math.ceil(sight.rival_answers) - unpromised))

    def _predict(self, sight: Sight, ringing: Sequence[int], worst: tuple[float, float], safe: int) -> Decision:
        """As many as fit: the expected answers with the learnt margin, and the worst case with the credits."""
        chance, chance_variance, worst_chance = self._chance.mean(), self._chance.variance(), self._chance.worst()
        answers, answers_variance = worst
        if worst_chance > chance:
            answers, answers_variance = self._expected_answers(ringing, sight.now_us, chance)
        ends, ends_variance = self._expected_ends(sight.busy_since_us, sight.now_us)
        agents = sight.idle + len(sight.busy_since_us)
        credits_left = self._budget.credits(sight.live_answers, sight.abandoned)
        factor = self._caution.factor(sight.live_answers, sight.abandoned, agents)
        others = sight.waiting + sight.rival_answers
        supply = sight.idle + ends
        room = supply - others - answers
        base = ends_variance + answers_variance + sight.rival_answers
        each = chance * (1.0 - chance)
        # Agents who end only after the first answers come too late for those: half of them count in the worst case.
        cover = sight.idle + ENDS_IN_TIME * ends + credits_left - others - worst[0]
        worst_base = ends_variance + worst[1] + sight.rival_answers
        worst_each = worst_chance * (1.0 - worst_chance)

        def expected(calls: int) -> bool:
            deviation = math.sqrt(base + calls * each + calls * calls * chance_variance)
            return factor * deviation <= room - calls * chance

        def covered(calls: int) -> bool:
            deviation = math.sqrt(worst_base + calls * worst_each + calls * calls * chance_variance)
            return COVER_DEVIATIONS * deviation <= cover - calls * worst_chance

        most = MOST_CALLS
        if agents < SMALL_POOL:
            lines = SMALL_POOL_LINES + (agents - SMALLEST_POOL) / AGENTS_PER_LINE
            most = max(0, math.floor(lines * supply) - len(ringing))
        launch = max(safe, min(most, _largest(lambda calls: expected(calls) and covered(calls))))
        self._binding = not expected(launch + 1)
        reason = f"predictive: {supply:.1f} agents free soon, {others + answers:.1f} answers due, margin {factor:.2f}"
        return Decision(launch, reason, reserve=False)


def _largest(fits: Callable[[int], bool]) -> int:
    """The largest number that fits, where smaller ones fit too; 0 if none does."""
    high = 1
    while high < MOST_CALLS and fits(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        if fits(middle):
            low = middle
        else:
            high = middle
    return low
