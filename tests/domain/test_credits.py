"""Facts about the credits of a trunk."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.domain.credits import Credits
from dialer.errors import InvariantError


def asked(**wanted: int) -> Credits:
    credit = Credits()
    for pool, count in wanted.items():
        credit.request(pool, count)
    return credit


def test_equal_parts_and_no_more_than_wanted():
    """Room is shared equally; what one pool does not want goes to the others."""
    assert dict(asked(a=100, b=2, c=100).grant(30)) == {"a": 14, "b": 2, "c": 14}
    assert dict(asked(a=3, b=2).grant(30)) == {"a": 3, "b": 2}


def test_single_credits_go_in_turn():
    """When there is room for one only, each pool has its turn."""
    credit = asked(a=9, b=9, c=9)
    assert [credit.grant(1)[0][0] for _ in range(6)] == ["a", "b", "c", "a", "b", "c"]


def test_latest_request_replaces_and_takes_nothing_back():
    """A smaller request stops further grants; what is out stays out."""
    credit = asked(a=5)
    assert credit.grant(9) == [("a", 5)]
    credit.request("a", 2)
    assert (credit.grant(9), credit.outstanding, credit.needed()) == ([], 5, False)
    credit.request("a", 7)
    assert credit.grant(9) == [("a", 2)]


def test_request_for_none_gives_back():
    """A pool that has nothing to place holds nothing that others could use, and may ask anew."""
    credit = asked(a=5)
    credit.grant(9)
    credit.request("a", 0)
    assert (credit.outstanding, credit.use("a")) == (0, False)
    credit.request("a", 3)
    assert credit.grant(9) == [("a", 3)]


def test_use_counts_towards_the_request():
    """Each call placed is one less to be placed; without a credit the answer is no."""
    credit = asked(a=2)
    credit.grant(9)
    assert [credit.use("a") for _ in range(3)] == [True, True, False]
    assert (credit.outstanding, credit.needed()) == (0, False)
    assert not credit.use("stranger")


def test_void_forgets_credits_and_request():
    """A reborn pool starts from nothing; a pool that never asked has nothing to void."""
    credit = asked(a=5, b=1)
    credit.grant(4)
    credit.void("a")
    credit.void("stranger")
    assert (credit.outstanding, credit.grant(9)) == (1, [])


def test_no_room_no_credits():
    """Less than no room, as after adopting more calls than there are lines, grants nothing."""
    assert asked(a=5).grant(0) == asked(a=5).grant(-3) == []


def test_wrong_sum_is_found():
    """The check of invariants sees a credit that got lost."""
    credit = asked(a=5)
    credit.grant(5)
    credit.outstanding -= 1
    with pytest.raises(InvariantError, match="sum of credits"):
        credit.check_invariants()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("request"), st.sampled_from("abcd"), st.integers(0, 20)),
        st.tuples(st.just("grant"), st.just(""), st.integers(-2, 25)),
        st.tuples(st.just("use"), st.sampled_from("abcd"), st.just(0)),
        st.tuples(st.just("void"), st.sampled_from("abcd"), st.just(0)),
    ),
    max_size=60,
)


@given(steps=STEPS)
def test_grants_fill_the_room_or_the_need(steps):
    """A grant gives all the room or all that is needed, whichever is less, and no pool far more than another."""
    credit, held, wanted = Credits(), dict.fromkeys("abcd", 0), dict.fromkeys("abcd", 0)
    for what, pool, count in steps:
        if what == "request":
            credit.request(pool, count)
            wanted[pool] = count
            held[pool] *= count > 0
        elif what == "use":
            assert credit.use(pool) == (held[pool] > 0)
            held[pool] = max(0, held[pool] - 1)
            wanted[pool] = max(0, wanted[pool] - 1)
        elif what == "void":
            credit.void(pool)
            held[pool] = wanted[pool] = 0
        else:
            needs = {name: wanted[name] - held[name] for name in held if wanted[name] > held[name]}
            granted = dict(credit.grant(count))
            assert sum(granted.values()) == min(max(0, count), sum(needs.values()))
            short = [granted.get(name, 0) for name, need in needs.items() if granted.get(name, 0) < need]
            assert max(granted.values(), default=0) - min(short, default=10**9) <= 1
            for name, more in granted.items():
                held[name] += more
        credit.check_invariants()
        assert credit.outstanding == sum(held.values())
