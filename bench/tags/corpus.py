"""Reads the shared stream, gold and catalogue, and our own labels, as values of the house."""

import gzip
import json
import os
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.tags.learn import Label
from core.values import Alias, Article, ArticleId, Film, FilmId, FilmStatus, Publisher, PublisherSlug, Topic, TopicSlug

ROOT = Path(__file__).parents[2]
SHARED = (ROOT / os.environ.get("SETWIRE_SHARED", "../shared")).resolve()
GOLD = tuple(SHARED / "data" / "gold" / f"{name}.jsonl" for name in ("tags_dev", "tags_dev2", "tags_dev3"))
STREAM = SHARED / "data" / "stream" / "dev_2026-02_05.jsonl.gz"
CATALOGUE = SHARED / "data" / "films" / "catalogue.jsonl.gz"
OWN_LABELS = Path(__file__).parent / "labels.jsonl"
TOPICS = ROOT / "config" / "topics.toml"
MODEL = ROOT / "config" / "models" / "tags.json.gz"


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    yield from (json.loads(line) for line in text.splitlines())


def read_stream() -> dict[str, Article]:
    """The stream's articles by URL, in time order; of a repeated URL the first."""
    articles: dict[str, Article] = {}
    for number, row in enumerate(read_lines(STREAM), start=1):
        articles.setdefault(row["url"], _article_of(row, number))
    return articles


def _article_of(row: dict[str, Any], number: int) -> Article:
    seen_at = datetime.fromtimestamp(row["first_seen"], UTC)
    return Article(
        article_id=ArticleId(number),
        canonical_url=row["url"],
        url=row["url"],
        publisher=Publisher(slug=PublisherSlug(row["outlet"].lower()), name=row["outlet"]),
        title=row["title"],
        summary=row["summary"],
        categories=tuple(row["categories"]),
        first_seen_at=seen_at,
        event_at=seen_at,
    )


def read_films() -> list[Film]:
    return [_film_of(row) for row in read_lines(CATALOGUE)]


def _film_of(row: dict[str, Any]) -> Film:
    return Film(
        film_id=FilmId(row["id"]),
        title=row["title"],
        year=row["year"],
        aliases=tuple(Alias(title=a) for a in row["aliases"]),
        directors=tuple(row["directors"]),
        cast=tuple(row["cast"]),
        franchise=row["franchise"] or "",
        status=FilmStatus(row["status"]),
    )


def read_topics() -> list[Topic]:
    with TOPICS.open("rb") as file:
        rows = tomllib.load(file)["topic"]
    return [
        Topic(
            slug=TopicSlug(r["slug"]),
            name=r["name"],
            definition=r["definition"],
            cues=tuple(r["cues"]),
            blockers=tuple(r["blockers"]),
        )
        for r in rows
    ]


def read_labels(path: Path, articles: dict[str, Article], *, is_own: bool) -> list[Label]:
    """Labels in the file's order; one whose article the stream lacks is passed over."""
    return [_label_of(row, articles[row["url"]], is_own=is_own) for row in read_lines(path) if row["url"] in articles]


def _label_of(row: dict[str, Any], article: Article, *, is_own: bool) -> Label:
    return Label(
        article=article,
        is_production_news=row["production_news"],
        topics=frozenset(row["topics"]),
        about=frozenset(row["about"]),
        mentions=frozenset(row["mentions"]),
        ignore_topics=frozenset(row["ignore_topics"]),
        ignore_films=frozenset(row["ignore_films"]),
        shown_films=frozenset(row["shown_films"]) if "shown_films" in row else None,
        is_own=is_own,
    )
