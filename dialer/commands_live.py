"""Watching campaigns until they are over: the live table, and what Ctrl-C does."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator, Sequence

from rich.console import Console

from dialer.actors.handles import Control
from dialer.domain.kinds import CampaignState
from dialer.domain.views import Snapshot
from dialer.screens import LiveTable

_LOOK_S = 0.4
_ENDED = (CampaignState.COMPLETED, CampaignState.STOPPED)


class Dialling:
    """Campaigns of this process that dial.

    Args:
        control: The control plane.
        console: Where the live table goes.
        campaigns: Their names.
    """

    def __init__(self, control: Control, console: Console, campaigns: Sequence[str]) -> None:
        self._control = control
        self._console = console
        self._campaigns = frozenset(campaigns)
        self._interrupted = 0

    async def until_over(self) -> bool:
        """Show the dialling until every campaign has ended.

        The first Ctrl-C pauses them and lets calls end; the second leaves at once, and the next run finds out what
        became of the calls that were up.

        Returns:
            True if it was interrupted.
        """
        paused = False
        with self._signals(), LiveTable(self._console, interactive=self._console.is_terminal) as table:
            while True:
                snapshot = await self._control.snapshot()
                table.update(snapshot)
                if self._over(snapshot):
                    return False
                if self._interrupted and not paused:
                    paused = True
                    await self._pause(snapshot)
                if paused and (self._interrupted > 1 or self._quiet(snapshot)):
                    return True
                await asyncio.sleep(_LOOK_S)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._interrupt)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def _interrupt(self) -> None:
        self._interrupted += 1

    async def _pause(self, snapshot: Snapshot) -> None:
        up = sum(view.calls_up for view in snapshot.campaigns)
        self._console.print(f"no new calls; waiting for {up} to end (Ctrl-C again: leave at once)", highlight=False)
        await self._control.drain()

    def _over(self, snapshot: Snapshot) -> bool:
        ended = {view.campaign for view in snapshot.campaigns if view.state in _ENDED and not view.calls_up}
        return self._campaigns <= ended

    @staticmethod
    def _quiet(snapshot: Snapshot) -> bool:
        return all(view.state is not CampaignState.ACTIVE and not view.calls_up for view in snapshot.campaigns)
