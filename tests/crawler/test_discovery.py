"""Feeds found from a page's address, before loopback servers."""

import asyncio
from datetime import UTC, datetime

import pytest

from core.parsing.discovery import find_news_sitemaps, guess_feeds, parse_feed_links
from crawler.discovery import Discovery, discover_feeds
from crawler.fetch import FetchSettings, Gateway
from tests.crawler.servers import answer, serve

NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
HTML = "text/html; charset=utf-8"
FEED = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>Pier Diary</title>
<item><guid>1</guid><title>The tank is filled for Saltmarsh</title><link>https://pier.example/1</link></item>
</channel></rss>"""
PLAIN = b"<html><head><title>Pier Diary</title></head><body><p>News</p></body></html>"


def page(head: str) -> bytes:
    return f"<!doctype html><html><head>{head}</head><body><p>News</p></body></html>".encode()


@pytest.mark.parametrize(
    ("head", "urls"),
    [
        pytest.param(
            '<link rel="alternate" type="application/rss+xml" href="/feed/">', ["https://pier.example/feed/"], id="RSS"
        ),
        pytest.param(
            '<link rel="ALTERNATE nofollow" type="Application/Atom+XML; charset=utf-8" href="atom">',
            ["https://pier.example/film/atom"],
            id="relative, in capitals",
        ),
        pytest.param('<link rel="feed" href="/all">', ["https://pier.example/all"], id="rel feed"),
        pytest.param(
            '<link rel="alternate" type="application/json" href="/wp-json/wp/v2/posts/1">',
            [],
            id="JSON that is no feed",
        ),
        pytest.param(
            '<link rel="alternate" type="application/json" title="JSON Feed" href="/feed.json">',
            ["https://pier.example/feed.json"],
            id="JSON that says so",
        ),
        pytest.param('<link rel="alternate" hreflang="fr" href="/fr/">', [], id="translation"),
        pytest.param(
            '<base target="_blank"><base href="/b/"><link rel="alternate" type="application/rss+xml" href="f.xml">',
            ["https://pier.example/b/f.xml"],
            id="the first base with an address",
        ),
        pytest.param(
            '<link rel="alternate" type="application/rss+xml" href="feed:https://pier.example/x">'
            '<link rel="alternate" type="application/rss+xml" href="feed://pier.example/y">',
            ["https://pier.example/x", "http://pier.example/y"],
            id="the scheme of feed readers",
        ),
        pytest.param('<link rel="stylesheet" type="application/rss+xml" href="/x">', [], id="no alternate"),
        pytest.param('<link rel="alternate" type="application/rss+xml" href="javascript:1">', [], id="no web address"),
        pytest.param(
            '<link rel="alternate" type="application/rss+xml" title="Comments" href="/film/comments/feed/">'
            '<link rel="alternate" type="application/rss+xml" href="/feed/">'
            '<link rel="alternate" type="application/rss+xml" href="/film/feed/">',
            [f"https://pier.example/{path}" for path in ("film/feed/", "feed/", "film/comments/feed/")],
            id="the page's own first, comments last",
        ),
    ],
)
def test_a_page_names_its_feeds(head: str, urls: list[str]) -> None:
    found = parse_feed_links(page(head), url="https://pier.example/film/")
    assert [link.url for link in found] == urls


def test_bytes_that_are_no_page_name_none() -> None:
    assert parse_feed_links(b"\x00\xff" * 500, url="https://pier.example/") == ()


def test_usual_places_begin_below_the_page() -> None:
    assert guess_feeds("https://pier.example/film?x=1")[:2] == (
        "https://pier.example/film/feed/",
        "https://pier.example/feed/",
    )


def test_news_sitemaps_of_a_robots_file() -> None:
    robots = b"User-agent: *\nSITEMAP: https://pier.example/news-sitemap.xml\nSitemap: https://pier.example/all.xml\n"
    assert find_news_sitemaps(robots) == ("https://pier.example/news-sitemap.xml",)


def discover(url: str) -> Discovery:
    async def ask() -> Discovery:
        async with Gateway(settings=FetchSettings(allow_private_hosts=frozenset({"127.0.0.1"}))) as gateway:
            return await discover_feeds(url, gateway=gateway, now=NOW)

    return asyncio.run(ask())


def test_a_feed_is_itself() -> None:
    with serve({"/feed": answer(body=FEED)}) as server:
        found = discover(server.url + "/feed")
        assert (found.is_feed, [link.title for link in found.feeds]) == (True, ["Pier Diary"])
        assert server.targets == ["/feed"]


def test_a_page_that_names_its_feed_costs_one_request() -> None:
    body = page('<link rel="alternate" type="application/rss+xml" title="All" href="/rss">')
    with serve({"/": answer(body=body, content_type=HTML)}) as server:
        found = discover(server.url + "/")
        assert [link.url for link in found.feeds] == [server.url + "/rss"]
        assert server.targets == ["/"]


def test_a_page_that_names_none_is_searched_where_feeds_lie() -> None:
    routes = {"/": answer(body=PLAIN, content_type=HTML), "/feed/": answer(body=PLAIN), "/rss.xml": answer(body=FEED)}
    with serve(routes) as server:
        found = discover(server.url + "/")
        assert ([link.url for link in found.feeds], found.guessed) == ([server.url + "/rss.xml"], True)
        assert server.targets == ["/", "/robots.txt", "/feed/", "/rss", "/rss.xml"]


def test_where_robots_forbid_nothing_is_tried() -> None:
    robots = b"User-agent: *\nDisallow: /\nSitemap: https://pier.example/news.xml"
    with serve({"/": answer(body=PLAIN, content_type=HTML), "/robots.txt": answer(body=robots)}) as server:
        found = discover(server.url + "/")
        assert (found.feeds, found.sitemaps) == ((), ("https://pier.example/news.xml",))
        assert set(server.targets) == {"/", "/robots.txt"}


def test_trouble_is_a_sentence() -> None:
    with serve({}) as server:
        assert "HTTP 404" in discover(server.url + "/").error
    assert discover("http://10.0.0.1/").error.startswith("10.0.0.1 is not a public address")
