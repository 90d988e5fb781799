"""What the desk rebuilds its memory from."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from core.editing import GONE, mark
from core.values import Article, ArticleId, Fact, Feedback, Story, StoryId, SubscriptionId, Tag
from store import convert
from store.corrections import has_splits, splits
from store.sources import publishers
from store.sql import chunks
from store.tables import articles, feedback, matches, stories, story_facts, story_tags
from store.views import Window, WindowArticle


def load_window(tx: Session, *, since: datetime) -> Window:
    """What the desk needs to go on: the articles with `event_at` from `since` on, by article_id, their stories, and
    what was told of those.
    """
    return _load(tx, articles.c.event_at >= since)


def load_some(tx: Session, story_ids: Collection[StoryId], *, since: datetime) -> Window:
    """What `load_window` holds of these stories: without duplicates, and without stories that are not in it."""
    return _load(tx, articles.c.event_at >= since, articles.c.story_id.in_(story_ids))


def _load(tx: Session, *recent: Any) -> Window:
    known = publishers(tx)
    rows = tx.execute(select(articles).where(*recent).order_by(articles.c.article_id)).mappings()
    remembered = [
        WindowArticle(
            article=convert.article_from_row(row, known),
            tagging=convert.tagging_from_row(row),
            story_id=row["story_id"],
            strand_id=row["strand_id"],
            duplicate_of=row["duplicate_of"],
        )
        for row in rows
    ]
    theirs = exists().where(articles.c.story_id == stories.c.story_id, *recent)
    found = load_stories(tx, select(stories).where(theirs).order_by(stories.c.story_id))
    held = {story.story_id: story for story in found}
    ids = select(articles.c.story_id).where(articles.c.story_id.is_not(None), *recent)
    return Window(articles=remembered, stories=held, told=_load_told(tx, ids), sides=_load_sides(tx, held))


def load_told(tx: Session, story_id: StoryId) -> dict[SubscriptionId, set[str]]:
    """What was told of one story, as `Window` holds it."""
    return _load_told(tx, select(stories.c.story_id).where(stories.c.story_id == story_id)).get(story_id, {})


def load_heard(tx: Session, article_ids: Collection[ArticleId]) -> dict[SubscriptionId, ArticleId]:
    """Which of these articles was the first by which a subscription was told of something."""
    query = (
        select(matches.c.subscription_id, func.min(matches.c.article_id))
        .where(matches.c.article_id.in_(article_ids))
        .group_by(matches.c.subscription_id)
    )
    return {SubscriptionId(name): ArticleId(article_id) for name, article_id in tx.execute(query)}


def _load_told(tx: Session, story_ids: Any) -> dict[StoryId, dict[SubscriptionId, set[str]]]:
    """What a subscription was told counts for the story in which the article is that told it."""
    shown = (matches.c.subscription_id, matches.c.event, matches.c.development)
    query = select(articles.c.story_id, matches.c.story_id, *shown).join(
        articles, articles.c.article_id == matches.c.article_id
    )
    told: dict[StoryId, dict[SubscriptionId, set[str]]] = {}
    for story_id, _, subscription_id, event, development in tx.execute(query.where(articles.c.story_id.in_(story_ids))):
        told.setdefault(story_id, {}).setdefault(subscription_id, set()).add(mark(event, development))
    gone = query.where(matches.c.story_id.in_(story_ids), matches.c.story_id != articles.c.story_id)
    for _, story_id, subscription_id, event, development in tx.execute(gone) if has_splits(tx) else ():
        told.setdefault(story_id, {}).setdefault(subscription_id, set()).add(GONE + mark(event, development))
    return told


def _load_sides(tx: Session, held: Collection[StoryId]) -> dict[StoryId, frozenset[int]]:
    """The splits whose articles these stories hold, by number: positive for articles that went, negative for others."""
    sides: dict[int, list[int]] = {}
    for view in splits(tx):
        for article_ids, sign in ((view.correction.article_ids, 1), (view.correction.rest_ids, -1)):
            for article_id in article_ids:
                sides.setdefault(article_id, []).append(sign * view.correction_id)
    found: dict[StoryId, set[int]] = {}
    for some in chunks(sides):
        query = select(articles.c.article_id, articles.c.story_id).where(articles.c.article_id.in_(some))
        for article_id, story_id in tx.execute(query):
            if story_id in held:
                found.setdefault(story_id, set()).update(sides[article_id])
    return {story_id: frozenset(numbers) for story_id, numbers in found.items()}


def load_stories(tx: Session, query: Any, *, with_facts: bool = True) -> list[Story]:
    """Stories with their tags, facts and the words on them, in the order of `query`, which selects `stories`."""
    rows = tx.execute(query).mappings().all()
    tags: dict[int, list[Tag]] = {}
    facts: dict[int, list[Fact]] = {}
    words: dict[int, list[Feedback]] = {}
    for some in chunks(row["story_id"] for row in rows):
        tagged = select(story_tags).where(story_tags.c.story_id.in_(some))
        for row in tx.execute(tagged.order_by(story_tags.c.story_id, story_tags.c.position)).mappings():
            tags.setdefault(row["story_id"], []).append(convert.tag_from_row(row))
        if not with_facts:
            continue
        stated = select(story_facts).where(story_facts.c.story_id.in_(some))
        for row in tx.execute(stated.order_by(story_facts.c.story_id, story_facts.c.position)).mappings():
            facts.setdefault(row["story_id"], []).append(convert.fact_from_row(row))
        judged = select(feedback).where(feedback.c.story_id.in_(some), feedback.c.article_id == 0)
        for row in tx.execute(judged.order_by(feedback.c.feedback_id)).mappings():
            words.setdefault(row["story_id"], []).append(convert.feedback_from_row(row))
    return [
        convert.story_from_row(
            row,
            tuple(tags.get(row["story_id"], ())),
            tuple(facts.get(row["story_id"], ())),
            tuple(words.get(row["story_id"], ())),
        )
        for row in rows
    ]


def some_stories(tx: Session, story_ids: Collection[StoryId]) -> list[Story]:
    """Those of the stories that are there, by story_id."""
    return load_stories(tx, select(stories).where(stories.c.story_id.in_(story_ids)).order_by(stories.c.story_id))


def find_article(tx: Session, article_id: ArticleId) -> Article | None:
    """One article; None when unknown or purged."""
    row = tx.execute(select(articles).where(articles.c.article_id == article_id)).mappings().first()
    return convert.article_from_row(row, publishers(tx)) if row else None
