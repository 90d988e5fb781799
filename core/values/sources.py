"""Where news comes from, how it answers, and when it is asked."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.values.ids import PublisherSlug, SourceId


class Tier(StrEnum):
    """How far a publisher's word goes: `official` speaks for the film, `trade` checks, `press` tells, `fan` repeats."""

    OFFICIAL = "official"
    TRADE = "trade"
    PRESS = "press"
    FAN = "fan"

    @property
    def weight(self) -> int:
        """Larger is more credible; 0-3."""
        return (Tier.FAN, Tier.PRESS, Tier.TRADE, Tier.OFFICIAL).index(self)


class SourceKind(StrEnum):
    FEED = "feed"
    SITEMAP = "sitemap"
    LISTING = "listing"


class FetchOutcome(StrEnum):
    """What one exchange came to. The first two are healthy; the rest carry `Fetch.error`."""

    OK = "ok"
    NOT_MODIFIED = "not-modified"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    BLOCKED = "blocked"
    GONE = "gone"
    HTTP_ERROR = "http-error"
    TOO_LARGE = "too-large"
    REFUSED = "refused"
    NOT_A_FEED = "not-a-feed"
    CRAWL_FAILED = "crawl-failed"

    @property
    def is_healthy(self) -> bool:
        return self in (FetchOutcome.OK, FetchOutcome.NOT_MODIFIED)


class Render(StrEnum):
    """What a listing's page needs before it can be read: nothing, or a browser that runs its scripts."""

    PLAIN = "plain"
    JAVASCRIPT = "javascript"


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """Who speaks."""

    slug: PublisherSlug
    name: str
    tier: Tier = Tier.PRESS
    homepage: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selectors:
    """Selectors of a listing page, CSS or XPath: `item` finds the boxes, the others are read inside each box.

    A selector may end in `::attr(name)` or `::text` as Scrapy's do. `date` reads `datetime` or text.
    """

    item: str
    link: str = "a::attr(href)"
    title: str = "a::text"
    summary: str = ""
    date: str = ""
    image: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSelectors:
    """Selectors of a source's article pages, CSS or XPath.

    What is empty or finds nothing is read as on any other page.
    """

    body: str = ""
    title: str = ""
    author: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An address we poll, as configured: a feed, a sitemap, or a listing page for a spider.

    A listing has `selectors`, or names the publisher's own `spider`; `render` says whether its page makes its list
    by script.
    """

    source_id: SourceId
    publisher: Publisher
    kind: SourceKind
    url: str
    language: str = "en"
    interval: timedelta | None = None
    full_text: bool = False
    selectors: Selectors | None = None
    spider: str = ""
    page: PageSelectors | None = None
    enabled: bool = True
    seen_at: str = ""
    render: Render = Render.PLAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Validators:
    """What a server gave to ask "changed since?", kept byte-exact (latin-1 text of the header values)."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A permanent redirect we were shown: where to, how often, since when. Adopted, it is asked instead."""

    to: str
    count: int
    since_at: datetime
    is_adopted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """How a source publishes, as far as we saw: the usual gap between two entries, and when the last one came.

    `sample_count` says how many visits with news taught us `gap`.
    """

    gap: timedelta | None = None
    sample_count: int = 0
    last_entry_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """What we know of a source from polling it.

    `document_at` is when a whole document last came, `empty_count` how many in a row listed nothing.
    `alarmed_at` is set while the operator has been told that it fails, `silent_at` while that it is silent.
    """

    source_id: SourceId
    validators: Validators = Validators()
    body_sha256: str | None = None
    next_check_at: datetime
    last_fetch_at: datetime | None = None
    last_outcome: FetchOutcome | None = None
    last_error: str | None = None
    error_count: int = 0
    first_contact_at: datetime | None = None
    failing_since_at: datetime | None = None
    document_at: datetime | None = None
    move: Move | None = None
    habit: Habit = Habit()
    empty_count: int = 0
    alarmed_at: datetime | None = None
    silent_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What a server said about when to come back."""

    ttl: timedelta | None = None
    max_age: timedelta | None = None
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """One exchange with a source and its outcome. `error` is one sentence, empty when healthy.

    `permanent_url` is where the server says the source has moved for good, empty if it does not.
    """

    source_id: SourceId
    started_at: datetime
    duration: timedelta
    outcome: FetchOutcome
    status: int | None = None
    body_bytes: int = 0
    entry_count: int = 0
    error: str = ""
    validators: Validators = Validators()
    body_sha256: str | None = None
    pace: Pace = Pace()
    final_url: str = ""
    permanent_url: str = ""
