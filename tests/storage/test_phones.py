"""Contacts with several numbers, and contacts that are for one agent."""

import itertools
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialer.errors import ContactFileError

N = 12125550100


def test_columns_of_numbers_are_found_by_their_headers(desk):
    """The best known column holds the first number, the others follow in their order; a column "number" is text."""
    text = "Home,name,Mobile 2,number,Phone,Alternate Phone,e-mail\n2125550101,a,2125550102,7,2125550100,2125550103,x\n"
    row = pq.read_table(desk.contact_list(text)).to_pylist()[0]
    assert list(row.items()) == [
        ("source_row", 1),
        ("number", N),
        ("number_2", N + 1),
        ("number_3", N + 2),
        ("number_4", N + 3),
        ("name", "a"),
        ("number_9", "7"),
        ("e-mail", "x"),
    ]
    assert (desk.report.phones, desk.report.bad_phones) == (4, 0)
    assert desk.report.columns == ("name", "number_9", "e-mail")


def test_more_than_eight_numbers_stay_text(desk):
    """The ninth column is a column like any other."""
    head = ",".join(["phone", *(f"phone_{at}" for at in range(2, 10)), "mobile"])
    row = pq.read_table(desk.contact_list(f"{head}\n" + ",".join(f"21255501{at:02}" for at in range(10)))).to_pylist()[
        0
    ]
    assert [row[f"number_{at}"] for at in range(2, 9)] == [N + at for at in range(1, 8)]
    assert (row["phone_9"], row["mobile"]) == ("2125550108", "2125550109")


def test_a_row_is_left_out_only_if_no_number_is_left(desk):
    """A number belongs to the first row that has it, and to its first column; numbers that are none are passed over."""
    text = (
        "phone,mobile,home,name\n"
        "2125550100,2125550100,,a\n"  # twice in one row
        ",n/a,2125550101,b\n"  # only the last is good
        "2125550101,2125550100,,c\n"  # both belong to rows above
        "n/a,12,,d\n"
        ",,,e\n"
        "2125550102,2125550101,bad,f\n"
        "1,2,3,4,5\n"
    )
    contacts = pq.read_table(desk.contact_list(text)).to_pylist()
    kept = {row["name"]: [row[c] for c in ("number", "number_2", "number_3") if row[c]] for row in contacts}
    assert kept == {"a": [N], "b": [N + 1], "f": [N + 2]}
    assert desk.report.excluded == {"duplicate": 1, "invalid_number": 1, "empty_number": 1, "malformed_row": 1}
    assert (desk.report.rows, desk.report.imported, desk.report.bad_phones) == (7, 3, 2)
    found = desk.run(text)
    assert found.excluded == [
        ("a.csv", 3, "duplicate", N + 1),
        ("a.csv", 4, "invalid_number", None),
        ("a.csv", 5, "empty_number", None),
        ("a.csv", 7, "malformed_row", None),
    ]


def test_the_scrub_takes_off_single_numbers(desk):
    """Requirement 88. A listed number is taken off; the contact goes only with its last one, for the first reason."""
    found = desk.run(
        "phone,mobile,name\n2125550100,3125550100,a\n2125550101,3125550101,b\n2125550102,,c\n8005550100,4045550100,d\n",
        "phone,name\n3125550100,e\n4045550101,f\n",
        dnc=(2125550100, 2125550101, 3125550101, 2125550102),
    )
    assert list(zip(found.names, found.numbers, strict=True)) == [
        ("a", [13125550100]),
        ("d", [14045550100]),
        ("f", [14045550101]),
    ]
    assert found.excluded == [
        ("a.csv", 2, "dnc", 12125550101),
        ("a.csv", 3, "dnc", 12125550102),
        ("b.csv", 1, "duplicate", 13125550100),
    ]
    assert (found.report.contacts, found.report.dialable, found.report.excluded) == (6, 3, {"dnc": 2, "duplicate": 1})
    assert found.report.removed == {"dnc": 1, "unknown_zone": 1}


