"""``dialer audit`` and ``dialer why``: questions about what is on record."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from dialer.commands_service import find_service
from dialer.screens import print_contact, print_findings, print_waterfall
from dialer.storage.audit import Finding, audit_store
from dialer.storage.store import Store
from dialer.storage.why import why_campaign, why_contact


def audit_command(data: Path, *, as_json: bool) -> int:
    """Audit a data directory.

    Returns:
        Exit status: 1 if a promise was broken.

    Raises:
        OperatorError: The directory cannot be read.
    """
    findings = _ask(data)
    clean = not any(finding.violations for finding in findings)
    if as_json:
        print(json.dumps({"clean": clean, "findings": [asdict(finding) for finding in findings]}))
    else:
        print_findings(Console(), findings)
    return 0 if clean else 1


def _ask(data: Path) -> list[Finding]:
    service = find_service(data)
    if service is not None:
        answer = service.ask("/v1/audit")
        return [Finding(**{**finding, "examples": tuple(finding["examples"])}) for finding in answer["findings"]]
    with Store.open_read_only(data) as store:
        return audit_store(store)


def why_command(data: Path, campaign: str, contact: str | None, *, as_json: bool) -> int:
    """Explain a campaign, or one contact of it.

    Raises:
        OperatorError: The directory cannot be read, or there is no such campaign or contact.
    """
    console = Console(file=sys.stdout)
    answer = _explain(data, campaign, contact)
    if as_json:
        print(json.dumps(answer))
    elif contact is None:
        print_waterfall(console, campaign, answer)
    else:
        print_contact(console, answer)
    return 0


def _explain(data: Path, campaign: str, contact: str | None) -> Any:
    service = find_service(data)
    if service is not None:
        path = f"/v1/campaigns/{campaign}/why"
        if contact is not None:
            return service.ask(path, post={"contact": contact})
        return [(step["label"], step["contacts"]) for step in service.ask(path)["steps"]]
    with Store.open_read_only(data) as store:
        return why_campaign(store, campaign) if contact is None else why_contact(store, campaign, contact)
