"""Placeholders are filled so that no value can become markup, another host, or another parameter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.domain.flow_text import fill, percent, placeholders, plain, spoken, url_error


def test_fills_what_is_known():
    """Known names are filled, others become empty, and what was filled in is not looked at again."""
    values = {"a": "{b}", "b": "no"}
    assert fill("x {a} {c} {b}", values, plain) == "x {b}  no"
    assert placeholders("{a} {b} {a} {1}") == ("a", "b")


@given(st.text(max_size=50))
def test_values_stay_values_in_a_url(value):
    """Whatever a contact's column holds, it cannot leave its place in the URL."""
    escaped = percent(value)
    assert not set(escaped) & set("/?#&=@: \\{}<>")
    assert escaped.isascii()
    assert url_error(f"https://example.com/?q={escaped}") is None


@given(st.text(max_size=50))
def test_values_are_no_markup_when_spoken(value):
    """Speech synthesis gets no tags, entities or quotes from a contact's column."""
    assert not set(spoken(value)) & set('<>&"{}[]\\`|\n\0')


@pytest.mark.parametrize("url", ["https://example.com", "http://a-b.c:8080/x?y={phone}", "https://localhost/{a}/{b}"])
def test_urls_that_may_be_asked(url):
    assert url_error(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "file:///etc/passwd",
        "https://",
        "https://a b.c/",
        "https://{x}.com/",
        "https://x@y/",
        "https://x/é",
        "https:///a",
    ],
)
def test_urls_that_may_not(url):
    assert url_error(url)
