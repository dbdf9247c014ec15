"""Facts about a trunk: each rule by itself, then every message in every phase of a call."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.call import TRANSITIONS, Phase
from dialer.domain.flow import FlowResult
from dialer.domain.flow_talk import FlowEnded
from dialer.domain.kinds import AnswerClass, Outcome
from dialer.domain.lines import JOIN_PATIENCE_US
from dialer.domain.media import SayText
from dialer.domain.message import Address
from dialer.domain.specs import SECOND_US, TrunkSpec
from dialer.domain.throttle import SLOT_US
from dialer.domain.trunk import MARGIN_US, MEMORY_US, TrunkMachine, switch_of
from dialer.errors import InvariantError

BORN = 1_000 * SECOND_US
OPEN = BORN + 2 * SECOND_US  #: credits flow, and intents made now are dialled
SWITCH, POOL, OTHER = str(switch_of("t1")), "scheduler/p1", "scheduler/p2"
CAMPAIGN, AGENT = "campaign/c1", "agent/a1"
PERSON, MACHINE = AnswerClass.HUMAN, AnswerClass.MACHINE
KNOWS_SINCE = BORN + MARGIN_US


class Bench:
    """A trunk on a bench: what it says comes back as (to, message), its invariants are checked after every step."""

    def __init__(self, *, lines: int = 10, calls_per_s: int = 80, destinations: tuple[str, ...] = ("1",)) -> None:
        self.trunk = TrunkMachine(TrunkSpec("t1", lines, calls_per_s, destinations), epoch=3)
        self.now_us = BORN
        assert self.trunk.start(BORN) == []

    def tell(self, *batch: Any, at_us: int | None = None) -> list[tuple[str, Any]]:
        """One batch, at the given time or at that of the last one."""
        self.now_us = self.now_us if at_us is None else at_us
        said = [(str(to), message) for to, message in self.trunk.handle(batch, self.now_us)]
        self.trunk.check_invariants()
        return said

    def phase(self, attempt: int = 1) -> Phase | None:
        """Where a call stands; None if it is not live."""
        call = self.trunk._calls.get(attempt)
        return None if call is None else call.phase


def ready(**limits: Any) -> Bench:
    """A trunk that is connected, knows pool p1, and is old enough to grant credits."""
    bench = Bench(**limits)
    bench.tell(c.Announce("p1"), e.SwitchConnected(()))
    bench.now_us = OPEN
    return bench


def dial(attempt: int = 1, **fields: Any) -> c.Originate:
    """An order to dial a fictional number, with an intent that is new at ``OPEN``."""
    given = {
        "pool": "p1",
        "campaign": "c1",
        "number": 12025550100,
        "caller_id": 12025550199,
        "ring_timeout_us": 25 * SECOND_US,
        "intent_us": OPEN,
        "not_after_us": OPEN + 5 * SECOND_US,
        "amd": False,
        "flow": None,
    }
    return c.Originate(attempt, **{**given, **fields})


def refused(attempt: int, outcome: Outcome, at_us: int = OPEN) -> list[tuple[str, Any]]:
    """What is said of an order that is not carried out."""
    ended = e.AttemptEnded(attempt, outcome, "", 0, 0, 0, 0, at_us)
    return [(POOL, e.OriginateRefused(attempt, outcome)), (CAMPAIGN, ended)]


ANSWERED = e.LineAnswered(1, PERSON)
STEPS: dict[Phase, tuple[Any, ...]] = {
    Phase.ANSWERED: (ANSWERED,),
    Phase.BRIDGING: (ANSWERED, c.JoinAgent(1, "a1", 5)),
    Phase.JOINED: (ANSWERED, c.JoinAgent(1, "a1", 5), e.LineJoined(1, "a1")),
    Phase.CLEARING: (ANSWERED, c.HangUp(1, Outcome.ABANDONED)),
    Phase.OVER: (e.LineEnded(1, Outcome.BUSY, 17),),
}


def at(phase: Phase, *, flow: str | None = None) -> Bench:
    """A trunk with attempt 1 in that phase; agent a1 is the one who is joined."""
    bench = ready()
    if phase is Phase.QUEUED:
        others = range(101, 111)
        bench.tell(*(dial(n) for n in others))  # use up what may leave at once
        bench.tell(*(e.LineEnded(n, Outcome.BUSY, 17) for n in others))
    bench.tell(dial(flow=flow))
    bench.tell(*STEPS.get(phase, ()))
    return bench


# -- opening and credits ---------------------------------------------------------------------------------------------


def test_opens_for_every_known_pool_when_the_switch_is_there():
    """Nobody is told anything before the switch is connected; then every pool is, and pools that come later."""
    bench = Bench()
    assert bench.tell(c.Announce("p1")) == []
    opened = e.TrunkOpened("t1", 3, KNOWS_SINCE, ())
    assert bench.tell(e.SwitchConnected(())) == [(POOL, opened)]
    assert bench.tell(c.Announce("p2")) == [(OTHER, opened)]


def test_credits_wait_for_the_margin_after_birth():
    """Credits are granted from the first moment at which a new intent is younger than the trunk's memory."""
    bench = Bench()
    assert bench.tell(e.SwitchConnected(()), c.RequestCredits("p1", 3)) == []
    due_us = bench.trunk.next_deadline_us()
    assert due_us == KNOWS_SINCE + 1
    assert bench.tell(at_us=due_us) == [(POOL, e.CreditsGranted("t1", 3))]
    assert bench.trunk.next_deadline_us() is None
    assert bench.tell(dial(intent_us=due_us))[0][0] == SWITCH


