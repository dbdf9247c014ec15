"""Every Ray option of the dialer, and the one way to start actors and tasks.

Options, for all actors: no CPU is claimed (they wait far more than they work); restarted for ever, but no call is ever
repeated by Ray (``link.py`` repeats, and knows what was taken); detached, so that no creator's death ends them; task
events off, which at our rate of calls would load the control store; asyncio with room for many waiting calls.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import ray
import ray.util
from ray import ObjectRef
from ray.actor import ActorHandle

from dialer.actors.agent import AgentActor, DeskActor
from dialer.actors.campaign import CampaignActor
from dialer.actors.deployment import Deployment
from dialer.actors.scheduler import SchedulerActor
from dialer.actors.store import StoreActor
from dialer.actors.trunk import TrunkActor
from dialer.domain.ledger import STORE
from dialer.domain.message import Address

#: Custom resource of the node that holds the data directory.
DATA_NODE = "dialer_data"
_ON_DATA_NODE = {DATA_NODE: 0.001}

_OPTIONS: dict[str, Any] = {
    "num_cpus": 0,
    "max_restarts": -1,
    "max_task_retries": 0,
    "max_concurrency": 10_000,
    "enable_task_events": False,
    "lifetime": "detached",
    "get_if_exists": True,
}

_HOSTS: dict[str, type[Any]] = {
    "agents": AgentActor,
    "campaign": CampaignActor,
    "desks": DeskActor,
    "scheduler": SchedulerActor,
    "trunk": TrunkActor,
}


def start_host(address: Address, deployment: Deployment) -> ActorHandle[Any]:
    """Start the actor of a host on any node, unless it runs. Its birth must be in the catalogue."""
    return _start(_HOSTS[address.kind], address, deployment, (address, deployment), {"scheduling_strategy": "SPREAD"})


def start_store(deployment: Deployment) -> ActorHandle[Any]:
    """Start the store on the node that holds the data."""
    return _start(StoreActor, STORE, deployment, (deployment,), {"resources": _ON_DATA_NODE})


def start_director(
    actor: type[Any], address: Address, deployment: Deployment, per_actor: int | str
) -> ActorHandle[Any]:
    """Start the director beside the store; its class is an argument because it starts hosts itself."""
    return _start(actor, address, deployment, (deployment, per_actor), {"resources": _ON_DATA_NODE})


def run_on_data_node(work: Callable[..., Any], *args: Any, **options: Any) -> ObjectRef[Any]:
    """Run a function as a task on the node that holds the data. Its errors reach whoever waits for the result."""
    task = ray.remote(_carry_out).options(num_cpus=1, resources=_ON_DATA_NODE, max_retries=0)
    ref: ObjectRef[Any] = task.remote(work, args, options)
    return ref


def _carry_out(work: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    return work(*args, **options)


def stop_all(namespace: str) -> None:
    """End every actor of a dialer, restarts included."""
    for known in ray.util.list_named_actors(all_namespaces=True):
        if known["namespace"] == namespace:
            with contextlib.suppress(ValueError):  # gone in this moment
                ray.kill(ray.get_actor(known["name"], namespace=namespace), no_restart=True)


def _start(
    actor: type[Any], address: Address, deployment: Deployment, args: tuple[Any, ...], more: dict[str, Any]
) -> ActorHandle[Any]:
    options = _OPTIONS | more | {"name": str(address), "namespace": deployment.namespace}
    handle: ActorHandle[Any] = ray.remote(actor).options(**options).remote(*args)
    return handle
