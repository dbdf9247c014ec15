"""Results appear whole or not at all."""

import duckdb
import pytest

from dialer.errors import ContactFileError
from dialer.storage.workspace import publish, workspace


def fail_halfway(parent):
    with workspace(parent) as (_, scratch):
        (scratch / "half").write_text("x")
        raise ValueError("halfway")


def test_nothing_is_left_after_a_failure(tmp_path):
    """The scratch directory goes, whatever happens; other errors pass through."""
    with pytest.raises(ValueError, match="halfway"):
        fail_halfway(tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize("error", [duckdb.OutOfMemoryException, duckdb.IOException, OSError])
def test_a_full_disk_is_the_operators(tmp_path, error):
    """One line that names the directory."""
    with pytest.raises(ContactFileError, match="not enough disk space or memory"), workspace(tmp_path):
        raise error("no space")


def test_queries_do_not_draw_on_the_terminal(tmp_path):
    """A progress bar would stand in the middle of a report."""
    with workspace(tmp_path) as (con, _):
        assert con.execute("SELECT current_setting('enable_progress_bar')").fetchall() == [(False,)]


def test_publish_replaces_and_makes_directories(tmp_path):
    """The old file is there until the new one is."""
    (tmp_path / "old").write_text("old")
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    publish({tmp_path / "a": tmp_path / "old", tmp_path / "b": tmp_path / "far" / "away"})
    assert (tmp_path / "old").read_text() == "a"
    assert (tmp_path / "far" / "away").read_text() == "b"
    assert not (tmp_path / "a").exists()
