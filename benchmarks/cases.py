"""All cases, and one of them in a process of its own: ``python -m benchmarks.cases CASE SCALE``.

Results go to standard output, one JSON object a line; what is going on goes to standard error.
"""

from __future__ import annotations

import importlib
import json
import sys
import traceback
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Case:
    """One benchmark. Its module is imported in the process that runs it, and in no other."""

    module: str
    function: str
    about: str
    limit_s: float  #: wall seconds at scale 1, on a busy machine


CASES: dict[str, Case] = {
    "floor": Case("benchmarks.dialing", "run_floor", "bare actors passing the same batches: the machine's limit", 180),
    "dial": Case("benchmarks.dialing", "run", "the dialer at saturation against the floor, and at 200 dials/s", 480),
    "memory": Case("benchmarks.memory", "run", "memory of logged-in agents", 240),
    "sim": Case("benchmarks.simulating", "run", "a shift of a hundred agents in virtual time", 180),
    "import": Case("benchmarks.importing", "run", "import of a contact list against bare DuckDB", 180),
    "scrub": Case("benchmarks.scrubbing", "run", "scrub of a contact list against DuckDB's anti-join", 180),
}


def failed(name: str, why: str) -> dict[str, Any]:
    """The result of a case that has none."""
    return {"case": name, "what": f"failed: {why}", "value": None, "unit": "", "ok": False}


def measure(name: str, scale: float) -> list[dict[str, Any]]:
    """Run a case in this process.

    Args:
        name: One of ``CASES``.
        scale: Share of its full size, above 0.

    Returns:
        Its results; one that says why if it failed.
    """
    case = CASES[name]
    try:
        results: list[dict[str, Any]] = getattr(importlib.import_module(case.module), case.function)(scale)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other cases go on
        traceback.print_exc()
        return [failed(name, f"{type(error).__name__}: {error}")]
    return results


if __name__ == "__main__":
    for result in measure(sys.argv[1], float(sys.argv[2])):
        print(json.dumps(result))
