"""The service in one process: clock, workers and web on one event loop. Composes; decides nothing."""

import asyncio
import contextlib
import fcntl
import hashlib
import importlib
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import uvicorn

from config.films import stream_films
from config.models import load_model
from config.settings import Settings
from config.sources import load_sources
from config.subscriptions import load_subscriptions
from config.topics import load_topics
from core.catalogue import Authority
from core.editing import Windows
from core.values import Endpoint, EndpointId, EndpointKind, Source, SourceState, Subscription
from core.websub import is_reachable
from crawler.catalogues import Catalogue, Tmdb, Wikidata
from crawler.fetch import FetchSettings, Gateway
from crawler.runner import CrawlSettings
from notifier.chat import ChatSender, ChatSettings
from notifier.gate import Gate
from notifier.senders import Notifier
from notifier.smtp import FolderSender, MailSettings, Security, SmtpSender, SmtpSettings
from notifier.webhook import WebhookSender, WebhookSettings
from scheduler.cataloguing import Cataloguer
from scheduler.clock import Clock
from scheduler.desk import Desk, Models
from scheduler.embedded import EmbeddedDispatcher
from scheduler.hubs import Hubs
from scheduler.jobs import Jobs, Pace
from scheduler.journal import Journal
from scheduler.memory import settle_memory, share_pools
from store.alone import alone_on
from store.deliveries import release_leases
from store.engine import Session, Store, migrate, open_store
from store.films import all_films, all_topics, count_films, sync_topics, upsert_films
from store.housekeeping import Retention
from store.links import link_key
from store.meta import set_taken_mark, taken_mark
from store.sources import all_sources, sync_sources
from store.subscriptions import (
    SECRET_OVERLAP,
    add_endpoint,
    add_subscription,
    all_endpoints,
    find_endpoint,
    find_subscription,
    refused_endpoints,
)

logger = logging.getLogger(__name__)

_GRACE = timedelta(seconds=8)
# Long enough for a receiver to put the new secret in place, at any hour of the day.


class ServiceError(Exception):
    """The service cannot start; the sentence says what is in the way and what to do."""


class Announcer(Protocol):
    """Where the service tells the operator's terminal what happens."""

    def started(self, settings: Settings, url: str, *, sources: int, films: int) -> None: ...
    def first_round(self, *, answered: int, sources: int, next_try_at: datetime) -> None: ...
    def stopped(self) -> None: ...


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _Web:
    server: uvicorn.Server
    task: asyncio.Task[None]


async def serve(settings: Settings, announcer: Announcer, *, stop: asyncio.Event | None = None) -> None:
    """Run until SIGTERM, SIGINT or `stop`. Raises ServiceError, StoreError or ConfigError when it cannot start."""
    stop = stop or asyncio.Event()
    share_pools()
    async with AsyncExitStack() as stack:
        stack.enter_context(_only_one(settings.data_dir))
        store = await asyncio.to_thread(prepare_store, settings)
        stack.callback(store.close)
        stack.enter_context(alone_on(settings.database_url))
        journal = stack.enter_context(_open_journal(settings.data_dir))
        listener = stack.enter_context(_listen(settings.host, settings.port))
        jobs = await _build_jobs(settings, store, journal, stack)
        await asyncio.to_thread(_take_over_claims, store, jobs)
        dispatcher = EmbeddedDispatcher(jobs.handlers(), report=lambda *_: None)
        jobs.dispatcher = dispatcher
        clock = Clock(dispatcher, tick=settings.tick)
        web = _start_web(settings, store, clock, listener)
        _stop_on_signals(stop)
        settle_memory()
        clock.start()
        for task in ("edit", "tell"):  # the desk remembers, and what was owed leaves, before the first tick
            dispatcher.enqueue(task, unique=task, lock=task)
        _announce_start(announcer, settings, store, listener)
        round_task = asyncio.create_task(_announce_first_round(announcer, store, settings))
        await asyncio.wait({asyncio.create_task(stop.wait()), web.task}, return_when=asyncio.FIRST_COMPLETED)
        round_task.cancel()
        clock.stop()
        web.server.should_exit = True
        await dispatcher.stop(grace=_GRACE)
        await web.task
    announcer.stopped()


