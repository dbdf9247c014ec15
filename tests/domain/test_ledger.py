"""The ledger: every reason to refuse, the same answer to the same question, and the same ledger after a restart."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain import rows as r
from dialer.domain.groupcommit import JOURNAL
from dialer.domain.ids import attempt_id
from dialer.domain.kinds import UNDIALLED, CampaignState, DialingMode, IntentRefusal, Outcome
from dialer.domain.ledger import STORE, Ledger
from dialer.domain.message import Address
from dialer.domain.specs import HOUR_US, MINUTE_US, SECOND_US, CampaignSpec, CapRule, LegalRules, Span, WeeklyHours
from dialer.errors import InvariantError

NOON = 1_790_006_400_000_000  # Monday 2026-09-21 16:00 UTC: noon in New York
NUMBER = 12125550100
NEW_YORK, CHICAGO = "America/New_York", "America/Chicago"
MIDNIGHT = NOON - 12 * HOUR_US  #: in New York
ZONE_SETS = ((NEW_YORK,), (NEW_YORK, CHICAGO), ("Europe/Paris",), ())
CAMPAIGNS = {1: "one", 2: "two"}


def rules(*caps):
    return LegalRules("us-1", ((NEW_YORK, LEGAL), (CHICAGO, LEGAL)), caps=caps)


LEGAL = WeeklyHours.daily(8 * 60, 21 * 60)


def open_run(run_no=1, epoch=1, dnc_lists=(), hours=LEGAL):
    name, number = CAMPAIGNS[run_no], 12125550199
    spec = CampaignSpec(
        name, DialingMode.AGENTLESS, "p", "t", None, number, hours=hours, dnc_lists=dnc_lists, version=7
    )
    return c.OpenRun(run_no, epoch, spec, ZONE_SETS)


BOTH_RUNS = (open_run(1), open_run(2))


def ledger(*caps, runs=BOTH_RUNS, now_us=NOON, **journal):
    made = Ledger(rules(*caps), **journal)
    assert made.handle(runs, now_us) == []
    return made


def propose(contact=0, *, run_no=1, try_no=1, number=None, epoch=1, zone_key=0):
    called = NUMBER + contact if number is None else number
    return c.ProposeIntent(attempt_id(run_no, contact, try_no), epoch, called, zone_key)


def ended(contact=0, *, run_no=1, try_no=1, outcome=Outcome.BUSY):
    told = e.AttemptEnded(attempt_id(run_no, contact, try_no), outcome, "a", 17, NOON + 1, NOON + 2, NOON + 3, NOON + 4)
    return c.RecordOutcome(CAMPAIGNS[run_no], told)


def asked(machine, message, now_us=NOON):
    """The one answer to the campaign, and the rows written before it."""
    out = machine.handle([message], now_us)
    machine.check_invariants()
    assert all(envelope.to == JOURNAL for envelope in out[:-1])
    return out[-1].message, [envelope.message for envelope in out[:-1]]


def accepts(machine, message, now_us=NOON):
    return isinstance(asked(machine, message, now_us)[0], e.IntentAccepted)


def refused(machine, message, now_us=NOON):
    """Reason and time of a refusal, which writes nothing."""
    answer, rows = asked(machine, message, now_us)
    assert isinstance(answer, e.IntentRefused)
    assert (answer.attempt_id, rows) == (message.attempt_id, [])
    return answer.reason, answer.until_us


# -- accepting and refusing ------------------------------------------------------------------------------------------


def test_an_accepted_intent_is_written_first():
    """The row holds what the verdict rested on; the answer goes to the campaign, after the row."""
    machine = ledger(CapRule(9, HOUR_US))
    out = machine.handle([propose(zone_key=1)], NOON)
    row = r.IntentRow(
        attempt_id=attempt_id(1, 0, 1),
        campaign="one",
        number=NUMBER,
        trunk="t",
        caller_id=12125550199,
        at_us=NOON,
        not_after_us=NOON + 5 * SECOND_US,
        epoch=1,
        rules="us-1",
        zones=f"{NEW_YORK}|{CHICAGO}",
        recent_attempts=0,
        version=7,
    )
    answer = e.IntentAccepted(attempt_id(1, 0, 1), NOON, NOON + 5 * SECOND_US)
    assert out == [(JOURNAL, row), (Address("campaign", "one"), answer)]
    assert machine.open_count() == 1
    assert machine.next_deadline_us() is None
    assert machine.start(NOON) == []


def test_the_same_question_gets_the_same_answer():
    """An intent is written once, however often and however late it is proposed by its own incarnation."""
    machine = ledger()
    first, rows = asked(machine, propose())
    assert len(rows) == 1
    assert asked(machine, propose(), NOON + HOUR_US) == (first, [])
    assert machine.open_count() == 1


def test_a_run_that_is_not_open_gets_no_answer():
    """The campaign asks again when it has opened its run at the reborn ledger; until then nothing is decided."""
    machine = ledger(runs=())
    assert machine.handle([propose()], NOON) == []
    machine.handle([open_run()], NOON)
    assert accepts(machine, propose())


@pytest.mark.parametrize("epoch", [1, 3])
def test_stale_epoch(epoch):
    """Only the incarnation that opened the run last may propose, also what is open already."""
    machine = ledger(runs=[open_run(epoch=2)])
    assert refused(machine, propose(epoch=epoch)) == (IntentRefusal.STALE_EPOCH, None)
    assert accepts(machine, propose(epoch=2))
    assert refused(machine, propose(epoch=epoch)) == (IntentRefusal.STALE_EPOCH, None)


def test_a_late_opening_does_not_bring_an_old_epoch_back():
    """A replaced incarnation that opens its run after its successor did is ignored."""
    machine = ledger(runs=[open_run(epoch=2), open_run(epoch=1)])
    assert refused(machine, propose(epoch=1)) == (IntentRefusal.STALE_EPOCH, None)


def test_a_successor_takes_over_an_open_intent():
    """A reborn campaign that proposes what its predecessor had accepted gets the first answer, and no second row."""
    machine = ledger()
    first, _ = asked(machine, propose())
    machine.handle([open_run(epoch=2)], NOON + 1)
    assert asked(machine, propose(epoch=2), NOON + 2) == (first, [])


@pytest.mark.parametrize("run_no", [1, 2])
def test_number_busy(run_no):
    """A number with an open intent is refused in every campaign, for as long as an intent lives."""
    machine = ledger()
    assert accepts(machine, propose())
    again = propose(9, run_no=run_no, number=NUMBER)
    assert refused(machine, again) == (IntentRefusal.NUMBER_BUSY, NOON + 5 * SECOND_US)
    machine.handle([ended()], NOON + 1)
    assert accepts(machine, again, NOON + 2)


@pytest.mark.parametrize(
    ("zone_key", "minute_utc", "expected"),
    [
        (0, 12 * 60 - 1, (IntentRefusal.HOURS, 12 * 60)),
        (0, 12 * 60, None),
        (1, 12 * 60, (IntentRefusal.HOURS, 13 * 60)),
        (1, 25 * 60, (IntentRefusal.HOURS, 37 * 60)),
        (0, 25 * 60 - 1, None),
        (0, 25 * 60, (IntentRefusal.HOURS, 36 * 60)),
    ],
)
def test_legal_hours(zone_key, minute_utc, expected):
    """8:00 to 21:00 in every zone the contact may be in; the refusal says when it opens."""
    machine = ledger()
    midnight = NOON - 16 * HOUR_US
    now_us = midnight + minute_utc * MINUTE_US
    if expected is None:
        assert accepts(machine, propose(zone_key=zone_key), now_us)
    else:
        reason, opens = expected
        assert refused(machine, propose(zone_key=zone_key), now_us) == (reason, midnight + opens * MINUTE_US)


def test_an_answer_about_hours_is_not_kept_too_long():
    """One ledger that lives through a whole day opens and closes with the clock."""
    machine = ledger()
    for hour in range(48):
        now_us = NOON + hour * HOUR_US
        local_hour = (12 + hour) % 24
        assert accepts(machine, propose(hour), now_us) == (8 <= local_hour < 21)


@pytest.mark.parametrize(
    ("hours", "zone_key", "minute", "opens"),
    [
        # the campaign opens later and closes earlier than the law
        ((10, 18), 0, 9 * 60 + 59, 10 * 60),
        ((10, 18), 0, 10 * 60, None),
        ((10, 18), 0, 18 * 60 - 1, None),
        ((10, 18), 0, 18 * 60, (24 + 10) * 60),
        # in Chicago it is an hour earlier: there it opens, in New York it closes
        ((10, 18), 1, 10 * 60 + 30, 11 * 60),
        ((10, 18), 1, 18 * 60, (24 + 11) * 60),
        # the law opens later than the campaign: the later of the two
        ((0, 24), 0, 7 * 60, 8 * 60),
        ((6, 9), 0, 9 * 60, (24 + 8) * 60),
    ],
)
def test_hours_of_the_campaign(hours, zone_key, minute, opens):
    """Both kinds of hours must be open in every zone; a refusal says when both are again."""
    machine = ledger(runs=[open_run(hours=WeeklyHours.daily(hours[0] * 60, hours[1] * 60))])
    now_us = MIDNIGHT + minute * MINUTE_US
    if opens is None:
        assert accepts(machine, propose(zone_key=zone_key), now_us)
    else:
        expected = (IntentRefusal.HOURS, MIDNIGHT + opens * MINUTE_US)
        assert refused(machine, propose(zone_key=zone_key), now_us) == expected


def test_the_next_moment_when_both_are_open():
    """Not just the later of two openings: the campaign's only open day of the week may end before the law opens."""
    hours = WeeklyHours((Span(1, 6 * 60, 8 * 60), Span(3, 20 * 60, 22 * 60)))  # Tuesday, Thursday
    assert refused(ledger(runs=[open_run(hours=hours)]), propose()) == (
        IntentRefusal.HOURS,
        MIDNIGHT + (3 * 24 + 20) * HOUR_US,
    )


