"""Crawls in real child processes, before loopback servers."""

import asyncio
import gzip
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from scrapy.http import HtmlResponse

from core.values import (
    EntryId,
    FetchOutcome,
    PageSelectors,
    ParsedEntry,
    ParsedPage,
    Publisher,
    PublisherSlug,
    Selectors,
    Source,
    SourceId,
    SourceKind,
)
from crawler.feeds import Gathered
from crawler.fetch import FetchSettings
from crawler.runner import CrawlSettings, fetch_articles, run_spider
from crawler.spiders.listing import ListingSpider
from tests.crawler.servers import Route, answer, hang, moved, serve, watch_hang

NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
HTML = "text/html; charset=utf-8"
LISTING = b"""<!doctype html><html><body><main>
<article class="card"><a href="/diary/one">The water tank is filled for Saltmarsh</a>
  <time datetime="2026-03-13T10:00:00Z">yesterday</time></article>
<article class="card"><a href="/diary/two">A stunt team rehearses on the pier</a></article>
</main></body></html>"""
PARAGRAPH = (
    b"<p>On day %d of the shoot the riggers of Saltmarsh hung a new wire above the pier, and both doubles fell.</p>"
)
STORY = (
    b"<!doctype html><html lang='en'><head><title>A stunt team rehearses on the pier</title></head><body><article>"
    b"<h1>A stunt team rehearses on the pier</h1>%b</article></body></html>"
) % b"".join(PARAGRAPH % day for day in range(1, 9))


def news_sitemap(*slugs: str) -> bytes:
    urls = "".join(
        f"<url><loc>http://127.0.0.1/{slug}</loc><news:news><news:title>News of {slug}</news:title>"
        "<news:publication_date>2026-03-13T10:00:00Z</news:publication_date></news:news></url>"
        for slug in slugs
    )
    spaces = (
        'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
        'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'
    )
    return f'<?xml version="1.0"?><urlset {spaces}>{urls}</urlset>'.encode()


def sitemap_index(*urls: tuple[str, str]) -> bytes:
    rows = "".join(f"<sitemap><loc>{url}</loc><lastmod>{day}</lastmod></sitemap>" for url, day in urls)
    space = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
    return f'<?xml version="1.0"?><sitemapindex {space}>{rows}</sitemapindex>'.encode()


def source(url: str, kind: SourceKind = SourceKind.LISTING, selectors: Selectors | None = None) -> Source:
    return Source(
        source_id=SourceId("pier-diary"),
        publisher=Publisher(slug=PublisherSlug("pier"), name="Pier Diary"),
        kind=kind,
        url=url,
        selectors=selectors,
    )


def settings(**changes: Any) -> CrawlSettings:
    fetch = FetchSettings(allow_private_hosts=frozenset({"127.0.0.1"}), deadline=timedelta(seconds=5))
    given = {"fetch": fetch, "delay": timedelta(0), "deadline": timedelta(seconds=60), **changes}
    return CrawlSettings(**given)


def crawl(what: Source, how: CrawlSettings | None = None) -> Gathered:
    return asyncio.run(run_spider(what, settings=how or settings(), now=lambda: NOW))


CARDS = Selectors(item="article.card", date="time::attr(datetime)")


def test_a_listing_is_read_by_its_selectors() -> None:
    routes = {"/diary": moved("/diary/"), "/diary/": answer(body=LISTING, content_type=HTML, set_cookie="a=1")}
    with serve(routes) as server:
        gathered = crawl(source(server.url + "/diary", selectors=CARDS))
        assert [entry.url for entry in gathered.entries] == [f"{server.url}/diary/{n}" for n in ("one", "two")]
        assert gathered.entries[0].title == "The water tank is filled for Saltmarsh"
        assert gathered.entries[0].published_at == datetime(2026, 3, 13, 10, tzinfo=UTC)
        assert gathered.problems == ()
        fetch = gathered.fetch
        assert (fetch.outcome, fetch.status, fetch.entry_count) == (FetchOutcome.OK, 200, 2)
        assert (fetch.final_url, fetch.body_bytes) == (server.url + "/diary/", len(LISTING))
        assert server.targets == ["/robots.txt", "/diary", "/diary/"]
        assert not any("cookie" in asked.headers or "referer" in asked.headers for asked in server.asked)


