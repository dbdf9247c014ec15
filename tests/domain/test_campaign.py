"""The campaign run: its states, the life of its attempts, and what it says to scheduler, ledger and trunk."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain import rows as r
from dialer.domain.attempts import Attempt, RunHistory, Stage
from dialer.domain.campaign import TRANSITIONS, CampaignRun
from dialer.domain.groupcommit import JOURNAL
from dialer.domain.ids import attempt_id
from dialer.domain.inflight import PROPOSAL_PATIENCE_US, SILENCE_US
from dialer.domain.kinds import UNDIALLED, CampaignState, DialingMode, IntentRefusal, Outcome
from dialer.domain.ledger import STORE, Ledger
from dialer.domain.message import Address
from dialer.domain.specs import HOUR_US, MINUTE_US, SECOND_US, CampaignSpec, LegalRules, WeeklyHours
from dialer.domain.standing import Place
from dialer.errors import IllegalTransitionError, InvariantError
from dialer.sim.contacts import ListedContacts

NOON = 1_790_006_400_000_000  # Monday 2026-09-21 16:00 UTC: noon in New York
NUMBER = 12125550100
TTL_US = 5 * SECOND_US
SPEC = CampaignSpec("c", DialingMode.PROGRESSIVE, "p", "t", "q", 12125550199, priority=4, dispositions=())
ME, SCHEDULER, TRUNK = Address("campaign", "c"), Address("scheduler", "p"), Address("trunk", "t")
READY, ACTIVE, PAUSED, STOPPING, STOPPED, COMPLETED = CampaignState
FIRST = attempt_id(1, 0, 1)


ZONE_SETS = (("America/New_York",),)


def contacts(size):
    """A few contacts in New York, one phone each."""
    return ListedContacts([(0,)] * size, ZONE_SETS)


def run(size=3, *, state=ACTIVE, epoch=1, history=None, started=True, now_us=NOON, spec=SPEC):
    made = CampaignRun(1, spec, contacts(size), epoch=epoch, history=history)
    if started:
        made.start(now_us)
        made.state = state
    return made


def say(made, *batch, now_us=NOON):
    """Messages by receiver, in order, after a batch; the run is checked."""
    out = made.handle(batch, now_us)
    made.check_invariants()
    said = {}
    for envelope in out:
        said.setdefault(envelope.to, []).append(envelope.message)
    return said


def ask(count):
    return c.RequestLeases("p", count)


def accepted(attempt=FIRST, at_us=NOON):
    return e.IntentAccepted(attempt, at_us, at_us + TTL_US)


def ended(attempt=FIRST, outcome=Outcome.BUSY, at_us=NOON + SECOND_US):
    return e.AttemptEnded(attempt, outcome, "", 17, at_us - 1, 0, 0, at_us)


def withdrawn(attempt=FIRST, at_us=NOON, outcome=Outcome.WITHDRAWN):
    """What the run itself reports of an attempt that it ends."""
    return c.RecordOutcome("c", e.AttemptEnded(attempt, outcome, "", 0, 0, 0, 0, at_us))


def at_stage(stage, **options):
    """A run with one attempt at a stage; None: its attempt is over and forgotten."""
    if stage is Stage.OFFERED:
        options.setdefault("spec", replace(SPEC, mode=DialingMode.PREVIEW))
    made = run(**options)
    steps = [ask(1), accepted(), ended(), e.OutcomeRecorded(FIRST)]
    for step in steps[: {Stage.OFFERED: 1, Stage.PROPOSED: 1, Stage.LEASED: 2, Stage.CLOSING: 3, None: 4}[stage]]:
        say(made, step)
    return made


def stage_of(made, attempt=FIRST):
    known = made._open.get(attempt)
    return None if known is None else known.stage


# -- life cycle ------------------------------------------------------------------------------------------------------


def test_start_opens_the_run():
    """The ledger hears of the run, the journal of its state, the scheduler of all it needs to dial."""
    made = run(started=False)
    assert made.state is READY
    out = made.start(NOON)
    opened = e.CampaignOpened(
        campaign="c",
        run_no=1,
        epoch=1,
        mode="progressive",
        trunk="t",
        queue="q",
        priority=4,
        concurrency=10,
        caller_id=12125550199,
        ring_timeout_us=25 * SECOND_US,
        amd=False,
        flow=None,
    )
    assert out == [
        (STORE, c.OpenRun(1, 1, SPEC, ZONE_SETS)),
        (STORE, c.RecordCampaignState(1, "c", ACTIVE, "started")),
        (SCHEDULER, opened),
    ]
    assert (made.address, made.state, made.next_deadline_us()) == (ME, ACTIVE, None)


PAUSE, RESUME, STOP = c.PauseCampaign(), c.ResumeCampaign(), c.StopCampaign()
NEXT = {
    (READY, PAUSE): PAUSED,
    (READY, RESUME): ACTIVE,
    (READY, STOP): STOPPING,
    (ACTIVE, PAUSE): PAUSED,
    (ACTIVE, RESUME): ACTIVE,
    (ACTIVE, STOP): STOPPING,
    (PAUSED, PAUSE): PAUSED,
    (PAUSED, RESUME): ACTIVE,
    (PAUSED, STOP): STOPPING,
    **{(state, order): state for state in (STOPPING, STOPPED, COMPLETED) for order in (PAUSE, RESUME, STOP)},
}


@pytest.mark.parametrize("order", [PAUSE, RESUME, STOP], ids=lambda order: type(order).__name__)
@pytest.mark.parametrize("state", list(CampaignState))
def test_every_command_in_every_state(state, order):
    """The next state, its record exactly when it changes, and what the scheduler must hear of it."""
    made = at_stage(Stage.LEASED)
    made.state = state
    said = say(made, order)
    after = NEXT[state, order]
    assert made.state is after
    changed = [c.RecordCampaignState(1, "c", after, "ordered")] if after is not state else []
    assert said.get(STORE, []) == changed
    told = [type(message) for message in said.get(SCHEDULER, ())]
    if state is ACTIVE and after is not ACTIVE:
        assert said[SCHEDULER] == [e.CampaignClosed("c", after)]
    else:
        assert told == ([e.CampaignOpened] if after is ACTIVE and state is not ACTIVE else [])


def test_a_command_that_the_table_does_not_know(monkeypatch):
    """It raises before anything has changed, and the error tells how it came to this."""
    made = run()
    monkeypatch.delitem(TRANSITIONS, (ACTIVE, c.PauseCampaign))
    with pytest.raises(IllegalTransitionError) as caught:
        made.handle([PAUSE], NOON)
    assert made.state is ACTIVE
    assert (caught.value.entity, caught.value.state, caught.value.event) == ("campaign/c", "ACTIVE", "PauseCampaign")
    assert caught.value.story == (f"{NOON} READY --started--> ACTIVE",)


def test_a_stop_waits_for_what_is_open():
    """A proposal that is answered late is withdrawn, a call ends, and then only the run has stopped."""
    made = run()
    say(made, ask(2))
    second = attempt_id(1, 1, 1)
    say(made, accepted())
    assert say(made, STOP)[SCHEDULER] == [e.CampaignClosed("c", STOPPING)]
    assert say(made, accepted(second))[STORE] == [withdrawn(second)]
    say(made, e.OutcomeRecorded(second), ended())
    assert made.state is STOPPING
    said = say(made, e.OutcomeRecorded(FIRST))
    assert said == {STORE: [c.RecordCampaignState(1, "c", STOPPED, "all calls ended")]}
    assert made.in_progress() == 0


def test_a_run_without_calls_stops_at_once():
    """There is nothing to wait for."""
    said = say(run(), STOP)
    assert [record.state for record in said[STORE]] == [STOPPING, STOPPED]


def test_a_run_is_complete_when_no_contact_can_become_due():
    """Requirement 58. The last final outcome ends it; the scheduler and the journal hear of that once."""
    made = run(1)
    say(made, ask(1), accepted(), ended(outcome=Outcome.CONNECTED))
    assert made.state is ACTIVE
    said = say(made, e.OutcomeRecorded(FIRST))
    assert said == {
        STORE: [c.RecordCampaignState(1, "c", COMPLETED, "no contact can become due again")],
        SCHEDULER: [e.CampaignClosed("c", COMPLETED)],
    }
    assert say(made) == {}


def test_an_empty_run_completes_at_birth():
    """No contact at all: opened and over."""
    made = run(0, started=False)
    assert [m.state for to, m in made.start(NOON) if isinstance(m, c.RecordCampaignState)] == [ACTIVE, COMPLETED]


def test_a_paused_run_does_not_complete():
    """Held is held: it completes when it is resumed."""
    made = run(1)
    say(made, ask(1), accepted(), PAUSE, ended(outcome=Outcome.CONNECTED), e.OutcomeRecorded(FIRST))
    assert made.state is PAUSED
    say(made, RESUME)
    assert made.state is COMPLETED


def test_a_run_that_may_never_call_completes():
    """No hours at all: the first question finds that out, and there is nothing to wait for."""
    made = run(spec=replace(SPEC, hours=WeeklyHours(())))
    said = say(made, ask(1))
    assert made.state is COMPLETED
    assert said[SCHEDULER] == [e.CampaignClosed("c", COMPLETED), e.LeasesGranted("c", (), 1, None)]


# -- leases ----------------------------------------------------------------------------------------------------------


def test_the_life_of_an_attempt():
    """Asked for, proposed, leased, called, closed, recorded, forgotten; the contact rests for its hour."""
    made = run()
    assert say(made, ask(1)) == {STORE: [c.ProposeIntent(FIRST, 1, NUMBER, 0)]}
    assert say(made, accepted())[SCHEDULER] == [
        e.LeasesGranted("c", (e.Lease(FIRST, NUMBER, NOON, NOON + TTL_US),), 1, 0)
    ]
    call = ended(at_us=NOON + 30 * SECOND_US)
    assert say(made, call) == {STORE: [c.RecordOutcome("c", call)]}
    assert made.in_progress() == 1
    say(made, e.OutcomeRecorded(FIRST))
    assert (made.in_progress(), made.outcomes) == (0, {Outcome.BUSY: 1})
    assert (made.book.place(0), made.book.attempts(0)) == (Place.RESTING, 1)
    assert made.book.next_due_us(NOON) == 0
    say(made, ask(3), now_us=NOON + SECOND_US)
    assert sorted(made._open) == [attempt_id(1, 1, 1), attempt_id(1, 2, 1)]
    assert made.book.next_due_us(NOON) == NOON + 30 * SECOND_US + HOUR_US


def test_what_cannot_be_had_is_settled_at_once():
    """Asked for five with three contacts: two are answered at once, with the time to ask again."""
    made = run()
    said = say(made, ask(5))
    assert len(said[STORE]) == 3
    assert said[SCHEDULER] == [e.LeasesGranted("c", (), 2, None)]


@pytest.mark.parametrize("state", [READY, PAUSED, STOPPED, COMPLETED])
def test_no_leases_unless_active(state):
    """The request is settled, and no contact is touched."""
    made = run(state=state)
    assert say(made, ask(4)) == {SCHEDULER: [e.LeasesGranted("c", (), 4, None)]}
    assert made.book.counts()["fresh"] == 3


@pytest.mark.parametrize(
    ("reason", "until_us", "place"),
    [
        *((reason, NOON + 60 * SECOND_US, Place.RESTING) for reason in IntentRefusal),
        *((reason, None, Place.DONE) for reason in IntentRefusal if reason is not IntentRefusal.STALE_EPOCH),
        (IntentRefusal.STALE_EPOCH, None, Place.RESTING),
    ],
)
def test_refusals(reason, until_us, place):
    """With a time the contact waits for it, without one it is done; a stale epoch is not the contact's fault."""
    made = run()
    say(made, ask(1))
    said = say(made, e.IntentRefused(FIRST, reason, until_us))
    assert said[SCHEDULER] == [e.LeasesGranted("c", (), 1, 0)]
    assert (made.book.place(0), made.book.attempts(0), made.refusals) == (place, 0, {reason: 1})
    assert made.in_progress() == 0


