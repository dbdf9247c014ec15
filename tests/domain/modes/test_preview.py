"""Facts about preview dialling: offers, decisions, and lines that are only wanted after them."""

from __future__ import annotations

import pytest

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.calls import Stage
from dialer.domain.kinds import AgentState, CampaignState, IntentRefusal, Outcome
from dialer.domain.offers import CONFIRM_PATIENCE_US, DECISION_MARGIN_US
from dialer.domain.specs import SECOND_US

LOOK_US = 30 * SECOND_US
TRUNK = "trunk/t1"
CAMPAIGN = "campaign/c1"


def preview(new, *, agents=("a1",), offers=1, **options):
    """A scheduler that has shown an offer to the longest-idle agents."""
    bench = new()
    bench.open("preview")
    bench.said = bench.idle(*agents)
    bench.said += bench.tell(bench.granted(offers, offer=True, **options))
    return bench


def confirming(new, **options):
    """The same, and the first agent wants to dial."""
    bench = preview(new, **options)
    bench.said = bench.promised()
    return bench


def allowed(bench, number=1):
    """The ledger has allowed the offered contact."""
    lease = e.Lease(bench.call(number), 12025550000 + number, bench.now_us, bench.now_us + bench.ttl_us)
    return bench.tell(e.LeasesGranted("c1", (lease,), 0, 0))


def ready(new):
    """The same, and the ledger has allowed it, but there is no line."""
    bench = confirming(new)
    bench.said = allowed(bench)
    return bench


def dialling(new):
    """The same, and it is being dialled."""
    bench = ready(new)
    bench.said = bench.tell(e.CreditsGranted("t1", 1))
    return bench


def test_offers_are_asked_for_the_idle_agents(new):
    """Requirement 44. However few lines there are: nobody needs one to look."""
    bench = preview(new, agents=("a1", "a2", "a3"))
    asked = sum(ask.count for ask in bench.said.of(c.RequestLeases))
    assert asked == 3
    assert bench.said.of(c.RequestCredits) == []


def test_the_longest_idle_agent_looks_first(new):
    """Requirements 43, 44, 46, 47."""
    bench = preview(new, agents=("a1", "a2"))
    (ask,) = bench.said.of(c.ReserveAgent)
    assert (ask.agent, ask.attempt_id, ask.preview_us) == ("a1", bench.call(), LOOK_US)
    assert bench.said.of(c.Originate) == bench.said.of(c.ConfirmOffer) == []
    assert bench.stage() is Stage.OFFERED
    assert bench.card().in_progress == 0  # nothing is dialled


def test_no_line_is_set_aside_while_an_agent_looks(new):
    bench = preview(new)
    bench.tell(e.CreditsGranted("t1", 1))
    trunk = bench.scheduler.pool.trunks["t1"]
    assert (trunk.matched, trunk.wanted) == (0, 0)


def test_rather_not_who_has_skipped_it(new):
    """Requirement 49."""
    bench = preview(new, agents=("a1", "a2"), avoid="a1")
    assert [ask.agent for ask in bench.said.of(c.ReserveAgent)] == ["a2"]
    bench = preview(new, agents=("a1",), avoid="a1")
    assert [ask.agent for ask in bench.said.of(c.ReserveAgent)] == ["a1"]


def test_a_decision_asks_the_ledger_and_for_a_line(new):
    """Requirements 48, 52: the agent's timer decides like the agent."""
    bench = confirming(new)
    assert (CAMPAIGN, c.ConfirmOffer(bench.call())) in bench.said
    assert (TRUNK, c.RequestCredits("p1", 1)) in bench.said
    assert bench.said.of(c.Originate) == []


def test_what_the_ledger_allows_is_dialled_with_a_line(new):
    bench = confirming(new)
    bench.tell(e.CreditsGranted("t1", 1))
    assert bench.sent(allowed(bench)) == [1]
    assert bench.card().in_progress == 1


