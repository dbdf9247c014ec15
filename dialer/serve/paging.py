"""Lists that may grow are answered page by page, ordered by a key that stays with its item."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from dialer.errors import ConfigError

T = TypeVar("T")

DEFAULT_LIMIT, MAX_LIMIT = 100, 1000


class Page(BaseModel, Generic[T]):
    """A part of a list, and the way to the next one."""

    items: list[T]
    next_cursor: str | None = Field(default=None, description="Ask again with this cursor; null at the end.")


class Window:
    """Which part of a list the client wants.

    Args:
        limit: Items at most.
        cursor: Where the page before ended, as it said.

    Raises:
        ConfigError: The cursor is none of ours.
    """

    def __init__(
        self,
        limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items at most.")] = DEFAULT_LIMIT,
        cursor: Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before.")] = None,
    ) -> None:
        self._limit = limit
        self._after = None if cursor is None else _decoded(cursor)

    def page(self, items: Iterable[T], key: Callable[[T], str]) -> Page[T]:
        """The wanted part.

        Args:
            items: The whole list, in any order.
            key: Orders the items; no two have the same.
        """
        after = self._after
        rest = sorted((item for item in items if after is None or key(item) > after), key=key)
        shown = rest[: self._limit]
        return Page(items=shown, next_cursor=_encoded(key(shown[-1])) if len(rest) > len(shown) else None)


WindowDep = Annotated[Window, Depends()]


def _encoded(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _decoded(cursor: str) -> str:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error) as error:
        raise ConfigError("the cursor is none that this API gave; leave it out to start at the beginning") from error
