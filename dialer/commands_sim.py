"""``dialer sim``: a shift in virtual time."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from dialer.commands_run import show
from dialer.sim.run import simulate


@dataclass(frozen=True, slots=True, kw_only=True)
class SimOptions:
    """What was given on the command line."""

    mode: str = "progressive"
    agents: int = 20
    hours: float = 8.0
    seed: int = 1
    faults: str = "none"
    profile: str = "typical"
    html: Path | None = None
    as_json: bool = False


def sim_command(options: SimOptions) -> int:
    """Simulate, with a progress line, and print the report.

    Raises:
        OperatorError: Something given cannot be used.
    """
    console = Console(file=sys.stderr if options.as_json else sys.stdout)
    began_s = time.monotonic()
    with console.status("simulating ...") as status:
        report = simulate(
            mode=options.mode,
            agents=options.agents,
            hours=options.hours,
            seed=options.seed,
            faults=options.faults,
            profile=options.profile,
            progress=lambda ratio, _: status.update(f"simulating ... {ratio:.0%}"),
        )
    report["wall_s"] = time.monotonic() - began_s
    return show(report, console, sys.stdout, as_json=options.as_json, html=options.html)
