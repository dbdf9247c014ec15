"""The report of a run on the screen, so that anybody can add it up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from dialer.screens.bars import bar
from dialer.screens.figures import Check, Figures, figures
from dialer.screens.words import BAD, BUSY, GOOD, IDLE, QUIET, count, percent, spoken

_LABEL, _COUNT, _SHARE = 24, 12, 9  #: columns of a block; the bar takes the rest, up to _MAX_BAR
_MAX_BAR = 48

#: Outcomes that deserve a colour; the others are the ordinary ways in which nobody is reached.
_OUTCOME_STYLE: Mapping[str, str] = {
    "connected": GOOD,
    "abandoned": BAD,
    "hung_up": IDLE,
    "failed": BAD,
    "unknown": BAD,
}


def print_report(console: Console, report: Mapping[str, Any]) -> None:
    """Print the report of a run.

    Args:
        console: Where to.
        report: See ``figures``.
    """
    console.print(final_report(report, width=console.width))


def final_report(report: Mapping[str, Any], *, width: int) -> RenderableType:
    """The report of a run, as something rich can print.

    Args:
        report: See ``figures``.
        width: Columns of the terminal, 80 or more.

    Returns:
        The renderable.
    """
    found = figures(report)
    bar_size = max(8, min(_MAX_BAR, width - _LABEL - _COUNT - _SHARE - 4))
    parts: list[RenderableType] = [_title(found)]
    if found.contacts is not None:
        parts += [Text(), _contacts(found, bar_size)]
    parts += [Text(), _attempts(found, bar_size)]
    if found.dispositions:
        parts += [Text(), _dispositions(found, bar_size)]
    parts += [Text(), _facts(found)]
    parts += [Text(), _checks(found.checks())]
    return Group(*parts)


def _title(found: Figures) -> Rule:
    title = Text(found.campaign, style="bold", overflow="ellipsis")
    for words in (found.mode, found.status, *found.marks):
        if words:
            title.append("  ").append(words, style="not bold")
    return Rule(title, align="left", style=QUIET)


def _contacts(found: Figures, bar_size: int) -> Table:
    whole = found.contacts or 0
    table = _block("contacts", bar_size)
    _line(table, "dialable", found.dialable, whole, style=GOOD, bar_size=bar_size)
    _line(table, "excluded", found.excluded_total, whole, style=IDLE, bar_size=bar_size)
    for reason, number in found.excluded:
        _line(table, f"  {reason}", number, whole, style=QUIET, bar_size=bar_size)
    _total(table, "all contacts", whole)
    return table


def _attempts(found: Figures, bar_size: int) -> Table:
    table = _block("attempts", bar_size)
    for name, number in found.outcomes:
        style = _OUTCOME_STYLE.get(name, BUSY)
        _line(table, spoken(name), number, found.attempts, style=style, bar_size=bar_size)
    _total(table, "all attempts", found.attempts)
    return table


def _dispositions(found: Figures, bar_size: int) -> Table:
    table = _block("dispositions", bar_size)
    for code, number in found.dispositions:
        _line(table, code, number, found.disposition_total, style=BUSY, bar_size=bar_size)
    _total(table, "all dispositions", found.disposition_total)
    return table


def _block(head: str, bar_size: int) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    table.add_column(head, width=_LABEL, no_wrap=True, overflow="ellipsis")
    table.add_column("", width=_COUNT, justify="right", no_wrap=True)
    table.add_column("", width=_SHARE, justify="right", no_wrap=True)
    table.add_column("", width=bar_size, no_wrap=True)
    return table


def _line(table: Table, label: str, number: int, whole: int, *, style: str, bar_size: int) -> None:
    table.add_row(
        Text(label), count(number), percent(number, whole), bar(0, number, whole, width=bar_size, style=style)
    )


def _total(table: Table, label: str, number: int) -> None:
    table.add_row(Text(label), count(number), percent(number, number), Text(), style="bold")


def _facts(found: Figures) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, style="bold")
    grid.add_column()
    for name, words in found.facts():
        bad = (name == "Abandoned" and found.over_limit) or name == "Open"
        grid.add_row(Text(name), Text(words, style=BAD if bad else ""))
    return grid


def _checks(checks: Sequence[Check]) -> Table:
    grid = Table.grid(padding=(0, 1, 0, 0))
    for check in checks:
        mark, style = ("✓", GOOD) if check.right else ("✗", f"bold {BAD}")
        grid.add_row(Text(mark, style=style), Text(check.line, style="" if check.right else style))
    return grid
