"""Rows to values and back, for the words of `core.values`. No queries."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date, datetime, time
from typing import Any, Protocol, assert_never

from core.catalogue import Authority
from core.storms import text_key
from core.values import (
    Alias,
    AliasType,
    Article,
    ArticleId,
    Assignment,
    Attempt,
    Cadence,
    Certainty,
    Correction,
    Delivered,
    Delivery,
    DeliveryId,
    Duplicate,
    Edit,
    Endpoint,
    EndpointGone,
    EndpointId,
    Entry,
    EntryId,
    EventType,
    Evidence,
    Exchange,
    Fact,
    FactKind,
    Feedback,
    Fetch,
    Film,
    FilmId,
    FilmStatus,
    GiveUp,
    Habit,
    Match,
    Move,
    Mute,
    Outcome,
    Pace,
    PageSelectors,
    ParsedEntry,
    Publisher,
    PublisherSlug,
    Render,
    Retry,
    Salience,
    Selectors,
    Source,
    SourceId,
    SourceState,
    Story,
    StoryId,
    Subscription,
    SubscriptionId,
    Tag,
    Tagging,
    TagKind,
    TextState,
    Timing,
    Topic,
    TopicSlug,
    Validators,
    Weekday,
)
from store.columns import key_of
from store.tables import OutcomeKind

Columns = dict[str, Any]
_PLAIN_TIMING = Timing()
_TIMING_WORDS: Mapping[str, Callable[[str], Any]] = {
    "cadence": Cadence,
    "weekday": Weekday,
    "at": time.fromisoformat,
    "quiet_from": time.fromisoformat,
    "quiet_until": time.fromisoformat,
}


class Row(Protocol):
    """What a query gives: columns by name."""

    def __getitem__(self, name: str, /) -> Any: ...


Publishers = Mapping[PublisherSlug, Publisher]


def publisher_to_columns(publisher: Publisher) -> Columns:
    return {
        "slug": publisher.slug,
        "name": publisher.name,
        "tier": publisher.tier,
        "homepage": publisher.homepage,
    }


def publisher_from_row(row: Row) -> Publisher:
    return Publisher(slug=PublisherSlug(row["slug"]), name=row["name"], tier=row["tier"], homepage=row["homepage"])


def source_to_columns(source: Source) -> Columns:
    """What a configuration declares; the state has columns of its own."""
    return {
        "source_id": source.source_id,
        "publisher_slug": source.publisher.slug,
        "kind": source.kind,
        "url": source.url,
        "language": source.language,
        "interval": source.interval,
        "full_text": source.full_text,
        "selectors": _selectors_to_json(source.selectors),
        "spider": source.spider,
        "page": _selectors_to_json(source.page),
        "seen_at": source.seen_at,
        "render": source.render.value,
        "is_enabled": source.enabled,
    }


def source_from_row(row: Row, publishers: Publishers) -> Source:
    """`enabled` says whether it is polled: the operator's word counts more than the declaration."""
    return Source(
        source_id=SourceId(row["source_id"]),
        publisher=publishers[row["publisher_slug"]],
        kind=row["kind"],
        url=row["url"],
        language=row["language"],
        interval=row["interval"],
        full_text=row["full_text"],
        selectors=Selectors(**row["selectors"]) if row["selectors"] else None,
        spider=row["spider"],
        page=PageSelectors(**row["page"]) if row["page"] else None,
        enabled=row["is_polled"],
        seen_at=row["seen_at"],
        render=Render(row["render"]),
    )


def _selectors_to_json(selectors: Selectors | PageSelectors | None) -> dict[str, str] | None:
    if selectors is None:
        return None
    return {name: getattr(selectors, name) for name in selectors.__slots__}


def state_to_columns(state: SourceState) -> Columns:
    return {
        "etag": state.validators.etag,
        "last_modified": state.validators.last_modified,
        "body_sha256": state.body_sha256,
        "next_check_at": state.next_check_at,
        "last_fetch_at": state.last_fetch_at,
        "last_outcome": state.last_outcome,
        "last_error": state.last_error,
        "error_count": state.error_count,
        "first_contact_at": state.first_contact_at,
        "failing_since_at": state.failing_since_at,
        "document_at": state.document_at,
        "moved_to": state.move.to if state.move else None,
        "moved_count": state.move.count if state.move else 0,
        "moved_since_at": state.move.since_at if state.move else None,
        "move_adopted": state.move.is_adopted if state.move else False,
        "usual_gap": state.habit.gap,
        "news_count": state.habit.sample_count,
        "last_entry_at": state.habit.last_entry_at,
        "empty_count": state.empty_count,
        "alarmed_at": state.alarmed_at,
        "silent_at": state.silent_at,
    }


