"""What is recorded of flows can be counted, run by run, and a repeated record changes nothing."""

from __future__ import annotations

import pytest

from dialer.domain.flow import FlowResult
from dialer.domain.flow_talk import FlowEnded
from dialer.domain.ids import attempt_id
from dialer.storage.flows import flow_report
from dialer.storage.store import Store


def ended(run_no, contact, answers, result=FlowResult.COMPLETED):
    return FlowEnded(attempt_id(run_no, contact, 1), "survey", 1, "end", result, answers, 1)


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "data") as opened:
        yield opened


def test_results_and_answers_by_step(store):
    """Requirement 25. Results of flows, and how often what was pressed where; recordings are counted, not named."""
    recording = f"{attempt_id(1, 3, 1)}-words"
    store.append(
        [
            ended(1, 1, '{"menu": "1"}'),
            ended(1, 2, '{"menu": "1", "age": "42"}', FlowResult.HUNG_UP),
            ended(1, 3, f'{{"menu": "#", "words": "{recording}"}}'),
            ended(1, 4, "{}", FlowResult.LOST),
            ended(2, 1, '{"menu": "2"}'),
        ]
    )
    store.append([ended(1, 1, '{"menu": "9"}')])  # told twice: the first one stands
    assert flow_report(store, 1) == {
        "flow_results": {"completed": 2, "hung_up": 1, "lost": 1},
        "flow_answers": {"age": {"42": 1}, "menu": {"#": 1, "1": 2}, "words": {"recorded": 1}},
    }


def test_a_run_without_flows(store):
    assert flow_report(store, 1) == {"flow_results": {}, "flow_answers": {}}
