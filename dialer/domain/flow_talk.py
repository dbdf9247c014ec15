"""What trunk, campaign, scheduler and store say to each other about flows."""

from __future__ import annotations

from dialer.domain.flow import FlowResult, FlowSpec
from dialer.domain.message import message


@message
class RequestFlow:
    """Trunk to campaign: a call names this flow, and it is not known here."""

    trunk: str
    flow: str


@message
class FlowKnown:
    """Campaign to trunk: the answer to ``RequestFlow``. Calls that begin from now on use it."""

    campaign: str
    flow: FlowSpec


@message
class FlowEnded:
    """Trunk to store: how the run of a flow ended, for the record. One for each call that a flow has talked to.

    The result of the attempt itself comes by ``AttemptEnded``. The first record of an attempt stands: a trunk that was
    reborn before the line was down may say LOST of a run that had ended.
    """

    attempt_id: int
    flow: str
    version: int
    step: str  #: the last one
    result: FlowResult
    answers: str  #: JSON object: step -> digits, name of a recording, answer of a webhook, list of an opt-out
    ended_us: int


@message
class AgentWanted:
    """Trunk to scheduler: the callee of a flow waits for an agent of this queue, until ``until_us``.

    The scheduler reserves the longest idle agent of the queue for the attempt and sends ``JoinAgent``. A join that
    comes too late, or when the call is gone, is answered with ``JoinFailed``, as always.
    """

    attempt_id: int
    trunk: str
    campaign: str
    queue: str
    until_us: int


@message
class AgentUnwanted:
    """Trunk to scheduler: nobody is to join this call any more. An agent who is reserved for it is free."""

    attempt_id: int
