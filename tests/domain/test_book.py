"""The contact book: who is next, who waits for what, and the same book from the journal."""

from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dialer.domain.book import ContactBook
from dialer.domain.ids import MAX_TRY
from dialer.domain.kinds import UNDIALLED, Outcome
from dialer.domain.lane import LOOK_LIMIT, Rank
from dialer.domain.specs import DAY_US, HOUR_US, MINUTE_US, SECOND_US, RetryRule, WeeklyHours
from dialer.domain.standing import Place
from dialer.errors import InvariantError
from dialer.sim.contacts import ListedContacts

NOON = 1_790_006_400_000_000  # Monday 2026-09-21 16:00 UTC: noon in New York, 9:00 in Los Angeles
NEW_YORK, LOS_ANGELES = ("America/New_York",), ("America/Los_Angeles",)
OPEN = WeeklyHours.daily(8 * 60, 21 * 60)
FROM_TEN = WeeklyHours.daily(10 * 60, 21 * 60)  # at NOON it is too early for Los Angeles, by an hour
RETRY = RetryRule(max_attempts=3, rest_us=HOUR_US, rest_by_outcome=((Outcome.NO_ANSWER, 5 * MINUTE_US),))


class Endless(Sequence):
    """Ten million contacts with one phone in New York."""

    def __len__(self):
        return 10_000_000

    def __getitem__(self, index):
        return (0,)


def book(*keys, hours=OPEN, retry=RETRY):
    """Contacts whose only phones are in these zones."""
    return ContactBook(ListedContacts([(key,) for key in keys or (0, 0, 0)]), hours, retry)


def taken(made, now_us):
    """Everything that can be had now, in order."""
    found = []
    while (contact := made.take(now_us)) is not None:
        found.append(contact)
        made.check_invariants()
    return found


def taken_now(made, now_us):
    """The same without checks on the way, for many contacts."""
    return list(iter(lambda: made.take(now_us), None))


def restore(made, contact, try_no, outcome, ended_us):
    """Replay an attempt as a campaign does; no outcome: it is still open."""
    if made.restore(contact, try_no) and outcome is not None:
        made.ended(contact, outcome, ended_us)


# -- order -----------------------------------------------------------------------------------------------------------


def test_fresh_contacts_come_in_the_order_of_the_file():
    """Each is taken once, and is in play with its first try."""
    made = book()
    assert len(made) == 3
    assert taken(made, NOON) == [0, 1, 2]
    assert {place: n for place, n in made.counts().items() if n} == {"in_play": 3}
    assert [made.try_no(contact) for contact in range(3)] == [1, 1, 1]
    assert [made.attempts(contact) for contact in range(3)] == [0, 0, 0]
    assert made.next_due_us(NOON) is None
    assert not made.exhausted()


def test_rested_contacts_wait_for_all_fresh_ones():
    """A contact that is due again comes when every other one has had its turn, the longest due first."""
    made = book(0, 0, 0, 0)
    assert [made.take(NOON), made.take(NOON)] == [0, 1]
    made.ended(1, Outcome.BUSY, NOON)
    made.ended(0, Outcome.BUSY, NOON + SECOND_US)
    assert taken(made, NOON + 2 * HOUR_US) == [2, 3, 1, 0]


# -- closed hours ----------------------------------------------------------------------------------------------------


def test_a_closed_zone_parks_and_does_not_spend():
    """Requirement 92. Contacts outside the hours are set aside untouched, and come first when their zone opens."""
    made = book(1, 0, 1, 0, hours=FROM_TEN)
    assert taken(made, NOON) == [1, 3]
    assert [made.place(contact) for contact in (0, 2)] == [Place.PARKED] * 2
    assert [made.try_no(contact) for contact in (0, 2)] == [0, 0]
    assert made.next_due_us(NOON) == NOON + HOUR_US
    assert not made.exhausted()
    made.ended(1, Outcome.NO_ANSWER, NOON)
    assert made.next_due_us(NOON) == NOON + 5 * MINUTE_US
    assert made.next_due_us(NOON + HOUR_US) == 0
    assert taken(made, NOON + HOUR_US) == [0, 2, 1]


