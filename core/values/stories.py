"""What the desk makes of articles: tags, facts, stories."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from core.values.corrections import Feedback
from core.values.ids import ArticleId, FilmId, StoryId


class TagKind(StrEnum):
    FILM = "film"
    TOPIC = "topic"


class Salience(StrEnum):
    ABOUT = "about"
    MENTIONS = "mentions"


class FactKind(StrEnum):
    """What a sentence says of a film."""

    JOINS = "joins"
    RETURNS = "returns"
    IN_TALKS = "in-talks"
    LEAVES = "leaves"
    REPLACES = "replaces"
    DIRECTS = "directs"
    WRITES = "writes"
    FILMS_IN = "films-in"
    SHOOT_STARTS = "shoot-starts"
    SHOOT_WRAPS = "shoot-wraps"
    RELEASE = "release"
    RUNTIME = "runtime"
    RATING = "rating"


class Certainty(StrEnum):
    """How sure the sentence itself is."""

    CONFIRMED = "confirmed"
    REPORTED = "reported"
    RUMOURED = "rumoured"
    DENIED = "denied"


class EventType(StrEnum):
    STORY_CREATED = "story.created"
    STORY_UPDATED = "story.updated"
    SOURCE_FAILING = "source.failing"
    SOURCE_RESTORED = "source.restored"
    SOURCE_SILENT = "source.silent"
    SOURCE_HEARD = "source.heard"
    ENDPOINT_DISABLED = "endpoint.disabled"
    SUBSCRIPTION_REQUESTED = "subscription.requested"
    DIGEST = "digest"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The words that caused a tag and the field they stand in (`title`, `summary`, `text`, `categories`, `url`)."""

    field: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A film or topic on an article or story. `ref` is a film id or a topic slug; `score` 0-1."""

    kind: TagKind
    ref: str
    score: float
    salience: Salience = Salience.ABOUT
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What `sentence` (standing in `field` of the article) states of a film; nothing of it is guessed.

    `subject` is the person, place, date, length or rating, as people write it; `detail` the role, the person replaced,
    or where a film is released; `was` the date given up. `day` is a date as far as the text tells it: `2027-05-22`,
    `2027-05`, `2027`, or `--05-22` without a year.
    """

    kind: FactKind
    film_id: FilmId
    certainty: Certainty
    subject: str = ""
    detail: str = ""
    was: str = ""
    day: str = ""
    sentence: str
    field: str
    article_id: ArticleId


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagging:
    """All the desk says of one text: production news or not (with the score 0-1 behind it), its tags and its facts.

    `doubts` are films it may name, for an operator to look at; they are tags of nothing, and are not kept with it.
    """

    is_production_news: bool
    production_score: float
    tags: tuple[Tag, ...] = ()
    facts: tuple[Fact, ...] = ()
    doubts: tuple[Tag, ...] = field(default=(), compare=False)

    @property
    def films(self) -> tuple[Tag, ...]:
        return tuple(t for t in self.tags if t.kind is TagKind.FILM)

    @property
    def topics(self) -> tuple[Tag, ...]:
        return tuple(t for t in self.tags if t.kind is TagKind.TOPIC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """This text is that article again. `score` 1.0 for an exact key, else estimated Jaccard similarity."""

    article_id: ArticleId
    score: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Which story an article belongs to; `story_id` None opens a new one. `reasons` are short human sentences.

    `also` names further stories that the article fits so well that all of them may be one.
    """

    story_id: StoryId | None
    score: float
    reasons: tuple[str, ...] = ()
    also: tuple["Assignment", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Articles on the same event, as readers see it. Counts include every non-duplicate article.

    `title`, `url` and `outlet` are those of the leading article, `first_outlet` reported first. `feedback` are the
    words on the whole story, which also judge what joins it later.
    """

    story_id: StoryId
    title: str
    url: str
    outlet: str
    first_outlet: str = ""
    summary: str = ""
    image_url: str = ""
    first_article_id: ArticleId
    lead_article_id: ArticleId
    created_at: datetime
    updated_at: datetime
    article_count: int = 1
    outlet_count: int = 1
    is_production_news: bool = False
    is_backlog: bool = False
    tags: tuple[Tag, ...] = ()
    facts: tuple[Fact, ...] = ()
    feedback: tuple[Feedback, ...] = ()
