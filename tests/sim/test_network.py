"""Facts about the network of the simulated world: whatever it loses, doubles or delays, everything arrives once."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from dialer.domain.events import PeerRestarted
from dialer.domain.ledger import STORE
from dialer.domain.message import Address, Envelope
from dialer.domain.specs import SECOND_US
from dialer.sim.faults import FaultPlan
from dialer.sim.world import World

HERE, THERE, BESIDE = Address("talker", "here"), Address("listener", "there"), Address("listener", "beside")
ROUGH = FaultPlan(lost=0.3, duplicated=0.3, delayed=0.3)


class Quiet:
    """A machine that hears and says nothing."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.heard: list[Any] = []
        self.times_us: list[int] = []

    def start(self, now_us: int) -> list[Envelope]:
        """Silence."""
        return []

    def handle(self, batch: Any, now_us: int) -> list[Envelope]:
        """Remember what was said, and when."""
        self.heard += batch
        self.times_us.append(now_us)
        return []

    def next_deadline_us(self) -> int | None:
        """Never."""
        return None

    def check_invariants(self) -> None:
        """Nothing can be wrong."""


class Talker(Quiet):
    """Counts aloud, one number every 10 ms."""

    def __init__(self, address: Address, to: Address, upto: int) -> None:
        super().__init__(address)
        self.to = to
        self.upto = upto
        self.said = 0
        self.due_us: int | None = None

    def start(self, now_us: int) -> list[Envelope]:
        """Begin at once."""
        self.due_us = now_us
        return []

    def handle(self, batch: Any, now_us: int) -> list[Envelope]:
        """Say the numbers that are due."""
        super().handle(batch, now_us)
        out = []
        while self.due_us is not None and now_us >= self.due_us:
            self.said += 1
            out.append(Envelope(self.to, self.said))
            self.due_us = self.due_us + 10_000 if self.said < self.upto else None
        return out

    def next_deadline_us(self) -> int | None:
        """The next number."""
        return self.due_us


class Town:
    """A world of one talker and the listeners that have lived at an address, with their incarnations."""

    def __init__(self, faults: FaultPlan, *, seed: int = 1, upto: int = 300, pace_us: int = 0) -> None:
        self.world = World(seed=seed, start_us=SECOND_US, faults=faults)
        self.world.add(STORE, [STORE], lambda _epoch, _now_us: [Quiet(STORE)])
        self.listeners: list[Quiet] = []
        self.talkers: list[Talker] = []
        self.upto = upto
        self.world.expect(THERE, [THERE])
        self.world.add(HERE, [HERE], self._talker)
        self.world.add(THERE, [THERE], self._listener, pace_us=pace_us)

    def _talker(self, _epoch: int, _now_us: int) -> list[Talker]:
        self.talkers.append(Talker(HERE, THERE, self.upto))
        return [self.talkers[-1]]

    def _listener(self, _epoch: int, _now_us: int) -> list[Quiet]:
        self.listeners.append(Quiet(THERE))
        return [self.listeners[-1]]

    def numbers(self) -> list[list[int]]:
        """What each incarnation of the listener has heard."""
        return [[item for item in listener.heard if isinstance(item, int)] for listener in self.listeners]


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(
    "faults",
    [FaultPlan(), FaultPlan(lost=0.5), FaultPlan(duplicated=0.5), FaultPlan(delayed=0.9), ROUGH],
    ids=["calm", "lost", "doubled", "delayed", "rough"],
)
def test_everything_arrives_once_and_in_order(faults, seed):
    town = Town(faults, seed=seed)
    town.world.run(1_000 * SECOND_US)
    assert town.numbers() == [list(range(1, town.upto + 1))]


def test_a_calm_network_sends_each_delivery_once():
    town = Town(FaultPlan())
    town.world.run(10 * SECOND_US)
    assert town.world.network.deliveries == town.upto + 1  # the very first one learned the peer's incarnation


