"""Every requirement of ``docs/requirements.md`` is shown by a test, which names its number."""

import ast
import functools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHOWS = re.compile(r"Requirements? ([0-9]+(?:(?:, | and |-)[0-9]+)*)")


def numbers(text):
    """Numbers that a docstring names: ``Requirement 31.``, ``Requirements 30, 31 and 40-42.``."""
    found = set()
    for listed in SHOWS.findall(text):
        for part in re.split(r", | and ", listed):
            first, _, last = part.partition("-")
            found.update(range(int(first), int(last or first) + 1))
    return found


@functools.cache
def required():
    """Number -> words."""
    rows = re.findall(r"^\| ([0-9]+) \| (.+) \|$", (ROOT / "docs" / "requirements.md").read_text("utf-8"), re.MULTILINE)
    return {int(number): words for number, words in rows}


@functools.cache
def shown():
    """Number -> tests."""
    found = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name.lower().startswith("test"):
                for number in numbers(ast.get_docstring(node) or ""):
                    found.setdefault(number, []).append(f"{path.stem}::{node.name}")
    return found


@pytest.mark.parametrize("number", [*range(5, 77), *range(84, 113)])
def test_a_test_shows_it(number):
    assert number in required()
    assert number in shown(), f"no test shows requirement {number}: {required()[number]}"


def test_no_test_shows_what_is_not_required():
    assert shown().keys() <= required().keys() | {1, 2, 3, 4}


def test_how_numbers_are_read():
    assert numbers("Requirement 31.") == {31}
    assert numbers("Calls come first. Requirements 30, 31 and 40-42: in this order.") == {30, 31, 40, 41, 42}
    assert numbers("Forty agents and 31 calls.") == set()
