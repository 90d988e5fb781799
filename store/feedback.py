"""The operator's word on tags: kept, applied to the story at once, withdrawing what was owed by mistake, exported.

What was missed is told by the desk, which finds it in `untold_feedback`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from core.composing import merge_tags
from core.facts.telling import merge_facts
from core.feedback import ADDING, OPPOSITES, say_feedback
from core.matching import explain_silence
from core.values import (
    Article,
    ArticleId,
    DeliveryState,
    Feedback,
    FeedbackKind,
    FilmId,
    Story,
    StoryId,
    SubscriptionId,
    Tagging,
    TagKind,
    TopicSlug,
)
from store import convert
from store.corrections import hold_corrections
from store.films import all_topics, find_film
from store.sources import publishers
from store.sql import change, insert_new
from store.stories import save_stories
from store.subscriptions import find_subscription
from store.tables import articles, deliveries, feedback, matches, stories
from store.window import load_stories
from store.words import correct_articles, load_words, raise_mark, words_on

_UNSENT = (DeliveryState.PENDING, DeliveryState.RETRYING, DeliveryState.HELD)
WITHDRAWN = "withdrawn"
_FILM_KINDS = frozenset([FeedbackKind.WRONG_FILM, FeedbackKind.RIGHT_FILM])
_TOPIC_KINDS = frozenset([FeedbackKind.WRONG_TOPIC, FeedbackKind.RIGHT_TOPIC])


class FeedbackError(Exception):
    """A word that cannot be taken; one sentence says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What somebody says of a story, or of some of its articles."""

    kind: FeedbackKind
    ref: str = ""
    note: str = ""
    said_by: str = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """What a word did: the story as it is now, and how many alerts were withdrawn."""

    story: Story
    withdrawn_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """An article somebody judged, with its tags as they are now and all words on it."""

    article: Article
    tagging: Tagging
    words: tuple[Feedback, ...]


def give_feedback(
    tx: Session, story_id: StoryId, words: Sequence[Word], *, article_ids: Sequence[ArticleId] = (), now: datetime
) -> Corrected:
    """Take words on a story, or on some articles of it, and correct it; safe to repeat.

    Alerts that the corrected story causes no more and that were not sent are withdrawn. Raises FeedbackError.
    """
    hold_corrections(tx)  # before anything is read: a desk that is about to write waits here, or has written
    raise_mark(tx)
    _check_story(tx, story_id, article_ids)
    for word in words:
        _check_word(tx, word)
        for article_id in article_ids or (ArticleId(0),):
            _keep(tx, story_id, article_id, word, now=now)
    [before] = load_stories(tx, select(stories).where(stories.c.story_id == story_id))
    story = _recompose(tx, before)
    return Corrected(story=story, withdrawn_count=_withdraw(tx, before, story, words, now=now))


def _check_story(tx: Session, story_id: StoryId, article_ids: Sequence[ArticleId]) -> None:
    members = set(tx.execute(select(articles.c.article_id).where(articles.c.story_id == story_id)).scalars())
    if not members:
        kept_id = tx.execute(select(stories.c.merged_into).where(stories.c.story_id == story_id)).scalar()
        if kept_id is not None:
            raise FeedbackError(f"Story {story_id} was merged into story {kept_id}; name that one.")
        raise FeedbackError(f"There is no story {story_id}; `setwire stories list` shows the latest.")
    if strange := [article_id for article_id in article_ids if article_id not in members]:
        raise FeedbackError(
            f"Article {strange[0]} is not in story {story_id}; `setwire stories show {story_id}` lists its articles."
        )


def _check_word(tx: Session, word: Word) -> None:
    if word.kind is FeedbackKind.RIGHT_FILM and find_film(tx, FilmId(word.ref)) is None:
        raise FeedbackError(f"There is no film {word.ref!r}; `setwire films list --search WORD` finds its id.")
    if word.kind is FeedbackKind.RIGHT_TOPIC and TopicSlug(word.ref) not in {t.slug for t in all_topics(tx)}:
        raise FeedbackError(f"There is no topic {word.ref!r}; `setwire topics list` shows them.")
    if word.kind in _FILM_KINDS | _TOPIC_KINDS and not word.ref:
        raise FeedbackError(f"{word.kind.value} needs the film's id or the topic's slug.")


def _keep(tx: Session, story_id: StoryId, article_id: ArticleId, word: Word, *, now: datetime) -> None:
    here = (feedback.c.story_id == story_id, feedback.c.article_id == article_id, feedback.c.ref == word.ref)
    tx.execute(delete(feedback).where(*here, feedback.c.kind == OPPOSITES[word.kind]))
    row = {
        "story_id": story_id,
        "article_id": article_id,
        "kind": word.kind,
        "ref": word.ref,
        "note": word.note,
        "said_by": word.said_by,
        "said_at": now,
        "told_at": None if word.kind in ADDING else now,
    }
    insert_new(tx, feedback, [row])


def story_feedback(tx: Session, story_id: StoryId) -> tuple[Feedback, ...]:
    """All words on a story and its articles, oldest first."""
    return tuple(load_words(tx, feedback.c.story_id == story_id))


def latest_feedback(tx: Session, *, limit: int) -> list[Feedback]:
    """The newest words, newest first."""
    rows = tx.execute(select(feedback).order_by(feedback.c.feedback_id.desc()).limit(limit)).mappings()
    return [convert.feedback_from_row(row) for row in rows]


def _recompose(tx: Session, story: Story) -> Story:
    """Correct the tags of each article and make those of the story from them."""
    story_id = story.story_id
    correct_articles(tx, story_id)
    composed = replace(story, tags=(), facts=(), is_production_news=False)
    rows = tx.execute(select(articles).where(articles.c.story_id == story_id).order_by(articles.c.article_id))
    for row in rows.mappings().all():
        tagging = convert.tagging_from_row(row)
        composed = replace(
            composed,
            tags=merge_tags(composed.tags, tagging.tags),
            facts=merge_facts(composed.facts, tagging.facts),
            is_production_news=composed.is_production_news or tagging.is_production_news,
        )
    save_stories(tx, [composed])
    words = load_words(tx, feedback.c.story_id == story_id, feedback.c.article_id == 0)
    return replace(composed, feedback=tuple(words))


def _withdraw(tx: Session, before: Story, story: Story, words: Sequence[Word], *, now: datetime) -> int:
    """Cancel what is owed of the story to subscriptions it satisfied before and no longer does, and was not sent.

    Under whatever number: what was told counts for the story in which the article is that told it.
    """
    said = "; ".join(say_feedback(_feedback(story.story_id, word, now)) for word in words)
    query = (
        select(deliveries.c.delivery_id, matches.c.subscription_id, matches.c.article_id)
        .join(matches, matches.c.match_id == deliveries.c.match_id)
        .join(articles, articles.c.article_id == matches.c.article_id)
        .where(articles.c.story_id == story.story_id, deliveries.c.state.in_(_UNSENT))
    )
    doomed = [
        name
        for name, subscription_id, article_id in tx.execute(query).all()
        if _is_silenced(tx, SubscriptionId(subscription_id), before, story, ArticleId(article_id))
    ]
    gone = {
        "state": DeliveryState.CANCELLED,
        "finished_at": now,
        "hold": None,
        "state_reason": f"{WITHDRAWN}: the operator said that the story is {said}",
    }
    named = (deliveries.c.delivery_id.in_(doomed), deliveries.c.state.in_(_UNSENT))
    return change(tx, update(deliveries).where(*named).values(gone)) if doomed else 0


def _feedback(story_id: StoryId, word: Word, now: datetime) -> Feedback:
    return Feedback(story_id=story_id, kind=word.kind, ref=word.ref, said_by=word.said_by, said_at=now)


def _is_silenced(
    tx: Session, subscription_id: SubscriptionId, before: Story, story: Story, article_id: ArticleId
) -> bool:
    subscription = find_subscription(tx, subscription_id)
    row = tx.execute(select(articles).where(articles.c.article_id == article_id)).mappings().first()
    if subscription is None or row is None:
        return False
    article = convert.article_from_row(row, publishers(tx))
    return not explain_silence(subscription, before, article) and bool(explain_silence(subscription, story, article))


def untold_feedback(tx: Session) -> list[StoryId]:
    """Stories with a word by which somebody may have to be told who was not, oldest first."""
    query = select(feedback.c.story_id).where(feedback.c.told_at.is_(None)).order_by(feedback.c.feedback_id)
    return list(dict.fromkeys(StoryId(number) for number in tx.execute(query).scalars()))


def mark_feedback_told(tx: Session, story_ids: Sequence[StoryId], *, now: datetime) -> None:
    """Note that the desk has told what these stories' words made it miss."""
    named = (feedback.c.story_id.in_(story_ids), feedback.c.told_at.is_(None))
    tx.execute(update(feedback).where(*named).values(told_at=now))


