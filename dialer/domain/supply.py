"""The scheduler's copy of its campaigns and trunks: leases in stock, what was asked for, credits."""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dialer.domain.events import CampaignOpened, Lease, LeasesGranted
from dialer.domain.kinds import LIVE_ANSWERS, Outcome
from dialer.domain.pacing import LaunchRate
from dialer.domain.specs import SECOND_US

if TYPE_CHECKING:
    from dialer.domain.calls import Call
    from dialer.domain.modes.base import Policy

#: A request for a contact of one agent's own keeps that agent from others this long.
PERSONAL_PATIENCE_US = 2 * SECOND_US

_LIVE = tuple(LIVE_ANSWERS)  # hashing a member of an enum is slow


@dataclass(slots=True)
class CampaignCard:
    """One campaign, as last heard of. Holds the leases that have not been used."""

    opened: CampaignOpened
    rate: LaunchRate
    policy: Policy
    active: bool = True
    stock: deque[Lease] = field(default_factory=deque)
    own: list[Lease] = field(default_factory=list)  #: leases for one agent each
    personal: tuple[str, ...] = ()  #: agents for whom a contact of their own is due
    asked: int = 0  #: leases requested and not yet settled
    asked_us: int = 0  #: when leases were last requested
    asked_for: dict[str, int] = field(default_factory=dict)  #: agent -> when a contact of its own was requested
    next_us: int | None = 0  #: when asking again makes sense: 0 now, None only after word from the campaign
    in_progress: int = 0  #: calls being dialled or up
    reason: str = "opening"  #: why it dials, or does not
    alone: dict[int, int] = field(default_factory=dict)  #: ringing calls no agent waits for: attempt id -> sent
    live_seen: int = 0  #: people who answered since the campaign said how many there were
    abandoned_seen: int = 0  #: of them, those who were left alone
    persons: int = 0  #: calls that a person answered, as far as this scheduler knows
    settled: int = 0  #: calls that a person answered, or not
    turn: float = 0.0  #: shares: agents it has had, by its priority; the lowest is first
    contends: bool = False  #: shares: it had something to dial when last looked at

    @property
    def name(self) -> str:
        """Id of the campaign."""
        return self.opened.campaign

    @property
    def free_slots(self) -> int:
        """Agentless: calls that may be added."""
        return self.opened.concurrency - self.in_progress

    @property
    def live_answers(self) -> int:
        """People who answered, within the 30 days of the abandonment limit."""
        return self.opened.live_answers + self.live_seen

    @property
    def abandoned(self) -> int:
        """Of them, those for whom nobody was there in time."""
        return self.opened.abandoned + self.abandoned_seen

    @property
    def answer_ratio(self) -> float:
        """Chance that a person answers a call, by Laplace's rule of succession: 1/2 as long as nothing is known."""
        return (self.persons + 1) / (self.settled + 2)

    def reopen(self, opened: CampaignOpened) -> None:
        """The campaign speaks again: resumed, or reborn, in which case it has forgotten what was asked for."""
        if opened.epoch > self.opened.epoch:
            self.forget_requests()
        self.opened, self.active, self.next_us = opened, True, 0

    def forget_requests(self) -> None:
        """What was requested will not come: the campaign has forgotten it."""
        self.asked = 0
        self.asked_for.clear()

    def take_in(self, granted: LeasesGranted, leases: list[Lease]) -> None:
        """Put those of the granted leases in stock that can be used."""
        self.asked = max(0, self.asked - granted.asked)
        self.next_us = granted.next_us
        self.personal = granted.personal
        for lease in leases:
            (self.own if lease.agent else self.stock).append(lease)
            self.asked_for.pop(lease.agent, None)
        if not self.asked:
            self.asked_for.clear()

    def put_back(self, lease: Lease) -> None:
        """A lease that was taken out of stock was not used; the oldest one is used first."""
        if lease.agent:
            self.own.insert(0, lease)
        else:
            self.stock.appendleft(lease)

    def attempts(self) -> set[int]:
        """Attempts of the leases in stock."""
        return {lease.attempt_id for lease in (*self.own, *self.stock)}

    def void(self) -> list[int]:
        """Take everything out of stock, and tell the attempts."""
        attempts = [lease.attempt_id for lease in (*self.own, *self.stock)]
        self.own.clear()
        self.stock.clear()
        return attempts

    def expired(self, now_us: int) -> Iterator[int]:
        """Take out of stock, and tell, the attempts whose time to be dialled has passed."""
        while self.stock and self.stock[0].not_after_us <= now_us:
            yield self.stock.popleft().attempt_id
        if self.own:
            yield from [lease.attempt_id for lease in self.own if lease.not_after_us <= now_us]
            self.own = [lease for lease in self.own if lease.not_after_us > now_us]

    def forget(self, live: Container[int]) -> None:
        """Take leases out of stock under which an earlier incarnation of the scheduler has dialled."""
        if any(lease.attempt_id in live for lease in self.stock):
            self.stock = deque(lease for lease in self.stock if lease.attempt_id not in live)
        if self.own:
            self.own = [lease for lease in self.own if lease.attempt_id not in live]

    def too_old(self, until_us: int) -> Iterator[int]:
        """Take out of stock, and tell, the attempts whose intent is not younger than ``until_us``."""
        while self.stock and 0 < self.stock[0].intent_us <= until_us:  # an offer has no intent yet
            yield self.stock.popleft().attempt_id
        if self.own:
            old = [lease for lease in self.own if 0 < lease.intent_us <= until_us]
            self.own = [lease for lease in self.own if lease not in old]
            yield from (lease.attempt_id for lease in old)

    def hungry(self, now_us: int) -> bool:
        """True if it would dial more, had it the leases that it may get at any moment."""
        return self.active and not self.stock and (self.asked > 0 or self.due(now_us))

    def due(self, now_us: int) -> bool:
        """True if asking for leases makes sense."""
        return self.next_us is not None and self.next_us <= now_us

    # -- counting ----------------------------------------------------------------------------------------------------

    def count_answer(self, call: Call) -> None:
        """A person has answered, once for each call."""
        if not call.live:
            call.live = True
            self.live_seen += 1
            self.persons += 1
            self.settled += 1

    def count_abandoned(self, call: Call) -> None:
        """The person is left alone."""
        call.given_up = True
        self.abandoned_seen += 1

    def count_end(self, call: Call, outcome: Outcome) -> None:
        """What the trunk says of a call that is over is what will be on record."""
        if outcome in _LIVE:
            self.count_answer(call)
        abandoned = outcome is Outcome.ABANDONED
        self.abandoned_seen += abandoned - call.given_up

    def recount(self, calls: list[Call]) -> None:
        """The campaign has said anew how many there were: of what was seen only calls that are not over remain."""
        self.live_seen = sum(call.live for call in calls)
        self.abandoned_seen = sum(call.given_up for call in calls)


@dataclass(slots=True)
class TrunkCard:
    """One trunk, as last heard of."""

    trunk: str
    asking: bool = True  #: it was asked to announce itself; until it does nothing is sent
    credits_free: int = 0
    wanted: int = 0  #: what was last requested, less what was sent since
    wanted_at_us: int = 0
    matched: int = 0  #: credits set aside for calls that wait for their agent's promise
