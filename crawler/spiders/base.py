"""The spider all spiders of a source derive from: it asks for the source's address and keeps how that went."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from scrapy import Request, Spider
from scrapy.http import Response
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure

from core.values import FetchOutcome, Render, Source
from crawler.fetch import FetchError
from crawler.messages import CrawlEnded, Problem
from crawler.outcomes import judge_error, judge_response, read_pace


class SourceSpider(Spider):
    """Crawls one source; a subclass has a `name` and a `parse` that yields `ParsedEntry`, `Problem` or `Request`.

    `ended` is what the visit to the source's own address came to.
    """

    source: Source
    now: datetime

    def __init__(self, *args: Any, source: Source, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.source = source
        self.now = now
        self.ended = CrawlEnded(
            outcome=FetchOutcome.CRAWL_FAILED, error=f"the crawl of {source.url} ended before its first answer"
        )

    async def start(self) -> AsyncIterator[Any]:
        meta = {"wait_for": self.awaited()} if self.source.render is Render.JAVASCRIPT else {}
        yield Request(
            self.source.url, callback=self.open_source, errback=self.close_source, dont_filter=True, meta=meta
        )

    def awaited(self) -> str:
        """Name what a browser waits for before the page is read: a CSS selector, `xpath=...`, or nothing."""
        return ""

    def open_source(self, response: Response) -> Any:
        outcome, error = judge_page(response) or (FetchOutcome.OK, "")
        self.ended = self._end_at(response, outcome, error)
        return self.parse(response) if outcome is FetchOutcome.OK else ()

    def close_source(self, failure: Failure) -> None:
        outcome, error = judge_failure(failure)
        if isinstance(failure.value, HttpError):
            self.ended = self._end_at(failure.value.response, outcome, error)
        else:
            self.ended = CrawlEnded(outcome=outcome, error=error)

    def _end_at(self, response: Response, outcome: FetchOutcome, error: str) -> CrawlEnded:
        return CrawlEnded(
            outcome=outcome,
            error=error,
            status=response.status,
            body_bytes=len(response.body),
            final_url=response.url,
            pace=read_pace(response.meta["answer"], now=self.now),
        )

    def skip_page(self, failure: Failure) -> Iterator[Problem | Request]:
        """Tell of a further page that could not be had; the crawl goes on without it."""
        yield Problem(words=judge_failure(failure)[1])

    def reject_source(self, error: str) -> None:
        """Say that the source's address holds no document of the kind this spider reads."""
        self.ended = replace(self.ended, outcome=FetchOutcome.NOT_A_FEED, error=error)


def content_type(response: Response) -> str:
    """Give the header of that name as the server wrote it; empty where there is none."""
    return (response.headers.get(b"Content-Type") or b"").decode("latin-1")


def judge_page(response: Response) -> tuple[FetchOutcome, str] | None:
    return judge_response(response.meta["answer"], is_conditional=False)


def judge_failure(failure: Failure) -> tuple[FetchOutcome, str]:
    """Give outcome and sentence for whatever reached an errback."""
    error = failure.value
    if isinstance(error, FetchError):
        return judge_error(error)
    if isinstance(error, HttpError):
        judged = judge_page(error.response)
        if judged is not None:
            return judged
    return FetchOutcome.CRAWL_FAILED, f"the spider broke: {type(error).__name__}: {str(error)[:200]}"
