"""Statements have names, and values become literals that mean themselves."""

from importlib.resources import files

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.storage import sql

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)


@pytest.mark.parametrize(
    "name", [path.name[:-4] for path in files("dialer.storage").iterdir() if path.suffix == ".sql"]
)
def test_every_file_loads(name):
    """Each has statements, and none of them is empty."""
    statements = sql.load(name)
    assert statements
    assert all(statements.values())


def test_two_statements_of_one_name_are_refused(tmp_path, monkeypatch):
    """The second would hide the first."""
    (tmp_path / "twice.sql").write_text("-- name: a\nSELECT 1;\n-- name: a\nSELECT 2;\n")
    monkeypatch.setattr(sql, "files", lambda _: tmp_path)
    with pytest.raises(ValueError, match=r"twice\.sql has two statements named a"):
        sql.load("twice")


@pytest.fixture(scope="module")
def con():
    with duckdb.connect() as opened:
        yield opened


@given(TEXT)
def test_literals_and_identifiers_are_safe(con, text):
    """Whatever the text, it comes back as it was."""
    con.execute(f"SELECT {sql.literal(text)} AS {sql.identifier('x' + text)}")
    assert con.description[0][0] == "x" + text
    assert con.fetchall() == [(text,)]


def test_literals_of_other_types():
    """Numbers and truth values are not quoted."""
    assert [sql.literal(value) for value in (True, False, 7)] == ["true", "false", "7"]
