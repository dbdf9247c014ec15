"""The legal rule pack: the law as data, resolved for the ledger."""

from __future__ import annotations

import importlib.resources
import json
import math
from datetime import date

from pydantic import Field

from dialer.config.fields import AutoDncSection, CapSection, Hours, Section
from dialer.domain.specs import CapRule, LegalRules
from dialer.domain.weekly import common_hours, parse_hours
from dialer.errors import ConfigError
from dialer.yamlfile import read_model


class HoursRow(Section):
    """One law on calling hours."""

    rule: str
    open: Hours
    source: str
    effective: date
    reviewer: str


class CapRow(CapSection):
    """One law on the number of attempts."""

    source: str
    effective: date
    reviewer: str


class RulePack(Section):
    """A file of ``dialer/rules``: the law as data."""

    version: str
    effective: date
    regions: list[str] = Field(min_length=1)
    more_zones: list[str] = Field(default=[])
    hours: list[HoursRow] = Field(min_length=1)
    caps: list[CapRow] = Field(default=[])


def load_rules(
    ttl_scale: float = 1.0, *, caps: tuple[CapRule, ...] = (), auto_dnc: AutoDncSection | None = None
) -> LegalRules:
    """The legal rules of the United States for every zone of the covered regions; other zones may not be called.

    Args:
        ttl_scale: Factor on the time an intent stays valid, above 0: a clock that runs X times faster wants X.
        caps: The operator's caps, which apply beside the legal ones.
        auto_dnc: The operator's rule on numbers that are never reached.

    Raises:
        ConfigError: ``ttl_scale`` is not above 0.
    """
    if not (ttl_scale > 0 and math.isfinite(ttl_scale)):
        msg = f"the scale of the intent's life must be above 0, not {ttl_scale:g}"
        raise ConfigError(msg)
    files = importlib.resources.files("dialer.rules")
    with importlib.resources.as_file(files.joinpath("us.yaml")) as path:
        pack = read_model(path, RulePack)
    table = json.loads(files.joinpath("nanp_zones.json").read_text(encoding="utf-8"))["area_codes"].values()
    zones = {zone for entry in table if entry["region"] in pack.regions for zone in entry["zones"]} | {*pack.more_zones}
    hours = parse_hours(pack.hours[0].open)
    for row in pack.hours[1:]:
        hours = common_hours(hours, parse_hours(row.open))
    return LegalRules(
        version=pack.version,
        hours_by_zone=tuple((zone, hours) for zone in sorted(zones)),
        caps=(*(row.to_domain() for row in pack.caps), *caps),
        intent_ttl_us=round(LegalRules("", ()).intent_ttl_us * ttl_scale),
        auto_dnc_after=auto_dnc.after_attempts if auto_dnc is not None else 0,
        auto_dnc_list=auto_dnc.list if auto_dnc is not None else "",
    )
