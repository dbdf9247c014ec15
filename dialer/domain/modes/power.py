"""Power: several calls for each idle agent, who is promised to whoever answers first.

Whoever answers a call while the agent talks already finds another idle agent, or is abandoned. So the calls beyond the
first are only made as far as the abandonment limit leaves room for what they are expected to do.
"""

from __future__ import annotations

import math

from dialer.domain.modes.base import DIALLING, NO_LINE, Launch, Policy, View
from dialer.domain.specs import PacingSpec

#: Ratios are decimals, and their sums are not exact.
_ROUNDING = 1e-9
#: Added to the reason while groups are kept to one call.
CAPPED = ", and the abandonment limit leaves no room for more than one call each"


class Power(Policy):
    """A group of calls for the longest-idle agent.

    Args:
        spec: Ratio, limits.
    """

    def __init__(self, spec: PacingSpec) -> None:
        self._spec = spec
        self._groups = 0  # begun: a ratio of 2.5 gives 2, 3, 2, 3

    def launch(self, view: View) -> Launch:
        """A group, as large as ratio, leases, lines and the abandonment limit allow."""
        if not view.credits:
            return Launch(0, NO_LINE)
        agent = view.agent()
        room = self._room(view)
        if agent is None:
            nothing = view.no_agent()
            return nothing if room else nothing._replace(reason=nothing.reason + CAPPED)
        calls = min(self._calls_for(1), 1 + room, view.stock, view.credits)
        return Launch(calls, DIALLING, agent, self._spec.agent_idle_limit_us)

    def need(self, view: View, agents: int) -> int:
        """The next groups of so many agents, as far as the abandonment limit allows."""
        return min(self._calls_for(agents), agents + self._room(view)) if agents else 0

    def begun(self, launch: Launch) -> None:
        """The next group may be larger by one."""
        if launch.wait_us:
            self._groups += 1

    def _calls_for(self, agents: int) -> int:
        """Calls of the next groups."""
        ratio = self._spec.ratio
        before = math.floor(self._groups * ratio + _ROUNDING)
        return max(agents, math.floor((self._groups + agents) * ratio + _ROUNDING) - before)

    def _room(self, view: View) -> int:
        """Calls that may be made beyond one for each agent.

        The limit is a share of live answers. What it leaves, less the people who wait now, must cover the answers that
        are expected of calls for which no agent will be left: those that ring alone, and all but one of each group.
        """
        card = view.card
        left = self._spec.abandon_limit_ratio * card.live_answers - card.abandoned - view.pool.waiting_of(card.name)
        if left < 1.0:
            return 0
        under_way = len(card.alone) + view.pool.groups.spare_calls(card.name)
        return max(0, math.floor(left / card.answer_ratio) - under_way)
