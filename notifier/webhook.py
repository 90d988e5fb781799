"""Sends one delivery to a webhook and says what came of it; when to try again is decided elsewhere."""

import asyncio
import re
import socket
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache, partial
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohappyeyeballs
import httpx

from core.addresses import check_url, is_public
from core.answers import Head
from core.values import Delivered, Delivery, EndpointGone, Exchange, GiveUp, Outcome, Retry
from core.webhooks import clean_line, sign, signing_secrets
from notifier.gate import Gate
from notifier.wire import Wire

_MAX_LOG_BYTES = 20_000
_MAX_DETAIL_CHARS = 500
_MAX_RETRY_AFTER = timedelta(days=365)
_CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_MAX_CONNECTIONS = 1000
_MAX_IDLE_CONNECTIONS = 500
# A name that nobody answers for holds a thread for many seconds; these must not be the threads the rest works with.
_LOOKUP_THREADS = 100
_KEEP_ALIVE_SECONDS = 15.0
# RFC 8305, section 5: the next address is tried beside one that has not answered for so long.
_NEXT_ADDRESS_SECONDS = 0.25

_AddressInfo = tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[object, ...]]


class NotPublicError(OSError):
    """The endpoint's host has an address that is not on the open internet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """How webhooks are sent.

    `deadline` covers one attempt from the name lookup to the end of the answer; Standard Webhooks asks for 15 to 30 s.
    `allow_private_hosts` are hosts as the URL writes them, each with an optional `:port`, that may have any address.
    """

    deadline: timedelta = timedelta(seconds=15)
    allow_private_hosts: frozenset[str] = frozenset()
    allow_http: bool = False
    user_agent: str = "setwire"


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a URL points: what is connected to, and what the request says of it.

    `host` is a name or an address, `written` the host as the URL writes it, without and with its port.
    """

    host: str
    port: int
    is_tls: bool
    path: str
    authority: str
    written: frozenset[str]


@lru_cache(maxsize=4096)
def _read_target(url: str, *, allow_http: bool) -> _Target:
    """Errors: `ValueError` or `httpx.InvalidURL` for an address that must not or cannot be asked."""
    check_url(url, allow_http=allow_http)
    parsed, parts = httpx.URL(url), urlsplit(url)
    is_tls = parsed.scheme == "https"
    return _Target(
        host=parsed.raw_host.decode("ascii").strip("[]"),
        port=parsed.port or (443 if is_tls else 80),
        is_tls=is_tls,
        path=parsed.raw_path.decode("ascii"),
        authority=parsed.netloc.decode("ascii"),
        written=frozenset((parts.hostname or "", parts.netloc.lower())),
    )


class WebhookSender:
    """Keeps connections open between deliveries: use it as an async context manager.

    With a `gate` each message waits for its turn before it leaves, and keeps the turn when `send` returns: the caller
    says `leave` once the outcome is safe.
    """

    def __init__(self, settings: WebhookSettings, *, gate: Gate | None = None) -> None:
        self._settings = settings
        self._gate = gate
        self._allowed = frozenset(host.lower() for host in settings.allow_private_hosts)
        self._user_agent = clean_line(settings.user_agent)
        self._wires = _Wires()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._wires.close()

    async def send(self, delivery: Delivery, *, now: datetime) -> Outcome:
        """Make one attempt, signed as of `now`. Never raises for what an endpoint or a network does.

        The first status that arrives is the answer, even if its body never ends: nobody is told twice for that.
        """
        url = delivery.endpoint.address
        body = delivery.payload.encode()
        try:
            target = _read_target(url, allow_http=self._settings.allow_http)
            head = self._write_head(delivery, target, body, now)
        except (ValueError, httpx.InvalidURL) as error:
            return GiveUp(reason=f"The webhook cannot be sent as it is: {error}.")
        request = f"POST {target.path} HTTP/1.1\r\n{head}\r\n".encode("ascii", "replace") + body
        log = _clean_log(f"POST {url}\r\n{head}".replace("\r\n", "\n"))
        return await self._exchange(delivery, target, request, log, now=now)

    def _write_head(self, delivery: Delivery, target: _Target, body: bytes, now: datetime) -> str:
        signed = sign(
            secret=signing_secrets(delivery.endpoint, now=now), message_id=delivery.delivery_id, sent_at=now, body=body
        )
        signatures = "".join([f"{name}: {value}\r\n" for name, value in signed.items()])
        return (
            f"host: {target.authority}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
            f"user-agent: {self._user_agent}\r\naccept: */*\r\naccept-encoding: identity\r\n{signatures}"
        )

    def _release(self, wire: Wire, delivery: Delivery, request: bytes) -> None:
        """Send the request now, or when the gate says that it is its turn."""
        if self._gate is None:
            wire.send(request)
        else:
            self._gate.enter(delivery.delivery_id, delivery.endpoint.endpoint_id, partial(wire.send, request))

    async def _exchange(
        self, delivery: Delivery, target: _Target, request: bytes, log: str, *, now: datetime
    ) -> Outcome:
        seconds = self._settings.deadline.total_seconds()
        ends_at = asyncio.get_running_loop().time() + seconds
        is_trusted = bool(self._allowed & target.written)
        wire: Wire | None = None
        try:
            wire = await self._wires.take(target, is_trusted=is_trusted, ends_at=ends_at)
            wire.begin(ends_at=ends_at)
            self._release(wire, delivery, request)
            head = await wire.read_head()
            answer = await _read_answer(wire, head)
        except TimeoutError:
            return Retry(reason=f"The endpoint did not answer within {seconds:g} s.", exchange=Exchange(request=log))
        except OSError as error:
            return Retry(reason=_explain(error, target.host), exchange=Exchange(request=log))
        finally:
            if wire is not None:
                wire.end()
                self._wires.give_back(wire, target, is_trusted=is_trusted)
        said = Exchange(request=log, response=_write_answer_log(head, answer))
        return _judge(head, clean_line(answer)[:_MAX_DETAIL_CHARS] if answer else "", now=now, said=said)


