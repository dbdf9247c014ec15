"""The scheduler's copy of its agents: who is idle, and who of them has been so for longest.

Agents with the same queues form a group; each group keeps its idle agents in a heap by the time since which they are
idle. Entries that no longer hold stay in the heap until they come to the top.

Besides, it knows since when an agent is busy: from the order to join a call until the agent is free again, wrap-up
included. Breaks are no work.
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
    promise_id: int = 0  #: the attempt id under which it was asked; differs where it waits for any of several calls


class Roster:
    """All agents of a pool that have spoken."""

    def __init__(self) -> None:
        self.cards: dict[str, AgentCard] = {}
        self._heaps: dict[tuple[str, ...], list[tuple[int, str]]] = {}
        self._idle: dict[tuple[str, ...], int] = {}
        self._groups: dict[str, list[tuple[str, ...]]] = {}
        self._busy: dict[str, tuple[int, str]] = {}  #: agent -> since when, in a call of which campaign

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
        card.hold, card.attempt_id, card.promise_id = Hold.ASKED, attempt_id, attempt_id

    def away(self, card: AgentCard, attempt_id: int = 0) -> None:
        """The agent cannot take a call; ``attempt_id`` is the one it is busy with, 0 for none."""
        if card.hold is Hold.IDLE:
            self._idle[card.queues] -= 1
        card.hold, card.attempt_id = Hold.AWAY, attempt_id

    def longest_idle(self, queue: str, held: Collection[str] = (), but: Collection[str] = ()) -> AgentCard | None:
        """The agent of a queue that has been idle for longest, None if nobody is.

        Args:
            queue: The queue.
            held: Queues whose agents are kept for somebody else.
            but: Agents that are not to be taken.
        """
        first: tuple[int, str] | None = None
        for group in self._groups.get(queue, ()):
            if self._idle[group] and not any(name in group for name in held):
                head = self._head(group) if not but else self._first_but(group, but)
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

    def can_take(self, agent: str, queue: str, held: Collection[str] = ()) -> AgentCard | None:
        """The card of an agent if it is idle in a queue and not kept for somebody else, else None."""
        card = self.cards.get(agent)
        if card is None or card.hold is not Hold.IDLE or queue not in card.queues:
            return None
        return None if any(name in card.queues for name in held) else card

    def _head(self, group: tuple[str, ...]) -> tuple[int, str] | None:
        heap = self._heaps[group]
        while heap:
            if self._holds(group, heap[0]):
                return heap[0]
            heapq.heappop(heap)
        return None

    def _first_but(self, group: tuple[str, ...], but: Collection[str]) -> tuple[int, str] | None:
        """The head of a group without certain agents: rare, and therefore simply looked for."""
        entries = (entry for entry in self._heaps[group] if entry[1] not in but and self._holds(group, entry))
        return min(entries, default=None)

    def _holds(self, group: tuple[str, ...], entry: tuple[int, str]) -> bool:
        card = self.cards[entry[1]]
        return card.hold is Hold.IDLE and card.since_us == entry[0] and card.queues == group

    # -- work --------------------------------------------------------------------------------------------------------

    def work(self, agent: str, since_us: int, campaign: str = "") -> None:
        """The agent is in a call, or in its wrap-up; ``campaign`` is "" if it is not known since when, or of which."""
        self._busy[agent] = (since_us, campaign)

    def working(self, agent: str) -> bool:
        """Whether the agent is known to be in a call, or in its wrap-up."""
        return agent in self._busy

    def rest(self, agent: str) -> tuple[int, str] | None:
        """The agent works no more: since when it did, and for which campaign; None if it did not."""
        return self._busy.pop(agent, None)

    def busy_since_us(self, queue: str) -> list[int]:
        """For each agent of a queue in a call or wrap-up, the time since which."""
        cards = self.cards
        return [since_us for agent, (since_us, _) in self._busy.items() if queue in cards[agent].queues]

    def check_invariants(self) -> None:
        """Counts of idle agents agree with the cards; every idle agent can be found.

        Raises:
            InvariantError: They do not.
        """
        for agent in self._busy:
            if self.cards[agent].hold in (Hold.IDLE, Hold.ASKED):
                raise InvariantError("nobody is idle and busy", agent)
        for group, count in self._idle.items():
            real = {c.agent for c in self.cards.values() if c.hold is Hold.IDLE and c.queues == group}
            if len(real) != count:
                raise InvariantError("idle agents", f"counted {count}, real {len(real)}")
            findable = {agent for since, agent in self._heaps[group] if self.cards[agent].since_us == since}
            if not real <= findable:
                raise InvariantError("every idle agent can be found", f"{len(real - findable)} are not")