def test_credits_keep_within_lines_and_one_second():
    """Lines in use and credits out never exceed the lines; credits and queue never a second's calls."""
    bench = ready(lines=5)
    bench.tell(dial(1), dial(2))
    assert bench.tell(c.RequestCredits("p1", 50)) == [(POOL, e.CreditsGranted("t1", 3))]
    assert bench.tell(e.LineEnded(1, Outcome.BUSY, 17))[-1] == (POOL, e.CreditsGranted("t1", 1))
    slow = ready(lines=50, calls_per_s=2)
    assert slow.tell(c.RequestCredits("p1", 50)) == [(POOL, e.CreditsGranted("t1", 2))]
    # one leaves at once, the other waits in the queue, so one more may be promised
    assert slow.tell(dial(1), dial(2))[-1] == (POOL, e.CreditsGranted("t1", 1))


def test_credits_are_shared_between_pools():
    """Two pools that want all get equal parts."""
    bench = ready(lines=10)
    said = bench.tell(c.RequestCredits("p1", 50), c.RequestCredits("p2", 50))
    assert said == [(POOL, e.CreditsGranted("t1", 5)), (OTHER, e.CreditsGranted("t1", 5))]


@pytest.mark.parametrize("reborn", [c.Announce("p1"), e.PeerRestarted(Address("scheduler", "p1"))])
def test_credits_of_a_reborn_scheduler_are_void(reborn):
    """What a scheduler held and wanted before its restart is nothing: others can have it."""
    bench = ready(lines=4)
    bench.tell(c.RequestCredits("p1", 4))
    assert bench.tell(c.RequestCredits("p2", 4)) == []
    assert bench.tell(reborn)[-1] == (OTHER, e.CreditsGranted("t1", 4))


@pytest.mark.parametrize("kind", ["campaign", "agent"])
def test_restart_of_others_changes_nothing(kind):
    """Reborn campaigns and agents ask by themselves."""
    assert at(Phase.JOINED).tell(e.PeerRestarted(Address(kind, "p1"))) == []


# -- dialling --------------------------------------------------------------------------------------------------------


def test_places_a_call_with_the_attempt_id():
    """An order in time goes to the switch at once, with all that it needs."""
    bench = ready()
    placed = c.PlaceCall(1, 12025550100, 12025550199, 25 * SECOND_US, amd=True, flow="notice")
    assert bench.tell(dial(amd=True, flow="notice")) == [(SWITCH, placed)]
    assert (bench.trunk.lines_in_use, bench.trunk.queued, bench.trunk.placed_count) == (1, 0, 1)


