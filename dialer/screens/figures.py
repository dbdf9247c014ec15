"""A report as figures to show: one reading of its keys for the terminal and for the page, whatever is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from dialer.domain.kinds import LIVE_ANSWERS
from dialer.screens.words import (
    ABANDON_LIMIT_RATIO,
    count,
    duration,
    largest_first,
    milliseconds,
    percent,
    plain,
    rate,
    spoken,
)

_LIVE = tuple(outcome.name.lower() for outcome in sorted(LIVE_ANSWERS))
_MAX_TRIES = 3
_SAME_CLOCK = 0.05  #: recorded and wall time that differ by less are one clock


class Check(NamedTuple):
    """An addition, and whether it is right."""

    line: str
    right: bool


class Bucket(NamedTuple):
    """Counted attempts of one stretch of time."""

    at_us: int
    attempts: int
    connected: int
    abandoned: int


class Try(NamedTuple):
    """The first, second or later counted attempts of contacts."""

    attempt: int
    attempts: int
    connected: int


class Month(NamedTuple):
    """Abandonment of the campaign over 30 days, all runs included."""

    live_answers: int
    abandoned: int
    ratio: float
    limit_ratio: float


@dataclass(frozen=True, slots=True)
class Figures:
    """A report, read once. None where the report is silent."""

    campaign: str
    mode: str
    status: str
    marks: tuple[str, ...]  #: run number, seed: how to find or repeat this run
    contacts: int | None
    dialable: int
    excluded: tuple[tuple[str, int], ...]  #: reason as words -> count, largest first
    attempts: int
    outcomes: tuple[tuple[str, int], ...]  #: name -> count, largest first
    undialled: tuple[tuple[str, int], ...]
    open: int
    live: tuple[tuple[str, int], ...]  #: outcomes that a person answered
    live_answers: int
    connected: int
    abandoned: int
    abandon_ratio: float
    agents: int
    utilisation_ratio: float
    dials_per_s: float
    answer_ms: tuple[float, float, float] | None  #: answer to agent: p50, p99, max
    wall_s: float | None
    virtual_s: float | None
    timeline: tuple[Bucket, ...]
    by_hour: tuple[Bucket, ...]
    dispositions: tuple[tuple[str, int], ...]  #: code as words -> count, in the order of the campaign's set
    positive: int
    talk_s: tuple[float, float] | None  #: of connected calls: total, mean
    by_attempt: tuple[Try, ...]
    skips: tuple[int, int]  #: skips, contacts that were skipped
    month: Month | None

    @property
    def disposition_total(self) -> int:
        """Calls that were closed with a code."""
        return sum(number for _, number in self.dispositions)

    @property
    def excluded_total(self) -> int:
        """Rows left out."""
        return sum(number for _, number in self.excluded)

    @property
    def speed(self) -> float | None:
        """Recorded seconds per wall second; None if it is one clock or not known."""
        if not self.wall_s or not self.virtual_s or abs(self.virtual_s / self.wall_s - 1) <= _SAME_CLOCK:
            return None
        return self.virtual_s / self.wall_s

    @property
    def over_limit(self) -> bool:
        """More calls were abandoned than the campaign may, over 30 days if the report says so much."""
        if self.month is not None:
            return self.month.ratio > self.month.limit_ratio
        return self.abandon_ratio > ABANDON_LIMIT_RATIO

    def checks(self) -> list[Check]:
        """The additions that must come out right, those of which the report says enough."""
        found = [] if self.contacts is None else [self.check_contacts(self.contacts)]
        return [*found, self.check_attempts(), self.check_live_answers()]

    def check_contacts(self, contacts: int) -> Check:
        """Every contact is dialable or excluded."""
        return _check([("dialable", self.dialable), ("excluded", self.excluded_total)], contacts, "contacts")

    def check_attempts(self) -> Check:
        """Every attempt has one outcome."""
        return _check(self.outcomes, self.attempts, "attempts")

    def check_live_answers(self) -> Check:
        """Who answered in person was connected, was abandoned, or hung up first."""
        return _check(self.live, self.live_answers, "live answers")

    def facts(self) -> list[tuple[str, str]]:
        """The figures beside the tables, as (name, words)."""
        found = [("Abandoned", self._abandoned())]
        if self.dispositions:
            share = percent(self.positive, self.connected)
            found.append(("Conversions", f"{count(self.positive)} of {count(self.connected)} connected ({share})"))
        if self.talk_s is not None:
            total, mean = map(duration, self.talk_s)
            found.append(("Talk", f"{total} in all, {mean} a call"))
        if len(self.by_attempt) > 1:
            found.append(("Tries", self._tries()))
        if any(self.skips):
            found.append(
                ("Skips", f"{count(self.skips[0])}, of {count(self.skips[1])} contacts (not counted as attempts)")
            )
        found.append(("Agents", self._agents()))
        if self.answer_ms is not None and self.agents:
            p50, p99, most = map(milliseconds, self.answer_ms)
            found.append(("Answer to agent", f"p50 {p50}, p99 {p99}, max {most}"))
        found.append(("Rate", self._rate()))
        if self.virtual_s is not None or self.wall_s is not None:
            found.append(("Duration", self._duration()))
        if self.undialled:
            words = ", ".join(f"{count(number)} {spoken(name)}" for name, number in self.undialled)
            found.append(("Not dialled", f"{words} (not counted as attempts)"))
        if self.open:
            found.append(("Open", f"{count(self.open)} attempts have no outcome yet"))
        return found

    def _abandoned(self) -> str:
        own = f"{percent(self.abandon_ratio, digits=2)} of live answers"
        if self.month is None:
            return f"{own} (limit {percent(ABANDON_LIMIT_RATIO, digits=0)} over 30 days)"
        limit = f"{100 * self.month.limit_ratio:g} %"
        return f"{own}; {percent(self.month.ratio, digits=2)} over 30 days of the campaign (limit {limit})"

    def _tries(self) -> str:
        shown = self.by_attempt[:_MAX_TRIES]
        words = [f"{count(n)} of try {at} ({percent(connected, n)} connected)" for at, n, connected in shown]
        rest = sum(one.attempts for one in self.by_attempt[_MAX_TRIES:])
        return ", ".join([*words, f"{count(rest)} of later ones"] if rest else words)

    def _agents(self) -> str:
        if not self.agents:
            return "none took part"
        return f"{count(self.agents)}, talking or in wrap-up for {percent(self.utilisation_ratio)} of their time"

    def _rate(self) -> str:
        if self.speed is None:
            return f"{rate(self.dials_per_s)} dials/s"
        return f"{rate(self.dials_per_s)} dials per virtual s, {rate(self.dials_per_s * self.speed)} per wall s"

    def _duration(self) -> str:
        if self.speed is not None and self.virtual_s is not None and self.wall_s is not None:
            return f"{duration(self.virtual_s)} of virtual time in {duration(self.wall_s)} (speed {rate(self.speed)})"
        return duration(self.wall_s if self.wall_s is not None else self.virtual_s or 0)


def figures(report: Mapping[str, Any]) -> Figures:
    """Read a report.

    Args:
        report: The keys of ``run_report``, and those that ``run`` and ``sim`` add: ``mode``, ``contacts``,
            ``dialable``, ``excluded``, ``wall_s``, ``seed``, ``digest``, ``status``. Any may be missing.

    Returns:
        The figures.
    """
    outcomes: Mapping[str, int] = report.get("outcomes") or {}
    waits = report.get("answer_to_agent_ms")
    talk, month = report.get("talk_s") or {}, report.get("abandon_30d")
    return Figures(
        campaign=plain(report.get("campaign") or "dialer"),
        mode=spoken(report.get("mode") or ""),
        status=spoken(report.get("status") or report.get("state") or ""),
        marks=tuple(
            f"{word} {plain(report[key])}"
            for key, word in (("run_no", "run"), ("seed", "seed"), ("digest", "digest"))
            if report.get(key) is not None
        ),
        contacts=report.get("contacts"),
        dialable=report.get("dialable") or 0,
        excluded=tuple((spoken(reason), n) for reason, n in largest_first(report.get("excluded") or {})),
        attempts=report.get("attempts") or 0,
        outcomes=tuple(largest_first(outcomes)),
        undialled=tuple(largest_first(report.get("undialled") or {})),
        open=report.get("open") or 0,
        live=tuple((name, outcomes[name]) for name in _LIVE if name in outcomes),
        live_answers=report.get("live_answers") or 0,
        connected=report.get("connected") or 0,
        abandoned=report.get("abandoned") or 0,
        abandon_ratio=report.get("abandon_ratio") or 0.0,
        agents=report.get("agents") or 0,
        utilisation_ratio=report.get("utilisation_ratio") or 0.0,
        dials_per_s=report.get("dials_per_s") or 0.0,
        answer_ms=(waits["p50"], waits["p99"], waits["max"]) if waits else None,
        wall_s=report.get("wall_s"),
        virtual_s=report.get("virtual_s"),
        timeline=_buckets(report.get("timeline") or ()),
        by_hour=_buckets(report.get("by_hour") or ()),
        dispositions=tuple((spoken(code), n) for code, n in (report.get("dispositions") or {}).items()),
        positive=report.get("positive") or 0,
        talk_s=(talk["total"], talk["mean"]) if talk.get("total") else None,
        by_attempt=tuple(
            Try(row["attempt"], row["attempts"], row["connected"]) for row in report.get("by_attempt") or ()
        ),
        skips=(report.get("skips") or 0, report.get("skipped_contacts") or 0),
        month=Month(month["live_answers"], month["abandoned"], month["ratio"], month["limit_ratio"]) if month else None,
    )


def _check(parts: Sequence[tuple[str, int]], whole: int, name: str) -> Check:
    added = " + ".join(f"{count(number)} {spoken(part)}" for part, number in parts) or "0"
    total = sum(number for _, number in parts)
    if total == whole:
        return Check(f"{added} = {count(whole)} {name}", right=True)
    return Check(f"{added} = {count(total)}, but there are {count(whole)} {name}", right=False)


def _buckets(rows: Sequence[Mapping[str, int]]) -> tuple[Bucket, ...]:
    return tuple(Bucket(row["at_us"], row["attempts"], row["connected"], row["abandoned"]) for row in rows)
