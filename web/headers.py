"""What guards every exchange: our own names only, headers that tie a browser to our own pages, HEAD as GET."""

import re
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_POLICY = (
    "default-src 'none'; "
    "style-src 'self'; "
    "script-src 'self'; "
    "img-src 'self'; "
    "connect-src 'self'; "
    "form-action 'self'; "
    "base-uri 'none'; "
    "frame-ancestors 'none';"
)
SAFE_HEADERS = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


NOT_OURS = (
    "setwire does not answer to this name. If people should reach it by this name, "
    "set SETWIRE_BASE_URL to the address they use.\n"
)
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]]+)(:\d*)?", re.IGNORECASE)


class OwnNames:
    """Refuse requests for any host but ours, so that no foreign name can be bound to our address (DNS rebinding).

    `hosts` in lower case, IPv6 addresses in brackets.
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_ours = scope["type"] != "http" or name_host(Headers(scope=scope).get("host", "")) in self._hosts
        app = self._app if is_ours else PlainTextResponse(NOT_OURS, status_code=400)
        await app(scope, receive, send)


def name_host(header: str) -> str:
    """Return the host of a Host header in lower case, without port; empty when malformed."""
    found = _HOST.fullmatch(header)
    return found[1].lower() if found else ""


class SafeHeaders:
    """Add the safety headers to every answer; what no handler said about caching is `no-cache`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SAFE_HEADERS)
                headers.setdefault("cache-control", "no-cache")
            await send(message)

        await self._app(scope, receive, send_safely)


class SmallBodies:
    """Refuse bodies of more than `max_bytes` below /api/: they are read before the token is asked for."""

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        taken_bytes = 0

        async def receive_some() -> Message:
            nonlocal taken_bytes
            message = await receive()
            taken_bytes += len(message.get("body", b""))
            if taken_bytes > self._max_bytes:
                raise HTTPException(413, f"That is longer than {self._max_bytes:,} bytes; send less at a time.")
            return message

        is_ours = scope["type"] == "http" and scope["path"].startswith("/api/")
        await self._app(scope, receive_some if is_ours else receive, send)


class HeadAsGet:
    """Answer HEAD wherever GET is answered (RFC 9110, 9.3.2), headers only."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_headers(message: Message) -> None:
            is_body = message["type"] == "http.response.body"
            await send({**message, "body": b""} if is_body else message)

        await self._app(dict(scope, method="GET"), receive, send_headers)
