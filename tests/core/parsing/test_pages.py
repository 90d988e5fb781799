"""parse_page and parse_listing on pages of our own making, and on real ones where they are at hand."""

import gzip
import html
import json
import os
from datetime import UTC, datetime, time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.parsing.pages import parse_listing, parse_page
from core.values import PageSelectors, ParsedEntry, ParsedPage, Selectors

NOW = datetime(2026, 6, 1, tzinfo=UTC)
URL = "https://www.reelgazette.example/2026/05/harbour-lights-wraps?utm_source=x"
PAGES = Path(os.environ.get("SETWIRE_SHARED", Path(__file__).parents[4] / "shared")) / "data" / "pages"

PARAGRAPHS = (
    "The crew of Harbour Lights left the old docks on Monday after nine weeks of night shoots in heavy rain.",
    "Director Mara Quill said that the tram chase, hung from two cranes, was done in camera with a single take.",
    "The film opens in the autumn of next year, and a first trailer is promised before the end of the summer.",
)
BODY = "<article><h1>Harbour Lights wraps</h1>" + "".join(f"<p>{text}</p>" for text in PARAGRAPHS) + "</article>"


def page(head: str = "", body: str = BODY) -> bytes:
    return f"<!DOCTYPE html><html lang='en-GB'><head>{head}</head><body>{body}</body></html>".encode()


def read(body: bytes) -> ParsedPage:
    return parse_page(body, url=URL, now=NOW)


def ld(value: object) -> str:
    return f'<script type="application/ld+json">{json.dumps(value)}</script>'


def test_page_gives_every_field() -> None:
    found = read(
        page(
            "<title>Harbour Lights wraps | Reel Gazette</title>"
            "<link rel='canonical' href='/2026/05/harbour-lights-wraps'>"
            "<meta property='og:title' content='Harbour Lights wraps | Reel Gazette'>"
            "<meta property='og:site_name' content='Reel Gazette'>"
            "<meta property='og:description' content='Nine weeks &amp;amp; one tram.'>"
            "<meta property='og:image' content='/i.jpg'>"
            "<meta name='author' content='By Mara Quill'>"
            "<meta property='article:published_time' content='2026-05-04T10:30:00+01:00'>"
        )
    )
    assert found == ParsedPage(
        url=URL,
        canonical_url="https://www.reelgazette.example/2026/05/harbour-lights-wraps",
        title="Harbour Lights wraps",
        author="Mara Quill",
        authors=("Mara Quill",),
        summary="Nine weeks & one tram.",
        text=found.text,
        image_url="https://www.reelgazette.example/i.jpg",
        language="en-gb",
        published_at=datetime(2026, 5, 4, 9, 30, tzinfo=UTC),
    )
    assert all(paragraph in found.text.split("\n") for paragraph in PARAGRAPHS)


def test_json_ld_tells_author_and_time() -> None:
    article = {
        "@type": ["NewsArticle"],
        "headline": "Harbour Lights wraps",
        "datePublished": "2026-05-04T09:30:00Z",
        "author": [{"@type": "Person", "name": "Mara Quill"}, {"name": "Jon Ferrow"}],
        "image": {"url": "https://img.example/i.jpg"},
    }
    found = read(page(ld({"@graph": [{"@type": "WebSite", "name": "no"}, article]})))
    assert (found.title, found.author) == ("Harbour Lights wraps", "Mara Quill, Jon Ferrow")
    assert found.authors == ("Mara Quill", "Jon Ferrow")
    assert not found.is_paywalled
    assert found.published_at == datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
    assert found.image_url == "https://img.example/i.jpg"


@pytest.mark.parametrize(
    ("href", "canonical"),
    [
        pytest.param("https://m.reelgazette.example/a", "https://m.reelgazette.example/a", id="same domain"),
        pytest.param("https://other.example/a", "", id="another site"),
        pytest.param("/", "", id="front page"),
        pytest.param("http://[", "", id="broken"),
        pytest.param("", "", id="empty"),
    ],
)
def test_canonical_url_is_believed_within_the_site(href: str, canonical: str) -> None:
    assert read(page(f"<link rel='canonical' href='{href}'>")).canonical_url == canonical


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(ld({"@type": "NewsArticle", "isAccessibleForFree": False}), id="the article"),
        pytest.param(ld({"@type": "NewsArticle", "isAccessibleForFree": "False"}), id="in words"),
        pytest.param(
            ld({"@type": "NewsArticle", "hasPart": {"@type": "WebPageElement", "isAccessibleForFree": False}}),
            id="a part",
        ),
        pytest.param("<meta property='article:content_tier' content='locked'>", id="tier"),
    ],
)
def test_a_paywall_is_seen(head: str) -> None:
    assert read(page(head)).is_paywalled


