"""The JSON the API answers with, as pydantic models, and how they are made from what the store returns."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from core.facts.telling import say_fact
from core.health import HealthState, SourceDay, judge_day, judge_health
from core.sources import lane_of_source
from core.values import (
    Certainty,
    CorrectionKind,
    DeliveryState,
    EndpointKind,
    EventType,
    Fact,
    FactKind,
    FetchOutcome,
    Film,
    FilmStatus,
    Publisher,
    Salience,
    SourceKind,
    Tag,
    Tier,
    Topic,
)
from core.websub import HubSubscription, is_pushing
from store.views import ArticleView, CorrectionView, DeliveryView, MatchView, SourceView, StoryDetail, StoryView
from web.cards import hide_address, rank_outlets
from web.words import masked_address, public_address

STORY_EXAMPLE: dict[str, Any] = {
    "id": 412,
    "title": "Lighthouse scenes of Harbour Lights wrap",
    "url": "https://callsheet.example/harbour-lights-wraps",
    "outlet": "The Call Sheet",
    "page": "http://127.0.0.1:8080/stories/412",
    "summary": "Six weeks on the coast are over; the unit moves to the studio.",
    "created_at": "2026-05-18T09:12:00Z",
    "updated_at": "2026-05-18T11:40:00Z",
    "production_news": True,
    "backlog": False,
    "article_count": 3,
    "outlet_count": 2,
    "first_outlet": "Set Gazette",
    "first_article_id": 977,
    "lead_article_id": 981,
    "outlets": [{"name": "The Call Sheet", "tier": "trade"}, {"name": "Set Gazette", "tier": "fan"}],
    "films": [
        {
            "id": "harbour-lights",
            "title": "Harbour Lights",
            "salience": "about",
            "score": 0.97,
            "evidence": [{"field": "title", "words": "Harbour Lights"}],
        }
    ],
    "topics": [
        {
            "slug": "filming-wrap",
            "name": "Filming wraps",
            "score": 0.8,
            "evidence": [{"field": "title", "words": "wrap"}],
        }
    ],
}


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class OutletAnswer(Answer):
    name: str
    tier: Tier = Field(description="How far the outlet's word goes.")


class EvidenceAnswer(Answer):
    field: str = Field(description="Where the words stand: `title`, `summary`, `text`, `categories` or `url`.")
    words: str


class FilmTagAnswer(Answer):
    id: str
    title: str
    salience: Salience
    score: float
    evidence: list[EvidenceAnswer]


class TopicTagAnswer(Answer):
    slug: str
    name: str
    score: float
    evidence: list[EvidenceAnswer]


class StoryAnswer(Answer):
    """Articles on one event. Texts come from the outlets as plain text: escape them where you show them."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"example": STORY_EXAMPLE})

    id: int
    title: str
    url: str = Field(description="The leading article.")
    outlet: str
    page: str = Field(description="The story on our pages.")
    summary: str
    created_at: datetime
    updated_at: datetime
    production_news: bool
    backlog: bool = Field(description="Taken in with a source's backlog; nobody was told.")
    article_count: int
    outlet_count: int
    first_outlet: str = Field(description="Who reported first.")
    first_article_id: int
    lead_article_id: int = Field(description="The article whose headline the story has: the most credible outlet's.")
    outlets: list[OutletAnswer] = Field(description="The most credible first.")
    films: list[FilmTagAnswer]
    topics: list[TopicTagAnswer]


class StoriesAnswer(Answer):
    stories: list[StoryAnswer] = Field(description="Newest first.")
    next: str | None = Field(description="Address of the next, older page; null on the last.")


class FactAnswer(Answer):
    """What a sentence of an article states of a film; nothing of it is guessed."""

    kind: FactKind
    film_id: str
    certainty: Certainty
    says: str = Field(description="In a few words.", examples=["Anya Taylor-Joy joins as Alia"])
    subject: str
    detail: str
    was: str = Field(description="The date given up, if the sentence names it.")
    date: str = Field(description="As far as the text tells it.", examples=["2027-05-22", "2027-05", "--05-22"])
    sentence: str
    field: str = Field(description="Where the sentence stands: `title`, `summary` or `text`.")
    article_id: int


