"""Facts about a trunk that is born, or whose switch or peers come back: nothing is lost, nothing is dialled twice."""

from __future__ import annotations

from typing import Any

import pytest

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.kinds import AnswerClass, Outcome
from dialer.domain.media import SayText
from dialer.domain.specs import SECOND_US, TrunkSpec
from dialer.domain.trunk import MARGIN_US, MEMORY_US, TrunkMachine

BORN = 1_000 * SECOND_US
KNOWS_SINCE = BORN + MARGIN_US
NOW = BORN + 2 * SECOND_US
SWITCH, POOL, OTHER = "switch/t1", "scheduler/p1", "scheduler/p2"
CAMPAIGN, AGENT = "campaign/c1", "agent/a1"
PERSON, UNKNOWN = AnswerClass.HUMAN, AnswerClass.UNKNOWN
ADOPTED = e.SwitchConnected(((1, "", False), (2, "", True), (3, "a1", True)))


class Bench:
    """A trunk on a bench, with pools p1 and p2 known."""

    def __init__(self, *before: Any) -> None:
        self.trunk = TrunkMachine(TrunkSpec("t1", 20, 80), epoch=3)
        self.trunk.start(BORN)
        self.tell(c.Announce("p1"), c.Announce("p2"), at_us=BORN)
        self.tell(*before, at_us=NOW)

    def tell(self, *batch: Any, at_us: int = NOW) -> list[tuple[str, Any]]:
        """One batch."""
        said = [(str(to), message) for to, message in self.trunk.handle(batch, at_us)]
        self.trunk.check_invariants()
        return said


def connected(*before: Any) -> Bench:
    return Bench(e.SwitchConnected(()), *before)


def dial(attempt: int = 1, *, pool: str = "p1", intent_us: int = NOW, flow: str | None = None) -> c.Originate:
    late_us = intent_us + 5 * SECOND_US
    return c.Originate(attempt, pool, "c1", 12025550100, 12025550199, 25 * SECOND_US, intent_us, late_us, False, flow)  # noqa: FBT003 - amd


def opened(*live: tuple[int, str, bool]) -> e.TrunkOpened:
    return e.TrunkOpened("t1", 3, KNOWS_SINCE, live)


def ended(attempt: int, outcome: Outcome, *, agent: str = "", cause: int = 0, times: tuple[int, int, int] = (0, 0, 0)):
    return e.AttemptEnded(attempt, outcome, agent, cause, *times, NOW)


# -- adopting --------------------------------------------------------------------------------------------------------


def test_adopts_what_is_up_and_tells_every_pool():
    """Calls of an earlier incarnation take lines, and every scheduler hears of them."""
    bench = Bench()
    assert bench.tell(ADOPTED) == [(POOL, opened(*ADOPTED.live)), (OTHER, opened(*ADOPTED.live))]
    assert (bench.trunk.lines_in_use, bench.trunk.placed_count) == (3, 0)


def test_adopted_calls_may_exceed_the_lines():
    """More than the lines may be up after a restart; nothing is granted or dialled until that is over."""
    many = e.SwitchConnected(tuple((n, "", False) for n in range(1, 26)))
    bench = Bench(many)
    assert bench.tell(c.RequestCredits("p1", 5)) == []
    assert bench.tell(dial(99))[0] == (POOL, e.OriginateRefused(99, Outcome.TRUNK_REFUSED))
    said = bench.tell(*(e.LineEnded(n, Outcome.BUSY, 17) for n in range(1, 8)))
    assert said[-1] == (POOL, e.CreditsGranted("t1", 2))


def test_adopted_call_is_handled_like_any_other():
    """An adopted person is joined and ends as connected; what is not known of it stays 0."""
    bench = Bench(ADOPTED, c.ReportAttempt(2, "c1"))
    assert bench.tell(c.JoinAgent(2, "a2", 1)) == [(SWITCH, c.BridgeCall(2, "a2"))]
    assert bench.tell(e.LineJoined(2, "a2")) == [("agent/a2", e.CallJoined(2, "c1", "t1", "a2", NOW))]
    told = e.CallEnded(2, "a2", Outcome.CONNECTED, NOW)
    last = ended(2, Outcome.CONNECTED, agent="a2", cause=16, times=(0, 0, NOW))
    said = bench.tell(e.LineEnded(2, Outcome.HUNG_UP, 16))
    assert said == [("agent/a2", told), (POOL, told), (OTHER, told), (CAMPAIGN, last)]


