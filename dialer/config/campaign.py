"""The campaign file: one campaign, as an operator writes it.

Every field carries its unit, default and reason in its description, so that ``CampaignFile.model_json_schema()`` is
the reference. Seconds here become microseconds in ``domain/specs.py``; nothing else is computed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from dialer.config.fields import DAY_S, E164, RETRIED, CapSection, Hours, Mode, RetriedOutcome, Section, Slug
from dialer.config.flow import FlowFile, refuse_errors
from dialer.config.trunk import TrunkSection
from dialer.domain.flow_builtin import BUILT_IN
from dialer.domain.kinds import DialingMode
from dialer.domain.specs import SECOND_US, AgentSpec, CampaignSpec, CapRule, PoolSpec, RetryRule
from dialer.domain.weekly import parse_hours
from dialer.yamlfile import read_model


class AgentsSection(Section):
    """The agents of a campaign that is run by itself; simulated unless desks connect."""

    count: int = Field(default=10, ge=1, le=100_000, description="Agents, default 10.")
    wrap_up_s: int = Field(
        default=60, ge=0, le=3600, description="Seconds after a call until an agent is free at the latest, default 60."
    )
    habits: Slug = Field(default="typical", description="How simulated agents behave, default typical.")


class CampaignFile(Section):
    """One campaign, as an operator writes it."""

    name: Slug = Field(
        description="Slug: small letters, digits, hyphens, at most 63. Required; names the campaign's data."
    )
    mode: Mode = Field(description="How contacts become calls: agentless or progressive. Required.")
    priority: int = Field(
        default=5, ge=1, le=5, description="1 to 5, default 5. Agents go to the highest first, strictly."
    )
    caller_id: E164 = Field(description="E.164, shown to the called person. Required: a hidden caller is unlawful.")
    queue: Slug | None = Field(
        default=None,
        description="Agents of this queue take the calls. Needed unless agentless, forbidden if agentless.",
    )
    flow: Slug | None = Field(
        default=None, description="Agentless only, needed there: what a person who answers hears."
    )
    call_flow: FlowFile | None = Field(
        default=None, description="Agentless: a flow of this campaign's own, in place of the name of a built-in one."
    )
    concurrency: int = Field(
        default=10,
        ge=1,
        le=100_000,
        description="Agentless: calls at one moment, default 10. Trunk limits still apply.",
    )
    max_attempts: int = Field(
        default=3, ge=1, le=100, description="Counted attempts per contact, default 3. More annoys and rarely reaches."
    )
    retry_period_s: int = Field(
        default=3600, ge=1, le=90 * DAY_S, description="Seconds from the end of a call to the next try, default 3600."
    )
    retry_by_outcome: dict[RetriedOutcome, Annotated[int, Field(ge=1, le=90 * DAY_S)]] = Field(
        default={}, description="Seconds by outcome where retry_period_s does not fit, for example busy: 300."
    )
    ring_timeout_s: int = Field(
        default=25,
        ge=15,
        le=120,
        description="Seconds, 15 to 120, default 25. Below 15 is unlawful (16 CFR 310.4(b)(4)).",
    )
    hours: Hours = Field(
        default=["mon-sun 08:00-21:00"],
        description="Local time of the called person, default mon-sun 08:00-21:00. The legal hours always apply too.",
    )
    amd: bool = Field(
        default=False, description="Detect answering machines, default false: detection delays the agent."
    )
    dnc_lists: list[Slug] = Field(
        default=[], description="Do-not-call lists of this campaign, default none. Global lists always apply."
    )
    caps: list[CapSection] = Field(
        default=[],
        description="Attempt caps per number beside the legal ones, default none. Counted over all campaigns.",
    )
    trunk: TrunkSection = Field(default=TrunkSection(), description="The trunk that carries the calls.")
    agents: AgentsSection | None = Field(default=None, description="Default 10 agents. Forbidden if agentless.")

    @model_validator(mode="after")
    def _fits_mode(self) -> CampaignFile:
        """An agentless campaign has a flow and no agents; every other one has a queue and no flow."""
        agentless = self.mode is DialingMode.AGENTLESS
        needed, forbidden = ("flow", ("queue", "agents")) if agentless else ("queue", ("flow", "call_flow"))
        if getattr(self, needed) is None and not (agentless and self.call_flow is not None):
            msg = f"{needed} is missing; mode {self.mode.value} needs it"
            raise ValueError(msg)
        for name in forbidden:
            if getattr(self, name) is not None:
                msg = f"{name} does not go with mode {self.mode.value}; remove it"
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _has_a_flow_that_is_sound(self) -> CampaignFile:
        """A flow is built in, or stands in the file; an opt-out goes to a list that this campaign looks at."""
        own = self.call_flow
        if own is not None:
            if self.flow is not None and self.flow != own.name:
                msg = f"flow is {self.flow}, but call_flow is named {own.name}; leave flow out"
                raise ValueError(msg)
            if own.name in BUILT_IN:
                msg = f"call_flow.name: {own.name} is built in; choose another name"
                raise ValueError(msg)
            refuse_errors(own.to_domain(), prefix="call_flow.", dnc_lists=self.dnc_lists)
        elif self.flow is not None and self.flow not in BUILT_IN:
            msg = f"no flow {self.flow!r}; use one of: {', '.join(sorted(BUILT_IN))}, or write one under call_flow"
            raise ValueError(msg)
        return self

    def to_domain(self, *, pool: str = "main", version: int = 1) -> CampaignSpec:
        """The campaign as its machine needs it.

        Args:
            pool: Pool of agents that the queue belongs to.
            version: Version of the campaign in the catalogue, from 1.
        """
        rests = tuple((RETRIED[name], rest_s * SECOND_US) for name, rest_s in self.retry_by_outcome.items())
        return CampaignSpec(
            campaign=self.name,
            mode=self.mode,
            pool=pool,
            trunk=self.trunk.name,
            queue=self.queue,
            caller_id=self.caller_id,
            priority=self.priority,
            concurrency=self.concurrency,
            retry=RetryRule(self.max_attempts, self.retry_period_s * SECOND_US, rests),
            ring_timeout_us=self.ring_timeout_s * SECOND_US,
            hours=parse_hours(self.hours),
            amd=self.amd,
            flow=self.flow if self.call_flow is None else self.call_flow.name,
            flow_spec=None if self.call_flow is None else self.call_flow.to_domain(version=version),
            dnc_lists=tuple(self.dnc_lists),
            version=version,
        )

    def cap_rules(self) -> tuple[CapRule, ...]:
        """The caps of this file, to be given to ``load_rules``."""
        return tuple(cap.to_domain() for cap in self.caps)

    def agent_specs(self, *, pool: str = "main", count: int | None = None) -> tuple[AgentSpec, ...]:
        """The agents ``a1`` to ``aN``; none if agentless.

        Args:
            pool: Pool they belong to.
            count: Overrides the number in the file.
        """
        if self.queue is None:
            return ()
        agents = self.agents or AgentsSection()
        return tuple(
            AgentSpec(f"a{number}", pool, (self.queue,), (self.trunk.name,), agents.wrap_up_s * SECOND_US)
            for number in range(1, (agents.count if count is None else count) + 1)
        )

    def pool_spec(self, *, pool: str = "main", count: int | None = None) -> PoolSpec:
        """The pool of this campaign alone; arguments as for ``agent_specs``."""
        agents = tuple(spec.agent for spec in self.agent_specs(pool=pool, count=count))
        return PoolSpec(pool, (self.trunk.name,), agents, (self.name,))


def load_campaign(path: Path) -> CampaignFile:
    """Read a campaign file.

    Raises:
        ConfigError: It cannot be used; the line says where, why and what is allowed.
    """
    return read_model(path, CampaignFile)