def test_queue_leaves_in_order_at_the_rate():
    """What may not leave now leaves later, oldest first; expired calls are told of and use up no rate."""
    bench = ready(lines=30)
    orders = [dial(n) for n in range(1, 14)]
    orders[10] = dial(11, not_after_us=OPEN + 1)
    assert [m.attempt_id for _, m in bench.tell(*orders)] == list(range(1, 11))
    assert (bench.trunk.queued, bench.trunk.next_deadline_us()) == (3, OPEN + SLOT_US)
    said = bench.tell(at_us=OPEN + SLOT_US)
    assert said[:2] == refused(11, Outcome.EXPIRED, OPEN + SLOT_US)
    assert [(to, m.attempt_id) for to, m in said[2:]] == [(SWITCH, 12), (SWITCH, 13)]
    assert (bench.trunk.queued, bench.trunk.next_deadline_us()) == (0, None)


REFUSALS = {
    "destination": ({"number": 442079460000}, Outcome.TRUNK_REFUSED),
    "too late": ({"not_after_us": OPEN}, Outcome.EXPIRED),
    "older than the trunk": ({"intent_us": KNOWS_SINCE}, Outcome.UNKNOWN),
    "older and late": ({"intent_us": BORN - 1, "not_after_us": BORN}, Outcome.UNKNOWN),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refuses_to_dial(case):
    """Each reason has its outcome, told to scheduler and campaign; the order is not carried out later either."""
    fields, outcome = REFUSALS[case]
    bench = ready()
    assert bench.tell(dial(**fields)) == refused(1, outcome)
    assert bench.tell(dial()) == refused(1, outcome)[:1]
    assert bench.trunk.refusals == {outcome: 1}


def test_intent_just_younger_than_the_trunk_is_dialled():
    """One microsecond after the margin an intent cannot be older than the trunk."""
    assert ready().tell(dial(intent_us=KNOWS_SINCE + 1))[0][0] == SWITCH


def test_full_trunk_refuses():
    """No line, no call; and a line that is promised to others is not free for an order without credit."""
    bench = ready(lines=2)
    bench.tell(dial(1), dial(2))
    assert bench.tell(dial(3)) == refused(3, Outcome.TRUNK_REFUSED)
    promised = ready(lines=2)
    promised.tell(c.RequestCredits("p2", 1))
    said = promised.tell(dial(1), dial(2))
    assert said[:2] == refused(2, Outcome.TRUNK_REFUSED)
    assert said[2][0] == SWITCH
    assert promised.tell(dial(3, pool="p2"))[0][0] == SWITCH


def test_switch_down_refuses():
    """Without a switch nothing is dialled: what waits is refused, and so is what comes."""
    bench = at(Phase.QUEUED)
    assert bench.tell(e.SwitchLost("gone")) == refused(1, Outcome.TRUNK_REFUSED)
    assert bench.tell(dial(2)) == refused(2, Outcome.TRUNK_REFUSED)
    assert bench.tell(c.RequestCredits("p1", 9)) == []
    assert bench.trunk.next_deadline_us() is None


def test_no_destination_is_allowed_by_default_of_none():
    """An empty allow-list allows nothing."""
    assert ready(destinations=()).tell(dial()) == refused(1, Outcome.TRUNK_REFUSED)


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.OVER])
def test_never_the_same_id_twice(phase):
    """An id that is live is ignored without a word; the one that waited leaves once."""
    bench = at(phase)
    placed = bench.trunk.placed_count
    said = bench.tell(dial(), at_us=OPEN + SLOT_US)
    assert [type(m) for _, m in said] == [c.PlaceCall] * (phase is Phase.QUEUED)
    assert bench.trunk.placed_count == placed + (phase is Phase.QUEUED)


