"""A cluster of two nodes: the dialer spreads over both, and outlives one."""

import asyncio
from pathlib import Path

import pytest
from ray.cluster_utils import Cluster

from dialer.actors import launch
from dialer.actors.registry import DATA_NODE

#: The head notices within two seconds that a node is gone, instead of after half a minute.
_QUICK = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 500,
    "health_check_failure_threshold": 3,
}


@pytest.fixture
def two_nodes(session_ray):
    """Two raylets on this machine, the first with the data; the token they share is drawn here."""
    session_ray.leave()
    launch._draw_token()
    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "resources": {DATA_NODE: 1.0}, "_system_config": _QUICK},
    )
    try:
        second = cluster.add_node(num_cpus=1)
        launch.start_ray(cluster.address)
        yield cluster, second
        session_ray.leave()
    finally:
        cluster.shutdown()


def _parent(pid: int) -> int:
    """The process that started a process: for a worker of Ray, the raylet of its node."""
    return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])


def test_a_campaign_outlives_one_of_two_nodes(two_nodes, new_dialer, checks):
    """Hosts are spread over both nodes; one node is lost without a word, and the run ends clean on the other.

    1. Dial until some calls are over and others are up; hosts run on both nodes, the store on the one with the data.
    2. Kill the second node with all that runs on it.
    3. The run comes to its end, with every contact done.
    """
    cluster, second = two_nodes
    dialer = new_dialer()

    async def play():
        await dialer.start(contacts=40, agents=6, per_actor=2)
        await dialer.until(lambda view: view.attempts >= 4 and view.calls_up >= 2)
        raylet = second.all_processes["raylet"][0].process.pid
        lost = [
            host.kind
            for host in await dialer.hosts()
            if _parent((await dialer.control._call(host, "process"))[0]) == raylet
        ]
        cluster.remove_node(second, allow_graceful=False)
        view = await dialer.until_over()
        return lost, view, await dialer.finish()

    lost, view, report = asyncio.run(play())
    checks(dialer, report)
    assert len(lost) >= 2
    assert not {"store", "director"} & set(lost)
    assert report["state"] == "completed"
    assert view.done == report["dialable"] == 40
