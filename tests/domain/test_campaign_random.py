"""A campaign run with its ledger under random events: leases, outcomes, agents' words, crashes at any moment."""

from random import Random

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dialer.domain import commands as c
from dialer.domain import events as e
from dialer.domain import rows as r
from dialer.domain.attempts import Stage
from dialer.domain.campaign import CampaignRun
from dialer.domain.groupcommit import JOURNAL
from dialer.domain.ids import contact_of
from dialer.domain.kinds import UNDIALLED, CampaignState, DialingMode, Outcome
from dialer.domain.ledger import STORE, Ledger
from dialer.domain.message import Address
from dialer.domain.specs import (
    HOUR_US,
    MINUTE_US,
    SECOND_US,
    CampaignSpec,
    DispositionRule,
    LegalRules,
    PreviewSpec,
    RetryRule,
    WeeklyHours,
)
from dialer.domain.standing import Place
from dialer.sim.contacts import ListedContacts
from dialer.sim.journal import MemoryJournal

NOON = 1_790_006_400_000_000  # Monday 2026-09-21 16:00 UTC: noon in New York, 9:00 in Los Angeles
ZONES = ("America/New_York", "America/Los_Angeles")
HOURS = WeeklyHours.daily(10 * 60, 21 * 60)
CODES = (
    DispositionRule("sale"),
    DispositionRule("again", retry_us=HOUR_US),
    DispositionRule("later", callback=True),
    DispositionRule("never", do_not_call=True),
)
RETRY = RetryRule(max_attempts=3, rest_us=HOUR_US, rest_by_outcome=((Outcome.BUSY, 5 * MINUTE_US),))
RULES = LegalRules("r", tuple((zone, WeeklyHours.daily(0, 1440)) for zone in ZONES))
AGENTS = ("a1", "a2")
PHONES = ((0,), (1, 0), (0, 0, 1), (1,), (0,), (0,))
ACTIVE, PAUSED = CampaignState.ACTIVE, CampaignState.PAUSED
SCHEDULER, TRUNK = Address("scheduler", "p"), Address("trunk", "t")
OUTCOME = st.sampled_from([*Outcome, *[Outcome.CONNECTED] * 9])
MISSED = (Outcome.BUSY, Outcome.NO_ANSWER)
CODE = st.sampled_from(["sale", "again", "later", "never", "", "x"])
WAITING = {Place.FRESH, Place.PARKED, Place.RESTING, Place.CALLBACK, Place.MAPPED}