@pytest.mark.parametrize(
    "head",
    [
        ld({"@type": "NewsArticle", "isAccessibleForFree": True}),
        ld({"@type": "NewsArticle", "hasPart": [1, None, {"isAccessibleForFree": {}}]}),
        ld({"@type": "WebSite", "isAccessibleForFree": False}),
        "<meta property='article:content_tier' content='free'>",
    ],
)
def test_a_free_page_is_free(head: str) -> None:
    assert not read(page(head)).is_paywalled


OWN = """<h1>A newsletter</h1><div class="teaser"><h2 class="head">The <em>tram</em> chase</h2></div>
<p class="by">By Mara Quill</p><p class="by">Jon Ferrow</p><span class="at">4 May 2026, 10:30 GMT</span>
<div class="words"><script>1</script><p>Two cranes hold the tram.</p><ul><li>One take.</li></ul><blockquote>
<p>“Never again.”</p></blockquote></div><div class="flat">No paragraphs<br>at all</div>"""


def read_own(**selectors: str) -> ParsedPage:
    return parse_page(page(body=OWN), url=URL, now=NOW, selectors=PageSelectors(**selectors))


def test_a_sources_own_selectors_go_before_all_else() -> None:
    found = read_own(body="div.words", title="h2.head", author="p.by", date=".at")
    assert found.text.split("\n") == ["Two cranes hold the tram.", "One take.", "“Never again.”"]
    assert (found.title, found.authors) == ("The tram chase", ("Mara Quill", "Jon Ferrow"))
    assert found.author == "Mara Quill, Jon Ferrow"
    assert found.published_at == datetime(2026, 5, 4, 10, 30, tzinfo=UTC)
    assert read_own(body="div.flat").text == "No paragraphs at all"


@pytest.mark.parametrize("selector", ["div.gone", "div[", "a::nonsense", "::attr(href)"])
def test_selectors_that_find_nothing_change_nothing(selector: str) -> None:
    plain = parse_page(page(), url=URL, now=NOW)
    own = PageSelectors(body=selector, title=selector, author=selector, date=selector)
    assert parse_page(page(), url=URL, now=NOW, selectors=own) == plain


@pytest.mark.parametrize("date", ["2099-01-01T00:00:00Z", "0001-01-01", "soon"])
def test_an_unbelievable_date_is_none(date: str) -> None:
    assert read(page(f"<meta property='article:published_time' content='{date}'>")).published_at is None


@pytest.mark.parametrize("body", [b"", b"no markup", b"\0\xff\xfe", b"<", b"<html></html>", b"<!-- <html>"])
def test_a_page_without_article_is_empty(body: bytes) -> None:
    found = read(body)
    assert (found.url, found.text, found.published_at) == (URL, "", None)


def test_charset_of_the_meta_tag_is_used() -> None:
    body = "<html><head><meta charset='windows-1250'><title>Łódź</title></head><body></body></html>".encode("cp1250")
    assert read(body).title == "Łódź"


MARKUP = (
    "<html> <head> <body> <p>words here</p> <meta property='og:title' content='x'> "
    "<meta name='date' content='2026-13-45'> "
    "<link rel=canonical href='http://['> <base href='//['> <script type='application/ld+json'> </script> "
    '{"@type":"Article","author":[[[]]],"image":{"url":3}} [ '
    "<title> <table> <svg> <![CDATA[ <!-- \0 &#0; <a href=x>"
)
pieces = st.sampled_from(MARKUP.split(" "))


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=200), st.lists(pieces, max_size=20).map(lambda found: "".join(found).encode())))
def test_parsers_never_raise(body: bytes) -> None:
    assert read(body).url == URL
    feed = parse_listing(body, url=URL, selectors=Selectors(item="p, a", summary="p", image="img"), now=NOW)
    assert feed.is_feed or feed.problems


