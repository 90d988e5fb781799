"""Speaks HTTP/1.1 for the gateway: connections of its own, each address judged as it is made, kept open for a while.

How answers are read stands in `core.answers`. aiohttp's client is left out: it costs six times as much for a question
that brings "not modified", and writes header values as UTF-8, so that validators of other bytes would arrive changed.
"""

import asyncio
import socket
import ssl
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
from aiohappyeyeballs import start_connection
from aiohttp.abc import AbstractResolver

from core.answers import AnswerError, AnswerReader, CutShortError, Head, HeadLimits
from crawler.errors import UnreachableError
from crawler.guard import is_address

MAX_HEADERS = 100
MAX_HEADER_BYTES = 8190
# A connection outlives its request this long, so that a publisher's dozen feeds share one.
KEEP_ALIVE_SECONDS = 15
_LIMITS = HeadLimits(line_bytes=MAX_HEADER_BYTES, head_bytes=MAX_HEADER_BYTES * MAX_HEADERS, headers=MAX_HEADERS)
# More than this waits in the kernel until somebody wants it.
_MAX_HELD_BYTES = 64 * 1024
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


class _Connection(asyncio.Protocol):
    """A connection: one question after the other, each answer read to its end. `is_open` says whether another may go.

    Its bodies wait here in pieces as they came.
    """

    def __init__(self) -> None:
        self._reader: AnswerReader | None = None
        self._pieces: deque[bytes] = deque()
        self._held_bytes = 0
        self._waiter: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._error: Exception | None = None
        self._is_paused = False

    @property
    def is_open(self) -> bool:
        is_closing = self._transport is None or self._transport.is_closing()
        return not is_closing and self._error is None and (self._reader is None or self._reader.leaves_open)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._reader is None:
            self.abort()  # an answer that nobody asked for
        elif self._error is None:
            try:
                self._hold(self._reader.feed(data))
            except AnswerError as error:
                self._end(error)
            self._wake()

    def eof_received(self) -> None:
        self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc)

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    async def ask(self, question: bytes) -> Head:
        """Send a question and wait for the head of its answer. Errors: `AnswerError`, `OSError`."""
        assert self._transport is not None, "only open connections are asked"
        self._reader = reader = AnswerReader(_LIMITS)
        self._transport.write(question)
        while reader.head is None:
            if self._error is not None:
                raise self._error
            await self._read_on()
        return reader.head

    async def iter_any(self) -> AsyncIterator[bytes]:
        """Give the body in pieces as they come. Errors: `AnswerError`."""
        while True:
            while self._pieces:
                piece = self._pieces.popleft()
                self._held_bytes -= len(piece)
                yield piece
            if self._reader is None or self._reader.is_whole:
                return
            if self._error is not None:
                raise self._error
            await self._read_on()

    def drop_body(self) -> None:
        """Forget what was not read of a body that came whole."""
        self._pieces.clear()
        self._held_bytes = 0
        self._resume()

    def _hold(self, piece: bytes) -> None:
        if not piece:
            return
        self._pieces.append(piece)
        self._held_bytes += len(piece)
        if self._held_bytes > _MAX_HELD_BYTES and not self._is_paused and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()

    def _end(self, error: Exception | None) -> None:
        """Take note of the end; only the first says why."""
        if self._error is None and self._reader is not None and not self._reader.is_whole:
            self._error = _explain_end(self._reader, error)
            self.abort()
        self._wake()

    async def _read_on(self) -> None:
        self._resume()
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def _resume(self) -> None:
        if self._is_paused and self._transport is not None and not self._transport.is_closing():
            self._is_paused = False
            self._transport.resume_reading()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


def _explain_end(reader: AnswerReader, error: Exception | None) -> Exception | None:
    """What the end of a connection means for its answer; None where it is the end of the body."""
    if reader.head is None:
        return error or ConnectionResetError("it closed the connection without an answer")
    if error is not None and not isinstance(error, AnswerError):
        error = CutShortError(str(error))
    try:
        reader.finish()
    except CutShortError as cut:
        return error or cut
    return error


class WireAnswer:
    """The head of an answer, and its body as it comes; `release` it when enough was read."""

    __slots__ = ("_give_back", "content", "raw_headers", "status")

    def __init__(self, head: Head, content: _Connection, give_back: Callable[[_Connection], None]) -> None:
        self.status = head.status
        self.raw_headers = head.headers
        self.content = content
        self._give_back = give_back

    def release(self) -> None:
        """Keep the connection for the next question if the body came to its end; else close it."""
        self.content.drop_body()
        if self.content.is_open:
            self._give_back(self.content)
        else:
            self.content.abort()


class _AnswerStream(httpx.AsyncByteStream):
    def __init__(self, answer: WireAnswer) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._answer.content.iter_any():
            yield piece

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
        """Send a GET; `url` is written as it goes over the wire. Errors: `AnswerError`, `FetchError`, `OSError`."""
        target = _read_target(url)
        head = _write_head(b"GET", target, fields)
        while (kept := self._idle.take(target.key)) is not None:
            try:
                return await self._exchange(kept, target.key, head)
            except ConnectionError:
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

    async def _exchange(self, connection: _Connection, key: Key, question: bytes) -> WireAnswer:
        try:
            head = await connection.ask(question)
        except BaseException:  # the deadline cancels too, and nobody may get an answer to another question
            connection.abort()
            raise
        return WireAnswer(head, connection, lambda spent: self._idle.put(key, spent))

    async def _connect(self, target: _Target) -> _Connection:
        loop = asyncio.get_running_loop()
        found = await self._find_addresses(target)
        try:
            opened = await _open_socket(found, target.port)
        except ConnectionRefusedError:
            raise
        except OSError as error:
            raise UnreachableError(f"no connection to {target.host}: {error.strerror or error}") from error
        try:
            if target.scheme == "http":
                _, connection = await loop.create_connection(_Connection, sock=opened)
                return connection
            _, connection = await loop.create_connection(
                _Connection,
                sock=opened,
                ssl=self._make_tls(),
                server_hostname=target.host.rstrip("."),
                ssl_shutdown_timeout=_TLS_GOODBYE_SECONDS,
            )
        except BaseException:  # the deadline cancels too, and nobody else knows of the socket
            opened.close()
            raise
        return connection

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
        self._kept: OrderedDict[Key, list[tuple[float, _Connection]]] = OrderedDict()
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None

    def take(self, key: Key) -> _Connection | None:
        kept = self._kept.get(key)
        while kept:
            since, connection = kept.pop()
            self._count -= 1
            if not kept:
                del self._kept[key]
            if connection.is_open and since > time.monotonic() - KEEP_ALIVE_SECONDS:
                return connection
            connection.close()
        return None

    def put(self, key: Key, connection: _Connection) -> None:
        self._kept.setdefault(key, []).append((time.monotonic(), connection))
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
        for _, connection in kept:
            connection.close()


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
    except BaseException:  # the deadline cancels too, and nobody else knows of the socket
        opened.close()
        raise
    return opened