def test_a_refused_attempt_is_proposed_again_under_its_id():
    """Nothing of it is durable, so it uses up no try, however often it is refused."""
    made = run(1)
    now_us = NOON
    for _ in range(3):
        assert say(made, ask(1), now_us=now_us)[STORE] == [c.ProposeIntent(FIRST, 1, NUMBER, 0)]
        now_us += HOUR_US
        say(made, e.IntentRefused(FIRST, IntentRefusal.CAP, now_us), now_us=now_us)
    assert made.book.try_no(0) == 0
    say(made, ask(1), accepted(at_us=now_us), now_us=now_us)
    assert stage_of(made) is Stage.LEASED


@pytest.mark.parametrize("until_us", [NOON, None])
def test_a_proposal_that_was_refused_first_and_accepted_then(until_us):
    """Proposed twice in silence, answered twice: nobody uses the intent, so it is closed, and its id is used up."""
    made = run(1)
    say(made, ask(1), e.IntentRefused(FIRST, IntentRefusal.DNC, until_us))
    assert say(made, accepted())[STORE] == [withdrawn()]
    assert say(made, accepted(), e.OutcomeRecorded(FIRST)) == {}
    assert made.in_progress() == 0
    said = say(made, ask(1), now_us=NOON + SECOND_US)
    again = [c.ProposeIntent(attempt_id(1, 0, 2), 1, NUMBER, 0)]
    assert said.get(STORE, []) == (again if until_us is not None else [])