def test_each_number_has_its_own_zones(desk):
    """The declared zone adds to those of every number of the contact."""
    contacts = desk.run("phone,mobile,tz\n2125550100,3125550100,\n2125550101,3125550101,Pacific\n").contacts
    zones = [[contacts.zone_sets[contacts.zone_key(at, phone)] for phone in range(2)] for at in range(2)]
    east, middle, west = "America/New_York", "America/Chicago", "America/Los_Angeles"
    assert zones == [[(east,), (middle,)], [(west, east), (middle, west)]]


PHONES = st.lists(st.integers(-1, 9), min_size=3, max_size=3)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(PHONES, min_size=1, max_size=8), min_size=1, max_size=2), st.sets(st.integers(0, 9)))
def test_numbers_are_given_out_once_and_never_if_listed(desk, lists, blocked):
    """Over all lists: no number twice, none that is listed, no row lost, and the order of the columns is kept."""
    texts = [
        "\n".join(["phone,mobile,home", *(",".join(f"212555010{n}" if n >= 0 else "" for n in row) for row in rows)])
        for rows in lists
    ]
    found = desk.run(*texts, dnc=[f"212555010{n}" for n in blocked])
    given_out = list(itertools.chain(*found.numbers))
    assert len(set(given_out)) == len(given_out)
    assert not {n - N for n in given_out} & blocked
    assert {n for row in itertools.chain(*lists) for n in row if n >= 0} - blocked == {n - N for n in given_out}
    rows = list(zip(found.rows["list_no"].to_pylist(), found.rows["source_row"].to_pylist(), strict=True))
    for (list_no, source_row), numbers in zip(rows, found.numbers, strict=True):
        written = [N + n for n in dict.fromkeys(lists[list_no][source_row - 1]) if n >= 0]
        assert numbers == [n for n in written if n in numbers]
    assert found.report.contacts == sum(map(len, lists)) == len(numbers_of(found)) + len(found.excluded)


def numbers_of(found):
    return [numbers for numbers in found.numbers if numbers]


def test_agents_of_the_column(desk):
    """Requirement 90. A column of agents maps contacts; what cannot be an agent's name maps nobody."""
    found = desk.run("phone,agent\n2125550100,A2\n2125550101,\n2125550102,Bob Smith\n2125550103,a1\n2125550104,a2\n")
    assert list(found.contacts.mapped()) == [(0, "a2"), (3, "a1"), (4, "a2")]
    assert found.contacts.agent(1) == ""
    plain = desk.run("phone,agent\n2125550100,\n")
    assert "agent_key" not in plain.rows.column_names


def test_mapping_list_beats_the_columns(desk):
    """Requirement 90. Contacts are found by their id before their numbers, by any number, and the first row counts."""
    mapping = desk.mapping(
        "unique id,phone,agent,priority\n"
        "7,,a7,\n"
        ",3125550101,A3,5\n"
        ",3125550101,a4,\n"
        ",2125550102,no agent,9\n"
        ",2125550100,a8,\n"
        ",bad,a1,\n"
        ",2125550109,,\n"
    )
    assert desk.report.excluded == {"duplicate": 1, "invalid_number": 1, "malformed_row": 1}
    assert (desk.report.rows, desk.report.imported) == (7, 4)
    text = (
        "phone,mobile,agent,uniqueId,contact priority,name\n"
        "2125550100,,x,7,1,a\n2125550101,3125550101,y,8,9,b\n2125550102,,z,9,2,c\n2125550103,,w,,3,d\n"
    )
    found = desk.run(text, mapping=mapping)
    assert [found.contacts.agent(at) for at in range(4)] == ["a7", "a3", "z", "w"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,agent\nx,y\n", "needs a column phone or unique_id"),
        ("phone,name\n2125550100,y\n", "needs a column agent or priority"),
    ],
)
def test_what_is_no_mapping_list(desk, tmp_path, text, message):
    """One clear line, and nothing written."""
    with pytest.raises(ContactFileError, match=message):
        desk.mapping(text)
    assert not Path(tmp_path / "mapping.parquet").exists()
