"""The scheduler's copy of its agents: who is idle, and who of them has been so for longest.

Agents with the same queues form a group; each group keeps its idle agents in a heap by the time since which they are
idle. Entries that no longer hold stay in the heap until they come to the top.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum

from dialer.errors import InvariantError


class Hold(IntEnum):
    """What the scheduler knows of an agent."""

    IDLE = 0
    ASKED = 1  #: a reservation is on its way
    RESERVED = 2  #: promised to an attempt
    AWAY = 3  #: in a call, in wrap-up, on a break, logged out, or silent


@dataclass(slots=True)
class AgentCard:
    """One agent, as last heard of."""

    agent: str
    epoch: int
    queues: tuple[str, ...]
    since_us: int = 0
    hold: Hold = Hold.AWAY
    attempt_id: int = 0  #: what it is asked for, promised to or busy with


class Roster:
    """All agents of a pool that have spoken."""

    def __init__(self) -> None:
        self.cards: dict[str, AgentCard] = {}
        self._heaps: dict[tuple[str, ...], list[tuple[int, str]]] = {}
        self._idle: dict[tuple[str, ...], int] = {}
        self._groups: dict[str, list[tuple[str, ...]]] = {}

    def card(self, agent: str, epoch: int) -> AgentCard | None:
        """The card of an agent that speaks.

        Returns:
            A fresh card for a new agent; None if a later incarnation has spoken before.
        """
        card = self.cards.get(agent)
        if card is None:
            card = self.cards[agent] = AgentCard(agent, epoch, ())
        elif epoch < card.epoch:
            return None
        return card

    def idle(self, card: AgentCard, queues: tuple[str, ...], since_us: int) -> None:
        """The agent can take a call, since ``since_us``."""
        self.away(card)
        card.queues, card.since_us, card.hold = queues, since_us, Hold.IDLE
        heap = self._heaps.get(queues)
        if heap is None:
            heap = self._heaps[queues] = []
            self._idle[queues] = 0
            for queue in queues:
                self._groups.setdefault(queue, []).append(queues)
        heapq.heappush(heap, (since_us, card.agent))
        self._idle[queues] += 1

    def take(self, card: AgentCard, attempt_id: int) -> None:
        """The agent is being asked to take an attempt."""
        self.away(card)
        card.hold, card.attempt_id = Hold.ASKED, attempt_id

    def away(self, card: AgentCard, attempt_id: int = 0) -> None:
        """The agent cannot take a call; ``attempt_id`` is the one it is busy with, 0 for none."""
        if card.hold is Hold.IDLE:
            self._idle[card.queues] -= 1
        card.hold, card.attempt_id = Hold.AWAY, attempt_id

    def longest_idle(self, queue: str, held: Collection[str] = ()) -> AgentCard | None:
        """The agent of a queue that has been idle for longest, None if nobody is.

        Args:
            queue: The queue.
            held: Queues whose agents are kept for somebody else.
        """
        first: tuple[int, str] | None = None
        for group in self._groups.get(queue, ()):
            if self._idle[group] and not any(name in group for name in held):
                head = self._head(group)
                if head is not None and (first is None or head < first):
                    first = head
        return None if first is None else self.cards[first[1]]

    def idle_count(self, queue: str, held: Collection[str] = ()) -> int:
        """Idle agents of a queue that are not kept for somebody else."""
        count = 0
        for group in self._groups.get(queue, ()):
            if not held or not any(name in group for name in held):
                count += self._idle[group]
        return count

    def _head(self, group: tuple[str, ...]) -> tuple[int, str] | None:
        heap = self._heaps[group]
        while heap:
            since_us, agent = heap[0]
            card = self.cards[agent]
            if card.hold is Hold.IDLE and card.since_us == since_us and card.queues == group:
                return heap[0]
            heapq.heappop(heap)
        return None

    def check_invariants(self) -> None:
        """Counts of idle agents agree with the cards; every idle agent can be found.

        Raises:
            InvariantError: They do not.
        """
        for group, count in self._idle.items():
            real = {c.agent for c in self.cards.values() if c.hold is Hold.IDLE and c.queues == group}
            if len(real) != count:
                raise InvariantError("idle agents", f"counted {count}, real {len(real)}")
            findable = {agent for since, agent in self._heaps[group] if self.cards[agent].since_us == since}
            if not real <= findable:
                raise InvariantError("every idle agent can be found", f"{len(real - findable)} are not")
