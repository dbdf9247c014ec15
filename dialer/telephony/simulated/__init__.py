"""A carrier that exists only as a seeded machine: for demos, load tests and simulation."""

from __future__ import annotations

from dialer.telephony.simulated.backend import SimulatedBackend
from dialer.telephony.simulated.carrier import Carrier
from dialer.telephony.simulated.profile import CarrierProfile, profile_by_name, profile_names

__all__ = ["Carrier", "CarrierProfile", "SimulatedBackend", "profile_by_name", "profile_names"]
