"""The only inbound HTTP client: asks politely, within caps and a deadline, and never leaves the open internet."""

import asyncio
import re
import time
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote, urljoin

import httpx

from core.addresses import PLAIN_URL
from core.services import find_service
from core.values import Validators
from crawler.decoding import ACCEPT_ENCODING, BodyDecoder
from crawler.errors import (
    BodyError,
    DeadlineError,
    FetchError,
    RedirectError,
    RefusedError,
    RobotsDisallowedError,
    TooLargeError,
    UnreachableError,
)
from crawler.guard import AllowList, Resolver, SystemResolver, check_target
from crawler.headers import Headers
from crawler.robots import MAX_ROBOTS_BYTES, RobotsBook
from crawler.shelf import RobotsShelf
from crawler.transport import TROUBLES, explain, open_transport
from crawler.turns import SharedTurns
from crawler.wire import WireTransport

__all__ = [
    "FEED_ACCEPT",
    "PAGE_ACCEPT",
    "BodyError",
    "DeadlineError",
    "FetchError",
    "FetchSettings",
    "Gateway",
    "RedirectError",
    "RefusedError",
    "Response",
    "RobotsDisallowedError",
    "TooLargeError",
    "UnreachableError",
]

T = TypeVar("T")
Fields = tuple[tuple[bytes, bytes], ...]

