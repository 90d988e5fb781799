"""An invented newsroom in a real database: publishers, sources, films, stories, alerts. All names are made up."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from core.values import (
    Alias,
    AliasType,
    Article,
    ArticleId,
    Assignment,
    Attempt,
    Certainty,
    Delivered,
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
    Fetch,
    FetchOutcome,
    Film,
    FilmId,
    FilmStatus,
    Match,
    MatchId,
    Outcome,
    ParsedEntry,
    Publisher,
    PublisherSlug,
    Retry,
    Salience,
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
)
from store.deliveries import add_deliveries, record_attempt
from store.engine import Session, Store, migrate, open_store
from store.entries import add_entries
from store.films import sync_topics, upsert_films
from store.sources import record_fetch, sync_sources
from store.stories import next_ids, save_edits
from store.subscriptions import add_endpoint, add_subscription

NOW = datetime(2026, 5, 18, 14, 30, tzinfo=UTC)
HEALTHY = FetchOutcome.OK
NAME = "newsroom.db"
SECRET = "whsec_bm90LWEtcmVhbC1zZWNyZXQ="

CALL_SHEET = Publisher(slug=PublisherSlug("call-sheet"), name="The Call Sheet", tier=Tier.TRADE)
GAZETTE = Publisher(slug=PublisherSlug("set-gazette"), name="Set Gazette", tier=Tier.FAN)
EVENING = Publisher(slug=PublisherSlug("evening-reel"), name="The Evening Reel", tier=Tier.PRESS)
MERIDIAN = Publisher(slug=PublisherSlug("meridian"), name="Meridian Pictures", tier=Tier.OFFICIAL)
OUTLETS = (CALL_SHEET, GAZETTE, EVENING, MERIDIAN)

FILMS = (
    Film(
        film_id=FilmId("harbour-lights"),
        title="Harbour Lights",
        year=2027,
        aliases=(Alias(title="Project Beacon", type=AliasType.WORKING_TITLE),),
        directors=("Ines Okafor",),
        cast=("Mara Lindqvist", "Theo Adeyemi"),
        status=FilmStatus.FILMING,
    ),
    Film(film_id=FilmId("tin-orchard"), title="The Tin Orchard", year=2026, directors=("Jun Bellamy",)),
    Film(film_id=FilmId("ninth-ferry"), title="Ninth Ferry", year=2028, status=FilmStatus.ANNOUNCED),
)
TOPICS = (
    Topic(slug=TopicSlug("set-photos"), name="Set photos", definition="Pictures taken on a set."),
    Topic(slug=TopicSlug("casting"), name="Casting"),
    Topic(slug=TopicSlug("stunts"), name="Stunts"),
    Topic(slug=TopicSlug("filming-wrap"), name="Filming wraps"),
    Topic(slug=TopicSlug("box-office"), name="Box office", is_production=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One article to file: its story's number (as filed: 1, 2 …), or the article it repeats."""

    title: str
    story: int = 0
    duplicate_of: int = 0
    outlet: Publisher = CALL_SHEET
    url: str = ""
    summary: str = ""
    age: timedelta = timedelta(minutes=20)
    tags: tuple[Tag, ...] = ()
    production: bool = True
    reasons: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    is_paywalled: bool = False


def film_tag(film_id: str, words: str = "", *, salience: Salience = Salience.ABOUT) -> Tag:
    evidence = (Evidence(field="title", words=words),) if words else ()
    return Tag(kind=TagKind.FILM, ref=film_id, score=0.94, salience=salience, evidence=evidence)


def topic_tag(slug: str, words: str = "") -> Tag:
    evidence = (Evidence(field="title", words=words),) if words else ()
    return Tag(kind=TagKind.TOPIC, ref=slug, score=0.81, evidence=evidence)


def fact(kind: FactKind, film_id: str, sentence: str, article: int, *, subject: str = "", detail: str = "") -> Fact:
    return Fact(
        kind=kind,
        film_id=FilmId(film_id),
        certainty=Certainty.REPORTED,
        subject=subject,
        detail=detail,
        sentence=sentence,
        field="title",
        article_id=ArticleId(article),
    )


