"""Renders a page that makes its list by script, in a browser that has no network: the gateway fetches all it asks for.

So the address check, robots.txt, the places per host, the caps and the deadline hold for scripts as for pages. The
browser itself is given a proxy that does not exist and a resolver that knows no name, so that what is not intercepted
(WebSocket, WebRTC, prefetching) leads nowhere. What cannot be guarded is the browser: hostile script that breaks out
of it has the rights of the crawl's process. Needs the extra `setwire[javascript]`.
"""

import asyncio
import os
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from crawler.errors import BrowserError, FetchError
from crawler.fetch import PAGE_ACCEPT, Gateway, Response

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Page, Route

# What a list is made of; pictures, fonts, media and all that stays open are not fetched.
_WANTED = frozenset({"document", "script", "stylesheet", "xhr", "fetch"})
_MOST_REQUESTS = 100
_MOST_BYTES = 30 * 1024 * 1024
# Where no selector says what to wait for, a list is complete when nothing was fetched for a moment.
_QUIET_MS = 5_000
_FLAGS = (
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
)
_NO_PROXY_LISTENS_HERE = "http://127.0.0.1:1"
# The gateway has decoded the body and knows its length.
_SPENT = frozenset({"content-encoding", "content-length", "transfer-encoding", "set-cookie", "connection"})


class Renderer:
    """A browser for the pages of one crawl, started at the first; `executable` is empty for Playwright's own."""

    def __init__(self, gateway: Gateway, *, executable: str, user_agent: str, deadline: timedelta) -> None:
        self._gateway = gateway
        self._executable = executable
        self._user_agent = user_agent
        self._deadline = deadline
        self._opened = AsyncExitStack()
        self._browser: Browser | None = None

    async def render(self, url: str, *, wait_for: str) -> Response:
        """Give the page as it stands once its script has run, with the status and headers of its own document.

        `wait_for` is a CSS selector or `xpath=...` of what the list is made of, or empty; a page on which it never
        appears is given as it is at the deadline. Errors: `FetchError`, `BrowserError` when there is no browser.
        """
        first = await self._gateway.get(url, accept=PAGE_ACCEPT, check_robots=True)
        if first.status != 200:
            return first
        browser = await self._open()
        from playwright.async_api import Error  # noqa: PLC0415 - an extra, which is there now

        context = await browser.new_context(
            user_agent=self._user_agent, service_workers="block", accept_downloads=False, permissions=[]
        )
        try:
            page = await context.new_page()
            return await self._read(context, page, first, wait_for)
        finally:
            with suppress(Error):  # the browser may be gone
                await context.close()

    async def aclose(self) -> None:
        await self._opened.aclose()

    async def _read(self, context: "BrowserContext", page: "Page", first: Response, wait_for: str) -> Response:
        from playwright.async_api import Error  # noqa: PLC0415 - an extra

        visit = _Visit(self._gateway, first)
        await context.route("**/*", visit.answer)
        await context.route_web_socket("**/*", lambda socket: socket.close())
        started = asyncio.get_running_loop().time()
        milliseconds = self._deadline.total_seconds() * 1000
        try:
            await page.goto(first.final_url, wait_until="domcontentloaded", timeout=milliseconds)
            with suppress(Error):
                if wait_for:
                    await page.wait_for_selector(wait_for, state="attached", timeout=milliseconds)
                else:
                    await page.wait_for_load_state("networkidle", timeout=min(_QUIET_MS, milliseconds))
            body = (await page.content()).encode()
        except Error as error:
            words = next(iter(str(error).splitlines()), "")[:200]
            raise BrowserError(f"the browser could not show {first.final_url}: {words}") from error
        spent = timedelta(seconds=asyncio.get_running_loop().time() - started)
        return replace(first, body=body, duration=first.duration + spent)

    async def _open(self) -> "Browser":
        if self._browser is None:
            self._browser = await self._start()
        return self._browser

    async def _start(self) -> "Browser":
        try:
            from playwright.async_api import Error, async_playwright  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise BrowserError(
                "the page needs a browser, and Playwright is not installed; install setwire[javascript]"
            ) from error
        try:
            playwright = await self._opened.enter_async_context(async_playwright())
            return await playwright.chromium.launch(
                executable_path=self._executable or None,
                args=list(_FLAGS),
                proxy={"server": _NO_PROXY_LISTENS_HERE, "bypass": "<-loopback>"},
                # Chromium refuses its own sandbox to root.
                chromium_sandbox=os.geteuid() != 0,
                timeout=self._deadline.total_seconds() * 1000,
            )
        except Error as error:
            words = next(iter(str(error).splitlines()), "")[:200]
            raise BrowserError(
                f"the page needs a browser, and none could be started ({words}); name one in SETWIRE_BROWSER"
            ) from error


class _Visit:
    """Answers what a page asks for from the gateway, up to a number of requests and bytes."""

    def __init__(self, gateway: Gateway, first: Response) -> None:
        self._gateway = gateway
        self._first: Response | None = first
        self._requests_left = _MOST_REQUESTS
        self._bytes_left = _MOST_BYTES

    async def answer(self, route: "Route") -> None:
        from playwright.async_api import Error  # noqa: PLC0415 - an extra

        response = await self._fetch(route)
        with suppress(Error):  # the page may have been left meanwhile
            if response is None:
                await route.abort("blockedbyclient")
                return
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in response.headers.raw}
            headers = {name: value for name, value in headers.items() if name.lower() not in _SPENT}
            await route.fulfill(status=response.status, headers=headers, body=response.body)

    async def _fetch(self, route: "Route") -> Response | None:
        request = route.request
        is_wanted = request.method == "GET" and request.resource_type in _WANTED and not _is_in_frame(route)
        if not is_wanted or self._requests_left <= 0 or self._bytes_left <= 0:
            return None
        self._requests_left -= 1
        if self._first is not None and request.is_navigation_request():
            response, self._first = self._first, None
            return response
        try:
            response = await self._gateway.get(request.url, accept="*/*", check_robots=True)
        except FetchError:
            return None
        self._bytes_left -= len(response.body)
        return response


def _is_in_frame(route: "Route") -> bool:
    """Say whether a frame inside the page asks; what frames hold is not read."""
    request = route.request
    return request.is_navigation_request() and request.frame.parent_frame is not None
