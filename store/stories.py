"""Articles, stories and matches: what the desk decided, in one transaction, and what it must remember."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from core.values import ArticleId, Edit, Match, MatchId, Story
from store import convert
from store.columns import key_of
from store.connect import StoreError
from store.corrections import save_joins
from store.numbers import next_ids
from store.sql import chunks, insert_into, insert_new, upsert
from store.story_views import count_stories, latest_stories, story_detail
from store.tables import BuriedKind, articles, entries, matches, stories, story_facts, story_tags, tombstones
from store.tables import publishers as publisher_rows
from store.window import find_article, load_some, load_stories, load_window, some_stories

__all__ = [
    "count_stories",
    "find_article",
    "known_urls",
    "latest_stories",
    "load_some",
    "load_stories",
    "load_window",
    "next_ids",
    "save_edits",
    "save_matches",
    "save_stories",
    "some_stories",
    "story_detail",
]


def known_urls(tx: Session, canonical_urls: Collection[str]) -> dict[str, ArticleId | None]:
    """Those of the URLs an article has or had: its id, or None when it was purged.

    The desk remembers days, the store a year: ask before making an article of an entry.
    """
    by_key = {key_of(url): url for url in canonical_urls}
    found = _find_keys(tx, by_key)
    return {by_key[key]: article_id for key, article_id in found.items()}


def _find_keys(tx: Session, keys: Iterable[str]) -> dict[str, ArticleId | None]:
    found: dict[str, ArticleId | None] = {}
    for some in chunks(keys):
        buried = select(tombstones.c.key).where(
            tombstones.c.kind == BuriedKind.ARTICLE, tombstones.c.source_id == "", tombstones.c.key.in_(some)
        )
        found.update(dict.fromkeys(tx.execute(buried).scalars()))
        living = select(articles.c.url_key, articles.c.article_id).where(articles.c.url_key.in_(some))
        found.update({key: ArticleId(article_id) for key, article_id in tx.execute(living)})
    return found


def save_edits(tx: Session, edits: Sequence[Edit], *, now: datetime) -> list[tuple[MatchId, Match]]:
    """Store what the desk decided; return the matches that are new, with their ids, in the order given.

    Edits of entries that are edited already are left out, so a repeat changes nothing and returns nothing. An
    article whose URL is known (older than the desk remembers, or purged) is not stored and tells nobody: its entry
    gets the reason. Raises StoreError when another desk has taken the ids: rebuild and edit again.
    """
    fresh = _leave_out_edited(tx, edits)
    known = _find_keys(tx, {key_of(edit.article.canonical_url) for edit in fresh if edit.article})
    saved = _leave_out_known(fresh, known)
    _refuse_taken_ids(tx, saved)
    save_stories(tx, [edit.story for edit in saved if edit.story])
    _save_articles(tx, saved)
    save_joins(tx, [join for edit in saved for join in edit.corrections], now=now)
    _mark_edited(tx, fresh, {edit.entry_id for edit in saved}, known, now=now)
    return save_matches(tx, [match for edit in saved for match in edit.matches], now=now)


def _leave_out_edited(tx: Session, edits: Sequence[Edit]) -> list[Edit]:
    """Lock the entries, so that a second desk waits here and then finds them edited."""
    done: set[int] = set()
    for some in chunks(edits):
        query = select(entries.c.entry_id, entries.c.edited_at).where(
            entries.c.entry_id.in_([edit.entry_id for edit in some])
        )
        rows = tx.execute(query.order_by(entries.c.entry_id).with_for_update())
        done.update(entry_id for entry_id, edited_at in rows if edited_at is not None)
    return [edit for edit in edits if edit.entry_id not in done]


def _leave_out_known(edits: list[Edit], known: dict[str, ArticleId | None]) -> list[Edit]:
    """Also those whose URL stands earlier in the batch, which are added to `known`."""
    saved = []
    for edit in edits:
        if edit.article is not None:
            key = key_of(edit.article.canonical_url)
            if key in known:
                continue
            known[key] = edit.article.article_id
        saved.append(edit)
    return saved


def _refuse_taken_ids(tx: Session, edits: list[Edit]) -> None:
    for some in chunks([edit.article.article_id for edit in edits if edit.article]):
        taken = tx.execute(select(func.min(articles.c.article_id)).where(articles.c.article_id.in_(some))).scalar()
        if taken is not None:
            raise StoreError(
                f"Article id {taken} is taken: another desk wrote in the meantime; run one desk only, "
                "and let it rebuild from the database."
            )


def save_stories(tx: Session, changed: list[Story]) -> None:
    """Store stories as they are now, with tags and facts; the last of two with one id."""
    last = {story.story_id: story for story in changed}
    upsert(tx, stories, [convert.story_to_columns(story) for story in last.values()])
    for some in chunks(last):
        tx.execute(delete(story_tags).where(story_tags.c.story_id.in_(some)))
        tx.execute(delete(story_facts).where(story_facts.c.story_id.in_(some)))
    insert_new(tx, story_tags, [row for story in last.values() for row in convert.story_tags_to_columns(story)])
    insert_new(tx, story_facts, [row for story in last.values() for row in convert.story_facts_to_columns(story)])


def _save_articles(tx: Session, edits: list[Edit]) -> None:
    found = [(edit.article, edit) for edit in edits if edit.article]
    if not found:
        return
    speakers = {article.publisher.slug: article.publisher for article, _ in found}
    insert_new(tx, publisher_rows, [convert.publisher_to_columns(speaker) for speaker in speakers.values()])
    rows = [{**convert.article_to_columns(article), **convert.judgement_to_columns(edit)} for article, edit in found]
    tx.execute(articles.insert(), rows)


def _mark_edited(
    tx: Session, edits: list[Edit], saved: set[int], known: dict[str, ArticleId | None], *, now: datetime
) -> None:
    marks = [_mark(edit, is_saved=edit.entry_id in saved, known=known, now=now) for edit in edits]
    if not marks:
        return
    statement = (
        update(entries)
        .where(entries.c.entry_id == bindparam("marked_id"))
        .values({name: bindparam(name) for name in marks[0] if name != "marked_id"})
    )
    tx.connection().execute(statement, marks)


def _mark(edit: Edit, *, is_saved: bool, known: dict[str, ArticleId | None], now: datetime) -> dict[str, Any]:
    article_id = edit.duplicate.article_id if edit.duplicate else None
    reason, quiet = edit.duplicate.reason if edit.duplicate else "", edit.quiet_reason
    if edit.article is not None:
        article_id = known[key_of(edit.article.canonical_url)]
    if not is_saved:
        reason = reason or _reason_of(article_id)
        quiet = quiet or reason
    return {
        "marked_id": edit.entry_id,
        "edited_at": now,
        "text_leased_until": None,
        "article_id": article_id,
        "duplicate_reason": reason,
        "quiet_reason": quiet,
    }


def _reason_of(article_id: ArticleId | None) -> str:
    return "its URL was purged long ago" if article_id is None else f"its URL is article {article_id} already"


def save_matches(tx: Session, found: Sequence[Match], *, now: datetime) -> list[tuple[MatchId, Match]]:
    """Store matches; return those that are new, with their ids, in the order given."""
    by_key = {(match.subscription_id, match.story_id, match.event, match.development): match for match in found}
    if not by_key:
        return []
    statement = insert_into(tx, matches).on_conflict_do_nothing()
    rows = tx.execute(
        statement.returning(
            matches.c.match_id,
            matches.c.subscription_id,
            matches.c.story_id,
            matches.c.event,
            matches.c.development,
        ),
        [convert.match_to_columns(match, now=now) for match in by_key.values()],
    )
    ids = {tuple(key): MatchId(match_id) for match_id, *key in rows}
    return [(ids[key], match) for key, match in by_key.items() if key in ids]
