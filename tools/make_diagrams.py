"""Write what is said of the code from the code itself: messages, states, and the fields of files.

    python tools/make_diagrams.py           write the files
    python tools/make_diagrams.py --check   status 1 if they are out of date

It writes ``docs/generated`` and the tables of fields in ``README.md``. ``message_table.py`` reads the messages,
``probes.py`` and ``explore.py`` find the moves of machines, ``field_tables.py`` reads the fields.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import field_tables
import message_table
import probes
from explore import TIME, Move

from dialer.domain.agent_table import DEADLINE, ROWS
from dialer.domain.call import TRANSITIONS as TRUNK_CALL
from dialer.domain.campaign import TRANSITIONS as CAMPAIGN
from dialer.domain.kinds import AgentState, CampaignState

ROOT = Path(__file__).parents[1]
_HEAD = "<!-- Written by tools/make_diagrams.py from the code. Do not edit: `python tools/make_diagrams.py` -->\n"
_ABOUT_MESSAGES = """\
Every message of `dialer/domain/commands.py` (requests) and `dialer/domain/events.py` (facts), in the order of these
files. A sender constructs the message; a receiver has a row for it in its table of handlers.

`store` is the ledger, `journal` the rows that the store makes durable, `switch` the far end of a trunk, `desk` the
screen of an agent, `keeper` the owner of the life of campaigns (what it says to operators and to the library stands in
`dialer/domain/keeping.py`), `director` the control plane, `courier` the host of a machine."""
_ABOUT_LAYERS = """\
Beside its own part and the standard library. The first row that fits a file is its layer. Enforced by
`tests/test_import_table.py`."""
_ABOUT_STATES = """\
Agents, campaign runs and calls on a trunk have their rules in a table, which is drawn here. What else moves them, and
all moves of the others, were found by trying every message in every state that can be reached (`tools/probes.py`).
Messages that change no state are left out; `time` is a deadline."""


def main() -> int:
    """Write the files, or compare them."""
    stale = []
    for name, make in FILES.items():
        path, text = ROOT / name, make()
        if "--check" not in sys.argv[1:]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
    if stale:
        print(f"out of date: {', '.join(stale)}; run: python tools/make_diagrams.py")
    return 1 if stale else 0


# -- messages ----------------------------------------------------------------------------------------------------------


def messages() -> str:
    """The table of messages."""
    rows = [f"| `{line.name}` | {_from(line)} | {_to(line)} | {line.says} |" for line in message_table.lines()]
    return "\n".join(
        [
            _HEAD,
            "# Who sends what to whom",
            "",
            _ABOUT_MESSAGES,
            "",
            "| message | from | to | what it says |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _from(line: message_table.Line) -> str:
    return ", ".join(line.senders) or f"nobody yet: {message_table.UNSAID[line.name]}"


def _to(line: message_table.Line) -> str:
    to = [party for party in line.receivers if party != "journal"]
    if "journal" in line.receivers:
        to = [f"{to[0]}, then journal"] if to else ["journal"]
    return ", ".join([*to, *(f"inside `{whole}`" for whole in line.inside)])


# -- layers ------------------------------------------------------------------------------------------------------------


def layers() -> str:
    """The import table, as its test enforces it."""
    spec = importlib.util.spec_from_file_location("import_table", ROOT / "tests" / "test_import_table.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError("tests/test_import_table.py")
    table = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(table)
    rows = [
        f"| `{layer.part}` | {_these(layer.dialer, 'all')} | {_these(layer.third_party, 'any')} |"
        for layer in table.LAYERS
    ]
    head = ["| part of `dialer` | may import from `dialer` | third party |", "|---|---|---|"]
    return "\n".join([_HEAD, "# Who may import whom", "", _ABOUT_LAYERS, "", *head, *rows, ""])


def _these(names: Iterable[str] | None, everything: str) -> str:
    return everything if names is None else ", ".join(f"`{name}`" for name in sorted(names)) or "-"


# -- states ------------------------------------------------------------------------------------------------------------

#: (from, to) -> what brings it about; None is before the beginning or after the end.
Edges = dict[tuple[str | None, str | None], set[str]]


def states() -> str:
    """A diagram for each machine."""
    attempts, _ = probes.campaign_moves()
    parts = [
        _HEAD,
        "# States",
        "",
        _ABOUT_STATES,
        "",
        _diagram("Agent", "`dialer/domain/agent_table.py`", agent_edges(), start=(AgentState.OFFLINE.name,)),
        _diagram("Campaign run", "`dialer/domain/campaign.py`", campaign_edges(), start=(CampaignState.READY.name,)),
        _diagram("Attempt of a campaign run", "`dialer/domain/attempts.py`, `campaign.py`", edges(attempts)),
        _diagram("Intent in the ledger", "`dialer/domain/ledger.py`", edges(probes.ledger_moves())),
        _diagram("Call of a scheduler", "`dialer/domain/calls.py`, `pool.py`", edges(probes.scheduler_moves())),
        _diagram("Call on a trunk", "`dialer/domain/call.py`, `lines.py`", trunk_edges()),
    ]
    return "\n".join(parts)


def agent_edges() -> Edges:
    """The agent's table; a state that may stay as it is has no arrow to itself."""
    found: Edges = {(None, AgentState.RECOVERING.name): {"reborn"}}
    for row in ROWS:
        label = TIME if row.message is DEADLINE else row.message.__name__
        for before in row.states:
            for after in row.to:
                if before is not after:
                    found.setdefault((before.name, after.name), set()).add(label)
    return found


def campaign_edges() -> Edges:
    """Orders stand in the table; what a run does by itself is in its story, under a reason."""
    _, by_itself = probes.campaign_moves()
    ordered = [Move(before, order.__name__, after) for (before, order), after in CAMPAIGN.items()]
    return edges([*ordered, *by_itself])


def trunk_edges() -> Edges:
    """The table, and what was found beside it; a call that is over is gone."""
    table = [
        Move(before, message.__name__, None if after.name == "OVER" else after)
        for (before, message), targets in TRUNK_CALL.items()
        for after in targets
    ]
    return edges([*table, *probes.trunk_moves()])


def edges(moves: Iterable[Move]) -> Edges:
    """Moves that change the state."""
    found: Edges = {}
    for move in moves:
        if move.before != move.after:
            found.setdefault((_name(move.before), _name(move.after)), set()).add(move.label)
    return found


def _name(state: Any) -> str | None:
    return None if state is None else str(state.name)


def _diagram(title: str, source: str, found: Edges, start: tuple[str, ...] = ()) -> str:
    order = sorted(found.items(), key=lambda item: (item[0][0] or "", item[0][1] or ""))
    arrows = [f"    [*] --> {state}" for state in start]
    arrows += [f"    {a or '[*]'} --> {b or '[*]'}: {', '.join(sorted(labels))}" for (a, b), labels in order]
    return "\n".join([f"## {title}", "", source, "", "```mermaid", "stateDiagram-v2", *arrows, "```", ""])


def readme() -> str:
    """The README with the tables of today."""
    return field_tables.put_in((ROOT / "README.md").read_text(encoding="utf-8"))


FILES: dict[str, Callable[[], str]] = {
    "docs/generated/layers.md": layers,
    "docs/generated/messages.md": messages,
    "docs/generated/states.md": states,
    "README.md": readme,
}

if __name__ == "__main__":
    sys.exit(main())
