"""Numbers: the bulk pattern and the library agree, zones are known, number files are searched in place."""

import array
import zoneinfo

import duckdb
import phonenumbers
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.domain.kinds import ExcludedReason
from dialer.errors import ConfigError, ContactFileError
from dialer.storage.importer import import_numbers
from dialer.storage.numbers import (
    ZONE_ALIASES,
    NumberFile,
    area_zones,
    check_region,
    declared_zone,
    is_nanp_region,
    normalise,
    sidecar,
    values_view,
    zones_of,
)
from dialer.storage.sql import load

INVALID = ExcludedReason.INVALID_NUMBER
DIGITS = st.text("0123456789", min_size=2, max_size=5)
SHAPED = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["", " ", "+", "0"]),
        st.sampled_from(["", "1", "1-", "1 ", "01", "44"]),
        st.sampled_from(["", "("]),
        st.sampled_from(["212", "555", "911", "112", "012", "800"]) | DIGITS,
        st.sampled_from(["", ")", ") ", "-", ".", " ", "--"]),
        st.sampled_from(["555", "911", "155", "200"]) | DIGITS,
        st.sampled_from(["", "-", " ", ".", ")"]),
        st.from_regex(r"[0-9]{3,5}", fullmatch=True),
        st.sampled_from(["", " ", "\n", "x1", "\u0663"]),
    ),
)


@pytest.fixture(scope="module")
def by_pattern():
    """The numbers that the bulk pattern finds in texts, for one of its two forms."""
    with duckdb.connect() as con:

        def found(pattern, texts):
            sql = load("importing")
            con.execute(sql["nanp_number"].format(pattern=sql[pattern]))
            con.register("texts", pa.table({"t": pa.array(texts, pa.string())}))
            return [number for (number,) in con.execute("SELECT nanp_number(t) FROM texts").fetchall()]

        yield found


@settings(deadline=None, max_examples=300)
@given(st.lists(SHAPED | st.text("0123456789+-(). x", max_size=20), min_size=1, max_size=50))
def test_pattern_agrees_with_the_library(by_pattern, texts):
    """What the pattern takes, the library reads as the same number, in every region that shares country code 1."""
    for number, text in zip(by_pattern("clean_bare", texts), texts, strict=True):
        if number is not None:
            assert [normalise(text, region=region) for region in ("US", "CA", "JM")] == [number] * 3
    for number, text in zip(by_pattern("clean_full", texts), texts, strict=True):
        if number is not None:
            assert [normalise(text, region=region) for region in ("US", "GB", "DE", "RU")] == [number] * 4


def test_pattern_agrees_in_every_region(by_pattern):
    """No region of country code 1 reads a clean national number in another way."""
    texts = [f"{area}{exchange}0123" for area in range(200, 1000, 7) for exchange in (200, 345, 555, 911)]
    numbers = by_pattern("clean_bare", texts)
    assert None not in numbers
    for region in filter(is_nanp_region, phonenumbers.SUPPORTED_REGIONS):
        assert [normalise(text, region=region) for text in texts[:: len(region) * 5]] == numbers[:: len(region) * 5]


def test_pattern_takes_the_usual_forms(by_pattern):
    """The forms of the examples need no library; without that the import would be slow."""
    usual = ["+12125550100", "12125550100", "2125550100", "(212) 555-0100", "212-555-0100", "212.555.0100"]
    assert by_pattern("clean_bare", usual) == [12125550100] * len(usual)
    assert by_pattern("clean_full", usual) == [12125550100] + [None] * 5


