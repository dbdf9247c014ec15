"""Facts about pictures of machines."""

from __future__ import annotations

from random import Random

from dialer.domain.agent import AgentMachine
from dialer.domain.campaign import CampaignRun
from dialer.domain.commands import LogIn, PauseCampaign, RequestLeases
from dialer.domain.events import CampaignOpened
from dialer.domain.kinds import CampaignState, DialingMode
from dialer.domain.scheduler import Scheduler
from dialer.domain.specs import SECOND_US, AgentSpec, CampaignSpec, PoolSpec, TrunkSpec, WeeklyHours
from dialer.domain.trunk import TrunkMachine
from dialer.domain.viewing import agents_view, campaign_view, scheduler_words, trunk_view
from dialer.sim.contacts import ListedContacts

NOW = 1_000_000 * SECOND_US


def campaign():
    spec = CampaignSpec(
        "c1", DialingMode.PROGRESSIVE, "p1", "t1", "q", 12025550199, hours=WeeklyHours.daily(0, 24 * 60)
    )
    run = CampaignRun(1, spec, ListedContacts([(0,)] * 5, (("UTC",),)), epoch=1)
    run.start(NOW)
    return run


def test_a_campaign():
    run = campaign()
    run.handle([RequestLeases("p1", 2)], NOW)
    view = campaign_view(run, "no agent is idle", 1)
    assert (view.campaign, view.mode, view.state) == ("c1", DialingMode.PROGRESSIVE, CampaignState.ACTIVE)
    assert (view.contacts, view.in_play, view.fresh, view.done) == (5, 2, 3, 0)
    assert (view.calls_up, view.attempts, view.outcomes) == (1, 0, {})
    assert view.reason == "no agent is idle"


def test_a_campaign_whose_scheduler_was_not_asked():
    run = campaign()
    run.handle([RequestLeases("p1", 2)], NOW)
    view = campaign_view(run)
    assert view.calls_up == 2
    assert view.reason == ""


def test_a_campaign_that_is_held_says_so_itself():
    run = campaign()
    run.handle([PauseCampaign()], NOW)
    assert campaign_view(run, "dialling", 0).reason == "paused"


def test_the_words_of_a_scheduler():
    scheduler = Scheduler(PoolSpec("p1", ("t1",)), rng=Random(1))
    scheduler.start(NOW)
    assert scheduler_words(scheduler) == {}
    scheduler.handle([CampaignOpened("c1", 1, 1, "progressive", "t1", "q", 3, 1, 1, 1, amd=True, flow=None)], NOW)
    assert scheduler_words(scheduler) == {"c1": ("waiting for the ledger to allow contacts", 0)}
    scheduler.pool.campaigns["c1"].reason = "dialling"
    assert scheduler_words(scheduler) == {"c1": ("", 0)}


def test_a_trunk():
    trunk = TrunkMachine(TrunkSpec("t1", 30, 5), epoch=1)
    view = trunk_view(trunk)
    assert (view.trunk, view.lines, view.lines_in_use, view.calls_per_s, view.queued) == ("t1", 30, 0, 5, 0)


def test_agents_by_state():
    agents = [AgentMachine(AgentSpec(f"a{no}", "p1", ("q",), ("t1",)), epoch=1, reborn=False) for no in range(3)]
    for agent in agents:
        agent.start(NOW)
    agents[0].handle([LogIn("a0")], NOW)
    assert agents_view(agents) == {"offline": 2, "idle": 1}
