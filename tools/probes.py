"""The machines that are explored, and what is tried on them: part of ``make_diagrams.py``.

Each function returns the moves of one entity. ``None`` stands for what is not there yet, or not any more.
"""

# Stages are private to their machines, which is where they belong; a picture of them has to look inside.
# ruff: noqa: SLF001

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from functools import cache
from random import Random
from typing import Any

from explore import TIME, Move, Symbol, explore

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain import media as m
from dialer.domain.calls import Stage
from dialer.domain.campaign import CampaignRun
from dialer.domain.flow import FlowResult
from dialer.domain.flow_builtin import NOTICE
from dialer.domain.flow_talk import AgentUnwanted, AgentWanted, FlowEnded, FlowKnown, RequestFlow
from dialer.domain.ids import attempt_id
from dialer.domain.kinds import AgentState, AnswerClass, CampaignState, DialingMode, IntentRefusal, Outcome
from dialer.domain.ledger import STORE, Ledger
from dialer.domain.message import Address
from dialer.domain.roster import Hold
from dialer.domain.scheduler import Scheduler
from dialer.domain.specs import (
    SECOND_US,
    CampaignSpec,
    LegalRules,
    PoolSpec,
    RetryRule,
    TrunkSpec,
    WeeklyHours,
)
from dialer.domain.trunk import TrunkMachine
from dialer.sim.contacts import ListedContacts

ATTEMPT = attempt_id(1, 0, 1)
OTHER = attempt_id(1, 1, 1)
TRUNK, SCHEDULER, CAMPAIGN = Address("trunk", "t"), Address("scheduler", "p"), Address("campaign", "c")
NUMBER, CALLER = 12125550100, 12125550101
RING_US = 25 * SECOND_US


def _says(message: Any, when: Callable[[Any], bool] = lambda _machine: True) -> Symbol:
    """The same message at any moment."""
    return Symbol(type(message).__name__, lambda _now_us: message, when)


# -- a campaign run and its attempt ------------------------------------------------------------------------------------


SPEC = CampaignSpec("c", DialingMode.PROGRESSIVE, "p", "t", "q", CALLER, retry=RetryRule(max_attempts=2))


def _run() -> CampaignRun:
    return CampaignRun(1, SPEC, ListedContacts([(0,)], (("America/New_York",),)), epoch=1)


def _ended(outcome: Outcome) -> Symbol:
    return Symbol("AttemptEnded", lambda now: e.AttemptEnded(ATTEMPT, outcome, "", 0, now, 0, 0, now))


def _reported(*, live: bool, born_after: bool = False, later_us: int = 0) -> Symbol:
    """What the trunk knows: now or later, and since before the intent or only after it."""

    def made(now_us: int) -> e.AttemptReported:
        return e.AttemptReported(ATTEMPT, live, now_us if born_after else 0, now_us + later_us)

    return Symbol("AttemptReported", made)


#: Everything a campaign run handles.
TO_CAMPAIGN = (
    _says(c.RequestLeases("p", 1)),
    _says(c.ReturnLeases((ATTEMPT,))),
    _says(c.PauseCampaign()),
    _says(c.ResumeCampaign()),
    _says(c.StopCampaign()),
    _says(c.Announce("p")),
    _says(c.ConfirmOffer(ATTEMPT)),
    _says(c.SkipOffer(ATTEMPT, "a")),
    _says(c.RequestCard(ATTEMPT, "a")),
    _says(c.EditCampaign(replace(SPEC, priority=1, version=2))),
    Symbol("DispositionSet", lambda now: e.DispositionSet(ATTEMPT, "a", "sale", "", now)),
    Symbol("IntentAccepted", lambda now: e.IntentAccepted(ATTEMPT, now, now + 5 * SECOND_US)),
    Symbol("IntentRefused", lambda now: e.IntentRefused(ATTEMPT, IntentRefusal.NUMBER_BUSY, now + SECOND_US)),
    _says(e.IntentRefused(ATTEMPT, IntentRefusal.DNC, None)),
    _says(e.OutcomeRecorded(ATTEMPT)),
    _ended(Outcome.CONNECTED),
    _ended(Outcome.NO_ANSWER),
    _says(RequestFlow("t", "own")),
    _reported(live=True),
    _reported(live=False),
    _reported(live=False, born_after=True),
    _reported(live=False, later_us=60 * SECOND_US),
    *(_says(e.PeerRestarted(peer)) for peer in (STORE, SCHEDULER, TRUNK)),
    Symbol(TIME, None),
)


def _stage(run: CampaignRun) -> Any:
    attempt = run._open.get(ATTEMPT)
    return None if attempt is None else attempt.stage


