"""Group commit: what is said leaves after what is written, and not at all if the write fails."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.domain.groupcommit import JOURNAL, GroupCommit
from dialer.domain.message import Address, Envelope

CAMPAIGN = Address("campaign", "c")


def said(*words):
    return [Envelope(CAMPAIGN, word) for word in words]


def written(*rows):
    return [Envelope(JOURNAL, row) for row in rows]


def test_rows_are_flushed_before_envelopes_leave():
    """A batch is taken apart: its rows go to the flush, the rest is held until the flush is durable."""
    commit = GroupCommit()
    commit.add([*written("r1"), *said("m1"), *written("r2"), *said("m2")])
    assert commit.begin() == ["r1", "r2"]
    assert commit.durable() == said("m1", "m2")
    assert commit.begin() is None


def test_the_journal_is_known_by_its_address():
    """An address that was rebuilt on the way, by pickling for example, is the journal all the same."""
    commit = GroupCommit()
    commit.add([Envelope(Address("journal", ""), "row"), Envelope(Address("journal", "other"), "message")])
    assert commit.begin() == ["row"]
    assert [envelope.message for envelope in commit.durable()] == ["message"]


def test_batches_gather_while_a_flush_runs():
    """No second flush begins while one runs; the next one takes all that came meanwhile."""
    commit = GroupCommit()
    commit.add([*written("r1"), *said("m1")])
    commit.begin()
    for n in (2, 3):
        commit.add([*written(f"r{n}"), *said(f"m{n}")])
        assert commit.begin() is None
    assert commit.durable() == said("m1")
    assert commit.begin() == ["r2", "r3"]
    assert commit.durable() == said("m2", "m3")


def test_an_answer_without_rows_waits_for_earlier_rows():
    """A repeated answer must not overtake the row it rests on, and needs a turn of its own if none runs."""
    commit = GroupCommit()
    commit.add(written("r1"))
    assert commit.begin() == ["r1"]
    commit.add(said("known already"))
    assert commit.begin() is None
    assert commit.durable() == []
    assert commit.begin() == []
    assert commit.durable() == said("known already")


@pytest.mark.parametrize("batch", [[], said(), written()])
def test_nothing_to_do(batch):
    """Without rows and envelopes there is no flush, and nothing leaves."""
    commit = GroupCommit()
    commit.add(batch)
    assert commit.begin() is None
    assert commit.durable() == []


STEPS = st.one_of(st.just("begin"), st.just("durable"), st.lists(st.booleans(), max_size=4))


@given(st.lists(STEPS, max_size=40))
def test_order_is_kept_and_nothing_overtakes(story):
    """Rows and envelopes keep their order; an envelope leaves only when every row written before it is durable."""
    commit = GroupCommit()
    said_so_far, flushing, durable, left = [], [], [], []
    for step in [*story, "durable", "begin", "durable"]:
        if step == "begin":
            flushing = commit.begin() or flushing
        elif step == "durable":
            durable, flushing = durable + flushing, []
            left += [envelope.message for envelope in commit.durable()]
            before = [item for item in said_so_far[: said_so_far.index(left[-1])] if item[1]] if left else []
            assert durable[: len(before)] == before
        else:
            items = [(len(said_so_far) + n, is_row) for n, is_row in enumerate(step)]
            said_so_far += items
            commit.add([Envelope(JOURNAL if item[1] else CAMPAIGN, item) for item in items])
    assert durable == [item for item in said_so_far if item[1]]
    assert left == [item for item in said_so_far if not item[1]]
