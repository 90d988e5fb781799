"""The words of the house as immutable values. Rows live in `store`, wire formats in the modules that speak them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import NewType

PublisherSlug = NewType("PublisherSlug", str)
SourceId = NewType("SourceId", str)
EntryId = NewType("EntryId", int)
ArticleId = NewType("ArticleId", int)
StoryId = NewType("StoryId", int)
FilmId = NewType("FilmId", str)
TopicSlug = NewType("TopicSlug", str)
EndpointId = NewType("EndpointId", str)
SubscriptionId = NewType("SubscriptionId", str)
MatchId = NewType("MatchId", int)
DeliveryId = NewType("DeliveryId", str)


class Tier(StrEnum):
    """How far a publisher's word goes: `official` speaks for the film, `trade` checks, `press` tells, `fan` repeats."""

    OFFICIAL = "official"
    TRADE = "trade"
    PRESS = "press"
    FAN = "fan"

    @property
    def weight(self) -> int:
        """Larger is more credible; 0-3."""
        return (Tier.FAN, Tier.PRESS, Tier.TRADE, Tier.OFFICIAL).index(self)


class SourceKind(StrEnum):
    FEED = "feed"
    SITEMAP = "sitemap"
    LISTING = "listing"


class FetchOutcome(StrEnum):
    """What one exchange came to. The first two are healthy; the rest carry `Fetch.error`."""

    OK = "ok"
    NOT_MODIFIED = "not-modified"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    BLOCKED = "blocked"
    GONE = "gone"
    HTTP_ERROR = "http-error"
    TOO_LARGE = "too-large"
    REFUSED = "refused"
    NOT_A_FEED = "not-a-feed"
    CRAWL_FAILED = "crawl-failed"

    @property
    def is_healthy(self) -> bool:
        return self in (FetchOutcome.OK, FetchOutcome.NOT_MODIFIED)


class FilmStatus(StrEnum):
    RUMOURED = "rumoured"
    ANNOUNCED = "announced"
    PRE_PRODUCTION = "pre-production"
    FILMING = "filming"
    POST_PRODUCTION = "post-production"
    RELEASED = "released"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class AliasType(StrEnum):
    SHORT = "short"
    WORKING_TITLE = "working-title"
    CODE_NAME = "code-name"
    TRANSLATION = "translation"
    FORMER_TITLE = "former-title"
    ABBREVIATION = "abbreviation"
    OTHER = "other"


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


class TextState(StrEnum):
    """Whether an entry waits for its page. `failed` flows on without it."""

    NOT_WANTED = "not-wanted"
    OWED = "owed"
    DONE = "done"
    FAILED = "failed"


class Render(StrEnum):
    """What a listing's page needs before it can be read: nothing, or a browser that runs its scripts."""

    PLAIN = "plain"
    JAVASCRIPT = "javascript"


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


class EndpointKind(StrEnum):
    WEBHOOK = "webhook"
    EMAIL = "email"
    CHAT = "chat"


class DeliveryState(StrEnum):
    PENDING = "pending"
    SENDING = "sending"
    DELIVERED = "delivered"
    RETRYING = "retrying"
    UNDELIVERABLE = "undeliverable"
    CANCELLED = "cancelled"
    HELD = "held"
    BUNDLED = "bundled"


class Cadence(StrEnum):
    """How often a subscription speaks."""

    AT_ONCE = "at-once"
    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"


class Weekday(StrEnum):
    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


class Hold(StrEnum):
    """Why a delivery is held."""

    DIGEST = "digest"
    QUIET_HOURS = "quiet-hours"
    CAP = "cap"


