"""The contact file of a run, mapped: opening it reads no contact, and reading one makes no copy."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from dialer.errors import DataDirectoryError
from dialer.storage.layout import NUMBER_COLUMNS, RESERVED_COLUMNS, ZONE_KEY_COLUMNS
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
            names, told = reader.schema.names, reader.schema.metadata
            self._numbers = [self._column(name) for name in NUMBER_COLUMNS if name in names]
            self._zone_keys = [self._column(name) for name in ZONE_KEY_COLUMNS if name in names]
            self._agent_keys = self._column("agent_key") if "agent_key" in names else None
            self._agents: list[str] = json.loads(told.get(b"agents", b"[]"))
            self._zone_sets = tuple(tuple(zones) for zones in json.loads(told[b"zone_sets"]))
            self._numbers[0], self._zone_keys[0]  # a contact has a number and a zone
        except (OSError, pa.ArrowException, KeyError, TypeError, IndexError, AttributeError) as error:
            msg = f"contact file {path} is missing or damaged: restore it from a backup"
            raise DataDirectoryError(msg) from error
        self._starts: list[int] = []
        self._size = 0
        for batch in self._batches:
            self._starts.append(self._size)
            self._size += batch.num_rows

    def _column(self, name: str) -> list[memoryview[int]]:
        """The values of a column, batch by batch."""
        return [values_view(batch.column(name)) for batch in self._batches]

    def __len__(self) -> int:
        """Number of contacts."""
        return self._size

    @property
    def zone_sets(self) -> Sequence[tuple[str, ...]]:
        """Every zone a contact may be in, by zone key; a call must be allowed in all of them."""
        return self._zone_sets

    def phones(self, index: int) -> int:
        """How many numbers the contact has, 1 to 8.

        Args:
            index: 0 to the number of contacts, exclusive.
        """
        at, row = self._place(index)
        found = 1
        while found < len(self._numbers) and self._numbers[found][at][row]:
            found += 1
        return found

    def number(self, index: int, phone: int = 0) -> int:
        """E.164 number as an integer.

        Args:
            index: 0 to the number of contacts, exclusive.
            phone: 0 to ``phones(index)``, exclusive.
        """
        at = bisect_right(self._starts, index) - 1
        return self._numbers[phone][at][index - self._starts[at]]

    def zone_key(self, index: int, phone: int = 0) -> int:
        """Index into ``zone_sets``, for this number of the contact.

        Args:
            index: 0 to the number of contacts, exclusive.
            phone: 0 to ``phones(index)``, exclusive.
        """
        at = bisect_right(self._starts, index) - 1
        return self._zone_keys[phone][at][index - self._starts[at]]

    def agent(self, index: int) -> str:
        """The agent the contact is mapped to, "" for none.

        Args:
            index: 0 to the number of contacts, exclusive.
        """
        at, row = self._place(index)
        return self._agents[self._agent_keys[at][row]] if self._agent_keys is not None else ""

    def mapped(self) -> Iterator[tuple[int, str]]:
        """(index, agent) of every contact that is mapped to an agent, in order; no contact is read if none is."""
        for start, keys in zip(self._starts, self._agent_keys or (), strict=False):
            for row, key in enumerate(keys):
                if key:
                    yield start + row, self._agents[key]

    def card(self, index: int) -> tuple[tuple[str, str], ...]:
        """(column, text) of the columns of the list beside the numbers, for whoever talks to the contact.

        Args:
            index: 0 to the number of contacts, exclusive.

        Returns:
            Only cells that hold something.
        """
        at, row = self._place(index)
        batch = self._batches[at]
        cells = ((name, batch.column(name)[row].as_py()) for name in batch.schema.names if name not in RESERVED_COLUMNS)
        return tuple((name, text) for name, text in cells if text)

    def _place(self, index: int) -> tuple[int, int]:
        """Batch, and row in it."""
        at = bisect_right(self._starts, index) - 1
        if not 0 <= index < self._size:
            msg = f"no contact {index} of {self._size}"
            raise IndexError(msg)
        return at, index - self._starts[at]