def test_what_is_said_while_a_delivery_is_in_the_air_shares_the_next_one():
    town = Town(FaultPlan(lost=0.5))
    town.world.run(1_000 * SECOND_US)
    assert len(town.listeners[0].times_us) < town.upto / 4


def test_a_paced_host_lets_messages_gather():
    town = Town(FaultPlan(), pace_us=100_000)
    town.world.run(10 * SECOND_US)
    times = town.listeners[0].times_us
    assert town.numbers() == [list(range(1, town.upto + 1))]
    assert min(after - before for before, after in itertools.pairwise(times)) >= 100_000


@pytest.mark.parametrize("faults", [FaultPlan(), ROUGH], ids=["calm", "rough"])
@pytest.mark.parametrize("seed", range(10))
def test_a_receiver_that_crashes_misses_nothing_that_was_not_acknowledged(faults, seed):
    town = Town(faults, seed=seed)
    town.world.clock.at(2 * SECOND_US, town.world.crash, THERE)
    town.world.run(1_000 * SECOND_US)
    before, after = town.numbers()
    assert before == list(range(1, len(before) + 1))
    assert after == list(range(after[0], town.upto + 1))
    assert after[0] <= len(before) + 1  # what the first one took and did not acknowledge, the second one hears again


def test_a_sender_learns_that_its_peer_is_new():
    town = Town(FaultPlan())
    town.world.clock.at(2 * SECOND_US, town.world.crash, THERE)
    town.world.run(1_000 * SECOND_US)
    assert town.talkers[0].heard == [PeerRestarted(THERE)]
    assert town.listeners[1].heard.count(PeerRestarted(HERE)) == 0  # it knows of no earlier one


def test_a_receiver_learns_that_its_peer_is_new():
    """It has spoken to it, and so it must hear of it."""
    world = World(seed=1, start_us=SECOND_US, faults=FaultPlan())
    world.add(STORE, [STORE], lambda _epoch, _now_us: [Quiet(STORE)])
    world.expect(BESIDE, [BESIDE])
    talkers = {}

    def talker(address, to):
        def build(epoch, _now_us):
            talkers[address, epoch] = Talker(address, to, 400)
            return [talkers[address, epoch]]

        return build

    world.add(HERE, [HERE], talker(HERE, BESIDE))
    world.add(BESIDE, [BESIDE], talker(BESIDE, HERE))
    world.clock.at(3 * SECOND_US, world.crash, HERE)
    world.run(1_000 * SECOND_US)
    assert 1 <= talkers[BESIDE, 1].heard.count(PeerRestarted(HERE)) <= 2  # by what the peer says, and by its answer
    assert PeerRestarted(BESIDE) not in talkers[HERE, 2].heard


@pytest.mark.parametrize("seed", range(10))
def test_a_zombie_is_heard_by_nobody_who_knows_its_successor(seed):
    town = Town(FaultPlan(), seed=seed, upto=3_000)
    town.world.clock.at(2 * SECOND_US, town.world.freeze, HERE)
    town.world.run(1_000 * SECOND_US)
    (heard,) = town.numbers()
    first, second = town.talkers
    assert second.said == town.upto
    cut = heard.index(1, 1)  # where the successor begins to count
    assert heard[:cut] == list(range(1, cut + 1))
    assert heard[cut:] == list(range(1, town.upto + 1))
    assert first.said < town.upto  # it was told to stop


def test_machines_of_one_host_talk_without_the_network():
    world = World(seed=1, start_us=SECOND_US, faults=FaultPlan())
    world.add(STORE, [STORE], lambda _epoch, _now_us: [Quiet(STORE)])
    listener = Quiet(THERE)
    world.add(HERE, [HERE, THERE], lambda _epoch, _now_us: [Talker(HERE, THERE, 50), listener])
    world.run(10 * SECOND_US)
    assert listener.heard == list(range(1, 51))
    assert world.network.deliveries == 0