LISTING = page(
    "<title>Sets</title><base href='https://reelgazette.example/sets/'>",
    """
    <div class="box"><a href="picture"><img data-src="i.jpg"></a>
      <h2><a href="tram-chase"><span>Tram</span> chase</a></h2>
      <p class="lead">Two cranes,<br>one take.</p><time datetime="2026-05-04T10:00:00Z">4 May</time></div>
    <div class="box"><h2><a href="/flood">Flood &amp; fire</a></h2><time>May 3, 2026</time></div>
    <div class="box"><h2><a href="/flood">Flood again</a></h2></div>
    <div class="box"><h2>No link</h2></div>
    """,
)


def test_listing_is_read_by_selectors() -> None:
    selectors = Selectors(
        item="div.box", link="h2 a", title="h2 a::text", summary=".lead", date="time", image="img::attr(data-src)"
    )
    feed = parse_listing(LISTING, url=URL, selectors=selectors, now=NOW)
    assert feed.title == "Sets"
    assert feed.entries == (
        ParsedEntry(
            guid="https://reelgazette.example/sets/tram-chase",
            url="https://reelgazette.example/sets/tram-chase",
            title="Tram chase",
            summary="Two cranes, one take.",
            published_at=datetime(2026, 5, 4, 10, tzinfo=UTC),
            image_url="https://reelgazette.example/sets/i.jpg",
        ),
        ParsedEntry(
            guid="https://reelgazette.example/flood",
            url="https://reelgazette.example/flood",
            title="Flood & fire",
            published_at=datetime(2026, 5, 3, tzinfo=UTC),
        ),
    )
    assert feed.problems == ("One box has no link.", "One link stands there twice.")


def test_a_box_may_be_the_link_itself() -> None:
    feed = parse_listing(LISTING, url=URL, selectors=Selectors(item="h2 > a"), now=NOW)
    assert [entry.title for entry in feed.entries] == ["Tram chase", "Flood & fire"]


@pytest.mark.parametrize(
    ("selectors", "is_feed", "problem"),
    [
        pytest.param(Selectors(item="div["), False, "A CSS selector cannot be read", id="item"),
        pytest.param(Selectors(item=".box", link="a::nonsense"), False, "A CSS selector cannot be read", id="pseudo"),
        pytest.param(
            Selectors(item=".nothing"), True, "The selector '.nothing' finds nothing on the page.", id="empty"
        ),
    ],
)
def test_selector_trouble_is_told_in_words(selectors: Selectors, problem: str, *, is_feed: bool) -> None:
    feed = parse_listing(LISTING, url=URL, selectors=selectors, now=NOW)
    assert feed.is_feed is is_feed
    assert feed.problems[0].startswith(problem)


@pytest.mark.shared
@pytest.mark.skipif(not PAGES.is_dir(), reason="needs data/pages of SETWIRE_SHARED")
def test_real_pages_give_title_text_and_date() -> None:
    rows = json.loads((PAGES / "manifest.json").read_text(encoding="utf-8"))
    found = [
        (row, parse_page(gzip.decompress((PAGES / row["file"]).read_bytes()), url=row["url"], now=NOW)) for row in rows
    ]
    first_words = [(html.unescape(row["title"]).split()[0].strip("‘'\""), one.title) for row, one in found]
    assert all(one.title and len(one.text) > 500 and one.published_at for _, one in found)
    assert sum(word in title for word, title in first_words) >= 0.8 * len(found)
    assert sum(bool(one.canonical_url) for _, one in found) >= 0.9 * len(found)
    assert sum(bool(one.authors) for _, one in found) >= 0.8 * len(found)
    assert sum(one.published_at.time() != time() for _, one in found if one.published_at) >= 0.75 * len(found)
    assert sum(bool(one.image_url) for _, one in found) >= 0.9 * len(found)
    assert sum(bool(one.language) for _, one in found) >= 0.75 * len(found)
    assert [row["url"] for row, one in found if one.is_paywalled] == [
        row["url"] for row in rows if "culture-council" in row["url"]
    ]
