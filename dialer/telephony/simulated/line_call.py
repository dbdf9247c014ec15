"""A call as the simulated carrier keeps it."""

from __future__ import annotations

from dialer.domain.commands import PlaceCall

# Phases. Plain integers: a lookup in an enumeration costs more than the step it stands for.
RINGING = 0
DETECTING = 1  # picked up, verdict pending: not reported yet
WAITING = 2  # reported as answered, hears nothing
JOINED = 3
LISTENING = 4  # hears the flow
OVER = 5

#: The fate of a call that a machine picks up.
MACHINE = 0


class LineCall:
    """One call that was taken."""

    __slots__ = (
        "agent",
        "amd",
        "attempt_id",
        "bridge",
        "change",
        "clear",
        "clear_us",
        "entity_key",
        "fate",
        "flow",
        "held",
        "late_us",
        "machine",
        "muted",
        "phase",
        "picked_us",
        "step",
        "wanted",
        "wanted_held",
        "wanted_muted",
    )

    def __init__(self, command: PlaceCall, entity_key: int, fate: int) -> None:
        self.attempt_id = command.attempt_id
        self.amd = command.amd
        self.flow = command.flow is not None
        self.entity_key = entity_key
        self.fate = fate
        self.machine = fate == MACHINE
        self.phase = RINGING
        self.agent = ""  # who hears the call
        self.wanted = ""  # who is to hear it, once the join is made
        self.muted = self.held = False  # how it is
        self.wanted_muted = self.wanted_held = False  # how it is to be, once the change is made
        self.late_us = 0
        self.picked_us = 0
        self.clear_us = 0
        self.step = 0  # the armed timer of each kind; 0 for none
        self.bridge = 0
        self.change = 0
        self.clear = 0
