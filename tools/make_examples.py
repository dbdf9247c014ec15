"""Write ``examples/contacts.csv`` and ``examples/dnc.csv``, the same bytes at every run.

Every number is fictional: a real area code with 555-0100 to 555-0199. About one row in a hundred is bad on purpose
(empty, impossible, duplicate), so that an import has something to exclude.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator
from pathlib import Path

from phonenumbers import PhoneNumber, geocoder

ROOT = Path(__file__).parents[1]
ROWS = 5000
EMPTY = 10
INVALID = 15
DUPLICATES = 15
DNC_LISTED = 90
DNC_OTHERS = 30
SEED = 1876

COLUMNS = ("first_name", "last_name", "phone", "state", "zip", "time_zone", "account_id", "product", "balance")
PRODUCTS = ("checking", "savings", "card", "auto loan", "home loan", "home insurance", "auto insurance")
FIRST = (
    "Ada Alan Amara Anna Ben Carla Carlos Chen Dana David Diego Elena Emma Erik Fatima Felix Grace Hana Hugo Ines Ivan "
    "Jack James Jin Julia Karim Kate Lars Laura Leo Lin Lucia Marco Maria Maya Mei Mia Nadia Noah Nora Oscar Omar Paul "
    "Priya Rosa Ruth Sam Sara Sofia Tariq Tom Uma Victor Wei Yara Zoe"
).split()
LAST = (
    "Adams Ali Allen Baker Bauer Bell Brown Carter Chavez Chen Clark Cruz Davis Diaz Evans Fischer Flores Garcia Gomez "
    "Gray Green Hall Harris Hill Ito Jackson James Johnson Jones Kaur Kelly Khan Kim King Kumar Lee Lewis Long Lopez "
    "Martin Miller Moore Morris Nguyen Olsen Ortiz Park Patel Perez Price Reed Rivera Rossi Sato Scott Shah Silva "
    "Smith Stone Suzuki Taylor Torres Turner Walker Ward Weber White Wong Wood Young"
).split()
#: State: name, first and last three digits of its main range of ZIP codes.
STATES = {
    "AK": ("Alaska", 995, 999),
    "AL": ("Alabama", 350, 369),
    "AR": ("Arkansas", 716, 729),
    "AZ": ("Arizona", 850, 865),
    "CA": ("California", 900, 961),
    "CO": ("Colorado", 800, 816),
    "CT": ("Connecticut", 60, 69),
    "DC": ("Washington D.C.", 200, 205),
    "DE": ("Delaware", 197, 199),
    "FL": ("Florida", 320, 349),
    "GA": ("Georgia", 300, 319),
    "HI": ("Hawaii", 967, 968),
    "IA": ("Iowa", 500, 528),
    "ID": ("Idaho", 832, 838),
    "IL": ("Illinois", 600, 629),
    "IN": ("Indiana", 460, 479),
    "KS": ("Kansas", 660, 679),
    "KY": ("Kentucky", 400, 427),
    "LA": ("Louisiana", 700, 714),
    "MA": ("Massachusetts", 10, 27),
    "MD": ("Maryland", 206, 219),
    "ME": ("Maine", 39, 49),
    "MI": ("Michigan", 480, 499),
    "MN": ("Minnesota", 550, 567),
    "MO": ("Missouri", 630, 658),
    "MS": ("Mississippi", 386, 397),
    "MT": ("Montana", 590, 599),
    "NC": ("North Carolina", 270, 289),
    "ND": ("North Dakota", 580, 588),
    "NE": ("Nebraska", 680, 693),
    "NH": ("New Hampshire", 30, 38),
    "NJ": ("New Jersey", 70, 89),
    "NM": ("New Mexico", 870, 884),
    "NV": ("Nevada", 889, 898),
    "NY": ("New York", 100, 149),
    "OH": ("Ohio", 430, 458),
    "OK": ("Oklahoma", 730, 749),
    "OR": ("Oregon", 970, 979),
    "PA": ("Pennsylvania", 150, 196),
    "RI": ("Rhode Island", 28, 29),
    "SC": ("South Carolina", 290, 299),
    "SD": ("South Dakota", 570, 577),
    "TN": ("Tennessee", 370, 385),
    "TX": ("Texas", 750, 799),
    "UT": ("Utah", 840, 847),
    "VA": ("Virginia", 220, 246),
    "VT": ("Vermont", 50, 59),
    "WA": ("Washington State", 980, 994),
    "WI": ("Wisconsin", 530, 549),
    "WV": ("West Virginia", 247, 268),
    "WY": ("Wyoming", 820, 831),
}


def states_by_area_code() -> dict[str, tuple[str, list[str]]]:
    """State and zones of every area code of the United States whose state is known."""
    by_name = {name: state for state, (name, _, _) in STATES.items()}
    table = json.loads((ROOT / "dialer" / "rules" / "nanp_zones.json").read_text(encoding="utf-8"))["area_codes"]
    found: dict[str, tuple[str, list[str]]] = {}
    for code, entry in table.items():
        place = geocoder.description_for_number(
            PhoneNumber(country_code=1, national_number=int(f"{code}5550100")), "en"
        )
        state = by_name.get(place, place.rsplit(", ", 1)[-1])
        if entry["region"] == "US" and state in STATES:
            found[code] = (state, entry["zones"])
    return found


def written(number: str, rng: random.Random) -> str:
    """The number in one of the forms that lists arrive in."""
    area, exchange, line = number[:3], number[3:6], number[6:]
    forms = (f"+1{number}", f"({area}) {exchange}-{line}", f"{area}-{exchange}-{line}", f"1{number}", number)
    return rng.choices(forms, weights=(40, 25, 20, 5, 10))[0]


def contacts(rng: random.Random) -> tuple[list[dict[str, str]], list[str]]:
    """The rows, and the numbers of the good ones."""
    places = states_by_area_code()
    numbers = [f"{code}5550{100 + line}" for code in places for line in range(100)]
    good = rng.sample(numbers, ROWS - EMPTY - INVALID - DUPLICATES)
    rows = [row(number, written(number, rng), places, rng) for number in good]
    for at, number in enumerate(rng.sample(numbers, EMPTY + INVALID)):
        bad = rng.choice((number[:7], f"{number}00", f"0{number[1:]}", "unknown", "n/a"))
        rows.append(row(number, "" if at < EMPTY else bad, places, rng))
    rows += [row(number, written(number, rng), places, rng) for number in rng.sample(good, DUPLICATES)]
    rng.shuffle(rows)
    for at, each in enumerate(rows):
        each["account_id"] = f"AC{100_001 + at}"
    return rows, good


def row(number: str, phone: str, places: dict[str, tuple[str, list[str]]], rng: random.Random) -> dict[str, str]:
    """One contact who lives where the number says."""
    state, zones = places[number[:3]]
    _, low, high = STATES[state]
    return {
        "first_name": rng.choice(FIRST),
        "last_name": rng.choice(LAST),
        "phone": phone,
        "state": state,
        "zip": f"{rng.randint(low, high):03d}{rng.randint(1, 99):02d}",
        # Half of all lists leave the zone to the dialer.
        "time_zone": rng.choice(zones) if rng.random() < 0.5 else "",  # noqa: PLR2004 - a share
        "account_id": "",
        "product": rng.choice(PRODUCTS),
        "balance": f"{rng.lognormvariate(6.5, 1.1):.2f}",
    }


def do_not_call(good: list[str], rng: random.Random) -> Iterator[str]:
    """Numbers of the list and others, in one shuffled file."""
    others = {f"212555{100 + line:04d}" for line in range(100)} - set(good)
    listed = rng.sample(good, DNC_LISTED) + rng.sample(sorted(others), DNC_OTHERS)
    rng.shuffle(listed)
    return (f"+1{number}" for number in listed)


def main() -> None:
    """Write both files."""
    rng = random.Random(SEED)
    rows, good = contacts(rng)
    with (ROOT / "examples" / "contacts.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    with (ROOT / "examples" / "dnc.csv").open("w", newline="", encoding="utf-8") as file:
        file.write("phone\n")
        file.writelines(f"{number}\n" for number in do_not_call(good, rng))
    print(f"{len(rows)} contacts in {len({number[:3] for number in good})} area codes")


if __name__ == "__main__":
    main()
