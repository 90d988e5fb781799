"""Stories put together or taken apart after their articles had come: by the desk, or by the operator."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from core.composing import compose_story
from core.values import ArticleId, Correction, CorrectionKind, StoryId
from store import convert
from store.numbers import next_story_id
from store.sources import publishers
from store.sql import count_up, insert_new, read_number, upsert
from store.tables import articles, corrections, stories, story_facts, story_tags
from store.views import CorrectionView
from store.words import hold_feedback, part_words, unite_words

LAST_CORRECTION = "last_correction_id"


class CorrectionError(Exception):
    """A correction that cannot be made; the sentence says why and what to do."""


def last_correction(tx: Session) -> int:
    """The number of the latest correction; 0 before the first."""
    return read_number(tx, LAST_CORRECTION)


def hold_corrections(tx: Session) -> int:
    """The number of the latest correction; nobody makes another one before this transaction has ended.

    Who also holds the words of the operator takes hold of the corrections first.
    """
    return count_up(tx, LAST_CORRECTION, by=0)


def _hold(tx: Session) -> None:
    """Let no other correction and no word on tags come between what is read and what is written."""
    hold_corrections(tx)
    hold_feedback(tx)


def merge_stories(tx: Session, kept_id: StoryId, other_id: StoryId, *, note: str, now: datetime) -> Correction | None:
    """Put the articles of a story into another one, for good. None: they are one story already.

    Nobody is told of it. Raises CorrectionError: an unknown story, one that was merged into a third.
    """
    _hold(tx)
    if _living_id(tx, kept_id) == _living_id(tx, other_id) and kept_id != other_id:
        return None
    if kept_id == other_id:
        raise CorrectionError(f"Story {kept_id} cannot be merged with itself; name two stories.")
    for story_id in (kept_id, other_id):
        _refuse_merged(tx, story_id)
    correction = Correction(kind=CorrectionKind.MERGE, story_id=kept_id, other_id=other_id, note=note)
    made = _put_together(tx, correction, now=now)
    unite_words(tx, kept_id, other_id)
    _compose(tx, kept_id)
    return made


def split_story(
    tx: Session, story_id: StoryId, article_ids: Collection[ArticleId], *, note: str, now: datetime
) -> Correction | None:
    """Part these articles of a story from its others, for good. None: that was done before and still stands.

    The part with the story's first article keeps the number. Raises CorrectionError: an unknown story, one that was
    merged into another, an article that is not in it, no article left over.
    """
    _hold(tx)
    _living_id(tx, story_id)
    named = set(article_ids)
    if _is_split_so(tx, story_id, named):
        return None
    _refuse_merged(tx, story_id)
    members = _members(tx, story_id)
    _refuse_strangers(tx, story_id, named - set(members))
    if not named or named == set(members):
        raise CorrectionError(
            f"A split parts some articles of story {story_id} from the others; name at least one of its "
            f"{len(members)}, and not all."
        )
    rest = [number for number in members if number not in named]
    moved = rest if members[0] in named else sorted(named)
    kept = [number for number in members if number not in set(moved)]
    return _take_apart(tx, story_id, moved, kept, note=note, now=now)


def save_joins(tx: Session, joins: Iterable[Correction], *, now: datetime) -> None:
    """Put stories together as the desk decided; the kept story itself is stored already.

    Where the operator had a word on one of them, it is composed anew: the word may be on a single article.
    """
    for join in joins:
        _put_together(tx, join, now=now)
        if unite_words(tx, join.story_id, join.other_id):
            _compose(tx, join.story_id)


def corrections_since(tx: Session, number: int) -> list[CorrectionView]:
    """What was corrected after the correction of this number, in order."""
    return _load(tx, corrections.c.correction_id > number)


def corrections_of(tx: Session, story_id: StoryId) -> tuple[CorrectionView, ...]:
    """What was corrected on a story and on those that were merged into it, oldest first."""
    merged = select(stories.c.story_id).where(stories.c.merged_into == story_id)
    ids = [story_id, *tx.execute(merged).scalars()]
    return tuple(_load(tx, or_(corrections.c.story_id.in_(ids), corrections.c.other_id.in_(ids))))


def has_splits(tx: Session) -> bool:
    """Whether the operator ever split a story."""
    return bool(tx.execute(select(exists().where(corrections.c.kind == CorrectionKind.SPLIT))).scalar())


def splits(tx: Session) -> list[CorrectionView]:
    """All splits, oldest first."""
    return _load(tx, corrections.c.kind == CorrectionKind.SPLIT)


def untold_splits(tx: Session) -> list[CorrectionView]:
    """The splits whose parts nobody was told of yet, oldest first."""
    return _load(tx, corrections.c.kind == CorrectionKind.SPLIT, corrections.c.told_at.is_(None))


def mark_told(tx: Session, correction_ids: Sequence[int], *, now: datetime) -> None:
    """Remember that the desk has told of these splits."""
    named = corrections.c.correction_id.in_(correction_ids)
    tx.execute(update(corrections).where(named).values(told_at=now))


def _load(tx: Session, *conditions: Any) -> list[CorrectionView]:
    query = select(corrections).where(*conditions).order_by(corrections.c.correction_id)
    return [
        CorrectionView(
            correction_id=row["correction_id"],
            correction=convert.correction_from_row(row),
            corrected_at=row["corrected_at"],
        )
        for row in tx.execute(query).mappings()
    ]


def _put_together(tx: Session, correction: Correction, *, now: datetime) -> Correction:
    kept_id, gone_id = correction.story_id, correction.other_id
    made = replace(correction, article_ids=tuple(_members(tx, gone_id)), rest_ids=tuple(_members(tx, kept_id)))
    strand = func.coalesce(articles.c.strand_id, articles.c.story_id)
    tx.execute(update(articles).where(articles.c.story_id == gone_id).values(strand_id=strand, story_id=kept_id))
    merged = or_(stories.c.story_id == gone_id, stories.c.merged_into == gone_id)
    tx.execute(update(stories).where(merged).values(merged_into=kept_id))
    for table in (story_tags, story_facts):
        tx.execute(delete(table).where(table.c.story_id == gone_id))
    _record(tx, made, now=now)
    return made


def _take_apart(
    tx: Session, story_id: StoryId, moved: list[ArticleId], kept: list[ArticleId], *, note: str, now: datetime
) -> Correction:
    new_id = next_story_id(tx)
    _compose(tx, new_id, moved)
    tx.execute(update(articles).where(articles.c.article_id.in_(moved)).values(strand_id=None, story_id=new_id))
    _compose(tx, story_id)
    part_words(tx, story_id, new_id, moved)
    made = Correction(
        kind=CorrectionKind.SPLIT,
        story_id=story_id,
        other_id=new_id,
        article_ids=tuple(moved),
        rest_ids=tuple(kept),
        note=note,
    )
    _record(tx, made, now=now)
    return made


def _record(tx: Session, correction: Correction, *, now: datetime) -> None:
    number = count_up(tx, LAST_CORRECTION, by=1)
    tx.execute(corrections.insert(), convert.correction_to_columns(correction, number=number, now=now))


def _compose(tx: Session, story_id: StoryId, article_ids: Collection[ArticleId] | None = None) -> None:
    """Store a story as its articles make it, or as these would."""
    theirs = articles.c.story_id == story_id if article_ids is None else articles.c.article_id.in_(article_ids)
    rows = tx.execute(select(articles).where(theirs).order_by(articles.c.article_id)).mappings().all()
    known = publishers(tx)
    reports = [(convert.article_from_row(row, known), convert.tagging_from_row(row)) for row in rows]
    story = compose_story(story_id, reports)
    upsert(tx, stories, [convert.story_to_columns(story)])
    for table in (story_tags, story_facts):
        tx.execute(delete(table).where(table.c.story_id == story_id))
    insert_new(tx, story_tags, convert.story_tags_to_columns(story))
    insert_new(tx, story_facts, convert.story_facts_to_columns(story))


def _members(tx: Session, story_id: StoryId) -> list[ArticleId]:
    query = select(articles.c.article_id).where(articles.c.story_id == story_id).order_by(articles.c.article_id)
    return [ArticleId(number) for number in tx.execute(query).scalars()]


def _living_id(tx: Session, story_id: StoryId) -> StoryId:
    row = tx.execute(select(stories.c.story_id, stories.c.merged_into).where(stories.c.story_id == story_id)).first()
    if row is None:
        raise CorrectionError(f"There is no story {story_id}; `setwire stories list` shows the latest.")
    return StoryId(row.merged_into or row.story_id)


def _refuse_merged(tx: Session, story_id: StoryId) -> None:
    if (living_id := _living_id(tx, story_id)) != story_id:
        raise CorrectionError(f"Story {story_id} was merged into story {living_id}; name that one.")


def _refuse_strangers(tx: Session, story_id: StoryId, strangers: Collection[ArticleId]) -> None:
    if not strangers:
        return
    number = min(strangers)
    query = select(articles.c.duplicate_of).where(articles.c.article_id == number)
    original = tx.execute(query).scalar()
    if original is not None:
        raise CorrectionError(f"Article {number} repeats article {original} and goes where that goes; name that one.")
    raise CorrectionError(
        f"Article {number} is not in story {story_id}; `setwire stories show {story_id}` lists those that are."
    )


def _is_split_so(tx: Session, story_id: StoryId, named: set[ArticleId]) -> bool:
    """Whether these articles were split off before and still share a story with none of those they were parted from."""
    about = or_(corrections.c.story_id == story_id, corrections.c.other_id == story_id)
    for view in _load(tx, about, corrections.c.kind == CorrectionKind.SPLIT):
        sides = [set(view.correction.article_ids), set(view.correction.rest_ids)]
        if named in sides:
            theirs, others = (stories_of(tx, side) for side in (named, *(side for side in sides if side != named)))
            return len(theirs) == 1 and theirs.isdisjoint(others)
    return False


def stories_of(tx: Session, article_ids: Collection[ArticleId]) -> set[StoryId]:
    """The stories these articles are in now."""
    query = select(articles.c.story_id).where(articles.c.article_id.in_(article_ids), articles.c.story_id.is_not(None))
    return {StoryId(number) for number in tx.execute(query).scalars()}
