"""The campaign run: preview offers, skips and cards."""

from dataclasses import replace

import pytest

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.attempts import RunHistory, Stage
from dialer.domain.campaign import CampaignRun
from dialer.domain.ids import attempt_id, try_of
from dialer.domain.kinds import CampaignState, DialingMode, IntentRefusal, Outcome
from dialer.domain.ledger import STORE
from dialer.domain.message import Address
from dialer.domain.previews import OFFER_PATIENCE_US
from dialer.domain.specs import HOUR_US, MINUTE_US, SECOND_US, CampaignSpec, PreviewSpec
from dialer.domain.standing import Place
from dialer.sim.contacts import ListedContacts

NOON = 1_790_006_400_000_000  # Monday 2026-09-21 16:00 UTC: noon in New York
NUMBER = 12125550100
PREVIEW = PreviewSpec(timer_us=30 * SECOND_US, max_skips=2, max_skips_per_contact=3)
SPEC = CampaignSpec("c", DialingMode.PREVIEW, "p", "t", "q", 12125550199, preview=PREVIEW)
SCHEDULER, AGENT = Address("scheduler", "p"), Address("agent", "a1")
FIRST, SECOND = attempt_id(1, 0, 1), attempt_id(1, 1, 1)
UNTIL_US = NOON + OFFER_PATIENCE_US + MINUTE_US
STALE = IntentRefusal.STALE_EPOCH


def run(size=3, *, spec=SPEC, history=None, epoch=1, agents=None):
    made = CampaignRun(1, spec, ListedContacts([(0,)] * size, agents=agents), epoch=epoch, history=history)
    made.start(NOON)
    return made


def say(made, *batch, now_us=NOON):
    """Messages by receiver, in order, after a batch; the run is checked."""
    out = made.handle(batch, now_us)
    made.check_invariants()
    said = {}
    for envelope in out:
        said.setdefault(envelope.to, []).append(envelope.message)
    return said


def ask(count=1, agent=""):
    return c.RequestLeases("p", count, agent)


def offered(**options):
    """A run that has offered its first contact."""
    made = run(**options)
    say(made, ask())
    return made


def confirmed(**options):
    made = offered(**options)
    say(made, c.ConfirmOffer(FIRST))
    return made


def accepted(attempt=FIRST, at_us=NOON):
    return e.IntentAccepted(attempt, at_us, at_us + 5 * SECOND_US)


def leases(said):
    return [lease for message in said.get(SCHEDULER, ()) if hasattr(message, "leases") for lease in message.leases]


# -- offers ----------------------------------------------------------------------------------------------------------


def test_a_contact_is_offered_without_asking_the_ledger():
    """Requirements 43, 54. The lease has no number and no intent yet, and nobody else gets the contact meanwhile."""
    made = run()
    said = say(made, ask())
    assert said == {SCHEDULER: [e.LeasesGranted("c", (e.Lease(FIRST, 0, 0, UNTIL_US),), 1, 0)]}
    assert (made.book.place(0), made.in_progress()) == (Place.IN_PLAY, 1)
    assert [lease.attempt_id for lease in leases(say(made, ask(5)))] == [SECOND, attempt_id(1, 2, 1)]


def test_an_offer_that_is_confirmed_is_asked_of_the_ledger_and_leased():
    """Requirement 43. The same attempt comes again with number and intent; the request was answered before."""
    made = offered()
    assert say(made, c.ConfirmOffer(FIRST)) == {STORE: [c.ProposeIntent(FIRST, 1, NUMBER, 0)]}
    assert say(made, c.ConfirmOffer(FIRST)) == {}  # told twice
    said = say(made, accepted())
    lease = e.Lease(FIRST, NUMBER, NOON, NOON + 5 * SECOND_US)
    assert said == {SCHEDULER: [e.LeasesGranted("c", (lease,), 0, 0)]}
    call = e.AttemptEnded(FIRST, Outcome.BUSY, "", 17, NOON, 0, 0, NOON)
    assert say(made, call)[STORE] == [c.RecordOutcome("c", call)]
    say(made, e.OutcomeRecorded(FIRST))
    assert (made.book.place(0), made.book.attempts(0)) == (Place.RESTING, 1)


