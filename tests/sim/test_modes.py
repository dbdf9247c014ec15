"""Facts about whole simulations of power and predictive dialling, and of campaigns that share agents."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from dialer.domain.commands import BridgeCall, ClearCall, PlaceCall
from dialer.domain.events import LineAnswered, LineEnded
from dialer.domain.groups import LEAST_RING_US
from dialer.domain.ids import run_of
from dialer.domain.kinds import UNDIALLED, CampaignState, DialingMode, Outcome, PriorityPolicy
from dialer.domain.specs import SECOND_US, PacingSpec, RetryRule
from dialer.sim.contacts import SyntheticContacts
from dialer.sim.habits import habits_by_name
from dialer.sim.run import AMD, scenario_for
from dialer.sim.scenario import Simulation


class RingWatch:
    """Looks at the switch: how long calls had rung that we gave up, and how many rang or talked for each agent."""

    def __init__(self, simulation):
        self.placed_us, self.answered = {}, set()
        self.given_up_us, self.bridged = [], Counter()
        referee = simulation.world.referee
        self._commanded, self._told = referee.commanded, referee.told
        referee.commanded, referee.told = self.commanded, self.told

    def commanded(self, trunk, orders, now_us):
        """The trunk orders something of the switch."""
        for order in orders:
            if type(order) is PlaceCall:
                self.placed_us[order.attempt_id] = now_us
            elif type(order) is BridgeCall:
                self.bridged[order.attempt_id] += 1
            elif type(order) is ClearCall and order.attempt_id in self.placed_us.keys() - self.answered:
                self.given_up_us.append(now_us - self.placed_us[order.attempt_id])
        self._commanded(trunk, orders, now_us)

    def told(self, trunk, events, now_us):
        """The switch tells what happened."""
        for event in events:
            if type(event) in (LineAnswered, LineEnded):
                self.answered.add(event.attempt_id)
        self._told(trunk, events, now_us)


def counted(simulation):
    """Outcomes of the attempts that were dialled."""
    return {attempt: row for attempt, row in simulation.world.journal.outcomes.items() if row.outcome not in UNDIALLED}


def with_pacing(scenario, **options):
    """The scenario with other pacing."""
    campaigns = [(replace(spec, pacing=PacingSpec(**options)), contacts) for spec, contacts in scenario.campaigns]
    return replace(scenario, campaigns=campaigns)


def test_power_reaches_more_people_than_progressive_and_keeps_the_limit():
    """Requirements 64, 70: machines are joined as they come, so both are told apart from nobody here."""
    reports = {}
    for mode in ("progressive", "power"):
        scenario = scenario_for(mode=mode, agents=20, hours=2, seed=3)
        simulation = Simulation(
            replace(scenario, campaigns=[(replace(spec, amd=False), c) for spec, c in scenario.campaigns])
        )
        simulation.play()
        (reports[mode],) = simulation.reports()
    assert reports["power"]["utilisation_ratio"] > reports["progressive"]["utilisation_ratio"]
    assert reports["power"]["abandoned"] > 0
    assert reports["power"]["abandon_ratio"] <= 0.03
    assert reports["progressive"]["abandoned"] == 0


def test_no_call_is_given_up_before_it_has_rung_fifteen_seconds():
    """16 CFR 310.4(b)(4)(ii). The others of a group are given up after that, not before, and they are many."""
    scenario = with_pacing(scenario_for(mode="power", agents=20, hours=1, seed=5), ratio=4.0, abandon_limit_ratio=0.5)
    simulation = Simulation(scenario)
    watch = RingWatch(simulation)
    simulation.play()
    assert len(watch.given_up_us) > 50
    assert min(watch.given_up_us) >= LEAST_RING_US
    assert max(watch.given_up_us) < 25 * SECOND_US


def test_second_answers_find_other_agents_or_are_abandoned_in_time():
    scenario = with_pacing(scenario_for(mode="power", agents=10, hours=1, seed=2), ratio=5.0, abandon_limit_ratio=0.5)
    simulation = Simulation(replace(scenario, check_every=7))
    simulation.play()
    outcomes = Counter(row.outcome for row in counted(simulation).values())
    assert outcomes[Outcome.ABANDONED] > 10
    assert outcomes[Outcome.CONNECTED] > outcomes[Outcome.ABANDONED]
    for row in counted(simulation).values():
        if row.outcome is Outcome.CONNECTED:
            assert row.joined_us - row.answered_us <= 2 * SECOND_US + SECOND_US // 10


@pytest.mark.parametrize("mode", ["preview", "power", "predictive"])
@pytest.mark.parametrize("seed", range(20))
def test_heavy_faults_break_nothing(mode, seed):
    """Everything at once; the referee and every machine look on, nobody is given up early, and the run ends."""
    scenario = scenario_for(
        mode=mode, agents=8, hours=0.15, seed=seed, faults="heavy", per_actor=3, profile="eager", campaigns=1 + seed % 2
    )
    scenario = with_pacing(scenario, ratio=3.0, abandon_limit_ratio=0.3)
    simulation = Simulation(replace(scenario, check_every=1))
    watch = RingWatch(simulation)
    simulation.play()
    assert simulation.over()
    assert simulation.world.journal.open_intents() == []
    assert simulation.world.referee.placed > 0
    assert min(watch.given_up_us, default=LEAST_RING_US) >= LEAST_RING_US


@pytest.mark.parametrize("mode", ["preview", "power", "predictive"])
def test_a_list_that_is_dialled_to_its_end_completes(mode):
    made = scenario_for(mode=mode, agents=6, hours=2, seed=1)
    campaigns = [(replace(spec, retry=RetryRule(max_attempts=1)), SyntheticContacts(80)) for spec, _ in made.campaigns]
    simulation = Simulation(replace(made, campaigns=campaigns, habits=habits_by_name("steady"), check_every=11))
    simulation.play()
    (report,) = simulation.reports()
    assert report["status"] == CampaignState.COMPLETED
    assert report["attempts"] == 80


@pytest.mark.parametrize("policy", list(PriorityPolicy))
def test_three_campaigns_share_agents(policy):
    """Requirements 40, 42. Of 5, 5 and 4: by shares each has its part; strictly the third waits for the others."""
    made = scenario_for(mode="progressive", agents=30, hours=1.5, seed=4, campaigns=3)
    campaigns = [
        (replace(spec, priority=priority, retry=RetryRule(max_attempts=1)), SyntheticContacts(3_000, first=no * 3_000))
        for no, ((spec, _), priority) in enumerate(zip(made.campaigns, (5, 5, 4), strict=True))
    ]
    simulation = Simulation(replace(made, campaigns=campaigns, priority_policy=policy))
    simulation.play()
    dialled = Counter(run_of(attempt) for attempt in counted(simulation))
    assert dialled.total() > 1_500
    if policy is PriorityPolicy.STRICT:
        assert dialled[3] == 0
        assert dialled[1] == pytest.approx(dialled[2], rel=0.2)
    else:
        for run_no, share in ((1, 5 / 14), (2, 5 / 14), (3, 4 / 14)):
            assert dialled[run_no] == pytest.approx(dialled.total() * share, rel=0.05)


@pytest.mark.parametrize("mode", list(DialingMode))
def test_there_is_a_scenario_for_every_mode(mode):
    scenario = scenario_for(mode=mode, agents=10, hours=1, seed=1)
    ((spec, contacts),) = scenario.campaigns
    assert spec.mode is mode
    assert spec.amd is (mode in AMD)
    assert (spec.queue is None) is (mode is DialingMode.AGENTLESS)
    assert len(contacts) >= 750
    assert scenario.trunk.lines >= 2 * 10
