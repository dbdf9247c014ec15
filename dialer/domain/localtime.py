"""The only module that knows local time: is a moment inside weekly hours, and until when does that answer hold.

Weekly hours are spans of the local wall clock. Two days a year the clock jumps, and this is what happens then:

* **Skipped hours** (clocks go forward): the moments do not exist. A span that begins inside the gap opens with the
  first moment after it; one that ends inside the gap closes there too; one that lies wholly inside it does not open.
* **Repeated hours** (clocks go back): both passes count as the same wall-clock time. A span that covers the repeated
  hour is open in both passes, so it lasts an hour longer; one that ends inside it closes, opens again for the second
  pass, and closes again.

Both follow from one rule: a moment is open if the wall clock, read at that moment, is inside a span. Nothing else
would be defensible before someone who was called. Every function is pure; answers are in UTC microseconds and hold
until a stated time, so that callers ask once and remember.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dialer.domain.message import message
from dialer.domain.specs import DAY_US, MINUTE_US, SECOND_US, WeeklyHours

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTES_PER_DAY = 24 * 60
_WEEK_DAYS = 7
#: Two weeks and a bit: a weekly pattern that has not opened by then never does, clock changes included.
_HORIZON_DAYS = 16
#: Hours in zones far apart may meet only in summer or only in winter, so common hours are sought for a year.
_COMMON_HORIZON_DAYS = 400


@message
class Window:
    """An answer and how long it holds.

    ``until_us`` is the first moment at which the answer changes: while ``open``, when it closes; otherwise, when it
    opens. None: it never changes.
    """

    open: bool
    until_us: int | None


class _Stretch(NamedTuple):
    """A time in which the zone's offset from UTC is constant, half open."""

    from_us: int
    to_us: int
    offset_us: int


def window(hours: WeeklyHours, zone: str, now_us: int) -> Window:
    """Is this moment inside the hours of this zone, and until when.

    Args:
        hours: Spans of local wall-clock time; they may touch and overlap.
        zone: IANA name, for example ``America/New_York``.
        now_us: UTC microseconds.

    Returns:
        The answer for ``now_us`` and for every moment up to ``until_us``.

    Raises:
        zoneinfo.ZoneInfoNotFoundError: There is no such zone.
    """
    for from_us, to_us in _open_intervals(hours, zone, now_us):
        if from_us > now_us:
            return Window(open=False, until_us=from_us)
        if to_us - now_us >= _HORIZON_DAYS * DAY_US:
            return Window(open=True, until_us=None)
        return Window(open=True, until_us=to_us)
    return Window(open=False, until_us=None)


def window_all(hours_by_zone: Mapping[str, WeeklyHours], zones: Sequence[str], now_us: int) -> Window:
    """Is this moment inside the hours of all zones, and until when.

    Args:
        hours_by_zone: The hours in each zone; a zone that is missing is never open.
        zones: Every zone the called person may be in. No zone at all is never open: nobody knows the hour there.
        now_us: UTC microseconds.

    Returns:
        While open: until the first zone closes. Otherwise: until the next moment at which all are open, or None if
        there is none.
    """
    if not zones or any(zone not in hours_by_zone for zone in zones):
        return Window(open=False, until_us=None)
    distinct = sorted(set(zones))
    at_us = now_us
    limit_us = now_us + _COMMON_HORIZON_DAYS * DAY_US
    # Each step leaps to the latest moment before which some zone is surely closed.
    while at_us < limit_us:
        answers = [window(hours_by_zone[zone], zone, at_us) for zone in distinct]
        opens = [answer.until_us for answer in answers if not answer.open]
        if not opens:
            if at_us > now_us:
                return Window(open=False, until_us=at_us)
            return Window(open=True, until_us=min((a.until_us for a in answers if a.until_us), default=None))
        if None in opens:
            break
        at_us = max(moment for moment in opens if moment is not None)
    return Window(open=False, until_us=None)


def _open_intervals(hours: WeeklyHours, zone: str, now_us: int) -> Iterator[tuple[int, int]]:
    """Open times from ``now_us`` on, in order, never touching one another; the first may have begun before."""
    minutes = _merged(hours)
    pending: tuple[int, int] | None = None
    for stretch in _stretches(zone, now_us, now_us + _HORIZON_DAYS * DAY_US):
        for from_us, to_us in _in_stretch(minutes, stretch, now_us):
            if pending is not None and from_us <= pending[1]:
                pending = (pending[0], max(pending[1], to_us))
                continue
            if pending is not None:
                yield pending
            pending = (from_us, to_us)
    if pending is not None:
        yield pending


