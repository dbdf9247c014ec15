"""The courier: batches, delivery exactly once over every failure, news of restarts, timers and pace."""

import asyncio
import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialer.domain.events import PeerRestarted
from dialer.domain.link import Verdict
from dialer.domain.message import Address, Envelope

A, B, C = Address("campaign", "a"), Address("trunk", "b"), Address("store", "c")
STAFF = Address("agents", "1")
ANN, BOB = Address("agent", "ann"), Address("agent", "bob")


def test_one_step_sends_one_delivery_to_each_host(play, rig):
    """All that has arrived is handled in one step; each destination gets one batch, in the order it was said."""
    network = rig.network()

    async def story():
        b, c = rig.machine(B), rig.machine(C)
        network.host(B, [b])
        network.host(C, [c])
        a = network.host(A, [rig.machine(A, reply=lambda batch: [Envelope(w[0], w[1]) for w in batch])])
        a.queue(rig.words(A, (B, 1), (C, 2), (B, 3), (C, 4), (B, 5)))
        await rig.quiet()
        return a, b, c

    a, b, c = play(story)
    assert (a.steps, b.heard, c.heard) == (1, [1, 3, 5], [2, 4])
    assert len({(delivery.seq, delivery.batch) for delivery in network.sent}) == 2


def test_what_is_said_meanwhile_joins_the_next_delivery(play, rig):
    """One delivery per destination is in the air: a hundred messages of one round trip travel in one batch."""
    network = rig.network()

    async def story():
        network.host(B, [rig.machine(B)])
        a = network.host(A, [rig.machine(A, reply=lambda batch: rig.words(B, *batch))])
        a.queue(rig.words(A, 0))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for number in range(1, 101):
            a.queue(rig.words(A, number))
        await rig.quiet()

    play(story)
    batches = [tuple(envelope.message for envelope in delivery.batch) for delivery in network.sent]
    assert list(dict.fromkeys(batches)) == [(0,), tuple(range(1, 101))]


def test_the_first_delivery_learns_the_incarnation_of_the_receiver(play, rig):
    """It names incarnation 0, is answered with the true one, and goes again to that; nobody is told of a restart."""
    network = rig.network()

    async def story():
        b = rig.machine(B)
        network.host(B, [b], epoch=4)
        a = rig.machine(A, says=rig.words(B, "hello"))
        network.host(A, [a])
        await rig.quiet()
        return a, b

    a, b = play(story)
    assert [(delivery.receiver_epoch, delivery.seq) for delivery in network.sent] == [(0, 1), (4, 1)]
    assert (a.heard, b.heard) == ([], ["hello"])


FAULTS = st.lists(st.sampled_from(["lost", "unanswered", "twice", "ok"]), max_size=40)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=FAULTS, talk=st.lists(st.integers(1, 4), min_size=1, max_size=10))
def test_every_message_arrives_once_and_in_order(play, rig, plan, talk):
    """Whatever is lost, repeated or left unanswered, in both directions at the same time."""

    async def story():
        network = rig.network(plan)
        a = rig.machine(A, reply=lambda batch: rig.words(B, *(w for w in batch if isinstance(w, int))))
        b = rig.machine(B, reply=lambda batch: rig.words(A, *(f"got {w}" for w in batch)))
        network.host(B, [b])
        host = network.host(A, [a])
        word = 0
        for size in talk:
            host.queue(rig.words(A, *range(word, word + size)))
            word += size
            await asyncio.sleep(0.0015)
        await rig.quiet(60.0)
        return word, a, b

    word, a, b = play(story)
    assert b.heard == list(range(word))
    assert [w for w in a.heard if isinstance(w, str)] == [f"got {w}" for w in range(word)]


def test_a_delivery_without_an_answer_is_repeated_with_its_number(play, rig):
    """An error never means that it did not arrive: the same batch goes again, after a pause, until it is answered."""
    network = rig.network(["ok", "unanswered", "unanswered", "lost"])

    async def story():
        b = rig.machine(B)
        network.host(B, [b])
        network.host(A, [rig.machine(A, says=rig.words(B, "once"))])
        await rig.quiet(3 * rig.resend_s + 0.1)
        return b

    b = play(story)
    assert b.heard == ["once"]
    assert len(network.sent) == 5  # to learn the incarnation, three that failed, one that was answered
    assert {(delivery.seq, delivery.batch) for delivery in network.sent} == {(1, network.sent[0].batch)}


def test_who_spoke_with_a_reborn_peer_is_told(play, rig):
    """The receiver is a new incarnation: the batch in the air is delivered to it, and its correspondents hear of it."""
    network = rig.network()

    async def story():
        ann, bob = rig.machine(ANN, reply=lambda batch: rig.words(B, *batch)), rig.machine(BOB)
        network.homes |= {ANN: STAFF, BOB: STAFF}
        network.host(B, [rig.machine(B)], epoch=1)
        staff = network.host(STAFF, [ann, bob])
        staff.queue(rig.words(ANN, "before"))
        await rig.quiet()
        reborn = rig.machine(B)
        network.host(B, [reborn], epoch=2)
        staff.queue(rig.words(ANN, "after"))
        await rig.quiet()
        return ann, bob, reborn

    ann, bob, reborn = play(story)
    assert reborn.heard[0] == "after"
    assert ann.heard == ["before", "after", PeerRestarted(B)]
    assert bob.heard == []  # never spoke with it


def test_a_reborn_sender_is_announced_before_its_first_words(play, rig):
    """Its correspondent is told of the restart first, then hears the batch."""
    network = rig.network()

    async def story():
        b = rig.machine(B, says=rig.words(A, "hello a"))
        network.host(A, [rig.machine(A, says=rig.words(B, "first life"))], epoch=1)
        network.host(B, [b])
        await rig.quiet()
        network.host(A, [rig.machine(A, says=rig.words(B, "second life"))], epoch=2)
        await rig.quiet()
        return b

    assert play(story).heard == ["first life", PeerRestarted(A), "second life"]


