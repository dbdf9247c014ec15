"""What every actor of one dialer must know at birth: where the facts are, what time it is, and the law."""

from __future__ import annotations

import time

from dialer.domain.message import message
from dialer.domain.specs import LegalRules


@message
class Deployment:
    """One dialer on one Ray cluster. Sent to every actor; holds no secret.

    Dialler time runs ``speed`` times as fast as the wall clock and was ``start_us`` at ``origin_us`` of the latter.
    """

    namespace: str
    data: str  #: data directory on the node of the store
    rules: LegalRules
    start_us: int
    origin_us: int
    speed: float = 1.0
    seed: int = 1
    pace_s: float = 0.005  #: least wall time between two steps of a host, so that messages gather into batches
    tick_s: float = 0.02  #: the same for schedulers


class Clock:
    """Dialler time. Never steps back, whatever the wall clock does.

    Args:
        deployment: Start and speed.
    """

    def __init__(self, deployment: Deployment) -> None:
        self._start_us = deployment.start_us
        self._origin_us = deployment.origin_us
        self._speed = deployment.speed
        self._last_us = 0

    def now_us(self) -> int:
        """UTC microseconds of dialler time."""
        wall_us = time.time_ns() // 1_000
        self._last_us = max(self._last_us, self._start_us + round((wall_us - self._origin_us) * self._speed))
        return self._last_us

    def wall_s(self, dialler_us: int) -> float:
        """Wall seconds that a span of dialler time takes."""
        return dialler_us / 1e6 / self._speed


def wall_us() -> int:
    """The wall clock, UTC microseconds: the origin of a new deployment."""
    return time.time_ns() // 1_000
