"""Help: every command says what it is for, what can be given, and shows an example."""

import pytest

from dialer import __version__
from dialer.cli import app, keys


def commands():
    single = [[command.name or command.callback.__name__] for command in app.registered_commands]
    return [*single, *(["key", command.name] for command in keys.registered_commands)]


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_has_help_with_an_example(call, command):
    """Status 0, on stdout, with an example that begins with the command itself."""
    told = call(*command, "--help")
    assert told.status == 0
    assert f"Example: dialer {' '.join(command)}" in " ".join(told.out.split())
    assert told.err == ""


def test_the_whole_is_explained_without_arguments(call):
    """``dialer`` alone names every command."""
    told = call()
    assert all(name in told.out + told.err for (name, *_) in commands())


def test_the_version_is_told(call):
    """``--version`` prints it and leaves."""
    told = call("--version")
    assert (told.status, told.out) == (0, f"dialer {__version__}\n")


def test_it_is_a_module_too(start):
    """``python -m dialer`` is the same program."""
    told = start("--version").end()
    assert (told.status, told.out, told.err) == (0, f"dialer {__version__}\n", "")
