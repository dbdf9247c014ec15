"""Facts about simulating by options: the report, the digest, and what is said of wrong options."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from dialer.errors import ConfigError
from dialer.sim.run import AGENTLESS_CONCURRENCY, scenario_for, simulate

FEW = {"mode": "progressive", "agents": 5, "hours": 0.2, "seed": 7}
KEYS = set(
    "campaign mode contacts dialable excluded attempts outcomes connected abandoned live_answers abandon_ratio agents "
    "utilisation_ratio dials_per_s answer_to_agent_ms virtual_s seed digest status faults".split()
)


def test_the_report_has_every_key_and_adds_up():
    report = simulate(**FEW)
    assert report.keys() >= KEYS
    assert report["contacts"] == report["dialable"] + sum(report["excluded"].values())
    assert report["attempts"] == sum(report["outcomes"].values()) > 0
    assert report["seed"] == 7
    assert report["faults"] == {
        "plan": "none",
        "crashes": 0,
        "freezes": 0,
        "deliveries": report["faults"]["deliveries"],
    }
    assert json.loads(json.dumps(report)) == report


def test_faults_are_counted():
    report = simulate(**{**FEW, "hours": 0.5}, faults="heavy")
    assert report["faults"]["crashes"] > 0
    assert report["faults"]["freezes"] > 0


def test_the_same_seed_tells_the_same_story():
    assert simulate(**FEW, faults="heavy") == simulate(**FEW, faults="heavy")


def test_another_seed_another_story():
    assert simulate(**FEW)["digest"] != simulate(**{**FEW, "seed": 8})["digest"]


def test_the_digest_is_the_same_in_every_process():
    """Nothing depends on the order of a set, which changes with the seed of hashing."""
    code = (
        "from dialer.sim.run import simulate; "
        f"print(simulate(**{FEW!r}, faults='heavy', campaigns=2, per_actor=2)['digest'])"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("0", "1", "4711")
    }
    assert len(found) == 1
    assert found == {simulate(**FEW, faults="heavy", campaigns=2, per_actor=2)["digest"] + "\n"}


def test_several_campaigns_are_added_up():
    report = simulate(**{**FEW, "agents": 9}, campaigns=3)
    each = report["campaigns"]
    assert len(each) == 3
    assert len({one["campaign"] for one in each}) == 3
    assert report.keys() >= KEYS
    for key in ("contacts", "attempts", "connected", "live_answers", "abandoned"):
        assert report[key] == sum(one[key] for one in each)
    assert report["attempts"] == sum(report["outcomes"].values())
    assert report["agents"] == 9
    assert 0 < report["utilisation_ratio"] < 1
    assert report["answer_to_agent_ms"]["p50"] <= report["answer_to_agent_ms"]["p99"]
    assert report["answer_to_agent_ms"]["p99"] <= report["answer_to_agent_ms"]["max"]
    assert sum(minute["attempts"] for minute in report["timeline"]) == report["attempts"]
    assert [minute["at_us"] for minute in report["timeline"]] == sorted({m["at_us"] for m in report["timeline"]})


def test_several_agentless_campaigns_have_no_agents():
    report = simulate(mode="agentless", agents=4, hours=0.1, seed=1, campaigns=2)
    assert report["agents"] == 0
    assert report["utilisation_ratio"] == 0.0
    assert report["answer_to_agent_ms"] == {"p50": 0.0, "p99": 0.0, "max": 0.0}


def test_agentless_has_a_default_concurrency():
    ((spec, _),) = scenario_for(mode="agentless", agents=0, hours=1, seed=1).campaigns
    assert spec.concurrency == AGENTLESS_CONCURRENCY
    ((spec, _),) = scenario_for(mode="agentless", agents=7, hours=1, seed=1).campaigns
    assert spec.concurrency == 7


def test_lists_of_one_simulation_share_no_number():
    lists = [contacts for _, contacts in scenario_for(**FEW, campaigns=3).campaigns]
    numbers = [contacts.number(index) for contacts in lists for index in range(len(contacts))]
    assert len(numbers) == len(set(numbers)) > 30


def test_progress_is_told():
    told = []
    simulate(**FEW, progress=lambda share, snapshot: told.append((share, snapshot.now_us)))
    assert len(told) >= 12
    assert told == sorted(told)
    assert told[-1][0] == 1.0


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"mode": "manual"}, "no mode 'manual'; use one of: agentless, preview, progressive, power, predictive"),
        ({"faults": "some"}, "no faults 'some'; use one of: none, light, heavy"),
        ({"profile": "martian"}, "no carrier profile 'martian'; use one of: "),
        ({"habits": "odd"}, "no habits 'odd'; use one of: "),
        ({"agents": 0}, "agents for progressive dialling must be 1 or more, not 0"),
        ({"mode": "agentless", "agents": -1}, "agents for agentless dialling must be 0 or more, not -1"),
        ({"campaigns": 0}, "campaigns must be 1 or more, not 0"),
        ({"per_actor": 0}, "agents per actor must be 1 or more, not 0"),
        ({"hours": 0}, "hours must be above 0 and at most 168, not 0"),
        ({"hours": -1.5}, "hours must be above 0 and at most 168, not -1.5"),
        ({"hours": float("nan")}, "hours must be above 0 and at most 168, not nan"),
        ({"hours": float("inf")}, "hours must be above 0 and at most 168, not inf"),
        ({"agents": 100_000, "hours": 168}, "contacts are too many to simulate; use fewer agents or hours"),
    ],
)
def test_a_wrong_option_is_one_clear_line(wrong, says):
    with pytest.raises(ConfigError) as caught:
        simulate(**{**FEW, **wrong})
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
