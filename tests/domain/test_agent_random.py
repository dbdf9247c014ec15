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

RECOVERING, IDLE, RESERVED = AgentState.RECOVERING, AgentState.IDLE, AgentState.RESERVED
TALKING, WRAP_UP = AgentState.TALKING, AgentState.WRAP_UP
SCHEDULER, DESK = Address("scheduler", "p1"), Address("desk", "a1")
PEERS = (SCHEDULER, DESK, STORE, Address("trunk", "t1"), Address("trunk", "t2"))
EPOCH = 3


class Watcher:
    """What the peers of one agent know of it from its messages alone."""

    def __init__(self, machine: AgentMachine) -> None:
        self.machine = machine
        self.desk: tuple[AgentState, int, str] | None = None
        self.idle_since: int | None = None
        self.promised = 0
        self.open_call = 0  #: talked and not closed with a disposition
        self.session: AgentState | None = None
        self.session_us = -1

    def see(self, out: list[Envelope]) -> None:
        """Take in what was said; raise on what no peer could make sense of."""
        for to, message in out:
            if to == DESK:
                self._on_desk(message)
            elif to == SCHEDULER:
                self._on_scheduler(message)
            elif type(message) is e.DispositionSet:
                assert message.attempt_id == self.open_call, "one disposition for each call"
                self.open_call = 0
            elif type(message) is e.AgentSessionChanged:
                assert message.state is not self.session, "a change is a change"
                assert message.at_us > self.session_us, "sessions are ordered by time"
                self.session, self.session_us = message.state, message.at_us
            else:
                assert to.kind == "trunk"

    def _on_desk(self, message: e.DeskUpdated) -> None:
        self.desk = (message.state, message.attempt_id, message.campaign)
        if message.state is TALKING:
            assert self.open_call in (0, message.attempt_id), "the call before was closed"
            self.open_call = message.attempt_id

    def _on_scheduler(self, message: Any) -> None:
        if type(message) is e.AgentReserved:
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
        assert self.desk == (state, attempt, machine.campaign)
        assert self.idle_since == (machine.since_us if state is IDLE else None)
        assert (state is RESERVED) <= (self.promised == attempt)
        assert self.promised in (0, attempt)
        assert self.open_call == (attempt if state in (TALKING, WRAP_UP) else 0)
        if state is not RECOVERING and self.session is not None:
            assert self.session is (state if state in SETTLED else IDLE)


ATTEMPTS = st.sampled_from([7, 8, 9])
TRUNKS = st.sampled_from(["t1", "t2"])
EPOCHS = st.sampled_from([EPOCH, EPOCH, EPOCH - 1])
EVENTS = st.one_of(
    st.sampled_from([c.LogIn("a1"), c.LogOut("a1"), c.TakeBreak("a1"), c.EndBreak("a1"), c.Announce("p1")]),
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
    reborn=st.booleans(), wrap_up_s=st.sampled_from([0, 60]), trunks=st.sampled_from([(), ("t1", "t2")]), steps=STEPS
)
def test_any_sequence_of_messages(reborn: bool, wrap_up_s: int, trunks: tuple[str, ...], steps: list[Any]) -> None:  # noqa: FBT001 - hypothesis passes names
    """Whatever comes in whatever order, only a second call is refused, and every peer's copy stays true."""
    spec = AgentSpec("a1", "p1", ("sales",), trunks, wrap_up_s * SECOND_US)
    machine = AgentMachine(spec, epoch=EPOCH, reborn=reborn)
    watcher = Watcher(machine)
    watcher.see(machine.start(0))
    watcher.compare()
    now_us = 0
    for pause_s, batch in steps:
        now_us += pause_s * SECOND_US
        for message in batch or [None]:
            before = copy.deepcopy(vars(machine))
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