def test_what_the_ledger_allows_waits_for_a_line(new):
    bench = ready(new)
    assert bench.stage() is Stage.READY
    assert bench.sent(bench.said) == []
    said = bench.tell(e.CreditsGranted("t1", 1), after_us=SECOND_US)
    (order,) = said.of(c.Originate)
    assert (order.intent_us, order.not_after_us) == (bench.born, bench.born + bench.ttl_us)


def test_no_line_before_the_intent_lapses(new):
    bench = ready(new)
    said = bench.tell(after_us=bench.ttl_us)
    assert said.of(c.ReleaseAgent) == [c.ReleaseAgent("a1", bench.call())]
    assert said.of(c.ReturnLeases) == [c.ReturnLeases((bench.call(),))]
    assert bench.sent(bench.tell(e.CreditsGranted("t1", 1))) == []


def test_the_agent_who_dialled_is_joined(new):
    bench = dialling(new)
    assert bench.answered() == [(TRUNK, c.JoinAgent(bench.call(), "a1", 1))]


def test_nobody_answers_and_the_agent_is_free(new):
    bench = dialling(new)
    assert bench.ended(1, Outcome.NO_ANSWER).of(c.ReleaseAgent) == [c.ReleaseAgent("a1", bench.call())]


def test_a_skip_goes_to_the_campaign_and_the_agent_is_not_released(new):
    """Requirement 49: the agent says by itself that it is idle."""
    bench = preview(new)
    said = bench.tell(e.OfferSkipped("a1", 1, bench.call()))
    assert (CAMPAIGN, c.SkipOffer(bench.call(), "a1")) in said
    assert said.of(c.ReleaseAgent) == said.of(c.ReturnLeases) == []
    assert bench.stage() is None
    bench.idle("a1")
    assert [ask.agent for ask in bench.tell(bench.granted(1, offer=True)).of(c.ReserveAgent)] == ["a1"]


def test_a_skip_of_what_was_taken_back_is_nothing(new):
    bench = preview(new)
    bench.tell(e.CampaignClosed("c1", CampaignState.PAUSED))
    assert bench.tell(e.OfferSkipped("a1", 1, bench.call())) == []
    assert bench.tell(e.OfferSkipped("a9", 1, bench.call())) == []


def test_a_withdrawn_offer_frees_the_agent(new):
    bench = confirming(new)
    said = bench.tell(e.OfferWithdrawn("c1", bench.call(), IntentRefusal.DNC))
    assert said.of(c.ReleaseAgent) == [c.ReleaseAgent("a1", bench.call())]
    assert said.of(c.ReturnLeases) == []
    assert bench.stage() is None
    assert bench.tell(e.OfferWithdrawn("c1", bench.call(), IntentRefusal.DNC)) == []


def test_a_campaign_that_does_not_answer_is_not_waited_for(new):
    bench = confirming(new)
    assert bench.scheduler.next_deadline_us() <= bench.now_us + CONFIRM_PATIENCE_US
    said = bench.tell(after_us=CONFIRM_PATIENCE_US)
    assert said.of(c.ReleaseAgent) == [c.ReleaseAgent("a1", bench.call())]
    assert said.of(c.ReturnLeases) == [c.ReturnLeases((bench.call(),))]
    said = allowed(bench)  # too late: it goes back, and is never dialled
    assert said.of(c.ReturnLeases) == [c.ReturnLeases((bench.call(),))]
    assert bench.sent(bench.tell(e.CreditsGranted("t1", 5))) == []


def test_an_agent_that_never_decides_loses_the_offer(new):
    bench = preview(new)
    assert bench.tell(after_us=LOOK_US + DECISION_MARGIN_US - 1).of(c.ReleaseAgent) == []
    said = bench.tell(after_us=1)
    assert said.of(c.ReleaseAgent) == [c.ReleaseAgent("a1", bench.call())]
    assert said.of(c.ReturnLeases) == [c.ReturnLeases((bench.call(),))]


def test_the_promise_lasts_for_the_call_from_the_decision_on(new):
    bench = preview(new)
    (ask,) = bench.said.of(c.ReserveAgent)
    assert ask.until_us - bench.now_us >= CONFIRM_PATIENCE_US + bench.ttl_us + bench.card().opened.ring_timeout_us


