"""Facts about simulated agents at their desks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dialer.domain.commands import EndBreak, EndCall, LogIn, LogOut, SetDisposition, TakeBreak
from dialer.domain.events import DeskUpdated, PeerRestarted
from dialer.domain.kinds import AgentState
from dialer.domain.message import Address
from dialer.domain.specs import SECOND_US
from dialer.errors import ConfigError, IllegalTransitionError, InvariantError
from dialer.sim.people import DISPOSITIONS, Habits, Person, habits_by_name
from dialer.telephony.simulated.chance import Spread

STEADY = habits_by_name("steady")
HANGS_UP = replace(STEADY, hang_up_ratio=1.0, hang_up_after=Spread(20 * SECOND_US))
TIRED = replace(STEADY, takes_breaks=True, work=Spread(100 * SECOND_US), rest=Spread(50 * SECOND_US))


class Desk:
    """A person and the requests made, with their times."""

    def __init__(self, habits: Habits, *, seed: int = 1, log_in: bool = True) -> None:
        self.person = Person("a1", seed, habits)
        self.said: list[tuple[int, Any]] = []
        if log_in:
            self._hear(0, self.person.start(0))
            self.shows(AgentState.IDLE, 0)
            self.said.clear()

    def shows(self, state: AgentState, now_s: int, attempt: int = 0) -> None:
        """Update the desk."""
        self.tell(DeskUpdated("a1", state, attempt, "c1" if attempt else ""), now_s)

    def tell(self, message: Any, now_s: int) -> None:
        """Give the person a message."""
        self._hear(now_s, self.person.handle([message], now_s * SECOND_US))

    def run(self, until_s: int) -> list[tuple[int, Any]]:
        """Let time pass; all that was said, in seconds."""
        while (due_us := self.person.next_deadline_us()) is not None and due_us <= until_s * SECOND_US:
            self._hear(due_us // SECOND_US, self.person.handle([], due_us))
        return self.said

    def _hear(self, now_s: int, envelopes: list[Any]) -> None:
        assert all(to == Address("agent", "a1") for to, _ in envelopes)
        self.said += [(now_s, message) for _, message in envelopes]
        self.person.check_invariants()


def test_logs_in_until_it_shows() -> None:
    """A person logs in at the start, again while the desk does not follow, and then no more."""
    desk = Desk(STEADY, log_in=False)
    assert [to for to, _ in desk.person.start(0)] == [Address("agent", "a1")]
    desk.shows(AgentState.OFFLINE, 1)
    assert desk.run(40) == [(30, LogIn("a1"))]
    desk.shows(AgentState.IDLE, 41)
    assert desk.run(500) == [(30, LogIn("a1"))]
    assert desk.person.next_deadline_us() is None


def test_address_is_the_desk() -> None:
    """A person sits at desk/<agent>."""
    assert Person("a1", 1, STEADY).address == Address("desk", "a1")


def test_wrap_up_ends_with_a_disposition() -> None:
    """Wrap-up takes the habit's time and ends with a known code, repeated updates or not."""
    desk = Desk(STEADY)
    desk.shows(AgentState.TALKING, 10, 7)
    desk.shows(AgentState.WRAP_UP, 60, 7)
    desk.shows(AgentState.WRAP_UP, 70, 7)
    [(at_s, said)] = desk.run(100)
    assert at_s == 90
    assert type(said) is SetDisposition
    assert (said.agent, said.attempt_id) == ("a1", 7)
    assert said.code in {code for code, _ in DISPOSITIONS}


def test_disposition_is_repeated_until_it_shows() -> None:
    """The same disposition is sent again after 30 s, and not after the desk has moved on."""
    desk = Desk(STEADY)
    desk.shows(AgentState.WRAP_UP, 0, 7)
    said = list(desk.run(65))
    assert [at_s for at_s, _ in said] == [30, 60]
    assert said[0][1] == said[1][1]
    desk.shows(AgentState.IDLE, 66)
    assert desk.run(500) == said


