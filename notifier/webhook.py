"""Sends one delivery to a webhook and says what came of it; when to try again is decided elsewhere."""

import asyncio
import re
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.http_exceptions import HttpProcessingError
from httpx_aiohttp import AiohttpTransport

from core.addresses import check_url, is_public
from core.values import Delivered, Delivery, EndpointGone, Exchange, GiveUp, Outcome, Retry
from core.webhooks import clean_line, sign, signing_secrets

_MAX_ANSWER_BYTES = 20_000
_MAX_DETAIL_CHARS = 500
_MAX_RETRY_AFTER = timedelta(days=365)
_CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_MAX_CONNECTIONS = 1000
# A name that nobody answers for holds a thread for many seconds; these must not be the threads the rest works with.
_LOOKUP_THREADS = 100
_KEEP_ALIVE_SECONDS = 15.0
_CLOSE_SECONDS = 1.0
# What a network, a server or a half-closed connection can throw at us; httpx-aiohttp lets some of aiohttp through.
_TROUBLES = (httpx.HTTPError, httpx.StreamError, aiohttp.ClientError, HttpProcessingError, OSError)

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


class _Resolver(AbstractResolver):
    """Looks names up as aiohttp's own resolver does, in threads that nothing else waits for."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_LOOKUP_THREADS, thread_name_prefix="lookup")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM, family=family)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, look_up)
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=int(address[1]),
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class WebhookSender:
    """Keeps connections open between deliveries: use it as an async context manager."""

    def __init__(self, settings: WebhookSettings) -> None:
        self._settings = settings
        self._allowed = frozenset(host.lower() for host in settings.allow_private_hosts)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        # Two pools, so that a connection made for an allowed host never serves another one.
        tls = httpx.create_ssl_context()
        resolver = _Resolver()
        self._stack.push_async_callback(resolver.close)
        self._guarded = await self._stack.enter_async_context(_build_client(tls, open_public_socket, resolver))
        self._trusting = await self._stack.enter_async_context(_build_client(tls, _open_socket, resolver))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def send(self, delivery: Delivery, *, now: datetime) -> Outcome:
        """Make one attempt, signed as of `now`. Never raises for what an endpoint or a network does.

        The first status that arrives is the answer, even if its body never ends: nobody is told twice for that.
        """
        url = delivery.endpoint.address
        try:
            check_url(url, allow_http=self._settings.allow_http)
            headers = self._write_headers(delivery, now)
            request = httpx.Request("POST", url, headers=headers, content=delivery.payload.encode())
        except (ValueError, httpx.InvalidURL) as error:
            return GiveUp(reason=f"The webhook cannot be sent as it is: {error}.")
        client = self._trusting if self._is_allowed(url) else self._guarded
        return await self._exchange(client, request, now=now)

    def _write_headers(self, delivery: Delivery, now: datetime) -> dict[str, str]:
        signed = sign(
            secret=signing_secrets(delivery.endpoint, now=now),
            message_id=delivery.delivery_id,
            sent_at=now,
            body=delivery.payload.encode(),
        )
        return {
            "content-type": "application/json",
            "user-agent": self._settings.user_agent,
            "accept": "*/*",
            "accept-encoding": "identity",
            **signed,
        }

    def _is_allowed(self, url: str) -> bool:
        parts = urlsplit(url)
        return bool(self._allowed & {parts.hostname, parts.netloc.lower()})

    async def _exchange(self, client: httpx.AsyncClient, request: httpx.Request, *, now: datetime) -> Outcome:
        ends_at = asyncio.get_running_loop().time() + self._settings.deadline.total_seconds()
        said = Exchange(request=_write_log(f"POST {request.url}", request.headers))
        try:
            async with asyncio.timeout_at(ends_at):
                response = await client.send(request, stream=True, follow_redirects=False)
        except TimeoutError:
            seconds = self._settings.deadline.total_seconds()
            return Retry(reason=f"The endpoint did not answer within {seconds:g} s.", exchange=said)
        except _TROUBLES as error:
            return Retry(reason=_explain(error, request.url.host), exchange=said)
        answer = await _read_answer(response, ends_at)
        head = f"{response.http_version} {response.status_code} {response.reason_phrase}"
        said = replace(said, response=_write_log(head, response.headers, answer))
        return replace(_judge(response, clean_line(answer)[:_MAX_DETAIL_CHARS], now=now), exchange=said)


def _write_log(head: str, headers: httpx.Headers, body: str = "") -> str:
    """Write one side of an exchange for people, without controls and within 20,000 bytes."""
    lines = "".join(f"{name}: {value}\n" for name, value in headers.items())
    text = f"{head}\n{lines}\n{body}" if body else f"{head}\n{lines}"
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text).encode()[:_MAX_ANSWER_BYTES].decode(errors="ignore")


def _build_client(
    tls: ssl.SSLContext, open_socket: Callable[[_AddressInfo], socket.socket], resolver: _Resolver
) -> httpx.AsyncClient:
    def open_session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            ssl=tls,
            limit=_MAX_CONNECTIONS,
            keepalive_timeout=_KEEP_ALIVE_SECONDS,
            socket_factory=open_socket,
            resolver=resolver,
        )
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    no_cookies = CookieJar(policy=DefaultCookiePolicy(allowed_domains=()))
    transport = AiohttpTransport(verify=tls, client=open_session)
    return httpx.AsyncClient(transport=transport, timeout=None, trust_env=False, cookies=no_cookies)  # noqa: S113 - send has one deadline


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
    # Head and body of a request are two writes: without this the second waits for the server to acknowledge the first.
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


async def _read_answer(response: httpx.Response, ends_at: float) -> str:
    """Read the beginning of the answer; what comes late, broken or compressed is left."""
    body = bytearray()
    with suppress(TimeoutError, *_TROUBLES):
        async with asyncio.timeout_at(ends_at):
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) >= _MAX_ANSWER_BYTES:
                    break
    with suppress(TimeoutError, *_TROUBLES):
        async with asyncio.timeout(_CLOSE_SECONDS):
            await response.aclose()
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        return ""
    return body[:_MAX_ANSWER_BYTES].decode(errors="replace")


def _judge(response: httpx.Response, answer: str, *, now: datetime) -> Outcome:
    """Turn an answer into an outcome as Standard Webhooks says: 2xx is taken, 410 is gone, the rest is tried again."""
    status = response.status_code
    if 200 <= status <= 299:
        return Delivered(detail=answer, status=status)
    if status == 410:
        return EndpointGone(reason="The endpoint answered 410: it wants nothing any more.", status=status)
    if 300 <= status <= 399:
        reason = f"The endpoint answered {status}, and redirects are not followed: give its final address."
        return Retry(reason=reason, status=status)
    said = f": {answer.rstrip('.')}" if answer else ""
    after = read_retry_after(response.headers.get("retry-after", ""), now=now)
    return Retry(reason=f"The endpoint answered {status}{said}.", after=after, status=status)


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
