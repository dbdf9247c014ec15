"""Which fields go with which dialling mode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pydantic import BaseModel

from dialer.domain.kinds import DialingMode


class ModeFields(NamedTuple):
    """What a campaign file of one mode needs and forbids; a dot leads into a section."""

    needs: tuple[str, ...]
    forbids: tuple[str, ...]


_FLOW = ("flow", "call_flow")
_AGENTS_ONLY = ("queue", "agents", "pacing", "preview", "dispositions", "dnc_target", "mapping_list", "personal_wait_s")

MODE_FIELDS: Mapping[DialingMode, ModeFields] = {
    DialingMode.AGENTLESS: ModeFields((), _AGENTS_ONLY),  # and a flow, by name or in full
    DialingMode.PREVIEW: ModeFields(("queue",), (*_FLOW, "pacing")),
    DialingMode.PROGRESSIVE: ModeFields(("queue",), (*_FLOW, "pacing", "preview")),
    DialingMode.POWER: ModeFields(("queue",), (*_FLOW, "preview")),
    DialingMode.PREDICTIVE: ModeFields(("queue",), (*_FLOW, "preview", "pacing.ratio", "pacing.agent_idle_limit_s")),
}


def check_mode(file: BaseModel, mode: DialingMode) -> None:
    """Refuse a file that lacks what its mode needs, or holds what the mode has no use for.

    Raises:
        ValueError: The line names the field, and what to do about it.
    """
    for name in MODE_FIELDS[mode].needs:
        if not _given(file, name):
            msg = f"{name} is missing; mode {mode.value} needs it"
            raise ValueError(msg)
    for name in MODE_FIELDS[mode].forbids:
        if _given(file, name):
            msg = f"{name} does not go with mode {mode.value}; remove it"
            raise ValueError(msg)


def _given(file: BaseModel, name: str) -> bool:
    """The file says something of this field; a default that is written out says nothing."""
    section, _, rest = name.partition(".")
    value = getattr(file, section)
    if value == type(file).model_fields[section].default:
        return False
    return not rest or _given(value, rest)