def test_adopted_agent_is_busy_and_hears_the_end():
    """The agent of an adopted call takes no other call, and is told when it is over."""
    bench = Bench(ADOPTED)
    failed = e.JoinFailed(2, "a1")
    assert bench.tell(c.JoinAgent(2, "a1", 9)) == [(POOL, failed), (OTHER, failed)]
    assert bench.tell(e.LineEnded(3, Outcome.CONNECTED, 16))[0] == (AGENT, e.CallEnded(3, "a1", Outcome.CONNECTED, NOW))


@pytest.mark.parametrize(
    ("attempt", "line", "final"),
    [
        (1, Outcome.BUSY, Outcome.BUSY),
        (2, Outcome.HUNG_UP, Outcome.HUNG_UP),
        (2, Outcome.NO_ANSWER, Outcome.HUNG_UP),  # it was answered
        (2, Outcome.CONNECTED, Outcome.CONNECTED),  # it had a flow, as the switch knows
        (2, Outcome.MACHINE, Outcome.MACHINE),
        (3, Outcome.HUNG_UP, Outcome.CONNECTED),
    ],
)
def test_outcome_of_an_adopted_call(attempt, line, final):
    """The end of an adopted call waits for its campaign to ask, and is then told, and told again."""
    bench = Bench(ADOPTED)
    said = bench.tell(e.LineEnded(attempt, line, 16))
    assert {type(m) for _, m in said} == {e.CallEnded}
    for _ in range(2):
        answer = bench.tell(c.ReportAttempt(attempt, "c1"))
        assert [(to, type(m), m.outcome) for to, m in answer] == [(CAMPAIGN, e.AttemptEnded, final)]


def test_one_agent_in_two_adopted_calls():
    """If the switch shows two calls with one agent, one of them is cleared, and abandoned."""
    bench = Bench()
    said = bench.tell(e.SwitchConnected(((1, "a1", True), (2, "a1", True))))
    assert said[0] == (SWITCH, c.ClearCall(2, None))
    bench.tell(e.LineEnded(2, Outcome.CONNECTED, 16))
    assert bench.tell(c.ReportAttempt(2, "c1"))[0][1].outcome is Outcome.ABANDONED


# -- before the switch has spoken ------------------------------------------------------------------------------------


def test_questions_wait_for_the_switch():
    """Before the switch has told what is up, the trunk does not say that a call is gone; then it answers at once."""
    bench = Bench()
    asked = (c.ReportAttempt(1, "c1"), c.ReportAttempt(9, "c1"), c.ReportAgentCall("a1", 4), c.ReportAgentCall("a2", 4))
    assert bench.tell(*asked, *asked) == []
    said = bench.tell(ADOPTED)
    assert said[2:] == [
        (CAMPAIGN, e.AttemptReported(1, True, KNOWS_SINCE, NOW)),  # noqa: FBT003
        (CAMPAIGN, e.AttemptReported(9, False, KNOWS_SINCE, NOW)),  # noqa: FBT003
        (AGENT, e.AgentCallReported("t1", "a1", 4, 3, "", NOW)),
        ("agent/a2", e.AgentCallReported("t1", "a2", 4, 0, "", 0)),
    ]


def test_repeated_order_of_an_earlier_life_teaches_whose_call_it_is():
    """An order that was carried out before the restart is not carried out again, and names pool and campaign."""
    bench = Bench()
    assert bench.tell(dial(1, intent_us=BORN), dial(9, intent_us=BORN)) == []
    said = bench.tell(ADOPTED)
    assert said[2:] == [(POOL, e.OriginateRefused(9, Outcome.UNKNOWN)), (CAMPAIGN, ended(9, Outcome.UNKNOWN))]
    assert bench.tell(c.Announce("p2")) == [(OTHER, opened(*ADOPTED.live[1:]))]
    told = e.CallEnded(1, "", Outcome.BUSY, NOW)
    assert bench.tell(e.LineEnded(1, Outcome.BUSY, 17)) == [
        (POOL, told),
        (CAMPAIGN, ended(1, Outcome.BUSY, cause=17)),
    ]


def test_new_orders_before_the_switch_are_refused():
    """An intent that no earlier incarnation can have seen is refused while there is no switch."""
    assert Bench().tell(dial())[0] == (POOL, e.OriginateRefused(1, Outcome.TRUNK_REFUSED))


# -- the switch comes back -------------------------------------------------------------------------------------------


def test_calls_stay_while_the_switch_is_away():
    """A lost connection ends nothing that was placed."""
    bench = connected(dial(1))
    assert bench.tell(e.SwitchLost("gone")) == []
    assert bench.trunk.lines_in_use == 1
    assert bench.tell(c.ReportAttempt(1, "c1"))[0][1].live