def state_from_row(row: Row) -> SourceState:
    return SourceState(
        source_id=SourceId(row["source_id"]),
        validators=_validators_from_row(row),
        body_sha256=row["body_sha256"],
        next_check_at=row["next_check_at"],
        last_fetch_at=row["last_fetch_at"],
        last_outcome=row["last_outcome"],
        last_error=row["last_error"],
        error_count=row["error_count"],
        first_contact_at=row["first_contact_at"],
        failing_since_at=row["failing_since_at"],
        document_at=row["document_at"],
        move=_move_from_row(row),
        habit=Habit(gap=row["usual_gap"], sample_count=row["news_count"], last_entry_at=row["last_entry_at"]),
        empty_count=row["empty_count"],
        alarmed_at=row["alarmed_at"],
        silent_at=row["silent_at"],
    )


def _move_from_row(row: Row) -> Move | None:
    if row["moved_to"] is None:
        return None
    return Move(
        to=row["moved_to"],
        count=row["moved_count"],
        since_at=row["moved_since_at"],
        is_adopted=row["move_adopted"],
    )


def _validators_from_row(row: Row) -> Validators:
    return Validators(etag=row["etag"], last_modified=row["last_modified"])


def fetch_to_columns(fetch: Fetch) -> Columns:
    return {
        "source_id": fetch.source_id,
        "started_at": fetch.started_at,
        "duration": fetch.duration,
        "outcome": fetch.outcome,
        "status": fetch.status,
        "body_bytes": fetch.body_bytes,
        "entry_count": fetch.entry_count,
        "error": fetch.error,
        "etag": fetch.validators.etag,
        "last_modified": fetch.validators.last_modified,
        "body_sha256": fetch.body_sha256,
        "ttl": fetch.pace.ttl,
        "max_age": fetch.pace.max_age,
        "retry_after": fetch.pace.retry_after,
        "final_url": fetch.final_url,
    }


def fetch_from_row(row: Row) -> Fetch:
    return Fetch(
        source_id=SourceId(row["source_id"]),
        started_at=row["started_at"],
        duration=row["duration"],
        outcome=row["outcome"],
        status=row["status"],
        body_bytes=row["body_bytes"],
        entry_count=row["entry_count"],
        error=row["error"],
        validators=_validators_from_row(row),
        body_sha256=row["body_sha256"],
        pace=Pace(ttl=row["ttl"], max_age=row["max_age"], retry_after=row["retry_after"]),
        final_url=row["final_url"],
    )


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


def judgement_to_columns(edit: Edit) -> Columns:
    """What the desk said of an article: story, duplicate, tags, each with its reasons."""
    duplicate, assignment = edit.duplicate, edit.assignment
    tagging = edit.tagging or Tagging(is_production_news=False, production_score=0.0)
    return {
        "story_id": edit.story.story_id if edit.story else None,
        "strand_id": edit.strand_id if edit.story and edit.strand_id != edit.story.story_id else None,
        "duplicate_of": duplicate.article_id if duplicate else None,
        "duplicate_score": duplicate.score if duplicate else 0.0,
        "duplicate_reason": duplicate.reason if duplicate else "",
        "assignment_score": assignment.score if assignment else 0.0,
        "assignment_reasons": list(assignment.reasons) if assignment else [],
        **tagging_to_columns(tagging),
        "quiet_reason": edit.quiet_reason,
    }


def tagging_to_columns(tagging: Tagging) -> Columns:
    return {
        "is_production_news": tagging.is_production_news,
        "production_score": tagging.production_score,
        "tags": [_tag_to_json(tag) for tag in tagging.tags],
        "facts": [fact_to_json(fact) for fact in tagging.facts],
    }


