"""Which actor hosts which agents: pure arithmetic over the number of agents and processors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dialer.errors import ConfigError

#: Agent actors for each processor of the cluster: an actor is a process of about 60 MB.
ACTORS_PER_CPU = 8

AUTO = "auto"


def parse_per_actor(text: str) -> int | str:
    """The number of agents in one actor: ``auto`` or a number from 1.

    Raises:
        ConfigError: It is neither.
    """
    if text == AUTO:
        return AUTO
    if text.isdecimal() and int(text) >= 1:
        return int(text)
    msg = f"agents per actor must be auto or a number from 1, not {text!r}"
    raise ConfigError(msg)


def spread(agents: int, *, per_actor: int | str, cpus: int) -> list[int]:
    """How many agents go into each new actor.

    Args:
        agents: Agents to place, from 0.
        per_actor: ``auto``: one each while there is room, packed evenly beyond that; or how many at most.
        cpus: Processors of the cluster.

    Returns:
        The size of each actor; sizes differ by one at most.
    """
    if agents == 0:
        return []
    room = max(1, ACTORS_PER_CPU * cpus)
    actors = min(agents, room) if isinstance(per_actor, str) else -(-agents // per_actor)
    least, more = divmod(agents, actors)
    return [least + 1] * more + [least] * (actors - more)


def place_one(sizes: Mapping[str, int], *, per_actor: int | str, cpus: int) -> str | None:
    """Where one more agent goes.

    Args:
        sizes: Agents in each actor.
        per_actor: As for ``spread``.
        cpus: Processors of the cluster.

    Returns:
        The emptiest actor that has room; None to start a new one.
    """
    if isinstance(per_actor, str):
        if len(sizes) < max(1, ACTORS_PER_CPU * cpus):
            return None
        return min(sizes, key=lambda name: (sizes[name], name))
    open_ones: Sequence[str] = [name for name, size in sizes.items() if size < per_actor]
    return min(open_ones, key=lambda name: (sizes[name], name)) if open_ones else None
