"""Telephone numbers in bulk: E.164 as an integer, the zones of an area code, and sorted number files.

The rules on what counts as a number: in the North American plan (country code 1) the shape NXX-NXX-XXXX decides, so
that the fictional 555-01xx numbers are dialable like any other; in every other plan the ``phonenumbers`` library
decides.
"""

from __future__ import annotations

import json
import mmap
import re
import zoneinfo
from bisect import bisect_left
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

import phonenumbers
import pyarrow as pa

from dialer.domain.kinds import ExcludedReason
from dialer.errors import ConfigError, ContactFileError

NANP_COUNTRY = 1
_NANP_FIRST = 1_000_000_0000
_NANP_LAST = 1_999_999_9999
_NANP_NATIONAL = re.compile(r"[2-9]\d\d[2-9]\d{6}", re.ASCII)
#: How spreadsheets write a number that they took for a quantity.
_DECIMAL = re.compile(r"(\+?\d{8,15})\.0+", re.ASCII)
_INT64 = 8

#: Names of American zones that lists use and the IANA data does not, or only as an old link or a fixed offset.
ZONE_ALIASES: Mapping[str, str] = MappingProxyType(
    {
        alias: zone
        for zone, aliases in {
            "America/New_York": ("eastern", "est", "edt", "et", "est5edt", "us/eastern"),
            "America/Chicago": ("central", "cst", "cdt", "ct", "cst6cdt", "us/central"),
            "America/Los_Angeles": ("pacific", "pst", "pdt", "pt", "pst8pdt", "us/pacific"),
            "America/Denver": ("mountain", "mst", "mdt", "mt", "mst7mdt", "us/mountain", "navajo", "america/shiprock"),
            "America/Phoenix": ("arizona", "us/arizona"),
            "America/Anchorage": ("alaska", "akst", "akdt", "us/alaska"),
            "America/Adak": ("america/atka", "us/aleutian"),
            "America/Detroit": ("us/michigan",),
            "America/Indiana/Indianapolis": ("america/indianapolis", "america/fort_wayne", "us/east-indiana"),
            "America/Indiana/Knox": ("america/knox_in", "us/indiana-starke"),
            "America/Kentucky/Louisville": ("america/louisville",),
            "Pacific/Honolulu": ("hawaii", "hst", "us/hawaii"),
            "Pacific/Pago_Pago": ("pacific/samoa", "us/samoa"),
        }.items()
        for alias in aliases
    }
)


@cache
def area_zones() -> Mapping[int, tuple[str, ...]]:
    """Every zone that an area code of country code 1 reaches into, sorted, by area code."""
    text = files("dialer.rules").joinpath("nanp_zones.json").read_text(encoding="utf-8")
    codes = json.loads(text)["area_codes"]
    return MappingProxyType({int(code): tuple(sorted(entry["zones"])) for code, entry in codes.items()})


def zones_of(number: int) -> tuple[str, ...]:
    """Every zone the owner of a number may be in.

    Args:
        number: E.164 number as an integer.

    Returns:
        IANA zones, sorted; empty if the area code is unknown or the number is outside country code 1.
    """
    if not _NANP_FIRST <= number <= _NANP_LAST:
        return ()
    return area_zones().get(number // 10_000_000 % 1000, ())


@cache
def _known_zones() -> Mapping[str, str]:
    return MappingProxyType({zone.casefold(): zone for zone in zoneinfo.available_timezones()})


def declared_zone(text: str) -> str | None:
    """The IANA zone that a cell of a contact list names.

    Args:
        text: Cell text, for example ``America/Denver`` or ``Mountain``; case does not matter.

    Returns:
        The zone, or None if the text names none.
    """
    key = text.strip().casefold()
    return ZONE_ALIASES.get(key) or _known_zones().get(key)


def check_region(region: str) -> str:
    """The region in upper case.

    Args:
        region: Two-letter country code; national numbers are read as numbers of this country.

    Raises:
        ConfigError: No such region.
    """
    found = region.strip().upper()
    if found not in phonenumbers.SUPPORTED_REGIONS:
        msg = f"unknown region {region!r}: give a two-letter country code, for example US"
        raise ConfigError(msg)
    return found


def is_nanp_region(region: str) -> bool:
    """True if national numbers of the region belong to country code 1."""
    return bool(phonenumbers.country_code_for_region(region) == NANP_COUNTRY)


def normalise(text: str, *, region: str = "US") -> int | ExcludedReason:
    """Read one number as people write it.

    Args:
        text: For example ``(212) 555-0123``, ``+1 212 555 0123`` or ``2125550123.0``.
        region: Two-letter country code for numbers without a country code.

    Returns:
        The E.164 number as an integer; or ``EMPTY_NUMBER``, or ``INVALID_NUMBER`` if it cannot be dialled.
    """
    text = text.strip()
    if not text:
        return ExcludedReason.EMPTY_NUMBER
    if decimal := _DECIMAL.fullmatch(text):
        text = decimal[1]
    try:
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return ExcludedReason.INVALID_NUMBER
    if parsed.country_code == NANP_COUNTRY:
        # With its leading zeros: `national_number` has lost them.
        good = _NANP_NATIONAL.fullmatch(phonenumbers.national_significant_number(parsed)) is not None
    else:
        good = phonenumbers.is_valid_number(parsed)
    if not good:
        return ExcludedReason.INVALID_NUMBER
    # Through the library's own format: it knows the leading zeros that some countries keep.
    return int(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164).lstrip("+"))


def values_view(array: pa.Array) -> memoryview[int]:
    """The values of an array, in place: indexing one costs a tenth of what it costs in Arrow.

    Args:
        array: ``int64`` or ``uint16``, without nulls.
    """
    width = array.type.bit_width // 8
    start = array.offset * width
    raw = memoryview(array.buffers()[1]).cast("B")[start : start + len(array) * width]
    return raw.cast("q") if array.type == pa.int64() else raw.cast("H")


def sidecar(path: Path) -> Path:
    """Where the mappable form of a number file stands: beside it, little-endian 64-bit integers, sorted."""
    return path.with_suffix(".bin")


class NumberFile:
    """A set of numbers on disk, searched in place: a lookup touches a few pages and makes no list.

    Args:
        path: The parquet file that ``import_numbers`` wrote.

    Raises:
        ContactFileError: The file beside it that holds the sorted numbers is missing or cut short.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with sidecar(path).open("rb") as stream:
                size = stream.seek(0, 2)
                # An empty file cannot be mapped.
                raw = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
        except OSError as error:
            msg = f"number file {path} cannot be opened ({error.strerror}): import it again"
            raise ContactFileError(msg) from error
        if size % _INT64:
            msg = f"number file {path} is cut short: import it again"
            raise ContactFileError(msg)
        self._numbers = memoryview(raw).cast("q")

    def __len__(self) -> int:
        """How many numbers."""
        return len(self._numbers)

    def __contains__(self, number: object) -> bool:
        """True if the number is in the file."""
        if not isinstance(number, int):
            return False
        at = bisect_left(self._numbers, number)
        return at < len(self._numbers) and self._numbers[at] == number
