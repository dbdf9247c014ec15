"""The zone table: no area code may be called at an hour that is unlawful somewhere in it."""

from __future__ import annotations

import importlib.resources
import json
import zoneinfo

import pytest

TABLE = json.loads(importlib.resources.files("dialer.rules").joinpath("nanp_zones.json").read_text(encoding="utf-8"))
AREA_CODES = TABLE["area_codes"]

SPLIT = {
    "208": {"America/Boise", "America/Los_Angeles"},
    "219": {"America/Chicago", "America/New_York"},
    "250": {"America/Vancouver", "America/Edmonton"},
    "270": {"America/Chicago", "America/New_York"},
    "308": {"America/Chicago", "America/Denver"},
    "334": {"America/Chicago", "America/New_York"},
    "423": {"America/Chicago", "America/New_York"},
    "541": {"America/Los_Angeles", "America/Boise"},
    "605": {"America/Chicago", "America/Denver"},
    "606": {"America/Chicago", "America/New_York"},
    "701": {"America/Chicago", "America/Denver"},
    "709": {"America/St_Johns", "America/Goose_Bay"},
    "775": {"America/Los_Angeles", "America/Denver"},
    "807": {"America/Toronto", "America/Winnipeg"},
    "812": {"America/Chicago", "America/New_York"},
    "850": {"America/Chicago", "America/New_York"},
    "906": {"America/Menominee", "America/New_York"},
    "907": {"America/Anchorage", "America/Adak"},
    "928": {"America/Phoenix", "America/Denver"},
}
OVERLAYS = [
    ("208", "986"),
    ("270", "364"),
    ("306", "639"),
    ("418", "581"),
    ("541", "458"),
    ("709", "879"),
    ("812", "930"),
    ("850", "448"),
    ("407", "689"),
    ("212", "646"),
    ("213", "323"),
    ("778", "236"),
    ("778", "672"),
]


@pytest.mark.parametrize("code", sorted(SPLIT))
def test_split_area_code_has_all_its_zones(code):
    """An area code that a zone border crosses lists the zones on both sides."""
    assert SPLIT[code] <= set(AREA_CODES[code]["zones"])


@pytest.mark.parametrize(("parent", "overlay"), OVERLAYS)
def test_overlay_has_the_zones_of_its_parent(parent, overlay):
    """Codes on the same ground have the same zones."""
    assert AREA_CODES[parent]["zones"] == AREA_CODES[overlay]["zones"]


def test_every_zone_loads_and_every_entry_is_whole():
    """Each entry has a region and at least one IANA zone, sorted, without repeats."""
    for code, entry in AREA_CODES.items():
        assert set(entry) == {"region", "zones"}, code
        assert len(entry["region"]) == 2, code
        assert entry["zones"] == sorted(set(entry["zones"])), code
        assert entry["zones"], code
        for zone in entry["zones"]:
            assert zoneinfo.ZoneInfo(zone).key == zone


def test_regions_are_told_apart():
    """The codes of the shared numbering plan carry their own country, so that a rule pack can refuse it."""
    regions = {code: AREA_CODES[code]["region"] for code in ("212", "416", "787", "876", "242")}
    assert regions == {"212": "US", "416": "CA", "787": "PR", "876": "JM", "242": "BS"}
    assert sum(entry["region"] == "US" for entry in AREA_CODES.values()) > 300


def test_codes_without_a_place_are_left_out():
    """Toll-free, personal and premium codes have no local time, so they are not callable."""
    assert not {"800", "833", "844", "855", "866", "877", "888", "500", "521", "533", "900", "555"} & set(AREA_CODES)