HARBOUR = film_tag("harbour-lights", "Harbour Lights")
ORCHARD = film_tag("tin-orchard", "Tin Orchard")
FERRY = film_tag("ninth-ferry", "Ninth Ferry")

REPORTS = (
    Report(
        title="Harbour Lights wraps its lighthouse scenes after six weeks of storms",
        story=1,
        summary="The unit leaves the coast on Friday and moves to the studio tank for the last eleven days, "
        "the production office says. Two ferries and a working lighthouse were rented from the county.",
        tags=(HARBOUR, topic_tag("filming-wrap", "wraps")),
        age=timedelta(minutes=34),
        reasons=("opened the story",),
    ),
    Report(
        title="“Harbour Lights” is done with the coast",
        story=1,
        outlet=GAZETTE,
        summary="Locals waved the trucks goodbye.",
        tags=(HARBOUR, topic_tag("set-photos", "pictures from the pier")),
        age=timedelta(minutes=21),
        reasons=("about the same film", "both tell of the end of filming", "13 minutes apart"),
    ),
    Report(
        title="Harbour Lights wraps its lighthouse scenes after six weeks of storms",
        duplicate_of=1,
        outlet=EVENING,
        age=timedelta(minutes=12),
    ),
    Report(
        title="Mara Lindqvist joins Ninth Ferry as the captain who never sails",
        story=2,
        outlet=MERIDIAN,
        summary="Cameras roll in September in two harbours.",
        tags=(
            FERRY,
            film_tag("harbour-lights", "Harbour Lights", salience=Salience.MENTIONS),
            topic_tag("casting", "joins"),
        ),
        age=timedelta(hours=3),
        facts=(
            fact(
                FactKind.JOINS,
                "ninth-ferry",
                "Mara Lindqvist joins Ninth Ferry as the captain who never sails",
                4,
                subject="Mara Lindqvist",
            ),
            fact(
                FactKind.SHOOT_STARTS,
                "ninth-ferry",
                "Cameras roll in September in two harbours.",
                4,
                subject="September",
                detail="planned",
            ),
        ),
    ),
    Report(
        title="Rooftop chase closes three streets for The Tin Orchard",
        story=3,
        outlet=GAZETTE,
        summary="A motorbike, two drones and one very patient pigeon.",
        tags=(ORCHARD, topic_tag("stunts", "Rooftop chase"), topic_tag("set-photos", "seen from a balcony")),
        age=timedelta(hours=26),
    ),
    Report(
        title="The Tin Orchard opens to 4.1 million",
        story=4,
        outlet=EVENING,
        tags=(ORCHARD, topic_tag("box-office", "opens to")),
        production=False,
        age=timedelta(hours=30),
    ),
)


def address_in(path: Path) -> str:
    return f"sqlite:///{path}"


def make_store(folder: Path) -> Store:
    url = address_in(folder / NAME)
    migrate(url)
    return open_store(url)


def make_sources(count: int = 4) -> list[Source]:
    """Return one feed an outlet, then invented ones up to `count`."""
    more = (
        Publisher(slug=PublisherSlug(f"outlet-{n}"), name=f"Outlet {n}", tier=list(Tier)[n % 4])
        for n in range(len(OUTLETS) + 1, count + 1)
    )
    return [
        Source(
            source_id=SourceId(f"{publisher.slug}-feed"),
            publisher=publisher,
            kind=SourceKind.FEED,
            url=f"https://{publisher.slug}.example/feed",
        )
        for publisher in (*OUTLETS, *more)
    ][:count]


def declare(tx: Session, sources: Sequence[Source] = (), *, films: Sequence[Film] = FILMS) -> None:
    sync_sources(tx, sources or make_sources(), now=NOW - timedelta(days=3))
    upsert_films(tx, films, now=NOW)
    sync_topics(tx, TOPICS, now=NOW)


