"""Facts about the journal of a simulated world."""

from __future__ import annotations

import pytest

from dialer.domain.events import DispositionSet
from dialer.domain.ids import attempt_id
from dialer.domain.kinds import CampaignState, Outcome
from dialer.domain.rows import CampaignStateRow, DncRow, IntentRow, OutcomeRow, SkipRow
from dialer.domain.specs import DAY_US
from dialer.errors import InvariantError
from dialer.sim.journal import MemoryJournal

FIRST, SECOND, OTHER = attempt_id(1, 0, 1), attempt_id(1, 1, 1), attempt_id(2, 0, 1)


def intent(attempt, at_us=100):
    return IntentRow(attempt, "c1", 12025550100 + attempt % 7, "t1", 1, at_us, at_us + 50, 1, "r", "z", 0, 1)


def outcome(attempt, what=Outcome.BUSY, ended_us=200):
    return OutcomeRow(attempt, what, "", 17, 110, 0, 0, ended_us, 210)


def test_the_first_record_of_an_attempt_stands():
    journal = MemoryJournal()
    journal.append([intent(FIRST), outcome(FIRST)])
    digest = journal.digest()
    journal.append([intent(FIRST, 999), outcome(FIRST, Outcome.CONNECTED)])
    assert journal.outcomes[FIRST].outcome is Outcome.BUSY
    assert journal.intents[FIRST].at_us == 100
    assert len(journal.rows) == 2
    assert journal.digest() == digest


def test_an_outcome_wants_an_intent():
    with pytest.raises(InvariantError, match="intent before outcome"):
        MemoryJournal().append([outcome(FIRST)])


def test_a_run_is_replayed_from_its_own_records():
    journal = MemoryJournal()
    state = CampaignStateRow(1, "c1", CampaignState.PAUSED, 90, "ordered")
    journal.append([state, intent(SECOND), intent(FIRST), intent(OTHER), outcome(FIRST)])
    history = journal.history(1)
    assert history.state is CampaignState.PAUSED
    assert list(history.closed) == [(FIRST, Outcome.BUSY, 200, 12025550100 + FIRST % 7)]
    assert [row[0] for row in history.open] == [SECOND]
    assert journal.history(3).state is CampaignState.READY


def test_attempts_that_count_are_remembered_for_caps():
    journal = MemoryJournal()
    journal.append([intent(FIRST, 100), intent(SECOND, 300), intent(OTHER, 400), outcome(SECOND, Outcome.EXPIRED)])
    assert [at_us for _, at_us in journal.recent(100)] == [100, 400]
    assert [at_us for _, at_us in journal.recent(101)] == [400]


def test_changes_of_do_not_call_lists_are_kept_in_order():
    journal = MemoryJournal()
    journal.append(
        [DncRow("d1", 5, added=True, at_us=1, source="x"), DncRow("d1", 5, added=False, at_us=2, source="x")]
    )
    assert journal.dnc == [("d1", 5, True), ("d1", 5, False)]


def test_the_digest_tells_stories_apart():
    digests = set()
    for rows in ([], [intent(FIRST)], [intent(FIRST), outcome(FIRST)], [intent(FIRST), intent(SECOND)]):
        journal = MemoryJournal()
        journal.append(rows)
        digests.add(journal.digest())
    assert len(digests) == 4


def test_what_agents_said_is_replayed():
    journal = MemoryJournal()
    word = DispositionSet(SECOND, "a1", "later", "notes", 250, 9_000, personal=True)
    skips = [SkipRow(SECOND, "a2", 90), SkipRow(FIRST, "a1", 80), SkipRow(OTHER, "a1", 80), SkipRow(FIRST, "a9", 99)]
    journal.append(
        [word, DispositionSet(SECOND, "a1", "sale", "", 999), DispositionSet(OTHER, "a", "x", "", 1), *skips]
    )
    history = journal.history(1)
    assert history.dispositions == [(SECOND, "later", "a1", 9_000, True, 250)]
    assert history.skips == [(FIRST, "a1", 80), (SECOND, "a2", 90)]


def test_people_who_answered_within_thirty_days_are_counted():
    journal = MemoryJournal()
    later_us = 31 * DAY_US
    journal.append([intent(FIRST), outcome(FIRST, Outcome.ABANDONED)])
    journal.append([intent(SECOND), outcome(SECOND, Outcome.CONNECTED, 200)])
    assert (journal.history(1).live_answers, journal.history(1).abandoned) == (2, 1)
    journal.append([intent(OTHER), outcome(OTHER, Outcome.ABANDONED, later_us)])  # another run of the same campaign
    assert (journal.history(1).live_answers, journal.history(1).abandoned) == (1, 1)
    assert (journal.history(3).live_answers, journal.history(3).abandoned) == (0, 0)


def test_failures_in_a_row():
    journal = MemoryJournal()
    stories = {
        10: [Outcome.BUSY, Outcome.NO_ANSWER, Outcome.EXPIRED],
        11: [Outcome.BUSY, Outcome.HUNG_UP, Outcome.MACHINE],
        12: [Outcome.BUSY, Outcome.CONNECTED],
    }
    for contact, outcomes in stories.items():
        for try_no, what in enumerate(outcomes, start=1):
            attempt = attempt_id(1, contact, try_no)
            made = IntentRow(attempt, "c1", contact, "t1", 1, 100, 150, 1, "r", "z", 0, 1)
            journal.append([made, outcome(attempt, what)])
    assert journal.failures() == [(10, 2), (11, 1)]
