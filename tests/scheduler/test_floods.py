"""What lists much at once and is no news: renamed entries, an opened archive; and what the operator hears."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.sources import advance_state
from core.values import (
    Endpoint,
    EndpointId,
    EndpointKind,
    EventType,
    Fetch,
    FetchOutcome,
    ParsedEntry,
    Publisher,
    PublisherSlug,
    Source,
    SourceId,
    SourceKind,
    SourceState,
)
from scheduler.gathering import Visit, VisitBook
from store.deliveries import latest_deliveries
from store.engine import Store
from store.entries import pending_entries
from store.sources import find_source, latest_source_events, source_view, sync_sources
from tests.scheduler.line import Clock, Outlets, Recorder, furnish, play

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SOURCE = Source(
    source_id=SourceId("ledger"),
    publisher=Publisher(slug=PublisherSlug("ledger"), name="Ledger"),
    kind=SourceKind.FEED,
    url="https://ledger.example/feed",
)


def entries(count: int, prefix: str, *, dated: bool) -> tuple[ParsedEntry, ...]:
    return tuple(
        ParsedEntry(
            guid=f"{prefix}{n}",
            url=f"https://ledger.example/{prefix}{n}",
            title=f"Odile Brandtner joins the cast of ‘The Salt Meridian’, part {n}",
            published_at=NOW - timedelta(days=400 + n) if dated else None,
        )
        for n in range(count)
    )


class Visitor:
    """Lets visits happen, one an hour."""

    def __init__(self, store: Store, operator: Endpoint | None = None) -> None:
        self.store, self.at = store, NOW
        self.book = VisitBook(store, lambda: self.at, operator)
        with store.write() as tx:
            sync_sources(tx, [SOURCE], now=NOW)

    def visit(self, fresh: tuple[ParsedEntry, ...] = (), outcome: FetchOutcome = FetchOutcome.OK) -> SourceState:
        with self.store.read() as tx:
            found = find_source(tx, SOURCE.source_id)
        assert found is not None
        source, before = found
        fetch = Fetch(
            source_id=SOURCE.source_id,
            started_at=self.at,
            duration=MINUTE,
            outcome=outcome,
            entry_count=len(fresh),
            error="" if outcome.is_healthy else "It says no.",
        )
        after = advance_state(source, before, fetch, now=self.at, floor=MINUTE, default=MINUTE, jitter=0, fresh=fresh)
        asyncio.run(self.book.keep(Visit(source=source, before=before, after=after, fetch=fetch, entries=fresh)))
        self.at += timedelta(hours=1)
        return after


def test_ten_thousand_undated_old_items_alert_nobody(sqlite_store: Store) -> None:
    visitor = Visitor(sqlite_store)
    visitor.visit(entries(10, "a", dated=False))
    for start in range(20):
        after = visitor.visit(entries(500, f"old-{start}-", dated=False))
    with sqlite_store.read() as tx:
        waiting = pending_entries(tx, limit=20_000, now=visitor.at, text_patience=MINUTE)
    assert len(waiting) == 10_010
    assert all(entry.is_backlog for entry in waiting)
    assert after.habit.gap is None, "a flood teaches nothing"


def test_dated_items_of_a_flood_are_judged_by_their_dates(sqlite_store: Store) -> None:
    visitor = Visitor(sqlite_store)
    visitor.visit(entries(10, "a", dated=True))
    visitor.visit(entries(200, "b", dated=True))
    with sqlite_store.read() as tx:
        waiting = pending_entries(tx, limit=1000, now=visitor.at, text_patience=MINUTE)
    assert sum(entry.is_backlog for entry in waiting) == 10


def test_renamed_entries_are_told_to_nobody(sqlite_store: Store) -> None:
    recorder, clock, outlets = Recorder(), Clock(), Outlets()
    story = ("Odile Brandtner joins the cast of ‘The Salt Meridian’", "She plays the ship's doctor.")
    with outlets.serve() as address:
        furnish(sqlite_store, address, "ledger", now=clock())
        play(
            sqlite_store,
            outlets,
            recorder,
            clock,
            [{"ledger": [("Lorries", "A crew is in town.")]}, {"ledger": [story]}],
        )
        assert len(recorder.told) == 2
        outlets.guid_prefix = "renamed-"
        play(sqlite_store, outlets, recorder, clock, [{}, {}])
    assert len(recorder.told) == 2


def test_the_operator_hears_that_a_source_broke_and_that_it_is_back(sqlite_store: Store) -> None:
    endpoint = Endpoint(endpoint_id=EndpointId("operator"), kind=EndpointKind.EMAIL, address="ops@ledger.example")
    visitor = Visitor(sqlite_store, endpoint)
    for outcome in [FetchOutcome.OK, *[FetchOutcome.TIMEOUT] * 5, FetchOutcome.OK]:
        visitor.visit(outcome=outcome)
    with sqlite_store.read() as tx:
        happened = latest_source_events(tx, limit=10)
        owed = latest_deliveries(tx, limit=10)
    assert [event.event for event in happened] == [EventType.SOURCE_RESTORED, EventType.SOURCE_FAILING]
    assert happened[1].words == "Ledger (ledger) is failing: It says no."
    assert {view.delivery.event for view in owed} == {EventType.SOURCE_FAILING, EventType.SOURCE_RESTORED}
    assert all("ledger.example/feed" in view.delivery.payload for view in owed)


def test_nobody_is_told_where_no_operator_is_named(sqlite_store: Store) -> None:
    visitor = Visitor(sqlite_store)
    for _ in range(4):
        visitor.visit(outcome=FetchOutcome.TIMEOUT)
    with sqlite_store.read() as tx:
        assert latest_source_events(tx, limit=10)
        assert not latest_deliveries(tx, limit=10)


def test_another_address_in_the_file_forgets_where_the_old_one_moved(sqlite_store: Store) -> None:
    visitor = Visitor(sqlite_store)
    visitor.visit(entries(1, "a", dated=True))
    with sqlite_store.write() as tx:
        sync_sources(tx, [replace(SOURCE, url="https://ledger.example/rss")], now=NOW)
        found = find_source(tx, SOURCE.source_id)
    assert found is not None
    assert found[1].move is None
    assert found[1].body_sha256 is None


def test_the_operator_hears_of_a_silence_and_of_its_end(sqlite_store: Store) -> None:
    endpoint = Endpoint(endpoint_id=EndpointId("operator"), kind=EndpointKind.EMAIL, address="ops@ledger.example")
    visitor = Visitor(sqlite_store, endpoint)
    for n in range(5):
        visitor.visit(entries(1, f"a{n}", dated=False))
    for _ in range(12):
        visitor.visit()
    visitor.visit(entries(1, "b", dated=False))
    with sqlite_store.read() as tx:
        happened = latest_source_events(tx, limit=10)
        owed = latest_deliveries(tx, limit=10)
        view = source_view(tx, SOURCE.source_id, now=visitor.at)
    assert [event.words for event in happened] == [
        "Ledger speaks again after 13 h.",
        "Ledger has been silent for 9 h; usual gap 60 min.",
    ]
    assert {view.delivery.event for view in owed} == {EventType.SOURCE_SILENT, EventType.SOURCE_HEARD}
    assert view is not None
    days = [(day.day.day, day.answered_count, day.entry_count) for day in view.days]
    assert days == [(1, 12, 5), (2, 6, 1)]
