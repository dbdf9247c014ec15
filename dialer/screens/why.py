"""Why contacts are not being dialled: the waterfall of a campaign, or the standing of one contact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from dialer.screens.bars import bar
from dialer.screens.words import BAD, BUSY, GOOD, IDLE, QUIET, count, moment, percent, plain, spoken

_ALL, _DIALABLE, _EXCLUDED = "rows in the list", "dialable", "excluded: "  #: labels that ``storage.why`` gives
_LABEL, _COUNT, _SHARE, _MAX_BAR = 36, 12, 9, 48

#: What to make of the state of a contact that is not dialled again.
_NEVER: Mapping[str, str] = {
    "excluded": "never: it was left out when the list was prepared",
    "in_progress": "not before the attempt in progress is over",
    "verdict": "not before its agent has closed the call",
    "number_busy": "as soon as the other call to its number is over",
    "done": "never: it is done",
    "used_up": "never: its attempts are used up",
    "dnc": "never, unless it comes off the do-not-call list",
    "ended": "never in this run",
}


def print_waterfall(console: Console, campaign: str, steps: Sequence[tuple[str, int]]) -> None:
    """Print the waterfall of a campaign; see ``waterfall``."""
    console.print(waterfall(campaign, steps, width=console.width))


def waterfall(campaign: str, steps: Sequence[tuple[str, int]], *, width: int) -> RenderableType:
    """From the rows of the list to where each contact stands, as bars that continue one another.

    Args:
        campaign: Campaign id.
        steps: Label and count as ``storage.why.why_campaign`` returns them.
        width: Columns of the terminal, 80 or more.

    Returns:
        Something rich can print.
    """
    size = max(8, min(_MAX_BAR, width - _LABEL - _COUNT - _SHARE - 4))
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=_LABEL, no_wrap=True, overflow="ellipsis")
    table.add_column(width=_COUNT, justify="right", no_wrap=True)
    table.add_column(width=_SHARE, justify="right", no_wrap=True)
    table.add_column(width=size, no_wrap=True)
    whole = next((number for label, number in steps if label == _ALL), 0)
    dialable = next((number for label, number in steps if label == _DIALABLE), 0)
    left_out, placed = 0, 0
    for label, number in steps:
        if label in {_ALL, _DIALABLE}:
            drawn = bar(0, number, whole, width=size, style=GOOD if label == _DIALABLE else BUSY)
            table.add_row(Text(plain(label)), count(number), percent(number, whole), drawn, style="bold")
        elif label.startswith(_EXCLUDED):
            left_out += number
            drawn = bar(whole - left_out, whole - left_out + number, whole, width=size, style=IDLE)
            name = f"- {_EXCLUDED}{spoken(label.removeprefix(_EXCLUDED))}"
            table.add_row(Text(name), count(number), percent(number, whole), drawn)
        else:
            drawn = bar(placed, placed + number, whole, width=size, style=QUIET)
            placed += number
            table.add_row(Text(f"  {spoken(label)}"), count(number), percent(number, whole), drawn)
    parts: list[RenderableType] = [Text(plain(campaign), style="bold"), Text(), table]
    if left_out + dialable != whole or placed != dialable:
        parts.append(Text("These figures do not add up; run `dialer audit`", style=f"bold {BAD}"))
    return Group(*parts)


def print_contact(console: Console, answer: Mapping[str, Any]) -> None:
    """Print how one contact stands; see ``contact``."""
    console.print(contact(answer))


def contact(answer: Mapping[str, Any]) -> RenderableType:
    """How one contact stands, what was tried, and when it may be called next.

    Args:
        answer: What ``storage.why.why_contact`` returns.

    Returns:
        Something rich can print.
    """
    state, reason, next_us = answer["state"], answer["reason"], answer["next_us"]
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column()
    if next_us is not None:
        next_call = Text(f"{moment(next_us)}, at the earliest", style=GOOD)
    else:
        next_call = Text(_NEVER.get(state, f"never: {spoken(reason)}"), style=IDLE)
    grid.add_row("campaign", Text(f"{plain(answer['campaign'])}, run {answer['run_no']}"))
    grid.add_row("contact", Text(plain(answer["number"] or "no number that could be dialled")))
    grid.add_row("state", Text(f"{spoken(state)}: {spoken(reason)}"))
    if answer.get("callback_us"):
        grid.add_row("callback", Text(f"asked for {moment(answer['callback_us'])}"))
    if answer.get("agent"):
        grid.add_row("waits for", Text(f"agent {plain(answer['agent'])}"))
    if answer.get("skips"):
        grid.add_row("skips", Text(count(answer["skips"])))
    grid.add_row("next call", next_call)
    attempts = answer["attempts"]
    if not attempts:
        return Group(grid, Text(), Text("It was never tried.", style=QUIET))
    return Group(grid, Text(), _attempts(attempts))


def _attempts(attempts: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style=QUIET)
    table.add_column("try", justify="right")
    table.add_column("accepted", no_wrap=True)
    table.add_column("ended", no_wrap=True)
    table.add_column("outcome", no_wrap=True)
    table.add_column("agent", overflow="ellipsis", no_wrap=True)
    for one in attempts:
        ended = moment(one["ended_us"]) if one["ended_us"] else "-"
        outcome = spoken(one["outcome"]) if one["outcome"] else "open"
        table.add_row(str(one["try"]), moment(one["at_us"]), ended, Text(outcome), Text(plain(one["agent"] or "")))
    return table
