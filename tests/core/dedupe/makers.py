"""Invented articles with a running number, so that a test names only what it is about."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from core.values import Article, ArticleId, Publisher, PublisherSlug, Tagging

START = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)
NO_TAGGING = Tagging(is_production_news=False, production_score=0.0)
_numbers = count(1)


def article(title: str, *, outlet: str = "Reel Ledger", hours: float = 0, **changes: Any) -> Article:
    number = next(_numbers)
    slug = outlet.lower().replace(" ", "-")
    url = f"https://{slug}.example/{number}"
    at = START + timedelta(hours=hours)
    values: dict[str, Any] = {
        "article_id": ArticleId(number),
        "canonical_url": url,
        "url": url,
        "publisher": Publisher(slug=PublisherSlug(slug), name=outlet),
        "title": title,
        "first_seen_at": at,
        "event_at": at,
    }
    return Article(**(values | changes))
