"""Asks through an HTTP proxy: the whole address for http, a tunnel (CONNECT) for https. The proxy resolves names."""

import ssl
from base64 import b64encode
from collections.abc import Callable, Sequence
from urllib.parse import unquote, urlsplit

from crawler.errors import UnreachableError
from crawler.guard import Resolver
from crawler.sockets import Stream
from crawler.wire import Field, Target, WireTransport


class ProxyTransport(WireTransport):
    """Sends what would be sent without. `proxy` is its http address, with a name and password if it asks for them.

    `resolver` resolves the proxy's name and no other.
    """

    def __init__(
        self, proxy: str, *, resolver: Resolver, make_tls: Callable[[], ssl.SSLContext], most_idle: int
    ) -> None:
        super().__init__(resolver=resolver, make_tls=make_tls, most_idle=most_idle)
        parts = urlsplit(proxy)
        host, port = parts.hostname or "", parts.port or 80
        self._proxy = Target("http", host, port, f"{host}:{port}", "")
        self._login: list[Field] = []
        if parts.username is not None:
            words = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._login = [(b"Proxy-Authorization", b"Basic " + b64encode(words.encode()))]

    def _write_question(self, method: bytes, target: Target, fields: Sequence[Field]) -> bytes:
        if target.scheme == "https":
            return super()._write_question(method, target, fields)
        return target.write_head(method, f"http://{target.authority}{target.path}", [*fields, *self._login])

    async def _connect(self, target: Target) -> Stream:
        try:
            stream = await self._open(self._proxy)
        except ConnectionRefusedError as error:
            where = self._proxy.authority
            raise UnreachableError(f"nothing listens at the proxy {where}; check SETWIRE_PROXY") from error
        if target.scheme == "https":
            await self._dig_tunnel(stream, target)
            await self._secure(stream, target)
        return stream

    async def _dig_tunnel(self, stream: Stream, target: Target) -> None:
        """Have the proxy connect to the host (RFC 9110 9.3.6)."""
        shown = f"[{target.host}]" if ":" in target.host else target.host
        far_end = Target("http", target.host, target.port, f"{shown}:{target.port}", "")
        question = far_end.write_head(b"CONNECT", far_end.authority, self._login)
        answer = await self._exchange(stream, far_end.key, question)
        if answer.status // 100 != 2:
            stream.close()
            raise UnreachableError(
                f"the proxy {self._proxy.authority} answered HTTP {answer.status} when asked for a way to "
                f"{target.host}; check SETWIRE_PROXY"
            )
