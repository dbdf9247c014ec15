"""What an agent's state is called on screens: the status that other people see."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from dialer.domain.kinds import AgentState


class Status(StrEnum):
    """An agent as colleagues and supervisors see it."""

    AVAILABLE = "available"
    BUSY = "busy"  #: looks at a contact, talks, or writes down what came of it
    SYSTEM_BUSY = "system_busy"  #: the dialer holds the agent: a call is being dialled
    AWAY = "away"
    OFFLINE = "offline"


class Shown(NamedTuple):
    """A status, and why where the agent said so."""

    status: Status
    reason: str = ""


_STATUSES = {
    AgentState.OFFLINE: Status.OFFLINE,
    AgentState.RECOVERING: Status.OFFLINE,  # nobody can tell yet
    AgentState.IDLE: Status.AVAILABLE,
    AgentState.PREVIEW: Status.BUSY,
    AgentState.RESERVED: Status.SYSTEM_BUSY,
    AgentState.TALKING: Status.BUSY,
    AgentState.WRAP_UP: Status.BUSY,
    AgentState.BREAK: Status.AWAY,
}


def shown_status(state: AgentState, reason: str = "", *, system_busy: bool = True) -> Shown:
    """The status of an agent.

    Args:
        state: What the agent is doing.
        reason: Of the break, as the agent gave it.
        system_busy: Whether agents who wait for a call that is being dialled have a status of their own; otherwise
            they are busy.

    Returns:
        The status, with the reason of a break.
    """
    status = _STATUSES[state]
    if status is Status.SYSTEM_BUSY and not system_busy:
        status = Status.BUSY
    return Shown(status, reason if status is Status.AWAY else "")
