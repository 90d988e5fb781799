"""Deliveries: the queue of what is owed to endpoints, its claims and its attempts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, Select, case, func, literal, or_, select, update
from sqlalchemy.orm import Session

from core.values import (
    Attempt,
    Delivery,
    DeliveryId,
    DeliveryState,
    Endpoint,
    EndpointId,
    MatchId,
)
from store import convert
from store.delivery_views import delivery_detail, latest_deliveries
from store.sql import change, chunks, insert_into
from store.tables import attempts, deliveries, endpoints, entries, sources

__all__ = [
    "add_deliveries",
    "claim_deliveries",
    "delivery_counts",
    "delivery_detail",
    "latest_deliveries",
    "next_due_at",
    "record_attempt",
    "release_leases",
    "requeue",
]

FINAL_STATES = (DeliveryState.DELIVERED, DeliveryState.UNDELIVERABLE, DeliveryState.CANCELLED)
UNCLAIMED = (DeliveryState.HELD, *FINAL_STATES)  # "not in" keeps the planner on the index of what is due


def add_deliveries(tx: Session, owed: Sequence[tuple[MatchId | None, Delivery]]) -> int:
    """Owe deliveries; one per match and endpoint, and per delivery_id. Returns how many are new."""
    rows = [
        {
            **convert.delivery_to_columns(delivery),
            "match_id": match_id,
            "finished_at": delivery.created_at if delivery.state in FINAL_STATES else None,
        }
        for match_id, delivery in owed
    ]
    if not rows:
        return 0
    statement = insert_into(tx, deliveries).on_conflict_do_nothing().returning(deliveries.c.delivery_id)
    return len(tx.execute(statement, rows).all())


def claim_deliveries(tx: Session, *, now: datetime, limit: int, lease: timedelta) -> list[Delivery]:
    """Claim what is due, longest due first; nobody else gets it until `now + lease` or its `record_attempt`.

    A claim whose lease ran out is due again. What is owed to a disabled endpoint waits.
    """
    due = (
        _select_due(deliveries.c.delivery_id)
        .where(
            deliveries.c.next_attempt_at <= now,
            or_(deliveries.c.leased_until.is_(None), deliveries.c.leased_until <= now),
        )
        .order_by(deliveries.c.next_attempt_at, deliveries.c.created_at, deliveries.c.delivery_id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=deliveries)
    )
    claim = (
        update(deliveries)
        .where(deliveries.c.delivery_id.in_(due))
        .values(state=DeliveryState.SENDING, leased_until=now + lease)
        .returning(deliveries)
    )
    rows = sorted(tx.execute(claim).mappings().all(), key=_age)
    known = _endpoints(tx, rows)
    return [convert.delivery_from_row(row, known[row["endpoint_id"]]) for row in rows]


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


def _age(row: RowMapping) -> tuple[datetime, datetime, str]:
    return row["next_attempt_at"], row["created_at"], row["delivery_id"]


def _endpoints(tx: Session, rows: Sequence[RowMapping]) -> dict[EndpointId, Endpoint]:
    found: dict[EndpointId, Endpoint] = {}
    for names in chunks({row["endpoint_id"] for row in rows}):
        query = select(endpoints).where(endpoints.c.endpoint_id.in_(names))
        found.update(
            {EndpointId(row["endpoint_id"]): convert.endpoint_from_row(row) for row in tx.execute(query).mappings()}
        )
    return found


def next_due_at(tx: Session) -> datetime | None:
    """When the next delivery can be claimed; None when nothing is owed."""
    ready_at = func.coalesce(deliveries.c.leased_until, deliveries.c.next_attempt_at)
    row = tx.execute(_select_due(ready_at.label("ready_at")).order_by(ready_at).limit(1)).first()
    return row.ready_at if row else None


def record_attempt(tx: Session, attempt: Attempt, *, state: DeliveryState, next_attempt_at: datetime | None) -> None:
    """Store an attempt and the delivery's next state, and give up the lease.

    A repeat changes nothing. An attempt that a slow sender reports under a number that is taken gets the next one;
    what was delivered stays delivered.
    """
    number = _store_attempt(tx, attempt)
    if number is None:
        return
    ended_at = attempt.started_at + attempt.duration
    changes: dict[str, Any] = {
        "state": state,
        "attempt_count": number,
        "leased_until": None,
        "finished_at": ended_at if state in FINAL_STATES else None,
    }
    if next_attempt_at is not None:
        changes["next_attempt_at"] = next_attempt_at
    unfinished = deliveries.c.state != DeliveryState.DELIVERED
    tx.execute(update(deliveries).where(deliveries.c.delivery_id == attempt.delivery_id, unfinished).values(changes))


def _store_attempt(tx: Session, attempt: Attempt) -> int | None:
    """The number it was stored under; None when it is a repeat."""
    columns = convert.attempt_to_columns(attempt)
    theirs = attempts.c.delivery_id == attempt.delivery_id
    lock = select(deliveries.c.delivery_id).where(deliveries.c.delivery_id == attempt.delivery_id).with_for_update()
    tx.execute(lock)
    rows = tx.execute(select(attempts.c.number, attempts.c.started_at).where(theirs)).all()
    if any(row.started_at == attempt.started_at for row in rows):
        return None
    taken = {row.number for row in rows}
    number = attempt.number if attempt.number not in taken else max(taken) + 1
    tx.execute(attempts.insert().values({**columns, "number": number}))
    return number


def release_leases(tx: Session) -> None:
    """Give back every claim of sources, pages and deliveries. Only for a lone process that starts after a crash."""
    tx.execute(update(sources).where(sources.c.leased_until.is_not(None)).values(leased_until=None))
    held = entries.c.text_leased_until.is_not(None)
    tx.execute(update(entries).where(entries.c.edited_at.is_(None), held).values(text_leased_until=None))
    sending = deliveries.c.state == DeliveryState.SENDING
    again = {"state": _state_before_sending(), "leased_until": None}
    tx.execute(update(deliveries).where(sending).values(again))


def _state_before_sending() -> Any:
    kind = deliveries.c.state.type
    return case(
        (deliveries.c.attempt_count > 0, literal(DeliveryState.RETRYING, kind)),
        else_=literal(DeliveryState.PENDING, kind),
    )


def requeue(tx: Session, delivery_id: DeliveryId, *, now: datetime) -> bool:
    """Owe a delivery again that is not on its way. False: no such delivery, or it is being sent."""
    found = (deliveries.c.delivery_id == delivery_id, deliveries.c.state != DeliveryState.SENDING)
    again = {"state": DeliveryState.PENDING, "next_attempt_at": now, "leased_until": None, "finished_at": None}
    return bool(change(tx, update(deliveries).where(*found).values(again)))


def delivery_counts(tx: Session) -> dict[DeliveryState, int]:
    """How many deliveries are in each state; every state is there."""
    rows = tx.execute(select(deliveries.c.state, func.count()).group_by(deliveries.c.state))
    return dict.fromkeys(DeliveryState, 0) | {row[0]: row[1] for row in rows}