def tagging_from_row(row: Row) -> Tagging:
    return Tagging(
        is_production_news=row["is_production_news"],
        production_score=row["production_score"],
        tags=tuple(_tag_from_json(tag) for tag in row["tags"]),
        facts=tuple(fact_from_row(fact) for fact in row["facts"]),
    )


def assignment_from_row(row: Row) -> Assignment | None:
    """Why the article stands in its story; None for a duplicate, which stands in none."""
    if row["story_id"] is None:
        return None
    return Assignment(
        story_id=StoryId(row["story_id"]),
        score=row["assignment_score"],
        reasons=tuple(row["assignment_reasons"]),
    )


def correction_to_columns(correction: Correction, *, number: int, now: datetime) -> Columns:
    return {
        "correction_id": number,
        "kind": correction.kind,
        "story_id": correction.story_id,
        "other_id": correction.other_id,
        "article_ids": list(correction.article_ids),
        "rest_ids": list(correction.rest_ids),
        "score": correction.score,
        "reasons": list(correction.reasons),
        "note": correction.note,
        "corrected_at": now,
    }


def correction_from_row(row: Row) -> Correction:
    return Correction(
        kind=row["kind"],
        story_id=StoryId(row["story_id"]),
        other_id=StoryId(row["other_id"]),
        article_ids=tuple(ArticleId(number) for number in row["article_ids"]),
        rest_ids=tuple(ArticleId(number) for number in row["rest_ids"]),
        score=row["score"],
        reasons=tuple(row["reasons"]),
        note=row["note"],
    )


def duplicate_from_row(row: Row) -> Duplicate | None:
    if row["duplicate_of"] is None:
        return None
    return Duplicate(
        article_id=ArticleId(row["duplicate_of"]),
        score=row["duplicate_score"],
        reason=row["duplicate_reason"],
    )


def _tag_to_json(tag: Tag) -> Columns:
    return {
        "kind": tag.kind.value,
        "ref": tag.ref,
        "score": tag.score,
        "salience": tag.salience.value,
        "evidence": _evidence_to_json(tag),
    }


def _evidence_to_json(tag: Tag) -> list[Columns]:
    return [{"field": evidence.field, "words": evidence.words} for evidence in tag.evidence]


def _tag_from_json(tag: Row) -> Tag:
    return Tag(
        kind=TagKind(tag["kind"]),
        ref=tag["ref"],
        score=tag["score"],
        salience=Salience(tag["salience"]),
        evidence=tuple([Evidence(field=e["field"], words=e["words"]) for e in tag["evidence"]]),
    )


def fact_to_json(fact: Fact) -> Columns:
    return {
        "kind": fact.kind.value,
        "film_id": fact.film_id,
        "certainty": fact.certainty.value,
        "subject": fact.subject,
        "detail": fact.detail,
        "was": fact.was,
        "day": fact.day,
        "sentence": fact.sentence,
        "field": fact.field,
        "article_id": fact.article_id,
    }


def fact_from_row(row: Row) -> Fact:
    return Fact(
        kind=FactKind(row["kind"]),
        film_id=FilmId(row["film_id"]),
        certainty=Certainty(row["certainty"]),
        subject=row["subject"],
        detail=row["detail"],
        was=row["was"],
        day=row["day"],
        sentence=row["sentence"],
        field=row["field"],
        article_id=ArticleId(row["article_id"]),
    )


def feedback_from_row(row: Row) -> Feedback:
    return Feedback(
        story_id=StoryId(row["story_id"]),
        article_id=ArticleId(row["article_id"]),
        kind=row["kind"],
        ref=row["ref"],
        note=row["note"],
        said_by=row["said_by"],
        said_at=row["said_at"],
    )


def story_facts_to_columns(story: Story) -> list[Columns]:
    return [
        {
            **fact_to_json(fact),
            "kind": fact.kind,
            "certainty": fact.certainty,
            "story_id": story.story_id,
            "position": position,
        }
        for position, fact in enumerate(story.facts)
    ]


def story_to_columns(story: Story) -> Columns:
    """Without the tags and the facts, which have tables."""
    return {
        "story_id": story.story_id,
        "title": story.title,
        "url": story.url,
        "outlet": story.outlet,
        "first_outlet": story.first_outlet,
        "summary": story.summary,
        "image_url": story.image_url,
        "first_article_id": story.first_article_id,
        "lead_article_id": story.lead_article_id,
        "created_at": story.created_at,
        "updated_at": story.updated_at,
        "article_count": story.article_count,
        "outlet_count": story.outlet_count,
        "is_production_news": story.is_production_news,
        "is_backlog": story.is_backlog,
    }


