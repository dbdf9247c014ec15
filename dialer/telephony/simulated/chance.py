"""Keyed chance: a draw is a function of (seed, who, which), never of what was drawn before.

Two simulations with the same seed therefore meet the same people, whatever their policies, crashes and order of
arrival (common random numbers), which is what makes two policies comparable. The generator is splitmix64 in plain
integers. Durations come from quantile tables rounded to whole microseconds, so a draw costs no floating point.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

_MASK = 0xFFFF_FFFF_FFFF_FFFF
_GOLDEN = 0x9E37_79B9_7F4A_7C15
_TABLE_BITS = 10
_STEPS = 1 << _TABLE_BITS
_FRACTION_BITS = 20
_FRACTION = (1 << _FRACTION_BITS) - 1
_TABLE_SHIFT = 64 - _TABLE_BITS
_FRACTION_SHIFT = _TABLE_SHIFT - _FRACTION_BITS
_ONE = 1 << 32
_CV_LIMIT_RATIO = 3.0


def mix(value: int) -> int:
    """The splitmix64 finaliser.

    Args:
        value: Any integer; its low 64 bits count.

    Returns:
        64 well mixed bits.
    """
    value &= _MASK
    value = ((value ^ (value >> 30)) * 0xBF58_476D_1CE4_E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D0_49BB_1331_11EB) & _MASK
    return value ^ (value >> 31)


@lru_cache(maxsize=16)
def _seed_key(seed: int) -> int:
    return mix(seed + _GOLDEN)


def key(seed: int, who: int | str) -> int:
    """The 64-bit key of one entity under one seed.

    Args:
        seed: Seed of the run, any integer.
        who: Attempt id, or a name.
    """
    folded = _seed_key(seed)
    if isinstance(who, int):
        return mix(folded ^ (who & _MASK))
    data = who.encode()
    for at in range(0, len(data), 8):
        folded = mix(folded ^ int.from_bytes(data[at : at + 8], "little"))
    return mix(folded ^ len(data))


def draw(entity_key: int, index: int) -> int:
    """The draw number ``index`` (0 or more) of an entity: 64 bits, uniform."""
    value = (entity_key + (index + 1) * _GOLDEN) & _MASK  # mix, written out: this is the hottest line of a simulation
    value = ((value ^ (value >> 30)) * 0xBF58_476D_1CE4_E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D0_49BB_1331_11EB) & _MASK
    return value ^ (value >> 31)


def below(bits: int, ratio: float) -> bool:
    """True for a share ``ratio`` (0-1) of all draws."""
    return bits >> 32 < threshold(ratio)


def threshold(ratio: float) -> int:
    """The bound of a draw's upper 32 bits that lets a share ``ratio`` (0-1) through."""
    return round(ratio * _ONE)


@dataclass(frozen=True, slots=True)
class Spread:
    """A duration that varies: lognormal, the usual shape of ring, talk and wrap-up times.

    Args:
        mean_us: Mean in microseconds, 0 or more.
        cv_ratio: Standard deviation over mean, 0 to 3; 0 makes it constant.
    """

    mean_us: int
    cv_ratio: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        if self.mean_us < 0 or not 0.0 <= self.cv_ratio <= _CV_LIMIT_RATIO:
            msg = f"a spread wants mean_us >= 0 and cv_ratio from 0 to 3, not {self.mean_us} and {self.cv_ratio}"
            raise ValueError(msg)


@lru_cache(maxsize=256)
def quantiles(spread: Spread) -> tuple[int, ...]:
    """The table from which a spread is drawn: durations at equally likely steps, ascending.

    The tails end at the 1/2048 quantiles; the table is scaled so that draws keep the declared mean.
    """
    if spread.cv_ratio == 0.0 or spread.mean_us == 0:
        return (spread.mean_us,) * (_STEPS + 1)
    sigma = math.sqrt(math.log1p(spread.cv_ratio * spread.cv_ratio))
    normal = NormalDist()
    edge = 0.5 / _STEPS
    raw = [math.exp(sigma * normal.inv_cdf(min(max(i / _STEPS, edge), 1.0 - edge))) for i in range(_STEPS + 1)]
    mean = (sum(raw) - (raw[0] + raw[-1]) / 2) / _STEPS
    return tuple(round(spread.mean_us * value / mean) for value in raw)


def pick(table: tuple[int, ...], bits: int) -> int:
    """Turn a 64-bit draw into a duration of the table.

    Args:
        table: From ``quantiles``.
        bits: From ``draw``.

    Returns:
        Microseconds, linear between two steps of the table.
    """
    at = bits >> _TABLE_SHIFT
    low = table[at]
    return low + (((table[at + 1] - low) * ((bits >> _FRACTION_SHIFT) & _FRACTION)) >> _FRACTION_BITS)
