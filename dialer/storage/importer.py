"""Contact lists and number lists, from text files to parquet.

DuckDB reads and judges rows in bulk; only texts that its one pattern does not take go through the phone number library,
each text once. Whatever is written appears under its final name when it is whole.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from dialer.domain.kinds import ExcludedReason
from dialer.errors import ContactFileError
from dialer.storage.csvfile import CsvFile, open_csv, rewrite
from dialer.storage.layout import NUMBER_COLUMNS, PHONE_HEADERS, Layout, contact_layout, number_layout
from dialer.storage.numbers import check_region, is_nanp_region, normalise, sidecar, values_view
from dialer.storage.sql import identifier, literal, load, path_literal
from dialer.storage.workspace import publish, workspace

_ARROW_BATCH = 1 << 20


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of the rows of a file.

    Attributes:
        rows: Data rows of the file; equals ``imported`` plus everything in ``excluded``.
        imported: Contacts, or distinct numbers, written.
        excluded: Rows left out, by ``ExcludedReason`` value.
        columns: Text columns kept for the card, in the order of the file; none for a number list.
        phones: Columns of numbers.
        bad_phones: Cells of these columns that are no number although their contact has another one.
    """

    rows: int
    imported: int
    excluded: dict[str, int]
    columns: tuple[str, ...] = ()
    phones: int = 1
    bad_phones: int = 0


def import_contacts(source: Path, *, contacts: Path, excluded: Path, region: str = "US") -> ImportReport:
    """Import a contact list: CSV with a header and a phone column or several; every other column is kept as text.

    A number belongs to the first row that has it. A row is left out only if none of its numbers is left to it.

    Args:
        source: CSV file; comma, semicolon, tab or bar; UTF-8, UTF-16 or Latin-1.
        contacts: Parquet file to write: ``source_row`` (1 is the first row of data), ``number``, further numbers as
            ``number_2`` and so on (null where there is none), text columns. A column of declared time zones is called
            ``time_zone``, whatever its header.
        excluded: Parquet file to write: ``source_row``, ``reason``, ``number`` (null if unreadable), ``raw`` (masked).
        region: Country of numbers without a country code.

    Returns:
        The report.

    Raises:
        ContactFileError: The file cannot be used; nothing was written.
        ConfigError: No such region.
    """
    region = check_region(region)
    sql = load("importing")
    with workspace(contacts.parent) as (con, scratch):
        file = open_csv(source, scratch=scratch, wanted=frozenset(PHONE_HEADERS))
        layout = contact_layout(file)
        rows = stage(con, file, layout, scratch=scratch, region=region)
        if not rows:
            raise ContactFileError(_no_rows(source))
        judge(con, region=region, phones=len(layout.raws))
        columns = [(at, name) for at, name in enumerate(layout.names) if name is not None]
        kept, left_out = scratch / "contacts.parquet", scratch / "excluded.parquet"
        listed = "".join(f", numbers[{at}] AS {NUMBER_COLUMNS[at - 1]}" for at in range(2, len(layout.raws) + 1))
        listed += "".join(f", c{at} AS {identifier(name)}" for at, name in columns)
        con.execute(sql["write_excluded"].format(target=literal(left_out)))
        con.execute(
            sql["write_contacts"].format(
                columns=listed,
                target=literal(kept),
                source=literal(source.name),
                excluded=literal(os.path.relpath(excluded, contacts.parent)),
            )
        )
        reasons = dict(con.execute(sql["count_excluded"].format(target=path_literal(left_out))).fetchall())
        imported = _count(con, sql["count_rows"].format(target=path_literal(kept)))
        bad_phones = _count(con, sql["count_bad_phones"]) if len(layout.raws) > 1 else 0
        publish({left_out: excluded, kept: contacts})
    return ImportReport(
        rows=rows,
        imported=imported,
        excluded=reasons,
        columns=tuple(name for _, name in columns),
        phones=len(layout.raws),
        bad_phones=bad_phones,
    )


def import_numbers(source: Path, *, target: Path, region: str = "US") -> ImportReport:
    """Import a do-not-call list: a CSV file with a phone column, or without a header one number a line.

    Lines of an area code, a comma and seven digits are read too. A list may have a header and no number.

    Args:
        source: Text file.
        target: Parquet file to write, one column ``number``, sorted, distinct; the mappable form is written beside it.
        region: Country of numbers without a country code.

    Returns:
        The report.

    Raises:
        ContactFileError: The file cannot be used; nothing was written.
        ConfigError: No such region.
    """
    region = check_region(region)
    sql = load("importing")
    with workspace(target.parent) as (con, scratch):
        file = open_csv(source, scratch=scratch, wanted=frozenset(PHONE_HEADERS))
        rows = stage(con, file, number_layout(file, region=region), scratch=scratch, region=region)
        judge(con, region=region)
        reasons = dict(con.execute(sql["count_reasons"]).fetchall())
        table, flat = scratch / "numbers.parquet", scratch / "numbers.bin"
        con.execute(sql["write_numbers"].format(target=literal(table)))
        numbers = 0
        with flat.open("wb") as out:
            for batch in pq.ParquetFile(table).iter_batches(_ARROW_BATCH):
                out.write(values_view(batch.column(0)))
                numbers += batch.num_rows
        publish({flat: sidecar(target), table: target})
    return ImportReport(rows=rows, imported=numbers, excluded=reasons)


