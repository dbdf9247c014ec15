"""Local time: lawful hours to the minute, on the days when clocks jump, in both hemispheres."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.domain.localtime import Window, window, window_all
from dialer.domain.specs import DAY_US, HOUR_US, MINUTE_US, Span, WeeklyHours

NEW_YORK, DENVER, PHOENIX = "America/New_York", "America/Denver", "America/Phoenix"
SYDNEY, LORD_HOWE, KATHMANDU = "Australia/Sydney", "Australia/Lord_Howe", "Asia/Kathmandu"
ZONES = [
    NEW_YORK,
    "America/Chicago",
    DENVER,
    PHOENIX,
    "America/St_Johns",
    "Pacific/Honolulu",
    SYDNEY,
    LORD_HOWE,
    KATHMANDU,
]
LEGAL = WeeklyHours.daily(8 * 60, 21 * 60)
NEVER = WeeklyHours(())
ALWAYS = WeeklyHours.daily(0, 1440)


def utc(text):
    """UTC microseconds of an ISO time in UTC."""
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def naive_open(hours, zone, at_us):
    """The definition, by the standard library alone: the wall clock, read at that moment, is in a span."""
    local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)).astimezone(ZoneInfo(zone))
    minute = local.hour * 60 + local.minute
    return any(s.weekday == local.weekday() and s.from_minute <= minute < s.to_minute for s in hours.spans)


@pytest.mark.parametrize(
    ("hours", "zone", "now", "is_open", "until"),
    [
        pytest.param(LEGAL, NEW_YORK, "2026-01-15 12:59:59", False, "2026-01-15 13:00", id="before-eight"),
        pytest.param(LEGAL, NEW_YORK, "2026-01-15 13:00", True, "2026-01-16 02:00", id="at-eight"),
        pytest.param(LEGAL, NEW_YORK, "2026-01-16 01:59:59", True, "2026-01-16 02:00", id="last-second"),
        pytest.param(LEGAL, NEW_YORK, "2026-01-16 02:00", False, "2026-01-16 13:00", id="at-nine-in-the-evening"),
        pytest.param(LEGAL, NEW_YORK, "2026-03-08 02:00", False, "2026-03-08 12:00", id="night-of-spring-forward"),
        pytest.param(LEGAL, NEW_YORK, "2026-11-01 02:00", False, "2026-11-01 13:00", id="night-of-fall-back"),
        pytest.param(LEGAL, SYDNEY, "2026-04-04 12:00", False, "2026-04-04 22:00", id="sydney-autumn"),
        pytest.param(LEGAL, SYDNEY, "2026-10-03 12:00", False, "2026-10-03 21:00", id="sydney-spring"),
        pytest.param(LEGAL, KATHMANDU, "2026-01-15 02:14", False, "2026-01-15 02:15", id="quarter-hour-offset"),
        pytest.param(
            WeeklyHours((Span(4, 540, 1080),)), NEW_YORK, "2026-01-16 23:00", False, "2026-01-23 14:00", id="next-week"
        ),
        pytest.param(
            WeeklyHours((Span(6, 1200, 1440), Span(0, 0, 120))),
            NEW_YORK,
            "2026-01-19 03:00",
            True,
            "2026-01-19 07:00",
            id="sunday-runs-into-monday",
        ),
        pytest.param(
            WeeklyHours((Span(3, 540, 720), Span(3, 700, 800))),
            NEW_YORK,
            "2026-01-15 15:00",
            True,
            "2026-01-15 18:20",
            id="overlapping-spans",
        ),
    ],
)
def test_window_opens_and_closes_on_the_minute(hours, zone, now, is_open, until):
    """The answer and the moment of its change are those of the wall clock."""
    assert window(hours, zone, utc(now)) == Window(open=is_open, until_us=utc(until))


@pytest.mark.parametrize(
    ("span", "zone", "now", "expected"),
    [
        # New York, 8 March 2026: 02:00 EST is followed by 03:00 EDT, which is 07:00 UTC.
        pytest.param((120, 180), NEW_YORK, "2026-03-08 05:00", [], id="wholly-skipped"),
        pytest.param((150, 240), NEW_YORK, "2026-03-08 05:00", [("07:00", "08:00")], id="begins-in-the-gap"),
        pytest.param((60, 150), NEW_YORK, "2026-03-08 05:00", [("06:00", "07:00")], id="ends-in-the-gap"),
        # New York, 1 November 2026: 02:00 EDT (06:00 UTC) becomes 01:00 EST.
        pytest.param((60, 120), NEW_YORK, "2026-11-01 04:30", [("05:00", "07:00")], id="repeated-hour-is-open-twice"),
        pytest.param(
            (0, 90), NEW_YORK, "2026-11-01 03:00", [("04:00", "05:30"), ("06:00", "06:30")], id="closes-twice"
        ),
        # Lord Howe Island moves by half an hour: 5 April 2026, 02:00 +11 (15:00 UTC) becomes 01:30 +10:30.
        pytest.param((90, 120), LORD_HOWE, "2026-04-04 13:30", [("14:30", "15:30")], id="half-hour-repeated"),
        # 4 October 2026, 02:00 +10:30 (15:30 UTC) is followed by 02:30 +11.
        pytest.param((120, 150), LORD_HOWE, "2026-10-03 13:30", [], id="half-hour-skipped"),
    ],
)
def test_skipped_and_repeated_hours(span, zone, now, expected):
    """A skipped hour is never open; a repeated one is open in both passes."""
    hours = WeeklyHours((Span(6, *span),))
    at, end, found = utc(now), utc(now) + DAY_US // 4, []
    while at < end:
        answer = window(hours, zone, at)
        if answer.open:
            found.append((at, answer.until_us))
        at = answer.until_us
    assert found == [tuple(utc(f"{now[:10]} {clock}") for clock in pair) for pair in expected]


def test_never_and_always_do_not_change():
    """No spans never open and the whole week never closes: no moment to wait for."""
    now = utc("2026-03-08 05:00")
    assert window(NEVER, NEW_YORK, now) == Window(open=False, until_us=None)
    assert window(ALWAYS, NEW_YORK, now) == Window(open=True, until_us=None)
    assert window_all({NEW_YORK: ALWAYS, SYDNEY: ALWAYS}, [NEW_YORK, SYDNEY], now) == Window(open=True, until_us=None)


def test_window_all_opens_last_and_closes_first():
    """Over two zones the day starts with the western one and ends with the eastern one."""
    hours = {NEW_YORK: LEGAL, DENVER: LEGAL}
    assert window_all(hours, [NEW_YORK, DENVER], utc("2026-01-15 14:00")) == Window(
        open=False, until_us=utc("2026-01-15 15:00")
    )
    assert window_all(hours, [NEW_YORK, DENVER], utc("2026-01-15 15:00")) == Window(
        open=True, until_us=utc("2026-01-16 02:00")
    )


@pytest.mark.parametrize(
    ("hours", "zones"),
    [
        pytest.param({NEW_YORK: LEGAL}, [], id="no-zone"),
        pytest.param({NEW_YORK: LEGAL}, [NEW_YORK, DENVER], id="no-rule"),
        pytest.param({NEW_YORK: LEGAL, DENVER: NEVER}, [NEW_YORK, DENVER], id="one-never"),
        pytest.param(
            {NEW_YORK: WeeklyHours.daily(600, 630), DENVER: WeeklyHours.daily(600, 630)},
            [NEW_YORK, DENVER],
            id="disjoint",
        ),
    ],
)
def test_window_all_fails_closed(hours, zones):
    """Nothing known, a missing rule or hours without a common moment: never open."""
    assert window_all(hours, zones, utc("2026-01-15 15:00")) == Window(open=False, until_us=None)


def test_hours_that_meet_only_in_winter_are_found_from_summer():
    """Two hours apart in winter, three in summer: the first common moment is after the clocks change."""
    hours = {NEW_YORK: WeeklyHours.daily(600, 630), PHOENIX: WeeklyHours.daily(480, 510)}
    found = window_all(hours, [NEW_YORK, PHOENIX], utc("2026-07-01 15:00"))
    assert found == Window(open=False, until_us=utc("2026-11-01 15:00"))


spans = st.builds(
    lambda day, a, b: Span(day, min(a, b), max(a, b) + 1), st.integers(0, 6), st.integers(0, 1439), st.integers(0, 1439)
)
weeks = st.lists(spans, min_size=1, max_size=6).map(lambda found: WeeklyHours(tuple(found)))
# Around and between clock changes of 2025 to 2027.
moments = st.one_of(
    st.integers(utc("2025-01-01"), utc("2027-12-31")),
    st.integers(utc("2026-03-07"), utc("2026-03-09")),
    st.integers(utc("2026-11-01"), utc("2026-11-02")),
    st.integers(utc("2026-10-03"), utc("2026-10-04 20:00")),
)


@settings(max_examples=200, deadline=None)
@given(hours=weeks, zone=st.sampled_from(ZONES), now=moments, fraction=st.floats(0, 1, exclude_max=True))
def test_answer_is_the_wall_clocks_and_holds_until_it_says(hours, zone, now, fraction):
    """At any moment before ``until_us`` the definition gives the same answer, and at ``until_us`` the other one."""
    answer = window(hours, zone, now)
    assert answer.open == naive_open(hours, zone, now)
    if answer.until_us is None:
        assert answer.open
        return
    inside = now + int((answer.until_us - now) * fraction)
    assert naive_open(hours, zone, inside) == answer.open
    assert naive_open(hours, zone, answer.until_us) != answer.open


@settings(max_examples=150, deadline=None)
@given(
    hours=weeks,
    zones=st.lists(st.sampled_from(ZONES), min_size=1, max_size=3),
    more=st.sampled_from(ZONES),
    now=moments,
    fraction=st.floats(0, 1, exclude_max=True),
)
def test_another_zone_never_allows_more(hours, zones, more, now, fraction):
    """Not knowing where someone is can only narrow the hours; the joint answer holds like a single one."""
    table = dict.fromkeys(ZONES, hours)
    few, many = window_all(table, zones, now), window_all(table, [*zones, more], now)
    assert few.open or not many.open
    assert few.open == all(naive_open(hours, zone, now) for zone in zones)
    if many.open and few.until_us is not None:
        assert many.until_us is not None
        assert many.until_us <= few.until_us
    if not few.open and few.until_us is not None:
        assert many.until_us is None or many.open or many.until_us >= few.until_us
    if few.until_us is not None:
        inside = now + int((few.until_us - now) * fraction)
        assert all(naive_open(hours, zone, inside) for zone in zones) == few.open


def test_unknown_zone_is_an_error():
    """A zone that does not exist is never taken for an open one."""
    with pytest.raises(KeyError):
        window(LEGAL, "America/Nowhere", 20_000 * DAY_US + HOUR_US + MINUTE_US)
