"""How many more contacts of each run an agent may skip.

The campaign counts. It tells the number with each card, but a skip reaches it over the scheduler, and the next card may
be asked for before: what the agent has skipped since is therefore taken off here. A number that rises was raised by an
edit, and counts as it is told.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Skips:
    """What one agent knows of its skips, by run. A run without a limit, or not heard of, takes no space."""

    _told: dict[int, int] = field(default_factory=dict)
    _left: dict[int, int] = field(default_factory=dict)

    def tell(self, run_no: int, skips_left: int | None) -> None:
        """Take in what the campaign says, with a card.

        Args:
            run_no: The run.
            skips_left: How many more; None for no limit.
        """
        if skips_left is None:
            self._told.pop(run_no, None)
            self._left.pop(run_no, None)
            return
        raised = skips_left > self._told.get(run_no, skips_left)
        known = skips_left if raised else min(skips_left, self._left.get(run_no, skips_left))
        self._told[run_no], self._left[run_no] = skips_left, known

    def allowed(self, run_no: int) -> bool:
        """Whether one more contact of the run may be skipped, as far as is known."""
        return self._left.get(run_no, 1) > 0

    def spend(self, run_no: int) -> None:
        """One contact of the run is skipped."""
        if run_no in self._left:
            self._left[run_no] -= 1
