"""The courier on Ray: hosts machines in one actor process, and carries what they say to other hosts.

A step takes all messages that have arrived, hands each machine its share, and sends one delivery to each host that is
spoken to. One delivery per destination is in the air; what is said meanwhile joins the next. An error of Ray never
means that a delivery did not arrive, so it is repeated with the same number until the receiver has answered.
``sim/world.py`` is the same in virtual time.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import os
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol

from dialer.actors.deployment import Clock
from dialer.domain.events import PeerRestarted
from dialer.domain.groupcommit import GroupCommit
from dialer.domain.ledger import STORE
from dialer.domain.link import Ack, Delivery, Inbox, Outbox, Verdict
from dialer.domain.message import Address, Envelope, Machine

log = logging.getLogger(__name__)

#: Wall seconds until a delivery that failed is repeated.
RESEND_S = 0.2


class UndeliveredError(Exception):
    """Whether the delivery arrived is not known."""


class Post(Protocol):
    """The way to other hosts."""

    async def send(self, home: Address, delivery: Delivery) -> Ack:
        """Carry one delivery.

        Raises:
            UndeliveredError: There was no answer.
        """

    def home(self, machine: Address) -> Address | None:
        """The host of a machine; None if nobody is known there."""


class Host:
    """Machines of one actor process.

    Args:
        address: Address of this host.
        clock: Dialler time.
        post: The way to other hosts.
        pace_s: Least wall seconds between two steps.
        switch: Takes commands for switches, where this host has a trunk.
    """

    def __init__(
        self,
        address: Address,
        clock: Clock,
        post: Post,
        *,
        pace_s: float,
        switch: Callable[[Sequence[Any]], None] | None = None,
    ) -> None:
        self.address = address
        self.clock = clock
        self.machines: dict[Address, Machine] = {}
        self.inbox = Inbox(0)
        self.steps = 0
        self.sent = 0  #: deliveries, repeats included
        self._post = post
        self._pace_s = pace_s
        self._switch = switch
        self._loop = asyncio.get_running_loop()
        self._pending: list[Envelope] = []
        self._outboxes: dict[Address, Outbox] = {}
        self._carriers: dict[Address, asyncio.Task[None]] = {}
        self._talks: dict[Address, set[tuple[Address, Address]]] = {}
        self._dues: list[tuple[int, Address]] = []
        self._armed: dict[Address, int] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._timer_us = 0
        self._stepping: asyncio.Handle | None = None
        self._last_s = 0.0

    def begin(self, epoch: int, machines: Iterable[Machine]) -> None:
        """Start machines as one incarnation."""
        self.inbox = Inbox(epoch)
        self.add(machines)

    def add(self, machines: Iterable[Machine]) -> None:
        """Start machines in the present incarnation."""
        now_us = self.clock.now_us()
        for machine in machines:
            self.machines[machine.address] = machine
            self.route(machine.address, machine.start(now_us))
            self._arm(machine)
        self._set_timer()

    # -- coming in ---------------------------------------------------------------------------------------------------

    def take(self, delivery: Delivery) -> Ack:
        """Judge a delivery and queue what is new in it."""
        ack, restarted = self.inbox.judge(delivery)
        if restarted:
            self._peer_restarted(delivery.sender)
        if ack.verdict is Verdict.TAKEN:
            self.queue(delivery.batch)
        return ack

    def queue(self, batch: Iterable[Envelope]) -> None:
        """Hand in messages from this process."""
        self._pending.extend(batch)
        self._wake()

    def _wake(self) -> None:
        if self._stepping is not None:
            return
        wait_s = self._last_s + self._pace_s - self._loop.time()
        if wait_s <= 0:
            self._stepping = self._loop.call_soon(self._step)
        else:
            self._stepping = self._loop.call_later(wait_s, self._step)

    # -- stepping ----------------------------------------------------------------------------------------------------

    def _step(self) -> None:
        self._stepping = None
        self._last_s = self._loop.time()
        self.steps += 1
        now_us = self.clock.now_us()
        pending, self._pending = self._pending, []
        batches: dict[Address, list[Any]] = {}
        for envelope in pending:
            batches.setdefault(envelope.to, []).append(envelope.message)
        dues = self._dues
        while dues and dues[0][0] <= now_us:
            due_us, address = heapq.heappop(dues)
            if self._armed.get(address) == due_us:
                del self._armed[address]
                batches.setdefault(address, [])
        try:
            for address, batch in batches.items():
                machine = self.machines.get(address)
                if machine is None:
                    log.warning("%s: no machine %s", self.address, address)
                    continue
                self.route(address, machine.handle(batch, now_us))
                self._arm(machine)
        except Exception:
            # A machine that contradicts itself must not go on: a new incarnation starts from the records.
            log.exception("%s: broken, starting again", self.address)
            os._exit(1)
        self._set_timer()
        self.stepped()

    def stepped(self) -> None:
        """Called after every step; a store flushes."""

    def _arm(self, machine: Machine) -> None:
        due_us = machine.next_deadline_us()
        armed_us = self._armed.get(machine.address)
        if due_us is not None and (armed_us is None or due_us < armed_us):
            self._armed[machine.address] = due_us
            heapq.heappush(self._dues, (due_us, machine.address))

    def _set_timer(self) -> None:
        if not self._dues:
            return
        due_us = self._dues[0][0]
        if self._timer is not None:
            if self._timer_us <= due_us:
                return
            self._timer.cancel()
        self._timer_us = due_us
        delay_s = max(0.0, self.clock.wall_s(due_us - self.clock.now_us()))
        self._timer = self._loop.call_later(delay_s, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._dues and self._dues[0][0] <= self.clock.now_us():
            self._wake()
        else:
            self._set_timer()

    # -- going out ---------------------------------------------------------------------------------------------------

    def route(self, machine: Address, envelopes: Iterable[Envelope]) -> None:
        """Send what a machine has said."""
        commands: list[Any] = []
        for envelope in envelopes:
            to = envelope.to
            if to.kind == "switch":
                commands.append(envelope.message)
                continue
            home = self._post.home(to)
            if home is None:
                continue  # a desk nobody sits at
            if home == self.address:
                self.queue((envelope,))
                continue
            box = self._outboxes.get(home)
            if box is None:
                box = self._outboxes[home] = Outbox(self.address, self.inbox.epoch)
            box.post(envelope)
            self._talks.setdefault(home, set()).add((machine, to))
            if home not in self._carriers:
                self._carriers[home] = self._loop.create_task(self._carry(home, box))
        if commands and self._switch is not None:
            self._switch(commands)

    async def _carry(self, home: Address, box: Outbox) -> None:
        """Deliver what is to be said to one host, one batch after the other, until nothing waits."""
        try:
            delivery = box.next_delivery()
            while delivery is not None:
                self.sent += 1
                try:
                    ack = await self._post.send(home, delivery)
                except UndeliveredError:
                    await asyncio.sleep(RESEND_S)
                    delivery = box.repeat()
                    continue
                if ack.verdict is Verdict.FENCED:
                    log.warning("%s: replaced by a newer incarnation, stopping", self.address)
                    os._exit(0)
                if box.acknowledged(delivery.seq, ack):
                    self._peer_restarted(home)
                delivery = box.repeat() or box.next_delivery()
        finally:
            del self._carriers[home]

    def _peer_restarted(self, home: Address) -> None:
        pairs = sorted(self._talks.get(home, ()))
        self.queue([Envelope(machine, PeerRestarted(peer)) for machine, peer in pairs])


class StoreHost(Host):
    """The host of the ledger: nothing it says leaves, and nothing is acknowledged, before it is durable.

    Args:
        address: Address of this host.
        clock: Dialler time.
        post: The way to other hosts.
        pace_s: Least wall seconds between two steps.
        flush: Makes rows durable; its failure is fatal.
    """

    def __init__(
        self,
        address: Address,
        clock: Clock,
        post: Post,
        *,
        pace_s: float,
        flush: Callable[[list[Any]], Awaitable[None]],
    ) -> None:
        super().__init__(address, clock, post, pace_s=pace_s)
        self.flushes = 0
        self._flush = flush
        self._commit = GroupCommit()
        self._taken = 0
        self._stepped = 0
        self._durable = 0
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []
        self._flushing: asyncio.Task[None] | None = None

    def take(self, delivery: Delivery) -> Ack:
        """Judge a delivery and queue what is new in it."""
        self._taken += 1
        return super().take(delivery)

    async def settled(self) -> None:
        """Wait until all that was taken so far is durable."""
        self._taken += 1
        self._wake()
        waiter = self._loop.create_future()
        self._waiters.append((self._taken, waiter))
        await waiter

    def route(self, machine: Address, envelopes: Iterable[Envelope]) -> None:  # noqa: ARG002 - there is one machine
        """Hold back what the ledger has said."""
        self._commit.add(envelopes)

    def stepped(self) -> None:
        """Flush what this step has decided, now or after the flush that runs."""
        self._stepped = self._taken
        if self._flushing is None:
            self._flushing = self._loop.create_task(self._flush_all())

    async def _flush_all(self) -> None:
        try:
            while self._durable < self._stepped:
                upto = self._stepped
                rows = self._commit.begin()
                if rows:
                    await self._flush(rows)
                    self.flushes += 1
                if rows is not None:
                    super().route(STORE, self._commit.durable())
                self._durable = upto
                done = [waiter for taken, waiter in self._waiters if taken <= upto]
                self._waiters = [pair for pair in self._waiters if pair[0] > upto]
                for waiter in done:
                    waiter.set_result(None)
        except Exception:
            # The ledger remembers what the disk does not: only a new incarnation can be right about both.
            log.exception("%s: cannot write, starting again", self.address)
            os._exit(1)
        finally:
            self._flushing = None