@pytest.mark.parametrize("hours", [(), (Span(0, 22 * 60, 24 * 60),)])
def test_hours_that_never_meet(hours):
    """No hours, or none that are legal: there is no time to ask again."""
    assert refused(ledger(runs=[open_run(hours=WeeklyHours(hours))]), propose()) == (IntentRefusal.HOURS, None)


def test_hours_are_those_of_the_latest_opening():
    """A campaign that was changed and reborn has its new hours at once."""
    machine = ledger()
    assert accepts(machine, propose())
    machine.handle([open_run(epoch=2, hours=WeeklyHours(()))], NOON)
    assert refused(machine, propose(1, epoch=2)) == (IntentRefusal.HOURS, None)


@pytest.mark.parametrize(
    ("hours", "zone_key", "closes"),
    [((8, 21), 0, 21), ((8, 21), 1, 21), ((0, 24), 0, 21), ((9, 17), 0, 17), ((9, 17), 1, 17)],
)
def test_no_call_leaves_after_closing_time(hours, zone_key, closes):
    """The intent lives until closing time at the most: the trunk refuses it from that moment on."""
    closes_us = MIDNIGHT + closes * HOUR_US
    machine = ledger(runs=[open_run(hours=WeeklyHours.daily(hours[0] * 60, hours[1] * 60))])
    for contact, (early_us, lives_us) in enumerate([(HOUR_US, 5), (5, 5), (4, 4), (1, 1)]):
        scale_us = SECOND_US if contact else 1
        now_us = closes_us - early_us * scale_us
        answer, (row,) = asked(machine, propose(contact, zone_key=zone_key), now_us)
        assert answer.not_after_us == row.not_after_us == now_us + lives_us * SECOND_US
    assert refused(machine, propose(9, zone_key=zone_key), closes_us)[0] is IntentRefusal.HOURS


