"""The contact file of a run, mapped: opening it reads no contact, and reading one makes no copy."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from dialer.errors import DataDirectoryError
from dialer.storage.layout import RESERVED_COLUMNS
from dialer.storage.numbers import values_view


class ContactFile:
    """The scrubbed contacts of one run, in dialling order.

    Args:
        path: The ``contacts.arrow`` that ``scrub`` wrote.

    Raises:
        DataDirectoryError: The file is missing, damaged, or not a contact file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            reader = pa.ipc.open_file(pa.memory_map(str(path)))
            self._batches = [reader.get_batch(at) for at in range(reader.num_record_batches)]
            self._numbers = [values_view(batch.column("number")) for batch in self._batches]
            self._zone_keys = [values_view(batch.column("zone_key")) for batch in self._batches]
            self._zone_sets = tuple(tuple(zones) for zones in json.loads(reader.schema.metadata[b"zone_sets"]))
        except (OSError, pa.ArrowException, KeyError, TypeError) as error:
            msg = f"contact file {path} is missing or damaged: restore it from a backup"
            raise DataDirectoryError(msg) from error
        self._starts: list[int] = []
        self._size = 0
        for batch in self._batches:
            self._starts.append(self._size)
            self._size += batch.num_rows

    def __len__(self) -> int:
        """Number of contacts."""
        return self._size

    @property
    def zone_sets(self) -> Sequence[tuple[str, ...]]:
        """Every zone a contact may be in, by zone key; a call must be allowed in all of them."""
        return self._zone_sets

    def number(self, index: int) -> int:
        """E.164 number as an integer.

        Args:
            index: 0 to the number of contacts, exclusive.
        """
        at = bisect_right(self._starts, index) - 1
        return self._numbers[at][index - self._starts[at]]

    def zone_key(self, index: int) -> int:
        """Index into ``zone_sets``.

        Args:
            index: 0 to the number of contacts, exclusive.
        """
        at = bisect_right(self._starts, index) - 1
        return self._zone_keys[at][index - self._starts[at]]

    def card(self, index: int) -> dict[str, Any]:
        """The columns of the list beside the number, for the agent's screen.

        Args:
            index: 0 to the number of contacts, exclusive.

        Returns:
            Text by column name; None where a list does not have the column.
        """
        at = bisect_right(self._starts, index) - 1
        batch, row = self._batches[at], index - self._starts[at]
        names = batch.schema.names
        return {name: batch.column(name)[row].as_py() for name in names if name not in RESERVED_COLUMNS}
