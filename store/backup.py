"""Backup and restore in one format for both databases: gzipped JSON lines.

A header names the schema's revision; for each table comes a line with its columns and their kinds, then its rows;
a footer holds the row counts and the SHA-256 of all lines before it. Times are ISO 8601 in UTC.
"""

import gzip
import hashlib
import json
import os
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import Enum
from itertools import groupby
from pathlib import Path
from typing import IO, Any, cast

from sqlalchemy import JSON, Column, ColumnClause, Connection, Table, column, func, insert, inspect, select, table, text
from sqlalchemy.engine import URL
from sqlalchemy.types import NULLTYPE, TypeEngine

from store.columns import PLAIN_JSON, UTC_DATE_TIME, UtcDateTime
from store.connect import (
    StoreError,
    create,
    explain_os_error,
    file_of,
    for_reading,
    make_folder,
    parse_url,
    refuse_missing,
    show_url,
    speak_of_file,
    speak_plainly,
)
from store.schema import check_current, current_revision, has_tables, refuse_newer, upgrade
from store.sql import chunks
from store.tables import Row

FORMAT = "setwire-backup-1"
TABLES = Row.metadata.sorted_tables
KINDS: dict[str, TypeEngine[Any]] = {"time": UTC_DATE_TIME, "json": PLAIN_JSON, "plain": NULLTYPE}
DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile, ValueError, KeyError, TypeError)


def backup(url: str, path: Path) -> None:
    """Write one consistent snapshot to `path`, which is replaced only when the whole backup is on disk.

    The file holds signing secrets and is readable by its owner alone. Raises StoreError.
    """
    address = parse_url(url)
    refuse_missing(address)
    engine = create(address)
    try:
        with speak_of_file(path), speak_plainly(address), for_reading(engine).begin() as connection:
            check_current(connection, show_url(address))
            with _replace_when_whole(path) as target:
                _write(connection, target)
    finally:
        engine.dispose()


@contextmanager
def _replace_when_whole(path: Path) -> Iterator[IO[bytes]]:
    path.parent.stat()  # a missing folder is named as such, not by the name of a file being written
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as raw:
            with gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=6, mtime=0) as target:
                yield cast("IO[bytes]", target)
            raw.flush()
            os.fsync(raw.fileno())
        Path(name).replace(path)
    except BaseException:  # also at Ctrl-C: no half-written file stays behind
        Path(name).unlink(missing_ok=True)
        raise


def _write(connection: Connection, target: IO[bytes]) -> None:
    digest = hashlib.sha256()

    def write_line(value: object) -> None:
        line = json.dumps(value, separators=(",", ":")).encode() + b"\n"
        digest.update(line)
        target.write(line)

    write_line({"format": FORMAT, "revision": current_revision(connection)})
    counts = {of.name: _write_table(connection, of, write_line) for of in TABLES}
    write_line({"counts": counts, "sha256": digest.hexdigest()})


def _write_table(connection: Connection, of: Table, write_line: Callable[[object], None]) -> int:
    write_line({"table": of.name, "columns": [[part.name, _kind(part)] for part in of.columns]})
    rows = connection.execution_options(yield_per=500).execute(select(of).order_by(*of.primary_key))
    count = 0
    for row in rows:
        write_line([_encode(value) for value in row])
        count += 1
    return count


def _kind(part: Column[Any]) -> str:
    if isinstance(part.type, UtcDateTime):
        return "time"
    return "json" if isinstance(part.type, JSON) else "plain"


