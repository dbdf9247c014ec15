"""One simulation by its options: a sensible scenario, played to its end, and its report."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from dialer.config import load_rules
from dialer.domain.kinds import DialingMode
from dialer.domain.specs import AgentSpec, CampaignSpec, TrunkSpec
from dialer.domain.views import Snapshot
from dialer.errors import ConfigError
from dialer.sim.contacts import SyntheticContacts
from dialer.sim.faults import plan_by_name
from dialer.sim.people import habits_by_name
from dialer.sim.scenario import Scenario, Simulation
from dialer.sim.totals import totals
from dialer.telephony.simulated import profile_by_name

#: Contacts per agent and hour: with retries the list outlasts the hours. A progressive agent dials about 72 times, and
#: where several calls are made for each, an agent who never waits joins a few dozen of them in an hour.
AGENT_CONTACTS_PER_H = {
    DialingMode.PREVIEW: 75,
    DialingMode.PROGRESSIVE: 75,
    DialingMode.POWER: 150,
    DialingMode.PREDICTIVE: 150,
}
#: Lines per agent: several calls ring while others are in progress.
AGENT_LINES = {
    DialingMode.PREVIEW: 2,
    DialingMode.PROGRESSIVE: 2,
    DialingMode.POWER: 6,
    DialingMode.PREDICTIVE: 6,
}
#: Answering machines are told from people where it does not cost the person who answers an agent's attention: in power
#: dialling they are joined as they come, and a contact that was looked at is worth a voicemail.
AMD = frozenset({DialingMode.AGENTLESS, DialingMode.PROGRESSIVE, DialingMode.PREDICTIVE})
#: Contacts per call in progress and hour, for a flow that takes the calls.
FLOW_CONTACTS_PER_H = 200
#: Calls in progress of agentless campaigns if no other number was given.
AGENTLESS_CONCURRENCY = 40
#: Longest simulation: a week. Longer ones say nothing new, and their records no longer fit in memory.
MAX_HOURS = 168.0
CALLER_ID = 12025550100

#: Told now and then while a simulation runs: (share of the hours that has passed, 0 to 1; the picture).
Progress = Callable[[float, Snapshot], None]


def simulate(
    *,
    mode: str,
    agents: int,
    hours: float,
    seed: int,
    faults: str = "none",
    campaigns: int = 1,
    per_actor: int = 8,
    profile: str = "typical",
    habits: str = "typical",
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Simulate some hours of dialling.

    Args:
        mode: One of ``DialingMode``.
        agents: Number of agents; for agentless campaigns calls in progress, 0 for the default of 40.
        hours: Simulated hours, above 0 and at most a week.
        seed: Any integer: the same one gives the same digest.
        faults: ``none``, ``light`` or ``heavy``.
        campaigns: Campaigns that share agents and trunk, 1 or more.
        per_actor: Agents in one host, 1 or more.
        profile: Whom the carrier reaches.
        habits: How the agents work.
        progress: Told once in a simulated minute.

    Returns:
        The report: the keys of ``storage.report.run_report`` and ``mode``, ``contacts``, ``dialable``, ``excluded``,
        ``seed``, ``digest``, ``status``, and ``faults`` (``plan``, ``crashes``, ``freezes``, ``deliveries``). With
        several campaigns it adds them up, and ``campaigns`` holds the report of each. The caller adds ``wall_s``.

    Raises:
        ConfigError: An option is wrong; the line says what is allowed.
    """
    scenario = scenario_for(
        mode=mode,
        agents=agents,
        hours=hours,
        seed=seed,
        faults=faults,
        campaigns=campaigns,
        per_actor=per_actor,
        profile=profile,
        habits=habits,
    )
    simulation = Simulation(replace(scenario, calm=True))
    with _without_cycle_search():
        simulation.play(progress)
    accidents = simulation.world.accidents
    return totals(simulation.reports(), simulation.world.journal) | {
        "faults": {
            "plan": faults,
            "crashes": accidents.crashes,
            "freezes": accidents.freezes,
            "deliveries": simulation.world.network.deliveries,
        }
    }


@contextmanager
def _without_cycle_search() -> Iterator[None]:
    """Records pile up and none of them refers to itself: looking for cycles among millions only takes time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def scenario_for(
    *,
    mode: str,
    agents: int,
    hours: float,
    seed: int,
    faults: str = "none",
    campaigns: int = 1,
    per_actor: int = 8,
    profile: str = "typical",
    habits: str = "typical",
) -> Scenario:
    """The scenario that ``simulate`` plays; same arguments, same errors."""
    if mode not in list(DialingMode):
        msg = f"no mode {mode!r}; use one of: {', '.join(DialingMode)}"
        raise ConfigError(msg)
    mode = DialingMode(mode)
    agentless = mode is DialingMode.AGENTLESS
    _at_least(0 if agentless else 1, agents, f"agents for {mode} dialling")
    _at_least(1, campaigns, "campaigns")
    _at_least(1, per_actor, "agents per actor")
    if not (math.isfinite(hours) and 0 < hours <= MAX_HOURS):
        msg = f"hours must be above 0 and at most {MAX_HOURS:g}, not {hours:g}"
        raise ConfigError(msg)
    plan_by_name(faults)
    profile_by_name(profile)
    calls = (agents or AGENTLESS_CONCURRENCY) if agentless else agents
    calls_each = -(-calls // campaigns)
    per_h = FLOW_CONTACTS_PER_H if agentless else AGENT_CONTACTS_PER_H[mode]
    contacts_each = max(1, math.ceil(calls * hours * per_h / campaigns))
    names = ["simulated"] if campaigns == 1 else [f"simulated-{no}" for no in range(1, campaigns + 1)]
    specs = [
        CampaignSpec(
            name,
            mode,
            "main",
            "simulated",
            None if agentless else "main",
            CALLER_ID,
            concurrency=calls_each,
            amd=mode in AMD,
            flow="notice" if agentless else None,
        )
        for name in names
    ]
    return Scenario(
        campaigns=[(spec, SyntheticContacts(contacts_each, first=no * contacts_each)) for no, spec in enumerate(specs)],
        trunk=TrunkSpec(
            "simulated",
            lines=(2 if agentless else AGENT_LINES[mode]) * calls_each * campaigns,
            calls_per_s=max(10, calls),
        ),
        rules=load_rules(),
        agents=[] if agentless else [AgentSpec(f"a{no}", "main", ("main",), ("simulated",)) for no in range(agents)],
        agents_per_host=per_actor,
        profile=profile,
        habits=habits_by_name(habits),
        hours=hours,
        seed=seed,
        faults=faults,
    )


def _at_least(least: int, number: int, what: str) -> None:
    if number < least:
        msg = f"{what} must be {least} or more, not {number}"
        raise ConfigError(msg)
