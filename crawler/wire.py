"""Speaks HTTP/1.1 for the gateway: connections of its own, each address judged as it is made, kept open for a while.

aiohttp's parser reads the answers. Its client is left out: it costs six times as much for a question that brings
"not modified", and writes header values as UTF-8, so that validators of other bytes would arrive changed.
"""

import asyncio
import socket
import ssl
import time
from collections import OrderedDict
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
import httpx
from aiohappyeyeballs import start_connection
from aiohttp.abc import AbstractResolver
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage

from crawler.errors import UnreachableError
from crawler.guard import is_address

MAX_HEADERS = 100
MAX_HEADER_BYTES = 8190
# A connection outlives its request this long, so that a publisher's dozen feeds share one.
KEEP_ALIVE_SECONDS = 15
_NEXT_ADDRESS_AFTER_SECONDS = 0.25
_TLS_GOODBYE_SECONDS = 1.0
_USUAL_PORTS = {"http": 80, "https": 443}

Key = tuple[str, str, int]
Fields = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a question goes and what it is for; `authority` is the Host header."""

    scheme: str
    host: str
    port: int
    authority: str
    path: str

    @property
    def key(self) -> Key:
        return self.scheme, self.host, self.port


class WireAnswer:
    """The head of an answer, and its body as it comes; `release` it when enough was read."""

    __slots__ = ("_give_back", "_handler", "content", "raw_headers", "status")

    def __init__(
        self,
        message: RawResponseMessage,
        content: aiohttp.StreamReader,
        handler: ResponseHandler,
        give_back: Callable[[ResponseHandler], None],
    ) -> None:
        self.status = message.code
        self.raw_headers = message.raw_headers
        self.content = content
        self._handler = handler
        self._give_back = give_back

    def release(self) -> None:
        """Keep the connection for the next question if the body was read to its end; else close it."""
        if self._handler.should_close or not self._handler.is_connected():
            self._handler.abort()
        else:
            self._give_back(self._handler)


class _AnswerStream(httpx.AsyncByteStream):
    def __init__(self, answer: WireAnswer) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks: AsyncIterable[bytes] = self._answer.content.iter_any()
        async for chunk in chunks:
            yield chunk

    async def aclose(self) -> None:
        self._answer.release()


class WireTransport(httpx.AsyncBaseTransport):
    """Sends questions byte for byte as they were written.

    `resolver` hands on only addresses that may be connected to. `make_tls` is asked at the first https address, as
    reading the bundle of authorities takes tens of milliseconds. At most `most_idle` connections wait for a second
    question.
    """

    def __init__(self, *, resolver: AbstractResolver, make_tls: Callable[[], ssl.SSLContext], most_idle: int) -> None:
        self._resolver = resolver
        self._make_tls = make_tls
        self._idle = _IdleConnections(most_idle)

    async def ask(self, url: str, fields: Fields) -> WireAnswer:
        """Send a GET; `url` is written as it goes over the wire. Raises what aiohttp's parser and sockets raise."""
        target = _read_target(url)
        head = _write_head(b"GET", target, fields)
        while (kept := self._idle.take(target.key)) is not None:
            try:
                return await self._exchange(kept, target.key, head)
            except (aiohttp.ServerDisconnectedError, ConnectionError):
                # The server closed while the connection waited: that says nothing about this question (RFC 9112 9.3.1).
                continue
        return await self._exchange(await self._connect(target), target.key, head)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send any request over a connection of its own, once: only a GET may be repeated."""
        target = _read_target(str(request.url))
        fields = [(name, value) for name, value in request.headers.raw if name.lower() != b"host"]
        question = _write_head(request.method.encode("ascii"), target, fields) + request.read()
        answer = await self._exchange(await self._connect(target), target.key, question)
        return httpx.Response(answer.status, headers=list(answer.raw_headers), stream=_AnswerStream(answer))

    async def aclose(self) -> None:
        self._idle.close()

    async def _exchange(self, handler: ResponseHandler, key: Key, question: bytes) -> WireAnswer:
        try:
            handler.set_response_params(
                read_until_eof=True,
                auto_decompress=False,
                max_line_size=MAX_HEADER_BYTES,
                max_field_size=MAX_HEADER_BYTES,
                max_headers=MAX_HEADERS,
            )
            assert handler.transport is not None, "only open connections are kept, and nothing ran since"
            handler.transport.write(question)
            message, content = await handler.read()
            while message.code < 200 and message.code != 101:
                message, content = await handler.read()
        except BaseException:
            handler.abort()
            raise
        return WireAnswer(message, content, handler, lambda spent: self._idle.put(key, spent))

    async def _connect(self, target: _Target) -> ResponseHandler:
        loop = asyncio.get_running_loop()
        found = await self._find_addresses(target)
        try:
            opened = await _open_socket(found, target.port)
        except ConnectionRefusedError:
            raise
        except OSError as error:
            raise UnreachableError(f"no connection to {target.host}: {error.strerror or error}") from error
        handler = ResponseHandler(loop)
        try:
            if target.scheme == "https":
                await loop.create_connection(
                    lambda: handler,
                    sock=opened,
                    ssl=self._make_tls(),
                    server_hostname=target.host.rstrip("."),
                    ssl_shutdown_timeout=_TLS_GOODBYE_SECONDS,
                )
            else:
                await loop.create_connection(lambda: handler, sock=opened)
        except BaseException:
            opened.close()
            raise
        return handler

    async def _find_addresses(self, target: _Target) -> list[tuple[int, str]]:
        """Find where to connect to; an address that stands in the URL was judged with the URL."""
        if is_address(target.host):
            return [(socket.AF_INET6 if ":" in target.host else socket.AF_INET, target.host)]
        try:
            found = await self._resolver.resolve(target.host, target.port, socket.AF_UNSPEC)
        except OSError as error:
            raise UnreachableError(f"DNS: the name {target.host} does not resolve") from error
        if not found:
            raise UnreachableError(f"DNS: the name {target.host} does not resolve")
        return [(result["family"], result["host"]) for result in found]


class _IdleConnections:
    """Connections that wait for a second question, those used last first; each step costs the same however many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Key, list[tuple[float, ResponseHandler]]] = OrderedDict()
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None

    def take(self, key: Key) -> ResponseHandler | None:
        kept = self._kept.get(key)
        while kept:
            since, handler = kept.pop()
            self._count -= 1
            if not kept:
                del self._kept[key]
            if handler.is_connected() and not handler.should_close and since > time.monotonic() - KEEP_ALIVE_SECONDS:
                return handler
            handler.close()
        return None

    def put(self, key: Key, handler: ResponseHandler) -> None:
        self._kept.setdefault(key, []).append((time.monotonic(), handler))
        self._kept.move_to_end(key)
        self._count += 1
        while self._count > self._most:
            self._close_oldest()
        if self._timer is None and self._kept:
            self._timer = asyncio.get_running_loop().call_later(KEEP_ALIVE_SECONDS, self._close_old)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._kept:
            self._close_oldest()

    def _close_old(self) -> None:
        self._timer = None
        limit = time.monotonic() - KEEP_ALIVE_SECONDS
        while self._kept and next(iter(self._kept.values()))[-1][0] <= limit:
            self._close_oldest()
        if self._kept:
            self._timer = asyncio.get_running_loop().call_later(KEEP_ALIVE_SECONDS / 3, self._close_old)

    def _close_oldest(self) -> None:
        """Close what waits for the host that was asked longest ago."""
        _, kept = self._kept.popitem(last=False)
        self._count -= len(kept)
        for _, handler in kept:
            handler.close()


