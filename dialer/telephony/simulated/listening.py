"""How simulated callees behave in a flow: they listen, press keys or do not, speak, and machines have a greeting.

Like everything about a callee, what they do is drawn from (seed, attempt id, number of the order). When they hang up is
the carrier's: here they only go on while the call is up. Automations are answered here too, so that a flow with
webhooks can be simulated.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from dialer.domain import media as m
from dialer.domain.specs import SECOND_US
from dialer.errors import ConfigError
from dialer.telephony.simulated.chance import Spread, below, draw, key, pick, quantiles, threshold

#: Speaking rate: about 150 words of 6 characters a minute.
CHARACTER_US = 66_000
#: Between two keys of a longer number.
_NEXT_KEY_US = 400_000

# Which draw of an order decides what.
_PRESSES, _KEY, _REACTION, _BARGES, _SPEAKS, _SPEECH, _WORKS, _LATENCY, _ANSWER = range(9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """What callees do in a flow."""

    press_ratio: float = 0.8  #: share of questions that are answered with a key
    keys: tuple[tuple[str, float], ...] = (("1", 0.70), ("2", 0.12), ("9", 0.10), ("5", 0.08))  #: key, share
    reaction: Spread = Spread(1_500_000, 0.5)  #: end of the question to the key
    barge_ratio: float = 0.15  #: share of those who press before the question is over
    prompt: Spread = Spread(6 * SECOND_US, 0.5)  #: length of recordings
    speak_ratio: float = 0.7  #: share that says something when recorded
    speech: Spread = Spread(5 * SECOND_US, 0.6)
    automation_ratio: float = 0.95  #: share of automations that answer as they should
    latency: Spread = Spread(300_000, 1.0)  #: of automations
    answers: tuple[str, ...] = ("yes", "no")  #: of automations, equally often

    def __post_init__(self) -> None:
        """Refuse manners that cannot be.

        Raises:
            ConfigError: A share is not one, or those of the keys do not add up to 1.
        """
        ratios = (self.press_ratio, self.barge_ratio, self.speak_ratio, self.automation_ratio)
        if not all(0.0 <= ratio <= 1.0 for ratio in ratios):
            msg = "manners: every ratio must be 0 to 1"
            raise ConfigError(msg)
        shares = [share for _, share in self.keys]
        if min(shares, default=-1.0) < 0.0 or not math.isclose(sum(shares), 1.0, abs_tol=1e-9) or not self.answers:
            msg = "manners: the shares of keys must be 0 or more and add up to 1, and automations need an answer"
            raise ConfigError(msg)


#: What callees do unless a profile says otherwise.
USUAL_MANNERS = Manners()


class Listeners:
    """All callees that are in a flow.

    Args:
        manners: What they do.
        seed: The carrier's.
    """

    def __init__(self, manners: Manners, seed: int) -> None:
        self._manners = manners
        self._seed = seed
        self._bounds = tuple(threshold(total) for total in accumulate(share for _, share in manners.keys))
        self._prompt = quantiles(manners.prompt)
        self._reaction = quantiles(manners.reaction)
        self._speech = quantiles(manners.speech)
        self._latency = quantiles(manners.latency)
        self._heap: list[tuple[int, int]] = []  # (due, serial)
        self._due: dict[int, Any] = {}  # serial -> what is told then; what was stopped is gone
        self._serials: dict[int, dict[tuple[int, type], int]] = {}  # attempt -> (order, event) -> serial
        self._ends: dict[tuple[int, int], int] = {}  # (attempt, order) -> when its prompt ends
        self._serial = 0

    def order(self, order: Any, now_us: int, tone_us: int | None) -> None:
        """Begin or stop something.

        Args:
            order: One of ``MEDIA_ORDERS``.
            now_us: UTC microseconds.
            tone_us: When the greeting of the machine is over; None if no machine has picked up.
        """
        chance = key(self._seed, order.attempt_id) + order.op * 64
        kind = type(order)
        if kind is m.PlayPrompt:
            if not order.loop:
                self._speak(order, now_us + pick(self._prompt, key(self._seed, order.prompt)))
        elif kind is m.SayText:
            self._speak(order, now_us + len(order.text) * CHARACTER_US)
        elif kind is m.GatherDigits:
            self._answer(order, now_us, chance)
        elif kind is m.StartRecording:
            self._record(order, now_us, chance)
        elif kind is m.AwaitTone:
            heard = tone_us is not None and tone_us < now_us + order.limit_us
            due_us = tone_us if tone_us is not None and heard else now_us + order.limit_us
            self._plan(due_us, m.ToneHeard(order.attempt_id, order.op, heard))
        elif kind is m.CallAutomation:
            self._automate(order, now_us, chance)
        else:
            self._stop(order.attempt_id, order.op, _STOPS[kind])

    def drop(self, attempt: int) -> None:
        """The call is over, and with it all that was going on."""
        for (op, _), serial in self._serials.pop(attempt, {}).items():
            self._due.pop(serial, None)
            self._ends.pop((attempt, op), None)

    def next_us(self) -> int | None:
        """When the next thing happens; None if nothing goes on."""
        while self._heap and self._heap[0][1] not in self._due:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def advance(self, now_us: int, events: list[Any]) -> None:
        """Tell what has happened until now."""
        while (due_us := self.next_us()) is not None and due_us <= now_us:
            event = self._due.pop(heapq.heappop(self._heap)[1])
            del self._serials[event.attempt_id][event.op, type(event)]
            if type(event) is m.PromptEnded:
                self._ends.pop((event.attempt_id, event.op), None)
            events.append(event)

    # -- what they do ------------------------------------------------------------------------------------------------

    def _speak(self, order: Any, ends_us: int) -> None:
        self._ends[order.attempt_id, order.op] = ends_us
        self._plan(ends_us, m.PromptEnded(order.attempt_id, order.op))

    def _answer(self, order: m.GatherDigits, now_us: int, chance: int) -> None:
        manners = self._manners
        over_us = self._ends.get((order.attempt_id, order.op), now_us)
        reaction_us = pick(self._reaction, draw(chance, _REACTION))
        if not below(draw(chance, _PRESSES), manners.press_ratio) or reaction_us > order.first_us:
            self._plan(over_us + order.first_us, m.DigitsGathered(order.attempt_id, order.op, ""))
            return
        pressed_us = over_us + reaction_us
        if below(draw(chance, _BARGES), manners.barge_ratio):
            pressed_us = now_us + min(reaction_us, over_us - now_us)
        bits = draw(chance, _KEY)
        digits = "".join(self._key(bits << 4 * at) for at in range(order.max_digits))
        pressed_us += (order.max_digits - 1) * _NEXT_KEY_US
        self._plan(pressed_us, m.DigitsGathered(order.attempt_id, order.op, digits))

    def _key(self, bits: int) -> str:
        share = (bits & 0xFFFF_FFFF_FFFF_FFFF) >> 32
        at = next((at for at, bound in enumerate(self._bounds) if share < bound), len(self._bounds) - 1)
        return self._manners.keys[at][0]

    def _record(self, order: m.StartRecording, now_us: int, chance: int) -> None:
        speaks = below(draw(chance, _SPEAKS), self._manners.speak_ratio)
        speech_us = pick(self._speech, draw(chance, _SPEECH)) if speaks else 0
        length_us = min(order.limit_us, speech_us + order.silence_us)
        ended = m.RecordingEnded(order.attempt_id, order.op, min(speech_us, length_us), speaks)
        self._plan(now_us + length_us, ended)

    def _automate(self, order: m.CallAutomation, now_us: int, chance: int) -> None:
        """Answer, or fail; one that takes too long says nothing, and the flow gives it up."""
        latency_us = pick(self._latency, draw(chance, _LATENCY))
        if latency_us <= order.timeout_us:
            works = below(draw(chance, _WORKS), self._manners.automation_ratio)
            answers = self._manners.answers
            answer = answers[draw(chance, _ANSWER) % len(answers)] if works else ""
            self._plan(now_us + latency_us, m.AutomationAnswered(order.attempt_id, order.op, works, answer))

    # -- time --------------------------------------------------------------------------------------------------------

    def _plan(self, due_us: int, event: Any) -> None:
        self._serial += 1
        self._due[self._serial] = event
        self._serials.setdefault(event.attempt_id, {})[event.op, type(event)] = self._serial
        heapq.heappush(self._heap, (due_us, self._serial))

    def _stop(self, attempt: int, op: int, event: type) -> None:
        serial = self._serials.get(attempt, {}).pop((op, event), None)
        if serial is not None:
            self._due.pop(serial)
        if event is m.PromptEnded:
            self._ends.pop((attempt, op), None)


#: Order to stop -> what is not told then.
_STOPS: dict[type, type] = {
    m.StopPrompt: m.PromptEnded,
    m.StopGather: m.DigitsGathered,
    m.StopRecording: m.RecordingEnded,
}
