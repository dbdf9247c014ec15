"""A scheduler with one campaign of any mode, for facts about the modes."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.calls import Stage
from dialer.domain.ids import attempt_id
from dialer.domain.kinds import AnswerClass, PriorityPolicy
from dialer.domain.message import Address
from dialer.domain.modes import POLICIES
from dialer.domain.scheduler import Scheduler
from dialer.domain.specs import SECOND_US, PacingSpec, PoolSpec

BORN = 1_000 * SECOND_US
TTL_US = 5 * SECOND_US


class Said(list):
    """What a scheduler has said: (address, message)."""

    def of(self, kind: type) -> list[Any]:
        """The messages of one kind."""
        return [message for _, message in self if type(message) is kind]


class Bench:
    """A scheduler whose trunk has announced itself; its invariants are checked after every step."""

    born = BORN
    ttl_us = TTL_US

    def __init__(self, *, seed: int = 1, shares: bool = False, policies: Any = POLICIES, trunk: bool = True) -> None:
        policy = PriorityPolicy.SHARES if shares else PriorityPolicy.STRICT
        self.spec = PoolSpec("p1", ("t1",), (), (), priority_policy=policy)
        self.scheduler = Scheduler(self.spec, rng=Random(seed), policies=policies)
        self.now_us = BORN
        self.contact = 0
        self.scheduler.start(BORN)
        if trunk:
            self.tell(e.TrunkOpened("t1", 1, 0, ()))

    def tell(self, *batch: Any, after_us: int = 0) -> Said:
        """One batch, some time after the last one."""
        self.now_us += after_us
        said = Said((str(to), message) for to, message in self.scheduler.handle(batch, self.now_us))
        self.scheduler.check_invariants()
        return said

    @staticmethod
    def opened(mode: str, name: str = "c1", run_no: int = 1, **options: Any) -> e.CampaignOpened:
        """A campaign dials from now on."""
        queue = None if mode == "agentless" else "q"
        pacing = {
            key: options.pop(key) for key in ("ratio", "agent_idle_limit_us", "abandon_limit_ratio") if key in options
        }
        given = {
            "campaign": name,
            "run_no": run_no,
            "epoch": 1,
            "mode": mode,
            "trunk": "t1",
            "queue": queue,
            "priority": 3,
            "concurrency": 2,
            "caller_id": 12025550100,
            "ring_timeout_us": 25 * SECOND_US,
            "amd": False,
            "flow": None if queue else "notice",
            "pacing": PacingSpec(**pacing),
            "preview_us": 30 * SECOND_US if mode == "preview" else 0,
        }
        return e.CampaignOpened(**(given | options))

    def open(self, mode: str, name: str = "c1", run_no: int = 1, **options: Any) -> Said:
        """Tell that a campaign dials from now on."""
        return self.tell(self.opened(mode, name, run_no, **options))

    def idle(self, *agents: str, epoch: int = 1, queues: tuple[str, ...] = ("q",)) -> Said:
        """Agents become idle, one after the other."""
        return self.tell(*(e.AgentIdle(agent, epoch, queues, self.now_us + no) for no, agent in enumerate(agents)))

    def granted(self, count: int, name: str = "c1", run_no: int = 1, *, offer: bool = False, **options: Any) -> Any:
        """The ledger has allowed contacts; or they may be offered."""
        lease = {key: options.pop(key) for key in ("agent", "avoid") if key in options}
        leases = []
        for _ in range(count):
            self.contact += 1
            intent_us = 0 if offer else self.now_us
            until_us = self.now_us + (60 * SECOND_US if offer else TTL_US)
            attempt = attempt_id(run_no, self.contact, 1)
            leases.append(e.Lease(attempt, 12025550000 + self.contact, intent_us, until_us, **lease))
        return e.LeasesGranted(name, tuple(leases), options.pop("asked", count), options.pop("next_us", 0), **options)

    def supply(self, count: int, *, credit: int | None = None, **options: Any) -> Said:
        """Leases, and as many credits."""
        return self.tell(e.CreditsGranted("t1", count if credit is None else credit), self.granted(count, **options))

    def call(self, number: int = 1, run_no: int = 1) -> int:
        """Attempt id of the n-th lease."""
        return attempt_id(run_no, number, 1)

    def stage(self, number: int = 1) -> Stage | None:
        """Where the call under the n-th lease stands."""
        call = self.scheduler.pool.calls.get(self.call(number))
        return None if call is None else call.stage

    def card(self, name: str = "c1") -> Any:
        """The scheduler's copy of a campaign."""
        return self.scheduler.pool.campaigns[name]

    def answered(self, number: int = 1, kind: AnswerClass = AnswerClass.UNKNOWN, *, after_us: int = 0) -> Said:
        """Somebody has picked up."""
        return self.tell(e.CallAnswered(self.call(number), "t1", kind, self.now_us + after_us), after_us=after_us)

    def ended(self, number: int, outcome: Any, agent: str = "") -> Said:
        """The call under the n-th lease is over."""
        return self.tell(e.CallEnded(self.call(number), agent, outcome, self.now_us))

    def restarted(self, kind: str, name: str) -> Said:
        """A peer is a new incarnation."""
        return self.tell(e.PeerRestarted(Address(kind, name)))

    def promised(self, agent: str = "a1", number: int = 1, *, epoch: int = 1) -> Said:
        """An agent promises itself to the call under the n-th lease."""
        return self.tell(e.AgentReserved(agent, epoch, self.call(number)))

    def sent(self, said: Said) -> list[int]:
        """Numbers of the leases that were dialled."""
        return [order.number - 12025550000 for order in said.of(c.Originate)]


@pytest.fixture
def new():
    """Makes a bench."""
    return Bench
