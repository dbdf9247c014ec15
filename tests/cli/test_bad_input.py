"""Bad input: one clear line, status 2, before any Ray is started, and nothing is left behind."""

import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from dialer.storage.store import FILE_NAME, Store

BAD_FILES = {
    "missing": (None, r"people\.csv does not exist"),
    "directory": ("a directory", r"people\.csv is a directory: give a CSV file"),
    "empty": (b"", r"people\.csv is empty: it needs a header with a phone column"),
    "blank": (b"\n\n  \n", r"people\.csv is empty"),
    "binary": (bytes(range(256)) * 20, r"people\.csv is not a text file: give a CSV file"),
    "workbook": (b"PK\x03\x04" + bytes(200), r"people\.csv is an Excel workbook.*save it as CSV first"),
    "no column": (b"name,town\nAnn,Rome\n", r"people\.csv has no phone column: found name, town; name the column"),
    "no header": (b"Ann,+12125550101\n", r"people\.csv has no header: its first line looks like data"),
    "no rows": (b"name,phone\n\n", r"people\.csv has a header but no rows: add a row for each contact"),
}


def spoil(path, content):
    path.unlink()
    if content == "a directory":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)


@pytest.mark.parametrize(("content", "line"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_contact_file_that_cannot_be_used(call, folder, content, line):
    """Found before anything is started; no data directory is made."""
    spoil(folder / "people.csv", content)
    told = call("run", "spring.yaml", "--contacts", "people.csv", "--data", "data", "--json")
    assert told.status == 2
    assert re.search(line, told.complaint)
    assert told.out == ""
    assert not Path("data").exists()


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (None, r"dnc\.csv does not exist"),
        (b"", r"dnc\.csv is empty"),
        (b"\x00\x01\x02" * 99, r"dnc\.csv is not a text file"),
        (b"name,town\nAnn,Rome\n", r"dnc\.csv has no phone column"),
    ],
    ids=["missing", "empty", "binary", "no column"],
)
def test_a_do_not_call_file_that_cannot_be_used(call, folder, content, line):
    """The same for the list that must not be misread."""
    spoil(folder / "dnc.csv", content)
    told = call("run", "spring.yaml", "--contacts", "people.csv", "--dnc", "dnc.csv", "--data", "data")
    assert told.status == 2
    assert re.search(line, told.complaint)


BAD_CAMPAIGNS = {
    "missing": (None, r"spring\.yaml: no such file; give the path of a YAML file"),
    "mode": (("mode: progressive", "mode: psychic"), r"spring\.yaml:2: mode: unknown mode 'psychic'; use one of: ag"),
    "field": (("queue: sales", "que: sales"), r"spring\.yaml:4: .*que.*"),
    "value": (("max_attempts: 2", "max_attempts: 0"), r"spring\.yaml:5: max_attempts: .*1.*"),
    "kind": (("retry_period_s: 120", "retry_period_s: soon"), r"spring\.yaml:6: retry_period_s: "),
    "syntax": (("queue: sales", "queue: [sales"), r"spring\.yaml:\d+: not valid YAML"),
    "nested": (("lines: 30", "lines: -3"), r"spring\.yaml:8: trunk\.lines: .*1.*"),
    "profile": (("profile: eager", "profile: martian"), r"no carrier profile 'martian'; use one of: .*eager"),
    "habits": (("habits: steady", "habits: heroic"), r"no habits 'heroic'; use one of: .*steady"),
}


@pytest.mark.parametrize(("change", "line"), BAD_CAMPAIGNS.values(), ids=BAD_CAMPAIGNS)
def test_a_campaign_file_that_cannot_be_used(call, folder, change, line):
    """The line names the file, the line, the field and what is allowed."""
    path = folder / "spring.yaml"
    text = path.read_text(encoding="utf-8")
    path.unlink()
    if change is not None:
        path.write_text(text.replace(*change), encoding="utf-8")
    told = call("run", "spring.yaml", "--contacts", "people.csv", "--data", "data")
    assert told.status == 2
    assert re.search(line, told.complaint)


