"""What can go wrong in a simulated world, and how often."""

from __future__ import annotations

from dialer.domain.message import message
from dialer.domain.specs import SECOND_US
from dialer.errors import ConfigError


@message
class FaultPlan:
    """Chances per delivery (0 to 1), and mean times between accidents of the whole world (0 for never)."""

    lost: float = 0.0  #: the delivery, or its acknowledgement
    duplicated: float = 0.0
    delayed: float = 0.0
    delay_us: int = 2 * SECOND_US  #: longest delay
    crash_every_us: int = 0  #: any actor stops at once and is restarted
    freeze_every_us: int = 0  #: any actor stands still, is replaced, and comes back as a zombie
    down_us: int = 5 * SECOND_US  #: longest time until a replacement is there

    @property
    def none(self) -> bool:
        """True if nothing can go wrong."""
        return not (self.lost or self.duplicated or self.delayed or self.crash_every_us or self.freeze_every_us)


_PLANS = {
    "none": FaultPlan(),
    "light": FaultPlan(
        lost=0.001, duplicated=0.001, delayed=0.002, crash_every_us=1800 * SECOND_US, freeze_every_us=7200 * SECOND_US
    ),
    "heavy": FaultPlan(
        lost=0.02, duplicated=0.02, delayed=0.03, crash_every_us=45 * SECOND_US, freeze_every_us=180 * SECOND_US
    ),
}


def plan_by_name(name: str) -> FaultPlan:
    """The preset of that name: none, light or heavy.

    Raises:
        ConfigError: No such preset.
    """
    try:
        return _PLANS[name]
    except KeyError:
        msg = f"no faults {name!r}; use one of: {', '.join(_PLANS)}"
        raise ConfigError(msg) from None
