"""The schedule as operators write it: there and back, and what is refused."""
# ruff: noqa: DTZ001 - a wall clock has no zone

from datetime import datetime

import pytest
from pydantic import ValidationError

from dialer.config.schedule import ScheduleSection, Weekday
from dialer.domain.schedule import RecurrenceUnit, Schedule

BODY = {"start": "2026-03-02T09:00", "zone": "America/New_York"}


def test_there_and_back():
    """Requirements 94, 95, 97, 98."""
    written = {
        **BODY,
        "end": "2026-06-01T00:00",
        "unit": "week",
        "every": 2,
        "weekdays": ["thu", "mon"],
        "precedence": True,
    }
    schedule = ScheduleSection.model_validate(written).to_domain()
    start, end = datetime(2026, 3, 2, 9), datetime(2026, 6, 1)
    assert schedule == Schedule("America/New_York", start, end, RecurrenceUnit.WEEK, 2, (0, 3), precedence=True)
    assert ScheduleSection.of(schedule).to_domain() == schedule
    assert ScheduleSection.model_validate(BODY).to_domain() == Schedule("America/New_York", start)


def test_weekdays_begin_with_monday():
    assert [day.value for day in Weekday] == ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("start", "2026-03-02T09:00+01:00", "without an offset"),
        ("start", "2026-03-02T09:00:30", "whole minute"),
        ("start", "0001-01-01T00:00", "a year from 2000 to 2199"),
        ("end", "9999-12-31T23:59", "a year from 2000 to 2199"),
        ("zone", "EST5", "unknown time zone"),
        ("zone", "../etc/passwd", "unknown time zone"),
        ("end", "2026-03-02T09:00", "after the start"),
        ("weekdays", ["mon"], "unit week only"),
        ("every", 2, "needs a unit"),
        ("every", 0, "greater than or equal to 1"),
        ("unit", "hour", "'day', 'week', 'month' or 'year'"),
        ("ends", "2026-03-02T09:00", "not permitted"),
    ],
)
def test_what_is_refused(field, value, words):
    """With what is allowed. Requirement 94."""
    with pytest.raises(ValidationError, match=words):
        ScheduleSection.model_validate({**BODY, field: value})
