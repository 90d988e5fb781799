"""The tables, one row class per word of the glossary. Holds no queries; `convert` makes values of rows."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.types import TypeEngine
from sqlmodel import Field, SQLModel

from core import values
from core.catalogue import Authority
from store.columns import BIG_ID, PLAIN_JSON, PLAIN_TEXT, SECONDS, UTC_DATE_TIME, values_of

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
AUTOINCREMENT = {"sqlite_autoincrement": True}


class Origin(StrEnum):
    """Who declared a source: the configuration file or the operator."""

    CONFIG = "config"
    OPERATOR = "operator"


class OutcomeKind(StrEnum):
    DELIVERED = "delivered"
    RETRY = "retry"
    GIVE_UP = "give-up"
    ENDPOINT_GONE = "endpoint-gone"


class BuriedKind(StrEnum):
    ENTRY = "entry"
    ARTICLE = "article"


class Row(SQLModel):
    """The base of our tables; it carries our own metadata and constraint names.

    Rows are read as columns and nobody makes one, so pydantic need not learn to check them: that takes as long as all
    the rest of this module.
    """

    model_config = {"defer_build": True}
    metadata = MetaData(naming_convention=NAMING)


def _column(type_: TypeEngine[Any], *rules: ForeignKey, **options: Any) -> Any:
    return Field(sa_column=Column(type_, *rules, **{"nullable": False, **options}))


def _key(type_: TypeEngine[Any], *rules: ForeignKey, autoincrement: bool = False) -> Any:
    return _column(type_, *rules, primary_key=True, autoincrement=autoincrement)


def _optional(type_: TypeEngine[Any], *rules: ForeignKey) -> Any:
    return _column(type_, *rules, nullable=True)


def _only_where(name: str, *columns: str, where: str) -> Index:
    """A partial index. Claims spell its condition word for word: a bound parameter hides it from both planners."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


class PublisherRow(Row, table=True):
    __tablename__ = "publishers"

    slug: str = _key(PLAIN_TEXT)
    name: str = _column(PLAIN_TEXT)
    tier: values.Tier = _column(values_of(values.Tier))
    homepage: str = _column(PLAIN_TEXT)


class SourceRow(Row, table=True):
    """A source as declared, the operator's word on it, and what polling taught us.

    `is_polled` is `operator_enabled` if he spoke, else `is_enabled`, and False once retired; it is kept so that the
    claim reads one index.
    """

    __tablename__ = "sources"
    __table_args__ = (_only_where("ix_sources_due", "next_check_at", where="is_polled"),)

    source_id: str = _key(PLAIN_TEXT)
    publisher_slug: str = _column(PLAIN_TEXT, ForeignKey("publishers.slug"))
    kind: values.SourceKind = _column(values_of(values.SourceKind))
    url: str = _column(PLAIN_TEXT)
    language: str = _column(PLAIN_TEXT)
    interval: timedelta | None = _optional(SECONDS)
    full_text: bool = _column(Boolean())
    selectors: dict[str, str] | None = _optional(PLAIN_JSON)
    spider: str = _column(PLAIN_TEXT)
    page: dict[str, str] | None = _optional(PLAIN_JSON)
    seen_at: str = _column(PLAIN_TEXT)
    render: str = _column(PLAIN_TEXT, server_default="plain")
    origin: Origin = _column(values_of(Origin))
    is_enabled: bool = _column(Boolean())
    operator_enabled: bool | None = _optional(Boolean())
    is_polled: bool = _column(Boolean())
    added_at: datetime = _column(UTC_DATE_TIME)
    retired_at: datetime | None = _optional(UTC_DATE_TIME)
    etag: str | None = _optional(PLAIN_TEXT)
    last_modified: str | None = _optional(PLAIN_TEXT)
    body_sha256: str | None = _optional(PLAIN_TEXT)
    next_check_at: datetime = _column(UTC_DATE_TIME)
    last_fetch_at: datetime | None = _optional(UTC_DATE_TIME)
    last_outcome: values.FetchOutcome | None = _optional(values_of(values.FetchOutcome))
    last_error: str | None = _optional(PLAIN_TEXT)
    error_count: int = _column(Integer())
    first_contact_at: datetime | None = _optional(UTC_DATE_TIME)
    failing_since_at: datetime | None = _optional(UTC_DATE_TIME)
    leased_until: datetime | None = _optional(UTC_DATE_TIME)
    document_at: datetime | None = _optional(UTC_DATE_TIME)
    moved_to: str | None = _optional(PLAIN_TEXT)
    moved_count: int = _column(Integer())
    moved_since_at: datetime | None = _optional(UTC_DATE_TIME)
    move_adopted: bool = _column(Boolean())
    usual_gap: timedelta | None = _optional(SECONDS)
    news_count: int = _column(Integer())
    last_entry_at: datetime | None = _optional(UTC_DATE_TIME)
    empty_count: int = _column(Integer())
    alarmed_at: datetime | None = _optional(UTC_DATE_TIME)
    silent_at: datetime | None = _optional(UTC_DATE_TIME)


