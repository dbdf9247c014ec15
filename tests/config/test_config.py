"""Configuration: good files become specs, bad ones become one line that says where and what is allowed."""

from __future__ import annotations

import importlib.resources
from datetime import date
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from dialer import config
from dialer.config import CampaignFile, RulePack, ServiceFile, load_campaign, load_rules, load_service
from dialer.domain.kinds import DialingMode, Outcome
from dialer.domain.localtime import window
from dialer.domain.specs import SECOND_US, CapRule, RetryRule, WeeklyHours
from dialer.errors import ConfigError

EXAMPLES = Path(__file__).parents[2] / "examples"
GOOD = {"name": "spring", "mode": "progressive", "caller_id": "+12125550100", "queue": "sales"}


@pytest.fixture
def campaign(tmp_path):
    """Write a campaign file: text, or fields over a good one (None removes)."""

    def write(text=None, **fields):
        path = tmp_path / "c.yaml"
        content = {name: value for name, value in (GOOD | fields).items() if value is not None}
        path.write_text(text if text is not None else yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        return path

    return write


def test_example_files_load_and_become_specs():
    """The examples that ship are right, and each field reaches its place in the spec, in microseconds."""
    file = load_campaign(EXAMPLES / "progressive.yaml")
    spec = file.to_domain(pool="p1", version=3)
    assert (spec.campaign, spec.mode, spec.pool, spec.version) == (
        "spring-progressive",
        DialingMode.PROGRESSIVE,
        "p1",
        3,
    )
    assert (spec.queue, spec.trunk, spec.caller_id, spec.priority) == ("sales", "main", 12125550100, 5)
    assert (spec.amd, spec.ring_timeout_us, spec.flow) == (True, 20 * SECOND_US, None)
    rests = ((Outcome.BUSY, 600 * SECOND_US), (Outcome.CONGESTION, 300 * SECOND_US))
    assert spec.retry == RetryRule(2, 3_600 * SECOND_US, rests)
    assert {s.weekday for s in spec.hours.spans} == {0, 1, 2, 3, 4, 5}
    assert spec.hours.spans[-1].from_minute == 600
    trunk = file.trunk.to_domain()
    assert (trunk.trunk, trunk.lines, trunk.calls_per_s, trunk.destinations) == ("main", 60, 10, ("1",))
    assert file.cap_rules() == (CapRule(3, 604_800 * SECOND_US),)
    agents = file.agent_specs(pool="p1")
    assert len(agents) == 20
    assert (agents[0].agent, agents[0].pool, agents[0].queues, agents[0].trunks) == ("a1", "p1", ("sales",), ("main",))
    assert agents[0].wrap_up_limit_us == 30 * SECOND_US
    pool = file.pool_spec(pool="p1", count=2)
    assert (pool.agents, pool.campaigns, pool.trunks) == (("a1", "a2"), ("spring-progressive",), ("main",))

    agentless = load_campaign(EXAMPLES / "agentless.yaml")
    spec = agentless.to_domain()
    assert (spec.mode, spec.queue, spec.flow, spec.concurrency) == (DialingMode.AGENTLESS, None, "reminder", 40)
    assert agentless.agent_specs() == ()


def test_defaults_are_those_of_the_domain(campaign):
    """A file with required fields alone means what a spec with required fields alone means."""
    spec = load_campaign(campaign()).to_domain()
    assert spec.retry == RetryRule()
    assert spec.hours == WeeklyHours.daily(480, 1260)
    assert (spec.priority, spec.concurrency, spec.ring_timeout_us, spec.amd) == (5, 10, 25 * SECOND_US, False)
    assert load_campaign(campaign()).agent_specs()[9].wrap_up_limit_us == 60 * SECOND_US


def test_unquoted_caller_id_is_the_same_number(campaign):
    """YAML reads +12125550100 as a number; it stays that telephone number."""
    path = campaign("name: s\nmode: agentless\ncaller_id: +12125550100\nflow: notice\n")
    assert load_campaign(path).caller_id == 12125550100


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param(
            {"mode": "predictve"}, "2: mode: unknown mode 'predictve'; use one of: agentless, preview", id="mode"
        ),
        pytest.param({"mode": None}, "1: mode: is missing; add it", id="missing"),
        pytest.param(
            {"ring_timout_s": 20}, "5: ring_timout_s: unknown field; did you mean 'ring_timeout_s'?", id="typo"
        ),
        pytest.param({"zzz": 1}, "5: zzz: unknown field; allowed here: agents, amd, call_flow", id="unknown-field"),
        pytest.param({"priority": 6}, "5: priority: 6: must be less than or equal to 5", id="priority-high"),
        pytest.param({"priority": 0}, "5: priority: 0: must be greater than or equal to 1", id="priority-low"),
        pytest.param({"max_attempts": 101}, "5: max_attempts: 101: must be less than or equal to 100", id="attempts"),
        pytest.param({"ring_timeout_s": 14}, "ring_timeout_s: 14: must be greater than or equal to 15", id="ring-low"),
        pytest.param({"ring_timeout_s": 121}, "ring_timeout_s: 121: must be less than or equal to 120", id="ring-high"),
        pytest.param({"name": "Two Words"}, "1: name: 'Two Words': ", id="slug"),
        pytest.param({"trunk": {"name": "t", "lines": 0}}, "7: trunk.lines: 0: must be greater", id="nested"),
        pytest.param({"trunk": {"line": 1}}, "6: trunk.line: unknown field; did you mean 'lines'?", id="nested-typo"),
        pytest.param({"caps": [{"limit": 1}]}, "6: caps.0.window_s: is missing", id="in-a-list"),
        pytest.param(
            {"hours": ["mon-fri 18:00-09:00"]}, "'mon-fri 18:00-09:00' is not calling hours; write", id="hours"
        ),
        pytest.param({"hours": []}, "5: hours: []: List must have at least 1 item", id="no-hours"),
        pytest.param(
            {"retry_by_outcome": {"engaged": 5}}, "use one of: abandoned, machine, no_answer, busy", id="outcome"
        ),
        pytest.param({"retry_by_outcome": {"connected": 5}}, "use one of: abandoned, machine", id="final-outcome"),
        pytest.param({"queue": None}, "1: queue is missing; mode progressive needs it", id="no-queue"),
        pytest.param({"flow": "x"}, "1: flow does not go with mode progressive; remove it", id="flow"),
        pytest.param({"mode": "agentless", "queue": None}, "flow is missing; mode agentless needs it", id="no-flow"),
        pytest.param({"mode": "agentless", "flow": "x"}, "queue does not go with mode agentless", id="queue"),
        pytest.param(
            {"mode": "agentless", "queue": None, "flow": "x", "agents": {}}, "agents does not go with mode", id="agents"
        ),
    ],
)
def test_wrong_field_is_one_line_with_place_and_remedy(campaign, fields, expected):
    """File, line, field path, what is wrong and what is allowed, in one line."""
    path = campaign(**fields)
    with pytest.raises(ConfigError) as caught:
        load_campaign(path)
    text = str(caught.value)
    assert text.startswith(f"{path}:")
    assert expected in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("name: a\nname: b\n", ":2: name: is given twice; keep one", id="repeated-key"),
        pytest.param("trunk:\n  lines: 1\n  lines: 2\n", ":3: lines: is given twice", id="repeated-nested"),
        pytest.param("name: [a\nmode: b\n", "not valid YAML", id="broken"),
        pytest.param("name: !!python/object:os.system x\n", "not valid YAML", id="tag"),
        pytest.param("when: 2026-02-30\n", "not valid YAML", id="impossible-date"),
        pytest.param("", ":1: the file must hold fields", id="empty"),
        pytest.param("- a\n", ":1: the file must hold fields", id="list"),
        pytest.param("a: &x {b: 1}\nc: {<<: *x}\n", ": unknown field", id="merge-key"),
        pytest.param("\x00", "not valid YAML", id="control-character"),
    ],
)
def test_text_that_is_no_campaign_is_refused_in_one_line(campaign, text, expected):
    """Broken YAML never becomes a traceback, and a repeated key never silently wins."""
    with pytest.raises(ConfigError) as caught:
        load_campaign(campaign(text))
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_several_errors_show_the_first_line_and_their_number(campaign):
    """The topmost error is told; the rest are counted."""
    with pytest.raises(ConfigError, match=r"c\.yaml:2: mode: unknown mode 'x'.* \(and 1 more\)$"):
        load_campaign(campaign(mode="x", priority=9))


