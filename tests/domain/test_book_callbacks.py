"""The contact book: callbacks, for anyone or for one agent, and contacts that are mapped to an agent."""

import pytest

from dialer.domain.book import ContactBook
from dialer.domain.kinds import Outcome
from dialer.domain.specs import DAY_US, HOUR_US, MINUTE_US, SECOND_US, RetryRule, WeeklyHours
from dialer.domain.standing import Place
from dialer.errors import InvariantError
from dialer.sim.contacts import ListedContacts

NOON = 1_790_006_400_000_000  # Monday 2026-09-21 16:00 UTC: noon in New York, 9:00 in Los Angeles
OPEN = WeeklyHours.daily(8 * 60, 21 * 60)
FROM_TEN = WeeklyHours.daily(10 * 60, 21 * 60)  # at NOON it is too early for Los Angeles, by an hour
RETRY = RetryRule(max_attempts=2, rest_us=HOUR_US)
EARLY_US, WAIT_US = 10 * MINUTE_US, 20 * MINUTE_US


def book(*keys, hours=OPEN, retry=RETRY, agents=None):
    contacts = ListedContacts([(key,) for key in keys], agents=agents)
    return ContactBook(contacts, hours, retry, early_us=EARLY_US, personal_wait_us=WAIT_US)


def taken(made, now_us, agent=""):
    """Everything that can be had now, in order."""
    found = []
    while (contact := made.take(now_us, agent)) is not None:
        found.append(contact)
        made.check_invariants()
    return found


def talked(made, contact, now_us=NOON):
    """A contact is taken, reached, and held until the agent has spoken."""
    assert made.take(now_us) == contact
    made.ended(contact, Outcome.CONNECTED, now_us, hold=True)
    assert made.place(contact) is Place.VERDICT
    made.check_invariants()


# -- order -----------------------------------------------------------------------------------------------------------


def test_callbacks_go_first():
    """Requirements 67, 68. Callbacks, fresh contacts, retries: fewest attempts first, and who asked before all."""
    made = book(0, 0, 0, 0)
    talked(made, 0)
    made.callback(0, NOON + HOUR_US)
    assert made.take(NOON) == 1
    made.ended(1, Outcome.BUSY, NOON)
    assert made.next_due_us(NOON) == 0
    assert taken(made, NOON + HOUR_US) == [0, 2, 3, 1]


def test_retries_go_first_if_the_rule_says_so():
    """Requirement 59. By default a retry waits for all others; otherwise it goes before what is fresh."""
    late, early = book(0, 0, 0), book(0, 0, 0, retry=RetryRule(rest_us=HOUR_US, after_all_others=False))
    for made in (late, early):
        assert made.take(NOON) == 0
        made.ended(0, Outcome.BUSY, NOON)
    assert taken(late, NOON + HOUR_US) == [1, 2, 0]
    assert taken(early, NOON + HOUR_US) == [0, 1, 2]


def test_a_retry_whose_window_was_closed_still_waits_for_all_others():
    """Requirement 59. It is set aside in the evening as a retry, and is one in the morning."""
    made = book(0, 1, 0, hours=FROM_TEN)
    assert made.take(NOON) == 0
    made.ended(0, Outcome.BUSY, NOON + 8 * HOUR_US)
    assert taken(made, NOON) == [2]
    night = NOON + 12 * HOUR_US  # nine in Los Angeles, midnight in New York
    assert taken(made, night) == []
    assert [made.place(contact) for contact in (0, 1)] == [Place.PARKED] * 2
    assert taken(made, NOON + 25 * HOUR_US) == [1, 0]
    fresh = book(0, 1, hours=FROM_TEN)
    assert fresh.take(NOON) == 0
    fresh.ended(0, Outcome.BUSY, NOON)
    assert taken(fresh, NOON) == []  # too early in Los Angeles
    assert taken(fresh, NOON + HOUR_US) == [1, 0]


# -- when ------------------------------------------------------------------------------------------------------------


def test_a_callback_may_be_a_little_early():
    """Requirement 67. Ten minutes before the time that was asked for, and not a second more."""
    made = book(0)
    talked(made, 0)
    at_us = NOON + 3 * HOUR_US
    made.callback(0, at_us)
    assert (made.place(0), made.next_due_us(NOON)) == (Place.CALLBACK, at_us - EARLY_US)
    assert made.next_possible_us(0, NOON) == at_us - EARLY_US
    assert not made.exhausted()
    assert made.take(at_us - EARLY_US - 1) is None
    assert made.take(at_us - EARLY_US) == 0


