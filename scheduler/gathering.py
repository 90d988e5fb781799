"""What came of visits to sources, stored many at a time: a transaction each would cost more than the visit."""

import asyncio
import logging
import secrets
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from core.habits import is_flood
from core.health import find_alarm, say_alarm
from core.storms import FEWEST, find_republished, text_key
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
from store.entries import Haul, add_hauls, known_texts, leave_known
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


@dataclass(frozen=True, slots=True)
class Parcel:
    """Entries of one visit that are treated alike: `is_first` makes all of them backlog."""

    source: Source
    entries: Sequence[ParsedEntry]
    is_first: bool


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
            parcels = [parcel for visit in visits for parcel in _sort_out(visit, now=at)]
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


def _sort_out(visit: Visit, *, now: datetime) -> Iterator[Parcel]:
    """Tell news from what was there before; in a flood dates do, and what bears none is not believed to be news."""
    if not visit.entries:
        return
    is_first = visit.before.first_contact_at is None
    if is_first or not is_flood(visit.before, len(visit.entries), now=now):
        yield Parcel(visit.source, visit.entries, is_first)
        return
    dated = tuple(entry for entry in visit.entries if entry.published_at)
    undated = tuple(entry for entry in visit.entries if not entry.published_at)
    words = f"{len(visit.entries)} entries were new at once: an archive, or all ids have changed; "
    words += f"{len(undated)} of them bear no date and alert nobody"
    logger.warning("source %s: %s", visit.source.source_id, words)
    yield Parcel(visit.source, dated, is_first=False)
    yield Parcel(visit.source, undated, is_first=True)


def take_in(tx: Session, parcels: Sequence[Parcel], *, now: datetime) -> list[int]:
    """Store what is new in each parcel and say how much; a first contact and an archive that comes again are backlog.

    No two parcels of a source may hold the same entry.
    """
    fresh = leave_known(tx, [(parcel.source.source_id, parcel.entries) for parcel in parcels], now=now)
    old_guids = _find_republished(tx, parcels, fresh)
    hauls = [
        Haul(source=parcel.source, items=items, is_backlog=parcel.is_first, old_guids=old)
        for parcel, items, old in zip(parcels, fresh, old_guids, strict=True)
    ]
    add_hauls(tx, hauls, now=now)
    return [len(items) for items in fresh]


def _find_republished(
    tx: Session, parcels: Sequence[Parcel], fresh: Sequence[Sequence[ParsedEntry]]
) -> list[dict[str, str]]:
    """Find in each parcel what its publisher published before, by guid, and why that is thought."""
    keys = [
        {} if parcel.is_first or len(items) < FEWEST else _text_keys(parcel.source, items)
        for parcel, items in zip(parcels, fresh, strict=True)
    ]
    known = known_texts(tx, {key for some in keys for key in some.values() if key})
    found = [find_republished(some, known) for some in keys]
    for parcel, old in zip(parcels, found, strict=True):
        if old:
            name = parcel.source.source_id
            logger.warning("source %s published %s old texts again; they alert nobody", name, len(old))
    return found


def _text_keys(source: Source, items: Sequence[ParsedEntry]) -> dict[str, str | None]:
    return {item.guid: text_key(source.publisher.slug, item.title, item.summary) for item in items}


def _fail(stored: asyncio.Future[int], error: StoreError) -> None:
    if not stored.done():
        stored.set_exception(error)
