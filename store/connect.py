"""Database addresses, connections, and troubles as sentences. Knows no table."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError

BUSY_SECONDS = 30
CONNECT_SECONDS = 10
EXAMPLES = "write sqlite:///setwire-data/setwire.db or postgresql://user:password@host/database"


class StoreError(Exception):
    """One sentence for a person: what is wrong, where, and what to do. It never holds a password."""


def parse_url(url: str) -> URL:
    """Read a database URL; `postgres://` and `postgresql://` mean psycopg. Raises StoreError."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreError(f"The database URL cannot be read; {EXAMPLES}.") from None
    if parsed.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise StoreError(
            f"The database URL begins with {parsed.drivername!r}, which setwire does not speak; {EXAMPLES}."
        )
    if parsed.database in (None, "", ":memory:"):
        raise StoreError(f"The database URL {show_url(parsed)} names no file; {EXAMPLES}.")
    return parsed.set(drivername="sqlite")


def show_url(url: URL) -> str:
    """A URL fit for eyes: the password is ***, and of the query only a socket's host and port are left."""
    shown = {name: value for name, value in url.query.items() if name in ("host", "port")}
    return url.set(query=shown, drivername=url.get_backend_name()).render_as_string(hide_password=True)


def create(url: URL) -> Engine:
    """An engine of our habits; nothing is opened yet."""
    if url.drivername == "sqlite":
        engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, pool_size=8, max_overflow=24)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    timeout = url.query.get("connect_timeout", str(CONNECT_SECONDS))
    options = {"connect_timeout": timeout, "options": "-c timezone=UTC", "application_name": "setwire"}
    return create_engine(url, connect_args=options, pool_pre_ping=True, pool_size=8, max_overflow=24)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """The driver's own BEGIN is switched off (isolation_level None): `_begin_sqlite` says which BEGIN is meant."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", f"busy_timeout={BUSY_SECONDS * 1000}", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    is_reader = bool(connection.get_execution_options().get("is_reader"))
    connection.exec_driver_sql(f"PRAGMA query_only={int(is_reader)}")
    connection.exec_driver_sql("BEGIN" if is_reader else "BEGIN IMMEDIATE")


def for_reading(engine: Engine) -> Engine:
    """The same pool, but transactions see one snapshot and cannot write."""
    if engine.dialect.name == "sqlite":
        return engine.execution_options(is_reader=True)
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


@contextmanager
def speak_plainly(url: URL) -> Iterator[None]:
    """Turn every trouble of a database into a StoreError."""
    try:
        yield
    except DBAPIError as error:
        raise StoreError(_explain(error, url)) from error
    except SQLAlchemyError as error:
        raise StoreError(f"The database {show_url(url)} could not be used: {_first_line(error)}.") from error


@contextmanager
def speak_of_file(path: Path) -> Iterator[None]:
    """Turn every trouble of a file or its disk into a StoreError."""
    try:
        yield
    except OSError as error:
        raise StoreError(explain_os_error(error, path)) from error


def file_of(url: URL) -> Path | None:
    """The file of an SQLite URL; None for a server."""
    return Path(url.database) if url.drivername == "sqlite" and url.database else None


def make_folder(url: URL) -> None:
    """Create the folder of an SQLite file. Raises StoreError."""
    path = file_of(url)
    if path is not None:
        with speak_of_file(path):
            path.parent.mkdir(parents=True, exist_ok=True)


def refuse_missing(url: URL) -> None:
    """Raise StoreError when the SQLite file is not there: opening would create an empty one."""
    path = file_of(url)
    if path is None:
        return
    with speak_of_file(path):
        is_there = path.exists()
    if not is_there:
        raise StoreError(f"There is no database {path}; run `setwire migrate` to create it, or check the path.")


def explain_os_error(error: OSError, path: Path) -> str:
    """One sentence on a file that could not be used."""
    where = error.filename or path
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return f"The disk holding {where} is full; free some space and run it again."
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return f"{where} cannot be written or read by this user; check its owner and permissions."
        case errno.ENOENT:
            return f"{where} does not exist; check the path."
        case errno.EISDIR | errno.ENOTDIR | errno.EEXIST:
            return f"{where} is not usable as a file or its folder is none; check the path."
        case _:
            return f"{where} could not be used: {error.strerror or error}."


def _explain(error: DBAPIError, url: URL) -> str:
    if isinstance(error, IntegrityError):
        return (
            f"The database {show_url(url)} refused rows that contradict it ({_first_line(error.orig)}); "
            "another process may have written them first: run it again."
        )
    if url.drivername == "sqlite":
        return _explain_sqlite(str(error.orig), url.database or "")
    return _explain_postgres(error.orig, show_url(url))


SQLITE_SENTENCES = (
    ("disk is full", "The disk holding {file} is full; free some space and run it again."),
    ("readonly", "{file} cannot be written by this user; check the owner and permissions of the file and its folder."),
    (
        "unable to open",
        "{file} cannot be opened; check that its folder exists and that this user may write in it.",
    ),
    ("is locked", "{file} is held by another process; stop the other setwire or wait for it, then run it again."),
    ("not a database", "{file} is not an SQLite database; check the path, or restore a backup to a new file."),
    ("malformed", "{file} is damaged; stop setwire and restore a backup to a new file."),
    ("disk I/O", "The disk holding {file} could not be read or written; check the disk, then run it again."),
    ("no such table", "{file} lacks setwire's tables; run `setwire migrate`."),
    ("no such column", "{file} has another schema; run `setwire migrate`."),
)


def _explain_sqlite(words: str, file: str) -> str:
    for sign, sentence in SQLITE_SENTENCES:
        if sign in words:
            return sentence.format(file=file)
    return f"The database {file} could not be used: {words}."


POSTGRES_SENTENCES = {
    "28": "{url} refuses the user or the password; check both in the database URL.",
    "3D000": "{url} does not exist on its server; create the database, or check its name.",
    "42501": "The user of {url} may not do this; grant it the rights on the database and its schema.",
    "42P01": "{url} lacks setwire's tables; run `setwire migrate`.",
    "42703": "{url} has another schema; run `setwire migrate`.",
    "25006": "{url} is read-only; point setwire at the primary server.",
    "53100": "The disk of {url} is full; free some space on the server and run it again.",
    "53300": "{url} has no connection left; raise max_connections or run fewer workers.",
    "57P": "The server of {url} is shutting down or starting; run it again when it is up.",
    "40": "{url} was changed by another process in the same moment; run it again.",
    "55P03": "{url} is held by another process; wait for it, then run it again.",
}


def _explain_postgres(error: BaseException | None, shown: str) -> str:
    state = getattr(error, "sqlstate", None) or ""
    for prefix, sentence in POSTGRES_SENTENCES.items():
        if state.startswith(prefix):
            return sentence.format(url=shown)
    return _explain_by_words(error, shown)


def _explain_by_words(error: BaseException | None, shown: str) -> str:
    words = str(error)
    if "password" in words or "authentication" in words or "role" in words:
        return POSTGRES_SENTENCES["28"].format(url=shown)
    if "database" in words and "does not exist" in words:
        return POSTGRES_SENTENCES["3D000"].format(url=shown)
    if type(error).__name__ == "OperationalError":
        return f"The server of {shown} cannot be reached; check host and port, and that PostgreSQL runs."
    return f"The database {shown} could not be used: {_first_line(error)}."


def _first_line(error: BaseException | None) -> str:
    return (str(error).strip().splitlines() or ["unknown"])[0].rstrip(".")
