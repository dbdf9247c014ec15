"""Who may import whom: the layers of the package, read from the source without running it."""

import ast
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1] / "dialer"
MAX_LINES = 400
RAY = frozenset({"ray"})
PYDANTIC = frozenset({"pydantic", "pydantic_core"})
DOMAIN = ("errors", "domain")


class Layer(NamedTuple):
    """What the files of one part of the package may import, besides their own part and the standard library."""

    part: str  #: path below ``dialer``, without ``.py``; a trailing * stands for any end
    dialer: tuple[str, ...] | None  #: parts of the package, module by module where it says so; None for all
    third_party: frozenset[str] | None = frozenset()  #: top-level names; None for any


#: The first row that fits a file is its layer. The order of the rows is also the order of the layers.
LAYERS = (
    Layer("__init__", ()),
    Layer("errors", ()),
    Layer("domain", ("errors",)),
    Layer("yamlfile", DOMAIN, PYDANTIC | {"yaml"}),
    Layer("config", (*DOMAIN, "yamlfile"), PYDANTIC | {"yaml"}),
    Layer("rules", ()),
    Layer("telephony/asterisk", (*DOMAIN, "telephony"), frozenset({"httpx", "websockets"})),
    Layer("telephony", DOMAIN),
    # The audit shares nothing with what dials: of the domain only the parts of an id, and the masking of numbers.
    Layer("storage/audit*", ("errors", "domain.ids", "storage"), frozenset({"pyarrow"})),
    Layer("storage", DOMAIN, frozenset({"pyarrow", "duckdb", "phonenumbers"})),
    Layer("screens", DOMAIN, frozenset({"rich"})),
    Layer("sim", (*DOMAIN, "config", "telephony", "storage"), frozenset({"pyarrow"})),
    Layer("actors", (*DOMAIN, "config", "yamlfile", "rules", "telephony", "storage", "sim"), RAY | PYDANTIC),
    Layer("serve", (*DOMAIN, "config", "actors.handles", "storage"), RAY | PYDANTIC | {"fastapi", "starlette"}),
    Layer("cli", None, None),
    Layer("commands_*", None, None),
    Layer("__main__", ("cli",)),
)

#: Modules of the standard library by which time, chance, or the outside would reach a machine.
IMPURE = frozenset(
    "asyncio concurrent ctypes http io logging multiprocessing os pathlib secrets select selectors shutil signal "
    "socket sqlite3 ssl subprocess sys tempfile threading time urllib uuid".split()
)
#: What the domain may take from modules that could do more: types and arithmetic, no clock, no dice of their own.
ONLY_NAMES = {"random": {"Random"}, "datetime": {"UTC", "date", "datetime", "time", "timedelta", "timezone"}}

FILES = sorted(ROOT.rglob("*.py"))


class Import(NamedTuple):
    """One imported module, with the names taken from it."""

    module: str
    names: tuple[str, ...]
    line: int


def imports(source):
    """Every import of a source text, also inside functions."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [Import(alias.name, (), node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            found.append(Import(module, tuple(alias.name for alias in node.names), node.lineno))
    return found


def modules(found):
    """What an import reaches below ``dialer``: ``from dialer.domain import events`` reaches ``domain.events``."""
    if found.module != "dialer" and not found.module.startswith("dialer."):
        return []
    base = found.module.removeprefix("dialer").removeprefix(".")
    if found.names and not base.count("."):
        return [f"{base}.{name}".removeprefix(".") for name in found.names]
    return [base]


def layer_of(path):
    """The first layer that fits a path below ``dialer``, None if there is none."""
    name = path.removesuffix(".py")
    for layer in LAYERS:
        stem = layer.part.removesuffix("*")
        if name == layer.part or name.startswith(f"{layer.part}/") or (stem != layer.part and name.startswith(stem)):
            return layer
    return None


def broken_rules(path, source):
    """One line for each import of a file that its layer forbids.

    Args:
        path: Path below ``dialer``.
        source: Text of the file.
    """
    layer = layer_of(path)
    if layer is None:
        return [f"{path}: belongs to no layer; add a row to the table"]
    own = layer.part.split("/")[0]
    found = []
    for item in imports(source):
        top = item.module.split(".")[0]
        if item.module.startswith("."):
            found.append(f"{path}:{item.line}: relative import")
        elif top == "dialer":
            own_allowed = () if layer.part.endswith("*") else (own,)
            allowed = None if layer.dialer is None else (*own_allowed, *layer.dialer)
            found += [
                f"{path}:{item.line}: imports dialer.{module}"
                for module in modules(item)
                if allowed is not None and not any(module == a or module.startswith(f"{a}.") for a in allowed)
            ]
        elif top in sys.stdlib_module_names:
            impure = layer.part == "domain" and (
                top in IMPURE or (top in ONLY_NAMES and not set(item.names or ["*"]) <= ONLY_NAMES[top])
            )
            found += [f"{path}:{item.line}: imports {item.module} into the domain"] if impure else []
        elif layer.third_party is not None and top not in layer.third_party:
            found.append(f"{path}:{item.line}: imports {item.module}")
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_imports_follow_the_table(file):
    """Each file imports what its layer may import, and nothing else."""
    assert broken_rules(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_files_are_small(file):
    """A file above 400 lines holds more than one idea."""
    assert len(file.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("domain/agent.py", "import time"),
        ("domain/agent.py", "import random"),
        ("domain/agent.py", "from random import choice"),
        ("domain/agent.py", "from os import path"),
        ("domain/agent.py", "def late():\n    import asyncio"),
        ("domain/agent.py", "import pydantic"),
        ("domain/agent.py", "from dialer.storage.store import Store"),
        ("domain/agent.py", "from dialer import config"),
        ("domain/agent.py", "from . import book"),
        ("storage/store.py", "from dialer.telephony.base import TrunkBackend"),
        ("storage/audit.py", "from dialer.domain.ledger import Ledger"),
        ("storage/audit_inputs.py", "from dialer.domain import localtime"),
        ("telephony/simulated/carrier.py", "import httpx"),
        ("sim/world.py", "import ray"),
        ("sim/world.py", "from dialer.actors import host"),
        ("actors/host.py", "from dialer.serve import app"),
        ("serve/app.py", "from dialer.actors.registry import OPTIONS"),
        ("serve/app.py", "from dialer.sim.world import World"),
        ("errors.py", "from dialer.domain.ids import run_of"),
        ("elsewhere.py", ""),
    ],
)
def test_the_table_forbids(path, source):
    """The check finds each kind of trespass."""
    assert len(broken_rules(path, source)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("domain/agent.py", "from random import Random\nfrom dialer.domain import events as e"),
        ("telephony/asterisk/client.py", "import httpx\nfrom dialer.telephony.base import TrunkBackend"),
        ("storage/audit.py", "from dialer.domain.ids import mask_number\nfrom dialer.storage.store import Store"),
        ("actors/host.py", "import ray.actor\nfrom dialer.telephony import base"),
        ("serve/app.py", "from dialer.actors import handles\nfrom dialer.actors.handles import CampaignHandle"),
        ("cli.py", "import typer\nfrom dialer.serve import app"),
        ("commands_run.py", "import rich.live"),
    ],
)
def test_the_table_allows(path, source):
    """The check lets through what the layers are for."""
    assert broken_rules(path, source) == []


def test_only_actors_and_serve_know_ray():
    """No other row of the table names it; the command line may import everything."""
    assert {layer.part for layer in LAYERS if layer.third_party and "ray" in layer.third_party} == {"actors", "serve"}
