"""What the predictive controller sees, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sight:
    """One campaign and the agents of its queue at one moment. Nothing in it is negative."""

    now_us: int
    idle: int  #: agents who could take a call now; who is promised to a call is not idle
    busy_since_us: Sequence[int]  #: of each agent in a call or in wrap-up: when the call was joined
    #: Of each call of this campaign that still rings: when it was sent. A call counts from its order on, or it
    #: would be ordered again at the next look. Whether calls with a promised agent are among them does not matter.
    ringing_since_us: Sequence[int]
    waiting: int  #: people who answered and are not joined yet
    rival_answers: float  #: expected answers of other campaigns on the same agents
    live_answers: int  #: people who answered, within the 30 days of the abandonment limit
    abandoned: int  #: of those, how many were abandoned


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now."""

    launch: int  #: calls to place now, beyond those that ring
    reason: str  #: in words for the operator
    reserve: bool  #: True: one call for each agent, promised before; ``launch`` is then at most the idle agents
