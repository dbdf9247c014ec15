"""Facts about the roster: who of a queue has been idle for longest, checked against the plain way to find out."""

from __future__ import annotations

from random import Random

import pytest

from dialer.domain.roster import Hold, Roster
from dialer.errors import InvariantError

QUEUES = [("q",), ("r",), ("q", "r"), ("r", "s")]


def longest(roster, queue, held=()):
    """The plain way: look at everybody."""
    idle = [
        (card.since_us, card.agent)
        for card in roster.cards.values()
        if card.hold is Hold.IDLE and queue in card.queues and not set(held) & set(card.queues)
    ]
    return min(idle)[1] if idle else None


def test_longest_idle_first_whatever_the_order_of_speaking():
    roster = Roster()
    for agent, since_us in (("a", 30), ("b", 10), ("c", 20)):
        roster.idle(roster.card(agent, 1), ("q",), since_us)
    assert roster.longest_idle("q").agent == "b"
    roster.take(roster.cards["b"], 7)
    assert roster.longest_idle("q").agent == "c"
    assert roster.cards["b"].hold is Hold.ASKED
    assert roster.cards["b"].attempt_id == 7


def test_nobody_is_in_a_queue_nobody_has_spoken_of():
    assert Roster().longest_idle("q") is None
    assert Roster().idle_count("q") == 0


def test_an_earlier_incarnation_has_no_card():
    roster = Roster()
    card = roster.card("a", 3)
    assert roster.card("a", 2) is None
    assert roster.card("a", 3) is card
    assert roster.card("a", 4) is card  # the caller takes note of the new one


def test_agents_of_held_queues_are_kept():
    roster = Roster()
    roster.idle(roster.card("a", 1), ("q", "r"), 1)
    roster.idle(roster.card("b", 1), ("q",), 2)
    assert roster.longest_idle("q").agent == "a"
    assert roster.longest_idle("q", {"r"}).agent == "b"
    assert roster.idle_count("q", {"r"}) == 1
    assert roster.longest_idle("q", {"q"}) is None


def test_an_agent_may_change_queues():
    roster = Roster()
    card = roster.card("a", 1)
    roster.idle(card, ("q",), 1)
    roster.idle(card, ("r",), 1)
    assert roster.longest_idle("q") is None
    assert roster.longest_idle("r") is card
    roster.check_invariants()


@pytest.mark.parametrize("seed", range(20))
def test_any_sequence_agrees_with_the_plain_way(seed):
    rng, roster = Random(seed), Roster()
    for step in range(400):
        card = roster.card(f"a{rng.randrange(8)}", 1)
        move = rng.randrange(4)
        if move < 2:
            roster.idle(card, QUEUES[rng.randrange(len(QUEUES))], rng.randrange(50))
        elif move == 2:
            roster.take(card, step)
        else:
            roster.away(card, step)
        roster.check_invariants()
        held = {"s"} if rng.random() < 0.5 else set()
        for queue in ("q", "r", "s"):
            found = roster.longest_idle(queue, held)
            assert (None if found is None else found.agent) == longest(roster, queue, held)
            assert (roster.idle_count(queue, held) == 0) is (found is None)


def test_a_wrong_count_is_found():
    roster = Roster()
    roster.idle(roster.card("a", 1), ("q",), 1)
    roster._idle["q",] = 2
    with pytest.raises(InvariantError, match="idle agents"):
        roster.check_invariants()


def test_a_lost_agent_is_found():
    roster = Roster()
    roster.idle(roster.card("a", 1), ("q",), 1)
    roster._heaps["q",].clear()
    with pytest.raises(InvariantError, match="every idle agent can be found"):
        roster.check_invariants()
