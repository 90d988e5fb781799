"""Deliveries: the queue of what is owed to endpoints, its claims and its attempts."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, case, exists, func, literal, or_, select, update
from sqlalchemy.orm import Session

from core.values import (
    Attempt,
    Delivered,
    Delivery,
    DeliveryId,
    DeliveryState,
    Endpoint,
    EndpointGone,
    EndpointId,
    EndpointKind,
    GiveUp,
    MatchId,
    Retry,
)
from store import convert
from store.delivery_views import delivery_detail, latest_deliveries
from store.sql import change, chosen_once, count_up, insert_into
from store.tables import attempts, deliveries, endpoints, entries, matches, refusals, sources, subscriptions

__all__ = [
    "Claim",
    "add_deliveries",
    "claim_deliveries",
    "delivery_counts",
    "delivery_detail",
    "give_back",
    "latest_deliveries",
    "next_due_at",
    "record_attempt",
    "release_leases",
    "replay",
    "requeue",
]

LAST_SEQ = "last_delivery_seq"
_LOOK_AHEAD = 256
FINAL_STATES = (
    DeliveryState.DELIVERED,
    DeliveryState.UNDELIVERABLE,
    DeliveryState.CANCELLED,
    DeliveryState.BUNDLED,
)
UNCLAIMED = (DeliveryState.HELD, *FINAL_STATES)  # "not in" keeps the planner on the index of what is due


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
    statement = insert_into(tx, deliveries).on_conflict_do_nothing().returning(deliveries.c.delivery_id)
    new_count = len(tx.execute(statement, rows).all())
    if not new_count:
        count_up(tx, LAST_SEQ, by=-len(owed))
    return new_count


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one endpoint is told next, in the order of `seq`; nobody else serves the endpoint until `leased_until`."""

    endpoint: Endpoint
    deliveries: tuple[Delivery, ...]
    leased_until: datetime


def claim_deliveries(
    tx: Session,
    *,
    now: datetime,
    limit: int,
    lease: timedelta,
    each: int = 8,
    kinds: Collection[EndpointKind] = tuple(EndpointKind),
    after: EndpointId | None = None,
) -> list[Claim]:
    """Claim what is due to at most `limit` endpoints of these kinds that nobody serves, `each` deliveries of one.

    Shape: endpoints come in turn, from the one behind `after` on, so that each gets its turn however much another is
    owed. An endpoint that fails is claimed one delivery at a time, a disabled one not at all. A claim whose lease ran
    out is due again.
    """
    claims: list[Claim] = []
    if not _is_any_due(tx, now):
        return claims
    until = now + lease
    for endpoint in _endpoints_in_turn(tx, now=now, kinds=kinds, after=after):
        taken = _take_due(tx, endpoint, now=now, until=until, count=1 if endpoint.failing_since_at else each)
        if taken:
            claims.append(Claim(endpoint=endpoint, deliveries=taken, leased_until=until))
        if len(claims) >= limit:
            break
    return claims


def _is_any_due(tx: Session, now: datetime) -> bool:
    due = select(deliveries.c.delivery_id).where(*_due_conditions(now)).limit(1)
    return tx.execute(due).first() is not None


def _due_conditions(now: datetime) -> tuple[Any, ...]:
    return (
        deliveries.c.finished_at.is_(None),
        deliveries.c.state.not_in(UNCLAIMED),
        deliveries.c.next_attempt_at <= now,
        or_(deliveries.c.leased_until.is_(None), deliveries.c.leased_until <= now),
    )


def _endpoints_in_turn(
    tx: Session, *, now: datetime, kinds: Collection[EndpointKind], after: EndpointId | None
) -> Iterator[Endpoint]:
    """Go once around the endpoints that are owed something due and that nobody serves."""
    last, has_turned = after or EndpointId(""), after is None
    while True:
        names = _owed_names(tx, after=last)
        if has_turned and after is not None:
            names = [name for name in names if name <= after]
        yield from _lock_free(tx, names, now=now, kinds=kinds)
        if len(names) == _LOOK_AHEAD:
            last = names[-1]
        elif has_turned:
            return
        else:
            last, has_turned = EndpointId(""), True


