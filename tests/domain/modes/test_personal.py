"""Facts about contacts of one agent's own: asked for when the agent is idle, and for nobody else."""

from __future__ import annotations

import pytest

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.kinds import AgentState, CampaignState
from dialer.domain.specs import SECOND_US
from dialer.domain.supply import PERSONAL_PATIENCE_US

MODES = ["progressive", "preview", "power", "predictive"]


def personal(new, mode="progressive", *, agents=("a1", "a2"), whose=("a2",), **options):
    """A campaign says that contacts of some agents' own are due, while agents are idle and others are in stock."""
    bench = new()
    bench.open(mode, **options)
    bench.tell(bench.granted(0, asked=0, next_us=None, personal=whose))
    bench.said = bench.idle(*agents)
    return bench


def own(bench, agent="a2", **options):
    """The ledger has allowed the contact of an agent's own."""
    offer = bench.card().policy.offers
    return bench.granted(1, agent=agent, offer=offer, next_us=None, **options)


@pytest.mark.parametrize("mode", MODES)
def test_an_idle_agent_is_asked_for_by_name(new, mode):
    bench = personal(new, mode)
    assert bench.said.of(c.RequestLeases) == [c.RequestLeases("p1", 1, "a2")]


@pytest.mark.parametrize("mode", MODES)
def test_nobody_else_gets_it(new, mode):
    bench = personal(new, mode)
    said = bench.tell(e.CreditsGranted("t1", 5), own(bench))
    assert [(ask.agent, ask.attempt_id) for ask in said.of(c.ReserveAgent)] == [("a2", bench.call(1))]


def test_it_is_asked_for_before_any_other(new):
    bench = new()
    bench.open("progressive")
    bench.tell(bench.granted(0, asked=0, personal=("a1",)))
    said = bench.idle("a1", "a2")
    asks = said.of(c.RequestLeases)
    assert [ask.agent for ask in asks] == ["a1"]
    said = bench.tell(e.CreditsGranted("t1", 5))
    assert [ask.agent for ask in said.of(c.RequestLeases)] == [""]


def test_the_agent_is_kept_for_it(new):
    """Contacts in stock go to others meanwhile."""
    bench = personal(new, whose=("a1",))
    said = bench.tell(e.CreditsGranted("t1", 5), bench.granted(2, personal=("a1",), asked=0))
    assert [ask.agent for ask in said.of(c.ReserveAgent)] == ["a2"]
    said = bench.tell(own(bench, "a1"))
    assert [(ask.agent, ask.attempt_id) for ask in said.of(c.ReserveAgent)] == [("a1", bench.call(3))]


def test_the_agent_is_not_kept_when_there_is_none_after_all(new):
    bench = personal(new, agents=("a1",), whose=("a1",))
    said = bench.tell(e.CreditsGranted("t1", 5), bench.granted(1, asked=0, personal=("a1",)))
    assert said.of(c.ReserveAgent) == []
    said = bench.tell(e.LeasesGranted("c1", (), 1, 0, ()))
    assert [ask.agent for ask in said.of(c.ReserveAgent)] == ["a1"]


def test_a_request_that_is_lost_is_repeated(new):
    bench = personal(new)
    assert bench.tell(after_us=PERSONAL_PATIENCE_US - 1).of(c.RequestLeases) == []
    assert bench.scheduler.next_deadline_us() == bench.now_us + 1
    assert [ask.agent for ask in bench.tell(after_us=1).of(c.RequestLeases)] == ["a2"]


def test_it_goes_back_if_its_agent_cannot_take_it(new):
    bench = personal(new)
    bench.tell(e.AgentUnavailable("a2", 1, AgentState.BREAK, 0))
    said = bench.tell(e.CreditsGranted("t1", 5), own(bench))
    assert said.of(c.ReturnLeases) == [c.ReturnLeases((bench.call(1),))]
    assert said.of(c.ReserveAgent) == []


def test_it_waits_for_a_line_while_its_agent_is_idle(new):
    bench = personal(new)
    said = bench.tell(own(bench))
    assert said.of(c.ReserveAgent) == []
    assert said.of(c.RequestCredits) == [c.RequestCredits("p1", 1)]
    assert [ask.agent for ask in bench.tell(e.CreditsGranted("t1", 1)).of(c.ReserveAgent)] == ["a2"]


def test_it_goes_back_when_its_time_has_passed(new):
    bench = personal(new)
    bench.tell(own(bench))
    assert bench.tell(after_us=bench.ttl_us).of(c.ReturnLeases) == [c.ReturnLeases((bench.call(1),))]


def test_it_goes_back_when_the_campaign_closes(new):
    bench = personal(new)
    bench.tell(own(bench))
    said = bench.tell(e.CampaignClosed("c1", CampaignState.PAUSED))
    assert said.of(c.ReturnLeases) == [c.ReturnLeases((bench.call(1),))]


def test_an_agent_that_refuses_gives_it_back(new):
    bench = personal(new)
    bench.tell(e.CreditsGranted("t1", 5), own(bench))
    said = bench.tell(e.ReservationRefused("a2", 1, bench.call(1)))
    assert said.of(c.ReturnLeases) == [c.ReturnLeases((bench.call(1),))]


def test_an_agent_of_a_higher_priority_is_not_taken_away(new):
    bench = new()
    bench.open("progressive", "high", 2, priority=5)
    bench.open("progressive", priority=1)
    bench.tell(bench.granted(0, asked=0, next_us=None, personal=("a1",)))
    said = bench.idle("a1")
    assert "a1" not in [ask.agent for ask in said.of(c.RequestLeases)]
    said = bench.tell(e.LeasesGranted("high", (), 9, None))
    assert [ask.agent for ask in said.of(c.RequestLeases)] == ["a1"]


def test_in_power_dialling_it_is_one_call(new):
    bench = personal(new, "power", ratio=3.0, live_answers=10**6)
    bench.tell(e.CreditsGranted("t1", 9), own(bench))
    assert len(bench.scheduler.pool.calls) == 1
    assert bench.sent(bench.promised("a2", 1)) == [1]


def test_a_look_at_it_needs_no_line(new):
    bench = personal(new, "preview")
    said = bench.tell(own(bench))
    (ask,) = said.of(c.ReserveAgent)
    assert (ask.agent, ask.preview_us) == ("a2", 30 * SECOND_US)
    assert said.of(c.RequestCredits) == []
