"""The report as a page: whole, closed in itself, and safe."""

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from dialer.errors import OperatorError
from dialer.screens.figures import Bucket
from dialer.screens.html import html_report, write_html
from dialer.screens.svg import column_minutes, over_time

MINUTE = 60_000_000
HOUR = 60 * MINUTE
T0 = 1_789_999_200_000_000
VOID = {"meta", "rect", "line"}


class Page(HTMLParser):
    """Reads a page, and fails where an element is not closed or an id is used twice."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.ids, self.text = [], [], set(), []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        """Note an element and that it is open."""
        found = dict(attrs)
        self.elements.append((tag, found))
        if "id" in found:
            assert found["id"] not in self.ids
            self.ids.add(found["id"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        """Note an element that closes itself."""
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        """Close the innermost element."""
        assert self.open.pop() == tag

    def handle_data(self, data):
        """Note a text."""
        self.text.append(data)

    def all(self, tag):
        """Attributes of all elements of this name."""
        return [attrs for name, attrs in self.elements if name == tag]


def test_page_is_well_formed(report):
    """Every element is closed, ids are unique, there is one title and one main heading."""
    page = Page(html_report(report))
    assert len(page.all("h1")) == len(page.all("main")) == 1
    assert page.all("html") == [{"lang": "en"}]
    assert "spring-renewals: report" in page.text


def test_nothing_from_outside(report):
    """No script, no address, no import: the page can be mailed and opened anywhere."""
    text = html_report(report)
    page = Page(text)
    attributes = {name for _, attrs in page.elements for name in attrs}
    assert not attributes & {"src", "href", "xlink:href", "action", "srcset", "style", "onload", "onclick"}
    assert not {tag for tag, _ in page.elements} & {"script", "link", "img", "iframe", "object", "base", "form"}
    assert not re.search(r"url\(|@import|https?:|//", text.replace("<!DOCTYPE", ""))
    (policy,) = [m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


def test_charts_are_described(report):
    """Each chart has a title and its figures in words, for those who hear the page."""
    page = Page(html_report(report))
    charts = page.all("svg")
    assert len(charts) == 4
    for chart in charts:
        assert chart["role"] == "img"
        assert set(chart["aria-labelledby"].split()) <= page.ids
    assert any(text.startswith("no answer: 580, 58.0 %; connected: 320, 32.0 %") for text in page.text)


def test_sums_are_shown(report):
    """The page adds up like the screen."""
    text = html_report(report)
    assert "✓ 4,210 dialable + 790 excluded = 5,000 contacts" in text
    assert "= 1,000 attempts" in text
    assert "Does not add up" not in text
    assert "✗ Does not add up: 4,210 dialable" in html_report({**report, "contacts": 1})


def test_bars_are_to_scale(report):
    """The longest bar fills its room, the others are in proportion."""
    text = html_report(report).split('id="outcomes-t"')[1].split("</svg>")[0]
    widths = [float(width) for width in re.findall(r'<rect[^>]* width="([\d.]+)"', text)]
    assert widths == sorted(widths, reverse=True)
    assert widths[1] / widths[0] == pytest.approx(320 / 580, abs=0.01)
    assert len(widths) == 6


def test_names_are_escaped(report, nasty):
    """A name is text wherever it stands, and a dollar sign is not a placeholder."""
    changes = {"campaign": nasty, "mode": nasty, "status": nasty, "outcomes": {nasty: 1000}, "excluded": {nasty: 790}}
    page = Page(html_report({**report, **changes, "undialled": {nasty: 1}, "seed": nasty}))
    assert not page.all("script")
    assert not page.all("bold")
    assert any("<script>alert('1')</script> [bold]&$body" in text for text in page.text)


@pytest.mark.parametrize(
    ("missing", "charts"),
    [
        ({"timeline"}, 4),
        ({"timeline", "by_hour"}, 3),
        ({"contacts"}, 3),
        ({"agents"}, 3),
        ({"outcomes", "attempts"}, 3),
    ],
)
def test_any_part_may_be_missing(report, missing, charts):
    """What a report does not say is left out; hours stand in for minutes."""
    left = {key: value for key, value in report.items() if key not in missing}
    assert len(Page(html_report(left)).all("svg")) == charts


def test_empty_report():
    """A run without a single attempt has a page too."""
    assert "0 = 0 attempts" in html_report({})


def test_no_telephone_number(report):
    """No text on the page is long enough to be a number to call."""
    assert not re.search(r"\d{7}", " ".join(Page(html_report(report)).text))


def test_timeline_counts_every_attempt(report):
    """Columns of several minutes hold all the attempts of these minutes; gaps stay gaps."""
    minutes = [Bucket(**row) for row in report["timeline"]]
    assert column_minutes(minutes) == 2
    chart = over_time("t", minutes, ident="t")
    said = [tuple(map(int, found)) for found in re.findall(r"(\d+) attempts, (\d+) connected, (\d+) abandoned", chart)]
    assert [sum(column) for column in zip(*said, strict=True)] == [1000, 320, 30]
    assert len(said) == 30 + 20  # none for the half hour without a call


def test_columns_stay_inside_the_plot(report):
    """Stacked boxes do not overlap, and end below the top of the scale."""
    chart = over_time("t", [Bucket(**row) for row in report["timeline"]], ident="t")
    for column in re.findall(r"<g>.*?</g>", chart):
        boxes = [(float(y), float(h)) for y, h in re.findall(r' y="([\d.]+)" width="[\d.]+" height="([\d.]+)"', column)]
        edges = [(y, y + h) for y, h in boxes]
        assert edges[0][1] == pytest.approx(202, abs=0.11)
        assert all(upper[1] == pytest.approx(lower[0], abs=0.11) for lower, upper in pairwise(edges))
        assert edges[-1][0] >= 12


@pytest.mark.parametrize(
    ("hours", "minutes", "ticks"),
    [(0, 1, 1), (1, 1, 7), (8, 5, 9), (30, 30, 8), (24 * 90, 1440, 9), (24 * 400, 5 * 1440, 9)],
)
def test_columns_and_ticks_fit_any_length(hours, minutes, ticks):
    """From one minute to more than a year: at most 96 columns, and times that do not collide."""
    last = Bucket(T0 + max(0, hours * HOUR - MINUTE), 10, 4, 1)
    span = [Bucket(T0, 10, 4, 1), last] if hours else [last]
    assert column_minutes(span) == minutes
    chart = over_time("t", span, ident="t")
    assert chart.count('class="axis"') - 3 in range(1, ticks + 1)


def test_write(tmp_path, report):
    """The file holds the page; an old one is replaced."""
    path = tmp_path / "report.html"
    path.write_text("old")
    write_html(report, path)
    assert path.read_text(encoding="utf-8") == html_report(report)


def test_write_where_it_cannot(tmp_path, report):
    """One line says what to do."""
    with pytest.raises(OperatorError, match=r"cannot write the report to .*; name a file in a directory") as caught:
        write_html(report, tmp_path / "missing" / "report.html")
    assert "\n" not in str(caught.value)
