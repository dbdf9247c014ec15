"""When dialler time starts: by the wall clock, at a given moment, or, for simulated callees, in calling hours."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from dialer.config import load_rules
from dialer.domain.localtime import window_all
from dialer.domain.specs import SECOND_US, WeeklyHours
from dialer.errors import ConfigError

#: Where most contacts are. Simulated time starts when all of them may be called.
_MAINLAND = ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles")
#: Two patterns of hours meet within so many openings, or practically never.
_LOOKS = 32


def start_of(given: str | None, *, last_us: int, hours: WeeklyHours | None) -> tuple[int, str]:
    """Dialler time at the start of a process.

    Args:
        given: ``now``, a moment in ISO 8601 (UTC without an offset), or None.
        last_us: Time of the last record, 0 for none: time never goes back behind it.
        hours: Without a given moment: wait, in simulated time, for these hours and the legal ones; None for now.

    Returns:
        The time in UTC microseconds, and what to tell the operator about it, "" for nothing.

    Raises:
        ConfigError: The moment cannot be read, or lies before the last record.
    """
    now_us = max(time.time_ns() // 1_000, last_us + SECOND_US)
    if given is not None and given != "now":
        return _given(given, last_us), ""
    if given == "now" or hours is None:
        return now_us, ""
    start_us = _both_open(now_us, hours)
    if start_us <= now_us:
        return now_us, ""
    shown = datetime.fromtimestamp(start_us / SECOND_US, UTC)
    return start_us, f"simulated time starts at {shown:%a %Y-%m-%d %H:%M} UTC, when all may be called (or --start now)"


def _given(text: str, last_us: int) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        line = f"--start must be now or ISO 8601, for example 2026-03-03T15:00Z, not {text!r}"
        raise ConfigError(line) from None
    given_us = round(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * SECOND_US)
    if given_us <= last_us:
        shown = datetime.fromtimestamp(last_us / SECOND_US, UTC)
        raise ConfigError(f"--start {text} is before the last record of {shown:%Y-%m-%d %H:%M:%S} UTC; start later")
    return given_us


def _both_open(now_us: int, hours: WeeklyHours) -> int:
    """The first moment at which the law and the campaign allow calls to the whole mainland; now if there is none."""
    legal = dict(load_rules().hours_by_zone)
    both = ({zone: legal[zone] for zone in _MAINLAND}, dict.fromkeys(_MAINLAND, hours))
    at_us = now_us
    for _ in range(_LOOKS):
        closed = [window for window in (window_all(by_zone, _MAINLAND, at_us) for by_zone in both) if not window.open]
        if not closed:
            return at_us
        if closed[0].until_us is None:
            break
        at_us = closed[0].until_us
    return now_us
