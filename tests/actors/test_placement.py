"""Which actor hosts which agents: properties of the arithmetic, and the words it is configured with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.actors.placement import ACTORS_PER_CPU, AUTO, parse_per_actor, place_one, spread
from dialer.errors import ConfigError

AGENTS = st.integers(0, 3_000)
CPUS = st.integers(1, 128)
LIMITS = st.integers(1, 500)


@given(agents=AGENTS, cpus=CPUS, per_actor=st.one_of(LIMITS, st.just(AUTO)))
def test_every_agent_is_placed_evenly(agents, cpus, per_actor):
    """Sizes add up, nobody's actor is empty, and no two differ by more than one."""
    sizes = spread(agents, per_actor=per_actor, cpus=cpus)
    assert sum(sizes) == agents
    assert all(size >= 1 for size in sizes)
    assert max(sizes, default=0) - min(sizes, default=0) <= 1


@given(agents=AGENTS, cpus=CPUS, limit=LIMITS)
def test_a_number_is_a_limit_reached_with_the_fewest_actors(agents, cpus, limit):
    """No actor holds more, and one actor fewer could not hold them all."""
    sizes = spread(agents, per_actor=limit, cpus=cpus)
    assert all(size <= limit for size in sizes)
    assert agents == 0 or (len(sizes) - 1) * limit < agents


@given(agents=AGENTS, cpus=CPUS)
def test_auto_gives_each_agent_an_actor_while_there_is_room(agents, cpus):
    """As many actors as agents, up to eight for each processor."""
    assert len(spread(agents, per_actor=AUTO, cpus=cpus)) == min(agents, ACTORS_PER_CPU * cpus)


@given(agents=st.integers(0, 200), cpus=st.integers(1, 8), per_actor=st.one_of(st.integers(1, 50), st.just(AUTO)))
def test_agents_who_come_one_by_one_keep_the_rules(agents, cpus, per_actor):
    """No limit is broken, and an actor is started only where the rule asks for one."""
    sizes = {}
    for _ in range(agents):
        name = place_one(sizes, per_actor=per_actor, cpus=cpus)
        if name is None:
            sizes[f"agents/main-{len(sizes)}"] = 1
        else:
            assert sizes[name] == min(sizes.values())
            sizes[name] += 1
    expected = spread(agents, per_actor=per_actor, cpus=cpus)
    assert len(sizes) == len(expected)
    assert sum(sizes.values()) == agents
    if per_actor != AUTO:
        assert all(size <= per_actor for size in sizes.values())


@pytest.mark.parametrize(("text", "value"), [("auto", AUTO), ("1", 1), ("250", 250)])
def test_what_an_operator_may_write(text, value):
    """``auto``, or a number from 1."""
    assert parse_per_actor(text) == value


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "many", "AUTO", "²"])
def test_anything_else_is_refused_with_what_is_allowed(text):
    """One line, which names the allowed values and what was given."""
    with pytest.raises(ConfigError, match="auto or a number from 1") as refused:
        parse_per_actor(text)
    assert repr(text) in str(refused.value)
