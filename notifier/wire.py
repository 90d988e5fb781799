"""One HTTP/1.1 exchange after the other over one connection: the little of HTTP that a webhook needs.

It reads answers and judges none. aiohttp's client costs five times as much for each exchange.
"""

import asyncio
import re
from dataclasses import dataclass

_MAX_HEAD_BYTES = 16_000
_MAX_HEADERS = 100
# More than this waits in the kernel until somebody wants it.
_MAX_BUFFERED_BYTES = 64_000
_STATUS_LINE = re.compile(rb"HTTP/(1\.[01]) ([1-9][0-9]{2})(?: ([^\r\n]*))?")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_HEADER = re.compile(rb"([!#-'*+.0-9A-Z^-z|~-]+)[ \t]*:[ \t]*([^\r\n]*)")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")


class WireError(OSError):
    """The peer broke off, or does not speak HTTP/1.1."""


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of an answer; names of headers are in lower case."""

    version: str
    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]

    def find(self, name: str) -> str:
        """The value of a header; several are joined by commas, none is empty."""
        return ", ".join([value for key, value in self.headers if key == name])


class Wire(asyncio.Protocol):
    """A connection. `is_open` says whether another exchange may begin on it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._waiter: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._lost: Exception | None = None
        self._is_busy = self._has_ended = self._is_paused = False
        self._is_reusable = True
        self._length: int | None = None

    @property
    def is_open(self) -> bool:
        is_closing = self._transport is None or self._transport.is_closing()
        return self._is_reusable and not (is_closing or self._is_busy or self._has_ended)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if not self._is_busy:
            self.abort()  # an answer that nobody asked for
            return
        self._buffer += data
        if len(self._buffer) > _MAX_BUFFERED_BYTES and self._transport is not None and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self._has_ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._has_ended, self._lost = True, exc
        self._wake()

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        self._is_reusable = False
        if self._transport is not None:
            self._transport.abort()

    def begin(self) -> None:
        """Begin an exchange: what is read from now on is its answer."""
        self._is_busy, self._is_reusable = True, False

    def send(self, request: bytes) -> None:
        """Send a whole request. Where the connection is gone meanwhile, reading the answer says so."""
        if self._transport is not None and not (self._has_ended or self._transport.is_closing()):
            self._transport.write(request)

    @property
    def has_body(self) -> bool:
        """Whether the whole body has come, so that to read it waits for nothing."""
        return self._length is not None and len(self._buffer) >= self._length

    async def read_head(self) -> Head:
        """Wait for the final status and its headers. Errors: `WireError`, or what broke the connection."""
        while True:
            while (end := _HEAD_END.search(self._buffer)) is None:
                await self._read_on()
            if end.start() > _MAX_HEAD_BYTES:
                raise WireError("the headers of the answer are longer than we read")
            head = _read_head(bytes(self._buffer[: end.start()]))
            del self._buffer[: end.end()]
            if head.status >= 200 or head.status == 101:
                self._length = _read_length(head)
                return head

    async def read_body(self, head: Head, body: bytearray, *, limit: int) -> None:
        """Add the beginning of the body to `body` as it comes, to its end or the limit. Errors: `WireError`.

        The connection can be used again only where the body was read to its end.
        """
        if self._length is not None:
            await self._take(self._length, body, limit)
        elif _is_chunked(head):
            await self._read_chunks(body, limit)
        else:
            await self._read_rest(body, limit)
        self._is_reusable = _is_kept(head) and not (self._buffer or self._has_ended)
        self._is_busy = False

    async def _read_chunks(self, body: bytearray, limit: int) -> None:
        while True:
            while (size := _CHUNK_SIZE.match(self._buffer)) is None:
                await self._read_on()
            count = int(size[1], 16)
            del self._buffer[: size.end()]
            if not count:
                await self._skip_trailers()
                return
            await self._take(count, body, limit)
            while len(self._buffer) < 2:
                await self._read_on()
            if self._buffer[:2] != b"\r\n":
                raise WireError("the answer is not in chunks as it says")
            del self._buffer[:2]

    async def _skip_trailers(self) -> None:
        while True:
            while (end := self._buffer.find(b"\n")) < 0:
                await self._read_on()
            line = self._buffer[:end].strip()
            del self._buffer[: end + 1]
            if not line:
                return

    async def _read_rest(self, body: bytearray, limit: int) -> None:
        while self._buffer or not self._has_ended:
            await self._take(max(len(self._buffer), 1), body, limit)

    async def _take(self, count: int, body: bytearray, limit: int) -> None:
        """Move `count` bytes over; stop by `WireError` one byte behind the limit."""
        while count:
            if not self._buffer:
                await self._read_on()
            piece = self._buffer[:count]
            del self._buffer[: len(piece)]
            body += piece
            count -= len(piece)
            if len(body) > limit:
                raise WireError("the answer is longer than we read")

    async def _read_on(self) -> None:
        """Wait for more to come."""
        if len(self._buffer) > _MAX_HEAD_BYTES:
            raise WireError("the answer is not HTTP as we read it")
        if self._has_ended or self._transport is None or self._transport.is_closing():
            raise self._lost or WireError("it closed the connection before its answer was whole")
        if self._is_paused and self._transport is not None:
            self._is_paused = False
            self._transport.resume_reading()
        self._waiter = self._loop.create_future()
        await self._waiter

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


def _read_head(raw: bytes) -> Head:
    first, *lines = raw.split(b"\n")
    status = _STATUS_LINE.fullmatch(first.rstrip(b"\r"))
    if status is None or len(lines) > _MAX_HEADERS:
        raise WireError("the answer is not HTTP as we read it")
    return Head(
        version=f"HTTP/{status[1].decode()}",
        status=int(status[2]),
        reason=(status[3] or b"").decode("latin-1").strip(),
        headers=tuple(_read_header(line.rstrip(b"\r")) for line in lines),
    )


def _read_header(line: bytes) -> tuple[str, str]:
    found = _HEADER.fullmatch(line)
    if found is None:
        raise WireError("the headers of the answer are malformed")
    return found[1].decode().lower(), found[2].decode("utf-8", "replace").strip()


def _is_chunked(head: Head) -> bool:
    return head.find("transfer-encoding").lower().endswith("chunked")


def _read_length(head: Head) -> int | None:
    """How long the body is; None where it says so itself, or ends with the connection (RFC 9112, section 6.3)."""
    if head.status in (101, 204, 304):
        return 0
    said = {part.strip() for part in head.find("content-length").split(",")}
    if head.find("transfer-encoding") or said == {""}:
        return None
    [length, *others] = said
    if others or not re.fullmatch(r"[0-9]{1,18}", length):
        raise WireError("the answer says no clear length")
    return int(length)


def _is_kept(head: Head) -> bool:
    said = head.find("connection").lower()
    return "close" not in said and head.status != 101 and (head.version == "HTTP/1.1" or "keep-alive" in said)