def test_id_that_is_over_is_not_dialled():
    """A scheduler that sends it again is told how it ended; the campaign knows, and is told nothing."""
    bench = at(Phase.OVER)
    assert bench.tell(dial()) == [(POOL, e.OriginateRefused(1, Outcome.BUSY))]
    assert bench.trunk.placed_count == 1


def test_forgotten_id_is_not_dialled():
    """What is older than the memory of ended calls may have been dialled: it counts, and is not sent."""
    bench = at(Phase.OVER)
    later = OPEN + MEMORY_US
    bench.tell(at_us=later)
    assert bench.tell(dial(not_after_us=later + SECOND_US)) == refused(1, Outcome.UNKNOWN, later)


# -- a call ----------------------------------------------------------------------------------------------------------


def over(outcome: Outcome, *, agent: str = "", answered: bool = True, joined: bool = False) -> list[tuple[str, Any]]:
    """What is said at the end of attempt 1, all at ``OPEN``."""
    told = e.CallEnded(1, agent, outcome, OPEN)
    ended = e.AttemptEnded(1, outcome, agent, 16, OPEN, OPEN * answered, OPEN * joined, OPEN)
    return [*([(AGENT, told)] if agent else []), (POOL, told), (CAMPAIGN, ended)]


LINE_ENDED = e.LineEnded(1, Outcome.NO_ANSWER, 16)


def test_call_with_an_agent():
    """Answered, joined, ended: scheduler, agent and campaign hear what is theirs."""
    bench = ready()
    bench.tell(dial())
    assert bench.tell(e.LineAnswered(1, PERSON)) == [(POOL, e.CallAnswered(1, "t1", PERSON, OPEN))]
    assert bench.tell(c.JoinAgent(1, "a1", 5)) == [(SWITCH, c.BridgeCall(1, "a1"))]
    assert bench.tell(e.LineJoined(1, "a1")) == [(AGENT, e.CallJoined(1, "c1", "t1", "a1", OPEN))]
    assert bench.tell(LINE_ENDED) == over(Outcome.CONNECTED, agent="a1", joined=True)
    assert (bench.trunk.lines_in_use, bench.trunk.next_deadline_us()) == (0, None)


def test_call_that_nobody_answers():
    """The line's outcome is the attempt's."""
    assert at(Phase.RINGING).tell(LINE_ENDED) == over(Outcome.NO_ANSWER, answered=False)


@pytest.mark.parametrize("phase", [Phase.ANSWERED, Phase.BRIDGING])
def test_person_who_does_not_wait(phase):
    """Somebody who answered and is gone before the join has hung up, whatever the line says."""
    assert at(phase).tell(LINE_ENDED) == over(Outcome.HUNG_UP)


@pytest.mark.parametrize("flow", [None, "notice"])
@pytest.mark.parametrize(("heard", "outcome"), [(MACHINE, Outcome.MACHINE), (AnswerClass.FAX, Outcome.FAX)])
def test_machines_are_cleared_at_once(heard, outcome, flow):
    """Requirement 32. The scheduler is told, the line is cleared, and later orders do not change what it was."""
    bench = at(Phase.RINGING, flow=flow)
    told = [(POOL, e.CallAnswered(1, "t1", heard, OPEN)), (SWITCH, c.ClearCall(1, None))]
    assert bench.tell(e.LineAnswered(1, heard)) == told
    assert bench.tell(c.HangUp(1, Outcome.ABANDONED)) == []
    assert bench.tell(LINE_ENDED) == over(outcome)


@pytest.mark.parametrize("heard", [PERSON, AnswerClass.UNKNOWN])
def test_flow_speaks_at_once(heard):
    """A person who hears the flow is connected from the answer on; no agent can be joined."""
    bench = at(Phase.RINGING, flow="notice")
    told, spoken = bench.tell(e.LineAnswered(1, heard))
    assert told == (POOL, e.CallAnswered(1, "t1", heard, OPEN))
    assert spoken[0] == SWITCH
    assert type(spoken[1]) is SayText
    assert bench.tell(c.JoinAgent(1, "a1", 5)) == [(POOL, e.JoinFailed(1, "a1"))]
    cleared, ended = bench.tell(c.HangUp(1, Outcome.ABANDONED))
    assert cleared == (SWITCH, c.ClearCall(1, None))
    assert ended == ("store/main", FlowEnded(1, "notice", 1, "notice", FlowResult.HUNG_UP, "{}", OPEN))
    assert bench.tell(LINE_ENDED) == over(Outcome.CONNECTED, joined=True)


