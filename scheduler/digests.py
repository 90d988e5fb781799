"""Releases what was held: one by one, or as one digest of a subscription for an endpoint. One transaction a batch."""

import secrets
from collections.abc import Callable
from datetime import datetime

from core.digests import begin_period, build_digest
from core.query import Field, parse_query, wanted_terms
from core.timing import needs_digest
from core.values import Delivery, DeliveryId, DeliveryState, EventType, FilmId, Hold, Subscription, SubscriptionId
from store.deliveries import add_deliveries
from store.digests import bundle_held, due_held, known_subscription, read_coverage, release_held
from store.engine import Session, Store

_GROUPS = 50


def release_due(store: Store, now: Callable[[], datetime]) -> int:
    """Release a batch of what is held and due; return how many deliveries. Safe to repeat."""
    with store.read() as tx:
        if not due_held(tx, now=now(), limit=1):
            return 0
    with store.write() as tx:
        moment = now()
        groups = due_held(tx, now=moment, limit=_GROUPS)
        for (subscription_id, _), held in groups.items():
            _release(tx, _find(tx, subscription_id), held, moment)
        return sum(map(len, groups.values()))


def _release(tx: Session, subscription: Subscription, held: list[Delivery], now: datetime) -> None:
    names = [delivery.delivery_id for delivery in held]
    if not needs_digest(subscription.timing, [delivery.hold for delivery in held]):
        release_held(tx, names, now=now)
        return
    digest = _make_digest(tx, subscription, held, now)
    add_deliveries(tx, [(None, digest)])
    bundle_held(tx, names, digest.delivery_id, now=now)


def _make_digest(tx: Session, subscription: Subscription, held: list[Delivery], now: datetime) -> Delivery:
    since = begin_period(subscription, at=now, first_at=min(delivery.created_at for delivery in held))
    payload = build_digest(
        at=now,
        since=since,
        subscription=subscription,
        hold=held[0].hold or Hold.DIGEST,
        alerts=[delivery.payload for delivery in held],
        coverage=read_coverage(tx, _films(subscription), since=since, until=now),
    )
    return Delivery(
        delivery_id=DeliveryId(f"msg_{secrets.token_hex(16)}"),
        endpoint=held[0].endpoint,
        event=EventType.DIGEST,
        story_id=None,
        payload=payload,
        state=DeliveryState.PENDING,
        attempt_count=0,
        created_at=now,
        next_attempt_at=now,
        subscription_id=subscription.subscription_id,
    )


def _films(subscription: Subscription) -> list[FilmId]:
    terms = wanted_terms(parse_query(subscription.query)) if subscription.query else ()
    return [*subscription.films, *(FilmId(term.value) for term in terms if term.field is Field.FILM)]


def _find(tx: Session, subscription_id: SubscriptionId) -> Subscription:
    found = known_subscription(tx, subscription_id)
    if found is None:
        raise LookupError(f"what is held names subscription {subscription_id}, which was never there")
    return found