class FetchRow(Row, table=True):
    __tablename__ = "fetches"
    __table_args__ = (UniqueConstraint("source_id", "started_at"), Index(None, "started_at"), AUTOINCREMENT)

    fetch_id: int = _key(BIG_ID, autoincrement=True)
    source_id: str = _column(PLAIN_TEXT, ForeignKey("sources.source_id"))
    started_at: datetime = _column(UTC_DATE_TIME)
    duration: timedelta = _column(SECONDS)
    outcome: values.FetchOutcome = _column(values_of(values.FetchOutcome))
    status: int | None = _optional(Integer())
    body_bytes: int = _column(BIG_ID)
    entry_count: int = _column(Integer())
    error: str = _column(PLAIN_TEXT)
    etag: str | None = _optional(PLAIN_TEXT)
    last_modified: str | None = _optional(PLAIN_TEXT)
    body_sha256: str | None = _optional(PLAIN_TEXT)
    ttl: timedelta | None = _optional(SECONDS)
    max_age: timedelta | None = _optional(SECONDS)
    retry_after: timedelta | None = _optional(SECONDS)
    final_url: str = _column(PLAIN_TEXT)


class SourceDayRow(Row, table=True):
    """How a source did on one day (UTC, `2026-11-23`): how many of its visits ended how, and what they brought."""

    __tablename__ = "source_days"
    __table_args__ = (Index(None, "day"),)

    source_id: str = _key(PLAIN_TEXT, ForeignKey("sources.source_id"))
    day: str = _key(PLAIN_TEXT)
    answered_count: int = _column(Integer())
    failed_count: int = _column(Integer())
    blocked_count: int = _column(Integer())
    entry_count: int = _column(Integer())


class SourceEventRow(Row, table=True):
    """When a source was found to be broken or silent, and when it came back."""

    __tablename__ = "source_events"
    __table_args__ = (Index(None, "at"), AUTOINCREMENT)

    source_event_id: int = _key(BIG_ID, autoincrement=True)
    source_id: str = _column(PLAIN_TEXT, ForeignKey("sources.source_id"))
    event: values.EventType = _column(values_of(values.EventType))
    at: datetime = _column(UTC_DATE_TIME)
    words: str = _column(PLAIN_TEXT)


