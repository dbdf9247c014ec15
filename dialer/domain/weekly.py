"""Weekly hours as people write them, and what two of them have in common."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dialer.domain.specs import Span, WeeklyHours

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"([a-z,-]+) +([0-9]{1,2}):([0-9]{2}) *- *([0-9]{1,2}):([0-9]{2})")
_MINUTES_PER_HOUR = 60
_MINUTES_PER_DAY = 24 * _MINUTES_PER_HOUR


def _days(text: str) -> list[int]:
    """Week days of ``mon``, ``mon-fri`` or ``sat,sun``; 0 is Monday. A range may run over the weekend."""
    days: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        start, end = _DAYS.index(first), _DAYS.index(last or first)
        days += [(start + step) % len(_DAYS) for step in range((end - start) % len(_DAYS) + 1)]
    return days


def parse_hours(lines: Iterable[str]) -> WeeklyHours:
    """Weekly hours of lines such as ``mon-fri 09:00-18:00``.

    Args:
        lines: Days and one span each; ``24:00`` is the end of the day. A night is written as two spans.

    Returns:
        The hours, in the order given.

    Raises:
        ValueError: A line is not of this form.
    """
    spans: list[Span] = []
    for line in lines:
        found = _HOURS.fullmatch(line.strip().lower())
        try:
            if found is None:
                raise ValueError(line)  # noqa: TRY301 - one message for every way to be wrong
            days = _days(found[1])
            hour, minute, to_hour, to_minute = (int(found[at]) for at in range(2, 6))
            begin, end = hour * _MINUTES_PER_HOUR + minute, to_hour * _MINUTES_PER_HOUR + to_minute
            if max(minute, to_minute) >= _MINUTES_PER_HOUR or not 0 <= begin < end <= _MINUTES_PER_DAY:
                raise ValueError(line)  # noqa: TRY301
        except ValueError:
            msg = f"{line!r} is not calling hours; write for example 'mon-fri 09:00-18:00', the later time second"
            raise ValueError(msg) from None
        spans += [Span(day, begin, end) for day in days]
    return WeeklyHours(tuple(spans))


def common_hours(one: WeeklyHours, other: WeeklyHours) -> WeeklyHours:
    """Hours that are inside both."""
    pairs = ((a, b) for a in one.spans for b in other.spans if a.weekday == b.weekday)
    spans = {(a.weekday, max(a.from_minute, b.from_minute), min(a.to_minute, b.to_minute)) for a, b in pairs}
    return WeeklyHours(tuple(Span(*span) for span in sorted(spans) if span[1] < span[2]))
