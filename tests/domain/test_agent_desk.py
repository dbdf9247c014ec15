"""Facts about what an agent's desk shows and asks: card, break reasons, permission, mute and hold, dispositions."""

from __future__ import annotations

from typing import Any

import pytest

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.agent import CALL_CHECK_US, AgentMachine
from dialer.domain.kinds import AgentState, Outcome
from dialer.domain.ledger import STORE
from dialer.domain.message import Address, Envelope
from dialer.domain.specs import SECOND_US, AgentSpec
from dialer.domain.statuses import Status, shown_status

IDLE, BREAK, OFFLINE = AgentState.IDLE, AgentState.BREAK, AgentState.OFFLINE
RESERVED, TALKING, WRAP_UP = AgentState.RESERVED, AgentState.TALKING, AgentState.WRAP_UP
SCHEDULER, DESK = Address("scheduler", "p1"), Address("desk", "a1")
TRUNK, CAMPAIGN = Address("trunk", "t1"), Address("campaign", "c1")
SPEC = AgentSpec("a1", "p1", ("sales",), ("t1",))
FIELDS = (("firstName", "Ada"),)
ASKS_CARD = Envelope(CAMPAIGN, c.RequestCard(7, "a1"))

RESERVE = c.ReserveAgent("a1", 7, "c1", 60 * SECOND_US)
JOINED = e.CallJoined(7, "c1", "t1", "a1", 0)
ENDED = e.CallEnded(7, "a1", Outcome.CONNECTED, 0)
CARD = e.ContactCard(7, FIELDS, None)
VERDICT = c.SetDisposition("a1", 7, "callback_asked", "after six", 9_000 * SECOND_US, personal=True)
MUTE = c.SetCall("a1", 7, muted=True, held=False)
MUTED = e.CallChanged(7, "a1", muted=True, held=False)


class Agent:
    """An agent who has logged in in second 1 and then heard a batch in second 10, with every step checked."""

    def __init__(self, *batch: Any, spec: AgentSpec = SPEC) -> None:
        self.machine = AgentMachine(spec, epoch=3, reborn=False)
        self.machine.start(0)
        self.hears(c.LogIn("a1"), at_s=1)
        self.hears(*batch)

    def hears(self, *batch: Any, at_s: int = 10) -> list[Envelope]:
        """Handle a batch."""
        out = self.machine.handle(batch, at_s * SECOND_US)
        self.machine.check_invariants()
        return out


def on(to: Address, out: list[Envelope]) -> list[Any]:
    """What one peer hears."""
    return [message for address, message in out if address == to]


# -- the card ----------------------------------------------------------------------------------------------------------


def test_a_call_is_shown_at_once_and_its_contact_as_soon_as_known() -> None:
    """The desk learns of the start of a call with its campaign, without a press of the agent, then who it is.

    Requirements 37, 63, 76.
    """
    agent = Agent(RESERVE)
    assert agent.hears(JOINED) == [Envelope(DESK, e.DeskUpdated("a1", TALKING, 7, "c1")), ASKS_CARD]
    assert agent.hears(CARD) == [Envelope(DESK, e.DeskUpdated("a1", TALKING, 7, "c1", fields=FIELDS))]
    [update] = on(DESK, agent.hears(ENDED))
    assert (update.state, update.fields, update.until_us) == (WRAP_UP, FIELDS, 70 * SECOND_US)


def test_progressive_offers_neither_choice_nor_review() -> None:
    """While a call is dialled the desk shows no contact, asks for none, and has nothing to decide. Requirement 33."""
    agent = Agent()
    out = agent.hears(RESERVE)
    [update] = on(DESK, out)
    assert (update.state, update.fields, update.may_skip) == (RESERVED, (), False)
    assert on(CAMPAIGN, out) == []
    assert agent.hears(c.SkipContact("a1", 7), c.DialNow("a1", 7), e.PeerRestarted(CAMPAIGN)) == []
    assert agent.machine.state is RESERVED


def test_a_card_that_does_not_come_is_asked_for_again() -> None:
    """With each look after the call, and when its campaign is reborn, until it is known."""
    agent = Agent(RESERVE, JOINED)
    due_s = 10 + CALL_CHECK_US // SECOND_US
    assert ASKS_CARD in agent.hears(at_s=due_s)
    assert agent.hears(e.PeerRestarted(CAMPAIGN), at_s=due_s) == [ASKS_CARD]
    assert agent.hears(e.PeerRestarted(Address("campaign", "c2")), at_s=due_s) == []
    agent.hears(CARD, at_s=due_s)
    assert ASKS_CARD not in agent.hears(at_s=2 * due_s)


