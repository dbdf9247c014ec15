"""What kind of world the simulated carrier reaches: who picks up, when, and for how long.

Presets (shares of attempts; every other field has its default unless the preset's comment says so):

========  ======  =======  =========  ====  ========================================================
name      person  machine  no answer  busy  remark
========  ======  =======  =========  ====  ========================================================
typical   0.25    0.25     0.35       0.06  a consumer list; ring 9 s, talk 120 s
daily     0.25    0.25     0.35       0.06  typical, but fewer people are at home in the morning
eager     0.70    0.10     0.12       0.03  people who expect the call
instant   1.00    0        0          0     answers at once, talks 1 s: measures the dialer alone
quiet     0.05    0.05     0.85       0.03  mostly rings out
faulty    0.22    0.20     0.32       0.05  congestion 0.10; one call in ten reacts seconds late
========  ======  =======  =========  ====  ========================================================
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from dialer.domain.specs import SECOND_US
from dialer.errors import ConfigError
from dialer.telephony.simulated.chance import Spread
from dialer.telephony.simulated.listening import USUAL_MANNERS, Manners

_HOURS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierProfile:
    """One world. The eight shares add up to 1; a call that was not answered otherwise rings out.

    ``person_by_hour`` scales ``person_ratio`` by the hour of the day in UTC (24 factors, 0 to 1); who is not at home
    then does not answer. Empty means the same at all hours.
    """

    name: str
    person_ratio: float
    machine_ratio: float
    no_answer_ratio: float
    busy_ratio: float = 0.0
    invalid_ratio: float = 0.0
    rejected_ratio: float = 0.0
    congestion_ratio: float = 0.0
    failed_ratio: float = 0.0
    person_by_hour: tuple[float, ...] = ()
    ring: Spread = Spread(9 * SECOND_US, 0.39)  #: dialling to pick-up: 9 s, deviation 3.5 s
    failure: Spread = Spread(SECOND_US, 0.5)  #: dialling to a refusal of the network or the called side
    detection: Spread = Spread(1_100_000, 0.13)  #: pick-up to the verdict on a person, mostly 0.8 to 1.5 s
    machine_detection: Spread = Spread(2_500_000, 0.3)  #: pick-up to the verdict on a machine
    patience: Spread = Spread(5 * SECOND_US, 0.4)  #: pick-up to hanging up on silence
    talk: Spread = Spread(120 * SECOND_US, 0.8)  #: join to the callee's hang-up
    greeting: Spread = Spread(20 * SECOND_US, 0.3)  #: pick-up to the machine's own end
    flow: Spread = Spread(25 * SECOND_US, 0.6)  #: how long a person listens to a flow
    bridge_us: int = 0  #: order to join until both hear each other
    manners: Manners = USUAL_MANNERS  #: what people do in a flow
    message_us: int = 4 * SECOND_US  #: length of a recording played before clearing
    late_ratio: float = 0.0  #: share of calls on which the carrier reacts late to every order
    lateness: Spread = Spread(2 * SECOND_US, 0.8)  #: how late, on those calls

    def __post_init__(self) -> None:
        """Refuse a world that cannot be.

        Raises:
            ConfigError: Shares are negative or do not add up to 1, or there are not 24 hours.
        """
        shares = self.shares()
        if min(shares) < 0.0 or not math.isclose(sum(shares), 1.0, abs_tol=1e-9):
            msg = f"carrier profile {self.name}: the shares must be 0 or more and add up to 1, not {sum(shares):g}"
            raise ConfigError(msg)
        hours = self.person_by_hour
        if hours and (len(hours) != _HOURS or min(hours) < 0.0 or max(hours) > 1.0):
            msg = f"carrier profile {self.name}: person_by_hour wants 24 factors from 0 to 1, or none"
            raise ConfigError(msg)
        if not 0.0 <= self.late_ratio <= 1.0 or min(self.bridge_us, self.message_us) < 0:
            msg = f"carrier profile {self.name}: late_ratio must be 0 to 1, bridge_us and message_us 0 or more"
            raise ConfigError(msg)

    def shares(self) -> tuple[float, ...]:
        """Machine, busy, invalid, rejected, congestion, failed, person, no answer: the order of drawing.

        People stand beside those who do not answer, so that the hour of the day moves nobody else.
        """
        return (
            self.machine_ratio,
            self.busy_ratio,
            self.invalid_ratio,
            self.rejected_ratio,
            self.congestion_ratio,
            self.failed_ratio,
            self.person_ratio,
            self.no_answer_ratio,
        )


_TYPICAL = CarrierProfile(
    name="typical",
    person_ratio=0.25,
    machine_ratio=0.25,
    no_answer_ratio=0.35,
    busy_ratio=0.06,
    invalid_ratio=0.04,
    rejected_ratio=0.02,
    congestion_ratio=0.02,
    failed_ratio=0.01,
)

# Factors for a list of North American homes: best in the evening there, which is past midnight in UTC.
_AT_HOME_UTC = (1.0, 1.0, 0.9, 0.7, 0.5, 0.3, 0.2, 0.1, 0.1, 0.1, 0.2, 0.3)
_AT_WORK_UTC = (0.4, 0.5, 0.5, 0.6, 0.6, 0.6, 0.6, 0.6, 0.7, 0.7, 0.8, 0.9)

_PRESETS = {
    preset.name: preset
    for preset in (
        _TYPICAL,
        replace(_TYPICAL, name="daily", person_by_hour=_AT_HOME_UTC + _AT_WORK_UTC),
        CarrierProfile(
            name="eager",
            person_ratio=0.70,
            machine_ratio=0.10,
            no_answer_ratio=0.12,
            busy_ratio=0.03,
            invalid_ratio=0.02,
            rejected_ratio=0.01,
            congestion_ratio=0.01,
            failed_ratio=0.01,
        ),
        CarrierProfile(
            name="instant",
            person_ratio=1.0,
            machine_ratio=0.0,
            no_answer_ratio=0.0,
            ring=Spread(0),
            detection=Spread(0),
            patience=Spread(30 * SECOND_US),  # long, so that a loaded machine is not blamed on the callee
            talk=Spread(SECOND_US),
            flow=Spread(SECOND_US),
        ),
        CarrierProfile(
            name="quiet",
            person_ratio=0.05,
            machine_ratio=0.05,
            no_answer_ratio=0.85,
            busy_ratio=0.03,
            invalid_ratio=0.01,
            congestion_ratio=0.01,
        ),
        CarrierProfile(
            name="faulty",
            person_ratio=0.22,
            machine_ratio=0.20,
            no_answer_ratio=0.32,
            busy_ratio=0.05,
            invalid_ratio=0.04,
            rejected_ratio=0.02,
            congestion_ratio=0.10,
            failed_ratio=0.05,
            bridge_us=200_000,
            late_ratio=0.1,
        ),
    )
}


def profile_names() -> tuple[str, ...]:
    """Names of the presets, sorted."""
    return tuple(sorted(_PRESETS))


def profile_by_name(name: str) -> CarrierProfile:
    """The preset of that name.

    Raises:
        ConfigError: No such preset.
    """
    try:
        return _PRESETS[name]
    except KeyError:
        msg = f"no carrier profile {name!r}; use one of: {', '.join(profile_names())}"
        raise ConfigError(msg) from None
