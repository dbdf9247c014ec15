"""API keys: one small file, changed by the command line, read by the service while it runs.

A key reads ``dk_<id>_<secret>``. Only the SHA-256 of the secret is kept: 256 random bits need no salt and no slow hash.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from dialer.errors import ConfigError, DataDirectoryError, NotFoundError

FILE_NAME = "keys.json"
_ID_BYTES, _SECRET_BYTES = 4, 32
_KEY = re.compile(r"dk_([0-9a-f]{8})_([0-9a-f]{64})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@-]{0,62}")
#: Compared with when there is no key of that id, so that both cases take the same time.
_NOBODY = "0" * 64


class Role(StrEnum):
    """What the holder of a key is; what each may do stands in ``serve/auth.py``."""

    ADMIN = "admin"
    SUPERVISOR = "supervisor"
    AGENT = "agent"
    READ = "read"


@dataclass(frozen=True, slots=True)
class Key:
    """One key, without its secret.

    Attributes:
        id: Eight hexadecimal digits, part of the key; may be shown.
        name: Who or what holds it.
        role: What the holder may do.
        created: When it was made, UTC.
        digest: SHA-256 of the secret, hexadecimal.
    """

    id: str
    name: str
    role: Role
    created: datetime
    digest: str = field(repr=False)


class KeyFile:
    """The keys of one data directory. Safe to use from several threads and processes.

    Args:
        path: The file; it is made with the first key, readable by its owner only.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._keys: dict[str, Key] = {}

    def create(self, name: str, role: Role, now: datetime) -> str:
        """Make a key.

        Args:
            name: Who or what will hold it; 1 to 63 letters, digits, blanks, or ``. _ @ -``. Need not be unique, so that
                a holder can have the old and the new key for a while.
            role: What the holder may do.
            now: Present time, with its time zone.

        Returns:
            The key. It is shown this once and cannot be recovered.

        Raises:
            ConfigError: The name cannot be used.
            DataDirectoryError: The file is damaged or cannot be written.
        """
        if not _NAME.fullmatch(name):
            msg = "the name of a key has 1 to 63 letters, digits, blanks, or . _ @ - and begins with a letter or digit"
            raise ConfigError(msg)
        secret = secrets.token_hex(_SECRET_BYTES)
        with self._changing() as keys:
            key_id = secrets.token_hex(_ID_BYTES)
            while key_id in keys:
                key_id = secrets.token_hex(_ID_BYTES)
            keys[key_id] = Key(key_id, name, role, now.astimezone(UTC), _digest(secret))
        return f"dk_{key_id}_{secret}"

    def find(self, key: str) -> Key | None:
        """The key that a caller shows, None if there is no such key. Takes the same time for any wrong secret.

        Args:
            key: What the caller sent.

        Raises:
            DataDirectoryError: The file is damaged or cannot be read.
        """
        parts = _KEY.fullmatch(key)
        if parts is None:
            return None
        known = self._current().get(parts[1])
        same = hmac.compare_digest(_digest(parts[2]), _NOBODY if known is None else known.digest)
        return known if same else None

    def list(self) -> list[Key]:
        """All keys, oldest first.

        Raises:
            DataDirectoryError: The file is damaged or cannot be read.
        """
        return sorted(self._current().values(), key=lambda key: (key.created, key.id))

    def revoke(self, key_id: str) -> None:
        """Delete a key; it stops working at once.

        Args:
            key_id: Its id.

        Raises:
            NotFoundError: There is no such key.
            DataDirectoryError: The file is damaged or cannot be written.
        """
        with self._changing() as keys:
            if keys.pop(key_id, None) is None:
                msg = f"there is no key {key_id!r}; list the keys to see their ids"
                raise NotFoundError(msg)

    # -- the file ----------------------------------------------------------------------------------------------------

    def _current(self) -> dict[str, Key]:
        """The keys of the file as it is now; read again only when it has changed."""
        with self._lock:
            try:
                status = self.path.stat()
                # every change is a new file, so its inode tells two of equal size and time apart
                seen = (status.st_mtime_ns, status.st_size, status.st_ino)
                if seen != self._seen:
                    self._keys, self._seen = _parsed(self.path), seen
            except FileNotFoundError:
                self._keys, self._seen = {}, None
            except OSError as error:
                raise DataDirectoryError(f"{self.path} cannot be read: {error.strerror}") from error
            return self._keys

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Key]]:
        """A copy of the keys to change; written in place of the file at the end. One process at a time."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.with_suffix(".lock").open("w") as held:
                fcntl.flock(held, fcntl.LOCK_EX)
                keys = dict(self._current())
                yield keys
                self._write(keys)
        except OSError as error:
            raise DataDirectoryError(f"{self.path} cannot be written: {error.strerror}") from error

    def _write(self, keys: dict[str, Key]) -> None:
        rows = [
            {"id": k.id, "name": k.name, "role": k.role, "sha256": k.digest, "created": k.created.isoformat()}
            for k in keys.values()
        ]
        unfinished = self.path.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump({"version": 1, "keys": rows}, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(self.path)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _parsed(path: Path) -> dict[str, Key]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["version"] != 1:
            raise DataDirectoryError(f"{path} was written by a newer dialer; upgrade the dialer")
        keys = [_key(row) for row in content["keys"]]
    except (ValueError, KeyError, TypeError) as error:
        raise DataDirectoryError(
            f"{path} is damaged; restore it from a backup, or delete it and make new keys"
        ) from error
    return {key.id: key for key in keys}


def _key(row: dict[str, Any]) -> Key:
    created = datetime.fromisoformat(row["created"])
    return Key(str(row["id"]), str(row["name"]), Role(row["role"]), created, str(row["sha256"]))
