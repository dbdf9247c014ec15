"""Reference figures: Erlang for a blind rate, renewal arithmetic for progressive dialling."""

from __future__ import annotations

import pytest

from dialer.domain.pacing.bounds import blind_utilisation, progressive_utilisation


def test_a_progressive_agent_talks_forty_minutes_an_hour():
    assert progressive_utilisation(150.0, 0.25, 21.6, 9.0) == pytest.approx(0.67, abs=0.005)
    assert progressive_utilisation(150.0, 1.0, 21.6, 0.0) == 1.0


@pytest.mark.parametrize(
    ("agents", "at_once", "within_2_s"),
    [
        (1, 0.03, 0.03),
        (5, 0.364, 0.369),
        (10, 0.536, 0.543),
        (25, 0.717, 0.727),
        (50, 0.813, 0.824),
        (300, 0.945, 0.956),
    ],
)
def test_a_blind_rate_needs_a_large_pool(agents, at_once, within_2_s):
    """Published figures: 150 s of handling, 3 % abandoned."""
    assert blind_utilisation(agents, 150.0, 0.03, 0.0) == pytest.approx(at_once, abs=0.0015)
    assert blind_utilisation(agents, 150.0, 0.03, 2.0) == pytest.approx(within_2_s, abs=0.0015)
