"""Facts about whole scenarios: they end, their books add up, campaigns share agents as they should."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace

import pytest

from dialer.domain.ids import contact_of, run_of
from dialer.domain.kinds import UNDIALLED, AgentState, CampaignState, Outcome
from dialer.domain.message import Address
from dialer.domain.specs import MINUTE_US, SECOND_US, AgentSpec, RetryRule
from dialer.sim.contacts import SyntheticContacts
from dialer.sim.run import scenario_for
from dialer.sim.scenario import START_US, Simulation

ONCE = RetryRule(max_attempts=1)


def scenario(mode="progressive", *, agents=10, contacts=None, hours=0.5, retry=None, **options):
    """Like the command line's, with a short list and another retry rule if wanted; nobody asks for a later call."""
    made = scenario_for(mode=mode, agents=agents, hours=hours, seed=options.pop("seed", 1), **options)
    campaigns = [
        (
            spec if retry is None else replace(spec, retry=retry),
            source if contacts is None else SyntheticContacts(contacts, first=no * contacts),
        )
        for no, (spec, source) in enumerate(made.campaigns)
    ]
    return replace(made, campaigns=campaigns, check_every=11, habits=replace(made.habits, callback_ratio=0.0))


def played(simulation):
    simulation.play()
    return simulation.reports()


@pytest.mark.parametrize("mode", ["progressive", "agentless"])
def test_a_list_that_is_dialled_to_its_end_completes(mode):
    (report,) = played(simulation := Simulation(scenario(mode, contacts=40, hours=1, retry=ONCE)))
    assert report["status"] == CampaignState.COMPLETED
    assert report["contacts"] == report["dialable"] + sum(report["excluded"].values()) == 40
    assert report["attempts"] == sum(report["outcomes"].values()) == 40
    assert report["open"] == 0
    assert report["virtual_s"] < 3600
    assert simulation.world.referee.placed == 40


@pytest.mark.parametrize("mode", ["progressive", "agentless"])
def test_a_list_that_outlasts_the_hours_is_stopped(mode):
    (report,) = played(Simulation(scenario(mode, hours=0.2)))
    assert report["status"] == CampaignState.STOPPED
    assert report["attempts"] == sum(report["outcomes"].values()) > 20
    assert report["open"] == 0
    assert 0.2 * 3600 <= report["virtual_s"] < 0.5 * 3600


def test_retries_wait_and_stop_at_the_limit():
    retry = RetryRule(max_attempts=3, rest_us=5 * MINUTE_US)
    simulation = Simulation(scenario("agentless", contacts=30, hours=2, retry=retry))
    (report,) = played(simulation)
    assert report["status"] == CampaignState.COMPLETED
    counted = sorted(
        (contact_of(attempt), row.sent_us, row.ended_us)
        for attempt, row in simulation.world.journal.outcomes.items()
        if row.outcome not in UNDIALLED
    )
    by_contact = Counter(contact for contact, _, _ in counted)
    assert max(by_contact.values()) == 3
    assert set(by_contact) == set(range(30))
    for (contact, _, ended_us), (other, sent_us, _) in itertools.pairwise(counted):
        assert contact != other or sent_us >= ended_us + 5 * MINUTE_US


def test_agents_are_kept_busy_and_nobody_is_abandoned():
    """Requirements 30, 31: never more people on the line than agents; that is what it is for."""
    (report,) = played(Simulation(scenario(agents=20, hours=1)))
    assert report["agents"] == 20
    assert report["utilisation_ratio"] > 0.5
    assert report["abandoned"] == 0
    assert report["connected"] > 100
    assert report["answer_to_agent_ms"]["max"] < 100


def test_an_agentless_campaign_keeps_its_calls_in_progress():
    simulation = Simulation(scenario("agentless", agents=15, hours=0.2))
    world, most = simulation.world, 0
    while world.now_us < simulation.ends_us:
        world.run(world.now_us + SECOND_US)
        most = max(most, sum(simulation.world.referee.lines.values()))
    assert most == 15


# -- several campaigns -----------------------------------------------------------------------------------------------


def with_priorities(priorities, **options):
    made = scenario(campaigns=len(priorities), retry=ONCE, **options)
    campaigns = [
        (replace(spec, priority=priority), contacts)
        for (spec, contacts), priority in zip(made.campaigns, priorities, strict=True)
    ]
    return Simulation(replace(made, campaigns=campaigns))


