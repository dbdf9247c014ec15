"""Every error this package raises, in one tree, split by who can mend it.

DialerError
    OperatorError           the person at the keyboard: a file, an option, a configuration
        ConfigError         a configuration file or field is wrong
        ContactFileError    a contact or DNC file cannot be used
        DataDirectoryError  the data directory is locked, newer than this code, or damaged
        NotFoundError       the named thing does not exist
        ConflictError       the request contradicts the present state
        ServiceError        the service cannot be reached or started
    CarrierError            the telephone side failed
    InternalError           our bug
        IllegalTransitionError
        InvariantError
        FencedError         a newer incarnation of this actor exists

Errors cross process borders, so each one keeps its data as arguments and survives pickling.
No message may carry an unmasked telephone number.
"""

from __future__ import annotations


class DialerError(Exception):
    """Base of all errors of the dialer."""


class OperatorError(DialerError):
    """Something the operator can put right; printed as one line.

    Args:
        message: What is wrong and what to do, in one line.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        """The line to print."""
        return self.message


class ConfigError(OperatorError):
    """A configuration file or field is wrong."""


class ContactFileError(OperatorError):
    """A contact or DNC file cannot be used."""


class DataDirectoryError(OperatorError):
    """The data directory is locked, newer than this code, or damaged."""


class NotFoundError(OperatorError):
    """The named thing does not exist."""


class ConflictError(OperatorError):
    """The request contradicts the present state."""


class ServiceError(OperatorError):
    """The service cannot be reached or started."""


class CarrierError(DialerError):
    """The telephone side failed."""


class InternalError(DialerError):
    """A defect of the dialer itself."""


class IllegalTransitionError(InternalError):
    """An event arrived that the state table does not know.

    Args:
        entity: Kind and id of the machine, for example ``agent a7``.
        state: Name of the state it was in.
        event: Name of the event's type.
        story: The entity's recent transitions, oldest first.
    """

    def __init__(self, entity: str, state: str, event: str, story: tuple[str, ...] = ()) -> None:
        super().__init__(entity, state, event, story)
        self.entity = entity
        self.state = state
        self.event = event
        self.story = story

    def __str__(self) -> str:
        """One line, then the story."""
        lines = [f"{self.entity}: {self.event} is not allowed in {self.state}", *self.story]
        return "\n  ".join(lines)


class InvariantError(InternalError):
    """A check of state found a contradiction.

    Args:
        invariant: Short name of the broken rule.
        detail: What was found.
    """

    def __init__(self, invariant: str, detail: str) -> None:
        super().__init__(invariant, detail)
        self.invariant = invariant
        self.detail = detail

    def __str__(self) -> str:
        """Name and finding."""
        return f"{self.invariant}: {self.detail}"


class FencedError(InternalError):
    """A newer incarnation of this actor exists; this one must stop.

    Args:
        address: The actor, as ``kind/id``.
        epoch: Epoch of the incarnation that was refused.
        current_epoch: Epoch of the newer one.
    """

    def __init__(self, address: str, epoch: int, current_epoch: int) -> None:
        super().__init__(address, epoch, current_epoch)
        self.address = address
        self.epoch = epoch
        self.current_epoch = current_epoch

    def __str__(self) -> str:
        """Who was fenced by whom."""
        return f"{self.address}: epoch {self.epoch} is fenced by epoch {self.current_epoch}"
