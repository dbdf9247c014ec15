"""Made-up reports and pictures, and a console that remembers what it printed."""

import io

import pytest
from rich.console import Console

from dialer.domain.kinds import CampaignState, DialingMode
from dialer.domain.views import CampaignView, Snapshot, TrunkView

T0 = 1_789_999_200_000_000  # a full hour
MINUTE = 60_000_000
NASTY = "\x1b[31m<script>alert('1')</script> [bold]&$body\u202e"  #: a name that attacks every kind of screen


@pytest.fixture(params=[80, 120])
def console(request):
    """A terminal that keeps its text."""
    return Console(width=request.param, height=30, file=io.StringIO(), force_terminal=True, record=True)


@pytest.fixture
def lines(console):
    """What stands on the console, without colours; fails if a line is wider than the console."""

    def read():
        found = console.export_text(clear=False).splitlines()
        assert max(map(len, found)) <= console.width
        return [line.rstrip() for line in found]

    return read


@pytest.fixture
def report():
    """The report of a run on a clock that runs 60 times too fast."""
    minutes = [(at, 20, 8, 1) for at in range(0, 60, 2)] + [(at, 10, 2, 0) for at in range(90, 130)]
    return {
        "run_no": 3,
        "seed": 1,
        "campaign": "spring-renewals",
        "mode": "progressive",
        "state": "completed",
        "status": "completed",
        "contacts": 5000,
        "dialable": 4210,
        "excluded": {"duplicate": 402, "dnc": 300, "invalid_number": 88},
        "attempts": 1000,
        "outcomes": {"connected": 320, "abandoned": 30, "hung_up": 50, "no_answer": 580, "machine": 19, "failed": 1},
        "undialled": {"expired": 3},
        "open": 0,
        "connected": 320,
        "abandoned": 30,
        "live_answers": 400,
        "abandon_ratio": 0.075,
        "agents": 20,
        "utilisation_ratio": 0.7823,
        "dials_per_s": 0.5,
        "answer_to_agent_ms": {"p50": 4.25, "p99": 47.9, "max": 10_250.0},
        "wall_s": 130.0,
        "virtual_s": 7800.0,
        "timeline": [
            {"at_us": T0 + at * MINUTE, "attempts": n, "connected": c, "abandoned": a} for at, n, c, a in minutes
        ],
        "by_hour": [
            {"at_us": T0, "attempts": 600, "connected": 240, "abandoned": 30},
            {"at_us": T0 + 60 * MINUTE, "attempts": 300, "connected": 60, "abandoned": 0},
            {"at_us": T0 + 120 * MINUTE, "attempts": 100, "connected": 20, "abandoned": 0},
        ],
    }


@pytest.fixture
def view():
    """Makes a campaign in the middle of its run."""

    def make(campaign="survey", **changes):
        fields = {
            "campaign": campaign,
            "mode": DialingMode.PROGRESSIVE,
            "state": CampaignState.ACTIVE,
            "contacts": 5000,
            "done": 1250,
            "in_play": 30,
            "resting": 1400,
            "parked": 100,
            "fresh": 2220,
            "attempts": 3000,
            "calls_up": 25,
            "outcomes": {"connected": 900, "abandoned": 60, "hung_up": 40, "no_answer": 2000},
            "connected": 900,
            "abandoned": 60,
            "reason": "",
        }
        return CampaignView(**{**fields, **changes})

    return make


@pytest.fixture
def picture(view):
    """Makes a snapshot some wall seconds into the run."""

    def make(wall_s=0.0, *, campaigns=None, speed=1, agents=None, trunks=None):
        return Snapshot(
            T0 + round(wall_s * speed * 1_000_000),
            wall_s,
            (view(),) if campaigns is None else campaigns,
            {"talking": 12, "wrap_up": 3, "idle": 5} if agents is None else agents,
            (TrunkView("carrier-a", 60, 41, 10, 3),) if trunks is None else trunks,
        )

    return make


@pytest.fixture
def nasty():
    """A name that attacks every kind of screen."""
    return NASTY
