"""The campaign run: what agents say of calls, and what follows for the contact."""

from dataclasses import replace

import pytest

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.attempts import RunHistory
from dialer.domain.campaign import CampaignRun
from dialer.domain.ids import attempt_id
from dialer.domain.kinds import CampaignState, DialingMode, Outcome
from dialer.domain.ledger import STORE
from dialer.domain.message import Address
from dialer.domain.specs import HOUR_US, MINUTE_US, SECOND_US, CampaignSpec, DispositionRule, RetryRule
from dialer.domain.standing import Place
from dialer.domain.verdicts import MISSED_LIMIT, VERDICT_PATIENCE_US
from dialer.errors import InvariantError
from dialer.sim.contacts import ListedContacts

NOON = 1_790_006_400_000_000  # Monday 2026-09-21 16:00 UTC: noon in New York
NUMBER = 12125550100
RULES = (
    DispositionRule("sale", positive=True),
    DispositionRule("try_again", retry_us=2 * HOUR_US),
    DispositionRule("later", callback=True),
    DispositionRule("never", do_not_call=True),
)
SPEC = CampaignSpec("c", DialingMode.PROGRESSIVE, "p", "t", "q", 12125550199, dispositions=RULES, dnc_target="refused")
SCHEDULER = Address("scheduler", "p")
ACTIVE, STOPPING, STOPPED, COMPLETED = (
    CampaignState.ACTIVE,
    CampaignState.STOPPING,
    CampaignState.STOPPED,
    CampaignState.COMPLETED,
)
FIRST = attempt_id(1, 0, 1)
END_US = NOON + MINUTE_US
LISTING = c.AddToDnc("refused", (NUMBER,), "campaign c")
CALLBACK_US = NOON + 3 * HOUR_US


def run(size=1, *, spec=SPEC, history=None, phones=1):
    made = CampaignRun(1, spec, ListedContacts([(0,) * phones] * size), epoch=1, history=history)
    made.start(NOON)
    return made


def say(made, *batch, now_us=END_US):
    """Messages by receiver, in order, after a batch; the run is checked."""
    out = made.handle(batch, now_us)
    made.check_invariants()
    said = {}
    for envelope in out:
        said.setdefault(envelope.to, []).append(envelope.message)
    return said


def told(code, attempt=FIRST, *, callback_us=0, personal=False):
    return e.DispositionSet(attempt, "a1", code, "", END_US + 30 * SECOND_US, callback_us, personal)


def called(made, outcome=Outcome.CONNECTED, *, attempt=FIRST, now_us=NOON, end_us=END_US):
    """The contact is called; the outcome is on its way to the ledger."""
    accepted = e.IntentAccepted(attempt, now_us, now_us + 5 * SECOND_US)
    say(made, c.RequestLeases("p", 1), accepted, now_us=now_us)
    say(made, e.AttemptEnded(attempt, outcome, "a1", 16, NOON, NOON, NOON, end_us), now_us=end_us)
    assert attempt in made._open


def talked(made=None, **options):
    """A run whose first contact was connected, and is held."""
    made = made or run()
    called(made, **options)
    say(made, e.OutcomeRecorded(FIRST))
    assert made.book.place(0) is Place.VERDICT
    return made


#: code -> where the contact is then, and when it is due
EFFECTS = {
    "sale": (Place.DONE, None),
    "try_again": (Place.RESTING, END_US + 2 * HOUR_US),
    "later": (Place.CALLBACK, CALLBACK_US - 10 * MINUTE_US),
    "never": (Place.DONE, None),
    "": (Place.DONE, None),  # the limit of wrap-up passed
    "unheard_of": (Place.DONE, None),
}


@pytest.mark.parametrize("order", ["before", "after", "twice", "both"])
@pytest.mark.parametrize("code", EFFECTS)
def test_what_follows_a_disposition(code, order):
    """Requirements 55, 103. The rule of the code decides, whether it comes before the outcome, after it, or twice."""
    made = run()
    called(made)
    word = told(code, callback_us=CALLBACK_US)
    said = {"before": [word, e.OutcomeRecorded(FIRST)], "after": [e.OutcomeRecorded(FIRST), word]}
    said["twice"], said["both"] = [word, word, e.OutcomeRecorded(FIRST)], [word, e.OutcomeRecorded(FIRST), word]
    orders = say(made, *said[order]).get(STORE, [])
    assert (made.book.place(0), made.book.next_due_us(NOON)) == EFFECTS[code]
    assert [order for order in orders if isinstance(order, c.AddToDnc)] == ([LISTING] if code == "never" else [])
    assert (made.state is COMPLETED) == (EFFECTS[code][0] is Place.DONE)
    assert made.book.attempts(0) == 1
    assert say(made, word) == {}