def test_higher_priority_goes_first_strictly():
    """As long as the high one has contacts, the low one gets no call; then it gets all."""
    simulation = with_priorities((1, 5), contacts=60, hours=2)
    assert [report["status"] for report in played(simulation)] == [CampaignState.COMPLETED] * 2
    sent = sorted(
        (row.sent_us, run_of(attempt))
        for attempt, row in simulation.world.journal.outcomes.items()
        if row.outcome not in UNDIALLED
    )
    assert [run_no for _, run_no in sent] == [2] * 60 + [1] * 60


def test_equal_priorities_take_turns_at_random():
    simulation = with_priorities((3, 3), contacts=200, hours=2)
    played(simulation)
    sent = sorted(
        (row.sent_us, run_of(attempt))
        for attempt, row in simulation.world.journal.outcomes.items()
        if row.outcome not in UNDIALLED
    )[:200]
    runs = [run_no for _, run_no in sent]
    assert 60 < runs.count(1) < 140
    changes = sum(before != after for before, after in itertools.pairwise(runs))
    assert 50 < changes < 150  # neither blocks nor strict alternation


def test_campaigns_share_agents():
    simulation = Simulation(scenario(campaigns=3, contacts=40, hours=1, retry=ONCE))
    reports = played(simulation)
    assert [report["attempts"] for report in reports] == [40] * 3
    talked = {
        row.agent: set() for row in simulation.world.journal.outcomes.values() if row.outcome == Outcome.CONNECTED
    }
    for attempt, row in simulation.world.journal.outcomes.items():
        if row.outcome == Outcome.CONNECTED:
            talked[row.agent].add(run_of(attempt))
    assert any(len(runs) > 1 for runs in talked.values())


def test_agents_take_only_calls_of_their_queues():
    made = scenario(campaigns=2, contacts=60, hours=1, agents=6)
    (one, contacts), (two, more) = made.campaigns
    agents = [
        AgentSpec(f"a{no}", "main", (("sales",), ("service",), ("sales", "service"))[no % 3], ("simulated",))
        for no in range(6)
    ]
    campaigns = [(replace(one, queue="sales"), contacts), (replace(two, queue="service"), more)]
    simulation = Simulation(replace(made, campaigns=campaigns, agents=agents))
    simulation.play()
    served = {(row.agent, run_of(attempt)) for attempt, row in simulation.world.journal.outcomes.items() if row.agent}
    assert served
    assert not served & {("a0", 2), ("a3", 2), ("a1", 1), ("a4", 1)}


# -- the picture -----------------------------------------------------------------------------------------------------


def test_a_snapshot_adds_up_at_any_moment():
    simulation = Simulation(scenario(hours=0.3, faults="heavy", seed=4))
    pictures = []
    simulation.play(lambda share, picture: pictures.append((share, picture)))
    shares = [share for share, _ in pictures]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    for _, picture in pictures:
        (view,) = picture.campaigns
        waiting = view.in_wrap_up + view.callbacks + view.resting + view.parked + view.fresh
        assert view.contacts == view.done + view.in_play + waiting
        assert view.attempts == sum(view.outcomes.values())
        assert sum(picture.agents.values()) == 10
        (trunk,) = picture.trunks
        assert 0 <= trunk.queued <= trunk.lines_in_use
    assert len(pictures) >= 18
    assert any(view.calls_up for _, picture in pictures for view in picture.campaigns)
    assert pictures[-1][1].campaigns[0].state is CampaignState.STOPPED
    assert pictures[-1][1].campaigns[0].reason == "stopped"


def test_a_snapshot_shows_what_was_last_known_of_the_dead():
    simulation = Simulation(scenario(hours=0.3))
    world = simulation.world
    world.run(START_US + 5 * MINUTE_US)
    before = simulation.snapshot()
    for kind, name in (("campaign", "simulated"), ("agent", "a0"), ("trunk", "simulated"), ("scheduler", "main")):
        world.crash(Address(kind, name))
    assert simulation.snapshot() == before


def test_a_snapshot_before_anything_has_happened():
    picture = Simulation(scenario(contacts=7)).snapshot()
    (view,) = picture.campaigns
    assert view.fresh == view.contacts == 7
    assert view.reason == "opening"
    assert picture.agents == {AgentState.OFFLINE: 10}
