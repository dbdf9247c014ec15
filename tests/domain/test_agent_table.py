"""The agent's table: every message in every state, and the check of its fields."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.agent import AgentMachine
from dialer.domain.agent_call import Call
from dialer.domain.agent_table import DEADLINE, PRESENCE, ROWS, SETTLED, TABLE, Act
from dialer.domain.kinds import AgentState, Outcome
from dialer.domain.ledger import STORE
from dialer.domain.message import Address
from dialer.domain.presence import Presence
from dialer.domain.specs import SECOND_US, AgentSpec
from dialer.errors import IllegalTransitionError, InvariantError

OFFLINE, RECOVERING, BREAK = AgentState.OFFLINE, AgentState.RECOVERING, AgentState.BREAK
IDLE, PREVIEW, RESERVED = AgentState.IDLE, AgentState.PREVIEW, AgentState.RESERVED
TALKING, WRAP_UP = AgentState.TALKING, AgentState.WRAP_UP


def reserve(attempt: int) -> c.ReserveAgent:
    return c.ReserveAgent("a1", attempt, f"c{attempt}", 40 * SECOND_US)


def offer(attempt: int) -> c.ReserveAgent:
    return c.ReserveAgent("a1", attempt, f"c{attempt}", 60 * SECOND_US, preview_us=40 * SECOND_US)


def card(attempt: int, skips_left: int | None = 1) -> e.ContactCard:
    return e.ContactCard(attempt, (("firstName", "Ada"),), skips_left)


def joined(attempt: int, trunk: str = "t1") -> e.CallJoined:
    return e.CallJoined(attempt, f"c{attempt}", trunk, "a1", 0)


def ended(attempt: int) -> e.CallEnded:
    return e.CallEnded(attempt, "a1", Outcome.CONNECTED, 0)


def disposition(attempt: int) -> c.SetDisposition:
    return c.SetDisposition("a1", attempt, "sale", "notes")


def reported(attempt: int) -> e.AgentCallReported:
    return e.AgentCallReported("t1", "a1", 3, attempt, f"c{attempt}" if attempt else "", 0)


#: The shortest way into each state; a call is attempt 7 on t1.
WAYS: dict[AgentState, list[Any]] = {
    OFFLINE: [],
    RECOVERING: [],
    IDLE: [c.LogIn("a1")],
    PREVIEW: [c.LogIn("a1"), offer(7), card(7)],
    RESERVED: [c.LogIn("a1"), reserve(7)],
    TALKING: [c.LogIn("a1"), reserve(7), joined(7)],
    WRAP_UP: [c.LogIn("a1"), reserve(7), joined(7), ended(7)],
    BREAK: [c.LogIn("a1"), c.TakeBreak("a1")],
}


def machine_in(state: AgentState) -> AgentMachine:
    """A machine that has taken the way into a state, at time 0."""
    spec = AgentSpec("a1", "p1", ("sales",), ("t1", "t2"))
    machine = AgentMachine(spec, epoch=3, reborn=state is RECOVERING)
    machine.start(0)
    machine.handle(WAYS[state], 0)
    assert machine.state is state
    return machine


#: What every (state, message) leads to, written down once more by hand. A dot: the state stays. X: refused.
#: "own" is about attempt 7, which the agent holds where it holds one; "other" is about attempt 8.
GRID = """
                  OFFLINE  RECOVERING  IDLE      PREVIEW   RESERVED  TALKING  WRAP_UP  BREAK
