r"""Offers: contacts that an agent looks at, and dials or skips. No line is set aside meanwhile.

OFFERED --dial--> CONFIRMING --the ledger allows it--> READY --a line is free--> DIALLING
   \--skip--> (gone)    \--withdrawn--> (gone)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialer.domain import commands as c
from dialer.domain.calls import Call, Stage
from dialer.domain.events import Lease
from dialer.domain.message import Address, Envelope
from dialer.domain.roster import AgentCard, Hold
from dialer.domain.specs import SECOND_US
from dialer.domain.supply import CampaignCard

if TYPE_CHECKING:
    from dialer.domain.pool import Pool

#: An agent whose time to look is over answers within this time, or has lost the question.
DECISION_MARGIN_US = 10 * SECOND_US
#: The campaign says within this time whether the contact may be dialled; the agent waits no longer.
CONFIRM_PATIENCE_US = 10 * SECOND_US


class Offers:
    """The moves of calls that begin with a look at the contact.

    Args:
        pool: Whose calls and agents they are.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def show(self, lease: Lease, campaign: CampaignCard, agent: AgentCard, now_us: int, out: list[Envelope]) -> None:
        """Ask an agent to look at a contact."""
        look_us = campaign.opened.preview_us
        deadline_us = now_us + look_us + DECISION_MARGIN_US
        trunk = campaign.opened.trunk
        call = Call(lease.attempt_id, campaign.name, trunk, Stage.OFFERED, "", lease, deadline_us=deadline_us)
        self._pool.begin(call)
        # how long the promise lasts is counted from the decision
        promise_us = CONFIRM_PATIENCE_US + self._pool.promise_us(campaign)
        self._pool.ask(call, agent, now_us + promise_us, out, preview_us=look_us)

    def decided(self, call: Call, now_us: int, out: list[Envelope]) -> None:
        """The agent, or its timer, wants to dial: ask the campaign, which asks the ledger."""
        self._pool.calls.move(call, Stage.CONFIRMING, now_us + CONFIRM_PATIENCE_US)
        out.append(Envelope(Address("campaign", call.campaign), c.ConfirmOffer(call.attempt_id)))

    def skipped(self, call: Call, agent: AgentCard, out: list[Envelope]) -> None:
        """The agent does not want to dial; it says by itself that it is idle."""
        self._pool.roster.away(agent)
        call.agent = ""
        self._pool.drop(call, out)
        out.append(Envelope(Address("campaign", call.campaign), c.SkipOffer(call.attempt_id, agent.agent)))

    def confirmed(self, call: Call, lease: Lease) -> None:
        """The ledger has allowed it: dial as soon as there is a line, while the intent is good."""
        call.lease = lease
        self._pool.calls.move(call, Stage.READY, lease.not_after_us)

    def dial(self, now_us: int, out: list[Envelope]) -> None:
        """Dial what is ready, as far as there are lines."""
        pool = self._pool
        for call in pool.calls.ready():
            trunk = pool.trunks[call.trunk]
            if not trunk.asking and trunk.credits_free > 0:
                pool.line_up(call)
                pool.originate(call, now_us, out)

    def expects(self, call: Call | None, lease: Lease) -> bool:
        """Whether a lease is the answer to what an agent has decided."""
        return call is not None and call.stage is Stage.CONFIRMING and lease.intent_us > 0

    def decides(self, call: Call | None, agent: AgentCard) -> bool:
        """Whether an agent still has this contact to look at."""
        if call is None or call.stage is not Stage.OFFERED or call.agent != agent.agent:
            return False
        return agent.hold is Hold.ASKED and agent.attempt_id == call.attempt_id
