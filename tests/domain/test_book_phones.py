"""The contact book: contacts with several phones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.domain.book import ContactBook
from dialer.domain.kinds import UNDIALLED, Outcome
from dialer.domain.phones import Phones
from dialer.domain.specs import HOUR_US, RetryRule, WeeklyHours
from dialer.domain.standing import Place
from dialer.sim.contacts import ListedContacts

NOON = 1_790_006_400_000_000  # Monday 2026-09-21 16:00 UTC: noon in New York, 9:00 in Los Angeles
OPEN = WeeklyHours.daily(8 * 60, 21 * 60)
FROM_TEN = WeeklyHours.daily(10 * 60, 21 * 60)  # at NOON it is too early for Los Angeles, by an hour
RETRY = RetryRule(max_attempts=5, rest_us=HOUR_US)
NEW_YORK, LOS_ANGELES = 0, 1


def book(*phones, hours=OPEN, retry=RETRY):
    """One contact with phones in these zones."""
    return ContactBook(ListedContacts([phones]), hours, retry)


def dialled(made, now_us):
    """The phone that is dialled now, None if the contact cannot be called."""
    contact = made.take(now_us)
    made.check_invariants()
    return None if contact is None else made.phones.latest(contact)


def test_attempts_go_round_the_phones():
    """Each counted attempt dials the next phone, and the limit is over all of them."""
    made = book(0, 0, 0)
    seen = []
    for hour in range(5):
        seen.append(dialled(made, NOON + hour * HOUR_US))
        made.ended(0, Outcome.NO_ANSWER, NOON + hour * HOUR_US)
    assert seen == [0, 1, 2, 0, 1]
    assert (made.place(0), made.done_by) == (Place.DONE, {"no_answer": 1})


@pytest.mark.parametrize("outcome", sorted(UNDIALLED))
def test_what_was_not_dialled_keeps_its_turn(outcome):
    """The phone did not ring."""
    made = book(0, 0)
    assert dialled(made, NOON) == 0
    made.ended(0, outcome, NOON)
    assert dialled(made, NOON) == 0


def test_who_was_reached_is_called_there_again():
    """After a call that connected, a retry or a callback goes to the phone that was answered."""
    made = book(0, 0)
    assert dialled(made, NOON) == 0
    made.ended(0, Outcome.BUSY, NOON)
    assert dialled(made, NOON + HOUR_US) == 1
    made.ended(0, Outcome.CONNECTED, NOON + HOUR_US, hold=True)
    made.callback(0, NOON + 2 * HOUR_US)
    assert dialled(made, NOON + 2 * HOUR_US) == 1


@pytest.mark.parametrize("outcome", [Outcome.INVALID, Outcome.FAX])
def test_a_useless_phone_is_never_dialled_again(outcome):
    """The next one is tried at once; the contact is done when none is left."""
    made = book(0, 0)
    assert dialled(made, NOON) == 0
    made.ended(0, outcome, NOON)
    assert dialled(made, NOON) == 1
    made.ended(0, Outcome.BUSY, NOON)
    assert dialled(made, NOON + HOUR_US) == 1
    made.ended(0, outcome, NOON + HOUR_US)
    assert (made.place(0), made.done_by) == (Place.DONE, {outcome.name.lower(): 1})


def test_a_final_outcome_of_the_person_ends_all_phones():
    """Only what is wrong with the phone is the phone's alone."""
    made = book(0, 0, retry=RetryRule(final=(Outcome.REJECTED,)))
    assert dialled(made, NOON) == 0
    made.ended(0, Outcome.REJECTED, NOON)
    assert made.place(0) is Place.DONE


def test_a_phone_on_a_list_is_blocked():
    """Refused for ever: the other phone is tried, and a contact whose phones are all on lists is done."""
    made = book(0, 0)
    assert dialled(made, NOON) == 0
    made.refused(0, None, "dnc", NOON)
    assert (made.try_no(0), dialled(made, NOON)) == (0, 1)
    made.refused(0, None, "dnc", NOON)
    assert (made.place(0), made.done_by) == (Place.DONE, {"dnc": 1})


def test_a_phone_that_must_wait_lets_the_other_go_first():
    """Refused for a week, with another phone: the contact waits no longer than its retry period."""
    made = book(0, 0)
    assert dialled(made, NOON) == 0
    made.refused(0, NOON + 168 * HOUR_US, "cap", NOON)
    assert dialled(made, NOON + HOUR_US) == 1
    alone = book(0)
    assert dialled(alone, NOON) == 0
    alone.refused(0, NOON + 168 * HOUR_US, "cap", NOON)
    assert alone.next_due_us(NOON) == NOON + 168 * HOUR_US


def test_each_phone_has_its_own_zone():
    """Requirement 92. The phone whose turn it is sleeps: the next one is dialled; all sleep: the first to wake."""
    made = book(LOS_ANGELES, NEW_YORK, hours=FROM_TEN)
    assert dialled(made, NOON) == 1
    made.ended(0, Outcome.BUSY, NOON)
    assert dialled(made, NOON + HOUR_US) == 0
    made.ended(0, Outcome.BUSY, NOON + HOUR_US)
    night = NOON + 10 * HOUR_US  # ten in New York, seven in Los Angeles
    assert dialled(made, night) == 0
    made.ended(0, Outcome.BUSY, night)
    late = night + 3 * HOUR_US
    assert dialled(made, late) is None
    assert made.place(0) is Place.PARKED
    morning = NOON + 22 * HOUR_US  # ten in New York
    assert made.next_possible_us(0, late) == made.next_due_us(late) == morning
    assert dialled(made, morning) == 1


def test_the_phone_is_found_by_its_number():
    """A journal says which number was called, and the turn goes on from there."""
    contacts = ListedContacts([(0, 0, 0)])
    made = ContactBook(contacts, OPEN, RETRY)
    assert made.restore(0, 1, contacts.number(0, 1))
    made.ended(0, Outcome.BUSY, NOON)
    assert dialled(made, NOON + HOUR_US) == 2
    assert Phones(contacts).find(0, 1) == 0  # not a number of the file


@given(st.integers(1, 8), st.lists(st.sampled_from(["turn", "block", "again"]), max_size=30))
def test_turns(count, story):
    """The phone in turn is never a blocked one, the turn moves on by one open phone, and blocked ones stay blocked."""
    phones = Phones(ListedContacts([[0] * count]))
    blocked = set()
    for step in story:
        turns = phones.in_turn(0)
        assert set(turns) == set(range(count)) - blocked
        if not turns:
            break
        phones.dial(0, turns[0])
        assert phones.latest(0) == turns[0]
        if step == "turn":
            phones.end_turn(0)
            assert phones.in_turn(0) == [*turns[1:], turns[0]]
        elif step == "block":
            blocked.add(turns[0])
            assert phones.block(0, turns[0]) == (len(blocked) < count)
        else:
            assert phones.in_turn(0) == turns
