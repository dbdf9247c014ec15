"""Facts about the agent: calls, promises, presence, restarts. Its table and its invariants have files of their own."""

from __future__ import annotations

from typing import Any

import pytest

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.agent import CALL_CHECK_US, RECOVERY_REPEAT_US, AgentMachine
from dialer.domain.kinds import AgentState, Outcome
from dialer.domain.ledger import STORE
from dialer.domain.message import Address, Envelope
from dialer.domain.specs import SECOND_US, AgentSpec

OFFLINE, RECOVERING, BREAK = AgentState.OFFLINE, AgentState.RECOVERING, AgentState.BREAK
IDLE, PREVIEW, RESERVED = AgentState.IDLE, AgentState.PREVIEW, AgentState.RESERVED
TALKING, WRAP_UP = AgentState.TALKING, AgentState.WRAP_UP

SPEC = AgentSpec("a1", "p1", ("sales", "care"), ("t1", "t2"))
QUEUES = SPEC.queues
EPOCH = 3
SCHEDULER, DESK = Address("scheduler", "p1"), Address("desk", "a1")
T1, T2 = Address("trunk", "t1"), Address("trunk", "t2")
LOG_IN, LOG_OUT, TAKE_BREAK, END_BREAK = c.LogIn("a1"), c.LogOut("a1"), c.TakeBreak("a1"), c.EndBreak("a1")

#: Times of the ways into each state, in seconds.
LOGIN_S, RESERVE_S, UNTIL_S, JOIN_S, END_S = 1, 2, 40, 10, 30
#: Until when an offer may be looked at, and a call that ended in ``END_S`` be wrapped up.
LOOK_S, WRAPPED_S = 38, 90


def reserve(attempt: int = 7, until_s: int = UNTIL_S) -> c.ReserveAgent:
    return c.ReserveAgent("a1", attempt, f"c{attempt}", until_s * SECOND_US)


def joined(attempt: int = 7, trunk: str = "t1") -> e.CallJoined:
    return e.CallJoined(attempt, f"c{attempt}", trunk, "a1", 0)


def ended(attempt: int = 7) -> e.CallEnded:
    return e.CallEnded(attempt, "a1", Outcome.CONNECTED, 0)


def disposition(attempt: int = 7, code: str = "sale") -> c.SetDisposition:
    return c.SetDisposition("a1", attempt, code, "notes")


def reported(attempt: int = 0, trunk: str = "t1", epoch: int = EPOCH) -> e.AgentCallReported:
    return e.AgentCallReported(trunk, "a1", epoch, attempt, f"c{attempt}" if attempt else "", 0)


def shows(state: AgentState, attempt: int = 0, until_s: int = 0) -> Envelope:
    return Envelope(
        DESK, e.DeskUpdated("a1", state, attempt, f"c{attempt}" if attempt else "", until_us=until_s * SECOND_US)
    )


def asks_card(attempt: int = 7) -> Envelope:
    return Envelope(Address("campaign", f"c{attempt}"), c.RequestCard(attempt, "a1"))


def idle(since_s: int) -> Envelope:
    return Envelope(SCHEDULER, e.AgentIdle("a1", EPOCH, QUEUES, since_s * SECOND_US))


def away(state: AgentState, attempt: int = 0) -> Envelope:
    return Envelope(SCHEDULER, e.AgentUnavailable("a1", EPOCH, state, attempt))


def promised(attempt: int = 7) -> Envelope:
    return Envelope(SCHEDULER, e.AgentReserved("a1", EPOCH, attempt))


def refused(attempt: int) -> Envelope:
    return Envelope(SCHEDULER, e.ReservationRefused("a1", EPOCH, attempt))


def recorded(state: AgentState, now_s: int) -> Envelope:
    return Envelope(STORE, e.AgentSessionChanged("a1", state, now_s * SECOND_US))


def closed(attempt: int, code: str, now_s: int) -> list[Envelope]:
    verdict = e.DispositionSet(attempt, "a1", code, "notes" if code else "", now_s * SECOND_US)
    return [Envelope(STORE, verdict), Envelope(Address("campaign", f"c{attempt}"), verdict)]


def asks(trunk: Address) -> Envelope:
    return Envelope(trunk, c.ReportAgentCall("a1", EPOCH))


