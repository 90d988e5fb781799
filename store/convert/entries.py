"""Entries and articles."""

from core.storms import text_key
from core.values import (
    Article,
    ArticleId,
    Entry,
    EntryId,
    ParsedEntry,
    SourceId,
    TextState,
)
from store.columns import key_of
from store.convert.rows import Columns, Publishers, Row


def item_to_columns(item: ParsedEntry) -> Columns:
    return {
        "guid": item.guid,
        "guid_key": key_of(item.guid),
        "url": item.url,
        "title": item.title,
        "summary": item.summary,
        "author": item.author,
        "categories": list(item.categories),
        "published_at": item.published_at,
        "image_url": item.image_url,
        "language": item.language,
        "text": item.text,
    }


def entry_from_row(row: Row, publishers: Publishers) -> Entry:
    """Needs `speaker_slug` beside the entry's columns: the publisher of the entry, else that of its source."""
    return Entry(
        entry_id=EntryId(row["entry_id"]),
        source_id=SourceId(row["source_id"]),
        publisher=publishers[row["speaker_slug"]],
        item=_item_from_row(row),
        first_seen_at=row["first_seen_at"],
        is_backlog=row["is_backlog"],
        backlog_reason=row["backlog_reason"],
        text_state=TextState(row["text_state"]),
        is_paywalled=row["is_paywalled"],
    )


def _item_from_row(row: Row) -> ParsedEntry:
    return ParsedEntry(
        guid=row["guid"],
        url=row["url"],
        title=row["title"],
        summary=row["summary"],
        author=row["author"],
        categories=tuple(row["categories"]),
        published_at=row["published_at"],
        image_url=row["image_url"],
        language=row["language"],
        text=row["text"],
    )


def article_to_columns(article: Article) -> Columns:
    return {
        "article_id": article.article_id,
        "url_key": key_of(article.canonical_url),
        "canonical_url": article.canonical_url,
        "url": article.url,
        "publisher_slug": article.publisher.slug,
        "title": article.title,
        "summary": article.summary,
        "author": article.author,
        "categories": list(article.categories),
        "text": article.text,
        "image_url": article.image_url,
        "language": article.language,
        "published_at": article.published_at,
        "first_seen_at": article.first_seen_at,
        "event_at": article.event_at,
        "is_backlog": article.is_backlog,
        "is_paywalled": article.is_paywalled,
        "text_key": text_key(article.publisher.slug, article.title, article.summary),
    }


def article_from_row(row: Row, publishers: Publishers) -> Article:
    return Article(
        article_id=ArticleId(row["article_id"]),
        canonical_url=row["canonical_url"],
        url=row["url"],
        publisher=publishers[row["publisher_slug"]],
        title=row["title"],
        summary=row["summary"],
        author=row["author"],
        categories=tuple(row["categories"]),
        text=row["text"],
        image_url=row["image_url"],
        language=row["language"],
        published_at=row["published_at"],
        first_seen_at=row["first_seen_at"],
        event_at=row["event_at"],
        is_backlog=row["is_backlog"],
        is_paywalled=row["is_paywalled"],
    )
