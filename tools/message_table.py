"""Who sends what to whom, read from the code: part of ``make_diagrams.py``.

A party is one kind of machine, or what stands at the edge of them. It sends a message if one of its modules constructs
it, and takes one if its handler table has a row for it. A message that is constructed as a part of another one, as a
lease is of ``LeasesGranted``, travels inside it.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
from pathlib import Path
from typing import Any, NamedTuple

from dialer.domain import commands, events, flow_talk, media, rows
from dialer.domain.agent_table import DEADLINE, ROWS
from dialer.storage.records import RECORDS

PACKAGE = Path(__file__).parents[1] / "dialer"

#: Every module that constructs messages -> the party it speaks for.
SPEAKERS = {
    "domain/agent.py": "agent",
    "domain/presence.py": "agent",
    "domain/campaign.py": "campaign",
    "domain/grants.py": "campaign",
    "domain/inflight.py": "campaign",
    "domain/previews.py": "campaign",
    "domain/verdicts.py": "campaign",
    "domain/keeper.py": "keeper",
    "domain/keeper_entry.py": "keeper",
    "domain/keeper_orders.py": "keeper",
    "domain/keeper_table.py": "keeper",
    "domain/ledger.py": "store",
    "domain/scheduler.py": "scheduler",
    "domain/groups.py": "scheduler",
    "domain/matching.py": "scheduler",
    "domain/offers.py": "scheduler",
    "domain/pool.py": "scheduler",
    "domain/trunk.py": "trunk",
    "domain/lines.py": "trunk",
    "domain/flow_calls.py": "trunk",
    "domain/flow_run.py": "trunk",
    "telephony/simulated/backend.py": "switch",
    "telephony/simulated/carrier.py": "switch",
    "telephony/simulated/listening.py": "switch",
    "telephony/automation.py": "switch",
    "sim/lines.py": "switch",
    "sim/people.py": "desk",
    "sim/host.py": "courier",
    "actors/host.py": "courier",
    "actors/director.py": "director",
    "actors/keeping.py": "director",
    "sim/scenario.py": "director",  # its orders in virtual time
}
#: Messages that no module sends yet, and why they are there.
UNSAID = {"SwitchLost": "for a back-end that can lose its switch; the simulated one cannot"}
#: (message, receiver) -> who hands it on as it is, beside or instead of who has made it.
PASSED_ON = {("SetCall", "trunk"): ("agent",), ("DispositionSet", "campaign"): ("agent", "store")}
#: Modules with a table ``_handlers``: message -> method.
_TABLES = {"campaign": "campaign.py", "scheduler": "scheduler.py", "trunk": "trunk.py", "store": "ledger.py"}
#: Modules whose ``handle`` compares the type of a message.
_COMPARERS = {"desk": "sim/people.py", "switch": "telephony/simulated/carrier.py"}


def _declared(module: Any) -> dict[str, type[Any]]:
    return dict(inspect.getmembers(module, lambda item: inspect.isclass(item) and item.__module__ == module.__name__))


#: Name -> class of every message.
MESSAGES: dict[str, type[Any]] = {}
for _module in (events, commands, flow_talk, media, rows):
    MESSAGES |= _declared(_module)


class Line(NamedTuple):
    """One message of the table. ``senders`` are parties, as are ``receivers``."""

    name: str
    says: str
    senders: tuple[str, ...]
    receivers: tuple[str, ...]
    inside: tuple[str, ...]  #: messages it is a part of


def lines() -> list[Line]:
    """All messages, in the order of their files."""
    sent, taken = senders(), receivers()
    made = []
    for cls in sorted(MESSAGES.values(), key=lambda cls: (cls.__module__, inspect.getsourcelines(cls)[1])):
        name = cls.__name__
        says = (cls.__doc__ or "").partition("\n")[0].replace("``", "`")
        to = tuple(sorted(taken.get(name, ())))
        inside = _whole(name)
        # who takes a message, by itself or as a part of another one, and also makes it, makes it for itself
        own = {*to, *(party for whole in inside for party in taken.get(whole, ()))}
        by = tuple(sorted(sent.get(name, set()) - own))
        made.append(Line(name, says, by, to, inside))
    return made


def orphans() -> list[str]:
    """What is said to nobody, or heard by somebody and said by nobody: one line each."""
    wrong = []
    for line in lines():
        if bool(line.senders) is (line.name in UNSAID):
            wrong.append(f"{line.name}: " + ("is in UNSAID, and is sent" if line.senders else "nobody sends it"))
        if not line.receivers and not line.inside:
            wrong.append(f"{line.name}: nobody handles it")
    return wrong


def routes() -> set[tuple[str, str, str]]:
    """(sender, message, receiver) of everything that may pass."""
    return {(sender, line.name, to) for line in lines() for to in line.receivers for sender in _from(line, to)}


def _from(line: Line, to: str) -> tuple[str, ...]:
    """Rows reach the journal through the store alone, whoever wrote them; some messages are passed on as they are."""
    return ("store",) if to == "journal" else PASSED_ON.get((line.name, to), line.senders)


def strangers() -> list[str]:
    """Modules that construct messages and speak for no party known here."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if name not in SPEAKERS and name.partition("/")[0] != "serve" and _constructed(path):
            found.append(name)
    return found