class CorrectionKind(StrEnum):
    """Who found out later which articles report one event: the desk (`join`) or the operator (`merge`, `split`)."""

    JOIN = "join"
    MERGE = "merge"
    SPLIT = "split"


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """Who speaks."""

    slug: PublisherSlug
    name: str
    tier: Tier = Tier.PRESS
    homepage: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selectors:
    """CSS selectors of a listing page: `item` finds the boxes, the others are read inside each box.

    A selector may end in `::attr(name)` or `::text` as Scrapy's do. `date` reads `datetime` or text.
    """

    item: str
    link: str = "a::attr(href)"
    title: str = "a::text"
    summary: str = ""
    date: str = ""
    image: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSelectors:
    """CSS selectors of a source's article pages. What is empty or finds nothing is read as on any other page."""

    body: str = ""
    title: str = ""
    author: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An address we poll, as configured: a feed, a sitemap, or a listing page for a spider.

    A listing has `selectors`, or names the publisher's own `spider`; `render` says whether its page makes its list
    by script.
    """

    source_id: SourceId
    publisher: Publisher
    kind: SourceKind
    url: str
    language: str = "en"
    interval: timedelta | None = None
    full_text: bool = False
    selectors: Selectors | None = None
    spider: str = ""
    page: PageSelectors | None = None
    enabled: bool = True
    seen_at: str = ""
    render: Render = Render.PLAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Validators:
    """What a server gave to ask "changed since?", kept byte-exact (latin-1 text of the header values)."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A permanent redirect we were shown: where to, how often, since when. Adopted, it is asked instead."""

    to: str
    count: int
    since_at: datetime
    is_adopted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """How a source publishes, as far as we saw: the usual gap between two entries, and when the last one came.

    `sample_count` says how many visits with news taught us `gap`.
    """

    gap: timedelta | None = None
    sample_count: int = 0
    last_entry_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """What we know of a source from polling it.

    `document_at` is when a whole document last came, `empty_count` how many in a row listed nothing.
    `alarmed_at` is set while the operator has been told that it fails, `silent_at` while that it is silent.
    """

    source_id: SourceId
    validators: Validators = Validators()
    body_sha256: str | None = None
    next_check_at: datetime
    last_fetch_at: datetime | None = None
    last_outcome: FetchOutcome | None = None
    last_error: str | None = None
    error_count: int = 0
    first_contact_at: datetime | None = None
    failing_since_at: datetime | None = None
    document_at: datetime | None = None
    move: Move | None = None
    habit: Habit = Habit()
    empty_count: int = 0
    alarmed_at: datetime | None = None
    silent_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What a server said about when to come back."""

    ttl: timedelta | None = None
    max_age: timedelta | None = None
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """One exchange with a source and its outcome. `error` is one sentence, empty when healthy.

    `permanent_url` is where the server says the source has moved for good, empty if it does not.
    """

    source_id: SourceId
    started_at: datetime
    duration: timedelta
    outcome: FetchOutcome
    status: int | None = None
    body_bytes: int = 0
    entry_count: int = 0
    error: str = ""
    validators: Validators = Validators()
    body_sha256: str | None = None
    pace: Pace = Pace()
    final_url: str = ""
    permanent_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedEntry:
    """One item as the source gave it, cleaned to plain text; `text` only if the feed carried the whole article.

    `guid` is never empty. `published_at` is None when the source gave none that can be believed. `outlet_name` and
    `outlet_url` say who wrote it where the source only repeats others (Google News), else they are empty.
    """

    guid: str
    url: str
    title: str
    summary: str = ""
    author: str = ""
    categories: tuple[str, ...] = ()
    published_at: datetime | None = None
    image_url: str = ""
    language: str = ""
    text: str = ""
    outlet_name: str = ""
    outlet_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFeed:
    """A document read: its entries in the document's order, and what was wrong with it in words.

    `is_feed` is False when the bytes are no document of the expected kind at all (an HTML error page, say).
    `known_count` are entries left out because they are stored already.
    `children` are further documents a sitemap index points at, newest first.
    """

    is_feed: bool = True
    title: str = ""
    children: tuple[str, ...] = ()
    entries: tuple[ParsedEntry, ...] = ()
    known_count: int = 0
    pace: Pace = Pace()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedPage:
    """An article page read. Empty strings where the page does not say; `text` empty means extraction failed.

    `authors` are the names of the byline, `author` the same in one line. `is_paywalled`: the text may be a teaser.
    """

    url: str
    canonical_url: str = ""
    title: str = ""
    author: str = ""
    authors: tuple[str, ...] = ()
    is_paywalled: bool = False
    summary: str = ""
    text: str = ""
    image_url: str = ""
    language: str = ""
    published_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A stored item waiting for the desk, or edited. `is_backlog`: never alerts; `backlog_reason` says why, else it was
    imported at first contact.
    """

    entry_id: EntryId
    source_id: SourceId
    publisher: Publisher
    item: ParsedEntry
    first_seen_at: datetime
    is_backlog: bool = False
    backlog_reason: str = ""
    text_state: TextState = TextState.NOT_WANTED
    is_paywalled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One text, cleaned. `event_at` is what the desk measures windows by: published if believable, else first seen."""

    article_id: ArticleId
    canonical_url: str
    url: str
    publisher: Publisher
    title: str
    summary: str = ""
    author: str = ""
    categories: tuple[str, ...] = ()
    text: str = ""
    image_url: str = ""
    language: str = ""
    published_at: datetime | None = None
    first_seen_at: datetime
    event_at: datetime
    is_backlog: bool = False
    is_paywalled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The words that caused a tag and the field they stand in (`title`, `summary`, `text`, `categories`, `url`)."""

    field: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """Another name of a film. From `since` to `until` (both included) it stands for the film by itself, else not."""

    title: str
    type: AliasType = AliasType.OTHER
    needs_context: bool = False
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """A catalogue record. `cast` is in billing order; `roles` says whom a member of it plays, where that is known.

    `external_ids` has the ids of others: `tmdb` (`1368166`), `imdb` (`tt0111161`), `wikidata` (`Q172241`).
    """

    film_id: FilmId
    title: str
    year: int | None = None
    aliases: tuple[Alias, ...] = ()
    directors: tuple[str, ...] = ()
    cast: tuple[str, ...] = ()
    roles: Mapping[str, str] = field(default_factory=dict)
    franchise: str = ""
    studio: str = ""
    status: FilmStatus = FilmStatus.UNKNOWN
    external_ids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A term of the vocabulary. `cues` are words or phrases that speak for it, `blockers` against it.

    `is_production`: the topic makes a text production news.
    """

    slug: TopicSlug
    name: str
    definition: str = ""
    cues: tuple[str, ...] = ()
    blockers: tuple[str, ...] = ()
    is_production: bool = True


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
    article_id: ArticleId = ArticleId(0)
    kind: FeedbackKind
    ref: str = ""
    note: str = ""
    said_by: str
    said_at: datetime


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where to tell: a webhook URL with its signing secret (`whsec_…`), an e-mail address, or an Apprise URL.

    While a secret is being replaced, `old_secret` signs as well until `old_secret_until_at`. `failing_since_at` is the
    first failure since the last success.
    """

    endpoint_id: EndpointId
    kind: EndpointKind
    address: str
    secret: str = ""
    old_secret: str = ""
    old_secret_until_at: datetime | None = None
    failing_since_at: datetime | None = None
    disabled_at: datetime | None = None
    disabled_reason: str = ""

    @property
    def shown_address(self) -> str:
        """The address for the operator's eyes; that of a chat is a secret but for its service: `slack://…`."""
        return f"{self.address.partition(':')[0]}://…" if self.kind is EndpointKind.CHAT else self.address


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When a subscription speaks, by the clocks of `zone` (an IANA name).

    `at` and `weekday` are of daily and weekly digests. From `quiet_from` to `quiet_until` everything is held; both
    are None or neither. `cap_per_hour` is the most alerts an endpoint gets at once within an hour; 0 sets no cap.
    """

    cadence: Cadence = Cadence.AT_ONCE
    zone: str = "UTC"
    at: time = time(8)
    weekday: Weekday = Weekday.MONDAY
    quiet_from: time | None = None
    quiet_until: time | None = None
    cap_per_hour: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """No alert on this film (`film:ID`) or topic (`topic:SLUG`) before `until`."""

    ref: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A standing query and where to tell. Each non-empty field must be satisfied; inside a field one hit is enough.

    `query` is a condition in the language of `core.query`. `words` are phrases looked for in headline, summary and
    text, whole words, case-insensitive; `not_words` veto. `saliences` says which film tags count. Empty `query`,
    `films`, `topics`, `words` and `outlets` match every story.
    """

    subscription_id: SubscriptionId
    name: str
    query: str = ""
    films: tuple[FilmId, ...] = ()
    topics: tuple[TopicSlug, ...] = ()
    words: tuple[str, ...] = ()
    not_words: tuple[str, ...] = ()
    outlets: tuple[str, ...] = ()
    saliences: tuple[Salience, ...] = (Salience.ABOUT,)
    events: tuple[EventType, ...] = (EventType.STORY_CREATED,)
    production_only: bool = True
    min_tier: Tier = Tier.FAN
    endpoints: tuple[EndpointId, ...] = ()
    timing: Timing = Timing()
    mutes: tuple[Mute, ...] = ()
    is_enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """This story satisfies this subscription at this event, and why.

    One per (subscription, story, event, development). `development` names what is new for `story.updated`
    (`topic:trailer`), so each development is told once. It is empty for `story.created`, or `article:ID` where a
    story was told by an article that has been split off since, and now begins anew.
    """

    subscription_id: SubscriptionId
    story_id: StoryId
    event: EventType
    development: str = ""
    article_id: ArticleId
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What is owed to one endpoint. `payload` is frozen when the match is made: every attempt sends the same bytes.

    `given_up_count` of its attempts were made before the operator had it sent again; retries count from there.
    One that is held has its `hold` and is released at `next_attempt_at`. `state_reason` says in words why it is held,
    bundled or cancelled; `digest_id` names the digest that tells it instead.
    """

    delivery_id: DeliveryId
    endpoint: Endpoint
    event: EventType
    story_id: StoryId | None
    payload: str
    state: DeliveryState
    attempt_count: int
    given_up_count: int = 0
    created_at: datetime
    next_attempt_at: datetime
    subscription_id: SubscriptionId | None = None
    hold: Hold | None = None
    state_reason: str = ""
    digest_id: DeliveryId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What was said in one attempt, for the log: our request without its body, and the answer cut at 20,000 bytes."""

    request: str = ""
    response: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The endpoint took it. `detail` is what it answered (webhook body, SMTP reply, file name)."""

    detail: str = ""
    status: int | None = None
    exchange: Exchange = field(default=Exchange(), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Try again, not before `after` if the endpoint asked for that."""

    reason: str
    after: timedelta | None = None
    status: int | None = None
    exchange: Exchange = field(default=Exchange(), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """This delivery can never succeed; others to the endpoint may."""

    reason: str
    status: int | None = None
    exchange: Exchange = field(default=Exchange(), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointGone:
    """The endpoint wants nothing any more (410, unknown recipient): stop telling it."""

    reason: str
    status: int | None = None
    exchange: Exchange = field(default=Exchange(), compare=False)


Outcome = Delivered | Retry | GiveUp | EndpointGone


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try and what came of it; `number` counts from 1."""

    delivery_id: DeliveryId
    number: int
    started_at: datetime
    duration: timedelta
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Everything the desk decided about one entry; the shell stores it in one transaction.

    `article` is None when the entry's canonical URL is known already (`duplicate` then names the article).
    `story` is the story after the article joined, None for a duplicate; `strand_id` is the part of it that the article
    is near to, the story's own id unless stories were put together. `corrections` put others into `story` before.
    `quiet_reason` says why nothing could be told at all (duplicate, backlog, too old); it is empty when subscriptions
    were asked.
    """

    entry_id: EntryId
    article: Article | None
    duplicate: Duplicate | None = None
    tagging: Tagging | None = None
    assignment: Assignment | None = None
    story: Story | None = None
    strand_id: StoryId | None = None
    corrections: tuple[Correction, ...] = ()
    quiet_reason: str = ""
    matches: Sequence[Match] = ()