def _write_answer_log(head: Head, body: str) -> str:
    lines = b"".join([b"%b: %b\n" % header for header in head.headers])
    text = f"{head.version} {head.status} {_decode(head.reason)}\n{_decode(lines)}"
    return _clean_log(f"{text}\n{body}" if body else text)


def _clean_log(text: str) -> str:
    """Make one side of an exchange fit for people: without controls and within 20,000 bytes."""
    # What is printable has no controls; to look for them takes many times as long.
    is_clean = text.replace("\n", "").isprintable()
    clean = text if is_clean else _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)
    if len(clean) * 4 <= _MAX_LOG_BYTES:
        return clean
    return clean.encode()[:_MAX_LOG_BYTES].decode(errors="ignore")


_Key = tuple[bool, bool, str, int]


class _Wires:
    """Connections, kept for a while after each exchange. One made for an allowed host never serves another one."""

    def __init__(self) -> None:
        self._lookups = ThreadPoolExecutor(_LOOKUP_THREADS, thread_name_prefix="lookup")
        self._places = asyncio.Semaphore(_MAX_CONNECTIONS)
        self._idle: dict[_Key, dict[Wire, float]] = {}
        self._idle_count = 0
        self._sweep: asyncio.TimerHandle | None = None

    async def take(self, target: _Target, *, is_trusted: bool, ends_at: float) -> Wire:
        """Lend a connection; each that was taken is given back. Errors: `OSError`, `TimeoutError` at `ends_at`."""
        if not self._places.locked() and (wire := self._reuse(_key_of(target, is_trusted))) is not None:
            await self._places.acquire()  # there is one: this waits for nothing
            return wire
        async with asyncio.timeout_at(ends_at):
            await self._places.acquire()
            try:
                return self._reuse(_key_of(target, is_trusted)) or await self._connect(target, is_trusted)
            except BaseException:  # the deadline cancels too, and no place may be lost by that
                self._places.release()
                raise

    def give_back(self, wire: Wire, target: _Target, *, is_trusted: bool) -> None:
        self._places.release()
        if not wire.is_open or self._idle_count >= _MAX_IDLE_CONNECTIONS:
            wire.abort()
            return
        loop = asyncio.get_running_loop()
        self._idle.setdefault(_key_of(target, is_trusted), {})[wire] = loop.time()
        self._idle_count += 1
        if self._sweep is None:
            self._sweep = loop.call_later(_KEEP_ALIVE_SECONDS, self._sweep_idle)

    async def close(self) -> None:
        self._drop_older_than(float("inf"))
        if self._sweep is not None:
            self._sweep.cancel()
        self._lookups.shutdown(wait=False, cancel_futures=True)
        await asyncio.sleep(0)  # lets the sockets close before the loop does

    def _sweep_idle(self) -> None:
        loop = asyncio.get_running_loop()
        self._drop_older_than(loop.time() - _KEEP_ALIVE_SECONDS)
        self._sweep = loop.call_later(_KEEP_ALIVE_SECONDS, self._sweep_idle) if self._idle else None

    def _drop_older_than(self, moment: float) -> None:
        for key, wires in list(self._idle.items()):
            for wire, since in list(wires.items()):
                if since <= moment:
                    self._forget(key, wire)
                    wire.abort()

    def _forget(self, key: _Key, wire: Wire) -> None:
        del self._idle[key][wire]
        self._idle_count -= 1
        if not self._idle[key]:
            del self._idle[key]

    def _reuse(self, key: _Key) -> Wire | None:
        oldest = asyncio.get_running_loop().time() - _KEEP_ALIVE_SECONDS
        while wires := self._idle.get(key):
            wire, since = next(reversed(wires.items()))
            self._forget(key, wire)
            if wire.is_open and since > oldest:
                return wire
            wire.abort()
        return None

    async def _connect(self, target: _Target, is_trusted: bool) -> Wire:
        loop = asyncio.get_running_loop()
        look_up = partial(socket.getaddrinfo, target.host, target.port, type=socket.SOCK_STREAM)
        found = await loop.run_in_executor(self._lookups, look_up)
        opened = await aiohappyeyeballs.start_connection(
            found,
            happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS,
            socket_factory=_open_socket if is_trusted else _judge_first(found),
        )
        try:
            tls, name = (_tls_context(), target.host) if target.is_tls else (None, None)
            _, wire = await loop.create_connection(Wire, sock=opened, ssl=tls, server_hostname=name)
        except BaseException:  # the deadline cancels too, and nobody else knows of the socket
            opened.close()
            raise
        return wire