def test_an_answer_to_an_earlier_run_is_ignored():
    """It is not about a contact of this one."""
    assert say(run(1), accepted(attempt_id(2, 9, 9))) == {}


def test_the_scheduler_is_told_when_something_is_due_earlier():
    """Told to come back in an hour, it hears unasked that a lease came back and the contact is free now."""
    made = run(2)
    second = attempt_id(1, 1, 1)
    say(made, ask(2), accepted(), accepted(second), ended(at_us=NOON))
    assert say(made, e.OutcomeRecorded(FIRST))[SCHEDULER] == [e.LeasesGranted("c", (), 0, NOON + HOUR_US)]
    said = say(made, c.ReturnLeases((second,)), now_us=NOON + SECOND_US)
    assert said == {STORE: [withdrawn(second, NOON + SECOND_US)]}
    said = say(made, e.OutcomeRecorded(second), now_us=NOON + SECOND_US)
    assert said[SCHEDULER] == [e.LeasesGranted("c", (), 0, 0)]
    assert say(made, now_us=NOON + SECOND_US) == {}


STORY = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.integers(1, 4)),
        st.tuples(st.sampled_from(["accept", "refuse", "later", "end", "record", "return"]), st.integers(0, 9)),
        st.tuples(st.sampled_from(["pause", "resume"]), st.just(0)),
        st.tuples(st.just("wait"), st.integers(1, 90)),
    ),
    max_size=60,
)


