"""Feeds in the shape of Google News, YouTube, Reddit, Bluesky and Mastodon, in our own words."""

import base64
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.outlets import name_outlet
from core.parsing.feeds import parse_feed
from core.parsing.services import decode_google_url, write_headline
from core.values import ParsedEntry, Publisher, PublisherSlug, Tier

NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
ARTICLE = "https://www.reelgazette.example/2026/03/harbour-lights-wraps"


def google_link(address: str) -> str:
    size = len(address)
    length = bytes([size]) if size < 128 else bytes([size & 0x7F | 0x80, size >> 7])
    record = b"\x08\x13\x22" + length + address.encode() + b"\xd2\x01\x00"
    return f"https://news.google.com/rss/articles/{base64.urlsafe_b64encode(record).decode().rstrip('=')}?oc=5"


SEALED = "https://news.google.com/rss/articles/CBMiVkFVX3lxTE4zaGU2bTY2ZGkzdTRk?oc=5"


def read_rss(item: str, title: str = "A feed") -> ParsedEntry:
    spaces = 'xmlns:media="http://search.yahoo.com/mrss/" xmlns:webfeeds="http://webfeeds.org/rss/1.0"'
    body = f'<rss version="2.0" {spaces}><channel><title>{title}</title><link>https://x.example/</link>{item}</channel></rss>'
    (entry,) = parse_feed(body.encode(), url="https://x.example/feed", now=NOW).entries
    return entry


def read_atom(entry: str, title: str = "A feed") -> ParsedEntry:
    spaces = (
        'xmlns="http://www.w3.org/2005/Atom" xmlns:yt="http://www.youtube.com/xml/schemas/2015" '
        'xmlns:media="http://search.yahoo.com/mrss/"'
    )
    body = f"<feed {spaces}><title>{title}</title>{entry}</feed>"
    (found,) = parse_feed(body.encode(), url="https://x.example/feed", now=NOW).entries
    return found


def google_item(
    link: str, title: str = "Harbour Lights wraps after nine weeks - Reel Gazette", source: str = ""
) -> str:
    return (
        f"<item><title>{title}</title><link>{link}</link><guid isPermaLink='false'>CBMi1</guid>"
        "<pubDate>Fri, 13 Mar 2026 10:00:00 GMT</pubDate>"
        f'<description>&lt;a href="{link}"&gt;{title}&lt;/a&gt;&amp;nbsp;&lt;font&gt;Reel Gazette&lt;/font&gt;'
        "</description>"
        f"{source}</item>"
    )


SOURCE = '<source url="https://www.reelgazette.example">Reel Gazette</source>'


@pytest.mark.parametrize("address", [ARTICLE, ARTICLE + "-" + "x" * 150])
def test_a_google_copy_leads_to_its_publisher(address: str) -> None:
    entry = read_rss(google_item(google_link(address), source=SOURCE))
    assert (entry.title, entry.url) == ("Harbour Lights wraps after nine weeks", address)
    assert (entry.outlet_name, entry.outlet_url, entry.summary) == ("Reel Gazette", address, "")
    assert entry.guid == "CBMi1"


def test_a_sealed_google_copy_names_its_publisher_all_the_same() -> None:
    entry = read_rss(google_item(SEALED, source=SOURCE))
    assert (entry.title, entry.url) == ("Harbour Lights wraps after nine weeks", SEALED)
    assert (entry.outlet_name, entry.outlet_url) == ("Reel Gazette", "https://www.reelgazette.example")


@pytest.mark.parametrize(
    ("title", "source", "headline", "outlet"),
    [
        pytest.param("A - B wraps - Gazette", "", "A - B wraps", "Gazette", id="no source"),
        pytest.param("Harbour Lights wraps", "", "Harbour Lights wraps", "", id="neither"),
        pytest.param(
            "Spin-off - The Review", "<source>Gazette</source>", "Spin-off - The Review", "Gazette", id="other"
        ),
        pytest.param(" - Gazette", "", "- Gazette", "", id="nothing before the outlet"),
    ],
)
def test_headline_and_outlet_are_parted(title: str, source: str, headline: str, outlet: str) -> None:
    entry = read_rss(google_item(SEALED, title, source))
    assert (entry.title, entry.outlet_name) == (headline, outlet)


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "ftp://x.example/", "https://a:b@x.example/", "https://x.example/\\b", ""]
)
def test_only_web_addresses_are_decoded(address: str) -> None:
    assert decode_google_url(google_link(address)) == ""


