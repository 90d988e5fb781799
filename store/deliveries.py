"""Deliveries: the queue of what is owed to endpoints, its claims and its attempts."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, exists, func, or_, select, update
from sqlalchemy.orm import Session

from core.values import (
    Delivery,
    DeliveryId,
    DeliveryState,
    Endpoint,
    EndpointId,
    EventType,
    MatchId,
)
from core.webhooks import build_test_payload
from store import convert
from store.attempts import FINAL_STATES, Settled, record_attempt, record_attempts
from store.claims import UNCLAIMED, Claim, claim_deliveries, give_back, state_before_sending
from store.delivery_views import delivery_detail, latest_deliveries
from store.sql import change, count_up, insert_new
from store.tables import deliveries, endpoints, entries, matches, refusals, sources, subscriptions

__all__ = [
    "Claim",
    "Settled",
    "add_deliveries",
    "add_tests",
    "claim_deliveries",
    "delivery_counts",
    "delivery_detail",
    "endpoint_of",
    "give_back",
    "latest_deliveries",
    "next_due_at",
    "record_attempt",
    "record_attempts",
    "release_leases",
    "replay",
    "requeue",
]

LAST_SEQ = "last_delivery_seq"


def add_deliveries(tx: Session, owed: Sequence[tuple[MatchId | None, Delivery]]) -> int:
    """Owe deliveries, in this order; one per match and endpoint, and per delivery_id. Returns how many are new."""
    if not owed:
        return 0
    # The counter is held until this transaction ends: who reads `seq` 7 will never see a 6 appear.
    first = count_up(tx, LAST_SEQ, by=len(owed)) - len(owed) + 1
    rows = [
        {
            **convert.delivery_to_columns(delivery),
            "seq": first + place,
            "match_id": match_id,
            "finished_at": delivery.created_at if delivery.state in FINAL_STATES else None,
        }
        for place, (match_id, delivery) in enumerate(owed)
    ]
    new_count = insert_new(tx, deliveries, rows)
    if not new_count:
        count_up(tx, LAST_SEQ, by=-len(owed))
    return new_count


def add_tests(tx: Session, told: Sequence[Endpoint], *, now: datetime) -> list[DeliveryId]:
    """Owe each endpoint a test alert; a running service sends them at once."""
    owed = [
        Delivery(
            delivery_id=DeliveryId(f"msg_{secrets.token_hex(16)}"),
            endpoint=endpoint,
            event=EventType.TEST,
            story_id=None,
            payload=build_test_payload(at=now, endpoint=endpoint),
            state=DeliveryState.PENDING,
            attempt_count=0,
            created_at=now,
            next_attempt_at=now,
        )
        for endpoint in told
    ]
    add_deliveries(tx, [(None, delivery) for delivery in owed])
    return [delivery.delivery_id for delivery in owed]


def _select_due(*columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .join(endpoints, endpoints.c.endpoint_id == deliveries.c.endpoint_id)
        .where(
            deliveries.c.finished_at.is_(None),
            deliveries.c.state.not_in(UNCLAIMED),
            endpoints.c.disabled_at.is_(None),
        )
    )


def endpoint_of(tx: Session, delivery_id: DeliveryId) -> Endpoint | None:
    """Whom a delivery is for; None when it is no more."""
    found = select(endpoints).join(deliveries, deliveries.c.endpoint_id == endpoints.c.endpoint_id)
    row = tx.execute(found.where(deliveries.c.delivery_id == delivery_id)).mappings().first()
    return convert.endpoint_from_row(row) if row else None


def next_due_at(tx: Session) -> datetime | None:
    """When the next delivery can be claimed; None when nothing is owed."""
    ready_at = func.coalesce(deliveries.c.leased_until, deliveries.c.next_attempt_at)
    row = tx.execute(_select_due(ready_at.label("ready_at")).order_by(ready_at).limit(1)).first()
    return row.ready_at if row else None


def release_leases(tx: Session) -> None:
    """Give back every claim of sources, pages and deliveries. Only for a lone process that starts after a crash."""
    tx.execute(update(sources).where(sources.c.leased_until.is_not(None)).values(leased_until=None))
    held = entries.c.text_leased_until.is_not(None)
    tx.execute(update(entries).where(entries.c.edited_at.is_(None), held).values(text_leased_until=None))
    sending = deliveries.c.state == DeliveryState.SENDING
    again = {"state": state_before_sending(), "leased_until": None}
    tx.execute(update(deliveries).where(sending).values(again))


def requeue(tx: Session, delivery_id: DeliveryId, *, now: datetime) -> bool:
    """Owe a delivery again that is not on its way, with all retries before it. False: no such one, or on its way."""
    return bool(_owe_again(tx, deliveries.c.delivery_id == delivery_id, now=now))


def replay(
    tx: Session,
    *,
    now: datetime,
    endpoint_id: EndpointId | None = None,
    since: datetime | None = None,
    only_missing: bool = False,
) -> int:
    """Owe again what was made for an endpoint (default: all) since a time (default: ever), in its first order.

    Shape: `only_missing` leaves out what was delivered. Returns how many are due again. What is on its way or waits
    for its turn is left alone, and so is what was cancelled because its subscription was removed.
    """
    finished = (DeliveryState.UNDELIVERABLE, *(() if only_missing else (DeliveryState.DELIVERED,)))
    wanted = [or_(deliveries.c.state.in_(finished), _is_missed())]
    if endpoint_id is not None:
        wanted.append(deliveries.c.endpoint_id == endpoint_id)
    if since is not None:
        wanted.append(deliveries.c.created_at >= since)
    return _owe_again(tx, *wanted, now=now)


def _is_missed() -> Any:
    """What was never owed because the endpoint was disabled, for a subscription that still names it."""
    removed = (
        select(matches.c.match_id)
        .join(subscriptions, subscriptions.c.subscription_id == matches.c.subscription_id)
        .where(subscriptions.c.removed_at.is_not(None))
    )
    refused = exists().where(
        matches.c.match_id == deliveries.c.match_id,
        refusals.c.subscription_id == matches.c.subscription_id,
        refusals.c.endpoint_id == deliveries.c.endpoint_id,
    )
    return and_(
        deliveries.c.state == DeliveryState.CANCELLED,
        deliveries.c.state_reason.not_like("muted:%"),
        deliveries.c.state_reason.not_like("withdrawn:%"),
        deliveries.c.match_id.is_not(None),
        deliveries.c.match_id.not_in(removed),
        ~refused,
    )


def _owe_again(tx: Session, *conditions: Any, now: datetime) -> int:
    again = {
        "state": DeliveryState.PENDING,
        "next_attempt_at": now,
        "leased_until": None,
        "finished_at": None,
        "given_up_count": deliveries.c.attempt_count,
    }
    resting = deliveries.c.state != DeliveryState.SENDING
    removed = select(endpoints.c.endpoint_id).where(endpoints.c.removed_at.is_not(None))
    kept = deliveries.c.endpoint_id.not_in(removed)
    return change(tx, update(deliveries).where(*conditions, resting, kept).values(again))


def delivery_counts(tx: Session) -> dict[DeliveryState, int]:
    """How many deliveries are in each state; every state is there."""
    rows = tx.execute(select(deliveries.c.state, func.count()).group_by(deliveries.c.state))
    return dict.fromkeys(DeliveryState, 0) | {row[0]: row[1] for row in rows}
