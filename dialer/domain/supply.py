"""The scheduler's copy of its campaigns and trunks: leases in stock, what was asked for, credits."""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterator
from dataclasses import dataclass, field

from dialer.domain.events import CampaignOpened, Lease, LeasesGranted
from dialer.domain.kinds import DialingMode
from dialer.domain.pacing import LaunchRate


@dataclass(slots=True)
class CampaignCard:
    """One campaign, as last heard of. Holds the leases that have not been used."""

    opened: CampaignOpened
    rate: LaunchRate
    active: bool = True
    stock: deque[Lease] = field(default_factory=deque)
    asked: int = 0  #: leases requested and not yet settled
    next_us: int | None = 0  #: when asking again makes sense: 0 now, None only after word from the campaign
    in_progress: int = 0  #: calls being dialled or up
    reason: str = "opening"  #: why it dials, or does not

    @property
    def name(self) -> str:
        """Id of the campaign."""
        return self.opened.campaign

    @property
    def agentless(self) -> bool:
        """True if a flow takes the calls, not agents."""
        return self.opened.mode == DialingMode.AGENTLESS

    @property
    def free_slots(self) -> int:
        """Agentless: calls that may be added."""
        return self.opened.concurrency - self.in_progress

    def reopen(self, opened: CampaignOpened) -> None:
        """The campaign speaks again: resumed, or reborn, in which case it has forgotten what was asked for."""
        if opened.epoch > self.opened.epoch:
            self.asked = 0
        self.opened, self.active, self.next_us = opened, True, 0

    def take_in(self, granted: LeasesGranted, leases: list[Lease]) -> None:
        """Put those of the granted leases in stock that can be used."""
        self.asked = max(0, self.asked - granted.asked)
        self.next_us = granted.next_us
        self.stock.extend(leases)

    def put_back(self, lease: Lease) -> None:
        """A lease that was taken out of stock was not used; the oldest one is used first."""
        self.stock.appendleft(lease)

    def expired(self, now_us: int) -> Iterator[int]:
        """Take out of stock, and tell, the attempts whose time to be dialled has passed."""
        while self.stock and self.stock[0].not_after_us <= now_us:
            yield self.stock.popleft().attempt_id

    def forget(self, live: Container[int]) -> None:
        """Take leases out of stock under which an earlier incarnation of the scheduler has dialled."""
        if any(lease.attempt_id in live for lease in self.stock):
            self.stock = deque(lease for lease in self.stock if lease.attempt_id not in live)

    def too_old(self, until_us: int) -> Iterator[int]:
        """Take out of stock, and tell, the attempts whose intent is not younger than ``until_us``."""
        while self.stock and self.stock[0].intent_us <= until_us:
            yield self.stock.popleft().attempt_id

    def hungry(self, now_us: int) -> bool:
        """True if it would dial more, had it the leases that it may get at any moment."""
        return self.active and not self.stock and (self.asked > 0 or self.due(now_us))

    def due(self, now_us: int) -> bool:
        """True if asking for leases makes sense."""
        return self.next_us is not None and self.next_us <= now_us


@dataclass(slots=True)
class TrunkCard:
    """One trunk, as last heard of."""

    trunk: str
    asking: bool = True  #: it was asked to announce itself; until it does nothing is sent
    credits_free: int = 0
    wanted: int = 0  #: what was last requested, less what was sent since
    wanted_at_us: int = 0
    matched: int = 0  #: credits set aside for calls that wait for their agent's promise
