"""Backup and restore: the same rows across databases, nothing half done, troubles in sentences."""

import gzip
import hashlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from core.unknown import UnknownTitle
from core.values import EntryId, StoryId
from store.engine import Store, StoreError, backup, migrate, open_store, restore
from store.housekeeping import Retention, purge
from store.reviews import raise_reader_doubt
from store.stories import save_edits
from store.suggestions import note_titles
from tests.store.samples import DAY, HARBOUR, NOW, add_items, article, dump, edit_of, fill


@pytest.fixture
def copy(store: Store, store_url: str, tmp_path: Path) -> Path:
    """A backup of a store with something in every table."""
    fill(store)
    with store.write() as tx:
        purge(tx, now=NOW + 40 * DAY, retention=Retention(), limit=1)
        raise_reader_doubt(tx, StoryId(3), HARBOUR.film_id, said_by="mail", now=NOW)  # the purge took what was open
        seen = UnknownTitle("Low Tide", "low tide", "‘Low Tide’ trailer", 2027, ("Ada Quill",))
        note_titles(tx, [(article(3), seen)], now=NOW)
    path = tmp_path / "copy.jsonl.gz"
    backup(store_url, path)
    return path


@pytest.mark.parametrize("bare_url", ["sqlite", "postgres"], indirect=True)
def test_every_row_comes_back_on_either_database(store: Store, copy: Path, bare_url: str, tmp_path: Path) -> None:
    restore(copy, bare_url, force=False)
    restored = open_store(bare_url)
    rows = dump(restored)
    assert rows == dump(store)
    assert all(rows.values())
    with restored.write() as tx:
        [new_id] = add_items(tx, [70], at=NOW)
        assert new_id > max(row[0] for row in rows["entries"] if isinstance(row[0], int))
        assert len(save_edits(tx, [edit_of(EntryId(new_id), 70)], now=NOW)) == 1
    restored.close()
    second = tmp_path / "second.jsonl.gz"
    restore(copy, bare_url, force=True)
    backup(bare_url, second)
    assert second.read_bytes() == copy.read_bytes()


def test_a_backup_is_for_its_owner_alone(copy: Path) -> None:
    assert copy.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in copy.parent.glob("*copy*")] == ["copy.jsonl.gz"]


def test_a_full_database_is_kept_unless_forced(copy: Path, store: Store, store_url: str) -> None:
    before = dump(store)
    with pytest.raises(StoreError, match="is not empty; restore into a new database, or use --force"):
        restore(copy, store_url, force=False)
    assert dump(store) == before
    store.close()
    restore(copy, store_url, force=True)
    assert dump(store) == before


def test_a_migrated_database_without_rows_counts_as_empty(copy: Path, bare_url: str) -> None:
    migrate(bare_url)
    restore(copy, bare_url, force=False)


def damage_end(body: bytes) -> bytes:
    return body[:-20]


def damage_middle(body: bytes) -> bytes:
    lines = gzip.decompress(body).splitlines(keepends=True)
    return gzip.compress(b"".join([*lines[:5], *lines[6:]]))


def drop_footer(body: bytes) -> bytes:
    return gzip.compress(b"".join(gzip.decompress(body).splitlines(keepends=True)[:-1]))


def empty(body: bytes) -> bytes:
    return body[:0]


def write_text(_body: bytes) -> bytes:
    return b"hello"


def pack_text(_body: bytes) -> bytes:
    return gzip.compress(b'"hello"\n')


@pytest.mark.parametrize("spoil", [damage_end, damage_middle, drop_footer, empty, write_text, pack_text])
def test_a_damaged_backup_changes_nothing(
    sqlite_store: Store, sqlite_url: str, tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    fill(sqlite_store)
    before = dump(sqlite_store)
    path = tmp_path / "copy.gz"
    backup(sqlite_url, path)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(StoreError, match=r"copy\.gz is (damaged, cut short, or|no backup of setwire)"):
        restore(path, sqlite_url, force=True)
    assert dump(sqlite_store) == before
    fresh = tmp_path / "fresh.db"
    with pytest.raises(StoreError):
        restore(path, f"sqlite:///{fresh}", force=False)
    assert not fresh.exists()


def test_a_backup_of_a_newer_schema_is_refused(sqlite_url: str, tmp_path: Path) -> None:
    path = tmp_path / "copy.gz"
    backup(sqlite_url, path)
    path.write_bytes(with_revision(path.read_bytes(), "9999"))
    with pytest.raises(StoreError, match=r"copy\.gz has schema 9999, newer than this setwire knows; install the newer"):
        restore(path, f"sqlite:///{tmp_path / 'new.db'}", force=False)


def with_revision(body: bytes, revision: str) -> bytes:
    """A sound backup that claims another revision."""
    lines = gzip.decompress(body).splitlines(keepends=True)
    lines[0] = json.dumps({**json.loads(lines[0]), "revision": revision}).encode() + b"\n"
    footer = {**json.loads(lines[-1]), "sha256": hashlib.sha256(b"".join(lines[:-1])).hexdigest()}
    return gzip.compress(b"".join(lines[:-1]) + json.dumps(footer).encode())


def test_rows_that_contradict_each_other_restore_nothing(sqlite_store: Store, sqlite_url: str, tmp_path: Path) -> None:
    fill(sqlite_store)
    path = tmp_path / "copy.gz"
    backup(sqlite_url, path)
    body = gzip.decompress(path.read_bytes()).replace(b'["harbour",', b'["gone",', 1)
    path.write_bytes(with_revision(gzip.compress(body), "0001"))
    target = tmp_path / "new.db"
    with pytest.raises(StoreError, match="contradict"):
        restore(path, f"sqlite:///{target}", force=False)
    assert not target.exists()


def test_a_missing_backup_is_named(sqlite_url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"nothing\.gz does not exist"):
        restore(tmp_path / "nothing.gz", sqlite_url, force=False)


def test_a_backup_that_fails_leaves_the_old_one(sqlite_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    old = folder / "copy.gz"
    old.write_bytes(b"old")
    with pytest.raises(StoreError, match=r"missing does not exist"):
        backup(sqlite_url, folder / "missing" / "copy.gz")
    with pytest.raises(StoreError, match="no tables of setwire"):
        backup(f"sqlite:///{old.parent / make_plain_database(folder)}", old)
    assert old.read_bytes() == b"old"
    assert sorted(path.name for path in folder.glob("*copy*")) == ["copy.gz"]


def make_plain_database(folder: Path) -> str:
    connection = sqlite3.connect(folder / "plain.db")
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    return "plain.db"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_said(sqlite_store: Store, sqlite_url: str, tmp_path: Path) -> None:
    fill(sqlite_store)
    with sqlite_store.write() as tx:
        tx.execute(text("PRAGMA max_page_count = 1"))
    with pytest.raises(StoreError, match=r"The disk holding .* is full; free some space"), sqlite_store.write() as tx:
        add_items(tx, range(1000, 3000))
