"""Campaigns that are kept: operators' orders, schedules and many runs of one campaign, over weeks of virtual time.

The keeper is hosted like every other machine, and can crash. The library is its other half: here it keeps records in
memory, has contacts that nobody had to write down, and starts campaign hosts in the world.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from dialer.domain import keeping as k
from dialer.domain.agent import AgentMachine
from dialer.domain.campaign import CampaignRun
from dialer.domain.events import PeerRestarted
from dialer.domain.keeper import Keeper
from dialer.domain.keeping import KEEPER, LIBRARY, OPERATOR, CampaignRecord, RunNote
from dialer.domain.kinds import CampaignState
from dialer.domain.ledger import STORE, Ledger
from dialer.domain.message import Address, Envelope, Machine
from dialer.domain.ports import ContactSource
from dialer.domain.scheduler import Scheduler
from dialer.domain.specs import AgentSpec, LegalRules, PoolSpec, TrunkSpec
from dialer.domain.trunk import TrunkMachine, switch_of
from dialer.sim.faults import FaultPlan, plan_by_name
from dialer.sim.people import Habits, Person, habits_by_name
from dialer.sim.world import World
from dialer.telephony.simulated import profile_by_name
from dialer.telephony.simulated.carrier import Carrier

#: The scheduler steps at most this often.
TICK_US = 20_000
_POOL = "main"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A dialer without campaigns: operators bring them."""

    start_us: int
    trunk: TrunkSpec
    rules: LegalRules
    lists: Mapping[str, ContactSource]  #: contact lists by name; a campaign dials one of them
    agents: Sequence[AgentSpec] = ()
    profile: str = "typical"
    habits: Habits = field(default_factory=lambda: habits_by_name("typical"))
    seed: int = 1
    faults: str | FaultPlan = "none"
    check_every: int = 0
    dnc_lists: tuple[str, ...] = ()  #: empty at first, they apply to all campaigns


class Library:
    """Machine of the library: never dies, like the disk it stands for.

    Args:
        lists: Contact lists by name.
        state_of: Recorded state of a run.
        begin: Starts the host of a campaign on its present run.
    """

    def __init__(
        self,
        lists: Mapping[str, ContactSource],
        state_of: Callable[[int], CampaignState],
        begin: Callable[[k.BeginRun], None],
    ) -> None:
        self.address = LIBRARY
        self.records: dict[str, CampaignRecord] = {}
        self.history: dict[tuple[str, int], RunNote] = {}
        self.prepared: dict[tuple[str, int], tuple[int, int]] = {}  #: (campaign, asked) -> (run number, time)
        self.contacts: dict[int, ContactSource] = {}  #: by run
        self.begun: dict[str, k.BeginRun] = {}  #: by campaign, the latest
        self._lists = lists
        self._state_of = state_of
        self._begin = begin
        self._handlers: dict[type, Callable[[Any, int], Any]] = {
            k.KeepRecords: self._keep,
            k.PrepareRun: self._prepare,
            k.ScrubLists: self._scrub,
            k.BeginRun: self._host,
            k.ReportRun: self._report,
            PeerRestarted: lambda _msg, _now_us: None,  # a reborn keeper asks by itself
        }

    def start(self, now_us: int) -> list[Envelope]:  # noqa: ARG002 - part of the Machine protocol
        """Nothing: it is asked."""
        return []

    def handle(self, batch: Sequence[Any], now_us: int) -> list[Envelope]:
        """Answer everything at once."""
        answers = [self._handlers[type(item)](item, now_us) for item in batch]
        return [Envelope(KEEPER, answer) for answer in answers if answer is not None]

    def next_deadline_us(self) -> int | None:
        """Time alone changes nothing here."""
        return None

    def check_invariants(self) -> None:
        """It has no state of its own that could contradict itself."""

    def _keep(self, msg: k.KeepRecords, now_us: int) -> k.RecordsKept:  # noqa: ARG002
        for name in msg.deleted:
            self.records.pop(name, None)
        self.records |= {record.spec.campaign: record for record in msg.records}
        self.history |= {(note.campaign, note.no): note for note in msg.notes}
        return k.RecordsKept(msg.seq)

    def _prepare(self, msg: k.PrepareRun, now_us: int) -> k.RunPrepared | k.PreparationFailed:
        if any(name not in self._lists for name in msg.lists):
            words = f"campaign {msg.campaign}: there is no such contact list"
            return k.PreparationFailed(msg.campaign, msg.asked_us, k.Refusal.NOT_FOUND, words)
        run_no, _ = self.prepared.setdefault((msg.campaign, msg.asked_us), (len(self.prepared) + 1, now_us))
        source = self.contacts[run_no] = self._lists[msg.lists[0]]
        return k.RunPrepared(msg.campaign, msg.asked_us, run_no, len(source), len(source))

    def _scrub(self, msg: k.ScrubLists, now_us: int) -> k.ListsScrubbed:  # noqa: ARG002
        size = sum(len(self._lists[name]) for name in msg.lists if name in self._lists)
        return k.ListsScrubbed(msg.campaign, msg.version, size, size, "")

    def _host(self, msg: k.BeginRun, now_us: int) -> k.RunBegun:  # noqa: ARG002
        if self.begun.get(msg.campaign) != msg:
            self.begun[msg.campaign] = msg
            self._begin(msg)
        return k.RunBegun(msg.campaign, msg.run_no)

    def _report(self, msg: k.ReportRun, now_us: int) -> k.RunReported:  # noqa: ARG002
        begun = self.begun.get(msg.campaign)
        up = begun is not None and begun.run_no == msg.run_no
        return k.RunReported(msg.campaign, msg.run_no, self._state_of(msg.run_no), up)


