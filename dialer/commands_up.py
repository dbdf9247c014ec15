"""``dialer up``, ``status`` and ``down``: the service, actors and API, on this machine or on a Ray cluster."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from dialer.actors.directory import Plan
from dialer.actors.handles import Control
from dialer.actors.launch import end, launch, make_deployment, start_ray, stop_ray
from dialer.actors.placement import parse_per_actor
from dialer.actors.registry import DATA_NODE
from dialer.commands_clock import start_of
from dialer.commands_run import MAX_SPEED, NAMESPACE, ray_output
from dialer.commands_service import Service, find_service, remove_note
from dialer.config import ServiceFile, load_rules, load_service
from dialer.domain.kinds import CampaignState
from dialer.domain.specs import AgentSpec
from dialer.errors import ConfigError, ServiceError
from dialer.serve import deployment as api
from dialer.storage.keys import FILE_NAME as KEYS_FILE
from dialer.storage.keys import KeyFile, Role
from dialer.storage.store import FILE_NAME, Store
from dialer.telephony.simulated import profile_by_name

DEFAULT_FILE = Path("dialer.yaml")
_ENDED = ("completed", "stopped")
_LOOK_S = 0.5
#: How long ``dialer down`` waits for calls to end.
_DOWN_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UpOptions:
    """What was given on the command line."""

    config: Path | None = None
    address: str | None = None
    speed: float = 1.0
    start: str | None = None
    seed: int = 1
    per_actor: str = "auto"


@dataclass(frozen=True, slots=True)
class _Kept:
    """What an earlier service on the same data has left."""

    agents: tuple[AgentSpec, ...] = ()
    queues: tuple[tuple[str, str], ...] = ()
    campaigns: tuple[str, ...] = ()  #: to go on with
    last_us: int = 0


def up_command(options: UpOptions) -> int:
    """Run the service until SIGINT or SIGTERM; calls in progress end before it does.

    Returns:
        Exit status 0.

    Raises:
        OperatorError: Something given cannot be used; nothing was started.
    """
    config = _config(options)
    per_actor = parse_per_actor(options.per_actor)
    if not 1.0 <= options.speed <= MAX_SPEED:
        raise ConfigError(f"--speed must be from 1 to {MAX_SPEED:g}, not {options.speed:g}")
    for trunk in config.trunks:
        profile_by_name(trunk.profile)
    api.require_free(config.host, config.port)
    kept = _kept(config)
    start_us, _ = start_of(options.start, last_us=kept.last_us, hours=None)
    console = Console(file=sys.stdout)  # this one: what Ray prints later goes elsewhere
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    with ray_output(config.data):
        start_ray(options.address or os.environ.get("RAY_ADDRESS"))
        try:
            asyncio.run(_serve(options, config, kept, (start_us, per_actor), console))
        finally:
            stop_ray()
    return 0


def _config(options: UpOptions) -> ServiceFile:
    if options.config is not None:
        return load_service(options.config)
    return load_service(DEFAULT_FILE) if DEFAULT_FILE.is_file() else ServiceFile()


def _kept(config: ServiceFile) -> _Kept:
    if not (config.data / FILE_NAME).is_file():
        return _Kept()
    trunks = tuple(trunk.name for trunk in config.trunks)
    with Store.open(config.data) as store:
        return _Kept(
            tuple(
                AgentSpec(name, doc["pool"], tuple(doc["queues"]), trunks, outbound=doc.get("outbound", True))
                for name, doc in store.all("agent")
            ),
            tuple((name, doc["pool"]) for name, doc in store.all("queue")),
            tuple(name for name, doc in store.all("campaign") if doc["desired"] == "active"),
            store.last_us(),
        )


async def _serve(
    options: UpOptions, config: ServiceFile, kept: _Kept, checked: tuple[int, int | str], console: Console
) -> None:
    start_us, per_actor = checked
    began_s = time.monotonic()
    caps = tuple(cap.to_domain() for cap in config.caps)
    rules = load_rules(options.speed, caps=caps, auto_dnc=config.auto_dnc)
    deployment = make_deployment(
        config.data, rules, namespace=NAMESPACE, start_us=start_us, speed=options.speed, seed=options.seed
    )
    queues = {**dict(kept.queues), **{queue.name: queue.pool for queue in config.queues}}
    plan = Plan(
        tuple((trunk.to_domain(), trunk.profile) for trunk in config.trunks),
        tuple(queues.items()),
        tuple({agent.agent: agent for agent in (*kept.agents, *config.agent_specs())}.values()),
        schedules=True,
        policies=tuple((pool.name, pool.priority_policy) for pool in config.pools),
        caller_ids=config.caller_ids() if config.numbers else None,
    )
    control = await launch(deployment, plan, per_actor=per_actor)
    keys = KeyFile(config.data / KEYS_FILE)
    key = keys.create("this machine", Role.ADMIN, datetime.now(UTC))
    url = f"http://{config.host}:{config.port}"
    try:
        await control.staff()
        await asyncio.to_thread(
            api.start, NAMESPACE, config.data, host=config.host, port=config.port, resources={DATA_NODE: 0.001}
        )
        Service(os.getpid(), url, key).write(config.data)
        for name in await _unfinished(control, kept):
            await control.start_campaign(name)
        ready_s = time.monotonic() - began_s
        console.print(f"ready after {ready_s:.0f} s: {url} (documentation: {url}/docs)", highlight=False)
        if len(keys.list()) == 1:
            console.print(f"make a key with: dialer key create NAME --data {config.data}", highlight=False)
        console.print("Ctrl-C or `dialer down` ends it after the calls in progress", highlight=False)
        await _until_told()
        await _drain(control, console)
    finally:
        keys.revoke(key.split("_")[1])
        await asyncio.to_thread(api.stop)
        await end(control)
        remove_note(config.data)  # last: who waits for it may use the data at once


async def _unfinished(control: Control, kept: _Kept) -> list[str]:
    """Campaigns that were dialling when an earlier service ended."""
    shown = {campaign["name"]: campaign["state"] for campaign in await control.campaigns()}
    return [name for name in kept.campaigns if shown.get(name) not in _ENDED]


async def _until_told() -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    await told.wait()


async def _drain(control: Control, console: Console) -> None:
    """Let calls end; a second signal leaves at once."""
    await control.drain()
    leave = asyncio.create_task(_until_told())
    while not leave.done():
        snapshot = await control.snapshot()
        up = sum(view.calls_up for view in snapshot.campaigns)
        if not up and all(view.state is not CampaignState.ACTIVE for view in snapshot.campaigns):
            break
        console.print(f"no new calls; waiting for {up} to end (Ctrl-C again: leave at once)", highlight=False)
        await asyncio.wait((leave,), timeout=_LOOK_S * 4)
    leave.cancel()


def status_command(data: Path, *, as_json: bool) -> int:
    """Show a running service.

    Raises:
        OperatorError: None runs on this data directory.
    """
    service = _require(data)
    snapshot = service.ask("/v1/snapshot")
    if as_json:
        print(json.dumps({"url": service.url, "pid": service.pid, **snapshot}))
        return 0
    console = Console(file=sys.stdout)
    console.print(f"running at {service.url}, process {service.pid}", highlight=False)
    for campaign in snapshot["campaigns"]:
        console.print(_campaign_line(campaign), highlight=False)
    agents = ", ".join(f"{count} {state}" for state, count in sorted(snapshot["agents"].items()))
    console.print(f"agents: {agents or 'none'}", highlight=False)
    for trunk in snapshot["trunks"]:
        console.print(f"trunk {trunk['trunk']}: {trunk['lines_in_use']} of {trunk['lines']} lines", highlight=False)
    return 0


def _campaign_line(campaign: dict[str, Any]) -> str:
    done, size = campaign["done"], campaign["contacts"]
    reason = f": {campaign['reason']}" if campaign["reason"] else ""
    calls = f"{campaign['calls_up']} up, {campaign['connected']} connected, {campaign['abandoned']} abandoned"
    return f"{campaign['campaign']}: {campaign['state']}, {done} of {size} contacts done; calls: {calls}{reason}"


def down_command(data: Path) -> int:
    """End a running service after its calls in progress.

    Raises:
        OperatorError: None runs on this data directory, or it does not end.
    """
    service = _require(data)
    os.kill(service.pid, signal.SIGTERM)
    until_s = time.monotonic() + _DOWN_S
    while time.monotonic() < until_s:
        if find_service(data) is None:
            return 0
        time.sleep(_LOOK_S)
    raise ServiceError(f"process {service.pid} has not ended after {_DOWN_S:.0f} s; calls may still be up")


def _require(data: Path) -> Service:
    service = find_service(data)
    if service is None:
        raise ServiceError(f"no service runs on {data}; start one with: dialer up")
    return service
