"""What is deleted, when, and what is remembered of it.

| table | goes | unless |
|---|---|---|
| fetches | 30 days after they started | |
| source_days | 60 days later | |
| source_events | 400 days after they happened | |
| attempts | 90 days after they started | their delivery is not finished |
| deliveries | 180 days after they finished | not finished: owed, held or waiting for a disabled endpoint |
| entries | 30 days after the desk edited them | not edited; each leaves a tombstone |
| stories, articles, duplicates, tags, facts, matches | 365 days after the last change | a delivery still names them |
| a story merged into another | with that one | |
| corrections | 365 days after they were made | one of their stories is there |
| articles of no story | 365 days after they were seen | each article leaves a tombstone |
| reviews | 30 days after they were raised, the oldest of more than 2,000 before | decided: then after a year |
| suggestions | 30 days after the title was last seen, beyond 5,000 the longest unseen | accepted or dismissed |
| tombstones | 400 days after the burial, or after a feed last listed the entry | |
| all others | never: they grow with the configuration, not with the news | |
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, delete, exists, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from store.numbers import LAST_ARTICLE, LAST_STORY, next_ids
from store.reviews import expire_reviews
from store.sql import change, chunks, raise_number, upsert
from store.suggestions import expire_suggestions
from store.tables import (
    BuriedKind,
    articles,
    attempts,
    corrections,
    deliveries,
    entries,
    fetches,
    matches,
    source_days,
    source_events,
    stories,
    tombstones,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long each is kept; the module's table says since when."""

    entries: timedelta = timedelta(days=30)
    articles: timedelta = timedelta(days=365)
    fetches: timedelta = timedelta(days=30)
    source_days: timedelta = timedelta(days=60)
    source_events: timedelta = timedelta(days=400)
    deliveries: timedelta = timedelta(days=180)
    attempts: timedelta = timedelta(days=90)
    tombstones: timedelta = timedelta(days=400)


def purge(tx: Session, *, now: datetime, retention: Retention, limit: int) -> dict[str, int]:
    """Delete at most `limit` rows of each kind, so that a transaction stays short; run it again until all are zero.

    Returns the counts by table.
    """
    return {
        "fetches": _delete_old(tx, fetches, fetches.c.started_at < now - retention.fetches, limit=limit),
        "source_days": _delete_old(
            tx, source_days, source_days.c.day < (now - retention.source_days).date().isoformat(), limit=limit
        ),
        "source_events": _delete_old(
            tx, source_events, source_events.c.at < now - retention.source_events, limit=limit
        ),
        "attempts": _delete_old(tx, attempts, *_old_attempts(now - retention.attempts), limit=limit),
        "deliveries": _delete_old(tx, deliveries, deliveries.c.finished_at < now - retention.deliveries, limit=limit),
        "entries": _purge_entries(tx, now=now, before=now - retention.entries, limit=limit),
        "reviews": expire_reviews(tx, now=now),
        "suggestions": expire_suggestions(tx, now=now),
        **_purge_stories(tx, now=now, before=now - retention.articles, limit=limit),
        "corrections": _delete_old(tx, corrections, *_old_corrections(now - retention.articles), limit=limit),
        "tombstones": _delete_old(tx, tombstones, tombstones.c.buried_at < now - retention.tombstones, limit=limit),
    }


def _old_attempts(before: datetime) -> tuple[Any, Any]:
    finished = exists().where(deliveries.c.delivery_id == attempts.c.delivery_id, deliveries.c.finished_at.is_not(None))
    return attempts.c.started_at < before, finished


def _old_corrections(before: datetime) -> tuple[Any, Any]:
    lives = stories.c.story_id.in_((corrections.c.story_id, corrections.c.other_id))
    return corrections.c.corrected_at < before, ~exists().where(lives)


