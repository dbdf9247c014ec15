"""What the dialer shows of itself while it dials: copies of the owners' facts at one moment, for screens and the API.

A view is a picture, never asked before a decision. Nothing here names a contact or a telephone number.
"""

from __future__ import annotations

from collections.abc import Mapping

from dialer.domain.kinds import CampaignState, DialingMode
from dialer.domain.message import message


@message
class CampaignView:
    """One campaign run. Where its contacts stand, from ``done`` to ``fresh`` and ``in_wrap_up``, adds up."""

    campaign: str
    mode: DialingMode
    state: CampaignState
    contacts: int  #: dialable contacts of the run
    done: int
    in_play: int  #: leased or in a call
    resting: int
    parked: int  #: outside their calling hours
    fresh: int  #: never tried
    attempts: int  #: counted attempts so far; those up now may be among them or not
    calls_up: int
    outcomes: Mapping[str, int]  #: lower-case name -> count
    connected: int
    abandoned: int
    reason: str  #: why nothing is being dialled; "" if calls are made
    callbacks: int = 0  #: asked to be called at a time
    in_wrap_up: int = 0  #: were connected; what the agent says of the call decides


@message
class TrunkView:
    """One trunk and how much of it is in use."""

    trunk: str
    lines: int
    lines_in_use: int
    calls_per_s: int  #: the limit
    queued: int  #: calls the trunk has accepted and not placed yet


@message
class Snapshot:
    """The whole dialer at one moment, on both clocks: they differ where recorded time is virtual."""

    now_us: int  #: recorded time, UTC
    wall_s: float  #: seconds of a clock that no ``speed`` touches; only differences count
    campaigns: tuple[CampaignView, ...]
    agents: Mapping[str, int]  #: state -> agents
    trunks: tuple[TrunkView, ...] = ()
