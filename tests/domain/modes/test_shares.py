"""Facts about dividing agents among campaigns: strictly by priority, or in proportion to the priorities."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.ids import attempt_id, run_of
from dialer.domain.kinds import Outcome


class Pool:
    """Campaigns that always have contacts unless told otherwise, a trunk that always has lines, agents that come."""

    def __init__(self, new, priorities, *, shares=True, mode="progressive", seed=1, **options):
        self.bench = new(shares=shares, seed=seed)
        self.taken = Counter()
        self.dry = set()
        self.next = 0
        for run_no, priority in enumerate(priorities, 1):
            self.settle(self.bench.open(mode, f"c{run_no}", run_no, priority=priority, live_answers=10**6, **options))

    def settle(self, said):
        """Answer what was asked for, until nothing is; then all calls end."""
        while said:
            news = []
            for to, message in said:
                name = to.removeprefix("campaign/")
                if type(message) is c.RequestLeases:
                    news.append(self.leases(name, message.count))
                elif type(message) is c.RequestCredits and message.wanted:
                    news.append(e.CreditsGranted("t1", message.wanted))
                elif type(message) is c.ReserveAgent:
                    self.taken[message.campaign] += 1
                    news.append(e.AgentReserved(message.agent, 1, message.attempt_id))
                elif type(message) is c.Originate:
                    news.append(e.CallEnded(message.attempt_id, "", Outcome.BUSY, self.bench.now_us))
            said = self.bench.tell(*news) if news else []

    def leases(self, name, count):
        """What a campaign answers."""
        if name in self.dry:
            return e.LeasesGranted(name, (), count, None)
        return self.bench.granted(count, name, int(name[1:]))

    def agent(self):
        """An agent comes, takes a call, and goes."""
        self.next += 1
        self.bench.now_us += 700_000
        self.settle(self.bench.idle(f"a{self.next}"))

    def wake(self, name):
        """A campaign has contacts again."""
        self.dry.discard(name)
        self.settle(self.bench.tell(e.LeasesGranted(name, (), 0, 0)))

    def sleep(self, name):
        """A campaign has no contacts for now."""
        self.dry.add(name)


def test_shares_converge_to_the_priorities(new):
    pool = Pool(new, (5, 5, 4))
    for _ in range(700):
        pool.agent()
    assert sum(pool.taken.values()) == 700
    for name, priority in (("c1", 5), ("c2", 5), ("c3", 4)):
        assert pool.taken[name] == pytest.approx(700 * priority / 14, rel=0.05)


def test_strictly_the_lower_one_starts_when_no_higher_one_has_anything_to_dial(new):
    """Requirements 40, 41, 42."""
    pool = Pool(new, (5, 5, 4), shares=False)
    for _ in range(200):
        pool.agent()
    assert pool.taken["c3"] == 0
    assert 60 < pool.taken["c1"] < 140
    pool.sleep("c1")
    for _ in range(50):
        pool.agent()
    assert pool.taken["c3"] == 0
    pool.sleep("c2")
    for _ in range(50):
        pool.agent()
    assert pool.taken["c3"] >= 49


def test_power_shares_agents_not_calls(new):
    pool = Pool(new, (4, 2), mode="power", ratio=3.0)
    for _ in range(300):
        pool.agent()
    assert pool.taken["c1"] == pytest.approx(200, rel=0.05)


def test_nobody_with_something_to_dial_is_starved(new):
    pool = Pool(new, (5, 1))
    for _ in range(60):
        pool.agent()
    assert pool.taken["c2"] == pytest.approx(10, abs=1)


def test_a_campaign_without_contacts_saves_nothing_up(new):
    pool = Pool(new, (3, 3))
    pool.sleep("c2")
    for _ in range(100):
        pool.agent()
    before = pool.taken["c2"]
    pool.wake("c2")
    for _ in range(100):
        pool.agent()
    assert pool.taken["c2"] - before == pytest.approx(50, abs=3)


def test_a_campaign_that_does_not_answer_keeps_no_agent_for_long(new):
    pool = Pool(new, (5, 1))
    bench = pool.bench
    bench.card("c1").turn = -1.0  # its turn has come
    bench.tell(e.AgentIdle("b1", 1, ("q",), bench.now_us))
    asked = bench.card("c1").asked
    assert asked == 1
    bench.tell(bench.granted(1, "c2", 2), e.CreditsGranted("t1", 2))
    assert bench.tell(after_us=1_900_000).of(c.ReserveAgent) == []
    assert [ask.campaign for ask in bench.tell(bench.granted(1, "c2", 2), after_us=100_000).of(c.ReserveAgent)] == [
        "c2"
    ]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    priorities=st.lists(st.integers(1, 5), min_size=2, max_size=4),
    naps=st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=12),
    shares=st.booleans(),
)
def test_agents_never_idle_while_somebody_has_contacts(new, priorities, naps, shares):
    """Whoever comes and goes: each agent that comes gets a call of somebody who has contacts."""
    pool = Pool(new, priorities, shares=shares)
    for which, awake in naps:
        name = f"c{1 + which % len(priorities)}"
        (pool.wake if awake else pool.sleep)(name)
        before = pool.taken.total()
        pool.agent()
        expected = 0 if len(pool.dry) == len(priorities) else 1
        assert pool.taken.total() - before >= expected


def test_a_run_is_what_its_attempts_say(new):
    """The helper above counts by campaign; attempts agree with it."""
    pool = Pool(new, (5,))
    pool.agent()
    assert run_of(attempt_id(1, 1, 1)) == 1
    assert pool.taken == {"c1": 1}
