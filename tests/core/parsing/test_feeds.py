"""parse_feed on documents of our own making, ordinary and broken."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.parsing.feeds import parse_feed
from core.urls import canonical_url
from core.values import ParsedEntry, ParsedFeed

NOW = datetime(2026, 6, 1, tzinfo=UTC)
URL = "https://feeds.reelgazette.example/film.xml"
ITEM = "<title>Harbour Lights wraps</title><link>https://reelgazette.example/a</link>"
SENTENCE = "The second unit hung a tram from a crane above the old harbour before dawn. "
NAMESPACES = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:media="http://search.yahoo.com/mrss/" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/" '
    'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:g="http://unknown.example/ns"'
)


def read(document: str | bytes, *, content_type: str = "") -> ParsedFeed:
    body = document if isinstance(document, bytes) else document.encode()
    return parse_feed(body, url=URL, content_type=content_type, now=NOW)


def rss(items: str, channel: str = "<title>Reel Gazette</title><link>https://reelgazette.example/</link>") -> str:
    return f'<?xml version="1.0"?><rss version="2.0" {NAMESPACES}><channel>{channel}{items}</channel></rss>'


def atom(entries: str, head: str = "<title>Reel Gazette</title>") -> str:
    namespaces = 'xmlns="http://www.w3.org/2005/Atom" xmlns:media="http://search.yahoo.com/mrss/"'
    return f'<feed {namespaces} xml:lang="en-GB">{head}{entries}</feed>'


def read_item(fields: str) -> ParsedEntry:
    (entry,) = read(rss(f"<item>{fields}</item>")).entries
    return entry


def read_entry(fields: str) -> ParsedEntry:
    (entry,) = read(atom(f"<entry>{fields}</entry>")).entries
    return entry


def test_rss_item_gives_every_field() -> None:
    feed = read(
        rss(
            "<item><title>Harbour Lights wraps</title><link>https://reelgazette.example/a?utm_source=rss</link>"
            "<guid isPermaLink='false'>gz-1</guid><pubDate>Mon, 04 May 2026 10:00:00 BST</pubDate>"
            "<dc:creator>Mara Quill</dc:creator><category>Film</category><category>film</category>"
            "<category><![CDATA[Sets & Stunts]]></category>"
            "<description>&lt;p&gt;One.&lt;/p&gt;&lt;p&gt;Two &lt;b&gt;bold&lt;/b&gt;.&lt;/p&gt;</description>"
            "<media:thumbnail url='/i.jpg'/></item>",
            "<title>Reel &amp;amp; Gazette</title><link>https://reelgazette.example/</link><language>en_GB</language>",
        )
    )
    assert (feed.is_feed, feed.title, feed.problems) == (True, "Reel & Gazette", ())
    assert feed.entries == (
        ParsedEntry(
            guid="gz-1",
            url="https://reelgazette.example/a?utm_source=rss",
            title="Harbour Lights wraps",
            summary="One. Two bold.",
            author="Mara Quill",
            categories=("Film", "Sets & Stunts"),
            published_at=datetime(2026, 5, 4, 9, tzinfo=UTC),
            image_url="https://reelgazette.example/i.jpg",
            language="en-gb",
        ),
    )


def test_atom_entry_gives_every_field() -> None:
    entry = read_entry(
        "<id>tag:reelgazette.example,2026:1</id><title type='html'>Rain &amp;lt;em&gt;stops&amp;lt;/em&gt; play</title>"
        "<link rel='self' href='/self'/><link rel='alternate' href='/a'/>"
        "<updated>2026-05-05T10:00:00Z</updated><published>2026-05-04T10:00:00+02:00</published>"
        "<author><name>Mara Quill</name></author><author><name>Jon Ferrow</name></author>"
        "<category term='stunts' label='Stunts'/>"
        "<summary type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p>One</p><p>two</p></div></summary>"
    )
    assert entry == ParsedEntry(
        guid="tag:reelgazette.example,2026:1",
        url="https://feeds.reelgazette.example/a",
        title="Rain stops play",
        summary="One two",
        author="Mara Quill, Jon Ferrow",
        categories=("Stunts",),
        published_at=datetime(2026, 5, 4, 8, tzinfo=UTC),
        language="en-gb",
    )


def test_rdf_is_read() -> None:
    feed = read(
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Gazette</title></channel>'
        f'<item rdf:about="https://reelgazette.example/a">{ITEM}<dc:date>2026-05-04T10:00:00Z</dc:date></item></rdf:RDF>'
    )
    assert feed.title == "Gazette"
    assert [(entry.guid, entry.published_at) for entry in feed.entries] == [
        ("https://reelgazette.example/a", datetime(2026, 5, 4, 10, tzinfo=UTC))
    ]


@pytest.mark.parametrize("version", ["1", "1.1"])
def test_json_feed_is_read(version: str) -> None:
    author = {"name": "Mara Quill"}
    item = {
        "id": 7,
        "url": "/a",
        "title": "Harbour Lights &amp; co wraps",
        "content_html": f"<p>{SENTENCE * 12}</p><img src='/i.jpg'>",
        "summary": "Filming is over.",
        "date_published": "2026-05-04T10:00:00+01:00",
        "tags": ["Film", 3],
        **({"author": author} if version == "1" else {"authors": [author, "nobody"], "language": "en"}),
    }
    document = {"version": f"https://jsonfeed.org/version/{version}", "title": "Gazette", "items": [item, None, {}]}
    feed = read("\ufeff" + json.dumps(document))
    (entry,) = feed.entries
    assert (entry.guid, entry.url) == ("7", "https://feeds.reelgazette.example/a")
    assert entry.title == "Harbour Lights & co wraps"
    assert (entry.summary, entry.text) == ("Filming is over.", (SENTENCE * 12).strip())
    assert (entry.author, entry.categories) == ("Mara Quill", ("Film",))
    assert entry.published_at == datetime(2026, 5, 4, 9, tzinfo=UTC)
    assert entry.image_url == "https://feeds.reelgazette.example/i.jpg"
    assert feed.problems == ("2 entries say nothing and were left out.",)


def test_youtube_shape_takes_the_description_of_the_media_group() -> None:
    entry = read_entry(
        "<id>yt:video:x1</id><title>Harbour Lights | Trailer</title>"
        "<link rel='alternate' href='https://video.example/x1'/>"
        "<author><name>Studio Nine</name></author><published>2026-05-04T10:00:00+00:00</published>"
        "<media:group><media:title>Other</media:title><media:content url='https://video.example/v/x1' "
        "type='application/x-shockwave-flash'/><media:thumbnail url='https://img.example/x1.jpg' width='480'/>"
        "<media:description>First look at the flood.</media:description></media:group>"
    )
    assert entry.title == "Harbour Lights | Trailer"
    assert entry.summary == "First look at the flood."
    assert entry.image_url == "https://img.example/x1.jpg"


def test_reddit_shape_loses_its_footer() -> None:
    entry = read_entry(
        "<author><name>/u/gaffer</name></author><id>t3_x</id><link href='https://forum.example/r/sets/x'/>"
        "<title>Crane on the quay</title><content type='html'>&lt;!-- SC_OFF --&gt;&lt;div&gt;&lt;p&gt;"
        "Seen at dawn.&lt;/p&gt;&lt;/div&gt;&lt;!-- SC_ON --&gt; &amp;#32; submitted by"
        " &amp;#32; &lt;a&gt; /u/gaffer &lt;/a&gt; "
        ""
        "&lt;span&gt;&lt;a&gt;[link]&lt;/a&gt;&lt;/span&gt; &amp;#32; &lt;a&gt;[comments]&lt;/a&gt;</content>"
    )
    assert entry.summary == "Seen at dawn."


@pytest.mark.parametrize(
    ("written", "title"),
    [
        pytest.param("Tom &amp; Ann", "Tom & Ann", id="escaped once"),
        pytest.param("Tom &amp;amp; Ann", "Tom & Ann", id="twice"),
        pytest.param("Tom &amp;amp;amp; Ann", "Tom & Ann", id="thrice"),
        pytest.param("<![CDATA[Tom & Ann&#8217;s <em>wedding</em>]]>", "Tom & Ann’s wedding", id="CDATA with markup"),
        pytest.param("&lt;b&gt;Bold&lt;/b&gt; move", "Bold move", id="escaped markup"),
        pytest.param("&amp;lt;i&amp;gt;Lights&amp;lt;/i&amp;gt;", "Lights", id="markup escaped twice"),
        pytest.param("Why &lt;3 matters", "Why <3 matters", id="less than"),
        pytest.param("&lt;Untitled&gt; film", "<Untitled> film", id="no tag of HTML"),
        pytest.param("Line\n  break\t here", "Line break here", id="blanks"),
        pytest.param("Zero\u200bwidth \u202eturn", "Zerowidth turn", id="marks that forge"),
        pytest.param("Café &eacute; &nbsp;x", "Café é x", id="HTML entities without DTD"),
        pytest.param("Salt & Pepper", "Salt & Pepper", id="bare ampersand"),
        pytest.param("A &nosuch; B", "A &nosuch; B", id="no such entity"),
        pytest.param("Bell\x07 \x0b rings", "Bell rings", id="control characters"),
    ],
)
def test_title_is_one_line_of_plain_text(written: str, title: str) -> None:
    assert read_item(f"<title>{written}</title><link>https://reelgazette.example/a</link>").title == title


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        pytest.param("One<br/>two", "One two", id="br parts words"),
        pytest.param("<ul><li>a</li><li>b</li></ul>", "a b", id="list"),
        pytest.param("in<b>lin</b>e", "inline", id="inline does not"),
        pytest.param("a<script>alert('x')</script>b<style>p{}</style>", "ab", id="scripts go"),
        pytest.param("a <iframe src=x> b", "a b", id="open frame"),
        pytest.param("5 < 6 & 7 > 6", "5 < 6 & 7 > 6", id="signs"),
        pytest.param("a<!-- hidden -->b", "ab", id="comment"),
        pytest.param(
            "Words. <p>The post <a href='/a'>Harbour Lights wraps</a> appeared first on <a href='/'>Gazette</a>.</p>",
            "Words.",
            id="blog footer",
        ),
        pytest.param("The gaffer appeared first on set.", "The gaffer appeared first on set.", id="no blog footer"),
        pytest.param("<img src='x.jpg' alt='no text'>", "", id="picture alone"),
    ],
)
def test_summary_is_plain_text(markup: str, text: str) -> None:
    assert read_item(f"{ITEM}<description><![CDATA[{markup}]]></description>").summary == text


@pytest.mark.parametrize(
    ("fields", "summary", "text"),
    [
        pytest.param(
            f"<description>Teaser.</description><content:encoded>{SENTENCE * 10}</content:encoded>",
            "Teaser.",
            (SENTENCE * 10).strip(),
            id="teaser and article",
        ),
        pytest.param(
            "<description>Teaser.</description><content:encoded>Teaser, longer.</content:encoded>",
            "Teaser.",
            "",
            id="content is a teaser too",
        ),
        pytest.param(f"<description>{SENTENCE * 10}</description>", (SENTENCE * 10).strip(), "", id="long teaser"),
    ],
)
def test_text_is_filled_only_by_the_article(fields: str, summary: str, text: str) -> None:
    entry = read_item(ITEM + fields)
    assert (entry.summary, entry.text) == (summary, text)


def test_a_description_as_long_as_an_article_is_the_text() -> None:
    entry = read_item(f"{ITEM}<description>{SENTENCE * 30}</description>")
    assert entry.text == (SENTENCE * 30).strip()
    assert entry.text.startswith(entry.summary.rstrip("…"))
    assert len(entry.summary) <= 500


@pytest.mark.parametrize(
    ("fields", "guid", "url"),
    [
        pytest.param(
            "<link>/a</link><guid isPermaLink='false'>7</guid>", "7", "https://reelgazette.example/a", id="both"
        ),
        pytest.param("<link>/a</link>", "https://reelgazette.example/a", "https://reelgazette.example/a", id="no guid"),
        pytest.param(
            "<guid>https://reelgazette.example/g</guid>",
            "https://reelgazette.example/g",
            "https://reelgazette.example/g",
            id="permalink",
        ),
        pytest.param(
            "<link>javascript:alert(1)</link><guid isPermaLink='false'>7</guid>", "7", "", id="no web address"
        ),
        pytest.param(
            "<link xml:base='https://other.example/x/'>a</link><guid isPermaLink='false'>7</guid>",
            "7",
            "https://other.example/x/a",
            id="xml:base",
        ),
    ],
)
def test_identity_and_address(fields: str, guid: str, url: str) -> None:
    entry = read_item("<title>Harbour Lights wraps</title>" + fields)
    assert (entry.guid, entry.url) == (guid, url)


def test_without_guid_and_link_the_title_and_date_identify() -> None:
    first, again, later = (
        read_item(f"<title>Harbour Lights wraps</title><pubDate>{date}</pubDate>").guid
        for date in ("Mon, 04 May 2026 10:00:00 GMT", "Mon, 04 May 2026 10:00:00 GMT", "Tue, 05 May 2026 10:00:00 GMT")
    )
    assert first == again != later


def test_an_endless_guid_becomes_a_digest() -> None:
    assert read_item(f"{ITEM}<guid isPermaLink='false'>{'x' * 5000}</guid>").guid.startswith("sha256:")


def test_entries_without_guid_are_told_apart_by_long_addresses() -> None:
    start = f"https://reelgazette.example/{'x' * 1200}"
    parsed = read(rss("".join(f"<item><title>Take {n}</title><link>{start}/{n}</link></item>" for n in (1, 2))))
    assert [entry.title for entry in parsed.entries] == ["Take 1", "Take 2"]
    assert len({entry.guid for entry in parsed.entries}) == 2


def test_the_first_entry_of_a_guid_is_kept() -> None:
    feed = read(rss("".join(f"<item><guid>1</guid><title>T{n}</title></item>" for n in range(3))))
    assert [entry.title for entry in feed.entries] == ["T0"]
    assert feed.problems == ("2 entries repeat a guid and were left out.",)


def test_entries_beyond_the_limit_are_left_out() -> None:
    feed = read(rss("".join(f"<item><title>Take {n}</title></item>" for n in range(501))))
    assert [entry.title for entry in feed.entries] == [f"Take {n}" for n in range(500)]
    assert feed.problems == ("One entry beyond the limit was left out.",)


def test_lengths_are_capped() -> None:
    body = "word " * 60_000
    entry = read_item(
        f"<title>{'long ' * 400}</title><description>{'word ' * 1200}</description>"
        f"<content:encoded>{body}</content:encoded>"
    )
    assert 450 < len(entry.title) <= 500
    assert 3600 < len(entry.summary) <= 4000
    assert 190_000 < len(entry.text) <= 200_000


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        pytest.param(
            "<pubDate>Mon, 04 May 2026 10:00:00</pubDate>", datetime(2026, 5, 4, 10, tzinfo=UTC), id="no zone"
        ),
        pytest.param("<dc:date>2026-05-04</dc:date>", datetime(2026, 5, 4, tzinfo=UTC), id="dc:date"),
        pytest.param("<pubDate>Mon, 04 May 2099 10:00:00 GMT</pubDate>", None, id="future"),
        pytest.param("<pubDate>soon</pubDate>", None, id="no date"),
        pytest.param(
            "<pubDate>Mon, 04 May 2099 10:00:00 GMT</pubDate><dc:date>2026-05-04</dc:date>",
            datetime(2026, 5, 4, tzinfo=UTC),
            id="the other one is believed",
        ),
    ],
)
def test_published_at(fields: str, at: datetime | None) -> None:
    assert read_item(ITEM + fields).published_at == at


@pytest.mark.parametrize(
    ("fields", "image"),
    [
        pytest.param("<enclosure url='/e.jpg' type='image/jpeg' length='1'/>", "/e.jpg", id="enclosure"),
        pytest.param("<enclosure url='/e.mp3' type='audio/mpeg' length='1'/>", "", id="sound"),
        pytest.param(
            "<media:content url='/s.jpg' medium='image' width='100'/>"
            "<media:content url='/l.jpg' medium='image' width='900'/>",
            "/l.jpg",
            id="widest",
        ),
        pytest.param(
            "<description>&lt;img src='/p.gif' width='1'&gt;&lt;img src='/d.jpg'&gt;</description>",
            "/d.jpg",
            id="in HTML",
        ),
    ],
)
def test_image_url(fields: str, image: str) -> None:
    assert read_item(ITEM + fields).image_url == (f"https://reelgazette.example{image}" if image else "")


@pytest.mark.parametrize(
    ("channel", "ttl"),
    [
        pytest.param("<ttl>20</ttl>", timedelta(minutes=20), id="ttl"),
        pytest.param("<ttl>-5</ttl>", None, id="nonsense"),
        pytest.param("<sy:updatePeriod> hourly </sy:updatePeriod>", timedelta(hours=1), id="period"),
        pytest.param(
            "<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>",
            timedelta(hours=6),
            id="period and frequency",
        ),
        pytest.param("<sy:updatePeriod>always</sy:updatePeriod>", None, id="no such period"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_pace(channel: str, ttl: timedelta | None) -> None:
    assert read(rss(f"<item>{ITEM}</item>", channel)).pace.ttl == ttl


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        pytest.param(b"", "", id="nothing is claimed"),
        pytest.param(b'<?xml version="1.0" encoding="iso-8859-1"?>', "", id="declared"),
        pytest.param(b"", "text/xml; charset=windows-1252", id="header"),
        pytest.param(b'<?xml version="1.0" encoding="utf-8"?>', "", id="declared wrongly"),
        pytest.param(b'<?xml version="1.0" encoding="no-such-charset"?>', "text/xml; charset=nonsense", id="unknown"),
    ],
)
def test_latin_bytes_are_read_whatever_is_claimed(body: bytes, content_type: str) -> None:
    document = "<rss version='2.0'><channel><item><title>Café “noir”</title></item></channel></rss>"
    (entry,) = read(body + document.encode("cp1252"), content_type=content_type).entries
    assert entry.title == "Café “noir”"


@pytest.mark.parametrize(
    "prolog",
    [
        "",
        '<?xml version="1.0" encoding="utf-8"?>',
        "<!-- é -->",
        "<!-- é -->\n<!DOCTYPE rss [<!-- ’ -->]>",
        "\n<!DOCTYPE rss>",
    ],
)
def test_text_beyond_ascii_is_read_behind_any_prolog(prolog: str) -> None:
    feed = read(f"{prolog}<rss version='2.0'><channel><item><title>Naïve – “wrap”</title></item></channel></rss>")
    assert [entry.title for entry in feed.entries] == ["Naïve – “wrap”"]
    assert feed.problems == ()


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_unicode_is_read_in_every_dress(codec: str) -> None:
    document = "<rss version='2.0'><channel><item><title>Café 港</title></item></channel></rss>"
    (entry,) = read(document.encode(codec)).entries
    assert entry.title == "Café 港"


@pytest.mark.parametrize(
    ("document", "entry_count"),
    [
        pytest.param("<br />\n<b>Warning</b>: no\n" + rss(f"<item>{ITEM}</item>"), 1, id="a warning before the feed"),
        pytest.param(rss(f"<item>{ITEM}</item><item><title>Cut"), 2, id="cut off"),
        pytest.param(
            f"<rss version='2.0'><channel><item>{ITEM}<dc:creator>Mara</dc:creator></item></channel></rss>",
            1,
            id="prefix not declared",
        ),
        pytest.param(
            rss(f"<item>{ITEM}<description>a <b>b</description></item><item><title>2</title></item>"), 2, id="open tag"
        ),
    ],
)
def test_broken_feeds_are_mended_and_it_is_told(document: str, entry_count: int) -> None:
    feed = read(document)
    assert len(feed.entries) == entry_count
    assert feed.problems


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        pytest.param("", "The document is empty.", id="nothing"),
        pytest.param(" \n ", "The document is empty.", id="blanks"),
        pytest.param(
            "<!DOCTYPE html><html><body>Not found</body></html>", "The document is an HTML page, not a feed.", id="HTML"
        ),
        pytest.param("Not found", "The document is neither RSS nor Atom nor JSON Feed.", id="words"),
        pytest.param("<opml><body/></opml>", "The document is neither RSS nor Atom nor JSON Feed.", id="other XML"),
        pytest.param('{"error": 404}', "The document is JSON, but no JSON Feed.", id="other JSON"),
        pytest.param("[" * 100_000, "The document is JSON, but no JSON Feed.", id="deep JSON"),
        pytest.param(b"\x89PNG\r\n\x1a\n\0\0", "The document is neither RSS nor Atom nor JSON Feed.", id="a picture"),
    ],
)
def test_what_is_no_feed_is_told_in_words(document: str | bytes, problem: str) -> None:
    assert read(document) == ParsedFeed(is_feed=False, problems=(problem,))


def test_an_empty_feed_is_a_feed() -> None:
    assert read(rss("")) == ParsedFeed(title="Reel Gazette")


MARKUP = (
    "<rss> </rss> <channel> <item> </item> <title> </title> <link> <guid> <description> <![CDATA[ ]]> <!-- --> &amp; & "
    "&nbsp; &#0; &#xD800; <feed xmlns='http://www.w3.org/2005/Atom'> <entry> </entry> <content type='xhtml'> <x:y> "
    "<pubDate> <media:content url='http://['/> http://[ <!DOCTYPE rss [<!ENTITY a 'b'>]> &a; \0 \ud7ff ü <?xml?>"
)
pieces = st.sampled_from(MARKUP.split())
jsonlike = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "url", "title", "items", "tags", "author", "authors", "image"]), inner)
    ),
    max_leaves=12,
)


@given(
    st.one_of(
        st.binary(max_size=300),
        st.lists(pieces, max_size=25).map(lambda found: "".join(found).encode()),
        st.lists(pieces, max_size=25).map(lambda found: rss("".join(found)).encode()),
        st.lists(jsonlike, max_size=3).map(lambda items: json.dumps({"title": "t", "items": items}).encode()),
    )
)
def test_parse_feed_never_raises_and_keeps_its_promises(body: bytes) -> None:
    feed = read(body)
    guids = [entry.guid for entry in feed.entries]
    assert all(guids)
    assert len(guids) == len(set(guids))
    for entry in feed.entries:
        assert entry.title == entry.title.strip() != ""
        assert not entry.url or canonical_url(entry.url)
        for text in (entry.guid, entry.url, entry.title, entry.summary, entry.author, entry.text, entry.image_url):
            assert "\0" not in text
            text.encode()
