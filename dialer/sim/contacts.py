"""Contacts that nobody had to write down: fictional numbers, spread over the area codes of a country."""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Sequence

from dialer.errors import ConfigError

_LINES = 10_000  #: of the fictional exchange 555 in each area code


class SyntheticContacts:
    """A contact source of any size that takes no memory.

    Args:
        size: Number of contacts.
        regions: Regions whose area codes are used.
        first: How many numbers to pass over, so that lists of one simulation have none in common.

    Raises:
        ConfigError: There are not so many fictional numbers.
    """

    def __init__(self, size: int, regions: Sequence[str] = ("US",), *, first: int = 0) -> None:
        text = importlib.resources.files("dialer.rules").joinpath("nanp_zones.json").read_text(encoding="utf-8")
        table = json.loads(text)["area_codes"]
        codes = [(code, tuple(entry["zones"])) for code, entry in sorted(table.items()) if entry["region"] in regions]
        if first + size > len(codes) * _LINES:
            most = len(codes) * _LINES
            msg = f"{first + size} contacts are too many to simulate; use fewer agents or hours, for at most {most}"
            raise ConfigError(msg)
        self.zone_sets: Sequence[tuple[str, ...]] = sorted({zones for _, zones in codes})
        keys = {zones: key for key, zones in enumerate(self.zone_sets)}
        self._codes = [(int(f"1{code}5550000"), keys[zones]) for code, zones in codes]
        self._size = size
        self._first = first

    def __len__(self) -> int:
        """Number of contacts."""
        return self._size

    def number(self, index: int) -> int:
        """E.164 number as an integer."""
        line, code = divmod(self._first + index, len(self._codes))
        return self._codes[code][0] + line

    def zone_key(self, index: int) -> int:
        """Index into ``zone_sets``."""
        return self._codes[(self._first + index) % len(self._codes)][1]
