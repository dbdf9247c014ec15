"""Scenarios: a pool, its agents, a trunk and campaigns, set up in a simulated world and played to the end."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any, cast

from dialer.domain.agent import AgentMachine
from dialer.domain.campaign import CampaignRun
from dialer.domain.commands import StopCampaign
from dialer.domain.kinds import CampaignState, PriorityPolicy
from dialer.domain.ledger import STORE, Ledger
from dialer.domain.message import Address, Machine
from dialer.domain.ports import ContactSource
from dialer.domain.scheduler import Scheduler
from dialer.domain.specs import HOUR_US, MINUTE_US, SECOND_US, AgentSpec, CampaignSpec, LegalRules, PoolSpec, TrunkSpec
from dialer.domain.trunk import TrunkMachine, switch_of
from dialer.domain.viewing import agents_view, campaign_view, scheduler_words, trunk_view
from dialer.domain.views import Snapshot
from dialer.sim.faults import FaultPlan, plan_by_name
from dialer.sim.people import Habits, Person, habits_by_name
from dialer.sim.world import Build, World
from dialer.storage.report import run_report
from dialer.storage.store import Store
from dialer.telephony.simulated import profile_by_name
from dialer.telephony.simulated.carrier import Carrier

#: A Tuesday at 16:00 UTC: calling hours are open from New York to Los Angeles for the next eight hours.
START_US = 1_772_553_600 * SECOND_US
#: How long calls in progress may take to end after the last one was allowed.
DRAIN_US = HOUR_US
#: Agents stay so long after the campaigns were stopped: whoever answers one of the last calls is not left alone.
LAST_CALLS_US = MINUTE_US
#: The scheduler steps at most this often.
TICK_US = 20_000
_POOL = "main"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What is simulated."""

    campaigns: Sequence[tuple[CampaignSpec, ContactSource]]
    trunk: TrunkSpec
    rules: LegalRules
    agents: Sequence[AgentSpec] = ()
    agents_per_host: int = 8
    priority_policy: PriorityPolicy = PriorityPolicy.STRICT
    profile: str = "typical"
    habits: Habits = field(default_factory=lambda: habits_by_name("typical"))
    hours: float = 8.0
    seed: int = 1
    faults: str | FaultPlan = "none"
    do_not_call: frozenset[int] = frozenset()  #: numbers on a list that applies to every campaign
    check_every: int = 0  #: invariants of a machine after every so many steps, 0 for never
    calm: bool = False  #: without faults: nobody will provoke one either, which saves time