def test_a_rested_contact_is_parked_too():
    """Rest over, but too late in the evening: it waits for the morning, not lost and not called."""
    made = book(0)
    made.take(NOON)
    made.ended(0, Outcome.BUSY, NOON + 8 * HOUR_US + 30 * MINUTE_US)
    assert taken(made, NOON + 9 * HOUR_US + 45 * MINUTE_US) == []
    assert made.place(0) is Place.PARKED
    morning = NOON + 20 * HOUR_US
    assert made.next_due_us(NOON + 10 * HOUR_US) == morning
    assert made.take(morning - 1) is None
    assert made.take(morning) == 0


def test_hours_that_never_open():
    """A run whose contacts may never be called is over: there is nothing to wait for."""
    made = book(0, 1, hours=WeeklyHours(()))
    assert not made.exhausted()
    assert taken(made, NOON) == []
    assert made.next_due_us(NOON) is None
    assert made.exhausted()


def test_a_contact_that_nobody_knows_the_hour_of():
    """No zone is never callable: it does not keep the run from ending, nor end it before the others are done."""
    source = ListedContacts([(0,), (2,)], (NEW_YORK, LOS_ANGELES, ()))
    made = ContactBook(source, OPEN, RETRY)
    assert taken(made, NOON) == [0]
    assert (made.place(1), made.exhausted()) == (Place.PARKED, False)
    made.ended(0, Outcome.CONNECTED, NOON)
    assert made.next_due_us(NOON) is None
    assert made.exhausted()


def test_many_closed_contacts_are_looked_at_in_parts():
    """One question does not stop the actor for a whole list; asking again goes on where it stopped."""
    made = book(0, *[1] * LOOK_LIMIT, 0, hours=FROM_TEN)
    made.rest(made.take(NOON), NOON)
    assert (made.take(NOON), made.next_due_us(NOON)) == (None, 0)
    assert made.counts()["parked"] == LOOK_LIMIT
    assert taken(made, NOON) == [LOOK_LIMIT + 1, 0]  # fresh ones first, also when they are far down the list


def test_many_rested_contacts_are_looked_at_in_parts():
    """The same for contacts that are due again when it is too late in the evening."""
    made = book(*[0] * (LOOK_LIMIT + 1))
    while (contact := made.take(NOON)) is not None:
        made.ended(contact, Outcome.BUSY, NOON + 8 * HOUR_US)
        if contact == LOOK_LIMIT:
            break
    evening = NOON + 9 * HOUR_US
    assert (made.take(evening), made.counts()["resting"], made.next_due_us(evening)) == (None, 1, 0)
    assert made.take(evening) is None
    assert made.next_due_us(evening) == NOON + 20 * HOUR_US


# -- after an attempt ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", list(Outcome))
def test_what_follows_an_outcome(outcome):
    """Requirements 22, 23, 24. Final ones end the contact, un-dialled ones cost nothing, after others it rests."""
    made = book(0)
    made.take(NOON)
    made.ended(0, outcome, NOON + 7 * SECOND_US)
    assert made.attempts(0) == (outcome not in UNDIALLED)
    if outcome in RETRY.final:
        assert made.place(0) is Place.DONE
        assert made.done_by == {outcome.name.lower(): 1}
        assert made.exhausted()
        return
    rest_us = {Outcome.NO_ANSWER: 5 * MINUTE_US}.get(outcome, 0 if outcome in UNDIALLED else HOUR_US)
    due_us = NOON + 7 * SECOND_US + rest_us
    assert made.place(0) is Place.RESTING
    assert made.next_due_us(NOON) == due_us
    assert made.take(due_us - 1) is None
    assert made.take(due_us) == 0
    assert made.try_no(0) == 2


def test_due_times_are_rounded_up():
    """The full second after the rest, never before it."""
    made = book(0)
    made.take(NOON)
    made.rest(0, NOON + 1)
    assert made.next_due_us(NOON) == NOON + SECOND_US
    assert made.take(NOON + 1) is None


def test_one_budget_for_all_outcomes():
    """Requirement 60. The third counted attempt is the last, whatever the outcomes; un-dialled ones do not count."""
    made = book(0)
    now_us = NOON
    for outcome in (Outcome.BUSY, Outcome.EXPIRED, Outcome.NO_ANSWER, Outcome.WITHDRAWN, Outcome.UNKNOWN):
        assert made.take(now_us) == 0
        made.ended(0, outcome, now_us)
        now_us += HOUR_US
    assert (made.attempts(0), made.try_no(0), made.place(0)) == (3, 5, Place.DONE)
    assert made.done_by == {"unknown": 1}


