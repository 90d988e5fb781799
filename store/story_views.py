"""Stories as pages and commands show them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import RowMapping, func, select
from sqlalchemy.orm import Session

from core.composing import say_correction
from core.values import FilmId, Publisher, PublisherSlug, Story, StoryId, TagKind, TopicSlug
from store import convert
from store.corrections import corrections_of
from store.delivery_views import match_deliveries, match_views
from store.sources import publishers
from store.tables import articles, films, matches, stories, story_tags, topics
from store.tables import publishers as publisher_rows
from store.views import ArticleView, CorrectionView, StoryDetail, StoryView
from store.window import load_stories


def latest_stories(
    tx: Session,
    *,
    limit: int,
    before: StoryId | None = None,
    film: FilmId | None = None,
    topic: TopicSlug | None = None,
    production_only: bool = False,
) -> list[StoryView]:
    """Stories, newest first by story_id, older than `before`: page on with the last one's id.

    Without their facts. Five queries at most.
    """
    query = select(stories).order_by(stories.c.story_id.desc()).limit(limit)
    query = query.where(stories.c.merged_into.is_(None))
    if before is not None:
        query = query.where(stories.c.story_id < before)
    if film is not None:
        query = query.where(_is_tagged(TagKind.FILM, film))
    if topic is not None:
        query = query.where(_is_tagged(TagKind.TOPIC, topic))
    if production_only:
        query = query.where(stories.c.is_production_news)
    return _views(tx, load_stories(tx, query, with_facts=False))


def story_detail(tx: Session, story_id: StoryId) -> StoryDetail | None:
    """A story with everything the desk did about it; None when unknown or purged.

    One that was merged away is shown as the story it is now.
    """
    kept_id = select(func.coalesce(stories.c.merged_into, stories.c.story_id)).where(stories.c.story_id == story_id)
    views = _views(tx, load_stories(tx, select(stories).where(stories.c.story_id == kept_id.scalar_subquery())))
    if not views:
        return None
    known, living_id = publishers(tx), views[0].story.story_id
    members = _load_articles(tx, articles.c.story_id == living_id)
    article_ids = [row["article_id"] for row in members]
    repeats = _load_articles(tx, articles.c.duplicate_of.in_(article_ids))
    made = corrections_of(tx, living_id)
    told = match_views(tx, matches.c.article_id.in_(article_ids))
    return StoryDetail(
        view=views[0],
        articles=tuple(_explain_moves(_article_view(row, known), made) for row in members),
        duplicates=tuple(_article_view(row, known) for row in repeats),
        matches=told,
        deliveries=match_deliveries(tx, [view.match_id for view in told]),
        corrections=made,
        merged_into=living_id if living_id != story_id else None,
    )


def count_stories(tx: Session, *, film: FilmId | None = None, topic: TopicSlug | None = None) -> int:
    """How many stories are kept, with a tag if one is named."""
    query = select(func.count()).select_from(stories).where(stories.c.merged_into.is_(None))
    if film is not None:
        query = query.where(_is_tagged(TagKind.FILM, film))
    if topic is not None:
        query = query.where(_is_tagged(TagKind.TOPIC, topic))
    return tx.execute(query).scalar() or 0


def _is_tagged(kind: TagKind, ref: str) -> Any:
    tagged = select(story_tags.c.story_id).where(story_tags.c.kind == kind, story_tags.c.ref == ref)
    return stories.c.story_id.in_(tagged)


def _load_articles(tx: Session, condition: Any) -> Sequence[RowMapping]:
    return tx.execute(select(articles).where(condition).order_by(articles.c.article_id)).mappings().all()


def _explain_moves(view: ArticleView, made: Sequence[CorrectionView]) -> ArticleView:
    """Add to the reasons of an article what brought it from another story."""
    moves = [one.correction for one in made if view.article.article_id in one.correction.article_ids]
    if view.assignment is None or not moves:
        return view
    reasons = (*view.assignment.reasons, *map(say_correction, moves))
    return replace(view, assignment=replace(view.assignment, reasons=reasons))


def _article_view(row: RowMapping, known: dict[PublisherSlug, Publisher]) -> ArticleView:
    return ArticleView(
        article=convert.article_from_row(row, known),
        tagging=convert.tagging_from_row(row),
        assignment=convert.assignment_from_row(row),
        duplicate=convert.duplicate_from_row(row),
    )


def _views(tx: Session, found: list[Story]) -> list[StoryView]:
    if not found:
        return []
    outlets = _load_outlets(tx, [story.story_id for story in found])
    titles = _load_names(tx, films.c.film_id, films.c.title, _refs(found, TagKind.FILM))
    names = _load_names(tx, topics.c.slug, topics.c.name, _refs(found, TagKind.TOPIC))
    return [_view(story, outlets.get(story.story_id, ()), titles, names) for story in found]


def _view(story: Story, outlets: Sequence[str], titles: dict[str, str], names: dict[str, str]) -> StoryView:
    tagged_films = [tag for tag in story.tags if tag.kind is TagKind.FILM]
    tagged_topics = [tag for tag in story.tags if tag.kind is TagKind.TOPIC]
    return StoryView(
        story=story,
        outlets=tuple(outlets),
        films=tuple((FilmId(tag.ref), titles.get(tag.ref, tag.ref), tag.salience) for tag in tagged_films),
        topics=tuple((TopicSlug(tag.ref), names.get(tag.ref, tag.ref)) for tag in tagged_topics),
    )


def _refs(found: list[Story], kind: TagKind) -> list[str]:
    return sorted({tag.ref for story in found for tag in story.tags if tag.kind is kind})


def _load_names(tx: Session, key: Any, name: Any, wanted: list[str]) -> dict[str, str]:
    if not wanted:
        return {}
    return {row[0]: row[1] for row in tx.execute(select(key, name).where(key.in_(wanted)))}


def _load_outlets(tx: Session, story_ids: list[StoryId]) -> dict[int, list[str]]:
    """Publishers' names by story, in the order of their first article."""
    first = func.min(articles.c.article_id)
    query = (
        select(articles.c.story_id, publisher_rows.c.name)
        .join(publisher_rows, publisher_rows.c.slug == articles.c.publisher_slug)
        .where(articles.c.story_id.in_(story_ids))
        .group_by(articles.c.story_id, publisher_rows.c.name)
        .order_by(articles.c.story_id, first)
    )
    found: dict[int, list[str]] = {}
    for story_id, name in tx.execute(query):
        found.setdefault(story_id, []).append(name)
    return found