@cache
def campaign_moves() -> tuple[list[Move], list[Move]]:
    """Moves of an attempt, and those a run makes by itself, under the reason that its story gives."""
    found = explore(
        _run,
        TO_CAMPAIGN,
        look=_stage,
        tell_apart=lambda run: (run.state, _stage(run), any(a.suspect for a in run._open.values())),
    )
    told = {line.split(" ", 1)[1] for _, run in found for line in run.story.told()}
    steps = [(before, *rest.split("--> ")) for before, rest in (line.split(" --", 1) for line in told)]
    by_itself = [
        Move(CampaignState[before], why, CampaignState[after]) for before, why, after in steps if why != "ordered"
    ]
    return [move for move, _ in found], by_itself


# -- an intent in the ledger -------------------------------------------------------------------------------------------


#: Everything a ledger handles.
TO_LEDGER = (
    _says(c.OpenRun(1, 1, CampaignSpec("c", DialingMode.PROGRESSIVE, "p", "t", "q", CALLER), (("America/New_York",),))),
    _says(c.ProposeIntent(ATTEMPT, 1, NUMBER, 0)),
    Symbol(
        "RecordOutcome",
        lambda now: c.RecordOutcome("c", e.AttemptEnded(ATTEMPT, Outcome.NO_ANSWER, "", 0, now, 0, 0, now)),
    ),
    _says(c.RecordCampaignState(1, "c", CampaignState.ACTIVE, "started")),
    _says(c.AddToDnc("own", (NUMBER,), "operator")),
    _says(c.RemoveFromDnc("own", (NUMBER,), "operator")),
    _says(c.RecordSkip(ATTEMPT, "a", 1)),
    Symbol("DispositionSet", lambda now: e.DispositionSet(ATTEMPT, "a", "sale", "", now)),
    Symbol("AgentSessionChanged", lambda now: e.AgentSessionChanged("a", AgentState.IDLE, now)),
    _says(FlowEnded(ATTEMPT, "notice", 1, "end", FlowResult.COMPLETED, "{}", 1)),
    _says(e.PeerRestarted(CAMPAIGN)),
)


@cache
def ledger_moves() -> list[Move]:
    """Moves of an intent."""

    def intent(ledger: Ledger) -> Any:
        return Intent.OPEN if ledger.open_count() else None

    def everything(ledger: Ledger) -> Any:
        return (ledger.open_count(), len(ledger._runs), bool(ledger._added.get("own")))

    def make() -> Ledger:
        hours = WeeklyHours.daily(8 * 60, 21 * 60)
        return Ledger(LegalRules("us", (("America/New_York", hours),)), dnc={"own": ()}, global_lists=("own",))

    return [move for move, _ in explore(make, TO_LEDGER, look=intent, tell_apart=everything)]


class Intent(Enum):
    """An intent is open, or it is not there."""

    OPEN = 1


# -- a call on a trunk -------------------------------------------------------------------------------------------------


def _originate(attempt: int, life_us: int, flow: str | None = None) -> Symbol:
    def made(now_us: int) -> c.Originate:
        until_us = now_us + life_us
        return c.Originate(attempt, "p", "c", NUMBER, CALLER, RING_US, now_us, until_us, amd=True, flow=flow)

    return Symbol("Originate" if attempt == ATTEMPT else "Originate (another)", made)