def step_message(made, kind, which, now_us):
    """The message of one random step, None where there is nothing it could be about."""
    fixed = {"ask": ask(which), "pause": PAUSE, "resume": RESUME}
    wanted = {"end": Stage.LEASED, "return": Stage.LEASED, "record": Stage.CLOSING}.get(kind, Stage.PROPOSED)
    attempts = sorted(attempt for attempt, known in made._open.items() if known.stage is wanted)
    if kind in fixed or not attempts:
        return fixed.get(kind)
    attempt = attempts[which % len(attempts)]
    return {
        "accept": accepted(attempt, now_us),
        "refuse": e.IntentRefused(attempt, IntentRefusal.DNC, None),
        "later": e.IntentRefused(attempt, IntentRefusal.CAP, now_us + HOUR_US),
        "end": ended(attempt, at_us=now_us),
        "return": c.ReturnLeases((attempt,)),
        "record": e.OutcomeRecorded(attempt),
    }[kind]


@given(STORY)
@settings(max_examples=300, deadline=None)
def test_every_request_is_settled_exactly_once(story):
    """Whatever happens, the counts of all answers add up to those of all requests when nothing is proposed any more."""
    made = run(6)
    now_us, requested, settled, leased = NOON, 0, 0, []
    for kind, which in [*story, *[("accept", 0)] * 12]:
        if kind == "wait":
            now_us += which * MINUTE_US
            continue
        message = step_message(made, kind, which, now_us)
        requested += which if kind == "ask" else 0
        for told in say(made, *([] if message is None else [message]), now_us=now_us).get(SCHEDULER, ()):
            if isinstance(told, e.LeasesGranted):
                settled += told.asked
                leased += [lease.attempt_id for lease in told.leases]
        proposed = sum(known.stage is Stage.PROPOSED for known in made._open.values())
        assert settled + proposed == requested
    assert settled == requested
    assert len(set(leased)) == len(leased) <= requested


