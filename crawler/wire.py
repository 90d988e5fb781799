"""Speaks HTTP/1.1 for the gateway: each address judged as it is connected to, connections kept for a while.

How answers are read stands in `core.answers`, how bytes come and go in `crawler.sockets`. aiohttp's client is left out:
it costs ten times as much for a question that brings "not modified", and writes header values as UTF-8, so that
validators of other bytes would arrive changed.
"""

import asyncio
import socket
import ssl
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from core.addresses import PLAIN_URL
from core.answers import AnswerReader, CutShortError, Head, HeadLimits
from crawler.errors import UnreachableError
from crawler.guard import USUAL_PORTS, Resolver
from crawler.sockets import Address, Stream, open_stream

MAX_HEADERS = 100
MAX_HEADER_BYTES = 8190
# A connection outlives its request this long, so that a publisher's dozen feeds share one.
KEEP_ALIVE_SECONDS = 15
_HEAD_LIMITS = HeadLimits(line_bytes=MAX_HEADER_BYTES, head_bytes=MAX_HEADER_BYTES * MAX_HEADERS, headers=MAX_HEADERS)

Key = tuple[str, str, int]
Field = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a question goes and what it is for; `authority` is the Host header."""

    scheme: str
    host: str
    port: int
    authority: str
    path: str

    @property
    def key(self) -> Key:
        return self.scheme, self.host, self.port

    def write_head(self, method: bytes, address: str, fields: Iterable[Field]) -> bytes:
        """Write the head of a question. Errors: `ValueError` for what would end a line early, or is no ASCII."""
        lines = [b"%b %b HTTP/1.1" % (method, address.encode("ascii")), b"Host: " + self.authority.encode("ascii")]
        lines += [b"%b: %b" % field for field in fields]
        head = b"\r\n".join(lines)
        if head.count(b"\n") != len(lines) - 1 or head.count(b"\r") != len(lines) - 1 or b"\0" in head:
            raise ValueError("a header would hold a line break")
        return head + b"\r\n\r\n"


class WireAnswer:
    """The answer to a question, read as far as somebody wants it; `release` it when enough was read."""

    __slots__ = ("_begun", "_idle", "_key", "_reader", "_stream", "raw_headers", "status")

    def __init__(self, stream: Stream, key: Key, idle: "_IdleStreams") -> None:
        self._stream = stream
        self._key = key
        self._idle = idle
        self._reader = AnswerReader(_HEAD_LIMITS)
        self._begun = b""
        self.status = 0
        self.raw_headers: tuple[Field, ...] = ()

    async def begin(self, question: bytes) -> None:
        """Send the question and wait for the head of its answer. Errors: `AnswerError`, `OSError`."""
        try:
            await self._stream.send(question)
            head = await self._read_head()
        except BaseException:  # the deadline cancels too, and nobody may get an answer to another question
            self._stream.abort()
            raise
        self.status, self.raw_headers = head.status, head.headers

    async def _read_head(self) -> Head:
        while self._reader.head is None:
            data = await self._stream.receive()
            if not data:
                raise ConnectionResetError("it closed the connection without an answer")
            self._begun = self._reader.feed(data)
        return self._reader.head

    async def pieces(self) -> AsyncIterator[bytes]:
        """Give the body as it comes. Errors: `AnswerError`."""
        if self._begun:
            yield self._begun
        while not self._reader.is_whole:
            if piece := await self._read_on():
                yield piece

    async def _read_on(self) -> bytes:
        try:
            data = await self._stream.receive()
        except OSError as error:
            raise CutShortError(str(error)) from error
        if data:
            return self._reader.feed(data)
        self._reader.finish()
        return b""

    def release(self) -> None:
        """Keep the connection for the next question if the body came to its end; else close it."""
        if self._reader.leaves_open:
            self._idle.put(self._key, self._stream)
        elif self._reader.is_whole:
            self._stream.close()
        else:
            self._stream.abort()


class _AnswerStream(httpx.AsyncByteStream):
    """The body of an answer as httpx hands it on."""

    def __init__(self, answer: WireAnswer) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._answer.pieces():
            yield piece

    async def aclose(self) -> None:
        self._answer.release()


class WireTransport(httpx.AsyncBaseTransport):
    """Sends questions byte for byte as they were written.

    `resolver` hands on only addresses that may be connected to. `make_tls` is asked at the first https address, as
    reading the bundle of authorities takes tens of milliseconds. At most `most_idle` connections wait for a second
    question.
    """

    def __init__(self, *, resolver: Resolver, make_tls: Callable[[], ssl.SSLContext], most_idle: int) -> None:
        self._resolver = resolver
        self._make_tls = make_tls
        self._idle = _IdleStreams(most_idle)

    async def ask(self, url: str, fields: Sequence[Field]) -> WireAnswer:
        """Send a GET. Errors: `AnswerError`, `FetchError`, `OSError`."""
        target = read_target(url)
        question = self._write_question(b"GET", target, fields)
        while (kept := self._idle.take(target.key)) is not None:
            try:
                return await self._exchange(kept, target.key, question)
            except ConnectionError:
                # The server closed while the connection waited: that says nothing about this question (RFC 9112 9.3.1).
                continue
        return await self._exchange(await self._connect(target), target.key, question)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send any request over a connection of its own, once: only a GET may be repeated."""
        target = read_target(str(request.url))
        fields = [(name, value) for name, value in request.headers.raw if name.lower() != b"host"]
        question = self._write_question(request.method.encode("ascii"), target, fields) + request.read()
        answer = await self._exchange(await self._connect(target), target.key, question)
        return httpx.Response(answer.status, headers=list(answer.raw_headers), stream=_AnswerStream(answer))

    async def aclose(self) -> None:
        self._idle.close()

    async def _exchange(self, stream: Stream, key: Key, question: bytes) -> WireAnswer:
        answer = WireAnswer(stream, key, self._idle)
        await answer.begin(question)
        return answer

    def _write_question(self, method: bytes, target: Target, fields: Sequence[Field]) -> bytes:
        return target.write_head(method, target.path, fields)

    async def _connect(self, target: Target) -> Stream:
        stream = await self._open(target)
        if target.scheme == "https":
            await self._secure(stream, target)
        return stream

    async def _open(self, target: Target) -> Stream:
        found = await self._find_addresses(target)
        try:
            return await open_stream(found, target.port)
        except ConnectionRefusedError:
            raise
        except OSError as error:
            raise UnreachableError(f"no connection to {target.host}: {error.strerror or error}") from error

    async def _secure(self, stream: Stream, target: Target) -> None:
        try:
            await stream.start_tls(self._make_tls(), target.host.rstrip("."))
        except BaseException:  # the deadline cancels too, and nobody else knows of the socket
            stream.abort()
            raise

    async def _find_addresses(self, target: Target) -> list[Address]:
        """Find where to connect to, each address judged."""
        try:
            found = await self._resolver.resolve(target.host, target.port, socket.AF_UNSPEC)
        except OSError as error:
            raise UnreachableError(f"DNS: the name {target.host} does not resolve") from error
        if not found:
            raise UnreachableError(f"DNS: the name {target.host} does not resolve")
        return [(result["family"], result["host"]) for result in found]


