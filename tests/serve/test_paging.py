"""Pages: together they are the list, whatever their size, also while it changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.errors import ConfigError
from dialer.serve.paging import Window


def key(item):
    return item


@given(items=st.sets(st.text(max_size=8), max_size=30), limit=st.integers(1, 12))
def test_pages_are_the_list(items, limit):
    """Nothing twice, nothing missing, in order; the last page says so."""
    seen, cursor = [], None
    while True:
        page = Window(limit, cursor).page(list(items), key)
        assert len(page.items) <= limit
        seen += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
        assert len(page.items) == limit
    assert seen == sorted(items)


def test_items_that_come_and_go_between_pages():
    """What stays is shown once."""
    first = Window(2, None).page(["a", "b", "c", "d"], key)
    second = Window(2, first.next_cursor).page(["aa", "c", "d"], key)
    assert first.items + second.items == ["a", "b", "c", "d"]


@pytest.mark.parametrize("cursor", ["%", "a", "/w", "_w", "é", "a b"])
def test_foreign_cursors(cursor):
    """One line that says what to do."""
    with pytest.raises(ConfigError, match="leave it out"):
        Window(1, cursor)


def test_over_http(api, control):
    """The cursor goes round."""
    control.agent_docs = [{"agent": f"a{n}", "queues": ["sales"], "state": "idle"} for n in (3, 1, 2)]
    first = api("GET", "/v1/agents?limit=2").json()
    assert [item["agent"] for item in first["items"]] == ["a1", "a2"]
    second = api("GET", "/v1/agents", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert ([item["agent"] for item in second["items"]], second["next_cursor"]) == (["a3"], None)
    assert api("GET", "/v1/agents?cursor=%25").json()["type"] == "urn:dialer:error:configuration"
