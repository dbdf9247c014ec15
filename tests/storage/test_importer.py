"""Contact and number lists as operators have them: every dialect is read, every row is accounted for."""

import csv
import io
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.domain.kinds import ExcludedReason
from dialer.errors import ConfigError, ContactFileError
from dialer.storage.importer import PHONE_HEADERS, import_contacts, import_numbers
from dialer.storage.numbers import NumberFile

EXAMPLES = Path(__file__).parents[2] / "examples"
TWO = [
    {"source_row": 1, "number": 12125550100, "name": "Zoë"},
    {"source_row": 2, "number": 13125550101, "name": "Ada"},
]
PLAIN = "phone,name\n2125550100,Zoë\n3125550101,Ada\n"


@pytest.fixture
def run(tmp_path):
    """Import a text or bytes; returns the report, the contacts and the excluded rows."""

    def imported(content, **options):
        source = tmp_path / "list.csv"
        source.write_bytes(content if isinstance(content, bytes) else content.encode())
        targets = {"contacts": tmp_path / "out" / "v1.parquet", "excluded": tmp_path / "out" / "v1.excluded.parquet"}
        report = import_contacts(source, **targets, **options)
        return report, *(pq.read_table(path).to_pylist() for path in targets.values())

    return imported


@pytest.fixture
def run_numbers(tmp_path):
    """Import a number list; returns the report and the numbers of both of its files."""

    def imported(content, **options):
        source, target = tmp_path / "dnc.csv", tmp_path / "dnc" / "v1.parquet"
        source.write_bytes(content if isinstance(content, bytes) else content.encode())
        report = import_numbers(source, target=target, **options)
        numbers = pq.read_table(target)["number"].to_pylist()
        assert numbers == sorted(set(numbers))
        assert len(NumberFile(target)) == len(numbers) == report.imported
        assert all(number in NumberFile(target) for number in numbers)
        assert report.rows == report.imported + sum(report.excluded.values())
        return report, numbers

    return imported


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        b"\xfe\xff" + PLAIN.encode("utf-16-be"),
        PLAIN.encode("utf-16-le"),
        PLAIN.encode("utf-16-be"),
        PLAIN.encode("latin-1"),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode(),
        PLAIN.replace(",", "|").encode(),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace("\n", "\r\n").encode("utf-16"),
        ("\n\n" + PLAIN).encode("utf-8-sig"),
        PLAIN.rstrip("\n").encode(),
        PLAIN.replace("3125550101", "\n3125550101").encode(),
        b'"phone","name"\n"2125550100","Zo\xc3\xab"\n"3125550101","Ada"\n',
    ],
    ids="plain bom utf16 utf16be utf16le-bare utf16be-bare latin1 semicolon tab bar crlf crlf16 blank no-end gap "
    "quoted".split(),
)
def test_dialects_say_the_same(run, content):
    """Encoding, delimiter, line ends, blank lines and quotes do not change what is read."""
    report, contacts, excluded = run(content)
    assert (report.rows, report.imported, report.excluded, report.columns) == (2, 2, {}, ("name",))
    assert contacts == TWO
    assert excluded == []


@pytest.mark.parametrize("broken", ["", "3125550101\n"], ids=["fast road", "slow road"])
def test_cells_keep_newlines_quotes_and_delimiters(run, broken):
    """A quoted cell is one cell, on both roads; a blank cell is null."""
    text = 'name,phone,note\n"Doe, ""J""",2125550100,"two\nlines"\nAda,3125550102,\nBob,3125550103,""\n' + broken
    _, contacts, _ = run(text)
    assert [(row["source_row"], row["name"], row["note"]) for row in contacts] == [
        (1, 'Doe, "J"', "two\nlines"),
        (2, "Ada", None),
        (3, "Bob", None),
    ]


def test_the_delimiter_is_the_one_that_shows_the_phone_column(run):
    """Commas in the header cells of a semicolon file do not mislead."""
    _, contacts, _ = run("name, first, last;phone;a,b,c\nAda;2125550100;x\n")
    assert contacts == [{"source_row": 1, "number": 12125550100, "name, first, last": "Ada", "a,b,c": "x"}]