@pytest.mark.parametrize(
    ("reason", "until_us", "place"),
    [
        (IntentRefusal.CAP, NOON + HOUR_US, Place.RESTING),
        (IntentRefusal.DNC, None, Place.DONE),
        (STALE, None, Place.RESTING),
    ],
)
def test_an_offer_that_the_ledger_refuses_is_withdrawn(reason, until_us, place):
    """The agent is free, and the contact goes where any refusal sends it."""
    made = confirmed()
    said = say(made, e.IntentRefused(FIRST, reason, until_us))
    assert said == {SCHEDULER: [e.OfferWithdrawn("c", FIRST, reason)]}
    assert (made.book.place(0), made.refusals) == (place, {reason: 1})


def test_an_offer_that_is_given_back_is_due_at_once():
    """Its agent left: nothing was recorded, so its try number is free again."""
    made = offered(size=1)
    said = say(made, c.ReturnLeases((FIRST,)))
    assert said == {SCHEDULER: [e.LeasesGranted("c", (), 0, 0)]}
    assert (made.book.place(0), made.book.try_no(0), made.in_progress()) == (Place.RESTING, 0, 0)
    assert [lease.attempt_id for lease in leases(say(made, ask()))] == [FIRST]


def test_an_offer_that_is_given_up_after_it_was_confirmed():
    """The ledger's answer is awaited, and the intent closed without a call."""
    made = confirmed()
    assert say(made, c.ReturnLeases((FIRST,))) == {}
    said = say(made, accepted())
    closed = c.RecordOutcome("c", e.AttemptEnded(FIRST, Outcome.WITHDRAWN, "", 0, 0, 0, 0, NOON))
    assert said == {STORE: [closed], SCHEDULER: [e.OfferWithdrawn("c", FIRST, STALE)]}


def test_an_offer_that_nobody_decides_on_goes_back():
    """Requirement 50. After minutes the contact is due for others; a decision that comes later is told so."""
    made = offered(size=1)
    assert made.next_deadline_us() == UNTIL_US
    say(made, now_us=UNTIL_US - 1)
    assert made.in_progress() == 1
    say(made, now_us=UNTIL_US)
    assert (made.in_progress(), made.book.place(0)) == (0, Place.RESTING)
    said = say(made, c.ConfirmOffer(FIRST), now_us=UNTIL_US)
    assert said == {SCHEDULER: [e.OfferWithdrawn("c", FIRST, STALE)]}
    again = leases(say(made, ask(), now_us=UNTIL_US + SECOND_US))
    assert again[0].attempt_id != FIRST  # which is still on a screen


@pytest.mark.parametrize("order", [c.PauseCampaign(), c.StopCampaign(), e.PeerRestarted(SCHEDULER)], ids=repr)
def test_offers_end_with_what_they_were_made_for(order):
    """A run that is held, or a scheduler that has forgotten them: the contact is free, a decision comes too late."""
    made = offered()
    say(made, order)
    assert (made.in_progress(), made.book.place(0)) == (0, Place.RESTING)
    assert say(made, c.SkipOffer(FIRST, "a1"), c.ReturnLeases((FIRST,))).get(STORE, []) == []
    assert say(made, c.ConfirmOffer(FIRST))[SCHEDULER][0] == e.OfferWithdrawn("c", FIRST, STALE)
    assert made.book.try_no(0) == 1


@pytest.mark.parametrize("order", [c.PauseCampaign(), e.PeerRestarted(SCHEDULER)], ids=repr)
def test_what_was_confirmed_before_is_not_dialled_then(order):
    """The ledger's answer finds nobody who wants it: closed without a call."""
    made = confirmed()
    say(made, order)
    said = say(made, accepted())
    assert [record.ended.outcome for record in said[STORE]] == [Outcome.WITHDRAWN]
    assert leases(said) == []


def test_another_incarnation_offers_other_ids():
    """An offer of the one before may still be on a screen: whoever confirms it does not get somebody else's."""
    before, after = offered(size=1), run(1, epoch=2, history=RunHistory(CampaignState.ACTIVE))
    (lease,) = leases(say(after, ask()))
    assert try_of(lease.attempt_id) == 2
    assert lease.attempt_id not in before._open
    assert say(after, c.ConfirmOffer(FIRST)) == {SCHEDULER: [e.OfferWithdrawn("c", FIRST, STALE)]}
    assert after._open[lease.attempt_id].stage is Stage.OFFERED
    say(after, c.ReturnLeases((lease.attempt_id,)))
    assert leases(say(after, ask()))[0].attempt_id == lease.attempt_id


