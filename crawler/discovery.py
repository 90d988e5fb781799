"""Finds the feeds of a web page: those it declares, else those that lie where feeds usually lie, else news sitemaps."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from core.parsing.discovery import FeedLink, find_news_sitemaps, guess_feeds, parse_feed_links
from core.parsing.feeds import parse_feed
from crawler.fetch import FetchError, Gateway, Response
from crawler.outcomes import judge_error, judge_response

_ACCEPT = (
    "text/html, application/xhtml+xml, application/rss+xml, application/atom+xml, application/feed+json, */*;q=0.5"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What lies behind an address. `feeds` is itself alone where it is a feed; `error` is one sentence or empty.

    `guessed` feeds were found at a usual place and answered; declared ones are the page's word.
    """

    url: str
    is_feed: bool = False
    feeds: tuple[FeedLink, ...] = ()
    guessed: bool = False
    sitemaps: tuple[str, ...] = ()
    error: str = ""


async def discover_feeds(url: str, *, gateway: Gateway, now: datetime) -> Discovery:
    """Ask an address what feeds it is or names. A page that names none costs a few more requests, one at a time."""
    try:
        response = await gateway.get(url, accept=_ACCEPT)
    except FetchError as error:
        return Discovery(url=url, error=judge_error(error)[1])
    verdict = judge_response(response, is_conditional=False)
    if verdict is not None:
        return Discovery(url=url, error=verdict[1])
    feed = await _read_feed(response, now)
    if feed is not None:
        return Discovery(url=url, is_feed=True, feeds=(feed,))
    kind = response.headers.get("content-type")
    links = await asyncio.to_thread(parse_feed_links, response.body, url=response.final_url, content_type=kind)
    return Discovery(url=url, feeds=links) if links else await _search(Discovery(url=url), response, gateway, now)


async def _search(nothing: Discovery, response: Response, gateway: Gateway, now: datetime) -> Discovery:
    found = await _try_each(guess_feeds(response.final_url), gateway, now)
    if found is not None:
        return replace(nothing, feeds=(found,), guessed=True)
    return replace(nothing, sitemaps=await _ask_robots(response.final_url, gateway))


async def _try_each(urls: Sequence[str], gateway: Gateway, now: datetime) -> FeedLink | None:
    for url in urls:
        try:
            response = await gateway.get(url, check_robots=True)
        except FetchError:
            continue
        if judge_response(response, is_conditional=False) is None and (feed := await _read_feed(response, now)):
            return feed
    return None


async def _read_feed(response: Response, now: datetime) -> FeedLink | None:
    kind = response.headers.get("content-type", "")
    parsed = await asyncio.to_thread(parse_feed, response.body, url=response.final_url, content_type=kind, now=now)
    return FeedLink(url=response.final_url, title=parsed.title) if parsed.is_feed else None


async def _ask_robots(url: str, gateway: Gateway) -> tuple[str, ...]:
    parts = urlsplit(url)
    try:
        response = await gateway.get(f"{parts.scheme}://{parts.netloc}/robots.txt", accept="text/plain, */*;q=0.1")
    except FetchError:
        return ()
    return find_news_sitemaps(response.body) if response.status == 200 else ()
