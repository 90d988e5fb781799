"""Invented publishers, films and stories for the tests of the store, and shorthands to store them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from core.catalogue import Authority, SyncState
from core.unknown import UnknownTitle
from core.values import (
    Alias,
    AliasType,
    Article,
    ArticleId,
    Assignment,
    Attempt,
    Certainty,
    Delivery,
    DeliveryId,
    DeliveryState,
    Duplicate,
    Edit,
    Endpoint,
    EndpointId,
    EndpointKind,
    EntryId,
    EventType,
    Evidence,
    Fact,
    FactKind,
    FeedbackKind,
    Fetch,
    FetchOutcome,
    Film,
    FilmId,
    FilmStatus,
    Match,
    MatchId,
    Outcome,
    Pace,
    ParsedEntry,
    Publisher,
    PublisherSlug,
    Retry,
    Salience,
    Selectors,
    Source,
    SourceId,
    SourceKind,
    SourceState,
    Story,
    StoryId,
    Subscription,
    SubscriptionId,
    Tag,
    Tagging,
    TagKind,
    Tier,
    Topic,
    TopicSlug,
    Validators,
)
from core.websub import HubOffer
from store.catalogue import keep_records, keep_sync
from store.corrections import merge_stories
from store.deliveries import add_deliveries, claim_deliveries, record_attempt
from store.engine import Session, Store
from store.entries import add_entries
from store.feedback import Word, give_feedback
from store.films import sync_topics, upsert_films
from store.links import Doubt, add_doubt
from store.sources import add_source_event, record_fetch, sync_sources
from store.sql import insert_new
from store.stories import next_ids, save_edits
from store.subscriptions import add_endpoint, add_subscription
from store.suggestions import note_titles
from store.tables import Row, refusals
from store.websub import note_asking

NOW = datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)
DAY = timedelta(days=1)
LEASE = timedelta(minutes=5)

LANTERN = Publisher(
    slug=PublisherSlug("lantern"), name="The Lantern", tier=Tier.TRADE, homepage="https://lantern.example/"
)
CLAPPER = Publisher(slug=PublisherSlug("clapper"), name="Clapper Weekly", tier=Tier.FAN)

LANTERN_FEED = Source(
    source_id=SourceId("lantern-film"),
    publisher=LANTERN,
    kind=SourceKind.FEED,
    url="https://lantern.example/film/rss",
    interval=timedelta(minutes=15),
)
CLAPPER_LISTING = Source(
    source_id=SourceId("clapper-sets"),
    publisher=CLAPPER,
    kind=SourceKind.LISTING,
    url="https://clapper.example/sets",
    language="fr",
    full_text=True,
    selectors=Selectors(item="li.news", title="h2::text"),
    seen_at="2026-03",
)
SOURCES = (LANTERN_FEED, CLAPPER_LISTING)

HARBOUR = Film(
    film_id=FilmId("harbour-of-glass"),
    title="Harbour of Glass",
    year=2027,
    aliases=(
        Alias(title="Hafen aus Glas", type=AliasType.TRANSLATION),
        Alias(title="Seagull", type=AliasType.CODE_NAME, needs_context=True),
    ),
    directors=("Ines Okafor",),
    cast=("Tomas Vell", "Ruth Adeyemi"),
    franchise="Harbour",
    studio="Northlight",
    status=FilmStatus.FILMING,
    external_ids={"wikidata": "Q0"},
)
KITES = Film(film_id=FilmId("paper-kites"), title="Paper 100% Kites")
TRAILER = Topic(slug=TopicSlug("trailer"), name="Trailer", cues=("trailer",), is_production=False)
STUNTS = Topic(slug=TopicSlug("stunts"), name="Stunts", definition="Work of the stunt team", blockers=("rumour",))

HOOK = Endpoint(
    endpoint_id=EndpointId("hook"), kind=EndpointKind.WEBHOOK, address="https://hook.example/", secret="whsec_c2V0"
)
MAIL = Endpoint(endpoint_id=EndpointId("mail"), kind=EndpointKind.EMAIL, address="desk@example.org")
SUBSCRIPTION = Subscription(
    subscription_id=SubscriptionId("harbour"),
    name="All of Harbour",
    films=(HARBOUR.film_id,),
    words=("stunt team",),
    min_tier=Tier.PRESS,
    saliences=(Salience.ABOUT, Salience.MENTIONS),
    endpoints=(HOOK.endpoint_id, MAIL.endpoint_id),
)
TAGS = (
    Tag(
        kind=TagKind.FILM,
        ref=HARBOUR.film_id,
        score=0.9,
        evidence=(Evidence(field="title", words="Harbour of Glass"),),
    ),
    Tag(kind=TagKind.TOPIC, ref=STUNTS.slug, score=0.5, salience=Salience.MENTIONS),
)
FACTS = (
    Fact(
        kind=FactKind.JOINS,
        film_id=HARBOUR.film_id,
        certainty=Certainty.RUMOURED,
        subject="Ines Calloway",
        detail="Alma",
        was="May 7, 2027",
        day="--05-07",
        sentence="Ines Calloway is rumoured to join Harbour of Glass as Alma.",
        field="summary",
        article_id=ArticleId(1),
    ),
)
TAGGING = Tagging(is_production_news=True, production_score=0.75, tags=TAGS, facts=FACTS)


def item(number: int) -> ParsedEntry:
    return ParsedEntry(
        guid=f"guid-{number}",
        url=f"https://lantern.example/news/{number}",
        title=f"Harbour of Glass: day {number} – “water”",
        summary="The stunt team rehearses in the dry dock.",
        categories=("Film", "Sets"),
        published_at=NOW - timedelta(minutes=number),
    )


def article(number: int, *, publisher: Publisher = LANTERN, at: datetime = NOW) -> Article:
    return Article(
        article_id=ArticleId(number),
        canonical_url=f"https://lantern.example/news/{number}",
        url=f"https://lantern.example/news/{number}?from=rss",
        publisher=publisher,
        title=f"Harbour of Glass: day {number}",
        text="A long text of our own.",
        categories=("Film",),
        published_at=at,
        first_seen_at=at,
        event_at=at,
    )


def story_of(lead: Article, number: int, *, article_count: int = 1) -> Story:
    return Story(
        story_id=StoryId(number),
        title=lead.title,
        url=lead.url,
        outlet=lead.publisher.name,
        first_article_id=lead.article_id,
        lead_article_id=lead.article_id,
        created_at=lead.first_seen_at,
        updated_at=lead.first_seen_at,
        article_count=article_count,
        is_production_news=True,
        tags=TAGS,
        facts=TAGGING.facts,
    )


def match_of(story: Story, *, development: str = "") -> Match:
    return Match(
        subscription_id=SUBSCRIPTION.subscription_id,
        story_id=story.story_id,
        event=EventType.STORY_UPDATED if development else EventType.STORY_CREATED,
        development=development,
        article_id=story.lead_article_id,
        reasons=("film: Harbour of Glass",),
    )


def edit_of(entry_id: EntryId, number: int, *, story_number: int | None = None, at: datetime = NOW) -> Edit:
    """An edit that opens a story of its own and matches."""
    text = article(number, at=at)
    story = story_of(text, story_number or number)
    return Edit(
        entry_id=entry_id,
        article=text,
        tagging=TAGGING,
        assignment=Assignment(story_id=None, score=1.0, reasons=("first on this event",)),
        story=story,
        matches=(match_of(story),),
    )


def repeat_of(entry_id: EntryId, number: int, *, original: int) -> Edit:
    """An edit of an article with the text of another."""
    return Edit(
        entry_id=entry_id,
        article=article(number),
        duplicate=Duplicate(article_id=ArticleId(original), score=0.97, reason="same text"),
        tagging=TAGGING,
        quiet_reason="duplicate",
    )


def delivery_of(
    name: str, *, endpoint: Endpoint = HOOK, story_id: int | None = None, due_at: datetime = NOW
) -> Delivery:
    return Delivery(
        delivery_id=DeliveryId(name),
        endpoint=endpoint,
        event=EventType.STORY_CREATED,
        story_id=None if story_id is None else StoryId(story_id),
        payload='{"type": "story.created"}',
        state=DeliveryState.PENDING,
        attempt_count=0,
        created_at=NOW,
        next_attempt_at=due_at,
    )


def fetch_of(source: Source, *, at: datetime = NOW, outcome: FetchOutcome = FetchOutcome.OK) -> Fetch:
    return Fetch(
        source_id=source.source_id,
        started_at=at,
        duration=timedelta(milliseconds=321),
        outcome=outcome,
        status=200,
        body_bytes=12_345,
        entry_count=3,
        error="" if outcome.is_healthy else "no answer",
        validators=Validators(etag='W/"a\xe9"', last_modified="Sat, 14 Mar 2026 09:00:00 GMT"),
        body_sha256="ab" * 32,
        pace=Pace(ttl=timedelta(minutes=60), retry_after=timedelta(seconds=1.5)),
        final_url=source.url,
    )


def state_after(fetch: Fetch, *, next_check_at: datetime) -> SourceState:
    return SourceState(
        source_id=fetch.source_id,
        validators=fetch.validators,
        body_sha256=fetch.body_sha256,
        next_check_at=next_check_at,
        last_fetch_at=fetch.started_at,
        last_outcome=fetch.outcome,
        last_error=fetch.error or None,
        first_contact_at=fetch.started_at,
    )


def add_config(tx: Session) -> None:
    """Sources, films, topics, endpoints and one subscription."""
    sync_sources(tx, SOURCES, now=NOW)
    upsert_films(tx, [HARBOUR, KITES], now=NOW)
    sync_topics(tx, [TRAILER, STUNTS], now=NOW)
    add_endpoint(tx, HOOK, now=NOW)
    add_endpoint(tx, MAIL, now=NOW)
    add_subscription(tx, SUBSCRIPTION, now=NOW)


def add_items(tx: Session, numbers: Sequence[int], *, at: datetime = NOW) -> list[EntryId]:
    return add_entries(tx, LANTERN_FEED, [item(number) for number in numbers], now=at, is_backlog=False)


def publish(tx: Session, count: int, *, at: datetime = NOW) -> list[MatchId]:
    """Entries, articles, stories, matches and one delivery each to the webhook; the ids of the matches."""
    first_article, first_story = next_ids(tx)
    entry_ids = add_items(tx, range(first_article, first_article + count), at=at)
    edits = [
        edit_of(entry_id, first_article + n, story_number=first_story + n, at=at)
        for n, entry_id in enumerate(entry_ids)
    ]
    matched = save_edits(tx, edits, now=at)
    add_deliveries(
        tx, [(match_id, delivery_of(f"msg_{match_id}", story_id=match.story_id)) for match_id, match in matched]
    )
    return [match_id for match_id, _ in matched]


def fill(store: Store) -> None:
    """Something in every table but the tombstones."""
    with store.write() as tx:
        add_config(tx)
        match_ids = publish(tx, 3)
        for fetch in (fetch_of(LANTERN_FEED, at=NOW - LEASE), fetch_of(LANTERN_FEED)):
            record_fetch(tx, fetch, state_after(fetch, next_check_at=NOW + DAY))
        add_source_event(
            tx, LANTERN_FEED.source_id, EventType.SOURCE_FAILING, "The Lantern is failing: no answer.", at=NOW
        )
        offer = HubOffer(hub="https://hub.example/", topic=LANTERN_FEED.url)
        note_asking(tx, LANTERN_FEED.source_id, offer, subscription_id="hub-1", secret="s", now=NOW)
        entry_ids = add_items(tx, [50, 51])
        save_edits(tx, [repeat_of(entry_ids[0], 4, original=1)], now=NOW)
        record_attempt(
            tx,
            attempt_of(f"msg_{match_ids[0]}", 1, Retry(reason="503", after=timedelta(seconds=90), status=503)),
            state=DeliveryState.RETRYING,
            next_attempt_at=NOW + LEASE,
        )
        add_doubt(tx, Doubt(story_id=StoryId(1), film_id=HARBOUR.film_id, endpoint_id=MAIL.endpoint_id, doubted_at=NOW))
        give_feedback(tx, StoryId(2), [Word(kind=FeedbackKind.WRONG_TOPIC, ref=STUNTS.slug)], now=NOW)
        seen = UnknownTitle("Low Tide", "low tide", "‘Low Tide’ trailer", 2027, ("Ada Quill",))
        note_titles(tx, [(article(1), seen)], now=NOW)
        keep_records(tx, Authority.TMDB, {HARBOUR.film_id: replace(HARBOUR, external_ids={"tmdb": "7"})}, now=NOW)
        keep_sync(tx, SyncState(authority=Authority.TMDB, due_at=NOW + DAY, succeeded_at=NOW))
        merge_stories(tx, StoryId(2), StoryId(3), note="the same wrap", now=NOW)
        insert_new(tx, refusals, [{"subscription_id": "gone", "endpoint_id": "mail", "refused_at": NOW}])


def claim_due(tx: Session, *, now: datetime = NOW, limit: int = 9, each: int = 99) -> list[Delivery]:
    """Claim what is due and forget which endpoint it was claimed for."""
    claims = claim_deliveries(tx, now=now, limit=limit, lease=LEASE, each=each)
    return [delivery for claimed in claims for delivery in claimed.deliveries]


def attempt_of(name: str, number: int, outcome: Outcome, *, at: datetime = NOW) -> Attempt:
    return Attempt(
        delivery_id=DeliveryId(name),
        number=number,
        started_at=at,
        duration=timedelta(milliseconds=250),
        outcome=outcome,
    )


def dump(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, to compare states."""
    with store.read() as tx:
        return {
            table.name: [tuple(row) for row in tx.execute(select(table).order_by(*table.primary_key))]
            for table in Row.metadata.sorted_tables
        }


def disabled(endpoint: Endpoint) -> Endpoint:
    return replace(endpoint, disabled_at=NOW, disabled_reason="410 Gone")
