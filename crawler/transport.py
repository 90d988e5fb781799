"""Speaks HTTP for the gateway through aiohttp, and puts its troubles into sentences."""

import errno
import functools
import ssl
from collections.abc import Iterable
from urllib.parse import urlsplit

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from httpx_aiohttp import AiohttpTransport
from httpx_aiohttp.transport import AiohttpResponseStream
from yarl import URL

from core.answers import AnswerError, CutShortError, HeadTooLargeError
from crawler.errors import FetchError, RefusedError, TooLargeError, UnreachableError
from crawler.guard import AllowList, GuardedResolver
from crawler.wire import KEEP_ALIVE_SECONDS, MAX_HEADER_BYTES, MAX_HEADERS, WireTransport

# All that a transport may raise; `explain` words it.
TROUBLES = (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, HttpProcessingError, OSError, ValueError)
_LOOKUP_TTL_SECONDS = 10
_MAX_CAUSES = 8


class ProxyTransport(AiohttpTransport):
    """Sends through a proxy; names of headers and the URL as they were written.

    The parent sends names in lower case and unescapes URLs anew: walls against robots look at the one, signed
    addresses break by the other. Errors are aiohttp's own, as they are.
    """

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "GET":
            return await self._post(request)
        answer = await self.ask(str(request.url), request.headers.raw)
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=AiohttpResponseStream(answer))

    async def _post(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(self.client, aiohttp.ClientSession)
        pairs = [(name.decode(), value.decode()) for name, value in request.headers.raw]
        url = URL(str(request.url), encoded=True)
        answer = await self.client.post(url, headers=pairs, data=request.read(), allow_redirects=False)
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=AiohttpResponseStream(answer))

    async def ask(self, url: str, headers: Iterable[tuple[bytes, bytes]]) -> aiohttp.ClientResponse:
        """Send a GET without httpx's values, which cost as much as all of aiohttp. Release the answer.

        aiohttp writes headers as UTF-8, so a validator that is none would arrive changed: it is left out, which costs
        a body and is never wrong.
        """
        assert isinstance(self.client, aiohttp.ClientSession)
        pairs = [(name.decode(), value.decode()) for name, value in headers if _is_utf8(value)]
        return await self.client.get(URL(url, encoded=True), headers=pairs, allow_redirects=False)


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def open_transport(
    *, resolver: AbstractResolver, allowed: frozenset[str], total: int, proxy: str | None
) -> httpx.AsyncBaseTransport:
    """Speak over connections of our own, or through aiohttp where a proxy is to be asked."""
    if proxy is None:
        judged = GuardedResolver(resolver, AllowList(allowed))
        return WireTransport(resolver=judged, make_tls=_tls_context, most_idle=total)
    context = _tls_context()
    connector = aiohttp.TCPConnector(
        limit=total,
        limit_per_host=0,
        resolver=GuardedResolver(resolver, AllowList(allowed | {urlsplit(proxy).hostname or ""})),
        ssl=context,
        ttl_dns_cache=_LOOKUP_TTL_SECONDS,
        keepalive_timeout=KEEP_ALIVE_SECONDS,
    )
    session = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        proxy=proxy,
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None),
        max_line_size=MAX_HEADER_BYTES,
        max_field_size=MAX_HEADER_BYTES,
        max_headers=MAX_HEADERS,
    )
    return ProxyTransport(verify=context, trust_env=False, client=session)


@functools.cache
def _tls_context() -> ssl.SSLContext:
    # Reading the bundle of authorities takes tens of milliseconds; a context is safe to share.
    return httpx.create_ssl_context()


def explain(error: Exception, host: str) -> FetchError:
    """Turn a transport's exception into the sentence for an operator; the innermost cause speaks first."""
    for cause in _causes(error):
        explained = _explain_connecting(cause, host) or _explain_answering(cause, host)
        if explained is not None:
            return explained
    if isinstance(error, HttpProcessingError):
        return UnreachableError(f"{host} did not answer in HTTP ({_first_line(error.message)})")
    return UnreachableError(f"{host} could not be asked: {str(error)[:200] or type(error).__name__}")


def _causes(error: BaseException) -> list[BaseException]:
    chain = [error]
    while (cause := chain[-1].__cause__) is not None and len(chain) < _MAX_CAUSES:
        chain.append(cause)
    return chain[::-1]


def _explain_connecting(error: BaseException, host: str) -> FetchError | None:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return UnreachableError(f"DNS: the name {host} does not resolve")
        case aiohttp.ClientConnectorCertificateError() | ssl.SSLCertVerificationError():
            return UnreachableError(f"TLS: the certificate of {host} is not valid ({_certificate_fault(error)})")
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return UnreachableError(f"TLS: no secure connection to {host} could be made")
        case ConnectionRefusedError() | aiohttp.ClientConnectorError(os_error=OSError(errno=errno.ECONNREFUSED)):
            return UnreachableError(f"connection refused: nothing listens at {host}")
        case aiohttp.ClientConnectorError():
            return UnreachableError(f"no connection to {host}: {error.os_error.strerror or 'network unreachable'}")
        case httpx.InvalidURL() | httpx.UnsupportedProtocol() | UnicodeError():
            return RefusedError(f"the address of {host[:100]} is malformed")
        case _:
            return None


def _explain_answering(error: BaseException, host: str) -> FetchError | None:
    match error:
        case LineTooLong() | HeadTooLargeError():
            return TooLargeError(f"{host} sent headers larger than we read")
        case aiohttp.ClientPayloadError() | CutShortError():
            return UnreachableError(f"{host} broke off before the end of its answer")
        case aiohttp.ServerDisconnectedError() | ConnectionResetError() | BrokenPipeError():
            return UnreachableError(f"{host} closed the connection without an answer")
        case aiohttp.ClientResponseError():
            return UnreachableError(f"{host} did not answer in HTTP ({_first_line(error.message)})")
        case AnswerError():
            return UnreachableError(f"{host} did not answer in HTTP ({error})")
        case _:
            return None


def _first_line(words: str) -> str:
    return next(iter(words.splitlines()), "")[:100]


def _certificate_fault(error: BaseException) -> str:
    inner = getattr(error, "certificate_error", error)
    return str(getattr(inner, "verify_message", "") or "not trusted")
