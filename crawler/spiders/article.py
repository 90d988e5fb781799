"""Reads the pages of entries whose feed did not bring the whole text."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from scrapy import Request, Spider
from scrapy.http import Response
from twisted.python.failure import Failure

from core.parsing.pages import parse_page
from core.values import EntryId, PageSelectors
from crawler.messages import PageRead
from crawler.spiders.base import content_type, judge_failure, judge_page


class ArticleSpider(Spider):
    """Yields one `PageRead` for each entry."""

    name = "article"

    def __init__(
        self,
        *args: Any,
        pages: Sequence[tuple[EntryId, str]],
        selectors: Mapping[EntryId, PageSelectors],
        now: datetime,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.pages = pages
        self.selectors = selectors
        self.now = now

    async def start(self) -> AsyncIterator[Any]:
        for entry_id, url in self.pages:
            facts = {"entry_id": entry_id}
            try:
                yield Request(url, callback=self.parse, errback=self.skip_page, cb_kwargs=facts, dont_filter=True)
            except ValueError:
                yield PageRead(entry_id=entry_id, error=f"{url[:200]!r} is no web address")

    def parse(self, response: Response, entry_id: EntryId) -> Iterator[PageRead]:
        judged = judge_page(response)
        if judged is not None:
            yield PageRead(entry_id=entry_id, error=judged[1])
            return
        page = parse_page(
            response.body,
            url=response.url,
            now=self.now,
            selectors=self.selectors.get(entry_id),
            content_type=content_type(response),
        )
        yield PageRead(entry_id=entry_id, page=page)

    def skip_page(self, failure: Failure) -> Iterator[PageRead]:
        # Scrapy sets the request on every failure it hands to an errback.
        entry_id = failure.request.cb_kwargs["entry_id"]  # type: ignore[attr-defined]
        yield PageRead(entry_id=entry_id, error=judge_failure(failure)[1])
