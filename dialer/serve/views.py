"""The dialer at one moment, as the API shows it: the fields of ``domain/views.py``."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from dialer.config.schedule import ScheduleSection
from dialer.domain.keeper_view import CampaignRow
from dialer.domain.keeping import Ending, RunNote, Status
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


class Scrub(_View):
    """What the lists came to when they were last scrubbed: a little after a change, and before each run."""

    at_us: int = Field(description="When, microseconds since 1970 UTC.")
    rows: int
    dialable: int = Field(description="Contacts that may be dialled.")
    problem: str = Field(description="Why it could not be done; empty if it could.")


class Run(BaseModel):
    """One line of a campaign's history: a run, or an occurrence of its schedule that did not become one."""

    no: int = Field(description="1 for the first of the campaign.")
    run_no: int | None = Field(description="Number of the run, null if there was none.")
    ending: Ending
    reason: str = Field(description="Why it ended so, where that is not plain.")
    scheduled_us: int | None = Field(description="When it was due, microseconds since 1970 UTC; null if by hand.")
    started_us: int | None
    ended_us: int | None

    @classmethod
    def of(cls, note: RunNote) -> Run:
        """The line as the API shows it."""
        return cls(
            no=note.no,
            run_no=note.run_no or None,
            ending=note.ending,
            reason=note.reason,
            scheduled_us=note.scheduled_us or None,
            started_us=note.started_us or None,
            ended_us=note.ended_us or None,
        )


class Row(BaseModel):
    """What the campaign table shows beside name, lists and progress."""

    status: Status
    mode: DialingMode
    priority: int
    connection: str = Field(description="The flow of an agentless campaign, the queue of any other.")
    last_run_us: int | None = Field(description="When a run last began, microseconds since 1970 UTC.")
    updated_us: int = Field(description="When an operator last changed it.")
    next_start_us: int | None = Field(description="Next occurrence of its schedule, null for none.")
    ending: Ending | None = Field(description="How the latest run ended, null before and while one goes on.")
    version: int = Field(description="Counts changes, from 1; stored with every attempt.")
    schedule: ScheduleSection | None
    scrub: Scrub | None

    @classmethod
    def of(cls, row: CampaignRow) -> Row:
        """The row as the API shows it."""
        return cls(
            status=row.status,
            mode=row.mode,
            priority=row.priority,
            connection=row.connection,
            last_run_us=row.last_run_us or None,
            updated_us=row.updated_us,
            next_start_us=row.next_start_us,
            ending=row.ending,
            version=row.version,
            schedule=None if row.schedule is None else ScheduleSection.of(row.schedule),
            scrub=None if row.scrub is None else Scrub.model_validate(row.scrub),
        )


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