def test_abandoned_person_hears_the_message():
    """Hanging up on a person nobody could be given plays the message, and counts as abandoned."""
    bench = at(Phase.ANSWERED)
    assert bench.tell(c.HangUp(1, Outcome.ABANDONED)) == [(SWITCH, c.ClearCall(1, "abandoned"))]
    assert bench.tell(c.HangUp(1, Outcome.HUNG_UP)) == []
    assert bench.tell(LINE_ENDED) == over(Outcome.ABANDONED)


def test_withdrawn_before_it_was_dialled():
    """Hanging up on a queued call drops it un-dialled."""
    bench = at(Phase.QUEUED)
    assert bench.tell(c.HangUp(1, Outcome.ABANDONED)) == refused(1, Outcome.WITHDRAWN)
    assert bench.tell(at_us=OPEN + SLOT_US) == []


HANG_UPS = [
    (Phase.RINGING, Outcome.FAILED, Outcome.FAILED),
    (Phase.RINGING, Outcome.WITHDRAWN, Outcome.NO_ANSWER),  # it was placed: it counts
    (Phase.RINGING, Outcome.ABANDONED, Outcome.NO_ANSWER),  # nobody was there
    (Phase.RINGING, Outcome.CONNECTED, Outcome.NO_ANSWER),
    (Phase.ANSWERED, Outcome.HUNG_UP, Outcome.HUNG_UP),
    (Phase.ANSWERED, Outcome.MACHINE, Outcome.MACHINE),
    (Phase.ANSWERED, Outcome.WITHDRAWN, Outcome.ABANDONED),  # a person was there, and nobody spoke
    (Phase.BRIDGING, Outcome.CONNECTED, Outcome.ABANDONED),
]


@pytest.mark.parametrize(("phase", "ordered", "final"), HANG_UPS)
def test_outcome_of_a_call_we_hang_up(phase, ordered, final):
    """The order's outcome counts, unless it contradicts what has happened."""
    bench = at(phase)
    message = "abandoned" if final is Outcome.ABANDONED else None
    assert bench.tell(c.HangUp(1, ordered)) == [(SWITCH, c.ClearCall(1, message))]
    assert bench.tell(LINE_ENDED) == over(final, answered=phase is not Phase.RINGING)


def test_joined_call_stays_connected():
    """An agent who hangs up ends a connected call."""
    bench = at(Phase.JOINED)
    assert bench.tell(c.HangUp(1, Outcome.ABANDONED)) == [(SWITCH, c.ClearCall(1, None))]
    assert bench.tell(LINE_ENDED) == over(Outcome.CONNECTED, agent="a1", joined=True)


@pytest.mark.parametrize(("heard", "outcome"), [(PERSON, Outcome.ABANDONED), (MACHINE, Outcome.MACHINE)])
def test_answer_that_crosses_the_order_to_clear(heard, outcome):
    """A person who picks up as we hang up is abandoned; the scheduler has nothing left to decide."""
    bench = at(Phase.RINGING)
    bench.tell(c.HangUp(1, Outcome.FAILED))
    assert bench.tell(e.LineAnswered(1, heard), e.LineAnswered(1, PERSON)) == []
    assert bench.tell(LINE_ENDED) == over(outcome)


# -- joins -----------------------------------------------------------------------------------------------------------


