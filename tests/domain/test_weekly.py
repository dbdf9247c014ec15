"""Weekly hours as text."""

from __future__ import annotations

import pytest

from dialer.domain.specs import Span, WeeklyHours
from dialer.domain.weekly import common_hours, parse_hours


@pytest.mark.parametrize(
    ("lines", "spans"),
    [
        pytest.param(["mon 09:00-18:00"], [(0, 540, 1080)], id="one-day"),
        pytest.param(["sat,sun 10:00-14:30"], [(5, 600, 870), (6, 600, 870)], id="list"),
        pytest.param(["sun-mon 00:00-24:00"], [(6, 0, 1440), (0, 0, 1440)], id="over-the-weekend"),
        pytest.param([" Tue  8:05 - 9:00 "], [(1, 485, 540)], id="spaces-and-capitals"),
        pytest.param(["mon 08:00-09:00", "mon 10:00-11:00"], [(0, 480, 540), (0, 600, 660)], id="two-lines"),
        pytest.param([], [], id="never"),
    ],
)
def test_lines_become_spans(lines, spans):
    """Days and times mean what they say."""
    assert parse_hours(lines) == WeeklyHours(tuple(Span(*span) for span in spans))


@pytest.mark.parametrize(
    "line",
    [
        "",
        "mon",
        "mon 9-18",
        "mon 18:00-09:00",
        "mon 09:00-09:00",
        "mon 09:60-10:00",
        "mon 09:00-24:01",
        "fun 09:00-10:00",
        "mon- 09:00-10:00 x",
        "mon-tue-wed 09:00-10:00",
        "mon, 09:00-10:00",
        "mon 09:00-18:00; drop",
        "mon \N{ARABIC-INDIC DIGIT ZERO}9:00-10:00",
    ],
)
def test_other_text_is_refused_with_an_example(line):
    """A line that is not of the form is an error that shows the form."""
    with pytest.raises(ValueError, match="write for example 'mon-fri 09:00-18:00'"):
        parse_hours([line])


def test_common_hours_are_inside_both():
    """Two laws together leave what both allow; touching spans leave nothing."""
    one = parse_hours(["mon-wed 08:00-21:00"])
    other = parse_hours(["tue-thu 09:00-22:00", "mon 21:00-22:00"])
    assert common_hours(one, other) == parse_hours(["tue-wed 09:00-21:00"])
