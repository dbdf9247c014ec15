"""Bars of block characters that end an eighth of a column fine."""

from __future__ import annotations

from rich.text import Text

_EIGHTHS = " ▏▎▍▌▋▊▉"


def bar(begin: float, end: float, whole: float, *, width: int, style: str) -> Text:
    """Part of a whole, at its place.

    Args:
        begin: Where the part begins, 0 to ``whole``.
        end: Where it ends. More than nothing is always visible, be it an eighth of a column.
        whole: What the full width stands for.
        width: Columns.
        style: A colour.

    Returns:
        The bar, at most ``width`` columns long. It begins with a full column: blocks have no left edge to cut.
    """
    if whole <= 0 or end <= begin:
        return Text()
    first = min(width - 1, int(width * begin / whole))
    full, eighths = divmod(max(1, round(8 * width * min(1.0, end / whole)) - 8 * first), 8)
    return Text(" " * first + "█" * full + _EIGHTHS[eighths].strip(), style=style)