@given(st.text(max_size=80))
def test_decoding_never_raises(segment: str) -> None:
    decode_google_url(f"https://news.google.com/rss/articles/{segment}")


@pytest.mark.parametrize(
    "link",
    [
        f"https://www.google.com/url?rct=j&amp;sa=t&amp;url={ARTICLE}&amp;ct=ga",
        f"http://www.bing.com/news/apiclick.aspx?ref=FexRss&amp;url={quote(ARTICLE, safe='')}&amp;c=1",
    ],
    ids=["Google Alerts", "Bing News"],
)
def test_redirects_that_name_their_target_are_resolved(link: str) -> None:
    entry = read_rss(f"<item><title>Harbour &lt;b&gt;Lights&lt;/b&gt; wraps</title><link>{link}</link></item>")
    assert (entry.title, entry.url) == ("Harbour Lights wraps", ARTICLE)
    assert (entry.outlet_name, entry.outlet_url) == ("reelgazette.example", ARTICLE)


def test_a_video_of_a_channel() -> None:
    entry = read_atom(
        "<entry><id>yt:video:abcdefghijk</id><yt:videoId>abcdefghijk</yt:videoId>"
        "<title>Harbour Lights | Official Trailer</title>"
        '<link rel="alternate" href="https://www.youtube.com/watch?v=abcdefghijk"/>'
        "<author><name>Lantern Pictures</name><uri>https://www.youtube.com/channel/UC1</uri></author>"
        "<published>2026-03-13T15:00:00+00:00</published><updated>2026-03-14T01:00:00+00:00</updated>"
        "<media:group><media:title>Harbour Lights | Official Trailer</media:title>"
        '<media:content url="https://www.youtube.com/v/abcdefghijk?version=3" type="application/x-shockwave-flash"/>'
        '<media:thumbnail url="https://i1.ytimg.com/vi/abcdefghijk/hqdefault.jpg" width="480" height="360"/>'
        "<media:description>In cinemas this autumn.</media:description></media:group></entry>",
        title="Lantern Pictures",
    )
    assert entry.title == "Harbour Lights | Official Trailer"
    assert (entry.author, entry.summary) == ("Lantern Pictures", "In cinemas this autumn.")
    assert entry.url == "https://www.youtube.com/watch?v=abcdefghijk"
    assert entry.image_url == "https://i1.ytimg.com/vi/abcdefghijk/hqdefault.jpg"
    assert entry.published_at == datetime(2026, 3, 13, 15, tzinfo=UTC)


def test_a_post_of_a_subreddit() -> None:
    entry = read_atom(
        "<entry><author><name>/u/pier_watcher</name><uri>https://www.reddit.com/user/pier_watcher</uri></author>"
        '<category term="movies" label="r/movies"/><id>t3_abc123</id>'
        '<content type="html">&lt;div class="md"&gt;&lt;p&gt;Trucks on the pier all night.&lt;/p&gt;&lt;/div&gt; '
        "submitted by "
        '&lt;a href="https://www.reddit.com/user/pier_watcher"&gt; /u/pier_watcher &lt;/a&gt; &lt;br/&gt; '
        '&lt;a href="https://x.example/"&gt;[link]&lt;/a&gt; &lt;a href="https://x.example/"&gt;[comments]&lt;/a&gt;</content>'
        '<media:thumbnail url="https://b.thumbs.redditmedia.example/p.jpg"/>'
        '<link href="https://www.reddit.com/r/movies/comments/abc123/trucks/"/><published>2026-03-13T10:00:00+00:00</published>'
        "<title>Saltmarsh is filming at our pier</title></entry>"
    )
    assert (entry.title, entry.author) == ("Saltmarsh is filming at our pier", "u/pier_watcher")
    assert entry.summary == "Trucks on the pier all night."
    assert entry.image_url == "https://b.thumbs.redditmedia.example/p.jpg"


