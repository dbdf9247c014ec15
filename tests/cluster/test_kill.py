"""``kill -9`` of each kind of process in the middle of a run: the run carries on to its end."""

import asyncio

import pytest

from dialer.domain.kinds import CampaignState

KINDS = ("store", "director", "campaign", "scheduler", "trunk", "agents", "desks")


def test_the_run_survives_the_death_of_each_kind(dialer, checks):
    """One after the other in one run, each while calls are up.

    1. Kill every process of one kind.
    2. The run goes on: outcomes of further attempts are recorded. Then the next kind.
    3. The run comes to its end, every contact is done, no promise is broken.
    """
    contacts = 60

    async def play():
        await dialer.start(contacts=contacts, agents=4)
        seen = await dialer.until(lambda view: view.attempts >= 2 and view.calls_up >= 2)
        for kind in KINDS:
            assert seen.state is CampaignState.ACTIVE, f"over before {kind} could be killed"
            dead = await dialer.kill(kind)
            so_far = seen.attempts
            seen = await dialer.until(lambda view, so_far=so_far: view.attempts >= so_far + 3 and view.calls_up)
            born = await dialer.pids(kind)
            assert dead
            assert len(born) == len(dead)
            assert not set(born) & set(dead)
        view = await dialer.until_over()
        return view, await dialer.finish()

    view, report = asyncio.run(play())
    checks(dialer, report)
    assert report["state"] == "completed"
    assert view.done == report["dialable"] == contacts


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_the_run_survives_the_death_of_one_kind(dialer, checks, kind):
    """The dead are born again under other process ids, and no promise is broken."""

    async def play():
        await dialer.start(contacts=40, agents=8)
        await dialer.until(lambda view: view.attempts >= 8 and view.calls_up >= 3)
        dead = await dialer.kill(kind)
        view = await dialer.until_over()
        born = await dialer.pids(kind)
        return view, dead, born, await dialer.finish()

    view, dead, born, report = asyncio.run(play())
    checks(dialer, report)
    assert dead
    assert len(born) == len(dead)
    assert not set(born) & set(dead)
    assert report["state"] == "completed"
    assert view.done == report["dialable"] == 40
