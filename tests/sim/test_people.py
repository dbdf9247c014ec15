"""Facts about simulated agents at their desks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

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
from dialer.domain.message import Address
from dialer.domain.specs import HOUR_US, MINUTE_US, SECOND_US
from dialer.errors import ConfigError, IllegalTransitionError, InvariantError
from dialer.sim.people import DISPOSITIONS, Habits, Person, habits_by_name
from dialer.telephony.simulated.chance import Spread

STEADY = habits_by_name("steady")
HANGS_UP = replace(STEADY, hang_up_ratio=1.0, hang_up_after=Spread(20 * SECOND_US))
SKIPS = replace(STEADY, skip_ratio=1.0)
TUNES = replace(STEADY, tune_ratio=1.0, tune_after=Spread(20 * SECOND_US), tune_for=Spread(5 * SECOND_US))
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

    def shows(self, state: AgentState, now_s: int, attempt: int = 0, **fields: Any) -> None:
        """Update the desk."""
        self.tell(DeskUpdated("a1", state, attempt, "c1" if attempt else "", **fields), now_s)

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


# -- preview -----------------------------------------------------------------------------------------------------------


def test_decides_about_a_contact() -> None:
    """After the habit's time the person dials, shown once or more often, and then has nothing to ask."""
    desk = Desk(STEADY)
    desk.shows(AgentState.PREVIEW, 10, 7)
    desk.shows(AgentState.PREVIEW, 11, 7, may_skip=True)
    assert desk.run(18) == [(18, DialNow("a1", 7))]
    desk.shows(AgentState.RESERVED, 19, 7)
    assert len(desk.run(500)) == 1


def test_skips_by_habit_where_that_is_possible() -> None:
    """Who wants to skip does so if the desk offers it by then, and otherwise dials."""
    desk = Desk(SKIPS)
    desk.shows(AgentState.PREVIEW, 10, 7)
    desk.shows(AgentState.PREVIEW, 11, 7, may_skip=True)
    assert desk.run(18) == [(18, SkipContact("a1", 7))]
    desk.shows(AgentState.IDLE, 19)
    desk.shows(AgentState.PREVIEW, 20, 8, may_skip=False)
    assert desk.run(500)[1:2] == [(28, DialNow("a1", 8))]


def test_leaves_a_contact_to_the_timer() -> None:
    """Who cannot decide says nothing, and talks when the timer has dialled."""
    desk = Desk(replace(SKIPS, undecided_ratio=1.0))
    desk.shows(AgentState.PREVIEW, 10, 7, may_skip=True)
    assert desk.run(500) == []
    desk.shows(AgentState.RESERVED, 501, 7)
    desk.shows(AgentState.TALKING, 510, 7)
    desk.shows(AgentState.WRAP_UP, 520, 7)
    assert [type(said) for _, said in desk.run(551)] == [SetDisposition]


def test_whoever_has_left_skips() -> None:
    """After the end of the shift the last contact is skipped, whatever the habit."""
    desk = Desk(replace(STEADY, undecided_ratio=1.0, leave_at_us=50 * SECOND_US))
    desk.run(50)
    desk.shows(AgentState.PREVIEW, 51, 7, may_skip=True)
    assert (59, SkipContact("a1", 7)) in desk.run(60)


def test_a_contact_that_is_withdrawn() -> None:
    """What was decided about an offer that is over is not said, and the next one is decided anew."""
    desk = Desk(STEADY)
    desk.shows(AgentState.PREVIEW, 10, 7)
    desk.shows(AgentState.IDLE, 12)
    desk.shows(AgentState.PREVIEW, 14, 8)
    assert desk.run(30) == [(22, DialNow("a1", 8))]


def test_an_old_look_does_not_come_back() -> None:
    """The look belongs to the way of a call over the desk: late news of it during the call change nothing."""
    desk = Desk(STEADY)
    desk.shows(AgentState.RESERVED, 10, 7)
    desk.shows(AgentState.PREVIEW, 11, 7, may_skip=True)
    assert (desk.person.state, desk.run(100)) == (AgentState.RESERVED, [])


