"""Schedules: when the runs of a campaign begin, and when there are no more. Pure arithmetic on a calendar.

A schedule is written in the wall-clock time of its zone, and stays there: 9:00 is 9:00 before and after clocks change.

* A start in the hour that clocks going forward skip is moved to the first moment after the gap.
* A start in the hour that clocks going back repeat happens once, at the first pass.
* Monthly and yearly starts on a day that a month does not have are moved to the last day of that month: the 31st is
  30 April, 29 February is 28 February. The month after has its 31st again.
* Weeks begin on Monday; "every second week" counts from the week of the start.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from dialer.domain.localtime import moment_us, wall_clock
from dialer.domain.message import message

_MONTHS_PER_YEAR = 12
_DAYS_PER_WEEK = 7
#: A gap moves a start by a day at most (Pacific/Apia left out 30 December 2011): where to begin to look for the next.
_MARGIN = timedelta(days=2)
#: Beyond that the calendar of Python ends; nobody has planned a campaign there.
_LAST_YEAR = 9000


class RecurrenceUnit(StrEnum):
    """What a recurrence counts in."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


@message
class Schedule:
    """When a campaign runs."""

    zone: str  #: IANA name; ``start`` and ``end`` are wall-clock times there
    start: datetime  #: first occurrence; for weekly ones with ``weekdays`` the first of these days from then on
    end: datetime | None = None  #: nothing starts from then on, and what runs is ended; None: never
    unit: RecurrenceUnit | None = None  #: None: once
    every: int = 1  #: units from one occurrence to the next
    weekdays: tuple[int, ...] = ()  #: weekly only, 0 is Monday; none: the weekday of ``start``
    precedence: bool = False  #: an occurrence overrides the campaign's contactable timings, never the legal hours


@lru_cache(maxsize=4096)
def next_start_us(schedule: Schedule, after_us: int) -> int | None:
    """The first occurrence after a moment.

    Args:
        schedule: The schedule.
        after_us: UTC microseconds; an occurrence at this very moment is not meant.

    Returns:
        When it starts, UTC microseconds; None if there is none any more.
    """
    last_us = end_us(schedule)
    for wall in _walls(schedule, wall_clock(schedule.zone, after_us) - _MARGIN):
        at_us = moment_us(schedule.zone, wall)
        if last_us is not None and at_us >= last_us:
            return None
        if at_us > after_us:
            return at_us
    return None


def end_us(schedule: Schedule) -> int | None:
    """When the schedule is over, UTC microseconds; None if it has no end."""
    return None if schedule.end is None else moment_us(schedule.zone, schedule.end)


def _walls(schedule: Schedule, since: datetime) -> Iterator[datetime]:
    """Wall-clock starts in order; those long before ``since`` are left out."""
    start, every = schedule.start, schedule.every
    if schedule.unit is None:
        yield start
        return
    step = _first_step(schedule, since)
    while True:
        if schedule.unit is RecurrenceUnit.DAY:
            walls = [start + timedelta(days=step * every)]
        elif schedule.unit is RecurrenceUnit.WEEK:
            monday = start - timedelta(days=start.weekday()) + timedelta(weeks=step * every)
            days = sorted(set(schedule.weekdays)) or [start.weekday()]
            walls = [monday + timedelta(days=day) for day in days]
        else:
            months = step * every * (1 if schedule.unit is RecurrenceUnit.MONTH else _MONTHS_PER_YEAR)
            walls = [_months_later(start, months)]
        if walls[0].year > _LAST_YEAR:
            return
        yield from (wall for wall in walls if wall >= start)
        step += 1


def _first_step(schedule: Schedule, since: datetime) -> int:
    """A step of the recurrence that is surely not after ``since``, or the first one."""
    start = schedule.start
    if schedule.unit is RecurrenceUnit.DAY:
        passed = (since - start).days
    elif schedule.unit is RecurrenceUnit.WEEK:
        passed = (since - start).days // _DAYS_PER_WEEK
    elif schedule.unit is RecurrenceUnit.MONTH:
        passed = (since.year - start.year) * _MONTHS_PER_YEAR + since.month - start.month
    else:
        passed = since.year - start.year
    return max(0, passed // schedule.every - 1)


def _months_later(start: datetime, months: int) -> datetime:
    year, month = divmod(start.year * _MONTHS_PER_YEAR + start.month - 1 + months, _MONTHS_PER_YEAR)
    last = calendar.monthrange(year, month + 1)[1]
    return start.replace(year=year, month=month + 1, day=min(start.day, last))
