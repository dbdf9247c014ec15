"""Facts about an agent who looks at a contact before it is called: dial, skip, or let the timer decide."""

from __future__ import annotations

from typing import Any

import pytest

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.agent import AgentMachine
from dialer.domain.ids import attempt_id
from dialer.domain.kinds import AgentState, Outcome
from dialer.domain.message import Address, Envelope
from dialer.domain.skips import Skips
from dialer.domain.specs import SECOND_US, AgentSpec, PreviewSpec

IDLE, PREVIEW, RESERVED = AgentState.IDLE, AgentState.PREVIEW, AgentState.RESERVED
TALKING, BREAK, OFFLINE = AgentState.TALKING, AgentState.BREAK, AgentState.OFFLINE

#: Contacts of one run, in the order of their being offered.
FIRST, SECOND, THIRD = (attempt_id(1, contact, 1) for contact in range(3))
OTHER_RUN = attempt_id(2, 0, 1)
SCHEDULER, DESK, CAMPAIGN = Address("scheduler", "p1"), Address("desk", "a1"), Address("campaign", "c1")
FIELDS = (("firstName", "Ada"), ("city", "Boston"))
LOOK_S, PROMISE_S = 30, 90
EPOCH = 3


def offer(attempt: int = FIRST, at_s: int = 10) -> c.ReserveAgent:
    """A contact to look at: 30 s, and a promise of 90 s."""
    return c.ReserveAgent("a1", attempt, "c1", (at_s + PROMISE_S) * SECOND_US, LOOK_S * SECOND_US)


def card(attempt: int = FIRST, skips_left: int | None = None) -> e.ContactCard:
    return e.ContactCard(attempt, FIELDS, skips_left)


def dial(attempt: int = FIRST) -> c.DialNow:
    return c.DialNow("a1", attempt)


def skip(attempt: int = FIRST) -> c.SkipContact:
    return c.SkipContact("a1", attempt)


def promised(attempt: int = FIRST) -> Envelope:
    return Envelope(SCHEDULER, e.AgentReserved("a1", EPOCH, attempt))


def skipped(attempt: int = FIRST) -> Envelope:
    return Envelope(SCHEDULER, e.OfferSkipped("a1", EPOCH, attempt))


def idle(since_s: int) -> Envelope:
    return Envelope(SCHEDULER, e.AgentIdle("a1", EPOCH, ("sales",), since_s * SECOND_US))


def shown(out: list[Envelope]) -> e.DeskUpdated:
    """What the desk shows after all this."""
    updates = [message for to, message in out if to == DESK]
    assert updates
    last: e.DeskUpdated = updates[-1]
    return last


class Agent:
    """An agent, idle since second 1, with every step checked."""

    def __init__(self, *batch: Any, at_s: int = 10) -> None:
        self.machine = AgentMachine(AgentSpec("a1", "p1", ("sales",), ("t1",)), epoch=EPOCH, reborn=False)
        self.machine.start(0)
        self.hears(c.LogIn("a1"), at_s=1)
        self.hears(*batch, at_s=at_s)

    def hears(self, *batch: Any, at_s: int) -> list[Envelope]:
        """Handle a batch."""
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


# -- looking -----------------------------------------------------------------------------------------------------------


def test_an_offer_is_shown_with_the_card() -> None:
    """The agent asks the campaign who it is, and sees that and the time there is before anything is dialled.

    Requirements 43, 53.
    """
    agent = Agent()
    out = agent.hears(offer(), at_s=10)
    ask = Envelope(CAMPAIGN, c.RequestCard(FIRST, "a1"))
    assert out == [Envelope(DESK, e.DeskUpdated("a1", PREVIEW, FIRST, "c1", until_us=40 * SECOND_US)), ask]
    [told] = agent.hears(card(), at_s=11)
    update = e.DeskUpdated("a1", PREVIEW, FIRST, "c1", until_us=40 * SECOND_US, fields=FIELDS, may_skip=True)
    assert told == Envelope(DESK, update)


def test_the_timer_is_thirty_seconds_unless_said() -> None:
    """Without other configuration an agent has half a minute to decide. Requirement 47."""
    assert PreviewSpec().timer_us == LOOK_S * SECOND_US
    assert Agent(offer()).due_s == 10 + LOOK_S


