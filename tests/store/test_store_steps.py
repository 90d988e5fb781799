"""Every step of the line, twice: the second time changes nothing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from core.values import (
    Attempt,
    Delivered,
    DeliveryId,
    DeliveryState,
    EntryId,
    ParsedPage,
    Publisher,
    PublisherSlug,
    Retry,
    TextState,
)
from store.deliveries import (
    add_deliveries,
    delivery_detail,
    give_back,
    next_due_at,
    record_attempt,
    release_leases,
    requeue,
)
from store.engine import Session, Store, StoreError
from store.entries import add_entries, desk_lag, known_guids, owed_texts, pending_entries, record_text
from store.films import sync_topics, upsert_films
from store.meta import config_version
from store.sources import add_source, due_sources, find_source, record_fetch, sync_sources
from store.stories import known_urls, next_ids, save_edits
from store.subscriptions import add_endpoint, add_subscription, disable_endpoint, enable_endpoint, remove_subscription
from tests.store.samples import (
    CLAPPER_LISTING,
    DAY,
    HARBOUR,
    HOOK,
    KITES,
    LANTERN_FEED,
    LEASE,
    MAIL,
    NOW,
    SOURCES,
    STUNTS,
    SUBSCRIPTION,
    TRAILER,
    add_config,
    add_items,
    attempt_of,
    claim_due,
    delivery_of,
    dump,
    edit_of,
    fetch_of,
    fill,
    item,
    match_of,
    publish,
    repeat_of,
    state_after,
    story_of,
)

FETCH = fetch_of(LANTERN_FEED)
TRY = attempt_of("msg_1", 1, Retry(reason="503"))
STEPS: dict[str, Callable[[Session], object]] = {
    "sync_sources": lambda tx: sync_sources(tx, SOURCES, now=NOW),
    "add_source": lambda tx: add_source(tx, replace(LANTERN_FEED, url="https://lantern.example/new"), now=NOW),
    "upsert_films": lambda tx: upsert_films(tx, [HARBOUR, replace(KITES, year=2031)], now=NOW + DAY),
    "sync_topics": lambda tx: sync_topics(tx, [STUNTS, replace(TRAILER, name="Teaser")], now=NOW),
    "add_endpoint": lambda tx: add_endpoint(tx, replace(HOOK, address="https://else.example/"), now=NOW + DAY),
    "add_subscription": lambda tx: add_subscription(tx, replace(SUBSCRIPTION, name="New"), now=NOW + DAY),
    "disable_endpoint": lambda tx: disable_endpoint(tx, HOOK.endpoint_id, "410", now=NOW),
    "remove_subscription": lambda tx: remove_subscription(tx, SUBSCRIPTION.subscription_id, now=NOW),
    "record_fetch": lambda tx: record_fetch(tx, FETCH, state_after(FETCH, next_check_at=NOW + 2 * DAY)),
    "add_entries": lambda tx: add_items(tx, [60, 61, 60]),
    "record_text": lambda tx: record_text(
        tx, EntryId(1), ParsedPage(url="https://lantern.example/news/1", text="The page."), now=NOW
    ),
    "release_leases": release_leases,
    "record_attempt": lambda tx: record_attempt(
        tx, TRY, state=DeliveryState.RETRYING, next_attempt_at=NOW + timedelta(hours=1)
    ),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_step_repeated_changes_nothing(sqlite_store: Store, name: str) -> None:
    fill(sqlite_store)
    states = []
    for _ in range(2):
        with sqlite_store.write() as tx:
            add_deliveries(tx, [(None, delivery_of("msg_1"))])
            STEPS[name](tx)
        states.append(dump(sqlite_store))
    assert states[0] == states[1]


def test_saving_the_same_edits_again_changes_and_returns_nothing(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        ids = add_items(tx, [1, 2, 3])
        edits = [edit_of(ids[0], 1), edit_of(ids[1], 2), repeat_of(ids[2], 3, original=1)]
        saved = save_edits(tx, edits, now=NOW)
    before = dump(store)
    with store.write() as tx:
        assert save_edits(tx, edits, now=NOW + DAY) == []
    assert [match.story_id for _, match in saved] == [1, 2]
    assert dump(store) == before


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
    before = dump(store)
    with pytest.raises(ZeroDivisionError), store.write() as tx:
        assert publish(tx, 5)[5 // 0]
    assert dump(store) == before
    with store.write() as tx:
        assert len(publish(tx, 5)) == 5


def test_an_older_repeat_does_not_turn_a_story_back(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        ids = add_items(tx, [1, 2])
        first, second = edit_of(ids[0], 1), edit_of(ids[1], 2)
        assert first.article
        joined = replace(second, story=story_of(first.article, 1, article_count=2), matches=())
        save_edits(tx, [first], now=NOW)
        save_edits(tx, [joined], now=NOW)
        save_edits(tx, [first], now=NOW)
    assert [row[10] for row in dump(store)["stories"]] == [2]


def test_an_article_known_from_long_ago_is_not_told_again(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        ids = add_items(tx, [1, 2])
        save_edits(tx, [edit_of(ids[0], 1)], now=NOW)
        again = edit_of(ids[1], 2)
        assert again.article
        url = "https://lantern.example/news/1"
        assert known_urls(tx, [url, "https://lantern.example/other"]) == {url: 1}
        assert save_edits(tx, [replace(again, article=replace(again.article, canonical_url=url))], now=NOW) == []
        assert pending_entries(tx, limit=10, now=NOW, text_patience=DAY) == []
    rows = dump(store)
    assert len(rows["articles"]) == len(rows["stories"]) == 1
    assert rows["entries"][1][-3:] == (1, "its URL is article 1 already", "its URL is article 1 already")


def test_two_articles_of_one_url_in_a_batch_keep_the_first(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        ids = add_items(tx, [1, 2])
        first, second = edit_of(ids[0], 1), edit_of(ids[1], 2)
        assert first.article
        assert second.article
        same = replace(second.article, canonical_url=first.article.canonical_url)
        assert len(save_edits(tx, [first, replace(second, article=same)], now=NOW)) == 1
        assert next_ids(tx) == (2, 2)


def test_a_second_desk_is_refused(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        ids = add_items(tx, [1, 2])
        save_edits(tx, [edit_of(ids[0], 1)], now=NOW)
    stale = edit_of(ids[1], 1)
    assert stale.article
    moved = replace(stale.article, canonical_url="https://lantern.example/news/2")
    with pytest.raises(StoreError, match="another desk"), store.write() as tx:
        save_edits(tx, [replace(stale, article=moved)], now=NOW)


def test_one_match_is_told_once_and_a_development_apart(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        ids = add_items(tx, [1, 2])
        first = edit_of(ids[0], 1)
        save_edits(tx, [first], now=NOW)
        assert first.story
        developments = (match_of(first.story), match_of(first.story, development="topic:trailer"))
        second = replace(edit_of(ids[1], 2), story=first.story, matches=developments)
        saved = save_edits(tx, [second], now=NOW)
    assert [match.development for _, match in saved] == ["topic:trailer"]


def test_entries_keep_the_order_given(store: Store) -> None:
    numbers = [9, 3, 7, 3, 1]
    with store.write() as tx:
        add_config(tx)
        ids = add_items(tx, numbers)
        assert ids == sorted(ids)
        pending = pending_entries(tx, limit=10, now=NOW, text_patience=DAY)
        assert [entry.item.guid for entry in pending] == ["guid-9", "guid-3", "guid-7", "guid-1"]
        assert len(add_items(tx, [*numbers, 2])) == 1
        assert desk_lag(tx, now=NOW + LEASE) == (5, LEASE)


def test_an_entry_comes_back_as_it_went_in(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        ids = add_entries(tx, LANTERN_FEED, [item(1)], now=NOW, is_backlog=True)
        [entry] = pending_entries(tx, limit=1, now=NOW, text_patience=DAY)
    assert (entry.entry_id, entry.item, entry.publisher) == (ids[0], item(1), LANTERN_FEED.publisher)
    assert (entry.is_backlog, entry.first_seen_at) == (True, NOW)


@pytest.mark.parametrize("guid", ["a\x00b", "a\ud800b", "x" * 20_000, "é" * 9_000, ""])
def test_a_hostile_guid_is_stored_and_known(store: Store, guid: str) -> None:
    hostile = replace(
        item(1), guid=guid, title=f"T{guid[:9]}", categories=(guid,), url="https://lantern.example/" + guid
    )
    with store.write() as tx:
        add_config(tx)
        assert len(add_entries(tx, LANTERN_FEED, [hostile], now=NOW, is_backlog=False)) == 1
        assert add_entries(tx, LANTERN_FEED, [hostile], now=NOW, is_backlog=False) == []
        assert known_guids(tx, LANTERN_FEED.source_id, [guid, "other"]) == {guid}
        assert len(pending_entries(tx, limit=9, now=NOW, text_patience=DAY)) == 1


def test_hostile_texts_cost_their_neighbours_nothing(store: Store) -> None:
    """Rows are written column by column: what one text needs must not be done, or left undone, to the others."""
    texts = ["plain", "a\x00b", "caf\u00e9 \u2013 \U0001f3ac", "a\ud800b", "", "plain"]
    items = [replace(item(number), title=text, summary="same", author=text) for number, text in enumerate(texts)]
    with store.write() as tx:
        add_config(tx)
        add_entries(tx, LANTERN_FEED, items, now=NOW, is_backlog=False)
        pending = pending_entries(tx, limit=9, now=NOW, text_patience=DAY)
    kept = ["plain", "ab", "caf\u00e9 \u2013 \U0001f3ac", "ab", "", "plain"]
    assert [entry.item.title for entry in pending] == kept
    assert [entry.item for entry in pending] == [
        replace(one, title=text, author=text) for one, text in zip(items, kept, strict=True)
    ]


def test_more_rows_than_are_written_in_one_go_are_all_written(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        ids = add_items(tx, range(1_203))
        pending = pending_entries(tx, limit=2_000, now=NOW, text_patience=DAY)
    assert [entry.entry_id for entry in pending] == ids
    assert [entry.item for entry in pending] == [item(number) for number in range(1_203)]


def test_a_claimed_source_is_what_was_stored(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        fetch = fetch_of(LANTERN_FEED)
        record_fetch(tx, fetch, state_after(fetch, next_check_at=NOW))
        claimed = due_sources(tx, now=NOW, limit=9, lease=LEASE)
        assert {source.source_id for source, _ in claimed} == {source.source_id for source in SOURCES if source.enabled}
        assert claimed == [find_source(tx, source.source_id) for source, _ in claimed]
        assert {source.publisher for source, _ in claimed} <= {source.publisher for source in SOURCES}


def test_an_entry_waits_for_its_page_but_not_for_ever(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        ids = add_entries(tx, CLAPPER_LISTING, [item(1), replace(item(2), text="whole")], now=NOW, is_backlog=False)
        pending = pending_entries(tx, limit=9, now=NOW, text_patience=LEASE)
        assert [entry.entry_id for entry in pending] == ids[1:]
        late = pending_entries(tx, limit=9, now=NOW + LEASE, text_patience=LEASE)
        assert [entry.entry_id for entry in late] == ids
        [(entry_id, url, source)] = owed_texts(tx, now=NOW, limit=9, lease=LEASE)
        assert (entry_id, url, source) == (ids[0], item(1).url, CLAPPER_LISTING)
        assert owed_texts(tx, now=NOW, limit=9, lease=LEASE) == []
        page = ParsedPage(url=url, text="The page.", author="Ada Quill", title="Another", published_at=NOW)
        record_text(tx, entry_id, page, now=NOW)
        done = pending_entries(tx, limit=1, now=NOW, text_patience=LEASE)[0]
    assert done.text_state is TextState.DONE
    assert done.item == replace(item(1), text="The page.", author="Ada Quill")


@pytest.mark.parametrize("text", ["The beginning of it.", ""], ids=["teaser", "no text"])
def test_a_page_behind_a_paywall_is_remembered_as_such(store: Store, text: str) -> None:
    page = ParsedPage(url="https://clapper.example/1", text=text, is_paywalled=True)
    with store.write() as tx:
        add_config(tx)
        [entry_id] = add_entries(tx, CLAPPER_LISTING, [item(1)], now=NOW, is_backlog=False)
        record_text(tx, entry_id, page, now=NOW)
        [entry] = pending_entries(tx, limit=9, now=NOW, text_patience=DAY)
    assert entry.is_paywalled


@pytest.mark.parametrize("page", [None, ParsedPage(url="https://clapper.example/1")], ids=["none", "no text"])
def test_an_entry_flows_on_without_its_page(store: Store, page: ParsedPage | None) -> None:
    with store.write() as tx:
        add_config(tx)
        [entry_id] = add_entries(tx, CLAPPER_LISTING, [item(1)], now=NOW, is_backlog=False)
        record_text(tx, entry_id, page, now=NOW)
        [entry] = pending_entries(tx, limit=9, now=NOW, text_patience=DAY)
    assert (entry.text_state, entry.item) == (TextState.FAILED, item(1))


def test_a_source_is_claimed_once_until_its_lease_ends(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        claimed = [source.source_id for source, _ in due_sources(tx, now=NOW, limit=9, lease=LEASE)]
        assert claimed == ["clapper-sets", "lantern-film"]
        assert due_sources(tx, now=NOW, limit=9, lease=LEASE) == []
        assert len(due_sources(tx, now=NOW + LEASE, limit=1, lease=LEASE)) == 1
        release_leases(tx)
        assert len(due_sources(tx, now=NOW, limit=9, lease=LEASE)) == 2


def test_a_fetch_moves_its_source_on(store: Store) -> None:
    after = state_after(FETCH, next_check_at=NOW + DAY)
    with store.write() as tx:
        add_config(tx)
        due_sources(tx, now=NOW, limit=9, lease=LEASE)
        record_fetch(tx, FETCH, after)
        assert find_source(tx, LANTERN_FEED.source_id) == (LANTERN_FEED, after)
        assert due_sources(tx, now=NOW + LEASE / 2, limit=9, lease=LEASE) == []
        due = due_sources(tx, now=NOW + DAY, limit=9, lease=LEASE)
    assert [source.source_id for source, _ in due] == ["clapper-sets", "lantern-film"]


def test_a_delivery_is_claimed_once_until_its_lease_ends(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        owed = [(None, delivery_of(name, due_at=NOW - n * LEASE)) for n, name in enumerate("abc")]
        assert add_deliveries(tx, [*owed, (None, delivery_of("later", due_at=NOW + LEASE))]) == 4
        claimed = claim_due(tx, each=2)
        assert [(delivery.delivery_id, delivery.state) for delivery in claimed] == [
            ("a", DeliveryState.SENDING),
            ("b", DeliveryState.SENDING),
        ]
        assert claimed[0].endpoint == HOOK
        assert claim_due(tx) == []
        give_back(tx, [claimed[1].delivery_id], leased_until=NOW + LEASE)
        record_attempt(
            tx, attempt_of("a", 1, Delivered(status=200)), state=DeliveryState.DELIVERED, next_attempt_at=None
        )
        assert [d.delivery_id for d in claim_due(tx)] == ["b", "c"]
        assert next_due_at(tx) == NOW + LEASE
        assert [d.delivery_id for d in claim_due(tx, now=NOW + LEASE)] == ["b", "c", "later"]


def test_a_crash_gives_deliveries_back(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        add_deliveries(tx, [(None, delivery_of("new")), (None, delivery_of("tried", endpoint=MAIL))])
        claim_due(tx)
        record_attempt(
            tx, attempt_of("tried", 1, Retry(reason="503")), state=DeliveryState.RETRYING, next_attempt_at=NOW
        )
        claim_due(tx)
        release_leases(tx)
        assert next_due_at(tx) == NOW
        claimed = claim_due(tx)
    assert {delivery.delivery_id: delivery.attempt_count for delivery in claimed} == {"new": 0, "tried": 1}


def test_a_match_is_owed_once_to_an_endpoint(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        [match_id] = publish(tx, 1)
        assert (
            add_deliveries(tx, [(match_id, delivery_of("again")), (match_id, delivery_of("mail", endpoint=MAIL))]) == 1
        )
        assert add_deliveries(tx, [(None, delivery_of("test-1")), (None, delivery_of("test-2"))]) == 2


def test_a_disabled_endpoint_is_owed_but_not_told(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        add_deliveries(tx, [(None, delivery_of("a"))])
        disable_endpoint(tx, HOOK.endpoint_id, "410 Gone", now=NOW)
        assert claim_due(tx) == []
        assert next_due_at(tx) is None
        enable_endpoint(tx, HOOK.endpoint_id, now=NOW)
        assert len(claim_due(tx)) == 1


def test_what_a_slow_sender_delivered_stays_delivered(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        add_deliveries(tx, [(None, delivery_of("a"))])
        delivered = attempt_of("a", 1, Delivered(status=200))
        record_attempt(tx, delivered, state=DeliveryState.DELIVERED, next_attempt_at=None)
        other = attempt_of("a", 1, Retry(reason="timeout"), at=NOW + LEASE)
        record_attempt(tx, other, state=DeliveryState.RETRYING, next_attempt_at=NOW)
        assert claim_due(tx, now=NOW + DAY) == []
        assert [attempt.number for attempt in attempts_of(tx, delivered.delivery_id)] == [1, 2]
        assert requeue(tx, delivered.delivery_id, now=NOW)
        assert len(claim_due(tx)) == 1
        assert not requeue(tx, delivered.delivery_id, now=NOW)


def attempts_of(tx: Session, delivery_id: DeliveryId) -> tuple[Attempt, ...]:
    detail = delivery_detail(tx, delivery_id)
    return detail.attempts if detail else ()


def test_removing_a_subscription_cancels_what_it_owes(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        publish(tx, 2)
        assert remove_subscription(tx, SUBSCRIPTION.subscription_id, now=NOW)
        assert claim_due(tx) == []
        assert not remove_subscription(tx, SUBSCRIPTION.subscription_id, now=NOW)


def test_configuration_counts_its_changes(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        before = config_version(tx)
        add_config(tx)
        assert config_version(tx) == before
        upsert_films(tx, [replace(KITES, year=2030)], now=NOW)
        assert config_version(tx) == before + 1


def test_ids_begin_at_one(store: Store) -> None:
    with store.read() as tx:
        assert next_ids(tx) == (1, 1)


def test_what_a_source_repeats_is_spoken_by_its_publisher(store: Store) -> None:
    items = [
        replace(item(1), outlet_name="Lantern Daily", outlet_url="https://www.lantern.example/1"),
        replace(item(2), outlet_name="Pier Diary", outlet_url="https://pier.example/1"),
        item(3),
    ]
    with store.write() as tx:
        add_config(tx)
        add_entries(tx, CLAPPER_LISTING, items, now=NOW, is_backlog=False)
        pending = pending_entries(tx, limit=9, now=NOW + DAY, text_patience=LEASE)
    assert [entry.publisher.slug for entry in pending] == ["lantern", "pier-diary", "clapper"]
    assert pending[1].publisher == Publisher(
        slug=PublisherSlug("pier-diary"),
        name="Pier Diary",
        tier=CLAPPER_LISTING.publisher.tier,
        homepage="https://pier.example",
    )
