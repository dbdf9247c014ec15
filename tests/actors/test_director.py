"""The director over a directory in memory: what it asks of the keeper, what it shows, and how it is reborn."""
# ruff: noqa: D102 - the fake has the members of what it replaces

import asyncio
from datetime import datetime
from types import SimpleNamespace

import pytest

from dialer.actors import director as module
from dialer.actors.births import PoolBirth, TrunkBirth
from dialer.actors.deployment import Deployment
from dialer.actors.directory import Plan
from dialer.domain.keeping import Ending, Status
from dialer.domain.kinds import CampaignState, DialingMode
from dialer.domain.message import Address
from dialer.domain.schedule import Schedule
from dialer.domain.specs import LegalRules, PoolSpec, TrunkSpec
from dialer.domain.views import CampaignView
from dialer.errors import ConfigError, ConflictError, NotFoundError

FILE = {"name": "spring", "mode": "progressive", "caller_id": 12125550199, "queue": "sales"}
START_US = 1_772_440_000_000_000
HOST = Address("campaign", "spring")
PLAN = Plan((), (), schedules=True)


class FakeDirectory:
    """Hosts and a store in memory, which outlive the director."""

    kept: dict
    states: dict

    def __init__(self, deployment, per_actor):
        self.births, self.views, self.homes = {}, {}, {}
        self.office = SimpleNamespace(task=self._task)
        self.placed = None

    async def _task(self, work):
        return await work

    async def load(self):
        self.births |= type(self).hosts
        self.placed = type(self).kept.get(("dialer", "main"))

    async def begin(self, plan):
        self.placed = {"schedules": plan.schedules}
        type(self).kept["dialer", "main"] = self.placed
        type(self).hosts |= {
            Address("scheduler", "main"): PoolBirth(PoolSpec("main")),
            Address("trunk", "main"): TrunkBirth(TrunkSpec("main", 10, 5), "typical"),
        }
        self.births |= type(self).hosts

    async def store(self, method, *args):
        kept = type(self).kept
        await asyncio.sleep(0.001)
        if method == "all":
            return sorted((name, doc) for (kind, name), doc in kept.items() if kind == args[0])
        if method == "put":
            kept[args[0], args[1]] = args[2]
            return 1
        if method == "next_run_no":
            return sum(kind == "run" for kind, _ in kept) + 1
        if method == "run_state":
            return type(self).states.get(args[0], CampaignState.READY).value
        return kept.pop(args, None) if method == "delete" else kept.get(args)

    async def keep(self, host, birth):
        self.births[host] = type(self).hosts[host] = birth

    async def change_pool(self, pool, *, campaign):
        pass

    async def renew(self, host):
        self.start(host)

    def start(self, host):
        type(self).states.setdefault(self.births[host].run_no, CampaignState.ACTIVE)

    async def tell(self, machine, order):
        after = {"PauseCampaign": CampaignState.PAUSED, "StopCampaign": CampaignState.STOPPED}
        run_no = self.births[machine].run_no
        type(self).states[run_no] = after.get(type(order).__name__, CampaignState.ACTIVE)

    async def shows(self, host):
        return True

    async def observe(self):
        pass

    def shown(self, kind):
        birth = self.births.get(HOST)
        if kind != "campaign" or birth is None:
            return []
        state = type(self).states[birth.run_no]
        counts = (9, 0, 0, 0, 0, 9, 0, 0)
        return [[CampaignView("spring", DialingMode.PROGRESSIVE, state, *counts, {}, 0, 0, "")]]


@pytest.fixture
def directed(play, rig, monkeypatch):
    """Play a story with a director that has begun: (director, directory class) -> anything."""

    class Directory(FakeDirectory):
        kept = {("contact_list", "people"): {"path": "p", "columns": ["name"]}, ("queue", "sales"): {"pool": "main"}}  # noqa: RUF012
        states = {}  # noqa: RUF012
        hosts = {}  # noqa: RUF012

    async def scrubbed(work, data, run_no, spec, **options):
        return {"contacts": f"runs/{run_no}", "rows": 10, "dialable": 9}

    monkeypatch.setattr(module, "Directory", Directory)
    monkeypatch.setattr(module, "Clock", lambda deployment: rig.clock())
    monkeypatch.setattr(module.registry, "run_on_data_node", scrubbed)

    def run(story, *, plan=PLAN):
        async def all_of_it():
            director = module.DirectorActor(Deployment("test", "/data", LegalRules("", ()), START_US, START_US), 1)
            if plan is not None:
                await director.begin(plan)
            return await story(director, Directory)

        return play(all_of_it)

    return run


async def put(director, lists=("people",), **fields):
    return await director.put_campaign(FILE | fields, lists, ())