@pytest.mark.parametrize("at_s", [11, 25, 39])
def test_dialling_inside_the_timer(at_s: int) -> None:
    """The agent says when: it is promised then, and the promise still ends by itself. Requirements 43, 48."""
    agent = Agent(offer(), card())
    out = agent.hears(dial(), at_s=at_s)
    assert out == [Envelope(DESK, e.DeskUpdated("a1", RESERVED, FIRST, "c1", fields=FIELDS)), promised()]
    assert agent.due_s == at_s + PROMISE_S
    assert agent.hears(at_s=at_s + PROMISE_S)[-1] == idle(1)


def test_no_decision_is_a_yes() -> None:
    """Nothing said until the end of the timer: as if the agent had dialled then, and not before. Requirement 52."""
    agent = Agent(offer(), card())
    assert agent.hears(at_s=39) == []
    assert agent.hears(at_s=40)[-1] == promised()
    assert (agent.state, agent.due_s) == (RESERVED, 40 + PROMISE_S)


def test_a_contact_that_nobody_could_tell_of_is_dialled_too() -> None:
    """Without a card there is no skipping, but the timer still decides. Requirement 52."""
    agent = Agent(offer())
    out = agent.hears(skip(), at_s=11)
    assert (len(out), shown(out).may_skip, agent.state) == (1, False, PREVIEW)
    assert agent.hears(at_s=40)[-1] == promised()


def test_a_decision_in_the_batch_of_the_timer_counts() -> None:
    """What arrives by the end of the timer is taken before it."""
    agent = Agent(offer(), card())
    assert skipped() in agent.hears(skip(), at_s=40)
    assert agent.state is IDLE


def test_a_card_after_the_decision_is_shown_too() -> None:
    """Who has dialled at once still sees whom."""
    agent = Agent(offer(), dial())
    assert shown(agent.hears(card(), at_s=11)).fields == FIELDS


def test_the_card_is_asked_for_once() -> None:
    """What was shown before the call is kept through the call and its wrap-up. Requirements 53, 57."""
    agent = Agent(offer(), card(), dial())
    out = agent.hears(e.CallJoined(FIRST, "c1", "t1", "a1", 0), at_s=20)
    assert out == [Envelope(DESK, e.DeskUpdated("a1", TALKING, FIRST, "c1", fields=FIELDS))]
    assert shown(agent.hears(e.CallEnded(FIRST, "a1", Outcome.CONNECTED, 0), at_s=30)).fields == FIELDS


# -- skipping ----------------------------------------------------------------------------------------------------------


def test_skipping_inside_the_timer() -> None:
    """The scheduler hears of the skip, then that the agent is free, after those who were idle meanwhile.

    Requirement 49.
    """
    agent = Agent(offer(), card())
    out = agent.hears(skip(), at_s=15)
    assert out == [skipped(), Envelope(DESK, e.DeskUpdated("a1", IDLE, 0, "")), idle(15)]
    assert agent.due_s is None


def test_at_the_cap_skip_disappears() -> None:
    """The last contact that may be skipped takes the choice away for all others of the run. Requirements 45, 51."""
    agent = Agent(offer(), card(skips_left=1), skip())
    agent.hears(offer(SECOND), at_s=20)
    out = agent.hears(card(SECOND, skips_left=1), at_s=21)  # answered before the campaign had heard of the skip
    assert shown(out).may_skip is False
    out = agent.hears(skip(SECOND), at_s=22)
    assert [to for to, _ in out] == [DESK]
    assert (shown(out).may_skip, agent.state) == (False, PREVIEW)
    assert agent.hears(dial(SECOND), at_s=23)[-1] == promised(SECOND)


def test_the_cap_is_of_one_run() -> None:
    """What was skipped in one run does not count in another. Requirement 51."""
    agent = Agent(offer(), card(skips_left=1), skip())
    agent.hears(offer(OTHER_RUN), at_s=20)
    assert shown(agent.hears(card(OTHER_RUN, skips_left=1), at_s=21)).may_skip


def test_without_a_cap_every_contact_may_be_skipped() -> None:
    """No limit is told as None."""
    agent = Agent()
    for number in range(20):
        attempt = attempt_id(1, number, 1)
        assert skipped(attempt) in agent.hears(offer(attempt), card(attempt), skip(attempt), at_s=10)


@pytest.mark.parametrize("late", [dial(), skip()])
def test_decisions_come_once(late: Any) -> None:
    """A second decision, or one about an offer that is over, changes nothing. Requirement 46."""
    agent = Agent(offer(), card(), dial())
    assert agent.hears(late, at_s=12) == []
    agent.hears(c.ReleaseAgent("a1", FIRST), offer(SECOND), card(SECOND), at_s=13)
    assert agent.hears(late, at_s=14) == []
    assert (agent.state, agent.machine.attempt_id) == (PREVIEW, SECOND)


