"""Facts about the simulated back-end beyond the contract of all back-ends."""

from __future__ import annotations

import pytest

from dialer.telephony.simulated import SimulatedBackend, profile_by_name


@pytest.mark.parametrize("speed", [0.0, -1.0])
def test_speed_must_be_positive(speed: float) -> None:
    """Time that does not run is refused."""
    with pytest.raises(ValueError, match="above 0"):
        SimulatedBackend(profile_by_name("instant"), 1, lambda: 0, speed)