class Simulation:
    """A scenario in its world.

    Args:
        scenario: What is simulated.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        faults = scenario.faults if isinstance(scenario.faults, FaultPlan) else plan_by_name(scenario.faults)
        check = scenario.check_every
        calm = scenario.calm and faults.none
        self.world = World(seed=scenario.seed, start_us=START_US, faults=faults, check_every=check, calm=calm)
        self.ends_us = START_US + round(scenario.hours * HOUR_US)
        self._runs = [(no, *campaign) for no, campaign in enumerate(scenario.campaigns, 1)]
        self._build()

    @property
    def campaigns(self) -> list[Address]:
        """Addresses of the campaigns."""
        return [Address("campaign", spec.campaign) for spec, _ in self.scenario.campaigns]

    def _build(self) -> None:
        scenario, world = self.scenario, self.world
        world.referee.limits[scenario.trunk.trunk] = (scenario.trunk.lines, scenario.trunk.calls_per_s)
        world.referee.forbidden = scenario.do_not_call
        self._declare()
        world.add(STORE, [STORE], lambda _epoch, now_us: [self._ledger(now_us)])
        trunk = Address("trunk", scenario.trunk.trunk)
        limits = replace(scenario.trunk, pools=(_POOL,))
        world.add(trunk, [trunk], lambda epoch, _now_us: [TrunkMachine(limits, epoch=epoch)])
        world.add_carrier(switch_of(trunk.id), trunk, Carrier(profile_by_name(scenario.profile), scenario.seed))
        pool = self._pool()
        scheduler = Address("scheduler", pool.pool)
        world.add(scheduler, [scheduler], lambda epoch, _now_us: [self._scheduler(pool, epoch)], pace_us=TICK_US)
        for agents in self._packs():
            host = Address("agents", agents[0].agent)
            machines = [Address("agent", spec.agent) for spec in agents]
            world.add(host, machines, _agents(agents))
        habits = replace(scenario.habits, leave_at_us=self.ends_us + LAST_CALLS_US)
        desks = [Address("desk", spec.agent) for spec in scenario.agents]
        people = [Person(spec.agent, scenario.seed, habits) for spec in scenario.agents]
        world.add(Address("desks", "all"), desks, lambda _epoch, _now_us: people, mortal=False)
        for no, spec, contacts in self._runs:
            address = Address("campaign", spec.campaign)
            world.add(address, [address], self._campaign(no, spec, contacts))

    def _declare(self) -> None:
        """Name every address before anybody speaks."""
        scenario = self.scenario
        self.world.expect(Address("scheduler", self._pool().pool), [Address("scheduler", self._pool().pool)])
        for agents in self._packs():
            self.world.expect(Address("agents", agents[0].agent), [Address("agent", spec.agent) for spec in agents])
        self.world.expect(Address("desks", "all"), [Address("desk", spec.agent) for spec in scenario.agents])
        for address in self.campaigns:
            self.world.expect(address, [address])

    def _packs(self) -> list[Sequence[AgentSpec]]:
        agents, size = self.scenario.agents, self.scenario.agents_per_host
        return [agents[at : at + size] for at in range(0, len(agents), size)]

    def _pool(self) -> PoolSpec:
        scenario = self.scenario
        agents = tuple(spec.agent for spec in scenario.agents)
        campaigns = tuple(spec.campaign for spec, _ in scenario.campaigns)
        return PoolSpec(_POOL, (scenario.trunk.trunk,), agents, campaigns, priority_policy=scenario.priority_policy)

    def _scheduler(self, pool: PoolSpec, epoch: int) -> Machine:
        return Scheduler(pool, rng=Random(self.scenario.seed * 1_000 + epoch))

    def _campaign(self, no: int, spec: CampaignSpec, contacts: ContactSource) -> Build:
        history = self.world.journal.history
        return lambda epoch, _now_us: [CampaignRun(no, spec, contacts, epoch=epoch, history=history(no))]

    def _ledger(self, now_us: int) -> Ledger:
        journal, rules = self.world.journal, self.scenario.rules
        longest_us = max((cap.window_us for cap in rules.caps), default=0)
        return Ledger(
            rules,
            dnc={"everywhere": self.scenario.do_not_call},
            global_lists=("everywhere",),
            open_intents=journal.open_intents(),
            recent=journal.recent(now_us - longest_us),
            dnc_changes=journal.dnc,
        )

    # -- playing -----------------------------------------------------------------------------------------------------

    def play(self, progress: Callable[[float, Snapshot], None] | None = None) -> None:
        """Let the hours pass, then stop the campaigns and let calls end.

        Args:
            progress: Told once in a minute: (share of the hours that has passed, 0 to 1; the picture).
        """
        world = self.world
        world.accidents.unleash()
        while not self.over() and world.now_us < self.ends_us:
            world.run(min(self.ends_us, world.now_us + MINUTE_US), self.over)
            if progress is not None:
                progress((world.now_us - START_US) / (self.ends_us - START_US), self.snapshot())
        until_us = self.ends_us + DRAIN_US
        while not self.over() and world.now_us < until_us:  # an order is repeated until its effect is on record
            for address in self.campaigns:
                world.tell(address, StopCampaign())
            world.run(min(until_us, world.now_us + MINUTE_US), self.over)
            if progress is not None:
                progress(1.0, self.snapshot())

    def over(self) -> bool:
        """True when every run has ended and the last word is durable."""
        ended = (CampaignState.COMPLETED, CampaignState.STOPPED)
        return all(self.world.journal.states.get(no) in ended for no, _, _ in self._runs)

    def snapshot(self) -> Snapshot:
        """The whole world at this moment; of a host that is down, what was last known. ``wall_s`` is the caller's."""
        known = self.world.last_known
        words = scheduler_words(cast("Scheduler", known(Address("scheduler", _POOL))))
        runs = [cast("CampaignRun", known(address)) for address in self.campaigns]
        views = [campaign_view(run, *words.get(run.spec.campaign, ("opening", 0))) for run in runs]
        agents = [cast("AgentMachine", known(Address("agent", spec.agent))) for spec in self.scenario.agents]
        trunk = cast("TrunkMachine", known(Address("trunk", self.scenario.trunk.trunk)))
        return Snapshot(self.world.now_us, 0.0, tuple(views), agents_view(agents), (trunk_view(trunk),))

    def reports(self) -> list[dict[str, Any]]:
        """The report of each run, made as for a real one, with ``seed`` and ``digest``."""
        journal = self.world.journal
        with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder)) as store:
            store.append(journal.rows)
            found = [run_report(store, no) for no, _, _ in self._runs]
        return [
            report
            | {
                "mode": spec.mode.value,
                "contacts": len(contacts),
                "dialable": len(contacts),
                "excluded": {},
                "seed": self.scenario.seed,
                "digest": journal.digest(),
                "status": report["state"],
            }
            for report, (_, spec, contacts) in zip(found, self._runs, strict=True)
        ]


def _agents(agents: Sequence[AgentSpec]) -> Build:
    return lambda epoch, _now_us: [AgentMachine(spec, epoch=epoch, reborn=epoch > 1) for spec in agents]
