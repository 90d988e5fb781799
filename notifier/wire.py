"""One HTTP/1.1 exchange after the other over one connection. How answers are read stands in `core.answers`.

aiohttp's client costs five times as much for each exchange.
"""

import asyncio

from core.answers import AnswerError, AnswerReader, Head, HeadLimits

MAX_BODY_BYTES = 20_000
_LIMITS = HeadLimits(line_bytes=16_000, head_bytes=16_000)


class WireError(OSError):
    """The peer broke off, or does not speak HTTP/1.1."""


class Wire(asyncio.Protocol):
    """A connection. `is_open` says whether another exchange may begin on it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader: AnswerReader | None = None
        self._body = bytearray()
        self._waiter: asyncio.Future[None] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._error: Exception | None = None
        self._has_ended = False

    @property
    def is_open(self) -> bool:
        is_closing = self._transport is None or self._transport.is_closing()
        return not (is_closing or self._has_ended or self._error) and (self._reader is None or self._reader.leaves_open)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._has_ended:
            return
        if self._reader is None:
            self.abort()  # an answer that nobody asked for
            return
        try:
            self._body += self._reader.feed(data)
        except AnswerError as error:
            self._break_off(WireError(str(error)))
        else:
            if len(self._body) > MAX_BODY_BYTES:
                self._break_off(WireError("the answer is longer than we read"))
        self._wake()

    def eof_received(self) -> None:
        self.connection_lost(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._has_ended = True
        self._error = self._error or exc or WireError("it closed the connection before its answer was whole")
        self._wake()

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        self._has_ended = True
        if self._transport is not None:
            self._transport.abort()

    def send(self, request: bytes) -> None:
        """Send a whole request. Where the connection is gone meanwhile, reading the answer says so."""
        if self._transport is not None and not (self._has_ended or self._transport.is_closing()):
            self._transport.write(request)

    def begin(self, *, ends_at: float) -> None:
        """Begin an exchange that is to end by then (seconds of the loop's clock): what is read now is its answer."""
        self._reader = AnswerReader(_LIMITS)
        self._body.clear()
        # A timer is half of what `asyncio.timeout` costs, and nothing here has to be cancelled.
        self._deadline = self._loop.call_at(ends_at, self._expire)

    def end(self) -> None:
        """End the exchange, however far it came."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    @property
    def has_body(self) -> bool:
        """Whether all that will be read of the body has come."""
        return self._error is not None or self._has_ended or (self._reader is not None and self._reader.is_whole)

    async def read_head(self) -> Head:
        """Wait for the final status and its headers.

        Errors: `TimeoutError` at the end of the exchange, `WireError`, or what broke the connection.
        """
        assert self._reader is not None, "an exchange has begun"
        while (head := self._reader.head) is None:
            if self._error is not None:
                raise self._error
            await self._read_on()
        return head

    async def read_body(self) -> None:
        """Wait until the body is whole, longer than we read, broken off or late; `body` has what came in any case."""
        while not self.has_body:
            await self._read_on()

    @property
    def body(self) -> bytes:
        """What has come of the body, of `MAX_BODY_BYTES` the beginning."""
        return bytes(self._body[:MAX_BODY_BYTES])

    def _expire(self) -> None:
        self._error = self._error or TimeoutError()
        self._wake()

    def _break_off(self, error: WireError) -> None:
        self._error = error
        self.abort()

    async def _read_on(self) -> None:
        self._waiter = self._loop.create_future()
        await self._waiter

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