def prepare_store(settings: Settings) -> Store:
    """Bring the schema up to date and take over the configuration files. Raises StoreError, ConfigError."""
    sources, topics = load_sources(settings.sources_file), load_topics(settings.topics_file)
    migrate(settings.database_url)
    store = open_store(settings.database_url)
    try:
        now = utc_now()
        with store.write() as tx:
            sync_sources(tx, sources, now=now)
            sync_topics(tx, topics, now=now)
            _take_films(tx, settings.films_file, now=now)
        if settings.subscriptions_file is not None:
            take_subscriptions(store, settings.subscriptions_file, allow_http=settings.webhook_allow_http)
    except BaseException:  # whatever ends the start, the store does not stay open
        store.close()
        raise
    return store


def _take_films(tx: Session, path: Path, *, now: datetime) -> None:
    """Take over the catalogue unless it is the one taken last: a restart need not read 100,000 films again."""
    try:
        content = path.read_bytes()
    except OSError:
        content = b""  # what is wrong with it is the loader's to say
    mark = int.from_bytes(hashlib.sha256(version("setwire").encode() + content).digest()[:7])
    if taken_mark(tx, "films") != mark:
        upsert_films(tx, stream_films(path), now=now)
        set_taken_mark(tx, "films", mark)


def _take_over_claims(store: Store, jobs: Jobs) -> None:
    """Release what a process that died had claimed and not sent; whoever calls this is the only service."""
    jobs.recover()
    with store.write() as tx:
        release_leases(tx)


def take_subscriptions(store: Store, path: Path, *, allow_http: bool) -> int:
    """Bring in the endpoints and subscriptions of a file; return how many subscriptions. Raises ConfigError."""
    with store.write() as tx:
        films, topics = [film.film_id for film in all_films(tx)], [topic.slug for topic in all_topics(tx)]
        endpoints_known = [endpoint.endpoint_id for endpoint in all_endpoints(tx)]
        subscriptions, endpoints = load_subscriptions(
            path, films=set(films), topics=set(topics), endpoints=endpoints_known, allow_http=allow_http
        )
        keep_subscriptions(tx, subscriptions, endpoints, now=utc_now())
    return len(subscriptions)


def keep_subscriptions(
    tx: Session, subscriptions: Iterable[Subscription], endpoints: Iterable[Endpoint], *, now: datetime
) -> None:
    """Add or replace subscriptions and endpoints by id; what happened to an endpoint since stays.

    An endpoint that was disabled stays so, one that was unsubscribed is left out, mutes stay, and a secret that
    changed signs for another day beside the new one.
    """
    for endpoint in endpoints:
        known = find_endpoint(tx, endpoint.endpoint_id)
        add_endpoint(tx, endpoint if known is None else _renew(known, endpoint, now=now), now=now)
    for subscription in subscriptions:
        refused = refused_endpoints(tx, subscription.subscription_id)
        wanted = tuple(name for name in subscription.endpoints if name not in refused)
        if wanted:
            known_one = find_subscription(tx, subscription.subscription_id)
            mutes = known_one.mutes if known_one else ()
            add_subscription(tx, replace(subscription, endpoints=wanted, mutes=mutes), now=now)


def _renew(known: Endpoint, declared: Endpoint, *, now: datetime) -> Endpoint:
    renewed = replace(known, kind=declared.kind, address=declared.address)
    if declared.secret in ("", known.secret):
        return renewed
    return replace(renewed, secret=declared.secret, old_secret=known.secret, old_secret_until_at=now + SECRET_OVERLAP)