def test_join_needs_a_waiting_person_and_a_free_current_agent():
    """Fenced agents, agents in another call and calls that are gone fail; the same join twice does not."""
    bench = at(Phase.BRIDGING)
    bench.tell(dial(2), dial(3))
    bench.tell(e.LineAnswered(2, PERSON), e.LineAnswered(3, PERSON))
    failed = [(POOL, e.JoinFailed(2, "a1"))]
    assert bench.tell(c.JoinAgent(2, "a1", 5)) == failed
    assert bench.tell(c.JoinAgent(1, "a1", 5)) == []
    assert bench.tell(c.JoinAgent(1, "a2", 5)) == [(POOL, e.JoinFailed(1, "a2"))]
    bench.tell(LINE_ENDED)
    assert bench.tell(c.JoinAgent(2, "a1", 4)) == failed  # the agent has been reborn since
    assert bench.tell(c.JoinAgent(2, "a1", 5)) == [(SWITCH, c.BridgeCall(2, "a1"))]
    bench.tell(c.ReportAgentCall("a3", 9))
    assert bench.tell(c.JoinAgent(3, "a3", 8)) == [(POOL, e.JoinFailed(3, "a3"))]
    assert bench.tell(c.JoinAgent(77, "a9", 1)) == [(POOL, e.JoinFailed(77, "a9"))]


def test_join_that_the_switch_does_not_make():
    """After 5 s the agent is free and another may be joined."""
    bench = at(Phase.BRIDGING)
    due_us = bench.trunk.next_deadline_us()
    assert due_us == OPEN + JOIN_PATIENCE_US
    assert bench.tell(at_us=due_us - 1) == []
    assert bench.tell(at_us=due_us) == [(POOL, e.JoinFailed(1, "a1"))]
    assert bench.tell(c.JoinAgent(1, "a2", 1)) == [(SWITCH, c.BridgeCall(1, "a2"))]


def test_join_that_is_made_too_late():
    """The switch's word counts: the agent is in the call; one who was to be joined instead is not."""
    bench = at(Phase.BRIDGING)
    bench.tell(at_us=OPEN + JOIN_PATIENCE_US)
    bench.tell(c.JoinAgent(1, "a2", 1))
    said = bench.tell(e.LineJoined(1, "a1"))
    assert said == [(POOL, e.JoinFailed(1, "a2")), (AGENT, e.CallJoined(1, "c1", "t1", "a1", bench.now_us))]
    assert bench.trunk.next_deadline_us() is None


def test_join_that_is_made_too_late_with_a_busy_agent():
    """No agent gets two calls: the one that was given up is cleared, and abandoned."""
    bench = at(Phase.BRIDGING)
    bench.tell(dial(2))
    bench.tell(e.LineAnswered(2, PERSON), at_us=OPEN + JOIN_PATIENCE_US)
    bench.tell(c.JoinAgent(2, "a1", 5), e.LineJoined(2, "a1"))
    assert bench.tell(e.LineJoined(1, "a1")) == [(SWITCH, c.ClearCall(1, None))]
    assert bench.tell(LINE_ENDED)[0][1].outcome is Outcome.ABANDONED


# -- mute and hold ---------------------------------------------------------------------------------------------------

MUTE = c.SetCall("a1", 1, muted=True, held=False)
MUTED = e.LineChanged(1, muted=True, held=False)


def test_mute_and_hold_go_to_the_switch_and_come_back():
    """What the agent in the call asks for is ordered, and what the switch says is told to it. Requirements 38, 56."""
    bench = at(Phase.JOINED)
    assert bench.tell(MUTE) == [(SWITCH, c.ChangeCall(1, muted=True, held=False))]
    assert bench.tell(MUTED) == [(AGENT, e.CallChanged(1, "a1", muted=True, held=False))]
    assert bench.phase() is Phase.JOINED


def test_only_the_agent_in_the_call_may_change_it():
    """Another agent's wish, one for a call with a flow, and one while the switch is away are vain."""
    bench = at(Phase.JOINED)
    assert bench.tell(c.SetCall("a2", 1, muted=True, held=True)) == []
    bench.tell(e.SwitchLost("gone"))
    assert bench.tell(MUTE) == []
    heard = at(Phase.RINGING, flow="notice")
    heard.tell(ANSWERED)
    assert heard.phase() is Phase.JOINED
    assert heard.tell(MUTE, MUTED) == []


