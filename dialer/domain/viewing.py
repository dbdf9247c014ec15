"""Pictures of machines for screens and the API, taken where the machines live. Looking changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from dialer.domain.agent import AgentMachine
from dialer.domain.campaign import CampaignRun
from dialer.domain.kinds import AgentState, CampaignState, Outcome
from dialer.domain.scheduler import Scheduler
from dialer.domain.trunk import TrunkMachine
from dialer.domain.views import CampaignView, TrunkView


def campaign_view(run: CampaignRun, reason: str = "", calls_up: int | None = None) -> CampaignView:
    """One campaign run.

    Args:
        run: Its machine.
        reason: Why nothing is being dialled, as its scheduler says (``scheduler_words``); "" if calls are made, or if
            the scheduler was not asked. A run that is not active says so itself.
        calls_up: Calls being dialled or up, as its scheduler counts them; None if it was not asked: then attempts that
            are not over count, which may be a few more.

    Returns:
        The view.
    """
    counts = run.book.counts()
    active = run.state is CampaignState.ACTIVE
    return CampaignView(
        campaign=run.spec.campaign,
        mode=run.spec.mode,
        state=run.state,
        contacts=len(run.book),
        done=counts["done"],
        in_play=counts["in_play"],
        resting=counts["resting"],
        parked=counts["parked"],
        fresh=counts["fresh"] + counts["mapped"],
        attempts=run.outcomes.total(),
        calls_up=run.in_progress() if calls_up is None else calls_up,
        outcomes={outcome.name.lower(): count for outcome, count in sorted(run.outcomes.items())},
        connected=run.outcomes[Outcome.CONNECTED],
        abandoned=run.outcomes[Outcome.ABANDONED],
        reason=reason if active else run.state.value,
        callbacks=counts["callback"],
        in_wrap_up=counts["verdict"],
    )


def scheduler_words(scheduler: Scheduler) -> dict[str, tuple[str, int]]:
    """What a scheduler says of each campaign of its pool: (why nothing is dialled or "", calls being dialled or up)."""
    cards = scheduler.pool.campaigns.values()
    return {card.name: ("" if card.reason == "dialling" else card.reason, card.in_progress) for card in cards}


def trunk_view(trunk: TrunkMachine) -> TrunkView:
    """One trunk and how much of it is in use."""
    spec = trunk.spec
    return TrunkView(spec.trunk, spec.lines, trunk.lines_in_use, spec.calls_per_s, trunk.queued)


def agents_view(agents: Iterable[AgentMachine]) -> dict[str, int]:
    """State -> agents, in the order of a shift; only states in which somebody is."""
    counts = Counter(agent.state for agent in agents)
    return {state.value: counts[state] for state in AgentState if counts[state]}
