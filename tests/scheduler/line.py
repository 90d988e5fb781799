"""The line on a stage: invented outlets on loopback, a real store and gateway, a recording notifier, crashes."""

import asyncio
import html
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from pathlib import Path

from core.editing import Windows
from core.values import (
    Delivered,
    Delivery,
    Endpoint,
    EndpointId,
    EndpointKind,
    Film,
    FilmId,
    Outcome,
    Publisher,
    PublisherSlug,
    Source,
    SourceId,
    SourceKind,
    Subscription,
    SubscriptionId,
    Tier,
    Topic,
    TopicSlug,
)
from crawler.fetch import FetchSettings, Gateway
from crawler.runner import CrawlSettings
from notifier.senders import Notifier
from scheduler.desk import Desk, Models
from scheduler.dispatch import Args
from scheduler.jobs import Jobs, Pace
from scheduler.loopback import QuietHandler, serve_loopback
from store.deliveries import release_leases
from store.engine import Session, Store
from store.films import sync_topics, upsert_films
from store.housekeeping import Retention
from store.sources import sync_sources
from store.subscriptions import add_endpoint, add_subscription
from tests.schema import check_event

SALT = Film(film_id=FilmId("the-salt-meridian"), title="The Salt Meridian", year=2027, cast=("Tomas Vargany",))
CASTING = Topic(slug=TopicSlug("casting"), name="Casting", cues=("joins the cast",))
DAY = timedelta(days=1)


class Crash(BaseException):
    """The process dies here. No `except Exception` may survive it."""


class CrashingStore(Store):
    """A store that dies at the `dies_at`-th write: before anything is kept, or right after the commit."""

    def __init__(self, kept: Store, dies_at: int = 0, *, after_commit: bool = False) -> None:
        self._kept = kept
        self._dies_at = dies_at
        self._after_commit = after_commit
        self._writes = 0

    @contextmanager
    def read(self) -> Iterator[Session]:
        with self._kept.read() as tx:
            yield tx

    @contextmanager
    def write(self) -> Iterator[Session]:
        self._writes += 1
        is_last = self._writes == self._dies_at
        with self._kept.write() as tx:
            yield tx
            if is_last and not self._after_commit:
                raise Crash
        if is_last:
            raise Crash


@dataclass(slots=True)
class Outlets:
    """What the feeds show: headline and summary by outlet, newest last; headlines name the pages."""

    texts: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    asked: int = 0
    guid_prefix: str = ""

    def serve(self) -> AbstractContextManager[str]:
        return serve_loopback(partial(_FeedHandler, self))


class _FeedHandler(QuietHandler):
    def __init__(self, outlets: Outlets, *args: object) -> None:
        self._outlets = outlets
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self._outlets.asked += 1
        dated = format_datetime(datetime.now(UTC))
        slug = self.path.strip("/")
        items = "".join(
            f"<item><title>{html.escape(title)}</title><guid>{self._outlets.guid_prefix}{html.escape(title)}</guid>"
            f"<link>http://{slug}.example/{abs(hash(title))}</link>"
            f"<description>{html.escape(summary)}</description><pubDate>{dated}</pubDate></item>"
            for title, summary in reversed(self._outlets.texts.get(slug, []))
        )
        body = f'<rss version="2.0"><channel><title>{slug}</title>{items}</channel></rss>'.encode()
        self.answer(200, "application/rss+xml", body)


@dataclass(slots=True)
class Recorder:
    """Takes every delivery, and remembers what it was told in what order; `outcomes` come first if given."""

    told: list[Delivery] = field(default_factory=list)
    outcomes: deque[Outcome] = field(default_factory=deque)

    async def send(self, delivery: Delivery, *, now: datetime) -> Outcome:
        del now
        check_event(delivery.payload)
        self.told.append(delivery)
        return self.outcomes.popleft() if self.outcomes else Delivered(status=204)


