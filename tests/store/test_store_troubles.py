"""Troubles: each a sentence that names what, where and what to do, and never a password."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from store.connect import parse_url, show_url
from store.engine import Store, StoreError, backup, migrate, open_store, restore
from store.schema import revisions
from tests.conftest import Postgres

PASSWORD = "hunter2"

WRONG_URLS = {
    "": "cannot be read; write sqlite:///",
    "setwire.db": "cannot be read; write sqlite:///",
    "mysql://a:hunter2@db/x": "begins with 'mysql', which setwire does not speak",
    "postgresql+asyncpg://a:hunter2@db/x": r"begins with 'postgresql\+asyncpg'",
    "sqlite://": "names no file",
    "sqlite:///:memory:": "names no file",
    "postgresql://a:hunter2@db:port/x": "cannot be read",
}


@pytest.mark.parametrize("url", WRONG_URLS)
def test_a_wrong_url_is_refused(url: str, tmp_path: Path) -> None:
    for use in (
        migrate,
        open_store,
        lambda url: backup(url, tmp_path / "x"),
        lambda url: restore(tmp_path / "x", url, force=False),
    ):
        with pytest.raises(StoreError, match=WRONG_URLS[url]) as caught:
            use(url)
        assert PASSWORD not in str(caught.value)


def test_urls_are_shown_without_secrets() -> None:
    url = parse_url("postgres://desk:hunter2@db.example:5433/wire?sslpassword=hunter2&host=/run/pg&options=hunter2")
    assert PASSWORD not in show_url(url)
    assert show_url(url).startswith("postgresql://desk:***@db.example:5433/wire?host=")


def test_an_unreachable_server_is_named() -> None:
    url = "postgresql://desk:hunter2@127.0.0.1:1/wire"
    for use in (migrate, open_store):
        with pytest.raises(
            StoreError, match=r"postgresql://desk:\*\*\*@127.0.0.1:1/wire cannot be reached; check"
        ) as caught:
            use(url)
        assert PASSWORD not in str(caught.value)


def test_a_missing_database_is_named(postgres: Postgres, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="does not exist on its server; create the database"):
        open_store(postgres.url_of("nowhere"))
    with pytest.raises(StoreError, match=r"There is no database .*none\.db; run `setwire migrate`"):
        open_store(f"sqlite:///{tmp_path / 'none.db'}")
    assert not (tmp_path / "none.db").exists()


def test_an_unknown_user_is_refused(postgres: Postgres) -> None:
    url = postgres.url_of("kept").replace("postgres:@", "nobody:hunter2@").replace("postgres@", "nobody:hunter2@")
    with pytest.raises(StoreError, match="refuses the user or the password") as caught:
        open_store(url)
    assert PASSWORD not in str(caught.value)


def test_a_database_without_tables_is_refused(bare_url: str) -> None:
    with pytest.raises(StoreError, match="run `setwire migrate`"):
        open_store(bare_url)


@pytest.mark.parametrize("use", [open_store, migrate])
def test_a_newer_schema_is_refused(store: Store, store_url: str, use: Callable[[str], object]) -> None:
    with store.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    try:
        with pytest.raises(
            StoreError, match="has schema 9999, newer than this setwire knows; install the newer setwire"
        ):
            use(store_url)
    finally:
        with store.write() as tx:
            tx.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": revisions()[-1]})


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("Not a database at all, just notes. " * 50)
    for use in (open_store, migrate):
        with pytest.raises(StoreError, match=r"notes\.db is not an SQLite database; check the path"):
            use(f"sqlite:///{path}")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="check the path"):
        migrate(f"sqlite:///{tmp_path / 'file' / 'x' / 'setwire.db'}")
    with pytest.raises(StoreError, match=r"cannot be opened|check the path"):
        migrate(f"sqlite:///{tmp_path}")


def test_a_locked_database_is_said(sqlite_store: Store, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.connect.BUSY_SECONDS", 0)
    impatient = open_store(sqlite_url)
    with sqlite_store.write(), pytest.raises(StoreError, match="is held by another process"), impatient.write():
        pass
    impatient.close()


def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(StoreError), store.read() as tx:
        tx.execute(text("DELETE FROM meta"))
    with store.write() as tx:
        tx.execute(text("DELETE FROM meta"))


def test_a_reader_sees_one_moment(store: Store) -> None:
    count = text("SELECT count(*) FROM meta")
    with store.read() as tx:
        assert tx.execute(count).scalar() == 0
        with store.write() as writer:
            writer.execute(text("INSERT INTO meta (name, number) VALUES ('x', 1)"))
        assert tx.execute(count).scalar() == 0
    with store.read() as tx:
        assert tx.execute(count).scalar() == 1


def test_sqlite_has_our_habits(sqlite_store: Store) -> None:
    wanted = {"journal_mode": "wal", "synchronous": 1, "foreign_keys": 1, "busy_timeout": 30_000}
    with sqlite_store.write() as tx:
        assert {name: tx.execute(text(f"PRAGMA {name}")).scalar() for name in wanted} == wanted


def test_rows_without_their_parents_are_refused(store: Store) -> None:
    orphan = "INSERT INTO story_tags VALUES (99, 0, 'film', 'x', 0.5, 'about', '[]')"
    with pytest.raises(StoreError, match="contradict"), store.write() as tx:
        tx.execute(text(orphan))


def test_closing_leaves_no_lock(sqlite_url: str) -> None:
    open_store(sqlite_url).close()
    connection = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), timeout=0)
    connection.execute("BEGIN EXCLUSIVE")
    connection.close()
