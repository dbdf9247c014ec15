"""What a run of a flow waits for, what may come of it, and what it tells the trunk.

The actions are methods of ``flow_run.FlowRun``.
"""

from __future__ import annotations

from enum import IntEnum

from dialer.domain import media as m
from dialer.domain.events import LineEnded, LineJoined
from dialer.domain.flow import FlowResult
from dialer.domain.message import message


class Doing(IntEnum):
    """What the run waits for."""

    SPEAKING = 1  #: the end of a prompt
    ASKING = 2  #: digits
    RECORDING = 3
    CALLING = 4  #: the answer of an automation
    QUEUED = 5  #: an agent
    TONE = 6  #: the end of a machine's greeting
    MESSAGE = 7  #: the end of the message for a machine
    OVER = 8


# -- what a run tells the trunk, beside orders to the switch ---------------------------------------------------------


@message
class OptedOut:
    """The callee does not want to be called again."""

    dnc_list: str


@message
class AgentSought:
    """An agent of this queue is wanted, until ``until_us``."""

    queue: str
    until_us: int


@message
class AgentForgone:
    """The agent is not wanted any more."""


@message
class RunEnded:
    """The run is over: the last step, the result, and what came of named steps."""

    step: str
    result: FlowResult
    answers: tuple[tuple[str, str], ...]


#: (what it waits for, event about the order in progress) -> what follows. What is absent is a fault of the switch.
TABLE: dict[tuple[Doing, type], str] = {
    (Doing.SPEAKING, m.PromptEnded): "_spoken",
    (Doing.ASKING, m.PromptEnded): "_asked",
    (Doing.ASKING, m.DigitsGathered): "_pressed",
    (Doing.RECORDING, m.RecordingEnded): "_recorded",
    (Doing.CALLING, m.AutomationAnswered): "_answered",
    (Doing.QUEUED, m.PromptEnded): "_music_ended",
    (Doing.QUEUED, LineJoined): "_joined",
    (Doing.TONE, m.ToneHeard): "_tone",
    (Doing.MESSAGE, m.PromptEnded): "_left",
    **{(doing, LineEnded): "_hung_up" for doing in Doing if doing is not Doing.OVER},
}

#: What it waits for -> what follows when that does not come.
TIMEOUTS: dict[Doing, str] = {
    Doing.SPEAKING: "_unspoken",
    Doing.ASKING: "_unpressed",
    Doing.RECORDING: "_unrecorded",
    Doing.CALLING: "_unanswered",
    Doing.QUEUED: "_alone",
    Doing.TONE: "_no_tone",
    Doing.MESSAGE: "_unleft",
}
