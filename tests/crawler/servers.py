"""Loopback servers that behave well or badly, byte by byte; no test of the crawler talks to anything else."""

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.loopback import listening

_NAMES = (x509.IPAddress(IPv4Address("127.0.0.1")), x509.DNSName("news.example"))


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came over the wire."""

    target: str
    raw: bytes
    headers: Mapping[str, bytes]


Route = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class Server:
    """Answers `routes` by path, 404 otherwise, and keeps what it was asked."""

    routes: dict[str, Route]
    tls: ssl.SSLContext | None = None
    asked: list[Asked] = field(default_factory=list)
    gone: threading.Event = field(default_factory=threading.Event)
    port: int = 0
    busiest: int = 0
    _busy: int = 0
    _loop: asyncio.AbstractEventLoop | None = None
    _thread: threading.Thread | None = None
    _stop: asyncio.Event | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def targets(self) -> list[str]:
        return [asked.target for asked in self.asked]

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self._thread.start()
        assert ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None
        assert self._stop is not None
        assert self._thread is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _serve(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        async with listening(self._handle, tls=self.tls, backlog=300) as self.port:
            ready.set()
            await self._stop.wait()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await self._answer(read_request(await reader.readuntil(b"\r\n\r\n")), writer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            self.gone.set()
        finally:
            writer.close()

    async def _answer(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        self.asked.append(asked)
        self._busy += 1
        self.busiest = max(self.busiest, self._busy)
        try:
            await self.routes.get(asked.target, answer(404))(asked, writer)
        finally:
            self._busy -= 1


def read_request(raw: bytes) -> Asked:
    first, *lines = raw.split(b"\r\n")
    pairs = (line.split(b": ", 1) for line in lines if b": " in line)
    return Asked(first.split(b" ")[1].decode(), raw, {name.decode().lower(): value for name, value in pairs})


def head(status: int, headers: Mapping[str, str | bytes]) -> bytes:
    fields = b"".join(
        name.encode() + b": " + (value if isinstance(value, bytes) else value.encode("latin-1")) + b"\r\n"
        for name, value in headers.items()
    )
    return f"HTTP/1.1 {status} Said\r\n".encode() + fields + b"\r\n"


def answer(status: int = 200, body: bytes = b"", **headers: str | bytes) -> Route:
    """Answer plainly; `content_type` becomes Content-Type."""
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}

    async def say(_: Asked, writer: asyncio.StreamWriter) -> None:
        length = {} if status == 304 else {"Content-Length": str(len(body))}
        writer.write(head(status, {**named, **length}) + body)

    return say


def moved(to: str, status: int = 302) -> Route:
    return answer(status, location=to)


def spill(raw: bytes) -> Route:
    """Write these bytes, whatever they are, and close."""

    async def say(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()
        writer.close()

    return say


def drip(before: bytes, drop: bytes, pause: float = 0.05) -> Route:
    """Begin, and then go on for ever, a drop at a time."""

    async def say(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(before)
        while not writer.is_closing():
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(pause)

    return say


def slow(seconds: float, then: Route) -> Route:
    async def say(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        await then(asked, writer)

    return say


async def hang(_: Asked, writer: asyncio.StreamWriter) -> None:
    """Take the question and say nothing until the other side goes away."""
    await writer.wait_closed()


async def watch_hang(_: Asked, writer: asyncio.StreamWriter) -> None:
    """Hang by dripping bytes of a header, so that a vanished client is noticed by the failing write."""
    writer.write(b"HTTP/1.1 200 Said\r\n")
    while True:
        writer.write(b"X")
        await writer.drain()
        await asyncio.sleep(0.02)


@contextmanager
def serve(routes: dict[str, Route], *, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    with Server(routes, tls) as server:
        yield server


def self_signed(folder: Path) -> ssl.SSLContext:
    """Make a certificate that nobody vouches for, of 127.0.0.1 and news.example; its file is `server.pem`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(_NAMES), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