def _owed_names(tx: Session, *, after: EndpointId) -> list[EndpointId]:
    """The next endpoints in the index of what is owed, jumping from name to name: one that is owed a million
    deliveries costs no more than one that is owed a single one.
    """
    first = select(func.min(deliveries.c.endpoint_id).label("endpoint_id"), literal(1).label("place")).where(
        deliveries.c.finished_at.is_(None), deliveries.c.endpoint_id > after
    )
    walk = first.cte("walk", recursive=True)
    further = deliveries.alias("further")
    step = select(
        select(func.min(further.c.endpoint_id))
        .where(further.c.finished_at.is_(None), further.c.endpoint_id > walk.c.endpoint_id)
        .scalar_subquery(),
        walk.c.place + 1,
    ).where(walk.c.endpoint_id.is_not(None), walk.c.place < _LOOK_AHEAD)
    walk = walk.union_all(step)
    found = select(walk.c.endpoint_id).where(walk.c.endpoint_id.is_not(None)).order_by(walk.c.place)
    return [EndpointId(name) for name in tx.execute(found).scalars()]


def _lock_free(
    tx: Session, names: Sequence[EndpointId], *, now: datetime, kinds: Collection[EndpointKind]
) -> Iterator[Endpoint]:
    due = exists().where(deliveries.c.endpoint_id == endpoints.c.endpoint_id, *_due_conditions(now))
    found = (
        select(endpoints)
        .where(endpoints.c.endpoint_id.in_(names), endpoints.c.disabled_at.is_(None), endpoints.c.kind.in_(kinds), due)
        .order_by(endpoints.c.endpoint_id)
        .with_for_update(skip_locked=True, key_share=True, of=endpoints)
    )
    for row in tx.execute(found).mappings().all() if names else ():
        yield convert.endpoint_from_row(row)


def _take_due(tx: Session, endpoint: Endpoint, *, now: datetime, until: datetime, count: int) -> tuple[Delivery, ...]:
    # Asked only now that the endpoint's row is ours: whoever served it before has committed its claim.
    served = exists().where(
        deliveries.c.endpoint_id == endpoint.endpoint_id,
        deliveries.c.finished_at.is_(None),
        deliveries.c.leased_until > now,
    )
    theirs = (deliveries.c.endpoint_id == endpoint.endpoint_id, *_due_conditions(now))
    due = select(deliveries.c.delivery_id).where(*theirs).order_by(deliveries.c.seq).limit(count)
    if tx.execute(select(served)).scalar():
        return ()
    claim = (
        update(deliveries)
        .where(deliveries.c.delivery_id.in_(chosen_once(due.with_for_update(skip_locked=True))))
        .values(state=DeliveryState.SENDING, leased_until=until)
        .returning(deliveries)
    )
    rows = sorted(tx.execute(claim).mappings().all(), key=lambda row: int(row["seq"]))
    return tuple(convert.delivery_from_row(row, endpoint) for row in rows)


def give_back(tx: Session, unsent: Collection[DeliveryId], *, leased_until: datetime) -> None:
    """Give up a claim on what was not tried; a claim that somebody else has made since stays."""
    ours = (
        deliveries.c.delivery_id.in_(unsent),
        deliveries.c.state == DeliveryState.SENDING,
        deliveries.c.leased_until == leased_until,
    )
    tx.execute(update(deliveries).where(*ours).values(state=_state_before_sending(), leased_until=None))


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
    _note_health(tx, attempt)


def _note_health(tx: Session, attempt: Attempt) -> None:
    """Keep since when the endpoint fails. A mailbox does not fail by the moods of our own mail server."""
    theirs = select(deliveries.c.endpoint_id).where(deliveries.c.delivery_id == attempt.delivery_id).scalar_subquery()
    named = (endpoints.c.endpoint_id == theirs, endpoints.c.kind != EndpointKind.EMAIL)
    match attempt.outcome:
        case Delivered():
            failing = (*named, endpoints.c.failing_since_at.is_not(None))
            tx.execute(update(endpoints).where(*failing).values(failing_since_at=None))
        case Retry():
            well = (*named, endpoints.c.failing_since_at.is_(None))
            tx.execute(update(endpoints).where(*well).values(failing_since_at=attempt.started_at))
        case GiveUp() | EndpointGone():
            return


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
    return change(tx, update(deliveries).where(*conditions, resting).values(again))


def delivery_counts(tx: Session) -> dict[DeliveryState, int]:
    """How many deliveries are in each state; every state is there."""
    rows = tx.execute(select(deliveries.c.state, func.count()).group_by(deliveries.c.state))
    return dict.fromkeys(DeliveryState, 0) | {row[0]: row[1] for row in rows}
