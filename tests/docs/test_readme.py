"""Every command in the README can be given, every file it names is there, and its tables are whole."""

import re
import shlex
from pathlib import Path

import pytest
import typer
import yaml

from dialer.cli import app
from dialer.config import CampaignFile, ServiceFile, load_campaign
from dialer.domain.kinds import DialingMode
from dialer.serve.auth import ROLES
from dialer.storage.keys import Role

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in ROOT.glob("docs/*.md")}
DOCUMENTS["README.md"] = README
#: What the README has its reader make.
MADE = {"dialer.yaml", "report.html", "data", "data/run", "data/service"}


def blocks(text, language):
    """Code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def shell_lines():
    """Each line of each shell block, once."""
    found = (line for text in DOCUMENTS.values() for block in blocks(text, "bash") for line in block.splitlines())
    return list(dict.fromkeys(line for line in found if line.strip()))


def commands():
    """Every dialer command among them, also inside ``$(...)`` and after variables."""
    inner = (re.sub(r"^\w+=\$\((.*)\)$", r"\1", line) for line in shell_lines())
    words = [shlex.split(re.sub(r"^(\w+=\S+ )+", "", line)) for line in inner]
    return [line[1:] for line in words if line[0] == "dialer"]


def parse(arguments):
    """Parse a command line as ``dialer`` would, without running anything.

    Returns:
        The command that would run, and its parameters.
    """
    command, context = typer.main.get_command(app), None
    arguments = list(arguments)
    while True:
        context = command.make_context(command.name, arguments, parent=context)
        if not hasattr(command, "resolve_command"):
            return command, context.params
        _, command, arguments = command.resolve_command(context, [*context._protected_args, *context.args])


@pytest.mark.parametrize("arguments", commands(), ids=" ".join)
def test_commands_parse(arguments):
    command, parameters = parse(arguments)
    paths = [value for value in parameters.values() if isinstance(value, Path)]
    paths += [path for value in parameters.values() if isinstance(value, list | tuple) for path in value]
    missing = [str(path) for path in paths if str(path) not in MADE and not (ROOT / path).exists()]
    assert (command.callback is not None, missing) == (True, [])


def test_a_wrong_command_is_found():
    with pytest.raises(typer.BadParameter.__base__, match="No such option: --agent"):
        parse(["run", "examples/progressive.yaml", "--agent", "20"])


def test_every_command_is_in_the_table():
    listed = set(re.findall(r"^\| `dialer ([a-z ]+)` \|", README, re.MULTILINE))
    root = typer.main.get_command(app)
    known = {
        f"{name} {inner}" if inner else name
        for name, command in root.commands.items()
        for inner in getattr(command, "commands", {"": None})
    }
    assert listed == known


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = {line.split()[1] for line in shell_lines() if line.startswith("make ")}
    assert {"demo", "test", "check", "bench"} <= named <= targets
    assert blocks(README, "bash")[0].splitlines() == ["make demo", "make test"]


def test_other_shell_lines_name_what_is_there():
    """Scripts that are run and files that are sent."""
    named = [word for line in shell_lines() if line.startswith("ray ") for word in line.split()[1:]]
    files = [word for word in named if "." in word] + re.findall(r"--data-binary @(\S+)", README)
    assert files
    assert [name for name in files if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_paths_and_links_exist(name):
    """What stands in backquotes and looks like a path of this project is one; links lead somewhere."""
    text = DOCUMENTS[name]
    base = (ROOT / name).parent
    quoted = re.findall(r"`((?:dialer|docs|tests|tools|examples|benchmarks|\.ci)/[\w./-]*)`", text)
    linked = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in target]
    assert [path for path in quoted if not (ROOT / path).exists()] == []
    assert [path for path in linked if not (base / path).exists()] == []


def test_bodies_are_accepted():
    """The service file and the campaign that curl sends are valid."""
    (service,) = blocks(README, "yaml")
    ServiceFile.model_validate(yaml.safe_load(service))
    bodies = [yaml.safe_load(body) for body in re.findall(r" -d '(\{.*\})'", README)]
    campaigns = [CampaignFile.model_validate(body["file"]) for body in bodies if "file" in body]
    assert [campaign.mode for campaign in campaigns] == [DialingMode.AGENTLESS]


def test_roles_are_all_named():
    said = README[README.index("The roles of keys") :].partition("\n\n")[0]
    assert {role for role in Role if f"`{role.value}`" in said} == set(ROLES)


def test_there_is_an_example_of_each_mode():
    assert {load_campaign(path).mode for path in (ROOT / "examples").glob("*.yaml")} == set(DialingMode)


def test_the_project_can_be_passed_on():
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert {"make check", "make test"} <= set(ci)


def identifiers(text):
    """Names of code in backquotes: ``Matching._launch``, ``max_task_retries=0``, ``machine.start`` are not files."""
    quoted = re.findall(
        r"`([A-Za-z_][\w.]*)(?:=\w+)?`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    )
    return {name for name in quoted if not (ROOT / name).exists()}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_names_exist(name):
    """What the documents name is somewhere in the code: a renamed method is renamed here, too."""
    words = set()
    for folder in ("dialer", "tools"):
        sources = [path for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".sql", ".yaml")]
        words.update(path.name for path in sources)
        words.update(word for path in sources for word in re.findall(r"\w+", path.read_text(encoding="utf-8")))
    words.update(re.findall(r"\w+", (ROOT / "cluster.yaml").read_text(encoding="utf-8")))
    unknown = [item for item in identifiers(DOCUMENTS[name]) if item not in words and not {*item.split(".")} <= words]
    assert unknown == []
