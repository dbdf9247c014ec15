"""Mapping lists: which agent a contact is for, and how urgent it is, by its number or by the operator's own id."""

from __future__ import annotations

from pathlib import Path

from dialer.errors import ContactFileError
from dialer.storage.csvfile import CsvFile, header_key, open_csv
from dialer.storage.importer import ImportReport, judge, stage
from dialer.storage.layout import AGENT_COLUMN, ALIASES, ID_COLUMN, PHONE_HEADERS, PRIORITY_COLUMN, Layout
from dialer.storage.numbers import check_region
from dialer.storage.sql import literal, load
from dialer.storage.workspace import publish, workspace

_WANTED = frozenset({*PHONE_HEADERS, "uniqueid", "agent", "agentkey", "agentid"})


def import_mapping(source: Path, *, target: Path, region: str = "US") -> ImportReport:
    """Import a mapping list: CSV with a header, a column of numbers or of unique ids, and agents or priorities.

    Args:
        source: CSV file. Columns are ``phone`` or ``unique_id``, and ``agent`` (id of an agent), ``priority`` (higher
            is more urgent); others are left out.
        target: Parquet file to write: ``source_row``, ``number``, ``unique_id``, ``agent``, ``priority``; the first row
            of a contact counts.
        region: Country of numbers without a country code.

    Returns:
        The report; a row without contact, agent and priority is ``malformed_row``.

    Raises:
        ContactFileError: The file cannot be used; nothing was written.
        ConfigError: No such region.
    """
    region = check_region(region)
    sql = load("importing")
    with workspace(target.parent) as (con, scratch):
        file = open_csv(source, scratch=scratch, wanted=_WANTED)
        layout, cells = _mapping_layout(file)
        rows = stage(con, file, layout, scratch=scratch, region=region)
        judge(con, region=region)
        kept = scratch / "mapping.parquet"
        con.execute(sql["mapping"].format(**cells))
        con.execute(sql["write_mapping"].format(target=literal(kept)))
        excluded = dict(con.execute(sql["count_mapping"]).fetchall())
        publish({kept: target})
    return ImportReport(rows=rows, imported=rows - sum(excluded.values()), excluded=excluded)


def _mapping_layout(file: CsvFile) -> tuple[Layout, dict[str, str]]:
    """How the file is read, and where the columns of the mapping are."""
    keys = [header_key(cell) for cell in file.first]
    phone = next((keys.index(alias) for alias in PHONE_HEADERS if alias in keys), None)
    named = {ALIASES.get("contactpriority" if key == "priority" else key, key): at for at, key in enumerate(keys)}
    if phone is None and ID_COLUMN not in named:
        msg = f"{file.source} is no mapping list: it needs a column phone or unique_id"
        raise ContactFileError(msg)
    if AGENT_COLUMN not in named and PRIORITY_COLUMN not in named:
        msg = f"{file.source} is no mapping list: it needs a column agent or priority"
        raise ContactFileError(msg)
    names = tuple(None if at == phone else key for at, key in enumerate(keys))
    layout = Layout(names=names, raws=("NULL::VARCHAR" if phone is None else f"c{phone}",), has_header=True)
    wanted = {"id": ID_COLUMN, "agent": AGENT_COLUMN, "priority": PRIORITY_COLUMN}
    return layout, {what: f"c{named[name]}" if name in named else "NULL" for what, name in wanted.items()}
