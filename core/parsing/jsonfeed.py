"""JSON Feed 1.0 and 1.1 (jsonfeed.org) documents read into entries."""

import html
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from core.parsing.dates import choose_newest, parse_date
from core.parsing.entries import (
    MAX_ENTRIES,
    RawEntry,
    adopt_language,
    clean_entry,
    clean_language,
    find_image,
    keep_first,
    tell_count,
)
from core.parsing.text import clean_title
from core.urls import resolve_url
from core.values import ParsedEntry, ParsedFeed


def parse_json_feed(text: str, *, url: str, now: datetime) -> ParsedFeed:
    """Read a JSON Feed; anything else that is JSON gives `is_feed=False`. The format says nothing of pace."""
    document = _load(text)
    if document is None:
        return ParsedFeed(is_feed=False, problems=("The document is JSON, but no JSON Feed.",))
    rows = document["items"]
    kept = choose_newest(rows, _date_of, now=now, most=MAX_ENTRIES)
    found = [_read_item(row, document, url=url, now=now) for number, row in enumerate(rows) if number in kept]
    entries, repeat_count = keep_first(
        adopt_language((entry for entry in found if entry), clean_language(_text(document, "language")))
    )
    return ParsedFeed(
        title=clean_title(_text(document, "title")),
        entries=entries,
        problems=(
            *tell_count(
                found.count(None),
                "One entry says nothing and was left out.",
                "{count} entries say nothing and were left out.",
            ),
            *tell_count(
                repeat_count,
                "One entry repeats a guid and was left out.",
                "{count} entries repeat a guid and were left out.",
            ),
            *tell_count(
                max(0, len(rows) - MAX_ENTRIES),
                "One entry beyond the limit was left out.",
                "{count} entries beyond the limit were left out.",
            ),
        ),
    )


def _load(text: str) -> dict[str, Any] | None:
    try:
        # Line breaks inside texts are no JSON, but programs that write it by hand leave them there.
        document = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or not isinstance(document.get("items"), list):
        return None
    version = document.get("version")
    is_feed = isinstance(version, str) and "jsonfeed.org" in version
    return document if is_feed or "title" in document else None


def _read_item(row: object, document: Mapping[str, Any], *, url: str, now: datetime) -> ParsedEntry | None:
    if not isinstance(row, dict):
        return None
    link = _link(row, document, url)
    content = _text(row, "content_html") or html.escape(_text(row, "content_text"))
    date_text = _date_of(row)
    image = _text(row, "image") or _text(row, "banner_image") or find_image(_text(row, "content_html"))
    return clean_entry(
        RawEntry(
            guid=_identity(row),
            url=link,
            title=_text(row, "title"),
            summary_html=html.escape(_text(row, "summary")),
            content_html=content,
            authors=_authors(row) or _authors(document),
            categories=_texts(row.get("tags")),
            published_at=parse_date(date_text, now=now),
            date_text=date_text,
            image_url=resolve_url(image, link, url),
            language=_text(row, "language"),
        )
    )


def _date_of(row: object) -> str:
    return (_text(row, "date_published") or _text(row, "date_modified")) if isinstance(row, dict) else ""


def _link(row: Mapping[str, Any], document: Mapping[str, Any], url: str) -> str:
    for name in ("url", "external_url", "id"):
        value = _text(row, name)
        if name != "id" or value.startswith(("http://", "https://")):
            link = resolve_url(value, _text(document, "home_page_url"), url)
            if link:
                return link
    return ""


def _identity(row: Mapping[str, Any]) -> str:
    """Read the id; 1.1 asks readers to coerce numbers to text."""
    value = row.get("id")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else _text(row, "id")


def _authors(holder: Mapping[str, Any]) -> list[str]:
    """Read `authors` (1.1) or `author` (1.0)."""
    authors = holder.get("authors")
    rows = authors if isinstance(authors, list) else [holder.get("author")]
    return [_text(row, "name") for row in rows if isinstance(row, dict)]


def _texts(values: object) -> Iterable[str]:
    return (value for value in values if isinstance(value, str)) if isinstance(values, list) else ()


def _text(holder: Mapping[str, Any], name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) else ""
