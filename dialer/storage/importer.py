"""Contact lists and number lists, from text files to parquet.

DuckDB reads and judges rows in bulk; only texts that its one pattern does not take go through the phone number library,
each text once. Whatever is written appears under its final name when it is whole.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter  # noqa: TID251 - how long an import took is reported; nothing is decided by it
from types import MappingProxyType

import duckdb
import pyarrow as pa

from dialer.domain.kinds import ExcludedReason
from dialer.errors import ContactFileError
from dialer.storage.csvfile import CsvFile, header_key, open_csv, rewrite
from dialer.storage.numbers import (
    area_zones,
    check_region,
    declared_zone,
    dialable,
    is_nanp_region,
    normalise,
    sidecar,
)
from dialer.storage.sql import identifier, literal, load, path_literal

#: Columns of a contact file that are not text of the card.
RESERVED_COLUMNS = ("source_row", "number", "zones", "zone_key", "list_no", "position")
PHONE_HEADERS = (
    *("number", "phone", "phonenumber", "phoneno", "phonenum", "phone1", "telephone", "telephonenumber", "tel"),
    *("mobile", "mobilephone", "mobilenumber", "cell", "cellphone", "cellnumber", "homephone", "workphone"),
    *("primaryphone", "contactnumber", "msisdn", "e164"),
)
_ALIASES = MappingProxyType(
    {
        alias: name
        for name, aliases in {
            "first_name": ("firstname", "first", "givenname", "forename"),
            "last_name": ("lastname", "last", "surname", "familyname"),
            "time_zone": ("timezone", "tz"),
            "unique_id": ("uniqueid",),
            "state": ("state",),
            "zip": ("zip", "zipcode", "postalcode", "postcode"),
        }.items()
        for alias in aliases
    }
)
_AREA_DIGITS, _LOCAL_DIGITS = 3, 7
_ARROW_BATCH = 1 << 20


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a contact list.

    Attributes:
        rows: Data rows of the file; equals ``imported`` plus everything in ``excluded``.
        imported: Contacts written.
        excluded: Rows left out, by ``ExcludedReason`` value.
        columns: Text columns kept for the card, in the order of the file.
        seconds: Wall time.
    """

    rows: int
    imported: int
    excluded: dict[str, int]
    columns: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class NumberReport:
    """What became of a number list.

    Attributes:
        rows: Rows of the file; equals ``numbers + duplicates + invalid``.
        numbers: Distinct numbers written.
        duplicates: Rows that repeat a number.
        invalid: Rows without a number that can be read.
        seconds: Wall time.
    """

    rows: int
    numbers: int
    duplicates: int
    invalid: int
    seconds: float


@dataclass(frozen=True, slots=True)
class _Layout:
    """How the columns of one file are read; columns are called ``c0``, ``c1`` and so on until the end.

    Attributes:
        names: Final name of each text column, None for the phone column.
        raw: SQL for the number's text.
        zone: Column of the declared zone, if there is one.
        has_header: The first record is not data.
    """

    names: tuple[str | None, ...]
    raw: str
    zone: int | None
    has_header: bool


def import_contacts(source: Path, *, contacts: Path, excluded: Path, region: str = "US") -> ImportReport:
    """Import a contact list: CSV with a header and a phone column; every other column is kept as text.

    Args:
        source: CSV file; comma, semicolon, tab or bar; UTF-8, UTF-16 or Latin-1.
        contacts: Parquet file to write: ``source_row`` (1 is the first row of data), ``number``, ``zones`` (IANA zones with
            bars between them), text columns.
        excluded: Parquet file to write: ``source_row``, ``reason``, ``raw`` (masked text).
        region: Country of numbers without a country code.

    Returns:
        The report.

    Raises:
        ContactFileError: The file cannot be used; nothing was written.
        ConfigError: No such region.
    """
    start = perf_counter()
    region = check_region(region)
    sql = load("importing")
    with workspace(contacts.parent) as (con, scratch):
        file = open_csv(source, scratch=scratch, wanted=frozenset(PHONE_HEADERS))
        layout = _contact_layout(file)
        rows = _stage(con, file, layout, scratch=scratch, region=region)
        if not rows:
            msg = f"{source} has a header but no rows"
            raise ContactFileError(msg)
        _read_odd(con, region=region, for_dialling=True)
        con.register("places", _places(con.execute(sql["places"]).fetchall()))
        con.execute(sql["repeats"])
        con.execute(sql["judged"])
        columns = [(at, name) for at, name in enumerate(layout.names) if name is not None]
        kept, left_out = scratch / "contacts.parquet", scratch / "excluded.parquet"
        listed = "".join(f", c{at} AS {identifier(name)}" for at, name in columns)
        con.execute(sql["write_contacts"].format(columns=listed, target=literal(kept)))
        con.execute(sql["write_excluded"].format(target=literal(left_out)))
        reasons = dict(con.execute(sql["count_excluded"].format(target=path_literal(left_out))).fetchall())
        imported = _count(con, sql["count_rows"].format(target=path_literal(kept)))
        publish({left_out: excluded, kept: contacts})
    return ImportReport(
        rows=rows,
        imported=imported,
        excluded=reasons,
        columns=tuple(name for _, name in columns),
        seconds=perf_counter() - start,
    )