def test_old_news_of_a_closed_call() -> None:
    """Late updates about a call whose wrap-up is over change nothing."""
    desk = Desk(HANGS_UP)
    desk.shows(AgentState.WRAP_UP, 0, 7)
    desk.shows(AgentState.IDLE, 20)
    desk.shows(AgentState.TALKING, 21, 7)
    desk.shows(AgentState.WRAP_UP, 22, 7)
    assert desk.person.state is AgentState.IDLE
    assert desk.run(500) == []


def test_old_stage_of_the_same_call() -> None:
    """Within one call the desk does not go back: wrap-up goes on after a late TALKING or RESERVED."""
    desk = Desk(HANGS_UP)
    desk.shows(AgentState.TALKING, 0, 7)
    desk.shows(AgentState.WRAP_UP, 10, 7)
    desk.shows(AgentState.TALKING, 11, 7)
    desk.shows(AgentState.RESERVED, 12, 7)
    assert [(at_s, type(said)) for at_s, said in desk.run(45)] == [(40, SetDisposition)]


def test_hangs_up_by_habit() -> None:
    """Who hangs up does so after the drawn time, once per wait, for the call that is shown."""
    desk = Desk(HANGS_UP)
    desk.shows(AgentState.TALKING, 0, 7)
    desk.shows(AgentState.TALKING, 5, 7)
    assert desk.run(25) == [(20, EndCall("a1", 7))]
    desk.shows(AgentState.WRAP_UP, 26, 7)
    assert [type(said) for _, said in desk.run(56)] == [EndCall, SetDisposition]


def test_callee_hangs_up_first() -> None:
    """A hang-up that was planned is dropped when the call is over before."""
    desk = Desk(HANGS_UP)
    desk.shows(AgentState.TALKING, 0, 7)
    desk.shows(AgentState.IDLE, 10)
    assert desk.run(500) == []


def test_hang_up_ratio() -> None:
    """The share of calls that the person means to end is the habit's."""
    desk = Desk(replace(HANGS_UP, hang_up_ratio=0.3, hang_up_after=Spread(0)))
    for attempt in range(1, 2001):
        desk.shows(AgentState.TALKING, attempt, attempt)
    assert abs(len(desk.said) / 2000 - 0.3) < 0.03


def test_break_and_back() -> None:
    """A person asks for a break after the work, comes back after the rest, and works as long again."""
    desk = Desk(TIRED)
    assert desk.run(100) == [(100, TakeBreak("a1"))]
    desk.shows(AgentState.BREAK, 101)
    assert desk.run(151)[1:] == [(151, EndBreak("a1"))]
    desk.shows(AgentState.IDLE, 152)
    assert desk.run(252)[2:] == [(252, TakeBreak("a1"))]


def test_break_wish_survives_a_call() -> None:
    """A break that is granted only after the call is asked for again, and the call is still closed."""
    desk = Desk(TIRED)
    desk.shows(AgentState.TALKING, 90, 7)
    desk.shows(AgentState.WRAP_UP, 110, 7)
    kinds = [type(said) for _, said in desk.run(140)]
    assert kinds.count(TakeBreak) == 2
    assert kinds.count(SetDisposition) == 1


def test_breaks_go_on_after_a_crash() -> None:
    """An agent that restarts during the wish for a break does not cost the person all later breaks."""
    desk = Desk(TIRED)
    desk.run(100)
    desk.tell(PeerRestarted(Address("agent", "a1")), 101)
    desk.shows(AgentState.IDLE, 102)
    assert [said for _, said in desk.run(205)] == [TakeBreak("a1"), LogIn("a1"), TakeBreak("a1")]


def test_no_breaks() -> None:
    """A steady person never takes one."""
    assert Desk(STEADY).run(100_000) == []


