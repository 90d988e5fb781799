"""What the desk rebuilds its memory from."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from core.values import Article, ArticleId, Fact, Feedback, Story, StoryId, SubscriptionId, Tag
from store import convert
from store.sources import publishers
from store.sql import chunks
from store.tables import articles, feedback, matches, stories, story_facts, story_tags
from store.views import Window, WindowArticle


def load_window(tx: Session, *, since: datetime) -> Window:
    """What the desk needs to go on: the articles with `event_at` from `since` on, by article_id, their stories, and
    what was told of those.
    """
    recent = articles.c.event_at >= since
    known = publishers(tx)
    rows = tx.execute(select(articles).where(recent).order_by(articles.c.article_id)).mappings()
    remembered = [
        WindowArticle(
            article=convert.article_from_row(row, known),
            tagging=convert.tagging_from_row(row),
            story_id=row["story_id"],
            duplicate_of=row["duplicate_of"],
        )
        for row in rows
    ]
    theirs = exists().where(articles.c.story_id == stories.c.story_id, recent)
    found = load_stories(tx, select(stories).where(theirs).order_by(stories.c.story_id))
    return Window(articles=remembered, stories={story.story_id: story for story in found}, told=_load_told(tx, recent))


def _load_told(tx: Session, recent: Any) -> dict[StoryId, dict[SubscriptionId, set[str]]]:
    theirs = exists().where(articles.c.story_id == matches.c.story_id, recent)
    query = select(matches.c.story_id, matches.c.subscription_id, matches.c.event, matches.c.development).where(theirs)
    told: dict[StoryId, dict[SubscriptionId, set[str]]] = {}
    for story_id, subscription_id, event, development in tx.execute(query):
        words = f"{event.value}:{development}" if development else event.value
        told.setdefault(story_id, {}).setdefault(subscription_id, set()).add(words)
    return told


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


def load_told(tx: Session, story_id: StoryId) -> dict[SubscriptionId, set[str]]:
    """What was told of one story to whom, as `Window.told` says it."""
    return _load_told(tx, articles.c.story_id == story_id).get(story_id, {})


def some_stories(tx: Session, story_ids: Collection[StoryId]) -> list[Story]:
    """Those of the stories that are there, by story_id."""
    return load_stories(tx, select(stories).where(stories.c.story_id.in_(story_ids)).order_by(stories.c.story_id))


def find_article(tx: Session, article_id: ArticleId) -> Article | None:
    """One article; None when unknown or purged."""
    row = tx.execute(select(articles).where(articles.c.article_id == article_id)).mappings().first()
    return convert.article_from_row(row, publishers(tx)) if row else None
