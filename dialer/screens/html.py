"""The report of a run as one HTML page that needs nothing else: no script, no font, no picture from anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from dialer.errors import OperatorError
from dialer.screens.figures import Bucket, Check, Figures, figures
from dialer.screens.svg import Bar, bars, column_minutes, meter, over_time
from dialer.screens.words import count, day_and_time, milliseconds, percent, rate, spoken

_COLOUR: Mapping[str, str] = {
    "connected": "good",
    "abandoned": "bad",
    "hung_up": "warn",
    "failed": "bad",
    "unknown": "bad",
}


def write_html(report: Mapping[str, Any], path: Path) -> None:
    """Write the report of a run as an HTML page.

    Args:
        report: See ``figures``.
        path: The file; replaced if it exists.

    Raises:
        OperatorError: The file cannot be written.
    """
    try:
        path.write_text(html_report(report), encoding="utf-8")
    except OSError as error:
        msg = f"cannot write the report to {path}: {error.strerror}; name a file in a directory you may write to"
        raise OperatorError(msg) from error


def html_report(report: Mapping[str, Any]) -> str:
    """The report of a run as an HTML page.

    Args:
        report: See ``figures``.

    Returns:
        The whole document.
    """
    found = figures(report)
    body = [_tiles(found), _contacts(found), _attempts(found), _dispositions(found)]
    body += [_timeline(found), _agents(found), _facts(found)]
    page = Template(files("dialer.screens").joinpath("report.html").read_text(encoding="utf-8"))
    return page.substitute(
        title=escape(f"{found.campaign}: report"), header=_header(found), body="\n".join(filter(None, body))
    )


def _header(found: Figures) -> str:
    parts = [f"<h1>{escape(found.campaign)}</h1>"]
    if found.status:
        tone = " good" if found.status == "completed" else ""
        parts.append(f'<span class="status{tone}">{escape(found.status)}</span>')
    since = [f"from {day_and_time(found.timeline[0].at_us)}"] if found.timeline else []
    meta = [word for word in (found.mode, *found.marks, *since) if word]
    if meta:
        parts.append(f'<p class="meta">{escape(", ".join(meta))}</p>')
    return "\n".join(parts)


def _tiles(found: Figures) -> str:
    over = ' class="bad"' if found.over_limit else ""
    tiles = [
        ("contacts", count(found.contacts), "") if found.contacts is not None else None,
        ("attempts", count(found.attempts), ""),
        ("connected", count(found.connected), ""),
        ("abandoned, of live answers", percent(found.abandon_ratio, digits=2), over),
        ("agents' time in use", percent(found.utilisation_ratio), "") if found.agents else None,
        ("dials/s" if found.speed is None else "dials per virtual s", rate(found.dials_per_s), ""),
        ("answer to agent, p99", milliseconds(found.answer_ms[1]), "") if found.answer_ms and found.agents else None,
    ]
    cells = "".join(f"<div><dt>{tile[0]}</dt><dd{tile[2]}>{tile[1]}</dd></div>" for tile in tiles if tile)
    return f'<dl class="tiles">{cells}</dl>'


def _contacts(found: Figures) -> str:
    if found.contacts is None:
        return ""
    rows = [Bar("dialable", found.dialable, "good")]
    rows += [Bar(f"excluded: {reason}", number, "quiet") for reason, number in found.excluded]
    chart = bars("Contacts: dialable, and excluded by reason", rows, found.contacts, ident="contacts")
    return _section("Contacts", chart + _sum(found.check_contacts(found.contacts)))


def _attempts(found: Figures) -> str:
    rows = [Bar(spoken(name), number, _COLOUR.get(name, "plain")) for name, number in found.outcomes]
    chart = bars("Attempts by outcome", rows, found.attempts, ident="outcomes") if rows else ""
    return _section("Attempts by outcome", chart + _sum(found.check_attempts()) + _sum(found.check_live_answers()))


def _dispositions(found: Figures) -> str:
    if not found.dispositions:
        return ""
    rows = [Bar(code, number, "plain") for code, number in found.dispositions]
    chart = bars("Dispositions", rows, found.disposition_total, ident="dispositions")
    words = f"{count(found.disposition_total)} calls were closed with a code, {count(found.positive)} of them positive."
    return _section("Dispositions", f'{chart}<p class="sum">{words}</p>')


def _timeline(found: Figures) -> str:
    # the hours are all there is for a run whose minutes were not kept
    minutes = found.timeline or found.by_hour
    if not minutes:
        return ""
    every = column_minutes(minutes)
    legend = "".join(
        f'<li><span class="f-{colour}"></span>{name}</li>'
        for colour, name in (("good", "connected"), ("bad", "abandoned"), ("plain", "all other attempts"))
    )
    chart = over_time("Attempts over time", minutes, ident="timeline")
    note = f"One column is {every} min; times are UTC." if every > 1 else "One column is a minute; times are UTC."
    hours = _hours(found.by_hour) if found.by_hour else ""
    return _section("Attempts over time", f'{chart}<ul class="legend">{legend}</ul><p class="sum">{note}</p>{hours}')


def _hours(hours: Sequence[Bucket]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{day_and_time(hour.at_us)}</th><td>{count(hour.attempts)}</td>'
        f"<td>{count(hour.connected)}</td><td>{count(hour.abandoned)}</td></tr>"
        for hour in hours
    )
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("hour from", "attempts", "connected", "abandoned"))
    return (
        f"<details><summary>Hours as a table</summary><table><thead><tr>{heads}</tr></thead>"
        f"<tbody>{rows}</tbody></table></details>"
    )


def _agents(found: Figures) -> str:
    if not found.agents:
        return ""
    chart = meter("Share of the agents' staffed time in talk and wrap-up", found.utilisation_ratio, ident="agents")
    words = f"{count(found.agents)} agents. Talk and wrap-up, of the time they were at hand."
    return _section("Agents", f'{chart}<p class="sum">{words}</p>')


def _facts(found: Figures) -> str:
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(words)}</dd>" for name, words in found.facts())
    return _section("Figures", f'<dl class="facts">{rows}</dl>')


def _sum(check: Check) -> str:
    tone, mark = ("sum", "✓") if check.right else ("sum bad", "✗ Does not add up:")
    return f'<p class="{tone}">{mark} {escape(check.line)}</p>'


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>"