def test_calls_that_are_gone_after_a_reconnect():
    """Joined ones count as connected, decided ones as decided, of the others nobody knows."""
    bench = connected(*(dial(n) for n in range(1, 5)))
    bench.tell(e.LineAnswered(2, PERSON), e.LineAnswered(3, PERSON), e.LineAnswered(4, PERSON))
    bench.tell(c.JoinAgent(2, "a1", 1), e.LineJoined(2, "a1"), c.HangUp(3, Outcome.ABANDONED))
    said = bench.tell(e.SwitchLost("gone"), e.SwitchConnected(()))
    finals = {m.attempt_id: m.outcome for to, m in said if type(m) is e.AttemptEnded}
    assert finals == {1: Outcome.UNKNOWN, 2: Outcome.CONNECTED, 3: Outcome.ABANDONED, 4: Outcome.UNKNOWN}
    assert (AGENT, e.CallEnded(2, "a1", Outcome.CONNECTED, NOW)) in said
    assert said[-2:] == [(POOL, opened()), (OTHER, opened())]


def test_what_happened_while_the_switch_was_away_is_caught_up():
    """Answers and joins that were missed are told; an order to clear that was missed is repeated."""
    bench = connected(dial(1), dial(2), dial(3), dial(4, flow="notice"))
    bench.tell(e.LineAnswered(2, PERSON), e.LineAnswered(3, PERSON), c.JoinAgent(2, "a1", 1))
    bench.tell(e.SwitchLost("gone"))
    assert bench.tell(c.HangUp(3, Outcome.ABANDONED)) == []
    live = ((1, "", True), (2, "a1", True), (3, "", True), (4, "", True))
    said = bench.tell(e.SwitchConnected(live))
    assert said[:4] == [
        (POOL, e.CallAnswered(1, "t1", UNKNOWN, NOW)),
        (AGENT, e.CallJoined(2, "c1", "t1", "a1", NOW)),
        (SWITCH, c.ClearCall(3, "abandoned")),
        (POOL, e.CallAnswered(4, "t1", UNKNOWN, NOW)),
    ]
    assert ("switch/t1", SayText) in [(to, type(m)) for to, m in said]  # the flow begins then
    assert bench.tell(e.LineEnded(4, Outcome.CONNECTED, 16))[1][1].outcome is Outcome.CONNECTED


def test_no_joins_while_the_switch_is_away():
    """A join cannot be ordered; the scheduler is told at once."""
    bench = connected(dial(1))
    bench.tell(e.LineAnswered(1, PERSON), e.SwitchLost("gone"))
    assert bench.tell(c.JoinAgent(1, "a1", 1)) == [(POOL, e.JoinFailed(1, "a1"))]


def test_call_that_was_given_up_as_lost_is_cleared_when_it_shows():
    """What is over for the books but up on the switch is hung up, and gets no second outcome."""
    bench = connected(dial(1))
    bench.tell(e.SwitchLost("gone"), e.SwitchConnected(()))
    cleared = (SWITCH, c.ClearCall(1, None))
    assert bench.tell(e.LineAnswered(1, PERSON)) == [cleared]
    assert bench.tell(e.SwitchConnected(((1, "", True),)))[0] == cleared
    assert bench.tell(e.LineEnded(1, Outcome.HUNG_UP, 16)) == []
    assert bench.trunk.lines_in_use == 0


def test_queued_call_that_is_up_already_is_not_dialled():
    """If the switch holds a call that waits here, somebody else has dialled it: it is taken as placed."""
    bench = connected(*(dial(n) for n in range(1, 12)))
    assert bench.trunk.queued == 1
    placed = tuple((n, "", False) for n in range(1, 12))
    assert {to for to, _ in bench.tell(e.SwitchConnected(placed), at_us=NOW + SECOND_US)} == {POOL, OTHER}
    assert (bench.trunk.queued, bench.trunk.lines_in_use, bench.trunk.placed_count) == (0, 11, 10)


def test_credits_are_void_after_a_reconnect():
    """``TrunkOpened`` voids what was granted before: new requests get the whole trunk again."""
    bench = connected(c.RequestCredits("p1", 20))
    bench.tell(e.SwitchLost("gone"), e.SwitchConnected(()))
    assert bench.tell(c.RequestCredits("p2", 20)) == [(OTHER, e.CreditsGranted("t1", 20))]


