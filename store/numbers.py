"""The next free numbers of articles and stories. An id is never used again, also after a purge."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.values import ArticleId, StoryId
from store.sql import read_number
from store.tables import articles, stories

LAST_ARTICLE, LAST_STORY = "last_article_id", "last_story_id"


def next_ids(tx: Session) -> tuple[ArticleId, StoryId]:
    """The next free article and story ids, both from 1; an id is never used again, also after a purge."""
    return next_article_id(tx), next_story_id(tx)


def next_article_id(tx: Session) -> ArticleId:
    last = tx.execute(select(func.max(articles.c.article_id))).scalar() or 0
    return ArticleId(max(last, read_number(tx, LAST_ARTICLE)) + 1)


def next_story_id(tx: Session) -> StoryId:
    last = tx.execute(select(func.max(stories.c.story_id))).scalar() or 0
    return StoryId(max(last, read_number(tx, LAST_STORY)) + 1)
