"""Progressive: one call for each idle agent, who is promised to it before it is dialled."""

from __future__ import annotations

from dialer.domain.modes.base import DIALLING, NO_LINE, Launch, Policy, View


class Progressive(Policy):
    """A call for the longest-idle agent."""

    def launch(self, view: View) -> Launch:
        """One call."""
        if not view.credits:
            return Launch(0, NO_LINE)
        agent = view.agent()
        return view.no_agent() if agent is None else Launch(1, DIALLING, agent)

    def need(self, view: View, agents: int) -> int:  # noqa: ARG002
        """One for each agent."""
        return agents