class EntryRow(Row, table=True):
    """An item as the source gave it, and what the desk made of it.

    `publisher_slug` is set where the source repeats somebody else's item; else the source's publisher speaks.
    Once edited, `article_id` is the article it became or repeated; it is no foreign key, the article may be purged.
    """

    __tablename__ = "entries"
    __table_args__ = (
        UniqueConstraint("source_id", "guid_key"),
        _only_where("ix_entries_pending", "entry_id", where="edited_at IS NULL"),
        _only_where("ix_entries_owed", "entry_id", where="text_state = 'owed'"),
        _only_where("ix_entries_edited", "edited_at", where="edited_at IS NOT NULL"),
        Index(None, "first_seen_at", "source_id"),
        AUTOINCREMENT,
    )

    entry_id: int = _key(BIG_ID, autoincrement=True)
    source_id: str = _column(PLAIN_TEXT, ForeignKey("sources.source_id"))
    publisher_slug: str | None = _optional(PLAIN_TEXT)
    guid: str = _column(PLAIN_TEXT)
    guid_key: str = _column(PLAIN_TEXT)
    url: str = _column(PLAIN_TEXT)
    title: str = _column(PLAIN_TEXT)
    summary: str = _column(PLAIN_TEXT)
    author: str = _column(PLAIN_TEXT)
    categories: list[str] = _column(PLAIN_JSON)
    published_at: datetime | None = _optional(UTC_DATE_TIME)
    image_url: str = _column(PLAIN_TEXT)
    language: str = _column(PLAIN_TEXT)
    text: str = _column(PLAIN_TEXT)
    first_seen_at: datetime = _column(UTC_DATE_TIME)
    is_backlog: bool = _column(Boolean())
    backlog_reason: str = _column(PLAIN_TEXT, server_default="")
    is_paywalled: bool = _column(Boolean(), server_default=false())
    text_state: values.TextState = _column(values_of(values.TextState))
    text_leased_until: datetime | None = _optional(UTC_DATE_TIME)
    edited_at: datetime | None = _optional(UTC_DATE_TIME)
    article_id: int | None = _optional(BIG_ID)
    duplicate_reason: str = _column(PLAIN_TEXT)
    quiet_reason: str = _column(PLAIN_TEXT)


class StoryRow(Row, table=True):
    """One that was merged away keeps its row, so that its number still leads somewhere: to `merged_into`."""

    __tablename__ = "stories"
    __table_args__ = (
        Index(None, "updated_at"),
        _only_where("ix_stories_merged_into", "merged_into", where="merged_into IS NOT NULL"),
    )

    story_id: int = _key(BIG_ID)
    title: str = _column(PLAIN_TEXT)
    url: str = _column(PLAIN_TEXT)
    outlet: str = _column(PLAIN_TEXT)
    summary: str = _column(PLAIN_TEXT)
    image_url: str = _column(PLAIN_TEXT)
    first_article_id: int = _column(BIG_ID)
    lead_article_id: int = _column(BIG_ID)
    created_at: datetime = _column(UTC_DATE_TIME)
    updated_at: datetime = _column(UTC_DATE_TIME)
    article_count: int = _column(Integer())
    outlet_count: int = _column(Integer())
    is_production_news: bool = _column(Boolean())
    is_backlog: bool = _column(Boolean())
    first_outlet: str = _column(PLAIN_TEXT, server_default="")
    merged_into: int | None = _optional(BIG_ID)


class StoryTagRow(Row, table=True):
    __tablename__ = "story_tags"
    __table_args__ = (Index(None, "kind", "ref", "story_id"),)

    story_id: int = _key(BIG_ID, ForeignKey("stories.story_id", ondelete="CASCADE"))
    position: int = _key(Integer())
    kind: values.TagKind = _column(values_of(values.TagKind))
    ref: str = _column(PLAIN_TEXT)
    score: float = _column(Float(53))
    salience: values.Salience = _column(values_of(values.Salience))
    evidence: list[dict[str, str]] = _column(PLAIN_JSON)


class StoryFactRow(Row, table=True):
    """One fact a story's articles state; `position` is the order they were told in."""

    __tablename__ = "story_facts"
    __table_args__ = (Index(None, "film_id", "kind"),)

    story_id: int = _key(BIG_ID, ForeignKey("stories.story_id", ondelete="CASCADE"))
    position: int = _key(Integer())
    kind: values.FactKind = _column(values_of(values.FactKind))
    film_id: str = _column(PLAIN_TEXT)
    certainty: values.Certainty = _column(values_of(values.Certainty))
    subject: str = _column(PLAIN_TEXT)
    detail: str = _column(PLAIN_TEXT)
    was: str = _column(PLAIN_TEXT)
    day: str = _column(PLAIN_TEXT)
    sentence: str = _column(PLAIN_TEXT)
    field: str = _column(PLAIN_TEXT)
    article_id: int = _column(BIG_ID)


