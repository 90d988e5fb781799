"""One refresh of a setwire database by the jobs of the service, the desk left out; prints what it cost as JSON.

Memory is settled as the service does when it has started.
With a database alone it only creates its tables, so that a refresh's memory is that of refreshing.
"""

import asyncio
import json
import resource
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from core.editing import Windows
from core.values import Publisher, PublisherSlug, Source, SourceId, SourceKind
from crawler.fetch import FetchSettings, Gateway
from crawler.runner import CrawlSettings
from notifier.senders import Notifier
from notifier.smtp import FolderSender, MailSettings
from notifier.webhook import WebhookSender, WebhookSettings
from scheduler.desk import Desk, Models
from scheduler.embedded import EmbeddedDispatcher
from scheduler.jobs import Jobs, Pace
from scheduler.memory import settle_memory, share_pools
from store.engine import Store, migrate, open_store
from store.entries import gathered_since
from store.housekeeping import Retention
from store.sources import sync_sources

_DAY = timedelta(days=1)
_INTERVAL = timedelta(hours=1)
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def make_source(number: int, port: int) -> Source:
    """Name a feed of the loopback server; each has an address, hence a host, of its own."""
    return Source(
        source_id=SourceId(f"feed-{number}"),
        publisher=Publisher(slug=PublisherSlug(f"outlet-{number}"), name=f"Outlet {number}"),
        kind=SourceKind.FEED,
        url=f"http://127.{1 + number // 62500}.{number // 250 % 250}.{1 + number % 250}:{port}/feeds/{number}.xml",
        interval=_INTERVAL,
    )


@asynccontextmanager
async def open_jobs(
    store: Store, settings: FetchSettings, *, now: Callable[[], datetime], default: timedelta = _INTERVAL
) -> AsyncIterator[Jobs]:
    """Compose the jobs as the service does, so far as gathering needs them."""
    async with (
        Gateway(settings=settings) as gateway,
        WebhookSender(WebhookSettings(allow_private_hosts=frozenset(), user_agent="bench")) as webhook,
    ):
        words = MailSettings(from_address="bench@example.org", base_url="http://127.0.0.1")
        yield Jobs(
            store=store,
            gateway=gateway,
            crawl=CrawlSettings(),
            notifier=Notifier(webhook=webhook, mail=FolderSender(Path("mail"), words)),
            desk=Desk(
                store,
                models=Models(stories=None, tags=None),
                windows=Windows(),
                text_patience=_DAY,
                base_url="http://127.0.0.1",
            ),
            retention=Retention(entries=_DAY, articles=_DAY, fetches=_DAY, deliveries=_DAY, attempts=_DAY),
            pace=Pace(
                floor=timedelta(seconds=1),
                default=default,
                gathering=settings.total,
                telling=1,
                delivery_lease=timedelta(minutes=1),
            ),
            now=now,
        )


async def _refresh(store: Store, count: int, connections: int) -> None:
    """Poll until every source was asked.

    The clock stands two hours on with each run: all are due, and none has been silent for so long that it is told.
    """
    with store.read() as tx:
        rounds = gathered_since(tx, _LONG_AGO).fetches // count
    shift = _INTERVAL * 2 * rounds
    hosts = frozenset(make_source(number, 0).url.split("/")[2].split(":")[0] for number in range(count))
    settings = FetchSettings(allow_private_hosts=hosts, total=connections, deadline=timedelta(seconds=60))
    async with open_jobs(store, settings, now=lambda: datetime.now(UTC) + shift) as jobs:
        done = 0

        async def gather(**args: Any) -> None:
            nonlocal done
            await jobs.gather(**args)
            done += 1

        dispatcher = EmbeddedDispatcher({**jobs.handlers(), "gather": gather, "edit": rest}, report=report)
        jobs.dispatcher = dispatcher
        while done < count:
            dispatcher.enqueue("poll", unique="poll", lock="poll")
            await asyncio.sleep(0.1)
        await dispatcher.stop(grace=timedelta(seconds=5))


async def rest() -> None:
    """Stand in for the desk, which is not measured here."""


def report(task: str, error: Exception) -> None:
    raise SystemExit(f"{task} failed: {error}")


def main() -> None:
    url = f"sqlite:///{sys.argv[1]}"
    if len(sys.argv) == 2:
        migrate(url)
        return
    port, count, connections = map(int, sys.argv[2:])
    share_pools()
    store = open_store(url)
    with store.write() as tx:
        sync_sources(tx, [make_source(number, port) for number in range(count)], now=datetime.now(UTC))
    settle_memory()
    before, started = time.process_time(), time.monotonic()
    asyncio.run(_refresh(store, count, connections))
    refresh, took = time.process_time() - before, time.monotonic() - started
    usage = resource.getrusage(resource.RUSAGE_SELF)
    with store.read() as tx:
        gathered = gathered_since(tx, _LONG_AGO)
    print(
        json.dumps(
            {
                "refresh_cpu": refresh,
                "process_cpu": usage.ru_utime + usage.ru_stime,
                "seconds": took,
                "peak_mb": usage.ru_maxrss / 1024,
                "entries": gathered.entries,
                "failed": gathered.failed_fetches,
            }
        )
    )


if __name__ == "__main__":
    main()
