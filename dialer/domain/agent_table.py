r"""The agent's rules as data: (state, message) -> what to do and where that may lead. ``agent.py`` carries them out.

    OFFLINE --LogIn--> IDLE --ReserveAgent--> RESERVED --CallJoined--> TALKING --CallEnded--> WRAP_UP --> IDLE
                         \--with a preview--> PREVIEW --DialNow, time--> RESERVED; SkipContact --> IDLE

Many messages name an attempt. A row says what to do when that is the attempt the agent holds (``own``), and what when
it is another one or the agent holds none (``other``); None there is a contradiction. Messages arrive once and in order
from each peer, but peers cross each other, restart, and speak of attempts that are over here: most rows say so.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.kinds import AgentState

#: Message None: the deadline of the state has come.
DEADLINE: type = type(None)

OFFLINE, RECOVERING, BREAK = AgentState.OFFLINE, AgentState.RECOVERING, AgentState.BREAK
IDLE, PREVIEW, RESERVED = AgentState.IDLE, AgentState.PREVIEW, AgentState.RESERVED
TALKING, WRAP_UP = AgentState.TALKING, AgentState.WRAP_UP

SETTLED = (IDLE, BREAK, OFFLINE)  #: no call, no promise: the agent is where it wants to be
HOLDING = (PREVIEW, RESERVED, TALKING, WRAP_UP)  #: one attempt is the agent's
TIMED = (RECOVERING, *HOLDING)  #: cannot last for ever without a message: a deadline is set
LIMITED = (PREVIEW, WRAP_UP)  #: time alone ends it, which the desk must show
INFORMED = (PREVIEW, TALKING)  #: the desk needs the contact's card
ALL = tuple(AgentState)

#: (where the agent wants to be, request of the desk) -> where it wants to be now. Taken up when nothing holds it.
PRESENCE: dict[tuple[AgentState, type], AgentState] = {
    (OFFLINE, c.LogIn): IDLE,
    (OFFLINE, c.LogOut): OFFLINE,  # pressed twice
    (OFFLINE, c.TakeBreak): OFFLINE,  # leaving is more than a break
    (OFFLINE, c.EndBreak): OFFLINE,  # no shift without a log-in
    (IDLE, c.LogIn): IDLE,  # the desk connected again
    (IDLE, c.LogOut): OFFLINE,
    (IDLE, c.TakeBreak): BREAK,
    (IDLE, c.EndBreak): IDLE,  # pressed twice
    (BREAK, c.LogIn): BREAK,  # the desk connected again during the break
    (BREAK, c.LogOut): OFFLINE,
    (BREAK, c.TakeBreak): BREAK,  # asked again while a call is finished
    (BREAK, c.EndBreak): IDLE,
}


class Act(StrEnum):
    """What the machine can do on a message."""

    IGNORE = "ignore"
    GO = "go"  #: the desk's request takes effect at once
    WISH = "wish"  #: the desk's request is remembered, or changes nothing; the desk is shown the state
    PROMISE = "promise"  #: reserved, or first a look at the contact
    DIAL = "dial"  #: the look is over: reserved
    SKIP = "skip"  #: the look is over: the contact is not called, if one more may be skipped
    CONFIRM = "confirm"
    REFUSE = "refuse"
    FREE = "free"  #: the promise or the offer is over without a call
    TALK = "talk"
    END = "end"  #: the call is over: wrap-up, unless it is closed already or there is none
    CLOSE = "close"  #: the wrap-up is over
    KEEP_CODE = "keep_code"  #: disposition before the end of the call
    HANG_UP = "hang_up"
    SET_CALL = "set_call"  #: mute or hold: ask the trunk
    SHOW_CALL = "show_call"  #: muted, on hold, or neither
    SHOW_CARD = "show_card"
    LEARN = "learn"  #: the call goes on; a reborn trunk may know its campaign by now
    TELL_SCHEDULER = "tell_scheduler"
    ASK_TRUNKS = "ask_trunks"  #: is a call up with this agent?
    COLLECT = "collect"  #: one more trunk has answered a reborn agent
    COMPARE = "compare"  #: the trunk of the call does not know it any more
    MEET_PEER = "meet_peer"


class Row(NamedTuple):
    """One rule. ``to`` holds the states it may lead to; empty: the state stays."""

    message: type
    states: tuple[AgentState, ...]
    own: Act
    other: Act | None
    to: tuple[AgentState, ...] = ()


def _row(message: type, states: Iterable[AgentState], act: Act, to: Iterable[AgentState] = ()) -> Row:
    """A rule that does not depend on the attempt."""
    return Row(message, tuple(states), act, act, tuple(to))


def _but(*states: AgentState) -> tuple[AgentState, ...]:
    """All states but these."""
    return tuple(state for state in AgentState if state not in states)


ROWS: tuple[Row, ...] = (
    # -- from the desk: coming and going ---------------------------------------------------------------------------
    _row(c.LogIn, (OFFLINE,), Act.GO, (IDLE,)),
    _row(c.LogIn, _but(OFFLINE), Act.WISH),  # the desk connected again, or takes a log-out back
    _row(c.LogOut, (IDLE, BREAK), Act.GO, (OFFLINE,)),
    _row(c.LogOut, _but(IDLE, BREAK), Act.WISH),  # waits for the end of the wrap-up; offline: pressed twice
    _row(c.TakeBreak, (IDLE,), Act.GO, (BREAK,)),
    _row(c.TakeBreak, _but(IDLE), Act.WISH),  # waits too: the call is being dialled already; repeated by desks
    _row(c.EndBreak, (BREAK,), Act.GO, (IDLE,)),
    _row(c.EndBreak, _but(BREAK), Act.WISH),  # takes a break back that has not begun, or pressed twice
    # -- from the desk: the call -----------------------------------------------------------------------------------
    Row(c.SetDisposition, (TALKING,), Act.KEEP_CODE, Act.IGNORE),  # other: a call the limit has closed
    Row(c.SetDisposition, (WRAP_UP,), Act.CLOSE, Act.IGNORE, SETTLED),  # other: as above
    _row(c.SetDisposition, _but(TALKING, WRAP_UP), Act.IGNORE),  # sent twice, after the limit, or before a crash
    Row(c.EndCall, (TALKING,), Act.HANG_UP, Act.IGNORE),  # other: the call before this one
    _row(c.EndCall, _but(TALKING), Act.IGNORE),  # crossed with the end of the call; a reborn agent knows no trunk yet
    Row(c.SetCall, (TALKING,), Act.SET_CALL, Act.IGNORE),  # other: the call before this one
    _row(c.SetCall, _but(TALKING), Act.IGNORE),  # crossed with the end of the call; a reborn agent knows no trunk yet
    # -- from the desk: the contact that is shown ------------------------------------------------------------------
    Row(c.DialNow, (PREVIEW,), Act.DIAL, Act.IGNORE, (RESERVED,)),  # other: an offer that is over
    _row(c.DialNow, _but(PREVIEW), Act.IGNORE),  # crossed with the timer or a withdrawal, or from before a crash
    Row(c.SkipContact, (PREVIEW,), Act.SKIP, Act.IGNORE, SETTLED),  # other: an offer that is over
    _row(c.SkipContact, _but(PREVIEW), Act.IGNORE),  # crossed with the timer: dialled; or as above
    # -- from the scheduler ----------------------------------------------------------------------------------------
    _row(c.ReserveAgent, (IDLE,), Act.PROMISE, (PREVIEW, RESERVED)),
    Row(c.ReserveAgent, (RESERVED,), Act.CONFIRM, Act.REFUSE),  # asked twice; promised elsewhere
    Row(c.ReserveAgent, (PREVIEW,), Act.IGNORE, Act.REFUSE),  # own: asked twice, the decision answers; other: as above
    _row(c.ReserveAgent, _but(IDLE, RESERVED, PREVIEW), Act.REFUSE),  # the scheduler's copy is behind
    Row(c.ReleaseAgent, (PREVIEW,), Act.FREE, Act.IGNORE, SETTLED),  # own: withdrawn; other: decided before
    Row(c.ReleaseAgent, (RESERVED,), Act.FREE, Act.IGNORE, SETTLED),  # other: a promise that ran out before
    _row(c.ReleaseAgent, _but(PREVIEW, RESERVED), Act.IGNORE),  # ran out, crossed with the join, from before a crash
    _row(c.Announce, ALL, Act.TELL_SCHEDULER),
    # -- from the trunks: what they say of the line is so ----------------------------------------------------------
    Row(e.CallJoined, (TALKING,), Act.LEARN, None),  # own: told again by a reborn trunk; other: nobody has two calls
    _row(e.CallJoined, (RESERVED,), Act.TALK, (TALKING,)),  # other: joined as its promise ran out, promised again
    # since; or promised under the id of another one of several calls, of which this was answered first
    _row(e.CallJoined, (PREVIEW,), Act.TALK, (TALKING,)),  # joined as an earlier promise ran out; the offer is refused
    _row(e.CallJoined, (IDLE,), Act.TALK, (TALKING,)),  # joined as the promise ran out or was released
    _row(e.CallJoined, (RECOVERING,), Act.TALK, (TALKING,)),  # joined for the incarnation before
    _row(e.CallJoined, (WRAP_UP,), Act.TALK, (TALKING,)),  # own: a reborn trunk found the call up after all
    _row(e.CallJoined, (BREAK, OFFLINE), Act.TALK, (TALKING,)),  # the promise ran out and the agent left meanwhile
    Row(e.CallEnded, (RESERVED,), Act.FREE, Act.IGNORE, SETTLED),  # other: a call whose promise ran out
    Row(e.CallEnded, (TALKING,), Act.END, Act.IGNORE, (WRAP_UP, *SETTLED)),  # other: as above
    _row(e.CallEnded, (PREVIEW,), Act.IGNORE),  # a call before the offer: what is offered has not been dialled
    _row(e.CallEnded, (WRAP_UP,), Act.IGNORE),  # told again by a reborn trunk
    _row(e.CallEnded, (RECOVERING,), Act.IGNORE),  # a call of the incarnation before; the trunks are being asked
    _row(e.CallEnded, SETTLED, Act.IGNORE),  # never joined here, or told again by a reborn trunk
    _row(e.AgentCallReported, (RECOVERING,), Act.COLLECT, (TALKING, *SETTLED)),
    Row(e.AgentCallReported, (TALKING,), Act.LEARN, Act.COMPARE, (TALKING, WRAP_UP, *SETTLED)),
    _row(e.AgentCallReported, _but(RECOVERING, TALKING), Act.IGNORE),  # the call has ended since it was asked for
    Row(e.CallChanged, (TALKING,), Act.SHOW_CALL, Act.IGNORE),  # other: a call that is over here
    _row(e.CallChanged, _but(TALKING), Act.IGNORE),  # the same
    # -- from the campaign -----------------------------------------------------------------------------------------
    Row(e.ContactCard, HOLDING, Act.SHOW_CARD, Act.IGNORE),  # other: answered after that call or offer was over
    _row(e.ContactCard, _but(*HOLDING), Act.IGNORE),  # the same
    # -- from the courier, and time --------------------------------------------------------------------------------
    _row(e.PeerRestarted, ALL, Act.MEET_PEER),
    _row(DEADLINE, (RESERVED,), Act.FREE, SETTLED),  # the scheduler is gone, or the call came to nothing
    _row(DEADLINE, (PREVIEW,), Act.DIAL, (RESERVED,)),  # no decision is a yes
    _row(DEADLINE, (WRAP_UP,), Act.CLOSE, SETTLED),
    _row(DEADLINE, (RECOVERING, TALKING), Act.ASK_TRUNKS),
)

#: What is absent, or None for the attempt in question, is refused before anything changes.
TABLE: dict[tuple[AgentState, type], Row] = {(state, row.message): row for row in ROWS for state in row.states}
