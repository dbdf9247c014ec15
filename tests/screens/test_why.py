"""The waterfall of a campaign, and one contact's standing."""

import re

import pytest

from dialer.screens.why import print_contact, print_waterfall

T0 = 1_789_999_200_000_000
HOUR = 3_600_000_000
STEPS = [
    ("rows in the list", 1000),
    ("excluded: duplicate", 150),
    ("excluded: dnc", 50),
    ("dialable", 800),
    ("attempts used up: last no_answer", 300),
    ("done: connected", 100),
    ("never tried", 400),
]


@pytest.fixture
def shown(console, lines):
    """Prints with one of the functions and reads it back."""

    def printed(show, *args):
        show(console, *args)
        return lines()

    return printed


def test_waterfall_counts(shown):
    """Every step has its count and its share of the list."""
    text = [" ".join(line.split()) for line in shown(print_waterfall, "survey", STEPS)]
    assert text[0] == "survey"
    for said in (
        "rows in the list 1,000 100.0 %",
        "- excluded: duplicate 150 15.0 %",
        "- excluded: do-not-call list 50 5.0 %",
        "dialable 800 80.0 %",
        "attempts used up: last no answer 300 30.0 %",
        "never tried 400 40.0 %",
    ):
        assert any(line.startswith(said) for line in text), said
    assert not any("add up" in line for line in text)


def test_waterfall_bars_continue_one_another(shown):
    """Exclusions fall from the right end of the list to the dialable ones; states climb from the left."""
    lines = shown(print_waterfall, "survey", STEPS)
    bars = {line.split("  ")[0].strip() or line.strip().split("  ")[0]: line for line in lines if "█" in line}

    def edges(label):
        line = bars[label]
        return line.index("█"), line.rindex("█") + 1

    assert edges("- excluded: duplicate")[1] == edges("rows in the list")[1]
    assert edges("- excluded: do-not-call list")[1] - edges("- excluded: duplicate")[0] in {0, 1}
    assert edges("dialable")[0] == edges("rows in the list")[0]
    assert edges("never tried")[1] - edges("dialable")[1] in {-1, 0, 1}


@pytest.mark.parametrize("wrong", [0, 3, 6])
def test_waterfall_that_does_not_add_up(shown, wrong):
    """A missing contact is not hidden."""
    steps = [(label, number + (at == wrong)) for at, (label, number) in enumerate(STEPS)]
    assert shown(print_waterfall, "survey", steps)[-1].startswith("These figures do not add up")


def test_empty_list(shown):
    """A list without rows is a waterfall without water."""
    steps = [("rows in the list", 0), ("dialable", 0)]
    assert "rows in the list" in " ".join(shown(print_waterfall, "survey", steps))


def answer(**changes):
    """What is known of a contact that rests."""
    return {
        "campaign": "survey",
        "run_no": 3,
        "number": "+*********07",
        "state": "resting",
        "reason": "rest after the last attempt",
        "attempts": [
            {"try": 1, "at_us": T0, "outcome": "no_answer", "agent": "", "cause": 19, "ended_us": T0 + 25_000_000},
            {"try": 2, "at_us": T0 + HOUR, "outcome": None, "agent": None, "cause": None, "ended_us": None},
        ],
        "next_us": T0 + 2 * HOUR,
        **changes,
    }


def test_contact(shown):
    """Who, how it stands, when it may be called, and what was tried."""
    text = [" ".join(line.split()) for line in shown(print_contact, answer())]
    assert text[:4] == [
        "campaign survey, run 3",
        "contact +*********07",
        "state resting: rest after the last attempt",
        "next call 2026-09-21 16:00:00 UTC, at the earliest",
    ]
    assert text[-2:] == [
        "1 2026-09-21 14:00:00 UTC 2026-09-21 14:00:25 UTC no answer",
        "2 2026-09-21 15:00:00 UTC - open",
    ]


@pytest.mark.parametrize(
    ("state", "reason", "said"),
    [
        ("excluded", "invalid_number", "never: it was left out when the list was prepared"),
        ("in_progress", "an attempt is open", "not before the attempt in progress is over"),
        ("verdict", "connected, not closed", "not before its agent has closed the call"),
        ("number_busy", "in a call of another campaign", "as soon as the other call to its number is over"),
        ("done", "connected", "never: it is done"),
        ("used_up", "3 of 3 attempts made", "never: its attempts are used up"),
        ("dnc", "listed since", "never, unless it comes off the do-not-call list"),
        ("ended", "the run is stopped", "never in this run"),
        ("due", "its hours never open", "never: its hours never open"),
    ],
)
def test_contact_that_has_no_next_moment(shown, state, reason, said):
    """Never is explained."""
    found = answer(state=state, reason=reason, next_us=None, number=None, attempts=[])
    text = [" ".join(line.split()) for line in shown(print_contact, found)]
    assert f"next call {said}" in text
    assert text[-1] == "It was never tried."


def test_contact_that_asked_for_a_call(shown):
    """When it wants to be called and by whom, and how often it was skipped."""
    found = answer(state="callback", reason="a callback was asked for", callback_us=T0 + HOUR, agent="a7", skips=2)
    text = [" ".join(line.split()) for line in shown(print_contact, found)]
    assert "callback asked for 2026-09-21 15:00:00 UTC" in text
    assert "waits for agent a7" in text
    assert "skips 2" in text


def test_agent_names_cannot_attack(console, shown, nasty):
    """Agents' names are text."""
    attempt = {"try": 1, "at_us": T0, "outcome": "connected", "agent": nasty, "cause": 16, "ended_us": T0}
    assert "?[31m<" in "".join(shown(print_contact, answer(attempts=[attempt])))
    assert "\x1b[31m<" not in console.file.getvalue()


def test_no_telephone_number(shown):
    """The number stays masked."""
    assert not re.search(r"\d{7}", "\n".join(shown(print_contact, answer())))
