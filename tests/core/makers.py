"""Invented entries, articles and stories with defaults, so that a test names only what it is about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from core.values import (
    Article,
    ArticleId,
    Entry,
    EntryId,
    FilmId,
    ParsedEntry,
    Publisher,
    PublisherSlug,
    Salience,
    SourceId,
    Story,
    StoryId,
    Subscription,
    SubscriptionId,
    Tag,
    TagKind,
    Tier,
)

START = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)
LEDGER = Publisher(slug=PublisherSlug("reel-ledger"), name="Reel Ledger", tier=Tier.TRADE)
DISPATCH = Publisher(slug=PublisherSlug("harbour-dispatch"), name="Harbour Dispatch", tier=Tier.FAN)


def entry(number: int, title: str = "", *, publisher: Publisher = LEDGER, minutes: float = 0, **changes: Any) -> Entry:
    """An entry seen `minutes` after START; changes go to the entry if it has the field, else to its item."""
    item = ParsedEntry(
        guid=f"guid-{number}",
        url=f"https://{publisher.slug}.example/news/{number}",
        title=title or f"Headline number {number}",
        published_at=START + timedelta(minutes=minutes),
    )
    made = Entry(
        entry_id=EntryId(number),
        source_id=SourceId(f"{publisher.slug}-feed"),
        publisher=publisher,
        item=item,
        first_seen_at=START + timedelta(minutes=minutes),
    )
    own = {name: value for name, value in changes.items() if name in Entry.__slots__}
    rest = {name: value for name, value in changes.items() if name not in own}
    return replace(made, **own, item=replace(item, **rest))


def article(title: str = "A headline", *, publisher: Publisher = LEDGER, **changes: Any) -> Article:
    made = Article(
        article_id=ArticleId(1),
        canonical_url="https://reel-ledger.example/news/1",
        url="https://reel-ledger.example/news/1",
        publisher=publisher,
        title=title,
        first_seen_at=START,
        event_at=START,
    )
    return replace(made, **changes)


def film(ref: str, salience: Salience = Salience.ABOUT, score: float = 0.9) -> Tag:
    return Tag(kind=TagKind.FILM, ref=ref, score=score, salience=salience)


def topic(ref: str, score: float = 0.9) -> Tag:
    return Tag(kind=TagKind.TOPIC, ref=ref, score=score)


def story(*tags: Tag, is_production_news: bool = True) -> Story:
    return Story(
        story_id=StoryId(1),
        title="A headline",
        url="https://reel-ledger.example/news/1",
        outlet="Reel Ledger",
        first_article_id=ArticleId(1),
        lead_article_id=ArticleId(1),
        created_at=START,
        updated_at=START,
        is_production_news=is_production_news,
        tags=tags,
    )


def subscription(name: str = "all", **changes: Any) -> Subscription:
    made = Subscription(subscription_id=SubscriptionId(name), name=name)
    return replace(made, **changes)


def film_subscription(name: str, *films: str, **changes: Any) -> Subscription:
    return subscription(name, films=tuple(FilmId(f) for f in films), **changes)
