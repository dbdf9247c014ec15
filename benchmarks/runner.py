"""Runs cases, each in a process of its own, and judges what they have found."""

from __future__ import annotations

import json
import operator
import os
import platform
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from benchmarks.cases import CASES, failed

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
#: Wall seconds that a case has to tidy up after it was told to stop.
_GRACE_S = 30.0
#: Wall seconds that every case may take beside its own limit, however small it is: processes must start.
_START_S = 90.0
#: Every key a result has.
KEYS = ("case", "what", "value", "unit", "floor", "ratio", "target", "ok")


def environment(scale: float) -> dict[str, Any]:
    """What the figures depend on.

    Args:
        scale: Share of the full size.
    """
    return {
        "case": "environment",
        "cores": len(os.sched_getaffinity(0)),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "ray": version("ray"),
        "duckdb": version("duckdb"),
        "load": round(os.getloadavg()[0], 1),
        "scale": scale,
    }


def run_case(name: str, scale: float) -> list[dict[str, Any]]:
    """Run one case in a process of its own; what is going on appears on standard error.

    Args:
        name: One of ``CASES``.
        scale: Share of its full size, above 0.

    Returns:
        Its results, judged; one that says why if it failed.
    """
    command = [sys.executable, "-m", "benchmarks.cases", name, str(scale)]
    limit_s = _START_S + CASES[name].limit_s * scale
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
        with subprocess.Popen(command, stdout=out) as process:  # noqa: S603 - this module's own neighbour
            late = _wait(process, limit_s)
        out.seek(0)
        results = [json.loads(line) for line in out]
    if late:
        results = [failed(name, f"not over after {limit_s:.0f} s")]
    elif process.returncode and not results:
        results = [failed(name, f"exit status {process.returncode}")]
    return [judged(result) for result in results]


def _wait(process: subprocess.Popen[bytes], limit_s: float) -> bool:
    """Wait until a case is over; True if it had to be stopped."""
    try:
        process.wait(limit_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)  # it ends its Ray first
        try:
            process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
        return True
    return False


def judged(result: dict[str, Any]) -> dict[str, Any]:
    """A result with every key, and whether it reaches its target.

    Args:
        result: ``target`` holds for ``ratio`` where there is one, else for ``value``.

    Returns:
        The result; ``ok`` is None where there is no target.
    """
    whole = dict.fromkeys(KEYS) | result
    if whole["ok"] is None and whole["target"] is not None:
        compare, bound = whole["target"].split()
        measured = whole["value"] if whole["ratio"] is None else whole["ratio"]
        whole["ok"] = measured is not None and _COMPARE[compare](measured, float(bound))
    return whole
