"""Starting and ending a dialer: the Ray cluster, the store, the director, and what the plan says."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ray
from ray._raylet import AuthenticationTokenLoader, Config  # type: ignore[attr-defined]  # Ray's stub leaves them out

from dialer.actors import registry
from dialer.actors.deployment import Deployment, wall_us
from dialer.actors.director import DirectorActor
from dialer.actors.directory import Plan
from dialer.actors.handles import DIRECTOR, Control, connect
from dialer.domain.ledger import STORE
from dialer.domain.specs import LegalRules
from dialer.errors import ServiceError

#: Ray's own switches for provoking failures; they have no place where people are called.
_FORBIDDEN = "RAY_testing_"
#: Start a cluster, and do not join one that happens to run on this machine.
_OWN = "local"


def start_ray(address: str | None, *, cpus: int | None = None, testing: bool = False) -> None:
    """Join a Ray cluster, or start one on this machine that ends with this process.

    A cluster of our own is closed to others: it listens with a token that is drawn now and told to nobody.

    Args:
        address: Address of a cluster, None to start one.
        cpus: Processors of a cluster of our own, None for all there are.
        testing: Allow Ray's switches for provoking failures.

    Raises:
        ServiceError: The environment is not fit for calling people, or the cluster cannot be reached.
    """
    wrong = sorted(name for name in os.environ if name.startswith(_FORBIDDEN))
    if wrong and not testing:
        raise ServiceError(f"{wrong[0]} is set: it makes Ray fail on purpose; unset it before calling people")
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address is None:
        _draw_token()
        quiet |= {"include_dashboard": False, "num_cpus": cpus, "resources": {registry.DATA_NODE: 1.0}}
    try:
        with _interrupted_later():
            ray.init(address=address or _OWN, **quiet)
    except (ConnectionError, ValueError, RuntimeError) as error:
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ServiceError(f"cannot start or reach Ray: {first_line}") from error


@contextlib.contextmanager
def _interrupted_later() -> Iterator[None]:
    """Hold Ctrl-C back to the end of the block: Ray's own code may swallow it, and go on as if nothing had come."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        ray.shutdown()
        raise KeyboardInterrupt


def _draw_token() -> None:
    """Draw a token and have Ray read it: it looks at the environment only once, and may have been imported before."""
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    Config.initialize("")
    AuthenticationTokenLoader.instance().reset_cache()


def make_deployment(
    data: Path, rules: LegalRules, *, namespace: str, start_us: int | None = None, speed: float = 1.0, seed: int = 1
) -> Deployment:
    """A deployment that begins now.

    Args:
        data: The data directory.
        rules: The law, with the time an intent lives already scaled to ``speed``.
        namespace: Ray namespace of the dialer.
        start_us: Dialler time at the beginning, None for the wall clock's.
        speed: Dialler seconds in a wall second.
        seed: Seed of everything that is simulated or drawn.
    """
    origin_us = wall_us()
    began_us = origin_us if start_us is None else start_us
    return Deployment(namespace, str(data.resolve()), rules, began_us, origin_us, speed, seed)


async def launch(deployment: Deployment, plan: Plan, *, per_actor: int | str = "auto") -> Control:
    """Start a dialer on the cluster this process is connected to.

    Args:
        deployment: What every actor must know.
        plan: Its trunks, queues and agents.
        per_actor: Agents in one actor: ``auto`` or a number from 1.

    Returns:
        Its control plane; hosts may still be starting.

    Raises:
        DataDirectoryError: The data directory cannot be used.
    """
    await asyncio.to_thread(registry.stop_all, deployment.namespace)  # what a dialer that was killed has left
    control = connect(deployment.namespace)
    registry.start_store(deployment)
    registry.start_director(DirectorActor, DIRECTOR, deployment, per_actor)
    await control.office.call(STORE, "opened")
    await control.office.call(DIRECTOR, "begin", plan)
    return control


async def end(control: Control) -> None:
    """Close the store, so that its file is whole, and end all actors."""
    await control.office.call(STORE, "close")
    await asyncio.to_thread(registry.stop_all, control.namespace)


def stop_ray() -> None:
    """Leave the cluster; one of our own ends."""
    ray.shutdown()
