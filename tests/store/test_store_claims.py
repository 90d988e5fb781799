"""Claims by many at once: everything is claimed, nothing twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Engine, event

from core.values import DeliveryState, EndpointId, EntryId, Retry, SourceId
from store.deliveries import add_deliveries, claim_deliveries, delivery_counts, record_attempt
from store.engine import Session, Store
from store.entries import add_entries, owed_texts, pending_entries
from store.sources import due_sources, sync_sources
from store.stories import next_ids, save_edits
from store.subscriptions import add_endpoint
from tests.store.samples import (
    CLAPPER_LISTING,
    DAY,
    HOOK,
    LANTERN_FEED,
    LEASE,
    NOW,
    add_config,
    add_items,
    attempt_of,
    claim_due,
    delivery_of,
    edit_of,
    item,
)

COUNT, WORKERS = 60, 3


def add_deliveries_due(tx: Session) -> None:
    hooks = [replace(HOOK, endpoint_id=EndpointId(f"hook-{n % 20}")) for n in range(COUNT)]
    for hook in hooks:
        add_endpoint(tx, hook, now=NOW)
    add_deliveries(tx, [(None, delivery_of(f"msg_{n}", endpoint=hook)) for n, hook in enumerate(hooks)])


def add_sources_due(tx: Session) -> None:
    sync_sources(tx, [replace(LANTERN_FEED, source_id=SourceId(f"source-{n}")) for n in range(COUNT)], now=NOW)


def add_texts_owed(tx: Session) -> None:
    add_entries(tx, CLAPPER_LISTING, [item(n) for n in range(COUNT)], now=NOW, is_backlog=False)


def claim_some_deliveries(tx: Session) -> list[object]:
    return [delivery.delivery_id for delivery in claim_due(tx, limit=7)]


def claim_some_sources(tx: Session) -> list[object]:
    return [source.source_id for source, _ in due_sources(tx, now=NOW, limit=7, lease=LEASE)]


def claim_some_texts(tx: Session) -> list[object]:
    return [entry_id for entry_id, _, _ in owed_texts(tx, now=NOW, limit=7, lease=LEASE)]


CLAIMS = {
    "deliveries": (add_deliveries_due, claim_some_deliveries),
    "sources": (add_sources_due, claim_some_sources),
    "pages": (add_texts_owed, claim_some_texts),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_nothing_is_claimed_twice(store: Store, name: str) -> None:
    fill, claim = CLAIMS[name]
    with store.write() as tx:
        add_config(tx)
        fill(tx)
    found = claim_in_threads(store, claim)
    assert len(found) == len(set(found)) == COUNT


def claim_in_threads(store: Store, claim: Callable[[Session], list[object]]) -> list[object]:
    barrier = Barrier(WORKERS)

    def claim_all() -> list[object]:
        found: list[object] = []
        barrier.wait()
        while True:
            with store.write() as tx:
                some = claim(tx)
            if not some:
                return found
            found += some

    with ThreadPoolExecutor(WORKERS) as pool:
        runs = [pool.submit(claim_all) for _ in range(WORKERS)]
        return [name for run in runs for name in run.result()]


def test_two_desks_on_the_same_entries_save_one_edit_each(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        ids = add_items(tx, range(1, 21))
    barrier = Barrier(2)

    def edit_all() -> int:
        with store.read() as tx:
            article_id, story_id = next_ids(tx)
        edits = [
            edit_of(EntryId(entry_id), article_id + n, story_number=story_id + n) for n, entry_id in enumerate(ids)
        ]
        barrier.wait()
        with store.write() as tx:
            return len(save_edits(tx, edits, now=NOW))

    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(edit_all) for _ in range(2)]
        assert sorted(run.result() for run in runs) == [0, 20]


def test_attempts_reported_at_once_are_all_kept(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        add_deliveries(tx, [(None, delivery_of("a"))])

    def report(second: int) -> None:
        attempt = attempt_of("a", 1, Retry(reason="503"), at=NOW + second * LEASE)
        with store.write() as tx:
            record_attempt(tx, attempt, state=DeliveryState.RETRYING, next_attempt_at=NOW + DAY)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(report, range(3)))
    with store.write() as tx:
        [delivery] = claim_due(tx, now=NOW + DAY)
        assert delivery.attempt_count == 3
        assert delivery_counts(tx)[DeliveryState.SENDING] == 1


def test_where_few_are_owed_something_more_is_claimed_of_each(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        add_deliveries_due(tx)
        claims = claim_deliveries(tx, now=NOW, limit=2, lease=LEASE, each=1, together=4)
        assert [len(claim.deliveries) for claim in claims] == [2, 2]
        rest = claim_deliveries(tx, now=NOW, limit=99, lease=LEASE, each=1, together=18)
        assert [len(claim.deliveries) for claim in rest] == [1] * 18
        assert claim_deliveries(tx, now=NOW, limit=99, lease=LEASE) == []


PLANS: dict[str, tuple[Callable[[Session], object], str]] = {
    "deliveries": (claim_some_deliveries, "ix_deliveries_due"),
    "sources": (claim_some_sources, "ix_sources_due"),
    "pages": (claim_some_texts, "ix_entries_"),
    "desk": (lambda tx: pending_entries(tx, limit=9, now=NOW, text_patience=DAY), "ix_entries_pending"),
}


@pytest.mark.parametrize("name", PLANS)
def test_claims_walk_the_index_of_what_is_due(sqlite_store: Store, name: str) -> None:
    claim, index = PLANS[name]
    said: list[tuple[str, Any]] = []

    def note(*args: Any) -> None:
        said.append((args[2], args[3]))

    with sqlite_store.write() as tx:
        event.listen(Engine, "before_cursor_execute", note)
        claim(tx)
        event.remove(Engine, "before_cursor_execute", note)
        statement, parameters = said[0]
        plan = tx.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    assert any(index in row[3] for row in plan)