# -- attempts --------------------------------------------------------------------------------------------------------

GONE = e.AttemptReported(FIRST, live=False, knows_since_us=NOON - 1, at_us=NOON + TTL_US)
MESSAGES = {
    "accepted": accepted(),
    "refused": e.IntentRefused(FIRST, IntentRefusal.DNC, None),
    "returned": c.ReturnLeases((FIRST,)),
    "ended": ended(),
    "live": e.AttemptReported(FIRST, live=True, knows_since_us=NOON - 1, at_us=NOON + TTL_US),
    "never seen": GONE,
    "not yet": e.AttemptReported(FIRST, live=False, knows_since_us=NOON - 1, at_us=NOON + TTL_US - 1),
    "trunk reborn": e.AttemptReported(FIRST, live=False, knows_since_us=NOON, at_us=NOON + TTL_US),
    "recorded": e.OutcomeRecorded(FIRST),
}
#: What is absent changes nothing and says nothing: repeated, late, or crossed on the wire.
EFFECTS = {
    (Stage.PROPOSED, "accepted"): (Stage.LEASED, None),
    (Stage.PROPOSED, "refused"): (None, None),
    (Stage.LEASED, "returned"): (Stage.CLOSING, Outcome.WITHDRAWN),
    (Stage.LEASED, "ended"): (Stage.CLOSING, Outcome.BUSY),
    (Stage.LEASED, "never seen"): (Stage.CLOSING, Outcome.EXPIRED),
    (Stage.LEASED, "trunk reborn"): (Stage.CLOSING, Outcome.UNKNOWN),
    (Stage.CLOSING, "recorded"): (None, None),
    (Stage.OFFERED, "returned"): (None, None),
}


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("stage", [*Stage, None], ids=lambda stage: "gone" if stage is None else stage.name)
def test_every_message_at_every_stage(stage, name):
    """The next stage, and the outcome that is recorded if it ends there."""
    made = at_stage(stage)
    counts = made.book.counts()
    said = say(made, MESSAGES[name])
    after, outcome = EFFECTS.get((stage, name), (stage, None))
    assert stage_of(made) is after
    assert [record.ended.outcome for record in said.get(STORE, ())] == ([] if outcome is None else [outcome])
    if (stage, name) not in EFFECTS:
        assert said == {}
        assert made.book.counts() == counts


@pytest.mark.parametrize("outcome", list(Outcome))
def test_outcomes_are_counted_when_they_are_durable(outcome):
    """Un-dialled ones count nowhere, and leave the contact its attempts."""
    made = run()
    say(made, ask(1), accepted(), ended(outcome=outcome))
    assert made.outcomes == {}
    say(made, e.OutcomeRecorded(FIRST), e.OutcomeRecorded(FIRST))
    assert made.outcomes == ({} if outcome in UNDIALLED else {outcome: 1})
    assert made.book.attempts(0) == (outcome not in UNDIALLED)


# -- silence ---------------------------------------------------------------------------------------------------------


def test_a_silent_ledger_is_asked_again():
    """The same proposal, and the same outcome, until it answers."""
    made = run()
    (proposal,) = say(made, ask(1))[STORE]
    at_us = NOON + PROPOSAL_PATIENCE_US
    assert made.next_deadline_us() == at_us
    assert say(made, now_us=at_us - 1) == {}
    assert say(made, now_us=at_us) == {STORE: [proposal]}
    assert say(made, now_us=at_us + SILENCE_US) == {STORE: [proposal]}
    at_us += SILENCE_US
    say(made, accepted(at_us=at_us), now_us=at_us)
    (record,) = say(made, ended(at_us=at_us), now_us=at_us)[STORE]
    assert say(made, now_us=at_us + PROPOSAL_PATIENCE_US) == {STORE: [record]}


