"""A trunk, as campaign and service files describe it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dialer.config.fields import Section, Slug
from dialer.domain.specs import TrunkSpec


class TrunkSection(Section):
    """One trunk and its limits, which are never exceeded."""

    name: Slug = Field(default="main", description="Slug, default main. Campaigns that name it share its limits.")
    lines: int = Field(
        default=100, ge=1, le=100_000, description="Calls at one moment, default 100: what the carrier sold you."
    )
    calls_per_s: int = Field(
        default=10,
        ge=1,
        le=10_000,
        description="New calls in any second, default 10: carriers refuse more, and charge.",
    )
    profile: Slug = Field(
        default="typical", description="World of the simulated carrier, default typical. A real switch ignores it."
    )
    destinations: list[Annotated[str, Field(pattern=r"^[1-9][0-9]{0,6}$")]] = Field(
        default=["1"],
        min_length=1,
        description="Number prefixes that may be dialled, digits without plus, default 1: guards against toll fraud.",
    )

    def to_domain(self) -> TrunkSpec:
        """The limits of the trunk."""
        return TrunkSpec(self.name, self.lines, self.calls_per_s, tuple(self.destinations))
