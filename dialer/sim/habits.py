"""How simulated agents work: shares and durations, and presets of them."""

from __future__ import annotations

from dataclasses import dataclass

from dialer.domain.specs import HOUR_US, MINUTE_US, SECOND_US
from dialer.errors import ConfigError
from dialer.telephony.simulated.chance import Spread

#: Codes a person closes a wrap-up with, and how often of 100.
DISPOSITIONS: tuple[tuple[str, int], ...] = (
    ("sale", 8),
    ("not_interested", 52),
    ("callback_asked", 20),
    ("wrong_person", 14),
    ("do_not_call", 6),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How a person works.

    ``hang_up_ratio`` is the share of calls (0-1) this person would end after a drawn ``hang_up_after``, if the
    callee has not by then. ``leave_at_us`` is the end of the shift, UTC microseconds; None for never. Of the contacts
    that are offered, the share ``undecided_ratio`` is left to the timer, and ``skip_ratio`` of the others is skipped.
    """

    wrap_up: Spread = Spread(30 * SECOND_US, 0.5)
    hang_up_ratio: float = 0.1
    hang_up_after: Spread = Spread(90 * SECOND_US, 0.8)
    takes_breaks: bool = True
    work: Spread = Spread(2 * HOUR_US, 0.2)  #: from coming back to wanting the next break
    rest: Spread = Spread(10 * MINUTE_US, 0.3)
    leave_at_us: int | None = None
    dispositions: tuple[tuple[str, int], ...] = DISPOSITIONS  #: (code, weight), weights above 0
    decide: Spread = Spread(8 * SECOND_US, 0.5)  #: from seeing a contact to dialling or skipping it
    skip_ratio: float = 0.1
    undecided_ratio: float = 0.05
    tune_ratio: float = 0.03  #: share of calls in which the person mutes itself, or holds the call, once
    tune_after: Spread = Spread(30 * SECOND_US, 0.5)
    tune_for: Spread = Spread(10 * SECOND_US, 0.5)
    callback_ratio: float = 0.3  #: share of contacts asking to be called again who name a time
    personal_ratio: float = 0.3  #: share of callbacks the person wants to make itself

    def __post_init__(self) -> None:
        """Refuse habits nobody can have.

        Raises:
            ConfigError: A share outside 0 to 1, or no code to choose.
        """
        for name in (
            "hang_up_ratio",
            "skip_ratio",
            "undecided_ratio",
            "tune_ratio",
            "callback_ratio",
            "personal_ratio",
        ):
            ratio = getattr(self, name)
            if not 0.0 <= ratio <= 1.0:
                msg = f"{name} must be from 0 to 1, not {ratio:g}"
                raise ConfigError(msg)
        if not self.dispositions or min(weight for _, weight in self.dispositions) <= 0:
            msg = "habits want at least one disposition, each with a weight above 0"
            raise ConfigError(msg)


_PRESETS = {
    "steady": Habits(
        wrap_up=Spread(30 * SECOND_US),
        hang_up_ratio=0.0,
        takes_breaks=False,
        decide=Spread(8 * SECOND_US),
        skip_ratio=0.0,
        undecided_ratio=0.0,
        tune_ratio=0.0,
        callback_ratio=0.0,
    ),
    "typical": Habits(),
    "lazy": Habits(
        wrap_up=Spread(50 * SECOND_US, 0.6),
        hang_up_ratio=0.2,
        work=Spread(HOUR_US, 0.3),
        rest=Spread(15 * MINUTE_US, 0.4),
        decide=Spread(14 * SECOND_US, 0.6),
        skip_ratio=0.2,
        undecided_ratio=0.15,
    ),
}


def habits_by_name(name: str) -> Habits:
    """The preset of that name: steady, typical or lazy.

    Raises:
        ConfigError: No such preset.
    """
    try:
        return _PRESETS[name]
    except KeyError:
        msg = f"no habits {name!r}; use one of: {', '.join(sorted(_PRESETS))}"
        raise ConfigError(msg) from None