def test_a_silent_trunk_is_asked():
    """Once in a while, for as long as the attempt is open; at the end of its time if that was still to come."""
    made = run()
    say(made, ask(1), accepted())
    asks = {TRUNK: [c.ReportAttempt(FIRST, "c")]}
    now_us = NOON + SILENCE_US
    assert made.next_deadline_us() == now_us  # not the earlier one, which was for the ledger's answer
    assert say(made, now_us=now_us - 1) == {}
    assert made.next_deadline_us() == now_us
    assert say(made, now_us=now_us) == asks
    assert say(made, now_us=now_us + SILENCE_US) == asks
    say(made, GONE, e.OutcomeRecorded(FIRST), now_us=now_us + SILENCE_US)
    assert say(made, now_us=now_us + HOUR_US) == {}
    assert made.next_deadline_us() is None


def test_a_lease_that_may_still_be_used_is_left_alone():
    """The trunk knows nothing yet of an attempt whose time has not passed: it is asked again when it has."""
    made = at_stage(Stage.LEASED)
    assert say(made, MESSAGES["not yet"], now_us=NOON + TTL_US - 1) == {}
    assert say(made, now_us=NOON + TTL_US) == {TRUNK: [c.ReportAttempt(FIRST, "c")]}


def test_an_earlier_look_replaces_the_later_one():
    """The timer that was set before is let go when it fires: one attempt never has two of them for long."""
    made = at_stage(Stage.LEASED)
    say(made, MESSAGES["not yet"])
    assert made.next_deadline_us() == NOON + TTL_US < NOON + PROPOSAL_PATIENCE_US
    assert TRUNK in say(made, now_us=NOON + TTL_US)
    for _ in range(3):
        assert say(made, now_us=NOON + PROPOSAL_PATIENCE_US) == {}
        assert made._flight.watch._timers == [(NOON + TTL_US + SILENCE_US, FIRST)]


def test_a_long_call_is_asked_for_once_in_a_while():
    """A long call that the trunk confirms each time is asked for about once in each time of silence."""
    made = at_stage(Stage.LEASED)
    now_us, asked = NOON, 0
    while now_us < NOON + 10 * SILENCE_US:
        now_us = made.next_deadline_us()
        waiting = say(made, now_us=now_us).get(TRUNK, [])
        while waiting:
            asked += len(waiting)
            now_us += 1
            answers = [e.AttemptReported(FIRST, live=True, knows_since_us=0, at_us=now_us) for _ in waiting]
            waiting = say(made, *answers, now_us=now_us).get(TRUNK, [])
    assert 8 <= asked <= 12


@pytest.mark.parametrize("peer", [STORE, TRUNK, SCHEDULER], ids=str)
def test_a_reborn_peer_is_told_at_once(peer):
    """The ledger hears the run, open proposals and outcomes again; the trunk is asked about calls; nobody else."""
    made = run()
    say(made, ask(3))
    second, third = attempt_id(1, 1, 1), attempt_id(1, 2, 1)
    call = ended(third)
    say(made, accepted(second), accepted(third), call)
    said = say(made, e.PeerRestarted(peer))
    expected = {
        STORE: [
            c.OpenRun(1, 1, SPEC, ZONE_SETS),
            c.ProposeIntent(FIRST, 1, NUMBER, 0),
            c.RecordOutcome("c", call),
        ],
        TRUNK: [c.ReportAttempt(second, "c")],
        SCHEDULER: [],  # it will say itself what it wants; until then leases are doubted
    }
    assert said == ({peer: expected[peer]} if expected[peer] else {})


# -- restart ---------------------------------------------------------------------------------------------------------

HISTORY = {
    "closed": [
        (FIRST, int(Outcome.CONNECTED), NOON, NUMBER),
        (attempt_id(1, 1, 1), int(Outcome.EXPIRED), NOON, NUMBER + 1),
    ],
    "open": [(attempt_id(1, 2, 4), NUMBER + 2, NOON - 9, NOON - 9 + TTL_US)],
}


