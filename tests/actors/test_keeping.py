"""The keeper's courier and library, with a store and hosts in memory: what is kept, started, refused, and repeated."""
# ruff: noqa: D102 - the fakes have the members of what they replace

import asyncio
from dataclasses import replace
from datetime import datetime

import pytest

from dialer.actors import keeping
from dialer.actors.births import CampaignBirth, PoolBirth, TrunkBirth
from dialer.actors.deployment import Deployment
from dialer.actors.directory import Directory
from dialer.actors.host import UndeliveredError
from dialer.config import CampaignFile
from dialer.domain import keeping as k
from dialer.domain.commands import PauseCampaign, StopCampaign
from dialer.domain.keeping import Phase
from dialer.domain.kinds import CampaignState, PriorityPolicy
from dialer.domain.message import Address
from dialer.domain.schedule import RecurrenceUnit, Schedule
from dialer.domain.specs import LegalRules, PoolSpec, TrunkSpec
from dialer.errors import ConfigError, ConflictError, ContactFileError, NotFoundError

FILE = {"name": "spring", "mode": "progressive", "caller_id": 12125550199, "queue": "sales"}
SPEC = CampaignFile.model_validate(FILE).to_domain()
HOST = Address("campaign", "spring")
DEPLOYMENT = Deployment("test", "/data", LegalRules("", ()), 0, 0)


class FakeHosts:
    """A directory and its store in memory."""

    def __init__(self):
        self.docs = {
            ("contact_list", "people"): {"path": "lists/people/v1.parquet"},
            ("dnc_list", "everywhere"): {"path": "dnc/everywhere/v1.parquet", "global": True},
            ("dnc_list", "company"): {"path": None, "global": False},
            ("dnc_list", "other"): {"path": "dnc/other/v1.parquet", "global": False},
            ("queue", "sales"): {"pool": "main"},
        }
        self.births = {
            Address("scheduler", "main"): PoolBirth(PoolSpec("main")),
            Address("trunk", "main"): TrunkBirth(TrunkSpec("main", 10, 5), "typical"),
        }
        self.views, self.states = {}, {}
        self.runs = 0
        self.calls = []
        self.scrubbed = []
        self.slow = asyncio.Event()
        self.slow.set()
        self.problem = None

    async def store(self, method, *args):
        await asyncio.sleep(0.001)
        if method == "all":
            return sorted((name, doc) for (kind, name), doc in self.docs.items() if kind == args[0])
        if method == "get":
            return self.docs.get(args)
        if method == "put":
            kind, name, doc = args
            self.docs[kind, name] = doc
            return 1
        if method == "delete":
            return self.docs.pop(args, None) is not None
        if method == "next_run_no":
            self.runs += 1
            return self.runs
        assert method == "run_state"
        return self.states.get(args[0], CampaignState.READY).value

    async def keep(self, host, birth):
        self.calls.append(("keep", host))
        self.births[host] = birth

    async def change_pool(self, pool, *, campaign):
        self.calls.append(("change_pool", pool, campaign))

    async def renew(self, host):
        self.calls.append(("renew", host))

    def start(self, host):
        self.calls.append(("start", host))
        self.states[self.births[host].run_no] = CampaignState.ACTIVE

    async def tell(self, machine, order):
        self.calls.append(("tell", machine, order))
        if isinstance(order, StopCampaign):
            self.states[self.births[machine].run_no] = CampaignState.STOPPED
        raise UndeliveredError(str(machine))

    async def on_data_node(self, work, data, run_no, spec, *, lists, dnc, caps, selection, mapping):
        assert work is keeping.prepare_run
        self.scrubbed.append((run_no, lists, sorted(dnc)))
        await self.slow.wait()
        if self.problem is not None:
            raise self.problem
        return {"contacts": f"runs/spring/{run_no}/contacts.arrow", "rows": 10, "dialable": 9}


@pytest.fixture
def kept(play, rig):
    """Play a story: (keeper host, hosts) -> anything."""

    def run(story, hosts=None, *, before=lambda hosts: None, reborn=False):
        async def all_of_it():
            made = FakeHosts() if hosts is None else hosts
            before(made)
            host = keeping.KeeperHost(DEPLOYMENT, rig.clock(), made, made.on_data_node)
            await host.open(reborn=reborn, schedules=True)
            return await story(host, made)

        return play(all_of_it)

    return run