class DuplicateAnswer(Answer):
    article_id: int
    score: float
    reason: str


class ArticleAnswer(Answer):
    id: int
    url: str
    title: str
    summary: str
    author: str
    outlet: OutletAnswer
    published_at: datetime | None
    first_seen_at: datetime
    language: str
    is_paywalled: bool = Field(description="Its page said that readers have to pay; the text may be a teaser.")
    score: float | None = Field(description="How sure the desk is that it belongs here, 0-1.")
    reasons: list[str]
    duplicate_of: DuplicateAnswer | None


class MatchAnswer(Answer):
    subscription_id: str
    subscription: str
    event: EventType
    development: str
    reasons: list[str]
    matched_at: datetime


class DeliveryAnswer(Answer):
    """What is owed to one endpoint; its address is masked, its secret and payload are never shown."""

    id: str
    kind: EndpointKind
    address: str = Field(examples=["https://hooks.example/…", "a…@example.org"])
    subscription: str
    event: EventType
    story_id: int | None
    state: DeliveryState
    attempt_count: int
    created_at: datetime
    next_attempt_at: datetime | None = Field(description="Null once it is over.")
    finished_at: datetime | None
    last_words: str = Field(description="What the last attempt came to.")
    last_status: int | None


class CorrectionAnswer(Answer):
    """Two stories put together (`join` by the desk, `merge` by the operator) or taken apart (`split`)."""

    kind: CorrectionKind
    story_id: int = Field(description="The story that kept its number.")
    other_id: int = Field(description="The story that went into it, or that was split off.")
    score: float = Field(description="How well the article that joined them fits both, 0-1; 0 for the operator's.")
    reasons: list[str]
    note: str = Field(description="The operator's.")
    corrected_at: datetime


class StoryDetailAnswer(StoryAnswer):
    merged_into: int | None = Field(description="Not null if the story asked for was merged away: it is this one now.")
    corrections: list[CorrectionAnswer]
    facts: list[FactAnswer] = Field(description="In the order they were told.")
    articles: list[ArticleAnswer]
    duplicates: list[ArticleAnswer]
    matches: list[MatchAnswer]
    deliveries: list[DeliveryAnswer]


class DayAnswer(Answer):
    """How the visits of one day (UTC) ended."""

    day: date
    state: HealthState = Field(description="`ok`, `quiet`, `failing` or `blocked`.")
    answered_count: int
    failed_count: int
    blocked_count: int
    entry_count: int = Field(description="New entries.")


class HubAnswer(Answer):
    """How a WebSub hub stands to a source."""

    url: str
    is_pushing: bool = Field(description="Pushes arrive, and the feed is polled less.")
    lease_until: datetime | None = Field(description="Null while the hub has not agreed.")
    pushed_at: datetime | None = Field(description="When it last pushed.")
    error: str = Field(description="Why it refused, empty if it did not.")


class SourceAnswer(Answer):
    id: str
    publisher: str
    tier: Tier
    kind: SourceKind
    url: str = Field(description="Without user name and password.")
    language: str
    enabled: bool
    last_fetch_at: datetime | None
    outcome: FetchOutcome | None = Field(description="Null before the first fetch.")
    error: str = Field(description="One sentence; empty when healthy.")
    health: HealthState = Field(description="How it does, in one word.")
    health_since_at: datetime | None = Field(description="Since when it does so; null where nobody knows.")
    health_words: str = Field(description="Why, in one sentence; empty for `ok`.")
    error_count: int
    failing_since_at: datetime | None
    next_check_at: datetime | None = Field(description="Null when switched off.")
    rests_until: datetime | None = Field(description="Until when its host asked us to wait; null where it did not.")
    entries_last_day: int
    days: list[DayAnswer] = Field(description="The last thirty days on which it was visited, oldest first.")
    hub: HubAnswer | None = Field(description="The WebSub hub that was asked to push it; null where none was.")


