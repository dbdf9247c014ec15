"""The mapped contact file answers like the table it was written from."""

import json

import pyarrow as pa
import pytest

from dialer.errors import DataDirectoryError
from dialer.storage.contacts import ContactFile

ZONES = [["America/New_York"], ["America/Chicago", "America/New_York"]]


def write(path, sizes, metadata=None):
    """A contact file of batches of these sizes: contact n has number 12125550000 + n and name ``n<n>``."""
    schema = pa.schema(
        [
            ("number", pa.int64()),
            ("zone_key", pa.uint16()),
            ("source_row", pa.int64()),
            ("list_no", pa.uint16()),
            ("name", pa.string()),
            ("state", pa.string()),
        ],
        metadata={"zone_sets": json.dumps(ZONES)} if metadata is None else metadata,
    )
    start = 0
    with pa.ipc.new_file(path, schema) as writer:
        for size in sizes:
            span = range(start, start + size)
            columns = [
                [12125550000 + n for n in span],
                [n % 2 for n in span],
                [n + 1 for n in span],
                [0] * size,
                [f"n{n}" for n in span],
                [None] * size,
            ]
            arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            start += size
    return ContactFile(path)


@pytest.mark.parametrize("sizes", [[7], [3, 4], [1, 0, 5, 1], [2, 2, 2, 1]])
def test_contacts_by_index(tmp_path, sizes):
    """The batches of the file are not seen from outside."""
    found = write(tmp_path / "contacts.arrow", sizes)
    assert len(found) == 7
    assert [found.number(at) for at in range(7)] == [12125550000 + n for n in range(7)]
    assert [found.zone_key(at) for at in range(7)] == [0, 1, 0, 1, 0, 1, 0]
    assert [found.card(at) for at in range(7)] == [(("name", f"n{n}"),) for n in range(7)]
    assert found.zone_sets == (("America/New_York",), ("America/Chicago", "America/New_York"))


@pytest.mark.parametrize("sizes", [[], [0], [7]])
def test_an_index_beyond_the_end_is_refused(tmp_path, sizes):
    """No value is made up."""
    found = write(tmp_path / "contacts.arrow", sizes)
    for read in (found.number, found.zone_key, found.card, found.phones, found.agent):
        with pytest.raises(IndexError):
            read(len(found))


def test_several_numbers_and_agents(tmp_path):
    """Requirement 90. Each number has its own zone; 0 stands for a number or an agent that is not there."""
    told = {
        "number": pa.array([12125550000, 12125550001, 12125550002], pa.int64()),
        "zone_key": pa.array([0, 0, 0], pa.uint16()),
        "number_2": pa.array([13125550000, 0, 13125550002], pa.int64()),
        "zone_key_2": pa.array([1, 0, 1], pa.uint16()),
        "number_3": pa.array([0, 0, 14045550002], pa.int64()),
        "zone_key_3": pa.array([0, 0, 0], pa.uint16()),
        "agent_key": pa.array([0, 2, 1], pa.uint16()),
        "name": ["a", "b", ""],
    }
    table = pa.table(told).replace_schema_metadata({"zone_sets": json.dumps(ZONES), "agents": '["", "a1", "a2"]'})
    with pa.ipc.new_file(tmp_path / "contacts.arrow", table.schema) as writer:
        writer.write_table(table, max_chunksize=2)
    found = ContactFile(tmp_path / "contacts.arrow")
    assert [found.phones(at) for at in range(3)] == [2, 1, 3]
    assert [found.number(2, phone) for phone in range(3)] == [12125550002, 13125550002, 14045550002]
    assert [found.zone_key(0, phone) for phone in range(2)] == [0, 1]
    assert [found.agent(at) for at in range(3)] == ["", "a2", "a1"]
    assert list(found.mapped()) == [(1, "a2"), (2, "a1")]
    assert [found.card(at) for at in range(3)] == [(("name", "a"),), (("name", "b"),), ()]


def test_a_list_without_agents_maps_nobody(tmp_path):
    """Neither column nor table is needed."""
    found = write(tmp_path / "contacts.arrow", [2, 1])
    assert (list(found.mapped()), found.agent(2), found.phones(2)) == ([], "", 1)


def test_opening_reads_no_contact(tmp_path):
    """The values stay in the mapped file: Arrow allocates next to nothing for them."""
    write(tmp_path / "contacts.arrow", [100_000, 100_000])
    before = pa.total_allocated_bytes()
    found = ContactFile(tmp_path / "contacts.arrow")
    assert found.number(150_000) == 12125700000
    assert pa.total_allocated_bytes() - before < 100_000


def test_files_that_are_not_contact_files(tmp_path):
    """Missing, damaged or without the zones: one clear line."""
    with pytest.raises(DataDirectoryError, match="missing or damaged"):
        ContactFile(tmp_path / "none.arrow")
    (tmp_path / "junk.arrow").write_bytes(b"junk")
    with pytest.raises(DataDirectoryError, match="missing or damaged"):
        ContactFile(tmp_path / "junk.arrow")
    for metadata in ({}, {"other": "1"}):
        with pytest.raises(DataDirectoryError, match="missing or damaged"):
            write(tmp_path / "bare.arrow", [1], metadata=metadata)