def _key_of(target: _Target, is_trusted: bool) -> _Key:
    return is_trusted, target.is_tls, target.host, target.port


@lru_cache(maxsize=1)
def _tls_context() -> ssl.SSLContext:
    # Reading the bundle of authorities takes tens of milliseconds; a context is safe to share.
    return httpx.create_ssl_context()


def _judge_first(found: Sequence[_AddressInfo]) -> Callable[[_AddressInfo], socket.socket]:
    """Refuse a host of which no address is public by one clear error, and each other address where it is opened."""
    if not any(is_public(str(info[4][0])) for info in found):
        raise NotPublicError(f"{found[0][4][0]} is not a public address")
    return open_public_socket


def open_public_socket(info: _AddressInfo) -> socket.socket:
    """Open a socket for exactly this address, if it is public.

    The judgement stands here, after the lookup and on the address that is connected to, so that no second lookup
    and no way of writing an address (`0x7f.1`) comes between. Errors: `NotPublicError`.
    """
    address = str(info[4][0])
    if not is_public(address):
        raise NotPublicError(f"{address} is not a public address")
    return _open_socket(info)


def _open_socket(info: _AddressInfo) -> socket.socket:
    family, kind, protocol, *_ = info
    opened = socket.socket(family, kind, protocol)
    # A request larger than a packet would else wait for the server to acknowledge its first part.
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return opened


def _explain(error: BaseException, host: str) -> str:
    causes = list(_causes(error))
    if any(isinstance(cause, NotPublicError) for cause in causes):
        return f"The host {host} is not on the open internet; allow it by name if that is meant."
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return f"The TLS connection to {host} failed: {_say(causes[-1])}."
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return f"The host {host} has no address: {_say(causes[-1])}."
    return f"The endpoint {host} could not be reached: {_say(error)}."


def _causes(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _say(error: BaseException) -> str:
    return clean_line(str(error))[:_MAX_DETAIL_CHARS].rstrip(".") or type(error).__name__


async def _read_answer(wire: Wire, head: Head) -> str:
    """Read the beginning of the answer; what comes late, broken or compressed is left."""
    if not wire.has_body:
        await wire.read_body()
    if head.find(b"content-encoding").lower() not in (b"", b"identity"):
        return ""
    return _decode(wire.body)


def _decode(said: bytes) -> str:
    return said.decode(errors="replace")


def _judge(head: Head, answer: str, *, now: datetime, said: Exchange) -> Outcome:
    """Turn an answer into an outcome as Standard Webhooks says: 2xx is taken, 410 is gone, the rest is tried again."""
    status = head.status
    if 200 <= status <= 299:
        return Delivered(detail=answer, status=status, exchange=said)
    if status == 410:
        return EndpointGone(
            reason="The endpoint answered 410: it wants nothing any more.", status=status, exchange=said
        )
    if 300 <= status <= 399:
        reason = f"The endpoint answered {status}, and redirects are not followed: give its final address."
        return Retry(reason=reason, status=status, exchange=said)
    words = f": {answer.rstrip('.')}" if answer else ""
    after = read_retry_after(_decode(head.find(b"retry-after")), now=now)
    return Retry(reason=f"The endpoint answered {status}{words}.", after=after, status=status, exchange=said)


def read_retry_after(text: str, *, now: datetime) -> timedelta | None:
    """Read `Retry-After` in either form (RFC 9110, section 10.2.3); None if it is absent, malformed or past."""
    value = text.strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return min(timedelta(seconds=int(value)), _MAX_RETRY_AFTER)
    try:
        at = parsedate_to_datetime(value)
        wait = (at if at.tzinfo else at.replace(tzinfo=UTC)) - now
    except (ValueError, OverflowError):
        return None
    return min(wait, _MAX_RETRY_AFTER) if wait > timedelta(0) else None