class SourcesAnswer(Answer):
    sources: list[SourceAnswer] = Field(description="By id.")


class DeliveriesAnswer(Answer):
    deliveries: list[DeliveryAnswer] = Field(description="Newest first.")


class FilmAnswer(Answer):
    id: str
    title: str
    year: int | None
    aliases: list[str]
    directors: list[str]
    cast: list[str]
    roles: dict[str, str] = Field(description="Whom a member of the cast plays, where that is known.")
    franchise: str
    studio: str
    status: FilmStatus
    external_ids: dict[str, str]


class FilmsAnswer(Answer):
    films: list[FilmAnswer]


class TopicAnswer(Answer):
    slug: str
    name: str
    definition: str
    production: bool


class TopicsAnswer(Answer):
    topics: list[TopicAnswer]


class FaultAnswer(Answer):
    """One sentence; `position` and `pointer` are there where a query has a mistake."""

    error: str = Field(examples=["There is no such story here; it may have been cleared away."])
    position: int | None = Field(default=None, description="The character of the query, from 0.", examples=[19])
    pointer: str | None = Field(default=None, description="The query with a caret below that character.")


def story_fields(view: StoryView, publishers: Mapping[str, Publisher], *, base_url: str) -> dict[str, Any]:
    """`publishers` by name."""
    story = view.story
    tags = {tag.ref: tag for tag in story.tags}
    outlets = rank_outlets(view.outlets, publishers)
    return {
        "id": story.story_id,
        "title": story.title,
        "url": story.url,
        "outlet": story.outlet,
        "page": f"{base_url}/stories/{story.story_id}",
        "summary": story.summary,
        "created_at": story.created_at,
        "updated_at": story.updated_at,
        "production_news": story.is_production_news,
        "backlog": story.is_backlog,
        "article_count": story.article_count,
        "outlet_count": story.outlet_count,
        "first_outlet": story.first_outlet,
        "first_article_id": story.first_article_id,
        "lead_article_id": story.lead_article_id,
        "outlets": [{"name": outlet.name, "tier": outlet.tier} for outlet in outlets],
        "films": [
            {"id": film_id, "title": title, "salience": salience, **_proof(tags.get(film_id))}
            for film_id, title, salience in view.films
        ],
        "topics": [{"slug": slug, "name": name, **_proof(tags.get(slug))} for slug, name in view.topics],
    }


def _proof(tag: Tag | None) -> dict[str, Any]:
    found = tag.evidence if tag else ()
    evidence = [{"field": one.field, "words": one.words} for one in found]
    return {"score": tag.score if tag else 0.0, "evidence": evidence}


def detail_fields(detail: StoryDetail) -> dict[str, Any]:
    return {
        "merged_into": detail.merged_into,
        "corrections": [answer_correction(view) for view in detail.corrections],
        "facts": [answer_fact(fact) for fact in detail.view.story.facts],
        "articles": [answer_article(view) for view in detail.articles],
        "duplicates": [answer_article(view) for view in detail.duplicates],
        "matches": [answer_match(view) for view in detail.matches],
        "deliveries": [answer_delivery(view) for view in detail.deliveries],
    }


def answer_fact(fact: Fact) -> FactAnswer:
    return FactAnswer(
        kind=fact.kind,
        film_id=fact.film_id,
        certainty=fact.certainty,
        says=say_fact(fact),
        subject=fact.subject,
        detail=fact.detail,
        was=fact.was,
        date=fact.day,
        sentence=fact.sentence,
        field=fact.field,
        article_id=fact.article_id,
    )


