"""The table of an audit."""

import pytest

from dialer.screens.audit import print_findings
from dialer.storage.audit import Finding

KEPT = Finding("not_on_dnc", "no number dialled while on a do-not-call list that applies", 12345, 0)
EMPTY = Finding("legal_hours", "no call outside 8:00-21:00 in any zone", 0, 0)
BROKEN = Finding("trunk_lines", "no trunk above its lines", 10, 2, ("attempt 42 to +*********07: 61 of 60 lines",))


@pytest.fixture
def shown(console, lines):
    """Prints findings and reads them back."""

    def printed(*findings):
        print_findings(console, findings)
        return lines()

    return printed


def test_all_kept(shown):
    """Each invariant has its cases and verdict; a promise without a case is not called kept."""
    lines = shown(KEPT, EMPTY)
    (kept,) = [line for line in lines if "12,345" in line and "looked" not in line]
    (empty,) = [line for line in lines if line.startswith("no call outside")]
    assert kept.split()[-3:] == ["12,345", "0", "kept"]
    assert empty.split()[-4:] == ["0", "0", "no", "case"]
    assert lines[-1] == "All 2 invariants are kept; 12,345 cases looked at"


def test_broken(shown):
    """A broken promise has its name, its violations and an example, and the summary counts it."""
    lines = shown(KEPT, BROKEN)
    (broken,) = [line for line in lines if line.startswith("no trunk above")]
    assert broken.split()[-4:] == ["trunk_lines", "10", "2", "broken"]
    assert "attempt 42 to +*********07" in "".join(lines)
    assert lines[-1] == "1 of 2 invariants are broken; the lines in red say where to look"


def test_examples_cannot_attack(console, shown, nasty):
    """Examples may quote names: they are text."""
    assert "<script>" in "".join(shown(Finding("x", "title", 1, 1, (nasty,))))
    assert "\x1b[31m<" not in console.file.getvalue()
