"""Whole campaigns on a real Ray: each mode, and each way to place agents."""

import asyncio

import pytest


def test_a_progressive_campaign_runs_to_its_end(dialer, checks):
    """Every contact is dialled until it is done; the report adds up, and the audit is clean."""

    async def play():
        await dialer.start(contacts=24, agents=4)
        view = await dialer.until_over()
        return view, await dialer.finish()

    view, report = asyncio.run(play())
    checks(dialer, report)
    assert report["state"] == "completed"
    assert report["contacts"] == report["dialable"] == view.done == 24
    assert report["connected"] > 6
    assert report["agents"] == 4
    assert report["abandoned"] == 0  # an agent is reserved before each call


def test_an_agentless_campaign_runs_to_its_end(dialer, checks):
    """No agents, and nobody waits for one: people who answer hear the flow."""

    async def play():
        await dialer.start(mode="agentless", contacts=40)
        await dialer.until_over()
        return await dialer.finish()

    report = asyncio.run(play())
    checks(dialer, report)
    assert report["state"] == "completed"
    assert report["connected"] > 12
    assert report["abandoned"] == 0


@pytest.mark.parametrize(("per_actor", "agents", "actors"), [("auto", 10, 8), (1, 5, 5), (4, 10, 3)])
def test_agents_are_placed_as_asked(dialer, checks, per_actor, agents, actors):
    """One actor each while there is room and packed beyond; always one each; or four at most in one."""

    async def play():
        await dialer.start(contacts=12, agents=agents, per_actor=per_actor)
        processes = await dialer.pids("agents")
        await dialer.until_over()
        return processes, await dialer.finish()

    processes, report = asyncio.run(play())
    checks(dialer, report)
    assert len(set(processes)) == len(processes) == actors
    assert report["state"] == "completed"