def test_the_first_disposition_stands():
    """Requirement 55. A second one for the same call changes nothing, whatever it says."""
    made = talked(run(2))
    say(made, told("sale"))
    assert say(made, told("later", callback_us=CALLBACK_US), told("try_again")) == {}
    assert made.book.place(0) is Place.DONE


def test_a_connected_number_is_not_dialled_again():
    """Requirements 55, 58. Without a rule that says otherwise it is done, and with the last one the run is complete."""
    made = talked(run(spec=replace(SPEC, dispositions=RULES[:3])))
    assert made.state is ACTIVE
    assert say(made, told("sale"))[SCHEDULER] == [e.CampaignClosed("c", COMPLETED)]
    plain = run(spec=replace(SPEC, dispositions=RULES[:1]))
    called(plain)
    say(plain, e.OutcomeRecorded(FIRST))
    assert plain.state is COMPLETED  # nothing an agent may say changes anything, so nothing is waited for


@pytest.mark.parametrize("attempts", [1, 2])
def test_a_disposition_does_not_exceed_the_limit_of_attempts(attempts):
    """Requirements 60, 103. One attempt in all is one attempt; two are two."""
    made = talked(run(spec=replace(SPEC, retry=RetryRule(max_attempts=attempts))))
    say(made, told("try_again"))
    assert made.book.place(0) is (Place.DONE if attempts == 1 else Place.RESTING)


def test_a_personal_callback_is_named_and_leased_to_its_agent():
    """Requirement 67. The scheduler hears the name when it is due, and only who asks for that agent gets it."""
    made = talked()
    say(made, told("later", callback_us=CALLBACK_US, personal=True))
    due_us = CALLBACK_US - 10 * MINUTE_US
    assert made.next_deadline_us() == due_us
    assert say(made, now_us=due_us)[SCHEDULER] == [e.LeasesGranted("c", (), 0, None, ("a1",))]
    said = say(made, c.RequestLeases("p", 1), c.RequestLeases("p", 1, "a2"), now_us=due_us)
    assert said == {SCHEDULER: [e.LeasesGranted("c", (), 2, None, ("a1",))]}
    second = attempt_id(1, 0, 2)
    assert say(made, c.RequestLeases("p", 1, "a1"), now_us=due_us) == {STORE: [c.ProposeIntent(second, 1, NUMBER, 0)]}
    said = say(made, e.IntentAccepted(second, due_us, due_us + 5), now_us=due_us)
    lease = e.Lease(second, NUMBER, due_us, due_us + 5, "a1")
    assert said[SCHEDULER] == [e.LeasesGranted("c", (lease,), 1, None)]


def test_nobody_came_for_a_personal_callback():
    """Requirement 67. When its agent has had ten minutes, the scheduler hears unasked that anyone may take it."""
    made = talked()
    say(made, told("later", callback_us=CALLBACK_US, personal=True))
    say(made, now_us=CALLBACK_US)
    until_us = CALLBACK_US + 10 * MINUTE_US
    assert made.next_deadline_us() == until_us
    assert say(made, now_us=until_us)[SCHEDULER] == [e.LeasesGranted("c", (), 0, 0)]


def test_a_run_does_not_wait_for_ever():
    """Requirement 58. An agent that crashed says nothing: after a while the contact is done, and the run complete."""
    made = talked()
    until_us = END_US + VERDICT_PATIENCE_US
    assert made.next_deadline_us() == until_us
    say(made, now_us=until_us - 1)
    assert made.state is ACTIVE
    say(made, now_us=until_us)
    assert (made.state, made.book.done_by) == (COMPLETED, {"connected": 1})


@pytest.mark.parametrize("code", EFFECTS)
def test_a_late_disposition_counts_as_long_as_the_run_lives(code):
    """Requirement 103. The contact that was given up waits again, or is never called, as if it had come in time."""
    made = talked(run(2))
    late_us = END_US + VERDICT_PATIENCE_US
    say(made, now_us=late_us)
    assert made.book.place(0) is Place.DONE
    word = told(code, callback_us=CALLBACK_US)
    said = say(made, word, now_us=late_us)
    assert made.book.place(0) is EFFECTS[code][0]
    assert said.get(STORE, []) == ([LISTING] if code == "never" else [])
    assert sum(made.book.done_by.values()) == made.book.counts()["done"]
    assert say(made, word, now_us=late_us) == {}