class CorrectionRow(Row, table=True):
    """Two stories put together or taken apart after their articles had come.

    `told_at` is when the desk told of a split.
    """

    __tablename__ = "corrections"
    __table_args__ = (Index(None, "story_id"), Index(None, "other_id"), Index(None, "kind", "told_at"))

    correction_id: int = _key(BIG_ID)
    kind: values.CorrectionKind = _column(values_of(values.CorrectionKind))
    story_id: int = _column(BIG_ID)
    other_id: int = _column(BIG_ID)
    article_ids: list[int] = _column(PLAIN_JSON)
    rest_ids: list[int] = _column(PLAIN_JSON)
    score: float = _column(Float(53))
    reasons: list[str] = _column(PLAIN_JSON)
    note: str = _column(PLAIN_TEXT)
    corrected_at: datetime = _column(UTC_DATE_TIME)
    told_at: datetime | None = _optional(UTC_DATE_TIME)


class ArticleRow(Row, table=True):
    """A text with all the desk said of it: its tags, its story and why, or the article it repeats and why.

    `strand_id` is the story it was in before that was put together with another one.
    """

    __tablename__ = "articles"
    __table_args__ = (
        UniqueConstraint("url_key"),
        Index(None, "event_at"),
        Index(None, "first_seen_at"),
        Index(None, "story_id"),
        _only_where("ix_articles_duplicate_of", "duplicate_of", where="duplicate_of IS NOT NULL"),
        _only_where("ix_articles_text_key", "text_key", where="text_key IS NOT NULL"),
    )

    article_id: int = _key(BIG_ID)
    url_key: str = _column(PLAIN_TEXT)
    canonical_url: str = _column(PLAIN_TEXT)
    url: str = _column(PLAIN_TEXT)
    publisher_slug: str = _column(PLAIN_TEXT, ForeignKey("publishers.slug"))
    title: str = _column(PLAIN_TEXT)
    summary: str = _column(PLAIN_TEXT)
    author: str = _column(PLAIN_TEXT)
    categories: list[str] = _column(PLAIN_JSON)
    text: str = _column(PLAIN_TEXT)
    image_url: str = _column(PLAIN_TEXT)
    language: str = _column(PLAIN_TEXT)
    published_at: datetime | None = _optional(UTC_DATE_TIME)
    first_seen_at: datetime = _column(UTC_DATE_TIME)
    event_at: datetime = _column(UTC_DATE_TIME)
    is_paywalled: bool = _column(Boolean(), server_default=false())
    is_backlog: bool = _column(Boolean())
    story_id: int | None = _optional(BIG_ID, ForeignKey("stories.story_id"))
    duplicate_of: int | None = _optional(BIG_ID)
    duplicate_score: float = _column(Float(53))
    duplicate_reason: str = _column(PLAIN_TEXT)
    assignment_score: float = _column(Float(53))
    assignment_reasons: list[str] = _column(PLAIN_JSON)
    is_production_news: bool = _column(Boolean())
    production_score: float = _column(Float(53))
    tags: list[dict[str, Any]] = _column(PLAIN_JSON)
    facts: list[dict[str, Any]] = _column(PLAIN_JSON, server_default="[]")
    text_key: str | None = _optional(PLAIN_TEXT)
    quiet_reason: str = _column(PLAIN_TEXT, server_default="")
    strand_id: int | None = _optional(BIG_ID)


