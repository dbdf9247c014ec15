"""Facts about crashes and zombies: whoever is hit, and whenever, the run goes on to its end and breaks no rule."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dialer.domain.kinds import UNDIALLED, Outcome
from dialer.domain.ledger import STORE
from dialer.domain.message import Address
from dialer.domain.specs import SECOND_US
from dialer.sim.accidents import DETECTION_US
from dialer.sim.faults import FaultPlan
from dialer.sim.run import scenario_for
from dialer.sim.scenario import START_US, Simulation

CAMPAIGN, TRUNK = Address("campaign", "simulated"), Address("trunk", "simulated")
SCHEDULER, AGENT = Address("scheduler", "main"), Address("agent", "a1")
EVERYBODY = [STORE, CAMPAIGN, TRUNK, SCHEDULER, AGENT]


def small(seed=1, **options):
    """A few minutes of four agents, with every machine checked after every step."""
    scenario = scenario_for(mode="progressive", agents=4, hours=0.1, seed=seed, per_actor=2, profile="eager")
    return Simulation(replace(scenario, check_every=1, **options))


def played_to_its_end(simulation):
    simulation.play()
    journal = simulation.world.journal
    assert simulation.over()
    assert journal.open_intents() == []
    assert journal.intents.keys() == journal.outcomes.keys()
    counted = [row for row in journal.outcomes.values() if row.outcome not in UNDIALLED]
    assert len(counted) > 5
    return counted


@pytest.mark.parametrize("victim", EVERYBODY, ids=str)
@pytest.mark.parametrize("at_s", [0, 1, 20, 61, 359])
def test_a_crash_of_anybody_at_any_moment(victim, at_s):
    simulation = small(seed=at_s)
    simulation.world.clock.at(START_US + at_s * SECOND_US, simulation.world.crash, victim)
    played_to_its_end(simulation)
    assert simulation.world.accidents.crashes == 1


@pytest.mark.parametrize("victim", [victim for victim in EVERYBODY if victim != STORE], ids=str)
@pytest.mark.parametrize("at_s", [0, 1, 20, 61, 359])
def test_a_freeze_of_anybody_at_any_moment(victim, at_s):
    simulation = small(seed=at_s)
    simulation.world.clock.at(START_US + at_s * SECOND_US, simulation.world.freeze, victim)
    played_to_its_end(simulation)
    assert simulation.world.accidents.freezes == 1


def test_everybody_crashes_at_once():
    simulation = small()
    for victim in EVERYBODY:
        simulation.world.clock.at(START_US + 60 * SECOND_US, simulation.world.crash, victim)
    played_to_its_end(simulation)
    assert simulation.world.accidents.crashes == len(EVERYBODY)


@pytest.mark.parametrize("second", EVERYBODY, ids=str)
@pytest.mark.parametrize("first", EVERYBODY, ids=str)
def test_a_crash_while_another_one_introduces_itself(first, second):
    """What a reborn actor has asked for may die with whom it asked: whoever comes next must bring it up again."""
    for after_us in range(0, 8_000, 1_000):
        simulation = small()
        world = simulation.world
        world.run(START_US + 30 * SECOND_US)
        world.crash(first)
        while world.machine(first) is None:
            world.run(world.now_us + 100)
        world.run(world.now_us + after_us)
        world.crash(second)
        world.run(world.now_us + 40 * SECOND_US)
        placed = world.referee.placed
        world.run(world.now_us + 80 * SECOND_US)
        assert world.referee.placed > placed, f"nothing is dialled {after_us} us after"


def test_a_crash_costs_only_calls_in_progress():
    """Only the attempts that a dead trunk may have had on its mind end as unknown."""
    simulation = small()
    simulation.world.clock.at(START_US + 60 * SECOND_US, simulation.world.crash, TRUNK)
    counted = played_to_its_end(simulation)
    unknown = [row for row in counted if row.outcome == Outcome.UNKNOWN]
    assert len(unknown) <= 4  # one call per agent
    assert all(abs(row.ended_us - START_US - 60 * SECOND_US) < 30 * SECOND_US for row in unknown)


def test_calls_survive_a_crash_of_the_trunk():
    """The switch keeps them, and the new incarnation finds them there."""
    simulation = small(seed=3, habits=replace(small().scenario.habits, takes_breaks=False))
    world = simulation.world
    world.run(START_US + 60 * SECOND_US)
    talking = dict(world.referee.talking)
    assert talking
    world.crash(TRUNK)
    ended_us = {}
    simulation.play()
    for attempt in talking.values():
        row = world.journal.outcomes[attempt]
        assert row.outcome == Outcome.CONNECTED
        ended_us[attempt] = row.ended_us
    assert max(ended_us.values()) > START_US + 65 * SECOND_US


def test_a_replacement_of_a_frozen_host_waits_for_intents_to_lapse():
    simulation = small()
    world = simulation.world
    world.run(START_US + 60 * SECOND_US)
    before = world.machine(TRUNK)
    world.freeze(TRUNK)
    world.run(world.now_us + DETECTION_US)
    assert world.machine(TRUNK) is before
    assert simulation.scenario.rules.intent_ttl_us < DETECTION_US
    world.run(world.now_us + FaultPlan().down_us + 1)
    assert world.machine(TRUNK) is not before
    played_to_its_end(simulation)


def test_a_store_is_never_a_zombie():
    """The lock on its file would stop the second one."""
    simulation = small()
    simulation.world.freeze(STORE)
    assert simulation.world.accidents.freezes == 0


def test_a_frozen_host_that_crashes_is_replaced_once():
    simulation = small()
    world = simulation.world
    births = []
    build, pace_us = world._builds[TRUNK]
    world._builds[TRUNK] = (lambda epoch, now_us: births.append(epoch) or build(epoch, now_us), pace_us)
    world.run(START_US + 60 * SECOND_US)
    world.freeze(TRUNK)
    world.crash(TRUNK)
    world.run(world.now_us + 60 * SECOND_US)
    assert births == [2]
    played_to_its_end(simulation)


def test_the_dead_do_not_die_again():
    simulation = small()
    simulation.world.crash(TRUNK)
    simulation.world.crash(TRUNK)
    simulation.world.freeze(TRUNK)
    assert simulation.world.accidents.crashes == 1
    assert simulation.world.accidents.freezes == 0
    assert simulation.world.machine(TRUNK) is None
    assert simulation.world.last_known(TRUNK).address == TRUNK


@pytest.mark.parametrize("mode", ["progressive", "agentless"])
@pytest.mark.parametrize("seed", range(40))
def test_heavy_faults_break_nothing(mode, seed):
    """Everything at once: losses, doubles, delays, crashes, zombies; the referee and every machine look on."""
    scenario = scenario_for(
        mode=mode, agents=6, hours=0.1, seed=seed, faults="heavy", per_actor=3, profile="eager", campaigns=1 + seed % 2
    )
    simulation = Simulation(replace(scenario, check_every=1))
    simulation.play()
    assert simulation.over()
    assert simulation.world.journal.open_intents() == []
    assert simulation.world.accidents.crashes + simulation.world.accidents.freezes > 0
    assert simulation.world.referee.placed > 0
