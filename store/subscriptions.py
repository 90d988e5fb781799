"""Subscriptions and endpoints: who wants to hear what, and where."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from core.values import DeliveryState, Endpoint, EndpointId, EndpointKind, Subscription, SubscriptionId
from store import convert
from store.connect import StoreError
from store.meta import bump_config_version
from store.sql import change, insert_into, insert_new
from store.tables import deliveries, endpoints, matches, refusals, subscriptions

SECRET_OVERLAP = timedelta(hours=24)
"""How long a secret that was replaced signs beside the new one."""


class InUseError(StoreError):
    """An endpoint that a subscription still tells; the sentence names it."""


_UNSENT = (DeliveryState.PENDING, DeliveryState.RETRYING, DeliveryState.HELD)
_KEPT = endpoints.c.removed_at.is_(None)


def add_endpoint(tx: Session, endpoint: Endpoint, *, now: datetime) -> None:
    """Store an endpoint; one of the same id is overwritten, and one that was removed is there again."""
    if find_endpoint(tx, endpoint.endpoint_id) == endpoint:
        return
    _overwrite(tx, endpoints, {**convert.endpoint_to_columns(endpoint), "removed_at": None}, added_at=now)
    bump_config_version(tx)


def keep_endpoint(tx: Session, endpoint: Endpoint, *, now: datetime) -> Endpoint:
    """Store an endpoint unless its address is told already: that one keeps its secret and its record."""
    known = endpoint_at(tx, endpoint.kind, endpoint.address)
    if known is None:
        add_endpoint(tx, endpoint, now=now)
    return known or endpoint


def endpoint_at(tx: Session, kind: EndpointKind, address: str) -> Endpoint | None:
    """The endpoint that tells this address; the first by endpoint_id if there are several."""
    query = select(endpoints).where(_KEPT, endpoints.c.kind == kind, endpoints.c.address == address)
    row = tx.execute(query.order_by(endpoints.c.endpoint_id).limit(1)).mappings().first()
    return convert.endpoint_from_row(row) if row else None


def all_endpoints(tx: Session) -> list[Endpoint]:
    """Every endpoint that is not removed, disabled or not, by endpoint_id."""
    rows = tx.execute(select(endpoints).where(_KEPT).order_by(endpoints.c.endpoint_id)).mappings()
    return [convert.endpoint_from_row(row) for row in rows]


def find_endpoint(tx: Session, endpoint_id: EndpointId) -> Endpoint | None:
    row = tx.execute(select(endpoints).where(_KEPT, endpoints.c.endpoint_id == endpoint_id)).mappings().first()
    return convert.endpoint_from_row(row) if row else None


def remove_endpoint(tx: Session, endpoint_id: EndpointId, *, now: datetime) -> bool:
    """Tell an endpoint nothing any more and cancel what it is owed; what it was told stays on record.

    False: no such endpoint. Raises InUseError while a subscription tells it.
    """
    telling = [one.subscription_id for one in all_subscriptions(tx) if endpoint_id in one.endpoints]
    if telling:
        raise InUseError(
            f"Subscription {telling[0]} tells endpoint {endpoint_id}; name another endpoint there, or remove it first."
        )
    owed = (deliveries.c.endpoint_id == endpoint_id, deliveries.c.state.in_(_UNSENT))
    tx.execute(update(deliveries).where(*owed).values(state=DeliveryState.CANCELLED, finished_at=now))
    gone = {"removed_at": now, "disabled_at": now, "disabled_reason": "removed"}
    return _switch(tx, update(endpoints).where(_KEPT, endpoints.c.endpoint_id == endpoint_id).values(gone))


def disable_endpoint(tx: Session, endpoint_id: EndpointId, reason: str, *, now: datetime) -> bool:
    """Stop telling an endpoint; what it is owed waits. False: no such endpoint, or disabled already."""
    found = (endpoints.c.endpoint_id == endpoint_id, endpoints.c.disabled_at.is_(None))
    return _switch(tx, update(endpoints).where(*found).values(disabled_at=now, disabled_reason=reason))


def enable_endpoint(tx: Session, endpoint_id: EndpointId, *, now: datetime) -> bool:
    """Tell an endpoint again, first what it is owed since. False: no such endpoint, or not disabled."""
    _ = now
    found = (_KEPT, endpoints.c.endpoint_id == endpoint_id, endpoints.c.disabled_at.is_not(None))
    well = {"disabled_at": None, "disabled_reason": "", "failing_since_at": None}
    return _switch(tx, update(endpoints).where(*found).values(well))


def failing_endpoints(tx: Session, *, before: datetime) -> list[Endpoint]:
    """The endpoints that have failed and never succeeded since a time, and are not disabled yet."""
    found = (endpoints.c.failing_since_at <= before, endpoints.c.disabled_at.is_(None))
    rows = tx.execute(select(endpoints).where(*found).order_by(endpoints.c.endpoint_id)).mappings()
    return [convert.endpoint_from_row(row) for row in rows]


def companions(tx: Session, endpoint_id: EndpointId) -> list[Endpoint]:
    """The mailboxes that share a subscription with an endpoint: who reads them owns both."""
    named = [subscription for subscription in all_subscriptions(tx) if endpoint_id in subscription.endpoints]
    shared = {name for subscription in named for name in subscription.endpoints} - {endpoint_id}
    return [
        endpoint
        for endpoint in all_endpoints(tx)
        if endpoint.endpoint_id in shared and endpoint.kind is EndpointKind.EMAIL and endpoint.disabled_at is None
    ]


def rotate_secret(tx: Session, endpoint_id: EndpointId, secret: str, *, now: datetime, overlap: timedelta) -> bool:
    """Sign with a new secret, and for `overlap` with the one it replaces. False: no such endpoint."""
    changes = {"secret": secret, "old_secret": endpoints.c.secret, "old_secret_until_at": now + overlap}
    return _switch(tx, update(endpoints).where(_KEPT, endpoints.c.endpoint_id == endpoint_id).values(changes))


def unsubscribe(tx: Session, subscription_id: SubscriptionId, endpoint_id: EndpointId, *, now: datetime) -> bool:
    """Take an endpoint out of a subscription for good and cancel what it is owed for it; the last one removes it.

    A file that names the endpoint again does not bring it back. Safe to repeat. False: it was not told for it.
    """
    subscription = find_subscription(tx, subscription_id)
    refusal = {"subscription_id": subscription_id, "endpoint_id": endpoint_id, "refused_at": now}
    if subscription is None or endpoint_id not in subscription.endpoints:
        return False
    insert_new(tx, refusals, [refusal])
    theirs = select(matches.c.match_id).where(matches.c.subscription_id == subscription_id)
    owed = (
        or_(deliveries.c.match_id.in_(theirs), deliveries.c.subscription_id == subscription_id),
        deliveries.c.endpoint_id == endpoint_id,
        deliveries.c.state.in_(_UNSENT),
    )
    tx.execute(update(deliveries).where(*owed).values(state=DeliveryState.CANCELLED, finished_at=now))
    others = [name for name in subscription.endpoints if name != endpoint_id]
    if not others:
        return remove_subscription(tx, subscription_id, now=now)
    named = subscriptions.c.subscription_id == subscription_id
    return _switch(tx, update(subscriptions).where(named).values(endpoints=others))


def used_ids(tx: Session) -> tuple[set[str], set[str]]:
    """The ids of subscriptions and of endpoints that are there or were: a removed one keeps what it was told."""
    found = (select(column) for column in (subscriptions.c.subscription_id, endpoints.c.endpoint_id))
    theirs, told = (set(tx.execute(query).scalars()) for query in found)
    return theirs, told


def refused_endpoints(tx: Session, subscription_id: SubscriptionId) -> set[EndpointId]:
    """The endpoints that were unsubscribed by whoever reads them."""
    found = select(refusals.c.endpoint_id).where(refusals.c.subscription_id == subscription_id)
    return {EndpointId(name) for name in tx.execute(found).scalars()}


def forget_refusal(tx: Session, subscription_id: SubscriptionId, endpoint_id: EndpointId) -> None:
    """Let an endpoint be told again: whoever reads it asked for that."""
    named = (refusals.c.subscription_id == subscription_id, refusals.c.endpoint_id == endpoint_id)
    tx.execute(delete(refusals).where(*named))


def add_subscription(tx: Session, subscription: Subscription, *, now: datetime) -> None:
    """Store a subscription; one of the same id is overwritten. Raises StoreError for an endpoint that is not there."""
    missing = set(subscription.endpoints) - {endpoint.endpoint_id for endpoint in all_endpoints(tx)}
    if missing:
        raise StoreError(
            f"Subscription {subscription.subscription_id} names endpoint {min(missing)}, which is not there; "
            "add the endpoint first."
        )
    if find_subscription(tx, subscription.subscription_id) == subscription:
        return
    columns = {**convert.subscription_to_columns(subscription), "removed_at": None, "changed_at": now}
    _overwrite(tx, subscriptions, columns, added_at=now)
    bump_config_version(tx)


def all_subscriptions(tx: Session) -> list[Subscription]:
    """Every subscription that is not removed, enabled or not, by subscription_id."""
    query = select(subscriptions).where(subscriptions.c.removed_at.is_(None))
    rows = tx.execute(query.order_by(subscriptions.c.subscription_id)).mappings()
    return [convert.subscription_from_row(row) for row in rows]


def find_twin(tx: Session, subscription: Subscription) -> Subscription | None:
    """Another subscription that asks for the same, when and where, under whatever name: it would tell all twice."""
    for other in all_subscriptions(tx):
        named = replace(other, subscription_id=subscription.subscription_id, name=subscription.name, mutes=())
        if other.subscription_id != subscription.subscription_id and named == replace(subscription, mutes=()):
            return other
    return None


def find_subscription(tx: Session, subscription_id: SubscriptionId) -> Subscription | None:
    found = (subscriptions.c.subscription_id == subscription_id, subscriptions.c.removed_at.is_(None))
    row = tx.execute(select(subscriptions).where(*found)).mappings().first()
    return convert.subscription_from_row(row) if row else None


def remove_subscription(tx: Session, subscription_id: SubscriptionId, *, now: datetime) -> bool:
    """Remove a subscription and cancel what is still owed for it. False: no such subscription."""
    found = (subscriptions.c.subscription_id == subscription_id, subscriptions.c.removed_at.is_(None))
    theirs = select(matches.c.match_id).where(matches.c.subscription_id == subscription_id)
    owed = (
        or_(deliveries.c.match_id.in_(theirs), deliveries.c.subscription_id == subscription_id),
        deliveries.c.state.in_(_UNSENT),
    )
    tx.execute(update(deliveries).where(*owed).values(state=DeliveryState.CANCELLED, finished_at=now))
    return _switch(tx, update(subscriptions).where(*found).values(removed_at=now))


def set_subscription_enabled(tx: Session, subscription_id: SubscriptionId, enabled: bool, *, now: datetime) -> bool:
    """Let a subscription match or rest; what is owed is still told. False: no such subscription."""
    found = (
        subscriptions.c.subscription_id == subscription_id,
        subscriptions.c.removed_at.is_(None),
        subscriptions.c.is_enabled.is_not(enabled),
    )
    if _switch(tx, update(subscriptions).where(*found).values(is_enabled=enabled, changed_at=now)):
        return True
    return find_subscription(tx, subscription_id) is not None


def _overwrite(tx: Session, table: Any, columns: dict[str, Any], *, added_at: datetime) -> None:
    key = [column.name for column in table.primary_key]
    statement = insert_into(tx, table).values({**columns, "added_at": added_at})
    changes = {name: statement.excluded[name] for name in columns if name not in key}
    tx.execute(statement.on_conflict_do_update(index_elements=key, set_=changes))


def _switch(tx: Session, statement: Any) -> bool:
    changed = bool(change(tx, statement))
    if changed:
        bump_config_version(tx)
    return changed
