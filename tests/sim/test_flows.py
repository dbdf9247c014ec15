"""Agentless campaigns whose callees are in a flow: what they press shows in the records, whatever breaks."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from dialer.config import load_flow
from dialer.domain import rows as r
from dialer.domain.flow import (
    FlowResult,
    FlowSpec,
    GatherStep,
    HangUpStep,
    OnMachine,
    OptOutStep,
    QueueStep,
    SayStep,
)
from dialer.domain.kinds import CampaignState, Outcome
from dialer.domain.message import Address
from dialer.domain.specs import MINUTE_US, SECOND_US, AgentSpec, RetryRule
from dialer.sim.contacts import SyntheticContacts
from dialer.sim.faults import FaultPlan
from dialer.sim.run import scenario_for
from dialer.sim.scenario import Simulation

EXAMPLES = Path(__file__).parents[2] / "examples" / "flows"
ONCE = RetryRule(max_attempts=1)
AGAIN = RetryRule(max_attempts=3, rest_us=5 * MINUTE_US, final=())  # also who was connected is called again
FLOW = FlowSpec(
    "asking",
    "menu",
    (
        GatherStep(
            "menu",
            otherwise="end",
            branches=(("1", "thanks"), ("2", "stop"), ("9", "menu")),
            text="Press a key.",
            attempts=2,
        ),
        SayStep("thanks", "Thank you.", "end"),
        OptOutStep("stop", "everywhere", "thanks"),
        HangUpStep("end"),
    ),
)


def campaign(flow=FLOW, *, contacts=400, hours=2.0, retry=ONCE, profile="eager", faults="none", **options):
    """An agentless campaign with this flow."""
    made = scenario_for(
        mode="agentless", agents=20, hours=hours, seed=options.pop("seed", 1), profile=profile, **options
    )
    ((spec, _),) = made.campaigns
    own = flow is not None
    made = replace(made, faults=faults)
    spec = replace(spec, retry=retry, flow=flow.flow if own else spec.flow, flow_spec=flow if own else None)
    return Simulation(replace(made, campaigns=[(spec, SyntheticContacts(contacts))], check_every=7))


def connected(journal):
    return {attempt for attempt, row in journal.outcomes.items() if row.outcome is Outcome.CONNECTED}


def test_what_is_pressed_shows_in_the_records():
    """Requirements 20, 21, 24, 25. Every person has one record; the shares are those of the simulated people."""
    simulation = campaign(contacts=1_500)
    simulation.play()
    journal = simulation.world.journal
    flows = journal.flows
    assert flows.keys() == connected(journal)
    answers = Counter(json.loads(row.answers).get("menu", "") for row in flows.values())
    listened = sum(1 for row in flows.values() if row.result is FlowResult.COMPLETED)
    assert listened > 0.7 * len(flows)
    assert answers["1"] / sum(answers[key] for key in "12") == pytest.approx(0.70 / 0.82, abs=0.05)
    assert answers[""] < 0.3 * len(flows)
    opted_out = {row.number for row in journal.rows if type(row) is r.DncRow}
    assert opted_out == {journal.intents[attempt].number for attempt, row in flows.items() if "stop" in row.answers}
    assert len(opted_out) > 50
    (report,) = simulation.reports()
    assert sum(report["flow_results"].values()) == report["connected"]
    assert report["flow_answers"]["menu"] == {key: answers[key] for key in sorted(answers) if key}


@pytest.mark.parametrize("faults", ["none", "heavy"])
def test_never_more_calls_than_the_manager_said(faults):
    """Requirements 20, 26. Twenty calls at one moment are used, and never exceeded."""
    simulation = campaign(contacts=300, faults=faults)
    simulation.play()
    sent = [row for row in simulation.world.journal.outcomes.values() if row.sent_us]
    changes = sorted([(row.sent_us, 1) for row in sent] + [(row.ended_us, -1) for row in sent])
    up = list(itertools.accumulate(change for _, change in changes))
    assert max(up) == 20


def test_simulation_repeats():
    """The same seed gives the same answers."""
    first, second = campaign(contacts=100), campaign(contacts=100)
    first.play()
    second.play()
    assert first.world.journal.digest() == second.world.journal.digest()
    assert first.world.journal.flows


def test_who_has_opted_out_is_not_called_again():
    """Requirement 24. An opt-out is in force before the next attempt; here connected contacts are tried again, too."""
    simulation = campaign(contacts=150, hours=1.0, retry=AGAIN)
    simulation.play()
    journal = simulation.world.journal
    listed = {row.number: row.at_us for row in journal.rows if type(row) is r.DncRow}
    assert len(listed) > 10
    assert not [row for row in journal.intents.values() if row.at_us > listed.get(row.number, row.at_us)]
    assert max(Counter(row.number for row in journal.intents.values()).values()) > 1


@pytest.mark.parametrize("seed", range(4))
def test_under_faults(seed):
    """Requirements 20, 23, 24. Lost messages and restarts of everything: no call without an end, no record twice."""
    simulation = campaign(contacts=150, hours=1.0, retry=AGAIN, faults="heavy", seed=seed)
    simulation.play()
    (report,) = simulation.reports()
    assert simulation.world.accidents.crashes > 5
    assert report["status"] in (CampaignState.COMPLETED, CampaignState.STOPPED)
    assert report["open"] == 0
    journal = simulation.world.journal
    assert journal.flows.keys() <= journal.outcomes.keys()
    possible = {Outcome.CONNECTED, Outcome.UNKNOWN}  # unknown: the trunk died with the result
    assert {journal.outcomes[attempt].outcome for attempt in journal.flows} <= possible
    listed = {}
    for row in journal.rows:
        if type(row) is r.DncRow:
            listed.setdefault(row.number, row.at_us)
    assert listed
    assert not [row for row in journal.intents.values() if row.at_us > listed.get(row.number, row.at_us)]


def test_trunk_that_restarts_in_the_middle():
    """Requirement 24. Runs die with their trunk: the calls are hung up, count as connected, and were lost."""
    simulation = campaign(contacts=300, hours=1.0)
    world = simulation.world
    for second in range(40, 240, 40):  # the list is dialled to its end in a few minutes
        world.run(simulation.ends_us - 3600 * SECOND_US + second * SECOND_US)
        world.crash(Address("trunk", "simulated"))
    simulation.play()
    journal = world.journal
    results = Counter(row.result for row in journal.flows.values())
    assert results[FlowResult.LOST] > 5
    lost = [attempt for attempt, row in journal.flows.items() if row.result is FlowResult.LOST]
    assert {journal.outcomes[attempt].outcome for attempt in lost} <= {Outcome.CONNECTED, Outcome.UNKNOWN}
    assert simulation.reports()[0]["open"] == 0


@pytest.mark.parametrize("on_machine", list(OnMachine))
def test_machines(on_machine):
    """Requirements 22, 28. Hung up on, spoken to, or left a message; a machine in every case."""
    text = "Call us." if on_machine is OnMachine.MESSAGE else ""
    simulation = campaign(replace(FLOW, on_machine=on_machine, machine_text=text), contacts=150, profile="typical")
    simulation.play()
    journal = simulation.world.journal
    machines = {attempt for attempt, row in journal.outcomes.items() if row.outcome is Outcome.MACHINE}
    assert len(machines) > 20
    spoken_to = machines & journal.flows.keys()
    assert spoken_to == (set() if on_machine is OnMachine.HANG_UP else machines)
    if on_machine is OnMachine.MESSAGE:
        assert {journal.flows[attempt].result for attempt in machines} == {FlowResult.MESSAGE}
    assert journal.flows.keys() == connected(journal) | spoken_to


def test_no_flow_no_call():
    """Requirement 27. A campaign that names a flow nobody knows dials nobody."""
    made = campaign(None, contacts=5, hours=0.02).scenario
    ((spec, contacts),) = made.campaigns
    simulation = Simulation(replace(made, campaigns=[(replace(spec, flow="nowhere"), contacts)]))
    simulation.play()
    assert simulation.world.referee.placed == 0
    assert {row.outcome for row in simulation.world.journal.outcomes.values()} <= {
        Outcome.TRUNK_REFUSED,
        Outcome.WITHDRAWN,
    }


@pytest.mark.parametrize("name", ["reminder", "survey"])
def test_examples_run(name):
    """Requirements 27, 29. The example flows are sound, and people get through them."""
    simulation = campaign(load_flow(EXAMPLES / f"{name}.yaml").to_domain(), contacts=200)
    simulation.play()
    results = Counter(row.result for row in simulation.world.journal.flows.values())
    assert results[FlowResult.COMPLETED] > 10


def test_trunk_that_crashes_all_the_time():
    """Only the trunk crashes, often: every lost run is closed within the hour, and no line stays up."""
    simulation = campaign(contacts=200, hours=1.0, faults=FaultPlan(crash_every_us=20 * SECOND_US), seed=3)
    simulation.world.accidents.mortal[:] = [Address("trunk", "simulated")]
    simulation.play()
    assert sum(simulation.world.referee.lines.values()) == 0
    assert simulation.reports()[0]["open"] == 0
    assert any(row.result is FlowResult.LOST for row in simulation.world.journal.flows.values())


@pytest.mark.parametrize("faults", ["none", "heavy"])
def test_a_callee_who_asks_for_an_agent_is_joined_with_one(faults):
    """Whoever presses 1 talks to an agent of the queue, or the flow goes on after its time; nobody is abandoned."""
    flow = FlowSpec(
        "asking",
        "menu",
        (
            GatherStep("menu", otherwise="end", branches=(("1", "agent"), ("2", "end")), text="Press 1 for us."),
            QueueStep("agent", "sales", nobody="sorry", limit_us=20 * SECOND_US),
            SayStep("sorry", "We call you back.", "end"),
            HangUpStep("end"),
        ),
    )
    made = campaign(flow, contacts=1_500, hours=1.0).scenario
    agents = [AgentSpec(f"a{no}", "main", ("sales",), ("simulated",)) for no in range(4)]
    simulation = Simulation(replace(made, agents=agents, faults=faults))
    simulation.play()
    journal = simulation.world.journal
    joined = [row for row in journal.outcomes.values() if row.agent]
    assert len(joined) > 20
    assert {row.outcome for row in joined} == {Outcome.CONNECTED}
    results = Counter(row.result for row in journal.flows.values())
    assert results[FlowResult.TRANSFERRED] > 20
    if faults == "none":
        assert results[FlowResult.TRANSFERRED] == len(joined)
        assert not any(row.outcome is Outcome.ABANDONED for row in journal.outcomes.values())
    assert journal.open_intents() == []
