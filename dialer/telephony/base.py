"""What a trunk back-end is: the one door between a trunk actor and a switch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

#: Receives events of the switch: LineAnswered, LineJoined, LineChanged, LineEnded, SwitchConnected, SwitchLost, and
#: those of ``domain/media.py``.
Sink = Callable[[Sequence[Any]], None]


class TrunkBackend(Protocol):
    """A switch. Members run on the event loop of the trunk's host and return at once.

    Results of slow work, failures included, arrive at the sink as events: ``submit`` never raises for a carrier's
    refusal. Every call that was submitted ends with exactly one ``LineEnded``, unless the switch itself is lost.
    """

    async def start(self, sink: Sink) -> None:
        """Connect; the first event is ``SwitchConnected`` with the calls that are already up.

        ``FlowsUp`` follows if some of them were placed with a flow.
        """

    def submit(self, commands: Sequence[Any]) -> None:
        """Carry out PlaceCall, BridgeCall, ChangeCall, ClearCall and the orders of ``domain/media.py``, in order.

        ``ChangeCall`` of a call that is joined with an agent is answered with ``LineChanged`` once it is so; of any
        other it is vain, as every order is that crossed with the end of its call.
        """

    def live_calls(self) -> tuple[tuple[int, str, bool], ...]:
        """(attempt id, agent or "", answered) of each call of ours on the switch."""

    async def drain(self, deadline_s: float) -> bool:
        """Wait until no call is up, at most ``deadline_s`` wall seconds; True if none is."""

    async def stop(self) -> None:
        """Disconnect. Calls that are up stay up where the switch can keep them."""
