"""Numbers, times and names as people read them."""

import pytest

from dialer.screens import words


@pytest.mark.parametrize(
    ("part", "whole", "digits", "said"),
    [
        (0, 0, 1, "-"),
        (0, 10, 1, "0.0 %"),
        (10, 10, 1, "100.0 %"),
        (1, 8, 1, "12.5 %"),
        (1, 100_000, 1, "<0.1 %"),
        (99_999, 100_000, 1, ">99.9 %"),
        (1, 1000, 0, "<1 %"),
        (999, 1000, 0, ">99 %"),
        (0.0304, 1.0, 2, "3.04 %"),
    ],
)
def test_percent(part, whole, digits, said):
    """Some is never rounded to none, nor to all."""
    assert words.percent(part, whole, digits=digits) == said


@pytest.mark.parametrize(
    ("length_s", "said"),
    [(0.25, "0.2 s"), (59.9, "59.9 s"), (60, "1 min 00 s"), (3599.7, "1 h 00 min"), (90_000, "25 h 00 min")],
)
def test_duration(length_s, said):
    """Two units, and no "60 s" or "60 min"."""
    assert words.duration(length_s) == said


@pytest.mark.parametrize(("ms", "said"), [(4.25, "4.2 ms"), (47.9, "48 ms"), (10_250, "10.2 s")])
def test_milliseconds(ms, said):
    """Short waits keep a decimal, long ones become seconds."""
    assert words.milliseconds(ms) == said


@pytest.mark.parametrize(("per_s", "said"), [(0, "0.00"), (0.358, "0.36"), (3.14, "3.1"), (1234.5, "1,234")])
def test_rate(per_s, said):
    """Slow rates keep decimals."""
    assert words.rate(per_s) == said


def test_times_are_utc():
    """Whoever reads a time knows its zone."""
    assert words.clock(1_789_999_200_000_000) == "14:00:00 UTC"
    assert words.moment(1_789_999_200_000_000) == "2026-09-21 14:00:00 UTC"
    assert words.day_and_time(1_789_999_200_000_000) == "Mon 2026-09-21 14:00 UTC"


def test_plain_takes_out_controls(nasty):
    """No escape sequence, line break or change of writing direction gets through."""
    shown = words.plain(nasty + "\nnext\tline")
    assert shown.isprintable()
    assert shown.startswith("?[31m<script>")
    assert shown.endswith("? next line")


def test_spoken():
    """Stored names become words."""
    assert words.spoken("no_answer") == "no answer"
    assert words.spoken("dnc") == "do-not-call list"
