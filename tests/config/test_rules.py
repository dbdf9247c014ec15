"""Rules in the campaign file, by dialling mode: what each mode needs and forbids, and where each field arrives."""

from pathlib import Path

import pytest
import yaml

from dialer.config import CampaignFile, ServiceFile, load_campaign, load_rules, load_service
from dialer.config.modes import MODE_FIELDS
from dialer.domain.kinds import DialingMode, DialingOrder, PriorityPolicy
from dialer.domain.selection import Comparison, Condition, ContactFilter, Selection
from dialer.domain.specs import DEFAULT_DISPOSITIONS, SECOND_US, CampaignSpec, DispositionRule, PacingSpec, PreviewSpec
from dialer.errors import ConfigError

EXAMPLES = Path(__file__).parents[2] / "examples"
AGENTS = {"name": "spring", "mode": "power", "caller_id": "+12125550100", "queue": "sales"}
AGENTLESS = {"name": "spring", "mode": "agentless", "caller_id": "+12125550100", "flow": "notice"}
SECTIONS = {
    "flow": "notice",
    "queue": "sales",
    "agents": {"count": 5},
    "pacing": {"abandon_limit_ratio": 0.01},
    "pacing.ratio": {"ratio": 3},
    "pacing.agent_idle_limit_s": {"agent_idle_limit_s": 20},
    "preview": {"timer_s": 20},
    "dispositions": [{"code": "sale"}],
    "dnc_target": "internal",
    "mapping_list": "owners",
}


@pytest.fixture
def load(tmp_path):
    """Load a campaign file of these fields."""

    def loaded(base, **fields):
        path = tmp_path / "c.yaml"
        path.write_text(yaml.safe_dump(base | fields, sort_keys=False), encoding="utf-8")
        return load_campaign(path)

    return loaded


def base(mode):
    return (AGENTLESS if mode is DialingMode.AGENTLESS else AGENTS) | {"mode": mode.value}


@pytest.mark.parametrize("mode", DialingMode)
def test_each_mode_has_an_example(mode):
    """Requirements 27, 36, 45, 69. The examples that ship load, one for each mode."""
    file = load_campaign(EXAMPLES / f"{mode.value}.yaml")
    assert file.to_domain().mode is mode
    assert file.queue is not None or mode is DialingMode.AGENTLESS


@pytest.mark.parametrize("mode", DialingMode)
def test_required_fields_alone_mean_what_the_spec_means(load, mode):
    """Requirements 26, 28, 61. Defaults are those of the domain in every mode; detection is off."""
    spec = load(base(mode)).to_domain()
    bare = CampaignSpec("spring", mode, "main", "main", spec.queue, 12125550100, flow=spec.flow)
    assert spec == bare
    assert (spec.amd, spec.concurrency) == (False, 10)
    assert load(base(mode), amd=True).to_domain().amd is True


@pytest.mark.parametrize("mode", DialingMode)
def test_each_mode_needs_its_field(load, mode):
    """Requirements 27, 36, 45. A flow for agentless, a queue for every other mode."""
    fields = base(mode)
    needed = "flow" if mode is DialingMode.AGENTLESS else "queue"
    del fields[needed]
    with pytest.raises(ConfigError, match=f"1: {needed} is missing; mode {mode.value} needs it"):
        load(fields)


@pytest.mark.parametrize(("mode", "name"), [(mode, name) for mode in DialingMode for name in SECTIONS])
def test_a_field_goes_with_a_mode_or_is_refused(load, mode, name):
    """Requirement 69. Every field of a mode's own, in every mode: taken, or one line that says to remove it."""
    section = name.partition(".")[0]
    forbidden = {name, section} & {*MODE_FIELDS[mode].forbids}
    fields = base(mode) | ({section: SECTIONS[name]} if section != "personal_wait_s" else {})
    if not forbidden:
        assert getattr(load(fields), section) is not None
        return
    with pytest.raises(ConfigError, match=r"does not go with mode \w+; remove it$"):
        load(fields)


@pytest.mark.parametrize("mode", DialingMode)
def test_a_file_that_is_stored_and_read_again_is_the_same(load, mode):
    """Defaults that are written out, as the catalogue has them, offend against no mode."""
    file = load_campaign(EXAMPLES / f"{mode.value}.yaml")
    assert CampaignFile.model_validate(file.model_dump(mode="json") | {"caller_id": f"+{file.caller_id}"}) == file