async def save(host, **fields):
    what = {"spec": SPEC, "lists": ("people",), "dnc_lists": ("company",), "file": FILE} | fields
    await host.order(k.SaveCampaign, "spring", **what)


def test_a_run_from_start_to_end(kept):
    """Scrubbed against global and own lists, kept before it is begun, ended as is on record. Requirements 65, 110."""

    async def story(host, hosts):
        await save(host)
        done = await host.order(k.StartRun, "spring")
        assert (done.run_no, done.continued) == (1, False)
        assert hosts.scrubbed == [(1, ["lists/people/v1.parquet"], ["company", "everywhere"])]
        assert hosts.calls == [("keep", HOST), ("change_pool", "main", "spring"), ("start", HOST)]
        assert hosts.births[HOST] == CampaignBirth(1, replace(SPEC, version=1), "/data/runs/spring/1/contacts.arrow")
        doc = hosts.docs["campaign", "spring"]
        assert (doc["run_no"], doc["desired"], doc["lists"], doc["file"]) == (1, "active", ["people"], FILE)
        hosts.states[1] = CampaignState.COMPLETED
        assert (await host.order(k.RerunCampaign, "spring")).run_no == 2  # without waiting for the next look
        assert hosts.calls[-1] == ("renew", HOST)
        (note, other) = [doc for (kind, _), doc in sorted(hosts.docs.items()) if kind == "run_note"]
        assert (keeping.note_from_doc(note).ending, keeping.note_from_doc(other).run_no) == (k.Ending.COMPLETED, 2)

    kept(story)


def test_orders_reach_the_campaign_and_are_repeated(kept, rig):
    """What does not arrive is said again when the run is next looked at. Requirement 110."""

    async def story(host, hosts):
        await save(host)
        await host.order(k.StartRun, "spring")
        await host.order(k.PauseRun, "spring")
        await rig.quiet(3)
        orders = [call for call in hosts.calls if call[0] == "tell"]
        assert len(orders) >= 3
        assert set(orders) == {("tell", HOST, PauseCampaign())}
        await host.order(k.StopRun, "spring")
        await rig.quiet(3)
        assert (await host.records())["spring"].phase is Phase.IDLE
        with pytest.raises(ConflictError, match="is not running; start it first"):
            await host.order(k.PauseRun, "spring")

    kept(story)


@pytest.mark.parametrize(
    ("problem", "fields", "error", "words"),
    [
        (ContactFileError("none of the 3 contacts may be dialled"), {}, ContactFileError, "none of the 3"),
        (MemoryError("worker died"), {}, ContactFileError, "broke off"),
        (None, {"lists": ("gone",)}, NotFoundError, "there is no contact list 'gone'"),
        (None, {"dnc_lists": ("gone",)}, NotFoundError, "there is no do-not-call list 'gone'"),
        (None, {"spec": replace(SPEC, queue=None)}, ConfigError, "has no queue"),
    ],
)
def test_refusals_are_errors_of_the_operator(kept, problem, fields, error, words):
    """Of the kind that the command line and the API know. Requirement 111."""

    async def story(host, hosts):
        hosts.problem = problem
        await save(host, **fields)
        with pytest.raises(error, match=words):
            await host.order(k.StartRun, "spring")
        with pytest.raises(NotFoundError):
            await host.order(k.StartRun, "nobody")
        assert HOST not in hosts.births

    kept(story)


def test_a_scrub_that_takes_long_is_not_begun_twice(kept, rig):
    """The keeper asks again; the library knows what it is at."""

    async def story(host, hosts):
        await save(host)
        hosts.slow.clear()
        waiting = asyncio.get_running_loop().create_task(host.order(k.StartRun, "spring"))
        await rig.quiet(1000)
        assert len(hosts.scrubbed) == 1
        hosts.slow.set()
        assert (await waiting).run_no == 1

    kept(story)


def test_saving_scrubs_for_the_eyes(kept, rig):
    """Into the folder of no run. Requirement 88."""

    async def story(host, hosts):
        await save(host)
        await rig.quiet(5)
        assert hosts.scrubbed == [(0, ["lists/people/v1.parquet"], ["company", "everywhere"])]
        assert (await host.records())["spring"].scrub.dialable == 9
        assert hosts.runs == 0

    kept(story)


