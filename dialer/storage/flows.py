"""What came of the flows of one run: how they ended, and what was answered in which step."""

from __future__ import annotations

from typing import Any

from dialer.storage.sql import load
from dialer.storage.store import Store


def flow_report(store: Store, run_no: int) -> dict[str, Any]:
    """Count results and answers.

    Args:
        store: The open store.
        run_no: Number of the run.

    Returns:
        ``flow_results`` (result -> count) and ``flow_answers`` (step -> digits or answer -> count; a recording counts
        as ``recorded``); both empty for a run without flows.
    """
    sql = load("flows")
    answers: dict[str, dict[str, int]] = {}
    for step, value, count in store.rows(sql["answers"], {"run_no": run_no}):
        answers.setdefault(step, {})[value] = count
    return {"flow_results": dict(store.rows(sql["results"], {"run_no": run_no})), "flow_answers": answers}
