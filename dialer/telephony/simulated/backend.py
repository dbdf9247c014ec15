"""The simulated carrier on an event loop: the trunk back-end that needs nothing installed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from dialer.domain.events import SwitchConnected
from dialer.domain.media import FlowsUp
from dialer.errors import CarrierError
from dialer.telephony.base import Sink
from dialer.telephony.simulated.carrier import Carrier
from dialer.telephony.simulated.profile import CarrierProfile

#: Wall seconds between two wake-ups at the least: what happens within one travels in one batch.
_TICK_S = 0.001


class SimulatedBackend:
    """Hosts one ``Carrier`` on the running loop, with one timer. Implements ``TrunkBackend``.

    Calls stay up over ``stop`` and ``start``; what ended in between is not told again, only what is still up.

    Args:
        profile: The world it reaches.
        seed: Any integer; the same seed gives the same callees.
        clock: Virtual time in UTC microseconds. It may step back; the carrier does not follow it there.
        speed: Virtual seconds in one wall second, above 0.

    Raises:
        ValueError: The speed is not above 0.
    """

    def __init__(self, profile: CarrierProfile, seed: int, clock: Callable[[], int], speed: float = 1.0) -> None:
        if speed <= 0.0:
            msg = f"speed must be above 0, not {speed:g}"
            raise ValueError(msg)
        self.carrier = Carrier(profile, seed)
        self._clock = clock
        self._wall_s_per_us = 1e-6 / speed
        self._now_us = 0
        self._sink: Sink | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._events: list[Any] = []
        self._flush: asyncio.Handle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due_us = 0
        self._quiet = asyncio.Event()

    async def start(self, sink: Sink) -> None:
        """Connect; the first event is ``SwitchConnected`` with the calls that are already up.

        Raises:
            CarrierError: It is connected already.
        """
        if self._sink is not None:
            msg = "the simulated carrier is connected already"
            raise CarrierError(msg)
        self._loop = asyncio.get_running_loop()
        self._sink = sink
        self.carrier.handle((), self._tell_us())
        up = self.carrier.flows_up()
        self._after([SwitchConnected(self.carrier.live_calls()), *([FlowsUp(up)] if up else [])])

    def submit(self, commands: Sequence[Any]) -> None:
        """Carry out PlaceCall, BridgeCall, ChangeCall and ClearCall, in order; events follow after the return.

        Raises:
            CarrierError: It is not connected.
        """
        if self._sink is None:
            msg = "the simulated carrier is not connected: start it before submitting calls"
            raise CarrierError(msg)
        self._after(self.carrier.handle(commands, self._tell_us()))

    def live_calls(self) -> tuple[tuple[int, str, bool], ...]:
        """(attempt id, agent or "", answered) of each call that is up."""
        return self.carrier.live_calls()

    async def drain(self, deadline_s: float) -> bool:
        """Wait until no call is up, at most ``deadline_s`` wall seconds; True if none is."""
        try:
            async with asyncio.timeout(deadline_s):
                while self.carrier.live_count():
                    self._quiet.clear()
                    await self._quiet.wait()
        except TimeoutError:
            return False
        return True

    async def stop(self) -> None:
        """Disconnect: the sink hears no more. Calls that are up stay up."""
        for handle in (self._timer, self._flush):
            if handle is not None:
                handle.cancel()
        self._timer = self._flush = self._sink = None
        self._events = []

    def _tell_us(self) -> int:
        self._now_us = max(self._now_us, self._clock())
        return self._now_us

    def _after(self, events: list[Any]) -> None:
        """Queue events for the sink, wake who drains, and set the timer for what comes next."""
        assert self._loop is not None  # noqa: S101 - set by start, which every way here has passed
        if events:
            self._events += events
            if self._flush is None:
                self._flush = self._loop.call_soon(self._deliver)
        if not self.carrier.live_count():
            self._quiet.set()
        due_us = self.carrier.next_deadline_us()
        if due_us is None or (self._timer is not None and self._timer_due_us <= due_us):
            return  # an earlier timer looks again when it fires
        if self._timer is not None:
            self._timer.cancel()
        self._timer_due_us = due_us
        delay_s = max(_TICK_S, (due_us - self._now_us) * self._wall_s_per_us)
        self._timer = self._loop.call_later(delay_s, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._after(self.carrier.handle((), self._tell_us()))

    def _deliver(self) -> None:
        self._flush = None
        events, self._events = self._events, []
        if self._sink is not None:
            self._sink(events)