def import_numbers(source: Path, *, target: Path, region: str = "US") -> NumberReport:
    """Import a do-not-call list: a CSV file with a phone column, or without a header one number a line.

    Lines of an area code, a comma and seven digits are read too. A number counts whether or not it could be dialled.

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
    start = perf_counter()
    region = check_region(region)
    sql = load("importing")
    with workspace(target.parent) as (con, scratch):
        file = open_csv(source, scratch=scratch, wanted=frozenset(PHONE_HEADERS))
        layout = _number_layout(file, region=region)
        _stage(con, file, layout, scratch=scratch, region=region)
        _read_odd(con, region=region, for_dialling=False)
        rows, found = con.execute(sql["count_numbers"]).fetchall()[0]
        table, flat = scratch / "numbers.parquet", scratch / "numbers.bin"
        con.execute(sql["write_numbers"].format(target=literal(table)))
        numbers = 0
        with flat.open("wb") as out:
            sorted_numbers = con.execute(sql["sorted_numbers"].format(target=path_literal(table)))
            for batch in sorted_numbers.to_arrow_reader(_ARROW_BATCH):
                values = batch.column(0)
                width = values.type.bit_width // 8
                at = values.offset * width
                out.write(memoryview(values.buffers()[1])[at : at + len(values) * width])
                numbers += len(values)
        publish({flat: sidecar(target), table: target})
    return NumberReport(
        rows=rows, numbers=numbers, duplicates=found - numbers, invalid=rows - found, seconds=perf_counter() - start
    )


@contextmanager
def workspace(parent: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """A DuckDB connection and a scratch directory on the same disk as the results; both go away at the end.

    Args:
        parent: Directory of the results; made if missing.

    Yields:
        Connection and directory.

    Raises:
        ContactFileError: The directory cannot be written, or disk or memory did not suffice.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
        holder = tempfile.TemporaryDirectory(prefix=".unfinished-", dir=parent)
    except OSError as error:
        msg = f"cannot write to {parent}: {error.strerror}"
        raise ContactFileError(msg) from error
    with holder as name, duckdb.connect(config={"temp_directory": str(Path(name) / "spill")}) as con:
        try:
            yield con, Path(name)
        except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
            msg = f"cannot write to {parent}: not enough disk space or memory, or the disk failed"
            raise ContactFileError(msg) from error


def publish(finished: dict[Path, Path]) -> None:
    """Flush finished files to disk and move each to its final name, in the order given.

    Args:
        finished: Final path by temporary path.
    """
    for temporary, final in finished.items():
        final.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(final)


def _contact_layout(file: CsvFile) -> _Layout:
    keys = [header_key(cell) for cell in file.first]
    phone = next((keys.index(alias) for alias in PHONE_HEADERS if alias in keys), None)
    if phone is None:
        raise ContactFileError(_no_phone_column(file))
    taken = {*RESERVED_COLUMNS}
    names: list[str | None] = []
    zone = None
    for at, (cell, key) in enumerate(zip(file.first, keys, strict=True)):
        if at == phone:
            names.append(None)
            continue
        name = _ALIASES.get(key) or cell or f"column_{at + 1}"
        if name == "time_zone" and zone is None:
            zone = at
        names.append(_free_name(name, taken))
    return _Layout(names=tuple(names), raw=f"c{phone}", zone=zone, has_header=True)


