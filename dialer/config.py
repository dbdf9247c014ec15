"""What an operator writes: the campaign file, the service file and the legal rule pack, checked and turned into specs.

Every field carries its unit, default and reason in its description, so that ``CampaignFile.model_json_schema()`` is
the reference. Seconds here become microseconds in ``domain/specs.py``; nothing else is computed.
"""

from __future__ import annotations

import importlib.resources
import json
import math
import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from dialer.domain.kinds import UNDIALLED, DialingMode, Outcome
from dialer.domain.specs import (
    SECOND_US,
    AgentSpec,
    CampaignSpec,
    CapRule,
    LegalRules,
    PoolSpec,
    RetryRule,
    TrunkSpec,
)
from dialer.domain.weekly import common_hours, parse_hours
from dialer.errors import ConfigError
from dialer.yamlfile import read_model

_DAY_S = 86_400
_FINAL = RetryRule().final
_RETRIED = {o.name.lower(): o for o in Outcome if o not in UNDIALLED and o not in _FINAL}


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
    if value not in _RETRIED:
        msg = f"no outcome that is tried again; use one of: {', '.join(_RETRIED)}"
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
    window_s: int = Field(ge=1, le=366 * _DAY_S, description="Seconds, to a year. Required. 604800 is seven days.")

    def to_domain(self) -> CapRule:
        """The rule in microseconds."""
        return CapRule(self.limit, self.window_s * SECOND_US)


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
        default=3600, ge=1, le=90 * _DAY_S, description="Seconds from the end of a call to the next try, default 3600."
    )
    retry_by_outcome: dict[RetriedOutcome, Annotated[int, Field(ge=1, le=90 * _DAY_S)]] = Field(
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
        needed, forbidden = ("flow", ("queue", "agents")) if agentless else ("queue", ("flow",))
        if getattr(self, needed) is None:
            msg = f"{needed} is missing; mode {self.mode.value} needs it"
            raise ValueError(msg)
        for name in forbidden:
            if getattr(self, name) is not None:
                msg = f"{name} does not go with mode {self.mode.value}; remove it"
                raise ValueError(msg)
        return self

    def to_domain(self, *, pool: str = "main", version: int = 1) -> CampaignSpec:
        """The campaign as its machine needs it.

        Args:
            pool: Pool of agents that the queue belongs to.
            version: Version of the campaign in the catalogue, from 1.
        """
        rests = tuple((_RETRIED[name], rest_s * SECOND_US) for name, rest_s in self.retry_by_outcome.items())
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
            flow=self.flow,
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


class QueueSection(Section):
    """One queue of agents."""

    name: Slug = Field(description="Slug. Required; campaigns name it.")
    pool: Slug = Field(default="main", description="Slug, default main. Pools share only trunks and the store.")


class ServiceFile(Section):
    """What ``dialer up`` starts."""

    data: Path = Field(default=Path("data"), description="Directory of all durable facts, default data. Back it up.")
    host: str = Field(default="127.0.0.1", description="Address of the API, default 127.0.0.1: open it knowingly.")
    port: int = Field(default=8000, ge=1, le=65_535, description="Port of the API, default 8000.")
    trunks: list[TrunkSection] = Field(default=[TrunkSection()], min_length=1, description="Default one, main.")
    queues: list[QueueSection] = Field(default=[], description="Queues and their pools, default none.")
    caps: list[CapSection] = Field(
        default=[], description="Attempt caps per number beside the legal ones, default none."
    )

    @model_validator(mode="after")
    def _names_once(self) -> ServiceFile:
        """Names identify."""
        for kind, names in (("trunk", [t.name for t in self.trunks]), ("queue", [q.name for q in self.queues])):
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                msg = f"{kind} {twice!r} is given twice; names must differ"
                raise ValueError(msg)
        return self


class HoursRow(Section):
    """One law on calling hours."""

    rule: str
    open: Hours
    source: str
    effective: date
    reviewer: str


class CapRow(CapSection):
    """One law on the number of attempts."""

    source: str
    effective: date
    reviewer: str


class RulePack(Section):
    """A file of ``dialer/rules``: the law as data."""

    version: str
    effective: date
    regions: list[str] = Field(min_length=1)
    more_zones: list[str] = []
    hours: list[HoursRow] = Field(min_length=1)
    caps: list[CapRow] = []


def load_campaign(path: Path) -> CampaignFile:
    """Read a campaign file.

    Raises:
        ConfigError: It cannot be used; the line says where, why and what is allowed.
    """
    return read_model(path, CampaignFile)


def load_service(path: Path) -> ServiceFile:
    """Read a service file.

    Raises:
        ConfigError: It cannot be used; the line says where, why and what is allowed.
    """
    return read_model(path, ServiceFile)


def load_rules(ttl_scale: float = 1.0, *, caps: tuple[CapRule, ...] = ()) -> LegalRules:
    """The legal rules of the United States for every zone of the covered regions; other zones may not be called.

    Args:
        ttl_scale: Factor on the time an intent stays valid, above 0: a clock that runs X times faster wants X.
        caps: The operator's caps, which apply beside the legal ones.

    Raises:
        ConfigError: ``ttl_scale`` is not above 0.
    """
    if not (ttl_scale > 0 and math.isfinite(ttl_scale)):
        msg = f"the scale of the intent's life must be above 0, not {ttl_scale:g}"
        raise ConfigError(msg)
    files = importlib.resources.files("dialer.rules")
    with importlib.resources.as_file(files.joinpath("us.yaml")) as path:
        pack = read_model(path, RulePack)
    table = json.loads(files.joinpath("nanp_zones.json").read_text(encoding="utf-8"))["area_codes"].values()
    zones = {zone for entry in table if entry["region"] in pack.regions for zone in entry["zones"]} | {*pack.more_zones}
    hours = parse_hours(pack.hours[0].open)
    for row in pack.hours[1:]:
        hours = common_hours(hours, parse_hours(row.open))
    return LegalRules(
        version=pack.version,
        hours_by_zone=tuple((zone, hours) for zone in sorted(zones)),
        caps=(*(row.to_domain() for row in pack.caps), *caps),
        intent_ttl_us=round(LegalRules("", ()).intent_ttl_us * ttl_scale),
    )