def answer_article(view: ArticleView) -> ArticleAnswer:
    article, duplicate, assignment = view.article, view.duplicate, view.assignment
    return ArticleAnswer(
        id=article.article_id,
        url=article.url,
        title=article.title,
        summary=article.summary,
        author=article.author,
        outlet=OutletAnswer(name=article.publisher.name, tier=article.publisher.tier),
        published_at=article.published_at,
        first_seen_at=article.first_seen_at,
        language=article.language,
        is_paywalled=article.is_paywalled,
        score=assignment.score if assignment else None,
        reasons=list(assignment.reasons) if assignment else [],
        duplicate_of=DuplicateAnswer(article_id=duplicate.article_id, score=duplicate.score, reason=duplicate.reason)
        if duplicate
        else None,
    )


def answer_correction(view: CorrectionView) -> CorrectionAnswer:
    made = view.correction
    return CorrectionAnswer(
        kind=made.kind,
        story_id=made.story_id,
        other_id=made.other_id,
        score=made.score,
        reasons=list(made.reasons),
        note=made.note,
        corrected_at=view.corrected_at,
    )


def answer_match(view: MatchView) -> MatchAnswer:
    return MatchAnswer(
        subscription_id=view.match.subscription_id,
        subscription=view.subscription_name,
        event=view.match.event,
        development=view.match.development,
        reasons=list(view.match.reasons),
        matched_at=view.matched_at,
    )


def answer_delivery(view: DeliveryView) -> DeliveryAnswer:
    delivery = view.delivery
    return DeliveryAnswer(
        id=delivery.delivery_id,
        kind=delivery.endpoint.kind,
        address=masked_address(delivery.endpoint.kind, delivery.endpoint.address),
        subscription=view.subscription_name,
        event=delivery.event,
        story_id=delivery.story_id,
        state=delivery.state,
        attempt_count=delivery.attempt_count,
        created_at=delivery.created_at,
        next_attempt_at=None if view.finished_at else delivery.next_attempt_at,
        finished_at=view.finished_at,
        last_words=hide_address(view),
        last_status=view.last_status,
    )


def answer_source(view: SourceView, now: datetime, rests: Mapping[str, datetime]) -> SourceAnswer:
    source, state = view.source, view.state
    health = judge_health(source, state, now=now, durations=[fetch.duration for fetch in view.fetches])
    return SourceAnswer(
        id=source.source_id,
        publisher=source.publisher.name,
        tier=source.publisher.tier,
        kind=source.kind,
        url=public_address(source.url),
        language=source.language,
        enabled=source.enabled,
        last_fetch_at=state.last_fetch_at,
        outcome=state.last_outcome,
        error=state.last_error or "",
        health=health.state,
        health_since_at=health.since_at,
        health_words=health.words,
        error_count=state.error_count,
        failing_since_at=state.failing_since_at,
        next_check_at=state.next_check_at if source.enabled else None,
        rests_until=rests.get(lane_of_source(source, state)) if source.enabled else None,
        entries_last_day=view.entries_last_day,
        days=[_answer_day(day) for day in view.days],
        hub=_answer_hub(view.hub, now) if view.hub else None,
    )


def _answer_day(day: SourceDay) -> DayAnswer:
    return DayAnswer(
        day=day.day,
        state=judge_day(day),
        answered_count=day.answered_count,
        failed_count=day.failed_count,
        blocked_count=day.blocked_count,
        entry_count=day.entry_count,
    )


def _answer_hub(hub: HubSubscription, now: datetime) -> HubAnswer:
    return HubAnswer(
        url=public_address(hub.hub),
        is_pushing=is_pushing(hub, now=now),
        lease_until=hub.lease_until,
        pushed_at=hub.pushed_at,
        error=hub.error,
    )


def answer_film(film: Film) -> FilmAnswer:
    return FilmAnswer(
        id=film.film_id,
        title=film.title,
        year=film.year,
        aliases=[alias.title for alias in film.aliases],
        directors=list(film.directors),
        cast=list(film.cast),
        roles=dict(film.roles),
        franchise=film.franchise,
        studio=film.studio,
        status=film.status,
        external_ids=dict(film.external_ids),
    )


def answer_topic(topic: Topic) -> TopicAnswer:
    return TopicAnswer(slug=topic.slug, name=topic.name, definition=topic.definition, production=topic.is_production)
