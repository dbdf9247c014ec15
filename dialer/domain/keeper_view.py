"""The campaign table: what an operator sees of each campaign, derived from its record alone."""

from __future__ import annotations

from dialer.domain.keeper_table import next_occurrence_us, status_of
from dialer.domain.keeping import CampaignRecord, Desire, Ending, Phase, ScrubNote, Status
from dialer.domain.kinds import DialingMode
from dialer.domain.message import message
from dialer.domain.schedule import Schedule


@message
class CampaignRow:
    """One row of the table."""

    name: str
    mode: DialingMode
    priority: int
    status: Status
    lists: tuple[str, ...]
    connection: str  #: the flow of an agentless campaign, the queue of any other; "" without
    last_run_us: int  #: 0 before the first run
    updated_us: int
    next_start_us: int | None  #: None if no occurrence is to come
    desired: Desire
    run_no: int  #: the latest run that has begun; 0 before the first
    ending: Ending | None  #: how the latest run ended; None before, and while one goes on
    version: int
    schedule: Schedule | None
    scrub: ScrubNote | None


def row_of(record: CampaignRecord) -> CampaignRow:
    """What the table shows of a campaign."""
    spec = record.spec
    connection = spec.flow if spec.mode is DialingMode.AGENTLESS else spec.queue
    status = status_of(record)
    return CampaignRow(
        spec.campaign,
        spec.mode,
        spec.priority,
        status,
        record.lists,
        connection or "",
        record.last_run_us,
        record.updated_us,
        next_occurrence_us(record),
        record.desired if record.phase is not Phase.IDLE else Desire.STOPPED,
        record.run_no,
        record.ending,
        spec.version,
        record.schedule,
        record.scrub,
    )