def fetch(
    tx: Session,
    source: Source,
    outcome: FetchOutcome = HEALTHY,
    *,
    age: timedelta = timedelta(minutes=5),
    error: str = "",
    new: int = 0,
) -> None:
    """Record one fetch and the state it leaves; failing sources are tried again in ten minutes."""
    at = NOW - age
    healthy = outcome.is_healthy
    record_fetch(
        tx,
        Fetch(
            source_id=source.source_id,
            started_at=at,
            duration=timedelta(seconds=0.4),
            outcome=outcome,
            status=200 if healthy else None,
            body_bytes=24_000 if healthy else 0,
            entry_count=30 if healthy else 0,
            error=error,
        ),
        SourceState(
            source_id=source.source_id,
            next_check_at=NOW + timedelta(minutes=10),
            last_fetch_at=at,
            last_outcome=outcome,
            last_error=error or None,
            error_count=0 if healthy else 3,
            first_contact_at=NOW - timedelta(days=2) if healthy else None,
            failing_since_at=None if healthy else NOW - timedelta(hours=5),
        ),
        entry_count=new,
    )


def file_reports(
    tx: Session, reports: Sequence[Report], *, matches: Sequence[Match] = ()
) -> list[tuple[MatchId, Match]]:
    """File articles through entries and the desk's edits, as the service does; returns the matches stored."""
    ids = [_enter(tx, report, number) for number, report in enumerate(reports, 1)]
    first_article, _ = next_ids(tx)
    articles = [_article(report, ArticleId(first_article + number)) for number, report in enumerate(reports)]
    edits: list[Edit] = []
    stories: dict[int, Story] = {}
    for entry_id, report, article in zip(ids, reports, articles, strict=True):
        edits.append(_edit(entry_id, report, article, articles, stories))
    if matches:
        edits[-1] = replace(edits[-1], matches=tuple(matches))
    return list(save_edits(tx, edits, now=NOW))


def _enter(tx: Session, report: Report, number: int) -> EntryId:
    source = Source(
        source_id=SourceId(f"{report.outlet.slug}-feed"),
        publisher=report.outlet,
        kind=SourceKind.FEED,
        url=f"https://{report.outlet.slug}.example/feed",
    )
    url = address_of(report, number)
    item = ParsedEntry(guid=f"{url}#{number}", url=url, title=report.title, summary=report.summary)
    (entry_id,) = add_entries(tx, source, [item], now=NOW - report.age, is_backlog=False)
    return entry_id


def address_of(report: Report, number: int) -> str:
    slug = hashlib.sha256(f"{report.title}{number}".encode()).hexdigest()[:12]
    return report.url or f"https://{report.outlet.slug}.example/{slug}"


def _article(report: Report, article_id: ArticleId) -> Article:
    url = address_of(report, article_id)
    at = NOW - report.age
    return Article(
        article_id=article_id,
        canonical_url=url,
        url=url,
        publisher=report.outlet,
        title=report.title,
        summary=report.summary,
        author="Rosa Quill",
        published_at=at,
        first_seen_at=at,
        event_at=at,
        is_paywalled=report.is_paywalled,
    )


def _edit(
    entry_id: EntryId, report: Report, article: Article, articles: Sequence[Article], stories: dict[int, Story]
) -> Edit:
    tagging = Tagging(is_production_news=report.production, production_score=0.9, tags=report.tags, facts=report.facts)
    if report.duplicate_of:
        original = articles[report.duplicate_of - 1].article_id
        duplicate = Duplicate(article_id=original, score=1.0, reason="the same headline and text")
        return Edit(entry_id=entry_id, article=article, duplicate=duplicate, tagging=tagging, quiet_reason="duplicate")
    story = _join(stories.get(report.story), report, article)
    stories[report.story] = story
    return Edit(
        entry_id=entry_id,
        article=article,
        tagging=tagging,
        assignment=Assignment(story_id=story.story_id, score=0.87, reasons=report.reasons),
        story=story,
    )


