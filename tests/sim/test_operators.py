"""Random operators over random campaigns: whatever they order, and whenever, no rule is broken and every run ends.

A story is drawn from its seed: campaigns of every mode, lists with several phones and contacts of single agents, orders
at random moments around changes of the clock, numbers put on a do-not-call list, agents who come and go, and actors
that crash. Every machine is checked after every step, the referee watches every call, and the hours are checked here
by the calendar of the standard library.
"""
# ruff: noqa: DTZ001 - a wall clock has no zone

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from dialer.config import load_rules
from dialer.domain import commands as c
from dialer.domain import keeping as k
from dialer.domain.ids import contact_of, run_of
from dialer.domain.kinds import UNDIALLED, DialingMode, Outcome
from dialer.domain.ledger import STORE
from dialer.domain.localtime import moment_us
from dialer.domain.message import Address
from dialer.domain.schedule import RecurrenceUnit, Schedule
from dialer.domain.specs import (
    SECOND_US,
    AgentSpec,
    CampaignSpec,
    PacingSpec,
    PreviewSpec,
    RetryRule,
    TrunkSpec,
    WeeklyHours,
)
from dialer.sim.contacts import SyntheticContacts
from dialer.sim.faults import FaultPlan
from dialer.sim.kept import KeptCampaigns, Setting

ZONE = "America/New_York"
MINUTE, HOUR = 60 * SECOND_US, 3600 * SECOND_US
NAMES = ("spring", "summer", "autumn")
LISTS = ("one", "two")
#: An ordinary evening, the night clocks go forward, and the night they go back.
STARTS = (datetime(2026, 5, 5, 19, 30), datetime(2026, 3, 7, 20, 30), datetime(2026, 10, 31, 20, 0))
FAULTS = FaultPlan(
    lost=0.01, duplicated=0.01, delayed=0.02, crash_every_us=300 * SECOND_US, freeze_every_us=1200 * SECOND_US
)
DNC_US = 6 * SECOND_US  #: after this time at the latest nobody on the list is called