def _in_stretch(minutes: tuple[tuple[int, int], ...], stretch: _Stretch, now_us: int) -> Iterator[tuple[int, int]]:
    """Open times inside one stretch, clipped to it."""
    if not minutes:
        return
    local_us = max(now_us, stretch.from_us) + stretch.offset_us
    day = local_us // DAY_US
    # Day 0 of the epoch was a Thursday.
    monday = day - (day + 3) % _WEEK_DAYS
    end_local_us = stretch.to_us + stretch.offset_us
    while monday * DAY_US < end_local_us:
        for from_minute, to_minute in minutes:
            from_us = max(stretch.from_us, monday * DAY_US + from_minute * MINUTE_US - stretch.offset_us)
            to_us = min(stretch.to_us, monday * DAY_US + to_minute * MINUTE_US - stretch.offset_us)
            if from_us < to_us and to_us > now_us:
                yield from_us, to_us
        monday += _WEEK_DAYS


@lru_cache(maxsize=4096)
def _merged(hours: WeeklyHours) -> tuple[tuple[int, int], ...]:
    """The spans as minutes from Monday 00:00, sorted, overlaps joined."""
    merged: list[tuple[int, int]] = []
    for span in sorted(hours.spans, key=lambda span: (span.weekday, span.from_minute)):
        base = span.weekday * _MINUTES_PER_DAY
        from_minute, to_minute = base + span.from_minute, base + span.to_minute
        if merged and from_minute <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], to_minute))
        else:
            merged.append((from_minute, to_minute))
    return tuple(merged)


def _stretches(zone: str, from_us: int, to_us: int) -> Iterator[_Stretch]:
    """Cut a time into stretches of constant offset. Offsets change on whole seconds, at most once in a day."""
    start_us = from_us - from_us % DAY_US
    offset_us = _offset_us(zone, start_us)
    day_us = start_us
    while day_us < to_us:
        next_us = day_us + DAY_US
        next_offset_us = _offset_us(zone, next_us)
        if next_offset_us != offset_us:
            change_us = _change_us(zone, day_us, next_us, offset_us)
            yield _Stretch(start_us, change_us, offset_us)
            start_us, offset_us = change_us, next_offset_us
        day_us = next_us
    yield _Stretch(start_us, day_us, offset_us)


def _change_us(zone: str, low_us: int, high_us: int, offset_us: int) -> int:
    """The first whole second at which the offset is no longer ``offset_us``, by halving."""
    low_s, high_s = low_us // SECOND_US, high_us // SECOND_US
    while high_s - low_s > 1:
        middle_s = (low_s + high_s) // 2
        if _offset_us(zone, middle_s * SECOND_US) == offset_us:
            low_s = middle_s
        else:
            high_s = middle_s
    return high_s * SECOND_US


@lru_cache(maxsize=65_536)
def _offset_us(zone: str, at_us: int) -> int:
    """How far the zone's wall clock is ahead of UTC at this moment."""
    offset = (_EPOCH + timedelta(microseconds=at_us)).astimezone(ZoneInfo(zone)).utcoffset()
    return 0 if offset is None else offset // timedelta(microseconds=1)


def moment_us(zone: str, wall: datetime) -> int:
    """When a clock on the wall shows this, UTC microseconds.

    A time that clocks going forward skip is taken as the first moment after the gap; one that clocks going back repeat
    is taken at its first pass.

    Args:
        zone: IANA name.
        wall: Date and time without a zone.

    Raises:
        zoneinfo.ZoneInfoNotFoundError: There is no such zone.
    """
    # Inside a gap the first reading still has the offset of before, so it lies after the change; the second before it.
    late, early = (_read_us(wall.replace(tzinfo=ZoneInfo(zone), fold=fold)) for fold in (0, 1))
    if wall_clock(zone, late) == wall:
        return late
    return _change_us(zone, early, late, _offset_us(zone, early))


def _read_us(wall: datetime) -> int:
    return (wall.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1)


def wall_clock(zone: str, at_us: int) -> datetime:
    """What a clock on the wall shows at this moment; without a zone."""
    return (_EPOCH + timedelta(microseconds=at_us + _offset_us(zone, at_us))).replace(tzinfo=None)
