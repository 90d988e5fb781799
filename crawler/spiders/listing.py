"""Reads a listing page by the selectors of its source."""

from collections.abc import Iterator

from scrapy.http import Response

from core.parsing.pages import parse_listing
from core.parsing.selecting import is_xpath
from core.values import ParsedEntry, Selectors
from crawler.messages import Problem
from crawler.spiders.base import SourceSpider, content_type


class ListingSpider(SourceSpider):
    """Yields the boxes of one page as entries. A publisher's own spider may set `selectors` and be done."""

    name = "listing"
    selectors: Selectors | None = None

    def awaited(self) -> str:
        selectors = self.source.selectors or self.selectors
        item = selectors.item if selectors else ""
        return f"xpath={item}" if is_xpath(item) else item

    def parse(self, response: Response) -> Iterator[ParsedEntry | Problem]:
        selectors = self.source.selectors or self.selectors
        if selectors is None:
            yield Problem(words=f"{self.source.source_id} is a listing without selectors; add them to its record.")
            return
        parsed = parse_listing(
            response.body, url=response.url, selectors=selectors, now=self.now, content_type=content_type(response)
        )
        yield from parsed.entries
        yield from (Problem(words=words) for words in parsed.problems)
        if parsed.is_feed and not parsed.entries:
            yield Problem(
                words=f"The selector {selectors.item!r} matches nothing at {response.url}; the page may have changed."
            )
