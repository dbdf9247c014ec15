"""The referee of a simulated world: watches the switch and the journal, and shares no code with the dialling path."""

from __future__ import annotations

from collections import deque
from typing import Any

from dialer.domain.commands import BridgeCall, PlaceCall
from dialer.domain.events import LineEnded, LineJoined
from dialer.errors import InvariantError
from dialer.sim.journal import MemoryJournal


class Referee:
    """Raises at the moment a rule is broken.

    Args:
        journal: Durable rows of the world.
    """

    def __init__(self, journal: MemoryJournal) -> None:
        self.placed = 0
        self.forbidden: frozenset[int] = frozenset()  #: numbers on a do-not-call list
        self.limits: dict[str, tuple[int, int]] = {}  #: trunk -> (lines, calls per second)
        self.lines: dict[str, int] = {}  #: trunk -> lines in use
        self.talking: dict[str, int] = {}  #: agent -> attempt
        self._journal = journal
        self._seen: set[int] = set()
        self._live: dict[int, tuple[str, int]] = {}
        self._numbers: dict[int, int] = {}
        self._sent: dict[str, deque[int]] = {}
        self._with: dict[int, str] = {}

    def commanded(self, trunk: str, orders: list[Any], now_us: int) -> None:
        """The trunk orders something of the switch."""
        for order in orders:
            if type(order) is PlaceCall:
                self._placed(trunk, order, now_us)
            elif type(order) is BridgeCall and order.attempt_id in self._live:
                other = self.talking.get(order.agent)
                if other is not None and other != order.attempt_id and other in self._live:
                    raise InvariantError("no agent gets two calls", f"{order.agent} has {other}")

    def _placed(self, trunk: str, order: PlaceCall, now_us: int) -> None:
        attempt = order.attempt_id
        intent = self._journal.intents.get(attempt)
        if attempt in self._seen:
            raise InvariantError("at most one call per attempt", f"attempt {attempt}")
        if intent is None:
            raise InvariantError("durable intent before every call", f"attempt {attempt}")
        if now_us >= intent.not_after_us:
            raise InvariantError("dialled in time", f"attempt {attempt}")
        if attempt in self._journal.outcomes:
            raise InvariantError("no call after the outcome", f"attempt {attempt}")
        if order.number in self.forbidden:
            raise InvariantError("no number on a do-not-call list", f"attempt {attempt}")
        if order.number in self._numbers:
            raise InvariantError("no contact twice at once", f"attempts {attempt}, {self._numbers[order.number]}")
        self.placed += 1
        self._seen.add(attempt)
        self._live[attempt] = (trunk, order.number)
        self._numbers[order.number] = attempt
        lines, calls_per_s = self.limits[trunk]
        used = self.lines[trunk] = self.lines.get(trunk, 0) + 1
        if used > lines:
            raise InvariantError("never above a trunk's lines", f"{trunk}: {used}")
        sent = self._sent.setdefault(trunk, deque())
        sent.append(now_us)
        while sent[0] <= now_us - 1_000_000:
            sent.popleft()
        if len(sent) > calls_per_s:
            raise InvariantError("never above a trunk's calls per second", f"{trunk}: {len(sent)}")

    def told(self, trunk: str, events: list[Any], now_us: int) -> None:  # noqa: ARG002 - the same shape as commanded
        """The switch tells what happened."""
        for event in events:
            if type(event) is LineJoined:
                other = self.talking.get(event.agent)
                if other is not None and other != event.attempt_id:
                    raise InvariantError("no agent gets two calls", f"{event.agent}: {other}, {event.attempt_id}")
                self.talking[event.agent] = event.attempt_id
                self._with[event.attempt_id] = event.agent
            elif type(event) is LineEnded:
                home, number = self._live.pop(event.attempt_id)
                self.lines[home] -= 1
                del self._numbers[number]
                agent = self._with.pop(event.attempt_id, None)
                if agent is not None:
                    del self.talking[agent]
