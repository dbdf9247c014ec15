"""Sections of the campaign file that are rules: dispositions, pacing, preview, filter."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from dialer.config.fields import DAY_S, Section
from dialer.domain.selection import Comparison, Condition, ContactFilter
from dialer.domain.specs import SECOND_US, DispositionRule, PacingSpec, PreviewSpec

Code = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
_MAX_VALUES = 1000


def _values(value: Any) -> tuple[str, ...]:
    """What YAML or JSON makes of a value, or of a list of them, as texts."""
    many = value if isinstance(value, list | tuple) else [] if value is None else [value]
    if any(isinstance(one, dict | list | tuple) or one is None for one in many):
        msg = "must be a text, a number, or a list of them"
        raise ValueError(msg)
    return tuple(str(one).lower() if isinstance(one, bool) else str(one) for one in many)


Values = Annotated[
    tuple[str, ...],
    BeforeValidator(_values),
    WithJsonSchema({"anyOf": [{"type": kind} for kind in ("string", "number", "array")]}),
]


class DispositionSection(Section):
    """One code that agents close calls with, and what follows from it."""

    code: Code = Field(description="Small letters, digits, hyphens, underscores, at most 63. Required.")
    retry_s: int | None = Field(
        default=None,
        ge=1,
        le=90 * DAY_S,
        description="Seconds from the end of the call until the contact is tried again, default never: it was reached.",
    )
    positive: bool = Field(default=False, description="Counts as a conversion, default false.")
    do_not_call: bool = Field(default=False, description="Puts the number on dnc_target at once, default false.")
    callback: bool = Field(default=False, description="The agent gives the time of another call, default false.")

    @model_validator(mode="after")
    def _one_consequence(self) -> DispositionSection:
        """Who is not to be called is not called again."""
        if self.do_not_call and (self.callback or self.retry_s is not None):
            msg = f"disposition {self.code!r}: do_not_call goes neither with callback nor with retry_s"
            raise ValueError(msg)
        return self

    def to_domain(self) -> DispositionRule:
        """The rule in microseconds."""
        retry_us = -1 if self.retry_s is None else self.retry_s * SECOND_US
        return DispositionRule(self.code, retry_us, self.positive, self.do_not_call, self.callback)


class PacingSection(Section):
    """How fast agents' campaigns dial."""

    ratio: float = Field(
        default=2.0, ge=1, le=10, description="Power: calls for each free agent, 1 to 10 with decimals, default 2."
    )
    abandon_limit_ratio: float = Field(
        default=0.03,
        ge=0,
        le=0.03,
        description="Share of live answers that may find no agent, over 30 days; default 0.03, the law's limit "
        "(16 CFR 310.4(b)(4)).",
    )
    agent_idle_limit_s: int = Field(
        default=30,
        ge=5,
        le=600,
        description="Power: seconds that an agent waits for an answer before being released, 5 or more, default 30.",
    )

    def to_domain(self) -> PacingSpec:
        """The same in microseconds."""
        return PacingSpec(self.ratio, self.abandon_limit_ratio, self.agent_idle_limit_s * SECOND_US)


class PreviewSection(Section):
    """How agents decide about contacts that are shown to them."""

    timer_s: int = Field(
        default=30, ge=1, le=3600, description="Seconds until the contact is dialled without a decision, default 30."
    )
    max_skips: int | None = Field(
        default=None, ge=0, le=100_000, description="Contacts that one agent may skip in a run, default any number."
    )
    max_skips_per_contact: int | None = Field(
        default=None, ge=1, le=100, description="After so many skips a contact is done, default never."
    )

    def to_domain(self) -> PreviewSpec:
        """The same in microseconds."""
        return PreviewSpec(self.timer_s * SECOND_US, self.max_skips, self.max_skips_per_contact)


class ConditionSection(Section):
    """A condition on one column of the lists."""

    column: str = Field(
        min_length=1, max_length=300, description="Column of the lists, case does not matter. Required."
    )
    op: Comparison = Field(
        description="equals, not_equals, contains, starts_with, in, greater, less, empty or not_empty. Required."
    )
    value: Values = Field(
        default=(),
        max_length=_MAX_VALUES,
        description="What to compare with: a text or a number; a list for in; nothing for empty and not_empty. Text is "
        "compared without case, numbers by greater and less as numbers.",
    )

    @model_validator(mode="after")
    def _right_number_of_values(self) -> ConditionSection:
        """One value, but for the comparisons that take none or several."""
        given, name = len(self.value), self.op.value
        if self.op in {Comparison.EMPTY, Comparison.NOT_EMPTY}:
            wrong = f"{name} takes no value; remove it" if given else ""
        elif self.op is Comparison.IN:
            wrong = "" if given else "in needs a list of values"
        else:
            wrong = "" if given == 1 else f"{name} needs one value"
        if wrong:
            raise ValueError(wrong)
        return self


def contact_filter(conditions: list[ConditionSection], match: Literal["all", "any"]) -> ContactFilter | None:
    """The filter of these conditions, None for no condition."""
    if not conditions:
        return None
    return ContactFilter(tuple(Condition(one.column, one.op, one.value) for one in conditions), every=match == "all")
