"""What the page of subscriptions shows, made ready for its template; addresses masked."""

from dataclasses import dataclass
from datetime import datetime

from core.asking import say_asked
from core.timing import say_timing
from core.values import Endpoint, EndpointId, EndpointKind, Mute, SubscriptionId
from store.engine import Session
from store.films import all_topics
from store.preview import Preview
from store.subscription_views import (
    EndpointView,
    LastDelivery,
    SubscriptionView,
    endpoint_names,
    endpoint_views,
    subscription_names,
    subscription_views,
)
from web.cards import DeliveryTone, judge_state
from web.keeping import owned_now
from web.site import Site
from web.words import STATES, masked_address

SHOWN = 100
ALERTS_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class LastLine:
    state: str
    tone: DeliveryTone
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An endpoint as it stands beside a subscription."""

    address: str
    is_disabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointCard:
    id: EndpointId
    kind: EndpointKind
    address: str
    is_webhook: bool
    is_disabled: bool
    disabled_reason: str
    is_owned: bool
    owed_count: int
    subscription_count: int
    last: LastLine | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionCard:
    id: SubscriptionId
    name: str
    asks: str
    speaks: str
    is_enabled: bool
    is_owned: bool
    endpoints: tuple[Told, ...]
    mutes: tuple[Mute, ...]
    film: str
    alert_count: int
    last: LastLine | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """All that the page lists. `reader_count` subscriptions of readers and `more_count` others are not shown."""

    subscriptions: tuple[SubscriptionCard, ...]
    endpoints: tuple[EndpointCard, ...]
    reader_count: int
    more_count: int
    topics: tuple[tuple[str, str], ...]


def read_listing(tx: Session, site: Site) -> Listing:
    """Read the operator's subscriptions and the endpoints they tell; what readers asked for is only counted."""
    now = site.now()
    owned, owned_endpoints = owned_now(site)
    names = subscription_names(tx, with_readers=False)
    shown = subscription_views(tx, names[:SHOWN], now=now)
    boxes = endpoint_names(tx, with_readers=False)[:SHOWN]
    return Listing(
        subscriptions=tuple(_card(view, owned) for view in shown),
        endpoints=tuple(_endpoint_card(view, owned_endpoints) for view in endpoint_views(tx, boxes, now=now)),
        reader_count=len(subscription_names(tx)) - len(names),
        more_count=len(names) - len(shown),
        topics=tuple((topic.slug, topic.name) for topic in all_topics(tx)),
    )


def _card(view: SubscriptionView, owned: frozenset[str]) -> SubscriptionCard:
    one = view.subscription
    return SubscriptionCard(
        id=one.subscription_id,
        name=one.name,
        asks=say_asked(one),
        speaks=say_timing(one.timing),
        is_enabled=one.is_enabled,
        is_owned=one.subscription_id in owned,
        endpoints=tuple(
            Told(address=masked_address(told.kind, told.address), is_disabled=told.disabled_at is not None)
            for told in view.endpoints
        ),
        mutes=one.mutes,
        film=one.films[0] if one.films else "",
        alert_count=view.alert_count,
        last=_last(view.last),
    )


def _endpoint_card(view: EndpointView, owned: frozenset[str]) -> EndpointCard:
    one: Endpoint = view.endpoint
    return EndpointCard(
        id=one.endpoint_id,
        kind=one.kind,
        address=masked_address(one.kind, one.address),
        is_webhook=one.kind is EndpointKind.WEBHOOK,
        is_disabled=one.disabled_at is not None,
        disabled_reason=one.disabled_reason.replace(one.address, masked_address(one.kind, one.address)),
        is_owned=one.endpoint_id in owned,
        owed_count=view.owed_count,
        subscription_count=len(view.told_by),
        last=_last(view.last),
    )


def _last(last: LastDelivery | None) -> LastLine | None:
    return LastLine(state=STATES[last.state], tone=judge_state(last.state), at=last.at) if last else None


def say_preview(found: Preview) -> str:
    """Say what a trial came to: how many alerts, of how many articles, how often."""
    days = max(found.span.days, 1)
    span = f"{days} days" if days > 1 else "day"
    if not found.article_count:
        return "The archive is empty: nothing can be tried yet."
    if not found.alerts:
        return f"None of the {found.article_count:,} articles of the last {span} would have been told."
    told = "1 alert" if len(found.alerts) == 1 else f"{len(found.alerts):,} alerts"
    often = f"about {found.alerts_per_week:.1f} a week"
    return f"{told} of {found.article_count:,} articles in the last {span}: {often}."