def test_mute_of_an_adopted_call():
    """A call that an earlier incarnation joined can be muted and held like any other."""
    bench = Bench()
    bench.tell(e.SwitchConnected(((1, "a1", True),)))
    assert bench.tell(MUTE) == [(SWITCH, c.ChangeCall(1, muted=True, held=False))]
    assert bench.tell(MUTED) == [(AGENT, e.CallChanged(1, "a1", muted=True, held=False))]


# -- every message in every phase ------------------------------------------------------------------------------------

MESSAGES: dict[type, tuple[Any, ...]] = {
    c.JoinAgent: (c.JoinAgent(1, "a1", 5), c.JoinAgent(1, "a2", 5), c.JoinAgent(1, "a1", 4)),
    c.HangUp: tuple(c.HangUp(1, outcome) for outcome in Outcome),
    c.SetCall: (MUTE, c.SetCall("a2", 1, muted=False, held=True)),
    e.LineAnswered: tuple(e.LineAnswered(1, heard) for heard in AnswerClass),
    e.LineJoined: (e.LineJoined(1, "a1"), e.LineJoined(1, "a2")),
    e.LineChanged: (MUTED, e.LineChanged(1, muted=False, held=True)),
    e.LineEnded: tuple(e.LineEnded(1, outcome, 16) for outcome in Outcome),
}

#: (message, whether the call is over) -> what may be said though nothing changes.
ANSWERS: dict[tuple[type, bool], set[type]] = {
    (c.JoinAgent, False): {e.JoinFailed},
    (c.JoinAgent, True): {e.JoinFailed},
    (e.LineAnswered, True): {c.ClearCall},  # the switch still holds what is over for us
    (e.LineJoined, True): {c.ClearCall},
}


@pytest.mark.parametrize("flow", [None, "notice"])
@pytest.mark.parametrize(("phase", "kind"), list(itertools.product(Phase, MESSAGES)))
def test_every_message_in_every_phase(phase, kind, flow):
    """What the table has leads where it says; what it has not changes nothing, and has a fixed answer."""
    for message in MESSAGES[kind]:
        bench = at(phase, flow=flow)
        before = bench.phase()
        said = bench.tell(message)
        if before is None or (before, kind) not in TRANSITIONS:
            assert bench.phase() is before
            assert {type(m) for _, m in said} <= ANSWERS.get((kind, phase is Phase.OVER), set())
        else:
            assert (bench.phase() or Phase.OVER) in TRANSITIONS[before, kind]
            ends = [m for _, m in said if type(m) is e.AttemptEnded]
            assert len(ends) == (bench.phase() is None)


def test_unknown_message_is_refused():
    """What no trunk understands is a defect of the sender."""
    with pytest.raises(KeyError):
        ready().tell(c.LogIn("a1"))


def test_broken_invariants_are_found():
    """The checks see lines beyond the limit, a queue that stands still, and an agent in a call that is gone."""
    for damage, name in (
        (lambda trunk: trunk._calls.clear(), "agents are in live calls"),
        (lambda trunk: setattr(trunk._credits, "outstanding", 99), "sum of credits"),
        (lambda trunk: setattr(trunk, "spec", TrunkSpec("t1", 0, 80)), "lines"),
        (lambda trunk: setattr(trunk, "_queued", 1), "queue"),
        (lambda trunk: trunk._lines._joins.clear(), "every join is watched"),
        (lambda trunk: setattr(trunk._calls[1], "phase", Phase.OVER), "live or over"),
        (lambda trunk: setattr(trunk._calls[1], "campaign", ""), "has an owner"),
        (lambda trunk: setattr(trunk._lines, "adopted", 1), "adopted"),
        (lambda trunk: trunk._lines._agents.clear(), "one call per agent"),
        (lambda trunk: trunk._flows._placed.update({9: None}), "flows are of live calls"),
    ):
        bench = at(Phase.BRIDGING)
        damage(bench.trunk)
        with pytest.raises(InvariantError, match=name):
            bench.trunk.check_invariants()