@pytest.mark.parametrize("header", ["phone", "Mobile", "PHONE_NUMBER", "Telephone", "cell", "Cell Phone", "E.164"])
def test_header_aliases(run, header):
    """Case, blanks and punctuation of a header do not matter."""
    report, contacts, _ = run(f"id,{header}\n7,(212) 555-0100\n")
    assert contacts == [{"source_row": 1, "number": 12125550100, "id": "7"}]
    assert report.columns == ("id",)


def test_names_of_columns(run):
    """Known columns get their usual name; a name that is taken, also but for its case, gets a number."""
    report, contacts, _ = run("First Name,TZ,number,phone,Note,note,,Agent Key\nAda,Mountain,5,2125550100,a,b,c,d\n")
    assert report.columns == ("first_name", "time_zone", "number_9", "Note", "note_2", "column_7", "agent")
    assert list(contacts[0].values()) == [1, 12125550100, "Ada", "Mountain", "5", "a", "b", "c", "d"]


def test_rows_left_out_keep_reason_row_number_and_a_masked_text(run):
    """Empty, invalid, repeated and broken rows are found again by their row; no text shows a whole number."""
    report, contacts, excluded = run(
        "phone,name\n2125550100,a\n,b\n12345,c\n+1 212 555 0100,d\n3125550101,e,f,g\n  ,h\nn/a,i\n3125550101,j\n"
    )
    assert [row["number"] for row in contacts] == [12125550100, 13125550101]
    assert [row["source_row"] for row in contacts] == [1, 8]
    assert [(row["source_row"], row["reason"], row["number"], row["raw"]) for row in excluded] == [
        (2, "empty_number", None, ""),
        (3, "invalid_number", None, "***45"),
        (4, "duplicate", 12125550100, "+* *** *** **00"),
        (5, "malformed_row", None, "**********,e,f,g"),
        (6, "empty_number", None, ""),
        (7, "invalid_number", None, "n/a"),
    ]
    assert report.excluded == {"duplicate": 1, "empty_number": 2, "invalid_number": 2, "malformed_row": 1}
    assert report.rows == 8


def test_a_quote_that_never_closes_costs_one_row(run):
    """The rows behind a stray quote are read as they stand."""
    rows = "".join(f"21255501{n:02},name\n" for n in range(60))
    report, contacts, excluded = run('phone,name\n3125550100,"open\n' + rows)
    assert [row["reason"] for row in excluded] == ["malformed_row"]
    assert (len(contacts), contacts[0]["source_row"], report.rows) == (60, 2, 61)


def test_extra_empty_cells_are_dropped_missing_cells_are_not_guessed(run):
    """Spreadsheets leave delimiters behind; a row that is too short is another matter."""
    _, contacts, excluded = run("phone,name\n2125550100,a,,\n3125550101\n")
    assert contacts == [{"source_row": 1, "number": 12125550100, "name": "a"}]
    assert [(row["source_row"], row["reason"]) for row in excluded] == [(2, "malformed_row")]


def test_numbers_of_other_countries(run):
    """The region decides how a number without a country code is read."""
    _, contacts, _ = run("phone\n020 7946 0958\n+1 212 555 0100\n", region="gb")
    assert [row["number"] for row in contacts] == [442079460958, 12125550100]
    _, contacts, excluded = run("phone\n020 7946 0958\n+44 20 7946 0958\n")
    assert [row["number"] for row in contacts] == [442079460958]
    assert [row["reason"] for row in excluded] == ["invalid_number"]


