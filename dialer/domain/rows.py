"""Rows of the journal: what must be durable before anything else of the same batch leaves.

``DispositionSet`` and ``AgentSessionChanged`` (see ``events.py``) are written as they are.
"""

from __future__ import annotations

from dialer.domain.kinds import CampaignState, Outcome
from dialer.domain.message import message


@message
class IntentRow:
    """One accepted intent. The verdict's inputs stand beside it: rule version, zones, count in the cap window."""

    attempt_id: int
    campaign: str
    number: int
    trunk: str
    caller_id: int
    at_us: int
    not_after_us: int
    epoch: int
    rules: str
    zones: str
    recent_attempts: int
    version: int


@message
class OutcomeRow:
    """The one outcome of an intent."""

    attempt_id: int
    outcome: Outcome
    agent: str
    cause: int
    sent_us: int
    answered_us: int
    joined_us: int
    ended_us: int
    recorded_us: int


@message
class SkipRow:
    """An agent skipped a contact that was offered."""

    attempt_id: int
    agent: str
    at_us: int


@message
class DncRow:
    """A number was put on a list (or taken off) while the dialer runs."""

    dnc_list: str
    number: int
    added: bool
    at_us: int
    source: str


@message
class CampaignStateRow:
    """A campaign run changed its state."""

    run_no: int
    campaign: str
    state: CampaignState
    at_us: int
    reason: str
