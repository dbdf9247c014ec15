r"""The carrier as a machine: what happens to a call after it was placed.

A call goes through these phases, each with one timer of its own; an order to join, change or clear runs beside it:

    RINGING --pick-up--> DETECTING --verdict--> WAITING --joined--> JOINED
       |   \--pick-up, detection off--------------^  \--flow------> LISTENING --joined--> JOINED
       +--refused, rang out--> OVER, and so from every phase: the far end hangs up, or the call is cleared

Everything about a callee is drawn from (seed, attempt id), so neither order of arrival nor the policy that dials
changes it. Timers start where the one before was due, not when the host came round to it. Every call that was taken
ends with exactly one ``LineEnded``; an attempt id that is live is not dialled again, and an order for a call that is
gone, or already has what is ordered, does nothing: on a real line both cross with the events that make them vain.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NoReturn

from dialer.domain.commands import BridgeCall, ChangeCall, ClearCall, PlaceCall
from dialer.domain.events import LineAnswered, LineChanged, LineEnded, LineJoined
from dialer.domain.kinds import AnswerClass, Outcome
from dialer.domain.media import MEDIA_ORDERS, AwaitTone
from dialer.domain.specs import HOUR_US, SECOND_US
from dialer.errors import InvariantError
from dialer.telephony.simulated.chance import below, draw, key, pick, quantiles, threshold
from dialer.telephony.simulated.line_call import (
    DETECTING,
    JOINED,
    LISTENING,
    OVER,
    RINGING,
    WAITING,
    LineCall,
)
from dialer.telephony.simulated.listening import Listeners
from dialer.telephony.simulated.profile import CarrierProfile

# Which draw of an attempt decides what. Numbers stay, or old seeds tell other stories.
_FATE = 0
_RING = 1
_DETECTION = 2
_PATIENCE = 3
_TALK = 4
_GREETING = 5
_FLOW = 6
_IS_LATE = 7
_LATENESS = 8

#: What a call comes to that nobody picks up, with its Q.850 cause; in the order of ``CarrierProfile.shares``.
_FATES: tuple[tuple[Outcome, int] | None, ...] = (
    None,  # a machine
    (Outcome.BUSY, 17),
    (Outcome.INVALID, 1),
    (Outcome.REJECTED, 21),
    (Outcome.CONGESTION, 34),
    (Outcome.FAILED, 41),
    None,  # a person
    (Outcome.NO_ANSWER, 19),
)
_PERSON, _RINGS_OUT = 6, 7
_NORMAL_CLEARING = 16
_NO_ANSWER = 19
#: How long a machine records after its greeting.
_RECORDS_US = 60 * SECOND_US

# A timer is one integer, due time and serial: a heap of integers is sifted several times as fast as one of tuples.
_SERIAL_BITS = 32
_SERIAL_MASK = (1 << _SERIAL_BITS) - 1


class Carrier:
    """A pure machine that stands for the telephone network.

    Args:
        profile: The world it reaches.
        seed: Any integer; the same seed gives the same callees.
    """

    def __init__(self, profile: CarrierProfile, seed: int) -> None:
        self.profile = profile
        self.placed = 0  #: calls taken so far
        self.ended = 0  #: calls that came to their end
        self._seed = seed
        self._calls: dict[int, LineCall] = {}
        self._heap: list[int] = []
        self._timers: dict[int, LineCall] = {}  # armed ones only
        self._serial = 0
        factors = profile.person_by_hour or (1.0,)
        self._fates = tuple(self._bounds(factor) for factor in factors)
        self._late = profile.late_ratio > 0.0
        self._ring = quantiles(profile.ring)
        self._failure = quantiles(profile.failure)
        self._detection = (quantiles(profile.detection), quantiles(profile.machine_detection))
        self._patience = quantiles(profile.patience)
        self._talk = quantiles(profile.talk)
        self._greeting = quantiles(profile.greeting)
        self._flow = quantiles(profile.flow)
        self._lateness = quantiles(profile.lateness)
        self._listeners = Listeners(profile.manners, seed)

    def handle(self, commands: Sequence[Any], now_us: int) -> list[Any]:
        """Let time pass until now, then carry out the commands.

        Args:
            commands: PlaceCall, BridgeCall, ChangeCall, ClearCall, orders of ``media.py``, oldest first; none when a
                deadline came.
            now_us: UTC microseconds, never before an earlier call's value.

        Returns:
            LineAnswered, LineJoined, LineChanged, LineEnded and events of ``media.py``, in the order in which they
            happened.

        Raises:
            TypeError: Something that is no command to a switch.
        """
        events: list[Any] = []
        self._advance(now_us, events)
        for command in commands:
            kind = type(command)
            if kind is PlaceCall:
                self._place(command, now_us)
            elif kind is BridgeCall:
                self._bridge(command, now_us, events)
            elif kind is ChangeCall:
                self._change(command, now_us, events)
            elif kind is ClearCall:
                self._clear(command, now_us, events)
            elif kind in MEDIA_ORDERS:
                self._media(command, now_us)
            else:
                msg = f"a carrier does not understand {kind.__name__}"
                raise TypeError(msg)
        self._advance(now_us, events)
        return events

    def next_deadline_us(self) -> int | None:
        """When the next thing happens by itself; None while no call is up."""
        heap = self._heap
        while heap and heap[0] not in self._timers:
            heapq.heappop(heap)
        own_us = heap[0] >> _SERIAL_BITS if heap else None
        theirs_us = self._listeners.next_us()
        if own_us is None or theirs_us is None:
            return own_us if theirs_us is None else theirs_us
        return min(own_us, theirs_us)

    def live_calls(self) -> tuple[tuple[int, str, bool], ...]:
        """(attempt id, agent or "", reported as answered) of each call that is up, oldest first."""
        return tuple((call.attempt_id, call.agent, call.phase >= WAITING) for call in self._calls.values())

    def flows_up(self) -> tuple[int, ...]:
        """Attempt ids of calls that were placed with a flow and are up."""
        return tuple(call.attempt_id for call in self._calls.values() if call.flow)

    def live_count(self) -> int:
        """Number of calls that are up."""
        return len(self._calls)

    def check_invariants(self) -> None:
        """Raise InvariantError on a contradiction.

        Raises:
            InvariantError: A call is lost, has no timer of its own, or stands in an impossible phase.
        """
        if self.placed != self.ended + len(self._calls):
            _broken("balance", f"{self.placed} placed, {self.ended} ended, {len(self._calls)} up")
        if not self._timers.keys() <= set(self._heap):
            _broken("heap", "an armed timer would never fire")
        for attempt, call in self._calls.items():
            if call.phase == OVER:
                _broken("over", f"attempt {attempt} is over and still up")
            if call is not self._timers.get(call.step) and call is not self._timers.get(call.clear):
                _broken("timer", f"attempt {attempt} would never end")
            if call.phase != JOINED and (call.muted or call.held):
                _broken("change", f"attempt {attempt} in phase {call.phase} is muted or on hold")
            if (call.phase == JOINED) != (call.agent != ""):
                _broken("agent", f"attempt {attempt} in phase {call.phase} with agent {call.agent!r}")

    # -- commands ----------------------------------------------------------------------------------------------------

    def _place(self, command: PlaceCall, now_us: int) -> None:
        attempt = command.attempt_id
        if attempt in self._calls:
            return
        entity_key = key(self._seed, attempt)
        bounds = self._fates[now_us // HOUR_US % len(self._fates)]
        chance = draw(entity_key, _FATE) >> 32
        fate = 0
        while chance >= bounds[fate]:
            fate += 1
        call = LineCall(command, entity_key, fate)
        if self._late and below(draw(entity_key, _IS_LATE), self.profile.late_ratio):
            call.late_us = pick(self._lateness, draw(entity_key, _LATENESS))
        self._calls[attempt] = call
        self.placed += 1
        wait_us = command.ring_timeout_us + call.late_us
        if fate != _RINGS_OUT:
            table = self._ring if _FATES[fate] is None else self._failure
            reached_us = pick(table, draw(entity_key, _RING))
            if reached_us < command.ring_timeout_us:
                wait_us = reached_us
            else:
                call.fate = _RINGS_OUT
        call.step = self._arm(call, now_us + wait_us)

    def _bridge(self, command: BridgeCall, now_us: int, events: list[Any]) -> None:
        call = self._calls.get(command.attempt_id)
        if call is None or call.phase not in (WAITING, LISTENING) or call.bridge or call.clear:
            return
        call.wanted = command.agent
        delay_us = self.profile.bridge_us + call.late_us
        if delay_us:
            call.bridge = self._arm(call, now_us + delay_us)
        else:
            self._join(call, now_us, events)

    def _change(self, command: ChangeCall, now_us: int, events: list[Any]) -> None:
        call = self._calls.get(command.attempt_id)
        if call is None or call.phase != JOINED:
            return
        call.wanted_muted, call.wanted_held = command.muted, command.held
        if not call.late_us:
            self._make_change(call, events)
        elif not call.change:  # otherwise the latest order is the one that is carried out
            call.change = self._arm(call, now_us + call.late_us)

    def _clear(self, command: ClearCall, now_us: int, events: list[Any]) -> None:
        call = self._calls.get(command.attempt_id)
        if call is None:
            return
        plays = command.message is not None and call.phase != RINGING
        delay_us = call.late_us + (self.profile.message_us if plays else 0)
        if delay_us == 0:
            self._end_by_phase(call, events)
            return
        clear_us = now_us + delay_us
        if call.clear and call.clear_us <= clear_us:
            return
        call.clear_us = clear_us
        self._disarm(call.clear)
        call.clear = self._arm(call, clear_us)
        if plays:  # whoever is there listens to the end, and nobody is joined any more
            call.step = self._disarm(call.step)
            call.bridge = self._disarm(call.bridge)

    def _media(self, order: Any, now_us: int) -> None:
        """An order of a flow; in vain for a call that is gone, or that nobody has picked up yet."""
        call = self._calls.get(order.attempt_id)
        if call is None or call.clear or call.phase not in (WAITING, LISTENING):
            return
        tone_us = None
        if call.machine and type(order) is AwaitTone:
            tone_us = call.step >> _SERIAL_BITS  # the end of the greeting: from then on it records
            self._disarm(call.step)
            call.step = self._arm(call, tone_us + _RECORDS_US)
        self._listeners.order(order, now_us, tone_us)

    # -- time --------------------------------------------------------------------------------------------------------

    def _arm(self, call: LineCall, due_us: int) -> int:
        self._serial += 1
        timer = (due_us << _SERIAL_BITS) | (self._serial & _SERIAL_MASK)
        heapq.heappush(self._heap, timer)
        self._timers[timer] = call
        return timer

    def _advance(self, now_us: int, events: list[Any]) -> None:
        heap, timers = self._heap, self._timers
        after = (now_us + 1) << _SERIAL_BITS
        while heap and heap[0] < after:
            timer = heapq.heappop(heap)
            call = timers.pop(timer, None)
            if call is None:
                continue  # disarmed
            due_us = timer >> _SERIAL_BITS
            if timer == call.step:
                self._step(call, due_us, events)
            elif timer == call.bridge:
                self._join(call, due_us, events)
            elif timer == call.change:
                self._make_change(call, events)
            else:
                self._end_by_phase(call, events)
        self._listeners.advance(now_us, events)

    def _disarm(self, timer: int) -> int:
        """Forget a timer, 0 for none; its entry in the heap is skipped when it comes up. Always 0."""
        self._timers.pop(timer, None)
        return 0

    def _step(self, call: LineCall, due_us: int, events: list[Any]) -> None:
        """The call's own next thing is due: it is answered, classified, or over."""
        if call.phase == RINGING:
            fate = _FATES[call.fate]
            if fate is not None:
                self._end(call, fate[0], fate[1], events)
                return
            call.picked_us = due_us
            if not call.amd:
                self._report(call, due_us, events)
                return
            call.phase = DETECTING
            verdict_us = pick(self._detection[call.machine], draw(call.entity_key, _DETECTION))
            call.step = self._arm(call, due_us + verdict_us)
        elif call.phase == DETECTING:
            self._report(call, due_us, events)
        else:
            self._end_by_phase(call, events)

    def _report(self, call: LineCall, due_us: int, events: list[Any]) -> None:
        """Tell that somebody is there, and start the clock of what they do if nobody speaks."""
        known_machine = call.machine and call.amd
        if not call.amd:
            answer_class = AnswerClass.UNKNOWN
        else:
            answer_class = AnswerClass.MACHINE if call.machine else AnswerClass.HUMAN
        if call.flow and not known_machine:
            call.phase = LISTENING
            ends_us = due_us + pick(self._flow, draw(call.entity_key, _FLOW))
        else:
            call.phase = WAITING
            table, which = (self._greeting, _GREETING) if call.machine else (self._patience, _PATIENCE)
            # Detection uses patience up, but nobody goes before the verdict: an answer is always reported first.
            ends_us = max(due_us + 1, call.picked_us + pick(table, draw(call.entity_key, which)))
        call.step = self._arm(call, ends_us)
        events.append(LineAnswered(call.attempt_id, answer_class))

    def _join(self, call: LineCall, due_us: int, events: list[Any]) -> None:
        call.bridge = 0
        call.agent = call.wanted
        call.phase = JOINED
        if not call.machine:  # a machine talks on to the end of its greeting, whoever listens
            self._disarm(call.step)
            call.step = self._arm(call, due_us + pick(self._talk, draw(call.entity_key, _TALK)))
        events.append(LineJoined(call.attempt_id, call.agent))

    def _make_change(self, call: LineCall, events: list[Any]) -> None:
        call.change = 0
        call.muted, call.held = call.wanted_muted, call.wanted_held
        events.append(LineChanged(call.attempt_id, call.muted, call.held))

    def _end_by_phase(self, call: LineCall, events: list[Any]) -> None:
        """End a call that nothing but its phase gives an outcome."""
        if call.phase == RINGING:
            self._end(call, Outcome.NO_ANSWER, _NO_ANSWER, events)
        elif call.machine and call.amd:
            self._end(call, Outcome.MACHINE, _NORMAL_CLEARING, events)
        elif call.phase in (JOINED, LISTENING):
            self._end(call, Outcome.CONNECTED, _NORMAL_CLEARING, events)
        else:
            self._end(call, Outcome.HUNG_UP, _NORMAL_CLEARING, events)

    def _end(self, call: LineCall, outcome: Outcome, cause: int, events: list[Any]) -> None:
        call.phase = OVER
        timers = self._timers
        timers.pop(call.step, None)
        if call.bridge:
            timers.pop(call.bridge, None)
        if call.change:
            timers.pop(call.change, None)
        if call.clear:
            timers.pop(call.clear, None)
        del self._calls[call.attempt_id]
        if call.flow:
            self._listeners.drop(call.attempt_id)
        self.ended += 1
        events.append(LineEnded(call.attempt_id, outcome, cause))

    def _bounds(self, factor: float) -> tuple[int, ...]:
        """Upper bounds of the fates when people are at home with this factor; the last one takes all the rest."""
        shares = self.profile.shares()
        sums = tuple(threshold(total) for total in accumulate((*shares[:_PERSON], shares[_PERSON] * factor)))
        return (*sums, 1 << 32)


def _broken(rule: str, detail: str) -> NoReturn:
    name = f"carrier.{rule}"
    raise InvariantError(name, detail)
