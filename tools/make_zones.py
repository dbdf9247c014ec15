"""Write ``dialer/rules/nanp_zones.json``: for each area code of country code 1, every time zone it reaches into.

Run again after an update of ``phonenumbers``: ``python tools/make_zones.py``. The library knows zones by exchange
(the three digits after the area code), but numbers are ported within a state, so an area code gets the union over
all its exchanges. What the library does not know stands in the hand lists below, each with its reason.
"""

from __future__ import annotations

import json
import zoneinfo
from pathlib import Path
from typing import Any

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType, timezone

TARGET = Path(__file__).parents[1] / "dialer" / "rules" / "nanp_zones.json"

#: Area codes that share the ground of an older one; they get the union of all codes of their group.
OVERLAYS = (
    ("208", "986"),  # Idaho: Mountain, Pacific in the panhandle
    ("270", "364"),  # western Kentucky: Central, Eastern in the east of it
    ("306", "474", "639"),  # Saskatchewan
    ("418", "367", "581"),  # eastern Quebec and the Magdalen Islands
    ("541", "458"),  # Oregon: Pacific, Mountain in Malheur County
    ("709", "879"),  # Newfoundland and Labrador
    ("812", "930"),  # southern Indiana: Eastern, Central in the south-west
    ("850", "448"),  # Florida panhandle: Central, Eastern around Tallahassee
)

#: Province-wide overlays: these take the union of several areas, which keep their own zones.
SPREAD = dict.fromkeys(("236", "257", "672", "778"), ("250", "604"))  # British Columbia

#: Zones the library does not list for the code.
ADDED = {
    "306": ("America/Edmonton",),  # Lloydminster keeps Alberta time
    "334": ("America/New_York",),  # Phenix City, Lanett and Valley keep Eastern time by custom
    "423": ("America/Chicago", "America/New_York"),  # Marion and Bledsoe Counties are Central
    "541": ("America/Boise",),  # Malheur County
    "906": ("America/Menominee",),  # four counties on the Wisconsin border
    "928": ("America/Denver",),  # the Navajo Nation keeps daylight saving time, the rest of Arizona does not
}

#: Wrong or roundabout in the library: replaced as a whole.
REPLACED = {
    "605": ("America/Chicago", "America/Denver"),  # South Dakota is not North Dakota
    "689": ("America/New_York",),  # Orlando, not Central
    "709": ("America/Goose_Bay", "America/St_Johns"),  # most of Labrador keeps Atlantic time
    "879": ("America/Goose_Bay", "America/St_Johns"),
}

_GEOGRAPHIC = (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)


def survey(area: int) -> tuple[set[str], set[str]]:
    """Regions and zones of one area code over all its exchanges; both empty if it is not geographic."""
    regions: set[str] = set()
    zones: set[str] = set()
    for exchange in range(200, 1000):
        number = PhoneNumber(country_code=1, national_number=(area * 1000 + exchange) * 10_000 + 1234)
        if phonenumbers.number_type(number) in _GEOGRAPHIC:
            regions.add(phonenumbers.region_code_for_number(number))
            zones.update(timezone.time_zones_for_geographical_number(number))
    return regions, zones


def build() -> dict[str, dict[str, Any]]:
    """The table, by area code.

    Raises:
        SystemExit: The library's answer is not one that a hand list explains.
    """
    region_of: dict[str, str] = {}
    zones_of: dict[str, set[str]] = {}
    for area in range(200, 1000):
        regions, zones = survey(area)
        if not regions:
            continue
        if len(regions) != 1:
            msg = f"area code {area} is in several regions: {sorted(regions)}"
            raise SystemExit(msg)
        code = str(area)
        region_of[code] = regions.pop()
        zones_of[code] = set(REPLACED.get(code, zones)) | set(ADDED.get(code, ()))
    for group in OVERLAYS:
        present = [code for code in group if code in zones_of]  # the library may not know the newest code yet
        union = {zone for code in present for zone in zones_of[code]}
        zones_of.update((code, union) for code in present)
    for code, parents in SPREAD.items():
        if code in zones_of:
            zones_of[code].update(*(zones_of[parent] for parent in parents))
    known = zoneinfo.available_timezones() - {"Etc/Unknown"}
    for code, zones in zones_of.items():
        if not zones or not zones <= known:
            msg = f"area code {code} has no zone, or one that is not in the IANA data: {sorted(zones)}"
            raise SystemExit(msg)
    return {code: {"region": region_of[code], "zones": sorted(zones_of[code])} for code in sorted(zones_of)}


def main() -> None:
    """Write the table, one area code a line."""
    table = build()
    lines = ",\n".join(f"    {json.dumps(code)}: {json.dumps(entry)}" for code, entry in table.items())
    origin = f"phonenumbers {phonenumbers.__version__}, union over all exchanges"
    source = f"{origin}, with the hand lists of tools/make_zones.py"
    TARGET.write_text(
        f'{{\n  "source": {json.dumps(source)},\n  "area_codes": {{\n{lines}\n  }}\n}}\n', encoding="utf-8"
    )
    print(
        f"{TARGET.name}: {len(table)} area codes, {sum(len(e['zones']) > 1 for e in table.values())} in several zones"
    )


if __name__ == "__main__":
    main()
