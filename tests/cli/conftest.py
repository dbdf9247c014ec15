"""The command line as an operator meets it: in this process where nothing is started, else as a process of its own."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dialer import cli, commands_demo, commands_run

CAMPAIGN = """\
name: spring
mode: progressive
caller_id: "+12125550100"
queue: sales
max_attempts: 2
retry_period_s: 120
amd: true
trunk: {name: main, lines: 30, calls_per_s: 10, profile: eager}
agents: {count: 4, wrap_up_s: 20, habits: steady}
"""
_AREA_CODES = (201, 212, 213, 305, 312, 404, 415, 503, 602, 617)
#: What a process of its own may take at most, on a loaded machine.
LIMIT_S = 200.0


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with a campaign file, contacts and a do-not-call list."""
    monkeypatch.chdir(tmp_path)
    Path("spring.yaml").write_text(CAMPAIGN, encoding="utf-8")
    write_numbers(Path("people.csv"), range(24))
    write_numbers(Path("dnc.csv"), range(2))
    return tmp_path


def write_numbers(path, places):
    """A CSV of fictional numbers."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["name", "phone"])
        for place in places:
            line, code = divmod(place, len(_AREA_CODES))
            out.writerow([f"Contact {place}", f"+1{_AREA_CODES[code]}55501{line:02d}"])


class Answer:
    """What a command has said and how it ended."""

    def __init__(self, status, out, err):
        self.status = status
        self.out = out
        self.err = err

    @property
    def result(self):
        """The JSON object on the last line of stdout."""
        return json.loads(self.out.splitlines()[-1])

    @property
    def complaint(self):
        """The one line of stderr; there must be no other, and no traceback."""
        assert "Traceback" not in self.err + self.out
        (line,) = self.err.splitlines()
        assert line.startswith("dialer: ")
        return line


@pytest.fixture
def call(monkeypatch, capfd):
    """Run a command in this process; it must not start a Ray."""

    def forbid(*_, **__):
        pytest.fail("Ray was started")

    for module in (commands_run, commands_demo):
        monkeypatch.setattr(module, "start_ray", forbid)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["dialer", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capfd.readouterr()
        return Answer(ended.value.code or 0, said.out, said.err)

    return run


class Process:
    """``python -m dialer`` in a session of its own, as from a terminal.

    Args:
        arguments: What stands behind ``dialer``.
    """

    def __init__(self, *arguments):
        self.lines = []
        # Ray reads these from the environment of whoever runs the tests
        env = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dialer", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
            text=True,
            start_new_session=True,
        )

    def until(self, pattern):
        """Read stderr up to the line that has the pattern."""
        for line in self._process.stderr:
            self.lines.append(line)
            if re.search(pattern, line):
                return
        pytest.fail(f"ended without {pattern!r}: {''.join(self.lines)}")

    def until_there_is(self, path):
        """Wait for a file that the process makes."""
        while not path.exists():
            assert self._process.poll() is None, "ended without it"
            time.sleep(0.01)

    def signal(self, number):
        """Send a signal to the whole foreground process group, as a terminal does."""
        os.killpg(self._process.pid, number)

    def end(self, limit_s=LIMIT_S):
        """Wait for the end."""
        out, err = self._process.communicate(timeout=limit_s)
        return Answer(self._process.returncode, out, "".join(self.lines) + err)

    def forget(self):
        """End what is left of it."""
        if self._process.poll() is None:
            self.signal(signal.SIGKILL)
            self._process.communicate()


@pytest.fixture
def start():
    """Start commands as processes of their own."""
    started = []

    def begin(*arguments):
        started.append(Process(*arguments))
        return started[-1]

    yield begin
    for process in started:
        process.forget()


@pytest.fixture
def numbers():
    """Write a CSV of fictional numbers: path, places."""
    return write_numbers
