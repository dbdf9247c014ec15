"""The tables of the keeper: what status a campaign shows, and what each order does in each status."""

from __future__ import annotations

from enum import Enum

from dialer.domain import keeping as k
from dialer.domain.commands import PauseCampaign, ResumeCampaign, StopCampaign
from dialer.domain.keeping import CampaignRecord, Desire, Ending, Phase, Status
from dialer.domain.kinds import CampaignState
from dialer.domain.schedule import next_start_us


class Trait(Enum):
    """What tells campaigns of one phase apart."""

    FRESH = "fresh"  #: nothing comes, and nothing was finished
    COMING = "coming"  #: an occurrence is due one day
    FINISHED = "finished"
    BY_HAND = "by_hand"
    HELD = "held"
    FIRST = "first"  #: the first run, or an occurrence: each is a run of its own
    AGAIN = "again"


#: (phase, trait) -> what is shown.
STATUS: dict[tuple[Phase, Trait], Status] = {
    (Phase.IDLE, Trait.FRESH): Status.READY,
    (Phase.IDLE, Trait.COMING): Status.SCHEDULED,
    (Phase.IDLE, Trait.FINISHED): Status.COMPLETED,
    (Phase.PREPARING, Trait.BY_HAND): Status.PREPARING,
    (Phase.PREPARING, Trait.COMING): Status.SCHEDULED,
    (Phase.WAITING, Trait.COMING): Status.SCHEDULED,
    (Phase.BEGINNING, Trait.FIRST): Status.ACTIVE,
    (Phase.BEGINNING, Trait.AGAIN): Status.RERUN,
    (Phase.BEGINNING, Trait.HELD): Status.PAUSED,
    (Phase.RUNNING, Trait.FIRST): Status.ACTIVE,
    (Phase.RUNNING, Trait.AGAIN): Status.RERUN,
    (Phase.RUNNING, Trait.HELD): Status.PAUSED,
    (Phase.STOPPING, Trait.FINISHED): Status.STOPPING,
}


def status_of(record: CampaignRecord) -> Status:
    """What an operator sees of a campaign."""
    return STATUS[record.phase, _trait(record)]


def next_occurrence_us(record: CampaignRecord) -> int | None:
    """When the next occurrence that has not been dealt with starts, UTC microseconds; None if none will."""
    return None if record.schedule is None else next_start_us(record.schedule, record.through_us)


def _trait(record: CampaignRecord) -> Trait:
    scheduled = record.note is not None and record.note.scheduled_us > 0
    if record.phase is Phase.IDLE:
        if next_occurrence_us(record) is not None:
            return Trait.COMING
        return Trait.FINISHED if record.ending in {Ending.COMPLETED, Ending.ENDED} else Trait.FRESH
    if record.phase in {Phase.PREPARING, Phase.WAITING}:
        return Trait.COMING if scheduled else Trait.BY_HAND
    if record.phase is Phase.STOPPING:
        return Trait.FINISHED
    if record.desired is Desire.PAUSED:
        return Trait.HELD
    return Trait.AGAIN if record.runs > 1 and not scheduled else Trait.FIRST


class Do(Enum):
    """What an order sets going."""

    SAVE = "save"  #: change anything
    REVISE = "revise"  #: change what a run in progress can bear
    PREPARE = "prepare"  #: scrub, then run
    JOIN = "join"  #: wait for what is going on already
    GO_ON = "go_on"
    HOLD = "hold"
    STOP = "stop"
    CANCEL = "cancel"  #: the run that is being prepared
    SKIP = "skip"  #: the next occurrence
    CLONE = "clone"
    DELETE = "delete"
    PLAN = "plan"
    REPLAN = "replan"  #: change when the schedule ends, and no more
    UNPLAN = "unplan"
    NOTHING = "nothing"  #: it is so already