class FilmRow(Row, table=True):
    """`search_title` is the title casefolded, for finding."""

    __tablename__ = "films"

    film_id: str = _key(PLAIN_TEXT)
    title: str = _column(PLAIN_TEXT)
    search_title: str = _column(PLAIN_TEXT)
    year: int | None = _optional(Integer())
    directors: list[str] = _column(PLAIN_JSON)
    cast: list[str] = _column(PLAIN_JSON)
    roles: dict[str, str] = _column(PLAIN_JSON, server_default="{}")
    franchise: str = _column(PLAIN_TEXT)
    studio: str = _column(PLAIN_TEXT)
    status: values.FilmStatus = _column(values_of(values.FilmStatus))
    external_ids: dict[str, str] = _column(PLAIN_JSON)
    updated_at: datetime = _column(UTC_DATE_TIME)


class FilmAliasRow(Row, table=True):
    """`since` and `until` are days as `2026-05-01`."""

    __tablename__ = "film_aliases"

    film_id: str = _key(PLAIN_TEXT, ForeignKey("films.film_id", ondelete="CASCADE"))
    position: int = _key(Integer())
    title: str = _column(PLAIN_TEXT)
    search_title: str = _column(PLAIN_TEXT)
    type: values.AliasType = _column(values_of(values.AliasType))
    needs_context: bool = _column(Boolean())
    since: str | None = _optional(PLAIN_TEXT)
    until: str | None = _optional(PLAIN_TEXT)


class FilmRecordRow(Row, table=True):
    """What one authority says of a film, kept where more than the operator speaks of it. `ref` is its own id."""

    __tablename__ = "film_records"
    __table_args__ = (Index(None, "authority", "ref"),)

    film_id: str = _key(PLAIN_TEXT, ForeignKey("films.film_id", ondelete="CASCADE"))
    authority: Authority = _key(values_of(Authority))
    ref: str = _column(PLAIN_TEXT)
    record: dict[str, Any] = _column(PLAIN_JSON)
    seen_at: datetime = _column(UTC_DATE_TIME)
    gone_at: datetime | None = _optional(UTC_DATE_TIME)


class FilmSyncRow(Row, table=True):
    """How the sync with an authority stands. `run_started_at` is set while a run is under way or was cut short."""

    __tablename__ = "film_syncs"

    authority: Authority = _key(values_of(Authority))
    due_at: datetime = _column(UTC_DATE_TIME)
    run_started_at: datetime | None = _optional(UTC_DATE_TIME)
    succeeded_at: datetime | None = _optional(UTC_DATE_TIME)
    changed_until_at: datetime | None = _optional(UTC_DATE_TIME)
    failing_since_at: datetime | None = _optional(UTC_DATE_TIME)
    error: str = _column(PLAIN_TEXT)
    error_count: int = _column(Integer())


class TopicRow(Row, table=True):
    __tablename__ = "topics"

    slug: str = _key(PLAIN_TEXT)
    position: int = _column(Integer())
    name: str = _column(PLAIN_TEXT)
    definition: str = _column(PLAIN_TEXT)
    cues: list[str] = _column(PLAIN_JSON)
    blockers: list[str] = _column(PLAIN_JSON)
    is_production: bool = _column(Boolean())


class EndpointRow(Row, table=True):
    """Removing one sets `removed_at`: what it was told stays on record."""

    __tablename__ = "endpoints"

    endpoint_id: str = _key(PLAIN_TEXT)
    kind: values.EndpointKind = _column(values_of(values.EndpointKind))
    address: str = _column(PLAIN_TEXT)
    secret: str = _column(PLAIN_TEXT)
    added_at: datetime = _column(UTC_DATE_TIME)
    disabled_at: datetime | None = _optional(UTC_DATE_TIME)
    disabled_reason: str = _column(PLAIN_TEXT)
    failing_since_at: datetime | None = _optional(UTC_DATE_TIME)
    old_secret: str = _column(PLAIN_TEXT, server_default="")
    old_secret_until_at: datetime | None = _optional(UTC_DATE_TIME)
    removed_at: datetime | None = _optional(UTC_DATE_TIME)