def check_contacts(source: Path) -> None:
    """Look whether a contact list can be imported, without reading its rows.

    Args:
        source: CSV file, as for ``import_contacts``.

    Raises:
        ContactFileError: It is no text, has no phone column, or has no rows.
    """
    with TemporaryDirectory(prefix="dialer-") as scratch:
        file = open_csv(source, scratch=Path(scratch), wanted=frozenset(PHONE_HEADERS))
        contact_layout(file)
        with file.text.open(encoding="utf-8-sig", newline="") as stream:
            if not any(line.strip() for line in islice(stream, file.skip_lines + 1, None)):
                raise ContactFileError(_no_rows(source))


def check_numbers(source: Path, *, region: str = "US") -> None:
    """Look whether a do-not-call list can be imported, without reading its rows.

    Args:
        source: Text file, as for ``import_numbers``.
        region: Country of numbers without a country code.

    Raises:
        ContactFileError: It is no text, or no column holds numbers.
        ConfigError: No such region.
    """
    with TemporaryDirectory(prefix="dialer-") as scratch:
        file = open_csv(source, scratch=Path(scratch), wanted=frozenset(PHONE_HEADERS))
        number_layout(file, region=check_region(region))


def _no_rows(source: Path) -> str:
    return f"{source} has a header but no rows: add a row for each contact"


def stage(con: duckdb.DuckDBPyConnection, file: CsvFile, layout: Layout, *, scratch: Path, region: str) -> int:
    """Read the file into the table ``staged``; the number of rows."""
    sql = load("importing")
    con.execute(sql["nanp_number"].format(pattern=sql["clean_bare" if is_nanp_region(region) else "clean_full"]))
    width = len(layout.names)
    cells = [f"c{at}" for at in range(width)]
    # The phone column is staged as `raw`, once.
    shown = [cell for cell, name in zip(cells, layout.names, strict=True) if name is not None]
    for place, raw in enumerate(layout.raws[1:], 2):
        shown += [f"{raw} AS raw_{place}", f"nanp_number({raw}) AS clean_{place}"]
    stage = {
        "columns": "".join(f"{one}, " for one in shown),
        "raw": layout.raws[0],
    }
    options = {
        "path": path_literal(file.text),
        "header": literal(layout.has_header),
        "skip": file.skip_lines,
        "columns": _column_types(cells),
        "delimiter": literal(file.delimiter),
    }
    try:
        con.execute(sql["stage"].format(**stage, malformed="NULL::VARCHAR", source=sql["read_csv"].format(**options)))
    except duckdb.InvalidInputException:
        clean = scratch / "clean.csv"
        rewrite(file, width=width, has_header=layout.has_header, target=clean)
        options |= {
            "path": path_literal(clean),
            "header": literal(value=False),
            "skip": 0,
            "columns": _column_types([*cells, "broken"]),
            "delimiter": literal(","),
        }
        try:
            con.execute(sql["stage"].format(**stage, malformed="broken", source=sql["read_csv"].format(**options)))
        except duckdb.InvalidInputException as error:
            # The message of the reader quotes the row, and with it somebody's number.
            msg = f"{file.source} cannot be read as CSV: it has rows of more than two million characters"
            raise ContactFileError(msg) from error
    return _count(con, sql["count_staged"])


def _column_types(names: Sequence[str]) -> str:
    return "{" + ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names) + "}"


def judge(con: duckdb.DuckDBPyConnection, *, region: str, phones: int = 1) -> None:
    """Read the numbers that are not cleanly written, and make the view ``judged``."""
    sql = load("importing")
    # a list with one number in each row, nearly every list, is judged by simpler statements
    steps = ("numbered", "repeats", "judged") if phones == 1 else ("phones", "owned", "judged_by_phones")
    if phones > 1:
        parts = [sql["phone"].format(place=place, suffix=f"_{place}") for place in range(2, phones + 1)]
        cells = " UNION ALL ".join([sql["phone"].format(place=1, suffix=""), *parts])
        con.execute(sql["cells"].format(cells=cells))
    texts = [text for (text,) in con.execute(sql["odd" if phones == 1 else "odd_cells"]).fetchall()]
    found = [normalise(text, region=region) for text in texts]
    odd = pa.table(
        {
            "raw": pa.array(texts, pa.string()),
            "number": pa.array([None if isinstance(one, ExcludedReason) else one for one in found], pa.int64()),
            "reason": pa.array([one.value if isinstance(one, ExcludedReason) else None for one in found], pa.string()),
        }
    )
    con.register("odd_numbers", odd)
    for name in steps:
        con.execute(sql[name])


def _count(con: duckdb.DuckDBPyConnection, statement: str) -> int:
    return int(con.execute(statement).fetchall()[0][0])