def test_selectors_that_match_nothing_are_a_problem_not_a_failure() -> None:
    with serve({"/": answer(body=LISTING, content_type=HTML)}) as server:
        gathered = crawl(source(server.url + "/", selectors=Selectors(item=".gone")))
    assert (gathered.fetch.outcome, gathered.entries) == (FetchOutcome.OK, ())
    assert any("'.gone' matches nothing" in words for words in gathered.problems)


def test_a_sitemap_index_is_followed_newest_first() -> None:
    with serve({}) as server:
        children = [(f"{server.url}/{day}.xml", f"2026-03-0{day}") for day in range(1, 9)]
        server.routes["/sitemap.xml"] = answer(body=sitemap_index(*children), content_type="text/xml")
        server.routes["/8.xml"] = answer(body=gzip.compress(news_sitemap("h", "g")), content_type="application/gzip")
        server.routes["/7.xml"] = answer(body=news_sitemap("f", "g"), content_type="text/xml")
        gathered = crawl(source(server.url + "/sitemap.xml", SourceKind.SITEMAP))
    assert [entry.url.rpartition("/")[2] for entry in gathered.entries] == ["h", "g", "f"]
    assert server.targets[2:] == [f"/{day}.xml" for day in (8, 7, 6, 5, 4)]
    assert gathered.fetch.outcome is FetchOutcome.OK
    assert sum("HTTP 404" in words for words in gathered.problems) == 3


def test_a_page_where_a_sitemap_should_be() -> None:
    with serve({"/": answer(body=LISTING, content_type=HTML)}) as server:
        gathered = crawl(source(server.url + "/", SourceKind.SITEMAP))
    assert gathered.fetch.outcome is FetchOutcome.NOT_A_FEED
    assert "no sitemap" in gathered.fetch.error


def test_the_gateway_guards_spiders_too() -> None:
    with serve({"/": moved("http://169.254.169.254/")}) as server:
        fetch = crawl(source(server.url + "/", selectors=CARDS)).fetch
    assert fetch.outcome is FetchOutcome.REFUSED
    assert "169.254.169.254 is not a public address" in fetch.error


def test_a_spider_is_told_when_to_come_back() -> None:
    with serve({"/": answer(429, retry_after="600")}) as server:
        fetch = crawl(source(server.url + "/", selectors=CARDS)).fetch
    assert (fetch.outcome, fetch.status) == (FetchOutcome.BLOCKED, 429)
    assert fetch.pace.retry_after == timedelta(minutes=10)


def test_a_spider_of_ones_own_is_a_few_lines() -> None:
    class PierDiarySpider(ListingSpider):
        name = "pier-diary"
        selectors = CARDS

    spider = PierDiarySpider(source=source("https://pier.example/"), now=NOW)
    page = HtmlResponse("https://pier.example/", body=LISTING, encoding="utf-8")
    found = list(spider.parse(page))
    assert [entry.url for entry in found if isinstance(entry, ParsedEntry)] == [
        "https://pier.example/diary/one",
        "https://pier.example/diary/two",
    ]


def test_a_spider_that_is_not_there_is_a_sentence() -> None:
    fetch = crawl(replace(source("http://127.0.0.1:1/"), spider="pier-diary")).fetch
    assert fetch.outcome is FetchOutcome.CRAWL_FAILED
    assert "no spider is named 'pier-diary'" in fetch.error


