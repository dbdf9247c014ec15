"""What the orders of operators do, once the table has said which of these it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from dialer.domain import keeper_rules as rules
from dialer.domain import keeping as k
from dialer.domain.commands import PauseCampaign, ResumeCampaign
from dialer.domain.keeper_entry import UPCOMING, Entry
from dialer.domain.keeper_table import ANSWERS, Do, next_occurrence_us, status_of
from dialer.domain.keeping import OPERATOR, CampaignRecord, Desire, Ending, Phase, Refusal
from dialer.domain.message import Address, Envelope
from dialer.domain.schedule import end_us, next_start_us
from dialer.domain.specs import SECOND_US

#: Lists are scrubbed this long after a campaign was saved: who starts it at once has them scrubbed for the run.
CHECK_AFTER_US = 2 * SECOND_US

_BY_OPERATOR = "stopped by an operator"
_ENDING = "the dialer is about to end; start campaign {name} when it runs again"


class Orders:
    """Carries out orders on the campaigns of a keeper.

    Args:
        entries: The campaigns by name; saving adds to them, deleting takes away.
        wait: Stretches a wait that is about machines.
    """

    def __init__(self, entries: dict[str, Entry], *, wait: Callable[[int], int]) -> None:
        self._entries = entries
        self._wait = wait
        self._deleted: list[str] = []
        self._doing: dict[Do, Callable[[Any, Entry, int], list[Envelope]]] = {
            Do.SAVE: self._save,
            Do.REVISE: self._revise,
            Do.PREPARE: self._prepare,
            Do.JOIN: self._join,
            Do.GO_ON: self._go_on,
            Do.HOLD: self._hold,
            Do.STOP: self._stop,
            Do.CANCEL: self._cancel,
            Do.SKIP: self._skip,
            Do.CLONE: self._clone,
            Do.DELETE: self._delete,
            Do.PLAN: self._plan,
            Do.REPLAN: self._replan,
            Do.UNPLAN: self._unplan,
            Do.NOTHING: self._nothing,
        }

    def take(self, order: Any, now_us: int, *, draining: bool) -> list[Envelope]:
        """Carry out an order, or refuse it; refused, it has changed nothing.

        Args:
            order: One of ``keeper_table.ORDERS``, or ``MayDelete``.
            now_us: UTC microseconds.
            draining: The dialer is about to end, and begins nothing.

        Raises:
            KeyError: It is none of these.
        """
        if type(order) is k.MayDelete:
            return self._may_delete(order)
        entry = self._entries.get(order.campaign)
        if entry is None:
            if type(order) is k.SaveCampaign:
                return self._create(order, now_us)
            return _refused(order, Refusal.NOT_FOUND, f"there is no campaign {order.campaign!r}")
        answer = ANSWERS[status_of(entry.record), type(order)]
        if isinstance(answer, str):
            return _refused(order, Refusal.CONFLICT, answer.format(name=order.campaign))
        if draining and answer in {Do.PREPARE, Do.GO_ON}:
            return _refused(order, Refusal.CONFLICT, _ENDING.format(name=order.campaign))
        return self._doing[answer](order, entry, now_us)

    def take_deleted(self) -> list[str]:
        """Campaigns that were deleted since this was last asked and are not there again."""
        deleted, self._deleted = self._deleted, []
        return [name for name in deleted if name not in self._entries]

    # -- saving ------------------------------------------------------------------------------------------------------

    def _create(self, order: k.SaveCampaign, now_us: int) -> list[Envelope]:
        spec = replace(order.spec, version=1)
        self._add(CampaignRecord(spec, order.lists, order.dnc_lists, order.file, now_us), now_us)
        return _done(order)

    def _add(self, record: CampaignRecord, now_us: int) -> None:
        entry = self._entries[record.spec.campaign] = Entry(record)
        entry.changed = True
        entry.check_us = now_us + self._wait(CHECK_AFTER_US)

    def _write(self, order: k.SaveCampaign, entry: Entry, now_us: int) -> None:
        entry.change(
            spec=replace(order.spec, version=entry.record.spec.version + 1),
            lists=order.lists,
            dnc_lists=order.dnc_lists,
            file=order.file,
            updated_us=now_us,
        )

    def _save(self, order: k.SaveCampaign, entry: Entry, now_us: int) -> list[Envelope]:
        words = rules.mode_refusal(entry.record, order)
        if words is not None:
            return _refused(order, Refusal.CONFLICT, words)
        self._write(order, entry, now_us)
        if entry.record.phase in UPCOMING:  # what was scrubbed for the next occurrence is out of date
            entry.prepare(now_us, scheduled_us=0 if entry.record.note is None else entry.record.note.scheduled_us)
        else:
            entry.check_us = now_us + self._wait(CHECK_AFTER_US)
        return _done(order)

    def _revise(self, order: k.SaveCampaign, entry: Entry, now_us: int) -> list[Envelope]:
        words = rules.revision_refusal(entry.record, order)
        if words is not None:
            return _refused(order, Refusal.CONFLICT, words)
        record = entry.record
        if (replace(order.spec, version=record.spec.version), order.file) == (record.spec, record.file):
            return _done(order)  # nothing has changed: the run is not disturbed
        self._write(order, entry, now_us)
        record = entry.record
        spec = rules.run_spec(record.spec, record.schedule, scheduled=entry.scheduled)
        entry.change(run_spec=spec)
        if entry.up:  # otherwise it begins with this spec when it is told to go on
            entry.begin(now_us)
        return _done(order)

    def _clone(self, order: k.CloneCampaign, entry: Entry, now_us: int) -> list[Envelope]:
        if order.to in self._entries:
            return _refused(order, Refusal.CONFLICT, f"there is a campaign {order.to!r} already; use another name")
        record = entry.record
        spec = replace(record.spec, campaign=order.to, version=1)
        file = {**record.file, "name": order.to}
        self._add(CampaignRecord(spec, record.lists, record.dnc_lists, file, now_us), now_us)
        return _done(order)

    def _delete(self, order: k.DeleteCampaign, entry: Entry, now_us: int) -> list[Envelope]:  # noqa: ARG002
        del self._entries[order.campaign]
        self._deleted.append(order.campaign)
        return _done(order)

    def _may_delete(self, order: k.MayDelete) -> list[Envelope]:
        if order.kind not in rules.USABLE:
            known = ", ".join(sorted(rules.USABLE))
            return _refused(order, Refusal.CONFIG, f"no campaign uses a {order.kind!r}; ask for one of: {known}")
        words = rules.user_of((entry.record for entry in self._entries.values()), order.kind, order.name)
        return _done(order) if words is None else _refused(order, Refusal.CONFLICT, words)

    # -- running -----------------------------------------------------------------------------------------------------

    def _prepare(self, order: Any, entry: Entry, now_us: int) -> list[Envelope]:
        words = rules.not_attached(entry.record.spec, entry.record.lists)
        if words is not None:
            return _refused(order, Refusal.CONFIG, words)
        entry.prepare(now_us)
        entry.wait_for_run(order.order, continued=False)
        return []

    def _join(self, order: Any, entry: Entry, now_us: int) -> list[Envelope]:  # noqa: ARG002
        entry.wait_for_run(order.order, continued=False)
        return []

    def _go_on(self, order: Any, entry: Entry, now_us: int) -> list[Envelope]:
        entry.change(desired=Desire.ACTIVE)
        if entry.up and entry.record.phase is Phase.RUNNING:
            resume = Envelope(Address("campaign", order.campaign), ResumeCampaign())
            return [resume, *_done(order, entry.run_no, continued=True)]
        entry.wait_for_run(order.order, continued=True)
        entry.begin(now_us)
        return []

    def _hold(self, order: k.PauseRun, entry: Entry, now_us: int) -> list[Envelope]:  # noqa: ARG002
        entry.change(desired=Desire.PAUSED)
        return [Envelope(Address("campaign", order.campaign), PauseCampaign()), *_done(order)]

    def _stop(self, order: k.StopRun, entry: Entry, now_us: int) -> list[Envelope]:  # noqa: ARG002
        return entry.stop(Ending.STOPPED, _BY_OPERATOR) + _done(order)

    def _cancel(self, order: k.StopRun, entry: Entry, now_us: int) -> list[Envelope]:
        out = entry.refuse_waiting(Refusal.CONFLICT, f"campaign {order.campaign} was stopped before it could begin")
        entry.finish(Ending.STOPPED, now_us, _BY_OPERATOR)
        return out + _done(order)

    def _skip(self, order: k.StopRun, entry: Entry, now_us: int) -> list[Envelope]:
        at_us = next_occurrence_us(entry.record)
        if at_us is not None:
            entry.skip(at_us, _BY_OPERATOR, now_us, own=entry.record.phase in UPCOMING)
        return _done(order)

    # -- the calendar ------------------------------------------------------------------------------------------------

    def _plan(self, order: k.SetSchedule, entry: Entry, now_us: int) -> list[Envelope]:
        name = order.campaign
        words = rules.not_attached(entry.record.spec, entry.record.lists)
        if words is None and next_start_us(order.schedule, now_us) is None:
            words = f"campaign {name}: no occurrence of this schedule is still to come; give a later start or end"
        if words is not None:
            return _refused(order, Refusal.CONFIG, words)
        self._forget_plan(entry)
        entry.change(schedule=order.schedule, through_us=now_us, updated_us=now_us)
        return _done(order)

    def _replan(self, order: k.SetSchedule, entry: Entry, now_us: int) -> list[Envelope]:
        words = rules.replan_refusal(entry.record, order.schedule)
        if words is not None:
            return _refused(order, Refusal.CONFLICT, words)
        over_us = end_us(order.schedule)
        if over_us is not None and over_us <= now_us:
            words = f"campaign {order.campaign}: this end is over already; stop the campaign instead"
            return _refused(order, Refusal.CONFIG, words)
        entry.change(schedule=order.schedule, updated_us=now_us)
        return _done(order)

    def _unplan(self, order: k.ClearSchedule, entry: Entry, now_us: int) -> list[Envelope]:
        if entry.record.schedule is None:
            return _refused(order, Refusal.CONFLICT, f"campaign {order.campaign} has no schedule")
        self._forget_plan(entry)
        entry.change(schedule=None, through_us=now_us, updated_us=now_us)
        return _done(order)

    def _forget_plan(self, entry: Entry) -> None:
        if entry.record.phase in UPCOMING:
            entry.drop()

    def _nothing(self, order: Any, entry: Entry, now_us: int) -> list[Envelope]:  # noqa: ARG002
        return _done(order)


def _done(order: Any, run_no: int = 0, *, continued: bool = False) -> list[Envelope]:
    return [Envelope(OPERATOR, k.OrderDone(order.order, run_no, continued))]


def _refused(order: Any, kind: Refusal, words: str) -> list[Envelope]:
    return [Envelope(OPERATOR, k.OrderRefused(order.order, kind, words))]
