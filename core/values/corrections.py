"""What people said against the desk."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.values.ids import NO_ARTICLE, ArticleId, StoryId


class FeedbackKind(StrEnum):
    """What an operator says of a story's tags."""

    WRONG_FILM = "wrong-film"
    RIGHT_FILM = "right-film"
    WRONG_TOPIC = "wrong-topic"
    RIGHT_TOPIC = "right-topic"
    NOT_NEWS = "not-news"
    NEWS = "news"


class ReviewCause(StrEnum):
    """Why an operator is asked."""

    LINK = "link"
    READER = "reader"


class CorrectionKind(StrEnum):
    """Who found out later which articles report one event: the desk (`join`) or the operator (`merge`, `split`)."""

    JOIN = "join"
    MERGE = "merge"
    SPLIT = "split"


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What was decided on two stories after their articles had come.

    `join` and `merge`: `article_ids` went from `other_id` to `story_id`, which answers for both from then on. `split`:
    `article_ids` went from `story_id` to the new story `other_id`. `rest_ids` are the articles `story_id` had or
    kept. `score` 0-1 and `reasons` are the desk's, `note` is the operator's.
    """

    kind: CorrectionKind
    story_id: StoryId
    other_id: StoryId
    article_ids: tuple[ArticleId, ...] = ()
    rest_ids: tuple[ArticleId, ...] = ()
    score: float = 0.0
    reasons: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """An operator's word on the tags of a story, or of one article of it (`article_id` 0: of all of them).

    `ref` is the film's id or the topic's slug, empty for a word on production news.
    """

    story_id: StoryId
    article_id: ArticleId = NO_ARTICLE
    kind: FeedbackKind
    ref: str = ""
    note: str = ""
    said_by: str
    said_at: datetime
