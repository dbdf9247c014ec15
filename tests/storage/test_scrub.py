"""The scrub: each row of each list ends as a contact or with a reason."""

import itertools
import json
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.errors import ContactFileError
from dialer.storage.audit_inputs import count_rows
from dialer.storage.contacts import ContactFile
from dialer.storage.importer import import_contacts, import_numbers
from dialer.storage.scrub import scrub

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def lists(tmp_path):
    """Import texts as contact lists ``a``, ``b`` and so on; returns their files."""

    def imported(*texts):
        return [contact_list(tmp_path, name, text) for name, text in zip("abcdef", texts, strict=False)]

    return imported


def contact_list(where, name, text):
    (where / f"{name}.csv").write_text(text, encoding="utf-8")
    target = where / "lists" / name / "v1.parquet"
    import_contacts(where / f"{name}.csv", contacts=target, excluded=target.with_name("v1.excluded.parquet"))
    return target


def dnc_list(where, *numbers, name="dnc"):
    (where / f"{name}.csv").write_text("\n".join(["phone", *map(str, numbers)]))
    import_numbers(where / f"{name}.csv", target=where / f"{name}.parquet")
    return where / f"{name}.parquet"


def contacts_of(run):
    return pa.ipc.open_file(run / "contacts.arrow").read_all().to_pylist()


def excluded_of(run):
    rows = pq.read_table(run / "excluded.parquet").to_pylist()
    return [(row["source_list"], row["source_row"], row["reason"], row["number"]) for row in rows]


def test_each_reason(tmp_path, lists):
    """Two lists: what the import left out, repeats, do-not-call, and numbers without zone or rules."""
    paths = lists(
        "phone,name\n2125550100,a\n,b\n8005550100,c\n3125550101,d\n2125550100,e\n",
        "phone,name\n+442079460958,f\n3125550101,g\n3125550102,h\n12,i\n4045550100,j\n",
    )
    dnc = [dnc_list(tmp_path, 3125550102, 7025550100), dnc_list(tmp_path, 2125550100, 3125550102, name="other")]
    report = scrub(paths, dnc=dnc, out_dir=tmp_path / "run")
    assert [(row["number"], row["name"]) for row in contacts_of(tmp_path / "run")] == [
        (13125550101, "d"),
        (14045550100, "j"),
    ]
    assert excluded_of(tmp_path / "run") == [
        ("a.csv", 1, "dnc", 12125550100),
        ("a.csv", 2, "empty_number", None),
        ("a.csv", 3, "unknown_zone", 18005550100),
        ("a.csv", 5, "duplicate", 12125550100),
        ("b.csv", 1, "no_rules", 442079460958),
        ("b.csv", 2, "duplicate", 13125550101),
        ("b.csv", 3, "dnc", 13125550102),
        ("b.csv", 4, "invalid_number", None),
    ]
    assert (report.contacts, report.dialable) == (10, 2)
    assert report.excluded == {
        "dnc": 2,
        "duplicate": 2,
        "empty_number": 1,
        "invalid_number": 1,
        "no_rules": 1,
        "unknown_zone": 1,
    }


def test_the_files_of_a_run(tmp_path, lists):
    """Columns, types and metadata that machines, audit and reports rely on; nothing else is left in the directory."""
    scrub(lists("phone,name\n2125550100,a\n12,b\n"), dnc=[], out_dir=tmp_path / "run")
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["contacts.arrow", "excluded.parquet"]
    schema = pa.ipc.open_file(tmp_path / "run" / "contacts.arrow").schema
    assert list(zip(schema.names, schema.types, strict=True)) == [
        ("number", pa.int64()),
        ("zone_key", pa.uint16()),
        ("source_row", pa.int64()),
        ("list_no", pa.uint16()),
        ("name", pa.string()),
    ]
    assert json.loads(schema.metadata[b"zone_sets"]) == [["America/New_York"]]
    assert json.loads(schema.metadata[b"lists"]) == ["a.csv"]
    assert count_rows(tmp_path, "run/contacts.arrow") == count_rows(tmp_path, "run/excluded.parquet") == 1


def test_a_declared_zone_adds_to_those_of_the_area_code(tmp_path, lists):
    """A call must be allowed in all of them; a text that names no zone changes nothing."""
    paths = lists(
        "phone,tz\n2125550100,\n2125550101,Pacific\n2125550102,nowhere\n2125550103,america/new_york\n8505550100,\n",
        "mobile\n3125550100\n",
    )
    scrub(paths, dnc=[], out_dir=tmp_path / "run")
    found = ContactFile(tmp_path / "run" / "contacts.arrow")
    eastern = ("America/New_York",)
    assert [found.zone_sets[found.zone_key(at)] for at in range(len(found))] == [
        eastern,
        ("America/Los_Angeles", "America/New_York"),
        eastern,
        eastern,
        ("America/Chicago", "America/New_York"),
        ("America/Chicago",),
    ]
    assert len(set(found.zone_sets)) == len(found.zone_sets)


def test_lists_with_other_columns(tmp_path, lists):
    """Columns are matched by name without case; a list that lacks one has null there."""
    paths = lists("Name,phone,Area,reason\nx,2125550100,y,z\n", "phone,extra,name\n3125550100,e,n\n")
    scrub(paths, dnc=[], out_dir=tmp_path / "run")
    cards = [list(row.items())[4:] for row in contacts_of(tmp_path / "run")]
    assert cards == [
        [("Name", "x"), ("Area", "y"), ("reason", "z"), ("extra", None)],
        [("Name", "n"), ("Area", None), ("reason", None), ("extra", "e")],
    ]


