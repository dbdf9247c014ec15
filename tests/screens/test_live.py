"""The board in a terminal, and the lines where there is none."""

import re

import pytest

from dialer.domain.kinds import AgentState, CampaignState
from dialer.domain.views import TrunkView
from dialer.screens.board import board
from dialer.screens.live import LiveTable
from dialer.screens.rates import Pace

REAL_TIME = Pace(12.0, 12.0, 1.0)


@pytest.fixture
def draw(console, lines):
    """Draws one picture and reads it back."""

    def drawn(snapshot, pace=REAL_TIME):
        console.print(board(snapshot, pace, width=console.width, height=console.height))
        return lines()

    return drawn


def row(lines, name):
    """Cells of the line that begins with a name."""
    (found,) = [line for line in lines if line.startswith(name)]
    return found.split()


def test_board_shows_the_figures(draw, picture, console):
    """State, share done, calls up, dialled, connected, abandoned, and abandoned of 1,000 live answers."""
    shown = draw(picture())
    cells = row(shown, "survey")
    assert cells[1] == "active"
    wide = ["2,220", "1,500"] if console.width == 120 else []
    assert cells[-8 - len(wide) :] == ["25", "%", *wide, "25", "3,000", "900", "60", "6.0", "%"]
    assert shown[0].split("   ") == ["14:00:00 UTC", "12 dials/s", "25 calls up"]


def test_board_totals(draw, picture, view):
    """Several campaigns are added up, and the ratio of the sum is not the sum of ratios."""
    shown = draw(picture(campaigns=(view("a"), view("b", abandoned=0, outcomes={"connected": 1000}, connected=1000))))
    assert row(shown, "total")[-5:] == ["6,000", "1,900", "60", "3.0", "%"]


def test_one_campaign_has_no_total(draw, picture):
    """A total of one says nothing."""
    assert not any(line.startswith("total") for line in draw(picture()))


def test_reason_is_shown(draw, picture, view):
    """Why nothing is dialled stands below the campaigns."""
    paused = view(state=CampaignState.PAUSED, reason="all contacts resting until 14:05")
    assert "survey: all contacts resting until 14:05" in draw(picture(campaigns=(paused,)))


def test_virtual_time_has_two_rates(draw, picture):
    """At speed 60 a dial per virtual second is 60 per wall second."""
    assert draw(picture(), Pace(60.0, 1.0, 60.0))[0].startswith(
        "14:00:00 UTC  speed 60   60 dials/s, 1.0 per virtual s   25 calls up"
    )


def test_agents_and_trunks(draw, picture):
    """Every agent is counted once, every trunk has its line."""
    shown = draw(picture(trunks=(TrunkView("carrier-a", 60, 41, 10, 3), TrunkView("b", 1, 0, 1, 0))))
    (agents,) = [line for line in shown if line.startswith("20 agents")]
    assert agents.endswith("12 talking, 3 wrap up, 5 idle")
    assert agents.count("━") == (12 if len(shown[1]) <= 80 else 32)
    assert any(
        line.startswith("carrier-a") and line.endswith("41 of 60 lines, 3 queued, at most 10 calls/s") for line in shown
    )
    assert any(line.startswith("b ") for line in shown)


@pytest.mark.parametrize("state", list(CampaignState))
def test_every_campaign_state(draw, picture, view, state):
    """No state is without a style."""
    assert row(draw(picture(campaigns=(view(state=state),))), "survey")[1] == state


def test_every_agent_state_and_unknown_ones(draw, picture):
    """All states are drawn, a new one too."""
    agents = dict.fromkeys([*AgentState, "training"], 1)
    shown = " ".join(" ".join(draw(picture(agents=agents))).split())
    assert all(f"1 {state.replace('_', ' ')}" in shown for state in agents)


def test_many_campaigns_are_cut_and_counted(draw, picture, view):
    """What does not fit is said, and the active ones come first."""
    quiet = [view(f"quiet-{at}", state=CampaignState.COMPLETED) for at in range(40)]
    shown = draw(picture(campaigns=(*quiet, view("busy"))))
    assert len(shown) < 30
    assert shown[2].startswith("busy")
    hidden = int(re.search(r"and (\d+) more campaigns", "\n".join(shown))[1])
    assert hidden + sum(line.startswith(("quiet", "busy")) for line in shown) == 41
    assert row(shown, "total")[-5] == "123,000"


def test_large_numbers_fit(draw, picture, view):
    """Ten million contacts do not break the line; the bar gives way first."""
    big = view("x" * 60, contacts=10**7, done=9_999_999, fresh=10**7, attempts=10**8, calls_up=10**5)
    assert any("100,000,000" in line and ">99 %" in line for line in draw(picture(campaigns=(big, big))))


def test_names_cannot_attack(console, draw, picture, view, nasty):
    """Names are text: no markup, no escape sequence of theirs reaches the terminal."""
    shown = draw(picture(campaigns=(view(nasty, reason=nasty),), trunks=(TrunkView(nasty, 1, 1, 1, 0),)))
    assert any(line.startswith("?[31m<script>alert('1')</script> [bold]&$body?") for line in shown)
    assert "\x1b[31m<" not in console.file.getvalue()


def test_empty_dialer(draw, picture):
    """Nothing to show is shown as a clock."""
    assert len(draw(picture(campaigns=(), agents={}, trunks=()))) == 1


def test_interactive_redraws_in_place(console, picture):
    """The last picture stays on the terminal."""
    with LiveTable(console, interactive=True) as table:
        table.update(picture())
        table.update(picture(1.0))
    written = console.file.getvalue()
    assert "14:00:01 UTC" in written
    assert "\x1b[1A" in written  # went up to draw over the first picture


def test_plain_lines_every_five_wall_seconds(console, picture):
    """A log gets the first picture, one each five seconds, and the last; none twice."""
    with LiveTable(console, interactive=False) as table:
        for at in range(13):
            table.update(picture(float(at), speed=60))
    said = console.export_text().splitlines()
    assert [line.split()[0] for line in said] == ["14:00:00", "14:05:00", "14:10:00", "14:12:00"]
    assert said[0] == ("14:00:00 UTC  25 % done  25 up  3,000 dialled  900 connected  60 abandoned  0.00 dials/s")


def test_plain_line_does_not_repeat_the_last(console, picture):
    """A picture that has been said is not said again at the end."""
    with LiveTable(console, interactive=False) as table:
        table.update(picture())
    assert len(console.export_text().splitlines()) == 1


def test_plain_line_says_why(console, picture, view):
    """A silent dialer gives its reason."""
    with LiveTable(console, interactive=False) as table:
        table.update(picture(campaigns=(view(calls_up=0, reason="paused by the operator"),)))
    assert console.export_text().strip().endswith("survey: paused by the operator")


def test_no_telephone_number(draw, picture):
    """Nothing on the board is long enough to be a number to call."""
    assert not re.search(r"\d{7}", "\n".join(draw(picture())))
