"""Scrub of a contact list against a do-not-call list ten times as long, and DuckDB's anti-join of the same files."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.importing import paired, write_contacts
from dialer.storage.importer import import_contacts
from dialer.storage.scrub import scrub
from dialer.storage.sql import literal, path_literal

CONTACTS = 1_000_000
DNC_NUMBERS = 10_000_000

# One contact in twenty is on the list; the others on it are spread over the same range, and none comes twice.
_DNC = """
COPY (
    SELECT number FROM read_parquet({contacts}) WHERE source_row % 20 = 0
    UNION
    SELECT 12000000000 + i * 7919 % 8000000000 FROM range($numbers) AS others(i)
    ORDER BY number
) TO {target} (FORMAT parquet)
"""
_FLOOR = """
COPY (
    SELECT * FROM read_parquet({contacts}) AS contacts ANTI JOIN read_parquet({dnc}) AS dnc USING (number)
) TO {target} (FORMAT parquet)
"""


def run(scale: float) -> list[dict[str, Any]]:
    """Measure.

    Args:
        scale: Share of a million contacts and ten million numbers, above 0.

    Returns:
        One result: seconds of the scrub and of the floor.
    """
    contacts, numbers = max(1, round(CONTACTS * scale)), max(1, round(DNC_NUMBERS * scale))
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        listed, dnc = here / "contacts.parquet", here / "dnc.parquet"
        write_contacts(here / "contacts.csv", contacts)
        import_contacts(here / "contacts.csv", contacts=listed, excluded=here / "excluded.parquet")
        paths = {"contacts": path_literal(listed), "dnc": path_literal(dnc), "target": literal(here / "bare.parquet")}
        with duckdb.connect() as con:
            con.execute(_DNC.format(contacts=paths["contacts"], target=literal(dnc)), {"numbers": numbers})

        def ours() -> None:
            scrub([listed], dnc=[dnc], out_dir=here / "run")

        def bare() -> None:
            with duckdb.connect() as con:
                con.execute(_FLOOR.format(**paths))

        value, floor = paired(ours, bare)
    return [
        {
            "case": "scrub",
            "what": f"scrub {contacts:,} contacts against {numbers:,} numbers",
            "value": value,
            "unit": "s",
            "floor": floor,
            "ratio": value / floor,
            "target": "<= 2",
        }
    ]