def _read_target(url: str) -> _Target:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _USUAL_PORTS[parts.scheme]
    shown = f"[{host}]" if ":" in host else host
    authority = shown if port == _USUAL_PORTS[parts.scheme] else f"{shown}:{port}"
    path = parts.path or "/"
    return _Target(parts.scheme, host, port, authority, f"{path}?{parts.query}" if parts.query else path)


def _write_head(method: bytes, target: _Target, fields: Fields) -> bytes:
    """Write the head of a question. Raises ValueError for what would end a line early, or is no ASCII address."""
    lines = [b"%b %b HTTP/1.1" % (method, target.path.encode("ascii")), b"Host: " + target.authority.encode("ascii")]
    lines += [b"%b: %b" % field for field in fields]
    head = b"\r\n".join(lines)
    if head.count(b"\n") != len(lines) - 1 or head.count(b"\r") != len(lines) - 1 or b"\0" in head:
        raise ValueError("a header would hold a line break")
    return head + b"\r\n\r\n"


async def _open_socket(found: list[tuple[int, str]], port: int) -> socket.socket:
    """Connect to the first address that answers; the next one is tried beside it after a quarter of a second."""
    if len(found) > 1:
        infos = [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port)) for family, address in found]
        return await start_connection(infos, happy_eyeballs_delay=_NEXT_ADDRESS_AFTER_SECONDS)
    family, address = found[0]
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setblocking(False)
        await asyncio.get_running_loop().sock_connect(opened, (address, port))
    except BaseException:
        opened.close()
        raise
    return opened