class Story:
    """One dialer and its operators, drawn from a seed."""

    def __init__(self, seed):
        self.rng = Random(seed)
        rng = self.rng
        agents = tuple(f"a{no}" for no in range(rng.randrange(5)))
        self.agents = [AgentSpec(name, "main", ("main",), ("main",), 20 * SECOND_US) for name in agents]
        lists = {}
        for no, name in enumerate(LISTS):
            mapped = agents if rng.random() < 0.3 else ()
            lists[name] = SyntheticContacts(
                rng.randrange(1, 14), first=100 * no, phones=rng.choice((1, 1, 2, 3)), agents=mapped
            )
        self.numbers = {
            source.number(at, phone)
            for source in lists.values()
            for at in range(len(source))
            for phone in range(source.phones(at))
        }
        self.start = rng.choice(STARTS)
        self.versions = Counter()
        self.kept = KeptCampaigns(
            Setting(
                start_us=moment_us(ZONE, self.start),
                trunk=TrunkSpec("main", lines=rng.choice((2, 6, 20)), calls_per_s=rng.choice((1, 5))),
                rules=load_rules(),
                lists=lists,
                agents=self.agents,
                profile=rng.choice(("typical", "eager")),
                faults=FAULTS if rng.random() < 0.5 else "none",
                seed=seed,
                check_every=1,
                dnc_lists=("house",),
            )
        )
        self.world = self.kept.world
        self.world.accidents.unleash()

    def play(self):
        """Give orders for some hours, then stop everything and let calls end."""
        for name in NAMES[: self.rng.randrange(1, 4)]:
            self.save(name)
            self.order(k.StartRun, name)
        for _ in range(self.rng.randrange(4, 16)):
            self.rng.choice(self.ACTS)(self)
            self.wait(self.rng.choice((SECOND_US, 10 * SECOND_US, MINUTE, 20 * MINUTE, 3 * HOUR)))
        for _ in range(60):
            for name in (*NAMES, "copy"):
                self.kept.order(k.ClearSchedule, name)
                self.kept.order(k.StopRun, name)
            self.wait(2 * MINUTE)
            if not self.world.journal.open_intents():
                return

    def wait(self, span_us):
        """Let time pass."""
        self.kept.run(self.world.now_us + span_us)

    def order(self, kind, *args, **fields):
        """Give the keeper an order; refusals are answers, too."""
        self.kept.order(kind, *args, **fields)

    def name(self):
        """Some campaign, or one that is not there."""
        return self.rng.choice((*NAMES, "copy"))

    # -- what operators do -------------------------------------------------------------------------------------------

    def save(self, name=None):
        """Keep a campaign, or edit it."""
        rng, name = self.rng, name or self.name()
        mode = rng.choice(list(DialingMode))
        flow = mode is DialingMode.AGENTLESS
        spec = CampaignSpec(
            name,
            mode,
            "main",
            "main",
            None if flow else "main",
            12025550100 + rng.randrange(3),
            priority=rng.randrange(1, 6),
            concurrency=rng.randrange(1, 9),
            retry=RetryRule(
                rng.randrange(1, 4), rng.choice((30, 600)) * SECOND_US, after_all_others=rng.random() < 0.5
            ),
            hours=rng.choice((WeeklyHours.daily(8 * 60, 21 * 60), WeeklyHours.daily(0, 1440))),
            amd=rng.random() < 0.5,
            flow="notice" if flow else None,
            dnc_target="house",
            pacing=PacingSpec(rng.choice((1.0, 2.5, 4.0))),
            preview=PreviewSpec(rng.choice((5, 30)) * SECOND_US, rng.choice((None, 1)), rng.choice((None, 2))),
        )
        known = self.kept.library.records.get(name)
        if known is not None and rng.random() < 0.7:  # an edit that may be taken
            spec = replace(
                known.spec, priority=spec.priority, concurrency=spec.concurrency, pacing=spec.pacing, retry=spec.retry
            )
        self.order(k.SaveCampaign, name, spec=spec, lists=(rng.choice(LISTS),), dnc_lists=(), file={})

    def play_it(self):
        """Begin a run, go on, or begin again."""
        self.order(self.rng.choice((k.StartRun, k.ResumeRun, k.RerunCampaign)), self.name())

    def hold_it(self):
        """Hold a run, end it, or delete the campaign."""
        self.order(self.rng.choice((k.PauseRun, k.PauseRun, k.StopRun, k.DeleteCampaign)), self.name())

    def copy(self):
        """Copy a campaign."""
        self.order(k.CloneCampaign, self.name(), "copy")

    def schedule(self):
        """Soon, and then every day or hour of the story's night."""
        first = self.start + timedelta(hours=self.rng.randrange(12), minutes=self.rng.randrange(60))
        unit = self.rng.choice((None, RecurrenceUnit.DAY))
        self.order(k.SetSchedule, self.name(), Schedule(ZONE, first, None, unit, precedence=self.rng.random() < 0.3))

    def do_not_call(self):
        """A number goes on the list; from then on nobody may call it."""
        number = self.rng.choice(sorted(self.numbers))
        self.world.tell(STORE, c.AddToDnc("house", (number,), "operator"))
        self.wait(DNC_US)
        if any(name == "house" and known == number for name, known, _ in self.world.journal.dnc):  # it is durable
            self.world.referee.forbidden |= {number}

    def come_or_go(self):
        """Somebody logs out, takes a break or comes back; people at desks make up their own minds about it later."""
        if self.agents:
            agent = self.rng.choice(self.agents).agent
            order = self.rng.choice((c.LogIn, c.LogOut, c.TakeBreak, c.EndBreak))
            self.world.tell(Address("agent", agent), order(agent))

    def crash(self):
        """Some actor dies at once."""
        self.world.accidents.crash(self.rng.choice(self.world.accidents.mortal))

    ACTS = (save, save, play_it, play_it, play_it, hold_it, hold_it, copy, schedule, do_not_call, come_or_go, crash)

    # -- what must be so ---------------------------------------------------------------------------------------------

    def check(self):
        """The records tell the same as the referee: one outcome each, in hours, within the attempts allowed."""
        journal = self.world.journal
        assert journal.open_intents() == []
        assert journal.intents.keys() == journal.outcomes.keys()
        tried, connected, asked = Counter(), Counter(), Counter()
        for attempt, row in journal.outcomes.items():
            if row.outcome in UNDIALLED:
                continue
            who = (run_of(attempt), contact_of(attempt))
            tried[who] += 1
            connected[who] += row.outcome is Outcome.CONNECTED
            said = journal.dispositions.get(attempt)
            asked[who] += said is not None and said.callback_us > 0
            if row.sent_us:
                intent = journal.intents[attempt]
                sent = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=row.sent_us)
                for zone in intent.zones.split("|"):
                    assert 8 <= sent.astimezone(ZoneInfo(zone)).hour < 21, (attempt, zone)
        for who, count in tried.items():
            assert count <= 3 + asked[who]
        for who, count in connected.items():
            assert count <= 1 + asked[who]


def play(seed):
    story = Story(seed)
    try:
        story.play()
        story.check()
    except Exception as error:
        error.add_note(f"story {seed}")
        raise
    return story.world.referee.placed


@pytest.mark.parametrize("block", range(4))
def test_no_story_breaks_a_rule(block):
    """Requirements 92, 106, 108, 110. Fifteen stories at a time."""
    assert sum(play(15 * block + no) for no in range(15)) > 0


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("block", range(20))
def test_no_story_of_many_breaks_a_rule(block):
    """Two thousand stories, a hundred at a time."""
    assert sum(play(1_000 + 100 * block + no) for no in range(100)) > 0
