"""What must be true of a campaign before it may run, be changed, or lose something it uses. Pure: words, or None."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace

from dialer.domain.ids import mask_number
from dialer.domain.keeper_table import status_of
from dialer.domain.keeping import CampaignRecord, Desire, SaveCampaign, Status
from dialer.domain.kinds import DialingMode
from dialer.domain.schedule import Schedule
from dialer.domain.specs import CampaignSpec, WeeklyHours

#: What may change while a campaign dials; of ``pacing`` only the ratio.
PAUSE_SAFE = frozenset({"pacing", "concurrency", "priority", "caller_id"})
#: What a run in progress keeps, paused or not: its calls and its place among others were made with them.
FIXED = ("mode", "trunk", "pool")
#: Fields of the file that say which contacts are dialled in which order, beside the lists themselves.
SELECTING = ("filter", "filter_match", "order", "order_by", "mapping_list")
#: What the dialer itself writes into a spec.
_OURS = frozenset({"version"})
#: A whole day, every day: what an occurrence that overrides the contactable timings has in their place.
ALWAYS = WeeklyHours.daily(0, 24 * 60)
#: What campaigns use.
USABLE = frozenset({"contact_list", "dnc_list", "queue", "trunk", "number", "flow"})
#: Campaigns whose things may not be deleted: they dial, or will go on by themselves or by one order.
_HOLDING = frozenset({*Status} - {Status.READY, Status.COMPLETED})


def not_attached(spec: CampaignSpec, lists: tuple[str, ...]) -> str | None:
    """What a campaign lacks to be run: a caller ID always, a queue for agents, a flow without, a list."""
    name = spec.campaign
    if not spec.caller_id:
        return f"campaign {name} has no caller ID; attach a number before you run it"
    if spec.mode is DialingMode.AGENTLESS and spec.flow is None:
        return f"campaign {name} has no flow; attach one before you run it"
    if spec.mode is not DialingMode.AGENTLESS and spec.queue is None:
        return f"campaign {name} has no queue; attach one before you run it"
    if not lists:
        return f"campaign {name} has no contact list; attach one before you run it"
    return None


def run_spec(spec: CampaignSpec, schedule: Schedule | None, *, scheduled: bool) -> CampaignSpec:
    """What a run is made of. The ledger applies the law to it, whatever the hours of the campaign are."""
    if scheduled and schedule is not None and schedule.precedence:
        return replace(spec, hours=ALWAYS)
    return spec


def mode_refusal(record: CampaignRecord, new: SaveCampaign) -> str | None:
    """A campaign that has run keeps its mode: what is on record of it would mean something else."""
    if record.runs and new.spec.mode is not record.spec.mode:
        return f"campaign {new.campaign} has run in mode {record.spec.mode.value}; clone it to use another mode"
    return None


def revision_refusal(record: CampaignRecord, new: SaveCampaign) -> str | None:
    """Why a run in progress cannot go on with this: dialling bears few changes, a held run bears more."""
    selecting = [name for name in SELECTING if record.file.get(name) != new.file.get(name)]
    if selecting or (new.lists, new.dnc_lists) != (record.lists, record.dnc_lists):
        return (
            f"campaign {new.campaign} is running; stop it before you change it: the contacts of a run are those "
            "it was begun with"
        )
    fixed = [name for name in FIXED if getattr(record.spec, name) != getattr(new.spec, name)]
    if fixed:
        return f"campaign {new.campaign} is running; stop it before you change it: a run keeps its {fixed[0]}"
    if record.desired is Desire.PAUSED:
        return None
    old = record.spec
    changed = {
        field.name
        for field in fields(CampaignSpec)
        if field.name not in _OURS and getattr(old, field.name) != getattr(new.spec, field.name)
    }
    if replace(old.pacing, ratio=new.spec.pacing.ratio) != new.spec.pacing:
        changed.add("pacing other than the ratio")
    changed -= PAUSE_SAFE
    if not changed:
        return None
    return (
        f"campaign {new.campaign} is running; stop it before you change it, or pause it "
        f"({', '.join(sorted(changed))} cannot change while it dials)"
    )


def replan_refusal(record: CampaignRecord, new: Schedule) -> str | None:
    """While a campaign dials, nothing of its schedule may change but the end."""
    if record.schedule is None or replace(new, end=record.schedule.end) != record.schedule:
        name = record.spec.campaign
        return f"campaign {name} is running; only the end of its schedule can change now, stop it to change more"
    return None


def user_of(records: Iterable[CampaignRecord], kind: str, name: str) -> str | None:
    """Why a thing may not be deleted.

    Args:
        records: All campaigns.
        kind: One of ``USABLE``.
        name: Its id; of a number its digits.

    Returns:
        Words that name the campaign in the way. A list is in the way of nobody who does not name it; numbers, flows,
        queues and trunks are held by campaigns that are active, paused, or will run by the calendar.
    """
    shown = mask_number(name) if kind == "number" else name
    for record in records:
        spec = record.spec
        lists = {"contact_list": record.lists, "dnc_list": record.dnc_lists}.get(kind)
        if lists is not None:
            if name in lists:
                return f"{_called(kind)} {shown} is used by campaign {spec.campaign}; take it off there first"
            continue
        used = {"queue": spec.queue, "trunk": spec.trunk, "number": str(spec.caller_id), "flow": spec.flow}[kind]
        status = status_of(record)
        if used == name.lstrip("+") and status in _HOLDING:
            return f"{_called(kind)} {shown} is used by campaign {spec.campaign}, which is {status.value}"
    return None


def _called(kind: str) -> str:
    return {"contact_list": "contact list", "dnc_list": "do-not-call list"}.get(kind, kind)