def test_hours_without_an_end():
    """Open around the clock, both: the time to live is all that bounds an intent."""
    always = WeeklyHours.daily(0, 24 * 60)
    machine = Ledger(LegalRules("r", ((NEW_YORK, always),)))
    machine.handle([open_run(hours=always)], NOON)
    answer, _ = asked(machine, propose())
    assert answer.not_after_us == NOON + 5 * SECOND_US


@pytest.mark.parametrize("zone_key", [2, 3])
def test_no_rules(zone_key):
    """A zone without rules, or no zone at all, may never be called."""
    assert refused(ledger(), propose(zone_key=zone_key)) == (IntentRefusal.NO_RULES, None)


# -- do not call -----------------------------------------------------------------------------------------------------


def test_lists_apply_to_their_campaigns():
    """A global list binds every campaign, another one those that name it; one that is not loaded forbids all."""
    lists = {"everywhere": {NUMBER}, "own": {NUMBER + 1}}
    runs = [open_run(1, dnc_lists=("own",)), open_run(2)]
    machine = ledger(runs=runs, dnc=lists, global_lists=("everywhere",))
    for run_no, contact, listed in [(1, 0, True), (2, 0, True), (1, 1, True), (2, 1, False), (1, 2, False)]:
        message = propose(contact, run_no=run_no)
        if listed:
            assert refused(machine, message) == (IntentRefusal.DNC, None)
        else:
            assert accepts(machine, message)
    machine.handle([open_run(2, epoch=2, dnc_lists=("lost",))], NOON)
    assert refused(machine, propose(3, run_no=2, epoch=2)) == (IntentRefusal.DNC, None)