def test_nothing_of_a_replaced_sender_is_taken(play, rig, gone):
    """A frozen copy that wakes up is told that it is fenced, and ends itself with status 0."""
    network = rig.network()
    b = rig.machine(B)

    async def story():
        network.host(B, [b])
        zombie = network.host(A, [rig.machine(A, reply=lambda batch: rig.words(B, *batch))], epoch=1)
        network.host(A, [rig.machine(A, says=rig.words(B, "new"))], epoch=2)
        await rig.quiet()
        zombie.queue(rig.words(A, "old"))
        await rig.quiet()

    with pytest.raises(gone) as status:
        play(story)
    assert status.value.code == 0
    assert b.heard == ["new"]


def test_a_delivery_for_an_earlier_incarnation_is_not_taken(play, rig):
    """A delayed copy that reaches the reborn receiver is answered with its incarnation, and changes nothing."""
    network = rig.network()

    async def story():
        network.host(B, [rig.machine(B)], epoch=1)
        network.host(A, [rig.machine(A, says=rig.words(B, "late"))])
        await rig.quiet()
        reborn = rig.machine(B)
        host = network.host(B, [reborn], epoch=2)
        ack = host.take(network.sent[-1])
        await rig.quiet()
        return ack, reborn

    ack, reborn = play(story)
    assert (ack.verdict, ack.epoch, reborn.heard) == (Verdict.WRONG_EPOCH, 2, [])


def test_a_machine_that_contradicts_itself_ends_the_process(play, rig, gone):
    """Status 1, and nothing that was said in the broken step leaves."""
    network = rig.network()

    def broken(batch):
        msg = "contradiction"
        raise ValueError(msg)

    async def story():
        network.host(B, [rig.machine(B)])
        network.host(A, [rig.machine(A, reply=broken)]).queue(rig.words(A, "go"))
        await rig.quiet()

    with pytest.raises(gone) as status:
        play(story)
    assert status.value.code == 1
    assert network.sent == []


def test_a_machine_is_woken_at_its_deadline(play, rig):
    """With an empty batch, not before and within a millisecond, once for each deadline."""

    async def story():
        machine = rig.machine(A, due_us=rig.start_us + 2_000_000)
        rig.network().host(A, [machine])
        await rig.quiet()
        return machine

    ((at_us, batch),) = play(story).batches
    assert batch == []
    assert 2_000_000 <= at_us <= 2_001_000


def test_an_earlier_deadline_comes_first(play, rig):
    """A message moves the deadline to an earlier time: the machine is woken then, and others keep theirs."""

    async def story():
        ann = rig.machine(ANN, due_us=rig.start_us + 4_000_000)
        bob = rig.machine(BOB, due_us=rig.start_us + 3_000_000)
        network = rig.network()
        network.homes |= {ANN: STAFF, BOB: STAFF}
        staff = network.host(STAFF, [ann, bob])

        def hurry(batch):
            if batch:
                ann.due_us = rig.start_us + 1_000_000
            return []

        ann._reply = hurry
        staff.queue(rig.words(ANN, "hurry"))
        await rig.quiet(10.0)
        return ann, bob

    ann, bob = play(story)
    assert [round(at_us / 1e6, 2) for at_us, batch in ann.batches if not batch][:1] == [1.0]
    assert [round(at_us / 1e6, 2) for at_us, _ in bob.batches] == [3.0]


def test_messages_gather_between_two_steps(play, rig):
    """At a pace of 10 ms, what comes in 50 ms is handled in at most seven steps, none closer than the pace."""

    async def story():
        machine = rig.machine(A)
        host = rig.network().host(A, [machine], pace_s=0.01)
        for number in range(50):
            host.queue(rig.words(A, number))
            await asyncio.sleep(0.001)
        await rig.quiet()
        return machine

    machine = play(story)
    times = [at_us for at_us, _ in machine.batches]
    assert machine.heard == list(range(50))
    assert 5 <= len(times) <= 7
    assert all(later - earlier >= 9_999 for earlier, later in itertools.pairwise(times))


def test_machines_of_one_host_talk_without_the_network(play, rig):
    """Nothing is sent, and order is kept."""
    network = rig.network()

    async def story():
        bob = rig.machine(BOB)
        network.homes |= {ANN: STAFF, BOB: STAFF}
        network.host(STAFF, [rig.machine(ANN, says=rig.words(BOB, 1, 2, 3)), bob])
        await rig.quiet()
        return bob

    assert play(story).heard == [1, 2, 3]
    assert network.sent == []


def test_words_to_nobody_are_dropped(play, rig):
    """A desk nobody sits at has no host: that stops nobody else from being heard."""
    network = rig.network()
    desk = Address("desk", "ann")

    async def story():
        b = rig.machine(B)
        network.homes[desk] = None
        network.host(B, [b])
        network.host(A, [rig.machine(A, says=[Envelope(desk, "look"), Envelope(B, "hear")])])
        await rig.quiet()
        return b

    assert play(story).heard == ["hear"]


def test_commands_for_the_switch_go_to_the_back_end(play, rig):
    """What a machine tells its switch is handed over as one batch, in order, and never travels."""
    network, given_to_switch = rig.network(), []

    async def story():
        switch = Address("switch", "b")
        trunk = rig.machine(B, says=rig.words(switch, "place", "clear"))
        network.host(B, [trunk], switch=given_to_switch.append)
        await rig.quiet()

    play(story)
    assert given_to_switch == [["place", "clear"]]
    assert network.sent == []
