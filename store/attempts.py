"""Attempts: what came of each try, stored many at a time, and what it says of the delivery and its endpoint."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from sqlalchemy import bindparam, null, select, update
from sqlalchemy.orm import Session

from core.values import Attempt, Delivered, DeliveryId, DeliveryState, EndpointId, EndpointKind, Retry
from store import convert
from store.sql import chunks, run_many
from store.tables import attempts, deliveries, endpoints

FINAL_STATES = (
    DeliveryState.DELIVERED,
    DeliveryState.UNDELIVERABLE,
    DeliveryState.CANCELLED,
    DeliveryState.BUNDLED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """An attempt, and what becomes of its delivery: the next state, and when it is tried again (None: never)."""

    attempt: Attempt
    state: DeliveryState
    next_attempt_at: datetime | None = None


def record_attempt(tx: Session, attempt: Attempt, *, state: DeliveryState, next_attempt_at: datetime | None) -> None:
    """Store one attempt, as `record_attempts` does."""
    record_attempts(tx, [Settled(attempt=attempt, state=state, next_attempt_at=next_attempt_at)])


def record_attempts(tx: Session, settled: Sequence[Settled]) -> None:
    """Store attempts, in this order, with the next states of their deliveries, and give up the leases.

    A repeat changes nothing, nor does the attempt of a delivery that is no more. An attempt that a slow sender
    reports under a number that is taken gets the next one; what was delivered stays delivered.
    """
    for some in chunks(settled):
        _record_some(tx, some)


def _record_some(tx: Session, settled: Sequence[Settled]) -> None:
    known = _Known.read(tx, {one.attempt.delivery_id for one in settled})
    fresh = [(one, number) for one in settled if (number := known.number(one.attempt)) is not None]
    if not fresh:
        return
    rows = [{**convert.attempt_to_columns(one.attempt), "number": number} for one, number in fresh]
    run_many(tx, _INSERT, rows)
    _move_on(tx, fresh)
    _note_health(tx, [(known.owners[one.attempt.delivery_id], one.attempt) for one, _ in fresh])


_INSERT = attempts.insert()


@dataclass(frozen=True, slots=True)
class _Known:
    """Whose the deliveries are, and the attempts that are stored of each: its number by when it began."""

    owners: dict[DeliveryId, EndpointId]
    started: dict[DeliveryId, dict[datetime, int]]

    @classmethod
    def read(cls, tx: Session, names: Collection[DeliveryId]) -> Self:
        """Lock the deliveries in their order, so that two who lock the same never wait for each other."""
        owners: dict[DeliveryId, EndpointId] = {}
        started: dict[DeliveryId, dict[datetime, int]] = {}
        connection = tx.connection()
        for name, endpoint_id in connection.execute(_OWNERS, {"names": list(names)}):
            owners[name] = endpoint_id
            started[name] = {}
        for name, number, started_at in connection.execute(_ATTEMPTS, {"names": list(names)}):
            started[name][started_at] = number
        return cls(owners, started)

    def number(self, attempt: Attempt) -> int | None:
        """Number an attempt and remember it; None when it is stored already, or its delivery is no more."""
        theirs = self.started.get(attempt.delivery_id)
        if theirs is None or attempt.started_at in theirs:
            return None
        taken = theirs.values()
        theirs[attempt.started_at] = number = attempt.number if attempt.number not in taken else max(taken) + 1
        return number


_OWNERS = (
    select(deliveries.c.delivery_id, deliveries.c.endpoint_id)
    .where(deliveries.c.delivery_id.in_(bindparam("names", expanding=True)))
    .order_by(deliveries.c.delivery_id)
    .with_for_update()
)
_ATTEMPTS = select(attempts.c.delivery_id, attempts.c.number, attempts.c.started_at).where(
    attempts.c.delivery_id.in_(bindparam("names", expanding=True))
)


def _move_on(tx: Session, fresh: Sequence[tuple[Settled, int]]) -> None:
    last = {one.attempt.delivery_id: (one, number) for one, number in fresh}
    over = [_columns(one, number) for one, number in last.values() if one.next_attempt_at is None]
    again = [
        {**_columns(one, number), "due_at": one.next_attempt_at}
        for one, number in last.values()
        if one.next_attempt_at is not None
    ]
    run_many(tx, _END, over)
    run_many(tx, _PUT_OFF, again)


def _columns(settled: Settled, number: int) -> dict[str, Any]:
    ended_at = settled.attempt.started_at + settled.attempt.duration
    return {
        "name": settled.attempt.delivery_id,
        "new_state": settled.state,
        "number": number,
        "ended_at": ended_at if settled.state in FINAL_STATES else None,
        "but_not": DeliveryState.DELIVERED,
    }


_END = (
    update(deliveries)
    .where(deliveries.c.delivery_id == bindparam("name"), deliveries.c.state != bindparam("but_not"))
    .values(
        state=bindparam("new_state"),
        attempt_count=bindparam("number"),
        finished_at=bindparam("ended_at"),
        leased_until=null(),
    )
)
_PUT_OFF = _END.values(next_attempt_at=bindparam("due_at"))


def _note_health(tx: Session, tried: Iterable[tuple[EndpointId, Attempt]]) -> None:
    """Keep since when endpoints fail. A mailbox does not fail by the moods of our own mail server."""
    well: set[EndpointId] = set()
    failing: dict[EndpointId, datetime] = {}
    for name, attempt in tried:
        if isinstance(attempt.outcome, Delivered):
            well.add(name)
            failing.pop(name, None)
        elif isinstance(attempt.outcome, Retry):
            failing.setdefault(name, attempt.started_at)
    if well:
        tx.connection().execute(_MARK_WELL, {"names": list(well)})
    for name, since in failing.items():
        tx.connection().execute(_MARK_FAILING, {"name": name, "since": since})


_HOOKS = endpoints.c.kind != EndpointKind.EMAIL
_MARK_WELL = (
    update(endpoints)
    .where(
        endpoints.c.endpoint_id.in_(bindparam("names", expanding=True)),
        _HOOKS,
        endpoints.c.failing_since_at.is_not(None),
    )
    .values(failing_since_at=None)
)
_MARK_FAILING = (
    update(endpoints)
    .where(endpoints.c.endpoint_id == bindparam("name"), _HOOKS, endpoints.c.failing_since_at.is_(None))
    .values(failing_since_at=bindparam("since"))
)
