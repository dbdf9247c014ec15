"""Lists and runs of a data directory: versions side by side, and a document that says what a run is made of."""

import json
from pathlib import Path

import pytest

from dialer.config import load_campaign
from dialer.domain.kinds import DialingMode, DialingOrder, Outcome
from dialer.domain.selection import Comparison, Condition, ContactFilter, Selection
from dialer.domain.specs import SECOND_US, CampaignSpec, CapRule, DispositionRule, PreviewSpec, RetryRule
from dialer.errors import ContactFileError
from dialer.storage.contacts import ContactFile
from dialer.storage.library import import_dnc_list, import_list, import_mapping_list, prepare_run

EXAMPLES = Path(__file__).parents[2] / "examples"
LIST = "phone,mobile,name,age,agent\n2125550100,x,a,30,\n2125550101,3125550101,b,9,a1\n2125550102,,c,50,\n"


@pytest.fixture
def put(tmp_path):
    """Write a CSV file into the data directory."""

    def written(name, text):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return written


def spec(mode=DialingMode.PREVIEW, **changes):
    queue, flow = (None, "hello") if mode is DialingMode.AGENTLESS else ("q", None)
    return CampaignSpec("c", mode, "main", "t", queue, 12125550199, flow=flow, **changes)


def test_each_import_is_a_new_version(tmp_path, put):
    """Earlier files stay for the runs that were made from them; the document tells what was found."""
    docs = [import_list(tmp_path, "spring", put("c.csv", LIST)) for _ in range(2)]
    assert [doc["path"] for doc in docs] == ["lists/spring/v1.parquet", "lists/spring/v2.parquet"]
    assert all((tmp_path / doc["path"]).is_file() for doc in docs)
    assert (docs[1]["version"], docs[1]["rows"], docs[1]["contacts"], docs[1]["excluded"]) == (2, 3, 3, {})
    assert (docs[1]["columns"], docs[1]["phones"], docs[1]["bad_phones"]) == (["name", "age", "agent"], 2, 1)
    mapped = [import_mapping_list(tmp_path, "owners", put("m.csv", "phone,agent\n2125550100,a2\n")) for _ in range(2)]
    assert mapped[1]["path"] == "mappings/owners/v2.parquet"
    assert (mapped[1]["rows"], mapped[1]["contacts"], mapped[1]["excluded"]) == (1, 1, {})


def prepared(tmp_path, put, run_spec, **options):
    listed = import_list(tmp_path, "spring", put("c.csv", LIST))
    dnc = import_dnc_list(tmp_path, "own", put("d.csv", "phone\n2125550102\n"), everywhere=False, now_us=1, known=None)
    given = {"lists": [listed["path"]], "dnc": {"own": dnc["path"], "empty": None}, "caps": [CapRule(3, 99)]}
    doc = prepare_run(tmp_path, 7, run_spec, **given, **options)
    return doc, ContactFile(tmp_path / doc["contacts"])


def test_a_run_says_what_it_is_made_of(tmp_path, put):
    """Requirements 88, 91. Filter, order, mapping and rules of the campaign; it survives being stored as JSON."""
    mapping = import_mapping_list(tmp_path, "owners", put("m.csv", "phone,agent\n2125550100,a2\n"))
    selection = Selection(DialingOrder.COLUMN_UP, "age", ContactFilter((Condition("age", Comparison.LESS, ("40",)),)))
    rules = (DispositionRule("sale", positive=True), DispositionRule("later", retry_us=60 * SECOND_US, callback=True))
    run_spec = spec(
        dispositions=rules,
        preview=PreviewSpec(max_skips_per_contact=2),
        retry=RetryRule(4, 90 * SECOND_US, ((Outcome.BUSY, 5 * SECOND_US),)),
    )
    doc, contacts = prepared(tmp_path, put, run_spec, selection=selection, mapping=mapping["path"])
    assert json.loads(json.dumps(doc)) == doc
    assert [contacts.number(at) for at in range(len(contacts))] == [12125550101, 12125550100]
    assert list(contacts.mapped()) == [(0, "a1"), (1, "a2")]
    assert (doc["rows"], doc["dialable"], doc["excluded_by_reason"]) == (3, 2, {"filtered": 1})
    assert (doc["order"], doc["mode"], doc["caps"], doc["dnc_lists"]) == (
        "column_up",
        "preview",
        [[3, 99]],
        ["empty", "own"],
    )
    assert doc["dispositions"] == [
        {"code": "sale", "retry_s": None, "positive": True, "do_not_call": False, "callback": False},
        {"code": "later", "retry_s": 60, "positive": False, "do_not_call": False, "callback": True},
    ]
    assert (doc["max_skips_per_contact"], doc["callback_early_s"], doc["personal_wait_s"]) == (2, 600, 600)
    assert doc["abandon_limit_ratio"] == 0.03
    assert doc["retry"] == {
        "max_attempts": 4,
        "rest_s": 90,
        "rest_by_outcome": {"busy": 5},
        "final": ["connected", "invalid", "fax"],
    }


def test_a_flow_takes_contacts_of_any_agent(tmp_path, put):
    """Without agents nobody is waited for, whatever the list says."""
    doc, contacts = prepared(tmp_path, put, spec(DialingMode.AGENTLESS))
    assert list(contacts.mapped()) == []
    assert doc["removed_numbers"] == {}


def test_a_run_without_contacts_is_refused(tmp_path, put):
    """The line says why nobody is left."""
    nobody = Selection(only=ContactFilter((Condition("name", Comparison.EMPTY),)))
    with pytest.raises(ContactFileError, match=r"campaign c: none of the 3 contacts may be dialled \(3 filtered\)"):
        prepared(tmp_path, put, spec(), selection=nobody)


@pytest.mark.parametrize("mode", DialingMode)
def test_examples_make_runs(tmp_path, mode):
    """The campaign of each mode fits the list that ships with it: filter and order have their columns."""
    file = load_campaign(EXAMPLES / f"{mode.value}.yaml")
    listed = import_list(tmp_path, "spring", EXAMPLES / "contacts.csv")
    options = {"lists": [listed["path"]], "dnc": {}, "caps": [], "selection": file.selection()}
    doc = prepare_run(tmp_path, 1, file.to_domain(), **options)
    contacts = ContactFile(tmp_path / doc["contacts"])
    assert doc["rows"] == 5000 == doc["dialable"] + sum(doc["excluded_by_reason"].values())
    assert ("filtered" in doc["excluded_by_reason"]) == bool(file.filter)
    if file.order is DialingOrder.COLUMN_DOWN:
        values = [float(dict(contacts.card(at))[file.order_by]) for at in range(len(contacts))]
        assert values == sorted(values, reverse=True)
