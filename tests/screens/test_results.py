"""What came of the calls, on the screen and on the page: dispositions, conversion, talk, tries, skips, 30 days."""

import re

import pytest

from dialer.screens.figures import figures
from dialer.screens.final import print_report
from dialer.screens.html import html_report

RESULTS = {
    "dispositions": {"sale": 40, "not_interested": 250, "wrong_person": 0, "no_code": 10},
    "positive": 40,
    "talk_s": {"total": 38_400.0, "mean": 120.0},
    "by_attempt": [
        {"attempt": 1, "attempts": 700, "connected": 250},
        {"attempt": 2, "attempts": 200, "connected": 60},
        {"attempt": 3, "attempts": 70, "connected": 10},
        {"attempt": 4, "attempts": 20, "connected": 0},
        {"attempt": 5, "attempts": 10, "connected": 0},
    ],
    "skips": 12,
    "skipped_contacts": 9,
    "abandon_30d": {"live_answers": 4000, "abandoned": 60, "ratio": 0.015, "limit_ratio": 0.02},
}


@pytest.fixture
def full(report):
    """A report with everything in it."""
    return {**report, **RESULTS}


def test_screen_shows_what_came_of_the_calls(console, lines, full):
    """Requirements 25, 35, 104, 105. Every code of the set, zeroes too, in its order; then the figures."""
    print_report(console, full)
    text = lines()
    start = text.index("dispositions")
    rows = [re.match(r"(.+?)  +([\d,]+) ", line).groups() for line in text[start + 1 : start + 6]]
    assert rows == [
        ("sale", "40"),
        ("not interested", "250"),
        ("wrong person", "0"),
        ("no code", "10"),
        ("all dispositions", "300"),
    ]
    shown = " ".join(" ".join(text).split())
    assert "Conversions 40 of 320 connected (12.5 %)" in shown
    assert "Talk 10 h 40 min in all, 2 min 00 s a call" in shown
    assert "Tries 700 of try 1 (35.7 % connected), 200 of try 2 (30.0 % connected)" in shown
    assert "70 of try 3 (14.3 % connected), 30 of later ones" in shown
    assert "Skips 12, of 9 contacts (not counted as attempts)" in shown
    assert "7.50 % of live answers; 1.50 % over 30 days of the campaign (limit 2 %)" in shown


def test_page_shows_what_came_of_the_calls(full):
    """Requirements 25, 35, 104, 105. The same figures, with a chart that says them in words."""
    page = html_report(full)
    assert "<h2>Dispositions</h2>" in page
    assert "sale: 40, 13.3 %; not interested: 250, 83.3 %; wrong person: 0, 0.0 %; no code: 10, 3.3 %" in page
    assert "300 calls were closed with a code, 40 of them positive." in page
    for words in ("40 of 320 connected", "10 h 40 min in all", "12, of 9 contacts", "1.50 % over 30 days"):
        assert words in page


def test_a_set_that_nobody_used(console, lines, report):
    """Zeroes alone are shown as such on both."""
    idle = {**report, "dispositions": {"sale": 0}, "positive": 0, "connected": 0}
    print_report(console, idle)
    assert any(re.match(r"all dispositions +0 +-", line) for line in lines())
    assert "0 calls were closed with a code" in html_report(idle)


def test_nothing_is_shown_of_what_is_not_known(console, lines, report):
    """A report without these keys has no empty lines for them."""
    print_report(console, report)
    shown, page = "\n".join(lines()), html_report(report)
    for word in ("dispositions", "Conversions", "Talk", "Tries", "Skips"):
        assert word not in shown
    assert "Dispositions" not in page


def test_the_campaigns_month_decides_what_is_over_the_limit(full):
    """A bad hour is no offence, a bad month is: the limit is that of 30 days."""
    assert not figures(full).over_limit
    over = {**RESULTS["abandon_30d"], "ratio": 0.0201}
    assert figures({**full, "abandon_ratio": 0.0, "abandon_30d": over}).over_limit
    assert not figures({**full, "abandon_30d": {**over, "ratio": 0.02}}).over_limit


def test_codes_cannot_attack_the_page(full):
    """Codes come from files."""
    page = html_report({**full, "dispositions": {"<script>x</script>": 3}})
    assert "<script>x" not in page
