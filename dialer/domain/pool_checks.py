"""What must always be true of a pool: agents, calls, campaigns and trunks agree with each other."""

from __future__ import annotations

from collections.abc import Mapping

from dialer.domain.calls import LOOKING, UNSENT, Call, Calls, Stage
from dialer.domain.groups import Groups
from dialer.domain.roster import Hold, Roster
from dialer.domain.supply import CampaignCard, TrunkCard
from dialer.errors import InvariantError

_PROMISED = (Hold.ASKED, Hold.RESERVED)


def check(
    roster: Roster,
    calls: Calls,
    groups: Groups,
    campaigns: Mapping[str, CampaignCard],
    trunks: Mapping[str, TrunkCard],
) -> None:
    """Raise InvariantError on a contradiction.

    Raises:
        InvariantError: There is one.
    """
    promised = {call.agent for call in calls if _holds(roster, call)}
    for card in roster.cards.values():
        if card.hold in _PROMISED and card.agent not in promised and groups.held_by(card) is None:
            raise InvariantError("every promise has a call", f"{card.agent} is promised to nothing")
    for call in calls:
        _check_unsent(roster, call)
    for campaign in campaigns.values():
        _check_campaign(calls, campaign)
    for trunk in trunks.values():
        if trunk.credits_free < 0:
            raise InvariantError("no call without credit", f"{trunk.trunk}: {trunk.credits_free}")
        matched = sum(call.stage is Stage.MATCHED for call in calls.on_trunks((trunk.trunk,)))
        if matched != trunk.matched:
            raise InvariantError("credits set aside", f"{trunk.trunk}: {trunk.matched}, matched {matched}")


def _check_unsent(roster: Roster, call: Call) -> None:
    """What was not dialled has an agent who is asked or promised, and time will end it."""
    if call.stage not in UNSENT:
        return
    where = f"attempt {call.attempt_id}, {call.stage.name}"
    card = roster.cards.get(call.agent)
    hold = None if card is None or card.attempt_id != call.attempt_id else card.hold
    promised = call.stage in (Stage.CONFIRMING, Stage.READY)
    if call.group is None and hold is not (Hold.RESERVED if promised else Hold.ASKED):
        raise InvariantError("what waits for an agent has one", where)
    if call.lease is None or not call.deadline_us:
        raise InvariantError("nothing waits for ever under no lease", where)
    if (call.lease.intent_us == 0) is not (call.stage in (Stage.OFFERED, Stage.CONFIRMING)):
        raise InvariantError("an offer is dialled only with an intent", where)


def _check_campaign(calls: Calls, campaign: CampaignCard) -> None:
    own = calls.of(campaign.name)
    real = sum(call.stage not in LOOKING for call in own)
    if real != campaign.in_progress:
        detail = f"{campaign.name}: counted {campaign.in_progress}, real {real}"
        raise InvariantError("calls in progress", detail)
    alone = {call.attempt_id for call in own if call.alone and not campaign.policy.flow}
    if alone != campaign.alone.keys():
        detail = f"{campaign.name}: noted {sorted(campaign.alone)}, real {sorted(alone)}"
        raise InvariantError("calls that ring alone", detail)
    held = [lease.attempt_id for lease in (*campaign.stock, *campaign.own)]
    if len(set(held)) != len(held) or any(calls.get(attempt) for attempt in held):
        raise InvariantError("a lease is in stock or in use, and once", campaign.name)
    if any(lease.agent for lease in campaign.stock) or not all(lease.agent for lease in campaign.own):
        raise InvariantError("a contact of one agent's own is for no other", campaign.name)
    offers = [lease.attempt_id for lease in (*campaign.stock, *campaign.own) if lease.intent_us == 0]
    if offers and not campaign.policy.offers:
        raise InvariantError("only agents are offered contacts without an intent", campaign.name)


def _holds(roster: Roster, call: Call) -> bool:
    card = roster.cards.get(call.agent)
    return card is not None and card.hold in _PROMISED and card.attempt_id == call.attempt_id
