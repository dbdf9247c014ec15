"""Facts about running and judging cases, without Ray."""

import json
import os
import time

import pytest

from benchmarks.__main__ import main
from benchmarks.cases import CASES
from benchmarks.processes import cpu_s, own_bytes, resident_bytes
from benchmarks.runner import KEYS, environment, judged, run_case

RESULT = {"case": "sim", "what": "something", "unit": "s"}


@pytest.mark.parametrize(
    ("found", "ok"),
    [
        ({"value": 90.0, "target": "<= 100"}, True),
        ({"value": 100.0, "target": "<= 100"}, True),
        ({"value": 100.1, "target": "<= 100"}, False),
        ({"value": 20.0, "target": "< 20"}, False),
        ({"value": 3_000.0, "ratio": 0.15, "target": ">= 0.15"}, True),
        ({"value": 3_000.0, "ratio": 0.14, "target": ">= 0.15"}, False),
        ({"value": 3_000.0}, None),
        ({"value": None, "ok": False}, False),
    ],
)
def test_judged(found, ok):
    """A target holds for the ratio where there is one, else for the value; without one there is no verdict."""
    result = judged(RESULT | found)
    assert result["ok"] is ok
    assert tuple(result) == KEYS


def test_environment():
    """The figures come with what they depend on."""
    facts = environment(0.5)
    assert facts["cores"] >= 1
    assert facts["scale"] == 0.5
    assert all(facts[name] for name in ("python", "ray", "duckdb"))


def test_case_in_own_process(capfd):
    """A case that runs says what it has found, with every key."""
    results = run_case("sim", 0.005)
    assert [tuple(result) for result in results] == [KEYS, KEYS]
    assert all(result["value"] > 0 for result in results)
    assert results[0]["target"] == "< 0.1"
    assert capfd.readouterr().out == ""


def test_failing_case():
    """A case that cannot run is a result that says why, and nothing else is lost."""
    (result,) = run_case("sim", 1_000.0)  # more hours than can be simulated
    assert result["value"] is None
    assert result["ok"] is False
    assert "ConfigError: hours must be" in result["what"]


def test_figures_are_kept(tmp_path, capsys):
    """With --json FILE the environment and each result are a line; the table is printed; the status is 0."""
    figures = tmp_path / "figures.jsonl"
    assert main(["--only", "sim,import", "--scale", "0.001", "--json", str(figures)]) == 0
    lines = [json.loads(line) for line in figures.read_text(encoding="utf-8").splitlines()]
    assert lines[0]["case"] == "environment"
    assert [line["case"] for line in lines[1:]] == ["sim", "sim", "import"]
    table = capsys.readouterr().out
    assert "scale 0.001" in table
    assert "import 1,000 rows" in table


def test_json_on_standard_output(capsys):
    """With --json - standard output holds nothing but JSON lines."""
    assert main(["--only", "sim", "--scale", "0.001", "--json", "-"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["case"] for line in lines] == ["environment", "sim", "sim"]


def test_list(capsys):
    """--list names every case, and measures nothing."""
    assert main(["--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(CASES)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--only", "flor"], "no case 'flor'; use: floor, dial,"),
        (["--scale", "0"], "must be above 0 and at most 10"),
        (["--scale", "much"], "must be above 0 and at most 10, not 'much'"),
    ],
)
def test_bad_options(arguments, told, capsys):
    """A bad option is a line that says what is allowed, and status 2."""
    with pytest.raises(SystemExit) as refused:
        main(arguments)
    assert refused.value.code == 2
    assert told in capsys.readouterr().err


def test_processes():
    """Memory of its own and processor time of a process grow with what it takes."""
    own, spent_s = own_bytes(os.getpid()), cpu_s(os.getpid())
    block = bytearray(os.urandom(1)) * 50_000_000
    assert own_bytes(os.getpid()) - own > 45_000_000
    assert resident_bytes(os.getpid()) > len(block)
    while time.process_time() < spent_s + 0.1:
        sum(block[:10_000])
    assert cpu_s(os.getpid()) > spent_s