def test_rules_reach_the_spec(load):
    """Requirements 45, 51, 64, 84, 103, 104. Preview and pacing, dispositions and their target, in microseconds."""
    spec = load_campaign(EXAMPLES / "preview.yaml").to_domain()
    assert spec.preview == PreviewSpec(45 * SECOND_US, 20, 3)
    assert spec.dispositions == (
        DispositionRule("renewed", positive=True),
        DispositionRule("undecided", retry_us=172_800 * SECOND_US),
        DispositionRule("callback_asked", callback=True),
        DispositionRule("not_interested"),
    )
    assert spec.personal_wait_us == 900 * SECOND_US
    spec = load_campaign(EXAMPLES / "power.yaml").to_domain()
    assert spec.pacing == PacingSpec(2.5, 0.02, 30 * SECOND_US)
    assert spec.dispositions == DEFAULT_DISPOSITIONS
    rows = [{"code": "gone", "do_not_call": True}]
    spec = load(
        AGENTS, dispositions=rows, dnc_lists=["a", "b"], retry_after_all_others=False, callback_early_s=0
    ).to_domain()
    assert (spec.dnc_target, spec.retry.after_all_others, spec.callback_early_us) == ("a", False, 0)
    assert load(AGENTS, dispositions=rows, dnc_target="own").to_domain().dnc_target == "own"
    assert load(AGENTS).to_domain().dnc_target == ""


def test_selection_of_contacts(load):
    """Requirements 89, 91. Filter and order of the file are those of the scrub; values are texts."""
    assert load(AGENTS).selection() == Selection()
    rows = [
        {"column": "state", "op": "in", "value": ["NY", 7, 1.5, True]},
        {"column": "zip", "op": "empty"},
        {"column": "age", "op": "greater", "value": 40},
    ]
    found = load(AGENTS, order="column_up", order_by="age", filter=rows, filter_match="any").selection()
    conditions = (
        Condition("state", Comparison.IN, ("NY", "7", "1.5", "true")),
        Condition("zip", Comparison.EMPTY),
        Condition("age", Comparison.GREATER, ("40",)),
    )
    assert found == Selection(DialingOrder.COLUMN_UP, "age", ContactFilter(conditions, every=False))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"pacing": {"ratio": 0.9}}, "pacing.ratio: 0.9: must be greater than or equal to 1"),
        ({"pacing": {"ratio": 10.1}}, "pacing.ratio: 10.1: must be less than or equal to 10"),
        ({"pacing": {"abandon_limit_ratio": 0.031}}, "0.031: must be less than or equal to 0.03"),
        ({"pacing": {"agent_idle_limit_s": 4}}, "agent_idle_limit_s: 4: must be greater than or equal to 5"),
        ({"mode": "preview", "preview": {"max_skips": -1}}, "preview.max_skips: -1: must be greater"),
        ({"mode": "preview", "preview": {"timer": 9}}, "preview.timer: unknown field; did you mean 'timer_s'?"),
        ({"description": "x" * 257}, "description: String must have at most 256 characters"),
        ({"order": "newest"}, "order: 'newest': must be 'fifo', 'lifo', 'random'"),
        ({"order": "column_up"}, "1: order_by is missing; order column_up needs it"),
        ({"order_by": "age"}, "1: order_by does not go with order fifo; remove it"),
        ({"filter": [{"column": "a", "op": "is"}]}, "filter.0.op: 'is': must be 'equals'"),
        ({"filter": [{"column": "a", "op": "equals"}]}, "filter.0: equals needs one value"),
        ({"filter": [{"column": "a", "op": "less", "value": [1, 2]}]}, "filter.0: less needs one value"),
        ({"filter": [{"column": "a", "op": "in", "value": []}]}, "filter.0: in needs a list of values"),
        ({"filter": [{"column": "a", "op": "empty", "value": "x"}]}, "empty takes no value; remove it"),
        ({"filter": [{"column": "a", "op": "equals", "value": {"b": 1}}]}, "must be a text, a number, or a list"),
        ({"filter_match": "most"}, "filter_match: 'most': must be 'all' or 'any'"),
        ({"dispositions": []}, "dispositions: []: List must have at least 1 item"),
        ({"dispositions": [{"code": "A B"}]}, "dispositions.0.code: 'A B': "),
        ({"dispositions": [{"code": "a", "retry_s": 0}]}, "retry_s: 0: must be greater than or equal to 1"),
        ({"dispositions": [{"code": "a"}, {"code": "a"}]}, "1: disposition 'a' is given twice; codes must differ"),
        ({"dispositions": [{"code": "a", "do_not_call": True}]}, "1: dnc_target is missing; disposition 'a' puts"),
        (
            {"dispositions": [{"code": "a", "do_not_call": True, "callback": True}]},
            "dispositions.0: disposition 'a': do_not_call goes neither",
        ),
        ({"callback_early_s": 3601}, "callback_early_s: 3601: must be less than or equal to 3600"),
    ],
)
def test_wrong_rules_are_one_line(load, fields, expected):
    """Requirements 26, 45, 51, 64, 85, 87. Field, what is wrong and what is allowed, in one line."""
    with pytest.raises(ConfigError) as caught:
        load(AGENTS, **fields)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_several_do_not_call_lists(load):
    """Requirement 87. Any number of a campaign's lists; the first one takes who asks not to be called."""
    spec = load(AGENTS, dnc_lists=["a", "b"]).to_domain()
    assert (spec.dnc_lists, spec.dnc_target, spec.caller_id) == (("a", "b"), "a", 12125550100)