def _encode(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case Enum():
            return value.value
        case _:
            return value


def restore(path: Path, url: str, *, force: bool) -> None:
    """Load a backup in one transaction and bring it to the newest schema.

    Into an empty database only, unless `force` drops what setwire has there. Raises StoreError; then the database is
    as it was, and a new SQLite file is gone again.
    """
    address = parse_url(url)
    revision = _check_whole(path)
    refuse_newer(revision, str(path))
    file = file_of(address)
    is_new = file is not None and not file.exists()
    make_folder(address)
    engine = create(address)
    try:
        with speak_plainly(address), engine.begin() as connection:
            _make_room(connection, address, force=force)
            upgrade(connection, address, revision)
            _load(connection, path)
            upgrade(connection, address)
            _set_sequences(connection)
    except StoreError:
        engine.dispose()
        if is_new:
            _remove(file)
        raise
    engine.dispose()


def _remove(file: Path | None) -> None:
    for ending in ("", "-wal", "-shm") if file else ():
        Path(f"{file}{ending}").unlink(missing_ok=True)


def _make_room(connection: Connection, address: URL, *, force: bool) -> None:
    if not has_tables(connection):
        return
    if not force and _has_rows(connection):
        raise StoreError(
            f"{show_url(address)} is not empty; restore into a new database, or use --force to replace it."
        )
    Row.metadata.drop_all(connection)
    connection.execute(text("DROP TABLE IF EXISTS alembic_version"))


def _has_rows(connection: Connection) -> bool:
    there = set(inspect(connection).get_table_names())
    return any(connection.execute(select(1).select_from(of).limit(1)).first() for of in TABLES if of.name in there)


def _check_whole(path: Path) -> str:
    """Read the file to its end before anything is touched; the schema revision of a sound one."""
    digest = hashlib.sha256()
    header: Any = None
    line: Any = None
    for line in _read_lines(path, digest):
        header = header or line
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise StoreError(f"{path} is no backup of setwire; choose a file that `setwire backup` wrote.")
    if not isinstance(line, dict) or line.get("sha256") != digest.hexdigest():
        raise _damaged(path)
    return str(header["revision"])


def _read_lines(path: Path, digest: Any = None) -> Iterator[Any]:
    """Parsed lines; `digest`, if any, has seen all before the one given."""
    try:
        with gzip.open(path, "rb") as source:
            before = b""
            for line in source:
                if digest:
                    digest.update(before)
                before = line
                yield json.loads(line)
    except DAMAGE as error:
        raise _damaged(path) from error
    except OSError as error:
        raise StoreError(explain_os_error(error, path)) from error


def _damaged(path: Path) -> StoreError:
    return StoreError(f"{path} is damaged, cut short, or no backup; nothing was restored: use another backup.")


def _load(connection: Connection, path: Path) -> None:
    """Insert table by table; the columns are those of the backup's revision, not of today's `tables`."""
    target: list[Any] = []
    for is_row, lines in groupby(_read_lines(path), key=lambda line: isinstance(line, list)):
        if is_row:
            _insert(connection, target, lines)
        else:
            target = [line for line in lines if "table" in line][-1:]


def _insert(connection: Connection, target: list[Any], rows: Iterator[list[Any]]) -> None:
    names = [name for name, _ in target[0]["columns"]]
    types = [KINDS[kind] for _, kind in target[0]["columns"]]
    parts: list[ColumnClause[Any]] = [column(name, of) for name, of in zip(names, types, strict=True)]
    statement = insert(table(target[0]["table"], *parts))
    times = [place for place, of in enumerate(types) if of is UTC_DATE_TIME]
    for some in chunks(rows):
        for row in some:
            for place in times:
                row[place] = row[place] and datetime.fromisoformat(row[place])
        connection.execute(statement, [dict(zip(names, row, strict=True)) for row in some])


def _set_sequences(connection: Connection) -> None:
    """PostgreSQL counts ids apart from the rows; SQLite from the rows."""
    if connection.dialect.name != "postgresql":
        return
    for of in TABLES:
        key = of.autoincrement_column
        if key is not None:
            highest = select(func.coalesce(func.max(key), 0) + 1).scalar_subquery()
            name = func.pg_get_serial_sequence(of.name, key.name)
            connection.execute(select(func.setval(name, highest, False)))