class Operator:
    """Machine of whoever gives orders: it keeps the answers."""

    def __init__(self) -> None:
        self.address = OPERATOR
        self.answers: dict[int, k.OrderDone | k.OrderRefused] = {}

    def start(self, now_us: int) -> list[Envelope]:  # noqa: ARG002 - part of the Machine protocol
        """Nothing: orders come from outside the world."""
        return []

    def handle(self, batch: Sequence[Any], now_us: int) -> list[Envelope]:  # noqa: ARG002
        """Note answers."""
        self.answers |= {item.order: item for item in batch if not isinstance(item, PeerRestarted)}
        return []

    def next_deadline_us(self) -> int | None:
        """Time alone changes nothing here."""
        return None

    def check_invariants(self) -> None:
        """Nothing to check: it only listens."""


class KeptCampaigns:
    """A dialer with a keeper, in its world.

    Args:
        setting: What is there before the first order.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        faults = setting.faults if isinstance(setting.faults, FaultPlan) else plan_by_name(setting.faults)
        check = setting.check_every
        self.world = World(seed=setting.seed, start_us=setting.start_us, faults=faults, check_every=check)
        self.library = Library(setting.lists, self._state_of, self._begin)
        self.operator = Operator()
        self._orders = 0
        self._build()

    def _build(self) -> None:
        setting, world = self.setting, self.world
        scheduler, trunk = Address("scheduler", _POOL), Address("trunk", setting.trunk.trunk)
        world.referee.limits[trunk.id] = (setting.trunk.lines, setting.trunk.calls_per_s)
        agents = [Address("agent", spec.agent) for spec in setting.agents]
        desks = [Address("desk", spec.agent) for spec in setting.agents]
        world.expect(scheduler, [scheduler])
        world.expect(Address("agents", "all"), agents)
        world.expect(Address("desks", "all"), desks)
        world.expect(KEEPER, [KEEPER])
        world.add(STORE, [STORE], lambda _epoch, now_us: [self._ledger(now_us)])
        limits = replace(setting.trunk, pools=(_POOL,))
        world.add(trunk, [trunk], lambda epoch, _now_us: [TrunkMachine(limits, epoch=epoch)])
        world.add_carrier(switch_of(trunk.id), trunk, Carrier(profile_by_name(setting.profile), setting.seed))
        world.add(scheduler, [scheduler], lambda epoch, _now_us: [self._scheduler(epoch)], pace_us=TICK_US)
        if agents:
            world.add(Address("agents", "all"), agents, self._agents)
            people = [Person(spec.agent, setting.seed, setting.habits) for spec in setting.agents]
            world.add(Address("desks", "all"), desks, lambda _epoch, _now_us: people, mortal=False)
        office: list[Machine] = [self.library, self.operator]
        world.add(LIBRARY, [LIBRARY, OPERATOR], lambda _epoch, _now_us: office, mortal=False)
        world.add(KEEPER, [KEEPER], lambda epoch, _now_us: [self._keeper(epoch)])

    def _keeper(self, epoch: int) -> Machine:
        return Keeper(self.library.records.values(), epoch=epoch, reborn=epoch > 1)

    def _agents(self, epoch: int, now_us: int) -> list[Machine]:  # noqa: ARG002 - a build
        return [AgentMachine(spec, epoch=epoch, reborn=epoch > 1) for spec in self.setting.agents]

    def _scheduler(self, epoch: int) -> Machine:
        agents = tuple(spec.agent for spec in self.setting.agents)
        pool = PoolSpec(_POOL, (self.setting.trunk.trunk,), agents, tuple(sorted(self.library.begun)))
        return Scheduler(pool, rng=Random(self.setting.seed * 1_000 + epoch))

    def _ledger(self, now_us: int) -> Ledger:
        journal, rules = self.world.journal, self.setting.rules
        longest_us = max((cap.window_us for cap in rules.caps), default=0)
        recent = journal.recent(now_us - longest_us)
        lists = self.setting.dnc_lists
        return Ledger(
            rules,
            dnc=dict.fromkeys(lists, frozenset[int]()),
            global_lists=lists,
            open_intents=journal.open_intents(),
            recent=recent,
            dnc_changes=journal.dnc,
        )

    # -- runs --------------------------------------------------------------------------------------------------------

    def _state_of(self, run_no: int) -> CampaignState:
        return self.world.journal.states.get(run_no, CampaignState.READY)

    def _begin(self, run: k.BeginRun) -> None:
        """Start the host of a campaign, or let it be reborn as another run."""
        address = Address("campaign", run.campaign)
        if address in self.world.directory.hosts:
            self.world.crash(address)
        else:
            self.world.add(address, [address], lambda epoch, _now_us: [self._run(run.campaign, epoch)])

    def _run(self, campaign: str, epoch: int) -> Machine:
        run = self.library.begun[campaign]
        history = self.world.journal.history(run.run_no)
        return CampaignRun(run.run_no, run.spec, self.library.contacts[run.run_no], epoch=epoch, history=history)

    # -- operators ---------------------------------------------------------------------------------------------------

    def order(self, kind: Callable[..., Any], *args: Any, **fields: Any) -> int:
        """Give the keeper an order, any of ``domain/keeping.py``; the number under which its answer will be found."""
        self._orders += 1
        self.world.tell(KEEPER, kind(self._orders, *args, **fields))
        return self._orders

    def run(self, until_us: int) -> None:
        """Let time pass."""
        self.world.run(until_us)

    def notes(self, campaign: str) -> list[RunNote]:
        """The history of a campaign, as far as it is durable."""
        return [note for (name, _), note in sorted(self.library.history.items()) if name == campaign]