@pytest.mark.parametrize("state", list(CampaignState))
def test_restart(state):
    """The state is kept, also a final one; attempts are replayed; the trunk is asked about each open one."""
    made = run(history=RunHistory(state, **HISTORY), started=False, epoch=2)
    out = made.start(NOON)
    made.check_invariants()
    after = ACTIVE if state is READY else state
    assert made.state is after
    assert out[:2] == [
        (STORE, c.OpenRun(1, 2, SPEC, ZONE_SETS)),
        (TRUNK, c.ReportAttempt(attempt_id(1, 2, 4), "c")),
    ]
    told = e.CampaignOpened if after is ACTIVE else e.CampaignClosed
    assert [type(m) for to, m in out if to == SCHEDULER] == [told]
    assert made.outcomes == {Outcome.CONNECTED: 1}
    assert [made.book.place(n) for n in range(3)] == [Place.DONE, Place.RESTING, Place.IN_PLAY]
    (open_attempt,) = made._open.items()
    times = (NOON - 9, NOON - 9 + TTL_US)
    watch_us = NOON + SILENCE_US
    leased = Attempt(2, NUMBER + 2, Stage.LEASED, *times, watch_us=watch_us, timer_us=watch_us, suspect=True)
    assert open_attempt == (attempt_id(1, 2, 4), leased)
    assert made.next_deadline_us() == watch_us


@pytest.mark.parametrize("reborn", ["scheduler", "campaign"])
@pytest.mark.parametrize("late_us", [-1, 1])
def test_a_lease_of_another_incarnation_is_not_simply_withdrawn(reborn, late_us):
    """Who was not there cannot know that it was not dialled: when its time has passed, the trunk is asked."""
    if reborn == "scheduler":
        made = at_stage(Stage.LEASED)
        say(made, e.PeerRestarted(SCHEDULER))
        assert say(made, now_us=NOON + TTL_US - 1) == {}
    else:
        made = run(history=RunHistory(ACTIVE, open=[(FIRST, NUMBER, NOON, NOON + TTL_US)]), epoch=2)
    now_us = NOON + TTL_US + late_us
    asks = {TRUNK: [c.ReportAttempt(FIRST, "c")]}
    assert say(made, c.ReturnLeases((FIRST,)), now_us=now_us) == (asks if late_us > 0 else {})
    if late_us < 0:
        assert say(made, now_us=NOON + TTL_US) == asks
    assert say(made, GONE, now_us=now_us + 2)[STORE] == [withdrawn(at_us=now_us + 2, outcome=Outcome.EXPIRED)]


def test_a_reborn_run_uses_new_attempt_ids():
    """The next try of a contact has a number that the journal has not seen."""
    made = run(history=RunHistory(ACTIVE, **HISTORY), epoch=2)
    say(made, ask(5))
    assert sorted(made._open) == [attempt_id(1, 1, 2), attempt_id(1, 2, 4)]


def test_a_stop_is_finished_after_a_restart():
    """A run that was stopping and has nothing open any more stops at birth."""
    made = run(history=RunHistory(STOPPING), started=False)
    assert made.start(NOON)[-1] == (STORE, c.RecordCampaignState(1, "c", STOPPED, "all calls ended"))


@pytest.mark.parametrize("state", [STOPPED, COMPLETED])
def test_the_end_is_final_after_a_restart(state):
    """A run that has ended leases nothing when its actor is born again, and still closes what was left open."""
    made = run(history=RunHistory(state, **HISTORY), started=False, epoch=2)
    attempt = attempt_id(1, 2, 4)
    assert made.start(NOON) == [
        (STORE, c.OpenRun(1, 2, SPEC, ZONE_SETS)),
        (TRUNK, c.ReportAttempt(attempt, "c")),
        (SCHEDULER, e.CampaignClosed("c", state)),
    ]
    gone = e.AttemptReported(attempt, live=False, knows_since_us=0, at_us=NOON + TTL_US)
    assert say(made, ask(2), gone, RESUME) == {
        STORE: [withdrawn(attempt, outcome=Outcome.EXPIRED)],
        SCHEDULER: [e.LeasesGranted("c", (), 2, None)],
    }
    assert say(made, e.OutcomeRecorded(attempt)) == {}
    assert (made.state, made.in_progress()) == (state, 0)