FEED_ACCEPT = (
    "application/rss+xml, application/atom+xml, application/feed+json, application/rdf+xml;q=0.9, "
    "application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, */*;q=0.1"
)
PAGE_ACCEPT = "text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.1"

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_PERMANENT = frozenset((301, 308))
_SAME_METHOD = frozenset((307, 308))
# Enough of an error page to tell a challenge from a missing page.
_ERROR_BODY_BYTES = 64 * 1024
_MAX_LANES = 4_000
_ACCEPT_ENCODING = ACCEPT_ENCODING.encode()
_NO_VALIDATORS = Validators()
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchSettings:
    """How we ask. `user_agent` begins with our product name, which robots.txt addresses, and says whom to write to.

    `deadline` bounds one `get` with all its redirects, not the wait for a free place on the host.
    `max_ratio` is decoded bytes per byte on the wire. `allow_private_hosts` are names or addresses, each with an
    optional `:port`. `proxy` is asked for every request if set; names are then resolved by the proxy, so the proxy
    must keep them off private addresses. Processes with the same `shared_folder` take turns at services
    and share what robots.txt said.
    """

    user_agent: str = "setwire/0.1 (+https://setwire.example/bot)"
    deadline: timedelta = timedelta(seconds=20)
    max_body_bytes: int = 10 * 1024 * 1024
    max_redirects: int = 5
    allow_private_hosts: frozenset[str] = frozenset()
    per_host: int = 2
    total: int = 50
    max_ratio: int = 100
    proxy: str | None = None
    shared_folder: Path | None = None

    @property
    def product(self) -> str:
        """The token by which robots.txt names us (RFC 9309 2.2.1)."""
        return re.split(r"[/\s]", self.user_agent, maxsplit=1)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer, whatever its status. `body` is decoded; of a status ≥ 400 it is the beginning, or empty.

    `headers` are latin-1 text, so values read here are byte-exact. `permanent_url` is where the address has moved
    for good, None if it has not. `duration` leaves out the wait for a free place on the host.
    """

    status: int
    headers: Headers
    body: bytes
    final_url: str
    duration: timedelta
    permanent_url: str | None = None


@dataclass(frozen=True, slots=True)
class _Ask:
    """What stays the same from hop to hop. `is_cut` keeps the beginning of a body that is too large."""

    headers: Fields
    max_bytes: int
    max_ratio: int
    is_cut: bool = False
    check_robots: bool = False


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Headers
    body: bytes

    def location(self, url: str) -> str | None:
        target = self.headers.get("location", "")
        return _join(url, target) if target and self.status in _REDIRECTS else None


class _Budget:
    """Seconds left for the exchange; the clock stands still while we queue for a host."""

    __slots__ = ("left", "total")

    def __init__(self, deadline: timedelta) -> None:
        self.total = deadline.total_seconds()
        self.left = self.total

    async def spend(self, host: str, work: Awaitable[T]) -> T:
        started = time.monotonic()
        timeout = asyncio.timeout(max(self.left, 0))
        try:
            async with timeout:
                return await work
        except TimeoutError as late:
            if not timeout.expired():
                raise
            raise DeadlineError(f"{host} took longer than {self.total:g} s to answer in full") from late
        finally:
            self.left -= time.monotonic() - started


class _Lane:
    """The way to one host: so many at a time, spaced as its robots.txt asks."""

    __slots__ = ("free_at", "places", "users")

    def __init__(self, width: int) -> None:
        self.places = asyncio.Semaphore(width)
        self.users = 0
        self.free_at = 0.0

    async def wait_turn(self, spacing: float) -> None:
        now = time.monotonic()
        starts_at = max(now, self.free_at)
        self.free_at = starts_at + spacing
        if starts_at > now:
            await asyncio.sleep(starts_at - now)


class Gateway:
    """Fetches URLs for everybody who reads the world; open it with `async with`.

    `transport` and `resolver` are the seams for tests: who speaks HTTP, and who turns names into addresses.
    """

    def __init__(
        self,
        *,
        settings: FetchSettings,
        transport: httpx.AsyncBaseTransport | None = None,
        resolver: Resolver | None = None,
    ) -> None:
        self._settings = settings
        self._user_agent = settings.user_agent.encode()
        self._allowed = AllowList(settings.allow_private_hosts)
        self._resolver = resolver or SystemResolver()
        self._transport = transport
        self._total = asyncio.Semaphore(settings.total)
        self._lanes: dict[str, _Lane] = {}
        self._turns = SharedTurns(settings.shared_folder) if settings.shared_folder else None
        shelf = RobotsShelf(settings.shared_folder / "robots", clock=time.time) if settings.shared_folder else None
        self._robots = RobotsBook(fetch=self._get_robots, product=settings.product, clock=time.monotonic, shelf=shelf)

    async def __aenter__(self) -> Self:
        if self._transport is None:
            self._transport = open_transport(
                resolver=self._resolver,
                allowed=self._settings.allow_private_hosts,
                total=self._settings.total,
                proxy=self._settings.proxy,
            )
        return self

    async def __aexit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._transport is not None:
            await self._transport.aclose()
        await self._resolver.close()

    async def get(
        self,
        url: str,
        *,
        validators: Validators = _NO_VALIDATORS,
        accept: str = FEED_ACCEPT,
        check_robots: bool = False,
    ) -> Response:
        """Fetch a URL, following its redirects. Errors: `FetchError` and its kinds, never anything else.

        `check_robots` asks every hop's robots.txt first and keeps to its Crawl-delay.
        """
        headers = self._headers(accept)
        if validators is not _NO_VALIDATORS:
            headers += _conditions(validators)
        return await self._follow(url, self._ask(headers, self._settings.max_body_bytes, check_robots=check_robots))

    async def ask_api(self, url: str, *, headers: Mapping[str, str]) -> Response:
        """Ask an interface for programs once. No redirect is followed: what `headers` prove is for this host alone.

        Errors as `get`; their words never hold the address, which may hold a key.
        """
        named = {**dict(self._headers("application/json")), **{n.encode(): v.encode() for n, v in headers.items()}}
        budget = _Budget(self._settings.deadline)
        answer = await self._ask_once(url, self._ask(tuple(named.items()), self._settings.max_body_bytes), budget)
        return Response(
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
            final_url=url,
            duration=timedelta(seconds=budget.total - budget.left),
        )

    async def post_form(self, url: str, fields: Mapping[str, str]) -> int:
        """Post a form and give the answer's status; no body is read. Errors as `get`.

        It is posted again where a 307 or 308 leads, as hubs do (w3.org/TR/websub 5.1.2); nothing else is followed.
        """
        budget = _Budget(self._settings.deadline)
        seen: set[str] = set()
        while True:
            self._check_hop(url, seen)
            status, location = await self._post_once(url, fields, budget)
            if status not in _SAME_METHOD or not location:
                return status
            url = _join(url, location)

    async def _post_once(self, url: str, fields: Mapping[str, str], budget: _Budget) -> tuple[int, str]:
        assert self._transport is not None, "open the gateway with `async with`"
        host, _ = check_target(url, self._allowed)
        try:
            request = httpx.Request("POST", url, headers={"User-Agent": self._settings.user_agent}, data=fields)
        except httpx.InvalidURL as error:
            raise explain(error, host) from error
        return await self._in_turn(host, 0.0, budget, partial(_post, self._transport, request, host))

    def _headers(self, accept: str) -> Fields:
        return (
            (b"User-Agent", self._user_agent),
            (b"Accept", accept.encode()),
            (b"Accept-Encoding", _ACCEPT_ENCODING),
        )

    def _ask(self, headers: Fields, max_bytes: int, **how: bool) -> _Ask:
        return _Ask(headers=headers, max_bytes=max_bytes, max_ratio=self._settings.max_ratio, **how)

    async def _get_robots(self, url: str) -> tuple[int, bytes] | None:
        headers = self._headers("text/plain, */*;q=0.1")
        try:
            # The piece that goes over the cap is lost, and one may be half as large as all that has to be read.
            response = await self._follow(url, self._ask(headers, 2 * MAX_ROBOTS_BYTES, is_cut=True))
        except RedirectError:
            # RFC 9309 2.3.1.2: beyond five redirects the file counts as not there.
            return 404, b""
        except FetchError:
            return None
        return response.status, response.body

    async def _follow(self, url: str, ask: _Ask) -> Response:
        budget = _Budget(self._settings.deadline)
        url = url.partition("#")[0]
        permanent: str | None = None
        is_moved = True
        seen: set[str] = set()
        while True:
            self._check_hop(url, seen)
            answer = await self._ask_once(url, ask, budget)
            target = answer.location(url)
            if target is None:
                return Response(
                    status=answer.status,
                    headers=answer.headers,
                    body=answer.body,
                    final_url=url,
                    duration=timedelta(seconds=budget.total - budget.left),
                    permanent_url=permanent,
                )
            is_moved = is_moved and answer.status in _PERMANENT
            permanent = target if is_moved else permanent
            url = target

    def _check_hop(self, url: str, seen: set[str]) -> None:
        if url in seen:
            raise RedirectError(f"the redirects run in a circle at {url[:200]}")
        if len(seen) > self._settings.max_redirects:
            raise RedirectError(f"more than {self._settings.max_redirects} redirects, the last to {url[:200]}")
        seen.add(url)

    async def _ask_once(self, url: str, ask: _Ask, budget: _Budget) -> _Answer:
        host, _ = check_target(url, self._allowed)
        spacing = (await self._robots.admit(_write_url(url, host))).total_seconds() if ask.check_robots else 0.0
        return await self._in_turn(host, spacing, budget, partial(self._exchange, url, host, ask))

    async def _in_turn(self, host: str, spacing: float, budget: _Budget, work: Callable[[], Awaitable[T]]) -> T:
        """Wait for the host first and for a place in all second: a slow host must not hold the others up.

        `spacing` is the least time between two questions to the host, in seconds.
        """
        service = find_service(host)
        name = service.name if service else host
        spacing = max(spacing, service.spacing.total_seconds()) if service else spacing
        lane = self._lanes.get(name)
        if lane is None:
            lane = self._lanes[name] = _Lane(1 if service else self._settings.per_host)
        lane.users += 1
        try:
            async with lane.places:
                if spacing and self._turns is not None:
                    turn = service.name if service else _name_turn(host)
                    async with self._turns.take(turn, timedelta(seconds=spacing)), self._total:
                        return await budget.spend(host, work())
                await lane.wait_turn(spacing)
                async with self._total:
                    return await budget.spend(host, work())
        finally:
            lane.users -= 1
            self._drop_idle_lanes(name, lane)

    def _drop_idle_lanes(self, name: str, left: _Lane) -> None:
        """Forget a lane nobody is in, unless its host is still to be left alone; those are looked through when many."""
        now = time.monotonic()
        if not left.users and left.free_at <= now:
            del self._lanes[name]
        if len(self._lanes) > _MAX_LANES:
            self._lanes = {host: lane for host, lane in self._lanes.items() if lane.users > 0 or lane.free_at > now}

    async def _exchange(self, url: str, host: str, ask: _Ask) -> _Answer:
        try:
            if isinstance(self._transport, WireTransport):
                return await self._exchange_bare(self._transport, url, ask)
            return await self._exchange_by_httpx(url, ask)
        except (TooLargeError, BodyError) as error:
            raise type(error)(f"{host}: {error}") from error
        except TROUBLES as error:
            raise explain(error, host) from error

    async def _exchange_bare(self, transport: WireTransport, url: str, ask: _Ask) -> _Answer:
        answer = await transport.ask(url, ask.headers)
        try:
            headers = Headers(answer.raw_headers)
            body = await _read_body(answer.status, headers, answer.pieces(), ask)
        finally:
            answer.release()
        return _Answer(answer.status, headers, body)

    async def _exchange_by_httpx(self, url: str, ask: _Ask) -> _Answer:
        assert self._transport is not None, "open the gateway with `async with`"
        response = await self._transport.handle_async_request(httpx.Request("GET", url, headers=list(ask.headers)))
        assert isinstance(response.stream, httpx.AsyncByteStream)
        try:
            headers = Headers(response.headers.raw)
            return _Answer(
                response.status_code,
                headers,
                await _read_body(response.status_code, headers, response.stream, ask),
            )
        finally:
            await response.aclose()


async def _post(transport: httpx.AsyncBaseTransport, request: httpx.Request, host: str) -> tuple[int, str]:
    try:
        response = await transport.handle_async_request(request)
        await response.aclose()
    except TROUBLES as error:
        raise explain(error, host) from error
    return response.status_code, Headers(response.headers.raw).get("location")


async def _read_body(status: int, headers: Headers, chunks: AsyncIterable[bytes], ask: _Ask) -> bytes:
    if status in _REDIRECTS or status == 304:
        return b""
    encoding = headers.get("content-encoding", "")
    if status >= 400:
        return await _read_error_page(chunks, encoding, ask.max_ratio)
    decoder = BodyDecoder(encoding, max_bytes=ask.max_bytes, max_ratio=ask.max_ratio)
    try:
        if not ask.is_cut:
            decoder.expect(headers.get("content-length", ""))
        await _feed(chunks, decoder)
    except TooLargeError:
        if not ask.is_cut:
            raise
        return bytes(decoder.decoded)
    return decoder.finish()


async def _read_error_page(chunks: AsyncIterable[bytes], encoding: str, max_ratio: int) -> bytes:
    """Read what can be had: the status has said what matters."""
    decoder: BodyDecoder | None = None
    with suppress(BodyError, TooLargeError, *TROUBLES):
        decoder = BodyDecoder(encoding, max_bytes=_ERROR_BODY_BYTES, max_ratio=max_ratio)
        await _feed(chunks, decoder)
    return bytes(decoder.decoded) if decoder else b""


async def _feed(chunks: AsyncIterable[bytes], decoder: BodyDecoder) -> None:
    async for chunk in chunks:
        decoder.feed(chunk)


def _name_turn(host: str) -> str:
    """Name a file of a few thousand; hosts that share one wait for each other, which is rare and harmless."""
    return f"host-{sha256(host.encode('utf-8', 'replace')).hexdigest()[:3]}"


def _write_url(url: str, host: str) -> str:
    """Give the address that the server will see. Errors: `RefusedError`."""
    try:
        return url if PLAIN_URL.fullmatch(url) else str(httpx.URL(url))
    except httpx.InvalidURL as error:
        raise explain(error, host) from error


def _conditions(validators: Validators) -> Fields:
    """Ask "changed since?" with the very bytes the server gave (RFC 9110 13.1); not with what is no header value."""
    pairs = ((b"If-None-Match", validators.etag), (b"If-Modified-Since", validators.last_modified))
    return tuple([(name, value.encode("latin-1")) for name, value in pairs if value and not _CONTROLS.search(value)])


def _join(base: str, location: str) -> str:
    """Resolve a Location as browsers do: stray spaces and bytes beyond ASCII are escaped, the fragment is ours."""
    raw = location.strip().encode("latin-1", errors="replace")
    escaped = quote(raw, safe="!#$%&'()*+,/:;=?@[]~\\")
    try:
        return urljoin(base, escaped).partition("#")[0]
    except ValueError as error:
        raise RefusedError(f"the redirect leads to a malformed address: {escaped[:200]!r}") from error
