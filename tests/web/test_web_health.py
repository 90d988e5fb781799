"""`/healthz` as a container's health check and a monitor see it."""

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from config.settings import Settings
from core.values import ParsedEntry
from store.engine import Store
from store.entries import add_entries
from tests.web.conftest import Ask, asker
from tests.web.newsroom import NOW, declare, make_sources
from web.app import create_app


def test_well(filled: Store, ask: Ask) -> None:
    answer = ask("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "database": "ok", "desk_lag_seconds": 0.0, "pending": 0}
    assert answer.headers["cache-control"] == "no-store"


def test_the_desks_lag_is_told(store: Store, ask: Ask) -> None:
    (source,) = make_sources(1)
    with store.write() as tx:
        declare(tx, [source])
        item = ParsedEntry(guid="a", url="https://a.example/a", title="A")
        add_entries(tx, source, [item], now=NOW - timedelta(seconds=90), is_backlog=False)
    report = ask("/healthz").json()
    assert (report["pending"], report["desk_lag_seconds"]) == (1, 90.0)


@pytest.mark.parametrize(
    ("seconds", "status", "clock"), [(0.4, 200, "ok"), (59, 200, "ok"), (240, 503, "no tick for 240 s")]
)
def test_a_stalled_clock_is_unhealthy(
    store: Store, settings: Settings, seconds: float, status: int, clock: str
) -> None:
    app = create_app(store, settings=settings, heartbeat=lambda: seconds, now=lambda: NOW)
    answer = asker(app)("/healthz")
    assert (answer.status_code, answer.json()["clock"]) == (status, clock)
    assert answer.json()["seconds_since_tick"] == pytest.approx(seconds)


def test_a_database_that_does_not_answer_is_unhealthy(store: Store, ask: Ask, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "newsroom.db") as connection:
        connection.execute("ALTER TABLE entries RENAME TO elsewhere")
    connection.close()
    answer = ask("/healthz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "failing"
    assert "setwire migrate" in answer.json()["database"]