def story_tags_to_columns(story: Story) -> list[Columns]:
    return [
        {
            "story_id": story.story_id,
            "position": position,
            "kind": tag.kind,
            "ref": tag.ref,
            "score": tag.score,
            "salience": tag.salience,
            "evidence": _evidence_to_json(tag),
        }
        for position, tag in enumerate(story.tags)
    ]


def story_from_row(
    row: Row, tags: tuple[Tag, ...], facts: tuple[Fact, ...] = (), feedback: tuple[Feedback, ...] = ()
) -> Story:
    return Story(
        story_id=StoryId(row["story_id"]),
        title=row["title"],
        url=row["url"],
        outlet=row["outlet"],
        first_outlet=row["first_outlet"],
        summary=row["summary"],
        image_url=row["image_url"],
        first_article_id=ArticleId(row["first_article_id"]),
        lead_article_id=ArticleId(row["lead_article_id"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        article_count=row["article_count"],
        outlet_count=row["outlet_count"],
        is_production_news=row["is_production_news"],
        is_backlog=row["is_backlog"],
        tags=tags,
        facts=facts,
        feedback=feedback,
    )


def tag_from_row(row: Row) -> Tag:
    return _tag_from_json(row)


def film_to_columns(film: Film, *, now: datetime) -> Columns:
    found = {"film_id": film.film_id, "search_title": film.title.casefold(), "updated_at": now}
    return {**found, **_film_fields(film)}


def _film_fields(film: Film) -> dict[str, Any]:
    return {
        "title": film.title,
        "year": film.year,
        "directors": list(film.directors),
        "cast": list(film.cast),
        "roles": dict(film.roles),
        "franchise": film.franchise,
        "studio": film.studio,
        "status": film.status,
        "external_ids": dict(film.external_ids),
    }


def aliases_to_columns(film: Film) -> list[Columns]:
    return [
        {
            "film_id": film.film_id,
            "position": position,
            "title": alias.title,
            "search_title": alias.title.casefold(),
            "type": alias.type,
            "needs_context": alias.needs_context,
            **_days_to_text(alias),
        }
        for position, alias in enumerate(film.aliases)
    ]


def alias_from_row(row: Row) -> Alias:
    return Alias(
        title=row["title"],
        type=row["type"],
        needs_context=row["needs_context"],
        since=row["since"] and date.fromisoformat(row["since"]),
        until=row["until"] and date.fromisoformat(row["until"]),
    )


def _days_to_text(alias: Alias) -> dict[str, str | None]:
    days = (("since", alias.since), ("until", alias.until))
    return {name: day.isoformat() if day else None for name, day in days}


def film_from_row(row: Row, aliases: tuple[Alias, ...]) -> Film:
    return Film(
        film_id=FilmId(row["film_id"]),
        title=row["title"],
        year=row["year"],
        aliases=aliases,
        directors=tuple(row["directors"]),
        cast=tuple(row["cast"]),
        roles=dict(row["roles"]),
        franchise=row["franchise"],
        studio=row["studio"],
        status=row["status"],
        external_ids=dict(row["external_ids"]),
    )


def film_to_json(film: Film) -> dict[str, Any]:
    """A film without its id, with its aliases in it, as a record of an authority is kept."""
    aliases = [_alias_to_json(alias) for alias in film.aliases]
    return {**_film_fields(film), "status": str(film.status), "aliases": aliases}


def record_to_columns(film: Film, authority: Authority, *, ref: str, now: datetime) -> Columns:
    return {
        "film_id": film.film_id,
        "authority": authority,
        "ref": ref,
        "record": film_to_json(film),
        "seen_at": now,
        "gone_at": None,
    }


def film_from_json(film_id: FilmId, record: Mapping[str, Any]) -> Film:
    aliases = tuple(_alias_from_json(alias) for alias in record["aliases"])
    return film_from_row({**record, "film_id": film_id, "status": FilmStatus(record["status"])}, aliases)


def _alias_to_json(alias: Alias) -> dict[str, Any]:
    kept = {"title": alias.title, "type": str(alias.type), "needs_context": alias.needs_context}
    return {**kept, **_days_to_text(alias)}


def _alias_from_json(alias: Mapping[str, Any]) -> Alias:
    return alias_from_row({**alias, "type": AliasType(alias["type"])})


def topic_to_columns(topic: Topic, *, position: int) -> Columns:
    return {
        "slug": topic.slug,
        "position": position,
        "name": topic.name,
        "definition": topic.definition,
        "cues": list(topic.cues),
        "blockers": list(topic.blockers),
        "is_production": topic.is_production,
    }


def topic_from_row(row: Row) -> Topic:
    return Topic(
        slug=TopicSlug(row["slug"]),
        name=row["name"],
        definition=row["definition"],
        cues=tuple(row["cues"]),
        blockers=tuple(row["blockers"]),
        is_production=row["is_production"],
    )


def endpoint_to_columns(endpoint: Endpoint) -> Columns:
    return {
        "endpoint_id": endpoint.endpoint_id,
        "kind": endpoint.kind,
        "address": endpoint.address,
        "secret": endpoint.secret,
        "old_secret": endpoint.old_secret,
        "old_secret_until_at": endpoint.old_secret_until_at,
        "failing_since_at": endpoint.failing_since_at,
        "disabled_at": endpoint.disabled_at,
        "disabled_reason": endpoint.disabled_reason,
    }


def endpoint_from_row(row: Row) -> Endpoint:
    return Endpoint(
        endpoint_id=EndpointId(row["endpoint_id"]),
        kind=row["kind"],
        address=row["address"],
        secret=row["secret"],
        old_secret=row["old_secret"],
        old_secret_until_at=row["old_secret_until_at"],
        failing_since_at=row["failing_since_at"],
        disabled_at=row["disabled_at"],
        disabled_reason=row["disabled_reason"],
    )


def subscription_to_columns(subscription: Subscription) -> Columns:
    return {
        "subscription_id": subscription.subscription_id,
        "name": subscription.name,
        "query": subscription.query,
        "films": list(subscription.films),
        "topics": list(subscription.topics),
        "words": list(subscription.words),
        "not_words": list(subscription.not_words),
        "outlets": list(subscription.outlets),
        "saliences": [salience.value for salience in subscription.saliences],
        "events": [event.value for event in subscription.events],
        "production_only": subscription.production_only,
        "min_tier": subscription.min_tier,
        "endpoints": list(subscription.endpoints),
        "timing": _timing_to_json(subscription.timing),
        "mutes": [{"ref": mute.ref, "until": mute.until.isoformat()} for mute in subscription.mutes],
        "is_enabled": subscription.is_enabled,
    }


def subscription_from_row(row: Row) -> Subscription:
    return Subscription(
        subscription_id=SubscriptionId(row["subscription_id"]),
        name=row["name"],
        query=row["query"],
        films=tuple(row["films"]),
        topics=tuple(row["topics"]),
        words=tuple(row["words"]),
        not_words=tuple(row["not_words"]),
        outlets=tuple(row["outlets"]),
        saliences=tuple(Salience(value) for value in row["saliences"]),
        events=tuple(EventType(value) for value in row["events"]),
        production_only=row["production_only"],
        min_tier=row["min_tier"],
        endpoints=tuple(row["endpoints"]),
        timing=_timing_from_json(row["timing"]),
        mutes=tuple([Mute(ref=m["ref"], until=datetime.fromisoformat(m["until"])) for m in row["mutes"]]),
        is_enabled=row["is_enabled"],
    )


def _timing_to_json(timing: Timing) -> Columns:
    """Only what differs from the default, so that most rows hold an empty object."""
    given = {field.name: getattr(timing, field.name) for field in fields(timing)}
    told = {name: value for name, value in given.items() if value != getattr(_PLAIN_TIMING, name)}
    return {name: value.isoformat() if isinstance(value, time) else value for name, value in told.items()}


def _timing_from_json(told: Mapping[str, Any]) -> Timing:
    if not told:
        return _PLAIN_TIMING
    return Timing(
        **{name: _TIMING_WORDS[name](value) if name in _TIMING_WORDS else value for name, value in told.items()}
    )


def match_to_columns(match: Match, *, now: datetime) -> Columns:
    return {
        "subscription_id": match.subscription_id,
        "story_id": match.story_id,
        "event": match.event,
        "development": match.development,
        "article_id": match.article_id,
        "reasons": list(match.reasons),
        "matched_at": now,
    }


def match_from_row(row: Row) -> Match:
    return Match(
        subscription_id=SubscriptionId(row["subscription_id"]),
        story_id=StoryId(row["story_id"]),
        event=row["event"],
        development=row["development"],
        article_id=ArticleId(row["article_id"]),
        reasons=tuple(row["reasons"]),
    )


def delivery_to_columns(delivery: Delivery) -> Columns:
    return {
        "delivery_id": delivery.delivery_id,
        "endpoint_id": delivery.endpoint.endpoint_id,
        "event": delivery.event,
        "story_id": delivery.story_id,
        "payload": delivery.payload,
        "state": delivery.state,
        "attempt_count": delivery.attempt_count,
        "given_up_count": delivery.given_up_count,
        "created_at": delivery.created_at,
        "next_attempt_at": delivery.next_attempt_at,
        "subscription_id": delivery.subscription_id,
        "hold": delivery.hold,
        "state_reason": delivery.state_reason,
        "digest_id": delivery.digest_id,
    }


# What `delivery_from_row` reads.
DELIVERY_COLUMNS = (
    "delivery_id",
    "endpoint_id",
    "event",
    "story_id",
    "payload",
    "state",
    "attempt_count",
    "given_up_count",
    "created_at",
    "next_attempt_at",
    "subscription_id",
    "hold",
    "state_reason",
    "digest_id",
)


def delivery_from_row(row: Row, endpoint: Endpoint) -> Delivery:
    return Delivery(
        delivery_id=DeliveryId(row["delivery_id"]),
        endpoint=endpoint,
        event=row["event"],
        story_id=row["story_id"],
        payload=row["payload"],
        state=row["state"],
        attempt_count=row["attempt_count"],
        given_up_count=row["given_up_count"],
        created_at=row["created_at"],
        next_attempt_at=row["next_attempt_at"],
        subscription_id=row["subscription_id"],
        hold=row["hold"],
        state_reason=row["state_reason"],
        digest_id=row["digest_id"],
    )


def attempt_to_columns(attempt: Attempt) -> Columns:
    return {
        "delivery_id": attempt.delivery_id,
        "number": attempt.number,
        "started_at": attempt.started_at,
        "duration": attempt.duration,
        **_outcome_to_columns(attempt.outcome),
    }


def _outcome_to_columns(outcome: Outcome) -> Columns:
    match outcome:
        case Delivered(detail=words):
            kind, after = OutcomeKind.DELIVERED, None
        case Retry(reason=words, after=after):
            kind = OutcomeKind.RETRY
        case GiveUp(reason=words):
            kind, after = OutcomeKind.GIVE_UP, None
        case EndpointGone(reason=words):
            kind, after = OutcomeKind.ENDPOINT_GONE, None
        case _:
            assert_never(outcome)
    said = outcome.exchange
    return {
        "outcome": kind,
        "words": words,
        "status": outcome.status,
        "retry_after": after,
        "request": said.request,
        "response": said.response,
    }


def attempt_from_row(row: Row) -> Attempt:
    return Attempt(
        delivery_id=DeliveryId(row["delivery_id"]),
        number=row["number"],
        started_at=row["started_at"],
        duration=row["duration"],
        outcome=_outcome_from_row(row),
    )


def _outcome_from_row(row: Row) -> Outcome:
    words, status = row["words"], row["status"]
    said = Exchange(request=row["request"], response=row["response"])
    match OutcomeKind(row["outcome"]):
        case OutcomeKind.DELIVERED:
            return Delivered(detail=words, status=status, exchange=said)
        case OutcomeKind.RETRY:
            return Retry(reason=words, status=status, after=row["retry_after"], exchange=said)
        case OutcomeKind.GIVE_UP:
            return GiveUp(reason=words, status=status, exchange=said)
        case OutcomeKind.ENDPOINT_GONE:
            return EndpointGone(reason=words, status=status, exchange=said)
