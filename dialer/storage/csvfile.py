"""A text file of rows, as operators have them: any usual encoding and delimiter, and rows that are broken.

The fast road is DuckDB's own reader, which refuses a whole file for one broken row. ``rewrite`` is the slow road for
such a file: it reads row by row, and writes a clean file in which each broken row stands as text in a last column.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dialer.errors import ContactFileError

MAX_COLUMNS = 1000
#: A quoted cell may run over this many lines; beyond that its opening quote is taken for a slip of the pen.
MAX_RECORD_LINES = 50
_CHUNK = 1 << 22
_SAMPLE = 1 << 20
_DELIMITERS = (",", ";", "\t", "|")
_BOMS = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_SIGNATURES = (
    (b"PK\x03\x04", "is an Excel workbook or a zip archive: save it as CSV first"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel workbook: save it as CSV first"),
    (b"\x1f\x8b", "is compressed: unpack it first"),
    (b"PAR1", "is a parquet file: give the CSV file"),
    (b"%PDF", "is a PDF document: give a CSV file"),
)
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\x1a"))


@dataclass(frozen=True, slots=True)
class CsvFile:
    """What is known of a file before its rows are read.

    Attributes:
        source: The file as the operator named it.
        text: The same in UTF-8; the source itself where that is UTF-8 already.
        delimiter: One character.
        first: Cells of the first record that is not blank, stripped; a header or data.
        skip_lines: Blank lines before it.
    """

    source: Path
    text: Path
    delimiter: str
    first: tuple[str, ...]
    skip_lines: int


def open_csv(source: Path, *, scratch: Path, wanted: frozenset[str] = frozenset()) -> CsvFile:
    """Find out encoding, delimiter and first record.

    Args:
        source: The file.
        scratch: Directory for a UTF-8 copy, where one is needed.
        wanted: Header names, as ``header_key`` gives them, that settle which delimiter is right.

    Raises:
        ContactFileError: The file is missing, a directory, empty, not text, or too wide.
    """
    try:
        if source.is_dir():
            msg = f"{source} is a directory: give a CSV file"
            raise ContactFileError(msg)
        text = _as_utf8(source, scratch)
        with text.open(encoding="utf-8-sig", newline="") as stream:
            sample = stream.read(_SAMPLE)
    except OSError as error:
        what = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
        msg = f"{source} {what}"
        raise ContactFileError(msg) from error
    lines = io.StringIO(sample, newline="").readlines()
    skip = next((at for at, line in enumerate(lines) if line.strip()), None)
    if skip is None:
        msg = f"{source} is empty: it needs a header with a phone column, and a row for each contact"
        raise ContactFileError(msg)
    best: tuple[bool, int] = (False, 0)
    delimiter, first = ",", tuple[str, ...]()
    for candidate in _DELIMITERS:
        cells = tuple(cell.strip() for cell in _first_record(lines[skip:], candidate))
        score = (any(header_key(cell) in wanted for cell in cells), len(cells))
        if score > best:
            best, delimiter, first = score, candidate, cells
    if len(first) > MAX_COLUMNS:
        msg = f"{source} has {len(first)} columns; at most {MAX_COLUMNS} are read"
        raise ContactFileError(msg)
    return CsvFile(source=source, text=text, delimiter=delimiter, first=first, skip_lines=skip)


def header_key(name: str) -> str:
    """A header without case, blanks and punctuation: ``Phone Number`` and ``phone_number`` are the same."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def rewrite(file: CsvFile, *, width: int, has_header: bool, target: Path) -> None:
    """Write a clean copy: commas, line feeds, no header, ``width`` columns, then the text of the row if it is broken.

    Every row of the file has one row in the copy, in the same order, so that row numbers agree.

    Args:
        file: What ``open_csv`` found.
        width: Columns that a row must have; empty cells beyond them are dropped.
        has_header: The first record is a header, and left out.
        target: File to write.
    """
    with (
        file.text.open(encoding="utf-8-sig", newline="") as stream,
        target.open("w", encoding="utf-8", newline="") as out,
    ):
        writer = csv.writer(out, lineterminator="\n")
        for _ in range(file.skip_lines):
            stream.readline()
        rows = _records(stream, file.delimiter, width)
        if has_header:
            next(rows, None)
        blank = [""] * width
        for cells, text in rows:
            if cells is None:
                writer.writerow([*blank, text.strip() or "?"])
            else:
                writer.writerow([*(_one_newline(cell) for cell in cells), ""])


