"""The final report on the screen."""

import re

import pytest

from dialer.screens.figures import figures
from dialer.screens.final import print_report


@pytest.fixture
def shown(console, lines):
    """Prints a report and reads it back."""

    def printed(report):
        console.print()
        print_report(console, report)
        return lines()[1:]

    return printed


def block(lines, head, total):
    """Label -> (count, share) of the rows between a heading and its total, and those of the total."""
    start = lines.index(head)
    end = next(at for at, line in enumerate(lines) if at > start and line.startswith(total))
    rows = [re.match(r"(.+?)  +([\d,]+) +<?([\d.]+) %", line).groups() for line in lines[start + 1 : end + 1]]
    return {label: (int(number.replace(",", "")), float(share)) for label, number, share in rows}


def test_contacts_add_up(shown, report):
    """Dialable and excluded make all contacts; the reasons make the excluded."""
    rows = block(shown(report), "contacts", "all contacts")
    assert rows["dialable"][0] + rows["excluded"][0] == rows["all contacts"][0] == 5000
    assert sum(n for label, (n, _) in rows.items() if label.startswith("  ")) == rows["excluded"][0]
    assert rows["dialable"][1] + rows["excluded"][1] == pytest.approx(100)


def test_attempts_add_up(shown, report):
    """Outcomes make all attempts, in counts and in percent, largest first."""
    rows = block(shown(report), "attempts", "all attempts")
    total = rows.pop("all attempts")
    assert sum(n for n, _ in rows.values()) == total[0] == 1000
    assert sum(share for _, share in rows.values()) == pytest.approx(total[1], abs=0.1)
    assert list(rows) == ["no answer", "connected", "hung up", "abandoned", "machine", "failed"]


def test_bars_are_to_scale(shown, report):
    """A bar is as long as its share, and one attempt in a thousand is still seen."""
    lines = shown(report)
    long = {
        label: sum(line.count(block) for block in "█▏▎▍▌▋▊▉")
        for label in ("no answer", "connected", "failed")
        for line in lines
        if line.startswith(label)
    }
    assert long["no answer"] / long["connected"] == pytest.approx(580 / 320, rel=0.15)
    assert long["failed"] == 1


def test_checks_are_ticked(shown, report):
    """The three additions stand at the end."""
    text = " ".join(" ".join(shown(report)).split())
    assert "✓ 4,210 dialable + 790 excluded = 5,000 contacts" in text
    assert (
        "✓ 580 no answer + 320 connected + 50 hung up + 30 abandoned + 19 machine + 1 failed = 1,000 attempts" in text
    )
    assert "✓ 320 connected + 30 abandoned + 50 hung up = 400 live answers" in text
    assert "✗" not in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"contacts": 5001}, "4,210 dialable + 790 excluded = 5,000, but there are 5,001 contacts"),
        ({"attempts": 999}, "= 1,000, but there are 999 attempts"),
        ({"live_answers": 401}, "= 400, but there are 401 live answers"),
    ],
)
def test_what_does_not_add_up_is_said(shown, report, changes, said):
    """A wrong sum is not hidden."""
    text = " ".join(" ".join(shown({**report, **changes})).split())
    assert text.count("✗") == 1
    assert said in text


def test_facts(shown, report):
    """The other figures, with both clocks."""
    text = [re.sub("  +", "  ", line) for line in shown(report)]
    assert "Abandoned  7.50 % of live answers (limit 3 % over 30 days)" in text
    assert "Agents  20, talking or in wrap-up for 78.2 % of their time" in text
    assert "Answer to agent  p50 4.2 ms, p99 48 ms, max 10.2 s" in text
    assert "Rate  0.50 dials per virtual s, 30 per wall s" in text
    assert "Duration  2 h 10 min of virtual time in 2 min 10 s (speed 60)" in text
    assert "Not dialled  3 expired (not counted as attempts)" in text


def test_real_time_has_one_clock(report):
    """Without a speed nothing is called virtual."""
    found = dict(figures({**report, "virtual_s": 130.5}).facts())
    assert (found["Rate"], found["Duration"]) == ("0.50 dials/s", "2 min 10 s")


def test_open_attempts_are_said(report):
    """An attempt without an outcome is named."""
    assert dict(figures({**report, "open": 2}).facts())["Open"] == "2 attempts have no outcome yet"


def test_abandonment_limit(report):
    """The limit itself is lawful, more is not."""
    assert not figures({**report, "abandon_ratio": 0.03}).over_limit
    assert figures({**report, "abandon_ratio": 0.0301}).over_limit


def test_no_agents(report):
    """An agentless campaign has no waiting agent to measure."""
    found = dict(figures({**report, "agents": 0}).facts())
    assert found["Agents"] == "none took part"
    assert "Answer to agent" not in found


@pytest.mark.parametrize(
    "key", ["contacts", "answer_to_agent_ms", "wall_s", "virtual_s", "mode", "timeline", "outcomes"]
)
def test_any_key_may_be_missing(shown, report, key):
    """A report that says less is shown as far as it goes."""
    del report[key]
    assert shown(report)[0].startswith("spring-renewals")


def test_empty_report(shown):
    """Nothing dialled is a report too."""
    lines = shown({})
    assert "✓ 0 = 0 attempts" in lines


def test_names_cannot_attack(console, shown, report, nasty):
    """Names are text for the terminal."""
    lines = shown({**report, "campaign": nasty, "status": nasty, "excluded": {nasty: 790}, "undialled": {nasty: 1}})
    assert "<script>" in lines[0]
    assert "\x1b[31m<" not in console.file.getvalue()


def test_no_telephone_number(shown, report):
    """Nothing in a report is long enough to be a number to call."""
    assert not re.search(r"\d{7}", "\n".join(shown(report)))
