"""All that can be asked, in the imperative. See ``events.py`` for the other half."""

from __future__ import annotations

from dialer.domain.events import AttemptEnded
from dialer.domain.kinds import CampaignState, Outcome
from dialer.domain.message import message
from dialer.domain.specs import CampaignSpec

# -- to the campaign -------------------------------------------------------------------------------------------------


@message
class RequestLeases:
    """The scheduler wants ``count`` contacts to dial within the next second or two."""

    pool: str
    count: int
    agent: str = ""  #: only contacts that are due for this agent; "" for those that are for anyone


@message
class ReturnLeases:
    """Leases the scheduler will not use. It has sent no ``Originate`` for them and never will."""

    attempt_ids: tuple[int, ...]


@message
class ConfirmOffer:
    """The agent wants to call the contact that was offered: ask the ledger now."""

    attempt_id: int


@message
class SkipOffer:
    """The agent does not want to call the contact that was offered: it rests, and goes to another agent first."""

    attempt_id: int
    agent: str


@message
class RequestCard:
    """Who is the contact of this attempt?"""

    attempt_id: int
    agent: str


@message
class PauseCampaign:
    """Stop dialling, keep everything."""


@message
class ResumeCampaign:
    """Dial on."""


@message
class StopCampaign:
    """End the run: no new calls, finish those in progress."""


@message
class EditCampaign:
    """Go on with this configuration. Whoever sends it has made it the one the run is reborn with."""

    spec: CampaignSpec  #: the same campaign, with a higher ``version``


# -- to the ledger ---------------------------------------------------------------------------------------------------


@message
class OpenRun:
    """A campaign run starts or is reborn: the ledger will accept intents of this epoch, and of no older one."""

    run_no: int
    epoch: int
    spec: CampaignSpec
    zone_sets: tuple[tuple[str, ...], ...]  #: by zone key: every zone a contact may be in


@message
class ProposeIntent:
    """May this contact be called now? Proposing the same id again gets the same answer."""

    attempt_id: int
    epoch: int
    number: int
    zone_key: int


@message
class RecordOutcome:
    """Close an intent. The first outcome of an attempt is final."""

    campaign: str
    ended: AttemptEnded


@message
class RecordCampaignState:
    """Keep the state of a run."""

    run_no: int
    campaign: str
    state: CampaignState
    reason: str


@message
class AddToDnc:
    """Put numbers on a do-not-call list, at once and for every campaign it applies to."""

    dnc_list: str
    numbers: tuple[int, ...]
    source: str


@message
class RemoveFromDnc:
    """Take numbers off a do-not-call list."""

    dnc_list: str
    numbers: tuple[int, ...]
    source: str


@message
class RecordSkip:
    """Keep that an agent skipped a contact that was offered: as ``SkipRow``. The first skip of an attempt id stands."""

    attempt_id: int
    agent: str
    at_us: int


# -- to the agent ----------------------------------------------------------------------------------------------------


@message
class ReserveAgent:
    """Promise the agent to an attempt, until ``until_us`` at the latest.

    With a preview the promise begins with the agent's decision, and lasts as long as it would have from this request.
    """

    agent: str
    attempt_id: int
    campaign: str
    until_us: int
    preview_us: int = 0  #: the agent may look at the contact this long, and dial or skip; 0: no choice


@message
class ReleaseAgent:
    """The attempt came to nothing: the agent is free again, idle since before."""

    agent: str
    attempt_id: int


@message
class Announce:
    """A reborn scheduler asks its pool: say who you are and what you are doing."""

    pool: str


@message
class LogIn:
    """The agent starts the shift, ready for calls."""

    agent: str


@message
class LogOut:
    """The agent leaves, after the call in progress and its wrap-up."""

    agent: str


@message
class TakeBreak:
    """The agent wants a break, after the call in progress and its wrap-up."""

    agent: str
    reason: str = ""


@message
class EndBreak:
    """The agent is back."""

    agent: str


@message
class SetDisposition:
    """The agent closes the wrap-up with a code and notes."""

    agent: str
    attempt_id: int
    code: str
    notes: str
    callback_us: int = 0  #: when the contact wants to be called again, UTC microseconds; 0 for not
    personal: bool = False  #: by this agent


@message
class DialNow:
    """The agent wants to call the contact that is shown."""

    agent: str
    attempt_id: int


@message
class SkipContact:
    """The agent does not want to call the contact that is shown."""

    agent: str
    attempt_id: int


@message
class SetCall:
    """The agent mutes itself or holds the call, or takes that back. For the agent; from there to the trunk."""

    agent: str
    attempt_id: int
    muted: bool
    held: bool


@message
class EndCall:
    """The agent hangs up."""

    agent: str
    attempt_id: int


# -- to the trunk ----------------------------------------------------------------------------------------------------


@message
class RequestCredits:
    """The pool has this many calls to place soon. The latest request replaces earlier ones."""

    pool: str
    wanted: int


@message
class Originate:
    """Dial once. The attempt id is the channel id on the switch."""

    attempt_id: int
    pool: str
    campaign: str
    number: int
    caller_id: int
    ring_timeout_us: int
    intent_us: int  #: when the ledger accepted it: a trunk that was born later cannot know whether it was dialled
    not_after_us: int
    amd: bool
    flow: str | None  #: what a person hears at once; None waits for ``JoinAgent``
    agent: str = ""  #: who is promised: a person is joined with this agent at once, nobody has to be asked
    agent_epoch: int = 0  #: its incarnation


@message
class JoinAgent:
    """Join an answered call with an agent that is reserved for it. ``epoch`` is the agent's incarnation."""

    attempt_id: int
    agent: str
    epoch: int


@message
class HangUp:
    """End a call. ``outcome`` is what it counts as if nothing final happened before."""

    attempt_id: int
    outcome: Outcome


@message
class ReportAttempt:
    """What do you know about this attempt? Asked after a restart, or after long silence."""

    attempt_id: int
    campaign: str


@message
class ReportAgentCall:
    """Is a call up with this agent? From now on refuse joins of older incarnations of it."""

    agent: str
    epoch: int


# -- to the switch (what a back-end is told) -------------------------------------------------------------------------


@message
class PlaceCall:
    """Dial now."""

    attempt_id: int
    number: int
    caller_id: int
    ring_timeout_us: int
    amd: bool
    flow: str | None


@message
class BridgeCall:
    """Join the call with the agent's leg."""

    attempt_id: int
    agent: str


@message
class ChangeCall:
    """Mute the agent towards the callee, hold the callee, or take that back."""

    attempt_id: int
    muted: bool
    held: bool


@message
class ClearCall:
    """Hang up. ``message`` names the recording to play first, None for none."""

    attempt_id: int
    message: str | None
