"""Opening a database and its two kinds of transaction. SQL lives in the modules named after the nouns."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.engine import URL
from sqlalchemy.orm import Session

from store.backup import backup, restore
from store.connect import StoreError, create, for_reading, parse_url, refuse_missing, show_url, speak_plainly
from store.schema import check_current, migrate

__all__ = ["Session", "Store", "StoreError", "backup", "migrate", "open_store", "restore"]


class Store:
    """One database. Threads may share it; each `read()` and `write()` has its own connection.

    Trouble with the database leaves both as StoreError.
    """

    def __init__(self, url: URL, engine: Engine) -> None:
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._url = url
        self._engine = engine
        self._reader = for_reading(engine)

    def __repr__(self) -> str:
        return f"Store({show_url(self._url)})"

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A snapshot that cannot write."""
        with speak_plainly(self._url), Session(self._reader, autoflush=False) as tx, tx.begin():
            yield tx

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Commit on exit, roll back on any error; on SQLite the one writer's lock is taken at once."""
        with speak_plainly(self._url), Session(self._engine, autoflush=False) as tx, tx.begin():
            tx.connection()
            yield tx

    def close(self) -> None:
        """Close the idle connections."""
        self._engine.dispose()


def open_store(url: str) -> Store:
    """Open a migrated database. Raises StoreError: wrong URL, unreachable, not writable, other schema."""
    address = parse_url(url)
    engine = create(address)
    try:
        with speak_plainly(address):
            refuse_missing(address)
            with engine.begin() as connection:
                check_current(connection, show_url(address))
    except StoreError:
        engine.dispose()
        raise
    return Store(address, engine)