def test_late_ones_are_remembered_up_to_a_limit(monkeypatch):
    """The oldest is forgotten first: agents that never speak do not fill the memory."""
    assert MISSED_LIMIT > 1
    monkeypatch.setattr("dialer.domain.verdicts.MISSED_LIMIT", 1)
    made = run(3)
    for contact in range(2):
        attempt = attempt_id(1, contact, 1)
        called(made, attempt=attempt, end_us=END_US + contact)
        say(made, e.OutcomeRecorded(attempt))
    late_us = END_US + VERDICT_PATIENCE_US + 1
    say(made, now_us=late_us)
    say(made, *(told("try_again", attempt_id(1, contact, 1)) for contact in range(2)), now_us=late_us)
    assert [made.book.place(contact) for contact in range(2)] == [Place.DONE, Place.RESTING]


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - {Outcome.CONNECTED}))
def test_who_must_not_be_called_is_not_called_whatever_the_outcome(outcome):
    """A trunk that crashed says unknown of a call in which the person said never: that counts, in either order."""
    made = run(2)
    called(made, outcome)
    say(made, e.OutcomeRecorded(FIRST))
    assert say(made, told("never"))[STORE] == [LISTING]
    assert made.book.place(0) is Place.DONE
    early = run(2)
    called(early, outcome)
    assert say(early, told("never"))[STORE] == [LISTING]
    say(early, e.OutcomeRecorded(FIRST))
    assert early.book.place(0) is Place.DONE


def test_never_is_heard_while_the_contact_is_in_play_again():
    """The attempt in play is finished, and then the contact is done."""
    made = run(1)
    called(made, Outcome.UNKNOWN)
    say(made, e.OutcomeRecorded(FIRST))
    later_us = END_US + HOUR_US
    second = attempt_id(1, 0, 2)
    called(made, Outcome.BUSY, attempt=second, now_us=later_us, end_us=later_us)
    assert say(made, told("never"), now_us=later_us)[STORE] == [LISTING]
    say(made, e.OutcomeRecorded(second), now_us=later_us)
    assert (made.book.place(0), made.book.done_by) == (Place.DONE, {"do_not_call": 1})


def test_the_number_that_was_called_goes_on_the_list():
    """Of several phones the one that was answered; all of them if it cannot be known which."""
    made = run(phones=2)
    called(made, Outcome.BUSY)
    say(made, e.OutcomeRecorded(FIRST))
    later_us = END_US + HOUR_US
    second = attempt_id(1, 0, 2)
    called(made, attempt=second, now_us=later_us, end_us=later_us)
    said = say(made, told("never", second), told("never"), now_us=later_us)
    assert said[STORE] == [replace_numbers(NUMBER + 1000), replace_numbers(NUMBER, NUMBER + 1000)]


def replace_numbers(*numbers):
    return c.AddToDnc("refused", numbers, "campaign c")


def test_without_a_list_the_contact_is_done():
    """There is nowhere to put the number, and this run does not call it."""
    made = talked(run(2, spec=replace(SPEC, dnc_target="")))
    assert STORE not in say(made, told("never"))
    assert made.book.place(0) is Place.DONE


@pytest.mark.parametrize("target", ["refused", ""])
def test_a_run_that_stops_waits_for_who_must_not_be_called(target):
    """Requirement 102. With a list, a stop waits for wrap-up, but not for ever: no refusal may be lost."""
    made = talked(run(2, spec=replace(SPEC, dnc_target=target)))
    say(made, c.StopCampaign())
    assert made.state is (STOPPING if target else STOPPED)
    if target:
        assert say(made, told("never"))[STORE] == [LISTING, c.RecordCampaignState(1, "c", STOPPED, "all calls ended")]
        patient = talked(run(2))
        say(patient, c.StopCampaign())
        say(patient, now_us=END_US + VERDICT_PATIENCE_US)
        assert patient.state is STOPPED