def test_finish():
    """A contact that may not be called is done with the reason it was given."""
    made = book(0)
    made.take(NOON)
    made.finish(0, "dnc")
    assert (made.place(0), made.done_by) == (Place.DONE, {"dnc": 1})


# -- try numbers -----------------------------------------------------------------------------------------------------


def test_a_try_that_is_given_back_is_given_again():
    """A refusal leaves no trace: the next try has the same number."""
    made = book(0)
    made.take(NOON)
    made.give_back_try(0)
    made.rest(0, NOON)
    assert (made.try_no(0), made.take(NOON), made.try_no(0)) == (0, 0, 1)


def test_a_try_that_is_used_up_is_never_given():
    """Nor is a lower one; and the number never goes back."""
    made = book(0)
    made.use_up_try(0, 3)
    made.use_up_try(0, 2)
    assert (made.take(NOON), made.try_no(0)) == (0, 4)


@pytest.mark.parametrize("restored", [False, True])
def test_tries_run_out(restored):
    """The contact with the last try number there is has had its turns, also when none of them was dialled."""
    made = book(0, 0)
    if restored:
        restore(made, 0, MAX_TRY, Outcome.EXPIRED, NOON)
    else:
        made.use_up_try(0, MAX_TRY - 1)
        assert (made.take(NOON), made.try_no(0)) == (0, MAX_TRY)
        made.ended(0, Outcome.WITHDRAWN, NOON)
    assert taken(made, NOON) == [1]
    assert (made.place(0), made.done_by) == (Place.DONE, {"tries_used_up": 1})


# -- replay ----------------------------------------------------------------------------------------------------------


def test_a_rest_is_not_cut_short_by_an_earlier_one():
    """Of several attempts the last one's rest counts, whatever order their ends have, also for when to ask again."""
    made = book(0)
    restore(made, 0, 1, Outcome.BUSY, NOON)
    restore(made, 0, 2, Outcome.BUSY, NOON + HOUR_US)
    made.check_invariants()
    due_us = NOON + 2 * HOUR_US
    assert made.next_due_us(NOON) == due_us
    assert made.take(due_us - 1) is None
    assert made.take(due_us) == 0


def test_an_open_intent_is_in_play_again():
    """It keeps its contact, and the next try has the next number."""
    made = book(0, 0)
    restore(made, 0, 4, None, 0)
    assert (made.place(0), made.try_no(0)) == (Place.IN_PLAY, 4)
    assert taken(made, NOON) == [1]
    made.ended(0, Outcome.EXPIRED, NOON)
    assert (made.take(NOON), made.try_no(0)) == (0, 5)


def test_replay_does_not_pile_up_rests():
    """What later attempts have made void is cleared away on the way, and nothing else is."""
    size, tries = LOOK_LIMIT, 9
    made = book(*[0] * size, retry=RetryRule(max_attempts=100, rest_us=HOUR_US))
    for contact in range(size):
        for n in range(tries):
            restore(made, contact, n + 1, Outcome.BUSY, NOON + n * SECOND_US * (contact % 2))
    made.check_invariants()
    assert len(made._anyone._heaps[Rank.RETRY]) < 2 * size
    for due_us in (NOON + HOUR_US, NOON + HOUR_US + (tries - 1) * SECOND_US):
        assert made.next_due_us(NOON) == due_us
        assert len(taken_now(made, due_us)) == size // 2


def test_done_is_for_ever():
    """An attempt that is replayed after the contact was done changes only the try number."""
    made = book(0)
    restore(made, 0, 1, Outcome.CONNECTED, NOON)
    restore(made, 0, 2, Outcome.BUSY, NOON)
    assert (made.place(0), made.attempts(0), made.try_no(0)) == (Place.DONE, 1, 2)
    assert made.exhausted()


