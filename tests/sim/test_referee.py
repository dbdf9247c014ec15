"""Facts about the referee: it sees what a machine that breaks a rule would do, and says which rule."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dialer.domain.commands import BridgeCall, PlaceCall
from dialer.domain.events import LineEnded, LineJoined
from dialer.domain.kinds import IntentRefusal, Outcome
from dialer.domain.ledger import Ledger
from dialer.domain.rows import IntentRow, OutcomeRow
from dialer.domain.specs import SECOND_US, TrunkSpec
from dialer.domain.trunk import TrunkMachine
from dialer.errors import InvariantError
from dialer.sim import scenario as stage
from dialer.sim.contacts import SyntheticContacts
from dialer.sim.disk import Disk
from dialer.sim.journal import MemoryJournal
from dialer.sim.referee import Referee
from dialer.sim.run import scenario_for
from dialer.sim.scenario import Simulation

NOW = 1_000 * SECOND_US
NUMBER = 12025550100


class Match:
    """A referee, a journal with intents 1 to 9 for as many numbers, and a trunk of two lines and three calls per s."""

    def __init__(self) -> None:
        self.journal = MemoryJournal()
        self.referee = Referee(self.journal)
        self.referee.limits["t1"] = (2, 3)
        self.journal.append(
            IntentRow(no, "c1", NUMBER + no, "t1", 1, NOW, NOW + 5 * SECOND_US, 1, "r", "z", 0, 1)
            for no in range(1, 10)
        )

    def place(self, attempt: int, *, number: int | None = None, at_us: int = NOW) -> None:
        """The trunk orders a call."""
        order = PlaceCall(
            attempt, NUMBER + attempt if number is None else number, 1, 25 * SECOND_US, amd=True, flow=None
        )
        self.referee.commanded("t1", [order], at_us)

    def end(self, attempt: int) -> None:
        """The call is over."""
        self.referee.told("t1", [LineEnded(attempt, Outcome.NO_ANSWER, 19)], NOW)

    def refuses(self, rule: str, *args, **options) -> None:
        """The order breaks this rule."""
        with pytest.raises(InvariantError, match=rule):
            self.place(*args, **options)


def test_a_game_by_the_rules():
    match = Match()
    for attempt in (1, 2):
        match.place(attempt)
    match.end(1)
    match.place(3)
    assert match.referee.placed == 3


def test_no_attempt_is_dialled_twice():
    match = Match()
    match.place(1)
    match.end(1)
    match.refuses("at most one call per attempt", 1)


def test_no_call_without_a_durable_intent():
    Match().refuses("durable intent before every call", 10)


def test_no_call_after_its_time():
    Match().refuses("dialled in time", 1, at_us=NOW + 5 * SECOND_US)


def test_no_call_after_its_outcome():
    match = Match()
    match.journal.append([OutcomeRow(1, Outcome.EXPIRED, "", 0, 0, 0, 0, NOW, NOW)])
    match.refuses("no call after the outcome", 1)


def test_no_number_of_a_list():
    match = Match()
    match.referee.forbidden = frozenset({NUMBER + 1})
    match.refuses("do-not-call", 1)


def test_no_number_twice_at_once():
    match = Match()
    match.place(1)
    match.refuses("no contact twice at once", 2, number=NUMBER + 1)


def test_no_more_lines_than_there_are():
    match = Match()
    match.place(1)
    match.place(2)
    match.refuses("lines", 3)


def test_no_more_calls_per_second_than_allowed():
    match = Match()
    for attempt in (1, 2, 3):
        match.place(attempt, at_us=NOW + attempt)
        match.end(attempt)
    match.refuses("calls per second", 4, at_us=NOW + SECOND_US)
    match = Match()
    for attempt in (1, 2, 3):
        match.place(attempt, at_us=NOW + attempt)
        match.end(attempt)
    match.place(4, at_us=NOW + SECOND_US + 1)


def test_no_agent_with_two_calls():
    match = Match()
    match.place(1)
    match.place(2)
    match.referee.told("t1", [LineJoined(1, "a1")], NOW)
    with pytest.raises(InvariantError, match="no agent gets two calls"):
        match.referee.told("t1", [LineJoined(2, "a1")], NOW)
    with pytest.raises(InvariantError, match="no agent gets two calls"):
        match.referee.commanded("t1", [BridgeCall(2, "a1")], NOW)
    match.end(1)
    match.referee.commanded("t1", [BridgeCall(2, "a1")], NOW)
    match.referee.told("t1", [LineJoined(2, "a1")], NOW)


# -- machines that break the rules -----------------------------------------------------------------------------------


def scenario(**options):
    return replace(scenario_for(mode="agentless", agents=20, hours=0.1, seed=1, profile="eager"), **options)


def test_the_same_scenario_passes_with_honest_machines():
    simulation = Simulation(scenario(trunk=TrunkSpec("simulated", lines=5, calls_per_s=2)))
    simulation.play()
    assert simulation.world.referee.placed > 10


def test_a_trunk_that_ignores_its_lines_is_caught(monkeypatch):
    monkeypatch.setattr(
        stage,
        "TrunkMachine",
        lambda spec, epoch: TrunkMachine(TrunkSpec(spec.trunk, 99, spec.calls_per_s), epoch=epoch),
    )
    with pytest.raises(InvariantError, match="never above a trunk's lines"):
        Simulation(scenario(trunk=TrunkSpec("simulated", lines=5, calls_per_s=2))).play()


def test_a_trunk_that_ignores_its_calls_per_second_is_caught(monkeypatch):
    monkeypatch.setattr(
        stage, "TrunkMachine", lambda spec, epoch: TrunkMachine(TrunkSpec(spec.trunk, spec.lines, 99), epoch=epoch)
    )
    with pytest.raises(InvariantError, match="never above a trunk's calls per second"):
        Simulation(scenario(trunk=TrunkSpec("simulated", lines=20, calls_per_s=2))).play()


LISTED = frozenset(SyntheticContacts(30).number(index) for index in range(30))


def test_a_listed_number_is_not_dialled():
    simulation = Simulation(scenario(do_not_call=LISTED))
    simulation.play()
    assert not LISTED & {row.number for row in simulation.world.journal.intents.values()}


def test_a_ledger_that_forgets_the_list_is_caught(monkeypatch):
    monkeypatch.setattr(Ledger, "_listed", lambda self, name, number: False)
    with pytest.raises(InvariantError, match="no number on a do-not-call list"):
        Simulation(scenario(do_not_call=LISTED)).play()


def two_campaigns_with_the_same_numbers():
    base = scenario_for(mode="agentless", agents=20, hours=0.1, seed=1, profile="eager", campaigns=2)
    contacts = SyntheticContacts(50)
    return replace(base, campaigns=[(spec, contacts) for spec, _ in base.campaigns])


def test_two_campaigns_do_not_call_a_number_at_once():
    simulation = Simulation(two_campaigns_with_the_same_numbers())
    simulation.play()
    assert simulation.world.referee.placed > 20


def test_a_ledger_that_lets_two_campaigns_call_a_number_at_once_is_caught(monkeypatch):
    judge = Ledger._judge

    def blind(self, run, msg, now_us):
        verdict = judge(self, run, msg, now_us)
        return (None, None) if verdict[0] is IntentRefusal.NUMBER_BUSY else verdict

    monkeypatch.setattr(Ledger, "_judge", blind)
    with pytest.raises(InvariantError, match="no contact twice at once"):
        Simulation(two_campaigns_with_the_same_numbers()).play()


def test_a_store_that_answers_before_the_disk_is_caught(monkeypatch):
    def hasty(self, store, envelopes):
        store.commit.add(envelopes)
        store.commit.held, said = [], store.commit.held
        self._network.send(store, store.berths[store.address], said)

    monkeypatch.setattr(Disk, "commit", hasty)
    with pytest.raises(InvariantError, match="durable intent before every call"):
        Simulation(scenario()).play()
