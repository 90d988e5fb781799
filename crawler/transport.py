"""Opens what speaks HTTP for the gateway, and puts its troubles into sentences."""

import functools
import ssl
from urllib.parse import urlsplit

import httpx

from core.answers import AnswerError, CutShortError, HeadTooLargeError
from crawler.errors import FetchError, RefusedError, TooLargeError, UnreachableError
from crawler.guard import AllowList, GuardedResolver, Resolver
from crawler.proxy import ProxyTransport
from crawler.wire import WireTransport

# All that a transport may raise; `explain` words it.
TROUBLES = (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError)
_MAX_CAUSES = 8


def open_transport(*, resolver: Resolver, allowed: frozenset[str], total: int, proxy: str | None) -> WireTransport:
    """Speak to the hosts themselves, or through a proxy."""
    if proxy is None:
        judged = GuardedResolver(resolver, AllowList(allowed))
        return WireTransport(resolver=judged, make_tls=_tls_context, most_idle=total)
    judged = GuardedResolver(resolver, AllowList(allowed | {urlsplit(proxy).hostname or ""}))
    return ProxyTransport(proxy, resolver=judged, make_tls=_tls_context, most_idle=total)


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
    return UnreachableError(f"{host} could not be asked: {str(error)[:200] or type(error).__name__}")


def _causes(error: BaseException) -> list[BaseException]:
    chain = [error]
    while (cause := chain[-1].__cause__) is not None and len(chain) < _MAX_CAUSES:
        chain.append(cause)
    return chain[::-1]


def _explain_connecting(error: BaseException, host: str) -> FetchError | None:
    match error:
        case ssl.SSLCertVerificationError():
            return UnreachableError(f"TLS: the certificate of {host} is not valid ({error.verify_message})")
        case ssl.SSLError():
            return UnreachableError(f"TLS: no secure connection to {host} could be made")
        case ConnectionRefusedError():
            return UnreachableError(f"connection refused: nothing listens at {host}")
        case httpx.InvalidURL() | httpx.UnsupportedProtocol() | UnicodeError():
            return RefusedError(f"the address of {host[:100]} is malformed")
        case _:
            return None


def _explain_answering(error: BaseException, host: str) -> FetchError | None:
    match error:
        case HeadTooLargeError():
            return TooLargeError(f"{host} sent headers larger than we read")
        case CutShortError():
            return UnreachableError(f"{host} broke off before the end of its answer")
        case ConnectionResetError() | BrokenPipeError():
            return UnreachableError(f"{host} closed the connection without an answer")
        case AnswerError():
            return UnreachableError(f"{host} did not answer in HTTP ({error})")
        case _:
            return None
