r"""One call of a trunk, from the order to dial to its end: phases, and the one outcome it comes to.

    QUEUED --throttle--> RINGING --person--> ANSWERED --JoinAgent--> BRIDGING --LineJoined--> JOINED
                            |  |--person, agent promised----------------^                     ^
                            |  \--person, flow-----------------------------------------------/
                            \--machine, fax--> CLEARING <--HangUp-- (any phase that is placed)

A flow that waits for an agent takes its call from JOINED back to ANSWERED; the agent is joined as any other.
A placed call ends with ``LineEnded`` in every phase. What is absent from the table is vain: the message crossed with
the one that made it so, and changes nothing.
"""

from __future__ import annotations

from enum import IntEnum

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.kinds import UNDIALLED, Outcome


class Phase(IntEnum):
    """Where a call stands."""

    QUEUED = 1  #: waits for the calls-per-second limit; not dialled
    RINGING = 2  #: placed, nobody has picked up
    ANSWERED = 3  #: a person waits to be joined
    BRIDGING = 4  #: the switch was told to join
    JOINED = 5  #: with an agent, or with the flow
    CLEARING = 6  #: the switch was told to hang up
    OVER = 7


#: (phase, message) -> phases it may lead to.
TRANSITIONS: dict[tuple[Phase, type], tuple[Phase, ...]] = {
    (Phase.QUEUED, c.HangUp): (Phase.OVER,),
    # person, person for whom an agent is promised, flow, machine
    (Phase.RINGING, e.LineAnswered): (Phase.ANSWERED, Phase.BRIDGING, Phase.JOINED, Phase.CLEARING),
    (Phase.RINGING, e.LineEnded): (Phase.OVER,),
    (Phase.RINGING, c.HangUp): (Phase.CLEARING,),
    (Phase.ANSWERED, c.JoinAgent): (Phase.BRIDGING, Phase.ANSWERED),  # refused if the agent is elsewhere
    (Phase.ANSWERED, e.LineJoined): (Phase.JOINED, Phase.CLEARING),  # later than we waited for it
    (Phase.ANSWERED, e.LineEnded): (Phase.OVER,),
    (Phase.ANSWERED, c.HangUp): (Phase.CLEARING,),
    (Phase.BRIDGING, e.LineJoined): (Phase.JOINED, Phase.CLEARING),  # with an agent who is elsewhere by now
    (Phase.BRIDGING, e.LineEnded): (Phase.OVER,),
    (Phase.BRIDGING, c.HangUp): (Phase.CLEARING,),
    (Phase.JOINED, c.SetCall): (Phase.JOINED,),  # by the agent who is in it
    (Phase.JOINED, e.LineChanged): (Phase.JOINED,),
    (Phase.JOINED, e.LineEnded): (Phase.OVER,),
    (Phase.JOINED, c.HangUp): (Phase.CLEARING,),
    (Phase.CLEARING, e.LineAnswered): (Phase.CLEARING,),  # picked up before the switch had cleared
    (Phase.CLEARING, e.LineEnded): (Phase.OVER,),
}

#: What the switch may say of an answered call of an earlier incarnation: whether it had a flow is not known here.
_ADOPTED_OUTCOMES = frozenset({Outcome.CONNECTED, Outcome.MACHINE, Outcome.FAX})


class Call:
    """One call, live or queued."""

    __slots__ = (
        "adopted",
        "agent",
        "answered",
        "answered_us",
        "attempt_id",
        "campaign",
        "flow",
        "for_machines",
        "join_due_us",
        "joined",
        "joined_us",
        "message",
        "outcome",
        "phase",
        "pool",
        "promised",
        "reported",
        "sent_us",
    )

    def __init__(self, attempt_id: int, pool: str, campaign: str, *, flow: bool = False, adopted: bool = False) -> None:
        self.attempt_id = attempt_id
        self.pool = pool  # "" while not known, which only an adopted call is
        self.campaign = campaign  # the same
        self.flow = flow  # a person hears something at once
        self.for_machines = False  # and so does a machine
        self.adopted = adopted  # dialled by an earlier incarnation
        self.promised: tuple[str, int] | None = None  # agent and incarnation to join a person with
        self.phase = Phase.QUEUED
        self.outcome: Outcome | None = None  # decided on our side
        self.agent = ""  # bridging or joined
        self.answered = False
        self.joined = False
        self.reported = False  # the agent was told of the call before the join was made
        self.message: str | None = None
        self.sent_us = 0
        self.answered_us = 0
        self.joined_us = 0
        self.join_due_us = 0

    def ordered(self, outcome: Outcome) -> Outcome | None:
        """What a call counts as that is hung up on our side.

        Args:
            outcome: What the order says. It cannot make a call un-dialled that was placed, nor a person present
                or absent.

        Returns:
            The outcome that is settled; None leaves it to the line.
        """
        if self.joined:
            return None
        if self.outcome is not None:
            return self.outcome  # a machine that was spoken to
        if outcome in UNDIALLED or outcome is Outcome.CONNECTED:
            return Outcome.ABANDONED if self.answered else None
        if not self.answered and outcome in (Outcome.ABANDONED, Outcome.HUNG_UP):
            return None
        return outcome

    def final_if_lost(self) -> Outcome:
        """The one outcome of a call that is gone, nobody knows how."""
        if self.joined:
            return Outcome.CONNECTED
        return Outcome.UNKNOWN if self.outcome is None else self.outcome

    def final(self, line: Outcome) -> Outcome:
        """The one outcome of a call that is over.

        Args:
            line: What the line says. It speaks only for calls that nobody answered, as far as is known here.
        """
        if self.joined:
            return Outcome.CONNECTED
        if self.outcome is not None:
            return self.outcome
        if not self.answered or (self.adopted and line in _ADOPTED_OUTCOMES):
            return line
        return Outcome.HUNG_UP