def test_a_card_of_another_contact_is_not_shown() -> None:
    """An answer that comes after its call was over is not mistaken for this one's."""
    agent = Agent(RESERVE, JOINED)
    assert agent.hears(e.ContactCard(6, FIELDS, None)) == []
    assert agent.machine.call.card is None


def test_the_campaign_of_an_adopted_call_is_learnt_later() -> None:
    """A reborn trunk may not know whose call it is; once it does, the desk shows it and the card is asked for."""
    agent = Agent(e.CallJoined(7, "", "t1", "a1", 0))
    assert agent.machine.campaign == ""
    out = agent.hears(e.AgentCallReported("t1", "a1", 3, 7, "c1", 0))
    assert out == [Envelope(DESK, e.DeskUpdated("a1", TALKING, 7, "c1")), ASKS_CARD]
    assert agent.hears(JOINED) == []


def test_the_campaign_of_a_promise_is_kept() -> None:
    """The agent knows whom it was promised for, though the trunk that has adopted the call does not."""
    agent = Agent(RESERVE)
    assert ASKS_CARD in agent.hears(e.CallJoined(7, "", "t1", "a1", 0))
    assert agent.machine.campaign == "c1"


# -- breaks and statuses -----------------------------------------------------------------------------------------------


def test_a_break_has_a_reason() -> None:
    """It is shown and recorded with the break, asked for before or during a call, and gone afterwards."""
    agent = Agent(RESERVE, c.TakeBreak("a1", "lunch"))
    assert [update.reason for update in on(DESK, agent.hears(c.TakeBreak("a1", "training")))] == [""]
    out = agent.hears(c.ReleaseAgent("a1", 7))
    assert on(DESK, out)[0].reason == "training"
    assert on(STORE, out) == [e.AgentSessionChanged("a1", BREAK, 10 * SECOND_US, "training")]
    out = agent.hears(c.EndBreak("a1"), at_s=20)
    assert on(DESK, out)[0].reason == ""
    assert on(STORE, out) == [e.AgentSessionChanged("a1", IDLE, 20 * SECOND_US)]


def test_the_reason_of_a_break_can_change() -> None:
    """Another reason during the break is another session; the same one again is none. A reborn desk changes nothing."""
    agent = Agent(c.TakeBreak("a1", "lunch"))
    assert on(STORE, agent.hears(c.TakeBreak("a1", "lunch"), c.LogIn("a1"), at_s=20)) == []
    told = on(STORE, agent.hears(c.TakeBreak("a1", "training"), at_s=20))
    assert told == [e.AgentSessionChanged("a1", BREAK, 20 * SECOND_US, "training")]


def test_statuses_along_a_call() -> None:
    """Held by the dialer while a call is dialled, busy in it and after it, then available. Requirements 73, 74, 75."""
    agent = Agent()
    seen = []
    for message in (RESERVE, JOINED, ENDED, VERDICT):
        seen += [shown_status(update.state, update.reason) for update in on(DESK, agent.hears(message))]
    assert [status for status, _ in seen] == [Status.SYSTEM_BUSY, Status.BUSY, Status.BUSY, Status.AVAILABLE]
    assert on(DESK, Agent().hears(RESERVE, c.ReleaseAgent("a1", 7)))[-1].state is IDLE


@pytest.mark.parametrize("request_", [c.TakeBreak("a1"), c.LogOut("a1"), c.EndBreak("a1"), c.LogIn("a1")])
def test_reserved_is_not_left_by_asking(request_: Any) -> None:
    """While a call is dialled there is no break, no exit, and no other call. Requirement 72."""
    agent = Agent(RESERVE)
    assert [update.state for update in on(DESK, agent.hears(request_))] == [RESERVED]
    out = agent.hears(c.ReserveAgent("a1", 8, "c1", 90 * SECOND_US))
    assert on(SCHEDULER, out)[0] == e.ReservationRefused("a1", 3, 8)
    assert (agent.machine.state, agent.machine.attempt_id) == (RESERVED, 7)


# -- permission --------------------------------------------------------------------------------------------------------


