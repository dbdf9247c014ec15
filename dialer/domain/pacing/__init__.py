"""How fast to dial: leases ahead of demand, the abandonment budget, and the predictive controller.

``leasing`` says how many contacts to lease, ``budget`` how many people may still be abandoned, ``chance`` and
``durations`` estimate, ``caution`` learns how careful to be, and ``predictive`` decides.
"""

from dialer.domain.pacing.budget import Budget
from dialer.domain.pacing.leasing import LaunchRate, lease_target
from dialer.domain.pacing.predictive import Predictive
from dialer.domain.pacing.sight import Decision, Sight

__all__ = ["Budget", "Decision", "LaunchRate", "Predictive", "Sight", "lease_target"]
