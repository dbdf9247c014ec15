"""Charts as inline SVG: text and rectangles with classes, so that the page's colours apply in light, dark and print.

Every chart has a title and a description that says the figures in words, for people who hear the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from dialer.domain.specs import DAY_US, MINUTE_US
from dialer.screens.figures import Bucket
from dialer.screens.words import count, day_and_time, hour_and_minute, percent, weekday_and_time

_WIDTH = 720
_ROW, _BAR, _LABEL, _VALUE = 26, 16, 205, 130  #: of the bar chart: height of a row and a bar, width of the texts
_PLOT_LEFT, _PLOT_TOP, _PLOT_HEIGHT, _AXIS = 52, 12, 190, 28  #: of the chart over time
_MOST_COLUMNS = 96
_STEPS_MINUTES = (1, 2, 5, 10, 15, 30, 60, 120, 240, 360, 720, 1440)  #: widths of a column that fit clock and day
_MOST_TICKS = 8


class Bar(NamedTuple):
    """One bar: its name, length and colour class."""

    label: str
    number: int
    colour: str


def bars(title: str, rows: Sequence[Bar], whole: int, *, ident: str) -> str:
    """Horizontal bars with their counts and shares.

    Args:
        title: What is shown.
        rows: One per bar; at least one.
        whole: What shares are of, more than 0.
        ident: Unique on the page.

    Returns:
        An ``svg`` element.
    """
    room = _WIDTH - _LABEL - _VALUE
    longest = max(row.number for row in rows) or 1
    parts = []
    for at, row in enumerate(rows):
        y = at * _ROW
        middle = y + _ROW / 2
        size = max(1.0, room * row.number / longest) if row.number else 0
        words = f"{count(row.number)} ({percent(row.number, whole)})"
        parts.append(
            f'<text x="{_LABEL - 10}" y="{middle:g}" dy=".35em" text-anchor="end">{escape(_cut(row.label))}</text>'
            f'<rect class="f-{row.colour}" x="{_LABEL}" y="{y + (_ROW - _BAR) / 2:g}" width="{size:.1f}" '
            f'height="{_BAR}" rx="2"/>'
            f'<text x="{_LABEL + size + 8:.1f}" y="{middle:g}" dy=".35em">{words}</text>'
        )
    said = "; ".join(f"{row.label}: {count(row.number)}, {percent(row.number, whole)}" for row in rows)
    return _svg(title, said, "".join(parts), height=len(rows) * _ROW, ident=ident)


def meter(title: str, share: float, *, ident: str) -> str:
    """One bar that is filled as far as ``share``, 0 to 1, says."""
    room = _WIDTH - _VALUE
    parts = (
        f'<rect class="f-track" x="0" y="5" width="{room}" height="{_BAR}" rx="2"/>'
        f'<rect class="f-good" x="0" y="5" width="{room * min(1.0, share):.1f}" height="{_BAR}" rx="2"/>'
        f'<text x="{room + 8}" y="13" dy=".35em">{percent(share)}</text>'
    )
    return _svg(title, percent(share), parts, height=_ROW, ident=ident)


def over_time(title: str, minutes: Sequence[Bucket], *, ident: str) -> str:
    """Stacked columns over time: connected, abandoned, all other attempts.

    Args:
        title: What is shown.
        minutes: Counts, oldest first, empty stretches left out; at least one.
        ident: Unique on the page.

    Returns:
        An ``svg`` element. Columns stand for as many minutes as keep them readable.
    """
    columns, step_us = _columns(minutes)
    top = _nice(max(column.attempts for column in columns))
    pitch = (_WIDTH - _PLOT_LEFT) / len(columns)
    parts = [_scale(top)]
    for at, column in enumerate(columns):
        floor = 0
        x = _PLOT_LEFT + at * pitch
        stack = (
            ("good", column.connected),
            ("bad", column.abandoned),
            ("plain", column.attempts - column.connected - column.abandoned),
        )
        words = f"{day_and_time(column.at_us)}: {count(column.attempts)} attempts, "
        words += f"{count(column.connected)} connected, {count(column.abandoned)} abandoned"
        boxes = []
        for colour, number in stack:
            if number > 0:
                y, height = _up(floor + number, top), _PLOT_HEIGHT * number / top
                width = max(0.5, pitch * 0.84)
                boxes.append(
                    f'<rect class="f-{colour}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'
                )
                floor += number
        if boxes:
            parts.append(f"<g><title>{words}</title>{''.join(boxes)}</g>")
    parts.append(_moments(columns, step_us, pitch))
    said = (
        f"{count(sum(c.attempts for c in columns))} attempts from {day_and_time(columns[0].at_us)} to "
        f"{day_and_time(columns[-1].at_us + step_us)}; the most in {step_us // MINUTE_US} min: "
        f"{count(max(c.attempts for c in columns))}"
    )
    return _svg(title, said, "".join(parts), height=_PLOT_TOP + _PLOT_HEIGHT + _AXIS, ident=ident)


def column_minutes(minutes: Sequence[Bucket]) -> int:
    """How many minutes one column of ``over_time`` stands for."""
    return _step_us(minutes[0].at_us, minutes[-1].at_us, most=_MOST_COLUMNS) // MINUTE_US


def _columns(minutes: Sequence[Bucket]) -> tuple[list[Bucket], int]:
    step_us = column_minutes(minutes) * MINUTE_US
    first = minutes[0].at_us // step_us
    sums = [[0, 0, 0] for _ in range(minutes[-1].at_us // step_us - first + 1)]
    for bucket in minutes:
        into = sums[bucket.at_us // step_us - first]
        for at, number in enumerate(bucket[1:]):
            into[at] += number
    return [Bucket((first + at) * step_us, *numbers) for at, numbers in enumerate(sums)], step_us


def _step_us(first_us: int, last_us: int, *, most: int) -> int:
    """The shortest handy stretch of time that cuts the span into at most so many."""
    span_us = last_us - first_us + MINUTE_US
    for step in _STEPS_MINUTES:
        if span_us <= step * MINUTE_US * most:
            return step * MINUTE_US
    return DAY_US * -(-span_us // (DAY_US * most))


def _nice(most: int) -> int:
    """The next number of the form 2, 4, 6, 8, 10, 20, 40 and so on: halves of it are whole."""
    unit = 1
    while True:
        for factor in (2, 4, 6, 8, 10):
            if most <= factor * unit:
                return factor * unit
        unit *= 10


def _up(number: float, top: int) -> float:
    return _PLOT_TOP + _PLOT_HEIGHT * (1 - number / top)


def _scale(top: int) -> str:
    return "".join(
        f'<line class="grid" x1="{_PLOT_LEFT}" x2="{_WIDTH}" y1="{_up(number, top):g}" y2="{_up(number, top):g}"/>'
        f'<text class="axis" x="{_PLOT_LEFT - 8}" y="{_up(number, top):g}" dy=".35em" text-anchor="end">'
        f"{count(number)}</text>"
        for number in (0, top // 2, top)
    )


def _moments(columns: Sequence[Bucket], step_us: int, pitch: float) -> str:
    """Times below the axis, at full hours and the like."""
    tick_us = _step_us(columns[0].at_us, columns[-1].at_us, most=_MOST_TICKS)
    long = columns[-1].at_us - columns[0].at_us >= DAY_US
    write = weekday_and_time if long else hour_and_minute
    first = -(-columns[0].at_us // tick_us) * tick_us
    y = _PLOT_TOP + _PLOT_HEIGHT
    parts = []
    for at_us in range(first, columns[-1].at_us + 1, tick_us):
        x = _PLOT_LEFT + (at_us - columns[0].at_us) / step_us * pitch
        anchor = "start" if x < _PLOT_LEFT + 20 else "middle"  # the first one would stand below the scale
        parts.append(
            f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{y}" y2="{y + 5}"/>'
            f'<text class="axis" x="{x:.1f}" y="{y + 20}" text-anchor="{anchor}">{write(at_us)}</text>'
        )
    return "".join(parts)


def _cut(label: str) -> str:
    longest = 28
    return label if len(label) <= longest else label[: longest - 1] + "…"


def _svg(title: str, said: str, content: str, *, height: float, ident: str) -> str:
    return (
        f'<div class="chart"><svg viewBox="0 0 {_WIDTH} {height:g}" role="img" aria-labelledby="{ident}-t {ident}-d">'
        f'<title id="{ident}-t">{escape(title)}</title><desc id="{ident}-d">{escape(said)}</desc>{content}</svg></div>'
    )
