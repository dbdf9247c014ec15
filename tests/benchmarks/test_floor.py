"""Facts about the floor: it says per attempt exactly what the real machines say, and nothing gets stuck."""

from collections import Counter

import pytest

from benchmarks.floor import CAMPAIGN, SCHEDULER, Talk
from dialer.config import load_rules
from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.kinds import DialingMode
from dialer.domain.message import Envelope
from dialer.domain.specs import AgentSpec, CampaignSpec, TrunkSpec
from dialer.sim.contacts import SyntheticContacts
from dialer.sim.people import habits_by_name
from dialer.sim.scenario import Scenario, Simulation

#: One of these stands for many attempts.
OF_BATCHES = {c.RequestLeases, e.LeasesGranted, c.RequestCredits, e.CreditsGranted}
HOSTS = {"agent": "agents", "desk": "desks"}


def passed_by_floor(agents: int, in_flight: int, steps: int) -> tuple[Counter, int]:
    """(receiver's kind, message) -> how often, and attempts that have gone all the way."""
    talks = {kind: Talk(kind, agents) for kind in ("scheduler", "campaign", "store", "trunk", "agents", "desks")}
    said: Counter = Counter()
    waiting = [Envelope(CAMPAIGN, c.RequestLeases(SCHEDULER.id, in_flight))]
    for _ in range(steps):
        batches: dict[str, list[Envelope]] = {}
        for envelope in waiting:
            batches.setdefault(HOSTS.get(envelope.to.kind, envelope.to.kind), []).append(envelope)
        waiting = []
        for kind, batch in batches.items():
            waiting += talks[kind].handle(batch)
        said.update((envelope.to.kind, type(envelope.message)) for envelope in waiting)
    return said, talks["campaign"].done


def said_by_machines(agents: int, contacts: int) -> tuple[Counter, int]:
    """(receiver's kind, message) -> how often, and attempts, in a simulation of calls that last a second."""
    spec = CampaignSpec(
        "bench",
        DialingMode.PROGRESSIVE if agents else DialingMode.AGENTLESS,
        "main",
        "main",
        "main" if agents else None,
        12125550100,
        concurrency=40,
        flow=None if agents else "notice",
    )
    simulation = Simulation(
        Scenario(
            campaigns=[(spec, SyntheticContacts(contacts))],
            trunk=TrunkSpec("main", 100, 100),
            rules=load_rules(),
            agents=[AgentSpec(f"a{no}", "main", ("main",), ("main",), 0) for no in range(agents)],
            profile="instant",
            habits=habits_by_name("steady"),
            hours=1.0,
        )
    )
    said: Counter = Counter()
    network = simulation.world.network
    send = network.send

    def listen(host, berth, envelopes):
        known = list(envelopes)
        said.update((envelope.to.kind, type(envelope.message)) for envelope in known)
        send(host, berth, known)

    network.send = listen
    simulation.play()
    (report,) = simulation.reports()
    assert report["connected"] == report["attempts"] > contacts * 0.9  # in Hawaii it is too early
    return said, report["attempts"]


def per_attempt(said: Counter, attempts: int) -> dict:
    """How often each message is sent to another host for one attempt; what is not sent for each is left out."""
    times = {key: round(count / attempts) for key, count in said.items() if key[1] not in OF_BATCHES}
    return {key: count for key, count in times.items() if count and key[0] != "switch"}  # that is in the trunk's host


@pytest.mark.parametrize("agents", [0, 20])
def test_same_messages_as_machines(agents):
    """What the floor passes for an attempt is what the machines say for one, to the same receivers."""
    floor = per_attempt(*passed_by_floor(agents, 50, 2_000))
    assert floor == per_attempt(*said_by_machines(agents, 600))
    assert ("campaign", e.OutcomeRecorded) in floor
    assert (("desk", e.DeskUpdated) in floor) is bool(agents)


@pytest.mark.parametrize("agents", [0, 3])
def test_goes_round(agents):
    """Attempts that are over make room for new ones: as many as began keep going round."""
    _, few = passed_by_floor(agents, 7, 200)
    _, more = passed_by_floor(agents, 7, 400)
    assert few >= 7 * 10
    assert more >= 2 * few - 7
