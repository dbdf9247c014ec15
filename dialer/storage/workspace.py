"""Where bulk files are made: a scratch directory with a DuckDB connection, and a safe way out of it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from dialer.errors import ContactFileError


@contextmanager
def workspace(parent: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """A DuckDB connection and a scratch directory on the same disk as the results; both go away at the end.

    Args:
        parent: Directory of the results; made if missing.

    Yields:
        Connection and directory.

    Raises:
        ContactFileError: The directory cannot be written, or disk or memory did not suffice.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
        holder = tempfile.TemporaryDirectory(prefix=".unfinished-", dir=parent)
    except OSError as error:
        msg = f"cannot write to {parent}: {error.strerror}"
        raise ContactFileError(msg) from error
    with holder as name, duckdb.connect(config={"temp_directory": str(Path(name) / "spill")}) as con:
        con.execute("SET enable_progress_bar = false")  # on by default where Python looks interactive
        try:
            yield con, Path(name)
        except (duckdb.IOException, duckdb.OutOfMemoryException, OSError) as error:
            msg = f"cannot write to {parent}: not enough disk space or memory, or the disk failed"
            raise ContactFileError(msg) from error


def publish(finished: dict[Path, Path]) -> None:
    """Flush finished files to disk and move each to its final name, in the order given.

    Args:
        finished: Final path by temporary path.
    """
    for temporary, final in finished.items():
        final.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(final)
