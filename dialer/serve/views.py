"""The dialer at one moment, as the API shows it: the fields of ``domain/views.py``."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from dialer.domain.kinds import CampaignState, DialingMode


class _View(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Progress(_View):
    """One campaign run. `done`, `in_play`, `in_wrap_up`, `callbacks`, `resting`, `parked`, `fresh` make `contacts`."""

    campaign: str
    mode: DialingMode
    state: CampaignState
    contacts: int = Field(description="Contacts that may be dialled.")
    done: int
    in_play: int = Field(description="About to be called, or in a call.")
    resting: int = Field(description="Waiting for the next try.")
    parked: int = Field(description="Outside their calling hours.")
    fresh: int = Field(description="Never tried.")
    attempts: int = Field(description="Attempts that the network took.")
    calls_up: int
    outcomes: dict[str, int]
    connected: int
    abandoned: int
    reason: str = Field(description="Why nothing is being dialled; empty if calls are made.")
    callbacks: int = Field(description="Asked to be called at a time.")
    in_wrap_up: int = Field(description="Were connected; the agent's disposition decides.")


class TrunkUse(_View):
    """One trunk and how much of it is in use."""

    trunk: str
    lines: int
    lines_in_use: int
    calls_per_s: int = Field(description="The limit.")
    queued: int = Field(description="Calls accepted and not placed yet.")


class Picture(_View):
    """The whole dialer at one moment."""

    now_us: int = Field(description="The dialer's time, microseconds since 1970 UTC.")
    wall_s: float = Field(description="Seconds of a clock that only runs forward; differences count.")
    campaigns: list[Progress]
    agents: dict[str, int] = Field(description="Agents by state.")
    trunks: list[TrunkUse]
