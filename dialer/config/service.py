"""The service file: what ``dialer up`` starts."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from dialer.config.fields import E164, AutoDncSection, CapSection, Section, Slug
from dialer.config.trunk import TrunkSection
from dialer.domain.ids import mask_number
from dialer.domain.kinds import PriorityPolicy
from dialer.domain.specs import AgentSpec
from dialer.errors import ConfigError
from dialer.yamlfile import read_model

DEFAULT_POOL = "main"


class QueueSection(Section):
    """One queue of agents."""

    name: Slug = Field(description="Slug. Required; campaigns name it.")
    pool: Slug = Field(default=DEFAULT_POOL, description="Slug, default main. Pools share only trunks and the store.")


class PoolSection(Section):
    """One pool of agents."""

    name: Slug = Field(description="Slug. Required; queues name it.")
    priority_policy: PriorityPolicy = Field(
        default=PriorityPolicy.STRICT,
        description="strict: a campaign dials only when none of higher priority has anything to dial, the default; "
        "shares: agents are divided in proportion to the priorities.",
    )


class AgentSection(Section):
    """One agent."""

    name: Slug = Field(description="Slug. Required.")
    queues: list[Slug] = Field(min_length=1, description="Queues that the agent serves, all of one pool. Required.")
    outbound: bool = Field(
        default=True, description="May take campaign calls, default true; an agent for inbound calls gets none."
    )


class NumberSection(Section):
    """One telephone number of the operator."""

    number: E164 = Field(description="E.164. Required.")
    direction: Literal["outbound", "inbound", "both"] = Field(
        default="both",
        description="What it is for, default both. Campaigns show only numbers for outbound or both as caller ID.",
    )


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

    pools: list[PoolSection] = Field(default=[], description="Pools that differ from the default, default none.")
    numbers: list[NumberSection] = Field(
        default=[], description="Numbers that campaigns may show; default none, and any caller ID may be shown."
    )
    agents: list[AgentSection] = Field(default=[], description="Agents; others can be declared by the API.")
    auto_dnc: AutoDncSection | None = Field(
        default=None, description="Put numbers that are never reached on a do-not-call list, default not."
    )

    @model_validator(mode="after")
    def _names_once(self) -> ServiceFile:
        """Names identify."""
        named = {
            "trunk": [one.name for one in self.trunks],
            "queue": [one.name for one in self.queues],
            "pool": [one.name for one in self.pools],
            "agent": [one.name for one in self.agents],
        }
        for kind, names in named.items():
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                msg = f"{kind} {twice!r} is given twice; names must differ"
                raise ValueError(msg)
        if len({one.number for one in self.numbers}) < len(self.numbers):
            msg = "a number is given twice; keep one"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _names_known(self) -> ServiceFile:
        """Pools have queues, and agents serve queues of one pool."""
        pools = {queue.name: queue.pool for queue in self.queues}
        for pool in self.pools:
            if pool.name not in {*pools.values(), DEFAULT_POOL}:
                msg = f"pool {pool.name!r} has no queue; name it in one, or remove it"
                raise ValueError(msg)
        for agent in self.agents:
            unknown = next((name for name in agent.queues if name not in pools), None)
            if unknown is not None:
                msg = f"agent {agent.name!r}: there is no queue {unknown!r}; add it to queues"
                raise ValueError(msg)
            if len({pools[name] for name in agent.queues}) > 1:
                msg = f"agent {agent.name!r}: its queues must all be of one pool"
                raise ValueError(msg)
        return self

    def priority_policy(self, pool: str) -> PriorityPolicy:
        """How the agents of a pool are divided among its campaigns."""
        return next((one.priority_policy for one in self.pools if one.name == pool), PriorityPolicy.STRICT)

    def caller_ids(self) -> tuple[int, ...]:
        """Numbers that campaigns may show, in the order of the file; empty if any may be shown."""
        return tuple(one.number for one in self.numbers if one.direction != "inbound")

    def check_caller_id(self, caller_id: int) -> None:
        """Refuse a caller ID that is not a number for outbound calls.

        Raises:
            ConfigError: Numbers are given, and it is none of them, or one for inbound calls alone.
        """
        if self.numbers and caller_id not in self.caller_ids():
            msg = f"caller_id {mask_number(caller_id)} is not one of the numbers for outbound calls; add it to them"
            raise ConfigError(msg)

    def agent_specs(self) -> tuple[AgentSpec, ...]:
        """The agents of the file; each may be in calls of every trunk."""
        pools = {queue.name: queue.pool for queue in self.queues}
        trunks = tuple(trunk.name for trunk in self.trunks)
        return tuple(
            AgentSpec(one.name, pools[one.queues[0]], tuple(one.queues), trunks, outbound=one.outbound)
            for one in self.agents
        )


def load_service(path: Path) -> ServiceFile:
    """Read a service file.

    Raises:
        ConfigError: It cannot be used; the line says where, why and what is allowed.
    """
    return read_model(path, ServiceFile)
