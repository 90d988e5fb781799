"""The jobs of the line: load what is owed, act, decide, save. Each is safe to repeat and knows no other."""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from core.health import find_alarm
from core.parsing.entries import AskKnown, know_none
from core.retry import next_attempt_at
from core.sources import advance_state, lane_of_source
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
    EntryId,
    GiveUp,
    Outcome,
    ParsedPage,
    Retry,
    Source,
    SourceId,
    SourceKind,
    SourceState,
)
from crawler.feeds import Gathered, gather_feed
from crawler.fetch import Gateway
from crawler.rests import RestBook
from crawler.runner import CrawlSettings, fetch_articles, run_spider
from notifier.gate import Gate
from notifier.senders import Notifier
from scheduler.cataloguing import Cataloguer
from scheduler.desk import Desk
from scheduler.digests import release_due
from scheduler.dispatch import Dispatcher
from scheduler.gathering import Visit, VisitBook
from scheduler.hubs import Hubs
from scheduler.journal import Journal
from scheduler.lanes import Lanes
from scheduler.outcomes import OutcomeBook
from store.deliveries import Claim, Settled, claim_deliveries, give_back
from store.engine import Store
from store.entries import owed_texts, record_text, settled_guids
from store.housekeeping import Retention, purge
from store.sources import defer_sources, due_sources
from store.subscriptions import failing_endpoints

logger = logging.getLogger(__name__)

_GATHER_LEASE = timedelta(minutes=10)
# So many sources wait for one host or service at most, so that a long queue does not keep all others waiting.
_LANE_LENGTH = 20
_LANE_STEP = timedelta(seconds=6)
_REST_STEP = timedelta(seconds=1)
_PAGES_PER_CRAWL = 20
_PURGE_LIMIT = 5000
_MAX_LANES = 1000
_MAIL_LANES = 8
_CLAIMED_TOGETHER = 640
# Standard Webhooks 1.0.0, "Deliverability and reliability": disable after failing for days, and tell the owner.
_PATIENCE = timedelta(days=5)

