"""The cases on a real Ray, small: every figure is there, and nothing stays behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MARK = "DIALER_BENCH_TEST"

pytestmark = [pytest.mark.cluster, pytest.mark.long, pytest.mark.timeout(600)]


def left_behind(mark: str) -> list[str]:
    """Command lines of living processes that were started with the mark in their environment."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal():
            continue
        try:
            variables = (process / "environ").read_bytes()
            command = (process / "cmdline").read_bytes()
        except OSError:  # it has ended meanwhile
            continue
        if command and f"{MARK}={mark}".encode() in variables:
            found.append(command.replace(b"\0", b" ").decode())
    return found


def run(cases: str, tmp_path: Path) -> list[dict]:
    """Run cases as an operator does; their results."""
    figures = tmp_path / "figures.jsonl"
    command = [sys.executable, "-m", "benchmarks", "--only", cases, "--scale", "0.02", "--json", str(figures)]
    mark = tmp_path.name
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {MARK: mark}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert left_behind(mark) == []
    return [json.loads(line) for line in figures.read_text(encoding="utf-8").splitlines()][1:]


def test_floor_and_memory(tmp_path):
    """The floor passes attempts; agents take memory."""
    results = run("floor,memory", tmp_path)
    assert [result["case"] for result in results[:2]] == ["floor", "floor"]
    assert all(result["value"] > 0 for result in results[:2])
    memory = {result["what"]: result["value"] for result in results[2:]}
    assert len(memory) == 6
    # any Python process has tens of megabytes of its own
    assert 20 < memory["an actor without agents (computed)"] < 500


@pytest.mark.long
def test_dial(tmp_path):
    """The dialer dials in both modes, is compared with the floor, and keeps a fixed rate."""
    results = {result["what"]: result for result in run("dial", tmp_path)}
    for what in ("agentless, saturated", "progressive, 40 agents"):
        assert results[what]["value"] > 10
        assert results[what]["ratio"] == pytest.approx(results[what]["value"] / results[what]["floor"])
        assert results[f"{what}: remote calls per attempt"]["value"] > 0
        assert results[f"{what}: processor time per attempt"]["value"] > 0
    waits = [results[f"progressive at 4 dials/s: answer to agent, {name}"]["value"] for name in ("p50", "p99", "max")]
    assert 0 < waits[0] <= waits[1] <= waits[2]