def senders() -> dict[str, set[str]]:
    """Message -> parties that construct it."""
    found: dict[str, set[str]] = {}
    for module, party in SPEAKERS.items():
        for name in _constructed(PACKAGE / module):
            found.setdefault(name, set()).add(party)
    return found


def receivers() -> dict[str, set[str]]:
    """Message -> parties with a handler for it."""
    taken = {"agent": {row.message.__name__ for row in ROWS if row.message is not DEADLINE}}
    taken |= {party: _handled(PACKAGE / "domain" / module) for party, module in _TABLES.items()}
    taken |= {party: _compared(PACKAGE / module) for party, module in _COMPARERS.items()}
    taken["switch"] |= {cls.__name__ for cls in media.MEDIA_ORDERS}
    taken["journal"] = {cls.__name__ for cls in RECORDS}
    found: dict[str, set[str]] = {}
    for party, names in taken.items():
        for name in names:
            found.setdefault(name, set()).add(party)
    return found


def _whole(name: str) -> tuple[str, ...]:
    """Messages that have a field of this one's type."""
    mentioned = [
        (cls.__name__, {part for field in dataclasses.fields(cls) for part in _words(str(field.type))})
        for cls in MESSAGES.values()
    ]
    return tuple(sorted(other for other, words in mentioned if name in words))


def _words(annotation: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(annotation, mode="eval")) if isinstance(node, ast.Name)}


#: Files of messages.
_MODULES = ("commands", "events", "flow_talk", "media", "rows")

# -- reading the source ------------------------------------------------------------------------------------------------


def _named(node: ast.expr, aliases: dict[str, str]) -> str | None:
    """The message that an expression names: ``c.LogIn`` or ``LogIn``, if it was imported under that name."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.attr if node.value.id in aliases and aliases[node.value.id] in _MODULES else None
    return aliases.get(node.id) if isinstance(node, ast.Name) and aliases.get(node.id) in MESSAGES else None


def _aliases(tree: ast.Module) -> dict[str, str]:
    """Name in the module -> what it is in ``dialer.domain`` or one of its files of messages."""
    sources = ("dialer.domain", *(f"dialer.domain.{name}" for name in _MODULES))
    imported = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module in sources]
    return {alias.asname or alias.name: alias.name for node in imported for alias in node.names}


def _constructed(path: Path) -> set[str]:
    """Messages that a module makes: by calling the class, or from a table of classes, as the director does."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    aliases = _aliases(tree)
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    chosen = [side for func in called if isinstance(func, ast.IfExp) for side in (func.body, func.orelse)]
    tables = [value for node in tree.body for value in _values(node)]
    return {name for node in (*called, *chosen, *tables) if (name := _named(node, aliases)) is not None}


def _values(node: ast.stmt) -> list[ast.expr]:
    """Values of a table at module level."""
    if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Dict):
        return node.value.values
    return []


def _handled(path: Path) -> set[str]:
    """Keys of the table ``_handlers``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    aliases = _aliases(tree)
    tables = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Attribute)
        and node.target.attr == "_handlers"
        and isinstance(node.value, ast.Dict)
    ]
    return {name for table in tables for key in table.keys if key and (name := _named(key, aliases)) is not None}


def _compared(path: Path) -> set[str]:
    """Classes with which ``handle`` compares the type of a message."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    aliases = _aliases(tree)
    methods = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "handle"]
    compared = [node for method in methods for node in ast.walk(method) if isinstance(node, ast.Compare)]
    sides = [side for node in compared for side in node.comparators]
    return {name for side in sides if (name := _named(side, aliases)) is not None}
