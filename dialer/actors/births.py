"""Births: what the store keeps of each host, so that a new incarnation knows what it is.

A birth is one document of the catalogue, under the host's address. The director writes it before it starts the actor
and changes it when agents join; the actor reads it when it enlists, at its first start and after every crash.
"""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from dialer.domain.attempts import RunHistory
from dialer.domain.message import Address, message
from dialer.domain.specs import AgentSpec, CampaignSpec, PoolSpec, TrunkSpec

#: Kind of the documents in the catalogue.
KIND = "host"


@message
class TrunkBirth:
    """A trunk and the world that the simulated carrier reaches."""

    spec: TrunkSpec
    profile: str


@message
class PoolBirth:
    """The scheduler of a pool."""

    spec: PoolSpec


@message
class AgentsBirth:
    """Agents that share one actor."""

    specs: tuple[AgentSpec, ...]


@message
class DesksBirth:
    """Simulated people who share one actor."""

    agents: tuple[str, ...]
    habits: str


@message
class CampaignBirth:
    """One run of a campaign."""

    run_no: int
    spec: CampaignSpec
    contacts: str  #: path of its scrubbed file


@message
class Enlisted:
    """The store's answer to a host that starts: who it is, what it is, and what its predecessors have done."""

    epoch: int
    birth: Any
    history: RunHistory | None  #: campaigns only


_ADAPTERS: dict[str, TypeAdapter[Any]] = {
    "trunk": TypeAdapter(TrunkBirth),
    "scheduler": TypeAdapter(PoolBirth),
    "agents": TypeAdapter(AgentsBirth),
    "desks": TypeAdapter(DesksBirth),
    "campaign": TypeAdapter(CampaignBirth),
}


def to_doc(host: Address, birth: Any) -> dict[str, Any]:
    """A birth as a document of the catalogue."""
    return dict(_ADAPTERS[host.kind].dump_python(birth, mode="json"))


def from_doc(host: Address, doc: dict[str, Any]) -> Any:
    """The birth in a document of the catalogue."""
    return _ADAPTERS[host.kind].validate_python(doc)


def machines_of(host: Address, birth: Any) -> tuple[Address, ...]:
    """Addresses of the machines a host holds."""
    if isinstance(birth, AgentsBirth):
        return tuple(Address("agent", spec.agent) for spec in birth.specs)
    if isinstance(birth, DesksBirth):
        return tuple(Address("desk", agent) for agent in birth.agents)
    return (host,)
