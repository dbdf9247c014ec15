"""``dialer run``: one campaign, from its file to the report."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console

from dialer.actors.directory import Plan
from dialer.actors.handles import Control
from dialer.actors.launch import end, launch, make_deployment, start_ray, stop_ray
from dialer.actors.placement import parse_per_actor
from dialer.commands_clock import start_of
from dialer.commands_live import Dialling
from dialer.config import CampaignFile, load_campaign, load_rules
from dialer.errors import ConfigError, DataDirectoryError
from dialer.screens import print_report, write_html
from dialer.sim.people import habits_by_name
from dialer.storage.importer import check_contacts, check_numbers
from dialer.storage.replay import run_state
from dialer.storage.store import FILE_NAME, Store
from dialer.telephony.simulated import profile_by_name

MAX_SPEED = 600.0
STATUS_INTERRUPTED = 130
NAMESPACE = "dialer"
_SIMULATED = "simulated"
_ENDED = ("completed", "stopped")

_Work = Callable[[str, Path], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What was given on the command line."""

    campaign: Path
    contacts: tuple[Path, ...] = ()
    dnc: tuple[Path, ...] = ()
    agents: int | None = None
    trunk: str = _SIMULATED
    speed: float = 1.0
    seed: int = 1
    data: Path = Path("data")
    start: str | None = None
    per_actor: str = "auto"
    html: Path | None = None
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class _Checked:
    """Options that were found good, before anything was started."""

    file: CampaignFile
    per_actor: int | str
    start_us: int
    note: str


def run_command(options: RunOptions) -> int:
    """Dial one campaign to its end.

    Returns:
        Exit status: 0, or 130 after Ctrl-C.

    Raises:
        OperatorError: Something given cannot be used; nothing was dialled.
    """
    checked = _check(options)
    terminal = sys.stdout
    console = Console(file=sys.stderr if options.as_json else terminal)
    if checked.note:
        console.print(checked.note, style="dim", highlight=False, soft_wrap=True)
    try:
        with ray_output(options.data):
            start_ray(None)
            try:
                report = asyncio.run(_dial(options, checked, console))
            finally:
                stop_ray()
    except KeyboardInterrupt:
        return interrupted()
    return show(report, console, terminal, as_json=options.as_json, html=options.html)


def show(report: dict[str, Any], console: Console, terminal: TextIO, *, as_json: bool, html: Path | None) -> int:
    """Print or write a report; the exit status that fits it."""
    if html is not None:
        write_html(report, html)
    if as_json:
        print(json.dumps(report), file=terminal)
    else:
        print_report(console, report)
        if html is not None:
            console.print(f"report as a page: {html}", style="dim", highlight=False)
    return STATUS_INTERRUPTED if report["status"] == "interrupted" else 0


def interrupted() -> int:
    """Say that Ctrl-C came before or after the dialling; the exit status that fits it."""
    print("dialer: interrupted; what was dialled is on record, the next run goes on from there", file=sys.stderr)
    return STATUS_INTERRUPTED


