"""Births: what the store keeps of a host is read back equal, through JSON, for every class of birth."""

import json
from dataclasses import fields

import pytest

from dialer.actors import births
from dialer.actors.births import AgentsBirth, CampaignBirth, DesksBirth, PoolBirth, TrunkBirth, from_doc, to_doc
from dialer.domain.kinds import DialingMode, Outcome
from dialer.domain.message import Address
from dialer.domain.specs import AgentSpec, CampaignSpec, PoolSpec, RetryRule, Span, TrunkSpec, WeeklyHours

CAMPAIGN = CampaignSpec(
    "spring",
    DialingMode.AGENTLESS,
    "main",
    "trunk-1",
    None,
    12125550100,
    priority=2,
    concurrency=7,
    retry=RetryRule(4, 60_000_000, ((Outcome.BUSY, 5_000_000),), (Outcome.CONNECTED,)),
    ring_timeout_us=20_000_000,
    hours=WeeklyHours((Span(0, 540, 1020), Span(6, 600, 720))),
    amd=True,
    flow="notice",
    dnc_lists=("company", "state"),
    version=9,
)
AGENTS = (
    AgentSpec("a1", "main", ("sales", "service"), ("trunk-1",), 45_000_000),
    AgentSpec("a2", "main", ("sales",), ()),
)
BIRTHS = {
    Address("trunk", "trunk-1"): TrunkBirth(TrunkSpec("trunk-1", 30, 5, ("1", "44")), "eager"),
    Address("scheduler", "main"): PoolBirth(PoolSpec("main", ("trunk-1",), ("a1",), ("spring",), 1_500_000, 60_000)),
    Address("agents", "main-0"): AgentsBirth(AGENTS),
    Address("desks", "main-0"): DesksBirth(("a1", "a2"), "lazy"),
    Address("campaign", "spring"): CampaignBirth(3, CAMPAIGN, "/data/runs/spring/3/contacts.arrow"),
}


def test_there_is_an_example_of_every_birth():
    """The cases below are all classes that a host can be born as."""
    classes = {value for name, value in vars(births).items() if name.endswith("Birth")}
    assert {type(birth) for birth in BIRTHS.values()} == classes


@pytest.mark.parametrize("host", BIRTHS, ids=str)
def test_a_birth_reads_back_equal(host):
    """Equal, of the same class, and with tuples where machines expect tuples: they are compared and hashed."""
    birth = BIRTHS[host]
    back = from_doc(host, json.loads(json.dumps(to_doc(host, birth))))
    assert back == birth
    assert type(back) is type(birth)
    for field in fields(birth):
        assert type(getattr(back, field.name)) is type(getattr(birth, field.name))
    assert hash(back) == hash(birth)


def test_shared_hosts_name_the_machines_they_hold():
    """Agents and desks live in shared hosts; every other machine is its own host."""
    held = {host: births.machines_of(host, birth) for host, birth in BIRTHS.items()}
    assert held[Address("agents", "main-0")] == (Address("agent", "a1"), Address("agent", "a2"))
    assert held[Address("desks", "main-0")] == (Address("desk", "a1"), Address("desk", "a2"))
    assert all(machines == (host,) for host, machines in held.items() if host.kind not in {"agents", "desks"})
