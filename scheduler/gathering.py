"""What came of visits to sources, stored many at a time: a transaction each would cost more than the visit."""

import asyncio
import logging
import secrets
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from core.health import find_alarm, say_alarm
from core.values import (
    Delivery,
    DeliveryId,
    DeliveryState,
    Endpoint,
    EventType,
    Fetch,
    ParsedEntry,
    Source,
    SourceId,
    SourceState,
)
from core.webhooks import build_source_payload
from store.deliveries import add_deliveries
from store.engine import Session, Store, StoreError
from store.intake import sort_out, take_in
from store.sources import Turn, add_source_event, record_fetches
from store.subscriptions import add_endpoint

logger = logging.getLogger(__name__)

# So much waits in memory at most, and keeps other writers waiting; more in one transaction would save little.
_MOST_VISITS = 50
_MOST_ENTRIES = 500
# So long a visit waits for others to be stored with. A transaction costs as much as twenty visits without news.
_COMPANY_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One visit: the exchange, the entries it brought, and the source's state before and after."""

    source: Source
    before: SourceState
    after: SourceState
    fetch: Fetch
    entries: tuple[ParsedEntry, ...] = ()


@dataclass(slots=True)
class VisitBook:
    """Stores visits soon after they end, those together that end together."""

    store: Store
    now: Callable[[], datetime]
    operator: Endpoint | None = None
    _waiting: deque[tuple[Visit, asyncio.Future[int]]] = field(default_factory=deque)
    _waiting_entries: int = 0
    _is_storing: bool = False
    _is_full: asyncio.Event | None = None

    async def keep(self, visit: Visit) -> int:
        """Store a visit; the count of its new entries. Raises what the store raises, for this visit alone."""
        stored: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((visit, stored))
        self._waiting_entries += len(visit.entries)
        if self._is_full is not None and self._is_enough():
            self._is_full.set()
        if not self._is_storing:
            await self._store_waiting()
        return await stored

    async def _store_waiting(self) -> None:
        self._is_storing = True
        try:
            while self._waiting:
                await self._wait_for_company()
                await self._store_batch(self._take_batch())
        finally:
            self._is_storing = False

    async def _wait_for_company(self) -> None:
        if self._is_enough():
            return
        self._is_full = asyncio.Event()
        with suppress(TimeoutError):
            async with asyncio.timeout(_COMPANY_SECONDS):
                await self._is_full.wait()

    def _is_enough(self) -> bool:
        return len(self._waiting) >= _MOST_VISITS or self._waiting_entries >= _MOST_ENTRIES

    def _take_batch(self) -> list[tuple[Visit, asyncio.Future[int]]]:
        """Take from the front until it is enough for a transaction."""
        batch: list[tuple[Visit, asyncio.Future[int]]] = []
        count = 0
        while self._waiting and len(batch) < _MOST_VISITS and count < _MOST_ENTRIES:
            batch.append(self._waiting.popleft())
            count += len(batch[-1][0].entries)
        self._waiting_entries -= count
        return batch

    async def _store_batch(self, batch: Sequence[tuple[Visit, asyncio.Future[int]]]) -> None:
        """Store all in one transaction, or each alone when that fails: one bad row must not cost the others."""
        try:
            counts = await asyncio.to_thread(self._write, [visit for visit, _ in batch])
        except StoreError as error:
            if len(batch) > 1:
                for one in batch:
                    await self._store_batch([one])
                return
            _fail(batch[0][1], error)
            return
        except BaseException:  # cancelled, or a fault of ours: nobody waits for an answer that never comes
            for _, stored in batch:
                stored.cancel()
            raise
        for (_, stored), count in zip(batch, counts, strict=True):
            if not stored.done():
                stored.set_result(count)

    def _write(self, visits: Sequence[Visit]) -> list[int]:
        at = self.now()
        with self.store.write() as tx:
            parcels = [
                parcel for visit in visits for parcel in sort_out(visit.source, visit.before, visit.entries, now=at)
            ]
            counts = Counter[SourceId]()
            for parcel, count in zip(parcels, take_in(tx, parcels, now=at), strict=True):
                counts[parcel.source.source_id] += count
            turns = [Turn(visit.fetch, visit.before, visit.after, counts[visit.source.source_id]) for visit in visits]
            record_fetches(tx, turns)
            for visit in visits:
                self._note_alarm(tx, visit)
        return [counts[visit.source.source_id] for visit in visits]

    def _note_alarm(self, tx: Session, visit: Visit) -> None:
        """Keep that a source broke or came back, and owe it to the operator's endpoint if there is one."""
        event = find_alarm(visit.before, visit.after)
        if event is None:
            return
        at = self.now()
        message = say_alarm(event, visit.source, visit.before, visit.after, now=at)
        add_source_event(tx, visit.source.source_id, event, message, at=at)
        self._owe_operator(tx, event, visit, message, at)

    def _owe_operator(self, tx: Session, event: EventType, visit: Visit, message: str, at: datetime) -> None:
        if self.operator is None:
            return
        add_endpoint(tx, self.operator, now=at)
        payload = build_source_payload(event=event, at=at, source=visit.source, state=visit.after, message=message)
        add_deliveries(tx, [(None, owe_notice(self.operator, event, payload, now=at))])


def owe_notice(endpoint: Endpoint, event: EventType, payload: str, *, now: datetime) -> Delivery:
    """Return a delivery that no match caused."""
    return Delivery(
        delivery_id=DeliveryId(f"msg_{secrets.token_hex(16)}"),
        endpoint=endpoint,
        event=event,
        story_id=None,
        payload=payload,
        state=DeliveryState.PENDING,
        attempt_count=0,
        created_at=now,
        next_attempt_at=now,
    )


def _fail(stored: asyncio.Future[int], error: StoreError) -> None:
    if not stored.done():
        stored.set_exception(error)
