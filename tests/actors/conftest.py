"""An event loop on which time passes only when everybody waits, and hosts on it that talk over a faked post."""
# ruff: noqa: D102 - the fakes have the members of what they replace

import asyncio
import os
import selectors
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from dialer.actors import host as host_module
from dialer.actors.host import Host, UndeliveredError
from dialer.domain.link import Ack, Delivery
from dialer.domain.message import Address, Envelope

START_US = 1_790_000_000_000_000


class _Selector(selectors.DefaultSelector):
    """Waiting is a jump in time; waiting for ever is an error of the test."""

    loop: Any = None

    def select(self, timeout=None):
        if timeout is None:
            pytest.fail("everybody waits, and nothing will ever happen")
        self.loop.now_s += timeout
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is virtual."""

    def __init__(self):
        self.now_s = 0.0
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def time(self):
        return self.now_s


class FakeClock:
    """Dialler time that follows the loop's, ``speed`` times as fast."""

    def __init__(self, speed=1.0):
        self._speed = speed
        self._loop = asyncio.get_running_loop()

    def now_us(self):
        return START_US + round(self._loop.time() * 1e6 * self._speed)

    def wall_s(self, dialler_us):
        return dialler_us / 1e6 / self._speed


class Mock:
    """A machine that notes what it hears and says what it is told to say."""

    def __init__(self, address, *, says=(), reply=None, due_us=None):
        self.address = address
        self.heard: list[Any] = []
        self.batches: list[tuple[int, list[Any]]] = []
        self.due_us = due_us
        self._says = says
        self._reply = reply or (lambda batch: [])

    def start(self, now_us):
        return list(self._says)

    def handle(self, batch, now_us):
        self.batches.append((now_us - START_US, list(batch)))
        self.heard += batch
        if self.due_us is not None and self.due_us <= now_us:
            self.due_us = None
        return self._reply(batch)

    def next_deadline_us(self):
        return self.due_us

    def check_invariants(self):
        pass


class Network:
    """The post of several hosts. Each sending meets the next fault of the plan, and none when that is used up.

    Faults: ``lost`` (the delivery does not arrive), ``unanswered`` (it does, the answer does not), ``twice``, ``ok``.
    """

    def __init__(self, plan=()):
        self.hosts: dict[Address, Host] = {}
        self.homes: dict[Address, Address | None] = {}
        self.sent: list[Delivery] = []
        self._plan = list(plan)

    def home(self, machine):
        return self.homes.get(machine, machine)

    async def send(self, home, delivery):
        self.sent.append(delivery)
        fault = self._plan.pop(0) if self._plan else "ok"
        await asyncio.sleep(0.001)
        if fault == "lost" or home not in self.hosts:
            raise UndeliveredError(str(home))
        ack = await self._deliver(home, delivery)
        if fault == "twice":
            ack = await self._deliver(home, delivery)
        if fault == "unanswered":
            raise UndeliveredError(str(home))
        return ack

    async def _deliver(self, home, delivery) -> Ack:
        taken = self.hosts[home].take(delivery)
        settled = getattr(self.hosts[home], "settled", None)
        if settled is not None:
            await settled()
        return taken

    def host(self, address, machines, *, epoch=1, pace_s=0.0, **options):
        """A host that has begun, in place of an earlier incarnation."""
        made = Host(address, FakeClock(), self, pace_s=pace_s, **options)
        self.hosts[address] = made
        made.begin(epoch, machines)
        return made


class GoneError(SystemExit):
    """The process would have ended here."""


@pytest.fixture
def gone(monkeypatch):
    """What ends the process ends the test's loop instead; the argument is the exit status."""

    def leave(status):
        raise GoneError(status)

    monkeypatch.setattr(os, "_exit", leave)
    return GoneError


@pytest.fixture
def play():
    """Run a coroutine function in virtual time; what it leaves running is cancelled."""

    def run(story: Callable[[], Awaitable[Any]]) -> Any:
        loop = VirtualLoop()
        loop.set_exception_handler(lambda *_: None)  # what matters is raised in the test
        asyncio.set_event_loop(loop)
        try:
            return loop.run_until_complete(story())
        finally:
            left = asyncio.all_tasks(loop)
            for task in left:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            asyncio.set_event_loop(None)
            loop.close()

    return run


@pytest.fixture
def rig():
    """The pieces above, for tests to build with."""

    class Rig:
        machine = Mock
        network = Network
        clock = FakeClock
        resend_s = host_module.RESEND_S
        start_us = START_US

        @staticmethod
        async def quiet(seconds=5.0):
            """Let everything happen that will."""
            await asyncio.sleep(seconds)

        @staticmethod
        def words(to, *words):
            return [Envelope(to, word) for word in words]

    return Rig
