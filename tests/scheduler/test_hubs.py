"""WebSub from the feed's offer to the stored push, with a hub of ours on loopback."""

import asyncio
import hashlib
import hmac
import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import httpx
import pytest
import uvicorn

from config.settings import Settings
from core.sources import advance_state
from core.values import Fetch, FetchOutcome, Publisher, PublisherSlug, Source, SourceId, SourceKind, SourceState
from core.websub import CALM_INTERVAL, HubSubscription
from crawler.feeds import Gathered, gather_feed
from crawler.fetch import FetchSettings, Gateway
from scheduler.hubs import Hubs
from store.engine import Store
from store.entries import pending_entries
from store.sources import add_source, find_source, record_fetch
from store.websub import hub_subscription_of
from tests.scheduler.test_storms import build_desk
from web.app import create_app

NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
DAY = timedelta(days=1)
PIER = SourceId("pier")


def feed(*titles: str, head: str = "") -> bytes:
    items = "".join(f"<item><guid>{title}</guid><title>{title}</title></item>" for title in titles)
    return f'<rss version="2.0"><channel><title>Pier</title>{head}{items}</channel></rss>'.encode()


@dataclass
class Hub:
    """A publisher with a hub: `/feed` offers `/hub`, which verifies at once and remembers what it was asked."""

    verdict: int = 202
    lease_seconds: int = 864_000
    mode: str = "subscribe"
    asked: list[dict[str, str]] = field(default_factory=list)
    answers: list[tuple[int, bytes]] = field(default_factory=list)
    address: str = ""

    @property
    def callback(self) -> str:
        return self.asked[-1]["hub.callback"]

    def take(self, form: bytes) -> int:
        self.asked.append({name: values[0] for name, values in parse_qs(form.decode()).items()})
        if self.verdict < 300:
            self.answers.append(self.verify(self.asked[-1]["hub.topic"]))
        return self.verdict

    def verify(self, topic: str) -> tuple[int, bytes]:
        words = {"hub.mode": self.mode, "hub.topic": topic, "hub.challenge": "c-1", "hub.reason": "no"}
        answer = httpx.get(f"{self.callback}?{urlencode({**words, 'hub.lease_seconds': self.lease_seconds})}")
        return answer.status_code, answer.content

    def push(self, body: bytes, *, method: str = "sha256", secret: str = "") -> int:
        key = (secret or self.asked[-1]["hub.secret"]).encode()
        signature = f"{method}={hmac.new(key, body, getattr(hashlib, method)).hexdigest()}"
        return httpx.post(self.callback, content=body, headers={"X-Hub-Signature": signature}).status_code

    @contextmanager
    def serve(self) -> Iterator[None]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                link = f'<atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="hub" href="{hub.address}/hub"/>'
                self._say(200, feed("First", head=link))

            def do_POST(self) -> None:
                self._say(hub.take(self.rfile.read(int(self.headers["Content-Length"]))), b"")

            def _say(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            self.address = f"http://127.0.0.1:{server.server_address[1]}"
            thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
            thread.start()
            yield
            server.shutdown()
            thread.join(10)


@dataclass
class House:
    """Our side: the store, the pages that hubs call, and a clock that the test moves."""

    store: Store
    address: str
    now: datetime = NOW

    def visit(self, hub: Hub) -> Gathered:
        """Gather the feed once and attend to the hub it offers, as the line does."""

        async def go() -> Gathered:
            async with Gateway(settings=FetchSettings(allow_private_hosts=frozenset({"127.0.0.1"}))) as gateway:
                source = declare(hub)
                state = SourceState(source_id=PIER, next_check_at=self.now)
                gathered = await gather_feed(source, state, gateway=gateway, now=lambda: self.now)
                hubs = self.hubs(gateway)
                if gathered.hub is not None:
                    await hubs.attend(PIER, gathered.hub)
                return gathered

        return asyncio.run(go())

    def renew(self) -> datetime:
        """Renew as the clock would; give when a source due now would be asked."""

        async def go() -> datetime:
            async with Gateway(settings=FetchSettings(allow_private_hosts=frozenset({"127.0.0.1"}))) as gateway:
                hubs = self.hubs(gateway)
                await hubs.renew()
                return hubs.calm(PIER, self.now)

        return asyncio.run(go())

    def hubs(self, gateway: Gateway) -> Hubs:
        return Hubs(store=self.store, gateway=gateway, callback_base=self.address, now=lambda: self.now)

    def known(self) -> HubSubscription | None:
        with self.store.read() as tx:
            return hub_subscription_of(tx, PIER)

    def titles(self) -> list[str]:
        with self.store.read() as tx:
            pending = pending_entries(tx, limit=99, now=self.now, text_patience=DAY)
        return [entry.item.title for entry in pending]


def declare(hub: Hub) -> Source:
    publisher = Publisher(slug=PublisherSlug("pier"), name="Pier")
    return Source(source_id=PIER, publisher=publisher, kind=SourceKind.FEED, url=f"{hub.address}/feed")


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub()
    with made.serve():
        yield made


@pytest.fixture
def house(sqlite_store: Store, tmp_path: Path, hub: Hub) -> Iterator[House]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        made = House(sqlite_store, address)
        with sqlite_store.write() as tx:
            add_source(tx, declare(hub), now=NOW)
        app = create_app(sqlite_store, settings=Settings(data_dir=tmp_path, base_url=address), now=lambda: made.now)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        urllib.request.urlopen(f"{address}/healthz").close()
        yield made
        server.should_exit = True
        thread.join(10)


def test_a_feed_that_offers_a_hub_is_pushed(hub: Hub, house: House) -> None:
    assert house.visit(hub).hub is not None
    assert hub.answers == [(200, b"c-1")]
    known = house.known()
    assert known is not None
    assert (known.lease_until, known.error) == (NOW + timedelta(days=10), "")
    assert len(known.secret) >= 32
    assert hub.push(feed("Second")) == 202
    assert house.titles() == ["Second"]
    assert hub.push(feed("Second", "Third")) == 202
    assert house.titles() == ["Second", "Third"]


@pytest.mark.parametrize(("method", "secret"), [("sha256", "guessed"), ("sha1", "guessed"), ("md5", "")])
def test_a_forged_push_is_thanked_and_thrown_away(hub: Hub, house: House, method: str, secret: str) -> None:
    house.visit(hub)
    assert hub.push(feed("Forged"), method=method, secret=secret) == 202
    assert house.titles() == []
    assert house.renew() == NOW


def test_polling_calms_down_while_pushes_arrive(hub: Hub, house: House) -> None:
    house.visit(hub)
    assert house.renew() == NOW
    hub.push(feed("Second"))
    assert house.renew() == NOW + CALM_INTERVAL
    house.now = NOW + 3 * DAY
    assert house.renew() == house.now


def test_a_lease_is_renewed_before_it_ends_and_not_sooner(hub: Hub, house: House) -> None:
    house.visit(hub)
    house.visit(hub)
    house.now = NOW + 7 * DAY
    house.renew()
    assert len(hub.asked) == 1
    house.now = NOW + 9 * DAY
    house.renew()
    house.renew()
    assert hub.asked[1] == hub.asked[0]
    assert len(hub.asked) == 2
    known = house.known()
    assert known is not None
    assert known.lease_until == house.now + timedelta(days=10)


def test_a_hub_that_takes_nothing_is_left_alone_for_a_day(hub: Hub, house: House) -> None:
    hub.verdict = 503
    house.visit(hub)
    house.visit(hub)
    known = house.known()
    assert known is not None
    assert "HTTP 503" in known.error
    assert len(hub.asked) == 1


def test_a_denial_is_kept_as_the_reason(hub: Hub, house: House) -> None:
    hub.mode = "denied"
    house.visit(hub)
    known = house.known()
    assert known is not None
    assert (known.lease_until, "denies it: no" in known.error) == (None, True)


def test_only_what_we_asked_for_is_confirmed(hub: Hub, house: House) -> None:
    house.visit(hub)
    assert hub.verify("https://other.example/feed")[0] == 404
    hub.mode = "unsubscribe"
    assert hub.verify(hub.asked[-1]["hub.topic"])[0] == 404
    stranger = f"{house.address}/websub/unknown"
    assert httpx.get(stranger).status_code == 404
    assert httpx.post(stranger, content=b"x").status_code == 410
    large = httpx.post(hub.callback, content=b"x" * (11 * 2**20))
    assert large.status_code == 413


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
def test_a_push_is_believed_by_every_method_of_websub(hub: Hub, house: House, method: str) -> None:
    house.visit(hub)
    assert hub.push(feed("Second"), method=method) == 202
    assert house.titles() == ["Second"]


def meet(house: House) -> None:
    """Let the source have been asked an hour ago, for the first time."""
    at = house.now - timedelta(hours=1)
    seen = Fetch(source_id=PIER, started_at=at, duration=timedelta(seconds=1), outcome=FetchOutcome.OK)
    with house.store.write() as tx:
        found = find_source(tx, PIER)
        assert found is not None
        after = advance_state(*found, seen, now=at, floor=DAY, default=DAY, jitter=0)
        record_fetch(tx, seen, after)


def doubted(house: House) -> list[bool]:
    with house.store.read() as tx:
        pending = pending_entries(tx, limit=99, now=house.now, text_patience=DAY)
    return [entry.is_backlog for entry in pending]


def test_an_archive_that_is_pushed_at_once_alerts_nobody(hub: Hub, house: House) -> None:
    house.visit(hub)
    meet(house)
    hub.push(feed("A stunt team rehearses on the pier"))
    assert doubted(house) == [False]
    hub.push(feed(*(f"Day {day} of the shoot of Saltmarsh" for day in range(60))))
    assert doubted(house) == [False, *[True] * 60]


def test_old_texts_that_are_pushed_under_new_names_alert_nobody(hub: Hub, house: House) -> None:
    def printed(year: int) -> bytes:
        items = "".join(
            f"<item><guid>{year}-{day}</guid><link>https://pier.example/{year}/{day}</link>"
            f"<title>Day {day} of the shoot of Saltmarsh</title></item>"
            for day in range(6)
        )
        return f'<rss version="2.0"><channel><title>Pier</title>{items}</channel></rss>'.encode()

    house.visit(hub)
    meet(house)
    hub.push(printed(2025))
    assert doubted(house) == [False] * 6
    desk = build_desk(house.store)
    while desk.edit_batch(lambda: house.now):
        pass
    hub.push(printed(2026))
    assert doubted(house) == [True] * 6