@contextlib.contextmanager
def ray_output(data: Path) -> Any:
    """Keep what Ray prints out of the operator's sight: it goes to ``ray.log`` in the data directory."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        log = (data / "ray.log").open("a", encoding="utf-8")
    except OSError as error:
        raise DataDirectoryError(f"cannot use data directory {data}: {error.strerror}; choose another one") from error
    with log, contextlib.redirect_stdout(log):
        yield


# -- before anything is started ----------------------------------------------------------------------------------------


def _check(options: RunOptions) -> _Checked:
    file = load_campaign(options.campaign)
    per_actor = parse_per_actor(options.per_actor)
    if options.trunk != _SIMULATED:
        raise ConfigError(f"unknown trunk {options.trunk!r}; use: {_SIMULATED}")
    if not 1.0 <= options.speed <= MAX_SPEED:
        raise ConfigError(f"--speed must be from 1 to {MAX_SPEED:g}, not {options.speed:g}")
    if options.agents is not None:
        if file.queue is None:
            raise ConfigError(f"{options.campaign}: mode {file.mode.value} has no agents; leave out --agents")
        if options.agents < 1:
            raise ConfigError(f"--agents must be 1 or more, not {options.agents}")
    _check_names(file)
    if options.html is not None and not options.html.parent.is_dir():
        raise ConfigError(f"--html {options.html}: there is no directory {options.html.parent}; make it first")
    for path in options.contacts:
        check_contacts(path)
    for path in options.dnc:
        check_numbers(path)
    kept, last_us = _look_at(options, file)
    start_us, note = start_of(options.start, last_us=last_us, hours=kept.to_domain().hours)
    if kept != file:
        _check_names(kept)
        note = f"the unfinished run of {file.name} goes on as it began: what has changed in the file waits for the next"
    return _Checked(kept, per_actor, start_us, note)


def _check_names(file: CampaignFile) -> None:
    profile_by_name(file.trunk.profile)
    if file.agents is not None:
        habits_by_name(file.agents.habits)


def _look_at(options: RunOptions, file: CampaignFile) -> tuple[CampaignFile, int]:
    """The campaign to dial, which is the earlier one if its run is not over, and the time of the last record.

    Refuses a data directory that cannot be used, or a run without contacts.
    """
    nobody = ConfigError(f"campaign {file.name} has no contacts yet; give --contacts FILE")
    if not (options.data / FILE_NAME).is_file():
        if not options.contacts:
            raise nobody
        return file, 0
    with Store.open(options.data) as store:
        doc = store.get("campaign", file.name)
        if doc is None and not options.contacts:
            raise nobody
        if doc is not None and doc["run_no"] is not None and run_state(store, doc["run_no"]) not in _ENDED:
            file = CampaignFile.model_validate(doc["file"])
        return file, store.last_us()


# -- dialling ----------------------------------------------------------------------------------------------------------


async def _dial(options: RunOptions, checked: _Checked, console: Console) -> dict[str, Any]:
    began_s = time.monotonic()
    file = checked.file
    rules = load_rules(options.speed, caps=file.cap_rules())
    deployment = make_deployment(
        options.data,
        rules,
        namespace=NAMESPACE,
        start_us=checked.start_us,
        speed=options.speed,
        seed=options.seed,
    )
    queues = () if file.queue is None else ((file.queue, "main"),)
    habits = None if file.queue is None else (file.agents.habits if file.agents is not None else "typical")
    agents = file.agent_specs(count=options.agents)
    plan = Plan(((file.trunk.to_domain(), file.trunk.profile),), queues, agents, habits)
    control = await launch(deployment, plan, per_actor=checked.per_actor)
    try:
        await _prepare(control, options, file, console)
        started = await control.start_campaign(file.name)
        if started["continued"]:
            console.print(f"going on with run {started['run_no']} of {file.name}", highlight=False)
        await control.staff()
        stopped = await Dialling(control, console, (file.name,)).until_over()
        report = await whole_report(control, file.name)
    finally:
        await end(control)
    report |= {"wall_s": time.monotonic() - began_s, "seed": options.seed, "speed": options.speed}
    report["agents"] = report["agents"] or len(agents)
    report["status"] = "interrupted" if stopped else report["state"]
    return report


async def whole_report(control: Control, name: str) -> dict[str, Any]:
    """The report of a campaign's latest run, with what became of its list."""
    report = await control.report(name)
    run = await control.run_document(report["run_no"])
    return report | {
        "mode": run["mode"],
        "contacts": run["rows"],
        "dialable": run["dialable"],
        "excluded": run["excluded_by_reason"],
        "status": report["state"],
    }


async def is_unfinished(control: Control, name: str) -> bool:
    """Whether a campaign has a run that was interrupted."""
    known = next((known for known in await control.campaigns() if known["name"] == name), None)
    return known is not None and known["run_no"] is not None and known["state"] not in _ENDED


async def _prepare(control: Control, options: RunOptions, file: CampaignFile, console: Console) -> None:
    """Bring lists and campaign into the catalogue. A run that was interrupted keeps its contacts."""
    dnc = [await _import(_import_dnc(control), path, console, options.dnc) for path in options.dnc]
    if await is_unfinished(control, file.name):
        return
    lists = [await _import(_import_contacts(control), path, console, options.contacts) for path in options.contacts]
    known = next((known for known in await control.campaigns() if known["name"] == file.name), None)
    if known is not None:
        lists = lists or known["lists"]
        dnc = sorted({*dnc, *known["dnc_lists"]})
    await control.put_campaign(file, lists, dnc)


def _import_contacts(control: Control) -> _Work:
    return lambda name, path: control.import_contacts(name, path, path.name)


def _import_dnc(control: Control) -> _Work:
    return lambda name, path: control.import_dnc(name, path, False)  # noqa: FBT003 - for this campaign


async def _import(work: _Work, path: Path, console: Console, among: tuple[Path, ...]) -> str:
    name = _list_name(path, among)
    report = await work(name, await asyncio.to_thread(path.resolve))
    left_out = ", ".join(f"{count} {reason}" for reason, count in sorted(report["excluded"].items()))
    console.print(
        f"{path.name}: {report['rows']} rows, {report['contacts']} taken" + (f" ({left_out})" if left_out else ""),
        highlight=False,
    )
    return name


def _list_name(path: Path, among: tuple[Path, ...]) -> str:
    """A slug of the file's name, numbered where several files share it."""
    slug = (
        "".join(char if char.isascii() and char.isalnum() else "-" for char in path.stem.lower()).strip("-") or "list"
    )
    twins = [other for other in among if other.stem.lower() == path.stem.lower()]
    return slug[:58] if len(twins) == 1 else f"{slug[:58]}-{twins.index(path) + 1}"
