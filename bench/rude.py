"""Sinks of every temper on loopback, in a process of their own: an arrival is noted in a file before it is answered."""

import asyncio
import os
import re
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter
Note = Callable[[str, str], None]
OK = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"
MAIL_TEMPERS = ("well", "tarpit", "421", "452", "550", "drop")
# These are so to the first mail that comes, and well to all others.
ONCE = tuple(f"{temper}-once" for temper in MAIL_TEMPERS if temper not in ("well", "550"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What reached a sink: when (Unix seconds), which one, and the webhook-id or Message-ID."""

    at: float
    sink: str
    message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sinks:
    """Where they listen. `web` takes webhooks at `/TEMPER/NAME`; nobody listens at `closed`."""

    log: Path
    web: int
    closed: int
    mail: dict[str, int]

    def arrivals(self) -> list[Arrival]:
        lines = self.log.read_text().splitlines()
        parts = (line.split(" ", 2) for line in lines)
        return [Arrival(at=float(at), sink=sink, message_id=name) for at, sink, name in parts]


@contextmanager
def open_sinks(log: Path) -> Iterator[Sinks]:
    """Fork the sinks; call this before anything starts a thread."""
    log.touch()
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reading)
        _run_forever(_serve(log, writing))
    os.close(writing)
    with os.fdopen(reading) as pipe:
        web, closed, *mail = map(int, pipe.readline().split())
    try:
        yield Sinks(log=log, web=web, closed=closed, mail=dict(zip((*MAIL_TEMPERS, *ONCE), mail, strict=True)))
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _run_forever(work: Coroutine[None, None, None]) -> None:
    try:
        asyncio.run(work)
    finally:
        os._exit(1)


async def _serve(log: Path, writing: int) -> None:
    file = os.open(log, os.O_WRONLY | os.O_APPEND)

    def note(sink: str, message_id: str) -> None:
        os.write(file, f"{time.time()} {sink} {message_id}\n".encode())

    web = await asyncio.get_running_loop().create_server(lambda: _Hooks(note), "127.0.0.1", 0)
    closed = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
    mail = [await _start_mail(temper, note) for temper in (*MAIL_TEMPERS, *ONCE)]
    ports = [server.sockets[0].getsockname()[1] for server in (web, closed, *mail)]
    closed.close()
    os.write(writing, f"{' '.join(map(str, ports))}\n".encode())
    await asyncio.Event().wait()


_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_MESSAGE_ID = re.compile(rb"^message-id: *(\S+)", re.IGNORECASE | re.MULTILINE)
_ID = re.compile(rb"\r\nwebhook-id: *([^\r\n]+)", re.IGNORECASE)


class _Hooks(asyncio.Protocol):
    """Takes webhooks as cheaply as it can, so that what is measured is who sends them."""

    def __init__(self, note: Note) -> None:
        self._note = note
        self._buffer = b""
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n") + 4) > 3:
            head = self._buffer[:end]
            length = _LENGTH.search(head)
            whole = end + (int(length[1]) if length else 0)
            if len(self._buffer) < whole:
                return
            self._buffer = self._buffer[whole:]
            self._take(head)

    def _take(self, head: bytes) -> None:
        path = head.split(maxsplit=2)[1].decode()
        named = _ID.search(head)
        self._note(path, named[1].decode() if named else "None")
        temper = path.split("/")[1]
        if temper in _ANSWERS:
            self._transport.write(_ANSWERS[temper])
            if temper == "cut":
                self._transport.close()
        else:
            self._task = asyncio.create_task(_answer(temper, self._transport))


_ANSWERS = {
    "well": OK,
    "followed": OK,
    "redirect": b"HTTP/1.1 302 Found\r\nLocation: /followed/x\r\nContent-Length: 0\r\n\r\n",
    "gone": b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n",
    "busy": b"HTTP/1.1 429 Too Many\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n",
    "broken": b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
    "cut": b"HTTP/1.1 500 Oh\r\nContent-Length: 999\r\n\r\nhalf",
    "big": b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n" + b"x" * 10_000_000,
}


async def _answer(temper: str, transport: asyncio.Transport) -> None:
    """Say nothing, or as little as one can."""
    if temper == "drip":
        transport.write(b"HTTP/1.1 2")
    while True:
        await asyncio.sleep(0.5)
        if temper == "drip":
            transport.write(b" ")


async def _start_mail(temper: str, note: Note) -> asyncio.Server:
    is_once = temper in ONCE
    tempers = chain([temper.removesuffix("-once")], repeat("well")) if is_once else repeat(temper)

    def take(reader: Reader, writer: Writer) -> Awaitable[None]:
        sink = _Mails(next(tempers), is_once, lambda what, message_id: note(f"mail-{what or temper}", message_id))
        return sink.take(reader, writer)

    return await asyncio.start_server(take, "127.0.0.1", 0, limit=2**20)


def _mail_answers(temper: str) -> dict[bytes, bytes]:
    refusal = {"452": b"452 full\r\n", "550": b"550 5.1.1 nobody\r\n"}.get(temper)
    return {
        b"EHLO": b"250-sink\r\n250 PIPELINING\r\n",
        b"RCPT": refusal or b"250 ok\r\n",
        b"DATA": b"503 nobody to send it to\r\n" if refusal else b"250 ok\r\n",
        b"QUIT": b"221 bye\r\n",
    }


@dataclass(slots=True)
class _Mails:
    """Speaks as much SMTP as a client of ours needs; no STARTTLS is offered, and what would be a login is noted."""

    temper: str
    is_once: bool
    note: Note

    async def take(self, reader: Reader, writer: Writer) -> None:
        try:
            if self.temper == "tarpit":
                await asyncio.sleep(3600)
            writer.write(b"421 not now\r\n" if self.temper == "421" else b"220 sink\r\n")
            await self._converse(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _converse(self, reader: Reader, writer: Writer) -> None:
        answers = _mail_answers(self.temper)
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"AUTH":
                self.note("login", line.decode().strip())
            if verb == b"RSET" and self.is_once:
                answers = _mail_answers("well")
            if verb == b"DATA" and answers[verb].startswith(b"2"):
                writer.write(b"354 go on\r\n")
                named = _MESSAGE_ID.search(await reader.readuntil(b"\r\n.\r\n"))
                self.note("", named[1].decode() if named else "None")
                if self.temper == "drop":
                    return
            writer.write(answers.get(verb, b"250 ok\r\n"))
            await writer.drain()