def test_pages_of_entries() -> None:
    routes = {
        "/robots.txt": answer(body=b"User-agent: *\nDisallow: /private/"),
        "/good": answer(body=STORY, content_type=HTML),
        "/blocked": answer(403),
        "/cut": answer(body=gzip.compress(STORY)[:-9], content_type=HTML, content_encoding="gzip"),
    }
    paths = ["/good", "/private/x", "/missing", "/cut", "/good", "/blocked"]
    with serve(routes) as server:
        urls = [(EntryId(number), server.url + path) for number, path in enumerate(paths)]
        pages = asyncio.run(fetch_articles([*urls, (EntryId(6), "nowhere")], settings=settings()))
    assert list(pages) == [0, 1, 2, 3, 4, 5, 6]
    good = pages[EntryId(0)]
    assert isinstance(good, ParsedPage)
    assert "hung a new wire above the pier" in good.text
    assert pages[EntryId(4)] == good
    for number, words in {
        1: "robots.txt",
        2: "HTTP 404",
        3: "breaks off",
        5: "forbids us",
        6: "no web address",
    }.items():
        assert words in str(pages[EntryId(number)])


def test_a_sources_own_selectors_reach_its_pages() -> None:
    with serve({"/robots.txt": answer(404), "/good": answer(body=STORY, content_type=HTML)}) as server:
        urls = [(EntryId(1), server.url + "/good"), (EntryId(2), server.url + "/good")]
        own = {EntryId(2): PageSelectors(body="article p:first-of-type")}
        pages = asyncio.run(fetch_articles(urls, settings=settings(), selectors=own))
    first, second = pages[EntryId(1)], pages[EntryId(2)]
    assert isinstance(first, ParsedPage)
    assert isinstance(second, ParsedPage)
    assert first.text.count("hung a new wire") == 8
    assert second.text.count("hung a new wire") == 1


def test_no_pages_are_no_work() -> None:
    assert asyncio.run(fetch_articles([], settings=settings())) == {}


def test_a_crawl_that_takes_too_long_is_stopped() -> None:
    with serve({"/robots.txt": answer(404), "/": hang}) as server:
        started = time.monotonic()
        fetch = crawl(source(server.url + "/", selectors=CARDS), settings(deadline=timedelta(seconds=1))).fetch
        assert time.monotonic() - started < 2
    assert fetch.outcome is FetchOutcome.CRAWL_FAILED
    assert fetch.error == "the crawl took longer than 1 s and was stopped"


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let a shell script stand in for the child's Python."""

    def stand_in(script: str) -> None:
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(path))

    return stand_in


@pytest.mark.parametrize(
    ("script", "words"),
    [
        pytest.param("kill -9 $$", "was killed by SIGKILL", id="killed"),
        pytest.param("echo Segmentation >&2; kill -11 $$", "was killed by SIGSEGV: Segmentation", id="crashed"),
        pytest.param("echo 'no module' >&2; exit 1", "ended with code 1: no module", id="failed"),
        pytest.param("exit 0", "without its last word", id="silent"),
        pytest.param("echo nonsense; echo '{}'", "without its last word", id="nonsense"),
        pytest.param("yes", "more than 50,000 bytes", id="flood"),
        pytest.param("yes >&2", "took longer than 1 s", id="log flood"),
        pytest.param("sleep 60 & sleep 60", "took longer than 1 s", id="grandchild"),
        pytest.param("exec 0<&-; sleep 0.1; exit 0", "without its last word", id="deaf"),
    ],
)
def test_whatever_becomes_of_the_child_is_a_sentence(child: Any, script: str, words: str) -> None:
    child(script)
    how = settings(max_output_bytes=50_000, deadline=timedelta(seconds=1))
    started = time.monotonic()
    gathered = crawl(source("http://127.0.0.1:1/", selectors=CARDS), how)
    assert time.monotonic() - started < 2
    assert gathered.fetch.outcome is FetchOutcome.CRAWL_FAILED
    assert words in gathered.fetch.error
    page = asyncio.run(fetch_articles([(EntryId(1), "http://127.0.0.1:1/")], settings=how))[EntryId(1)]
    assert words in str(page)


