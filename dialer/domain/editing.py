"""Which fields of a campaign may change, and when."""

from __future__ import annotations

from dataclasses import fields

from dialer.domain.kinds import CampaignState
from dialer.domain.specs import CampaignSpec

#: May change while calls are made: nothing that is under way depends on them.
PAUSE_SAFE = frozenset({"pacing", "concurrency", "priority", "caller_id"})
#: Never change: what is known of the run was made with them.
FIXED = frozenset({"campaign", "mode", "pool", "trunk"})
#: A run that has ended, or is about to, is what it was.
_ENDED = frozenset({CampaignState.STOPPING, CampaignState.STOPPED, CampaignState.COMPLETED})


def edit_refusal(state: CampaignState, old: CampaignSpec, new: CampaignSpec) -> str | None:
    """May a run go on with another configuration?

    Args:
        state: Of the run.
        old: Its configuration.
        new: The one that is wanted.

    Returns:
        None, or the first field that stands against it: ``state`` for a run that has ended, ``version`` if the new one
        is not higher, a field that never changes, or, while the run is active, one that needs a pause.
    """
    if state in _ENDED:
        return "state"
    if new.version <= old.version:
        return "version"
    for field in fields(old):
        name = field.name
        if name == "version" or getattr(old, name) == getattr(new, name):
            continue
        if name in FIXED or (state is CampaignState.ACTIVE and name not in PAUSE_SAFE):
            return name
    return None