class Run(RuleBasedStateMachine):
    """Courier, scheduler, trunk and agents of one campaign, all of them driven by chance."""

    def __init__(self):
        super().__init__()
        self.now_us, self.epoch = NOON, 1
        self.journal = MemoryJournal()
        self.ledger = self.new_ledger()
        self.to_ledger, self.to_run = [], []
        self.leases = {}  #: attempt -> lease, not dialled and not given back
        self.proposed = set()
        self.never = set()  #: contacts of which the run has heard that they must not be called
        self.over = {}  #: attempt -> how it ended, as the trunk remembers
        self.talked = {}  #: attempt -> what its agent says of it, once it has spoken
        self.refused = set()  #: contacts of which the journal does not know everything

    @initialize(
        mode=st.sampled_from([DialingMode.PROGRESSIVE, DialingMode.PREVIEW, DialingMode.AGENTLESS]),
        late=st.booleans(),
        mapped=st.booleans(),
    )
    def begin(self, mode, late, mapped):
        """Any of the modes with retries last or first, and with a contact of an agent's own or without."""
        retry = RetryRule(RETRY.max_attempts, RETRY.rest_us, RETRY.rest_by_outcome, after_all_others=late)
        self.spec = CampaignSpec(
            "c",
            mode,
            "p",
            "t",
            "q",
            12125550199,
            retry=retry,
            hours=HOURS,
            dispositions=CODES,
            dnc_target="refused",
            dnc_lists=("refused",),
            preview=PreviewSpec(max_skips_per_contact=4),
        )
        self.contacts = ListedContacts(PHONES, [(zone,) for zone in ZONES], agents={4: "a1"} if mapped else None)
        self.run = self.new_run()
        self.post(self.run.start(self.now_us))

    def new_run(self):
        """The campaign as it is born from the journal."""
        history = self.journal.history(1)
        return CampaignRun(1, self.spec, self.contacts, epoch=self.epoch, history=history)

    def new_ledger(self):
        """The ledger as it is born from the journal."""
        journal = self.journal
        return Ledger(RULES, dnc={"refused": ()}, open_intents=journal.open_intents(), dnc_changes=journal.dnc)

    # -- the courier -------------------------------------------------------------------------------------------------

    def post(self, envelopes):
        """Put what the run says where it belongs; the trunk answers at once."""
        for to, message in envelopes:
            if to == STORE:
                self.to_ledger.append(message)
                if isinstance(message, c.ProposeIntent) and message.attempt_id not in self.proposed:
                    self.proposed.add(message.attempt_id)
                    assert contact_of(message.attempt_id) not in self.never, "who must not be called"
            elif to == SCHEDULER and isinstance(message, e.LeasesGranted):
                assert len(message.leases) == len({lease.attempt_id for lease in message.leases})
                self.leases.update({lease.attempt_id: lease for lease in message.leases})
            elif to == SCHEDULER and isinstance(message, e.OfferWithdrawn):
                self.leases.pop(message.attempt_id, None)
            elif to == TRUNK and message.attempt_id in self.over:
                self.to_run.append(self.over[message.attempt_id])
            elif to == TRUNK:  # that has no trace of what was not dialled
                lease = self.leases.get(message.attempt_id)
                if lease is None or self.now_us >= lease.not_after_us:
                    self.leases.pop(message.attempt_id, None)
                    gone = e.AttemptReported(message.attempt_id, live=False, knows_since_us=0, at_us=self.now_us)
                    self.to_run.append(gone)

    def tell(self, *batch):
        """Say something to the run."""
        self.post(self.run.handle(batch, self.now_us))

    @rule()
    def ledger_works(self):
        """The ledger hears all that was said to it; what it writes is durable at once."""
        batch, self.to_ledger = self.to_ledger, []
        for to, message in self.ledger.handle(batch, self.now_us):
            if to == JOURNAL:
                if isinstance(message, r.IntentRow):
                    self.check_intent(message)
                self.journal.append([message])
            else:
                self.to_run.append(message)
        self.ledger.check_invariants()

    @rule()
    def run_works(self):
        """The run hears all that was said to it."""
        batch, self.to_run = self.to_run, []
        said = [item for item in batch if isinstance(item, e.DispositionSet) and item.code == "never"]
        self.never |= {contact_of(item.attempt_id) for item in said}
        self.refused |= {contact_of(item.attempt_id) for item in batch if isinstance(item, e.IntentRefused)}
        self.tell(*batch)

    @rule()
    def settle(self):
        """Everything that was said has been heard."""
        while self.to_ledger or self.to_run:
            self.ledger_works()
            self.run_works()

    def check_intent(self, row):
        """The rules of the campaign, from the journal alone: this attempt may be made."""
        before = sorted(a for a in self.journal.intents if contact_of(a) == contact_of(row.attempt_id))
        assert row.attempt_id not in before
        assert all(attempt in self.journal.outcomes for attempt in before), "one attempt at a time"
        codes = [self.journal.dispositions.get(attempt) for attempt in before]
        known = [(self.journal.outcomes[a].outcome, code) for a, code in zip(before, codes, strict=True)]
        counted = [(outcome, code and code.code) for outcome, code in known if outcome not in UNDIALLED]
        asked = sum(code == "later" and outcome is Outcome.CONNECTED for outcome, code in counted)
        assert len(counted) < RETRY.max_attempts + asked, "one budget, and one call for each callback"
        for outcome, code in counted:
            assert outcome is not Outcome.CONNECTED or code in {"again", "later"}, "a connected number"
        assert not any(
            self.journal.outcomes[a].outcome is Outcome.INVALID and self.journal.intents[a].number == row.number
            for a in before
        ), "a number that does not exist"

    # -- the scheduler and the agents --------------------------------------------------------------------------------

    @rule(count=st.integers(1, 4), agent=st.sampled_from(["", "", *AGENTS]), settle=st.booleans())
    def ask(self, count, agent, settle):
        """The scheduler wants contacts, for anyone or for one agent, and perhaps is answered before anything else."""
        self.tell(c.RequestLeases("p", count, agent))
        if settle:
            self.settle()

    def lease(self, which, *, offers):
        """One of the leases in the scheduler's hands: an offer, or one to dial under."""
        found = sorted(a for a, lease in self.leases.items() if (lease.intent_us == 0) == offers)
        return found[which % len(found)] if found else None

    @rule(which=st.integers(0, 9), outcome=OUTCOME)
    def call(self, which, outcome):
        """A call is over."""
        attempt = self.lease(which, offers=False)
        if attempt is None or self.leases[attempt].not_after_us <= self.now_us:
            return
        del self.leases[attempt]
        self.over[attempt] = e.AttemptEnded(attempt, outcome, "a1", 16, self.now_us, 0, 0, self.now_us)
        self.to_run.append(self.over[attempt])
        if outcome in {Outcome.CONNECTED, Outcome.UNKNOWN} and self.spec.mode is not DialingMode.AGENTLESS:
            self.talked[attempt] = None

    @rule(which=st.integers(0, 9), code=CODE)
    def dispose(self, which, code, minutes=30):
        """An agent says what it was; or says it again."""
        if not self.talked:
            return
        attempt = sorted(self.talked)[which % len(self.talked)]
        word = self.talked[attempt]
        if word is None:
            at_us = self.now_us + minutes * MINUTE_US
            word = e.DispositionSet(attempt, "a1", code, "", self.now_us, at_us, which % 2 == 1)
            self.talked[attempt] = word
        self.to_run.append(word)
        self.to_ledger.append(word)

    @rule(which=st.integers(0, 9), what=st.sampled_from(["confirm", "skip", "skip", "return"]))
    def decide(self, which, what):
        """An agent decides about an offer, or leaves."""
        attempt = self.lease(which, offers=True)
        if attempt is not None:
            del self.leases[attempt]
            orders = {"confirm": c.ConfirmOffer(attempt), "skip": c.SkipOffer(attempt, "a2")}
            self.tell(orders.get(what, c.ReturnLeases((attempt,))))

    @rule(which=st.integers(0, 9))
    def give_back(self, which):
        """The scheduler does not want a lease."""
        attempt = self.lease(which, offers=False)
        if attempt is not None:
            del self.leases[attempt]
            self.tell(c.ReturnLeases((attempt,)))

    @rule(minutes=st.sampled_from([1, 4, 16, 61, 300, 900]))
    def wait(self, minutes):
        """Time passes, and every timer fires."""
        until_us = self.now_us + minutes * MINUTE_US
        while (deadline_us := self.run.next_deadline_us()) is not None and deadline_us <= until_us:
            self.now_us = max(self.now_us + 1, deadline_us)
            self.tell()
        self.now_us = max(self.now_us, until_us)
        self.tell()

    @rule(order=st.sampled_from([c.PauseCampaign(), c.ResumeCampaign(), c.ResumeCampaign()]))
    def command(self, order):
        """The operator holds the run, or goes on."""
        self.tell(order)
        self.forget_offers()

    def forget_offers(self):
        """A scheduler drops the offers of a campaign that is held."""
        if self.run.state is not ACTIVE:
            self.leases = {attempt: lease for attempt, lease in self.leases.items() if lease.intent_us}

    @rule(
        agent=st.sampled_from(["", "", "a1"]),
        outcomes=st.lists(OUTCOME, min_size=1, max_size=6),
        codes=st.lists(CODE, max_size=6),
        minutes=st.sampled_from([0, 1, 5, 61, 300, 900]),
    )
    def shift(self, agent, outcomes, codes, minutes):
        """A few steps in their usual order, so that stories get far: asked for, confirmed, called, spoken of."""
        self.tell(c.ResumeCampaign())
        self.ask(len(outcomes), agent, settle=True)
        while self.lease(0, offers=True) is not None:
            self.decide(0, "confirm")
        self.settle()
        for outcome in outcomes:
            self.call(0, outcome)
        for code in codes:
            silent = [no for no, attempt in enumerate(sorted(self.talked)) if self.talked[attempt] is None]
            if silent:
                self.dispose(silent[0], code)
        self.wait(minutes)

    # -- accidents ---------------------------------------------------------------------------------------------------

    @rule()
    def scheduler_is_reborn(self):
        """It knows of no leases any more."""
        self.leases.clear()  # what it held is never dialled; the trunk says so when it is asked
        self.tell(e.PeerRestarted(SCHEDULER))

    @rule()
    def ledger_is_reborn(self):
        """What it had not answered is asked again; what is said once and never repeated is kept by the link."""
        self.to_ledger = [m for m in self.to_ledger if isinstance(m, e.DispositionSet | c.RecordSkip | c.AddToDnc)]
        self.to_run = [m for m in self.to_run if not isinstance(m, e.IntentAccepted | e.IntentRefused)]
        self.ledger = self.new_ledger()
        self.tell(e.PeerRestarted(STORE))

    @rule()
    def run_is_reborn(self):
        """What it was to hear is lost, but for what others keep until it is acknowledged; so is what it was to say."""
        self.epoch += 1
        durable = {contact_of(a) for a, word in self.journal.dispositions.items() if word.code == "never"}
        self.never &= durable
        self.to_run = [m for m in self.to_run if isinstance(m, e.DispositionSet)]
        said = [m for m in self.to_ledger if isinstance(m, e.DispositionSet)]
        self.to_ledger, self.leases = [], {a: lease for a, lease in self.leases.items() if lease.intent_us}
        self.run = self.new_run()
        self.post(self.run.start(self.now_us))
        self.to_ledger += said

    @precondition(lambda self: self.run.state in {ACTIVE, PAUSED})
    @rule()
    def the_journal_tells_the_same_story(self):
        """A book that is reborn now stands as the one that has lived."""
        self.settle()
        again = self.new_run()
        again.start(self.now_us)
        again.handle([], self.now_us)  # the timers that are due fire at once
        again.check_invariants()
        assert [self.standing(again, contact) for contact in self.told()] == [
            self.standing(self.run, contact) for contact in self.told()
        ]

    def told(self):
        """Contacts of which the journal knows everything."""
        return [contact for contact in range(len(PHONES)) if contact not in self.refused]

    def standing(self, run, contact):
        """What matters of a contact; an offer is in no journal, so its contact waits again."""
        book, now_us = run.book, self.now_us
        place = book.place(contact)
        offered = any(a.contact == contact and a.stage is Stage.OFFERED for a in run._open.values())
        if offered or place in WAITING:
            soon_us = book._hours.next_open_us(contact, now_us + SECOND_US)  # when it may be called if it is due now
            due_us = soon_us if offered else book.next_possible_us(contact, now_us + SECOND_US)
            return ("waits", due_us, book.attempts(contact), book.agent(contact))
        return (place, None if place is Place.DONE else book.attempts(contact), "")

    @invariant()
    def nothing_is_lost(self):
        """After every step."""
        if hasattr(self, "run"):
            self.run.check_invariants()

    def teardown(self):
        """Whatever happened: everybody is reached in the end, and the run is complete."""
        if not hasattr(self, "run"):
            return
        for _ in range(300):
            if self.run.state is CampaignState.COMPLETED:
                break
            self.tell(c.ResumeCampaign())
            for agent in ("", *AGENTS):
                self.tell(c.RequestLeases("p", 9, agent))
            for attempt in [a for a, lease in self.leases.items() if lease.intent_us == 0]:
                del self.leases[attempt]
                self.tell(c.ConfirmOffer(attempt))
            self.settle()
            while self.lease(0, offers=False) is not None:
                attempt = self.lease(0, offers=False)
                in_time = self.leases[attempt].not_after_us > self.now_us
                self.call(0, Outcome.CONNECTED) if in_time else self.give_back(0)
            for which, attempt in enumerate(sorted(self.talked)):
                if self.talked[attempt] is None:
                    self.dispose(which, "sale")
            self.settle()
            self.wait(120)
        assert self.run.state is CampaignState.COMPLETED, self.run.book.counts()
        assert sum(self.run.book.done_by.values()) + self.run.book.counts()["parked"] == len(PHONES)


