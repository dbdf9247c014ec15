"""A keeper with a library and runs in memory, a clock that leaps, and crashes: what its tests play on."""

# ruff: noqa: D102 - its members say it by their names

from __future__ import annotations

from dataclasses import replace

from dialer.domain import keeping as k
from dialer.domain.commands import PauseCampaign, ResumeCampaign, StopCampaign
from dialer.domain.keeper import Keeper
from dialer.domain.keeper_table import status_of
from dialer.domain.keeping import LIBRARY, OPERATOR
from dialer.domain.kinds import CampaignState, DialingMode
from dialer.domain.specs import CampaignSpec

A, P, S = CampaignState.ACTIVE, CampaignState.PAUSED, CampaignState.STOPPED
ENDED = {CampaignState.COMPLETED, CampaignState.STOPPED}
_EFFECT = {PauseCampaign: {A: P}, ResumeCampaign: {P: A}, StopCampaign: {A: S, P: S, CampaignState.READY: S}}


def spec(name, **fields):
    made = CampaignSpec(name, DialingMode.PROGRESSIVE, "main", "main", "sales", 12125550199)
    return replace(made, **fields)


class World:
    """Everything but the keeper itself; ``auto`` answers are given at once, others when a test says so.

    Args:
        now_us: When it begins.
        auto: Kinds of work the library does by itself.
    """

    def __init__(self, now_us, auto=(k.KeepRecords, k.PrepareRun, k.ScrubLists, k.BeginRun, k.ReportRun), **options):
        self.now_us = now_us
        self.auto = auto
        self.options = options
        self.kept, self.history = {}, {}
        self.runs, self.states, self.begun_us = {}, {}, {}
        self.prepared = []
        self.answers = {}
        self.waiting = []
        self.orders = 0
        self.epoch = 0
        self.hosts = set()
        self.said = []
        self.busy = None
        self.born()

    # -- the keeper's life -------------------------------------------------------------------------------------------

    def born(self, *, reborn=False):
        self.epoch += 1
        self.waiting = []
        self.keeper = Keeper(self.kept.values(), epoch=self.epoch, reborn=reborn, **self.options)
        self.carry(self.keeper.start(self.now_us))

    def crash(self):
        """It dies with all it has not made durable, and what it was asked is lost with it."""
        self.born(reborn=True)

    def new_dialer(self):
        """Everything but the records dies."""
        self.hosts.clear()
        self.born()

    def tell(self, *messages):
        self.carry(self.keeper.handle(messages, self.now_us))

    def order(self, kind, *args, **fields):
        """Give an order and return its answer, None if there is none yet."""
        self.orders += 1
        self.tell(kind(self.orders, *args, **fields))
        return self.answers.get(self.orders)

    def leap(self, until_us):
        """Let time pass, deadline by deadline."""
        while (due_us := self.keeper.next_deadline_us()) is not None and due_us <= until_us:
            self.now_us = max(self.now_us, due_us)
            self.tell()
        self.now_us = until_us
        self.tell()

    # -- everybody else ----------------------------------------------------------------------------------------------

    def carry(self, envelopes):
        self.keeper.check_invariants()
        pending = list(envelopes)
        while pending:
            to, message = envelope = pending.pop(0)
            self.said.append(message)
            if to == OPERATOR:
                assert message.order not in self.answers, "answered twice"
                self.answers[message.order] = message
            elif to.kind == "campaign":
                self.ordered(to.id, message)
            elif isinstance(message, self.auto) and not self._in_turn(message):
                assert to == LIBRARY
                answer = self.work(message)
                if answer is not None:
                    pending += self.keeper.handle([answer], self.now_us)
                    self.keeper.check_invariants()
            else:
                self.waiting.append(envelope)

    def _in_turn(self, message):
        """Whether work of this kind waits already: it is done in order."""
        return type(message) is self.busy or any(type(other.message) is type(message) for other in self.waiting)

    def do(self, kind):
        """The library carries out what waits of one kind, in order."""
        self.busy = kind
        while found := [envelope for envelope in self.waiting if isinstance(envelope.message, kind)]:
            self.waiting.remove(found[0])
            answer = self.work(found[0].message)
            if answer is not None:
                self.tell(answer)
        self.busy = None

    def work(self, message):
        return getattr(self, f"_{type(message).__name__}")(message)

    def _KeepRecords(self, msg):  # noqa: N802
        for name in msg.deleted:
            self.kept.pop(name, None)
            self.history = {key: note for key, note in self.history.items() if key[0] != name}
        self.kept |= {record.spec.campaign: record for record in msg.records}
        self.history |= {(note.campaign, note.no): note for note in msg.notes}
        return k.RecordsKept(msg.seq)

    def _PrepareRun(self, msg):  # noqa: N802
        run_no = len(self.prepared) + 1
        self.prepared.append((run_no, self.now_us, msg))
        return k.RunPrepared(msg.campaign, msg.asked_us, run_no, 10, 9)

    def _ScrubLists(self, msg):  # noqa: N802
        return k.ListsScrubbed(msg.campaign, msg.version, 10, 8, "")

    def _BeginRun(self, msg):  # noqa: N802
        of_it = [no for no, run in self.runs.items() if run.campaign == msg.campaign]
        going = [no for no in of_it if self.states[no] not in ENDED]
        assert set(going) <= {msg.run_no}, f"{msg.campaign} runs twice: {going} and {msg.run_no}"
        if msg.run_no not in self.runs:
            _, _, made = next(known for known in self.prepared if known[0] == msg.run_no)
            assert made.spec == msg.spec, "begun as something else than was prepared"
        self.runs[msg.run_no] = msg
        self.states.setdefault(msg.run_no, A)
        self.begun_us.setdefault(msg.run_no, self.now_us)
        self.hosts.add(msg.run_no)
        return k.RunBegun(msg.campaign, msg.run_no)

    def _ReportRun(self, msg):  # noqa: N802
        state = self.states.get(msg.run_no, CampaignState.READY)
        return k.RunReported(msg.campaign, msg.run_no, state, msg.run_no in self.hosts)

    def ordered(self, name, message):
        for run_no, run in self.runs.items():
            if run.campaign == name and run_no in self.hosts:
                self.states[run_no] = _EFFECT[type(message)].get(self.states[run_no], self.states[run_no])

    def end(self, name, state=CampaignState.COMPLETED):
        """The run of a campaign ends by itself."""
        self.states[self.record(name).note.run_no] = state

    # -- looking -----------------------------------------------------------------------------------------------------

    def record(self, name):
        return self.keeper.records[name]

    def status(self, name):
        return status_of(self.record(name))

    def notes(self, name):
        return [note for key, note in sorted(self.history.items()) if key[0] == name]

    def save(self, name="spring", lists=("people",), dnc=("company",), **fields):
        made = spec(name, **fields)
        return self.order(k.SaveCampaign, name, spec=made, lists=lists, dnc_lists=dnc, file={"name": name})