@pytest.mark.parametrize("at_us", [0, NOON - DAY_US])
def test_a_callback_in_the_past_is_due_now(at_us):
    """The time has gone by while the agent was typing."""
    made = book(0)
    talked(made, 0)
    made.callback(0, at_us)
    assert taken(made, NOON) == [0]


def test_a_callback_for_the_next_century_stays_one():
    """The due time has a latest value, and the book is right with it."""
    made = book(0)
    talked(made, 0)
    made.callback(0, NOON * 1000)
    assert taken(made, NOON + 365 * DAY_US) == []
    assert made.place(0) is Place.CALLBACK


def test_a_callback_outside_the_hours_is_parked():
    """Requirement 92. Asked for at half past nine in the evening: it is called first thing in the morning."""
    made = book(0, 0)
    talked(made, 0)
    asked_us = NOON + 9 * HOUR_US + 30 * MINUTE_US
    made.callback(0, asked_us)
    assert taken(made, asked_us) == []
    assert (made.place(0), made.place(1)) == (Place.PARKED, Place.PARKED)
    morning = NOON + 20 * HOUR_US
    assert made.next_possible_us(0, asked_us) == morning
    assert taken(made, morning - 1) == []
    assert taken(made, morning) == [0, 1]


@pytest.mark.parametrize("outcome", [Outcome.NO_ANSWER, Outcome.EXPIRED])
def test_a_callback_is_worth_one_call(outcome):
    """The person asked, so it is made although the attempts are used up; one that was not dialled is still owed."""
    made = book(0, retry=RetryRule(max_attempts=1, rest_us=HOUR_US))
    talked(made, 0)
    made.callback(0, NOON)
    assert made.take(NOON) == 0
    made.ended(0, outcome, NOON)
    if outcome is Outcome.EXPIRED:
        assert (made.place(0), taken(made, NOON)) == (Place.CALLBACK, [0])
    else:
        assert (made.place(0), made.attempts(0), made.done_by) == (Place.DONE, 2, {"no_answer": 1})


def test_after_a_callback_that_nobody_answered_the_contact_is_a_retry():
    """With attempts left it waits behind the fresh ones again, and for its retry period."""
    made = book(0, 0, retry=RetryRule(max_attempts=3, rest_us=HOUR_US))
    talked(made, 0)
    made.callback(0, NOON)
    assert made.take(NOON) == 0
    made.ended(0, Outcome.NO_ANSWER, NOON)
    assert made.place(0) is Place.RESTING
    assert taken(made, NOON + HOUR_US) == [1, 0]


def test_a_callback_that_the_ledger_refuses_is_still_owed():
    """Refused until later, it is a callback then."""
    made = book(0, 0)
    talked(made, 0)
    made.callback(0, NOON)
    assert made.take(NOON) == 0
    made.refused(0, NOON + HOUR_US, "cap", NOON)
    assert (made.place(0), made.try_no(0)) == (Place.CALLBACK, 1)
    assert taken(made, NOON + HOUR_US) == [0, 1]


# -- personal --------------------------------------------------------------------------------------------------------


def test_a_personal_callback_is_for_its_agent_and_then_for_anyone():
    """Requirement 67. Named when it is due, given only to that agent, and to anyone when the agent did not come."""
    made = book(0)
    talked(made, 0)
    at_us = NOON + HOUR_US
    made.callback(0, at_us, "a1")
    made.advance(NOON)
    assert (made.next_due_us(NOON), made.owners.due(), made.next_change_us()) == (None, 0, at_us - EARLY_US)
    made.advance(at_us - EARLY_US)
    assert (made.owners.names(9), made.owners.news) == (("a1",), False)
    assert made.agent(0) == "a1"
    assert made.next_change_us() == at_us + WAIT_US
    assert (taken(made, at_us), taken(made, at_us, "a2")) == ([], [])
    made.advance(at_us + WAIT_US)
    made.check_invariants()
    assert (made.owners.due(), made.next_due_us(at_us + WAIT_US), made.agent(0)) == (0, 0, "")
    assert (taken(made, at_us + WAIT_US, "a1"), taken(made, at_us + WAIT_US)) == ([], [0])


