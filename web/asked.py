"""What the API takes and answers about subscriptions, as pydantic models, by the keys of a subscriptions file."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from config.subscriptions import write_subscription
from core.asking import say_asked
from core.timing import say_timing
from core.values import Cadence, DeliveryState, EventType, Salience, Tier, Weekday
from store.preview import Preview, WouldAlert
from store.subscription_views import SubscriptionView
from web.answers import Answer

_EXAMPLE: dict[str, Any] = {
    "name": "Harbour Lights from the set",
    "query": 'film:harbour-lights AND (stunts OR "set video") NOT rumour',
    "endpoints": ["desk"],
    "cadence": "daily",
    "at": "07:30",
    "zone": "Europe/Paris",
}


def _one_of(kind: Any, *, text: str) -> Any:
    return Field(default=None, description=f"{text} One of {', '.join(kind)}.", examples=[next(iter(kind))])


class AskedQuestion(BaseModel):
    """What a subscription asks for. All that is given must hold; inside a list one hit is enough."""

    model_config = ConfigDict(
        strict=True,
        # What is no key is answered by the sentence a file gets for it.
        extra="allow",
        json_schema_extra={"additionalProperties": False},
    )

    query: str | None = Field(default=None, max_length=10_000, description="A condition, as in docs/subscriptions.md.")
    films: list[str] | None = Field(default=None, max_length=1_000, description="Film ids.")
    topics: list[str] | None = Field(default=None, max_length=1_000, description="Topic slugs.")
    words: list[str] | None = Field(default=None, max_length=1_000, description="Words or phrases of the text.")
    not_words: list[str] | None = Field(default=None, max_length=1_000, description="Words that rule a text out.")
    outlets: list[str] | None = Field(default=None, max_length=1_000, description="Only these publishers.")
    saliences: list[str] | None = Field(
        default=None, description=f"Which film tags count: {', '.join(Salience)}. By default only `about`."
    )
    events: list[str] | None = Field(
        default=None,
        description="`story.created` (default), and `story.updated` for new developments.",
    )
    production_only: bool | None = Field(default=None, description="By default only production news.")
    min_tier: str | None = _one_of(Tier, text="Only publishers of this tier or above.")

    def given(self) -> dict[str, Any]:
        """The keys that were sent, with what was sent for them."""
        return self.model_dump(exclude_unset=True)


class SubscriptionQuestion(AskedQuestion):
    """A subscription by the keys of a file. In a change, what is left out stays and null is the default."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": False, "example": _EXAMPLE})

    id: str | None = Field(default=None, max_length=100, description="Made of the name where it is left out.")
    name: str | None = Field(default=None, max_length=500, description="You will know it by this in the alerts.")
    endpoints: list[str] | None = Field(default=None, max_length=100, description="Ids of endpoints to tell.")
    cadence: str | None = _one_of(Cadence, text="At once, or as a digest.")
    at: str | None = Field(default=None, description="Local time of a daily or weekly digest.", examples=["08:00"])
    weekday: str | None = _one_of(Weekday, text="Day of a weekly digest.")
    zone: str | None = Field(default=None, description="Time zone of all local times.", examples=["Europe/Paris"])
    quiet_hours: str | None = Field(
        default=None, description="Local hours in which alerts are held.", examples=["22:00-07:00"]
    )
    cap_per_hour: int | None = Field(default=None, le=1_000_000, description="At most so many an hour; 0: no cap.")
    enabled: bool | None = Field(default=None, description="False pauses it; what is owed is still told.")


class PreviewQuestion(AskedQuestion):
    """What to try on the archive."""

    days: int = Field(default=28, ge=1, le=400, description="How far back to look.")
    limit: int = Field(default=20, ge=0, le=1_000, description="How many alerts to show at most.")

    def given(self) -> dict[str, Any]:
        return self.model_dump(exclude_unset=True, exclude={"days", "limit"})


class MuteQuestion(BaseModel):
    ref: str = Field(max_length=300, description="`film:ID` or `topic:SLUG`.", examples=["film:harbour-lights"])
    until: datetime = Field(
        description="Nothing of it before this time (UTC without a zone); one that is over ends it."
    )


class MuteAnswer(Answer):
    ref: str
    until: datetime


class LastDeliveryAnswer(Answer):
    state: DeliveryState
    at: datetime


class SubscriptionAnswer(Answer):
    """A subscription by the keys of a file, and what it was told lately."""

    id: str
    name: str
    query: str
    films: list[str]
    topics: list[str]
    words: list[str]
    not_words: list[str]
    outlets: list[str]
    saliences: list[Salience]
    events: list[EventType]
    production_only: bool
    min_tier: Tier
    endpoints: list[str]
    cadence: Cadence
    at: str
    weekday: Weekday
    zone: str
    quiet_hours: str
    cap_per_hour: int
    enabled: bool
    asks_for: str = Field(description="In words.", examples=["query film:harbour-lights NOT rumour"])
    speaks: str = Field(description="When, in words.", examples=["daily at 07:30 Europe/Paris"])
    mutes: list[MuteAnswer]
    from_file: bool = Field(description="Declared in `SETWIRE_SUBSCRIPTIONS_FILE`: it can be changed only there.")
    alerts_last_week: int = Field(description="Muted and cancelled ones left out.")
    last_delivery: LastDeliveryAnswer | None = Field(description="The newest of the last thirty days.")


class SubscriptionsAnswer(Answer):
    subscriptions: list[SubscriptionAnswer] = Field(description="By id.")
    next: str | None = Field(description="Address of the next page; null on the last.")


class WouldAlertAnswer(Answer):
    at: datetime
    event: EventType
    story_id: int
    title: str
    outlet: str
    reasons: list[str]


class PreviewAnswer(Answer):
    """What a subscription would have been told, the backlog counted too; nothing is saved."""

    alert_count: int
    alerts_per_week: float
    article_count: int = Field(description="Articles of the archive that were gone through.")
    day_count: int = Field(description="Days from the oldest of them to now.")
    alerts: list[WouldAlertAnswer] = Field(description="Newest first.")


def answer_subscription(view: SubscriptionView, owned: frozenset[str]) -> SubscriptionAnswer:
    one = view.subscription
    record: dict[str, Any] = write_subscription(one)
    return SubscriptionAnswer(
        **record,
        asks_for=say_asked(one),
        speaks=say_timing(one.timing),
        mutes=[MuteAnswer(ref=mute.ref, until=mute.until) for mute in one.mutes],
        from_file=one.subscription_id in owned,
        alerts_last_week=view.alert_count,
        last_delivery=LastDeliveryAnswer(state=view.last.state, at=view.last.at) if view.last else None,
    )


def answer_preview(found: Preview, *, limit: int) -> PreviewAnswer:
    return PreviewAnswer(
        alert_count=len(found.alerts),
        alerts_per_week=round(found.alerts_per_week, 1),
        article_count=found.article_count,
        day_count=found.span.days,
        alerts=list(map(_answer_alert, found.alerts[:limit])),
    )


def _answer_alert(alert: WouldAlert) -> WouldAlertAnswer:
    return WouldAlertAnswer(
        at=alert.at,
        event=alert.event,
        story_id=alert.story_id,
        title=alert.title,
        outlet=alert.outlet,
        reasons=list(alert.reasons),
    )
