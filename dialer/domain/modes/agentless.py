"""Agentless: a flow takes the calls, and the operator says how many may be in progress."""

from __future__ import annotations

from typing import ClassVar

from dialer.domain.modes.base import DIALLING, NO_LINE, Launch, Policy, View

_ONE = Launch(1, DIALLING)


class Agentless(Policy):
    """A call whenever one may be added."""

    flow: ClassVar[bool] = True

    def launch(self, view: View) -> Launch:
        """One call."""
        if not view.credits:
            return Launch(0, NO_LINE)
        if view.card.free_slots <= 0:
            return Launch(0, f"all {view.card.opened.concurrency} calls are in progress")
        return _ONE

    def need(self, view: View, agents: int) -> int:  # noqa: ARG002 - no agent has a part in it
        """As many as may be added."""
        return max(0, view.card.free_slots)