class Agent:
    """The machine, with times in seconds and every step checked."""

    def __init__(self, state: AgentState = OFFLINE, spec: AgentSpec = SPEC) -> None:
        """Take the shortest way into a state; a call is attempt 7 on t1."""
        self.machine = AgentMachine(spec, epoch=EPOCH, reborn=state is RECOVERING)
        self.born = self.machine.start(0)
        self.machine.check_invariants()
        if state not in (OFFLINE, RECOVERING):
            self.hears(LOG_IN, at_s=LOGIN_S)
        if state is BREAK:
            self.hears(TAKE_BREAK, at_s=RESERVE_S)
        if state in (RESERVED, TALKING, WRAP_UP):
            self.hears(reserve(), at_s=RESERVE_S)
        if state is PREVIEW:
            look_us = (LOOK_S - RESERVE_S) * SECOND_US
            self.hears(c.ReserveAgent("a1", 7, "c7", UNTIL_S * SECOND_US, look_us), at_s=RESERVE_S)
        if state in (TALKING, WRAP_UP):
            self.hears(joined(), at_s=JOIN_S)
        if state is WRAP_UP:
            self.hears(ended(), at_s=END_S)
        assert self.machine.state is state

    def hears(self, *batch: Any, at_s: int | None = None) -> list[Envelope]:
        """Handle a batch; by default when no deadline is near."""
        if at_s is None:
            at_s = 3 if self.state is RECOVERING else 35
        out = self.machine.handle(batch, at_s * SECOND_US)
        self.machine.check_invariants()
        return out

    @property
    def state(self) -> AgentState:
        """What the agent is doing."""
        return self.machine.state

    @property
    def due_s(self) -> float | None:
        """The deadline."""
        due_us = self.machine.next_deadline_us()
        return None if due_us is None else due_us / SECOND_US


# -- a call ----------------------------------------------------------------------------------------------------------


def test_a_normal_call() -> None:
    """Log in, be promised, talk, wrap up, be idle again: everybody hears exactly what concerns them. Requirement 76."""
    agent = Agent()
    assert agent.born == [shows(OFFLINE)]
    assert agent.hears(LOG_IN, at_s=1) == [shows(IDLE), recorded(IDLE, 1), idle(1)]
    assert agent.hears(reserve(), at_s=2) == [shows(RESERVED, 7), promised()]
    assert agent.due_s == UNTIL_S
    assert agent.hears(joined(), at_s=10) == [shows(TALKING, 7), asks_card()]
    assert agent.hears(ended(), at_s=30) == [shows(WRAP_UP, 7, WRAPPED_S)]
    assert agent.due_s == 90
    assert (agent.machine.attempt_id, agent.machine.campaign) == (7, "c7")
    assert agent.hears(disposition(), at_s=50) == [*closed(7, "sale", 50), shows(IDLE), idle(50)]
    assert (agent.machine.attempt_id, agent.machine.campaign, agent.due_s) == (0, "", None)
    assert agent.hears(LOG_OUT, at_s=60) == [shows(OFFLINE), recorded(OFFLINE, 60), away(OFFLINE)]


def test_wrap_up_has_a_limit() -> None:
    """A wrap-up that nobody closes is closed with an empty code at its limit, and not before."""
    agent = Agent(WRAP_UP)
    assert agent.hears(at_s=89) == []
    assert agent.hears(at_s=90) == [*closed(7, "", 90), shows(IDLE), idle(90)]
    assert agent.hears(disposition(), at_s=91) == []


def test_a_disposition_at_the_limit_counts() -> None:
    """What arrives in the batch of the deadline is taken before the deadline."""
    assert Agent(WRAP_UP).hears(disposition(), at_s=90)[:2] == closed(7, "sale", 90)


def test_without_wrap_up() -> None:
    """A limit of zero leads from the call straight to idle."""
    spec = AgentSpec("a1", "p1", QUEUES, ("t1",), wrap_up_limit_us=0)
    agent = Agent(TALKING, spec)
    assert agent.hears(ended(), at_s=30) == [*closed(7, "", 30), shows(IDLE), idle(30)]


def test_an_early_disposition_closes_the_call_as_it_ends() -> None:
    """A disposition during the call is kept, the latest one counts, and there is no wrap-up."""
    agent = Agent(TALKING)
    assert agent.hears(disposition(code="sale"), disposition(code="later"), at_s=20) == []
    assert agent.hears(ended(), at_s=30) == [*closed(7, "later", 30), shows(IDLE), idle(30)]
    agent.hears(reserve(8), joined(8), at_s=31)
    assert agent.hears(ended(8), at_s=40) == [shows(WRAP_UP, 8, 100)]


def test_hanging_up() -> None:
    """The agent's hang-up goes to the trunk of the call, which says when it is over. Requirements 38, 56."""
    agent = Agent(RESERVED)
    agent.hears(joined(trunk="t2"), at_s=10)
    assert agent.hears(c.EndCall("a1", 7)) == [Envelope(T2, c.HangUp(7, Outcome.CONNECTED))]
    assert agent.hears(c.EndCall("a1", 6)) == []
    assert agent.state is TALKING