def test_the_life_of_a_campaign(directed, rig):
    """Each order has its effect, and what is shown has its old keys. Requirements 10, 11, 13, 110."""

    async def story(director, directory):
        shown = await put(director)
        assert (shown["state"], shown["run_no"], shown["desired"], shown["progress"]) == (
            "ready",
            None,
            "stopped",
            None,
        )
        assert await director.start_campaign("spring") == {"campaign": "spring", "run_no": 1, "continued": False}
        assert await director.start_campaign("spring") == {"campaign": "spring", "run_no": 1, "continued": True}
        await director.command_campaign("spring", "pause")
        await rig.quiet(2)
        shown = await director.campaign("spring")
        assert (shown["state"], shown["desired"], shown["row"].status) == ("paused", "paused", Status.PAUSED)
        await director.command_campaign("spring", "resume")
        await director.command_campaign("spring", "stop")
        await rig.quiet(2)
        with pytest.raises(ConflictError, match="campaign spring is not running; start it first"):
            await director.command_campaign("spring", "pause")
        assert (await director.rerun_campaign("spring"))["run_no"] == 2
        directory.states[2] = CampaignState.COMPLETED
        assert (await director.start_campaign("spring"))["run_no"] == 3  # at once, before the keeper has looked
        assert [note.ending for note in await director.runs("spring")] == [
            Ending.STOPPED,
            Ending.COMPLETED,
            Ending.OPEN,
        ]
        (shown,) = await director.campaigns()
        assert (shown["state"], shown["run_no"], shown["progress"].contacts) == ("active", 3, 9)

    directed(story)


def test_copies_schedules_and_deletion(directed):
    """Requirements 94, 101, 107, 109, 112."""

    async def story(director, directory):
        await put(director)
        schedule = Schedule("Europe/Berlin", datetime(2199, 3, 2, 9))  # noqa: DTZ001
        shown = await director.schedule_campaign("spring", schedule)
        assert (shown["row"].schedule, shown["row"].status) == (schedule, Status.SCHEDULED)
        with pytest.raises(ConflictError, match="starts by itself"):
            await director.start_campaign("spring")
        with pytest.raises(ConflictError, match="queue sales is used by campaign spring"):
            await director.may_delete("queue", "sales")
        copy = await director.clone_campaign("spring", "summer")
        assert (copy["name"], copy["row"].schedule, copy["file"]["name"]) == ("summer", None, "summer")
        assert (await director.schedule_campaign("spring", None))["row"].status is Status.READY
        await director.delete_campaign("spring")
        assert [shown["name"] for shown in await director.campaigns()] == ["summer"]
        for asked in (director.campaign("spring"), director.runs("spring"), director.start_campaign("spring")):
            with pytest.raises(NotFoundError, match="there is no campaign 'spring'"):
                await asked

    directed(story)


def test_what_a_campaign_names_must_be_there(directed):
    """Requirement 111."""

    async def story(director, directory):
        with pytest.raises(NotFoundError, match="contact list 'gone'"):
            await put(director, lists=("gone",))
        with pytest.raises(ConfigError, match="no trunk 'gone'"):
            await put(director, trunk={"name": "gone"})
        with pytest.raises(NotFoundError, match="queue 'gone'"):
            await put(director, queue="gone")
        with pytest.raises(ConfigError, match="no contact list"):
            await put(director, lists=())
        for numbers in ([], [12125550100]):  # none of the operator's numbers is for outbound calls, or this one is not
            director.directory.placed = {**director.directory.placed, "caller_ids": numbers}
            with pytest.raises(ConfigError, match=r"caller_id \+\*+99 is none of the numbers for outbound calls"):
                await put(director)
        assert await director.campaigns() == []

    directed(story)


def test_a_reborn_director_goes_on(directed, rig):
    """It finds campaigns, runs and hosts; an order that was lost is repeated."""

    async def die(director, directory):
        await put(director)
        await director.start_campaign("spring")

    async def go_on(director, directory):
        await rig.quiet(1)
        shown = await director.campaign("spring")
        assert (shown["row"].status, shown["run_no"]) == (Status.ACTIVE, 1)
        await director.command_campaign("spring", "stop")
        await rig.quiet(3)
        assert (await director.campaign("spring"))["row"].status is Status.READY

    directed(die)
    directed(go_on, plan=None)


def test_drain(directed, rig):
    """No new calls; what is desired stays for the next dialer."""

    async def story(director, directory):
        await put(director)
        await director.start_campaign("spring")
        await director.drain()
        await rig.quiet(2)
        shown = await director.campaign("spring")
        assert (shown["state"], shown["desired"]) == ("paused", "active")

    directed(story)
