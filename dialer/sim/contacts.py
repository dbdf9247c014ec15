"""Contacts that nobody had to write down: fictional numbers, spread over the area codes of a country."""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Iterator, Mapping, Sequence

from dialer.errors import ConfigError

_LINES = 10_000  #: of the fictional exchange 555 in each area code
_MAPPED_EVERY = 10


class ListedContacts:
    """A few contacts, written down one by one.

    Args:
        rows: Of each contact the zone key of every phone; numbers follow from the position.
        zone_sets: Zones by zone key.
        agents: Index -> agent, for contacts that are mapped to one.
    """

    def __init__(
        self,
        rows: Sequence[Sequence[int]],
        zone_sets: Sequence[tuple[str, ...]] = (("America/New_York",), ("America/Los_Angeles",)),
        *,
        agents: Mapping[int, str] | None = None,
    ) -> None:
        self.zone_sets: Sequence[tuple[str, ...]] = zone_sets
        self._rows = rows
        self._agents = dict(sorted((agents or {}).items()))

    def __len__(self) -> int:
        """Number of contacts."""
        return len(self._rows)

    def phones(self, index: int) -> int:
        """How many numbers the contact has."""
        return len(self._rows[index])

    def number(self, index: int, phone: int = 0) -> int:
        """E.164 number as an integer: fictional ones, a thousand between the phones of a contact."""
        return 12125550100 + index + 1000 * phone

    def zone_key(self, index: int, phone: int = 0) -> int:
        """Index into ``zone_sets``."""
        return self._rows[index][phone]

    def agent(self, index: int) -> str:
        """The agent the contact is mapped to, "" for none."""
        return self._agents.get(index, "")

    def mapped(self) -> Iterator[tuple[int, str]]:
        """(index, agent) of every contact that is mapped to an agent."""
        return iter(self._agents.items())

    def card(self, index: int) -> tuple[tuple[str, str], ...]:
        """A name that says which contact it is."""
        return (("firstName", f"Contact {index}"),)


class SyntheticContacts:
    """A contact source of any size that takes no memory.

    Args:
        size: Number of contacts.
        regions: Regions whose area codes are used.
        first: How many numbers to pass over, so that lists of one simulation have none in common: a list takes
            ``size * phones``.
        phones: Numbers of each contact.
        agents: Agents to whom every tenth contact is mapped, in turn.

    Raises:
        ConfigError: There are not so many fictional numbers.
    """

    def __init__(
        self,
        size: int,
        regions: Sequence[str] = ("US",),
        *,
        first: int = 0,
        phones: int = 1,
        agents: Sequence[str] = (),
    ) -> None:
        text = importlib.resources.files("dialer.rules").joinpath("nanp_zones.json").read_text(encoding="utf-8")
        table = json.loads(text)["area_codes"]
        codes = [(code, tuple(entry["zones"])) for code, entry in sorted(table.items()) if entry["region"] in regions]
        if first + size * phones > len(codes) * _LINES:
            most = len(codes) * _LINES
            msg = f"{first + size} contacts are too many to simulate; use fewer agents or hours, for at most {most}"
            raise ConfigError(msg)
        self.zone_sets: Sequence[tuple[str, ...]] = sorted({zones for _, zones in codes})
        keys = {zones: key for key, zones in enumerate(self.zone_sets)}
        self._codes = [(int(f"1{code}5550000"), keys[zones]) for code, zones in codes]
        self._size = size
        self._first = first
        self._phones = phones
        self._agents = tuple(agents)

    def __len__(self) -> int:
        """Number of contacts."""
        return self._size

    def phones(self, index: int) -> int:  # noqa: ARG002 - the same for all
        """How many numbers the contact has."""
        return self._phones

    def number(self, index: int, phone: int = 0) -> int:
        """E.164 number as an integer."""
        line, code = divmod(self._first + index + phone * self._size, len(self._codes))
        return self._codes[code][0] + line

    def zone_key(self, index: int, phone: int = 0) -> int:
        """Index into ``zone_sets``."""
        return self._codes[(self._first + index + phone * self._size) % len(self._codes)][1]

    def agent(self, index: int) -> str:
        """The agent the contact is mapped to: of every ``_MAPPED_EVERY``th, one after the other; "" for none."""
        if not self._agents or index % _MAPPED_EVERY:
            return ""
        return self._agents[index // _MAPPED_EVERY % len(self._agents)]

    def mapped(self) -> Iterator[tuple[int, str]]:
        """(index, agent) of every contact that is mapped to an agent."""
        if self._agents:
            for index in range(0, self._size, _MAPPED_EVERY):
                yield index, self.agent(index)

    def card(self, index: int) -> tuple[tuple[str, str], ...]:
        """A name that says which contact it is."""
        return (("firstName", "Contact"), ("lastName", str(self._first + index)))
