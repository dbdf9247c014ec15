"""When runs begin: by the wall clock of a zone, over clock changes in both hemispheres, and at the ends of months."""
# ruff: noqa: DTZ001 - a wall clock has no zone

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from dateutil import rrule
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.domain.localtime import moment_us, wall_clock
from dialer.domain.schedule import RecurrenceUnit, Schedule, end_us, next_start_us

DAY, WEEK, MONTH, YEAR = RecurrenceUnit
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZONES = ("America/New_York", "Europe/Berlin", "Australia/Sydney", "America/Santiago", "Asia/Kolkata")


def us(text):
    """UTC microseconds of an ISO time with an offset."""
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


def starts(schedule, count, after_us=0):
    found = []
    while len(found) < count and (after_us := next_start_us(schedule, after_us)) is not None:
        found.append(after_us)
    return found


def local(schedule, count, **options):
    """Starts as the wall clock shows them."""
    return [wall_clock(schedule.zone, at).isoformat(sep=" ")[:16] for at in starts(schedule, count, **options)]


@pytest.mark.parametrize(
    ("zone", "wall", "utc"),
    [
        # clocks go forward: 2:00 to 3:00 here, at midnight in Chile
        ("America/New_York", "2026-03-08 02:30", "2026-03-08T03:00-04:00"),
        ("Europe/Berlin", "2026-03-29 02:30", "2026-03-29T03:00+02:00"),
        ("Australia/Sydney", "2026-10-04 02:30", "2026-10-04T03:00+11:00"),
        ("America/Santiago", "2026-09-06 00:30", "2026-09-06T01:00-03:00"),
        # clocks go back: the first of two passes
        ("America/New_York", "2026-11-01 01:30", "2026-11-01T01:30-04:00"),
        ("Europe/Berlin", "2026-10-25 02:30", "2026-10-25T02:30+02:00"),
        ("Australia/Sydney", "2026-04-05 02:30", "2026-04-05T02:30+11:00"),
        ("America/Santiago", "2026-04-04 23:30", "2026-04-04T23:30-03:00"),
        # a day that never was
        ("Pacific/Apia", "2011-12-30 08:00", "2011-12-31T00:00+14:00"),
        # the moments around a change
        ("America/New_York", "2026-03-08 01:59", "2026-03-08T01:59-05:00"),
        ("America/New_York", "2026-03-08 03:00", "2026-03-08T03:00-04:00"),
        ("America/New_York", "2026-11-01 02:00", "2026-11-01T02:00-05:00"),
    ],
)
def test_moments_around_clock_changes(zone, wall, utc):
    """A skipped time is the first moment after the gap, a repeated one its first pass. Requirement 94."""
    assert moment_us(zone, datetime.fromisoformat(wall)) == us(utc)