def test_a_book_of_ten_million():
    """Flat arrays: a big list costs ten bytes a contact and no time before it is dialled."""
    made = ContactBook(ListedContacts(Endless()), OPEN, RETRY)
    assert made.take(NOON) == 0
    standing, phones = made._standing, made.phones
    flat = (standing.place, standing.due_s, made._attempts, made._tries, phones._latest, phones._blocked)
    assert sum(memoryview(array).nbytes for array in flat) == 10 * len(made)


ACTION = st.one_of(
    st.tuples(st.just("take"), st.none(), st.none()),
    st.tuples(st.just("end"), st.integers(0, 9), st.sampled_from(list(Outcome))),
    st.tuples(st.just("wait"), st.integers(0, 90), st.none()),
    st.tuples(st.just("night"), st.none(), st.none()),
)


def lived(made, story):
    """Live a story; the journal that results, as {(contact, try): (outcome or None, end)}, and the time."""
    now_us, journal = NOON, {}
    for action, number, outcome in story:
        in_play = sorted(key for key, (what, _) in journal.items() if what is None)
        if action == "wait":
            now_us += number * MINUTE_US
        elif action == "night":
            now_us += DAY_US // 2
        elif action == "take":
            contact = made.take(now_us)
            if contact is not None:
                journal[contact, made.try_no(contact)] = (None, 0)
        elif in_play:
            key = in_play[number % len(in_play)]
            journal[key] = (outcome, now_us)
            made.ended(key[0], outcome, now_us)
        made.check_invariants()
    return journal, now_us


def replayed(made, journal):
    """The book that the journal tells of: closed attempts first, then open ones, as a campaign is reborn."""
    for is_open in (False, True):
        for (contact, try_no), (outcome, ended_us) in sorted(journal.items()):
            if (outcome is None) == is_open:
                restore(made, contact, try_no, outcome, ended_us)
    made.check_invariants()
    return made


WAITING = {Place.FRESH: "waiting", Place.PARKED: "waiting", Place.RESTING: "waiting"}


def standing(made):
    """Where every contact stands; of those that wait it is not known why until they are looked at."""
    where = [made.place(n) for n in range(len(made))]
    return [(WAITING.get(p, p), made.attempts(n), made.try_no(n)) for n, p in enumerate(where)]


@given(st.lists(ACTION, max_size=80))
@settings(max_examples=300, deadline=None)
def test_replay_gives_the_same_places_and_attempts(story):
    """A journal of any history makes a book in which every contact stands as in the one that lived it."""
    keys = (0, 1, 0, 1, 0)
    living = book(*keys, hours=FROM_TEN)
    journal, _ = lived(living, story)
    again = replayed(book(*keys, hours=FROM_TEN), journal)
    assert standing(again) == standing(living)
    assert again.done_by == living.done_by


TAKE, BUSY = ("take", None, None), ("end", 0, Outcome.BUSY)
#: The first of two contacts is tried twice: its rest counts from the second time.
TWO_RESTS = [TAKE, TAKE, BUSY, ("wait", 60, None), TAKE, BUSY]


@given(st.lists(ACTION, max_size=80))
@example(TWO_RESTS)
@settings(max_examples=300, deadline=None)
def test_replay_gives_the_same_times(story):
    """From any moment on, the reborn book offers the same contacts at the same times as the one that lived."""
    living = book(0, 0)
    journal, now_us = lived(living, story)
    again = replayed(book(0, 0), journal)
    for _ in range(100):
        assert set(taken(again, now_us)) == set(taken(living, now_us))
        now_us += 15 * MINUTE_US


@pytest.mark.parametrize("damage", ["count", "resting", "due", "parked", "fresh"])
def test_check_invariants_sees_damage(damage):
    """A wrong count, and a waiting contact that is in no queue, are found."""
    made = book(0, 1, 0, hours=FROM_TEN)
    assert taken(made, NOON) == [0, 2]
    made.ended(0, Outcome.BUSY, NOON)
    made.check_invariants()
    if damage == "count":
        made._standing.counts[Place.DONE] += 1
    elif damage == "resting":
        made._anyone._heaps[Rank.RETRY].clear()
    elif damage == "due":
        made._standing.due_s[0] += 1
    elif damage == "parked":
        made._anyone._parked[Rank.FRESH].clear()
    else:
        made._standing.move(2, Place.FRESH)
    with pytest.raises(InvariantError):
        made.check_invariants()
