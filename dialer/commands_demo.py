"""``dialer demo``: a small campaign of each mode side by side, from lists made up on the spot to an audited report."""

from __future__ import annotations

import asyncio
import csv
import json
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console
from rich.table import Table

from dialer.actors.directory import Plan
from dialer.actors.handles import Control
from dialer.actors.launch import end, launch, make_deployment, start_ray, stop_ray
from dialer.commands_clock import start_of
from dialer.commands_live import Dialling
from dialer.commands_run import (
    NAMESPACE,
    STATUS_INTERRUPTED,
    interrupted,
    is_unfinished,
    ray_output,
    whole_report,
)
from dialer.config import AgentsSection, CampaignFile, TrunkSection, load_rules
from dialer.domain.kinds import DialingMode
from dialer.domain.specs import SECOND_US, AgentSpec, WeeklyHours
from dialer.screens import print_findings, print_report
from dialer.sim.contacts import SyntheticContacts
from dialer.sim.totals import totals
from dialer.storage.audit import Finding
from dialer.storage.store import FILE_NAME, Store

SPEED = 60.0
#: A Tuesday at 19:00 UTC, when everybody from Maine to Hawaii may be called.
START_US = 1_772_564_400 * SECOND_US
LEGAL_HOURS = WeeklyHours.daily(8 * 60, 21 * 60)
AGENTS = 24
CONTACTS = 120
TRUNK = TrunkSection(name="main", lines=120, calls_per_s=20)

#: name, mode, priority: the first is dialled first, the next two take turns, then the fourth; the last needs nobody.
CAMPAIGNS: tuple[tuple[str, DialingMode, int], ...] = (
    ("renewals", DialingMode.PREVIEW, 5),
    ("win-back", DialingMode.PROGRESSIVE, 4),
    ("survey", DialingMode.POWER, 4),
    ("spring-offer", DialingMode.PREDICTIVE, 3),
    ("appointment-reminder", DialingMode.AGENTLESS, 2),
)
#: Modes in which machines are told from people before anybody is joined.
DETECTING = (DialingMode.PROGRESSIVE, DialingMode.PREDICTIVE, DialingMode.AGENTLESS)


def demo_command(*, seed: int, data: Path | None, as_json: bool) -> int:
    """Run the demo.

    Args:
        seed: Seed of lists, callees and agents.
        data: Where records are kept; None for a temporary directory.
        as_json: Print one JSON object instead of a report.

    Returns:
        Exit status: 0; 1 if the audit finds something; 130 after Ctrl-C.

    Raises:
        OperatorError: The data directory or Ray cannot be used.
    """
    terminal = sys.stdout
    console = Console(file=sys.stderr if as_json else terminal)
    with tempfile.TemporaryDirectory(prefix="dialer-demo-") as scratch:
        place = Path(scratch) / "data" if data is None else data
        start_us = _start_us(place)
        try:
            with ray_output(place):
                console.print("starting Ray on this machine ...", style="dim", highlight=False)
                start_ray(None)
                try:
                    told = asyncio.run(_dial(place, start_us, Path(scratch), seed, console))
                finally:
                    stop_ray()
        except KeyboardInterrupt:
            return interrupted()
    if as_json:
        print(json.dumps(told), file=terminal)
    else:
        _show(console, told)
    if told["status"] == "interrupted":
        return STATUS_INTERRUPTED
    return 0 if told["audit"]["clean"] else 1


def _start_us(data: Path) -> int:
    """Dialler time at the start: never before what an earlier demo has left on record."""
    if not (data / FILE_NAME).is_file():
        return START_US
    with Store.open(data) as store:
        last_us = store.last_us()
    return START_US if last_us < START_US else start_of(None, last_us=last_us, hours=LEGAL_HOURS)[0]


async def _dial(data: Path, start_us: int, scratch: Path, seed: int, console: Console) -> dict[str, Any]:
    began_s = time.monotonic()
    rules = load_rules(SPEED)
    deployment = make_deployment(data, rules, namespace=NAMESPACE, start_us=start_us, speed=SPEED, seed=seed)
    agents = tuple(
        AgentSpec(f"a{number}", "main", ("sales",), (TRUNK.name,), 30 * SECOND_US) for number in range(1, AGENTS + 1)
    )
    plan = Plan(((TRUNK.to_domain(), TRUNK.profile),), (("sales", "main"),), agents, "steady")
    control = await launch(deployment, plan)
    try:
        names = await _prepare(control, scratch, seed)
        console.print(f"{len(names)} campaigns, {AGENTS} agents, {SPEED:.0f} times as fast as life", highlight=False)
        for name in names:
            await control.start_campaign(name)
        await control.staff()
        stopped = await Dialling(control, console, names).until_over()
        reports = [await whole_report(control, name) for name in names]
        findings = await control.audit()
    finally:
        await end(control)
    return totals(reports) | {
        "campaign": "demo",
        "mode": "five campaigns",
        "agents": AGENTS,
        "wall_s": time.monotonic() - began_s,
        "seed": seed,
        "status": "interrupted" if stopped else "completed",
        "audit": {"clean": not any(finding["violations"] for finding in findings), "findings": findings},
    }


async def _prepare(control: Control, scratch: Path, seed: int) -> list[str]:
    """Make up the lists, import them and keep the campaigns."""
    rng = Random(seed)
    source = SyntheticContacts(len(CAMPAIGNS) * CONTACTS)
    numbers = [source.number(index) for index in range(len(source))]
    rng.shuffle(numbers)
    dnc = scratch / "do-not-call.csv"
    _write(dnc, ["phone"], [[f"+{number}"] for number in numbers[:: len(numbers) // 20]])
    await control.import_dnc("do-not-call", dnc, True)  # noqa: FBT003 - everywhere
    names = []
    for at, (name, mode, priority) in enumerate(CAMPAIGNS):
        rows = [[f"Contact {i}", f"+{n}"] for i, n in enumerate(numbers[at * CONTACTS : (at + 1) * CONTACTS], 1)]
        rows += [["Twice", rows[0][1]], ["Nobody", ""], ["Typo", "12345"]]  # what real lists hold, too
        path = scratch / f"{name}.csv"
        _write(path, ["name", "phone"], rows)
        if not await is_unfinished(control, name):  # an earlier demo was interrupted: this one goes on with it
            await control.import_contacts(name, path, path.name)
            await control.put_campaign(_campaign(name, mode, priority), [name], [])
        names.append(name)
    return names


def _write(path: Path, header: list[str], rows: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def _campaign(name: str, mode: DialingMode, priority: int) -> CampaignFile:
    agentless = mode is DialingMode.AGENTLESS
    return CampaignFile(
        name=name,
        mode=mode,
        priority=priority,
        caller_id=12125550100,
        queue=None if agentless else "sales",
        flow="reminder" if agentless else None,
        concurrency=12,
        max_attempts=2,
        retry_period_s=300,
        amd=mode in DETECTING,
        trunk=TRUNK,
        agents=None if agentless else AgentsSection(count=AGENTS),
    )


def _show(console: Console, told: dict[str, Any]) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("campaign", no_wrap=True)
    table.add_column("mode", no_wrap=True)
    for head in ("contacts", "attempts", "connected", "abandoned"):
        table.add_column(head, justify="right")
    for report in told["campaigns"]:
        numbers = [str(report[key]) for key in ("contacts", "attempts", "connected", "abandoned")]
        table.add_row(report["campaign"], report["mode"], *numbers)
    console.print(table)
    print_report(console, told)
    print_findings(console, [Finding(**finding) for finding in told["audit"]["findings"]])
