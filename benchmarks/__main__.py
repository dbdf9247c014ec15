"""``python -m benchmarks``: measures the dialer on this machine, and compares it with what the machine could do."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table

from benchmarks.cases import CASES
from benchmarks.runner import environment, run_case

_EXAMPLES = """examples:
  python -m benchmarks                          everything: about seven minutes on two cores
  python -m benchmarks --only floor,dial        two cases
  python -m benchmarks --scale 0.05             a smoke test: the figures mean nothing
  python -m benchmarks --json figures.jsonl     keep the figures
"""
_TEN, _HUNDRED = 10, 100
_WIDTH = 140  #: of the table where no screen says how wide it may be


def main(arguments: Sequence[str]) -> int:
    """Run the cases that are asked for.

    Args:
        arguments: The command line.

    Returns:
        Exit status: 0; 1 if a case could not be run; 130 after Ctrl-C. A missed target is shown, and no failure:
        targets hold at scale 1 on a machine that does nothing else.
    """
    options = _options(arguments)
    if options.list:
        for name, case in CASES.items():
            print(f"{name:8}{case.about}")
        return 0
    found: list[dict[str, Any]] = []
    interrupted = False
    with _json_lines(options.json) as lines:
        _write(lines, environment(options.scale))
        try:
            for name in options.only:
                began_s = time.monotonic()
                print(f"-- {name}: {CASES[name].about}", file=sys.stderr, flush=True)
                results = run_case(name, options.scale)
                found += results
                for result in results:
                    _write(lines, result)
                print(f"-- {name}: {time.monotonic() - began_s:.0f} s", file=sys.stderr, flush=True)
        except KeyboardInterrupt:
            interrupted = True
    _show(found, options)
    if interrupted:
        return 130
    return int(any(result["value"] is None for result in found))


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m benchmarks", description=__doc__, epilog=_EXAMPLES, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", type=_names, default=list(CASES), metavar="CASE,...", help="these cases only")
    parser.add_argument("--scale", type=_scale, default=1.0, metavar="X", help="share of the full size, default 1")
    parser.add_argument("--json", metavar="FILE", help="write one JSON object a line; - for standard output")
    parser.add_argument("--list", action="store_true", help="name the cases, and end")
    return parser.parse_args(arguments)


def _names(text: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in CASES:
            msg = f"no case {name!r}; use: {', '.join(CASES)}"
            raise argparse.ArgumentTypeError(msg)
    return names


def _scale(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0.0 < float(text) <= _TEN:
            return float(text)
    msg = f"must be above 0 and at most {_TEN}, not {text!r}"
    raise argparse.ArgumentTypeError(msg)


@contextlib.contextmanager
def _json_lines(where: str | None) -> Iterator[TextIO | None]:
    if where is None:
        yield None
    elif where == "-":
        yield sys.stdout
    else:
        with Path(where).open("w", encoding="utf-8") as file:
            yield file


def _write(lines: TextIO | None, result: dict[str, Any]) -> None:
    if lines is not None:
        print(json.dumps(result), file=lines, flush=True)


def _show(found: list[dict[str, Any]], options: argparse.Namespace) -> None:
    """Print the table; on standard error if the figures went to standard output."""
    facts = environment(options.scale)
    table = Table(
        title=f"{facts['cores']} cores, {facts['machine']}, Python {facts['python']}, Ray {facts['ray']}, "
        f"DuckDB {facts['duckdb']}, load {facts['load']}, scale {facts['scale']:g}",
    )
    for head in ("case", "what"):
        table.add_column(head)
    for head in ("value", "unit", "floor", "ratio", "target", "ok"):
        table.add_column(head, justify="left" if head == "unit" else "right", no_wrap=True)
    last = None
    for result in found:
        if last not in (None, result["case"]):
            table.add_section()
        last = result["case"]
        verdict = {None: "", True: "[green]yes", False: "[red]no"}[result["ok"]]
        numbers = [_number(result[key]) for key in ("value", "floor", "ratio")]
        table.add_row(
            result["case"], result["what"], numbers[0], result["unit"], *numbers[1:], result["target"] or "", verdict
        )
    console = Console(file=sys.stderr if options.json == "-" else sys.stdout)
    if not console.is_terminal:
        console = Console(file=console.file, width=_WIDTH)
    console.print(table)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    size = abs(value)
    return f"{value:,.0f}" if size >= _HUNDRED else f"{value:.1f}" if size >= _TEN else f"{value:.3g}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