_NOT_RUNNING = "campaign {name} is not running; start it first"
_NO_SCHEDULE = "campaign {name} has no schedule"
_RUNNING = "campaign {name} is running; stop it before you run it again"
_BY_CALENDAR = "campaign {name} is scheduled and starts by itself; remove its schedule to run it by hand"
_PREPARING = "campaign {name} is being prepared; wait until it runs, or stop it"
_STOPPING = "campaign {name} is being stopped; wait until its last call has ended"
_DELETE_RUNNING = "campaign {name} is running; stop it before you delete it"
_PLAN_RUNNING = "campaign {name} is running; stop it before you remove its schedule"

#: Orders of operators, in the order of the columns below.
ORDERS = (
    k.SaveCampaign,
    k.StartRun,
    k.PauseRun,
    k.ResumeRun,
    k.StopRun,
    k.RerunCampaign,
    k.CloneCampaign,
    k.DeleteCampaign,
    k.SetSchedule,
    k.ClearSchedule,
)
#: status -> what each of ``ORDERS`` does; words refuse it, and tell the operator why.
_ROWS: dict[Status, tuple[Do | str, ...]] = {
    Status.READY: (
        *(Do.SAVE, Do.PREPARE, _NOT_RUNNING, _NOT_RUNNING, _NOT_RUNNING),
        *(Do.PREPARE, Do.CLONE, Do.DELETE, Do.PLAN, _NO_SCHEDULE),  # a stopped one shows Ready and may be run again
    ),
    Status.COMPLETED: (
        *(Do.SAVE, Do.PREPARE, _NOT_RUNNING, _NOT_RUNNING, _NOT_RUNNING),
        *(Do.PREPARE, Do.CLONE, Do.DELETE, Do.PLAN, Do.UNPLAN),  # a schedule that is over may be removed
    ),
    Status.SCHEDULED: (
        *(Do.SAVE, _BY_CALENDAR, _NOT_RUNNING, _NOT_RUNNING, Do.SKIP),
        *(_BY_CALENDAR, Do.CLONE, Do.DELETE, Do.PLAN, Do.UNPLAN),
    ),
    Status.PREPARING: (
        *(_PREPARING, Do.JOIN, _PREPARING, _PREPARING, Do.CANCEL),
        *(_PREPARING, Do.CLONE, _PREPARING, _PREPARING, _PREPARING),
    ),
    Status.ACTIVE: (
        *(Do.REVISE, Do.GO_ON, Do.HOLD, Do.GO_ON, Do.STOP),  # resume pressed twice goes on as well
        *(_RUNNING, Do.CLONE, _DELETE_RUNNING, Do.REPLAN, _PLAN_RUNNING),
    ),
    Status.RERUN: (
        *(Do.REVISE, Do.GO_ON, Do.HOLD, Do.GO_ON, Do.STOP),
        *(_RUNNING, Do.CLONE, _DELETE_RUNNING, Do.REPLAN, _PLAN_RUNNING),
    ),
    Status.PAUSED: (
        *(Do.REVISE, Do.GO_ON, Do.NOTHING, Do.GO_ON, Do.STOP),  # pause pressed twice
        *(_RUNNING, Do.CLONE, _DELETE_RUNNING, Do.PLAN, Do.UNPLAN),
    ),
    Status.STOPPING: (
        *(_STOPPING, _STOPPING, _STOPPING, _STOPPING, Do.NOTHING),  # stop pressed twice
        *(_STOPPING, Do.CLONE, _STOPPING, _STOPPING, _STOPPING),
    ),
}
#: (status, order) -> what to do, or the words of the refusal.
ANSWERS: dict[tuple[Status, type], Do | str] = {
    (status, order): answer for status, row in _ROWS.items() for order, answer in zip(ORDERS, row, strict=True)
}

#: (desired, what a run shows) -> the order that is still to have its effect; what is absent is as it should be.
OUTSTANDING: dict[tuple[Desire, CampaignState], type] = {
    (Desire.ACTIVE, CampaignState.PAUSED): ResumeCampaign,
    (Desire.PAUSED, CampaignState.ACTIVE): PauseCampaign,
    (Desire.STOPPED, CampaignState.READY): StopCampaign,
    (Desire.STOPPED, CampaignState.ACTIVE): StopCampaign,
    (Desire.STOPPED, CampaignState.PAUSED): StopCampaign,
}