def test_changes_work_at_once_and_are_written():
    """A number that is added is refused from the next message on; taken off, it is accepted, file or not."""
    machine = ledger(runs=[open_run(dnc_lists=("own",))], dnc={"own": {NUMBER + 1}})
    out = machine.handle([c.AddToDnc("own", (NUMBER, NUMBER + 5), "api"), propose(0)], NOON)
    rows = [r.DncRow("own", n, added=True, at_us=NOON, source="api") for n in (NUMBER, NUMBER + 5)]
    assert [envelope.message for envelope in out[:2]] == rows
    assert out[2].message == e.IntentRefused(attempt_id(1, 0, 1), IntentRefusal.DNC, None)
    out = machine.handle([c.RemoveFromDnc("own", (NUMBER, NUMBER + 1), "api")], NOON + 1)
    assert [envelope.message.added for envelope in out] == [False, False]
    assert accepts(machine, propose(0))
    assert accepts(machine, propose(1))


def test_an_open_intent_survives_a_change():
    """Its time is short: what was accepted before the number was listed may still be asked for."""
    machine = ledger(runs=[open_run(dnc_lists=("own",))], dnc={"own": set()})
    first, _ = asked(machine, propose())
    machine.handle([c.AddToDnc("own", (NUMBER,), "api")], NOON)
    assert asked(machine, propose()) == (first, [])


CHANGES = {"live": {}, "replayed": {"dnc_changes": [("lost", NUMBER + 1, True), ("lost", NUMBER + 1, False)]}}


@pytest.mark.parametrize("everywhere", [False, True])
@pytest.mark.parametrize("how", CHANGES)
def test_a_list_that_is_not_loaded_forbids_all_whatever_is_added_to_it(how, everywhere):
    """Changes do not make a list whole; it is whole when it is given, perhaps empty, and then they count."""
    named = () if everywhere else ("lost",)
    machine = ledger(
        runs=[open_run(dnc_lists=named)], global_lists=("lost",) if everywhere else (), dnc={"own": ()}, **CHANGES[how]
    )
    if how == "live":
        machine.handle([c.AddToDnc("lost", (NUMBER + 1,), "api"), c.RemoveFromDnc("lost", (NUMBER + 1,), "api")], NOON)
    for contact in (0, 1):
        assert refused(machine, propose(contact)) == (IntentRefusal.DNC, None)
    machine.handle([c.AddToDnc("lost", (NUMBER,), "api")], NOON)
    machine.set_list("lost", frozenset(), everywhere=everywhere)
    assert refused(machine, propose(0)) == (IntentRefusal.DNC, None)
    assert accepts(machine, propose(1))


def test_an_imported_list_applies_to_open_runs():
    """A list that becomes global binds runs that are open already, and lets them go when it no longer is."""
    machine = ledger()
    machine.set_list("new", {NUMBER}, everywhere=True)
    assert refused(machine, propose()) == (IntentRefusal.DNC, None)
    machine.set_list("new", {NUMBER}, everywhere=False)
    assert accepts(machine, propose())


# -- caps ------------------------------------------------------------------------------------------------------------


def test_cap():
    """Two in any hour, over all campaigns; the refusal says when the older one leaves the window."""
    machine = ledger(CapRule(2, HOUR_US), CapRule(3, 9 * HOUR_US))
    times = [NOON, NOON + 10 * MINUTE_US]
    for n, at_us in enumerate(times):
        assert accepts(machine, propose(n, run_no=1 + n, number=NUMBER), at_us)
        machine.handle([ended(n, run_no=1 + n)], at_us + 1)
    third = propose(2, number=NUMBER)
    assert refused(machine, third, NOON + 11 * MINUTE_US) == (IntentRefusal.CAP, NOON + HOUR_US)
    assert refused(machine, third, NOON + HOUR_US - 1) == (IntentRefusal.CAP, NOON + HOUR_US)
    answer, (row,) = asked(machine, third, NOON + HOUR_US)
    assert isinstance(answer, e.IntentAccepted)
    assert row.recent_attempts == 2
    machine.handle([ended(2)], NOON + HOUR_US)
    # now both caps are full, and the later of the two ends counts
    assert refused(machine, propose(3, number=NUMBER), NOON + HOUR_US) == (IntentRefusal.CAP, NOON + 9 * HOUR_US)
    assert accepts(machine, propose(4), NOON + HOUR_US)


