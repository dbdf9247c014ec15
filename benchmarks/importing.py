"""Import of a clean contact list, against DuckDB reading and writing the same file with no question asked."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from dialer.storage.importer import import_contacts
from dialer.storage.numbers import area_zones
from dialer.storage.sql import literal, path_literal

ROWS = 1_000_000
ROUNDS = 3

_CONTACTS = """
COPY (
    SELECT 'First' || i % 97 AS first_name, 'Last' || i % 1009 AS last_name,
        CASE i % 5
            WHEN 0 THEN format('({{}}) {{}}-{{}}', area, local[1:3], local[4:7])
            WHEN 1 THEN format('{{}}-{{}}-{{}}', area, local[1:3], local[4:7])
            WHEN 2 THEN area || local
            ELSE '+1' || area || local
        END AS phone,
        'NY' AS state, lpad((i % 99999)::VARCHAR, 5, '0') AS zip,
        CASE WHEN i % 2 = 0 THEN 'America/New_York' END AS time_zone,
        'AC' || i AS account_id, 'auto insurance' AS product, round(i * 7919 % 100000 / 100, 2) AS balance
    FROM (
        -- Odd multipliers without a factor of the modulus: no number comes twice.
        SELECT i, $areas[1 + i % len($areas)]::VARCHAR AS area,
            (2000000 + i // len($areas) * 7919 % 8000000)::VARCHAR AS local
        FROM range($rows) AS numbers(i)
    )
) TO {target} (HEADER)
"""
_FLOOR = "COPY (SELECT * FROM read_csv({source})) TO {target} (FORMAT parquet)"


def write_contacts(target: Path, rows: int) -> None:
    """Write a clean list: distinct numbers of all area codes in four usual forms, nine columns.

    Args:
        target: CSV file.
        rows: Rows below the header, up to a billion.
    """
    with duckdb.connect() as con:
        con.execute(_CONTACTS.format(target=literal(target)), {"areas": sorted(area_zones()), "rows": rows})


def paired(case: Callable[[], object], floor: Callable[[], object]) -> tuple[float, float]:
    """Median seconds of both, run in turn so that a slow moment of the machine hits both.

    Args:
        case: What is measured.
        floor: What it is measured against.
    """
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for job, taken in zip((case, floor), seconds, strict=True):
            start = time.perf_counter()
            job()
            taken.append(time.perf_counter() - start)
    return statistics.median(seconds[0]), statistics.median(seconds[1])


def run(scale: float) -> list[dict[str, Any]]:
    """Measure.

    Args:
        scale: Share of a million rows, above 0.

    Returns:
        One result: seconds of the import and of the floor.
    """
    rows = max(1, round(ROWS * scale))
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        source = here / "contacts.csv"
        write_contacts(source, rows)

        def ours() -> None:
            import_contacts(source, contacts=here / "contacts.parquet", excluded=here / "excluded.parquet")

        def bare() -> None:
            with duckdb.connect() as con:
                con.execute(_FLOOR.format(source=path_literal(source), target=literal(here / "bare.parquet")))

        value, floor = paired(ours, bare)
    return [
        {
            "case": "import",
            "what": f"import {rows:,} rows",
            "value": value,
            "unit": "s",
            "floor": floor,
            "ratio": value / floor,
            "target": "<= 4",
        }
    ]