class SubscriptionRow(Row, table=True):
    """Removing one sets `removed_at`: what it matched and was told stays explained. `changed_at`: its last change."""

    __tablename__ = "subscriptions"

    subscription_id: str = _key(PLAIN_TEXT)
    name: str = _column(PLAIN_TEXT)
    query: str = _column(PLAIN_TEXT, server_default="")
    films: list[str] = _column(PLAIN_JSON)
    topics: list[str] = _column(PLAIN_JSON)
    words: list[str] = _column(PLAIN_JSON)
    not_words: list[str] = _column(PLAIN_JSON)
    outlets: list[str] = _column(PLAIN_JSON)
    saliences: list[str] = _column(PLAIN_JSON)
    events: list[str] = _column(PLAIN_JSON)
    production_only: bool = _column(Boolean())
    min_tier: values.Tier = _column(values_of(values.Tier))
    endpoints: list[str] = _column(PLAIN_JSON)
    timing: dict[str, Any] = _column(PLAIN_JSON, server_default="{}")
    mutes: list[dict[str, str]] = _column(PLAIN_JSON, server_default="[]")
    is_enabled: bool = _column(Boolean())
    added_at: datetime = _column(UTC_DATE_TIME)
    changed_at: datetime | None = _optional(UTC_DATE_TIME)
    removed_at: datetime | None = _optional(UTC_DATE_TIME)


class MatchRow(Row, table=True):
    __tablename__ = "matches"
    __table_args__ = (
        UniqueConstraint("subscription_id", "story_id", "event", "development"),
        Index(None, "story_id"),
        Index(None, "article_id"),
        Index(None, "matched_at"),
        AUTOINCREMENT,
    )

    match_id: int = _key(BIG_ID, autoincrement=True)
    subscription_id: str = _column(PLAIN_TEXT, ForeignKey("subscriptions.subscription_id"))
    story_id: int = _column(BIG_ID, ForeignKey("stories.story_id"))
    event: values.EventType = _column(values_of(values.EventType))
    development: str = _column(PLAIN_TEXT)
    article_id: int = _column(BIG_ID)
    reasons: list[str] = _column(PLAIN_JSON)
    matched_at: datetime = _column(UTC_DATE_TIME)


