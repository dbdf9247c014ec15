"""The schedule of a campaign, as an operator writes it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, model_validator

from dialer.config.fields import Section
from dialer.domain.schedule import RecurrenceUnit, Schedule


class Weekday(StrEnum):
    """A day of the week."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


#: Years that a schedule may name: nobody plans a campaign beyond them, and calendars and zones know them all.
FIRST_YEAR, LAST_YEAR = 2000, 2199


def _wall_clock(value: datetime) -> datetime:
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        msg = f"must be a year from {FIRST_YEAR} to {LAST_YEAR}"
        raise ValueError(msg)
    if value.tzinfo is not None:
        msg = "must be wall-clock time without an offset; the zone stands in its own field"
        raise ValueError(msg)
    if value.second or value.microsecond:
        msg = "must be a whole minute"
        raise ValueError(msg)
    return value


def _known_zone(value: str) -> str:
    if value not in available_timezones():
        msg = f"unknown time zone {value!r}; use an IANA name such as America/New_York"
        raise ValueError(msg)
    return value


WallClock = Annotated[datetime, AfterValidator(_wall_clock)]
Zone = Annotated[str, AfterValidator(_known_zone)]


class ScheduleSection(Section):
    """When a campaign runs by itself. Times are wall-clock times of the zone, before and after clocks change."""

    start: WallClock = Field(
        description="First start, for example 2026-03-02T09:00. Required. In an hour that clocks skip it is the first "
        "moment after the gap, in one that they repeat the first pass."
    )
    zone: Zone = Field(description="IANA time zone of start and end, for example America/New_York. Required.")
    end: WallClock | None = Field(
        default=None, description="Nothing starts from then on, and what runs is ended. Default null: never."
    )
    unit: RecurrenceUnit | None = Field(
        default=None, description="Again every day, week, month or year; each time over all contacts. Default: once."
    )
    every: int = Field(
        default=1, ge=1, le=100, description="Units from one start to the next, 1 to 100, default 1. 2 is every other."
    )
    weekdays: list[Weekday] = Field(
        default=[], description="Weekly only: the days, for example mon, thu. Default: the weekday of start."
    )
    precedence: bool = Field(
        default=False,
        description="Runs of the schedule dial outside the campaign's own hours too, default false. "
        "The legal hours always apply.",
    )

    @model_validator(mode="after")
    def _fits(self) -> ScheduleSection:
        if self.end is not None and self.end <= self.start:
            msg = "the end must be after the start"
            raise ValueError(msg)
        if self.weekdays and self.unit is not RecurrenceUnit.WEEK:
            msg = "weekdays go with unit week only; remove them, or set the unit"
            raise ValueError(msg)
        if self.every > 1 and self.unit is None:
            msg = "every needs a unit: day, week, month or year"
            raise ValueError(msg)
        return self

    def to_domain(self) -> Schedule:
        """The schedule as the keeper needs it."""
        order = list(Weekday)
        weekdays = tuple(sorted({order.index(day) for day in self.weekdays}))
        return Schedule(self.zone, self.start, self.end, self.unit, self.every, weekdays, self.precedence)

    @classmethod
    def of(cls, schedule: Schedule) -> ScheduleSection:
        """The section that says what a schedule says."""
        order = list(Weekday)
        return cls(
            start=schedule.start,
            zone=schedule.zone,
            end=schedule.end,
            unit=schedule.unit,
            every=schedule.every,
            weekdays=[order[day] for day in schedule.weekdays],
            precedence=schedule.precedence,
        )