def _number_layout(file: CsvFile, *, region: str) -> _Layout:
    keys = [header_key(cell) for cell in file.first]
    unnamed: tuple[None, ...] = (None,) * len(keys)
    phone = next((keys.index(alias) for alias in PHONE_HEADERS if alias in keys), None)
    if phone is not None:
        return _Layout(names=unnamed, raw=f"c{phone}", zone=None, has_header=True)
    if [len(cell) for cell in file.first if cell.isdecimal()] == [_AREA_DIGITS, _LOCAL_DIGITS] and len(keys) == 2:  # noqa: PLR2004 - area and local part
        return _Layout(names=unnamed, raw="c0 || c1", zone=None, has_header=False)
    for at, cell in enumerate(file.first):
        if not isinstance(normalise(cell, region=region), ExcludedReason):
            return _Layout(names=unnamed, raw=f"c{at}", zone=None, has_header=False)
    raise ContactFileError(_no_phone_column(file))


def _no_phone_column(file: CsvFile) -> str:
    if any(sum(letter.isdigit() for letter in cell) >= _LOCAL_DIGITS for cell in file.first):
        return f"{file.source} has no header: its first line looks like data; add a line of column names, one of them phone"
    found = ", ".join(cell or "(blank)" for cell in file.first[:12]) + (", ..." if len(file.first) > 12 else "")  # noqa: PLR2004 - one line
    return f"{file.source} has no phone column: found {found}; name the column of numbers phone"


def _free_name(name: str, taken: set[str]) -> str:
    """The name, with a number after it if it is taken; DuckDB does not tell names apart by case."""
    found, count = name, 1
    while found.casefold() in taken:
        count += 1
        found = f"{name}_{count}"
    taken.add(found.casefold())
    return found


def _stage(con: duckdb.DuckDBPyConnection, file: CsvFile, layout: _Layout, *, scratch: Path, region: str) -> int:
    """Read the file into the table ``staged``; the number of rows."""
    sql = load("importing")
    con.execute(sql["nanp_number"].format(pattern=sql["clean_bare" if is_nanp_region(region) else "clean_full"]))
    width = len(layout.names)
    cells = [f"c{at}" for at in range(width)]
    # The phone column is staged as `raw`, once.
    shown = ", ".join(cell for cell, name in zip(cells, layout.names, strict=True) if name is not None)
    stage = {
        "columns": f"{shown}," if shown else "",
        "raw": layout.raw,
        "declared": "''" if layout.zone is None else f"coalesce(trim(c{layout.zone}), '')",
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


def _read_odd(con: duckdb.DuckDBPyConnection, *, region: str, for_dialling: bool) -> None:
    """Read the numbers that are not cleanly written, and make the view ``numbered``."""
    sql = load("importing")
    read = dialable if for_dialling else normalise
    texts = [text for (text,) in con.execute(sql["odd"]).fetchall()]
    found = [read(text, region=region) for text in texts]
    odd = pa.table(
        {
            "raw": pa.array(texts, pa.string()),
            "number": pa.array([None if isinstance(one, ExcludedReason) else one for one in found], pa.int64()),
            "reason": pa.array([one.value if isinstance(one, ExcludedReason) else None for one in found], pa.string()),
        }
    )
    con.register("odd_numbers", odd)
    con.execute(sql["numbered"])


def _places(pairs: list[tuple[int, str]]) -> pa.Table:
    """Zones of each pair of area code and declared zone; a declared zone only ever adds to them."""
    known = area_zones()
    zones: list[str | None] = []
    for area, declared in pairs:
        here = known.get(area)
        more = declared_zone(declared)
        zones.append("|".join(sorted({*here, *([more] if more else [])})) if here else None)
    return pa.table(
        {
            "area": pa.array([area for area, _ in pairs], pa.int64()),
            "declared": pa.array([declared for _, declared in pairs], pa.string()),
            "zones": pa.array(zones, pa.string()),
        }
    )


def _count(con: duckdb.DuckDBPyConnection, statement: str) -> int:
    return int(con.execute(statement).fetchall()[0][0])
