"""Lets Scrapy download through the gateway, so that its guards hold for every page a spider asks for."""

from contextlib import AsyncExitStack
from datetime import UTC, datetime
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.crawler import Crawler
from scrapy.exceptions import NotSupported
from scrapy.http import Headers
from scrapy.http import Response as ScrapyResponse
from scrapy.responsetypes import responsetypes

from core.services import lane_of
from crawler.browser import Renderer
from crawler.errors import UnreachableError
from crawler.fetch import PAGE_ACCEPT, FetchSettings, Gateway, Response
from crawler.outcomes import read_pace
from crawler.rests import LONGEST_REST, RestBook

# The body is decoded and whole, so these no longer speak of it.
_SPENT_HEADERS = (b"content-encoding", b"content-length", b"transfer-encoding")


class GatewayDownloadHandler(BaseDownloadHandler):
    """Answers each request by `Gateway.get` with robots.txt asked.

    A host that asks to wait is asked for no more. Errors: a `FetchError` reaches the request's errback as
    `failure.value`. `request.meta["answer"]` holds the gateway's own `Response`. A request with `meta["wait_for"]` is
    shown to a browser first (`crawler.browser`).
    """

    lazy = False

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._opened = AsyncExitStack()
        self._gateway: Gateway | None = None
        self._renderer: Renderer | None = None
        self._rests = RestBook(crawler.settings["SETWIRE_FETCH"].shared_folder)

    async def download_request(self, request: Request) -> ScrapyResponse:
        if request.method != "GET":
            raise NotSupported(f"the gateway only reads: {request.method} {request.url}")
        self._check_rest(request.url)
        gateway = await self._open_gateway()
        if "wait_for" in request.meta:
            answer = await self._open_renderer(gateway).render(request.url, wait_for=request.meta["wait_for"])
        else:
            answer = await gateway.get(request.url, accept=PAGE_ACCEPT, check_robots=True)
        self._note_rest(request.url, answer)
        request.meta["answer"] = answer
        request.meta["download_latency"] = answer.duration.total_seconds()
        return _build_response(answer)

    def _check_rest(self, url: str) -> None:
        host = urlsplit(url).hostname or ""
        if lane_of(host) in self._rests.look(now=datetime.now(UTC)):
            raise UnreachableError(f"{host} asked us to wait, and was asked for no more")

    def _note_rest(self, url: str, answer: Response) -> None:
        """Leave the hosts alone for as long as they say; a 429 that says nothing counts for this crawl only."""
        now = datetime.now(UTC)
        asked = read_pace(answer, now=now).retry_after
        for lane in {lane_of(urlsplit(address).hostname or "") for address in (url, answer.final_url)}:
            if not self._rests.hear(lane, answer.status, asked, now=now) and answer.status == 429:
                self._rests.keep(lane, now + LONGEST_REST)

    def _open_renderer(self, gateway: Gateway) -> Renderer:
        if self._renderer is None:
            settings: FetchSettings = self.crawler.settings["SETWIRE_FETCH"]
            self._renderer = Renderer(
                gateway,
                executable=self.crawler.settings["SETWIRE_BROWSER"],
                user_agent=settings.user_agent,
                deadline=settings.deadline,
            )
            self._opened.push_async_callback(self._renderer.aclose)
        return self._renderer

    async def close(self) -> None:
        await self._opened.aclose()

    async def _open_gateway(self) -> Gateway:
        # The gateway belongs to the running loop, which does not run yet when Scrapy builds its handlers.
        if self._gateway is None:
            self._gateway = Gateway(settings=self.crawler.settings["SETWIRE_FETCH"])
            await self._opened.enter_async_context(self._gateway)
        return self._gateway


def _build_response(answer: Response) -> ScrapyResponse:
    headers = Headers()
    for name, value in answer.headers.raw:
        if name.lower() not in _SPENT_HEADERS:
            headers.appendlist(name, value)
    kind = responsetypes.from_args(headers=headers, url=answer.final_url, body=answer.body)
    return kind(url=answer.final_url, status=answer.status, headers=headers, body=answer.body)