class DeliveryRow(Row, table=True):
    """What is owed. `finished_at` is set when the state is final; `leased_until` while somebody sends it.

    `seq` counts deliveries in the order they were owed. `given_up_count` is how many attempts were made before the
    operator last had it sent again: the schedule of retries starts anew there.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("match_id", "endpoint_id"),
        _only_where("ix_deliveries_due", "next_attempt_at", where="finished_at IS NULL"),
        _only_where("ix_deliveries_owed", "endpoint_id", "seq", where="finished_at IS NULL"),
        _only_where("ix_deliveries_leased", "endpoint_id", "leased_until", where="leased_until IS NOT NULL"),
        Index(None, "state", "created_at"),
        Index(None, "created_at"),
        Index(None, "endpoint_id"),
        Index(None, "story_id"),
        _only_where("ix_deliveries_finished", "finished_at", where="finished_at IS NOT NULL"),
        _only_where("ix_deliveries_held", "next_attempt_at", where="state = 'held'"),
        _only_where("ix_deliveries_digest_id", "digest_id", where="digest_id IS NOT NULL"),
        Index(None, "subscription_id", "created_at"),
    )

    delivery_id: str = _key(PLAIN_TEXT)
    match_id: int | None = _optional(BIG_ID, ForeignKey("matches.match_id"))
    endpoint_id: str = _column(PLAIN_TEXT, ForeignKey("endpoints.endpoint_id"))
    event: values.EventType = _column(values_of(values.EventType))
    story_id: int | None = _optional(BIG_ID, ForeignKey("stories.story_id"))
    payload: str = _column(PLAIN_TEXT)
    state: values.DeliveryState = _column(values_of(values.DeliveryState))
    seq: int = _column(BIG_ID, server_default="0")
    attempt_count: int = _column(Integer())
    given_up_count: int = _column(Integer(), server_default="0")
    created_at: datetime = _column(UTC_DATE_TIME)
    next_attempt_at: datetime = _column(UTC_DATE_TIME)
    leased_until: datetime | None = _optional(UTC_DATE_TIME)
    finished_at: datetime | None = _optional(UTC_DATE_TIME)
    subscription_id: str | None = _optional(PLAIN_TEXT)
    hold: values.Hold | None = _optional(values_of(values.Hold))
    state_reason: str = _column(PLAIN_TEXT, server_default="")
    digest_id: str | None = _optional(PLAIN_TEXT)


class AttemptRow(Row, table=True):
    __tablename__ = "attempts"
    __table_args__ = (Index(None, "started_at"),)

    delivery_id: str = _key(PLAIN_TEXT, ForeignKey("deliveries.delivery_id", ondelete="CASCADE"))
    number: int = _key(Integer())
    started_at: datetime = _column(UTC_DATE_TIME)
    duration: timedelta = _column(SECONDS)
    outcome: OutcomeKind = _column(values_of(OutcomeKind))
    words: str = _column(PLAIN_TEXT)
    status: int | None = _optional(Integer())
    retry_after: timedelta | None = _optional(SECONDS)
    request: str = _column(PLAIN_TEXT, server_default="")
    response: str = _column(PLAIN_TEXT, server_default="")


class RefusalRow(Row, table=True):
    """Somebody unsubscribed an endpoint: no file that names it again brings the subscription back there."""

    __tablename__ = "refusals"

    subscription_id: str = _key(PLAIN_TEXT)
    endpoint_id: str = _key(PLAIN_TEXT)
    refused_at: datetime = _column(UTC_DATE_TIME)


class DoubtRow(Row, table=True):
    """A reader of an alert says that the story is not about this film."""

    __tablename__ = "doubts"

    story_id: int = _key(BIG_ID)
    film_id: str = _key(PLAIN_TEXT)
    endpoint_id: str = _key(PLAIN_TEXT)
    doubted_at: datetime = _column(UTC_DATE_TIME)


class FeedbackRow(Row, table=True):
    """An operator's word on a story's tags; `article_id` 0 stands for all its articles.

    `told_at` is empty while the desk has yet to tell those who were not told because of the mistake.
    """

    __tablename__ = "feedback"
    __table_args__ = (
        UniqueConstraint("story_id", "article_id", "kind", "ref"),
        _only_where("ix_feedback_untold", "feedback_id", where="told_at IS NULL"),
        AUTOINCREMENT,
    )

    feedback_id: int = _key(BIG_ID, autoincrement=True)
    story_id: int = _column(BIG_ID)
    article_id: int = _column(BIG_ID)
    kind: values.FeedbackKind = _column(values_of(values.FeedbackKind))
    ref: str = _column(PLAIN_TEXT)
    note: str = _column(PLAIN_TEXT)
    said_by: str = _column(PLAIN_TEXT)
    said_at: datetime = _column(UTC_DATE_TIME)
    told_at: datetime | None = _optional(UTC_DATE_TIME)


class ReviewRow(Row, table=True):
    """A question to the operator: is this story about this film? `verdict` is `accepted` or `rejected` once closed."""

    __tablename__ = "reviews"
    __table_args__ = (
        UniqueConstraint("story_id", "film_id", "cause"),
        _only_where("ix_reviews_open", "raised_at", where="closed_at IS NULL"),
        AUTOINCREMENT,
    )

    review_id: int = _key(BIG_ID, autoincrement=True)
    cause: values.ReviewCause = _column(values_of(values.ReviewCause))
    story_id: int = _column(BIG_ID)
    film_id: str = _column(PLAIN_TEXT)
    score: float = _column(Float(53))
    evidence: list[dict[str, str]] = _column(PLAIN_JSON)
    article_id: int = _column(BIG_ID)
    said_by: str = _column(PLAIN_TEXT)
    raised_at: datetime = _column(UTC_DATE_TIME)
    closed_at: datetime | None = _optional(UTC_DATE_TIME)
    verdict: str = _column(PLAIN_TEXT)


class SuggestionRow(Row, table=True):
    """A title that stands where films stand and is in no catalogue; `verdict` is set once the operator decided."""

    __tablename__ = "suggestions"
    __table_args__ = (UniqueConstraint("phrase"), Index(None, "last_seen_at"), AUTOINCREMENT)

    suggestion_id: int = _key(BIG_ID, autoincrement=True)
    phrase: str = _column(PLAIN_TEXT)
    title: str = _column(PLAIN_TEXT)
    year: int | None = _optional(Integer())
    people: list[str] = _column(PLAIN_JSON)
    article_count: int = _column(Integer())
    outlets: list[str] = _column(PLAIN_JSON)
    days: list[str] = _column(PLAIN_JSON)
    sightings: list[dict[str, str]] = _column(PLAIN_JSON)
    first_seen_at: datetime = _column(UTC_DATE_TIME)
    last_seen_at: datetime = _column(UTC_DATE_TIME)
    closed_at: datetime | None = _optional(UTC_DATE_TIME)
    verdict: str = _column(PLAIN_TEXT)


class WebSubRow(Row, table=True):
    """A hub's promise to push a source's feed. `lease_until` is empty until the hub has verified our wish."""

    __tablename__ = "websub"
    __table_args__ = (UniqueConstraint("source_id"),)

    subscription_id: str = _key(PLAIN_TEXT)
    source_id: str = _column(PLAIN_TEXT, ForeignKey("sources.source_id"))
    hub: str = _column(PLAIN_TEXT)
    topic: str = _column(PLAIN_TEXT)
    secret: str = _column(PLAIN_TEXT)
    asked_at: datetime = _column(UTC_DATE_TIME)
    lease_until: datetime | None = _optional(UTC_DATE_TIME)
    pushed_at: datetime | None = _optional(UTC_DATE_TIME)
    error: str = _column(PLAIN_TEXT)


class TombstoneRow(Row, table=True):
    """What was deleted and must not come back as new. `source_id` is empty for an article."""

    __tablename__ = "tombstones"
    __table_args__ = (Index(None, "buried_at"),)

    kind: BuriedKind = _key(values_of(BuriedKind))
    source_id: str = _key(PLAIN_TEXT)
    key: str = _key(PLAIN_TEXT)
    buried_at: datetime = _column(UTC_DATE_TIME)


class MetaRow(Row, table=True):
    """Numbers of the house (`config_version`, `last_article_id`, a file's mark …), and its `link_key`."""

    __tablename__ = "meta"

    name: str = _key(PLAIN_TEXT)
    number: int = _column(BIG_ID)
    words: str = _column(PLAIN_TEXT, server_default="")


def _table(name: str) -> Table:
    return Row.metadata.tables[name]


publishers = _table("publishers")
sources = _table("sources")
fetches = _table("fetches")
source_days = _table("source_days")
source_events = _table("source_events")
entries = _table("entries")
stories = _table("stories")
story_tags = _table("story_tags")
story_facts = _table("story_facts")
corrections = _table("corrections")
articles = _table("articles")
films = _table("films")
film_aliases = _table("film_aliases")
film_records = _table("film_records")
film_syncs = _table("film_syncs")
topics = _table("topics")
endpoints = _table("endpoints")
subscriptions = _table("subscriptions")
matches = _table("matches")
deliveries = _table("deliveries")
attempts = _table("attempts")
refusals = _table("refusals")
doubts = _table("doubts")
feedback = _table("feedback")
reviews = _table("reviews")
suggestions = _table("suggestions")
tombstones = _table("tombstones")
websub = _table("websub")
meta = _table("meta")
