"""Purging: what is owed stays, what is gone does not come back as new."""

from dataclasses import replace
from datetime import datetime, timedelta

from core.values import Delivered, DeliveryState, Retry
from store import housekeeping
from store.deliveries import add_deliveries, record_attempt
from store.engine import Session, Store
from store.entries import add_entries, known_guids, pending_entries
from store.housekeeping import Retention, purge
from store.sources import record_fetch
from store.stories import known_urls, next_ids, save_edits
from store.tables import Row
from tests.store.samples import (
    DAY,
    LANTERN_FEED,
    NOW,
    add_config,
    add_items,
    attempt_of,
    claim_due,
    dump,
    edit_of,
    fetch_of,
    fill,
    item,
    publish,
    repeat_of,
    state_after,
)

LONG_AFTER = NOW + 366 * DAY


def purge_all(tx: Session, now: datetime, *, limit: int = 1000) -> dict[str, int]:
    total: dict[str, int] = {}
    while True:
        counts = purge(tx, now=now, retention=Retention(), limit=limit)
        if not any(counts.values()):
            return total
        total = {name: total.get(name, 0) + count for name, count in counts.items()}


def deliver_all(tx: Session, *, at: datetime) -> None:
    for delivery in claim_due(tx, now=at, limit=1000):
        attempt = attempt_of(delivery.delivery_id, 1, Delivered(), at=at)
        record_attempt(tx, attempt, state=DeliveryState.DELIVERED, next_attempt_at=None)


def test_a_young_store_is_left_alone(store: Store) -> None:
    fill(store)
    before = dump(store)
    with store.write() as tx:
        assert set(purge_all(tx, NOW + DAY).values()) <= {0}
    assert dump(store) == before


def test_everything_told_goes_in_small_steps(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        publish(tx, 5)
        ids = add_items(tx, [90])
        save_edits(tx, [repeat_of(ids[0], 6, original=1)], now=NOW)
        record_fetch(tx, fetch_of(LANTERN_FEED), state_after(fetch_of(LANTERN_FEED), next_check_at=NOW))
        deliver_all(tx, at=NOW)
        gone = purge_all(tx, LONG_AFTER, limit=2)
    assert gone == {
        "fetches": 1,
        "source_days": 1,
        "source_events": 0,
        "attempts": 5,
        "deliveries": 5,
        "entries": 6,
        "matches": 5,
        "articles": 6,
        "stories": 5,
        "reviews": 0,
        "suggestions": 0,
        "corrections": 0,
        "tombstones": 0,
    }
    assert len(dump(store)["tombstones"]) == 12


def test_what_is_owed_stays_with_all_it_names(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        publish(tx, 2)
        [delivery] = claim_due(tx, each=1)
        attempt = attempt_of(delivery.delivery_id, 1, Retry(reason="503"))
        record_attempt(tx, attempt, state=DeliveryState.RETRYING, next_attempt_at=NOW)
        add_items(tx, [80])
        purge_all(tx, LONG_AFTER)
        assert len(claim_due(tx)) == 1  # a failing endpoint is tried with one at a time
        assert len(pending_entries(tx, limit=9, now=NOW, text_patience=DAY)) == 1
    rows = dump(store)
    assert {name: len(rows[name]) for name in ("attempts", "deliveries", "matches", "stories", "articles")} == {
        "attempts": 1,
        "deliveries": 2,
        "matches": 2,
        "stories": 2,
        "articles": 2,
    }


def test_a_story_goes_after_its_last_delivery(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        publish(tx, 1)
        deliver_all(tx, at=NOW + 300 * DAY)
        assert purge_all(tx, LONG_AFTER)["stories"] == 0
        assert purge_all(tx, NOW + 481 * DAY)["stories"] == 1


def test_a_buried_entry_and_article_do_not_come_back(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        publish(tx, 1)
        deliver_all(tx, at=NOW)
        purge_all(tx, LONG_AFTER)
        assert known_guids(tx, LANTERN_FEED.source_id, ["guid-1", "guid-2"]) == {"guid-1"}
        assert add_entries(tx, LANTERN_FEED, [item(1)], now=LONG_AFTER, is_backlog=False) == []
        assert known_urls(tx, ["https://lantern.example/news/1"]) == {"https://lantern.example/news/1": None}
        [entry_id] = add_entries(tx, LANTERN_FEED, [replace(item(1), guid="new")], now=LONG_AFTER, is_backlog=False)
        article_id, story_id = next_ids(tx)
        assert (article_id, story_id) == (2, 2)
        again = edit_of(entry_id, article_id)
        assert again.article
        again = replace(again, article=replace(again.article, canonical_url="https://lantern.example/news/1"))
        assert save_edits(tx, [again], now=LONG_AFTER) == []
        assert add_deliveries(tx, []) == 0


def test_tombstones_go_unless_a_feed_still_lists_the_entry(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        publish(tx, 2)
        deliver_all(tx, at=NOW)
        purge_all(tx, NOW + 31 * DAY)
        asked_at = NOW + 300 * DAY
        assert add_entries(tx, LANTERN_FEED, [item(1)], now=asked_at, is_backlog=False) == []
        assert purge_all(tx, NOW + 432 * DAY)["tombstones"] == 1
        assert known_guids(tx, LANTERN_FEED.source_id, ["guid-1", "guid-2"]) == {"guid-1"}


def test_every_table_has_a_rule() -> None:
    rules = housekeeping.__doc__ or ""
    kept = {
        "publishers",
        "sources",
        "films",
        "film_aliases",
        "film_records",
        "film_syncs",
        "topics",
        "endpoints",
        "subscriptions",
        "refusals",
        "doubts",
        "feedback",
        "websub",
        "meta",
    }
    named = {name for name in Row.metadata.tables if name in rules or name.removeprefix("story_") in rules}
    assert named | kept == set(Row.metadata.tables)
    assert Retention().tombstones > Retention().articles > timedelta(0)