def test_an_agents_own_contact_is_offered_to_the_agent():
    """Requirement 90. The lease says for whom it is."""
    made = run(1, agents={0: "a1"})
    assert leases(say(made, ask())) == []
    (lease,) = leases(say(made, ask(1, "a1")))
    assert (lease.attempt_id, lease.agent) == (FIRST, "a1")


# -- skips -----------------------------------------------------------------------------------------------------------


def test_a_skip_is_recorded_and_the_contact_rests():
    """Requirements 49, 50. Not an attempt; it comes back after the retry period, rather not to the same agent."""
    made = offered(size=1)
    assert say(made, c.SkipOffer(FIRST, "a1"))[STORE] == [c.RecordSkip(FIRST, "a1", NOON)]
    assert say(made, c.SkipOffer(FIRST, "a1")) == {}  # told twice
    assert (made.book.place(0), made.book.attempts(0)) == (Place.RESTING, 0)
    assert leases(say(made, ask(), now_us=NOON + HOUR_US - 1)) == []
    (lease,) = leases(say(made, ask(), now_us=NOON + HOUR_US))
    assert (lease.attempt_id, lease.avoid) == (attempt_id(1, 0, 3), "a1")  # ids of one incarnation are all odd


def test_skips_are_counted_per_agent():
    """Requirement 51. The card says how many are left, and none is less than none."""
    made = run(4)
    for contact in range(3):
        say(made, ask())
        attempt = attempt_id(1, contact, 1)
        (card,) = say(made, c.RequestCard(attempt, "a1"))[AGENT]
        assert card == e.ContactCard(attempt, (("firstName", f"Contact {contact}"),), max(0, 2 - contact))
        assert say(made, c.RequestCard(attempt, "a2"))[Address("agent", "a2")][0].skips_left == 2
        say(made, c.SkipOffer(attempt, "a1"))
    say(made, ask())
    assert say(made, c.RequestCard(attempt_id(1, 3, 1), "a1"))[AGENT][0].skips_left == 0
    free = offered(spec=replace(SPEC, preview=PreviewSpec()))
    assert say(free, c.RequestCard(FIRST, "a1"))[AGENT][0].skips_left is None


def test_a_contact_that_everybody_skips_is_done():
    """Requirement 50. Three skips in this campaign, and the run is over."""
    made = run(1)
    for skips in range(3):
        now_us = NOON + skips * HOUR_US
        (lease,) = leases(say(made, ask(), now_us=now_us))
        say(made, c.SkipOffer(lease.attempt_id, f"a{skips}"), now_us=now_us)
    assert (made.state, made.book.done_by) == (CampaignState.COMPLETED, {"skipped": 1})


def test_a_confirmed_offer_cannot_be_skipped():
    """The decision was made; the skip crossed it on the wire."""
    made = confirmed()
    assert say(made, c.SkipOffer(FIRST, "a1")) == {}
    assert made._open[FIRST].stage is Stage.PROPOSED


def test_skips_survive_a_restart():
    """Requirements 50, 51. The agent's count, the contact's rest, and an id that is not used again."""
    history = RunHistory(CampaignState.ACTIVE, skips=[(FIRST, "a1", NOON), (SECOND, "a1", NOON)])
    made = run(2, history=history, epoch=2)
    assert leases(say(made, ask(2))) == []
    found = leases(say(made, ask(2), now_us=NOON + HOUR_US))
    assert [(try_of(lease.attempt_id), lease.avoid) for lease in found] == [(2, "a1"), (2, "a1")]
    assert say(made, c.RequestCard(found[0].attempt_id, "a1"))[AGENT][0].skips_left == 0


# -- cards -----------------------------------------------------------------------------------------------------------


def test_the_card_is_there_through_wrap_up():
    """Requirement 53. For an offer, a call, and after it; not for what is not of this run."""
    made = confirmed()
    card = e.ContactCard(FIRST, (("firstName", "Contact 0"),), 2)
    wanted = c.RequestCard(FIRST, "a1")
    assert say(made, wanted) == {AGENT: [card]}
    say(made, accepted(), e.AttemptEnded(FIRST, Outcome.CONNECTED, "a1", 16, NOON, NOON, NOON, NOON))
    say(made, e.OutcomeRecorded(FIRST))
    assert say(made, wanted) == {AGENT: [card]}
    for other in (attempt_id(2, 0, 1), attempt_id(1, 0, 2), attempt_id(1, 2, 1)):
        assert say(made, c.RequestCard(other, "a1")) == {}