#: Everything a trunk handles. Another call takes up the one call in a second that this trunk may place.
TO_TRUNK = (
    _originate(OTHER, 5 * SECOND_US),
    _originate(ATTEMPT, 5 * SECOND_US),
    _originate(ATTEMPT, 5 * SECOND_US, "reminder"),
    _originate(ATTEMPT, SECOND_US // 2),
    _says(c.RequestCredits("p", 1)),
    _says(c.JoinAgent(ATTEMPT, "a", 2)),
    _says(c.JoinAgent(ATTEMPT, "a", 1)),
    _says(c.HangUp(ATTEMPT, Outcome.ABANDONED)),
    _says(c.HangUp(ATTEMPT, Outcome.WITHDRAWN)),
    _says(c.SetCall("a", ATTEMPT, muted=True, held=False)),
    _says(c.Announce("p")),
    _says(c.ReportAttempt(ATTEMPT, "c")),
    _says(c.ReportAgentCall("a", 2)),
    _says(e.LineAnswered(ATTEMPT, AnswerClass.HUMAN)),
    _says(e.LineAnswered(ATTEMPT, AnswerClass.MACHINE)),
    _says(e.LineJoined(ATTEMPT, "a")),
    _says(e.LineJoined(ATTEMPT, "b")),
    _says(e.LineChanged(ATTEMPT, muted=True, held=False)),
    _says(e.LineEnded(ATTEMPT, Outcome.NO_ANSWER, 0)),
    _says(e.SwitchConnected(())),
    _says(e.SwitchConnected(((ATTEMPT, "", False),))),
    _says(e.SwitchConnected(((ATTEMPT, "", True),))),
    _says(e.SwitchConnected(((ATTEMPT, "a", True),))),
    _says(e.SwitchConnected(((OTHER, "a", True), (ATTEMPT, "a", True)))),
    _says(e.SwitchLost("gone")),
    _says(FlowKnown("c", NOTICE)),
    _says(m.FlowsUp((ATTEMPT,))),
    _says(m.PromptEnded(ATTEMPT, 1)),  # of the question of the built-in reminder
    _says(m.DigitsGathered(ATTEMPT, 1, "1")),
    _says(m.RecordingEnded(ATTEMPT, 0, 0)),  # this and the next two come too late: the reminder does not order them
    _says(m.ToneHeard(ATTEMPT, 0)),
    _says(m.AutomationAnswered(ATTEMPT, 0, ok=True)),
    _says(e.PeerRestarted(SCHEDULER)),
    Symbol(TIME, None),
)


@cache
def trunk_moves() -> list[Move]:
    """Moves of a call on a trunk."""

    def phase(trunk: TrunkMachine) -> Any:
        call = trunk._calls.get(ATTEMPT)
        return None if call is None else call.phase

    def everything(trunk: TrunkMachine) -> Any:
        calls = {attempt: (k.phase, k.agent, k.flow, k.answered, k.adopted) for attempt, k in trunk._calls.items()}
        lives = {msg.not_after_us - msg.intent_us for msg in trunk._queue if msg.attempt_id == ATTEMPT}
        return (trunk.connected, calls.get(ATTEMPT), calls.get(OTHER), ATTEMPT in trunk._endings, *lives)

    def make() -> TrunkMachine:
        return TrunkMachine(TrunkSpec("t", lines=2, calls_per_s=1), epoch=1)

    return [move for move, _ in explore(make, TO_TRUNK, look=phase, tell_apart=everything)]


# -- a call of a scheduler ---------------------------------------------------------------------------------------------


def _opened(mode: DialingMode) -> Symbol:
    queue = None if mode is DialingMode.AGENTLESS else "q"
    look_us = 30 * SECOND_US if mode is DialingMode.PREVIEW else 0
    opened = e.CampaignOpened("c", 1, 1, mode.value, "t", queue, 5, 1, CALLER, RING_US, amd=True, flow=None)
    return _says(replace(opened, preview_us=look_us))


#: One of them; the other has a queue, or none.
OPENED = _opened(DialingMode.PROGRESSIVE)


def _granted(now_us: int) -> e.LeasesGranted:
    return e.LeasesGranted("c", (e.Lease(ATTEMPT, NUMBER, now_us, now_us + 5 * SECOND_US),), 1, None)


def _offered(now_us: int) -> e.LeasesGranted:
    """A contact to look at; the ledger has not been asked."""
    return e.LeasesGranted("c", (e.Lease(ATTEMPT, 0, 0, now_us + 60 * SECOND_US),), 1, None)


def _confirmed(now_us: int) -> e.LeasesGranted:
    return e.LeasesGranted("c", (e.Lease(ATTEMPT, NUMBER, now_us, now_us + 5 * SECOND_US),), 0, None)


def _confirming(scheduler: Scheduler) -> bool:
    """An agent has decided to dial, and the campaign was asked."""
    call = scheduler.pool.calls.get(ATTEMPT)
    return call is not None and call.stage is Stage.CONFIRMING


def _idle(agent: str) -> Symbol:
    return Symbol("AgentIdle", lambda now: e.AgentIdle(agent, 1, ("q",), now))


def _asked(agent: str) -> Callable[[Scheduler], bool]:
    """The agent was asked to take the call, and has not answered."""

    def when(scheduler: Scheduler) -> bool:
        card = scheduler.pool.roster.cards.get(agent)
        return card is not None and card.hold is Hold.ASKED

    return when


def _sent(scheduler: Scheduler) -> bool:
    """The trunk has the order to dial."""
    call = scheduler.pool.calls.get(ATTEMPT)
    return call is not None and call.stage is not Stage.MATCHED


def _wants_lease(scheduler: Scheduler) -> bool:
    card = scheduler.pool.campaigns.get("c")
    return card is not None and card.asked > 0 and not card.stock and scheduler.pool.calls.get(ATTEMPT) is None


def _wants_credit(scheduler: Scheduler) -> bool:
    trunk = scheduler.pool.trunks["t"]
    return trunk.wanted > trunk.matched and not trunk.credits_free


def _asks_trunk(scheduler: Scheduler) -> bool:
    return scheduler.pool.trunks["t"].asking


def _lost_trunk(scheduler: Scheduler) -> bool:
    """The trunk may hold a call that an earlier incarnation of this scheduler sent."""
    call = scheduler.pool.calls.get(ATTEMPT)
    card = scheduler.pool.campaigns.get("c")
    unused = card is None or not card.stock
    return _asks_trunk(scheduler) and unused and (call is None or call.stage is not Stage.MATCHED)


def _flows(scheduler: Scheduler) -> bool:
    """The call is in its flow."""
    call, card = scheduler.pool.calls.get(ATTEMPT), scheduler.pool.campaigns.get("c")
    return call is not None and card is not None and card.policy.flow and call.stage in (Stage.JOINING, Stage.WAITING)


LEASES = (Symbol("LeasesGranted", _granted, _wants_lease),)
OFFERS = (Symbol("LeasesGranted", _offered, _wants_lease), Symbol("LeasesGranted", _confirmed, _confirming))
#: Everything else a scheduler handles, at moments when somebody could say it.
TO_SCHEDULER = (
    _says(e.CampaignClosed("c", CampaignState.PAUSED)),
    _idle("a"),
    _idle("b"),
    _says(e.AgentUnavailable("a", 1, AgentState.BREAK, 0)),
    _says(e.AgentUnavailable("a", 1, AgentState.RESERVED, ATTEMPT)),
    *(_says(e.AgentReserved(agent, 1, ATTEMPT), _asked(agent)) for agent in ("a", "b")),
    _says(e.ReservationRefused("a", 1, ATTEMPT), _asked("a")),
    _says(e.OfferSkipped("a", 1, ATTEMPT), _asked("a")),
    _says(e.OfferWithdrawn("c", ATTEMPT, IntentRefusal.DNC), _confirming),
    Symbol("AgentWanted", lambda now: AgentWanted(ATTEMPT, "t", "c", "q", now + 30 * SECOND_US), _flows),
    _says(AgentUnwanted(ATTEMPT), _flows),
    _says(e.TrunkOpened("t", 1, 0, ()), _asks_trunk),
    _says(e.TrunkOpened("t", 1, 0, ((ATTEMPT, "", False),)), _lost_trunk),
    _says(e.TrunkOpened("t", 1, 0, ((ATTEMPT, "", True),)), _lost_trunk),
    _says(e.TrunkOpened("t", 1, 0, ((ATTEMPT, "c", True),)), _lost_trunk),
    _says(e.CreditsGranted("t", 1), _wants_credit),
    _says(e.OriginateRefused(ATTEMPT, Outcome.EXPIRED), _sent),
    Symbol("CallAnswered", lambda now: e.CallAnswered(ATTEMPT, "t", AnswerClass.HUMAN, now), _sent),
    Symbol("CallAnswered", lambda now: e.CallAnswered(ATTEMPT, "t", AnswerClass.MACHINE, now), _sent),
    _says(e.JoinFailed(ATTEMPT, "a"), _sent),
    Symbol("CallEnded", lambda now: e.CallEnded(ATTEMPT, "", Outcome.NO_ANSWER, now), _sent),
    *(_says(e.PeerRestarted(peer)) for peer in (TRUNK, CAMPAIGN, Address("agent", "a"))),
    Symbol(TIME, None),
)


@cache
def scheduler_moves() -> list[Move]:
    """Moves of a call of a scheduler, with agents and without."""

    def stage(scheduler: Scheduler) -> Any:
        call = scheduler.pool.calls.get(ATTEMPT)
        return None if call is None else call.stage

    def everything(scheduler: Scheduler) -> Any:
        pool = scheduler.pool
        call, card, trunk = pool.calls.get(ATTEMPT), pool.campaigns.get("c"), pool.trunks["t"]
        return (
            call and (call.stage, call.agent, call.campaign),
            card and (card.active, len(card.stock), min(card.asked, 1)),
            (trunk.asking, min(trunk.credits_free, 1), min(trunk.wanted, 1)),
            tuple(sorted((a.agent, a.hold) for a in pool.roster.cards.values())),
        )

    def make() -> Scheduler:
        return Scheduler(PoolSpec("p", ("t",), ("a", "b"), ("c",)), rng=Random(1))

    moves = []
    for mode in DialingMode:
        alphabet = (_opened(mode), *(OFFERS if mode is DialingMode.PREVIEW else LEASES), *TO_SCHEDULER)
        moves += [move for move, _ in explore(make, alphabet, look=stage, tell_apart=everything)]
    return moves
