"""Identifiers. An attempt id is computed, not drawn, so that proposing the same attempt twice is harmless.

``attempt_id`` is a positive 63-bit integer: run number, contact index in the run's file, and try number. Every
intent uses a new try number, also one that expires un-dialled; attempts *counted* against a contact are another thing.
"""

from __future__ import annotations

from typing import NewType

AttemptId = NewType("AttemptId", int)

TRY_BITS = 16
CONTACT_BITS = 27  #: 134 million contacts in a run
RUN_BITS = 20  #: a million runs in the life of a data directory
MAX_TRY = (1 << TRY_BITS) - 1
MAX_CONTACT = (1 << CONTACT_BITS) - 1
MAX_RUN = (1 << RUN_BITS) - 1


def attempt_id(run_no: int, contact: int, try_no: int) -> AttemptId:
    """Pack an attempt id.

    Args:
        run_no: Number of the run, 1 to ``MAX_RUN``.
        contact: Index of the contact in the run's file, 0 to ``MAX_CONTACT``.
        try_no: 1 for the contact's first intent in this run, to ``MAX_TRY``.

    Returns:
        The id.

    Raises:
        ValueError: A part is out of range.
    """
    if not (1 <= run_no <= MAX_RUN and 0 <= contact <= MAX_CONTACT and 1 <= try_no <= MAX_TRY):
        msg = f"attempt id out of range: run {run_no}, contact {contact}, try {try_no}"
        raise ValueError(msg)
    return AttemptId((run_no << (CONTACT_BITS + TRY_BITS)) | (contact << TRY_BITS) | try_no)


def run_of(attempt: int) -> int:
    """Run number of an attempt id."""
    return attempt >> (CONTACT_BITS + TRY_BITS)


def contact_of(attempt: int) -> int:
    """Contact index of an attempt id."""
    return (attempt >> TRY_BITS) & MAX_CONTACT


def try_of(attempt: int) -> int:
    """Try number of an attempt id."""
    return attempt & MAX_TRY


def mask_number(number: int | str) -> str:
    """A telephone number as it may appear in logs and errors: length and last two digits."""
    digits = str(number).lstrip("+")
    return "+" + "*" * max(0, len(digits) - 2) + digits[-2:]
