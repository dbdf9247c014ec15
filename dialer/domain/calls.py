"""The scheduler's calls: from the moment an agent and a contact are matched to the end of the call."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from dialer.domain.events import Lease
from dialer.domain.ids import run_of

if TYPE_CHECKING:
    from dialer.domain.groups import Group


class Stage(IntEnum):
    """Where a call stands between agent, campaign and trunk."""

    MATCHED = 0  #: an agent is asked; nothing was dialled
    DIALLING = 1  #: the trunk has the order
    WAITING = 2  #: a person has answered and nobody is promised yet
    JOINING = 3  #: to be joined, or joined; the agent and the trunk see to the rest
    CLEARING = 4  #: hanging up
    OFFERED = 5  #: an agent looks at the contact, and dials or skips it
    CONFIRMING = 6  #: the agent wants to dial; the ledger is asked
    READY = 7  #: the ledger has allowed it; no line is free yet


#: Looking at a contact takes no line and is no call yet. Tuples, because hashing a member of an enum is slow.
LOOKING = (Stage.OFFERED, Stage.CONFIRMING, Stage.READY)
#: The trunk has no order.
UNSENT = (Stage.MATCHED, *LOOKING)
#: What waits for somebody is looked for again and again: it is kept apart.
_APART = (Stage.WAITING, Stage.CONFIRMING, Stage.READY)


@dataclass(slots=True)
class Call:
    """One call of this pool."""

    attempt_id: int
    campaign: str  #: "" while a reborn scheduler does not know it
    trunk: str  #: "" while a reborn scheduler does not know it
    stage: Stage
    agent: str = ""  #: asked, promised or joined
    lease: Lease | None = None  #: None for a call that an earlier incarnation dialled
    answered_us: int = 0
    deadline_us: int = 0  #: when time alone moves it on, 0 for never
    sent_us: int = 0  #: when the order to dial left, or the call was taken over
    group: Group | None = None  #: the calls among which one agent waits for the first answer
    live: bool = False  #: counted as answered by a person
    given_up: bool = False  #: counted as abandoned
    queue: str = ""  #: the flow wants an agent of this queue; "" for the campaign's
    queue_until_us: int = 0  #: then the flow goes on without one

    @property
    def alone(self) -> bool:
        """True if it is being dialled and no agent waits for it."""
        return self.stage is Stage.DIALLING and not self.agent and self.group is None


class Calls:
    """All calls of a pool, with the next deadline."""

    def __init__(self) -> None:
        self._calls: dict[int, Call] = {}
        self._due: list[tuple[int, int]] = []  #: heap of (deadline, attempt id); entries may be out of date
        self._apart: dict[Stage, dict[int, Call]] = {stage: {} for stage in _APART}

    def __len__(self) -> int:
        """Number of calls."""
        return len(self._calls)

    def __iter__(self) -> Iterator[Call]:
        """All calls, oldest first."""
        return iter(self._calls.values())

    def get(self, attempt_id: int) -> Call | None:
        """The call of an attempt, None if there is none."""
        return self._calls.get(attempt_id)

    def add(self, call: Call) -> None:
        """A call begins."""
        self._calls[call.attempt_id] = call
        if call.deadline_us:
            heapq.heappush(self._due, (call.deadline_us, call.attempt_id))

    def remove(self, call: Call) -> None:
        """A call is over."""
        del self._calls[call.attempt_id]
        if call.stage in _APART:
            del self._apart[call.stage][call.attempt_id]

    def move(self, call: Call, stage: Stage, deadline_us: int = 0) -> None:
        """Put a call in a stage, which time alone will end at ``deadline_us``; 0 for never."""
        if call.stage in _APART:
            del self._apart[call.stage][call.attempt_id]
        call.stage, call.deadline_us = stage, deadline_us
        if stage in _APART:
            self._apart[stage][call.attempt_id] = call
        if deadline_us:
            heapq.heappush(self._due, (deadline_us, call.attempt_id))

    def waiting(self) -> list[Call]:
        """Calls with a person on the line and nobody promised or asked, longest first."""
        return [call for call in self._apart[Stage.WAITING].values() if not call.agent]

    def decided(self) -> bool:
        """Whether an agent has decided to make a call that is not dialled yet."""
        return bool(self._apart[Stage.READY] or self._apart[Stage.CONFIRMING])

    def ready(self) -> list[Call]:
        """Calls with a promised agent and an intent that lack a line, longest first."""
        return list(self._apart[Stage.READY].values())

    def lines_needed(self) -> Iterator[str]:
        """For each call that an agent has decided to make, the trunk of which it needs a line now or soon."""
        for stage in (Stage.READY, Stage.CONFIRMING):
            for call in self._apart[stage].values():
                yield call.trunk

    def of(self, campaign: str) -> list[Call]:
        """Calls of a campaign."""
        return [call for call in self._calls.values() if call.campaign == campaign]

    def on_trunks(self, trunks: tuple[str, ...]) -> list[Call]:
        """Calls on certain trunks; the name "" stands for calls of which the trunk is not known."""
        return [call for call in self._calls.values() if call.trunk in trunks]

    def adopt_run(self, run_no: int, campaign: str) -> list[Call]:
        """Calls of a run whose campaign was not known until now."""
        adopted = [call for call in self._calls.values() if not call.campaign and run_of(call.attempt_id) == run_no]
        for call in adopted:
            call.campaign = campaign
        return adopted

    def overdue(self, now_us: int) -> Iterator[Call]:
        """Calls whose deadline has come, each once."""
        while self._due and self._due[0][0] <= now_us:
            at_us, attempt_id = heapq.heappop(self._due)
            call = self._calls.get(attempt_id)
            if call is not None and call.deadline_us == at_us:
                call.deadline_us = 0
                yield call

    def next_deadline_us(self) -> int | None:
        """The earliest deadline; None if there is none."""
        due = self._due
        while due:
            at_us, attempt_id = due[0]
            call = self._calls.get(attempt_id)
            if call is not None and call.deadline_us == at_us:
                return at_us
            heapq.heappop(due)  # it has moved on, or is gone
        return None
