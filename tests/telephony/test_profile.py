"""Facts about carrier profiles and the keyed draws under them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dialer.errors import ConfigError
from dialer.telephony.simulated.chance import Spread, below, draw, key, mix, pick, quantiles
from dialer.telephony.simulated.profile import profile_by_name, profile_names


def test_splitmix_reference() -> None:
    """The generator is splitmix64: its first outputs from seed 0 are the published ones."""
    assert draw(0, 0) == 0xE220_A839_7B1D_CDAF
    assert draw(0, 1) == 0x6E78_9E6A_A1B9_65F4
    assert mix(1 << 64) == mix(0)


def test_keys_differ() -> None:
    """Seeds, ids and names each change the key."""
    keys = {key(seed, who) for seed in range(20) for who in (1, 2, 3, "a", "b", "agent-00001", "agent-00002", "a\0")}
    assert len(keys) == 160


@pytest.mark.parametrize("spread", [Spread(120_000_000, 0.8), Spread(9_000_000, 0.39), Spread(5_000_000)])
def test_draws_keep_the_mean(spread: Spread) -> None:
    """Draws have the declared mean within 2 %, and a spread only where one is declared."""
    table = quantiles(spread)
    drawn = [pick(table, draw(key(1, who), 0)) for who in range(20_000)]
    assert abs(sum(drawn) / len(drawn) / spread.mean_us - 1) < 0.02
    assert (len(set(drawn)) > 1) == (spread.cv_ratio > 0)
    assert list(table) == sorted(table)


def test_below_share() -> None:
    """A share of draws lets that share through; 0 none, 1 all."""
    drawn = [draw(key(2, who), 0) for who in range(20_000)]
    assert abs(sum(below(bits, 0.3) for bits in drawn) / len(drawn) - 0.3) < 0.01
    assert not any(below(bits, 0.0) for bits in drawn)
    assert all(below(bits, 1.0) for bits in drawn)


def test_spread_refuses_nonsense() -> None:
    """A negative mean or spread is refused."""
    with pytest.raises(ValueError, match="mean_us"):
        Spread(-1)
    with pytest.raises(ValueError, match="cv_ratio"):
        Spread(1, -0.1)


def test_presets_have_their_names() -> None:
    """Every preset is found under its own name, and those that are promised exist."""
    assert {"typical", "eager", "instant", "quiet", "faulty"} <= set(profile_names())
    assert all(profile_by_name(name).name == name for name in profile_names())


def test_unknown_profile_lists_the_names() -> None:
    """An unknown name is an operator's error that says which names there are."""
    with pytest.raises(ConfigError, match=r"use one of: .*eager.*typical"):
        profile_by_name("nope")


def test_bad_profiles_are_refused() -> None:
    """Shares must add up to 1, hours must be 24, lateness a share."""
    typical = profile_by_name("typical")
    with pytest.raises(ConfigError, match="add up to 1"):
        replace(typical, person_ratio=0.5)
    with pytest.raises(ConfigError, match="24 factors"):
        replace(typical, person_by_hour=(1.0,))
    with pytest.raises(ConfigError, match="late_ratio"):
        replace(typical, late_ratio=1.5)