# -- promises --------------------------------------------------------------------------------------------------------


def test_a_promise_is_given_once() -> None:
    """The same attempt is confirmed, with the later end; another one is refused with what the agent is doing."""
    agent = Agent(RESERVED)
    assert agent.hears(reserve(7, until_s=50), at_s=3) == [promised()]
    assert agent.hears(reserve(7, until_s=45), at_s=3) == [promised()]
    assert agent.due_s == 50
    assert agent.hears(reserve(8), at_s=3) == [refused(8), away(RESERVED, 7)]


@pytest.mark.parametrize("state", [OFFLINE, RECOVERING, PREVIEW, TALKING, WRAP_UP, BREAK])
def test_a_busy_agent_refuses(state: AgentState) -> None:
    """Whoever is not idle refuses, and the scheduler's copy is put right after the refusal."""
    agent = Agent(state)
    assert agent.hears(reserve(8)) == [refused(8), away(state, agent.machine.attempt_id)]


def test_a_promise_that_is_over_before_it_began() -> None:
    """A request whose time has passed is refused by an idle agent, who stays idle since before."""
    assert Agent(IDLE).hears(reserve(8, until_s=35), at_s=35) == [refused(8), idle(LOGIN_S)]


@pytest.mark.parametrize("end", [c.ReleaseAgent("a1", 7), ended(), None])
def test_a_promise_without_a_call_keeps_the_turn(end: Any) -> None:
    """Released, ended or run out: the agent is idle since before, so nobody overtakes. Requirement 75."""
    agent = Agent(RESERVED)
    batch = () if end is None else (end,)
    assert agent.hears(*batch, at_s=UNTIL_S) == [shows(IDLE), idle(LOGIN_S)]
    assert agent.due_s is None


def test_a_join_beats_the_end_of_the_promise() -> None:
    """A join that arrives in the batch of the deadline finds the agent still promised."""
    assert Agent(RESERVED).hears(joined(), at_s=UNTIL_S) == [shows(TALKING, 7), asks_card()]


@pytest.mark.parametrize("state", [IDLE, RESERVED, RECOVERING, BREAK, OFFLINE])
def test_the_switch_is_believed(state: AgentState) -> None:
    """Joined without a promise for this call: the agent talks, and the scheduler hears that its copy is wrong."""
    agent = Agent(state)
    out = agent.hears(joined(8), at_s=4)
    assert out[0] == shows(TALKING, 8)
    assert out[-1] == away(TALKING, 8)
    working = state in (IDLE, RESERVED)  # the store knows so already
    assert out[1:-1] == [*([] if working else [recorded(IDLE, 4)]), asks_card(8)]


def test_joined_during_wrap_up() -> None:
    """The wrap-up is closed with an empty code for the next call; the same call just goes on."""
    assert Agent(WRAP_UP).hears(joined(8)) == [
        *closed(7, "", 35),
        shows(TALKING, 8),
        asks_card(8),
        away(TALKING, 8),
    ]
    agent = Agent(WRAP_UP)
    assert agent.hears(joined(7)) == [shows(TALKING, 7), asks_card(), away(TALKING, 7)]
    assert agent.hears(ended(7)) == [shows(WRAP_UP, 7, 95)]


@pytest.mark.parametrize("state", [BREAK, OFFLINE])
def test_joined_while_away_returns_there(state: AgentState) -> None:
    """A call that reaches an agent on a break, or off, is wrapped up, and then it is as before."""
    agent = Agent(state)
    agent.hears(joined(8), ended(8), at_s=36)
    assert agent.state is WRAP_UP
    out = agent.hears(disposition(8), at_s=37)
    assert out == [*closed(8, "sale", 37), shows(state), recorded(state, 37), away(state)]


# -- presence --------------------------------------------------------------------------------------------------------


def test_a_break() -> None:
    """A break of an idle agent begins at once; afterwards it is idle since its return."""
    agent = Agent(IDLE)
    assert agent.hears(TAKE_BREAK, at_s=5) == [shows(BREAK), recorded(BREAK, 5), away(BREAK)]
    assert agent.hears(END_BREAK, at_s=9) == [shows(IDLE), recorded(IDLE, 9), idle(9)]
    agent.hears(TAKE_BREAK, at_s=10)
    assert agent.hears(LOG_OUT, at_s=11) == [shows(OFFLINE), recorded(OFFLINE, 11), away(OFFLINE)]