def test_names_that_the_scrub_uses_itself(tmp_path, lists):
    """A list may have columns called like anything inside."""
    names = "source_row zone_key list_no kept_list declared nanp area reason number c0 c1 source_list".split()
    text = ",".join(["phone", *names]) + "\n2125550100," + ",".join(f"v{n}" for n in range(len(names))) + "\n"
    scrub(lists(text), dnc=[dnc_list(tmp_path, 3125550100)], out_dir=tmp_path / "run")
    card = ContactFile(tmp_path / "run" / "contacts.arrow").card(0)
    renamed = {"source_row": "source_row_2", "list_no": "list_no_2", "zone_key": "zone_key_9", "number": "number_9"}
    assert card == tuple((renamed.get(name, name), f"v{n}") for n, name in enumerate(names))


def test_order_is_that_of_the_files(tmp_path, lists):
    """Lists in the order given, rows as they stand, also over many batches."""
    numbers = [2125550000 + at * 7919 % 1_000_003 for at in range(300_000)]
    first, second = lists("phone\n" + "\n".join(map(str, numbers)), "phone\n3125550101\n3125550100\n")
    listed = dnc_list(tmp_path, *numbers[::5])
    report = scrub([second, first], dnc=[listed], out_dir=tmp_path / "run")
    found = ContactFile(tmp_path / "run" / "contacts.arrow")
    expected = [13125550101, 13125550100, *(10_000_000_000 + n for at, n in enumerate(numbers) if at % 5)]
    assert [found.number(at) for at in range(len(found))] == expected
    assert report.excluded == {"dnc": 60_000}


def test_nobody_left(tmp_path, lists):
    """A list without a dialable contact gives an empty file and a report that says so."""
    report = scrub(lists("phone\n2125550100\n"), dnc=[dnc_list(tmp_path, 2125550100)], out_dir=tmp_path / "run")
    assert (report.contacts, report.dialable, report.excluded) == (1, 0, {"dnc": 1})
    assert len(ContactFile(tmp_path / "run" / "contacts.arrow")) == 0


def test_a_list_whose_import_kept_nothing(tmp_path, lists):
    """All rows were left out before; they are still accounted for."""
    report = scrub(lists("phone\nnone\n"), dnc=[], out_dir=tmp_path / "run")
    assert (report.contacts, report.dialable, report.excluded) == (1, 0, {"invalid_number": 1})


def test_what_cannot_be_scrubbed(tmp_path, lists):
    """One clear line, and no file of a run."""
    (good,) = lists("phone\n2125550100\n")
    numbers = dnc_list(tmp_path, 3125550100)
    (tmp_path / "junk.parquet").write_bytes(b"junk")
    pq.write_table(pa.table({"phone": ["2125550100"]}), tmp_path / "text.parquet")
    cases = [
        ([], [], "no contact list is given"),
        ([tmp_path / "none.parquet"], [], "none.parquet does not exist"),
        ([tmp_path / "junk.parquet"], [], "junk.parquet is damaged, or was never imported"),
        ([numbers], [], "not an imported contact list"),
        ([good], [tmp_path / "none.parquet"], "none.parquet does not exist"),
        ([good], [tmp_path / "text.parquet"], "has no numbers"),
    ]
    for given_lists, dnc, message in cases:
        with pytest.raises(ContactFileError, match=message):
            scrub(given_lists, dnc=dnc, out_dir=tmp_path / "run")
    good.with_name("v1.excluded.parquet").unlink()
    with pytest.raises(ContactFileError, match=r"v1\.excluded\.parquet does not exist: import the list again"):
        scrub([good], dnc=[], out_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=12), min_size=1, max_size=3),
    st.lists(st.sets(st.integers(0, 12)), max_size=2),
)
def test_scrub_adds_up(lists_of_lines, dnc_lists):
    """Dialable and excluded rows are the rows of the lists; nobody on a do-not-call list, nobody twice."""
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        paths = [
            contact_list(here, f"l{at}", "\n".join(["phone", *(f"21255501{line:02}" for line in lines)]))
            for at, lines in enumerate(lists_of_lines)
        ]
        dnc = [
            dnc_list(here, *(f"21255501{line:02}" for line in lines), name=f"d{at}")
            for at, lines in enumerate(dnc_lists)
        ]
        report = scrub(paths, dnc=dnc, out_dir=here / "run")
        found = ContactFile(here / "run" / "contacts.arrow")
        blocked = {line for lines in dnc_lists for line in lines}
        wanted = [line for line in dict.fromkeys(itertools.chain(*lists_of_lines)) if line not in blocked]
        assert [found.number(at) - 12125550100 for at in range(len(found))] == wanted
        assert report.contacts == sum(map(len, lists_of_lines)) == len(excluded_of(here / "run")) + len(found)
        assert report.contacts == report.dialable + sum(report.excluded.values())


def test_examples_scrub(tmp_path):
    """The lists of the documentation: nine in ten of the do-not-call numbers are in the contact list."""
    import_contacts(EXAMPLES / "contacts.csv", contacts=tmp_path / "c.parquet", excluded=tmp_path / "e.parquet")
    import_numbers(EXAMPLES / "dnc.csv", target=tmp_path / "d.parquet")
    report = scrub([tmp_path / "c.parquet"], dnc=[tmp_path / "d.parquet"], out_dir=tmp_path / "run")
    assert (report.contacts, report.dialable) == (5000, 4870)
    assert report.excluded == {"dnc": 90, "duplicate": 15, "empty_number": 10, "invalid_number": 15}