@pytest.mark.parametrize("line", [100, 150, 199])
def test_fictional_numbers_are_valid(line):
    """The numbers that belong to nobody, 555-0100 to 555-0199, are dialable."""
    assert normalise(f"212-555-0{line}") == 12125550000 + line


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ExcludedReason.EMPTY_NUMBER),
        (" \t ", ExcludedReason.EMPTY_NUMBER),
        ("n/a", INVALID),
        ("555-0100", INVALID),
        ("0212 555 0100", INVALID),
        ("02125550100", INVALID),
        ("+1 0212 555 0100", INVALID),
        ("112-555-0100", INVALID),
        ("212-155-0100", INVALID),
        ("+44 20 7946 0958", 442079460958),
        ("+39 06 6982", 39066982),
        ("+44 1", INVALID),
        ("2125550100.0", 12125550100),
        ("+12125550100.00", 12125550100),
        ("212-555-0100 x5", 12125550100),
        ("tel:+1-212-555-0100", 12125550100),
        ("212 555 0100 or 0101", INVALID),
        ("9" * 40, INVALID),
    ],
)
def test_normalise(text, found):
    """Numbers as people and spreadsheets write them."""
    assert normalise(text) == found


def test_region():
    """Two letters, in any case; the reading of national numbers depends on it."""
    assert check_region(" gb ") == "GB"
    assert (is_nanp_region("US"), is_nanp_region("JM"), is_nanp_region("GB")) == (True, True, False)
    with pytest.raises(ConfigError, match="unknown region 'XX'"):
        check_region("XX")


def test_zones_of():
    """All zones of the area code; none for what is not in the table."""
    assert zones_of(12125550100) == ("America/New_York",)
    assert zones_of(18505550100) == ("America/Chicago", "America/New_York")
    assert zones_of(18005550100) == ()
    assert zones_of(442079460958) == ()
    assert zones_of(2125550100) == ()
    assert all(zones == tuple(sorted(zones)) and zones for zones in area_zones().values())


def test_declared_zone():
    """IANA names and American names in any case; other text names nothing."""
    assert declared_zone(" america/denver ") == "America/Denver"
    assert declared_zone("Mountain") == "America/Denver"
    assert declared_zone("EST") == "America/New_York"
    assert declared_zone("") is None
    assert declared_zone("Middle Earth") is None


def test_aliases_lead_to_zones():
    """Each is written as it is looked up, and leads to a zone that exists."""
    assert set(ZONE_ALIASES.values()) <= zoneinfo.available_timezones()
    assert all(alias == alias.casefold() for alias in ZONE_ALIASES)


@given(st.sets(st.integers(0, 10**15), max_size=40), st.lists(st.integers(-5, 10**15), max_size=20))
def test_number_file_is_a_set(tmp_path_factory, numbers, others):
    """Membership is that of a Python set."""
    path = tmp_path_factory.mktemp("numbers") / "v1.parquet"
    sidecar(path).write_bytes(array.array("q", sorted(numbers)).tobytes())
    found = NumberFile(path)
    assert len(found) == len(numbers)
    for number in [*numbers, *others, *(n + 1 for n in numbers)]:
        assert (number in found) == (number in numbers)
    assert "12125550100" not in found


def test_number_file_after_import(tmp_path):
    """The import writes what the set reads."""
    (tmp_path / "dnc.csv").write_text("phone\n3125550101\n2125550100\n")
    import_numbers(tmp_path / "dnc.csv", target=tmp_path / "v1.parquet")
    found = NumberFile(tmp_path / "v1.parquet")
    assert (12125550100 in found, 13125550101 in found, 12125550101 in found) == (True, True, False)


def test_number_file_that_cannot_be_used(tmp_path):
    """Missing or cut short: the list must be imported again."""
    with pytest.raises(ContactFileError, match="cannot be opened"):
        NumberFile(tmp_path / "v1.parquet")
    (tmp_path / "v1.bin").write_bytes(bytes(12))
    with pytest.raises(ContactFileError, match="cut short: import it again"):
        NumberFile(tmp_path / "v1.parquet")


@pytest.mark.parametrize("kind", [pa.int64(), pa.uint16()])
def test_values_view_of_a_slice(kind):
    """The view begins where the slice does."""
    values = pa.array([5, 6, 7, 8], kind).slice(1, 2)
    assert values_view(values).tolist() == [6, 7]
