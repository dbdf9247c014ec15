"""What a trunk asks of its switch while a call is in a flow, and what the switch tells of it.

Every order carries ``op``, a number that grows within its call; what comes of it carries the same one. A prompt and
the digits that answer it share one. Whatever is still running when a call ends has ended with it: nothing is told.
"""

from __future__ import annotations

from dialer.domain.message import message

# -- to the switch ---------------------------------------------------------------------------------------------------


@message
class PlayPrompt:
    """Play a recording, over and over if ``loop``."""

    attempt_id: int
    op: int
    prompt: str  #: name of the recording
    loop: bool = False


@message
class SayText:
    """Speak a text."""

    attempt_id: int
    op: int
    text: str
    language: str


@message
class StopPrompt:
    """Fall silent: the prompt of this number, played or spoken, is not wanted any more. No ``PromptEnded`` follows."""

    attempt_id: int
    op: int


@message
class GatherDigits:
    """Collect what the callee presses, while the prompt of the same number is heard and after it.

    It is over with ``max_digits``, with ``end_key``, after ``first_us`` without any digit since the end of the prompt,
    or after ``between_us`` since the last digit.
    """

    attempt_id: int
    op: int
    max_digits: int
    end_key: str  #: "#", "*", or "" for none; not part of the digits
    first_us: int
    between_us: int


@message
class StopGather:
    """Collect no more. No ``DigitsGathered`` follows."""

    attempt_id: int
    op: int


@message
class StartRecording:
    """Record the callee, until ``limit_us`` have passed or ``silence_us`` of silence."""

    attempt_id: int
    op: int
    name: str
    limit_us: int
    silence_us: int
    beep: bool


@message
class StopRecording:
    """Keep what has been recorded. No ``RecordingEnded`` follows."""

    attempt_id: int
    op: int


@message
class AwaitTone:
    """Say when the greeting of an answering machine is over, ``limit_us`` from now at the latest."""

    attempt_id: int
    op: int
    limit_us: int


@message
class CallAutomation:
    """Ask an automation over HTTP: a POST of ``fields`` as a JSON object. For the automation port of the back-end."""

    attempt_id: int
    op: int
    url: str
    fields: tuple[tuple[str, str], ...]
    timeout_us: int


#: All orders of a flow: a back-end hands them to whoever does media there.
MEDIA_ORDERS = (
    PlayPrompt,
    SayText,
    StopPrompt,
    GatherDigits,
    StopGather,
    StartRecording,
    StopRecording,
    AwaitTone,
    CallAutomation,
)

# -- from the switch -------------------------------------------------------------------------------------------------


@message
class PromptEnded:
    """The prompt was heard to its end; not ``ok``: it could not be played."""

    attempt_id: int
    op: int
    ok: bool = True


@message
class DigitsGathered:
    """What was pressed, "" for nothing. A prompt that was interrupted by it plays on until it is stopped."""

    attempt_id: int
    op: int
    digits: str


@message
class RecordingEnded:
    """The recording is over; not ``ok``: there is none."""

    attempt_id: int
    op: int
    duration_us: int
    ok: bool = True


@message
class ToneHeard:
    """The greeting is over; not ``ok``: the limit has passed before that."""

    attempt_id: int
    op: int
    ok: bool = True


@message
class AutomationAnswered:
    """The automation has answered; not ``ok``: with an error, or it cannot be reached."""

    attempt_id: int
    op: int
    ok: bool
    answer: str = ""  #: the value the flow may branch on: field ``answer`` of the JSON object it returned


@message
class FlowsUp:
    """After ``SwitchConnected``: calls that were placed with a flow, and are up."""

    attempt_ids: tuple[int, ...]