def test_its_agent_takes_it():
    """Then it is nobody else's, and when nobody answered it is a retry like any other."""
    made = book(0)
    talked(made, 0)
    made.callback(0, NOON, "a1")
    assert taken(made, NOON, "a1") == [0]
    made.advance(NOON)
    assert made.owners.due() == 0
    made.rest(0, NOON)  # given back
    made.advance(NOON)
    assert (made.owners.names(9), taken(made, NOON), taken(made, NOON, "a1")) == (("a1",), [], [0])
    made.advance(NOON + WAIT_US)  # time is up while it is in play
    made.check_invariants()
    made.rest(0, NOON)
    assert taken(made, NOON + WAIT_US) == [0]


def test_a_personal_callback_that_is_parked_is_for_anyone_when_it_has_waited():
    """Its window opens in the morning, long after the agent's time was over."""
    made = book(0)
    talked(made, 0)
    asked_us = NOON + 9 * HOUR_US + 30 * MINUTE_US
    made.callback(0, asked_us, "a1")
    assert taken(made, asked_us, "a1") == []
    assert made.place(0) is Place.PARKED
    made.advance(asked_us + WAIT_US)
    made.check_invariants()
    morning = NOON + 20 * HOUR_US
    assert (taken(made, morning, "a1"), taken(made, morning)) == ([], [0])


def test_many_agents_are_named_in_turn():
    """A few in each message, and everybody comes."""
    names = {index: f"a{index}" for index in range(7)}
    made = book(*[0] * 7, agents=names)
    made.advance(NOON)
    assert made.owners.news
    told = [made.owners.names(3) for _ in range(3)]
    assert [len(part) for part in told] == [3, 3, 3]
    assert {agent for part in told for agent in part} == set(names.values())


# -- mapped ----------------------------------------------------------------------------------------------------------


def test_a_mapped_contact_is_for_its_agent_alone():
    """Requirement 90. Fresh, again and as a callback, in file order, and never for anybody else."""
    made = book(0, 0, 0, 0, agents={0: "a1", 2: "a1", 3: "a2"})
    assert made.counts()["mapped"] == 3
    assert taken(made, NOON) == [1]
    assert taken(made, NOON, "a3") == []
    assert taken(made, NOON, "a1") == [0, 2]
    made.ended(0, Outcome.BUSY, NOON)
    made.ended(2, Outcome.CONNECTED, NOON, hold=True)
    made.callback(2, NOON + HOUR_US, "a9")  # who is not its agent
    later = NOON + 2 * HOUR_US
    assert taken(made, later) == []
    assert taken(made, later, "a9") == []
    assert taken(made, later, "a1") == [2, 0]
    assert not made.exhausted()  # the one of a2 still waits


def test_mapped_contacts_are_parked_by_their_zone():
    """Requirements 90, 92. The agent is named when the window opens."""
    made = book(1, hours=FROM_TEN, agents={0: "a1"})
    made.advance(NOON)
    assert made.owners.names(9) == ("a1",)
    assert taken(made, NOON, "a1") == []
    made.advance(NOON)
    assert (made.owners.due(), made.next_change_us()) == (0, NOON + HOUR_US)
    made.advance(NOON + HOUR_US)
    assert (made.owners.names(9), taken(made, NOON + HOUR_US, "a1")) == (("a1",), [0])


def test_other_hours_are_looked_at_again():
    """Requirement 106. The hours are edited: what was set aside comes when they say so, for agents too."""
    made = book(1, 1, hours=FROM_TEN, agents={0: "a1"})
    assert (taken(made, NOON), taken(made, NOON, "a1")) == ([], [])
    made.set_rules(OPEN, RETRY, early_us=EARLY_US, personal_wait_us=WAIT_US)
    made.advance(NOON)
    assert (made.owners.names(9), taken(made, NOON), taken(made, NOON, "a1")) == (("a1",), [1], [0])


# -- skips -----------------------------------------------------------------------------------------------------------


def test_a_skipped_contact_rests_and_rather_goes_to_another_agent():
    """Requirements 49, 50. It is not an attempt; it comes back after the retry period."""
    made = book(0)
    assert made.take(NOON) == 0
    made.skipped(0, "a1", NOON, None)
    assert (made.place(0), made.attempts(0), made.avoid(0)) == (Place.RESTING, 0, "a1")
    assert made.next_due_us(NOON) == NOON + HOUR_US
    assert taken(made, NOON + HOUR_US) == [0]
    made.skipped(0, "a2", NOON + HOUR_US, None)
    assert made.avoid(0) == "a2"