def test_an_unknown_region_is_refused(run):
    """The error shows the form that is expected."""
    with pytest.raises(ConfigError, match="two-letter country code"):
        run(PLAIN, region="Atlantis")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty: it needs a header with a phone column"),
        (b"\xef\xbb\xbf\r\n \n", "is empty"),
        (b"phone,name\n", "has a header but no rows"),
        (b"name,city\nAda,Bath\n", r"no phone column: found name, city; .* phone, or one of phonenumber, .*mobile"),
        (",".join(f"h{n}" for n in range(14)).encode(), "found h0, .*h11, ...; name"),
        (b"2125550100,Ada\n", "has no header: its first line looks like data"),
        (b"\x00\x01\x02\x03\xff\xfe\x00binary" * 9, "is not a text file"),
        (b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 4, "is not a text file"),
        (b"phone\n2125550100\n" + bytes(9), "is not a text file"),
        (b"PK\x03\x04rest", "Excel workbook or a zip"),
        (b"\xd0\xcf\x11\xe0rest", "old Excel"),
        (b"\x1f\x8brest", "compressed"),
        (b"PAR1rest", "parquet"),
        (b"%PDF-1.7", "PDF"),
        (b"\xff\xfep\x00h\x00o\x00\x00\xd8x\x00", "damaged: it begins as UTF-16"),
        (",".join(["phone", *map(str, range(1000))]).encode(), "1001 columns; at most 1000"),
        (b"phone\n" + b"1" * 3_000_000 + b"\n", "more than two million characters"),
    ],
)
def test_files_that_cannot_be_used(run, tmp_path, content, message):
    """One clear line with the file's name and no number, and nothing is left behind."""
    with pytest.raises(ContactFileError, match=message) as raised:
        run(content)
    assert "list.csv" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert "2125550100" not in str(raised.value)
    assert list((tmp_path / "out").iterdir()) == []


def test_missing_file_and_directory(tmp_path):
    """What is named must be a file."""
    targets = {"contacts": tmp_path / "c.parquet", "excluded": tmp_path / "e.parquet"}
    with pytest.raises(ContactFileError, match=r"none\.csv does not exist"):
        import_contacts(tmp_path / "none.csv", **targets)
    with pytest.raises(ContactFileError, match="is a directory"):
        import_contacts(tmp_path, **targets)


def test_a_place_that_cannot_be_written(tmp_path):
    """A file where a directory should be is an operator's error too."""
    (tmp_path / "list.csv").write_text(PLAIN)
    (tmp_path / "blocked").write_text("")
    with pytest.raises(ContactFileError, match="cannot write to"):
        import_contacts(
            tmp_path / "list.csv", contacts=tmp_path / "blocked" / "c.parquet", excluded=tmp_path / "e.parquet"
        )


def test_a_failed_import_keeps_the_old_files(run):
    """Results take their final name when they are whole."""
    run(PLAIN)
    with pytest.raises(ContactFileError):
        run("name\nAda\n")
    assert len(run(PLAIN)[1]) == 2


def test_paths_with_special_characters(tmp_path):
    """Characters that mean something in patterns or SQL stand for themselves."""
    odd = tmp_path / "it's [1] *?"
    odd.mkdir()
    (odd / "a'b[c]?.csv").write_text(PLAIN)
    report = import_contacts(odd / "a'b[c]?.csv", contacts=odd / "c.parquet", excluded=odd / "e.parquet")
    assert report.imported == 2


def test_the_contact_file_knows_where_its_other_rows_are(tmp_path):
    """The scrub finds them from the contact file alone, also after both have moved."""
    (tmp_path / "list.csv").write_text(PLAIN)
    import_contacts(tmp_path / "list.csv", contacts=tmp_path / "a" / "c.parquet", excluded=tmp_path / "b" / "e.parquet")
    metadata = pq.read_schema(tmp_path / "a" / "c.parquet").metadata
    assert metadata[b"source"] == b"list.csv"
    assert metadata[b"excluded"] == b"../b/e.parquet"


CELL = st.text(
    st.sampled_from('0123456789+-() abc,;"\n\t\u00e9\u0660') | st.characters(exclude_categories=["C"]), max_size=15
)
PHONE = st.one_of(
    CELL,
    st.integers(0, 30).map(lambda n: f"21255501{n:02}"),
    st.integers(0, 30).map(lambda n: f"+1 (212) 555-01{n:02}"),
)
ROWS = st.lists(st.tuples(PHONE, CELL), min_size=1, max_size=30)


def written(rows):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(["phone", "note"])
    writer.writerows(rows)
    return out.getvalue()


def imported_rows(text):
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        (here / "list.csv").write_text(text, encoding="utf-8", newline="")
        report = import_contacts(here / "list.csv", contacts=here / "c.parquet", excluded=here / "e.parquet")
        return report, pq.read_table(here / "c.parquet").to_pylist(), pq.read_table(here / "e.parquet").to_pylist()


