"""What stands in docs/generated is what the code does: read from it, found by trying it, and seen happening."""

import make_diagrams
import message_table
import probes
import pytest
from explore import TIME

from dialer.domain.agent_table import ROWS
from dialer.domain.call import TRANSITIONS as TRUNK_CALL
from dialer.sim.run import scenario_for
from dialer.sim.scenario import Simulation
from dialer.sim.world import World

MACHINES = {"agent", "campaign", "scheduler", "store", "trunk"}
#: Not to be expected in half an hour of progressive dialling: a number that may not be called, a switch that is slow
#: to join, and flows.
RARE = {
    *"IntentRefused JoinFailed OriginateRefused AddToDnc FlowEnded FlowKnown RequestFlow".split(),
    *"AgentWanted AgentUnwanted".split(),  # a flow has to ask for an agent
}


@pytest.fixture(scope="module")
def explored():
    """Every move found, by entity: exploring takes seconds."""
    return {
        "attempt": probes.campaign_moves()[0],
        "intent": probes.ledger_moves(),
        "trunk": probes.trunk_moves(),
        "scheduler": probes.scheduler_moves(),
    }


@pytest.mark.parametrize("name", make_diagrams.FILES)
def test_up_to_date(name):
    """A change of the machines that is not in the documents is found here."""
    written = (make_diagrams.ROOT / name).read_text(encoding="utf-8")
    assert written == make_diagrams.FILES[name](), "run: python tools/make_diagrams.py"


def test_check_finds_what_is_stale(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(make_diagrams, "ROOT", tmp_path)
    monkeypatch.setattr(make_diagrams, "FILES", {"messages.md": lambda: "new"})
    monkeypatch.setattr("sys.argv", ["make_diagrams.py", "--check"])
    assert make_diagrams.main() == 1
    assert "out of date: messages.md" in capsys.readouterr().out
    (tmp_path / "messages.md").write_text("new", encoding="utf-8")
    assert make_diagrams.main() == 0


# -- messages ----------------------------------------------------------------------------------------------------------


def test_every_message_is_sent_and_handled():
    assert message_table.orphans() == []


def test_every_module_that_speaks_is_known():
    """A new module that constructs messages belongs in the table of speakers."""
    assert message_table.strangers() == []


def test_an_orphan_is_found(monkeypatch):
    """Without the scheduler nobody asks for leases; without the campaign nobody grants them."""
    monkeypatch.setattr(
        message_table, "SPEAKERS", {k: v for k, v in message_table.SPEAKERS.items() if v != "scheduler"}
    )
    assert "RequestLeases: nobody sends it" in message_table.orphans()
    monkeypatch.setattr(message_table, "UNSAID", {"Originate": "a reason"})
    assert not any(wrong.startswith("Originate:") for wrong in message_table.orphans())


def test_what_is_seen_stands_in_the_table(monkeypatch):
    """Everything that passes in half an hour of accidents is a row, with sender and receiver."""
    seen = set()
    said = World._said

    def noting(world, host, berth, envelopes):
        seen.update((berth.address.kind, type(env.message).__name__, env.to.kind) for env in envelopes)
        said(world, host, berth, envelopes)

    monkeypatch.setattr(World, "_said", noting)
    for mode in ("preview", "progressive"):
        Simulation(scenario_for(mode=mode, agents=6, hours=0.5, seed=3, faults="heavy")).play()
    routes = message_table.routes()
    assert seen - routes == set()
    silent = {name for sender, name, to in routes - seen if sender in MACHINES and to in MACHINES}
    assert silent <= RARE


# -- states ------------------------------------------------------------------------------------------------------------


def _handled(party):
    return {name for name, parties in message_table.receivers().items() if party in parties}


@pytest.mark.parametrize(
    ("party", "alphabet"),
    [
        ("campaign", probes.TO_CAMPAIGN),
        ("store", probes.TO_LEDGER),
        ("trunk", probes.TO_TRUNK),
        ("scheduler", (*probes.TO_SCHEDULER, *probes.LEASES, probes.OPENED)),
    ],
)
def test_every_message_is_tried(party, alphabet):
    """A message that a machine learns to handle is tried on it, or the diagram would miss what it does."""
    assert {symbol.label.partition(" ")[0] for symbol in alphabet} - {TIME} == _handled(party)


def test_trunk_table_holds_what_messages_do(explored):
    """A message in the table leads where the table says, and nowhere else."""
    table = {
        (before.name, message.__name__): {phase.name for phase in to} for (before, message), to in TRUNK_CALL.items()
    }
    for before, label, after in explored["trunk"]:
        if before is not None and (before.name, label) in table:
            reached = "OVER" if after is None else after.name
            assert reached in {before.name, *table[before.name, label]}


def test_agent_diagram_is_the_table():
    """As many arrows as the rows say, no arrow from a state to itself."""
    edges = make_diagrams.agent_edges()
    assert all(before != after for before, after in edges)
    pairs = {(before.name, after.name) for row in ROWS for before in row.states for after in row.to if before != after}
    assert set(edges) == pairs | {(None, "RECOVERING")}


@pytest.mark.parametrize(
    ("entity", "states"),
    [
        ("attempt", {"PROPOSED", "LEASED", "CLOSING"}),
        ("intent", {"OPEN"}),
        ("trunk", {"QUEUED", "RINGING", "ANSWERED", "BRIDGING", "JOINED", "CLEARING"}),
        ("scheduler", {"OFFERED", "CONFIRMING", "READY", "MATCHED", "DIALLING", "WAITING", "JOINING", "CLEARING"}),
    ],
)
def test_every_state_is_reached_and_left(explored, entity, states):
    """No state is a dead end, and none is there in vain."""
    edges = make_diagrams.edges(explored[entity])
    assert {after for _, after in edges} == states | {None}
    assert {before for before, _ in edges} == states | {None}


def test_every_call_can_end(explored):
    """From every state of every entity there is a way to the end."""
    for moves in explored.values():
        edges = set(make_diagrams.edges(moves))
        ended = {None}
        while grown := {before for before, after in edges if after in ended} - ended:
            ended |= grown
        assert ended >= {state for edge in edges for state in edge}
