"""Groups: several calls among which one promised agent waits for the first answer.

The agent is asked under the attempt id of the leader, and stays promised under it whatever becomes of the leader: until
a call of the group is joined, all of them are over, or the agent has waited long enough. Before the agent has promised
itself nothing of the group is dialled; then all of it is.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dialer.domain import commands as c
from dialer.domain.calls import Call, Stage
from dialer.domain.message import Address, Envelope
from dialer.domain.roster import AgentCard, Hold
from dialer.domain.specs import SECOND_US
from dialer.errors import InvariantError

if TYPE_CHECKING:
    from dialer.domain.pool import Pool

#: A call is not given up before it has rung this long (16 CFR 310.4(b)(4)(ii)).
LEAST_RING_US = 15 * SECOND_US
#: How far the clock of a trunk may be behind.
CLOCK_MARGIN_US = SECOND_US


@dataclass(slots=True, eq=False)
class Group:
    """The calls one agent waits for."""

    promise_id: int  #: attempt id of the leader
    agent: str
    campaign: str
    calls: dict[int, Call]  #: those that are not over, nor answered
    until_us: int  #: the agent waits no longer


class Groups:
    """All groups of a pool.

    Args:
        pool: Whose calls and agents they are.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._groups: dict[int, Group] = {}
        self._due: list[tuple[int, int]] = []  #: heap of (until, promise id); entries may be out of date

    def held_by(self, card: AgentCard) -> Group | None:
        """The group for which an agent is asked or promised, None if there is none."""
        group = self._groups.get(card.promise_id)
        if group is None or group.agent != card.agent or card.attempt_id != card.promise_id:
            return None
        return group

    def asking(self, group: Group) -> bool:
        """True while its agent has not answered, and nothing of it is dialled."""
        return self._pool.roster.cards[group.agent].hold is Hold.ASKED

    def spare_calls(self, campaign: str) -> int:
        """Calls of a campaign that would find their agent taken, if all of them were answered."""
        return sum(len(group.calls) - 1 for group in self._groups.values() if group.campaign == campaign)

    # -- moves -------------------------------------------------------------------------------------------------------

    def form(self, calls: Sequence[Call], agent: AgentCard, until_us: int) -> None:
        """An agent is being asked to wait for the first of these calls; the first one leads."""
        group = Group(calls[0].attempt_id, agent.agent, calls[0].campaign, {}, until_us)
        for call in calls:
            call.group = group
            group.calls[call.attempt_id] = call
        self._groups[group.promise_id] = group
        heapq.heappush(self._due, (until_us, group.promise_id))

    def win(self, call: Call) -> AgentCard:
        """The first answer: the agent is the call's. The others ring on as long as the law asks, and are given up.

        When the trunk has sent a call is not known here, only that it was before the intent lapsed.
        """
        group = call.group
        if group is None:
            raise InvariantError("an answer of a group", f"attempt {call.attempt_id} is in none")
        self._disband(group)
        for other in group.calls.values():
            if other is not call and other.lease is not None:
                give_up_us = other.lease.not_after_us + LEAST_RING_US + CLOCK_MARGIN_US
                self._pool.calls.move(other, Stage.DIALLING, give_up_us)
        return self._pool.roster.cards[group.agent]

    def leave(self, call: Call, out: list[Envelope]) -> None:
        """A call of a group is over, or was answered by a machine: after the last one the agent is free."""
        group = call.group
        if group is None:
            return
        call.group = None
        del group.calls[call.attempt_id]
        if not group.calls:
            self._disband(group)
            self._free(group, out)

    def orphan(self, group: Group, out: list[Envelope], *, but: Call | None = None) -> None:
        """Nobody waits any more: what rings stands alone, what was not dialled goes back in stock, but for one."""
        self._disband(group)
        for call in reversed(group.calls.values()):
            if call.stage is Stage.MATCHED and call is not but:
                self._pool.unmatch(call, out)

    def undo(self, group: Group, out: list[Envelope], *, but: Call) -> None:
        """A call of a group that was not dialled is over: the others go back in stock, and the agent is free."""
        self._free(group, out)
        self.orphan(group, out, but=but)

    def overdue(self, now_us: int, out: list[Envelope]) -> None:
        """Free agents who have waited long enough."""
        while self._due and self._due[0][0] <= now_us:
            until_us, promise_id = heapq.heappop(self._due)
            group = self._groups.get(promise_id)
            if group is not None and group.until_us == until_us:
                self._free(group, out)
                self.orphan(group, out)

    def next_deadline_us(self) -> int | None:
        """When the next agent has waited long enough; None if nobody waits."""
        due = self._due
        while due:
            until_us, promise_id = due[0]
            group = self._groups.get(promise_id)
            if group is not None and group.until_us == until_us:
                return until_us
            heapq.heappop(due)
        return None

    def _disband(self, group: Group) -> None:
        del self._groups[group.promise_id]
        for call in group.calls.values():
            call.group = None
            self._pool.track(call)

    def _free(self, group: Group, out: list[Envelope]) -> None:
        card = self._pool.roster.cards[group.agent]
        self._pool.roster.away(card)  # until it says that it is idle
        out.append(Envelope(Address("agent", card.agent), c.ReleaseAgent(card.agent, group.promise_id)))

    def check_invariants(self) -> None:
        """Every group has an agent who is asked while nothing is dialled, and promised when all is.

        Raises:
            InvariantError: It has not.
        """
        for promise_id, group in self._groups.items():
            card = self._pool.roster.cards[group.agent]
            where = f"{group.agent} for attempt {promise_id}"
            if self.held_by(card) is not group or not group.calls:
                raise InvariantError("a group has its agent and calls", where)
            stage = {Hold.ASKED: Stage.MATCHED, Hold.RESERVED: Stage.DIALLING}.get(card.hold)
            for attempt_id, call in group.calls.items():
                if self._pool.calls.get(attempt_id) is not call or call.group is not group:
                    raise InvariantError("calls of a group are calls of the pool", where)
                if call.stage is not stage or call.agent:
                    raise InvariantError("a group waits as a whole", f"{where}: {call.stage.name}, {card.hold.name}")
        for call in self._pool.calls:
            if call.group is not None and self._groups.get(call.group.promise_id) is not call.group:
                raise InvariantError("no call is in a group that is over", f"attempt {call.attempt_id}")