@pytest.mark.parametrize(
    ("wishes", "lands"),
    [
        ([TAKE_BREAK], BREAK),
        ([TAKE_BREAK, TAKE_BREAK], BREAK),
        ([LOG_OUT], OFFLINE),
        ([TAKE_BREAK, LOG_OUT], OFFLINE),
        ([LOG_OUT, TAKE_BREAK], OFFLINE),
        ([TAKE_BREAK, END_BREAK], IDLE),
        ([TAKE_BREAK, LOG_IN], BREAK),
        ([LOG_OUT, LOG_IN], IDLE),
        ([LOG_OUT, END_BREAK], OFFLINE),
        ([LOG_IN], IDLE),
    ],
)
@pytest.mark.parametrize("state", [RESERVED, TALKING, WRAP_UP])
def test_wishes_wait_for_the_end_of_the_call(state: AgentState, wishes: list[Any], lands: AgentState) -> None:
    """During a call every wish is answered with what the desk shows already, and taken up after the wrap-up."""
    agent = Agent(state)
    until_s = WRAPPED_S if state is WRAP_UP else 0
    assert agent.hears(*wishes, at_s=31) == [shows(state, 7, until_s)] * len(wishes)
    if state is RESERVED:
        agent.hears(joined(), at_s=32)
    if state is not WRAP_UP:
        agent.hears(ended(), at_s=33)
    out = agent.hears(disposition(), at_s=34)
    assert agent.state is lands
    news = [idle(34)] if lands is IDLE else [recorded(lands, 34), away(lands)]
    assert out == [*closed(7, "sale", 34), shows(lands), *news]


@pytest.mark.parametrize("end", [c.ReleaseAgent("a1", 7), ended(), None])
def test_a_wish_is_taken_up_when_the_promise_ends(end: Any) -> None:
    """A promise that comes to nothing leads into the break that was asked for meanwhile."""
    agent = Agent(RESERVED)
    agent.hears(TAKE_BREAK, at_s=3)
    out = agent.hears(*(() if end is None else (end,)), at_s=UNTIL_S)
    assert out == [shows(BREAK), recorded(BREAK, UNTIL_S), away(BREAK)]


@pytest.mark.parametrize(
    ("state", "request_"),
    [
        (OFFLINE, LOG_OUT),
        (OFFLINE, TAKE_BREAK),
        (OFFLINE, END_BREAK),
        (IDLE, LOG_IN),
        (IDLE, END_BREAK),
        (BREAK, LOG_IN),
    ],
)
def test_a_request_without_effect_is_answered(state: AgentState, request_: Any) -> None:
    """The desk is shown the state again, and nobody else hears of it."""
    assert Agent(state).hears(request_) == [shows(state)]


def test_sessions_of_one_moment_are_ordered() -> None:
    """Records of one agent never share a time, because the store orders them by it."""
    agent = Agent(IDLE)
    out = agent.hears(LOG_OUT, LOG_IN, at_s=5)
    times = [message.at_us for to, message in out if to == STORE]
    assert times == [5 * SECOND_US, 5 * SECOND_US + 1]


# -- restarts --------------------------------------------------------------------------------------------------------


def test_rebirth_without_a_call() -> None:
    """A reborn agent asks every trunk of its pool and is off when all have said no, unless somebody logged in."""
    agent = Agent(RECOVERING)
    assert agent.born == [shows(RECOVERING), away(RECOVERING), asks(T1), asks(T2)]
    assert agent.hears(reported(), at_s=1) == []
    assert agent.hears(reported(trunk="t2"), at_s=1) == [shows(OFFLINE), recorded(OFFLINE, 1), away(OFFLINE)]


def test_rebirth_with_a_desk() -> None:
    """A log-in during recovery is remembered."""
    agent = Agent(RECOVERING)
    assert agent.hears(LOG_IN, at_s=1) == [shows(RECOVERING)]
    out = agent.hears(reported(), reported(trunk="t2"), at_s=2)
    assert out == [shows(IDLE), recorded(IDLE, 2), idle(2)]


def test_rebirth_with_a_call() -> None:
    """The first trunk that has a call ends the recovery; the agent wraps up and, without a desk, is off."""
    agent = Agent(RECOVERING)
    out = agent.hears(reported(9, "t2"), at_s=1)
    assert out == [shows(TALKING, 9), recorded(IDLE, 1), asks_card(9), away(TALKING, 9)]
    assert agent.hears(reported(), at_s=1) == []
    assert agent.hears(c.EndCall("a1", 9), at_s=2) == [Envelope(T2, c.HangUp(9, Outcome.CONNECTED))]
    agent.hears(ended(9), at_s=3)
    assert agent.hears(disposition(9), at_s=4)[2] == shows(OFFLINE)


