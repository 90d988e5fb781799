"""What was gathered: entries as parsed, and articles as kept."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from core.values.ids import ArticleId, EntryId, SourceId
from core.values.sources import Pace, Publisher


class TextState(StrEnum):
    """Whether an entry waits for its page. `failed` flows on without it."""

    NOT_WANTED = "not-wanted"
    OWED = "owed"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedEntry:
    """One item as the source gave it, cleaned to plain text; `text` only if the feed carried the whole article.

    `guid` is never empty. `published_at` is None when the source gave none that can be believed. `outlet_name` and
    `outlet_url` say who wrote it where the source only repeats others (Google News), else they are empty.
    """

    guid: str
    url: str
    title: str
    summary: str = ""
    author: str = ""
    categories: tuple[str, ...] = ()
    published_at: datetime | None = None
    image_url: str = ""
    language: str = ""
    text: str = ""
    outlet_name: str = ""
    outlet_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFeed:
    """A document read: its entries in the document's order, and what was wrong with it in words.

    `is_feed` is False when the bytes are no document of the expected kind at all (an HTML error page, say).
    `known_count` are entries left out because they are stored already.
    `children` are further documents a sitemap index points at, newest first.
    """

    is_feed: bool = True
    title: str = ""
    children: tuple[str, ...] = ()
    entries: tuple[ParsedEntry, ...] = ()
    known_count: int = 0
    pace: Pace = field(default_factory=Pace)
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedPage:
    """An article page read. Empty strings where the page does not say; `text` empty means extraction failed.

    `authors` are the names of the byline, `author` the same in one line. `is_paywalled`: the text may be a teaser.
    """

    url: str
    canonical_url: str = ""
    title: str = ""
    author: str = ""
    authors: tuple[str, ...] = ()
    is_paywalled: bool = False
    summary: str = ""
    text: str = ""
    image_url: str = ""
    language: str = ""
    published_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A stored item waiting for the desk, or edited. `is_backlog`: never alerts; `backlog_reason` says why, else it was
    imported at first contact.
    """

    entry_id: EntryId
    source_id: SourceId
    publisher: Publisher
    item: ParsedEntry
    first_seen_at: datetime
    is_backlog: bool = False
    backlog_reason: str = ""
    text_state: TextState = TextState.NOT_WANTED
    is_paywalled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One text, cleaned. `event_at` is what the desk measures windows by: published if believable, else first seen."""

    article_id: ArticleId
    canonical_url: str
    url: str
    publisher: Publisher
    title: str
    summary: str = ""
    author: str = ""
    categories: tuple[str, ...] = ()
    text: str = ""
    image_url: str = ""
    language: str = ""
    published_at: datetime | None = None
    first_seen_at: datetime
    event_at: datetime
    is_backlog: bool = False
    is_paywalled: bool = False