def test_the_row_counts_what_is_in_the_longest_window():
    """Neither attempts that have left it, nor those that were not dialled."""
    machine = ledger(CapRule(9, HOUR_US), CapRule(9, 3 * HOUR_US))
    counts = []
    for n, outcome in enumerate([Outcome.BUSY, Outcome.EXPIRED, Outcome.BUSY, Outcome.BUSY, Outcome.BUSY]):
        now_us = NOON + n * HOUR_US
        _, (row,) = asked(machine, propose(n, number=NUMBER), now_us)
        counts.append(row.recent_attempts)
        machine.handle([ended(n, outcome=outcome)], now_us)
    assert counts == [0, 1, 1, 1, 2]


def test_attempts_outside_every_window_are_forgotten():
    """The ledger lives for months: what no cap looks at any more takes no memory."""
    old = [(NUMBER + n, NOON - n) for n in range(9)]
    machine = ledger(CapRule(1, HOUR_US), recent=old)
    assert refused(machine, propose(8)) == (IntentRefusal.CAP, NOON - 8 + HOUR_US)
    assert accepts(machine, propose(10))
    machine.handle([ended(10, outcome=Outcome.EXPIRED)], NOON)
    assert (len(machine._recent), len(machine._ageing)) == (9, 10)
    machine.handle([], NOON + HOUR_US - 1)
    assert (sorted(machine._recent), len(machine._ageing)) == ([NUMBER], 2)
    assert accepts(machine, propose(0), NOON + HOUR_US)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_what_was_not_dialled_gives_its_place_back(outcome):
    """An attempt counts from its intent on; it is taken back on proof that it was not sent, and then only."""
    machine = ledger(CapRule(1, HOUR_US))
    assert accepts(machine, propose())
    assert refused(machine, propose(1, number=NUMBER))[0] is IntentRefusal.NUMBER_BUSY
    machine.handle([ended(outcome=outcome)], NOON + 1)
    assert accepts(machine, propose(1, number=NUMBER), NOON + 2) == (outcome in UNDIALLED)


# -- outcomes and other records --------------------------------------------------------------------------------------


def test_the_first_outcome_is_final():
    """It is written once; every report of it, also a different one, is confirmed."""
    machine = ledger()
    asked(machine, propose())
    answer, (row,) = asked(machine, ended(), NOON + 9)
    assert row == r.OutcomeRow(
        attempt_id(1, 0, 1), Outcome.BUSY, "a", 17, NOON + 1, NOON + 2, NOON + 3, NOON + 4, NOON + 9
    )
    assert answer == e.OutcomeRecorded(attempt_id(1, 0, 1))
    assert asked(machine, ended(outcome=Outcome.CONNECTED)) == (answer, [])
    assert machine.open_count() == 0


def test_other_records_are_passed_on():
    """States, dispositions and agent sessions go to the journal as they are, states with the time."""
    machine = ledger()
    told = [
        e.DispositionSet(attempt_id(1, 0, 1), "a", "sale", "", NOON),
        e.AgentSessionChanged("a", "idle", NOON),
    ]
    state = c.RecordCampaignState(1, "one", CampaignState.PAUSED, "ordered")
    assert machine.handle([*told, state, e.PeerRestarted(STORE)], NOON) == [
        *((JOURNAL, row) for row in told),
        (JOURNAL, r.CampaignStateRow(1, "one", CampaignState.PAUSED, NOON, "ordered")),
    ]


@pytest.mark.parametrize("damage", ["two attempts", "index"])
def test_check_invariants_sees_damage(damage):
    """Two open intents of one number, or an index that points nowhere, are found."""
    machine = ledger()
    machine.handle([propose(0), propose(1)], NOON)
    if damage == "index":
        machine._busy[NUMBER] = attempt_id(1, 1, 1)
    else:
        machine._open[attempt_id(1, 1, 1)].number = NUMBER
    with pytest.raises(InvariantError):
        machine.check_invariants()


# -- restart ---------------------------------------------------------------------------------------------------------


