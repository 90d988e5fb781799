"""What `sources test` and `sources add` do with an address: ask once, look for feeds, count fields; nothing is kept."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import urlsplit

from config.settings import Settings, load_settings
from core.addresses import check_url
from core.parsing.discovery import FeedLink
from core.values import (
    EntryId,
    FetchOutcome,
    ParsedPage,
    Publisher,
    PublisherSlug,
    Source,
    SourceId,
    SourceKind,
    SourceState,
)
from crawler.discovery import Discovery, discover_feeds
from crawler.feeds import Gathered, gather_feed
from crawler.fetch import FetchSettings, Gateway
from crawler.runner import CrawlSettings, fetch_articles, run_spider
from scheduler.commands.options import CommandError
from scheduler.service import crawl_settings, fetch_settings, utc_now

_COUNTED = ("published_at", "summary", "author", "image_url", "text")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One visit. `discovered` are the feeds or sitemaps of an address that turned out to be a page.

    `page` is the first entry's article page where the source wants full text, or the sentence why there is none.
    """

    source: Source
    gathered: Gathered
    discovered: tuple[str, ...] = ()
    page: ParsedPage | str | None = None

    @property
    def is_good(self) -> bool:
        """Whether the visit was healthy; a listing that matches nothing is not."""
        is_mute = self.source.kind is SourceKind.LISTING and not self.gathered.entries
        return self.gathered.fetch.outcome.is_healthy and not is_mute


def make_trial_source(url: str, *, kind: SourceKind) -> Source:
    """Describe an address nobody declared. Raises CommandError for one that cannot be a source."""
    try:
        check_url(url)
    except ValueError as error:
        raise CommandError(f"{url!r} cannot be a source: {error}.") from error
    publisher = Publisher(slug=PublisherSlug("test"), name=urlsplit(url).hostname or "test")
    return Source(source_id=SourceId("test"), publisher=publisher, kind=kind, url=url)


async def try_out(source: Source, *, look_around: bool) -> Trial:
    """Ask a source once. With `look_around`, a page where a feed was expected is searched for feeds."""
    settings = load_settings()
    if source.kind is not SourceKind.FEED:
        gathered = await run_spider(source, settings=_crawl(settings), now=utc_now)
        return await _read_first_page(Trial(source=source, gathered=gathered), settings)
    async with Gateway(settings=_fetch(settings)) as gateway:
        trial = Trial(source=source, gathered=await _ask(source, gateway))
        if look_around and trial.gathered.fetch.outcome is FetchOutcome.NOT_A_FEED:
            trial = await _follow_page(trial, gateway)
    return await _read_first_page(trial, settings)


async def find_feeds(url: str) -> Discovery:
    async with Gateway(settings=_fetch(load_settings())) as gateway:
        return await discover_feeds(url, gateway=gateway, now=utc_now())


def name_feed(link: FeedLink) -> str:
    return f"{link.url} ({link.title})" if link.title else link.url


def count_fields(gathered: Gathered) -> Mapping[str, int]:
    """Count the entries that have each field that may be missing."""
    return {name: sum(bool(getattr(entry, name)) for entry in gathered.entries) for name in _COUNTED}


def _fetch(settings: Settings) -> FetchSettings:
    """Take turns with a service that keeps its data here; leave no folder where there is none."""
    fetch = fetch_settings(settings)
    return fetch if settings.data_dir.is_dir() else replace(fetch, shared_folder=None)


def _crawl(settings: Settings) -> CrawlSettings:
    return replace(crawl_settings(settings), fetch=_fetch(settings))


async def _ask(source: Source, gateway: Gateway) -> Gathered:
    state = SourceState(source_id=source.source_id, next_check_at=utc_now())
    return await gather_feed(source, state, gateway=gateway, now=utc_now)


async def _follow_page(trial: Trial, gateway: Gateway) -> Trial:
    found = await discover_feeds(trial.source.url, gateway=gateway, now=utc_now())
    names = (*map(name_feed, found.feeds), *found.sitemaps)
    if not found.feeds:
        return replace(trial, discovered=names)
    source = replace(trial.source, url=found.feeds[0].url)
    return Trial(source=source, gathered=await _ask(source, gateway), discovered=names)


async def _read_first_page(trial: Trial, settings: Settings) -> Trial:
    entries = trial.gathered.entries
    if not trial.source.full_text or not entries:
        return trial
    crawl = replace(_crawl(settings), delay=timedelta(0))
    selectors = {EntryId(1): trial.source.page} if trial.source.page else {}
    pages = await fetch_articles([(EntryId(1), entries[0].url)], settings=crawl, selectors=selectors)
    return replace(trial, page=pages[EntryId(1)])
