"""Where an agent wants to be, and what the store was told of it last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dialer.domain.agent_table import HOLDING, PRESENCE
from dialer.domain.commands import TakeBreak
from dialer.domain.events import AgentSessionChanged
from dialer.domain.kinds import AgentState
from dialer.domain.ledger import STORE
from dialer.domain.message import Envelope


@dataclass(slots=True)
class Presence:
    """The wish of one agent, and its sessions."""

    agent: str  #: its id
    wish: AgentState = AgentState.OFFLINE  #: where it goes when nothing holds it: idle, break or offline
    reason: str = ""  #: of the break it is on, or wants
    recorded: tuple[AgentState, str] | None = None  #: the session that this incarnation told last; None: nothing yet
    recorded_us: int = -1

    def want(self, request: Any) -> None:
        """Take in LogIn, LogOut, TakeBreak or EndBreak."""
        self.wish = PRESENCE[self.wish, type(request)]
        if self.wish is not AgentState.BREAK:
            self.reason = ""
        elif type(request) is TakeBreak:
            self.reason = request.reason

    def record(self, state: AgentState, now_us: int, out: list[Envelope]) -> None:
        """Tell the store if the session changes with the state; a call is part of being there.

        Args:
            state: What the agent is doing.
            now_us: UTC microseconds.
            out: Where to put what is to be said.
        """
        session = AgentState.IDLE if state in HOLDING else state
        reason = self.reason if session is AgentState.BREAK else ""
        if self.recorded == (session, reason):
            return
        self.recorded = (session, reason)
        self.recorded_us = max(now_us, self.recorded_us + 1)  # the records of one agent are ordered by their time
        out.append(Envelope(STORE, AgentSessionChanged(self.agent, session, self.recorded_us, reason)))
