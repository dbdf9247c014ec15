"""An attempt as its campaign keeps it, and what the journal tells of a run's earlier ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from dialer.domain import events as e
from dialer.domain.kinds import CampaignState


class Stage(IntEnum):
    """Where an attempt stands between campaign and ledger."""

    PROPOSED = 1
    LEASED = 2
    CLOSING = 3


@dataclass(slots=True)
class Attempt:
    """One attempt that is not over for the books."""

    contact: int
    number: int
    stage: Stage
    intent_us: int = 0
    not_after_us: int = 0
    ended: e.AttemptEnded | None = None
    watch_us: int = 0  #: when silence is looked into
    timer_us: int = 0  #: the earliest moment at which the campaign's timer comes to it, never after ``watch_us``
    suspect: bool = False  #: leased to a scheduler that has been replaced: it may be dialled, whatever the new one says


@dataclass(slots=True)
class RunHistory:
    """What the journal knows of a run. Built by the store for a campaign that is reborn."""

    state: CampaignState = CampaignState.READY
    closed: Sequence[tuple[int, int, int]] = field(default=())  #: (attempt id, outcome, ended)
    open: Sequence[tuple[int, int, int, int]] = field(default=())  #: (attempt id, number, intent, not after)
