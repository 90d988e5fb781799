"""What pages and commands show, as immutable values. Holds no queries; the modules named after the nouns make them."""

from dataclasses import dataclass
from datetime import datetime

from core.health import SourceDay
from core.values import (
    Article,
    ArticleId,
    Assignment,
    Attempt,
    Correction,
    Delivery,
    Duplicate,
    EventType,
    Fetch,
    FilmId,
    Match,
    MatchId,
    Salience,
    Source,
    SourceId,
    SourceState,
    Story,
    StoryId,
    SubscriptionId,
    Tagging,
    TopicSlug,
)
from core.websub import HubSubscription


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowArticle:
    """An article as the desk remembers it. `story_id` is None for a duplicate, `strand_id` mostly."""

    article: Article
    tagging: Tagging
    story_id: StoryId | None
    strand_id: StoryId | None
    duplicate_of: ArticleId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What the desk rebuilds its index from: articles by article_id, and what was told of each story to whom.

    `told` holds `story.created` and `story.updated:DEVELOPMENT`; with `gone:` before it what was told under the story's
    number by an article that is elsewhere now. `sides` names the splits whose articles a story holds, as N or -N.
    """

    articles: list[WindowArticle]
    stories: dict[StoryId, Story]
    told: dict[StoryId, dict[SubscriptionId, set[str]]]
    sides: dict[StoryId, frozenset[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryView:
    """A story with the names a reader needs: outlets by first article, films and topics in tag order."""

    story: Story
    outlets: tuple[str, ...]
    films: tuple[tuple[FilmId, str, Salience], ...]
    topics: tuple[tuple[TopicSlug, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleView:
    """An article with the desk's reasons: why in this story, or of what it is a duplicate."""

    article: Article
    tagging: Tagging
    assignment: Assignment | None
    duplicate: Duplicate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchView:
    match_id: MatchId
    match: Match
    subscription_name: str
    matched_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """A delivery as shown: its endpoint's secret is blank, `last_words` is what the last attempt came to."""

    delivery: Delivery
    story_title: str
    subscription_id: SubscriptionId | None
    subscription_name: str
    finished_at: datetime | None
    last_words: str
    last_status: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryDetail:
    """A delivery with all its attempts, first to last, and the match that caused it."""

    view: DeliveryView
    attempts: tuple[Attempt, ...]
    match: MatchView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionView:
    """A late decision on the story shown: with what it was put together, or what was split off, when and why."""

    correction_id: int
    correction: Correction
    corrected_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryDetail:
    """A story with its articles, their duplicates, whom it matched and what was sent; each oldest first.

    `merged_into` is its number where the one asked for was merged away.
    """

    view: StoryView
    articles: tuple[ArticleView, ...]
    duplicates: tuple[ArticleView, ...]
    matches: tuple[MatchView, ...]
    deliveries: tuple[DeliveryView, ...]
    corrections: tuple[CorrectionView, ...] = ()
    merged_into: StoryId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceView:
    """A source with its last fetches, newest first. `origin` is `config` or `operator`.

    `days` are those of the last thirty on which it was visited, oldest first; `hub` is set where one was asked.
    """

    source: Source
    state: SourceState
    origin: str
    retired_at: datetime | None
    fetches: tuple[Fetch, ...]
    entries_last_day: int
    days: tuple[SourceDay, ...] = ()
    hub: HubSubscription | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceEvent:
    """One of the `source.` events, with the sentence the operator was told."""

    source_id: SourceId
    event: EventType
    at: datetime
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """How much came in and went out since a moment."""

    fetches: int
    failed_fetches: int
    entries: int
    articles: int
    stories: int
    matches: int
    deliveries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryView:
    """An entry's way through the desk: what it became, or why it stayed quiet."""

    entry_id: int
    title: str
    url: str
    first_seen_at: datetime
    edited_at: datetime | None
    article_id: int | None
    duplicate_reason: str
    quiet_reason: str