def test_a_reborn_director_goes_on_from_the_catalogue(kept, rig):
    """Whatever was asked when it died is asked again; a run is begun once. Requirement 65."""
    hosts = []

    async def die(host, made):
        await save(host)
        made.slow.clear()
        asyncio.get_running_loop().create_task(host.order(k.StartRun, "spring"))
        await rig.quiet(1)
        made.slow.set()
        hosts.append(made)

    async def go_on(host, made):
        await rig.quiet(1)
        record = (await host.records())["spring"]
        assert (record.phase, record.run_no) == (Phase.RUNNING, 2)  # the first number died with its question
        assert [call for call in made.calls if call[0] == "start"] == [("start", HOST)]

    kept(die)
    kept(go_on, hosts[0], reborn=True)


def test_a_run_waits_for_what_the_dialer_does_not_have(kept, rig):
    """A pool of another plan: nothing is started, nothing breaks, and the operator does not wait for ever."""

    async def story(host, hosts):
        await save(host, spec=replace(SPEC, pool="other"))
        assert (await host.order(k.StartRun, "spring")).run_no == 1
        await rig.quiet(60)
        assert HOST not in hosts.births
        assert (await host.records())["spring"].phase is Phase.BEGINNING

    kept(story)


def test_documents_of_before_there_was_a_keeper(kept, rig):
    """A run that had ended is over, one that had not can be gone on with."""
    old = {"file": FILE, "lists": ["people"], "dnc_lists": [], "run_no": 7, "desired": "active"}

    def before(hosts):
        hosts.docs["campaign", "spring"] = old
        hosts.docs["run", "7"] = {"contacts": "runs/spring/7/contacts.arrow"}
        hosts.runs = 7
        hosts.states[7] = CampaignState.ACTIVE

    async def story(host, hosts):
        done = await host.order(k.StartRun, "spring")
        assert (done.run_no, done.continued) == (7, True)
        hosts.states[7] = CampaignState.COMPLETED
        assert (await host.order(k.StartRun, "spring")).run_no == 8

    kept(story, before=before)


def test_records_there_and_back():
    """With everything a record can hold."""
    schedule = Schedule("Europe/Berlin", datetime(2026, 3, 2, 9), None, RecurrenceUnit.WEEK, 2, (1, 4))  # noqa: DTZ001
    note = k.RunNote("spring", 3, 7, 1, 2, 0, k.Ending.OPEN, "why")
    scrub = k.ScrubNote(1, 2, 3, "")
    record = k.CampaignRecord(
        SPEC, ("people",), ("company",), FILE, 5, Phase.RUNNING, k.Desire.PAUSED, note, SPEC, k.Ending.ENDED, 6
    )
    record = replace(record, runs=3, run_no=7, notes=4, schedule=schedule, through_us=8, scrub=scrub, asked_us=9)
    assert keeping.from_doc(keeping.to_doc(record), {}) == record


def test_deleting_takes_the_history_along(kept, rig):
    """Of this campaign alone. Requirement 109."""

    async def story(host, hosts):
        await save(host)
        await host.order(k.StartRun, "spring")
        hosts.states[1] = CampaignState.COMPLETED
        hosts.docs["run_note", "other/000001"] = {}
        await host.order(k.DeleteCampaign, "spring")
        left = {key for key in hosts.docs if key[0] in {"campaign", "run_note"}}
        assert left == {("run_note", "other/000001")}

    kept(story)


def test_a_broken_keeper_ends_its_process(kept, gone, rig):
    """The next incarnation starts from the records."""

    async def story(host, hosts):
        host.tell(object())
        await rig.quiet(1)

    with pytest.raises(gone):
        kept(story)


def test_a_pool_keeps_what_it_is_when_a_campaign_joins(play, monkeypatch):
    """Its policy and its limits stay; two that join at once are both there."""

    async def story():
        directory = Directory(DEPLOYMENT, 1)
        pool = PoolSpec("main", ("t",), ("a",), (), priority_policy=PriorityPolicy.SHARES, join_limit_us=5)
        directory.births[Address("scheduler", "main")] = PoolBirth(pool)

        async def store(*args):
            await asyncio.sleep(0.01)

        monkeypatch.setattr(directory, "store", store)
        await asyncio.gather(*(directory.change_pool("main", campaign=name) for name in ("x", "y", "x")))
        assert directory.births[Address("scheduler", "main")].spec == replace(pool, campaigns=("x", "y"))

    play(story)
