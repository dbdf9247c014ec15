"""What every trunk back-end must do, whichever switch it speaks to. A new back-end joins by one more factory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from dialer.domain.commands import BridgeCall, ChangeCall, ClearCall, PlaceCall
from dialer.domain.events import LineAnswered, LineChanged, LineEnded, LineJoined, SwitchConnected
from dialer.domain.kinds import Outcome
from dialer.domain.media import (
    FlowsUp,
    GatherDigits,
    PlayPrompt,
    PromptEnded,
    SayText,
    StartRecording,
    StopGather,
    StopPrompt,
    StopRecording,
)
from dialer.domain.specs import SECOND_US
from dialer.errors import CarrierError
from dialer.telephony.base import TrunkBackend
from dialer.telephony.simulated import SimulatedBackend, profile_by_name
from dialer.telephony.simulated.chance import Spread

SPEED = 20.0


def clock_us() -> int:
    """Virtual time, ``SPEED`` times as fast as the wall's."""
    return int(time.monotonic() * SPEED * 1_000_000)


def simulated() -> TrunkBackend:
    """A world where everyone answers at once, waits long and talks 10 virtual seconds."""
    waits, talks = Spread(600 * SECOND_US), Spread(10 * SECOND_US)
    world = replace(profile_by_name("instant"), patience=waits, flow=waits, talk=talks)
    return SimulatedBackend(world, 1, clock_us, SPEED)


@pytest.fixture(params=[simulated])
def backend(request: pytest.FixtureRequest) -> TrunkBackend:
    """Each back-end in turn, not started. Every number it dials must answer and stay on the line."""
    made: TrunkBackend = request.param()
    return made


