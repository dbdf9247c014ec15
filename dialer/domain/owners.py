"""Contacts that are for one agent alone: their lanes, and which agents to name to the scheduler.

A contact is an agent's own because the list maps it to the agent, or because it asked to be called by that agent.
Ten thousand agents may have contacts of their own, so nothing here looks at all of them after each message.
"""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterable, Iterator
from itertools import islice

from dialer.domain.lane import Lane
from dialer.domain.openhours import OpenHours
from dialer.domain.standing import Place, Standing


class Owners:
    """Lanes of single agents.

    Args:
        standing: Where each contact stands.
        hours: When contacts may be called.
        mapped: (contact, agent) of every contact that is mapped, in order.
    """

    def __init__(self, standing: Standing, hours: OpenHours, mapped: Iterable[tuple[int, str]]) -> None:
        self._standing = standing
        self._hours = hours
        self._lanes: dict[str, Lane] = {}
        self._touched: dict[str, None] = {}  #: agents whose lane has changed since the last look
        self._alarms: list[tuple[int, str]] = []  #: heap of when to look at a lane again
        self._alarm_us: dict[str, int] = {}  #: the earliest of each agent
        self._due: dict[
            str, None
        ] = {}  #: agents for whom something is due; if they are many, those told last are at the end
        self.news = False  #: there is an agent among them who was never told
        contacts: dict[str, array[int]] = {}
        for contact, agent in mapped:
            standing.move(contact, Place.MAPPED)
            contacts.setdefault(agent, array("I")).append(contact)
        for agent, own in contacts.items():
            self._lanes[agent] = Lane(standing, hours, own)
            self._touched[agent] = None

    def lane(self, agent: str) -> Lane:
        """The lane of an agent, to put something in or take something out."""
        lane = self._lanes.get(agent)
        if lane is None:
            lane = self._lanes[agent] = Lane(self._standing, self._hours, array("I"))
        self._touched[agent] = None
        return lane

    def lanes(self) -> Iterator[Lane]:
        """All lanes there are."""
        return iter(self._lanes.values())

    def knows(self, agent: str) -> bool:
        """True if the agent has, or had, a contact of its own."""
        return agent in self._lanes

    def touch_all(self) -> None:
        """Look at every lane again: the hours have changed."""
        self._touched = dict.fromkeys(self._lanes)

    def look(self, now_us: int) -> None:
        """Find out for whom something is due now."""
        while self._alarms and self._alarms[0][0] <= now_us:
            at_us, agent = heapq.heappop(self._alarms)
            self._touched[agent] = None
            if self._alarm_us.get(agent) == at_us:
                del self._alarm_us[agent]
        touched, self._touched = self._touched, {}
        for agent in touched:
            next_us = self._lanes[agent].next_us(now_us)
            if next_us == 0:
                if agent not in self._due:
                    self._due[agent] = None
                    self.news = True
                continue
            self._due.pop(agent, None)
            if next_us is not None and next_us < self._alarm_us.get(agent, next_us + 1):
                self._alarm_us[agent] = next_us
                heapq.heappush(self._alarms, (next_us, agent))

    def next_look_us(self) -> int | None:
        """When time alone makes something due for an agent."""
        return self._alarms[0][0] if self._alarms else None

    def names(self, limit: int) -> tuple[str, ...]:
        """Agents for whom something is due: all, or the next ``limit`` of them in turn."""
        self.news = False
        due = self._due
        if len(due) <= limit:
            return tuple(due)
        names = tuple(islice(due, limit))
        for agent in names:
            del due[agent]
            due[agent] = None
        return names

    def due(self) -> int:
        """For how many agents something is due."""
        return len(self._due)