def test_error_shows_no_telephone_number(campaign):
    """A wrong caller id is explained without repeating it."""
    with pytest.raises(ConfigError) as caught:
        load_campaign(campaign(caller_id="212-555-0147"))
    assert "0147" not in str(caught.value)
    assert ":3: caller_id: must be an E.164 number" in str(caught.value)


def test_unreadable_files_are_named(tmp_path):
    """A missing file, a directory and binary data are each one clear line."""
    binary = tmp_path / "b.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"gone\.yaml: no such file; give the path"):
        load_campaign(tmp_path / "gone.yaml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_campaign(tmp_path)
    with pytest.raises(ConfigError, match="cannot be read: not UTF-8 text"):
        load_campaign(binary)


def test_service_file_has_defaults_and_refuses_repeated_names(tmp_path):
    """A service file names trunks and queues; two of one name are an error."""
    path = tmp_path / "dialer.yaml"
    path.write_text("queues: [{name: sales, pool: east}]\ntrunks: [{name: t1, lines: 5}]\n", encoding="utf-8")
    file = load_service(path)
    assert (file.data, file.host, file.port) == (Path("data"), "127.0.0.1", 8000)
    assert file.queues[0].pool == "east"
    assert file.trunks[0].to_domain().lines == 5
    path.write_text("trunks: [{name: t1}, {name: t1}]\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="trunk 't1' is given twice"):
        load_service(path)


def test_rules_cover_the_united_states_and_nothing_else():
    """Every zone of a covered area code has the federal hours; a zone of another country has none."""
    rules = load_rules(caps=(CapRule(2, SECOND_US),))
    hours = dict(rules.hours_by_zone)
    assert {"America/New_York", "America/Adak", "Pacific/Guam", "America/Puerto_Rico", "America/Detroit"} <= set(hours)
    assert not {"America/Toronto", "America/Jamaica", "Etc/Unknown"} & set(hours)
    assert set(hours.values()) == {WeeklyHours.daily(480, 1260)}
    assert rules.version == "us-2026.1"
    assert rules.caps == (CapRule(2, SECOND_US),)
    assert all(window(hours[zone], zone, 1_770_000_000 * SECOND_US).until_us for zone in hours)


def test_intent_life_scales_with_the_clock():
    """A clock ten times as fast gives an intent ten times the microseconds; no life at all is refused."""
    assert load_rules(10.0).intent_ttl_us == 10 * load_rules().intent_ttl_us
    for scale in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match="must be above 0"):
            load_rules(scale)


def test_each_law_has_its_source_date_and_reviewer():
    """No row of the pack is without the paragraph it comes from, its date, and who confirmed it."""
    text = importlib.resources.files("dialer.rules").joinpath("us.yaml").read_text(encoding="utf-8")
    pack = RulePack.model_validate(yaml.safe_load(text))
    assert {row.source for row in pack.hours} == {"47 CFR 64.1200(c)(1)", "16 CFR 310.4(c)"}
    for row in (*pack.hours, *pack.caps):
        assert row.reviewer
        assert row.effective <= pack.effective
        assert row.effective > date(1990, 1, 1)


@pytest.mark.parametrize("model", [CampaignFile, ServiceFile], ids=lambda m: m.__name__)
def test_every_field_is_described(model):
    """Each field of each section says its unit, default and reason: the schema is the reference."""

    def described(section: type[BaseModel]) -> None:
        for name, field in section.model_fields.items():
            assert field.description, f"{section.__name__}.{name}"
            assert field.description.endswith("."), f"{section.__name__}.{name}"

    described(model)
    for section in (config.TrunkSection, config.AgentsSection, config.CapSection, config.QueueSection):
        described(section)
