"""Sources, their state and their fetches."""

from core.values import (
    Fetch,
    Habit,
    Move,
    Pace,
    PageSelectors,
    Publisher,
    PublisherSlug,
    Render,
    Selectors,
    Source,
    SourceId,
    SourceState,
    Validators,
)
from store.convert.rows import Columns, Publishers, Row


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
