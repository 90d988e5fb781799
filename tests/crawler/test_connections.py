"""Connections as the gateway uses them: TLS, those kept for a second question, proxies, and what is left behind."""

import asyncio
import os
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from crawler.fetch import DeadlineError, FetchSettings, Gateway, Response, UnreachableError
from crawler.guard import AllowList, GuardedResolver, SystemResolver
from crawler.proxy import ProxyTransport
from crawler.wire import WireTransport
from tests.crawler.servers import Asked, Server, answer, self_signed, serve, spill, watch_hang
from tests.loopback import Handle, listening

LOOPBACK = frozenset({"127.0.0.1", "localhost"})
SETTINGS = FetchSettings(deadline=timedelta(seconds=5), allow_private_hosts=LOOPBACK)
FEED = b"<rss>the second unit has the harbour for three nights</rss>"
Ask = Callable[[Gateway], Coroutine[Any, Any, Any]]


def run(transport: Callable[[], WireTransport], ask: Ask) -> Any:
    async def act() -> Any:
        async with Gateway(settings=SETTINGS, transport=transport()) as gateway:
            return await ask(gateway)

    return asyncio.run(act())


def trusting(folder: Path) -> Callable[[], WireTransport]:
    """Trust the server's own certificate, and no other."""
    context = ssl.create_default_context(cafile=str(folder / "server.pem"))
    judged = GuardedResolver(SystemResolver(), AllowList(LOOPBACK))
    return lambda: WireTransport(resolver=judged, make_tls=lambda: context, most_idle=4)


@contextmanager
def listen(handle: Handle) -> Iterator[int]:
    """Serve by a handler of one's own; the port."""
    ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = Future()

    async def serve_on() -> None:
        over = asyncio.Event()
        async with listening(handle) as port:
            ready.set_result((asyncio.get_running_loop(), over, port))
            await over.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve_on()))
    thread.start()
    loop, over, port = ready.result(5)
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)


def count_open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def settle(count: Callable[[], int], *, at_most: int) -> int:
    """Wait for a count to fall, as a server's own ends of connections go a moment later; the last one."""
    for _ in range(250):
        if count() <= at_most:
            break
        await asyncio.sleep(0.02)
    return count()


@contextmanager
def serve_tls(folder: Path, **routes: Any) -> Iterator[tuple[Server, str]]:
    with serve({f"/{name}": route for name, route in routes.items()}, tls=self_signed(folder)) as server:
        yield server, server.url.replace("http:", "https:")


# --- TLS ---


def test_https_questions_share_a_connection(tmp_path: Path) -> None:
    ports = set[int]()

    async def note_port(asked: Asked, writer: asyncio.StreamWriter) -> None:
        ports.add(writer.get_extra_info("peername")[1])
        await answer(body=FEED)(asked, writer)

    async def ask(gateway: Gateway) -> list[bytes]:
        return [(await gateway.get(f"{url}/feed")).body for _ in range(3)]

    with serve_tls(tmp_path, feed=note_port) as (_, url):
        assert run(trusting(tmp_path), ask) == [FEED] * 3
    assert len(ports) == 1


def test_a_large_body_arrives_whole_over_tls(tmp_path: Path) -> None:
    body = os.urandom(3_000_000)

    async def ask(gateway: Gateway) -> Response:
        return await gateway.get(f"{url}/large")

    with serve_tls(tmp_path, large=answer(body=body)) as (_, url):
        assert run(trusting(tmp_path), ask).body == body


def test_a_certificate_of_another_host_is_refused(tmp_path: Path) -> None:
    async def ask(gateway: Gateway) -> Response:
        return await gateway.get(url.replace("127.0.0.1", "localhost") + "/feed")

    with serve_tls(tmp_path, feed=answer(body=FEED)) as (server, url):
        with pytest.raises(UnreachableError, match="TLS: the certificate of localhost is not valid"):
            run(trusting(tmp_path), ask)
        assert not server.asked


# --- what is kept and what is left behind ---


