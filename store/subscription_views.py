"""Subscriptions and endpoints as pages and the API show them: with what they were told lately."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from core.values import DeliveryState, Endpoint, EndpointId, Subscription, SubscriptionId
from store import convert
from store.links import is_readers_mailbox, is_readers_own
from store.tables import deliveries, endpoints, matches, subscriptions

_WEEK = timedelta(days=7)
_LATELY = timedelta(days=30)
_OWED = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.RETRYING, DeliveryState.HELD)


@dataclass(frozen=True, slots=True, kw_only=True)
class LastDelivery:
    """The newest delivery of the last thirty days."""

    state: DeliveryState
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionView:
    """A subscription with its endpoints; `alert_count` alerts of the last week, muted and cancelled ones left out."""

    subscription: Subscription
    endpoints: tuple[Endpoint, ...]
    alert_count: int
    last: LastDelivery | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointView:
    """An endpoint with those who tell it; `owed_count` of its deliveries are not over."""

    endpoint: Endpoint
    told_by: tuple[SubscriptionId, ...]
    owed_count: int
    last: LastDelivery | None


def subscription_names(tx: Session, *, with_readers: bool = True) -> list[SubscriptionId]:
    """The ids of all subscriptions that are not removed, in order; those that readers asked for may be left out."""
    query = select(subscriptions.c.subscription_id).where(subscriptions.c.removed_at.is_(None))
    names = sorted(SubscriptionId(name) for name in tx.execute(query).scalars())
    return [name for name in names if with_readers or not is_readers_own(name)]


def subscription_views(tx: Session, names: Collection[SubscriptionId], *, now: datetime) -> list[SubscriptionView]:
    """These subscriptions as they stand, by subscription_id."""
    query = select(subscriptions).where(
        subscriptions.c.removed_at.is_(None), subscriptions.c.subscription_id.in_(names)
    )
    found = [convert.subscription_from_row(row) for row in tx.execute(query).mappings()]
    known = {one.endpoint_id: one for one in _load_endpoints(tx, {name for one in found for name in one.endpoints})}
    alerts, last = _count_alerts(tx, names, now), _last(tx, _by_subscription(names, now))
    return [
        SubscriptionView(
            subscription=one,
            endpoints=tuple(known[name] for name in one.endpoints if name in known),
            alert_count=alerts.get(one.subscription_id, 0),
            last=last.get(one.subscription_id),
        )
        for one in sorted(found, key=lambda one: one.subscription_id)
    ]


def endpoint_names(tx: Session, *, with_readers: bool = True) -> list[EndpointId]:
    """The ids of all endpoints that are not removed, in order; mailboxes that only readers named may be left out."""
    query = select(endpoints.c.endpoint_id).where(endpoints.c.removed_at.is_(None))
    names = sorted(EndpointId(name) for name in tx.execute(query).scalars())
    if with_readers:
        return names
    told = _telling(tx)
    kept = {name for name, ids in told.items() if not all(map(is_readers_own, ids))}
    return [name for name in names if name in kept or (name not in told and not is_readers_mailbox(name))]


def endpoint_views(tx: Session, names: Collection[EndpointId], *, now: datetime) -> list[EndpointView]:
    """These endpoints as they stand, by endpoint_id."""
    told, owed, last = _telling(tx), _count_owed(tx, names), _last(tx, _by_endpoint(names, now))
    return [
        EndpointView(
            endpoint=one,
            told_by=tuple(told.get(one.endpoint_id, ())),
            owed_count=owed.get(one.endpoint_id, 0),
            last=last.get(one.endpoint_id),
        )
        for one in _load_endpoints(tx, names)
    ]


def _load_endpoints(tx: Session, names: Collection[EndpointId]) -> list[Endpoint]:
    query = select(endpoints).where(endpoints.c.removed_at.is_(None), endpoints.c.endpoint_id.in_(names))
    found = (convert.endpoint_from_row(row) for row in tx.execute(query).mappings())
    return sorted(found, key=lambda one: one.endpoint_id)


def _telling(tx: Session) -> dict[EndpointId, list[SubscriptionId]]:
    """Who tells each endpoint, by subscription_id; endpoints that nobody tells are not there."""
    query = select(subscriptions.c.subscription_id, subscriptions.c.endpoints)
    rows: list[Any] = sorted(tx.execute(query.where(subscriptions.c.removed_at.is_(None))).all())
    told: dict[EndpointId, list[SubscriptionId]] = {}
    for subscription_id, named in rows:
        for name in named:
            told.setdefault(EndpointId(name), []).append(SubscriptionId(subscription_id))
    return told


def _count_alerts(tx: Session, names: Collection[SubscriptionId], now: datetime) -> dict[str, int]:
    told = func.count(func.distinct(matches.c.match_id))
    query = (
        select(matches.c.subscription_id, told)
        .join(deliveries, deliveries.c.match_id == matches.c.match_id)
        .where(matches.c.matched_at >= now - _WEEK, matches.c.subscription_id.in_(names))
        .where(deliveries.c.state != DeliveryState.CANCELLED)
        .group_by(matches.c.subscription_id)
    )
    return {row[0]: row[1] for row in tx.execute(query)}


def _count_owed(tx: Session, names: Collection[EndpointId]) -> dict[str, int]:
    query = select(deliveries.c.endpoint_id, func.count()).where(deliveries.c.finished_at.is_(None))
    theirs = query.where(deliveries.c.endpoint_id.in_(names), deliveries.c.state.in_(_OWED))
    owed = theirs.group_by(deliveries.c.endpoint_id)
    return {row[0]: row[1] for row in tx.execute(owed)}


def _by_subscription(names: Collection[SubscriptionId], now: datetime) -> Select[Any]:
    owner = func.coalesce(deliveries.c.subscription_id, matches.c.subscription_id).label("owner")
    return (
        select(owner, deliveries.c.state, func.max(deliveries.c.created_at))
        .outerjoin(matches, matches.c.match_id == deliveries.c.match_id)
        .where(deliveries.c.created_at >= now - _LATELY, owner.in_(names))
        .group_by(owner, deliveries.c.state)
    )


def _by_endpoint(names: Collection[EndpointId], now: datetime) -> Select[Any]:
    return (
        select(deliveries.c.endpoint_id, deliveries.c.state, func.max(deliveries.c.created_at))
        .where(deliveries.c.created_at >= now - _LATELY, deliveries.c.endpoint_id.in_(names))
        .group_by(deliveries.c.endpoint_id, deliveries.c.state)
    )


def _last(tx: Session, query: Select[Any]) -> dict[str, LastDelivery]:
    """The newest per owner, of rows of owner, state and time."""
    rows: Iterable[Any] = tx.execute(query).all()
    newest = sorted(rows, key=lambda row: (row[2], row[1]))
    return {row[0]: LastDelivery(state=row[1], at=row[2]) for row in newest}