@dataclass(slots=True)
class StepDispatcher:
    """Runs what was asked for one after the other, so that a test stops between any two steps."""

    jobs: Jobs
    waiting: deque[tuple[str, Args]] = field(default_factory=deque)

    def enqueue(
        self,
        task: str,
        args: Args | None = None,
        *,
        lock: str | None = None,
        unique: str | None = None,
        delay: timedelta | None = None,
        connection: object | None = None,
    ) -> None:
        del lock, unique, delay, connection
        if args or not any(name == task for name, _ in self.waiting):
            self.waiting.append((task, args or {}))

    async def run(self, *tasks: str) -> None:
        for task in tasks:
            self.enqueue(task)
        while self.waiting:
            name, args = self.waiting.popleft()
            await self.jobs.handlers()[name](**args)


@dataclass(slots=True)
class Clock:
    moment: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        self.moment += timedelta(milliseconds=1)
        return self.moment

    def pass_by(self, span: timedelta) -> None:
        self.moment += span


def furnish(store: Store, address: str, *outlets: str, now: datetime) -> None:
    """Store two tiers of outlets, one film, one topic and a subscription that tells a webhook and a mailbox."""
    tiers = (Tier.TRADE, Tier.FAN)
    sources = [
        Source(
            source_id=SourceId(slug),
            publisher=Publisher(slug=PublisherSlug(slug), name=slug.title(), tier=tiers[n % 2]),
            kind=SourceKind.FEED,
            url=f"{address}/{slug}",
            interval=timedelta(seconds=1),
        )
        for n, slug in enumerate(outlets)
    ]
    with store.write() as tx:
        sync_sources(tx, sources, now=now)
        upsert_films(tx, [SALT], now=now)
        sync_topics(tx, [CASTING], now=now)
        for kind, name in ((EndpointKind.WEBHOOK, "https://hook.example/"), (EndpointKind.EMAIL, "a@b.example")):
            add_endpoint(tx, Endpoint(endpoint_id=EndpointId(kind.value), kind=kind, address=name), now=now)
        add_subscription(
            tx,
            Subscription(
                subscription_id=SubscriptionId("salt"),
                name="Salt",
                films=(SALT.film_id,),
                production_only=False,
                endpoints=(EndpointId("email"), EndpointId("webhook")),
            ),
            now=now,
        )


def build_jobs(
    store: Store, gateway: Gateway, recorder: Recorder, clock: Clock, *, shared_folder: Path | None = None
) -> Jobs:
    jobs = Jobs(
        store=store,
        gateway=gateway,
        crawl=CrawlSettings(fetch=FetchSettings(shared_folder=shared_folder)),
        notifier=Notifier(webhook=recorder, mail=recorder),
        desk=Desk(
            store,
            models=Models(stories=None, tags=None),
            windows=Windows(),
            text_patience=timedelta(minutes=2),
            base_url="http://127.0.0.1:8080",
        ),
        retention=Retention(entries=DAY, articles=DAY, fetches=DAY, deliveries=DAY, attempts=DAY),
        pace=Pace(
            floor=timedelta(seconds=1),
            default=timedelta(seconds=1),
            gathering=8,
            telling=8,
            delivery_lease=timedelta(seconds=60),
        ),
        now=clock,
    )
    jobs.dispatcher = StepDispatcher(jobs)
    return jobs


def gateway() -> Gateway:
    return Gateway(settings=FetchSettings(allow_private_hosts=frozenset({"127.0.0.1"})))


def play(
    store: Store, outlets: Outlets, recorder: Recorder, clock: Clock, rounds: list[Mapping[str, list[tuple[str, str]]]]
) -> None:
    """Let the outlets publish round by round and run the whole line after each."""

    async def run() -> None:
        async with gateway() as opened:
            for texts in rounds:
                for slug, added in texts.items():
                    outlets.texts.setdefault(slug, []).extend(added)
                clock.pass_by(timedelta(seconds=5))
                await step_line(build_jobs(store, opened, recorder, clock))

    asyncio.run(run())


async def step_line(jobs: Jobs) -> None:
    assert isinstance(jobs.dispatcher, StepDispatcher)
    await jobs.dispatcher.run("poll", "edit", "tell")


def restart(store: Store) -> None:
    """What a start does first: the dead process's claims are free again."""
    with store.write() as tx:
        release_leases(tx)
