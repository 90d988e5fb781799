"""What we asked of hubs, and what came of it: one subscription a source."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from core.values import SourceId
from core.websub import HubOffer, HubSubscription
from store.sql import change, insert_into
from store.tables import websub


def find_hub_subscription(tx: Session, subscription_id: str) -> HubSubscription | None:
    return _read(tx, websub.c.subscription_id == subscription_id)


def hub_subscription_of(tx: Session, source_id: SourceId) -> HubSubscription | None:
    return _read(tx, websub.c.source_id == source_id)


def hub_subscriptions(tx: Session) -> dict[SourceId, HubSubscription]:
    """All of them, by source."""
    rows = tx.execute(select(websub)).mappings()
    return {SourceId(row["source_id"]): HubSubscription(**row) for row in rows}


def live_hub_subscriptions(tx: Session, *, now: datetime) -> list[HubSubscription]:
    """Those whose lease lasts, by source."""
    query = select(websub).where(websub.c.lease_until > now).order_by(websub.c.source_id)
    return [HubSubscription(**row) for row in tx.execute(query).mappings()]


def ending_hub_subscriptions(tx: Session, *, now: datetime, within: timedelta) -> list[HubSubscription]:
    """Those whose lease ends within a time or is still to be verified, by source."""
    soon = websub.c.lease_until.is_(None) | (websub.c.lease_until <= now + within)
    query = select(websub).where(soon).order_by(websub.c.source_id)
    return [HubSubscription(**row) for row in tx.execute(query).mappings()]


def note_asking(
    tx: Session, source_id: SourceId, offer: HubOffer, *, subscription_id: str, secret: str, now: datetime
) -> HubSubscription:
    """Note that a hub is about to be asked for a source.

    A renewal keeps id, secret and lease, so that pushes on their way stay genuine; another hub or topic starts afresh
    with those given.
    """
    known = hub_subscription_of(tx, source_id)
    if known is not None and (known.hub, known.topic) == (offer.hub, offer.topic):
        tx.execute(update(websub).where(websub.c.source_id == source_id).values(asked_at=now, error=""))
        return HubSubscription(**{**_fields(known), "asked_at": now, "error": ""})
    tx.execute(delete(websub).where(websub.c.source_id == source_id))
    fresh = HubSubscription(
        subscription_id=subscription_id,
        source_id=source_id,
        hub=offer.hub,
        topic=offer.topic,
        secret=secret,
        asked_at=now,
    )
    tx.execute(insert_into(tx, websub), [_fields(fresh)])
    return fresh


def note_lease(tx: Session, subscription_id: str, lease_until: datetime) -> bool:
    return _change(tx, subscription_id, lease_until=lease_until, error="")


def note_push(tx: Session, subscription_id: str, *, now: datetime) -> bool:
    return _change(tx, subscription_id, pushed_at=now)


def note_refusal(tx: Session, subscription_id: str, error: str) -> bool:
    """Note that the hub said no; what it granted before is over."""
    return _change(tx, subscription_id, lease_until=None, error=error[:500])


def _change(tx: Session, subscription_id: str, **values: Any) -> bool:
    return bool(change(tx, update(websub).where(websub.c.subscription_id == subscription_id).values(values)))


def _read(tx: Session, condition: Any) -> HubSubscription | None:
    row = tx.execute(select(websub).where(condition)).mappings().first()
    return HubSubscription(**row) if row is not None else None


def _fields(subscription: HubSubscription) -> dict[str, Any]:
    return {name: getattr(subscription, name) for name in subscription.__slots__}
