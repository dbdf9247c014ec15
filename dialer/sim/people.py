"""Simulated agents: people at their desks, as machines.

A person sees only ``DeskUpdated`` and speaks only in requests, like the browser of a real agent. Three requests can be
open at once: one about presence (log in, break, log out), one about the contact or the call (dial, skip, hang up,
disposition), and one to mute or hold. A request that shows no effect is sent again. Updates may be repeated, late or
lost: a call that this person has closed stays closed whatever an old update says, and everything else is simply what
the desk shows now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from dialer.domain.commands import (
    DialNow,
    EndBreak,
    EndCall,
    LogIn,
    LogOut,
    SetCall,
    SetDisposition,
    SkipContact,
    TakeBreak,
)
from dialer.domain.events import DeskUpdated, PeerRestarted
from dialer.domain.kinds import AgentState
from dialer.domain.message import Address, Envelope
from dialer.domain.specs import HOUR_US, MINUTE_US, SECOND_US
from dialer.errors import IllegalTransitionError, InvariantError
from dialer.sim.habits import DISPOSITIONS, Habits, habits_by_name
from dialer.telephony.simulated.chance import Spread, below, draw, key, mix, pick, quantiles

__all__ = ["DISPOSITIONS", "Habits", "Person", "habits_by_name"]

#: How long a person waits for the desk to follow before asking again.
PATIENCE_US = 30 * SECOND_US

#: The code for a contact who wants to be called again, and how far ahead that is.
CALLBACK_CODE = "callback_asked"
CALLBACK_FROM_US, CALLBACK_TO_US = 15 * MINUTE_US, 2 * HOUR_US

# Which draw of an attempt decides what. Numbers stay, or old seeds tell other stories. What is drawn in turn
# (``Person._draw``) stays in turn for the same reason.
_DECIDE = 0
_IS_SKIPPED = 1
_IS_LEFT = 2
_IS_TUNED = 3
_TUNE_AFTER = 4
_TUNE_FOR = 5
_IS_HELD = 6
_CALLBACK = 7
_IS_PERSONAL = 8
_IS_CALLBACK = 9


#: The way of one call over the desk.
_STAGES = {AgentState.PREVIEW: 0, AgentState.RESERVED: 1, AgentState.TALKING: 2, AgentState.WRAP_UP: 3}


@dataclass(slots=True)
class _Ask:
    """A request, and when it is due; once made, when to make it again."""

    request: Any
    due_us: int


class Person:
    """One agent at a desk. A machine at the address ``desk/<agent>``.

    Args:
        agent: Id of the agent.
        seed: Seed of the run; draws depend on it, the agent, and the attempt or how many were drawn.
        habits: How the person works.
    """

    def __init__(self, agent: str, seed: int, habits: Habits) -> None:
        self.address = Address("desk", agent)
        self.agent = agent
        self.habits = habits
        self.state: AgentState | None = None  #: what the desk showed last
        self.attempt_id = 0  #: the call it showed, 0 for none
        self._to = Address("agent", agent)
        self._key = key(seed, agent)
        self._drawn = 0
        self._presence: _Ask | None = None
        self._call: _Ask | None = None
        self._tune: _Ask | None = None  # to mute or hold, then to take that back
        self._considered = 0  # the call for which hanging up was decided, either way
        self._closed: tuple[int, ...] = ()  # the last few calls whose wrap-up this person saw the end of
        self._break_us: int | None = None
        self._left = False

    def start(self, now_us: int) -> list[Envelope]:
        """Sit down and log in, unless the shift is over."""
        leave_us = self.habits.leave_at_us
        if leave_us is not None and now_us >= leave_us:
            self._left = True
            return []
        if self.habits.takes_breaks:
            self._break_us = now_us + self._draw_us(self.habits.work)
        self._presence = _Ask(LogIn(self.agent), now_us)
        return self._act(now_us)

    def handle(self, batch: Sequence[Any], now_us: int) -> list[Envelope]:
        """Look at the desk, then do what is due.

        Args:
            batch: DeskUpdated and PeerRestarted, oldest first.
            now_us: UTC microseconds.

        Returns:
            Requests to the agent.

        Raises:
            IllegalTransitionError: A message that no desk shows.
        """
        for message in batch:
            if type(message) is DeskUpdated:
                self._look(message, now_us)
            elif type(message) is PeerRestarted:
                self._return_to_desk(now_us)
            else:
                shown = "nothing" if self.state is None else self.state.value
                entity = f"desk {self.agent}"
                raise IllegalTransitionError(entity, shown, type(message).__name__)
        return self._act(now_us)

    def next_deadline_us(self) -> int | None:
        """When the person acts next by itself; None when only the desk can bring that about."""
        dues = [ask.due_us for ask in (self._presence, self._call, self._tune) if ask is not None]
        if not self._left:
            dues += [due for due in (self._break_us, self.habits.leave_at_us) if due is not None]
        return min(dues, default=None)

    def check_invariants(self) -> None:
        """Raise InvariantError on a contradiction.

        Raises:
            InvariantError: A request about a closed call, or a wish for a break after leaving.
        """
        if any(ask is not None and ask.request.attempt_id in self._closed for ask in (self._call, self._tune)):
            rule, detail = "person.call", f"{self.agent} asks about a call that is closed"
            raise InvariantError(rule, detail)
        if self._left and self._break_us is not None:
            rule, detail = "person.left", f"{self.agent} has left and still wants a break"
            raise InvariantError(rule, detail)

    # -- the desk ----------------------------------------------------------------------------------------------------

    def _look(self, update: DeskUpdated, now_us: int) -> None:
        """Take in what the desk shows; plan what follows from it."""
        state, attempt = update.state, update.attempt_id
        if state in _STAGES and self._is_old(state, attempt):
            return
        if self.state is AgentState.WRAP_UP and (state, attempt) != (self.state, self.attempt_id):
            self._leave_wrap_up(state)
        self.state, self.attempt_id = state, attempt
        self._settle_presence(state, now_us)
        if state is AgentState.TALKING:
            self._consider_hanging_up(attempt, now_us)
            self._follow_tuning(update, now_us)
        elif state is not AgentState.RECOVERING:  # a reborn agent will find its call again, or not
            self._tune = None
            if state is AgentState.PREVIEW:
                self._plan_decision(update, now_us)
            elif state is AgentState.WRAP_UP:
                self._plan_disposition(attempt, now_us)
            else:
                self._call = None
        if state is AgentState.BREAK and self._presence is None and not self._left:
            self._presence = _Ask(EndBreak(self.agent), now_us + self._draw_us(self.habits.rest))

    def _is_old(self, state: AgentState, attempt: int) -> bool:
        """True for late news: of a call that is done with, or of an earlier stage of the one that is shown."""
        if attempt in self._closed:
            return True
        return attempt == self.attempt_id and self.state in _STAGES and _STAGES[state] < _STAGES[self.state]

    def _settle_presence(self, state: AgentState, now_us: int) -> None:
        """Strike out a request about presence that has shown its effect; answer what contradicts the shift."""
        request = None if self._presence is None else self._presence.request
        if state is AgentState.RECOVERING:
            return
        if state is AgentState.OFFLINE:
            if type(request) is LogOut or self._left:
                self._presence = None
            elif type(request) is not LogIn:
                self._presence = _Ask(LogIn(self.agent), now_us)
        elif type(request) is TakeBreak and state is AgentState.BREAK:
            self._presence = None
        elif type(request) is LogIn or (type(request) is EndBreak and state is not AgentState.BREAK):
            self._presence = None
            if self._break_us is None and self.habits.takes_breaks:
                self._break_us = now_us + self._draw_us(self.habits.work)

    def _plan_decision(self, update: DeskUpdated, now_us: int) -> None:
        """Dial or skip after a while, or leave it to the timer; whoever has left skips where that is possible."""
        attempt, habits = update.attempt_id, self.habits
        if not self._left and below(self._draw_of(attempt, _IS_LEFT), habits.undecided_ratio):
            self._call = None
            return
        skips = self._left or below(self._draw_of(attempt, _IS_SKIPPED), habits.skip_ratio)
        request = (SkipContact if skips and update.may_skip else DialNow)(self.agent, attempt)
        ask = self._call
        if ask is not None and type(ask.request) in (DialNow, SkipContact) and ask.request.attempt_id == attempt:
            ask.request = request  # the card has come since
        else:
            due_us = now_us + pick(quantiles(habits.decide), self._draw_of(attempt, _DECIDE))
            self._call = _Ask(request, due_us)

    def _follow_tuning(self, update: DeskUpdated, now_us: int) -> None:
        """What was muted or put on hold is taken back after a while, and that is that."""
        ask = self._tune
        if ask is None:
            return
        wants = ask.request.muted or ask.request.held
        if wants != (update.muted or update.held):
            return  # no effect yet
        if wants:
            due_us = now_us + pick(quantiles(self.habits.tune_for), self._draw_of(update.attempt_id, _TUNE_FOR))
            self._tune = _Ask(SetCall(self.agent, update.attempt_id, muted=False, held=False), due_us)
        else:
            self._tune = None

    def _consider_hanging_up(self, attempt: int, now_us: int) -> None:
        if attempt == self._considered:
            return
        self._considered = attempt
        self._call = None
        if not self._left and below(self._draw(), self.habits.hang_up_ratio):
            self._call = _Ask(EndCall(self.agent, attempt), now_us + self._draw_us(self.habits.hang_up_after))
        self._consider_tuning(attempt, now_us)

    def _consider_tuning(self, attempt: int, now_us: int) -> None:
        self._tune = None
        if not self._left and below(self._draw_of(attempt, _IS_TUNED), self.habits.tune_ratio):
            held = below(self._draw_of(attempt, _IS_HELD), 0.5)
            due_us = now_us + pick(quantiles(self.habits.tune_after), self._draw_of(attempt, _TUNE_AFTER))
            self._tune = _Ask(SetCall(self.agent, attempt, muted=not held, held=held), due_us)

    def _plan_disposition(self, attempt: int, now_us: int) -> None:
        ask = self._call
        if ask is not None and type(ask.request) is SetDisposition and ask.request.attempt_id == attempt:
            return
        due_us = now_us + self._draw_us(self.habits.wrap_up)
        code = self._draw_code()
        callback_us, personal = self._callback(attempt, due_us) if code == CALLBACK_CODE else (0, False)
        self._call = _Ask(SetDisposition(self.agent, attempt, code, "", callback_us, personal), due_us)

    def _callback(self, attempt: int, now_us: int) -> tuple[int, bool]:
        """When the contact wants to be called again, on a full minute, 0 for not said; and whether by this person."""
        if not below(self._draw_of(attempt, _IS_CALLBACK), self.habits.callback_ratio):
            return 0, False
        ahead_us = CALLBACK_FROM_US + self._draw_of(attempt, _CALLBACK) % (CALLBACK_TO_US - CALLBACK_FROM_US)
        at_us = -(-(now_us + ahead_us) // MINUTE_US) * MINUTE_US
        return at_us, below(self._draw_of(attempt, _IS_PERSONAL), self.habits.personal_ratio)

    def _leave_wrap_up(self, state: AgentState) -> None:
        """The desk has moved on from a wrap-up: that call is closed, by this person or by the limit."""
        if state is not AgentState.RECOVERING:
            self._closed = (*self._closed[-7:], self.attempt_id)

    def _return_to_desk(self, now_us: int) -> None:
        """The agent behind the desk is a new incarnation: say again who sits here."""
        if not self._left:
            self._presence = _Ask(LogIn(self.agent), now_us)

    # -- acting ------------------------------------------------------------------------------------------------------

    def _act(self, now_us: int) -> list[Envelope]:
        self._mind_the_clock(now_us)
        sent: list[Envelope] = []
        for ask in (self._tune, self._call, self._presence):
            if ask is not None and ask.due_us <= now_us:
                sent.append(Envelope(self._to, ask.request))
                ask.due_us = now_us + PATIENCE_US
        return sent

    def _mind_the_clock(self, now_us: int) -> None:
        """Want to leave, or a break, when it is time and nothing else about presence is open."""
        leave_us = self.habits.leave_at_us
        if leave_us is not None and now_us >= leave_us and not self._left:
            self._left = True
            self._break_us = None
            self._presence = _Ask(LogOut(self.agent), now_us)
        elif self._break_us is not None and now_us >= self._break_us:
            if self._presence is None:
                self._break_us = None
                self._presence = _Ask(TakeBreak(self.agent), now_us)
            else:
                self._break_us = now_us + PATIENCE_US

    def _draw_of(self, attempt: int, index: int) -> int:
        """The draw of that number of this person and attempt, whatever else was drawn."""
        return draw(mix(self._key ^ attempt), index)

    def _draw(self) -> int:
        self._drawn += 1
        return draw(self._key, self._drawn)

    def _draw_us(self, spread: Spread) -> int:
        return pick(quantiles(spread), self._draw())

    def _draw_code(self) -> str:
        weights = self.habits.dispositions
        at = self._draw() % sum(weight for _, weight in weights)
        passed = accumulate(weight for _, weight in weights)
        return next(code for (code, _), bound in zip(weights, passed, strict=True) if at < bound)
