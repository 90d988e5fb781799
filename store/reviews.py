"""The review queue: films that a story may be about, and films that readers say it is not about. An operator decides.

It is bounded: what nobody decided within thirty days goes, and so do the oldest of more than two thousand.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, Select, func, select, update
from sqlalchemy import delete as delete_rows
from sqlalchemy.orm import Session

from core.values import ArticleId, Edit, Evidence, FeedbackKind, FilmId, ReviewCause, StoryId
from store.feedback import Corrected, FeedbackError, Word, give_feedback
from store.sql import change, insert_new
from store.tables import articles, films, reviews, stories

EXPIRES_AFTER = timedelta(days=30)
MOST_OPEN = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A question to the operator: is this story about this film? `said_by` is the reader who says it is not."""

    review_id: int
    cause: ReviewCause
    story_id: StoryId
    story_title: str
    film_id: FilmId
    film_title: str
    score: float
    evidence: tuple[Evidence, ...]
    article_id: ArticleId
    said_by: str
    raised_at: datetime
    closed_at: datetime | None
    verdict: str


def raise_doubts(tx: Session, edits: Iterable[Edit], *, now: datetime) -> None:
    """Put the films that new production news may be about before the operator; one question a story and film."""
    rows = [
        _row(
            ReviewCause.LINK,
            edit.story.story_id,
            FilmId(tag.ref),
            now=now,
            score=tag.score,
            evidence=tag.evidence,
            article_id=edit.article.article_id,
        )
        for edit in edits
        if edit.story and edit.article and edit.tagging and edit.tagging.is_production_news and not edit.quiet_reason
        for tag in edit.tagging.doubts
        if tag.ref not in {held.ref for held in edit.story.tags}
    ]
    insert_new(tx, reviews, rows)


def raise_reader_doubt(tx: Session, story_id: StoryId, film_id: FilmId, *, said_by: str, now: datetime) -> None:
    """Put a reader's "wrong film" before the operator; the second one on the same story and film adds nothing."""
    insert_new(tx, reviews, [_row(ReviewCause.READER, story_id, film_id, now=now, said_by=said_by)])


def _row(
    cause: ReviewCause,
    story_id: StoryId,
    film_id: FilmId,
    *,
    now: datetime,
    score: float = 0.0,
    evidence: Sequence[Evidence] = (),
    article_id: int = 0,
    said_by: str = "",
) -> dict[str, object]:
    return {
        "cause": cause,
        "story_id": story_id,
        "film_id": film_id,
        "score": score,
        "evidence": [{"field": e.field, "words": e.words} for e in evidence],
        "article_id": article_id,
        "said_by": said_by,
        "raised_at": now,
        "closed_at": None,
        "verdict": "",
    }


def open_reviews(tx: Session, *, limit: int) -> list[Review]:
    """What waits for a decision: readers' doubts first, then the surest links, the newest first on a tie."""
    order = (reviews.c.cause.desc(), reviews.c.score.desc(), reviews.c.review_id.desc())
    query = _query().where(reviews.c.closed_at.is_(None)).order_by(*order).limit(limit)
    return [_review(row) for row in tx.execute(query).mappings()]


def find_review(tx: Session, review_id: int) -> Review | None:
    row = tx.execute(_query().where(reviews.c.review_id == review_id)).mappings().first()
    return _review(row) if row else None


def _query() -> Select[Any]:
    """Reviews by the story in which their article is now, else by the one into which theirs was merged."""
    living = func.coalesce(articles.c.story_id, stories.c.merged_into, reviews.c.story_id)
    film_title = films.c.title.label("film_title")
    return (
        select(reviews, living.label("living_id"), stories.c.title.label("story_title"), film_title)
        .outerjoin(stories, stories.c.story_id == reviews.c.story_id)
        .outerjoin(articles, articles.c.article_id == reviews.c.article_id)
        .outerjoin(films, films.c.film_id == reviews.c.film_id)
    )


def _review(row: RowMapping) -> Review:
    return Review(
        review_id=row["review_id"],
        cause=row["cause"],
        story_id=StoryId(row["living_id"]),
        story_title=row["story_title"] or "",
        film_id=FilmId(row["film_id"]),
        film_title=row["film_title"] or row["film_id"],
        score=row["score"],
        evidence=tuple(Evidence(field=e["field"], words=e["words"]) for e in row["evidence"]),
        article_id=ArticleId(row["article_id"]),
        said_by=row["said_by"],
        raised_at=row["raised_at"],
        closed_at=row["closed_at"],
        verdict=row["verdict"],
    )


def decide(tx: Session, review_id: int, *, is_accepted: bool, note: str = "", now: datetime) -> Corrected | None:
    """Accept a doubt, which corrects the story, or reject it. None when it was rejected or decided so before.

    Accepted, a doubtful link is a film the story is about; a reader's doubt, one that it is not about.
    Raises FeedbackError.
    """
    review = find_review(tx, review_id)
    if review is None:
        raise FeedbackError(f"There is no review {review_id}; `setwire review list` shows what is open.")
    verdict = "accepted" if is_accepted else "rejected"
    if review.closed_at is not None:
        if review.verdict == verdict:
            return None
        raise FeedbackError(
            f"Review {review_id} was {review.verdict}; change it by `setwire feedback correct {review.story_id}`."
        )
    corrected = None
    if is_accepted:
        kind = FeedbackKind.RIGHT_FILM if review.cause is ReviewCause.LINK else FeedbackKind.WRONG_FILM
        corrected = give_feedback(tx, review.story_id, [Word(kind=kind, ref=review.film_id, note=note)], now=now)
    closed = {"closed_at": now, "verdict": verdict}
    tx.execute(update(reviews).where(reviews.c.review_id == review_id).values(closed))
    return corrected


def expire_reviews(tx: Session, *, now: datetime) -> int:
    """Delete what nobody decided in time, what was decided a year ago, and the oldest of too many; return how many."""
    is_open = reviews.c.closed_at.is_(None)
    count = change(tx, delete_rows(reviews).where(is_open, reviews.c.raised_at < now - EXPIRES_AFTER))
    count += change(tx, delete_rows(reviews).where(reviews.c.closed_at < now - timedelta(days=365)))
    surplus = (tx.execute(select(func.count()).select_from(reviews).where(is_open)).scalar() or 0) - MOST_OPEN
    if surplus > 0:
        oldest = select(reviews.c.review_id).where(is_open).order_by(reviews.c.review_id).limit(surplus)
        count += change(tx, delete_rows(reviews).where(reviews.c.review_id.in_(oldest)))
    return count