@contextmanager
def _only_one(data_dir: Path) -> Iterator[None]:
    """Hold the data folder: a second service on it would release leases that the first one works on."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = (data_dir / "setwire.lock").open("w")
    except OSError as error:
        raise ServiceError(
            f"The data folder {data_dir} cannot be written ({error.strerror}); "
            "make it writable or set SETWIRE_DATA_DIR to one that is."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ServiceError(
                f"Another setwire runs on the data folder {data_dir}; stop it first, "
                "or set SETWIRE_DATA_DIR to a folder of this one's own."
            ) from error
        yield


def _open_journal(data_dir: Path) -> Journal:
    try:
        return Journal(data_dir)
    except OSError as error:
        raise ServiceError(
            f"The journal in {data_dir} cannot be written ({error.strerror or error}); "
            "make the files outcomes-*.jsonl writable, or set SETWIRE_DATA_DIR to a folder that is."
        ) from error


@contextmanager
def _listen(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise ServiceError(
            f"Cannot listen on {host}:{port} ({error.strerror}); "
            "stop what uses it, or choose another port with --port or SETWIRE_PORT."
        ) from error
    with listener:
        yield listener


async def _build_jobs(settings: Settings, store: Store, journal: Journal, stack: AsyncExitStack) -> Jobs:
    gateway = await stack.enter_async_context(Gateway(settings=fetch_settings(settings)))
    gate, key = Gate(), await asyncio.to_thread(link_key, store)
    notifier = await stack.enter_async_context(_notifier(settings, key, gate))
    return Jobs(
        store=store,
        gateway=gateway,
        crawl=crawl_settings(settings),
        notifier=notifier,
        hubs=_hubs(settings, store, gateway),
        desk=Desk(
            store,
            models=load_models(),
            windows=windows(settings),
            text_patience=settings.text_patience,
            base_url=settings.base_url,
        ),
        retention=Retention(
            entries=settings.retention_entries,
            articles=settings.retention_articles,
            fetches=settings.retention_fetches,
            deliveries=settings.retention_deliveries,
            attempts=settings.retention_attempts,
        ),
        pace=Pace(
            floor=settings.min_interval,
            default=settings.default_interval,
            gathering=settings.fetch_concurrency,
            telling=settings.delivery_concurrency,
            delivery_lease=settings.delivery_lease,
        ),
        now=utc_now,
        operator=_operator(settings),
        cataloguer=build_cataloguer(settings, store, gateway),
        gate=gate,
        journal=journal,
    )


def _operator(settings: Settings) -> Endpoint | None:
    if not settings.operator_mail:
        return None
    return Endpoint(endpoint_id=EndpointId("operator"), kind=EndpointKind.EMAIL, address=settings.operator_mail)


def _hubs(settings: Settings, store: Store, gateway: Gateway) -> Hubs | None:
    """Let hubs push to us where they can reach us at `base_url`."""
    if not is_reachable(settings.base_url, allowed=settings.allow_private_hosts):
        return None
    return Hubs(store=store, gateway=gateway, callback_base=settings.base_url, now=utc_now)


def load_models() -> Models:
    def load(name: str) -> dict[str, Any] | None:
        try:
            return load_model(name)
        except FileNotFoundError:
            return None

    return Models(stories=load("stories"), tags=load("tags"))


def build_cataloguer(settings: Settings, store: Store, gateway: Gateway) -> Cataloguer:
    """Build what syncs the catalogue with whom the settings let us ask."""
    catalogues: dict[Authority, Catalogue] = {}
    key = settings.tmdb_key.get_secret_value()
    if key:
        catalogues[Authority.TMDB] = Tmdb(gateway, key=key, url=settings.tmdb_url)
    if settings.contact_url:
        catalogues[Authority.WIKIDATA] = Wikidata(gateway, url=settings.wikidata_url)
    switches = {Authority.TMDB: settings.sync_tmdb, Authority.WIKIDATA: settings.sync_wikidata}
    return Cataloguer(
        store=store,
        catalogues=catalogues,
        enabled=frozenset(authority for authority, is_on in switches.items() if is_on),
        interval=settings.sync_interval,
        now=utc_now,
    )


def windows(settings: Settings) -> Windows:
    return Windows(story=settings.story_window, alert=settings.max_alert_age)


def fetch_settings(settings: Settings) -> FetchSettings:
    return FetchSettings(
        user_agent=settings.user_agent,
        deadline=settings.fetch_deadline,
        max_body_bytes=settings.fetch_max_bytes,
        allow_private_hosts=settings.allow_private_hosts,
        per_host=settings.fetch_per_host,
        total=settings.fetch_concurrency,
        proxy=settings.proxy or None,
        shared_folder=settings.shared_dir,
    )


def crawl_settings(settings: Settings) -> CrawlSettings:
    return CrawlSettings(fetch=fetch_settings(settings), deadline=settings.crawl_deadline, browser=settings.browser)


@asynccontextmanager
async def _notifier(settings: Settings, key: bytes, gate: Gate) -> AsyncIterator[Notifier]:
    async with AsyncExitStack() as stack:
        webhook = await stack.enter_async_context(
            WebhookSender(
                WebhookSettings(
                    deadline=settings.webhook_deadline,
                    allow_private_hosts=settings.allow_private_hosts,
                    allow_http=settings.webhook_allow_http,
                    user_agent=settings.user_agent,
                ),
                gate=gate,
            )
        )
        chat = ChatSender(
            ChatSettings(
                base_url=settings.base_url,
                deadline=settings.webhook_deadline,
                allow_private_hosts=settings.allow_private_hosts,
            )
        )
        stack.callback(chat.close)
        words = MailSettings(from_address=settings.mail_from, base_url=settings.base_url, link_key=key)
        if not settings.smtp_host:
            yield Notifier(webhook=webhook, mail=FolderSender(settings.mail_dir, words), chat=chat)
            return
        mail = await stack.enter_async_context(SmtpSender(_smtp_settings(settings), words, gate=gate))
        yield Notifier(webhook=webhook, mail=mail, chat=chat)


def _smtp_settings(settings: Settings) -> SmtpSettings:
    try:
        return SmtpSettings(
            host=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_user,
            password=settings.smtp_password.get_secret_value(),
            security=Security(settings.smtp_security),
        )
    except ValueError as error:
        raise ServiceError(f"The mail settings cannot work: {error}.") from error


class _Server(uvicorn.Server):
    """Leaves the signals to the service, which stops clock and workers before the pages."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _start_web(settings: Settings, store: Store, clock: Clock, listener: socket.socket) -> _Web:
    # By name: the two roots of the house may not import each other, and the pages also run on their own.
    create_app: Callable[..., Any] = importlib.import_module("web.app").create_app
    app = create_app(store, settings=settings, heartbeat=clock.seconds_since_tick)
    server = _Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", server_header=False))
    return _Web(server, asyncio.create_task(server.serve(sockets=[listener])))


def _stop_on_signals(stop: asyncio.Event) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)


def _announce_start(announcer: Announcer, settings: Settings, store: Store, listener: socket.socket) -> None:
    with store.read() as tx:
        sources, films = len(enabled_sources(all_sources(tx))), count_films(tx)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    announcer.started(settings, f"http://{host}:{listener.getsockname()[1]}", sources=sources, films=films)


async def _announce_first_round(announcer: Announcer, store: Store, settings: Settings) -> None:
    """Wait until every source was asked once, then say how many answered."""
    while True:
        await asyncio.sleep(settings.tick.total_seconds())
        states = await asyncio.to_thread(_enabled_states, store)
        if states and all(state.last_fetch_at for state in states):
            answered = sum(state.last_outcome is not None and state.last_outcome.is_healthy for state in states)
            next_try_at = min(state.next_check_at for state in states)
            announcer.first_round(answered=answered, sources=len(states), next_try_at=next_try_at)
            return


def _enabled_states(store: Store) -> list[SourceState]:
    with store.read() as tx:
        return [state for _, state in enabled_sources(all_sources(tx))]


def enabled_sources(sources: list[tuple[Source, SourceState]]) -> list[tuple[Source, SourceState]]:
    return [(source, state) for source, state in sources if source.enabled]
