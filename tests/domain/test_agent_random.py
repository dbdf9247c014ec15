"""The agent under any sequence of messages: what its peers know of it stays true."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain.agent import AgentMachine
from dialer.domain.agent_table import SETTLED
from dialer.domain.kinds import AgentState, Outcome
from dialer.domain.ledger import STORE
from dialer.domain.message import Address, Envelope
from dialer.domain.specs import SECOND_US, AgentSpec
from dialer.errors import IllegalTransitionError

RECOVERING, IDLE, BREAK = AgentState.RECOVERING, AgentState.IDLE, AgentState.BREAK
PREVIEW, RESERVED = AgentState.PREVIEW, AgentState.RESERVED
TALKING, WRAP_UP = AgentState.TALKING, AgentState.WRAP_UP
SCHEDULER, DESK = Address("scheduler", "p1"), Address("desk", "a1")
PEERS = (SCHEDULER, DESK, STORE, Address("trunk", "t1"), Address("trunk", "t2"), Address("campaign", "c7"))
EPOCH = 3


class Watcher:
    """What the peers of one agent know of it from its messages alone."""

    def __init__(self, machine: AgentMachine) -> None:
        self.machine = machine
        self.desk: e.DeskUpdated | None = None
        self.offered = 0  #: shown to the agent, and not decided about
        self.verdict: e.DispositionSet | None = None  #: the last one that the store was told
        self.asked = 0  #: the attempt whose card was asked for last
        self.idle_since: int | None = None
        self.promised = 0
        self.open_call = 0  #: talked and not closed with a disposition
        self.session: tuple[AgentState, str] | None = None
        self.session_us = -1

    def see(self, out: list[Envelope]) -> None:
        """Take in what was said; raise on what no peer could make sense of."""
        for to, message in out:
            if to == DESK:
                self._on_desk(message)
            elif to == SCHEDULER:
                self._on_scheduler(message)
            elif type(message) is e.DispositionSet and to == STORE:
                assert message.attempt_id == self.open_call, "one disposition for each call"
                self.open_call, self.verdict = 0, message
            elif type(message) is e.DispositionSet:
                assert (to.kind, message) == ("campaign", self.verdict), "the campaign hears what is recorded, once"
                self.verdict = None
            elif type(message) is c.RequestCard:
                assert (to.kind, message.attempt_id) == ("campaign", self.machine.attempt_id)
                self.asked = message.attempt_id
            elif type(message) is c.SetCall:
                assert to == Address("trunk", self.machine.call.trunk)
            elif type(message) is e.AgentSessionChanged:
                assert (message.state, message.reason) != self.session, "a change is a change"
                assert message.at_us > self.session_us, "sessions are ordered by time"
                self.session, self.session_us = (message.state, message.reason), message.at_us
            else:
                assert to.kind == "trunk"

    def _on_desk(self, message: e.DeskUpdated) -> None:
        self.desk = message
        if message.state is PREVIEW:
            self.offered, self.idle_since = message.attempt_id, None  # the scheduler has asked, and waits
        if message.state is TALKING:
            assert self.open_call in (0, message.attempt_id), "the call before was closed"
            self.open_call = message.attempt_id

    def _on_scheduler(self, message: Any) -> None:
        if type(message) in (e.AgentReserved, e.ReservationRefused, e.OfferSkipped) and self.offered:
            self.offered *= message.attempt_id != self.offered  # the one answer to an offer
        if type(message) is e.OfferSkipped:
            assert self.desk is not None
            assert self.desk.may_skip, "nobody skips more than is allowed"
        elif type(message) is e.AgentReserved:
            assert self.promised in (0, message.attempt_id), "never two promises at once"
            self.idle_since, self.promised = None, message.attempt_id
        elif type(message) is e.AgentIdle:
            self.idle_since, self.promised = message.since_us, 0
        elif type(message) is e.AgentUnavailable:
            self.idle_since = None
            if message.attempt_id != self.promised:
                self.promised = 0

    def compare(self) -> None:
        """Every copy agrees with the owner."""
        machine = self.machine
        machine.check_invariants()
        state, attempt = machine.state, machine.attempt_id
        desk, call = self.desk, machine.call
        assert desk is not None
        assert (desk.state, desk.attempt_id, desk.campaign) == (state, attempt, machine.campaign)
        assert (desk.muted, desk.held) == (call.muted, call.held)
        assert desk.fields == (() if call.card is None else call.card.fields)
        assert (desk.until_us > 0) == (state in (PREVIEW, WRAP_UP)), "the desk can count down"
        assert desk.may_skip <= (state is PREVIEW and call.card is not None)
        assert desk.reason == (machine.presence.reason if state is BREAK else "")
        if state in (PREVIEW, TALKING):
            assert self.asked == attempt, "whoever is shown a contact has asked who it is"
        assert self.offered == (attempt if state is PREVIEW else 0), "an offer is answered, or was withdrawn"
        assert self.idle_since == (machine.since_us if state is IDLE and machine.spec.outbound else None)
        assert (state is RESERVED) <= (self.promised == attempt)
        assert self.promised in (0, attempt)
        assert self.open_call == (attempt if state in (TALKING, WRAP_UP) else 0)
        if state is not RECOVERING and self.session is not None:
            assert self.session == (state if state in SETTLED else IDLE, desk.reason)


ATTEMPTS = st.sampled_from([7, 8, 9])
TRUNKS = st.sampled_from(["t1", "t2"])
EPOCHS = st.sampled_from([EPOCH, EPOCH, EPOCH - 1])
OFFERS = st.builds(
    lambda a, until_s, look_s: c.ReserveAgent("a1", a, f"c{a}", until_s * SECOND_US, look_s * SECOND_US),
    ATTEMPTS,
    st.integers(0, 900),
    st.integers(1, 60),
)
EVENTS = st.one_of(
    st.sampled_from([c.LogIn("a1"), c.LogOut("a1"), c.TakeBreak("a1"), c.EndBreak("a1"), c.Announce("p1")]),
    st.sampled_from([c.LogIn("a1"), c.TakeBreak("a1", "lunch")]),
    OFFERS,
    OFFERS,
    st.builds(lambda a: c.DialNow("a1", a), ATTEMPTS),
    st.builds(lambda a: c.SkipContact("a1", a), ATTEMPTS),
    st.builds(lambda a, left: e.ContactCard(a, (("name", str(a)),), left), ATTEMPTS, st.sampled_from([None, 0, 1, 2])),
    st.builds(lambda a, muted, held: c.SetCall("a1", a, muted, held), ATTEMPTS, st.booleans(), st.booleans()),
    st.builds(lambda a, muted, held: e.CallChanged(a, "a1", muted, held), ATTEMPTS, st.booleans(), st.booleans()),
    st.builds(lambda a, until_s: c.ReserveAgent("a1", a, f"c{a}", until_s * SECOND_US), ATTEMPTS, st.integers(0, 200)),
    st.builds(lambda a: c.ReleaseAgent("a1", a), ATTEMPTS),
    st.builds(lambda a: c.EndCall("a1", a), ATTEMPTS),
    st.builds(lambda a: c.SetDisposition("a1", a, "sale", ""), ATTEMPTS),
    st.builds(lambda a, trunk: e.CallJoined(a, f"c{a}", trunk, "a1", 0), ATTEMPTS, TRUNKS),
    st.builds(lambda a: e.CallEnded(a, "a1", Outcome.CONNECTED, 0), ATTEMPTS),
    st.builds(lambda a, trunk, epoch: e.AgentCallReported(trunk, "a1", epoch, a, f"c{a}", 0), ATTEMPTS, TRUNKS, EPOCHS),
    st.builds(lambda trunk, epoch: e.AgentCallReported(trunk, "a1", epoch, 0, "", 0), TRUNKS, EPOCHS),
    st.sampled_from([e.PeerRestarted(peer) for peer in PEERS]),
)
STEPS = st.lists(st.tuples(st.integers(0, 40), st.lists(EVENTS, max_size=3)), max_size=40)


@settings(max_examples=300, deadline=None)
@given(
    reborn=st.booleans(),
    outbound=st.sampled_from([True, True, True, False]),
    wrap_up_s=st.sampled_from([0, 60]),
    trunks=st.sampled_from([(), ("t1", "t2")]),
    steps=STEPS,
)
def test_any_sequence_of_messages(
    *, reborn: bool, outbound: bool, wrap_up_s: int, trunks: tuple[str, ...], steps: list[Any]
) -> None:
    """Whatever comes in whatever order, only a second call is refused, and every peer's copy stays true.

    Requirements 2, 3, 46, 57, 72.
    """
    spec = AgentSpec("a1", "p1", ("sales",), trunks, wrap_up_s * SECOND_US, outbound)
    machine = AgentMachine(spec, epoch=EPOCH, reborn=reborn)
    watcher = Watcher(machine)
    watcher.see(machine.start(0))
    watcher.compare()
    now_us = 0
    for pause_s, batch in steps:
        now_us += pause_s * SECOND_US
        for message in batch or [None]:
            before = copy.deepcopy(vars(machine))
            if type(message) is c.ReleaseAgent and message.attempt_id == watcher.offered:
                watcher.offered = 0
            try:
                watcher.see(machine.handle([message] if message else [], now_us))
            except IllegalTransitionError:
                assert (type(message), before["state"]) == (e.CallJoined, TALKING)
                assert before["call"].attempt_id != message.attempt_id
                assert vars(machine) == before
            else:
                due_us = machine.next_deadline_us()
                assert due_us is None or due_us > now_us, "time has been dealt with"
            watcher.compare()


@settings(max_examples=50, deadline=None)
@given(steps=STEPS)
def test_a_shift_comes_to_rest(steps: list[Any]) -> None:
    """Left alone after anything, with trunks that know of no call, the agent always gets free by itself."""
    machine = AgentMachine(AgentSpec("a1", "p1", ("sales",), ("t1", "t2")), epoch=EPOCH, reborn=False)
    machine.start(0)
    now_us = 0
    for pause_s, batch in steps:
        now_us += pause_s * SECOND_US
        for message in batch:
            if type(message) is not e.CallJoined or machine.state is not TALKING:
                machine.handle([message], now_us)
    for _ in range(8):
        due_us = machine.next_deadline_us()
        if due_us is None:
            break
        for to, message in machine.handle([], due_us):
            if type(message) is c.ReportAgentCall:
                machine.handle([e.AgentCallReported(to.id, "a1", EPOCH, 0, "", 0)], due_us)
    assert machine.state in SETTLED
