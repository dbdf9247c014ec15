"""The board that a terminal shows while the dialer dials: campaigns, agents, trunks, rates. Fits 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dialer.domain.kinds import LIVE_ANSWERS, AgentState, CampaignState
from dialer.domain.views import CampaignView, Snapshot, TrunkView
from dialer.screens.rates import Pace
from dialer.screens.words import (
    ABANDON_LIMIT_RATIO,
    BAD,
    BUSY,
    GOOD,
    IDLE,
    QUIET,
    clock,
    count,
    percent,
    plain,
    rate,
    spoken,
)

_WIDE = 110  #: columns from which there is room for the contacts still to come
_MIN_NAME, _MAX_NAME, _MIN_BAR, _MAX_BAR = 8, 24, 6, 24
_FRAME_LINES = 8  #: lines that are not campaigns: clock, headings, totals, agents, prompt

_STATE_STYLE: Mapping[CampaignState, str] = {
    CampaignState.READY: "",
    CampaignState.ACTIVE: GOOD,
    CampaignState.PAUSED: IDLE,
    CampaignState.STOPPING: IDLE,
    CampaignState.STOPPED: BAD,
    CampaignState.COMPLETED: BUSY,
}

#: In the order from left to right: work first.
_AGENT_STYLE: Mapping[str, str] = {
    AgentState.TALKING: GOOD,
    AgentState.WRAP_UP: BUSY,
    AgentState.RESERVED: "bright_blue",
    AgentState.IDLE: IDLE,
    AgentState.BREAK: "magenta",
    AgentState.RECOVERING: BAD,
    AgentState.OFFLINE: QUIET,
}


class Tally(NamedTuple):
    """Figures of one campaign, or of several together."""

    contacts: int
    done: int
    fresh: int
    waiting: int  #: resting or outside their hours
    calls_up: int
    attempts: int
    connected: int
    abandoned: int
    live_answers: int  #: calls a person answered: the denominator of the abandonment ratio


def tally(views: Iterable[CampaignView]) -> Tally:
    """Add campaigns up."""
    lines = [
        Tally(
            v.contacts,
            v.done,
            v.fresh,
            v.resting + v.parked + v.callbacks + v.in_wrap_up,
            v.calls_up,
            v.attempts,
            v.connected,
            v.abandoned,
            sum(v.outcomes.get(outcome.name.lower(), 0) for outcome in LIVE_ANSWERS),
        )
        for v in views
    ]
    return Tally(*(sum(column) for column in zip(*lines, strict=True))) if lines else Tally(*[0] * len(Tally._fields))


def board(snapshot: Snapshot, pace: Pace, *, width: int, height: int) -> RenderableType:
    """Draw one picture.

    Args:
        snapshot: What to show.
        pace: How fast it goes.
        width: Columns of the terminal; 80 or more show everything.
        height: Lines of the terminal: campaigns that do not fit are counted, not shown.

    Returns:
        Something rich can print.
    """
    parts: list[RenderableType] = [_heading(snapshot, pace)]
    views = sorted(snapshot.campaigns, key=lambda view: view.state is not CampaignState.ACTIVE)
    lines_each = 2 if any(view.reason for view in views) else 1
    shown = views[: max(3, (height - _FRAME_LINES - len(snapshot.trunks)) // lines_each)]
    if shown:
        parts.append(_campaigns(shown, tally(views) if len(views) > 1 else None, width=width))
    if len(shown) < len(views):
        parts.append(Text(f"… and {len(views) - len(shown)} more campaigns, counted in the total", style=QUIET))
    parts.extend(_reason(view) for view in shown if view.reason)
    if snapshot.agents or snapshot.trunks:
        parts.append(Text())
        parts.append(_resources(snapshot.agents, snapshot.trunks, bar_width=32 if width >= _WIDE else 12))
    return Group(*parts)


def pace_words(pace: Pace) -> str:
    """Dials per second: per wall second, and per virtual one where that is another thing."""
    if not pace.virtual:
        return f"{rate(pace.dials_per_wall_s)} dials/s"
    return f"{rate(pace.dials_per_wall_s)} dials/s, {rate(pace.dials_per_virtual_s)} per virtual s"


def _heading(snapshot: Snapshot, pace: Pace) -> Text:
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(clock(snapshot.now_us), style="bold")
    if pace.virtual:
        line.append(f"  speed {rate(pace.speed)}", style=IDLE)
    line.append(f"   {pace_words(pace)}")
    line.append(f"   {count(sum(view.calls_up for view in snapshot.campaigns))} calls up")
    return line


def _campaigns(shown: Sequence[CampaignView], total: Tally | None, *, width: int) -> Table:
    wide = width >= _WIDE
    heads = ["state", "done", *(["to try", "waiting"] if wide else []), "up", "dialled"]
    heads += ["connected", "abandoned", "ratio"]
    tallies = [tally([view]) for view in shown]
    names = [plain(view.campaign) for view in shown]
    rows = [
        [Text(view.state.value, style=_STATE_STYLE[view.state]), *_figures(one, wide=wide)]
        for view, one in zip(shown, tallies, strict=True)
    ]
    if total is not None:
        names.append("total")
        tallies.append(total)
        rows.append([Text(), *_figures(total, wide=wide)])
    # widths that fit are worked out here: left to itself, a table that is too wide shrinks whatever it likes
    gap = 2 if wide else 1
    sizes = [max(cell_len(head), *(row[at].cell_len for row in rows)) for at, head in enumerate(heads)]
    left = width - sum(sizes) - gap * (len(heads) + 1)
    name_size = max(_MIN_NAME, min(_MAX_NAME, max(map(cell_len, names)), left - _MIN_BAR))
    bar_size = min(_MAX_BAR, left - name_size)
    table = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style=QUIET)
    table.add_column("campaign", width=name_size, no_wrap=True, overflow="ellipsis")
    for head, size in zip(heads, sizes, strict=True):
        table.add_column(head, width=size, no_wrap=True, justify="left" if head == "state" else "right")
        if head == "state" and bar_size >= _MIN_BAR:
            table.add_column("progress", width=bar_size, no_wrap=True)
    for name, one, row in zip(names, tallies, rows, strict=True):
        bar = [_progress(one, bar_size)] if bar_size >= _MIN_BAR else []
        table.add_row(Text(name), row[0], *bar, *row[1:], style="bold" if one is total else None)
    return table


def _figures(one: Tally, *, wide: bool) -> list[Text]:
    ahead = [one.fresh, one.waiting] if wide else []
    ratio = Text(percent(one.abandoned, one.live_answers))
    if one.abandoned > ABANDON_LIMIT_RATIO * one.live_answers:
        ratio.stylize(BAD)
    return [
        Text(percent(one.done, one.contacts, digits=0)),
        *(Text(count(number)) for number in (*ahead, one.calls_up, one.attempts, one.connected, one.abandoned)),
        ratio,
    ]


def _progress(one: Tally, size: int) -> ProgressBar:
    return ProgressBar(
        total=max(1, one.contacts), completed=one.done, width=size, complete_style=GOOD, finished_style=BUSY
    )


def _reason(view: CampaignView) -> Text:
    line = Text(no_wrap=True, overflow="ellipsis", style=IDLE)
    return line.append(f"{plain(view.campaign)}: {plain(view.reason)}")


def _resources(agents: Mapping[str, int], trunks: Sequence[TrunkView], *, bar_width: int) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, max_width=_MAX_NAME, overflow="ellipsis")
    grid.add_column(width=bar_width, no_wrap=True)
    grid.add_column()
    if agents:
        known = [state for state in _AGENT_STYLE if agents.get(state)]
        others = [state for state in agents if state not in _AGENT_STYLE and agents[state]]
        states = [(str(state), agents[state], _AGENT_STYLE.get(state, "")) for state in (*known, *others)]
        legend = Text(", ").join(Text(f"{count(n)} {spoken(state)}", style=style) for state, n, style in states)
        label = f"{count(sum(agents.values()))} agents"
        grid.add_row(Text(label, style="bold"), _stacked(states, bar_width), legend)
    for trunk in trunks:
        words = f"{count(trunk.lines_in_use)} of {count(trunk.lines)} lines, {count(trunk.queued)} queued"
        grid.add_row(
            Text(plain(trunk.trunk), style="bold"),
            ProgressBar(total=max(1, trunk.lines), completed=trunk.lines_in_use, width=bar_width, complete_style=BUSY),
            Text(f"{words}, at most {count(trunk.calls_per_s)} calls/s"),
        )
    return grid


def _stacked(parts: Sequence[tuple[str, int, str]], width: int) -> Text:
    """A bar of segments as long as their counts; rounding errors do not add up, so the bar is always full."""
    bar, total, drawn, seen = Text(), sum(number for _, number, _ in parts), 0, 0
    for _, number, style in parts:
        seen += number
        upto = round(width * seen / total)
        bar.append("━" * (upto - drawn), style=style)
        drawn = upto
    return bar
