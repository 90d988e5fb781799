"""The operator's words on tags as they stand: read, held still, and taken along when stories are corrected."""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from core.feedback import correct_tagging, unite_feedback
from core.values import ArticleId, Feedback, StoryId
from store import convert
from store.sql import count_up, insert_new, read_number
from store.tables import articles, feedback

_MARK = "feedback_mark"
_WHOLE = feedback.c.article_id == 0


def feedback_mark(tx: Session) -> int:
    """Grows with every word, and when words reach other articles by a merge; 0 before the first."""
    return read_number(tx, _MARK)


def hold_feedback(tx: Session) -> int:
    """Return the mark and let no word be taken before this transaction ends."""
    return count_up(tx, _MARK, by=0)


def raise_mark(tx: Session) -> None:
    """Let every desk rebuild its memory; no word is taken elsewhere before this transaction ends."""
    count_up(tx, _MARK, by=1)


def load_words(tx: Session, *conditions: Any) -> list[Feedback]:
    """The words that meet all conditions, oldest first."""
    rows = tx.execute(select(feedback).where(*conditions).order_by(feedback.c.feedback_id)).mappings()
    return [convert.feedback_from_row(row) for row in rows]


def words_on(words: Iterable[Feedback], article_id: int) -> list[Feedback]:
    """Those of a story's words that judge this article of it."""
    return [word for word in words if word.article_id in (0, article_id)]


def correct_articles(tx: Session, story_id: StoryId) -> None:
    """Correct the tags and facts of a story's articles by all words on it and on them."""
    words = load_words(tx, feedback.c.story_id == story_id)
    rows = tx.execute(select(articles).where(articles.c.story_id == story_id).order_by(articles.c.article_id))
    for row in rows.mappings().all():
        tagging = correct_tagging(convert.tagging_from_row(row), words_on(words, row["article_id"]))
        changed = convert.tagging_to_columns(tagging)
        tx.execute(update(articles).where(articles.c.article_id == row["article_id"]).values(changed))


def unite_words(tx: Session, kept_id: StoryId, gone_id: StoryId) -> bool:
    """Let the words on two stories judge the articles of both, which are `kept_id`'s already; False: there are none.

    Of two words that contradict each other the later one stands.
    """
    kept, gone = (load_words(tx, feedback.c.story_id == story_id) for story_id in (kept_id, gone_id))
    if not kept and not gone:
        return False
    kept_whole, gone_whole = ([word for word in words if not word.article_id] for words in (kept, gone))
    united = unite_feedback(kept_whole, gone_whole)
    for word in (*kept_whole, *gone_whole):
        if word not in united:
            _take_back(tx, word, kept_id, gone_id)
    tx.execute(update(feedback).where(feedback.c.story_id == gone_id).values(story_id=kept_id))
    correct_articles(tx, kept_id)
    raise_mark(tx)
    return True


def _take_back(tx: Session, word: Feedback, *story_ids: StoryId) -> None:
    """Delete a word on the whole story; if the desk has yet to tell of it, it tells of the same word on the other."""
    same = (_WHOLE, feedback.c.kind == word.kind, feedback.c.ref == word.ref)
    its_own = (*same, feedback.c.story_id == word.story_id)
    if tx.execute(select(feedback.c.feedback_id).where(*its_own, feedback.c.told_at.is_(None))).first():
        tx.execute(update(feedback).where(*same, feedback.c.story_id.in_(story_ids)).values(told_at=None))
    tx.execute(delete(feedback).where(*its_own))


def part_words(tx: Session, story_id: StoryId, new_id: StoryId, moved: Collection[ArticleId]) -> None:
    """Let words on single articles go where these went; words on the whole story stay with the number.

    A word of which the desk has yet to tell goes along as well, as one on each article that went.
    """
    theirs = (feedback.c.story_id == story_id, feedback.c.article_id.in_(moved))
    tx.execute(update(feedback).where(*theirs).values(story_id=new_id))
    untold = (feedback.c.story_id == story_id, _WHOLE, feedback.c.told_at.is_(None))
    rows = [dict(row) for row in tx.execute(select(feedback).where(*untold)).mappings()]
    for row in rows:
        del row["feedback_id"]
    copies = [row | {"story_id": new_id, "article_id": article_id} for row in rows for article_id in moved]
    insert_new(tx, feedback, copies)
