"""The ledger: numbers at which nobody is reached go on a list; what it keeps and passes on of agents' words."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain import rows as r
from dialer.domain.groupcommit import JOURNAL
from dialer.domain.ids import attempt_id
from dialer.domain.kinds import LIVE_ANSWERS, UNDIALLED, DialingMode, IntentRefusal, Outcome
from dialer.domain.ledger import Ledger
from dialer.domain.message import Address
from dialer.domain.specs import CampaignSpec, DispositionRule, LegalRules, WeeklyHours
from dialer.sim.journal import MemoryJournal

NOON = 1_790_006_400_000_000  # Monday 2026-09-21 16:00 UTC: noon in New York
NUMBER = 12125550100
AFTER = 3
RULES = LegalRules(
    "us-1", (("America/New_York", WeeklyHours.daily(0, 1440)),), auto_dnc_after=AFTER, auto_dnc_list="dead"
)
SPEC = CampaignSpec("one", DialingMode.AGENTLESS, "p", "t", None, 12125550199)
OTHER = replace(SPEC, campaign="two")
MISSED = [outcome for outcome in Outcome if outcome not in UNDIALLED and outcome not in LIVE_ANSWERS]
LISTED = r.DncRow("dead", NUMBER, added=True, at_us=NOON, source="3 attempts in a row reached nobody")


def ledger(rules=RULES, **journal):
    made = Ledger(rules, dnc={"dead": frozenset()}, global_lists=["dead"], **journal)
    made.handle([c.OpenRun(no, 1, spec, (("America/New_York",),)) for no, spec in ((1, SPEC), (2, OTHER))], NOON)
    return made


def call(made, outcome, try_no, *, run_no=1):
    """One attempt from intent to outcome: all rows, and whether it was refused."""
    attempt = attempt_id(run_no, 0, try_no)
    out = made.handle([c.ProposeIntent(attempt, 1, NUMBER, 0)], NOON)
    refused = [m for _, m in out if isinstance(m, e.IntentRefused)]
    if refused:
        return [], refused[0].reason
    ended = e.AttemptEnded(attempt, outcome, "", 0, NOON, 0, 0, NOON)
    out += made.handle([c.RecordOutcome(SPEC.campaign if run_no == 1 else OTHER.campaign, ended)], NOON)
    made.check_invariants()
    return [message for to, message in out if to == JOURNAL], None


@pytest.mark.parametrize("outcome", MISSED)
def test_a_number_at_which_nobody_is_reached_goes_on_the_list(outcome):
    """At the third attempt in a row, over all campaigns, in the same batch as the outcome; refused from then on."""
    made = ledger()
    assert LISTED not in call(made, outcome, 1)[0]
    assert LISTED not in call(made, outcome, 1, run_no=2)[0]
    assert LISTED in call(made, outcome, 2)[0]
    assert call(made, outcome, 3) == ([], IntentRefusal.DNC)


@pytest.mark.parametrize("outcome", sorted(LIVE_ANSWERS))
def test_a_person_who_answers_breaks_the_row(outcome):
    """Two failures, an answer, two failures: not three in a row, and nothing is remembered of a number that is fine."""
    made = ledger()
    for try_no, what in enumerate((Outcome.BUSY, Outcome.BUSY, outcome, Outcome.BUSY, Outcome.BUSY), start=1):
        assert not any(isinstance(row, r.DncRow) for row in call(made, what, try_no)[0])
    call(made, outcome, 6)
    assert made._failures == {}


@pytest.mark.parametrize("outcome", sorted(UNDIALLED))
def test_what_was_not_dialled_says_nothing_of_the_number(outcome):
    """It neither counts nor breaks the row."""
    made = ledger()
    for try_no, what in enumerate((Outcome.BUSY, outcome, Outcome.BUSY, outcome), start=1):
        assert not any(isinstance(row, r.DncRow) for row in call(made, what, try_no)[0])
    assert LISTED in call(made, Outcome.BUSY, 5)[0]


def test_off():
    """Without the rule nothing is counted."""
    made = ledger(replace(RULES, auto_dnc_after=0), failures=[(NUMBER, 99)])
    for try_no in range(1, 9):
        assert call(made, Outcome.BUSY, try_no)[1] is None
    assert made._failures == {}


@given(st.lists(st.sampled_from(list(Outcome)), max_size=25), st.integers(0, 25))
def test_a_restart_changes_nothing(outcomes, when):
    """The ledger is reborn from its journal at any moment: the number is listed at the same attempt."""
    listed = []
    for reborn in (None, when):
        journal, made = MemoryJournal(), ledger()
        for try_no, outcome in enumerate(outcomes, start=1):
            if try_no == reborn:
                made = ledger(failures=journal.failures(), dnc_changes=journal.dnc)
            journal.append(call(made, outcome, try_no)[0])
        listed.append([i for i, row in enumerate(journal.rows) if isinstance(row, r.DncRow)])
    assert listed[0] == listed[1]


def test_an_operator_takes_a_number_off_the_list():
    """It is called again, and listed again only after as many failures."""
    made = ledger()
    for try_no in range(1, AFTER + 1):
        call(made, Outcome.BUSY, try_no)
    made.handle([c.RemoveFromDnc("dead", (NUMBER,), "operator")], NOON)
    rows = [call(made, Outcome.BUSY, try_no)[0] for try_no in range(4, 7)]
    assert [any(isinstance(row, r.DncRow) for row in part) for part in rows] == [False, False, True]


def test_a_number_is_listed_once():
    """A campaign that is reborn repeats an order that may have been lost: no second row."""
    made = ledger()
    order = c.AddToDnc("dead", (NUMBER, NUMBER + 1), "campaign one")
    assert [message.number for _, message in made.handle([order], NOON)] == [NUMBER, NUMBER + 1]
    assert made.handle([order], NOON) == []


# -- words of agents -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "passed_on"),
    [
        (DispositionRule("x"), False),
        (DispositionRule("x", positive=True), False),
        (DispositionRule("x", retry_us=0), True),
        (DispositionRule("x", callback=True), True),
        (DispositionRule("x", do_not_call=True), True),
        (DispositionRule("y", callback=True), False),
    ],
)
def test_a_disposition_is_kept_and_passed_on(rule, passed_on):
    """Once it is durable the campaign hears of it from here, if anything follows from it."""
    made = ledger()
    spec = replace(SPEC, dispositions=(rule,))
    made.handle([c.OpenRun(1, 1, spec, (("America/New_York",),))], NOON)
    word = e.DispositionSet(attempt_id(1, 0, 1), "a", "x", "", NOON)
    expected = [(JOURNAL, word), *([(Address("campaign", "one"), word)] if passed_on else [])]
    assert made.handle([word], NOON) == expected


def test_a_disposition_waits_for_its_run_to_be_opened():
    """The ledger is reborn and hears the agent before the campaign: passed on once, when the run is known."""
    made = Ledger(RULES)
    word = e.DispositionSet(attempt_id(1, 0, 1), "a", "callback_asked", "", NOON, NOON)
    other = replace(word, attempt_id=attempt_id(9, 0, 1))
    assert made.handle([word, other], NOON) == [(JOURNAL, word), (JOURNAL, other)]
    opening = c.OpenRun(1, 1, SPEC, (("America/New_York",),))
    assert made.handle([opening], NOON) == [(Address("campaign", "one"), word)]
    assert made.handle([opening], NOON) == []


def test_a_skip_is_kept():
    """Requirement 50. With the time at which the campaign heard of it."""
    skip = c.RecordSkip(attempt_id(1, 0, 1), "a", NOON - 1)
    assert ledger().handle([skip], NOON) == [(JOURNAL, r.SkipRow(skip.attempt_id, "a", NOON - 1))]
