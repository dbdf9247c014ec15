"""The library of a data directory: where imported lists lie, and the scrubbed files of runs.

Every import is a new version beside the earlier ones: a run that dials keeps the files it was made from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dialer.domain.kinds import DialingMode
from dialer.domain.selection import AS_LISTED, Selection
from dialer.domain.specs import SECOND_US, CampaignSpec, CapRule, DispositionRule
from dialer.errors import ContactFileError
from dialer.storage.contacts import ContactFile
from dialer.storage.importer import ImportReport, import_contacts, import_numbers
from dialer.storage.mapping import import_mapping
from dialer.storage.scrub import CONTACTS_FILE, EXCLUDED_FILE, scrub


def import_list(data_dir: Path, name: str, source: Path) -> dict[str, Any]:
    """Import a contact list as its next version.

    Args:
        data_dir: The data directory.
        name: List id, a slug.
        source: The CSV file.

    Returns:
        The document of the catalogue: ``path`` (relative to the data directory), ``version``, ``source``, ``rows``,
        ``contacts``, ``excluded`` (reason -> count), ``columns``, ``phones`` (columns of numbers), ``bad_phones``.

    Raises:
        ContactFileError: The file cannot be used; nothing was changed.
    """
    folder = data_dir / "lists" / name
    version = _next_version(folder)
    target = folder / f"v{version}.parquet"
    report = import_contacts(source, contacts=target, excluded=folder / f"v{version}.excluded.parquet")
    more = {"columns": list(report.columns), "phones": report.phones, "bad_phones": report.bad_phones}
    return _doc(data_dir, target, version, source, report) | more


def import_mapping_list(data_dir: Path, name: str, source: Path) -> dict[str, Any]:
    """Import a mapping list as its next version.

    Args:
        data_dir: The data directory.
        name: List id, a slug.
        source: The CSV file; see ``import_mapping``.

    Returns:
        The document of the catalogue: ``path``, ``version``, ``source``, ``rows``, ``contacts``, ``excluded``.

    Raises:
        ContactFileError: The file cannot be used; nothing was changed.
    """
    folder = data_dir / "mappings" / name
    version = _next_version(folder)
    target = folder / f"v{version}.parquet"
    return _doc(data_dir, target, version, source, import_mapping(source, target=target))


def import_dnc_list(
    data_dir: Path, name: str, source: Path, *, everywhere: bool, now_us: int, known: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Import a do-not-call list as its next version.

    Args:
        data_dir: The data directory.
        name: List id, a slug.
        source: The CSV file.
        everywhere: True for a list that applies to all campaigns.
        now_us: When it comes into force, UTC microseconds.
        known: The present document of the list, None for a new one.

    Returns:
        The document of the catalogue: as for ``import_list``, with ``global``, ``since_us`` and ``earlier`` versions.

    Raises:
        ContactFileError: The file cannot be used; nothing was changed.
    """
    folder = data_dir / "dnc" / name
    version = _next_version(folder)
    target = folder / f"v{version}.parquet"
    report = import_numbers(source, target=target)
    doc = _doc(data_dir, target, version, source, report) | {"global": everywhere}
    if known is None or known["path"] is None:
        return doc
    earlier = [*known.get("earlier", ()), [known["path"], known.get("since_us", 0)]]
    return doc | {"since_us": now_us, "earlier": earlier}


def prepare_run(
    data_dir: Path,
    run_no: int,
    spec: CampaignSpec,
    *,
    lists: Sequence[str],
    dnc: Mapping[str, str | None],
    caps: Sequence[CapRule],
    selection: Selection = AS_LISTED,
    mapping: str | None = None,
) -> dict[str, Any]:
    """Scrub the lists of a campaign into the files of one run.

    Args:
        data_dir: The data directory.
        run_no: Number of the run.
        spec: The campaign.
        lists: Paths of its lists, relative to the data directory, in dialling order.
        dnc: Every do-not-call list that applies: id -> path, None for one without a file.
        caps: Rolling caps in force, legal ones included.
        selection: Which contacts of the lists, in which order.
        mapping: Path of the mapping list, relative to the data directory.

    Returns:
        The document of the run.

    Raises:
        ContactFileError: A list cannot be read, or no contact may be dialled.
        ConfigError: Filter or order name a column that no list has.
    """
    folder = data_dir / "runs" / spec.campaign / str(run_no)
    files = [data_dir / path for path in dnc.values() if path is not None]
    report = scrub(
        [data_dir / path for path in lists],
        dnc=files,
        out_dir=folder,
        selection=selection,
        mapping=None if mapping is None else data_dir / mapping,
        seed=run_no,
        agents=spec.mode is not DialingMode.AGENTLESS,
    )
    if not report.dialable:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(report.excluded.items()))
        msg = f"campaign {spec.campaign}: none of the {report.contacts} contacts may be dialled ({reasons})"
        raise ContactFileError(msg)
    contacts = folder / CONTACTS_FILE
    return {
        **rules_doc(spec),
        "contacts": str(contacts.relative_to(data_dir)),
        "excluded": str((folder / EXCLUDED_FILE).relative_to(data_dir)),
        "rows": report.contacts,
        "dialable": report.dialable,
        "excluded_by_reason": report.excluded,
        "removed_numbers": report.removed,
        "order": selection.order.value,
        "zone_sets": [list(zones) for zones in ContactFile(contacts).zone_sets],
        "caps": [[cap.limit, cap.window_us] for cap in caps],
        "dnc_lists": sorted(dnc),
    }


def rules_doc(spec: CampaignSpec) -> dict[str, Any]:
    """What audit, reports and reasons must know of a campaign: part of the document of its run.

    Args:
        spec: The campaign, as last edited: an edit of a run that goes on renews this part.
    """
    retry = spec.retry
    return {
        "campaign": spec.campaign,
        "mode": spec.mode.value,
        "hours": [[span.weekday, span.from_minute, span.to_minute] for span in spec.hours.spans],
        "retry": {
            "max_attempts": retry.max_attempts,
            "rest_s": retry.rest_us / SECOND_US,
            "rest_by_outcome": {outcome.name.lower(): rest / SECOND_US for outcome, rest in retry.rest_by_outcome},
            "final": [outcome.name.lower() for outcome in retry.final],
        },
        "dispositions": [_disposition(rule) for rule in spec.dispositions],
        "max_skips_per_contact": spec.preview.max_skips_per_contact,
        "callback_early_s": spec.callback_early_us / SECOND_US,
        "personal_wait_s": spec.personal_wait_us / SECOND_US,
        "abandon_limit_ratio": spec.pacing.abandon_limit_ratio,
    }


def _disposition(rule: DispositionRule) -> dict[str, Any]:
    return {
        "code": rule.code,
        "retry_s": None if rule.retry_us < 0 else rule.retry_us / SECOND_US,
        "positive": rule.positive,
        "do_not_call": rule.do_not_call,
        "callback": rule.callback,
    }


def _next_version(folder: Path) -> int:
    versions = [int(path.stem[1:]) for path in folder.glob("v*.parquet") if path.stem[1:].isdecimal()]
    return max(versions, default=0) + 1


def _doc(data_dir: Path, target: Path, version: int, source: Path, report: ImportReport) -> dict[str, Any]:
    return {
        "path": str(target.relative_to(data_dir)),
        "version": version,
        "source": source.name,
        "rows": report.rows,
        "contacts": report.imported,
        "excluded": report.excluded,
    }