def _join(story: Story | None, report: Report, article: Article) -> Story:
    if story is None:
        return Story(
            story_id=StoryId(report.story),
            title=report.title,
            url=article.url,
            outlet=report.outlet.name,
            summary=report.summary,
            first_article_id=article.article_id,
            lead_article_id=article.article_id,
            created_at=article.event_at,
            updated_at=article.event_at,
            is_production_news=report.production,
            tags=report.tags,
            facts=report.facts,
        )
    new_tags = [tag for tag in report.tags if tag.ref not in {known.ref for known in story.tags}]
    return replace(
        story,
        article_count=story.article_count + 1,
        outlet_count=story.outlet_count + 1,
        updated_at=article.event_at,
        tags=(*story.tags, *new_tags),
    )


WEBHOOK = Endpoint(
    endpoint_id=EndpointId("hook"),
    kind=EndpointKind.WEBHOOK,
    address="https://hooks.example/services/T0PSECRET/path-is-a-key",
    secret=SECRET,
)
MAILBOX = Endpoint(endpoint_id=EndpointId("mail"), kind=EndpointKind.EMAIL, address="rosa.quill@example.org")
WATCH = Subscription(
    subscription_id=SubscriptionId("harbour-watch"),
    name="Everything on Harbour Lights",
    films=(FilmId("harbour-lights"),),
    endpoints=(WEBHOOK.endpoint_id, MAILBOX.endpoint_id),
)
MATCH = Match(
    subscription_id=WATCH.subscription_id,
    story_id=StoryId(1),
    event=EventType.STORY_CREATED,
    article_id=ArticleId(1),
    reasons=("about Harbour Lights",),
)


def subscribe(tx: Session) -> None:
    add_endpoint(tx, WEBHOOK, now=NOW)
    add_endpoint(tx, MAILBOX, now=NOW)
    add_subscription(tx, WATCH, now=NOW)


def owe(tx: Session, matched: tuple[MatchId, Match], endpoint: Endpoint, *, name: str) -> Delivery:
    delivery = Delivery(
        delivery_id=DeliveryId(name),
        endpoint=endpoint,
        event=EventType.STORY_CREATED,
        story_id=matched[1].story_id,
        payload="{}",
        state=DeliveryState.PENDING,
        attempt_count=0,
        created_at=NOW - timedelta(minutes=20),
        next_attempt_at=NOW - timedelta(minutes=20),
    )
    add_deliveries(tx, [(matched[0], delivery)])
    return delivery


def attempt(tx: Session, delivery: Delivery, outcome: Outcome, state: DeliveryState) -> None:
    tried = Attempt(
        delivery_id=delivery.delivery_id,
        number=1,
        started_at=NOW - timedelta(minutes=19),
        duration=timedelta(seconds=0.2),
        outcome=outcome,
    )
    later = NOW + timedelta(minutes=5) if state is DeliveryState.RETRYING else None
    record_attempt(tx, tried, state=state, next_attempt_at=later)


def fill(store: Store, *, sources: Sequence[Source] = ()) -> None:
    """Fill a database with a working day: one source fails, one story went out to two endpoints."""
    sources = sources or make_sources()
    with store.write() as tx:
        declare(tx, sources)
        for source in sources[:-1]:
            fetch(tx, source, age=timedelta(minutes=35))
            fetch(tx, source, FetchOutcome.NOT_MODIFIED)
        fetch(tx, sources[-1], FetchOutcome.BLOCKED, error="The server answered 403 Forbidden.")
        subscribe(tx)
        (matched,) = file_reports(tx, REPORTS, matches=(MATCH,))
        hook = owe(tx, matched, WEBHOOK, name="msg_hook")
        refused = Retry(reason=f"{WEBHOOK.address} answered 502 Bad Gateway.", status=502)
        attempt(tx, hook, refused, DeliveryState.RETRYING)
        mail = owe(tx, matched, MAILBOX, name="msg_mail")
        attempt(tx, mail, Delivered(detail="250 accepted"), DeliveryState.DELIVERED)