def loud_articles(tx: Session, story_id: StoryId) -> list[Article]:
    """The story's articles of which somebody may be told, oldest first."""
    spoken = (articles.c.story_id == story_id, articles.c.quiet_reason == "")
    rows = tx.execute(select(articles).where(*spoken).order_by(articles.c.article_id)).mappings().all()
    known = publishers(tx)
    return [convert.article_from_row(row, known) for row in rows]


def labels(tx: Session) -> list[Label]:
    """Every article of a story that was judged, by article_id."""
    words: dict[int, list[Feedback]] = {}
    for word in load_words(tx):
        words.setdefault(word.story_id, []).append(word)
    known = publishers(tx)
    found = []
    for story_id, said in words.items():
        rows = tx.execute(select(articles).where(articles.c.story_id == story_id)).mappings().all()
        for row in rows:
            if on_it := words_on(said, row["article_id"]):
                article = convert.article_from_row(row, known)
                found.append(Label(article=article, tagging=convert.tagging_from_row(row), words=tuple(on_it)))
    return sorted(found, key=lambda label: label.article.article_id)


def label_to_line(label: Label) -> dict[str, object]:
    """One line of labelled data: what was judged is a label, tags nobody judged are left open as `ignore_…`."""
    films = {t.ref: t.salience.value for t in label.tagging.tags if t.kind is TagKind.FILM}
    topics = [t.ref for t in label.tagging.tags if t.kind is TagKind.TOPIC]
    judged = {(word.kind in _FILM_KINDS, word.ref) for word in label.words if word.ref}
    return {
        "url": label.article.canonical_url,
        "title": label.article.title,
        "production_news": label.tagging.is_production_news,
        "topics": sorted(topics),
        "about": sorted(ref for ref, salience in films.items() if salience == "about"),
        "mentions": sorted(ref for ref, salience in films.items() if salience == "mentions"),
        "ignore_topics": sorted(ref for ref in topics if (False, ref) not in judged),
        "ignore_films": sorted(ref for ref in films if (True, ref) not in judged),
        "feedback": [say_feedback(word) for word in label.words],
    }
