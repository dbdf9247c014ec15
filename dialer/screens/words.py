"""How numbers, times and names are written wherever an operator reads them.

Names come from files and people: ``plain`` takes out what could move a cursor or recolour a terminal. Times of day are
UTC and say so, because contacts, agents and the operator may be in three zones.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

#: Highest share of live answers that may be abandoned over 30 days of one campaign (16 CFR 310.4(b)(4)(i)).
ABANDON_LIMIT_RATIO = 0.03

#: Colours of the terminal and of the page follow one order: talking to people is good, leaving them alone is not.
GOOD, BAD, IDLE, BUSY, QUIET = "green", "red", "yellow", "cyan", "bright_black"

_SPOKEN: Mapping[str, str] = {
    "dnc": "do-not-call list",
    "filtered": "not wanted by the filter",
    "agent": "due for one agent",
    "capped": "attempt cap",
    "verdict": "waiting for its disposition",
    "fresh": "never tried",
    "parked": "outside its hours",
    "number_busy": "number busy elsewhere",
    "used_up": "attempts used up",
}

_MINUTE_S = 60
_HOUR_S = 60 * _MINUTE_S
_PERCENT = 100
_TEN = 10


def count(number: float) -> str:
    """A whole number with thousands marked."""
    return f"{round(number):,}"


def percent(part: float, whole: float = 1.0, *, digits: int = 1) -> str:
    """A share as a percentage, a dash if there is no whole.

    Args:
        part: 0 to ``whole``.
        whole: What the share is of.
        digits: Decimals.

    Returns:
        For example ``12.5 %``. What is neither none nor all is never rounded to 0 or 100.
    """
    if whole <= 0:
        return "-"
    smallest = 10.0**-digits
    value = round(_PERCENT * part / whole, digits)
    if 0 < part < whole:
        if value == 0:
            return f"<{smallest:.{digits}f} %"
        if value == _PERCENT:
            return f">{_PERCENT - smallest:.{digits}f} %"
    return f"{value:.{digits}f} %"


def rate(per_s: float) -> str:
    """A rate: two decimals below one, one below ten, none above."""
    if per_s < 1:
        return f"{per_s:.2f}"
    return f"{per_s:.1f}" if per_s < _TEN else count(per_s)


def milliseconds(duration_ms: float) -> str:
    """A short duration in milliseconds, or in seconds from ten of them on."""
    if duration_ms >= _TEN * 1000:
        return f"{duration_ms / 1000:,.1f} s"
    return f"{duration_ms:,.1f} ms" if duration_ms < _TEN else f"{count(duration_ms)} ms"


def duration(length_s: float) -> str:
    """A long duration in its two largest units."""
    if length_s < _MINUTE_S:
        return f"{length_s:.1f} s"
    whole = round(length_s)
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min {whole % _MINUTE_S:02d} s"
    return f"{whole // _HOUR_S:,} h {whole % _HOUR_S // _MINUTE_S:02d} min"


def clock(moment_us: int) -> str:
    """Time of day."""
    return f"{_utc(moment_us):%H:%M:%S} UTC"


def moment(moment_us: int) -> str:
    """Date and time of day."""
    return f"{_utc(moment_us):%Y-%m-%d %H:%M:%S} UTC"


def day_and_time(moment_us: int) -> str:
    """Weekday, date and minute."""
    return f"{_utc(moment_us):%a %Y-%m-%d %H:%M} UTC"


def hour_and_minute(moment_us: int) -> str:
    """Hour and minute, for axes that name the zone elsewhere."""
    return f"{_utc(moment_us):%H:%M}"


def weekday_and_time(moment_us: int) -> str:
    """Weekday, hour and minute, for axes longer than a day."""
    return f"{_utc(moment_us):%a %H:%M}"


def spoken(name: str) -> str:
    """A stored name as words: ``no_answer`` is "no answer"."""
    return _SPOKEN.get(name) or plain(name).replace("_", " ")


def plain(text: Any) -> str:
    """Text on one line without control characters: what cannot be shown becomes a question mark."""
    return "".join(char if char.isprintable() else "?" for char in " ".join(str(text).split()))


def largest_first(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Counts by size, names in order where sizes are equal."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _utc(moment_us: int) -> datetime:
    return datetime.fromtimestamp(moment_us // 1_000_000, UTC)
