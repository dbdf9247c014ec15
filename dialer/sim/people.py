"""Simulated agents: people at their desks, as machines.

A person sees only ``DeskUpdated`` and speaks only in requests, like the browser of a real agent. Two requests can be
open at once: one about presence (log in, break, log out) and one about the call (hang up, disposition). A request
that shows no effect is sent again. Updates may be repeated, late or lost: a call that this person has closed stays
closed whatever an old update says, and everything else is simply what the desk shows now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from dialer.domain.commands import EndBreak, EndCall, LogIn, LogOut, SetDisposition, TakeBreak
from dialer.domain.events import DeskUpdated, PeerRestarted
from dialer.domain.kinds import AgentState
from dialer.domain.message import Address, Envelope
from dialer.domain.specs import HOUR_US, MINUTE_US, SECOND_US
from dialer.errors import ConfigError, IllegalTransitionError, InvariantError
from dialer.telephony.simulated.chance import Spread, below, draw, key, pick, quantiles

#: How long a person waits for the desk to follow before asking again.
PATIENCE_US = 30 * SECOND_US

#: Codes a person closes a wrap-up with, and how often of 100.
DISPOSITIONS: tuple[tuple[str, int], ...] = (
    ("sale", 8),
    ("not_interested", 52),
    ("callback_asked", 20),
    ("wrong_person", 14),
    ("do_not_call", 6),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How a person works.

    ``hang_up_ratio`` is the share of calls (0-1) this person would end after a drawn ``hang_up_after``, if the
    callee has not by then. ``leave_at_us`` is the end of the shift, UTC microseconds; None for never.
    """

    wrap_up: Spread = Spread(30 * SECOND_US, 0.5)
    hang_up_ratio: float = 0.1
    hang_up_after: Spread = Spread(90 * SECOND_US, 0.8)
    takes_breaks: bool = True
    work: Spread = Spread(2 * HOUR_US, 0.2)  #: from coming back to wanting the next break
    rest: Spread = Spread(10 * MINUTE_US, 0.3)
    leave_at_us: int | None = None
    dispositions: tuple[tuple[str, int], ...] = DISPOSITIONS  #: (code, weight), weights above 0

    def __post_init__(self) -> None:
        """Refuse habits nobody can have.

        Raises:
            ConfigError: A share outside 0 to 1, or no code to choose.
        """
        if not 0.0 <= self.hang_up_ratio <= 1.0:
            msg = f"hang_up_ratio must be from 0 to 1, not {self.hang_up_ratio:g}"
            raise ConfigError(msg)
        if not self.dispositions or min(weight for _, weight in self.dispositions) <= 0:
            msg = "habits want at least one disposition, each with a weight above 0"
            raise ConfigError(msg)


#: The way of one call over the desk.
_STAGES = {AgentState.RESERVED: 0, AgentState.TALKING: 1, AgentState.WRAP_UP: 2}

_PRESETS = {
    "steady": Habits(wrap_up=Spread(30 * SECOND_US), hang_up_ratio=0.0, takes_breaks=False),
    "typical": Habits(),
    "lazy": Habits(
        wrap_up=Spread(50 * SECOND_US, 0.6),
        hang_up_ratio=0.2,
        work=Spread(HOUR_US, 0.3),
        rest=Spread(15 * MINUTE_US, 0.4),
    ),
}


def habits_by_name(name: str) -> Habits:
    """The preset of that name: steady, typical or lazy.

    Raises:
        ConfigError: No such preset.
    """
    try:
        return _PRESETS[name]
    except KeyError:
        msg = f"no habits {name!r}; use one of: {', '.join(sorted(_PRESETS))}"
        raise ConfigError(msg) from None


@dataclass(slots=True)
class _Ask:
    """A request, and when it is due; once made, when to make it again."""

    request: Any
    due_us: int


class Person:
    """One agent at a desk. A machine at the address ``desk/<agent>``.

    Args:
        agent: Id of the agent.
        seed: Seed of the run; draws depend on it, the agent and how many were drawn.
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
        dues = [ask.due_us for ask in (self._presence, self._call) if ask is not None]
        if not self._left:
            dues += [due for due in (self._break_us, self.habits.leave_at_us) if due is not None]
        return min(dues, default=None)

    def check_invariants(self) -> None:
        """Raise InvariantError on a contradiction.

        Raises:
            InvariantError: A request about a closed call, or a wish for a break after leaving.
        """
        if self._call is not None and self._call.request.attempt_id in self._closed:
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
        elif state is AgentState.WRAP_UP:
            self._plan_disposition(attempt, now_us)
        elif state is not AgentState.RECOVERING:  # a reborn agent will find its call again, or not
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

    def _consider_hanging_up(self, attempt: int, now_us: int) -> None:
        if attempt == self._considered:
            return
        self._considered = attempt
        self._call = None
        if not self._left and below(self._draw(), self.habits.hang_up_ratio):
            self._call = _Ask(EndCall(self.agent, attempt), now_us + self._draw_us(self.habits.hang_up_after))

    def _plan_disposition(self, attempt: int, now_us: int) -> None:
        ask = self._call
        if ask is not None and type(ask.request) is SetDisposition and ask.request.attempt_id == attempt:
            return
        due_us = now_us + self._draw_us(self.habits.wrap_up)
        self._call = _Ask(SetDisposition(self.agent, attempt, self._draw_code(), ""), due_us)

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
        for ask in (self._call, self._presence):
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
