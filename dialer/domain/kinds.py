"""Closed sets of the domain: states, outcomes, reasons. Numbers are stored, so they never change meaning."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class DialingMode(StrEnum):
    """How a campaign turns contacts into calls."""

    AGENTLESS = "agentless"  #: a flow takes the calls
    PREVIEW = "preview"  #: an agent sees the contact first, and dials or skips
    PROGRESSIVE = "progressive"  #: one call for each free agent
    POWER = "power"  #: several calls for each free agent, who waits for the first answer
    PREDICTIVE = "predictive"  #: as many calls as agents will be free for when they are answered


class DialingOrder(StrEnum):
    """In which order fresh contacts are dialled. Fixed when the lists are scrubbed."""

    FIFO = "fifo"  #: as the rows of the lists stand
    LIFO = "lifo"
    RANDOM = "random"
    COLUMN_UP = "column_up"  #: by a column of the list, smallest first
    COLUMN_DOWN = "column_down"
    PRIORITY = "priority"  #: by the contact's own priority, highest first


class PriorityPolicy(StrEnum):
    """How agents are divided among the campaigns of a pool."""

    STRICT = "strict"  #: a lower one dials only when no higher one has anything to dial
    SHARES = "shares"  #: in proportion to the priorities


class CampaignState(StrEnum):
    """Life cycle of a campaign run."""

    READY = "ready"  #: saved, able to run
    ACTIVE = "active"  #: dialling
    PAUSED = "paused"  #: held by the operator; calls in progress end normally
    STOPPING = "stopping"  #: stop ordered; waiting for calls in progress
    STOPPED = "stopped"  #: ended by the operator
    COMPLETED = "completed"  #: no contact can ever become due again


class AgentState(StrEnum):
    """What an agent is doing, as the dialer sees it."""

    OFFLINE = "offline"
    RECOVERING = "recovering"  #: reborn after a crash; asking the trunks whether a call is up
    IDLE = "idle"
    PREVIEW = "preview"  #: looks at a contact, and dials or skips it
    RESERVED = "reserved"  #: promised to one attempt that is being dialled
    TALKING = "talking"
    WRAP_UP = "wrap_up"
    BREAK = "break"


class AnswerClass(StrEnum):
    """What picked up."""

    HUMAN = "human"
    MACHINE = "machine"
    FAX = "fax"
    UNKNOWN = "unknown"  #: detection is off or undecided; treated as a person


class Outcome(IntEnum):
    """The one final outcome of an attempt."""

    CONNECTED = 1  #: a person was joined to an agent or to the flow
    ABANDONED = 2  #: a person answered and nobody was there in time
    MACHINE = 3  #: answering machine or voicemail
    NO_ANSWER = 4  #: rang out
    BUSY = 5
    REJECTED = 6  #: the called side declined
    INVALID = 7  #: number does not exist
    CONGESTION = 8  #: the network had no circuit; our own limits never reach this
    FAILED = 9  #: any other failure of the network
    FAX = 10
    HUNG_UP = 11  #: a person answered and hung up before the join was due
    UNKNOWN = 12  #: sent or possibly sent, result lost; counted, never sent again
    EXPIRED = 13  #: not dialled before ``not_after``; not counted
    WITHDRAWN = 14  #: lease given back un-dialled; not counted
    TRUNK_REFUSED = 15  #: the trunk would not take it; not counted


#: Outcomes of attempts that never left the system: they use up nothing.
UNDIALLED = frozenset({Outcome.EXPIRED, Outcome.WITHDRAWN, Outcome.TRUNK_REFUSED})

#: A person answered: the denominator of the abandonment ratio (16 CFR 310.4(b)(4)).
LIVE_ANSWERS = frozenset({Outcome.CONNECTED, Outcome.ABANDONED, Outcome.HUNG_UP})


class IntentRefusal(StrEnum):
    """Why the ledger refused an intent."""

    STALE_EPOCH = "stale_epoch"  #: proposed by an incarnation that has been replaced
    DNC = "dnc"
    NUMBER_BUSY = "number_busy"  #: another open intent has this number
    CAP = "cap"  #: rolling attempt cap of this number
    HOURS = "hours"  #: outside the legal calling hours, or the campaign's, in a zone the contact may be in
    NO_RULES = "no_rules"  #: no rule pack covers the destination: fail closed


class ExcludedReason(StrEnum):
    """Why a row of a contact list is not dialled at all."""

    EMPTY_NUMBER = "empty_number"
    INVALID_NUMBER = "invalid_number"
    DUPLICATE = "duplicate"
    DNC = "dnc"
    NO_RULES = "no_rules"
    UNKNOWN_ZONE = "unknown_zone"
    MALFORMED_ROW = "malformed_row"
    FILTERED = "filtered"  #: the campaign's filter does not want it
