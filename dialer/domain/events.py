"""All that can happen, in the past tense. Together with ``commands.py`` this is the whole conversation."""

from __future__ import annotations

from dialer.domain.kinds import AgentState, AnswerClass, CampaignState, IntentRefusal, Outcome
from dialer.domain.message import Address, message
from dialer.domain.specs import PacingSpec

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
    pacing: PacingSpec = PacingSpec()
    preview_us: int = 0  #: preview: how long an agent may look before the contact is dialled
    live_answers: int = 0  #: people who answered, within the 30 days of the abandonment limit, earlier runs included
    abandoned: int = 0  #: of them, those for whom nobody was there in time


@message
class CampaignClosed:
    """The campaign dials no more (paused, stopped or completed). Unused leases are void."""

    campaign: str
    state: CampaignState


@message
class Lease:
    """Permission to dial one contact once. Part of ``LeasesGranted``.

    In preview dialling it comes in two steps. First the contact alone, to be offered to an agent: ``intent_us`` is 0,
    the ledger has not been asked. Then, answering ``ConfirmOffer``, the same attempt with the intent.
    """

    attempt_id: int
    number: int
    intent_us: int
    not_after_us: int
    agent: str = ""  #: for this agent alone: a personal callback, or a contact mapped to the agent; "" for anyone
    avoid: str = ""  #: rather not for this agent, who has skipped it


@message
class LeasesGranted:
    """Answer to ``RequestLeases``: fewer than asked for when contacts run short.

    ``next_us`` is when asking again makes sense: 0 now, None only after a change. ``personal`` names agents for whom a
    contact of their own is due now: it is leased only to ``RequestLeases`` that names the agent. Every message names
    them anew; if they are very many, some after the others.
    """

    campaign: str
    leases: tuple[Lease, ...]
    asked: int
    next_us: int | None
    personal: tuple[str, ...] = ()


@message
class OfferWithdrawn:
    """Answer to ``ConfirmOffer``: the contact may not be dialled after all. Whoever is promised to it is free."""

    campaign: str
    attempt_id: int
    reason: IntentRefusal


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
class OfferSkipped:
    """The agent looked at the contact and does not want to call it."""

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
    """Somebody or something picked up. For the scheduler. ``agent`` was promised and is being joined, "" for nobody."""

    attempt_id: int
    trunk: str
    answer_class: AnswerClass
    answered_us: int
    agent: str = ""


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


@message
class CallChanged:
    """The call of this agent is muted, on hold, or neither. For the agent."""

    attempt_id: int
    agent: str
    muted: bool
    held: bool


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
class LineChanged:
    """What the switch has made of ``ChangeCall``."""

    attempt_id: int
    muted: bool
    held: bool


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


# -- campaign -> agent -----------------------------------------------------------------------------------------------


@message
class ContactCard:
    """Answer to ``RequestCard``: who the contact is. ``fields`` holds (column, text) as the list has them.

    ``skips_left`` is how many more contacts of this run the agent may skip; None for no limit.
    """

    attempt_id: int
    fields: tuple[tuple[str, str], ...]
    skips_left: int | None


# -- agent -> desk, campaign, ledger ---------------------------------------------------------------------------------


@message
class DeskUpdated:
    """What the agent's desk must show now."""

    agent: str
    state: AgentState
    attempt_id: int
    campaign: str
    until_us: int = 0  #: when time alone ends the state (preview, wrap-up), 0 for never
    fields: tuple[tuple[str, str], ...] = ()  #: the contact's card, once it is known
    may_skip: bool = False
    muted: bool = False
    held: bool = False
    reason: str = ""  #: of a break


@message
class DispositionSet:
    """The agent's verdict on a call, at the end of wrap-up; code "" when the limit passed. For store and campaign."""

    attempt_id: int
    agent: str
    code: str
    notes: str
    wrapped_up_us: int
    callback_us: int = 0  #: when the contact wants to be called again, UTC microseconds; 0 for not
    personal: bool = False  #: by this agent


@message
class AgentSessionChanged:
    """The agent came, went, or took a break: staffed time is computed from these."""

    agent: str
    state: AgentState
    at_us: int
    reason: str = ""  #: of a break
