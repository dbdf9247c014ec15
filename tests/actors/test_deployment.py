"""Dialler time on the wall clock, and what is refused before a Ray is started."""

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import time

import pytest
import ray

from dialer.actors import launch
from dialer.actors.deployment import Clock, Deployment
from dialer.actors.handles import Office
from dialer.actors.launch import make_deployment, start_ray
from dialer.actors.registry import DATA_NODE
from dialer.domain.message import Address
from dialer.domain.specs import LegalRules
from dialer.errors import ServiceError

RULES = LegalRules("us-1", ())
START_US = 1_790_000_000_000_000
ORIGIN_US = 1_700_000_000_000_000


@pytest.fixture
def wall(monkeypatch):
    """The wall clock, to be set by the test."""
    at = [ORIGIN_US]
    monkeypatch.setattr(time, "time_ns", lambda: at[0] * 1_000)
    return at


@pytest.mark.parametrize("speed", [1.0, 60.0, 0.5])
def test_dialler_time_runs_at_its_speed(wall, speed):
    """It is the start at the origin, and passes ``speed`` times as fast."""
    clock = Clock(Deployment("ns", "data", RULES, START_US, ORIGIN_US, speed))
    assert clock.now_us() == START_US
    wall[0] += 10_000_000
    assert clock.now_us() == START_US + round(10_000_000 * speed)
    assert clock.wall_s(round(10_000_000 * speed)) == pytest.approx(10.0)


def test_dialler_time_never_steps_back(wall):
    """A wall clock that is set back stops dialler time until it has caught up."""
    clock = Clock(Deployment("ns", "data", RULES, START_US, ORIGIN_US, 60.0))
    wall[0] += 5_000_000
    before_us = clock.now_us()
    wall[0] -= 3_000_000
    assert clock.now_us() == before_us
    wall[0] += 4_000_000
    assert clock.now_us() == before_us + 60_000_000


def test_all_actors_agree_on_the_time(wall):
    """Two processes with the same deployment show the same time: nothing is counted from the own birth."""
    deployment = Deployment("ns", "data", RULES, START_US, ORIGIN_US, 60.0)
    early = Clock(deployment)
    wall[0] += 7_654_321
    assert Clock(pickle.loads(pickle.dumps(deployment))).now_us() == early.now_us()  # noqa: S301 - our own bytes


def test_a_deployment_begins_now_unless_told_otherwise(wall, tmp_path):
    """Without a start, dialler time is the wall clock's; the data directory is made absolute for other processes."""
    plain = make_deployment(tmp_path / "x" / ".." / "data", RULES, namespace="ns")
    later = make_deployment(tmp_path, RULES, namespace="ns", start_us=START_US, speed=60.0, seed=4)
    assert (plain.start_us, plain.origin_us, plain.data) == (ORIGIN_US, ORIGIN_US, str((tmp_path / "data").resolve()))
    assert (later.start_us, later.origin_us, later.speed, later.seed) == (START_US, ORIGIN_US, 60.0, 4)


@pytest.mark.parametrize("name", ["RAY_testing_asio_delay_us", "RAY_testing_rpc_failure"])
def test_rays_switches_for_failures_are_refused(monkeypatch, name):
    """They make calls to people fail on purpose: nothing is started, and the line names the variable."""
    monkeypatch.setenv(name, "1")
    with pytest.raises(ServiceError, match=f"{name} is set.*unset it"):
        start_ray(None)


@pytest.fixture
def started(monkeypatch):
    """What Ray was started with."""
    calls = []
    monkeypatch.setattr(ray, "init", lambda **options: calls.append(options))
    monkeypatch.setattr(launch, "_draw_token", lambda: calls.append("drawn"))
    return calls


def test_a_ray_of_our_own_joins_no_other(started):
    """It is started here even if another one runs on this machine, behind a new token, and holds the data."""
    start_ray(None, cpus=3)
    drawn, options = started
    assert drawn == "drawn"
    assert (options["address"], options["num_cpus"], options["resources"]) == ("local", 3, {DATA_NODE: 1.0})
    assert options["include_dashboard"] is False


def test_a_cluster_is_joined_with_its_own_token(started):
    """Nothing about the cluster is decided here."""
    start_ray("10.0.0.1:6379")
    (options,) = started
    assert options["address"] == "10.0.0.1:6379"
    assert not {"num_cpus", "resources", "include_dashboard"} & options.keys()


@pytest.mark.parametrize("error", [ConnectionError("no route\nstack"), RuntimeError("bad token"), ValueError("")])
def test_a_ray_that_cannot_be_reached_is_one_line(monkeypatch, error):
    """Whatever Ray says, the operator reads one line."""

    def fail(**_):
        raise error

    monkeypatch.setattr(ray, "init", fail)
    with pytest.raises(ServiceError, match=r"^cannot start or reach Ray: .+$") as refused:
        start_ray("10.0.0.1:6379")
    assert "\n" not in str(refused.value)


def test_ctrl_c_while_ray_starts_is_not_lost(monkeypatch):
    """Ray swallows it, and yet it is raised, once Ray is there and has been ended again."""
    ended = []

    def swallow(**_):
        with contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(ray, "init", swallow)
    monkeypatch.setattr(ray, "shutdown", lambda: ended.append(True))
    with pytest.raises(KeyboardInterrupt):
        start_ray("10.0.0.1:6379")
    assert ended == [True]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_importing_the_actors_asks_for_a_token():
    """Ray reads the mode from the environment: it is there before Ray is, and an operator's own choice stays."""
    code = "import dialer.actors.launch, os; print(os.environ['RAY_AUTH_MODE'])"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    modes = [
        subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout.strip()
        for env in (clean, clean | {"RAY_AUTH_MODE": "disabled"})
    ]
    assert modes == ["token", "disabled"]


def test_machines_that_share_a_host_are_looked_up():
    """Agents and desks live where the director says; a desk nobody knows has no home; others are their own host."""
    office = Office("ns")
    office.learned({Address("agent", "a1"): Address("agents", "main-0")})
    assert office.home(Address("agent", "a1")) == Address("agents", "main-0")
    assert office.home(Address("desk", "a1")) is None
    assert office.home(Address("trunk", "t")) == Address("trunk", "t")
