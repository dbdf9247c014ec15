"""The reasons, read from the records by SQL, agree with the machine that is reborn from the same records."""

import json
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dialer.domain import events as e
from dialer.domain import rows as r
from dialer.domain.campaign import CampaignRun
from dialer.domain.ids import attempt_id
from dialer.domain.kinds import CampaignState, DialingMode, Outcome
from dialer.domain.specs import CampaignSpec, DispositionRule, PreviewSpec, RetryRule
from dialer.domain.standing import Place
from dialer.storage.audit import audit_store
from dialer.storage.contacts import ContactFile
from dialer.storage.library import rules_doc
from dialer.storage.replay import run_history
from dialer.storage.store import Store
from dialer.storage.why import why_contact

S = 1_000_000
MINUTE = 60 * S
HOUR = 60 * MINUTE
NOON = 1_790_006_400_000_000  # Monday 2026-09-21 16:00 UTC: noon in New York
NUMBER = 12125550000
PHONES = 3
CONTACTS = 60
ZONES = [["America/New_York"]]
CODES = (
    DispositionRule("sale", positive=True),
    DispositionRule("undecided", retry_us=2 * HOUR),
    DispositionRule("later", callback=True),
    DispositionRule("never", do_not_call=True),
)
SPEC = CampaignSpec(
    "c",
    DialingMode.PREVIEW,
    "main",
    "t",
    "q",
    12125550199,
    retry=RetryRule(3, HOUR, ((Outcome.BUSY, 10 * MINUTE),)),
    dispositions=CODES,
    preview=PreviewSpec(max_skips_per_contact=2),
)
OUTCOMES = (
    *(Outcome.CONNECTED,) * 5,
    *(Outcome.BUSY, Outcome.NO_ANSWER, Outcome.HUNG_UP, Outcome.UNKNOWN),
    *(Outcome.INVALID, Outcome.FAX, Outcome.EXPIRED),
)
RULES = {"attempts_per_contact", "connected_once", "asked_not_to_be_called", "skips_are_no_attempts"}


@pytest.fixture
def store(tmp_path):
    """A run in preview mode of contacts that have one to three numbers."""
    columns = {}
    for phone in range(PHONES):
        suffix = f"_{phone + 1}" if phone else ""
        numbers = [NUMBER + 10 * n + phone if n % PHONES >= phone else 0 for n in range(CONTACTS)]
        columns[f"number{suffix}"] = pa.array(numbers, pa.int64())
        columns[f"zone_key{suffix}"] = pa.array([0] * CONTACTS, pa.uint16())
    table = pa.table(columns).replace_schema_metadata({"zone_sets": json.dumps(ZONES)})
    with pa.ipc.new_file(tmp_path / "contacts.arrow", table.schema) as writer:
        writer.write_table(table)
    pq.write_table(pa.table({"source_row": pa.array([], pa.int64()), "reason": [""][:0]}), tmp_path / "x.parquet")
    files = {"contacts": "contacts.arrow", "excluded": "x.parquet", "zone_sets": ZONES, "rows": CONTACTS}
    with Store.open(tmp_path) as opened:
        opened.put("run", "1", {**files, **rules_doc(SPEC), "caps": [], "hours": None})
        opened.append([r.CampaignStateRow(1, "c", CampaignState.ACTIVE, NOON - 24 * HOUR, "")])
        yield opened


def reborn(store, now_us):
    """The campaign as its next incarnation builds it."""
    run = CampaignRun(1, SPEC, ContactFile(store.data_dir / "contacts.arrow"), epoch=2, history=run_history(store, 1))
    run.handle([], now_us)
    run.check_invariants()
    return run


def happens(run, contact, at_us, rng):
    """What may happen to a contact that the campaign could still call: nothing, a skip, or a call and its code."""
    key = attempt_id(1, contact, run.book.try_no(contact) + 1)
    if run.book.place(contact) is Place.DONE or rng.random() < 0.2:
        return []
    if rng.random() < 0.25:
        return [r.SkipRow(key, "a", at_us)]
    number = run.contacts.number(contact, run.book.phones.in_turn(contact)[0])
    what = rng.choice(OUTCOMES)
    asked_us = at_us - MINUTE
    rows = [
        r.IntentRow(key, "c", number, "t", 12125550199, asked_us, at_us, 1, "r", ZONES[0][0], 0, 1),
        r.OutcomeRow(key, what, "a", 16, asked_us, 0, 0, at_us, at_us),
    ]
    if what is Outcome.CONNECTED and rng.random() < 0.7:
        code = rng.choice(("", "sale", "undecided", "undecided", "later", "later", "never"))
        callback_us = at_us + rng.choice((0, HOUR, 5 * HOUR)) if code == "later" else 0
        personal = code == "later" and rng.random() < 0.5
        rows.append(e.DispositionSet(key, "a", code, "", at_us + 20 * S, callback_us, personal))
    return rows


@pytest.mark.parametrize(("seed", "among"), [(1, {"verdict", "callback"}), (2, {"verdict"})])
def test_why_and_the_campaign_agree(store, seed, among):
    """Requirements 50, 103. After random stories the same contacts are done or held, others due at the same time."""
    rng = random.Random(seed)
    for at_us in [NOON - 3 * HOUR * back for back in range(4, -1, -1)]:
        run = reborn(store, at_us - 2 * MINUTE)
        store.append([row for contact in range(CONTACTS) for row in happens(run, contact, at_us, rng)])
    seen = set()
    for now_us in (NOON + 30 * S, NOON + 11 * MINUTE, NOON + HOUR + MINUTE):
        run = reborn(store, now_us)
        for contact in range(CONTACTS):
            told = why_contact(store, "c", NUMBER + 10 * contact, now_us=now_us)
            place = run.book.place(contact)
            seen.add(told["state"])
            assert (told["state"] in {"done", "used_up"}) == (place is Place.DONE), (contact, told)
            assert (told["state"] == "verdict") == (place is Place.VERDICT), (contact, told)
            if place not in {Place.DONE, Place.VERDICT}:
                # the campaign counts in whole seconds, rounded up
                assert 0 <= run.book.next_possible_us(contact, now_us) - told["next_us"] < S, (contact, told)
    assert {"done", "used_up", "resting", "due", *among} <= seen  # the stories are not all alike
    assert [found for found in audit_store(store) if found.invariant in RULES and found.violations] == []