Now = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often and how wide the operator lets us work. Durations; counts of what runs at once."""

    floor: timedelta
    default: timedelta
    gathering: int
    telling: int
    delivery_lease: timedelta


@dataclass(slots=True, kw_only=True)
class Jobs:
    """The handlers the dispatcher runs, with what they were handed at the composition root."""

    store: Store
    gateway: Gateway
    crawl: CrawlSettings
    notifier: Notifier
    desk: Desk
    retention: Retention
    pace: Pace
    now: Now
    operator: Endpoint | None = None
    gate: Gate = field(default_factory=Gate)
    journal: Journal | None = None
    hubs: Hubs | None = None
    cataloguer: Cataloguer | None = None
    dispatcher: Dispatcher = field(init=False)
    _lanes: dict[tuple[EndpointKind, ...], Lanes] = field(init=False)
    _last_told: dict[tuple[EndpointKind, ...], EndpointId] = field(default_factory=dict)
    _gathering: int = 0
    _more_are_due: bool = False
    _host_lanes: Counter[str] = field(default_factory=Counter)
    _rests: RestBook = field(init=False)
    _book: VisitBook = field(init=False)
    _outcomes: OutcomeBook = field(init=False)

    def __post_init__(self) -> None:
        # Mails go through one connection, one after the other: more of them claimed at once would only grow old.
        posted = tuple(kind for kind in EndpointKind if kind is not EndpointKind.EMAIL)
        self._lanes = {
            posted: Lanes(room=self.pace.telling * 4, most=_MAX_LANES),
            (EndpointKind.EMAIL,): Lanes(room=_MAIL_LANES, most=_MAIL_LANES),
        }
        self._rests = RestBook(self.crawl.fetch.shared_folder)
        self._book = VisitBook(self.store, self.now, self.operator)
        self._outcomes = OutcomeBook(self.store, self.now, lambda: self.operator, self.journal)

    def handlers(self) -> dict[str, Callable[..., Awaitable[None]]]:
        return {
            "poll": self.poll,
            "gather": self.gather,
            "read_pages": self.read_pages,
            "edit": self.edit,
            "tell": self.tell,
            "send": self.send,
            "digest": self.digest,
            "housekeep": self.housekeep,
            "renew_hubs": self.renew_hubs,
            "sync_films": self.sync_films,
        }

    def recover(self) -> None:
        """Store what a process that died knew of its sends and had not stored."""
        count = self._outcomes.recover()
        if count:
            logger.info("stored %s outcomes that the journal had kept", count)

    async def poll(self) -> None:
        """Claim the sources that are due and ask for each to be gathered, one at a time per host."""
        free = self._count_free()
        if not free:
            return
        claimed_at = time.monotonic()
        claimed, is_all = await asyncio.to_thread(self._claim_sources, free)
        self._gathering += len(claimed)
        self._more_are_due = not is_all
        for source, state, lane in claimed:
            self._host_lanes[lane] += 1
            args = {"source": source, "state": state, "lane": lane, "claimed_at": claimed_at}
            self.dispatcher.enqueue("gather", args, lock=lane)

    async def gather(self, source: Source, state: SourceState, lane: str, claimed_at: float) -> None:
        """Ask one source and store what came of it; wake the desk when it brought something.

        One whose lease ran out while it queued for its host is left to the next claim; one whose host has asked for
        rest meanwhile is put off.
        """
        try:
            if rest := self._rests.end_of(lane, now=self.now()):
                await asyncio.to_thread(self._put_off, source.source_id, rest)
            elif time.monotonic() - claimed_at < _GATHER_LEASE.total_seconds() / 2:
                await self._visit(source, state, lane)
        finally:
            self._gathering -= 1
            self._leave(lane)
        if self._more_are_due and self._count_free():
            self.dispatcher.enqueue("poll", unique="poll", lock="poll")

    def _count_free(self) -> int:
        """How many more sources may be claimed; 0 until it is worth a claim."""
        free = self.pace.gathering * 2 - self._gathering
        return free if free >= max(self.pace.gathering // 2, 1) else 0

    def _leave(self, lane: str) -> None:
        self._host_lanes[lane] -= 1
        if not self._host_lanes[lane]:
            del self._host_lanes[lane]

    def _put_off(self, source_id: SourceId, until: datetime) -> None:
        with self.store.write() as tx:
            defer_sources(tx, [(source_id, until)])

    async def _visit(self, source: Source, state: SourceState, lane: str) -> None:
        gathered = await self._ask(source, state)
        if retry_after := gathered.fetch.pace.retry_after:
            hear = partial(self._rests.hear, lane, gathered.fetch.status, retry_after, now=self.now())
            await asyncio.to_thread(hear)
        after = advance_state(
            source,
            state,
            gathered.fetch,
            now=self.now(),
            floor=self.pace.floor,
            default=self.pace.default,
            jitter=random.random(),  # noqa: S311 it spreads requests, it guards nothing
            fresh=gathered.entries,
        )
        if self.hubs is not None:
            after = replace(after, next_check_at=self.hubs.calm(source.source_id, after.next_check_at))
        visit = Visit(source=source, before=state, after=after, fetch=gathered.fetch, entries=gathered.entries)
        added = await self._book.keep(visit)
        if find_alarm(state, after):
            self.dispatcher.enqueue("tell", unique="tell", lock="tell")
        _log_turn(state, after)
        if self.hubs is not None and gathered.hub is not None:
            await self.hubs.attend(source.source_id, gathered.hub)
        if added:
            self.dispatcher.enqueue("edit", unique="edit", lock="edit")
            if source.full_text:
                self.dispatcher.enqueue("read_pages", unique="read_pages", lock="read_pages")

    async def read_pages(self) -> None:
        """Fetch the pages of entries whose source asks for full text; one that fails flows on without."""
        owed = await asyncio.to_thread(self._claim_pages)
        if not owed:
            return
        selectors = {entry_id: source.page for entry_id, _, source in owed if source.page}
        urls = [(entry_id, url) for entry_id, url, _ in owed]
        pages = await fetch_articles(urls, settings=self.crawl, selectors=selectors)
        await asyncio.to_thread(self._keep_pages, [entry_id for entry_id, _, _ in owed], pages)
        self.dispatcher.enqueue("edit", unique="edit", lock="edit")
        self.dispatcher.enqueue("read_pages", unique="read_pages", lock="read_pages")

    async def edit(self) -> None:
        """Run the desk until nothing is pending. Its lock makes it the only one."""
        while await asyncio.to_thread(self.desk.edit_batch, self.now):
            self.dispatcher.enqueue("tell", unique="tell", lock="tell")

    async def tell(self, kinds: tuple[EndpointKind, ...] | None = None) -> None:
        """Claim what is owed, endpoint by endpoint in turn, and ask for each endpoint to be told.

        `kinds` are those of one set of lanes; all are asked for without.
        """
        for those, lanes in self._lanes.items():
            if kinds in (None, those):
                await self._claim_for(those, lanes)

    async def _claim_for(self, kinds: tuple[EndpointKind, ...], lanes: Lanes) -> None:
        while (free := lanes.count_free(time.monotonic())) > 0:
            claimed_at = time.monotonic()
            claims = await asyncio.to_thread(self._claim_deliveries, kinds, free)
            for claim in claims:
                lanes.move(claim.endpoint.endpoint_id, claimed_at)
                self.dispatcher.enqueue("send", {"claim": claim, "claimed_at": claimed_at}, lock=_lock_of(claim))
            if len(claims) < free:
                break

    async def send(self, claim: Claim, claimed_at: float) -> None:
        """Tell one endpoint what was claimed for it, one after the other until one fails; give the rest back."""
        kinds, lanes = self._lanes_of(claim.endpoint.kind)
        unsent = list(claim.deliveries)
        stored: set[asyncio.Future[None]] = set()
        ends_at = claimed_at + self.pace.delivery_lease.total_seconds() / 2
        try:
            while unsent and (moment := time.monotonic()) < ends_at:
                lanes.move(claim.endpoint.endpoint_id, moment)
                outcome, kept = await self._attempt(unsent.pop(0))
                stored.add(kept)
                if not isinstance(outcome, Delivered | GiveUp):
                    break
            await _wait_for(stored)
            if unsent:
                await asyncio.to_thread(self._give_back, claim, [delivery.delivery_id for delivery in unsent])
        finally:
            lanes.close(claim.endpoint.endpoint_id)
        self.dispatcher.enqueue("tell", {"kinds": kinds}, unique=f"tell:{kinds[0]}", lock="tell")

    async def digest(self) -> None:
        """Release what was held until now: one by one, or together as a digest."""
        while await asyncio.to_thread(release_due, self.store, self.now):
            self.dispatcher.enqueue("tell", unique="tell", lock="tell")

    async def housekeep(self) -> None:
        """Disable endpoints that only fail, and delete what the retention rules no longer keep."""
        await asyncio.to_thread(self._disable_failing)
        deleted = await asyncio.to_thread(self._purge)
        if any(deleted.values()):
            logger.info("housekeeping deleted %s", ", ".join(f"{n} {what}" for what, n in deleted.items() if n))

    async def renew_hubs(self) -> None:
        """Renew what hubs have lent us before it ends."""
        if self.hubs is not None:
            await self.hubs.renew()

    async def sync_films(self) -> None:
        """Bring the catalogue in step with whoever is due."""
        if self.cataloguer is not None:
            await self.cataloguer.sync_due()

    async def _ask(self, source: Source, state: SourceState) -> Gathered:
        if source.kind is SourceKind.FEED:
            known = self._ask_known(source, state)
            return await gather_feed(source, state, gateway=self.gateway, now=self.now, known=known)
        return await run_spider(source, settings=self.crawl, now=self.now)

    async def _attempt(self, delivery: Delivery) -> tuple[Outcome, asyncio.Future[None]]:
        """Make one attempt. When this returns, what came of it outlives the process; the future says it is stored."""
        try:
            started_at, clock = self.now(), time.monotonic()
            outcome = await self.notifier.send(delivery, now=started_at)
            attempt = Attempt(
                delivery_id=delivery.delivery_id,
                number=delivery.attempt_count + 1,
                started_at=started_at,
                duration=timedelta(seconds=time.monotonic() - clock),
                outcome=outcome,
            )
            tries = attempt.number - delivery.given_up_count
            state, due_at = settle(outcome, attempt_count=tries, now=self.now(), jitter=random.random())  # noqa: S311
            kept = self._outcomes.keep(Settled(attempt=attempt, state=state, next_attempt_at=due_at))
            if not kept.is_safe:
                await _wait_for({kept.stored})
        finally:
            self.gate.leave(delivery.delivery_id)
        return outcome, kept.stored

    def _claim_sources(self, limit: int) -> tuple[list[tuple[Source, SourceState, str]], bool]:
        """Claim what is due, and say whether that was all. What would crowd its lane is put off instead."""
        now = self.now()
        rests = self._rests.look(now=now)
        with self.store.write() as tx:
            claimed = due_sources(tx, now=now, limit=limit, lease=_GATHER_LEASE)
            lanes = self._host_lanes.copy()
            taken: list[tuple[Source, SourceState, str]] = []
            later: list[tuple[SourceId, datetime]] = []
            for source, state in claimed:
                lane = lane_of_source(source, state)
                lanes[lane] += 1
                if rest := rests.get(lane):
                    later.append((source.source_id, rest + _REST_STEP * lanes[lane]))
                elif lanes[lane] <= _LANE_LENGTH:
                    taken.append((source, state, lane))
                else:
                    later.append((source.source_id, now + _LANE_STEP * (lanes[lane] - _LANE_LENGTH)))
            defer_sources(tx, later)
        return taken, len(claimed) < limit

    def _ask_known(self, source: Source, state: SourceState) -> AskKnown:
        return know_none if state.first_contact_at is None else partial(self._find_settled, source.source_id)

    def _find_settled(self, source_id: SourceId, guids: Sequence[str]) -> set[str]:
        with self.store.read() as tx:
            return settled_guids(tx, source_id, guids, now=self.now())

    def _claim_pages(self) -> list[tuple[EntryId, str, Source]]:
        with self.store.write() as tx:
            return owed_texts(tx, now=self.now(), limit=_PAGES_PER_CRAWL, lease=self.crawl.deadline * 2)

    def _keep_pages(self, entry_ids: list[EntryId], pages: dict[EntryId, ParsedPage | str]) -> None:
        with self.store.write() as tx:
            for entry_id in entry_ids:
                page = pages.get(entry_id)
                record_text(tx, entry_id, page if isinstance(page, ParsedPage) else None, now=self.now())

    def _lanes_of(self, kind: EndpointKind) -> tuple[tuple[EndpointKind, ...], Lanes]:
        return next((kinds, lanes) for kinds, lanes in self._lanes.items() if kind in kinds)

    def _claim_deliveries(self, kinds: tuple[EndpointKind, ...], limit: int) -> list[Claim]:
        lease, after = self.pace.delivery_lease, self._last_told.get(kinds)
        # Mails leave one after the other: more of them claimed at once would only grow old.
        together = 0 if kinds == (EndpointKind.EMAIL,) else _CLAIMED_TOGETHER
        with self.store.write() as tx:
            claims = claim_deliveries(
                tx, now=self.now(), limit=limit, lease=lease, together=together, kinds=kinds, after=after
            )
        if claims:
            self._last_told[kinds] = claims[-1].endpoint.endpoint_id
        return claims

    def _give_back(self, claim: Claim, unsent: list[DeliveryId]) -> None:
        with self.store.write() as tx:
            give_back(tx, unsent, leased_until=claim.leased_until)

    def _disable_failing(self) -> None:
        with self.store.write() as tx:
            for endpoint in failing_endpoints(tx, before=self.now() - _PATIENCE):
                self._outcomes.disable(tx, endpoint, f"It has only failed for {_PATIENCE.days} days.")

    def _purge(self) -> dict[str, int]:
        with self.store.write() as tx:
            return purge(tx, now=self.now(), retention=self.retention, limit=_PURGE_LIMIT)


async def _wait_for(stored: set[asyncio.Future[None]]) -> None:
    """Wait until all is stored, and raise what went wrong; others wait for the same, so it is cancelled for nobody."""
    if stored:
        done, _ = await asyncio.wait(stored)
        for one in done:
            one.result()


def _lock_of(claim: Claim) -> str:
    is_mail = claim.endpoint.kind is EndpointKind.EMAIL
    return "mail" if is_mail else f"endpoint:{claim.endpoint.endpoint_id}"


def _log_turn(before: SourceState, after: SourceState) -> None:
    """Log when a source that worked breaks, and when it is back; the status page has all the rest."""
    if before.first_contact_at and after.failing_since_at and not before.failing_since_at:
        logger.warning("source %s broke: %s", after.source_id, after.last_error)
    if before.failing_since_at and not after.failing_since_at:
        logger.info("source %s answers again", after.source_id)


def settle(
    outcome: Outcome, *, attempt_count: int, now: datetime, jitter: float
) -> tuple[DeliveryState, datetime | None]:
    """Return what becomes of a delivery after an attempt, and when it is tried again (None: never)."""
    match outcome:
        case Delivered():
            return DeliveryState.DELIVERED, None
        case Retry(after=after):
            due_at = next_attempt_at(attempt_count=attempt_count, now=now, retry_after=after, jitter=jitter)
            return (DeliveryState.RETRYING if due_at else DeliveryState.UNDELIVERABLE), due_at
        case GiveUp() | EndpointGone():
            return DeliveryState.UNDELIVERABLE, None
