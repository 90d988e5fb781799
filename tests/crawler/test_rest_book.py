"""Rests that hosts asked for are kept for all who share a folder, and neither clock nor disk makes one last."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crawler.rests import RestBook

NOW = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LANE = "host:pier.example"


def test_a_rest_is_known_to_all_and_ends(tmp_path: Path) -> None:
    RestBook(tmp_path).hear(LANE, 503, 10 * MINUTE, now=NOW)
    other = RestBook(tmp_path)
    assert other.end_of(LANE, now=NOW) is None
    assert other.look(now=NOW) == {LANE: NOW + 10 * MINUTE}
    assert other.end_of(LANE, now=NOW + 9 * MINUTE) == NOW + 10 * MINUTE
    assert other.end_of(LANE, now=NOW + 10 * MINUTE) is None
    assert other.look(now=NOW + 10 * MINUTE) == {}
    assert list((tmp_path / "rests").iterdir()) == [], "what is over is cleared away"


def test_a_rest_is_never_shortened(tmp_path: Path) -> None:
    book = RestBook(tmp_path)
    book.hear(LANE, 503, 10 * MINUTE, now=NOW)
    book.hear(LANE, 503, MINUTE, now=NOW)
    assert RestBook(tmp_path).look(now=NOW) == {LANE: NOW + 10 * MINUTE}


def test_a_rest_of_one_process_stays_with_it(tmp_path: Path) -> None:
    book = RestBook(tmp_path)
    book.keep(LANE, NOW + MINUTE)
    assert book.look(now=NOW) == {LANE: NOW + MINUTE}
    assert RestBook(tmp_path).look(now=NOW) == {}


def test_a_clock_that_was_set_back_ends_a_rest(tmp_path: Path) -> None:
    book = RestBook(tmp_path)
    book.hear(LANE, 503, 10 * MINUTE, now=NOW)
    assert book.look(now=NOW - timedelta(days=1)) == {}
    assert RestBook(tmp_path).look(now=NOW - timedelta(days=1)) == {}


@pytest.mark.parametrize("content", [b"", b"x", b"[]", b'["a", "soon"]', b"[1, 1e400]", b'["a", 1e300]', b"\xff" * 9])
def test_a_damaged_file_is_no_rest(tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "rests"
    folder.mkdir()
    (folder / "0123").write_bytes(content)
    assert RestBook(tmp_path).look(now=NOW) == {}
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_written_costs_the_sharing_alone(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    book = RestBook(tmp_path / "file")
    book.hear(LANE, 503, MINUTE, now=NOW)
    assert book.look(now=NOW) == {LANE: NOW + MINUTE}


@pytest.mark.parametrize("answer", [(200, MINUTE), (500, MINUTE), (None, MINUTE), (429, None), (503, timedelta(0))])
def test_only_a_busy_host_that_says_how_long_is_heard(answer: tuple[int | None, timedelta | None]) -> None:
    book = RestBook()
    assert not book.hear(LANE, *answer, now=NOW)
    assert book.look(now=NOW) == {}
