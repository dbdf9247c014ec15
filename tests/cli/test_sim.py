"""``dialer sim``: a report of the agreed shape, and the same digest for the same seed."""

import pytest

#: Design, section 10: what ``run`` and ``sim`` share.
KEYS = {
    *("campaign", "mode", "contacts", "dialable", "excluded", "attempts", "outcomes", "connected", "abandoned"),
    *("live_answers", "abandon_ratio", "agents", "utilisation_ratio", "dials_per_s", "answer_to_agent_ms"),
    *("wall_s", "virtual_s", "seed", "digest", "status"),
}


@pytest.mark.parametrize("mode", ["progressive", "agentless"])
def test_the_last_line_is_one_object_with_the_agreed_keys(call, mode):
    """Every key is there, and what must add up does."""
    told = call("sim", "--mode", mode, "--agents", 5, "--hours", 0.25, "--seed", 3, "--json")
    report = told.result
    assert told.status == 0
    assert told.out.count("\n") == 1
    assert report.keys() >= KEYS
    assert report["answer_to_agent_ms"].keys() >= {"p50", "p99", "max"}
    assert report["contacts"] == report["dialable"] + sum(report["excluded"].values())
    assert report["attempts"] == sum(report["outcomes"].values()) > 0
    assert (report["mode"], report["seed"]) == (mode, 3)


def test_the_digest_belongs_to_the_seed(start):
    """Two processes, whose hash seeds differ, agree on one seed and differ on another."""
    options = ("--agents", 5, "--hours", 0.25, "--json")
    processes = [start("sim", "--seed", seed, *options) for seed in (7, 7, 8)]
    one, again, other = (process.end().result["digest"] for process in processes)
    assert one == again != other


def test_faults_are_told(call):
    """With heavy faults actors have crashed, and the report still adds up."""
    report = call("sim", "--agents", 5, "--hours", 0.25, "--faults", "heavy", "--json").result
    assert report["faults"]["plan"] == "heavy"
    assert report["faults"]["crashes"] > 0
    assert report["attempts"] == sum(report["outcomes"].values())


def test_a_page_is_written(call, folder):
    """``--html`` writes one file that needs no other."""
    told = call("sim", "--agents", 5, "--hours", 0.25, "--html", "report.html")
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert told.status == 0
    assert "<svg" in page
    assert "src=" not in page
