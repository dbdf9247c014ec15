"""Intents that an earlier dialer left open: who may close them, when, and as what."""

import pytest

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain import rows as r
from dialer.domain.groupcommit import JOURNAL
from dialer.domain.ids import attempt_id
from dialer.domain.kinds import DialingMode, IntentRefusal, Outcome
from dialer.domain.ledger import Ledger
from dialer.domain.message import Address
from dialer.domain.specs import HOUR_US, SECOND_US, CampaignSpec, CapRule, LegalRules, WeeklyHours

NOON = 1_790_006_400_000_000  # Monday 2026-09-21 16:00 UTC: noon in New York
NUMBER = 12125550100
NEW_YORK = "America/New_York"
LEFT_OPEN = attempt_id(1, 0, 1)
MINE = attempt_id(2, 0, 1)
#: (attempt id, number, intent time, not after), of a run that was interrupted an hour ago
INHERITED = (LEFT_OPEN, NUMBER, NOON - HOUR_US, NOON - HOUR_US + 5 * SECOND_US)


def open_run(run_no):
    spec = CampaignSpec(f"c{run_no}", DialingMode.AGENTLESS, "p", "t", None, 12125550199)
    return c.OpenRun(run_no, 1, spec, ((NEW_YORK,),))


def ledger(*, began_us=NOON, runs=(2,), caps=(), inherited=INHERITED):
    rules = LegalRules("us-1", ((NEW_YORK, WeeklyHours.daily(8 * 60, 21 * 60)),), caps=caps)
    recent = [(number, at_us) for _, number, at_us, _ in [inherited]]
    made = Ledger(rules, open_intents=[inherited], recent=recent, began_us=began_us)
    made.handle([open_run(run_no) for run_no in runs], NOON)
    return made


def propose(made, now_us=NOON):
    out = made.handle([c.ProposeIntent(MINE, 1, NUMBER, 0)], now_us)
    made.check_invariants()
    return [envelope.message for envelope in out if envelope.to == JOURNAL], [
        envelope.message for envelope in out if envelope.to == Address("campaign", "c2")
    ]


def test_the_number_of_a_run_nobody_goes_on_with_is_free_again():
    """The inherited intent is closed as unknown in the same batch, before the new intent, and the number is dialled."""
    rows, answers = propose(ledger())
    closed, made = rows
    assert closed == r.OutcomeRow(LEFT_OPEN, Outcome.UNKNOWN, "", 0, 0, 0, 0, NOON, NOON)
    assert (made.attempt_id, made.at_us) == (MINE, NOON)
    assert [type(answer) for answer in answers] == [e.IntentAccepted]


@pytest.mark.parametrize(
    "made",
    [
        ledger(runs=(1, 2)),  # its run goes on, and asks the trunk
        ledger(began_us=NOON - 2 * HOUR_US),  # made by this dialer, before its store was restarted
        ledger(inherited=(LEFT_OPEN, NUMBER, NOON - 1, NOON + 1)),  # may still be on its way to a line
    ],
    ids=["continued", "own", "alive"],
)
def test_an_intent_somebody_may_answer_for_keeps_its_number(made):
    """The proposal is refused as busy, and nothing is written."""
    rows, (refused,) = propose(made)
    assert rows == []
    assert refused.reason is IntentRefusal.NUMBER_BUSY


def test_an_abandoned_intent_counts_against_the_caps():
    """It may have been dialled: the number is free, and yet capped."""
    rows, (refused,) = propose(ledger(caps=(CapRule(1, 24 * HOUR_US),)))
    assert [row.outcome for row in rows] == [Outcome.UNKNOWN]
    assert refused.reason is IntentRefusal.CAP


def test_a_run_that_goes_on_later_hears_that_the_outcome_is_on_record():
    """Its own finding comes second: the first outcome stands, and it is told so."""
    made = ledger()
    propose(made)
    ended = e.AttemptEnded(LEFT_OPEN, Outcome.UNKNOWN, "", 0, 0, 0, 0, NOON + 9)
    out = made.handle([open_run(1), c.RecordOutcome("c1", ended)], NOON + 9)
    assert [tuple(envelope) for envelope in out] == [(Address("campaign", "c1"), e.OutcomeRecorded(LEFT_OPEN))]
