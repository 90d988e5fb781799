"""parse_sitemap on documents of our own making."""

import gzip
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.parsing.entries import title_from_slug
from core.parsing.sitemaps import parse_sitemap
from core.values import ParsedEntry, ParsedFeed

NOW = datetime(2026, 6, 1, tzinfo=UTC)
URL = "https://reelgazette.example/sitemap.xml"
NAMESPACES = (
    'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
    'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9" '
    'xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"'
)


def urlset(rows: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?><urlset {NAMESPACES}>{rows}</urlset>'.encode()


def read(body: bytes) -> ParsedFeed:
    return parse_sitemap(body, url=URL, now=NOW)


def test_news_sitemap_gives_every_field() -> None:
    feed = read(
        urlset(
            "<url><loc> https://reelgazette.example/2026/05/harbour-lights-wraps </loc>"
            "<lastmod>2026-05-06</lastmod><news:news><news:publication><news:name>Reel Gazette"
            "</news:name><news:language>en</news:language>"
            "</news:publication><news:publication_date>2026-05-04T10:00:00+01:00</news:publication_date>"
            "<news:title>Harbour Lights &amp;amp; co wrap</news:title><news:keywords>Film, stunts, film</news:keywords>"
            "</news:news><image:image><image:loc>/i.jpg</image:loc><image:title>A tram"
            "</image:title></image:image></url>"
        )
    )
    assert feed == ParsedFeed(
        title="Reel Gazette",
        entries=(
            ParsedEntry(
                guid="https://reelgazette.example/2026/05/harbour-lights-wraps",
                url="https://reelgazette.example/2026/05/harbour-lights-wraps",
                title="Harbour Lights & co wrap",
                categories=("Film", "stunts"),
                published_at=datetime(2026, 5, 4, 9, tzinfo=UTC),
                image_url="https://reelgazette.example/i.jpg",
                language="en",
            ),
        ),
    )


def test_plain_sitemap_takes_title_from_the_address_and_date_from_lastmod() -> None:
    (entry,) = read(
        urlset("<url><loc>https://reelgazette.example/a-b-wraps</loc><lastmod>2026-05-06</lastmod></url>")
    ).entries
    assert (entry.title, entry.published_at) == ("A B Wraps", datetime(2026, 5, 6, tzinfo=UTC))


def test_index_gives_children_newest_first_undated_last() -> None:
    rows = "".join(
        f"<sitemap><loc>{loc}</loc>{lastmod}</sitemap>"
        for loc, lastmod in [
            ("/old.xml", "<lastmod>2024-01-01</lastmod>"),
            ("/undated.xml", ""),
            ("/new.xml", "<lastmod>2026-05-01T10:00:00Z</lastmod>"),
            ("ftp://reelgazette.example/x", ""),
        ]
    )
    feed = read(f"<sitemapindex {NAMESPACES}>{rows}</sitemapindex>".encode())
    assert feed.children == tuple(f"https://reelgazette.example/{name}.xml" for name in ("new", "old", "undated"))
    assert feed.entries == ()


def test_the_newest_500_stay_in_order() -> None:
    rows = "".join(
        f"<url><loc>https://reelgazette.example/take-{n}</loc><lastmod>{2000 + n % 26}-01-01</lastmod></url>"
        for n in range(520)
    )
    feed = read(urlset(rows))
    years = [entry.published_at.year for entry in feed.entries if entry.published_at]
    numbers = [int(entry.url.rpartition("-")[2]) for entry in feed.entries]
    assert (len(years), min(years), numbers) == (500, 2001, sorted(numbers))
    assert feed.problems == ("The 20 oldest addresses were left out.",)


def test_gzip_is_opened() -> None:
    body = urlset("<url><loc>https://reelgazette.example/a-b</loc></url>")
    assert read(gzip.compress(body)) == read(body)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        pytest.param(b"", "The document is no sitemap.", id="nothing"),
        pytest.param(b"<html><body>Not found</body></html>", "The document is no sitemap.", id="HTML"),
        pytest.param(b"\x1f\x8bnonsense", "The gzip data is damaged.", id="damaged"),
        pytest.param(gzip.compress(b" " * 30_000_000), "is larger than", id="bomb"),
        pytest.param(b" " * 11_000_000, "is larger than", id="too large"),
    ],
)
def test_what_is_no_sitemap_is_told_in_words(body: bytes, problem: str) -> None:
    feed = read(body)
    assert not feed.is_feed
    assert problem in feed.problems[0]


@pytest.mark.parametrize(
    ("url", "title"),
    [
        ("https://a.example/2026/05/harbour-lights-wraps-1234567.html", "Harbour Lights Wraps"),
        ("https://a.example/news/28-years-on/", "28 Years On"),
        ("https://a.example/tram-chase-0a1b2c3d4e5f", "Tram Chase"),
        ("https://a.example/the-gaffer%E2%80%99s-tale/12345678", "The Gaffer’s Tale"),
        ("https://a.example/about", "About"),
        ("https://a.example/", ""),
        ("https://a.example/2026/05/1234567", ""),
    ],
)
def test_title_from_slug(url: str, title: str) -> None:
    assert title_from_slug(url) == title


MARKUP = (
    "<urlset> </urlset> <url> </url> <loc> https://a.example/b </loc> <lastmod> <sitemapindex> <sitemap> <news:title>x "
    "&a; <!-- <![CDATA[ http://["
)
pieces = st.sampled_from(MARKUP.split())


@given(st.one_of(st.binary(max_size=200), st.lists(pieces, max_size=20).map(lambda found: "".join(found).encode())))
def test_parse_sitemap_never_raises(body: bytes) -> None:
    for document in (body, b"\x1f\x8b" + body, gzip.compress(body)):
        feed = read(document)
        assert feed.is_feed or feed.problems


def test_a_video_of_an_article_is_not_the_article() -> None:
    spaces = (
        'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
        'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9" '
        'xmlns:video="http://www.google.com/schemas/sitemap-video/1.1" '
        'xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"'
    )
    body = f"""<urlset {spaces}><url><loc>https://reelgazette.example/tram</loc>
      <video:video><video:title>Trailer of 2019</video:title><video:publication_date>2019-01-01</video:publication_date>
        <video:content_loc>https://reelgazette.example/v.mp4</video:content_loc></video:video>
      <image:image><image:title>A still</image:title><image:loc>https://reelgazette.example/i.jpg</image:loc></image:image>
      <news:news><news:title>Tram chase wraps</news:title>
        <news:publication_date>2026-05-04T10:00:00Z</news:publication_date></news:news></url></urlset>"""
    [entry] = read(body.encode()).entries
    assert (entry.title, entry.image_url) == ("Tram chase wraps", "https://reelgazette.example/i.jpg")
    assert entry.published_at == datetime(2026, 5, 4, 10, tzinfo=UTC)