def test_shares_of_decisions() -> None:
    """Skips and undecided contacts have the habits' shares, and depend on person and contact alone."""
    habits = replace(STEADY, decide=Spread(0), skip_ratio=0.25, undecided_ratio=0.2)

    def decisions(order: list[int]) -> dict[int, type]:
        desk = Desk(habits)
        for now_s, attempt in enumerate(order, 1):
            desk.shows(AgentState.PREVIEW, now_s, attempt, may_skip=True)
            desk.shows(AgentState.IDLE, now_s)
        return {said.attempt_id: type(said) for _, said in desk.said}

    found = decisions(list(range(1, 3001)))
    kinds = list(found.values())
    assert abs(len(kinds) / 3000 - 0.8) < 0.03
    assert abs(kinds.count(SkipContact) / 3000 - 0.8 * 0.25) < 0.03
    assert decisions(list(range(3000, 0, -1))) == found


# -- mute and hold -----------------------------------------------------------------------------------------------------


def test_mutes_or_holds_for_a_while() -> None:
    """Once in a call, until it shows, and then back for good; both kinds occur."""
    kinds = set()
    for attempt in range(1, 20):
        desk = Desk(TUNES)
        desk.shows(AgentState.TALKING, 0, attempt)
        [(at_s, first)] = desk.run(20)
        assert (at_s, type(first)) == (20, SetCall)
        assert desk.run(50)[1:] == [(50, first)]  # no effect: asked again
        kinds.add((first.muted, first.held))
        desk.shows(AgentState.TALKING, 51, attempt, muted=first.muted, held=first.held)
        assert desk.run(56)[2:] == [(56, SetCall("a1", attempt, muted=False, held=False))]
        desk.shows(AgentState.TALKING, 57, attempt)
        assert len(desk.run(500)) == 3
    assert kinds == {(True, False), (False, True)}


def test_mute_ends_with_the_call() -> None:
    """Nothing is asked about a call that is over, nor about one that is found again."""
    desk = Desk(TUNES)
    desk.shows(AgentState.TALKING, 0, 7)
    desk.shows(AgentState.WRAP_UP, 10, 7)
    assert [type(said) for _, said in desk.run(41)] == [SetDisposition]
    desk = Desk(TUNES)
    desk.shows(AgentState.TALKING, 0, 7)
    desk.run(20)
    desk.shows(AgentState.TALKING, 21, 7, muted=True)
    desk.shows(AgentState.RECOVERING, 22)
    desk.shows(AgentState.TALKING, 23, 7)
    assert len(desk.run(500)) == 1


# -- callbacks ---------------------------------------------------------------------------------------------------------


def test_callbacks_name_a_time() -> None:
    """Half an hour to a day ahead, on a full minute, some of them personal; other codes name none."""
    desk = Desk(replace(STEADY, wrap_up=Spread(0), callback_ratio=0.5, personal_ratio=0.4))
    for attempt in range(1, 4001):
        desk.shows(AgentState.WRAP_UP, attempt, attempt)
    asked = [(at_s, said) for at_s, said in desk.said if said.code == "callback_asked"]
    named = [(at_s, said) for at_s, said in asked if said.callback_us]
    assert abs(len(named) / len(asked) - 0.5) < 0.05
    assert all(said.callback_us % MINUTE_US == 0 for _, said in named)
    ahead = [said.callback_us - at_s * SECOND_US for at_s, said in named]
    assert 15 * MINUTE_US <= min(ahead) < 30 * MINUTE_US < 100 * MINUTE_US < max(ahead) <= 2 * HOUR_US + MINUTE_US
    assert abs(sum(said.personal for _, said in named) / len(named) - 0.4) < 0.06
    others = [said for _, said in desk.said if said.code != "callback_asked" or not said.callback_us]
    assert not any(said.callback_us or said.personal for said in others)


# -- presence ----------------------------------------------------------------------------------------------------------


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
    """Habits want shares from 0 to 1, and codes with weights."""
    for name in ("hang_up_ratio", "skip_ratio", "undecided_ratio", "tune_ratio", "callback_ratio", "personal_ratio"):
        for ratio in (-0.1, 1.1):
            with pytest.raises(ConfigError, match=name):
                Habits(**{name: ratio})
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