@pytest.mark.parametrize(
    ("zone", "first", "offsets"),
    [
        ("America/New_York", "2026-02-23", [-5, -5, -4, -4, -4, -4]),
        ("Europe/Berlin", "2026-03-16", [1, 1, 2, 2, 2, 2]),
        ("Australia/Sydney", "2026-03-23", [11, 11, 10, 10, 10, 10]),
        ("America/Santiago", "2026-03-23", [-3, -3, -4, -4, -4, -4]),
    ],
)
def test_nine_stays_nine(zone, first, offsets):
    """Weekly at 9:00 over a clock change: the wall clock shows 9:00 each time, UTC does not. Requirements 94, 95."""
    schedule = Schedule(zone, datetime.fromisoformat(f"{first} 09:00"), unit=WEEK)
    assert [text[11:] for text in local(schedule, 6)] == ["09:00"] * 6
    hours = [datetime.fromtimestamp(at // 1_000_000, UTC).hour for at in starts(schedule, 6)]
    assert hours == [(9 - offset) % 24 for offset in offsets]


def test_every_nth_of_each_unit():
    """Requirement 95."""
    start = datetime(2026, 1, 30, 8, 15)
    assert local(Schedule("Europe/Berlin", start, unit=DAY, every=3), 3) == [
        "2026-01-30 08:15",
        "2026-02-02 08:15",
        "2026-02-05 08:15",
    ]
    assert local(Schedule("Europe/Berlin", start, unit=WEEK, every=2), 3) == [
        "2026-01-30 08:15",
        "2026-02-13 08:15",
        "2026-02-27 08:15",
    ]
    assert local(Schedule("Europe/Berlin", start, unit=MONTH, every=1), 3) == [
        "2026-01-30 08:15",
        "2026-02-28 08:15",
        "2026-03-30 08:15",
    ]
    assert local(Schedule("Europe/Berlin", datetime(2024, 2, 29, 8), unit=YEAR), 5) == [
        "2024-02-29 08:00",
        "2025-02-28 08:00",
        "2026-02-28 08:00",
        "2027-02-28 08:00",
        "2028-02-29 08:00",
    ]
    assert local(Schedule("Europe/Berlin", start), 3) == ["2026-01-30 08:15"]


def test_weekdays():
    """Every second week on Tuesday and Friday, from a Thursday on: its own week's Friday first. Requirement 95."""
    schedule = Schedule("America/New_York", datetime(2026, 3, 5, 9), unit=WEEK, every=2, weekdays=(4, 1))
    days = [text[:10] for text in local(schedule, 5)]
    assert days == ["2026-03-06", "2026-03-17", "2026-03-20", "2026-03-31", "2026-04-03"]


def test_nothing_starts_at_the_end_or_after_it():
    """Requirement 94: the end is optional, and has the wall clock of the zone too."""
    schedule = Schedule("Europe/Berlin", datetime(2026, 3, 27, 9), datetime(2026, 3, 29, 9), DAY)
    assert end_us(schedule) == us("2026-03-29T09:00+02:00")
    assert local(schedule, 9) == ["2026-03-27 09:00", "2026-03-28 09:00"]
    assert end_us(Schedule("Europe/Berlin", datetime(2026, 3, 27, 9))) is None


def test_a_gap_of_a_day_does_not_start_twice():
    """Daily at midnight in Samoa when a day was left out: two wall-clock times, one moment, one start."""
    found = starts(Schedule("Pacific/Apia", datetime(2011, 12, 29), unit=DAY), 3)
    assert found == [us("2011-12-29T00:00-10:00"), us("2011-12-31T00:00+14:00"), us("2012-01-01T00:00+14:00")]


def test_the_calendar_has_an_end():
    assert (
        next_start_us(Schedule("UTC", datetime(8990, 1, 1), unit=YEAR, every=100), us("8991-01-01T00:00+00:00")) is None
    )


@st.composite
def schedules(draw):
    start = draw(st.datetimes(datetime(2020, 1, 1), datetime(2032, 1, 1))).replace(second=0, microsecond=0)
    unit = draw(st.sampled_from([None, *RecurrenceUnit]))
    weekdays = tuple(draw(st.sets(st.integers(0, 6)))) if unit is WEEK else ()
    end = draw(st.none() | st.timedeltas(timedelta(minutes=1), timedelta(days=900)).map(lambda after: start + after))
    return Schedule(draw(st.sampled_from(ZONES)), start, end, unit, draw(st.integers(1, 20)), weekdays)


MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)).map(
    lambda at: (at.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
)


@settings(deadline=None)
@given(schedules(), MOMENTS)
def test_the_next_start_is_the_next(schedule, after_us):
    """Later than asked, before the end, and none is passed over: walking from the beginning comes by it."""
    found = next_start_us(schedule, after_us)
    begin_us = moment_us(schedule.zone, schedule.start) - 1
    if found is not None:
        assert found > after_us
        assert schedule.end is None or found < end_us(schedule)
    walked = next_start_us(schedule, begin_us)
    while walked is not None and walked <= after_us:
        walked = next_start_us(schedule, walked)
    assert walked == found
    known = starts(schedule, 5, after_us)
    assert all(one < other for one, other in pairwise(known))


@settings(deadline=None)
@given(schedules().filter(lambda s: s.unit in {DAY, WEEK} or (s.unit is not None and s.start.day < 29)), MOMENTS)
def test_the_calendar_of_another_library_agrees(schedule, after_us):
    """Days, weeks, and months and years on days that every month has, as ``dateutil`` counts them."""
    frequency = {DAY: rrule.DAILY, WEEK: rrule.WEEKLY, MONTH: rrule.MONTHLY, YEAR: rrule.YEARLY}[schedule.unit]
    rule = rrule.rrule(
        frequency,
        dtstart=schedule.start,
        interval=schedule.every,
        byweekday=schedule.weekdays or None,
        until=schedule.end and schedule.end - timedelta(minutes=1),
    )
    zone = ZoneInfo(schedule.zone)
    expected = []
    wall = wall_clock(schedule.zone, after_us) - timedelta(days=1)
    while len(expected) < 3 and (wall := rule.after(wall)) is not None:
        at = wall.replace(tzinfo=zone)
        real = at.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == wall  # false in a gap
        at_us = (at.astimezone(UTC) - EPOCH) // timedelta(microseconds=1)
        if at_us > after_us and real:
            expected.append(at_us)
    found = [at for at in starts(schedule, 6, after_us) if at in expected]
    assert found == expected


def test_walls_of_moments():
    """There and back."""
    at_us = us("2026-11-01T01:30-05:00")  # the second pass
    assert wall_clock("America/New_York", at_us) == datetime(2026, 11, 1, 1, 30)
    assert moment_us("America/New_York", wall_clock("America/New_York", at_us)) == us("2026-11-01T01:30-04:00")
