"""Claims of deliveries: who is told next, and until when nobody else tells it. What came of it is not known here.

The statements are built once: to build them costs more than to run them.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, case, exists, func, literal, or_, select, update
from sqlalchemy.orm import Session

from core.values import Delivery, DeliveryId, DeliveryState, Endpoint, EndpointId, EndpointKind
from store import convert
from store.attempts import FINAL_STATES
from store.columns import UTC_DATE_TIME
from store.sql import chosen_once
from store.tables import deliveries, endpoints

_LOOK_AHEAD = 256
_MAX_SEQ = 2**62
UNCLAIMED = (DeliveryState.HELD, *FINAL_STATES)  # "not in" keeps the planner on the index of what is due


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
    together: int = 0,
    kinds: Collection[EndpointKind] = tuple(EndpointKind),
    after: EndpointId | None = None,
) -> list[Claim]:
    """Claim what is due to at most `limit` endpoints of these kinds that nobody serves, `each` deliveries of one.

    Shape: endpoints come in turn, from the one behind `after` on, so that each gets its turn however much another is
    owed. Where few endpoints are owed something, more than `each` are claimed of one, up to `together` of all. An
    endpoint that fails is claimed one delivery at a time, a disabled one not at all. A claim whose lease ran out is
    due again.
    """
    if _run(tx, _ANY_DUE, now=now).first() is None:
        return []
    until = now + lease
    claims: list[Claim] = []
    for some in _endpoints_in_turn(tx, now=now, kinds=kinds, after=after):
        found = some[: limit - len(claims)]
        taken = _take_due(tx, found, now=now, until=until, each=max(each, together // max(len(found), 1)))
        claims += [
            Claim(endpoint=endpoint, deliveries=taken[endpoint.endpoint_id], leased_until=until)
            for endpoint in found
            if endpoint.endpoint_id in taken
        ]
        if len(claims) >= limit:
            break
    return claims


def _run(tx: Session, statement: Any, **values: Any) -> Any:
    return tx.connection().execute(statement, values)


def _due_conditions(table: Any = deliveries) -> tuple[Any, ...]:
    now = bindparam("now", type_=UTC_DATE_TIME)
    return (
        table.c.finished_at.is_(None),
        table.c.state.not_in(UNCLAIMED),
        table.c.next_attempt_at <= now,
        or_(table.c.leased_until.is_(None), table.c.leased_until <= now),
    )


_ANY_DUE = select(deliveries.c.delivery_id).where(*_due_conditions()).limit(1)


def _endpoints_in_turn(
    tx: Session, *, now: datetime, kinds: Collection[EndpointKind], after: EndpointId | None
) -> Iterator[list[Endpoint]]:
    """Go once around the endpoints that are owed something due, some at a time, and hold them."""
    last, has_turned = after or EndpointId(""), after is None
    while True:
        names = [EndpointId(name) for name in _run(tx, _OWED_NAMES, after=last).scalars()]
        if has_turned and after is not None:
            names = [name for name in names if name <= after]
        if names:
            yield _lock_free(tx, names, now=now, kinds=kinds)
        if len(names) == _LOOK_AHEAD:
            last = names[-1]
        elif has_turned:
            return
        else:
            last, has_turned = EndpointId(""), True


def _select_owed_names() -> Any:
    """The next endpoints in the index of what is owed, jumping from name to name: one that is owed a million
    deliveries costs no more than one that is owed a single one.
    """
    first = select(func.min(deliveries.c.endpoint_id).label("endpoint_id"), literal(1).label("place")).where(
        deliveries.c.finished_at.is_(None), deliveries.c.endpoint_id > bindparam("after")
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
    return select(walk.c.endpoint_id).where(walk.c.endpoint_id.is_not(None)).order_by(walk.c.place)


_OWED_NAMES = _select_owed_names()


def _lock_free(
    tx: Session, names: Sequence[EndpointId], *, now: datetime, kinds: Collection[EndpointKind]
) -> list[Endpoint]:
    rows = _run(tx, _DUE_ENDPOINTS, names=names, kinds=list(kinds), now=now).mappings().all()
    if not rows:
        return []
    # Asked only now that the endpoints' rows are ours: whoever served one before has committed its claim.
    served = set(_run(tx, _SERVED, names=[row["endpoint_id"] for row in rows], now=now).scalars())
    return [convert.endpoint_from_row(row) for row in rows if row["endpoint_id"] not in served]


_DUE_ENDPOINTS = (
    select(endpoints)
    .where(
        endpoints.c.endpoint_id.in_(bindparam("names", expanding=True)),
        endpoints.c.disabled_at.is_(None),
        endpoints.c.kind.in_(bindparam("kinds", expanding=True)),
        exists().where(deliveries.c.endpoint_id == endpoints.c.endpoint_id, *_due_conditions()),
    )
    .order_by(endpoints.c.endpoint_id)
    .with_for_update(skip_locked=True, key_share=True, of=endpoints)
)
_SERVED = select(deliveries.c.endpoint_id).where(
    deliveries.c.endpoint_id.in_(bindparam("names", expanding=True)),
    deliveries.c.finished_at.is_(None),
    deliveries.c.leased_until.is_not(None),
    deliveries.c.leased_until > bindparam("now", type_=UTC_DATE_TIME),
)


def _take_due(
    tx: Session, found: Sequence[Endpoint], *, now: datetime, until: datetime, each: int
) -> Mapping[EndpointId, tuple[Delivery, ...]]:
    """Lease what these endpoints are told next, in the order of `seq`: of one that fails a single delivery."""
    by_name = {endpoint.endpoint_id: endpoint for endpoint in found}
    failing = [endpoint.endpoint_id for endpoint in found if endpoint.failing_since_at]
    well = [endpoint.endpoint_id for endpoint in found if not endpoint.failing_since_at]
    taken: dict[EndpointId, list[Delivery]] = {}
    for names, count in ((well, each), (failing, 1)):
        if not names:
            continue
        rows = _run(tx, _LEASE_DUE, names=names, now=now, until=until, skipped=count - 1).mappings().all()
        for row in sorted(rows, key=lambda row: int(row["seq"])):
            endpoint = by_name[EndpointId(row["endpoint_id"])]
            taken.setdefault(endpoint.endpoint_id, []).append(convert.delivery_from_row(row, endpoint))
    return {name: tuple(theirs) for name, theirs in taken.items()}


def _update_due() -> Any:
    """Lease the first deliveries that are due to each endpoint, `skipped` and one more."""
    row = deliveries.alias("last")
    last = (
        select(row.c.seq)
        .where(row.c.endpoint_id == endpoints.c.endpoint_id, *_due_conditions(row))
        .order_by(row.c.seq)
        .limit(1)
        .offset(bindparam("skipped"))
        .scalar_subquery()
    )
    due = (
        select(deliveries.c.delivery_id)
        .join(endpoints, deliveries.c.endpoint_id == endpoints.c.endpoint_id)
        .where(endpoints.c.endpoint_id.in_(bindparam("names", expanding=True)), *_due_conditions())
        .where(deliveries.c.seq <= func.coalesce(last, _MAX_SEQ))
        .with_for_update(skip_locked=True, of=deliveries)
    )
    return (
        update(deliveries)
        .where(deliveries.c.delivery_id.in_(chosen_once(due)))
        .values(state=DeliveryState.SENDING, leased_until=bindparam("until", type_=UTC_DATE_TIME))
        .returning(*[deliveries.c[name] for name in (*convert.DELIVERY_COLUMNS, "seq")])
    )


_LEASE_DUE = _update_due()


def give_back(tx: Session, unsent: Collection[DeliveryId], *, leased_until: datetime) -> None:
    """Give up a claim on what was not tried; a claim that somebody else has made since stays."""
    ours = (
        deliveries.c.delivery_id.in_(unsent),
        deliveries.c.state == DeliveryState.SENDING,
        deliveries.c.leased_until == leased_until,
    )
    tx.execute(update(deliveries).where(*ours).values(state=state_before_sending(), leased_until=None))


def state_before_sending() -> Any:
    """The state of a delivery whose claim is given up."""
    kind = deliveries.c.state.type
    return case(
        (deliveries.c.attempt_count > 0, literal(DeliveryState.RETRYING, kind)),
        else_=literal(DeliveryState.PENDING, kind),
    )