class _IdleStreams:
    """Connections that wait for a second question, those used last first; each step costs the same however many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Key, list[tuple[float, Stream]]] = OrderedDict()
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None

    def take(self, key: Key) -> Stream | None:
        kept = self._kept.get(key)
        while kept:
            since, stream = kept.pop()
            self._count -= 1
            if not kept:
                del self._kept[key]
            if since > time.monotonic() - KEEP_ALIVE_SECONDS and stream.is_silent():
                return stream
            stream.close()
        return None

    def put(self, key: Key, stream: Stream) -> None:
        self._kept.setdefault(key, []).append((time.monotonic(), stream))
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
        for _, stream in kept:
            stream.close()


def read_target(url: str) -> Target:
    """Read an address as it goes over the wire; most are written so already."""
    plain = PLAIN_URL.fullmatch(url)
    if plain is not None:
        scheme, authority, host, port, path = plain.groups()
        return Target(scheme, host, int(port) if port else USUAL_PORTS[scheme], authority, path)
    parts = urlsplit(str(httpx.URL(url)))
    host, port_number = parts.hostname or "", parts.port or USUAL_PORTS[parts.scheme]
    shown = f"[{host}]" if ":" in host else host
    authority = shown if port_number == USUAL_PORTS[parts.scheme] else f"{shown}:{port_number}"
    path = parts.path or "/"
    return Target(parts.scheme, host, port_number, authority, f"{path}?{parts.query}" if parts.query else path)
