"""What an agent holds: a contact it looks at, or the call it is promised to, talks in, or wraps up."""

from __future__ import annotations

from typing import NamedTuple

from dialer.domain.commands import SetDisposition
from dialer.domain.events import ContactCard
from dialer.domain.kinds import AgentState
from dialer.errors import InvariantError


class Call(NamedTuple):
    """The attempt an agent holds; ``attempt_id`` 0 for none."""

    attempt_id: int = 0
    campaign: str = ""  #: "" while a trunk that has adopted the call does not know it
    trunk: str = ""  #: known once the call is joined
    card: ContactCard | None = None  #: who the contact is, once the campaign has said
    promise_us: int = 0  #: of an offer: how long the promise lasts after the decision
    muted: bool = False
    held: bool = False
    early: SetDisposition | None = None  #: how it will be closed as soon as it ends

    def joined(self, attempt_id: int, campaign: str, trunk: str) -> Call:
        """The call a trunk says the agent is in; what is known of the contact is kept if it is this one."""
        if attempt_id != self.attempt_id:
            return Call(attempt_id, campaign, trunk)
        return Call(attempt_id, campaign or self.campaign, trunk, self.card)

    def over(self) -> Call:
        """The same after its end on the line."""
        return self._replace(muted=False, held=False)

    def check(self, state: AgentState) -> None:
        """What is known of the call fits what the agent is doing.

        Raises:
            InvariantError: It does not.
        """
        where = f"attempt {self.attempt_id} of {state}"
        talking = state is AgentState.TALKING
        if talking and not self.trunk:
            raise InvariantError("a call is on a trunk", where)
        if not talking and (self.muted or self.held or self.early is not None):
            raise InvariantError("only a call in progress is muted, on hold, or closed early", where)
        if any(part is not None and part.attempt_id != self.attempt_id for part in (self.card, self.early)):
            raise InvariantError("card and disposition are of the call", where)
        if state is AgentState.PREVIEW and self.promise_us <= 0:
            raise InvariantError("an offer says how long its promise will last", where)


NO_CALL = Call()