# -- what else can come meanwhile --------------------------------------------------------------------------------------


def test_one_contact_at_a_time() -> None:
    """Whoever looks at a contact is offered no other, and asked for no call. Requirement 46."""
    agent = Agent(offer(), card())
    away = Envelope(SCHEDULER, e.AgentUnavailable("a1", EPOCH, PREVIEW, FIRST))
    refusal = Envelope(SCHEDULER, e.ReservationRefused("a1", EPOCH, SECOND))
    assert agent.hears(offer(SECOND), at_s=11) == [refusal, away]
    assert agent.hears(offer(FIRST), at_s=11) == []  # the decision answers
    assert agent.due_s == 40


def test_an_offer_that_is_withdrawn_keeps_the_turn() -> None:
    """The contact may not be called after all: idle since before. Requirement 44."""
    agent = Agent(offer(), card())
    assert agent.hears(c.ReleaseAgent("a1", FIRST), at_s=12)[-1] == idle(1)


def test_a_contact_that_is_dialled_and_withdrawn() -> None:
    """The ledger may refuse after the decision: the agent is free at once, with its turn."""
    agent = Agent(offer(), card(), dial())
    assert agent.hears(c.ReleaseAgent("a1", FIRST), at_s=12)[-1] == idle(1)


@pytest.mark.parametrize(("wish", "lands"), [(c.TakeBreak("a1", "lunch"), BREAK), (c.LogOut("a1"), OFFLINE)])
def test_wishes_wait_for_the_decision(wish: Any, lands: AgentState) -> None:
    """A break or a log-out during the look is taken up after the skip, and after a call that came to nothing."""
    agent = Agent(offer(), card(), wish)
    assert agent.state is PREVIEW
    agent.hears(skip(), at_s=12)
    assert agent.state is lands
    agent = Agent(offer(), card(), wish, dial())
    assert agent.state is RESERVED
    agent.hears(c.ReleaseAgent("a1", FIRST), at_s=12)
    assert agent.state is lands


@pytest.mark.parametrize("attempt", [FIRST, SECOND])
def test_a_call_of_the_switch_ends_the_look(attempt: int) -> None:
    """An agent who is in a call refuses what was offered, so that the scheduler need not wait for a decision."""
    agent = Agent(offer(), card())
    out = agent.hears(e.CallJoined(attempt, "c1", "t1", "a1", 0), at_s=12)
    assert out[0] == Envelope(SCHEDULER, e.ReservationRefused("a1", EPOCH, FIRST))
    assert out[-1] == Envelope(SCHEDULER, e.AgentUnavailable("a1", EPOCH, TALKING, attempt))
    assert shown(out).fields == (FIELDS if attempt == FIRST else ())


def test_a_reborn_campaign_is_asked_again() -> None:
    """The question for the card may have died with it; what is known already is not asked for."""
    agent = Agent(offer())
    reborn = e.PeerRestarted(CAMPAIGN)
    assert agent.hears(reborn, at_s=11) == [Envelope(CAMPAIGN, c.RequestCard(FIRST, "a1"))]
    agent.hears(card(), at_s=12)
    assert agent.hears(reborn, at_s=13) == []


def test_a_reborn_agent_has_forgotten_the_offer() -> None:
    """The scheduler hears of the new incarnation, and decisions about the old offer are vain."""
    machine = AgentMachine(AgentSpec("a1", "p1", ("sales",), ("t1",)), epoch=4, reborn=True)
    told = [message for to, message in machine.start(0) if to == SCHEDULER]
    assert told == [e.AgentUnavailable("a1", 4, AgentState.RECOVERING, 0)]
    assert machine.handle([dial(), skip(), card()], SECOND_US) == []


# -- counting ----------------------------------------------------------------------------------------------------------


def test_skips_are_taken_off_until_the_campaign_knows() -> None:
    """A number told before the campaign heard of a skip does not give it back; a raised limit does. Requirement 51."""
    skips = Skips()
    skips.tell(1, 2)
    skips.spend(1)
    skips.tell(1, 2)  # asked for before the campaign had counted
    assert skips.allowed(1)
    skips.spend(1)
    skips.tell(1, 1)  # it has counted one
    assert not skips.allowed(1)
    skips.tell(1, 0)
    assert not skips.allowed(1)
    skips.tell(1, 3)  # an edit
    assert skips.allowed(1)
    skips.tell(1, None)
    assert all(skips.allowed(run) for run in (1, 2))
