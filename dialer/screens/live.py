"""What stands in the terminal while the dialer dials: a board that renews itself, or plain lines where none can."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from dialer.domain.views import Snapshot
from dialer.screens.board import board, pace_words, tally
from dialer.screens.rates import Pace, RateMeter
from dialer.screens.words import clock, count, percent, plain

_LINE_EVERY_S = 5.0  #: wall seconds between plain lines: a log of an hour stays readable


class LiveTable:
    """Shows snapshots as they come. Use as a context manager; nothing is drawn before the first ``update``.

    Args:
        console: Where to.
        interactive: True redraws one board in place; False prints a plain line every five wall seconds, for logs and
            pipes. Usually ``console.is_terminal``.
    """

    def __init__(self, console: Console, *, interactive: bool) -> None:
        self._console = console
        self._meter = RateMeter()
        self._live = Live(console=console, auto_refresh=False) if interactive else None
        self._line_wall_s: float | None = None
        self._unsaid: tuple[Snapshot, Pace] | None = None

    def __enter__(self) -> Self:
        """Take the terminal."""
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Give the terminal back, with the last picture on it."""
        if self._live is not None:
            self._live.stop()
        elif self._unsaid is not None:
            self._say(*self._unsaid)

    def update(self, snapshot: Snapshot) -> None:
        """Show the newest picture. For one thread, a few times per second: drawing takes milliseconds."""
        pace = self._meter.take(snapshot)
        if self._live is not None:
            size = self._console.size
            self._live.update(board(snapshot, pace, width=size.width, height=size.height), refresh=True)
        elif self._line_wall_s is None or snapshot.wall_s - self._line_wall_s >= _LINE_EVERY_S:
            self._say(snapshot, pace)
        else:
            self._unsaid = (snapshot, pace)

    def _say(self, snapshot: Snapshot, pace: Pace) -> None:
        self._line_wall_s = snapshot.wall_s
        self._unsaid = None
        # a line of a log stays one line, however wide the console believes to be
        self._console.print(Text(plain_line(snapshot, pace)), soft_wrap=True, highlight=False)


def plain_line(snapshot: Snapshot, pace: Pace) -> str:
    """One picture as one line: all campaigns together, and why nothing is dialled if nothing is.

    Args:
        snapshot: What to say.
        pace: How fast it goes.

    Returns:
        A line without colours.
    """
    total = tally(snapshot.campaigns)
    parts = [
        clock(snapshot.now_us),
        f"{percent(total.done, total.contacts, digits=0)} done",
        f"{count(total.calls_up)} up",
        f"{count(total.attempts)} dialled",
        f"{count(total.connected)} connected",
        f"{count(total.abandoned)} abandoned",
        pace_words(pace),
    ]
    if total.calls_up == 0:
        parts += [f"{plain(view.campaign)}: {plain(view.reason)}" for view in snapshot.campaigns if view.reason]
    return "  ".join(parts)
