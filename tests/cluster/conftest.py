"""A real Ray on this machine, one for all tests that can share it, and one dialer for each test."""

import asyncio
import csv
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import ray

from dialer.actors.directory import Plan
from dialer.actors.handles import DIRECTOR, Control
from dialer.actors.launch import end, launch, make_deployment, start_ray, stop_ray
from dialer.commands_run import whole_report
from dialer.config import AgentsSection, CampaignFile, TrunkSection, load_rules
from dialer.domain.kinds import CampaignState, DialingMode
from dialer.domain.ledger import STORE
from dialer.domain.message import Address
from dialer.domain.specs import SECOND_US
from dialer.storage.audit import audit

SPEED = 60.0
#: A Tuesday at 19:00 UTC, when everybody from Maine to Hawaii may be called.
START_US = 1_772_564_400 * SECOND_US
TRUNK = TrunkSection(name="main", lines=30, calls_per_s=10, profile="eager")
#: Processors of the Ray of these tests: ``auto`` has room for eight agent actors.
CPUS = 1
#: Wall seconds between two looks at a running dialer.
LOOK_S = 0.1
#: Wall seconds a test waits for what it wants to see: ten times what a quiet machine needs.
LIMIT_S = 120.0
CAMPAIGN = Address("campaign", "spring")
_ENDED = (CampaignState.COMPLETED, CampaignState.STOPPED)
_AREA_CODES = (201, 212, 213, 305, 312, 404, 415, 503, 602, 617)


class LocalRay:
    """The Ray of this test session: started when the first test needs it, given up for a test that needs another."""

    def use(self) -> None:
        """Have it running."""
        if not ray.is_initialized():
            start_ray(None, cpus=CPUS)

    def leave(self) -> None:
        """Have none running."""
        if ray.is_initialized():
            stop_ray()


@pytest.fixture(scope="session")
def session_ray():
    machine = LocalRay()
    yield machine
    machine.leave()


@pytest.fixture
def local_ray(session_ray):
    session_ray.use()


def pytest_collection_modifyitems(items):
    """Every test of this folder starts a real Ray."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.cluster)
            item.add_marker(pytest.mark.timeout(300))


class Dialer:
    """One dialer on the Ray this process is connected to, on a data directory of its own.

    Args:
        root: An empty directory.
        namespace: Ray namespace, of no other test.
    """

    def __init__(self, root: Path, namespace: str) -> None:
        self.root = root
        self.data = root / "data"
        self.namespace = namespace
        self.control = Control(namespace)
        self.began_s = time.monotonic()

    async def start(self, *, mode="progressive", contacts=24, agents=4, per_actor=4) -> None:
        """Start the actors and one campaign."""
        agentless = mode == "agentless"
        file = CampaignFile(
            name=CAMPAIGN.id,
            mode=DialingMode(mode),
            caller_id=12125550100,
            queue=None if agentless else "sales",
            flow="notice" if agentless else None,
            concurrency=8,
            max_attempts=2,
            retry_period_s=120,
            amd=True,
            trunk=TRUNK,
            agents=None if agentless else AgentsSection(count=agents, wrap_up_s=20, habits="steady"),
        )
        deployment = make_deployment(
            self.data, load_rules(SPEED), namespace=self.namespace, start_us=START_US, speed=SPEED, seed=7
        )
        plan = Plan(((TRUNK.to_domain(), TRUNK.profile),), (("sales", "main"),), file.agent_specs(), "steady")
        self.control = await launch(deployment, plan, per_actor=per_actor)
        await self.control.import_contacts("people", write_contacts(self.root / "people.csv", contacts), "people.csv")
        await self.control.put_campaign(file, ["people"], [])
        await self.control.start_campaign(file.name)
        await self.control.staff()

    async def until(self, done: Callable, *, limit_s: float = LIMIT_S):
        """Look at the campaign until it is as wanted; its view then."""
        seen = None
        async with asyncio.timeout(limit_s):
            while True:
                snapshot = await self.control.snapshot()
                seen = next((view for view in snapshot.campaigns if view.campaign == CAMPAIGN.id), None)
                if seen is not None and done(seen):
                    return seen
                await asyncio.sleep(LOOK_S)

    async def until_over(self, *, limit_s: float = LIMIT_S):
        """Wait for the end of the run."""
        return await self.until(lambda view: view.state in _ENDED and not view.calls_up, limit_s=limit_s)

    async def hosts(self) -> list[Address]:
        """Every actor of the dialer."""
        await self.control.health()  # the store knows all births as soon as the director has begun
        documents = await self.control._call(STORE, "all", "host")
        return [STORE, DIRECTOR, *(Address(*name.split("/", 1)) for name, _ in documents)]

    async def pids(self, kind: str) -> list[int]:
        """Process ids of all actors of a kind."""
        return [(await self.control._call(host, "process"))[0] for host in await self.hosts() if host.kind == kind]

    async def kill(self, kind: str) -> list[int]:
        """Kill every process of a kind as an operating system does, without a word."""
        pids = await self.pids(kind)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return pids

    async def finish(self) -> dict:
        """Close the store; the report of the run."""
        report = await whole_report(self.control, CAMPAIGN.id)
        await end(self.control)
        return report

    def findings(self):
        """What an audit finds in the records."""
        return audit(self.data)


@pytest.fixture
def new_dialer(request, tmp_path):
    """Make a dialer on the Ray that the test has chosen."""
    made = []

    def make() -> Dialer:
        made.append(Dialer(tmp_path, f"test-{request.node.name}"))
        return made[-1]

    yield make
    for dialer in made:
        forget(dialer)


@pytest.fixture
def dialer(local_ray, new_dialer):
    return new_dialer()


def forget(made: Dialer) -> None:
    """End all actors of a test: they are detached, and would outlive it."""
    for actor in ray.util.list_named_actors(all_namespaces=True):
        if actor["namespace"] == made.namespace:
            ray.kill(ray.get_actor(actor["name"], namespace=made.namespace), no_restart=True)


def write_contacts(path: Path, count: int) -> Path:
    """A CSV of fictional numbers."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["name", "phone"])
        for number in range(count):
            line, code = divmod(number, len(_AREA_CODES))
            out.writerow([f"Contact {number}", f"+1{_AREA_CODES[code]}55501{line:02d}"])
    return path


def assert_adds_up(report: dict) -> None:
    """What a report must always say."""
    assert report["contacts"] == report["dialable"] + sum(report["excluded"].values())
    assert report["attempts"] == sum(report["outcomes"].values())
    assert report["connected"] == report["outcomes"].get("connected", 0)
    assert report["open"] == 0


def assert_clean(findings) -> None:
    """No promise is broken, and the audit had something to look at."""
    assert {finding.invariant: finding.examples for finding in findings if finding.violations} == {}
    cases = {finding.invariant: finding.cases for finding in findings}
    assert cases["outcome_has_intent"] > 0
    assert cases["open_intents"] == 0


@pytest.fixture
def checks():
    """The two assertions every run ends with."""

    def check(dialer: Dialer, report: dict) -> None:
        assert_adds_up(report)
        assert_clean(dialer.findings())

    return check