def _records(stream: io.TextIOBase, delimiter: str, width: int) -> Iterator[tuple[list[str] | None, str]]:
    """Each record's cells and text; None for the cells of a broken one.

    Blank lines are rows in a file of one column only.
    """
    held: deque[str] = deque()
    while line := held.popleft() if held else stream.readline():
        if not line.strip("\r\n"):
            if width == 1:
                yield [""], ""
            continue
        cells = _cells(line, delimiter)
        if cells is None and line.count('"') % 2:
            cells = _over_lines(line, stream, held, delimiter)
        while cells and len(cells) > width and not cells[-1].strip():
            cells.pop()
        yield (cells if cells and len(cells) == width else None), line


def _over_lines(line: str, stream: io.TextIOBase, held: deque[str], delimiter: str) -> list[str] | None:
    """Cells of a record that goes on in the following lines; if it never ends well, those lines are given back."""
    taken = [line]
    while len(taken) < MAX_RECORD_LINES:
        more = held.popleft() if held else stream.readline()
        if not more:
            break
        taken.append(more)
        if '"' in more and (cells := _cells("".join(taken), delimiter)) is not None:
            return cells
    held.extendleft(reversed(taken[1:]))
    return None


def _cells(text: str, delimiter: str) -> list[str] | None:
    if '"' not in text:
        return text.rstrip("\r\n").split(delimiter)
    try:
        rows = list(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None


def _first_record(lines: list[str], delimiter: str) -> list[str]:
    try:
        return next(csv.reader(lines, delimiter=delimiter), [])
    except csv.Error:
        return lines[0].rstrip("\r\n").split(delimiter)


def _one_newline(cell: str) -> str:
    return cell.replace("\r\n", "\n").replace("\r", "\n") if "\r" in cell else cell


def _as_utf8(source: Path, scratch: Path) -> Path:
    """The file in UTF-8: itself, or a copy."""
    encoding = _encoding(source)
    if encoding == "utf-8":
        return source
    target = scratch / "utf8.csv"
    try:
        with source.open(encoding=encoding, newline="") as old, target.open("w", encoding="utf-8", newline="") as new:
            while text := old.read(_CHUNK):
                new.write(text)
    except UnicodeDecodeError as error:
        msg = f"{source} is damaged: it begins as {encoding.upper()} text but does not go on as such"
        raise ContactFileError(msg) from error
    return target


def _encoding(source: Path) -> str:
    with source.open("rb") as stream:
        head = stream.read(_CHUNK)
        for signature, what in _SIGNATURES:
            if head.startswith(signature):
                msg = f"{source} {what}"
                raise ContactFileError(msg)
        for bom, encoding in _BOMS:
            if head.startswith(bom):
                return encoding
        if wide := _wide(head):
            return wide
        narrow = ["utf-8", "cp1252", "latin-1"]
        decoder = codecs.getincrementaldecoder(narrow[0])()
        chunk = head
        while chunk:
            if b"\0" in chunk or len(chunk) - len(chunk.translate(None, _CONTROL)) > len(chunk) // 100:
                msg = f"{source} is not a text file: give a CSV file"
                raise ContactFileError(msg)
            following = stream.read(_CHUNK)
            try:
                decoder.decode(chunk, final=not following)
            except UnicodeDecodeError:
                # One byte a character from here on; what came before was valid in this encoding too.
                narrow.pop(0)
                decoder = codecs.getincrementaldecoder(narrow[0])()
                stream.seek(0)
                following = stream.read(_CHUNK)
            chunk = following
    return narrow[0]


def _wide(head: bytes) -> str | None:
    """UTF-16 without a mark, by the zero bytes that its ASCII letters leave."""
    half = max(1, len(head) // 2)
    if head[1::2].count(0) > half * 0.4 and not head[::2].count(0):
        return "utf-16-le"
    if head[::2].count(0) > half * 0.4 and not head[1::2].count(0):
        return "utf-16-be"
    return None