BAD_OPTIONS = {
    "no contacts": ([], r"campaign spring has no contacts yet; give --contacts FILE"),
    "speed": (["--speed", "0.5"], r"--speed must be from 1 to 600, not 0\.5"),
    "agents": (["--agents", "0"], r"--agents must be 1 or more, not 0"),
    "trunk": (["--trunk", "pigeon"], r"unknown trunk 'pigeon'; use: simulated"),
    "per actor": (["--per-actor", "few"], r"agents per actor must be auto or a number from 1, not 'few'"),
    "start": (["--start", "noon"], r"--start must be now or ISO 8601, for example .*, not 'noon'"),
    "html": (["--html", "nowhere/report.html"], r"--html nowhere/report\.html: there is no directory nowhere"),
    "data": (["--data", "people.csv"], r"people\.csv"),
    "data below a file": (["--data", "people.csv/data"], r"people\.csv/data"),
}


@pytest.mark.parametrize(("options", "line"), BAD_OPTIONS.values(), ids=BAD_OPTIONS)
def test_an_option_that_cannot_be_used(call, folder, options, line):
    """The line names the option and what is allowed."""
    contacts = ["--contacts", "people.csv"] if options else []
    told = call("run", "spring.yaml", *contacts, *options)
    assert told.status == 2
    assert re.search(line, told.complaint)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--mode", "psychic"], r"no mode 'psychic'; use one of: agentless, preview, progressive"),
        (["--agents", "0"], r"agents for progressive dialling must be 1 or more, not 0"),
        (["--hours", "0"], r"hours must be above 0 and at most 168, not 0"),
        (["--faults", "biblical"], r"'biblical'.*none, light"),
        (["--profile", "martian"], r"no carrier profile 'martian'; use one of: "),
    ],
    ids=["mode", "agents", "hours", "faults", "profile"],
)
def test_a_simulation_that_cannot_be_played(call, options, line):
    """One line that names what is allowed."""
    told = call("sim", *options)
    assert told.status == 2
    assert re.search(line, told.complaint)


HOLD = """
import sys
from pathlib import Path
from dialer.storage.store import Store
with Store.open(Path(sys.argv[1])) as store:
    store.put("contact_list", "kept", {"path": "x"})
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def held(folder):
    """A data directory that another process is writing to."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, "data"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    yield
    holder.communicate()
    with Store.open_read_only(folder / "data") as store:
        assert store.all("contact_list") == [("kept", {"path": "x"})]  # nothing was lost


COMMANDS = [
    ["run", "spring.yaml", "--contacts", "people.csv", "--data", "data"],
    ["audit", "data"],
    ["why", "data", "spring"],
]


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_second_process_on_the_same_data_directory(call, command):
    """It is refused, and the first one's records are whole."""
    told = call(*command)
    assert told.status == 2
    assert "data is in use by another dialer process; stop it first" in told.complaint


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_data_directory_of_a_newer_dialer(call, folder, command):
    """It is refused with both versions, and left as it is."""
    with Store.open(folder / "data") as store:
        store.put("contact_list", "kept", {"path": "x"})
    with duckdb.connect(str(folder / "data" / FILE_NAME)) as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    before = (folder / "data" / FILE_NAME).read_bytes()
    told = call(*command)
    assert told.status == 2
    assert "written by a newer dialer (schema 99, this one knows" in told.complaint
    assert (folder / "data" / FILE_NAME).read_bytes() == before


@pytest.mark.parametrize("command", [["audit", "nowhere"], ["why", "nowhere", "spring"]], ids=["audit", "why"])
@pytest.mark.usefixtures("folder")
def test_a_place_without_records(call, command):
    """It is no data directory, and does not become one."""
    told = call(*command)
    assert told.status == 2
    assert "nowhere is not a data directory" in told.complaint
    assert not Path("nowhere").exists()


def test_a_campaign_nobody_knows(call, folder):
    """The line says which."""
    Store.open(folder / "data").close()
    told = call("why", "data", "spring")
    assert told.status == 2
    assert "spring" in told.complaint


def test_a_process_of_its_own_says_the_same(start, folder):
    """What the tests above see in this process is what an operator sees."""
    (folder / "people.csv").unlink()
    told = start("run", folder / "spring.yaml", "--contacts", folder / "people.csv", "--data", folder / "data").end()
    assert told.status == 2
    assert re.search(r"people\.csv does not exist", told.complaint)
    assert told.out == ""
