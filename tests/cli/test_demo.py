"""``dialer demo``: the guided first run, twice on the same records."""

import pytest

pytestmark = [pytest.mark.cluster, pytest.mark.long, pytest.mark.timeout(600)]


def test_the_demo_adds_up_and_can_be_repeated(start, call, folder):
    """Five campaigns to their ends, an audit that is clean, and the same again on the records it has left."""
    for _ in range(2):
        told = start("demo", "--data", "data", "--json").end(600)
        assert told.status == 0, told.err
        report = told.result
        assert report["status"] == "completed"
        assert len(report["campaigns"]) == 5
        assert report["contacts"] == report["dialable"] + sum(report["excluded"].values())
        assert report["attempts"] == sum(report["outcomes"].values()) > 0
        assert report["audit"]["clean"]
    assert call("audit", "data").status == 0