def reborn(rows, caps, epoch, now_us):
    """A ledger built from journal rows alone, as the store does it, with both runs opened again."""
    intents = {row.attempt_id: row for row in rows if isinstance(row, r.IntentRow)}
    outcomes = {row.attempt_id: row.outcome for row in rows if isinstance(row, r.OutcomeRow)}
    return ledger(
        *caps,
        runs=[open_run(run_no, epoch, ("own",)) for run_no in CAMPAIGNS],
        now_us=now_us,
        dnc={"own": {NUMBER + 3}},
        open_intents=[(k, i.number, i.at_us, i.not_after_us) for k, i in sorted(intents.items()) if k not in outcomes],
        recent=[(i.number, i.at_us) for k, i in intents.items() if outcomes.get(k) not in UNDIALLED],
        dnc_changes=[(row.dnc_list, row.number, row.added) for row in rows if isinstance(row, r.DncRow)],
    )


CAPS = (CapRule(2, 10 * MINUTE_US), CapRule(3, 30 * MINUTE_US))
CONTACT = st.integers(0, 3)
STEP = st.one_of(
    st.tuples(st.just("propose"), CONTACT, st.sampled_from([1, 2])),
    st.tuples(st.just("end"), st.integers(0, 9), st.sampled_from(list(Outcome))),
    st.tuples(st.just("list"), CONTACT, st.booleans()),
    st.tuples(st.just("wait"), st.integers(1, 15), st.none()),
    st.tuples(st.just("restart"), st.none(), st.none()),
)


def message_of(step, epoch, tried, open_ids):
    """The message of one random step; None if there is nothing to end."""
    kind, which, more = step
    if kind == "propose":
        tried[which, more] = tried.get((which, more), 0) + 1
        return propose(which, run_no=more, try_no=tried[which, more], epoch=epoch)
    if kind == "list":
        return (c.AddToDnc if more else c.RemoveFromDnc)("own", (NUMBER + which,), "api")
    if not open_ids:
        return None
    attempt, run_no = sorted(open_ids.items())[which % len(open_ids)]
    return c.RecordOutcome(CAMPAIGNS[run_no], e.AttemptEnded(attempt, more, "", 0, 0, 0, 0, 0))


@given(st.lists(STEP, max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_history(story):
    """No number twice at once, no cap exceeded, one outcome each; and a restart at any point changes no answer."""
    now_us, epoch, rows, tried, open_ids = NOON, 1, [], {}, {}
    machine = reborn(rows, CAPS, epoch, now_us)
    for step in story:
        if step[0] == "wait":
            now_us += step[1] * MINUTE_US
        elif step[0] == "restart":
            epoch += 1
            machine = reborn(rows, CAPS, epoch, now_us)
        elif (message := message_of(step, epoch, tried, open_ids)) is not None:
            twin = reborn(rows, CAPS, epoch, now_us)
            out = machine.handle([message], now_us)
            assert verdicts(twin.handle([message], now_us)) == verdicts(out)
            rows += [envelope.message for envelope in out if envelope.to == JOURNAL]
            for envelope in out:
                if isinstance(envelope.message, e.IntentAccepted):
                    open_ids[envelope.message.attempt_id] = step[2]
                elif isinstance(envelope.message, e.OutcomeRecorded):
                    del open_ids[envelope.message.attempt_id]
        machine.check_invariants()
        assert machine.open_count() == len(open_ids)
    check_records(rows)


def verdicts(out):
    """What was said to the campaigns."""
    return [envelope for envelope in out if envelope.to != JOURNAL]


def check_records(rows):
    """The promises, recomputed from the rows by brute force."""
    intents = [row for row in rows if isinstance(row, r.IntentRow)]
    outcomes = {row.attempt_id: row for row in rows if isinstance(row, r.OutcomeRow)}
    assert len(outcomes) == sum(isinstance(row, r.OutcomeRow) for row in rows)
    for number in {row.number for row in intents}:
        held = [row for row in intents if row.number == number]
        assert all(outcomes[before.attempt_id].recorded_us <= after.at_us for before, after in pairwise(held))
        counted = [
            row.at_us
            for row in held
            if row.attempt_id not in outcomes or outcomes[row.attempt_id].outcome not in UNDIALLED
        ]
        for cap in CAPS:
            assert all(sum(0 <= last - t < cap.window_us for t in counted) <= cap.limit for last in counted)
