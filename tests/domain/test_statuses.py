"""Facts about the statuses that other people see."""

from __future__ import annotations

import pytest

from dialer.domain.kinds import AgentState
from dialer.domain.statuses import Status, shown_status

EXPECTED = {
    AgentState.OFFLINE: Status.OFFLINE,
    AgentState.RECOVERING: Status.OFFLINE,
    AgentState.IDLE: Status.AVAILABLE,
    AgentState.PREVIEW: Status.BUSY,
    AgentState.RESERVED: Status.SYSTEM_BUSY,
    AgentState.TALKING: Status.BUSY,
    AgentState.WRAP_UP: Status.BUSY,
    AgentState.BREAK: Status.AWAY,
}


@pytest.mark.parametrize("state", list(AgentState))
def test_every_state_has_a_status(state: AgentState) -> None:
    """What an agent does is shown as one of five statuses. Requirement 74."""
    assert shown_status(state) == (EXPECTED[state], "")


def test_without_system_busy() -> None:
    """Where System Busy is not configured, an agent for whom a call is being dialled is busy. Requirement 74."""
    assert shown_status(AgentState.RESERVED, system_busy=False).status is Status.BUSY
    assert shown_status(AgentState.IDLE, system_busy=False).status is Status.AVAILABLE


def test_only_a_break_has_a_reason() -> None:
    """The reason is that of the break, and of nothing else."""
    assert shown_status(AgentState.BREAK, "lunch") == (Status.AWAY, "lunch")
    assert shown_status(AgentState.TALKING, "lunch") == (Status.BUSY, "")
