"""What the calendar asks of one campaign at one moment. A pure policy: a record and a time in, a turn and why out.

Each occurrence is dealt with once: it becomes a run, or it is skipped and the reason goes into the history. Turns are
taken one after the other, oldest first, until there is nothing to do.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from dialer.domain.keeper_table import next_occurrence_us
from dialer.domain.keeping import CampaignRecord, Phase
from dialer.domain.schedule import end_us
from dialer.domain.specs import MINUTE_US

#: Lists are scrubbed this long before a scheduled start.
SCRUB_LEAD_US = 15 * MINUTE_US
#: An occurrence that cannot begin may begin this much late; after that it is skipped, so that nobody is called at an
#: hour that was not planned.
GRACE_US = 15 * MINUTE_US


class Turn(Enum):
    """What is to be done now."""

    NOTHING = "nothing"
    PREPARE = "prepare"
    BEGIN = "begin"
    SKIP = "skip"
    END = "end"  #: the schedule is over: what runs by it is ended


class Due(NamedTuple):
    """A turn, the occurrence or the end it is about (UTC microseconds, 0 for none), and the reason."""

    turn: Turn
    at_us: int = 0
    reason: str = ""


_NOTHING = Due(Turn.NOTHING)
_BUSY = "the run before it was still going on"
_AWAY = "the dialer was not running"
_LATE = "it could not begin in time"
_UPCOMING = frozenset({Phase.PREPARING, Phase.WAITING})


def turn_of(record: CampaignRecord, now_us: int) -> Due:
    """What the calendar wants of a campaign now; call again after each turn until it wants nothing."""
    if record.schedule is None:
        return _NOTHING
    over_us = end_us(record.schedule)
    at_us = next_occurrence_us(record)
    if at_us is None or (over_us is not None and now_us >= over_us):
        return _after_the_last(record, over_us, at_us, now_us)
    return _own(record, at_us, now_us) if is_own(record, at_us) else _other(record, at_us, now_us)


def _own(record: CampaignRecord, at_us: int, now_us: int) -> Due:
    """The occurrence that is being prepared, or waits for its time."""
    if now_us > at_us + GRACE_US:
        return Due(Turn.SKIP, at_us, _LATE)
    return Due(Turn.BEGIN, at_us) if now_us >= at_us and record.phase is Phase.WAITING else _NOTHING


def _other(record: CampaignRecord, at_us: int, now_us: int) -> Due:
    """An occurrence for which nothing has been done yet."""
    if record.phase is not Phase.IDLE:
        return Due(Turn.SKIP, at_us, _BUSY) if now_us >= at_us else _NOTHING
    if now_us > at_us + GRACE_US:
        return Due(Turn.SKIP, at_us, _AWAY)
    return Due(Turn.PREPARE, at_us) if now_us >= at_us - SCRUB_LEAD_US else _NOTHING


def _after_the_last(record: CampaignRecord, over_us: int | None, at_us: int | None, now_us: int) -> Due:
    if over_us is None or now_us < over_us or record.through_us >= over_us:
        return _NOTHING
    if at_us is None:
        return Due(Turn.END, over_us, "the end of its schedule was reached")
    if is_own(record, at_us):
        return Due(Turn.SKIP, at_us, _LATE)
    return Due(Turn.SKIP, at_us, _AWAY if record.phase is Phase.IDLE else _BUSY)


def is_own(record: CampaignRecord, at_us: int) -> bool:
    """Whether what is being prepared is this occurrence."""
    return record.phase in _UPCOMING and record.note is not None and record.note.scheduled_us == at_us


def next_turn_us(record: CampaignRecord, now_us: int) -> int | None:
    """When ``turn_of`` may want something that it does not want now, UTC microseconds; None for never."""
    if record.schedule is None:
        return None
    over_us = end_us(record.schedule)
    moments = [] if over_us is None or record.through_us >= over_us else [over_us]
    at_us = next_occurrence_us(record)
    if at_us is not None:
        moments += [at_us - SCRUB_LEAD_US, at_us, at_us + GRACE_US + 1]
    return min((moment for moment in moments if moment > now_us), default=None)