def test_an_agent_that_refuses_leaves_the_offer_to_the_next(new):
    bench = preview(new, agents=("a1", "a2"))
    said = bench.tell(e.ReservationRefused("a1", 1, bench.call()))
    assert [(ask.agent, ask.attempt_id) for ask in said.of(c.ReserveAgent)] == [("a2", bench.call())]


def test_an_agent_that_is_lost_while_it_looks_leaves_the_offer_to_the_next(new):
    bench = preview(new, agents=("a1", "a2"))
    said = bench.tell(e.AgentUnavailable("a1", 2, AgentState.RECOVERING, 0))
    assert [ask.agent for ask in said.of(c.ReserveAgent)] == ["a2"]


@pytest.mark.parametrize("make", [confirming, ready])
def test_an_agent_that_is_lost_after_its_decision_dials_nothing(new, make):
    bench = make(new)
    said = bench.tell(e.AgentUnavailable("a1", 2, AgentState.RECOVERING, 0))
    assert said.of(c.ReturnLeases) == [c.ReturnLeases((bench.call(),))]
    assert bench.stage() is None


def test_offers_nobody_looks_at_go_back_in_time(new):
    bench = preview(new, agents=(), offers=2)
    assert bench.tell(after_us=60 * SECOND_US - 1).of(c.ReturnLeases) == []
    said = bench.tell(after_us=1)
    assert said.of(c.ReturnLeases) == [c.ReturnLeases((bench.call(1), bench.call(2)))]


@pytest.mark.parametrize("make", [preview, confirming, ready])
def test_a_closed_campaign_has_its_offers_back(new, make):
    bench = make(new)
    bench.tell(bench.granted(1, offer=True))
    said = bench.tell(e.CampaignClosed("c1", CampaignState.STOPPING))
    assert sorted(sum((back.attempt_ids for back in said.of(c.ReturnLeases)), ())) == [bench.call(1), bench.call(2)]
    assert said.of(c.ReleaseAgent) == [c.ReleaseAgent("a1", bench.call())]


@pytest.mark.parametrize("make", [preview, confirming])
def test_a_reborn_campaign_knows_no_offers(new, make):
    """It may offer the same contact under the same attempt again: nobody may hold it still."""
    bench = make(new)
    bench.tell(bench.granted(1, offer=True))
    said = bench.tell(bench.opened("preview", epoch=2))
    assert said.of(c.ReleaseAgent) == [c.ReleaseAgent("a1", bench.call())]
    assert said.of(c.ReturnLeases) == []
    assert len(bench.scheduler.pool.calls) == len(bench.card().stock) == 0
    bench.contact = 0
    bench.idle("a1")
    assert [ask.attempt_id for ask in bench.tell(bench.granted(1, offer=True)).of(c.ReserveAgent)] == [bench.call()]


def test_a_reborn_scheduler_releases_an_agent_who_looks(new):
    bench = new(trunk=False)
    bench.open("preview")
    said = bench.tell(e.AgentUnavailable("a1", 1, AgentState.PREVIEW, bench.call()))
    assert said.of(c.ReleaseAgent) == [c.ReleaseAgent("a1", bench.call())]


def test_a_reborn_trunk_takes_no_offers_away(new):
    bench = preview(new, agents=(), offers=2)
    assert bench.tell(e.TrunkOpened("t1", 2, bench.now_us, ())).of(c.ReturnLeases) == []
    assert len(bench.card().stock) == 2


def test_a_trunk_that_is_silent_gets_nothing_and_nobody_looks_in_vain(new):
    bench = confirming(new)
    bench.restarted("trunk", "t1")
    bench.tell(e.CreditsGranted("t1", 1))
    assert bench.sent(allowed(bench)) == []
    bench.idle("a2")
    assert bench.tell(bench.granted(1, offer=True)).of(c.ReserveAgent) == []
    assert "trunk" in bench.card().reason