class Told:
    """A sink that lets a test wait for an event."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self._news = asyncio.Event()

    def __call__(self, events: Any) -> None:
        """Take a batch."""
        self.events += events
        self._news.set()

    async def until(self, kind: type, count: int = 1) -> None:
        """Wait until ``count`` events of a kind have come, at most 5 s."""
        async with asyncio.timeout(5):
            while sum(type(event) is kind for event in self.events) < count:
                self._news.clear()
                await self._news.wait()


def place(attempt: int, flow: str | None = None) -> PlaceCall:
    """An order to dial a fictional number."""
    return PlaceCall(attempt, 12025550100, 12025550199, 25 * SECOND_US, amd=False, flow=flow)


def session(backend: TrunkBackend, story: Callable[[TrunkBackend, Told], Awaitable[None]]) -> list[Any]:
    """Start the back-end, run the story, stop; all events."""

    async def go() -> list[Any]:
        told = Told()
        await backend.start(told)
        await story(backend, told)
        await backend.stop()
        return told.events

    return asyncio.run(go())


def test_first_event_is_connected(backend: TrunkBackend) -> None:
    """The first event is SwitchConnected with the calls that are up: none."""

    async def story(backend: TrunkBackend, told: Told) -> None:
        backend.submit([place(1)])
        await told.until(LineAnswered)

    assert session(backend, story)[0] == SwitchConnected(())


def test_call_runs_its_course(backend: TrunkBackend) -> None:
    """A call is answered, joined and ended, in this order, each told once."""

    async def story(backend: TrunkBackend, told: Told) -> None:
        backend.submit([place(1)])
        await told.until(LineAnswered)
        assert backend.live_calls() == ((1, "", True),)
        backend.submit([BridgeCall(1, "a1")])
        await told.until(LineJoined)
        assert backend.live_calls() == ((1, "a1", True),)
        await told.until(LineEnded)
        assert backend.live_calls() == ()

    events = session(backend, story)
    assert [type(event) for event in events] == [SwitchConnected, LineAnswered, LineJoined, LineEnded]
    assert events[-1].outcome is Outcome.CONNECTED


def test_mute_and_hold_are_told_when_they_are_so(backend: TrunkBackend) -> None:
    """A joined call is muted and held as ordered, in order, and nothing else happens to it. Requirements 38, 56."""

    async def story(backend: TrunkBackend, told: Told) -> None:
        backend.submit([place(1)])
        await told.until(LineAnswered)
        backend.submit([BridgeCall(1, "a1")])
        await told.until(LineJoined)
        for count, (muted, held) in enumerate([(True, False), (True, True), (False, False)], 1):
            backend.submit([ChangeCall(1, muted, held)])
            await told.until(LineChanged, count)
            assert told.events[-1] == LineChanged(1, muted, held)
        assert backend.live_calls() == ((1, "a1", True),)
        backend.submit([ClearCall(1, None)])
        await told.until(LineEnded)

    events = session(backend, story)
    assert [type(event) for event in events[3:]] == [LineChanged, LineChanged, LineChanged, LineEnded]


def test_mute_is_vain_where_no_agent_is(backend: TrunkBackend) -> None:
    """Nothing is told of calls that wait for an agent, are over, or were never placed."""

    async def story(backend: TrunkBackend, told: Told) -> None:
        backend.submit([ChangeCall(2, muted=True, held=True), place(1)])
        await told.until(LineAnswered)
        backend.submit([ChangeCall(1, muted=True, held=True), ClearCall(1, None)])
        await told.until(LineEnded)
        backend.submit([ChangeCall(1, muted=True, held=True), place(3)])
        await told.until(LineAnswered, 2)
        backend.submit([ClearCall(3, None)])
        await told.until(LineEnded, 2)

    assert LineChanged not in [type(event) for event in session(backend, story)]


def test_every_call_ends_once(backend: TrunkBackend) -> None:
    """Calls that are cleared, twice or again after their end, are told as ended exactly once each."""

    async def story(backend: TrunkBackend, told: Told) -> None:
        backend.submit([place(n) for n in range(1, 51)])
        await told.until(LineAnswered, 50)
        backend.submit([ClearCall(n, None) for n in range(1, 51)])
        backend.submit([ClearCall(n, None) for n in range(1, 51)])
        await told.until(LineEnded, 50)
        assert await backend.drain(5)

    ended = [event.attempt_id for event in session(backend, story) if type(event) is LineEnded]
    assert sorted(ended) == list(range(1, 51))


def test_live_id_is_not_dialled_again(backend: TrunkBackend) -> None:
    """The attempt id is the channel id: a live one makes no second leg."""

    async def story(backend: TrunkBackend, told: Told) -> None:
        backend.submit([place(1), place(1)])
        await told.until(LineAnswered)
        backend.submit([place(1)])
        assert len(backend.live_calls()) == 1
        backend.submit([ClearCall(1, None)])
        assert await backend.drain(5)
        await told.until(LineEnded)

    assert sum(type(event) is LineEnded for event in session(backend, story)) == 1


def test_submit_returns_before_events(backend: TrunkBackend) -> None:
    """The sink is never called from within submit."""

    async def story(backend: TrunkBackend, told: Told) -> None:
        await told.until(SwitchConnected)
        backend.submit([place(1)])
        assert [type(event) for event in told.events] == [SwitchConnected]
        await told.until(LineAnswered)

    session(backend, story)


def test_drain_has_a_deadline(backend: TrunkBackend) -> None:
    """Drain tells whether the calls are gone, and waits no longer than it may."""

    async def story(backend: TrunkBackend, told: Told) -> None:
        assert await backend.drain(5)
        backend.submit([place(1)])
        await told.until(LineAnswered)
        assert not await backend.drain(0.02)
        backend.submit([ClearCall(1, None)])
        assert await backend.drain(5)

    session(backend, story)


def test_calls_survive_a_reconnect(backend: TrunkBackend) -> None:
    """After stop and start the calls that are still up are told with SwitchConnected, and end as usual."""

    async def go() -> None:
        before, after = Told(), Told()
        await backend.start(before)
        backend.submit([place(1)])
        await before.until(LineAnswered)
        await backend.stop()
        told_before = len(before.events)
        await backend.start(after)
        await after.until(SwitchConnected)
        assert after.events[0] == SwitchConnected(((1, "", True),))
        backend.submit([ClearCall(1, None)])
        await after.until(LineEnded)
        assert len(before.events) == told_before
        await backend.stop()

    asyncio.run(go())


def test_submit_needs_a_connection(backend: TrunkBackend) -> None:
    """Orders to a back-end that is not connected are refused loudly, not lost."""

    async def go() -> None:
        with pytest.raises(CarrierError, match="not connected"):
            backend.submit([place(1)])
        await backend.start(Told())
        with pytest.raises(CarrierError, match="already"):
            await backend.start(Told())
        await backend.stop()

    asyncio.run(go())


# -- flows -----------------------------------------------------------------------------------------------------------


async def in_flow(backend: TrunkBackend, told: Told) -> None:
    """Attempt 1 is up, and hears a flow."""
    backend.submit([place(1, flow="notice")])
    await told.until(LineAnswered)


def test_a_prompt_ends_under_its_number(backend: TrunkBackend) -> None:
    """Requirement 21. What is spoken is told to be over, once, with the number of the order."""

    async def story(backend: TrunkBackend, told: Told) -> None:
        await in_flow(backend, told)
        backend.submit([SayText(1, 1, "Hello.", "en-US")])
        await told.until(PromptEnded)
        backend.submit([ClearCall(1, None)])
        await told.until(LineEnded)

    events = session(backend, story)
    assert [event for event in events if type(event) is PromptEnded] == [PromptEnded(1, 1)]
    assert events[-1].outcome is Outcome.CONNECTED


def test_what_is_stopped_is_told_no_more(backend: TrunkBackend) -> None:
    """Prompts, digits and recordings that are stopped, or that end with the call, are over without a word."""

    async def story(backend: TrunkBackend, told: Told) -> None:
        await in_flow(backend, told)
        gather = GatherDigits(1, 1, 1, "", 5 * SECOND_US, SECOND_US)
        backend.submit([SayText(1, 1, "Hello. " * 20, "en-US"), gather, StopPrompt(1, 1), StopGather(1, 1)])
        record = StartRecording(1, 2, "1-words", 60 * SECOND_US, 30 * SECOND_US, beep=False)
        backend.submit([record, StopRecording(1, 2), PlayPrompt(1, 3, "music", loop=True)])
        backend.submit([ClearCall(1, None)])
        await told.until(LineEnded)
        backend.submit([StopPrompt(1, 3)])  # crossed with the end

    assert [type(event) for event in session(backend, story)] == [SwitchConnected, LineAnswered, LineEnded]


def test_calls_with_a_flow_are_told_of_again(backend: TrunkBackend) -> None:
    """Requirement 24. Whoever connects learns which calls are in a flow: the run may have died with who was there."""

    async def story(backend: TrunkBackend, told: Told) -> None:
        await in_flow(backend, told)
        await backend.stop()
        await backend.start(told)
        await told.until(SwitchConnected, 2)
        await told.until(FlowsUp)
        backend.submit([ClearCall(1, None)])
        await told.until(LineEnded)

    events = session(backend, story)
    assert [event for event in events if type(event) is FlowsUp] == [FlowsUp((1,))]
