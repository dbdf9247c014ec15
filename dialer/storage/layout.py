"""What the columns of a text file are: telephone numbers, columns with a meaning of their own, and text of the card."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType

from dialer.domain.kinds import ExcludedReason
from dialer.errors import ContactFileError
from dialer.storage.csvfile import CsvFile, header_key
from dialer.storage.numbers import normalise

#: Telephone numbers of one contact at most: further columns of numbers stay text.
MAX_PHONES = 8
#: Columns of the numbers of a contact, best first. The first one is never empty.
NUMBER_COLUMNS = ("number", *(f"number_{place}" for place in range(2, MAX_PHONES + 1)))
#: Columns of their zone keys, in the file of a run.
ZONE_KEY_COLUMNS = ("zone_key", *(f"zone_key_{place}" for place in range(2, MAX_PHONES + 1)))
#: Columns of a contact file that are not text of the card.
RESERVED_COLUMNS = (*NUMBER_COLUMNS, *ZONE_KEY_COLUMNS, "source_row", "list_no", "agent_key")
#: Text column of declared time zones.
ZONE_COLUMN = "time_zone"
#: Text column of the agent who is to call the contact.
AGENT_COLUMN = "agent"
#: Text column of the contact's own priority.
PRIORITY_COLUMN = "contact_priority"
#: Text column of the operator's own name for the contact.
ID_COLUMN = "unique_id"
#: Headers of the column of numbers, as ``header_key`` gives them; the first that a file has holds the first number.
PHONE_HEADERS = (
    *("phone", "phonenumber", "phoneno", "phonenum", "phone1", "telephone", "telephonenumber", "tel"),
    *("mobile", "mobilephone", "mobilenumber", "cell", "cellphone", "cellnumber", "homephone", "workphone"),
    *("primaryphone", "contactnumber", "msisdn", "e164", "number"),
)
#: Headers of columns of further numbers, beside those: ``phone_2``, ``mobile3``, ``home``.
_MORE_PHONES = re.compile(
    r"(?:phone(?:number)?|telephone|tel|mobile(?:phone)?|cell(?:phone)?|home(?:phone)?|work(?:phone)?|(?:alt|alternate|"
    r"alternative|other|secondary|second|business|office|daytime|evening)(?:phone|mobile)(?:number)?)[1-9]?"
)
ALIASES = MappingProxyType(
    {
        alias: name
        for name, aliases in {
            "first_name": ("firstname", "first", "givenname", "forename"),
            "last_name": ("lastname", "last", "surname", "familyname"),
            ZONE_COLUMN: ("timezone", "tz"),
            ID_COLUMN: ("uniqueid",),
            PRIORITY_COLUMN: ("contactpriority", "customerpriority"),
            AGENT_COLUMN: ("agent", "agentid", "agentkey"),
            "state": ("state",),
            "zip": ("zip", "zipcode", "postalcode", "postcode"),
        }.items()
        for alias in aliases
    }
)
_AREA_DIGITS, _LOCAL_DIGITS = 3, 7
_SHOWN_HEADERS = 12


@dataclass(frozen=True, slots=True)
class Layout:
    """How the columns of one file are read; columns are called ``c0``, ``c1`` and so on until the end.

    Attributes:
        names: Final name of each text column, None for a phone column.
        raws: SQL for the text of each number, best first.
        has_header: The first record is not data.
    """

    names: tuple[str | None, ...]
    raws: tuple[str, ...]
    has_header: bool


def contact_layout(file: CsvFile) -> Layout:
    """The columns of a contact list: the first number is in the best known column, the others in their order.

    Raises:
        ContactFileError: No column holds numbers.
    """
    keys = [header_key(cell) for cell in file.first]
    first = next((keys.index(alias) for alias in PHONE_HEADERS if alias in keys), None)
    if first is None:
        raise ContactFileError(_no_phone_column(file))
    others = [
        at for at, key in enumerate(keys) if at != first and (key in PHONE_HEADERS or _MORE_PHONES.fullmatch(key))
    ]
    # a column that is only called "number" beside one of telephone numbers is something else: a house, an account
    phones = [first, *(at for at in others if keys[at] != "number")][:MAX_PHONES]
    taken = {*RESERVED_COLUMNS}
    names: list[str | None] = []
    for at, (cell, key) in enumerate(zip(file.first, keys, strict=True)):
        name = ALIASES.get(key) or cell or f"column_{at + 1}"
        names.append(None if at in phones else _free_name(name, taken))
    return Layout(names=tuple(names), raws=tuple(f"c{at}" for at in phones), has_header=True)


def number_layout(file: CsvFile, *, region: str) -> Layout:
    """The columns of a list of numbers.

    Args:
        file: What ``open_csv`` found.
        region: Country of numbers without a country code.

    Raises:
        ContactFileError: No column holds numbers.
    """
    keys = [header_key(cell) for cell in file.first]
    unnamed: tuple[None, ...] = (None,) * len(keys)
    phone = next((keys.index(alias) for alias in PHONE_HEADERS if alias in keys), None)
    if phone is not None:
        return Layout(names=unnamed, raws=(f"c{phone}",), has_header=True)
    if all(cell.isdecimal() for cell in file.first) and [*map(len, file.first)] == [_AREA_DIGITS, _LOCAL_DIGITS]:
        return Layout(names=unnamed, raws=("c0 || c1",), has_header=False)
    for at, cell in enumerate(file.first):
        if not isinstance(normalise(cell, region=region), ExcludedReason):
            return Layout(names=unnamed, raws=(f"c{at}",), has_header=False)
    raise ContactFileError(_no_phone_column(file))


def _no_phone_column(file: CsvFile) -> str:
    if any(sum(letter.isdigit() for letter in cell) >= _LOCAL_DIGITS for cell in file.first):
        return (
            f"{file.source} has no header: its first line looks like data; "
            "add a line of column names, one of them phone"
        )
    found = [cell or "(blank)" for cell in file.first[:_SHOWN_HEADERS]]
    if len(file.first) > _SHOWN_HEADERS:
        found.append("...")
    return (
        f"{file.source} has no phone column: found {', '.join(found)}; "
        f"name the column of numbers phone, or one of {', '.join(PHONE_HEADERS[1:])}"
    )


def _free_name(name: str, taken: set[str]) -> str:
    """The name, with a number after it if it is taken; DuckDB does not tell names apart by case."""
    found, count = name, 1
    while found.casefold() in taken:
        count += 1
        found = f"{name}_{count}"
    taken.add(found.casefold())
    return found
