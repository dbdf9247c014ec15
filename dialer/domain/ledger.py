"""The ledger: the one place that decides whether an attempt may exist, and that it ends once.

An intent is accepted only if, at this moment, the proposing incarnation is current, the number is on no applicable
do-not-call list, no other open intent has the number in any campaign, the rolling caps have room, and it is calling
time, by the law and by the campaign, in every zone the contact may be in. It may be dialled until its time to live
has passed or the hours end, whichever is first. The answer leaves after the intent is durable (``groupcommit``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain import rows as r
from dialer.domain.flow_talk import FlowEnded
from dialer.domain.groupcommit import JOURNAL
from dialer.domain.ids import run_of
from dialer.domain.kinds import LIVE_ANSWERS, UNDIALLED, IntentRefusal, Outcome
from dialer.domain.localtime import Window, window_all
from dialer.domain.message import Address, Envelope
from dialer.domain.ports import NumberSet
from dialer.domain.specs import CampaignSpec, LegalRules, WeeklyHours, has_effect
from dialer.domain.weekly import common_hours
from dialer.errors import InvariantError

STORE = Address("store", "main")
_UNCLAIMED_LIMIT = 1_000  #: dispositions that may wait for their run: as many as agents are in wrap-up


@dataclass(slots=True)
class _Run:
    spec: CampaignSpec
    address: Address
    epoch: int
    zone_sets: tuple[tuple[str, ...], ...]
    lists: tuple[str, ...]
    #: by zone key, valid until their ``until_us``: hours that are both legal and the campaign's; None without rules
    windows: dict[int, Window | None] = field(default_factory=dict)


@dataclass(slots=True)
class _Open:
    number: int
    at_us: int
    not_after_us: int


class Ledger:
    """Machine of the store actor.

    Args:
        rules: Legal rule pack.
        dnc: Do-not-call lists by id, as loaded, perhaps empty; changes made while running are kept on top. A list that
            applies to a run and is not among them forbids every number, whatever the changes say.
        global_lists: Ids of lists that apply to every campaign.
        open_intents: (attempt id, number, intent time, not after) without an outcome, from the journal.
        recent: (number, intent time) of attempts that count within the longest cap window, from the journal; in any
            order, also earlier ones.
        dnc_changes: (list, number, added) made while running, in order, from the journal.
        failures: (number, counted attempts in a row, over all campaigns, that reached nobody), from the journal; needed
            only if ``rules.auto_dnc_after``.
        began_us: When this dialer began, UTC microseconds: whoever made an earlier intent is gone.
    """

    def __init__(
        self,
        rules: LegalRules,
        *,
        dnc: Mapping[str, NumberSet] | None = None,
        global_lists: Sequence[str] = (),
        open_intents: Iterable[tuple[int, int, int, int]] = (),
        recent: Iterable[tuple[int, int]] = (),
        dnc_changes: Iterable[tuple[str, int, bool]] = (),
        failures: Iterable[tuple[int, int]] = (),
        began_us: int = 0,
    ) -> None:
        self.address = STORE
        self.rules = rules
        self._began_us = began_us
        self._hours: dict[str, WeeklyHours] = dict(rules.hours_by_zone)
        self._dnc: dict[str, NumberSet] = dict(dnc or {})
        self._globals = tuple(global_lists)
        self._added: dict[str, set[int]] = {}
        self._removed: dict[str, set[int]] = {}
        self._runs: dict[int, _Run] = {}
        self._unclaimed: list[e.DispositionSet] = []  #: of runs that are not open here
        self._open: dict[int, _Open] = {}
        self._busy: dict[int, int] = {}
        self._longest_cap_us = max((cap.window_us for cap in rules.caps), default=0)
        self._recent: dict[int, list[int]] = {}  #: number -> intent times within the longest cap window, in order
        self._ageing: deque[tuple[int, int]] = deque()  #: (intent time, number), oldest first: what to forget next
        for attempt_id, number, at_us, not_after_us in open_intents:
            self._open[attempt_id] = _Open(number, at_us, not_after_us)
            self._busy[number] = attempt_id
        for at_us, number in sorted((at_us, number) for number, at_us in recent):
            self._remember(number, at_us)
        for name, number, added in dnc_changes:
            self._change(name, number, added=added)
        self._failures: dict[int, int] = dict(failures) if rules.auto_dnc_after else {}
        self._handlers: dict[type, Callable[[Any, int, list[Envelope]], None]] = {
            c.OpenRun: self._open_run,
            c.ProposeIntent: self._propose,
            c.RecordOutcome: self._record_outcome,
            c.RecordCampaignState: self._record_state,
            c.AddToDnc: self._add_to_dnc,
            c.RemoveFromDnc: self._remove_from_dnc,
            c.RecordSkip: self._record_skip,
            e.DispositionSet: self._disposition_set,
            e.AgentSessionChanged: self._journal,
            FlowEnded: self._journal,
            e.PeerRestarted: self._ignore,
        }

    def start(self, now_us: int) -> list[Envelope]:  # noqa: ARG002 - part of the Machine protocol
        """Nothing: campaigns open their runs."""
        return []

    def handle(self, batch: Sequence[Any], now_us: int) -> list[Envelope]:
        """Decide on every message, in order."""
        out: list[Envelope] = []
        self._forget(now_us - self._longest_cap_us)
        for item in batch:
            self._handlers[type(item)](item, now_us, out)
        return out

    def next_deadline_us(self) -> int | None:
        """Time alone changes nothing here."""
        return None

    def set_list(self, name: str, numbers: NumberSet, *, everywhere: bool) -> None:
        """Take a newly imported do-not-call list into account, or one that begins empty and lives from changes.

        Args:
            name: List id.
            numbers: Its numbers.
            everywhere: True for a global list.
        """
        self._dnc[name] = numbers
        self._globals = tuple(g for g in self._globals if g != name) + ((name,) if everywhere else ())
        for run in self._runs.values():
            run.lists = (*self._globals, *(n for n in run.spec.dnc_lists if n not in self._globals))

    def open_count(self) -> int:
        """Intents without an outcome."""
        return len(self._open)

    # -- runs --------------------------------------------------------------------------------------------------------

    def _open_run(self, msg: c.OpenRun, now_us: int, out: list[Envelope]) -> None:  # noqa: ARG002
        known = self._runs.get(msg.run_no)
        if known is not None and known.epoch > msg.epoch:
            return  # a replaced incarnation speaking late
        lists = (*self._globals, *(name for name in msg.spec.dnc_lists if name not in self._globals))
        address = Address("campaign", msg.spec.campaign)
        run = self._runs[msg.run_no] = _Run(msg.spec, address, msg.epoch, msg.zone_sets, lists)
        for word in [word for word in self._unclaimed if run_of(word.attempt_id) == msg.run_no]:
            self._unclaimed.remove(word)
            self._pass_on(run, word, out)

    def _record_state(self, msg: c.RecordCampaignState, now_us: int, out: list[Envelope]) -> None:
        out.append(Envelope(JOURNAL, r.CampaignStateRow(msg.run_no, msg.campaign, msg.state, now_us, msg.reason)))

    def _journal(self, msg: Any, now_us: int, out: list[Envelope]) -> None:  # noqa: ARG002
        out.append(Envelope(JOURNAL, msg))

    def _disposition_set(self, msg: e.DispositionSet, now_us: int, out: list[Envelope]) -> None:
        """Keep what an agent says of a call, and tell the campaign too, if something follows from it.

        The agent has told it already. But what an incarnation of the campaign heard may have died with it before this
        was durable, and then the next one has not read it in the journal either: it hears it from here.
        """
        self._journal(msg, now_us, out)
        run = self._runs.get(run_of(msg.attempt_id))
        if run is not None:
            self._pass_on(run, msg, out)
        elif len(self._unclaimed) < _UNCLAIMED_LIMIT:
            self._unclaimed.append(msg)  # this ledger is reborn; the campaign is about to open its run

    def _pass_on(self, run: _Run, msg: e.DispositionSet, out: list[Envelope]) -> None:
        if any(rule.code == msg.code and has_effect(rule) for rule in run.spec.dispositions):
            out.append(Envelope(run.address, msg))

    def _record_skip(self, msg: c.RecordSkip, now_us: int, out: list[Envelope]) -> None:  # noqa: ARG002
        out.append(Envelope(JOURNAL, r.SkipRow(msg.attempt_id, msg.agent, msg.at_us)))

    def _ignore(self, msg: e.PeerRestarted, now_us: int, out: list[Envelope]) -> None:
        """The reborn peer will speak for itself."""

    # -- intents -----------------------------------------------------------------------------------------------------

    def _propose(self, msg: c.ProposeIntent, now_us: int, out: list[Envelope]) -> None:
        run = self._runs.get(run_of(msg.attempt_id))
        if run is None:
            return  # its OpenRun was lost with an earlier incarnation of this ledger; the campaign opens it again
        known = self._open.get(msg.attempt_id)
        if known is not None and msg.epoch == run.epoch:  # its answer was lost; who is reborn knows its open intents
            out.append(Envelope(run.address, e.IntentAccepted(msg.attempt_id, known.at_us, known.not_after_us)))
            return
        self._free(msg.number, now_us, out)
        refusal, until_us = self._judge(run, msg, now_us)
        if refusal is not None:
            out.append(Envelope(run.address, e.IntentRefused(msg.attempt_id, refusal, until_us)))
            return
        spec = run.spec
        not_after_us = now_us + self.rules.intent_ttl_us
        if until_us is not None and until_us < not_after_us:
            not_after_us = until_us
        self._open[msg.attempt_id] = _Open(msg.number, now_us, not_after_us)
        self._busy[msg.number] = msg.attempt_id
        row = r.IntentRow(
            msg.attempt_id,
            spec.campaign,
            msg.number,
            spec.trunk,
            spec.caller_id,
            now_us,
            not_after_us,
            msg.epoch,
            self.rules.version,
            "|".join(run.zone_sets[msg.zone_key]),
            len(self._recent.get(msg.number, ())),
            spec.version,
        )
        self._remember(msg.number, now_us)  # reserved before the dial, released only on proof of no send
        out.append(Envelope(JOURNAL, row))
        out.append(Envelope(run.address, e.IntentAccepted(msg.attempt_id, now_us, not_after_us)))

    def _judge(self, run: _Run, msg: c.ProposeIntent, now_us: int) -> tuple[IntentRefusal | None, int | None]:
        """The last-instant verdict: a reason to refuse and when asking again makes sense, or None and closing time."""
        if msg.epoch != run.epoch:
            return IntentRefusal.STALE_EPOCH, None
        number = msg.number
        for name in run.lists:
            if self._listed(name, number):
                return IntentRefusal.DNC, None
        if number in self._busy:
            return IntentRefusal.NUMBER_BUSY, now_us + self.rules.intent_ttl_us
        capped_until_us = self._capped_until(number, now_us)
        if capped_until_us:
            return IntentRefusal.CAP, capped_until_us
        window = self._window(run, msg.zone_key, now_us)
        if window is None:
            return IntentRefusal.NO_RULES, None
        return None if window.open else IntentRefusal.HOURS, window.until_us

    def _free(self, number: int, now_us: int, out: list[Envelope]) -> None:
        """Close an intent that an earlier dialer left open: a run nobody goes on with must not hold a number for ever.

        It may have been dialled, so it counts. A run that goes on is open here, and asks its trunk instead.
        """
        attempt = self._busy.get(number)
        if attempt is None or run_of(attempt) in self._runs:
            return
        known = self._open[attempt]
        if known.at_us < self._began_us and known.not_after_us <= now_us:
            self._close(e.AttemptEnded(attempt, Outcome.UNKNOWN, "", 0, 0, 0, 0, now_us), now_us, out)

    def _window(self, run: _Run, zone_key: int, now_us: int) -> Window | None:
        """When both the law and the campaign allow calls in all zones of the key; None if a zone has no rules."""
        if zone_key in run.windows:
            known = run.windows[zone_key]
            if known is None or known.until_us is None or now_us < known.until_us:
                return known
        zones = run.zone_sets[zone_key]
        made: Window | None = None
        if zones and all(zone in self._hours for zone in zones):
            both = {zone: common_hours(self._hours[zone], run.spec.hours) for zone in zones}
            made = window_all(both, zones, now_us)
        run.windows[zone_key] = made
        return made

    def _listed(self, name: str, number: int) -> bool:
        numbers = self._dnc.get(name)
        if numbers is None:
            return True  # a list that is named but not loaded: fail closed
        if number in self._added.get(name, ()):
            return True
        return number in numbers and number not in self._removed.get(name, ())

    def _capped_until(self, number: int, now_us: int) -> int:
        times = self._recent.get(number)
        if not times:
            return 0
        until_us = 0
        for cap in self.rules.caps:
            inside = [t for t in times if t > now_us - cap.window_us]
            if len(inside) >= cap.limit:
                until_us = max(until_us, inside[-cap.limit] + cap.window_us)
        return until_us

    def _remember(self, number: int, at_us: int) -> None:
        if not self._longest_cap_us:
            return
        self._recent.setdefault(number, []).append(at_us)
        self._ageing.append((at_us, number))

    def _forget(self, horizon_us: int) -> None:
        """Drop attempts up to the horizon: they are outside every cap window."""
        ageing = self._ageing
        while ageing and ageing[0][0] <= horizon_us:
            at_us, number = ageing.popleft()
            times = self._recent.get(number)
            if times and times[0] == at_us:  # otherwise it was taken back, un-dialled
                del times[0]
                if not times:
                    del self._recent[number]

    def _record_outcome(self, msg: c.RecordOutcome, now_us: int, out: list[Envelope]) -> None:
        if msg.ended.attempt_id in self._open:
            self._close(msg.ended, now_us, out)
        # an attempt that is not open has its outcome already: the first one stands
        out.append(Envelope(Address("campaign", msg.campaign), e.OutcomeRecorded(msg.ended.attempt_id)))

    def _close(self, ended: e.AttemptEnded, now_us: int, out: list[Envelope]) -> None:
        known = self._open.pop(ended.attempt_id)
        if self._busy.get(known.number) == ended.attempt_id:
            del self._busy[known.number]
        if ended.outcome in UNDIALLED:
            times = self._recent.get(known.number)
            if times and known.at_us in times:
                times.remove(known.at_us)
                if not times:
                    del self._recent[known.number]
        elif self.rules.auto_dnc_after:
            self._count_failure(known.number, ended.outcome, now_us, out)
        row = r.OutcomeRow(
            ended.attempt_id,
            ended.outcome,
            ended.agent,
            ended.cause,
            ended.sent_us,
            ended.answered_us,
            ended.joined_us,
            ended.ended_us,
            now_us,
        )
        out.append(Envelope(JOURNAL, row))

    def _count_failure(self, number: int, outcome: Outcome, now_us: int, out: list[Envelope]) -> None:
        """A number at which nobody is reached, so many times in a row, goes on a list; every so many times anew."""
        if outcome in LIVE_ANSWERS:
            self._failures.pop(number, None)
            return
        count = self._failures[number] = self._failures.get(number, 0) + 1
        if count % self.rules.auto_dnc_after == 0:
            source = f"{count} attempts in a row reached nobody"
            self._add_to_dnc(c.AddToDnc(self.rules.auto_dnc_list, (number,), source), now_us, out)

    # -- do not call -------------------------------------------------------------------------------------------------

    def _add_to_dnc(self, msg: c.AddToDnc, now_us: int, out: list[Envelope]) -> None:
        for number in msg.numbers:
            if number in self._added.get(msg.dnc_list, ()):
                continue  # a campaign that is reborn repeats what may have been lost
            self._change(msg.dnc_list, number, added=True)
            out.append(Envelope(JOURNAL, r.DncRow(msg.dnc_list, number, added=True, at_us=now_us, source=msg.source)))

    def _remove_from_dnc(self, msg: c.RemoveFromDnc, now_us: int, out: list[Envelope]) -> None:
        for number in msg.numbers:
            self._change(msg.dnc_list, number, added=False)
            out.append(Envelope(JOURNAL, r.DncRow(msg.dnc_list, number, added=False, at_us=now_us, source=msg.source)))

    def _change(self, name: str, number: int, *, added: bool) -> None:
        into, out_of = (self._added, self._removed) if added else (self._removed, self._added)
        into.setdefault(name, set()).add(number)
        out_of.get(name, set()).discard(number)

    # -- checks ------------------------------------------------------------------------------------------------------

    def check_invariants(self) -> None:
        """One open intent per number, and the index agrees with the table."""
        numbers = [known.number for known in self._open.values()]
        if len(set(numbers)) != len(numbers):
            raise InvariantError("one open intent per number", f"{len(numbers)} open, {len(set(numbers))} numbers")
        for number, attempt in self._busy.items():
            if attempt not in self._open or self._open[attempt].number != number:
                raise InvariantError("busy index", f"attempt {attempt} is indexed but not open")
