"""The durable side of the dialer: one DuckDB file, one writer.

Members are safe to call from several threads, one at a time: blocking work runs on worker threads, never on an event
loop. Every member that writes returns after the change is in the write-ahead log on disk.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import duckdb
import pyarrow as pa

from dialer.domain.ids import MAX_RUN
from dialer.errors import ConflictError, DataDirectoryError
from dialer.storage.records import group
from dialer.storage.sql import load

SCHEMA_VERSION = 2
FILE_NAME = "dialer.duckdb"
#: Write-ahead log size at which DuckDB folds it into the file: a larger one makes pauses rarer, a restart longer.
CHECKPOINT_AT = "256MB"


class Store:
    """Catalogue, journal and counters of one data directory. Made by ``open`` or ``open_read_only``.

    Args:
        connection: Open connection to a file with the current schema; owned from now on.
        data_dir: The data directory.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._connection = connection
        self._lock = threading.Lock()
        self._sql = load("store")

    @classmethod
    def open(cls, data_dir: Path) -> Self:
        """Open for writing; make the directory and the file where they are missing, and bring the schema up to date.

        Args:
            data_dir: The data directory.

        Raises:
            DataDirectoryError: It is in use, newer than this code, damaged, or cannot be made.
        """
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            msg = f"cannot create data directory {data_dir}: {error.strerror}"
            raise DataDirectoryError(msg) from error
        store = cls(_connect(data_dir, read_only=False), data_dir)
        try:
            store._migrate()
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def open_read_only(cls, data_dir: Path) -> Self:
        """Open for reading; nothing is changed, and several readers may share the directory.

        Args:
            data_dir: The data directory.

        Raises:
            DataDirectoryError: There is none, or it is in use by a writer, damaged, or of another schema version.
        """
        if not (data_dir / FILE_NAME).is_file():
            msg = f"{data_dir} is not a data directory: it has no {FILE_NAME}"
            raise DataDirectoryError(msg)
        store = cls(_connect(data_dir, read_only=True), data_dir)
        try:
            store._require_current()
        except BaseException:
            store.close()
            raise
        return store

    def close(self) -> None:
        """Fold the log into the file and let go of it. Closing twice is harmless."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        """The store itself."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Close."""
        self.close()

    # -- schema ------------------------------------------------------------------------------------------------------

    def _version(self) -> int:
        """Schema version of the file, 0 for an empty one; refuses a newer or foreign one."""
        with self._translated():
            has_meta = self._one("has_meta")
            if not has_meta and self._one("table_count"):
                msg = f"{self.data_dir / FILE_NAME} was not written by the dialer; choose another data directory"
                raise DataDirectoryError(msg)
            version = int(self._one("schema_version") or 0) if has_meta else 0
        if version > SCHEMA_VERSION:
            msg = (
                f"{self.data_dir} was written by a newer dialer "
                f"(schema {version}, this one knows {SCHEMA_VERSION}); upgrade the dialer"
            )
            raise DataDirectoryError(msg)
        return version

    def _require_current(self) -> None:
        version = self._version()
        if version < SCHEMA_VERSION:
            msg = (
                f"{self.data_dir} has schema {version}, not {SCHEMA_VERSION}; start the dialer on it once to update it"
            )
            raise DataDirectoryError(msg)

    def _migrate(self) -> None:
        version = self._version()
        steps = load("schema")
        with self._translated():
            for step in range(version + 1, SCHEMA_VERSION + 1):
                with self._transaction():
                    self._connection.execute(steps[f"version_{step}"])
                    self._one("set_schema_version", str(step))

    # -- journal -----------------------------------------------------------------------------------------------------

    def append(self, rows: Sequence[object]) -> None:
        """Make journal rows durable, all of them or none.

        A row that repeats an attempt's intent, outcome or disposition changes nothing: the first one stands.

        Args:
            rows: Instances of IntentRow, OutcomeRow, DncRow, CampaignStateRow, DispositionSet, AgentSessionChanged.

        Raises:
            TypeError: A row is of another class; nothing was written.
            DataDirectoryError: The file cannot be written; nothing was written.
        """
        tables = group(rows)
        if not tables:
            return
        with self._lock, self._translated(), self._transaction():
            for name, table in tables:
                self._connection.register("incoming", table)
                self._connection.execute(self._sql[f"append_{name}"])
                self._connection.unregister("incoming")

    # -- actors and counters -----------------------------------------------------------------------------------------

    def enlist(self, kind: str, id: str) -> int:  # noqa: A002 - the pair (kind, id) is an address
        """Epoch of a new incarnation of an actor: 1 for the first, and one more each time, across restarts."""
        with self._lock, self._translated():
            return int(self._one("enlist", kind, id))

    def next_run_no(self) -> int:
        """A run number no run of this data directory has had.

        Raises:
            ConflictError: All ``MAX_RUN`` numbers are used up.
        """
        with self._lock, self._translated():
            run_no = int(self._one("count_up", "run_no"))
        if run_no > MAX_RUN:
            msg = f"{self.data_dir} has used all {MAX_RUN} run numbers; start a new data directory"
            raise ConflictError(msg)
        return run_no

    # -- catalogue ---------------------------------------------------------------------------------------------------

    def put(self, kind: str, id: str, doc: dict[str, Any]) -> int:  # noqa: A002
        """Keep a document under (kind, id), in place of an earlier one.

        Args:
            kind: For example ``campaign``, ``trunk``, ``run``.
            id: Unique within the kind.
            doc: Anything JSON can hold.

        Returns:
            Its version: 1 for the first, and one more with each change, deletions included.
        """
        text = json.dumps(doc)
        with self._lock, self._translated():
            return int(self._one("put", kind, id, text))

    def get(self, kind: str, id: str) -> dict[str, Any] | None:  # noqa: A002
        """The document under (kind, id), None if there is none."""
        with self._lock, self._translated():
            text = self._one("get", kind, id)
        return None if text is None else dict(json.loads(text))

    def all(self, kind: str) -> list[tuple[str, dict[str, Any]]]:
        """(id, document) of every document of a kind, ordered by id."""
        return [(str(key), dict(json.loads(text))) for key, text in self._rows(self._sql["all"], [kind])]

    def delete(self, kind: str, id: str) -> bool:  # noqa: A002
        """Delete a document; True if there was one."""
        with self._lock, self._translated():
            return self._one("delete", kind, id) is not None

    def audit_log(self, who: str, what: str, details: dict[str, Any]) -> None:
        """Note who did what; for people, later.

        Args:
            who: User or component.
            what: The action, for example ``dnc.add``.
            details: Anything JSON can hold; no unmasked telephone number.
        """
        text = json.dumps(details)
        with self._lock, self._translated():
            self._one("audit_log", who, what, text)

    def last_us(self) -> int:
        """Time of the last record, 0 if there is none: dialler time goes on from there."""
        return int(self._rows(load("why")["last_us"], ())[0][0] or 0)

    # -- reading -----------------------------------------------------------------------------------------------------

    def rows(self, statement: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self._rows(statement, parameters)

    def table(self, statement: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> pa.Table:
        """All rows of a query as an Arrow table."""
        with self._lock, self._translated():
            return self._connection.sql(statement, params=parameters or None).to_arrow_table()

    @contextmanager
    def registered(self, name: str, table: pa.Table) -> Iterator[None]:
        """Give queries an Arrow table under a name, for the length of a ``with`` block."""
        with self._lock, self._translated():
            self._connection.register(name, table)
        try:
            yield
        finally:
            with self._lock, self._translated():
                self._connection.unregister(name)

    # -- inside, with the lock held ----------------------------------------------------------------------------------

    def _rows(self, statement: str, parameters: Sequence[object] | Mapping[str, object]) -> list[tuple[Any, ...]]:
        with self._lock, self._translated():
            return list(self._connection.execute(statement, parameters).fetchall())

    def _one(self, name: str, *parameters: object) -> Any:
        # every row is fetched, always: a result left unfinished blocks the connection
        rows = self._connection.execute(self._sql[name], list(parameters)).fetchall()
        return rows[0][0] if rows else None

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.begin()
        try:
            yield
        except BaseException:
            self._connection.rollback()
            raise
        self._connection.commit()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except duckdb.Error as error:
            raise _refusal(self.data_dir, error) from error


def _connect(data_dir: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    config: dict[str, str | bool | int | float | list[str]] = {}
    if not read_only:
        config["checkpoint_threshold"] = CHECKPOINT_AT
    try:
        return duckdb.connect(str(data_dir / FILE_NAME), read_only=read_only, config=config)
    except duckdb.Error as error:
        raise _refusal(data_dir, error) from error


def _refusal(data_dir: Path, error: duckdb.Error) -> DataDirectoryError:
    """One line for the operator; what DuckDB said stays behind as the cause."""
    text = str(error)
    if "lock on file" in text or "different configuration" in text or "already attached" in text:
        return DataDirectoryError(f"{data_dir} is in use by another dialer process; stop it first")
    if isinstance(error, duckdb.FatalException | duckdb.InternalException | duckdb.SerializationException) or (
        "not a valid DuckDB" in text or "orrupt" in text
    ):
        return DataDirectoryError(f"{data_dir / FILE_NAME} is damaged; restore it from a backup")
    first_line = text.splitlines()[0] if text else type(error).__name__
    return DataDirectoryError(f"{data_dir / FILE_NAME}: {first_line}")