TestRun = Run.TestCase
#: Stories are not shrunk: that takes minutes, and the story as it was found tells enough.
TestRun.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate]
)

CODES_SAID = ("sale", "again", "again", "later", "later", "never", "", "x")


@pytest.mark.parametrize("mode", [DialingMode.PROGRESSIVE, DialingMode.PREVIEW, DialingMode.AGENTLESS])
@pytest.mark.parametrize("seed", range(15))
def test_long_stories(seed, mode):
    """Requirements 50, 55, 58, 60. Many steps of any kind, with accidents, and in the end nobody is forgotten."""
    dice = Random(f"{seed}{mode}")
    world = Run()
    world.begin(mode, late=dice.random() < 0.5, mapped=dice.random() < 0.5)
    steps = {
        lambda: world.ask(dice.randint(1, 4), dice.choice(["", "a1", "a2"]), settle=dice.random() < 0.7): 6,
        lambda: world.call(dice.randrange(9), dice.choice([*MISSED, *MISSED, Outcome.CONNECTED, *Outcome])): 8,
        lambda: world.dispose(dice.randrange(9), dice.choice(CODES_SAID), dice.choice([0, 30, 600])): 5,
        lambda: world.decide(dice.randrange(9), dice.choice(["confirm", "confirm", "skip", "return"])): 6,
        lambda: world.give_back(dice.randrange(9)): 1,
        lambda: world.wait(dice.choice([0, 1, 4, 16, 61])): 4,
        lambda: world.wait(dice.choice([300, 900])): 1,
        lambda: world.command(dice.choice([c.PauseCampaign(), c.ResumeCampaign(), c.ResumeCampaign()])): 1,
        world.ledger_works: 5,
        world.run_works: 5,
        world.settle: 3,
        world.scheduler_is_reborn: 1,
        world.ledger_is_reborn: 1,
        world.run_is_reborn: 1,
        world.the_journal_tells_the_same_story: 2,
    }
    for step in dice.choices(list(steps), list(steps.values()), k=150):
        if step == world.the_journal_tells_the_same_story and world.run.state not in {ACTIVE, PAUSED}:
            break
        step()
        world.nothing_is_lost()
    world.teardown()
    assert len(world.journal.intents) >= len(PHONES)