# -- questions -------------------------------------------------------------------------------------------------------


def test_reborn_scheduler_hears_of_its_calls_only():
    """Calls of other pools are not its business; queued and placed ones are, with the agent being joined."""
    bench = connected(*(dial(n) for n in range(1, 12)), dial(12, pool="p2"))
    bench.tell(
        e.LineAnswered(1, PERSON), c.JoinAgent(1, "a1", 1), *(e.LineEnded(n, Outcome.BUSY, 17) for n in range(2, 10))
    )
    assert bench.tell(c.Announce("p1")) == [(POOL, opened((1, "a1", True), (10, "", False), (11, "", False)))]
    assert bench.tell(c.Announce("p2")) == [(OTHER, opened((12, "", False)))]


def test_report_of_an_attempt():
    """Live and queued calls are live; ended ones are told again; of the others it says since when it knows."""
    bench = connected(*(dial(n) for n in range(1, 12)))
    for attempt in (1, 11):
        assert bench.tell(c.ReportAttempt(attempt, "c1")) == [
            (CAMPAIGN, e.AttemptReported(attempt, True, KNOWS_SINCE, NOW)),  # noqa: FBT003
        ]
    (_, told), (_, last) = bench.tell(e.LineEnded(1, Outcome.BUSY, 17))
    assert told == e.CallEnded(1, "", Outcome.BUSY, NOW)
    assert bench.tell(c.ReportAttempt(1, "c1")) == [(CAMPAIGN, last)]
    assert bench.tell(c.ReportAttempt(77, "c1")) == [(CAMPAIGN, e.AttemptReported(77, False, KNOWS_SINCE, NOW))]  # noqa: FBT003


def test_what_was_forgotten_is_not_denied():
    """Of times before the memory of ended calls begins the trunk does not claim to know."""
    bench = connected(dial(1))
    bench.tell(e.LineEnded(1, Outcome.BUSY, 17))
    just, later = NOW + MEMORY_US - 1, NOW + MEMORY_US
    assert bench.tell(c.ReportAttempt(1, "c1"), at_us=just)[0][1].outcome is Outcome.BUSY
    bench.tell(at_us=later)
    said = bench.tell(c.ReportAttempt(1, "c1"), at_us=later)
    assert said == [(CAMPAIGN, e.AttemptReported(1, False, NOW + MARGIN_US, later))]  # noqa: FBT003


def test_report_of_an_agent():
    """The call an agent is in, or is being joined with; older incarnations get no answer."""
    bench = connected(dial(1))
    none = (AGENT, e.AgentCallReported("t1", "a1", 5, 0, "", 0))
    assert bench.tell(c.ReportAgentCall("a1", 5)) == [none]
    assert bench.tell(c.ReportAgentCall("a1", 4)) == []
    bench.tell(e.LineAnswered(1, PERSON), c.JoinAgent(1, "a1", 5))
    assert bench.tell(c.ReportAgentCall("a1", 6)) == [(AGENT, e.AgentCallReported("t1", "a1", 6, 1, "c1", 0))]
    bench.tell(e.LineJoined(1, "a1"))
    assert bench.tell(c.ReportAgentCall("a1", 6)) == [(AGENT, e.AgentCallReported("t1", "a1", 6, 1, "c1", NOW))]


@pytest.mark.parametrize("end", [e.LineEnded(1, Outcome.HUNG_UP, 16), c.HangUp(1, Outcome.ABANDONED), None])
def test_agent_who_was_told_of_a_join_hears_that_it_is_not_made(end):
    """An agent that was told to be in a call while the join was under way is told when it comes to nothing."""
    bench = connected(dial(1))
    bench.tell(e.LineAnswered(1, PERSON), c.JoinAgent(1, "a1", 5), c.ReportAgentCall("a1", 6))
    said = bench.tell(at_us=NOW + 5 * SECOND_US) if end is None else bench.tell(end)
    assert [(to, m.attempt_id) for to, m in said if type(m) is e.CallEnded and to == AGENT] == [(AGENT, 1)]


def test_the_first_incarnation_has_forgotten_nothing():
    """No earlier one can have dialled: intents older than its birth are carried out, and credits flow at once."""
    trunk = TrunkMachine(TrunkSpec("t1", 4, 10), epoch=1)
    trunk.start(NOW)
    said = trunk.handle([e.SwitchConnected(()), c.RequestCredits("p1", 2), dial(1, intent_us=NOW - 1)], NOW)
    assert [type(message) for _, message in said] == [c.PlaceCall, e.CreditsGranted]