@pytest.mark.parametrize(
    ("state", "stage", "told"),
    [
        (ACTIVE, None, [e.CampaignOpened]),
        (ACTIVE, Stage.LEASED, [e.CampaignOpened]),
        (PAUSED, Stage.LEASED, [e.CampaignOpened, e.CampaignClosed]),
        (STOPPING, Stage.LEASED, [e.CampaignOpened, e.CampaignClosed]),
        (PAUSED, None, [e.CampaignClosed]),
        (COMPLETED, None, [e.CampaignClosed]),
    ],
)
def test_announce(state, stage, told):
    """A reborn scheduler hears of a run that dials; of one that is held, also what its calls in progress need."""
    made = at_stage(stage)
    made.state = state
    said = say(made, c.Announce("p"))
    assert [type(message) for message in said.get(SCHEDULER, ())] == told


# -- with a real ledger ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_a_whole_run_with_the_ledger(seed):
    """Requirements 20, 24. Three contacts, random outcomes, actors reborn: the run completes and the books agree."""
    dice = Random(seed)
    hours = WeeklyHours.daily(0, 1440)
    rules = LegalRules("r", (("America/New_York", hours),))
    spec = CampaignSpec("c", DialingMode.AGENTLESS, "p", "t", None, 12125550199, hours=hours)
    journal, now_us, epoch = [], NOON, 1
    made, ledger = CampaignRun(1, spec, contacts(3), epoch=1), Ledger(rules)
    pending = made.start(now_us)
    for _ in range(400):
        if made.state is COMPLETED:
            break
        now_us += dice.randint(1, 600) * SECOND_US
        to_run = [ask(2)] if dice.random() < 0.5 else []
        to_ledger = [m for to, m in pending if to == STORE]
        for to, message in pending:
            if to == SCHEDULER and isinstance(message, e.LeasesGranted):
                to_run += [ended(lease.attempt_id, dice.choice(list(Outcome)), now_us) for lease in message.leases]
            elif to == TRUNK:
                to_run.append(e.AttemptReported(message.attempt_id, live=False, knows_since_us=0, at_us=now_us))
        for to, message in ledger.handle(to_ledger, now_us):
            (journal if to == JOURNAL else to_run).append(message)
        if dice.random() < 0.1:  # the campaign is reborn: what was on its way to it is lost
            epoch += 1
            made = CampaignRun(1, spec, contacts(3), epoch=epoch, history=history_of(journal))
            pending = made.start(now_us)
        else:
            pending = made.handle(to_run, now_us)
        made.check_invariants()
        ledger.check_invariants()
    assert made.state is COMPLETED
    rows = [row for row in journal if isinstance(row, r.OutcomeRow)]
    assert sorted(row.attempt_id for row in rows) == sorted(i.attempt_id for i in journal if isinstance(i, r.IntentRow))
    assert made.outcomes.total() == sum(row.outcome not in UNDIALLED for row in rows)
    assert ledger.open_count() == 0


def history_of(journal):
    """What a store would tell of the run."""
    outcomes = {row.attempt_id: row for row in journal if isinstance(row, r.OutcomeRow)}
    intents = [row for row in journal if isinstance(row, r.IntentRow)]
    states = [row.state for row in journal if isinstance(row, r.CampaignStateRow)]
    return RunHistory(
        states[-1] if states else READY,
        sorted(
            (i.attempt_id, int(outcomes[i.attempt_id].outcome), outcomes[i.attempt_id].ended_us, i.number)
            for i in intents
            if i.attempt_id in outcomes
        ),
        sorted((i.attempt_id, i.number, i.at_us, i.not_after_us) for i in intents if i.attempt_id not in outcomes),
    )


@pytest.mark.parametrize("damage", ["lost contact", "unwatched"])
def test_check_invariants_sees_damage(damage):
    """An attempt whose contact is not in play, or that nobody looks after, is found."""
    made = at_stage(Stage.LEASED)
    if damage == "unwatched":
        made._open[FIRST].timer_us += 1
    else:
        made.book.finish(0, "by mistake")
    with pytest.raises(InvariantError):
        made.check_invariants()
