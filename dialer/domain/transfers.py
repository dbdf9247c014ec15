"""Callees of a flow who ask for an agent of a queue: wanted by the trunk, found here, joined as always.

The flow goes on in the trunk if nobody is found in time, so nobody is abandoned for it: the trunk says when it is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialer.domain.calls import Call, Stage
from dialer.domain.flow_talk import AgentUnwanted, AgentWanted
from dialer.domain.message import Envelope

if TYPE_CHECKING:
    from dialer.domain.pool import Pool


class Transfers:
    """All transfers of a pool.

    Args:
        pool: Whose calls and agents they are.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def want(self, msg: AgentWanted, now_us: int, out: list[Envelope]) -> None:
        """The callee waits for an agent."""
        pool = self._pool
        call = pool.calls.get(msg.attempt_id)
        if call is None or call.stage is not Stage.JOINING or call.agent:
            return  # over by now, asked for already, or not known well enough after a restart: the flow goes on
        call.queue, call.queue_until_us = msg.queue, msg.until_us
        self.wait(call, now_us, out)

    def wait(self, call: Call, now_us: int, out: list[Envelope]) -> None:
        """Look for an agent until the flow goes on without one."""
        if now_us >= call.queue_until_us:
            self.forgo(call, out)
            return
        self._pool.calls.move(call, Stage.WAITING, call.queue_until_us)
        self._pool.track(call)
        self._pool.find_agent(call, out)

    def unwant(self, msg: AgentUnwanted, out: list[Envelope]) -> None:
        """The flow goes on without an agent, or the callee has hung up."""
        call = self._pool.calls.get(msg.attempt_id)
        if call is not None and call.queue:
            self.forgo(call, out)

    def forgo(self, call: Call, out: list[Envelope]) -> None:
        """Leave a call to its flow; whoever was asked is free."""
        self._pool.release(call, out)
        call.queue = ""
        self._pool.calls.move(call, Stage.JOINING)
        self._pool.track(call)