@pytest.mark.parametrize("attempt", [attempt_id(2, 0, 1), attempt_id(1, 0, 9)])
def test_a_disposition_of_something_else_changes_nothing(attempt):
    """Of another run, or of an attempt that was never made."""
    made = talked()
    assert say(made, told("never", attempt)) == {}
    assert made.book.place(0) is Place.VERDICT


def test_a_flow_says_nothing_of_its_calls():
    """Agentless: a connected contact is done with its outcome."""
    made = run(spec=replace(SPEC, mode=DialingMode.AGENTLESS, queue=None))
    called(made)
    say(made, e.OutcomeRecorded(FIRST))
    assert made.state is COMPLETED


# -- restart ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", EFFECTS)
@pytest.mark.parametrize("known", [True, False])
def test_dispositions_survive_a_restart(code, known):
    """From the journal, or told after the restart because they were not in it yet: the contact stands the same."""
    words = ((FIRST, code, "a1", CALLBACK_US, False, END_US + 30 * SECOND_US),) if known else ()
    history = RunHistory(ACTIVE, [(FIRST, int(Outcome.CONNECTED), END_US, NUMBER)], dispositions=words)
    made = CampaignRun(1, SPEC, ListedContacts([(0,), (0,)]), epoch=2, history=history)
    said = [message for _, message in made.start(END_US)]
    made.check_invariants()
    if not known:
        assert made.book.place(0) is Place.VERDICT
        said += say(made, told(code, callback_us=CALLBACK_US)).get(STORE, [])
    assert made.book.place(0) is EFFECTS[code][0]
    assert [m for m in said if isinstance(m, c.AddToDnc)] == ([LISTING] if code == "never" else [])


def test_a_list_entry_is_repeated_only_if_it_may_have_been_lost():
    """One that is older than the last minutes had its effect, and an operator may have taken it back since."""
    second = attempt_id(1, 1, 1)
    connected = int(Outcome.CONNECTED)
    later_us = END_US + HOUR_US
    history = RunHistory(
        ACTIVE,
        [(FIRST, connected, END_US, NUMBER), (second, connected, later_us, NUMBER + 1)],
        dispositions=[(FIRST, "never", "a1", 0, False, END_US), (second, "never", "a1", 0, False, later_us)],
    )
    made = CampaignRun(1, SPEC, ListedContacts([(0,), (0,)]), epoch=2, history=history)
    listed = [message for _, message in made.start(later_us + 99 * HOUR_US) if isinstance(message, c.AddToDnc)]
    assert listed == [replace_numbers(NUMBER + 1)]


@pytest.mark.parametrize(("code", "why"), [("never", "do_not_call"), ("sale", "connected")])
def test_a_contact_that_is_done_may_be_in_a_call_when_the_run_is_reborn(code, why):
    """The agent of the first call spoke after the second had begun: it is finished, and then the contact is done."""
    second = attempt_id(1, 0, 2)
    history = RunHistory(
        ACTIVE,
        [(FIRST, int(Outcome.CONNECTED), END_US, NUMBER)],
        [(second, NUMBER, END_US, END_US + 5)],
        [(FIRST, code, "a1", 0, False, END_US)],
    )
    made = CampaignRun(1, SPEC, ListedContacts([(0,), (0,)]), epoch=2, history=history)
    made.start(END_US)
    made.check_invariants()
    assert (made.book.place(0), made.in_progress()) == (Place.IN_PLAY, 1)
    say(made, e.AttemptEnded(second, Outcome.BUSY, "", 17, END_US, 0, 0, END_US), e.OutcomeRecorded(second))
    assert (made.book.place(0), +made.book.done_by) == (Place.DONE, {why: 1})


def test_what_was_waited_for_in_vain_is_not_waited_for_again():
    """The patience of a contact that was called long ago is over when the run is reborn."""
    history = RunHistory(ACTIVE, [(FIRST, int(Outcome.CONNECTED), END_US, NUMBER)])
    made = CampaignRun(1, SPEC, ListedContacts([(0,)]), epoch=2, history=history)
    made.start(END_US + VERDICT_PATIENCE_US)
    assert made.state is COMPLETED


@pytest.mark.parametrize("damage", ["lost", "for ever"])
def test_check_invariants_sees_damage(damage):
    """A contact that is held and not waited for, or without an end."""
    made = talked(run(2))
    if damage == "lost":
        made._verdicts._held.clear()
    else:
        made._verdicts._deadlines.clear()
    with pytest.raises(InvariantError):
        made.check_invariants()