def test_leaves_at_the_end_of_the_shift() -> None:
    """At the end of the shift the person logs out, still closes the last call, and is gone."""
    desk = Desk(replace(TIRED, leave_at_us=50 * SECOND_US))
    desk.shows(AgentState.WRAP_UP, 40, 7)
    assert [type(said) for _, said in desk.run(75)] == [LogOut, SetDisposition]
    desk.shows(AgentState.OFFLINE, 76)
    said = list(desk.said)
    desk.shows(AgentState.BREAK, 77)
    assert desk.run(1000) == said
    assert desk.person.next_deadline_us() is None


def test_late_start_after_the_shift() -> None:
    """A person who is born again after the shift stays away."""
    person = Person("a1", 1, replace(STEADY, leave_at_us=5))
    assert person.start(5) == []
    assert person.next_deadline_us() is None


def test_logs_in_again_when_thrown_out() -> None:
    """A desk that goes offline, or an agent that restarts, makes the person log in again."""
    desk = Desk(STEADY)
    desk.shows(AgentState.OFFLINE, 10)
    desk.shows(AgentState.IDLE, 11)
    desk.tell(PeerRestarted(Address("agent", "a1")), 12)
    assert desk.said == [(10, LogIn("a1")), (12, LogIn("a1"))]


def test_plans_survive_recovery() -> None:
    """While the agent recovers, what was planned for the call stays planned."""
    desk = Desk(STEADY)
    desk.shows(AgentState.WRAP_UP, 0, 7)
    desk.shows(AgentState.RECOVERING, 5)
    desk.shows(AgentState.WRAP_UP, 8, 7)
    assert [(at_s, type(said)) for at_s, said in desk.run(40)] == [(30, SetDisposition)]


def test_same_seed_same_person() -> None:
    """Draws depend on seed and agent only."""

    def code_and_time(seed: int) -> list[tuple[int, Any]]:
        desk = Desk(habits_by_name("typical"), seed=seed)
        for attempt in range(1, 6):
            desk.shows(AgentState.WRAP_UP, attempt * 300, attempt)
            desk.run(attempt * 300 + 290)
        return desk.said

    assert code_and_time(1) == code_and_time(1)
    assert code_and_time(1) != code_and_time(2)


def test_presets() -> None:
    """Presets are found by name, and an unknown name lists them."""
    assert habits_by_name("typical") == Habits()
    with pytest.raises(ConfigError, match="lazy, steady, typical"):
        habits_by_name("nope")


def test_strange_message() -> None:
    """A message that no desk shows is an error that names the desk."""
    with pytest.raises(IllegalTransitionError, match="desk a1"):
        Desk(STEADY).tell(LogIn("a1"), 1)


def test_bad_habits_are_refused() -> None:
    """Habits want a share for hanging up and codes with weights."""
    with pytest.raises(ConfigError, match="hang_up_ratio"):
        Habits(hang_up_ratio=1.1)
    with pytest.raises(ConfigError, match="weight"):
        Habits(dispositions=(("sale", 0),))
    with pytest.raises(ConfigError, match="at least one"):
        Habits(dispositions=())


def test_codes_follow_their_weights() -> None:
    """Codes are drawn in proportion to their weights."""
    desk = Desk(replace(STEADY, wrap_up=Spread(0)))
    for attempt in range(1, 3001):
        desk.shows(AgentState.WRAP_UP, attempt, attempt)
    codes = [said.code for _, said in desk.said]
    assert all(abs(codes.count(code) / 3000 - weight / 100) < 0.03 for code, weight in DISPOSITIONS)


def test_broken_invariant_is_found() -> None:
    """The check sees a person who has left and still waits for a break."""
    desk = Desk(replace(TIRED, leave_at_us=50 * SECOND_US))
    desk.run(60)
    desk.person._break_us = 1
    with pytest.raises(InvariantError, match=r"person\.left"):
        desk.person.check_invariants()
