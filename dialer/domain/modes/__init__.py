"""Dialling modes: a file each, and the table that names them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dialer.domain.kinds import DialingMode
from dialer.domain.modes.agentless import Agentless
from dialer.domain.modes.base import Launch, Policy, View
from dialer.domain.modes.power import Power
from dialer.domain.modes.predictive import PredictiveMode
from dialer.domain.modes.preview import Preview
from dialer.domain.modes.progressive import Progressive
from dialer.domain.specs import PacingSpec

__all__ = ["POLICIES", "Launch", "Policies", "Policy", "View"]

#: Mode -> what makes the policy of a campaign.
Policies = Mapping[str, Callable[[PacingSpec], Policy]]

POLICIES: Policies = {
    DialingMode.AGENTLESS: lambda _spec: Agentless(),
    DialingMode.PREVIEW: lambda _spec: Preview(),
    DialingMode.PROGRESSIVE: lambda _spec: Progressive(),
    DialingMode.POWER: Power,
    DialingMode.PREDICTIVE: PredictiveMode,
}