def test_rebirth_with_a_call_and_a_late_desk() -> None:
    """A desk that logs in during the call that was found keeps the shift going."""
    agent = Agent(RECOVERING)
    agent.hears(reported(9), LOG_IN, ended(9), disposition(9), at_s=4)
    assert agent.state is IDLE


def test_rebirth_where_no_trunk_is() -> None:
    """Nobody to ask: off at once."""
    machine = AgentMachine(AgentSpec("a1", "p1", QUEUES, ()), epoch=EPOCH, reborn=True)
    assert machine.start(0) == [shows(OFFLINE), recorded(OFFLINE, 0), away(OFFLINE)]
    machine.check_invariants()


def test_recovery_asks_again() -> None:
    """Trunks that have not answered are asked again every five seconds, the others are not."""
    agent = Agent(RECOVERING)
    agent.hears(reported(trunk="t2"), at_s=1)
    assert agent.due_s == RECOVERY_REPEAT_US / SECOND_US
    assert agent.hears(at_s=5) == [asks(T1)]
    assert agent.due_s == 10


def test_answers_to_an_earlier_incarnation_do_not_count() -> None:
    """A report with another epoch neither ends the recovery nor the call."""
    agent = Agent(RECOVERING)
    assert agent.hears(reported(epoch=EPOCH - 1), reported(9, "t2", EPOCH - 1), at_s=1) == []
    assert agent.state is RECOVERING
    agent = Agent(TALKING)
    assert agent.hears(reported(epoch=EPOCH - 1)) == []
    assert agent.state is TALKING


def test_a_trunk_is_reborn_during_recovery() -> None:
    """Its answer is void and asked for again."""
    agent = Agent(RECOVERING)
    agent.hears(reported(), at_s=1)
    assert agent.hears(e.PeerRestarted(T1), at_s=2) == [asks(T1)]
    assert agent.hears(e.PeerRestarted(Address("trunk", "t9")), at_s=2) == []
    agent.hears(reported(trunk="t2"), at_s=3)
    assert agent.state is RECOVERING
    agent.hears(reported(), at_s=4)
    assert agent.state is OFFLINE


def test_the_trunk_of_the_call_is_reborn() -> None:
    """It is asked whether the call is still up, and if not, the call has ended."""
    agent = Agent(TALKING)
    assert agent.hears(e.PeerRestarted(T2)) == []
    assert agent.hears(e.PeerRestarted(T1)) == [asks(T1)]
    assert agent.hears(reported(7)) == []
    assert agent.hears(reported(trunk="t2")) == []
    assert agent.hears(reported()) == [shows(WRAP_UP, 7, 95)]


def test_the_trunk_of_the_call_knows_another_one() -> None:
    """The call has ended, is closed with an empty code, and the agent is in the one the trunk reports."""
    out = Agent(TALKING).hears(reported(8))
    shown = [shows(WRAP_UP, 7, 95), *closed(7, "", 35), shows(TALKING, 8)]
    assert out == [*shown, asks_card(8), away(TALKING, 8)]


def test_a_call_is_asked_about() -> None:
    """A trunk that died with the call and says nothing is asked now and then, so no agent talks for ever."""
    agent = Agent(TALKING)
    every_s = CALL_CHECK_US // SECOND_US
    assert agent.due_s == JOIN_S + every_s
    assert agent.hears(at_s=JOIN_S + every_s) == [asks(T1), asks_card()]
    assert agent.due_s == JOIN_S + 2 * every_s
    agent.hears(reported(), at_s=JOIN_S + every_s + 1)
    assert agent.state is WRAP_UP


@pytest.mark.parametrize("state", list(AgentState))
@pytest.mark.parametrize("message", [c.Announce("p1"), e.PeerRestarted(SCHEDULER)])
def test_a_reborn_scheduler_hears_all(state: AgentState, message: Any) -> None:
    """An idle agent says since when, any other what it is doing and in which call."""
    agent = Agent(state)
    expected = idle(LOGIN_S) if state is IDLE else away(state, agent.machine.attempt_id)
    assert agent.hears(message) == [expected]


@pytest.mark.parametrize("state", list(AgentState))
def test_a_reborn_desk_is_shown_the_state(state: AgentState) -> None:
    """The desk learns everything from one message; a reborn store needs nothing."""
    agent = Agent(state)
    until_s = {PREVIEW: LOOK_S, WRAP_UP: WRAPPED_S}.get(state, 0)
    assert agent.hears(e.PeerRestarted(DESK)) == [shows(state, agent.machine.attempt_id, until_s)]
    assert agent.hears(e.PeerRestarted(STORE)) == []
