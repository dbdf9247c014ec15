"""All that can happen, in the past tense. Together with ``commands.py`` this is the whole conversation."""

from __future__ import annotations

from dialer.domain.kinds import AgentState, AnswerClass, CampaignState, IntentRefusal, Outcome
from dialer.domain.message import Address, message

# -- from the courier ------------------------------------------------------------------------------------------------


@message
class PeerRestarted:
    """The actor behind ``peer`` is a new incarnation: what it only remembered is gone."""

    peer: Address


# -- ledger -> campaign ----------------------------------------------------------------------------------------------


@message
class IntentAccepted:
    """The intent is durable: this attempt may be dialled once, before ``not_after_us``."""

    attempt_id: int
    intent_us: int
    not_after_us: int


@message
class IntentRefused:
    """The intent was refused; nothing was dialled. ``until_us`` is the earliest time to ask again, or None: never."""

    attempt_id: int
    reason: IntentRefusal
    until_us: int | None


@message
class OutcomeRecorded:
    """The outcome of this attempt is durable, now or since an earlier report."""

    attempt_id: int


# -- campaign -> scheduler -------------------------------------------------------------------------------------------


@message
class CampaignOpened:
    """The campaign dials from now on; also the announcement of a reborn campaign."""

    campaign: str
    run_no: int
    epoch: int
    mode: str
    trunk: str
    queue: str | None
    priority: int
    concurrency: int
    caller_id: int
    ring_timeout_us: int
    amd: bool
    flow: str | None


@message
class CampaignClosed:
    """The campaign dials no more (paused, stopped or completed). Unused leases are void."""

    campaign: str
    state: CampaignState


@message
class Lease:
    """Permission to dial one contact once. Part of ``LeasesGranted``."""

    attempt_id: int
    number: int
    intent_us: int
    not_after_us: int


@message
class LeasesGranted:
    """Answer to ``RequestLeases``: fewer than asked for when contacts run short.

    ``next_us`` is when asking again makes sense: 0 now, None only after a change.
    """

    campaign: str
    leases: tuple[Lease, ...]
    asked: int
    next_us: int | None


# -- agent -> scheduler ----------------------------------------------------------------------------------------------


@message
class AgentIdle:
    """The agent can take a call. ``since_us`` orders agents: the longest idle is first."""

    agent: str
    epoch: int
    queues: tuple[str, ...]
    since_us: int


@message
class AgentReserved:
    """The agent is promised to the attempt."""

    agent: str
    epoch: int
    attempt_id: int


@message
class ReservationRefused:
    """The agent cannot take the attempt: not idle, or promised elsewhere."""

    agent: str
    epoch: int
    attempt_id: int


@message
class AgentUnavailable:
    """The agent can take no call now. ``attempt_id`` is the call it holds or is promised to, 0 for none."""

    agent: str
    epoch: int
    state: AgentState
    attempt_id: int


# -- trunk -> scheduler, campaign, agent -----------------------------------------------------------------------------


@message
class TrunkOpened:
    """The trunk takes calls; also the announcement of a reborn trunk. Credits granted before are void.

    ``live`` holds (attempt id, agent or "", answered) for each call that is up. Intents up to ``knows_since_us`` are
    not dialled any more: an earlier incarnation may have done so.
    """

    trunk: str
    epoch: int
    knows_since_us: int
    live: tuple[tuple[int, str, bool], ...]


@message
class CreditsGranted:
    """The pool may send this many more ``Originate`` to the trunk."""

    trunk: str
    count: int


@message
class OriginateRefused:
    """The trunk did not dial, and never will under this attempt id. For the scheduler."""

    attempt_id: int
    reason: Outcome


@message
class CallAnswered:
    """Somebody or something picked up. For the scheduler."""

    attempt_id: int
    trunk: str
    answer_class: AnswerClass
    answered_us: int


@message
class CallJoined:
    """Callee and agent hear each other. For the agent."""

    attempt_id: int
    campaign: str
    trunk: str
    agent: str
    joined_us: int


@message
class JoinFailed:
    """The join could not be made (call gone, agent elsewhere). For the scheduler."""

    attempt_id: int
    agent: str


@message
class CallEnded:
    """The call is over on the line. For scheduler and agent."""

    attempt_id: int
    agent: str
    outcome: Outcome
    ended_us: int


@message
class AttemptEnded:
    """All that is known of an attempt that is over. For the campaign. Times are 0 where a stage was not reached."""

    attempt_id: int
    outcome: Outcome
    agent: str
    cause: int  #: Q.850, 0 unknown
    sent_us: int
    answered_us: int
    joined_us: int
    ended_us: int


@message
class AttemptReported:
    """Answer to ``ReportAttempt`` for an attempt the trunk does not hold as ended.

    ``live``: the call is up or queued. Otherwise the trunk had no trace of it from ``knows_since_us`` to ``at_us``.
    """

    attempt_id: int
    live: bool
    knows_since_us: int
    at_us: int  #: when this was true, on the clock by which the trunk refuses what is past its ``not_after_us``


@message
class AgentCallReported:
    """Answer to ``ReportAgentCall``: the call this agent is in, ``attempt_id`` 0 for none."""

    trunk: str
    agent: str
    epoch: int
    attempt_id: int
    campaign: str
    joined_us: int


# -- switch -> trunk (what a back-end tells) -------------------------------------------------------------------------


@message
class LineAnswered:
    """The far end picked up. With detection off the class is UNKNOWN."""

    attempt_id: int
    answer_class: AnswerClass


@message
class LineJoined:
    """The switch has bridged the call with the agent's leg."""

    attempt_id: int
    agent: str


@message
class LineEnded:
    """The call is gone from the switch. ``outcome`` reads the cause for a call that was not answered."""

    attempt_id: int
    outcome: Outcome
    cause: int


@message
class SwitchConnected:
    """The back-end reached its switch; ``live`` holds (attempt id, agent or "", answered) of our calls on it."""

    live: tuple[tuple[int, str, bool], ...]


@message
class SwitchLost:
    """The back-end lost its switch: no new calls until it is back."""

    reason: str


# -- agent -> desk, campaign, ledger ---------------------------------------------------------------------------------


@message
class DeskUpdated:
    """What the agent's desk must show now."""

    agent: str
    state: AgentState
    attempt_id: int
    campaign: str


@message
class DispositionSet:
    """The agent's verdict on a call, for the record. Sent at the end of wrap-up; code "" when the limit passed."""

    attempt_id: int
    agent: str
    code: str
    notes: str
    wrapped_up_us: int


@message
class AgentSessionChanged:
    """The agent came, went, or took a break: staffed time is computed from these."""

    agent: str
    state: AgentState
    at_us: int
