"""Preview: an agent sees the contact first, and dials or skips it; without a decision it is dialled."""

from __future__ import annotations

from typing import ClassVar

from dialer.domain.modes.base import DIALLING, Launch, Policy, View


class Preview(Policy):
    """A contact for the longest-idle agent, rather not for the one who has skipped it."""

    offers: ClassVar[bool] = True

    def launch(self, view: View) -> Launch:
        """One contact to look at; a line is wanted only when the agent has decided."""
        if view.trunk.asking:
            return Launch(0, "the trunk has not said yet what is up on it")
        agent = view.agent(avoid=view.card.stock[0].avoid)
        return view.no_agent() if agent is None else Launch(1, DIALLING, agent)

    def need(self, view: View, agents: int) -> int:  # noqa: ARG002
        """One for each agent."""
        return agents

    def target(self, view: View, need: int, launches_per_s: float) -> int:  # noqa: ARG002
        """For the idle agents, none ahead: whoever looks at a contact needs none, however few lines there are."""
        return need