def test_a_post_on_bluesky() -> None:
    entry = read_rss(
        "<item><link>https://bsky.app/profile/did:plc:abc/post/3kabc</link>"
        "<description>Day one on Harbour Lights. Nine weeks of rain ahead!\n\nMore soon https://x.example/1</description>"
        "<pubDate>13 Mar 2026 10:00 +0000</pubDate><guid isPermaLink='false'>at://did:plc:abc/app.bsky.feed.post/3kabc</guid>"
        "</item>",
        title="@mara.example - Mara Quill",
    )
    assert entry.title == "Day one on Harbour Lights. Nine weeks of rain ahead!"
    assert (entry.author, entry.guid) == ("Mara Quill", "at://did:plc:abc/app.bsky.feed.post/3kabc")


def test_a_post_on_mastodon() -> None:
    entry = read_rss(
        "<item><guid isPermaLink='true'>https://film.example/@mara/112233445566</guid>"
        "<link>https://film.example/@mara/112233445566</link><pubDate>Fri, 13 Mar 2026 10:00:00 +0000</pubDate>"
        "<description>&lt;p&gt;Cameras are rolling on Harbour Lights "
        '&lt;a href="https://film.example/tags/film" class="hashtag"&gt;#&lt;span&gt;film&lt;/span&gt;&lt;/a&gt; '
        "#setlife&lt;/p&gt;&lt;p&gt;The tram chase comes first.&lt;/p&gt;</description>"
        '<media:content url="https://files.film.example/1.jpg" type="image/jpeg" fileSize="1" medium="image"/>'
        "<category>film</category></item>",
        title="Mara Quill",
    )
    assert entry.title == "Cameras are rolling on Harbour Lights"
    assert (entry.author, entry.image_url) == ("Mara Quill", "https://files.film.example/1.jpg")
    assert entry.summary.endswith("The tram chase comes first.")


@pytest.mark.parametrize(
    ("markup", "headline"),
    [
        pytest.param(
            "<p>Short!</p><p>Then the longer part follows here.</p>", "Then the longer part follows here.", id="call"
        ),
        pytest.param("<p>Wow</p><p>Yes</p>", "Wow Yes", id="all of it is short"),
        pytest.param("https://x.example/1", "", id="only an address"),
        pytest.param("The first sentence is here. " + "word " * 60, "The first sentence is here.", id="sentence"),
        pytest.param("word " * 60, "word " * 26 + "word…", id="no sentence"),
    ],
)
def test_headlines_of_posts(markup: str, headline: str) -> None:
    assert write_headline(markup) == headline


@given(st.text(max_size=400))
def test_a_headline_is_never_long(markup: str) -> None:
    assert len(write_headline(markup)) <= 140


def item(name: str, url: str) -> ParsedEntry:
    return ParsedEntry(guid="1", url=ARTICLE, title="t", outlet_name=name, outlet_url=url)


GAZETTE = Publisher(
    slug=PublisherSlug("gazette"), name="Reel Gazette", tier=Tier.TRADE, homepage="https://reelgazette.example"
)


@pytest.mark.parametrize(
    ("name", "url", "slug", "tier"),
    [
        pytest.param("Other name", ARTICLE, "gazette", Tier.TRADE, id="by host"),
        pytest.param("reel gazette", "", "gazette", Tier.TRADE, id="by name"),
        pytest.param("Café Noir", "https://noir.example/1", "cafe-noir", Tier.FAN, id="new"),
        pytest.param("Gazette", "https://gazette.example/1", "gazette-gazette-example", Tier.FAN, id="slug taken"),
        pytest.param("映画", "https://eiga.example/1", "eiga-example", Tier.FAN, id="no Latin letters"),
    ],
)
def test_outlets_are_named(name: str, url: str, slug: str, tier: Tier) -> None:
    outlet = name_outlet(item(name, url), [GAZETTE], tier=Tier.FAN)
    assert outlet is not None
    assert (outlet.slug, outlet.tier) == (slug, tier)


def test_a_source_that_speaks_for_itself_has_no_outlet() -> None:
    assert name_outlet(item("", ""), [GAZETTE], tier=Tier.FAN) is None
