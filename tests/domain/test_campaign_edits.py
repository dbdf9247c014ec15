"""Edits: which fields may change when, and what follows from an edit of a run."""

from dataclasses import fields, replace

import pytest

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.campaign import CampaignRun
from dialer.domain.editing import edit_refusal
from dialer.domain.flow import FlowSpec, HangUpStep
from dialer.domain.kinds import CampaignState, DialingMode, Outcome
from dialer.domain.ledger import STORE
from dialer.domain.message import Address
from dialer.domain.specs import (
    HOUR_US,
    CampaignSpec,
    DispositionRule,
    PacingSpec,
    PreviewSpec,
    RetryRule,
    WeeklyHours,
)
from dialer.domain.standing import Place
from dialer.sim.contacts import ListedContacts

NOON = 1_790_006_400_000_000  # Monday 2026-09-21 16:00 UTC: noon in New York
OLD = CampaignSpec("c", DialingMode.PROGRESSIVE, "p", "t", "q", 12125550199)
READY, ACTIVE, PAUSED, STOPPING, STOPPED, COMPLETED = CampaignState
SCHEDULER = Address("scheduler", "p")
FIXED_NAMES = {"campaign", "mode", "pool", "trunk"}
SAFE_NAMES = {"pacing", "concurrency", "priority", "caller_id"}
OTHER = {
    "campaign": "d",
    "mode": DialingMode.PREVIEW,
    "pool": "p2",
    "trunk": "t2",
    "queue": "q2",
    "caller_id": 12125550198,
    "priority": 1,
    "concurrency": 3,
    "retry": RetryRule(max_attempts=9),
    "ring_timeout_us": 40_000_000,
    "hours": WeeklyHours.daily(0, 1440),
    "amd": True,
    "flow": "f",
    "flow_spec": FlowSpec("f", "s", (HangUpStep("s"),)),
    "dnc_lists": ("l",),
    "pacing": PacingSpec(ratio=3.0),
    "preview": PreviewSpec(timer_us=1),
    "dispositions": (),
    "dnc_target": "l",
    "callback_early_us": 1,
    "personal_wait_us": 1,
}


@pytest.mark.parametrize("state", list(CampaignState))
@pytest.mark.parametrize("name", [field.name for field in fields(CampaignSpec) if field.name != "version"])
def test_which_field_may_change_in_which_state(name, state):
    """Requirement 106. Active: what nothing under way depends on; held: nearly all; ended: nothing."""
    refusal = edit_refusal(state, OLD, replace(OLD, **{name: OTHER[name]}, version=2))
    if state in {STOPPING, STOPPED, COMPLETED}:
        assert refusal == "state"
    elif name in FIXED_NAMES or (state is ACTIVE and name not in SAFE_NAMES):
        assert refusal == name
    else:
        assert refusal is None


@pytest.mark.parametrize("version", [0, 1])
def test_an_edit_is_a_new_version(version):
    """Requirement 106. One that is not higher was made from something that is no more."""
    assert edit_refusal(PAUSED, OLD, replace(OLD, version=version)) == "version"
    assert edit_refusal(PAUSED, OLD, replace(OLD, version=2)) is None


def run(state=ACTIVE):
    made = CampaignRun(1, OLD, ListedContacts([(0,)] * 3), epoch=1)
    made.start(NOON)
    if state is not ACTIVE:
        made.handle([c.PauseCampaign()], NOON)
    return made


def say(made, *batch, now_us=NOON):
    out = made.handle(batch, now_us)
    made.check_invariants()
    said = {}
    for envelope in out:
        said.setdefault(envelope.to, []).append(envelope.message)
    return said


def test_an_active_run_goes_on_with_the_new_version():
    """Requirement 106. The ledger stores it with every later attempt, the scheduler dials by it, the journal knows."""
    made, new = run(), replace(OLD, priority=1, caller_id=12125550198, version=2)
    said = say(made, c.EditCampaign(new))
    assert said[STORE] == [
        c.OpenRun(1, 1, new, made.contacts.zone_sets),
        c.RecordCampaignState(1, "c", ACTIVE, "edited: version 2"),
    ]
    (opened,) = said[SCHEDULER]
    assert isinstance(opened, e.CampaignOpened)
    assert (opened.priority, opened.caller_id) == (1, 12125550198)
    assert made.spec == new


def test_an_edit_that_comes_too_late_changes_nothing():
    """Requirement 106. Made while the run was held, it crossed with the resume: refused, and that is on record."""
    made = run()
    said = say(made, c.EditCampaign(replace(OLD, retry=RetryRule(9), version=2)))
    assert said == {STORE: [c.RecordCampaignState(1, "c", ACTIVE, "version 2 refused: retry")]}
    assert made.spec == OLD


def test_a_run_that_is_held_takes_rules_of_all_kinds():
    """Requirement 106. Hours, retries and dispositions are those of the new version when it is resumed."""
    made = run(PAUSED)
    rules = (DispositionRule("again", retry_us=2 * HOUR_US),)
    new = replace(
        OLD, hours=WeeklyHours.daily(12 * 60, 1440), retry=RetryRule(rest_us=3 * HOUR_US), dispositions=rules, version=2
    )
    assert SCHEDULER not in say(made, c.EditCampaign(new))
    early = say(made, c.ResumeCampaign(), c.RequestLeases("p", 3), now_us=NOON)
    attempts = [message.attempt_id for message in early[STORE] if isinstance(message, c.ProposeIntent)]
    assert len(attempts) == 3
    for attempt, outcome in zip(attempts, (Outcome.BUSY, Outcome.CONNECTED, Outcome.CONNECTED), strict=True):
        end = e.AttemptEnded(attempt, outcome, "a", 0, NOON, 0, 0, NOON)
        say(made, e.IntentAccepted(attempt, NOON, NOON + 5), end, e.OutcomeRecorded(attempt))
    say(
        made,
        e.DispositionSet(attempts[1], "a", "again", "", NOON),
        e.DispositionSet(attempts[2], "a", "sale", "", NOON),
    )
    assert [made.book.place(contact) for contact in range(3)] == [Place.RESTING, Place.RESTING, Place.DONE]
    assert made.book.next_possible_us(0, NOON) == NOON + 3 * HOUR_US
    assert made.book.next_possible_us(1, NOON) == NOON + 2 * HOUR_US
    assert made.book.next_possible_us(1, NOON + 13 * HOUR_US) == NOON + 24 * HOUR_US