def test_secrets_of_the_service_are_not_handed_down(child: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETWIRE_DATABASE_URL", "postgresql://u:secret@db/setwire")
    child("env >&2; exit 1")
    fetch = crawl(source("http://127.0.0.1:1/", selectors=CARDS)).fetch
    child('test -z "$SETWIRE_DATABASE_URL" || echo leaked >&2; exit 1')
    assert "leaked" not in crawl(source("http://127.0.0.1:1/", selectors=CARDS)).fetch.error
    assert "secret" not in fetch.error


PARENT = """
import asyncio, sys
from datetime import UTC, datetime, timedelta
sys.path.insert(0, sys.argv[2])
from tests.crawler.test_runner import CARDS, crawl, source
crawl(source(sys.argv[1], selectors=CARDS))
"""


def test_a_child_does_not_outlive_the_service() -> None:
    with serve({"/robots.txt": answer(404), "/": watch_hang}) as server:
        root = Path(__file__).resolve().parents[2]
        parent = subprocess.Popen([sys.executable, "-c", PARENT, server.url + "/", str(root)], cwd=root)
        try:
            give_up_at = time.monotonic() + 30
            while "/" not in server.targets:
                assert time.monotonic() < give_up_at
                server.gone.wait(0.05)
            server.gone.clear()
        finally:
            os.kill(parent.pid, signal.SIGKILL)
            parent.wait()
        assert server.gone.wait(3)


def test_a_charset_that_only_the_header_names_is_read() -> None:
    words = "Режиссёр снимает новый фильм на пристани"
    listing = f'<html><body><article class="card"><a href="/1">{words}</a></article></body></html>'.encode("cp1251")
    story = f"<html><head><title>{words}</title></head><body><p>{words}</p></body></html>".encode("cp1251")
    kind = "text/html; charset=windows-1251"
    routes = {"/": answer(body=listing, content_type=kind), "/1": answer(body=story, content_type=kind)}
    with serve(routes) as server:
        gathered = crawl(source(server.url + "/", selectors=CARDS))
        assert [entry.title for entry in gathered.entries] == [words]
        pages = asyncio.run(fetch_articles([(EntryId(1), server.url + "/1")], settings=settings()))
    page = pages[EntryId(1)]
    assert isinstance(page, ParsedPage)
    assert page.title == words


@pytest.mark.parametrize("busy", [answer(429), answer(503, retry_after="600")])
def test_a_host_that_asks_to_wait_is_asked_for_no_more_pages(busy: Route) -> None:
    with serve({"/1": busy}) as server, serve({"/1": answer(body=STORY, content_type=HTML)}) as other:
        urls = [(EntryId(number), f"{server.url}/{number}") for number in (1, 2, 3)]
        elsewhere = (EntryId(4), f"{other.url.replace('127.0.0.1', 'localhost')}/1")
        allowed = FetchSettings(allow_private_hosts=frozenset({"127.0.0.1", "localhost"}))
        pages = asyncio.run(fetch_articles([*urls, elsewhere], settings=settings(fetch=allowed)))
        assert server.targets == ["/robots.txt", "/1"]
    assert "HTTP 429" in str(pages[EntryId(1)]) or "HTTP 503" in str(pages[EntryId(1)])
    assert "asked us to wait" in str(pages[EntryId(2)])
    assert "asked us to wait" in str(pages[EntryId(3)])
    assert isinstance(pages[EntryId(4)], ParsedPage)


def test_a_host_that_asks_to_wait_is_left_alone_by_the_next_crawl(tmp_path: Path) -> None:
    how = settings(fetch=replace(settings().fetch, shared_folder=tmp_path))
    with serve({"/1": answer(503, retry_after="600")}) as server:
        for number in (1, 2):
            pages = asyncio.run(fetch_articles([(EntryId(number), f"{server.url}/{number}")], settings=how))
        assert server.targets == ["/robots.txt", "/1"]
    assert "asked us to wait" in str(pages[EntryId(2)])


def test_one_page_in_trouble_does_not_cost_the_others() -> None:
    with serve({"/1": answer(503), "/2": answer(body=STORY, content_type=HTML)}) as server:
        urls = [(EntryId(number), f"{server.url}/{number}") for number in (1, 2)]
        pages = asyncio.run(fetch_articles(urls, settings=settings()))
    assert isinstance(pages[EntryId(2)], ParsedPage)
