"""What the operator configured, in the form the machines use. Built by ``config.py``; times in microseconds."""

from __future__ import annotations

from dataclasses import dataclass, field

from dialer.domain.flow import FlowSpec
from dialer.domain.kinds import DialingMode, Outcome, PriorityPolicy
from dialer.domain.message import message

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US


@message
class Span:
    """One open span of a week day, in local time, half open.

    ``weekday`` is 0 for Monday; minutes run from 0 to 1440 and ``from_minute < to_minute``.
    """

    weekday: int
    from_minute: int
    to_minute: int


@message
class WeeklyHours:
    """When calls may be made, local time of the called place. Empty means never."""

    spans: tuple[Span, ...]

    @classmethod
    def daily(cls, from_minute: int, to_minute: int) -> WeeklyHours:
        """The same span on all seven days."""
        return cls(tuple(Span(day, from_minute, to_minute) for day in range(7)))


@message
class RetryRule:
    """How often, and how long after the end of a call, a contact is tried again."""

    max_attempts: int = 3  #: counted attempts, 1 to 100, over all phones of the contact
    rest_us: int = 60 * MINUTE_US  #: default rest after an unsuccessful attempt, and after a skip
    rest_by_outcome: tuple[tuple[Outcome, int], ...] = ()  #: exceptions to the default
    final: tuple[Outcome, ...] = (Outcome.CONNECTED, Outcome.INVALID, Outcome.FAX)  #: never tried again
    after_all_others: bool = True  #: a retry waits until every fresh contact had its turn


@message
class DispositionRule:
    """One code an agent may close a call with, and what follows from it."""

    code: str  #: a slug
    retry_us: int = -1  #: rest until the contact is tried again although it was connected; -1: it is final
    positive: bool = False  #: a positive final outcome: counts as a conversion
    do_not_call: bool = False  #: the number goes on the do-not-call list ``CampaignSpec.dnc_target`` at once
    callback: bool = False  #: wants a time: the agent asks when to call again


def has_effect(rule: DispositionRule) -> bool:
    """True if a code changes what becomes of the contact: it is tried again, called back, or never called again."""
    return rule.retry_us >= 0 or rule.callback or rule.do_not_call


#: What agents choose from unless the campaign says otherwise.
DEFAULT_DISPOSITIONS = (
    DispositionRule("sale", positive=True),
    DispositionRule("not_interested"),
    DispositionRule("wrong_person"),
    DispositionRule("callback_asked", callback=True),
    DispositionRule("do_not_call", do_not_call=True),
)


@message
class PacingSpec:
    """How fast a campaign of agents dials."""

    ratio: float = 2.0  #: power: calls for each free agent, 1 to 10
    abandon_limit_ratio: float = (
        0.03  #: of live answers over 30 days (16 CFR 310.4(b)(4)(i)); also below it, never above
    )
    agent_idle_limit_us: int = 30 * SECOND_US  #: power: an agent waits this long for an answer, 5 s at least


@message
class PreviewSpec:
    """How an agent decides about a contact that is offered."""

    timer_us: int = 30 * SECOND_US  #: without a decision the contact is dialled then
    max_skips: int | None = None  #: per agent and run; None: no limit
    max_skips_per_contact: int | None = None  #: then the contact is done


@message
class CampaignSpec:
    """One campaign as its machine needs it."""

    campaign: str  #: id, a slug
    mode: DialingMode
    pool: str
    trunk: str
    queue: str | None  #: agents of this queue take the calls; None for agentless
    caller_id: int  #: E.164 as an integer
    priority: int = 5  #: 1 to 5, 5 is dialled first
    concurrency: int = 10  #: agentless: calls in progress at the same moment
    retry: RetryRule = RetryRule()
    ring_timeout_us: int = 25 * SECOND_US  #: at least 15 s (16 CFR 310.4(b)(4)(ii))
    hours: WeeklyHours = WeeklyHours.daily(8 * 60, 21 * 60)  #: contactable timings
    amd: bool = False
    flow: str | None = None  #: agentless: what a person who answers hears
    dnc_lists: tuple[str, ...] = ()  #: campaign lists; global ones always apply
    version: int = 1
    pacing: PacingSpec = PacingSpec()
    preview: PreviewSpec = PreviewSpec()
    dispositions: tuple[DispositionRule, ...] = DEFAULT_DISPOSITIONS
    dnc_target: str = ""  #: list for numbers whose owners asked not to be called again; "" for none
    callback_early_us: int = 10 * MINUTE_US  #: a callback may be dialled this much before the time that was asked for
    personal_wait_us: int = 10 * MINUTE_US  #: a personal callback waits this long for its agent, then anyone takes it
    flow_spec: FlowSpec | None = None  #: the flow of the name ``flow``; None if that is built in


@message
class TrunkSpec:
    """Limits of one trunk. Never exceeded, not even within a window of one second."""

    trunk: str
    lines: int
    calls_per_s: int
    destinations: tuple[str, ...] = ("1",)  #: allowed number prefixes, digits after the plus sign
    pools: tuple[str, ...] = ()  #: whose schedulers must hear of a restart; others are known once they have spoken


@message
class AgentSpec:
    """One agent."""

    agent: str
    pool: str
    queues: tuple[str, ...]
    trunks: tuple[str, ...]  #: trunks of the pool: where to ask after a crash whether a call is up
    wrap_up_limit_us: int = 60 * SECOND_US
    outbound: bool = True  #: may take campaign calls; an agent for inbound calls is never offered any


@message
class PoolSpec:
    """One pool of agents and the actors its scheduler must hear from after a restart."""

    pool: str
    trunks: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    campaigns: tuple[str, ...] = ()
    join_limit_us: int = 2 * SECOND_US  #: answer to agent; later is abandoned (16 CFR 310.4(b)(4)(iii))
    lead_us: int = SECOND_US  #: how far ahead of demand contacts are leased
    priority_policy: PriorityPolicy = PriorityPolicy.STRICT


@message
class CapRule:
    """At most ``limit`` counted attempts to one number in any ``window_us``."""

    limit: int
    window_us: int


@message
class LegalRules:
    """The rule pack of one deployment, resolved for the ledger.

    ``hours_by_zone`` maps an IANA zone to the legal hours there; a zone that is missing may not be called.
    """

    version: str
    hours_by_zone: tuple[tuple[str, WeeklyHours], ...]
    caps: tuple[CapRule, ...] = ()
    intent_ttl_us: int = 5 * SECOND_US  #: dial before, or not at all; bounds how long a stop or a DNC entry takes
    auto_dnc_after: int = 0  #: so many counted attempts in a row that reached nobody put a number on a list; 0: never
    auto_dnc_list: str = ""  #: that list


@dataclass(frozen=True, slots=True)
class RunSpec:
    """A run: a campaign at one moment, with a scrubbed file. ``run_no`` is unique in the data directory."""

    run_no: int
    spec: CampaignSpec
    contacts: str  #: path of ``contacts.arrow``
    started_us: int
    zone_sets: tuple[tuple[str, ...], ...] = field(default=())  #: by zone key: all zones a contact may be in