@settings(deadline=None, max_examples=60)
@given(ROWS)
def test_every_row_is_a_contact_or_excluded(rows):
    """The report adds up, each row number stands in exactly one file, cells come back as they were."""
    report, contacts, excluded = imported_rows(written(rows))
    assert report.rows == len(rows) == report.imported + sum(report.excluded.values())
    assert sorted(row["source_row"] for row in contacts + excluded) == [*range(1, len(rows) + 1)]
    assert {row["reason"] for row in excluded} <= {*ExcludedReason}
    assert len({row["number"] for row in contacts}) == len(contacts)
    for row in contacts:
        assert (row["note"] or "") == rows[row["source_row"] - 1][1]


@settings(deadline=None, max_examples=40)
@given(ROWS)
def test_both_roads_read_the_same(rows):
    """One broken row at the end sends the file down the slow road, which changes nothing else."""
    text = written(rows)
    fast_report, fast, fast_out = imported_rows(text)
    slow_report, slow, slow_out = imported_rows(text + '"a","b","c"\n')
    assert slow == fast
    assert slow_out[:-1] == fast_out
    assert slow_out[-1]["reason"] == "malformed_row"
    assert slow_report.rows == fast_report.rows + 1


@settings(deadline=None, max_examples=60)
@given(st.text(st.sampled_from('0123456789a,"\n\r \t'), max_size=120))
def test_any_text_below_a_header_is_accounted_for(text):
    """Whatever follows the header and one row, the answer adds up."""
    report, contacts, excluded = imported_rows("phone,name\n2125550100,Ada\n" + text)
    assert report.rows == len(contacts) + len(excluded)
    assert contacts[0] == {"source_row": 1, "number": 12125550100, "name": "Ada"}


@pytest.mark.parametrize(
    "content",
    [
        "phone\n+12125550100\n+13125550101\n",
        "id,Mobile\n1,212-555-0100\n2,(312) 555-0101\n",
        "2125550100\n3125550101\n",
        "212,5550100\n312,5550101\n",
        "x;+1 212 555 0100\ny;+1 312 555 0101\n",
        b"\xef\xbb\xbf12125550100\r\n13125550101\r\n",
        "3125550101\n2125550100\n",
    ],
)
def test_number_lists(run_numbers, content):
    """With a header, without one, or area code and number apart."""
    report, numbers = run_numbers(content)
    assert numbers == [12125550100, 13125550101]
    assert report.excluded == {}


def test_number_lists_count_what_they_leave_out(run_numbers):
    """Repeats and texts that are no number, by reason."""
    report, numbers = run_numbers("phone,x\n2125550100,\n+12125550100,\n,\nnone,\na,b,c\n3125550101,\n")
    assert numbers == [12125550100, 13125550101]
    assert report.rows == 6
    assert report.excluded == {"duplicate": 1, "empty_number": 1, "invalid_number": 1, "malformed_row": 1}


def test_a_number_list_may_be_empty_but_not_the_file(run_numbers):
    """A header alone is an empty list; no header is a mistake."""
    assert run_numbers("phone\n")[1] == []
    with pytest.raises(ContactFileError, match="is empty"):
        run_numbers("")
    with pytest.raises(ContactFileError, match="no phone column: found name"):
        run_numbers("name\nAda\n")


def test_examples_import(tmp_path):
    """The lists of the documentation, with the bad rows that were put in."""
    report = import_contacts(
        EXAMPLES / "contacts.csv", contacts=tmp_path / "c.parquet", excluded=tmp_path / "e.parquet"
    )
    assert report.rows == 5000
    assert report.excluded == {"duplicate": 15, "empty_number": 10, "invalid_number": 15}
    assert "time_zone" in report.columns
    assert import_numbers(EXAMPLES / "dnc.csv", target=tmp_path / "d.parquet").imported == 120


def test_aliases_are_in_key_form():
    """An alias that ``header_key`` would never give could never be found."""
    assert len(set(PHONE_HEADERS)) == len(PHONE_HEADERS)
    assert all(alias.isalnum() and alias == alias.casefold() for alias in PHONE_HEADERS)
