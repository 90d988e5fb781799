"""Invented films, topics and articles for the tagging tests."""

from datetime import UTC, datetime

from core.values import (
    Alias,
    AliasType,
    Article,
    ArticleId,
    Film,
    FilmId,
    FilmStatus,
    Publisher,
    PublisherSlug,
    Topic,
    TopicSlug,
)

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def make_article(
    title: str, summary: str = "", *, categories: tuple[str, ...] = (), text: str = "", slug: str = "a-story"
) -> Article:
    url = f"https://lantern.example/news/{slug}/"
    return Article(
        article_id=ArticleId(1),
        canonical_url=url,
        url=url,
        publisher=Publisher(slug=PublisherSlug("lantern"), name="The Lantern"),
        title=title,
        summary=summary,
        categories=categories,
        text=text,
        first_seen_at=NOW,
        event_at=NOW,
    )


def make_film(
    title: str,
    *,
    year: int | None = 2026,
    aliases: tuple[str, ...] = (),
    people: tuple[str, ...] = (),
    franchise: str = "",
    status: FilmStatus = FilmStatus.UNKNOWN,
    film_id: str = "",
) -> Film:
    return Film(
        film_id=FilmId(film_id or f"{title.lower()}-{year}"),
        title=title,
        year=year,
        aliases=tuple(Alias(title=a, type=AliasType.SHORT) for a in aliases),
        directors=people[:1],
        cast=people[1:],
        franchise=franchise,
        status=status,
    )


def make_topic(slug: str, *cues: str, blockers: tuple[str, ...] = (), is_production: bool = True) -> Topic:
    return Topic(slug=TopicSlug(slug), name=slug.title(), cues=cues, blockers=blockers, is_production=is_production)
