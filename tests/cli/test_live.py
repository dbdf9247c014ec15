"""Watching a run and Ctrl-C, with the dialer faked: what is ordered, and when the watching ends."""

import asyncio
import io
import os
import signal

import pytest
from rich.console import Console

from dialer import commands_live
from dialer.commands_live import Dialling
from dialer.domain.kinds import CampaignState, DialingMode
from dialer.domain.views import CampaignView, Snapshot

ACTIVE, PAUSED, COMPLETED = CampaignState.ACTIVE, CampaignState.PAUSED, CampaignState.COMPLETED


def view(name, state, calls_up):
    return CampaignView(
        campaign=name,
        mode=DialingMode.AGENTLESS,
        state=state,
        contacts=9,
        done=0,
        in_play=calls_up,
        resting=0,
        parked=0,
        fresh=9 - calls_up,
        attempts=0,
        calls_up=calls_up,
        outcomes={},
        connected=0,
        abandoned=0,
        reason="",
    )


class Scripted:
    """A control plane that shows one picture after the other, the last one for ever; a number is a signal to send."""

    def __init__(self, *script):
        self.script = list(script)
        self.drained = 0
        self.looks = 0

    async def snapshot(self):
        """The next picture."""
        self.looks += 1
        while isinstance(self.script[0], signal.Signals):
            os.kill(os.getpid(), self.script.pop(0))
            for _ in range(5):
                await asyncio.sleep(0)  # the loop hears of a signal on one of its next turns
        views = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        return Snapshot(1_790_000_000_000_000 + self.looks, float(self.looks), tuple(views), {})

    async def drain(self):
        """Count the orders."""
        self.drained += 1


@pytest.fixture
def watch(monkeypatch):
    """Watch a scripted dialer to the end: whether it was interrupted, what was said."""
    monkeypatch.setattr(commands_live, "_LOOK_S", 0.0)

    def run(control, *names):
        console = Console(file=io.StringIO(), width=200)
        stopped = asyncio.run(asyncio.wait_for(Dialling(control, console, names).until_over(), 20))
        return stopped, console.file.getvalue()

    return run


def test_it_ends_when_every_campaign_has_ended(watch):
    """Not while one is active, nor while a call of an ended one is up."""
    one, two = view("one", COMPLETED, 0), view("two", COMPLETED, 0)
    control = Scripted(
        [view("one", ACTIVE, 1), view("two", ACTIVE, 1)],
        [one, view("two", ACTIVE, 1)],
        [view("one", COMPLETED, 1), two],
        [one, two],
    )
    assert watch(control, "one", "two")[0] is False
    assert (control.looks, control.drained) == (4, 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_drains_and_waits_for_calls(watch, number):
    """New calls are stopped once; it ends, interrupted, when no campaign is active and no call is up any more."""
    done, late = view("done", COMPLETED, 0), view("late", ACTIVE, 0)
    control = Scripted(
        [view("one", ACTIVE, 2), late, done],
        number,
        [view("one", ACTIVE, 2), late, done],
        [view("one", ACTIVE, 2), view("late", PAUSED, 0), done],
        [view("one", PAUSED, 1), view("late", PAUSED, 0), done],
        [view("one", PAUSED, 0), view("late", PAUSED, 0), done],
    )
    stopped, said = watch(control, "one", "late", "done")
    assert stopped is True
    assert control.drained == 1
    assert len(control.script) == 1  # it has waited for the last picture
    assert "no new calls; waiting for 2 to end (Ctrl-C again: leave at once)" in said


def test_the_second_signal_leaves_at_once(watch):
    """Calls are still up: the next run finds out what has become of them."""
    control = Scripted(
        [view("one", ACTIVE, 2)],
        signal.SIGINT,
        [view("one", ACTIVE, 2)],
        [view("one", PAUSED, 2)],
        signal.SIGINT,
        [view("one", PAUSED, 2)],
    )
    stopped, _ = watch(control, "one")
    assert stopped is True
    assert control.drained == 1
