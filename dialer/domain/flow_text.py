"""Placeholders: ``{first_name}`` in a text, a URL or a field stands for what is known of the contact or the call.

Known are the columns of the contact that the run was given, ``{phone}`` for the number that was dialled, and by the
names of earlier steps what came of them. Nothing else of the contact ever leaves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

_PLACEHOLDER = re.compile(r"\{([A-Za-z][A-Za-z0-9_-]*)\}")
#: RFC 3986, section 2.3: characters that need no escape anywhere in a URL.
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_LONGEST = 300
_HOST = re.compile(
    r"^https?://(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
    r"(?::[0-9]{1,5})?(?:[/?][\x21-\x7e]*)?$"
)


def placeholders(text: str) -> tuple[str, ...]:
    """Names of the placeholders in a text, each once, in their order."""
    return tuple(dict.fromkeys(_PLACEHOLDER.findall(text)))


def fill(text: str, values: Mapping[str, str], escape: Callable[[str], str]) -> str:
    """A text with its placeholders filled; one that is not known becomes empty.

    Args:
        text: With placeholders.
        values: By name.
        escape: Applied to each value.
    """
    return _PLACEHOLDER.sub(lambda found: escape(values.get(found[1], "")), text)


def spoken(value: str) -> str:
    """A value as it may be spoken: letters of any script, digits and plain punctuation, nothing that is markup."""
    kept = "".join(char if char.isprintable() and char not in '<>&"{}[]\\`|' else " " for char in value)
    return " ".join(kept.split())[:_LONGEST]


def percent(value: str) -> str:
    """A value as a part of a URL: percent-encoded UTF-8 (RFC 3986, section 2.1)."""
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in value.encode()[:_LONGEST])


def plain(value: str) -> str:
    """A value as it is; for fields that are encoded as JSON by whoever sends them."""
    return value[:_LONGEST]


def url_error(url: str) -> str | None:
    """What is wrong with the URL of a webhook, None if nothing is.

    The host must stand there as it is: a placeholder may fill a part of the path or the query, never choose who is
    asked.
    """
    if not url.startswith(("https://", "http://")):
        return "must begin with https:// or http://"
    if not _HOST.fullmatch(_PLACEHOLDER.sub("x", url)):
        return "is no URL of a host, with a path and a query of printable ASCII; user names are not allowed"
    host = url.split("://", 1)[1].replace("?", "/").split("/", 1)[0]
    return "must name its host without placeholders" if "{" in host else None