def test_a_connection_on_which_more_came_than_was_asked_for_is_not_used_again() -> None:
    late = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"

    async def answer_twice(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await answer(body=FEED)(asked, writer)
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(late)

    async def ask(gateway: Gateway) -> list[bytes]:
        first = await gateway.get(f"{server.url}/feed")
        await asyncio.sleep(0.2)
        return [first.body, (await gateway.get(f"{server.url}/feed")).body]

    with serve({"/feed": answer_twice}) as server:
        judged = GuardedResolver(SystemResolver(), AllowList(LOOPBACK))
        made = run(lambda: WireTransport(resolver=judged, make_tls=ssl.create_default_context, most_idle=4), ask)
    assert made == [FEED, FEED]


@pytest.mark.parametrize("is_tls", [False, True])
def test_visits_that_end_badly_leave_no_socket_open(tmp_path: Path, is_tls: bool) -> None:
    routes = {
        "/endless": watch_hang,
        "/broken": spill(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
        "/junk": spill(b"?"),
    }

    async def ask(url: str) -> int:
        settings = replace(SETTINGS, deadline=timedelta(seconds=0.3))
        async with Gateway(settings=settings, transport=trusting(tmp_path)()) as gateway:
            await asyncio.gather(*(gateway.get(f"{url}{path}") for path in routes), return_exceptions=True)
            before = count_open_files()
            questions = [gateway.get(f"{url}{path}") for path in routes for _ in range(10)]
            ends = await asyncio.gather(*questions, return_exceptions=True)
            assert all(isinstance(end, UnreachableError | DeadlineError) for end in ends), ends
            return await settle(count_open_files, at_most=before) - before

    context = self_signed(tmp_path)
    with serve(routes, tls=context if is_tls else None) as server:
        url = server.url.replace("http:", "https:") if is_tls else server.url
        assert asyncio.run(ask(url)) <= 0


def test_a_question_larger_than_the_kernel_takes_is_sent_whole() -> None:
    content = os.urandom(6_000_000)
    came = bytearray()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.2)
        came.extend(await reader.readexactly(len(content)))
        writer.write(b"HTTP/1.1 202 Taken\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async def post(port: int) -> int:
        judged = GuardedResolver(SystemResolver(), AllowList(LOOPBACK))
        async with WireTransport(resolver=judged, make_tls=ssl.create_default_context, most_idle=4) as transport:
            request = httpx.Request("POST", f"http://127.0.0.1:{port}/hub", content=content)
            response = await transport.handle_async_request(request)
            await response.aclose()
            return response.status_code

    with listen(take) as port:
        assert asyncio.run(post(port)) == 202
    assert bytes(came) == content


# --- proxies ---


@contextmanager
def dig(to_port: int, heads: list[bytes], refusal: bytes = b"") -> Iterator[int]:
    """Run a proxy that leads every CONNECT to one port of this machine, or answers `refusal`; its own port."""

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        if refusal:
            writer.write(refusal)
            writer.close()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", to_port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        except OSError:
            pass
        finally:
            far_writer.transport.abort()

    with listen(lead) as port:
        yield port


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


def ask_through(port: int, url: str, *, login: str = "", authorities: Path | None = None) -> Response:
    async def ask(gateway: Gateway) -> Response:
        return await gateway.get(url)

    proxy = f"http://{login}127.0.0.1:{port}"
    tls = ssl.create_default_context(cafile=authorities)
    judged = GuardedResolver(SystemResolver(), AllowList(LOOPBACK))
    found: Response = run(lambda: ProxyTransport(proxy, resolver=judged, make_tls=lambda: tls, most_idle=4), ask)
    return found


def test_https_goes_through_a_tunnel_that_the_proxy_digs(tmp_path: Path) -> None:
    heads: list[bytes] = []
    with serve_tls(tmp_path, feed=answer(body=FEED)) as (server, _), dig(server.port, heads) as port:
        url = "https://news.example/feed"
        assert ask_through(port, url, login="crew:p%40ss@", authorities=tmp_path / "server.pem").body == FEED
    assert heads[0].startswith(b"CONNECT news.example:443 HTTP/1.1\r\nHost: news.example:443\r\n")
    assert b"Proxy-Authorization: Basic Y3JldzpwQHNz\r\n" in heads[0]
    assert "proxy-authorization" not in server.asked[0].headers, "the login is the proxy's alone"


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (b"HTTP/1.1 407 Login\r\nContent-Length: 0\r\n\r\n", r"answered HTTP 407 .*; check SETWIRE_PROXY"),
        (b"220 mail.example ESMTP\r\n\r\n", "did not answer in HTTP"),
    ],
)
def test_a_proxy_that_digs_no_tunnel_is_named(refusal: bytes, words: str) -> None:
    with dig(0, [], refusal) as port, pytest.raises(UnreachableError, match=words):
        ask_through(port, "https://news.example/feed")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_does_not_listen_is_named(scheme: str) -> None:
    with pytest.raises(UnreachableError, match=r"nothing listens at the proxy 127\.0\.0\.1:1; check SETWIRE_PROXY"):
        ask_through(1, f"{scheme}://news.example/feed")
