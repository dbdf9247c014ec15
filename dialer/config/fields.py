"""What fields of all files have in common: slugs, numbers, hours; each refuses with what is allowed."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from dialer.domain.kinds import UNDIALLED, DialingMode, Outcome
from dialer.domain.specs import SECOND_US, CapRule, RetryRule
from dialer.domain.weekly import parse_hours

DAY_S = 86_400
RETRIED = {o.name.lower(): o for o in Outcome if o not in UNDIALLED and o not in RetryRule().final}


def _check_hours(lines: list[str]) -> list[str]:
    parse_hours(lines)
    return lines


def _known_mode(value: Any) -> Any:
    names = [mode.value for mode in DialingMode]
    if value not in names:
        msg = f"unknown mode {value!r}; use one of: {', '.join(names)}"
        raise ValueError(msg)
    return value


def _retried_outcome(value: Any) -> Any:
    if value not in RETRIED:
        msg = f"no outcome that is tried again; use one of: {', '.join(RETRIED)}"
        raise ValueError(msg)
    return value


def _e164(value: Any) -> int:
    # YAML reads an unquoted +12125550100 as a number, which has lost only the sign.
    digits = f"+{value}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    if not re.fullmatch(r"\+[1-9][0-9]{7,14}", digits):
        msg = "must be an E.164 number: a plus sign, the country code and the number, 8 to 15 digits without spaces"
        raise ValueError(msg)
    return int(digits)


Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Hours = Annotated[list[str], Field(min_length=1), AfterValidator(_check_hours)]
Mode = Annotated[DialingMode, BeforeValidator(_known_mode)]
E164 = Annotated[int, BeforeValidator(_e164)]
RetriedOutcome = Annotated[str, BeforeValidator(_retried_outcome)]


class Section(BaseModel):
    """A part of a file. An unknown field is an error: a mistyped limit must not be a missing one."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CapSection(Section):
    """At most so many counted attempts to one number in a rolling window."""

    limit: int = Field(ge=1, le=1000, description="Attempts, 1 to 1000. Required.")
    window_s: int = Field(ge=1, le=366 * DAY_S, description="Seconds, to a year. Required. 604800 is seven days.")

    def to_domain(self) -> CapRule:
        """The rule in microseconds."""
        return CapRule(self.limit, self.window_s * SECOND_US)


class AutoDncSection(Section):
    """Numbers that are never reached are put on a do-not-call list."""

    after_attempts: int = Field(
        ge=1,
        le=100,
        description="Counted attempts in a row that reached nobody, over all campaigns, 1 to 100. Required.",
    )
    list: Slug = Field(
        description="Do-not-call list for these numbers; a global one if no campaign is to call. Required."
    )
