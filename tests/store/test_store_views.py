"""What pages show and what the desk rebuilds from, and values that come back as they went in."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import Engine, event

from core.values import (
    Delivered,
    DeliveryId,
    DeliveryState,
    EndpointGone,
    FetchOutcome,
    FilmId,
    GiveUp,
    Outcome,
    Retry,
    Salience,
    SourceId,
    StoryId,
    TopicSlug,
)
from store.deliveries import delivery_counts, delivery_detail, latest_deliveries, record_attempt
from store.engine import Session, Store
from store.entries import gathered_since, recent_entries
from store.films import all_films, all_topics, count_films, find_film, search_films, sync_topics
from store.sources import (
    add_source,
    all_sources,
    due_sources,
    find_source,
    publishers,
    recent_fetches,
    record_fetch,
    remove_source,
    set_source_enabled,
    source_view,
    source_views,
    sync_sources,
)
from store.stories import count_stories, find_article, latest_stories, load_window, save_edits, story_detail
from store.subscriptions import (
    add_endpoint,
    all_endpoints,
    all_subscriptions,
    disable_endpoint,
    find_endpoint,
    find_subscription,
    remove_subscription,
    set_subscription_enabled,
)
from tests.store.samples import (
    CLAPPER,
    CLAPPER_LISTING,
    DAY,
    HARBOUR,
    HOOK,
    KITES,
    LANTERN,
    LANTERN_FEED,
    LEASE,
    MAIL,
    NOW,
    SOURCES,
    STUNTS,
    SUBSCRIPTION,
    TAGGING,
    TRAILER,
    add_config,
    add_items,
    article,
    attempt_of,
    disabled,
    edit_of,
    fetch_of,
    fill,
    publish,
    state_after,
    story_of,
)


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(*said: object) -> None:
        seen.append(str(said[2]))

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


def test_configuration_comes_back_as_it_went_in(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        add_endpoint(tx, disabled(MAIL), now=NOW)
        assert all_films(tx) == [HARBOUR, KITES]
        assert find_film(tx, HARBOUR.film_id) == HARBOUR
        assert find_film(tx, FilmId("none")) is None
        assert count_films(tx) == 2
        assert all_topics(tx) == [TRAILER, STUNTS]
        assert all_endpoints(tx) == [HOOK, disabled(MAIL)]
        assert find_endpoint(tx, MAIL.endpoint_id) == disabled(MAIL)
        assert all_subscriptions(tx) == [SUBSCRIPTION]
        assert [source for source, _ in all_sources(tx)] == [CLAPPER_LISTING, LANTERN_FEED]
        assert publishers(tx) == {LANTERN.slug: LANTERN, CLAPPER.slug: CLAPPER}


def test_films_are_found_by_any_name(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        for words in ("harbour", "GLASS", "aus glas", "seagull"):
            assert search_films(tx, words, 5) == [HARBOUR]
        assert search_films(tx, "100%", 5) == [KITES]
        assert search_films(tx, "0% %", 5) == []
        assert search_films(tx, "", 1) == [HARBOUR]


def test_a_topic_gone_from_the_file_is_gone(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        assert sync_topics(tx, [STUNTS], now=NOW) == 1
        assert all_topics(tx) == [STUNTS]
        assert sync_topics(tx, [], now=NOW) == 1


def test_a_subscription_rests_and_goes(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        assert set_subscription_enabled(tx, SUBSCRIPTION.subscription_id, False, now=NOW)
        assert find_subscription(tx, SUBSCRIPTION.subscription_id) == replace(SUBSCRIPTION, is_enabled=False)
        assert remove_subscription(tx, SUBSCRIPTION.subscription_id, now=NOW)
        assert find_subscription(tx, SUBSCRIPTION.subscription_id) is None
        assert all_subscriptions(tx) == []
        assert not set_subscription_enabled(tx, SUBSCRIPTION.subscription_id, True, now=NOW)


def test_an_operators_word_on_a_source_survives_a_sync(store: Store) -> None:
    with store.write() as tx:
        sync_sources(tx, SOURCES, now=NOW)
        assert set_source_enabled(tx, LANTERN_FEED.source_id, False, now=NOW)
        sync_sources(tx, SOURCES, now=NOW)
        assert enabled(tx) == {"clapper-sets": True, "lantern-film": False}
        sync_sources(tx, [replace(source, enabled=False) for source in SOURCES], now=NOW)
        assert enabled(tx) == {"clapper-sets": False, "lantern-film": False}
        assert set_source_enabled(tx, CLAPPER_LISTING.source_id, True, now=NOW)
        sync_sources(tx, [replace(source, enabled=False) for source in SOURCES], now=NOW)
        assert enabled(tx) == {"clapper-sets": True, "lantern-film": False}
        assert not set_source_enabled(tx, SourceId("none"), True, now=NOW)


def enabled(tx: Session) -> dict[str, bool]:
    return {source.source_id: source.enabled for source, _ in all_sources(tx)}


def test_a_source_gone_from_the_file_retires_and_returns_with_its_state(store: Store) -> None:
    fetch = fetch_of(LANTERN_FEED)
    mine = replace(LANTERN_FEED, source_id=SourceId("mine"))
    with store.write() as tx:
        sync_sources(tx, SOURCES, now=NOW)
        add_source(tx, mine, now=NOW)
        record_fetch(tx, fetch, state_after(fetch, next_check_at=NOW))
        sync_sources(tx, [CLAPPER_LISTING], now=NOW)
        assert [source.source_id for source, _ in all_sources(tx)] == ["clapper-sets", "mine"]
        assert find_source(tx, LANTERN_FEED.source_id) is None
        assert len(due_sources(tx, now=NOW + DAY, limit=9, lease=LEASE)) == 2
        retired = source_view(tx, LANTERN_FEED.source_id, now=NOW)
        assert retired
        assert (retired.retired_at, retired.fetches, retired.origin) == (NOW, (fetch,), "config")
        sync_sources(tx, SOURCES, now=NOW + DAY)
        assert find_source(tx, LANTERN_FEED.source_id) == (LANTERN_FEED, state_after(fetch, next_check_at=NOW))
        assert remove_source(tx, mine.source_id, now=NOW)
        assert not remove_source(tx, mine.source_id, now=NOW)


def test_source_views_show_the_last_fetches_without_a_query_each(store: Store) -> None:
    fetches = [fetch_of(LANTERN_FEED, at=NOW - n * LEASE, outcome=FetchOutcome.TIMEOUT) for n in range(5)]
    with store.write() as tx:
        add_config(tx)
        add_items(tx, [1, 2])
        for fetch in fetches:
            record_fetch(tx, fetch, state_after(fetch, next_check_at=NOW))
        with counted_statements() as seen:
            views = source_views(tx, now=NOW, fetch_count=3)
        assert recent_fetches(tx, LANTERN_FEED.source_id, limit=9) == fetches
        assert len(recent_entries(tx, LANTERN_FEED.source_id, limit=9)) == 2
    assert [(view.source, view.fetches, view.entries_last_day) for view in views] == [
        (CLAPPER_LISTING, (), 0),
        (LANTERN_FEED, tuple(fetches[:3]), 2),
    ]
    assert len(seen) == 6


def test_stories_are_listed_newest_first_in_few_queries(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        publish(tx, 5)
    with store.read() as tx:
        with counted_statements() as seen:
            views = latest_stories(tx, limit=3, film=HARBOUR.film_id, topic=STUNTS.slug, production_only=True)
        older = latest_stories(tx, limit=3, before=views[-1].story.story_id)
        assert latest_stories(tx, limit=9, film=KITES.film_id) == []
        assert latest_stories(tx, limit=9, topic=TopicSlug("none")) == []
        assert (count_stories(tx), count_stories(tx, film=HARBOUR.film_id, topic=TRAILER.slug)) == (5, 0)
    assert len([words for words in seen if words.startswith("SELECT")]) == 5
    assert [view.story.story_id for view in (*views, *older)] == [5, 4, 3, 2, 1]
    assert views[0].story == replace(story_of(article(5), 5), facts=())
    assert views[0].outlets == ("The Lantern",)
    assert views[0].films == ((HARBOUR.film_id, "Harbour of Glass", Salience.ABOUT),)
    assert views[0].topics == ((STUNTS.slug, "Stunts"),)


def test_a_story_explains_itself(store: Store) -> None:
    fill(store)
    with store.read() as tx:
        detail = story_detail(tx, StoryId(1))
        assert story_detail(tx, StoryId(99)) is None
        assert find_article(tx, article(1).article_id) == article(1)
        assert find_article(tx, article(99).article_id) is None
    assert detail
    [member], [repeat], [match], [delivery] = detail.articles, detail.duplicates, detail.matches, detail.deliveries
    assert (member.article, member.tagging, member.duplicate) == (article(1), TAGGING, None)
    assert member.assignment
    assert member.assignment.reasons == ("first on this event",)
    assert repeat.duplicate
    assert (repeat.duplicate.reason, repeat.duplicate.score, repeat.assignment) == ("same text", 0.97, None)
    assert (match.subscription_name, match.match.reasons) == ("All of Harbour", ("film: Harbour of Glass",))
    assert (delivery.last_words, delivery.last_status) == ("503", 503)


def test_deliveries_are_shown_without_secrets(store: Store) -> None:
    fill(store)
    with store.read() as tx:
        views = latest_deliveries(tx, limit=9)
        retrying = latest_deliveries(tx, limit=9, state=DeliveryState.RETRYING)
        detail = delivery_detail(tx, retrying[0].delivery.delivery_id)
        counts = delivery_counts(tx)
        assert delivery_detail(tx, DeliveryId("none")) is None
    shown = [replace(view.delivery.endpoint, failing_since_at=None) for view in views]
    assert shown == [replace(HOOK, secret="")] * 3
    assert [view.subscription_name for view in retrying] == ["All of Harbour"]
    assert detail
    assert (len(detail.attempts), detail.match is not None) == (1, True)
    assert counts == dict.fromkeys(DeliveryState, 0) | {DeliveryState.PENDING: 2, DeliveryState.RETRYING: 1}


def test_every_outcome_comes_back_as_it_went_in(store: Store) -> None:
    outcomes: list[Outcome] = [
        Retry(reason="busy", after=LEASE, status=429),
        GiveUp(reason="400", status=400),
        EndpointGone(reason="410", status=410),
        Delivered(detail="ok", status=200),
    ]
    with store.write() as tx:
        add_config(tx)
        [match_id] = publish(tx, 1)
        for number, outcome in enumerate(outcomes, start=1):
            attempt = attempt_of(f"msg_{match_id}", number, outcome, at=NOW + number * LEASE)
            record_attempt(tx, attempt, state=DeliveryState.RETRYING, next_attempt_at=NOW)
        detail = delivery_detail(tx, DeliveryId(f"msg_{match_id}"))
    assert detail
    assert [attempt.outcome for attempt in detail.attempts] == outcomes


def test_the_desk_remembers_what_is_recent(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        publish(tx, 2, at=NOW - 10 * DAY)
        publish(tx, 2)
        [entry_id] = add_items(tx, [70])
        joined = replace(edit_of(entry_id, 5), story=story_of(article(1), 1, article_count=2), matches=())
        save_edits(tx, [joined], now=NOW)
        window = load_window(tx, since=NOW - DAY)
    assert [remembered.article for remembered in window.articles] == [article(3), article(4), article(5)]
    assert [remembered.story_id for remembered in window.articles] == [3, 4, 1]
    assert {remembered.tagging for remembered in window.articles} == {TAGGING}
    assert window.stories[StoryId(1)] == joined.story
    assert set(window.stories) == set(window.told) == {1, 3, 4}
    assert window.told[StoryId(1)] == {SUBSCRIPTION.subscription_id: {"story.created"}}


def test_counts_of_the_last_day(store: Store) -> None:
    fill(store)
    with store.write() as tx:
        disable_endpoint(tx, HOOK.endpoint_id, "gone", now=NOW)
        counts = gathered_since(tx, NOW - DAY)
        assert gathered_since(tx, NOW + DAY).entries == 0
    assert (counts.fetches, counts.failed_fetches, counts.entries, counts.articles) == (2, 0, 5, 4)
    assert (counts.stories, counts.matches, counts.deliveries) == (3, 3, 3)