def _delete_old(tx: Session, table: Table, *conditions: Any, limit: int) -> int:
    key = tuple_(*table.primary_key)
    old = select(*table.primary_key).where(*conditions).limit(limit)
    return change(tx, delete(table).where(key.in_(old)))


def _purge_entries(tx: Session, *, now: datetime, before: datetime, limit: int) -> int:
    old = select(entries.c.entry_id, entries.c.source_id, entries.c.guid_key).where(entries.c.edited_at < before)
    rows = tx.execute(old.limit(limit)).all()
    _bury(tx, [(BuriedKind.ENTRY, row.source_id, row.guid_key) for row in rows], now=now)
    _delete_by_id(tx, entries.c.entry_id, [row.entry_id for row in rows])
    return len(rows)


def _purge_stories(tx: Session, *, now: datetime, before: datetime, limit: int) -> dict[str, int]:
    old = select(stories.c.story_id).where(stories.c.updated_at < before, ~_is_told(), ~_is_needed()).limit(limit)
    story_ids = tx.execute(old).scalars().all()
    members = tx.execute(select(articles.c.article_id).where(articles.c.story_id.in_(story_ids))).scalars().all()
    alone = select(articles.c.article_id).where(articles.c.story_id.is_(None), articles.c.first_seen_at < before)
    repeats = select(articles.c.article_id).where(articles.c.duplicate_of.in_(members))
    doomed = {*members, *tx.execute(repeats).scalars(), *tx.execute(alone.limit(limit)).scalars()}
    _remember_ids(tx, has_deletions=bool(doomed or story_ids))
    _bury_articles(tx, doomed, now=now)
    match_count = _delete_by_id(tx, matches.c.story_id, story_ids)
    article_count = _delete_by_id(tx, articles.c.article_id, list(doomed))
    _delete_by_id(tx, stories.c.story_id, story_ids)
    return {"matches": match_count, "articles": article_count, "stories": len(story_ids)}


def _is_told() -> Any:
    """Whether a delivery still names the story, itself or by its match."""
    theirs = select(matches.c.match_id).where(matches.c.story_id == stories.c.story_id)
    merged = aliased(stories)
    here = select(merged.c.story_id).where(merged.c.merged_into == stories.c.story_id)
    named = or_(
        deliveries.c.story_id == stories.c.story_id,
        deliveries.c.story_id.in_(here),
        deliveries.c.match_id.in_(theirs),
    )
    return exists().where(named)


def _is_needed() -> Any:
    """Whether a story was merged into one that is kept, or what was told of it counts for an article that went on."""
    kept = aliased(stories)
    leads = exists().where(kept.c.story_id == stories.c.merged_into)
    went = exists().where(
        matches.c.story_id == stories.c.story_id,
        matches.c.article_id == articles.c.article_id,
        articles.c.story_id != stories.c.story_id,
    )
    return or_(leads, went)


def _remember_ids(tx: Session, *, has_deletions: bool) -> None:
    """Ids are counted from the highest that is there: keep the mark before it may go."""
    if has_deletions:
        article_id, story_id = next_ids(tx)
        raise_number(tx, LAST_ARTICLE, article_id - 1)
        raise_number(tx, LAST_STORY, story_id - 1)


def _bury_articles(tx: Session, doomed: Collection[int], *, now: datetime) -> None:
    for some in chunks(doomed):
        keys = tx.execute(select(articles.c.url_key).where(articles.c.article_id.in_(some))).scalars()
        _bury(tx, [(BuriedKind.ARTICLE, "", key) for key in keys], now=now)


def _bury(tx: Session, dead: list[tuple[BuriedKind, str, str]], *, now: datetime) -> None:
    rows = [{"kind": kind, "source_id": source_id, "key": key, "buried_at": now} for kind, source_id, key in dead]
    upsert(tx, tombstones, rows)


def _delete_by_id(tx: Session, column: Any, ids: Sequence[int]) -> int:
    return sum(change(tx, delete(column.table).where(column.in_(some))) for some in chunks(ids))
