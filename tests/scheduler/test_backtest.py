"""`setwire backtest`: the archive's own order, the promised lines, and the same answers every time."""

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from scheduler.cli import main

FILMS = '[[film]]\nid = "salt-2027"\ntitle = "The Salt Meridian"\nyear = 2027\ncast = ["Tomas Vargany"]\n'
SUBSCRIPTIONS = """
[[endpoint]]
id = "box"
kind = "email"
address = "a@b.example"

[[subscription]]
id = "salt"
name = "Salt"
films = ["salt-2027"]
production_only = false
endpoints = ["box"]
"""
ITEMS: list[dict[str, Any]] = [
    {"url": "https://b.example/2", "outlet": "B", "title": "Ten winter cruises", "published": "2026-03-02T10:00:00Z"},
    {
        "url": "https://a.example/1",
        "outlet": "A",
        "title": "Tomas Vargany joins the cast of ‘The Salt Meridian’",
        "summary": "He plays the captain.",
        "categories": ["Movies"],
        "published": "2026-03-01T10:00:00+01:00",
    },
    {
        "url": "https://a.example/1?utm_source=feed",
        "outlet": "A",
        "title": "Tomas Vargany joins the cast of ‘The Salt Meridian’",
        "summary": "He plays the captain.",
        "published": "2026-03-01T11:00:00Z",
    },
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "films.toml").write_text(FILMS, encoding="utf-8")
    (tmp_path / "subscriptions.toml").write_text(SUBSCRIPTIONS, encoding="utf-8")
    with gzip.open(tmp_path / "items.jsonl.gz", "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(item) + "\n" for item in ITEMS)
    return tmp_path


def backtest(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["setwire", "backtest", "items.jsonl.gz", "--films", "films.toml", *words])
    try:
        main()
    except SystemExit as end:
        assert not end.code  # noqa: PT017 - a command that ends well may return or exit 0


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_out_has_one_line_an_item_in_time_order(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backtest(monkeypatch, "--out", "out.jsonl")
    first, copy, cruise = read_lines(folder / "out.jsonl")
    assert set(first) == {"url", "title", "story", "duplicate_of", "production_news", "topics", "films", "facts"}
    assert [first["url"], copy["url"], cruise["url"]] == [ITEMS[1]["url"], ITEMS[2]["url"], ITEMS[0]["url"]]
    assert copy["duplicate_of"] == first["url"]
    assert copy["story"] == first["story"] != cruise["story"]
    [film] = first["films"]
    assert (film["id"], film["salience"]) == ("salt-2027", "about")
    assert film["evidence"][0]["words"]
    assert [fact["says"] for fact in first["facts"]] == ["Tomas Vargany joins"]
    assert not cruise["films"]


def test_alerts_are_those_a_subscriber_would_have_had(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    backtest(monkeypatch, "--subscriptions", "subscriptions.toml", "--alerts", "alerts.jsonl", "--json")
    summary = json.loads(capsys.readouterr().out)
    [alert] = read_lines(folder / "alerts.jsonl")
    assert summary["alerts"] == [alert]
    assert (summary["items"], summary["duplicates"], summary["stories"]) == (3, 1, 2)
    assert (alert["subscription"], alert["event"], alert["url"]) == ("salt", "story.created", ITEMS[1]["url"])


def test_nothing_is_left_behind_and_runs_agree(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(folder.iterdir())
    backtest(monkeypatch, "--out", "one.jsonl")
    backtest(monkeypatch, "--out", "two.jsonl")
    assert {path.name for path in set(folder.iterdir()) - before} == {"one.jsonl", "two.jsonl"}
    assert (folder / "one.jsonl").read_bytes() == (folder / "two.jsonl").read_bytes()