def test_an_agent_for_inbound_calls_is_offered_no_call() -> None:
    """It comes, has breaks and goes like others, but the scheduler never hears that it is free. Requirements 2, 3."""
    spec = AgentSpec("a1", "p1", ("sales",), ("t1",), outbound=False)
    machine = AgentMachine(spec, epoch=3, reborn=False)
    machine.start(0)
    out = machine.handle([c.LogIn("a1")], SECOND_US)
    assert shown_status(on(DESK, out)[0].state).status is Status.AVAILABLE
    off = e.AgentUnavailable("a1", 3, OFFLINE, 0)
    assert on(SCHEDULER, out) == [off]
    for ask in (RESERVE, c.ReserveAgent("a1", 7, "c1", 60 * SECOND_US, preview_us=SECOND_US)):
        assert on(SCHEDULER, machine.handle([ask], SECOND_US)) == [e.ReservationRefused("a1", 3, 7), off]
    assert on(SCHEDULER, machine.handle([c.Announce("p1")], SECOND_US)) == [off]
    machine.handle([c.TakeBreak("a1")], SECOND_US)
    assert machine.state is BREAK
    machine.check_invariants()


# -- mute and hold -----------------------------------------------------------------------------------------------------


def test_mute_and_hold_are_shown_when_they_are_so() -> None:
    """The wish goes to the trunk of the call; what the switch made of it comes back. Requirements 38, 56."""
    agent = Agent(RESERVE, JOINED)
    assert agent.hears(MUTE) == [Envelope(TRUNK, MUTE)]
    assert agent.machine.call.muted is False
    [update] = on(DESK, agent.hears(MUTED))
    assert (update.state, update.attempt_id, update.muted, update.held) == (TALKING, 7, True, False)
    [update] = on(DESK, agent.hears(e.CallChanged(7, "a1", muted=True, held=True)))
    assert (update.muted, update.held) == (True, True)
    [update] = on(DESK, agent.hears(ENDED))
    assert (update.state, update.muted, update.held) == (WRAP_UP, False, False)


@pytest.mark.parametrize("late", [MUTE, MUTED])
@pytest.mark.parametrize("before", [(), (RESERVE,), (RESERVE, JOINED, ENDED), (RESERVE, JOINED, ENDED, VERDICT)])
def test_mute_outside_the_call_is_vain(late: Any, before: tuple[Any, ...]) -> None:
    """Before the join and after the end of the call nothing is asked and nothing shown."""
    assert Agent(*before).hears(late) == []


def test_a_reborn_trunk_does_not_know_of_mute_and_hold() -> None:
    """Both are shown as off, and can be asked for again."""
    agent = Agent(RESERVE, JOINED, MUTED)
    out = agent.hears(e.PeerRestarted(TRUNK))
    assert out[0] == Envelope(TRUNK, c.ReportAgentCall("a1", 3))
    assert [update.muted for update in on(DESK, out)] == [False]
    assert agent.hears(MUTE) == [Envelope(TRUNK, MUTE)]
    assert on(DESK, agent.hears(e.PeerRestarted(TRUNK))) == []


# -- dispositions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("early", [False, True])
def test_a_disposition_goes_to_store_and_campaign(early: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """All of it, once, whether it was given after the call or in it. Requirements 39, 57."""
    agent = Agent(RESERVE, JOINED)
    out = agent.hears(*((VERDICT, ENDED) if early else (ENDED, VERDICT)), VERDICT)
    verdict = e.DispositionSet(
        7, "a1", "callback_asked", "after six", 10 * SECOND_US, callback_us=9_000 * SECOND_US, personal=True
    )
    assert [item for item in out if type(item.message) is e.DispositionSet] == [
        Envelope(STORE, verdict),
        Envelope(CAMPAIGN, verdict),
    ]


def test_the_limit_closes_with_an_empty_code() -> None:
    """Store and campaign hear once that nobody said anything; what comes later is vain. Requirements 39, 57."""
    agent = Agent(RESERVE, JOINED, ENDED)
    out = agent.hears(at_s=70)
    verdict = e.DispositionSet(7, "a1", "", "", 70 * SECOND_US)
    assert out[:2] == [Envelope(STORE, verdict), Envelope(CAMPAIGN, verdict)]
    assert agent.hears(VERDICT, at_s=71) == []


def test_a_call_whose_campaign_is_not_known_is_recorded() -> None:
    """There is nobody else to tell."""
    agent = Agent(e.CallJoined(7, "", "t1", "a1", 0), ENDED)
    assert [to for to, message in agent.hears(VERDICT) if type(message) is e.DispositionSet] == [STORE]