def test_a_contact_may_be_skipped_so_often():
    """Then it is done."""
    made = book(0)
    for skips in range(3):
        assert made.take(NOON + skips * HOUR_US) == 0
        made.skipped(0, "a1", NOON + skips * HOUR_US, 3)
        made.check_invariants()
    assert (made.place(0), made.done_by, made.avoid(0)) == (Place.DONE, {"skipped": 1}, "")


def test_a_skipped_callback_is_still_owed():
    """To anyone: its agent did not want it. A mapped contact has no other agent, so nobody is avoided."""
    made = book(0, 0, agents={1: "a1"})
    talked(made, 0)
    made.callback(0, NOON, "a1")
    assert taken(made, NOON, "a1") == [0, 1]
    made.skipped(0, "a1", NOON, None)
    made.skipped(1, "a1", NOON, None)
    assert (made.place(0), made.agent(0), made.avoid(0), made.avoid(1)) == (Place.CALLBACK, "", "a1", "")
    made.advance(NOON + WAIT_US)
    assert (taken(made, NOON + HOUR_US), taken(made, NOON + HOUR_US, "a1")) == ([0], [1])


# -- edits and questions ---------------------------------------------------------------------------------------------


def test_a_lower_limit_ends_contacts_that_rest():
    """Requirement 106. Attempts that are used up by an edit are noticed when the contact is due; not callbacks."""
    made = book(0, 0, 0)
    talked(made, 0)
    assert made.take(NOON) == 1
    made.ended(1, Outcome.BUSY, NOON)
    made.callback(0, NOON)
    made.set_rules(OPEN, RetryRule(max_attempts=1), early_us=0, personal_wait_us=0)
    assert taken(made, NOON + HOUR_US) == [0, 2]
    assert made.done_by == {"attempts_used_up": 1}


@pytest.mark.parametrize(
    ("place", "possible_us"),
    [
        (Place.FRESH, NOON + HOUR_US),
        (Place.PARKED, NOON + HOUR_US),
        (Place.RESTING, NOON + 2 * HOUR_US),
        (Place.CALLBACK, NOON + HOUR_US),
        (Place.MAPPED, NOON + HOUR_US),
        (Place.IN_PLAY, None),
        (Place.VERDICT, None),
        (Place.DONE, None),
    ],
)
def test_the_next_possible_moment(place, possible_us):
    """Due and in its hours, whichever is later; None where something else must happen first."""
    made = book(1, hours=FROM_TEN, agents={0: "a1"} if place is Place.MAPPED else None)
    if place is Place.PARKED:
        made.take(NOON)
    elif place not in {Place.FRESH, Place.MAPPED}:
        made.restore(0, 1)
        steps = {
            Place.RESTING: lambda: made.rest(0, NOON + 2 * HOUR_US),
            Place.CALLBACK: lambda: made.callback(0, NOON + 30 * MINUTE_US),
            Place.VERDICT: lambda: made.ended(0, Outcome.CONNECTED, NOON, hold=True),
            Place.DONE: lambda: made.finish(0, "dnc"),
        }
        steps.get(place, lambda: None)()
    assert made.place(0) is place
    assert made.next_possible_us(0, NOON) == possible_us


@pytest.mark.parametrize("damage", ["mapped", "personal", "twice", "owed"])
def test_check_invariants_sees_damage(damage):
    """A contact that is in no lane, in two, or a callback that nobody asked for."""
    made = book(0, 0, agents={1: "a1"})
    talked(made, 0)
    made.callback(0, NOON + HOUR_US, "a2")
    made.check_invariants()
    if damage == "mapped":
        made._standing.move(1, Place.FRESH)
        made._standing.move(0, Place.MAPPED)
    elif damage == "personal":
        made.owners.lane("a2").discard(0)
    elif damage == "twice":
        made._asked[0].agent = ""
        made._wait(0, 2, NOON + HOUR_US - EARLY_US - SECOND_US)
        made._standing.due_s[0] += 1
        made._anyone._heaps[2] = list(made.owners.lane("a2")._heaps[2])
    else:
        made._asked.clear()
    with pytest.raises(InvariantError):
        made.check_invariants()
