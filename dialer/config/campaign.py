"""The campaign file: one campaign, as an operator writes it.

Every field carries its unit, default and reason in its description, so that ``CampaignFile.model_json_schema()`` is
the reference. Seconds here become microseconds in ``domain/specs.py``; nothing else is computed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from dialer.config.fields import DAY_S, E164, RETRIED, CapSection, Hours, Mode, RetriedOutcome, Section, Slug
from dialer.config.flow import FlowFile, refuse_errors
from dialer.config.modes import check_mode
from dialer.config.rules import ConditionSection, DispositionSection, PacingSection, PreviewSection, contact_filter
from dialer.config.trunk import TrunkSection
from dialer.domain.flow import QueueStep
from dialer.domain.flow_builtin import BUILT_IN
from dialer.domain.kinds import DialingMode, DialingOrder
from dialer.domain.selection import Selection
from dialer.domain.specs import (
    DEFAULT_DISPOSITIONS,
    SECOND_US,
    AgentSpec,
    CampaignSpec,
    CapRule,
    DispositionRule,
    PoolSpec,
    RetryRule,
)
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
    description: str = Field(default="", max_length=256, description="For people, at most 256 characters.")
    mode: Mode = Field(
        description="How contacts become calls: agentless, preview, progressive, power or predictive. Required."
    )
    priority: int = Field(
        default=5, ge=1, le=5, description="1 to 5, default 5. Agents go to the highest first, or by shares: see pools."
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
    retry_after_all_others: bool = Field(
        default=True, description="A retry waits until every fresh contact had its turn, default true."
    )
    order: DialingOrder = Field(
        default=DialingOrder.FIFO,
        description="Which contact is first: fifo (as listed, the default), lifo, random, column_up, column_down or "
        "priority (the contact's own, highest first).",
    )
    order_by: str | None = Field(
        default=None, min_length=1, max_length=300, description="Column of the orders column_up and column_down."
    )
    filter: list[ConditionSection] = Field(
        default=[], max_length=100, description="Only contacts that meet these conditions are dialled, default all."
    )
    filter_match: Literal["all", "any"] = Field(
        default="all", description="Whether contacts meet all conditions of the filter or any of them, default all."
    )
    mapping_list: Slug | None = Field(
        default=None, description="Mapping list that says which agent a contact is for, and how urgent it is."
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
        default=False,
        description="Detect answering machines and hang up on them, default false: detection delays the agent.",
    )
    dnc_lists: list[Slug] = Field(
        default=[], description="Do-not-call lists of this campaign, default none. Global lists always apply."
    )
    dnc_target: Slug | None = Field(
        default=None,
        description="List for numbers whose owners ask an agent not to be called again: one of dnc_lists, or a global "
        "one. Default the first of dnc_lists.",
    )
    dispositions: list[DispositionSection] | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="Codes that agents close calls with. Default sale (positive), not_interested, wrong_person, "
        "callback_asked (callback), do_not_call (do_not_call).",
    )
    callback_early_s: int = Field(
        default=600,
        ge=0,
        le=3600,
        description="Seconds that a callback may be dialled before the time asked for, default 600.",
    )
    personal_wait_s: int = Field(
        default=600,
        ge=0,
        le=DAY_S,
        description="Seconds that a personal callback waits for its agent, then anyone takes it; default 600.",
    )
    pacing: PacingSection | None = Field(default=None, description="Power and predictive: how fast to dial.")
    preview: PreviewSection | None = Field(default=None, description="Preview: how agents decide.")
    caps: list[CapSection] = Field(
        default=[],
        description="Attempt caps per number beside the legal ones, default none. Counted over all campaigns.",
    )
    trunk: TrunkSection = Field(default=TrunkSection(), description="The trunk that carries the calls.")
    agents: AgentsSection | None = Field(default=None, description="Default 10 agents. Forbidden if agentless.")

    @model_validator(mode="after")
    def _fits_mode(self) -> CampaignFile:
        """Each mode has fields of its own."""
        check_mode(self, self.mode)
        return self

    @model_validator(mode="after")
    def _order_has_its_column(self) -> CampaignFile:
        """An order by a column names it, and no other one does."""
        by_column = self.order in {DialingOrder.COLUMN_UP, DialingOrder.COLUMN_DOWN}
        if by_column and self.order_by is None:
            msg = f"order_by is missing; order {self.order.value} needs it"
            raise ValueError(msg)
        if not by_column and self.order_by is not None:
            msg = f"order_by does not go with order {self.order.value}; remove it"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _dispositions_have_their_place(self) -> CampaignFile:
        """Codes identify, and who is not to be called again gets on a list."""
        rows = self.dispositions or []
        codes = [row.code for row in rows]
        twice = next((code for code in codes if codes.count(code) > 1), None)
        if twice is not None:
            msg = f"disposition {twice!r} is given twice; codes must differ"
            raise ValueError(msg)
        listing = next((row.code for row in rows if row.do_not_call), None)
        if listing is not None and not self._dnc_target:
            msg = f"dnc_target is missing; disposition {listing!r} puts numbers on it"
            raise ValueError(msg)
        return self

    @property
    def _dnc_target(self) -> str:
        return self.dnc_target or next(iter(self.dnc_lists), "")

    @model_validator(mode="after")
    def _has_a_flow_that_is_sound(self) -> CampaignFile:
        """A flow is built in, or stands in the file; an opt-out goes to a list that this campaign looks at."""
        own = self.call_flow
        if own is None and self.flow is None and self.mode is DialingMode.AGENTLESS:
            msg = f"flow is missing; mode {self.mode.value} needs it"
            raise ValueError(msg)
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
            retry=RetryRule(
                self.max_attempts,
                self.retry_period_s * SECOND_US,
                rests,
                after_all_others=self.retry_after_all_others,
            ),
            ring_timeout_us=self.ring_timeout_s * SECOND_US,
            hours=parse_hours(self.hours),
            amd=self.amd,
            flow=self.flow if self.call_flow is None else self.call_flow.name,
            flow_spec=None if self.call_flow is None else self.call_flow.to_domain(version=version),
            dnc_lists=tuple(self.dnc_lists),
            version=version,
            pacing=(self.pacing or PacingSection()).to_domain(),
            preview=(self.preview or PreviewSection()).to_domain(),
            dispositions=self.disposition_rules(),
            dnc_target=self._dnc_target,
            callback_early_us=self.callback_early_s * SECOND_US,
            personal_wait_us=self.personal_wait_s * SECOND_US,
        )

    def disposition_rules(self) -> tuple[DispositionRule, ...]:
        """The campaign's set of dispositions."""
        if self.dispositions is None:
            return DEFAULT_DISPOSITIONS
        return tuple(row.to_domain() for row in self.dispositions)

    def selection(self) -> Selection:
        """Which contacts of its lists the campaign dials, and in which order."""
        return Selection(self.order, self.order_by or "", contact_filter(self.filter, self.filter_match))

    def flow_queues(self) -> tuple[str, ...]:
        """Queues whose agents the campaign's flow asks for."""
        steps = () if self.call_flow is None else self.call_flow.to_domain().steps
        return tuple(sorted({step.queue for step in steps if isinstance(step, QueueStep)}))

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
