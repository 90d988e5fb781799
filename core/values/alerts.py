"""Who is told what, where and when, and what came of it."""

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum

from core.values.ids import ArticleId, DeliveryId, EndpointId, FilmId, StoryId, SubscriptionId, TopicSlug
from core.values.sources import Tier
from core.values.stories import EventType, Salience


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