@pytest.fixture
def service(tmp_path):
    """Load a service file from YAML."""

    def loaded(text):
        (tmp_path / "dialer.yaml").write_text(text, encoding="utf-8")
        return load_service(tmp_path / "dialer.yaml")

    return loaded


def test_service_file_names_pools_agents_and_automatic_do_not_call(service):
    """How pools share their agents, who takes campaign calls, and when a number is given up."""
    file = service(
        "queues: [{name: sales, pool: east}, {name: help, pool: east}, {name: other}]\n"
        "pools: [{name: east, priority_policy: shares}]\n"
        "agents: [{name: ann, queues: [sales, help]}, {name: bob, queues: [other], outbound: false}]\n"
        "auto_dnc: {after_attempts: 30, list: never-reached}\n"
        "trunks: [{name: t1}, {name: t2}]\n"
    )
    assert file.priority_policy("east") is PriorityPolicy.SHARES
    assert file.priority_policy("main") is PriorityPolicy.STRICT
    ann, bob = file.agent_specs()
    assert (ann.agent, ann.pool, ann.queues, ann.trunks, ann.outbound) == (
        "ann",
        "east",
        ("sales", "help"),
        ("t1", "t2"),
        True,
    )
    assert (bob.pool, bob.outbound) == ("main", False)
    rules = load_rules(auto_dnc=file.auto_dnc)
    assert (rules.auto_dnc_after, rules.auto_dnc_list) == (30, "never-reached")
    assert (load_rules().auto_dnc_after, load_rules().auto_dnc_list) == (0, "")
    assert ServiceFile().agent_specs() == ()


def test_caller_ids_are_numbers_for_outbound_calls(service):
    """Requirements 62, 93. Of the operator's numbers those for outbound or both; any where none are given."""
    file = service(
        "numbers:\n- {number: +12125550101}\n- {number: +12125550102, direction: inbound}\n"
        "- {number: '+12125550103', direction: outbound}\n"
    )
    assert file.caller_ids() == (12125550101, 12125550103)
    file.check_caller_id(12125550103)
    for wrong in (12125550102, 12125550199):
        with pytest.raises(ConfigError, match=r"^caller_id \+\*{9}\d\d is not one of the numbers for outbound"):
            file.check_caller_id(wrong)
    service("port: 9000\n").check_caller_id(12125550199)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("numbers: [{number: 12125550101}, {number: 12125550101}]\n", "a number is given twice; keep one"),
        (
            "numbers: [{number: 12125550101, direction: out}]\n",
            "'out': must be 'outbound', 'inbound' or 'both'",
        ),
        ("pools: [{name: east}]\n", "pool 'east' has no queue; name it in one, or remove it"),
        ("pools: [{name: main}, {name: main}]\n", "pool 'main' is given twice"),
        ("agents: [{name: a, queues: [q]}]\n", "agent 'a': there is no queue 'q'; add it to queues"),
        ("agents: [{name: a, queues: []}]\n", "agents.0.queues: []: List must have at least 1 item"),
        (
            "queues: [{name: q}, {name: r, pool: x}]\nagents: [{name: a, queues: [q, r]}]\n",
            "agent 'a': its queues must all be of one pool",
        ),
        (
            "auto_dnc: {after_attempts: 101, list: x}\n",
            "auto_dnc.after_attempts: 101: must be less than or equal to 100",
        ),
        ("auto_dnc: {after_attempts: 0, list: x}\n", "after_attempts: 0: must be greater than or equal to 1"),
        ("auto_dnc: {after_attempts: 5}\n", "auto_dnc.list: is missing; add it"),
    ],
)
def test_wrong_service_files_are_one_line(service, text, expected):
    """Names that nobody knows, and numbers out of range."""
    with pytest.raises(ConfigError) as caught:
        service(text)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
