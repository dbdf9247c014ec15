"""The findings of an audit as a table: which promise, how many cases, how many broken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from dialer.screens.words import BAD, GOOD, QUIET, count, plain

_WIDE = 110  #: columns from which short names stand beside the promises that were kept
_MAX_PROMISE = 88


class Finding(Protocol):
    """What the audit found for one invariant; ``dialer.storage.audit`` makes them."""

    @property
    def invariant(self) -> str:
        """Short name, stable."""

    @property
    def title(self) -> str:
        """The promise, in words."""

    @property
    def cases(self) -> int:
        """How many cases were looked at."""

    @property
    def violations(self) -> int:
        """How many of them break the promise."""

    @property
    def examples(self) -> tuple[str, ...]:
        """A few violations, numbers masked."""


def print_findings(console: Console, findings: Sequence[Finding]) -> None:
    """Print the findings of an audit."""
    console.print(findings_table(findings, width=console.width))


def findings_table(findings: Sequence[Finding], *, width: int) -> RenderableType:
    """The findings of an audit, as something rich can print.

    Args:
        findings: In the order to show.
        width: Columns of the terminal, 80 or more.

    Returns:
        The renderable: the table, and a line that sums it up.
    """
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("invariant", max_width=_MAX_PROMISE, overflow="fold")
    table.add_column("cases", justify="right", no_wrap=True)
    table.add_column("violations", justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for found in findings:
        broken = Text(count(found.violations), style=f"bold {BAD}" if found.violations else QUIET)
        table.add_row(
            _promise(found, named=width >= _WIDE or found.violations > 0), count(found.cases), broken, _verdict(found)
        )
    return Group(table, Text(), _summary(findings))


def _promise(found: Finding, *, named: bool) -> Text:
    text = Text(plain(found.title))
    if named:
        text.append(f" {plain(found.invariant)}", style=QUIET)
    for example in found.examples:
        text.append(f"\n  {plain(example)}", style=BAD)
    return text


def _verdict(found: Finding) -> Text:
    if found.violations:
        return Text("broken", style=f"bold {BAD}")
    return Text("kept", style=GOOD) if found.cases else Text("no case", style=QUIET)


def _summary(findings: Sequence[Finding]) -> Text:
    broken = sum(1 for found in findings if found.violations)
    cases = count(sum(found.cases for found in findings))
    if broken:
        words = f"{broken} of {len(findings)} invariants are broken; the lines in red say where to look"
        return Text(words, style=f"bold {BAD}")
    return Text(f"All {len(findings)} invariants are kept; {cases} cases looked at", style=f"bold {GOOD}")