LogIn             IDLE     .           .         .         .         .        .        .
LogOut            .        .           OFFLINE   .         .         .        .        OFFLINE
TakeBreak         .        .           BREAK     .         .         .        .        .
EndBreak          .        .           .         .         .         .        .        IDLE
ReserveOwn        .        .           RESERVED  .         .         .        .        .
ReserveOther      .        .           RESERVED  .         .         .        .        .
OfferOwn          .        .           PREVIEW   .         .         .        .        .
OfferOther        .        .           PREVIEW   .         .         .        .        .
DialOwn           .        .           .         RESERVED  .         .        .        .
DialOther         .        .           .         .         .         .        .        .
SkipOwn           .        .           .         IDLE      .         .        .        .
SkipOther         .        .           .         .         .         .        .        .
CardOwn           .        .           .         .         .         .        .        .
CardOther         .        .           .         .         .         .        .        .
ReleaseOwn        .        .           .         IDLE      IDLE      .        .        .
ReleaseOther      .        .           .         .         .         .        .        .
JoinedOwn         TALKING  TALKING     TALKING   TALKING   TALKING   .        TALKING  TALKING
JoinedOther       TALKING  TALKING     TALKING   TALKING   TALKING   X        TALKING  TALKING
EndedOwn          .        .           .         .         IDLE      WRAP_UP  .        .
EndedOther        .        .           .         .         .         .        .        .
DispositionOwn    .        .           .         .         .         .        IDLE     .
DispositionOther  .        .           .         .         .         .        .        .
EndCallOwn        .        .           .         .         .         .        .        .
EndCallOther      .        .           .         .         .         .        .        .
SetCallOwn        .        .           .         .         .         .        .        .
SetCallOther      .        .           .         .         .         .        .        .
ChangedOwn        .        .           .         .         .         .        .        .
ChangedOther      .        .           .         .         .         .        .        .
Announce          .        .           .         .         .         .        .        .
ReportedNone      .        .           .         .         .         WRAP_UP  .        .
ReportedOwn       .        TALKING     .         .         .         .        .        .
ReportedOther     .        TALKING     .         .         .         TALKING  .        .
SchedulerReborn   .        .           .         .         .         .        .        .
TrunkReborn       .        .           .         .         .         .        .        .
CampaignReborn    .        .           .         .         .         .        .        .
DeskReborn        .        .           .         .         .         .        .        .
StoreReborn       .        .           .         .         .         .        .        .
Deadline          X        .           X         RESERVED  IDLE      .        IDLE     X
PauseCampaign     X        X           X         X         X         X        X        X
"""

MESSAGES: dict[str, Any] = {
    "LogIn": c.LogIn("a1"),
    "LogOut": c.LogOut("a1"),
    "TakeBreak": c.TakeBreak("a1"),
    "EndBreak": c.EndBreak("a1"),
    "ReserveOwn": reserve(7),
    "ReserveOther": reserve(8),
    "OfferOwn": offer(7),
    "OfferOther": offer(8),
    "DialOwn": c.DialNow("a1", 7),
    "DialOther": c.DialNow("a1", 8),
    "SkipOwn": c.SkipContact("a1", 7),
    "SkipOther": c.SkipContact("a1", 8),
    "CardOwn": card(7),
    "CardOther": card(8),
    "ReleaseOwn": c.ReleaseAgent("a1", 7),
    "ReleaseOther": c.ReleaseAgent("a1", 8),
    "JoinedOwn": joined(7),
    "JoinedOther": joined(8, "t2"),
    "EndedOwn": ended(7),
    "EndedOther": ended(8),
    "DispositionOwn": disposition(7),
    "DispositionOther": disposition(8),
    "EndCallOwn": c.EndCall("a1", 7),
    "EndCallOther": c.EndCall("a1", 8),
    "SetCallOwn": c.SetCall("a1", 7, muted=True, held=False),
    "SetCallOther": c.SetCall("a1", 8, muted=True, held=False),
    "ChangedOwn": e.CallChanged(7, "a1", muted=True, held=False),
    "ChangedOther": e.CallChanged(8, "a1", muted=True, held=False),
    "Announce": c.Announce("p1"),
    "ReportedNone": reported(0),
    "ReportedOwn": reported(7),
    "ReportedOther": reported(8),
    "SchedulerReborn": e.PeerRestarted(Address("scheduler", "p1")),
    "TrunkReborn": e.PeerRestarted(Address("trunk", "t1")),
    "CampaignReborn": e.PeerRestarted(Address("campaign", "c7")),
    "DeskReborn": e.PeerRestarted(Address("desk", "a1")),
    "StoreReborn": e.PeerRestarted(STORE),
    "Deadline": None,
    "PauseCampaign": c.PauseCampaign(),
}


def cases() -> list[tuple[AgentState, str, str]]:
    """(state, message, expected) of the grid."""
    head, *lines = (line.split() for line in GRID.strip().splitlines())
    return [(AgentState[state], name, cell) for name, *row in lines for state, cell in zip(head, row, strict=True)]


def fields(machine: AgentMachine) -> dict[str, Any]:
    """Everything the machine remembers."""
    return copy.deepcopy(vars(machine))


@pytest.mark.parametrize(("state", "name", "expected"), cases())
def test_every_message_in_every_state(state: AgentState, name: str, expected: str) -> None:
    """Each pair leads where the grid says and the table allows, or raises and changes nothing.

    Requirements 48, 49, 52, 72.
    """
    machine = machine_in(state)
    message, before = MESSAGES[name], fields(machine)
    if expected == "X":
        with pytest.raises(IllegalTransitionError) as caught:
            machine._apply(message, 35 * SECOND_US, [])
        assert fields(machine) == before
        assert (caught.value.entity, caught.value.state, caught.value.story) == (
            "agent/a1",
            state.name,
            machine.story.told(),
        )
        return
    machine._apply(message, 35 * SECOND_US, [])
    machine.check_invariants()
    assert machine.state is (state if expected == "." else AgentState[expected])
    assert expected == "." or machine.state in TABLE[state, type(message)].to


def test_the_grid_covers_every_message() -> None:
    """Every message type of the table stands in the grid, and the grid has every state."""
    assert {type(message) for message in MESSAGES.values()} - {c.PauseCampaign} == {row.message for row in ROWS}
    assert len(cases()) == len(MESSAGES) * len(AgentState)


def test_the_table_has_one_row_per_pair() -> None:
    """No two rows speak of the same pair; only a deadline is absent where none is set; wishes are complete."""
    assert sum(len(row.states) for row in ROWS) == len(TABLE)
    types = {row.message for row in ROWS}
    absent = {(state, kind) for state in AgentState for kind in types} - set(TABLE)
    assert absent == {(state, DEADLINE) for state in SETTLED}
    assert set(PRESENCE) == {(wish, kind) for wish in SETTLED for kind in (c.LogIn, c.LogOut, c.TakeBreak, c.EndBreak)}
    assert set(PRESENCE.values()) == set(SETTLED)


def test_only_acts_that_move_have_targets() -> None:
    """What is ignored or refused leads nowhere, and every act is used."""
    still = {None, Act.IGNORE, Act.WISH, Act.CONFIRM, Act.REFUSE, Act.KEEP_CODE, Act.HANG_UP, Act.TELL_SCHEDULER}
    still |= {Act.ASK_TRUNKS, Act.MEET_PEER, Act.SET_CALL, Act.SHOW_CALL, Act.SHOW_CARD, Act.LEARN}
    assert all(({row.own, row.other} <= still) is (not row.to) for row in ROWS)
    assert {row.own for row in ROWS} | {row.other for row in ROWS} - {None} == set(Act)


def test_a_refused_message_tells_the_story() -> None:
    """The error of a contradiction names the pair and how it came to it."""
    with pytest.raises(IllegalTransitionError, match="CallJoined is not allowed in TALKING") as caught:
        machine_in(TALKING).handle([joined(8)], 35 * SECOND_US)
    assert caught.value.story[-1] == "0 RESERVED --CallJoined--> TALKING"


@pytest.mark.parametrize(
    ("state", "field", "value"),
    [
        (IDLE, "state", TALKING),
        (TALKING, "state", IDLE),
        (TALKING, "call", Call(7, "c7")),
        (TALKING, "call", Call(7, "c7", "t1", card(8))),
        (PREVIEW, "call", Call(7, "c7")),
        (RESERVED, "call", Call(7, "c7", muted=True)),
        (WRAP_UP, "call", Call(7, "c7", "t1", held=True)),
        (PREVIEW, "_deadline_us", None),
        (PREVIEW, "spec", AgentSpec("a1", "p1", ("sales",), ("t1", "t2"), outbound=False)),
        (IDLE, "presence", Presence("a1", IDLE, "lunch")),
        (RESERVED, "_deadline_us", None),
        (IDLE, "_deadline_us", 1),
        (IDLE, "presence", Presence("a1", BREAK)),
        (TALKING, "presence", Presence("a1", RESERVED)),
        (WRAP_UP, "call", Call(7, "c7", "t1", early=disposition(7))),
        (TALKING, "call", Call(7, "c7", "t1", early=disposition(8))),
        (IDLE, "_unheard", {"t1"}),
    ],
)
def test_contradictions_are_found(state: AgentState, field: str, value: Any) -> None:
    """Each broken field is found by the check."""
    machine = machine_in(state)
    machine.check_invariants()
    setattr(machine, field, value)
    with pytest.raises(InvariantError):
        machine.check_invariants()
