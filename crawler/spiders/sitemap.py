"""Reads a news sitemap, or the newest of the sitemaps that an index points at."""

from collections import deque
from collections.abc import Iterator
from typing import Any

from scrapy import Request
from scrapy.http import Response
from twisted.python.failure import Failure

from core.parsing.sitemaps import parse_sitemap
from core.values import ParsedEntry, ParsedFeed
from crawler.decoding import BodyDecoder
from crawler.fetch import FetchError
from crawler.messages import Problem
from crawler.spiders.base import SourceSpider

_GZIP_MAGIC = b"\x1f\x8b"
_MAX_DEPTH = 2


class SitemapSpider(SourceSpider):
    """Yields the articles a sitemap names; of an index it reads the newest children, as many as `max_children`.

    Children are asked for one after the other, so that entries come newest first.
    """

    name = "sitemap"
    max_children = 5

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._waiting: deque[tuple[str, int]] = deque()

    def parse(self, response: Response, depth: int = 0) -> Iterator[ParsedEntry | Problem | Request]:
        parsed = self._read(response)
        if not parsed.is_feed and depth == 0:
            self.reject_source(f"{response.url} answered with something that is no sitemap; check the address")
        yield from parsed.entries
        yield from (Problem(words=words) for words in parsed.problems)
        if depth < _MAX_DEPTH:
            self._waiting.extend((url, depth + 1) for url in parsed.children[: self.max_children])
        yield from self._ask_next()

    def skip_page(self, failure: Failure) -> Iterator[Problem | Request]:
        yield from super().skip_page(failure)
        yield from self._ask_next()

    def _ask_next(self) -> Iterator[Request]:
        if self._waiting:
            url, depth = self._waiting.popleft()
            yield Request(
                url, callback=self.parse, errback=self.skip_page, cb_kwargs={"depth": depth}, dont_filter=True
            )

    def _read(self, response: Response) -> ParsedFeed:
        try:
            body = self._unpack(response.body)
        except FetchError as error:
            return ParsedFeed(is_feed=False, problems=(f"{response.url}: {error}.",))
        return parse_sitemap(body, url=response.url, now=self.now)

    def _unpack(self, body: bytes) -> bytes:
        """Unfold a sitemap served as a .gz file, which is no content encoding and so still folded here."""
        if not body.startswith(_GZIP_MAGIC):
            return body
        caps = self.settings["SETWIRE_FETCH"]
        decoder = BodyDecoder("gzip", max_bytes=caps.max_body_bytes, max_ratio=caps.max_ratio)
        decoder.feed(body)
        return decoder.finish()
