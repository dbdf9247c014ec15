"""Agents, as many as share one actor; and the simulated people at their desks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from dialer.actors.base import HostActor
from dialer.actors.births import Enlisted
from dialer.domain.agent import AgentMachine
from dialer.domain.events import DeskUpdated
from dialer.domain.message import Address, Machine
from dialer.domain.specs import AgentSpec
from dialer.sim.people import Person, habits_by_name


class AgentActor(HostActor):
    """Hosts agents."""

    async def make(self, enlisted: Enlisted) -> Sequence[Machine]:
        """A reborn agent first asks its trunks for its call."""
        reborn = enlisted.epoch > 1
        return [AgentMachine(spec, epoch=enlisted.epoch, reborn=reborn) for spec in enlisted.birth.specs]

    async def join(self, spec: AgentSpec) -> None:
        """Add an agent to those of this actor."""
        await self._ready.wait()
        machine = AgentMachine(spec, epoch=self.host.inbox.epoch, reborn=False)
        if machine.address not in self.host.machines:
            self.host.add([machine])

    async def desk(self, agent: str) -> DeskUpdated:
        """What the desk of an agent shows."""
        await self._ready.wait()
        machine = self.host.machines[Address("agent", agent)]
        assert isinstance(machine, AgentMachine)  # noqa: S101 - by its address
        return machine.desk()

    def view(self) -> dict[str, str]:
        """Agent -> state."""
        agents = (machine for machine in self.host.machines.values() if isinstance(machine, AgentMachine))
        return {agent.spec.agent: agent.state.value for agent in agents}


class DeskActor(HostActor):
    """Hosts simulated people."""

    async def make(self, enlisted: Enlisted) -> Sequence[Machine]:
        """People with the habits of the birth."""
        habits = habits_by_name(enlisted.birth.habits)
        return [Person(agent, self.deployment.seed, habits) for agent in enlisted.birth.agents]

    def view(self) -> dict[str, int]:
        """State on the desk -> people."""
        people = (machine for machine in self.host.machines.values() if isinstance(machine, Person))
        return dict(Counter("" if person.state is None else person.state.value for person in people))
