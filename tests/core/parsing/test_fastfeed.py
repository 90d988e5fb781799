"""The fast path against feedparser: what it reads, it reads the same; what is unusual, it declines."""

import gzip
import html
import os
import tarfile
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from core.parsing import xmlfeed
from core.parsing.entries import know_none
from core.parsing.feeds import parse_feed
from core.parsing.text import clean_html, clean_line, strip_markup
from core.parsing.xml import decode_text, parse_xml
from core.values import ParsedFeed

NOW = datetime(2026, 6, 1, tzinfo=UTC)
URL = "http://lantern.example/feed"
SHARED = Path(os.environ.get("SETWIRE_SHARED", Path(__file__).parents[4] / "shared"))
ITEM = """<item><title>Cranes on the <![CDATA[harbour & <em>quay</em>]]></title><link>/a?b=1&amp;c=2</link>
<guid>/a</guid><pubDate>Mon, 01 Jun 2026 00:00:00 +0200</pubDate><dc:creator>Ann Vale</dc:creator>
<category domain="x">Film</category>
<category>Sets</category><description>&lt;p&gt;Wide &amp;amp; low&lt;/p&gt;</description>
</item>"""


def rss(items: str = ITEM, head: str = "", attributes: str = 'version="2.0"') -> str:
    spaces = (
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
        'xmlns:media="http://search.yahoo.com/mrss/" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:x="urn:x"'
    )
    return (
        f"<rss {attributes} {spaces}><channel><title>Lantern</title><link>http://lantern.example/</link>"
        f"{head}{items}</channel></rss>"
    )


def item(inside: str) -> str:
    return f"<item><title>Night shoot</title>{inside}</item>"


def atom(entry: str, attributes: str = "") -> str:
    return (
        f'<feed xmlns="http://www.w3.org/2005/Atom" xmlns:media="http://search.yahoo.com/mrss/"{attributes}>'
        '<title>Lantern</title><id>urn:lantern</id><link href="http://lantern.example/"/>'
        f"<entry><id>urn:1</id>{entry}</entry></feed>"
    )


def read_both(text: str) -> tuple[ParsedFeed | None, ParsedFeed]:
    """Read a document fast, if that is possible, and by the reference."""
    root, problem = xmlfeed._find_feed(text)  # noqa: SLF001
    again, _ = xmlfeed._find_feed(text)  # noqa: SLF001
    assert root is not None
    assert again is not None
    fast = None if problem else xmlfeed._read_fast(root, url=URL, now=NOW, known=know_none)  # noqa: SLF001
    return fast, xmlfeed._read_by_reference(again, problem, url=URL, now=NOW, known=know_none)  # noqa: SLF001


USUAL = {
    "rss": rss(),
    "language": rss(head="<language>en_GB</language><ttl>30</ttl>"),
    "image in the head": rss(
        head="<image><url>/i.png</url><title>Logo</title><link>http://other.example/</link></image>"
    ),
    "no guid": rss(item("<link>/b</link>")),
    "guid that is no link": rss(item('<guid isPermaLink="false">b 1</guid><link>http://lantern.example/b</link>')),
    "guid for a link": rss(item("<guid>http://lantern.example/b</guid>")),
    "empty link": rss(item("<guid>http://lantern.example/b</guid><link/>")),
    "body only": rss(item("<content:encoded>&lt;p&gt;All&lt;/p&gt;</content:encoded>")),
    "body first": rss(item("<content:encoded>Long</content:encoded><description>Short</description>")),
    "body first, then nothing": rss(item("<content:encoded>Long</content:encoded><description></description>")),
    "controls of Windows": rss(item("<description>" + "Wide ’ " * 200 + "\x85 \xa0</description>")),
    "guid in other letters elsewhere": rss(head="<managingEditor><GUID>x</GUID></managingEditor>"),
    "two guids elsewhere": rss(head="<docs><guid>x</guid><guid>y</guid></docs>"),
    "mojibake": rss(item("<description>CafÃ© \x93fine\x94</description>")),
    "enclosure": rss(item('<enclosure url="/c.jpg" type="IMAGE/jpeg" length="1"/><link>/c</link>')),
    "media": rss(
        item(
            '<media:content url="http://l.example/w.jpg" medium="image" width="9"><media:credit>A</media:credit>'
            '</media:content><media:thumbnail url="http://l.example/t.jpg"/>'
        )
    ),
    "foreign elements": rss(item("<x:title>other</x:title>")),
    "exotic date": rss(item("<pubDate>Thu, 01 Jan 2026 00:00:00 Pacific</pubDate>")),
    "two dates": rss(item("<pubDate>never</pubDate><dc:date>2026-05-01</dc:date>")),
    "two creators": rss(item("<dc:creator>Ann</dc:creator><dc:creator>Ben</dc:creator>")),
    "source": rss(item('<source url="http://o.example/">Other</source>')),
    "slashes": rss(item("<link>http:////lantern.example/x?</link><guid>http://lantern.example/y#</guid>")),
    "entity without semicolon": rss(item("<link>http://l.example/?a=1&amp;copy;=2</link>")),
    "atom": atom('<title type="html">A &amp;amp; B</title><link href="/1"/><updated>2026-05-01T00:00:00Z</updated>'),
    "atom plain text": atom('<title>A</title><summary>1 &lt; 2</summary><content type="text">More</content>'),
    "atom content alone": atom('<title>A</title><content type="html">&lt;p&gt;B&lt;/p&gt;</content>'),
    "atom plain content alone": atom("<title>A</title><content>1 &amp; 2</content>"),
    "atom language": atom("<title>A</title>", ' xml:lang="en_US"'),
    "atom people": atom(
        "<title>A</title><author><name>Ann</name><uri>/ann</uri></author>"
        "<author><name>Ben</name><email>b@l.example</email></author>"
    ),
    "atom categories": atom('<title>A</title><category term="a" label="Film"/><category term="b"/>'),
    "atom links": atom(
        '<title>A</title><link rel="self" href="/s"/><link rel="enclosure" type="image/png" href="/e.png"/>'
        '<link rel="alternate" href="/x"/>'
    ),
    "atom id for a link": atom("<title>A</title>").replace("urn:1", "http://lantern.example/7"),
    "video": atom(
        '<title>Trailer</title><link rel="alternate" href="http://v.example/1"/><media:group><media:title>Trailer</media:title>'
        '<media:content url="http://v.example/1.swf" type="application/x-shockwave-flash"/>'
        '<media:thumbnail url="http://v.example/1.jpg"/><media:description>Watch &amp; see</media:description>'
        '<media:community><media:starRating count="1"/></media:community></media:group>'
    ),
}
UNUSUAL = {
    "xml:base": rss(item('<link xml:base="http://o.example/">/b</link>')),
    "markup as elements": rss(item("<description>A <b>bold</b> day</description>")),
    "two guids": rss(item("<guid>b</guid><guid>c</guid>")),
    "guid in other letters": rss(item("<gUId>b</gUId>")),
    "attribute of a guid": rss(item('<guid rel="x"/>')),
    "two descriptions": rss(item("<description>A</description><description>B</description>")),
    "title of media": rss(item("<media:title>B</media:title>")),
    "author with address": rss(item("<author>a@l.example (Ann)</author>")),
    "unknown element": rss(item("<teaser>B</teaser>")),
    "atom link in an item": rss(item('<atom:link href="/b"/>')),
    "atom xhtml": atom(
        '<title>A</title><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">B</div></content>'
    ),
    "atom base64": atom('<title>A</title><content type="image/png">QQ==</content>'),
    "atom source": atom("<title>A</title><source><title>B</title></source>"),
    "rdf": '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">'
    "<item><title>A</title></item></rdf:RDF>",
}


@pytest.mark.parametrize("text", USUAL.values(), ids=USUAL)
def test_what_is_usual_is_read_as_by_feedparser(text: str) -> None:
    fast, reference = read_both(text)
    assert fast == reference
    assert reference.entries


@pytest.mark.parametrize("text", UNUSUAL.values(), ids=UNUSUAL)
def test_what_is_unusual_is_left_to_feedparser(text: str) -> None:
    assert read_both(text)[0] is None


PIECES = st.sampled_from(
    [
        "<title>A</title>",
        "<title>Æ &#8211; &lt;b&gt;B&lt;/b&gt;</title>",
        "<link>/x y</link>",
        "<link>http://l.example/é</link>",
        "<guid>g</guid>",
        '<guid isPermaLink="false"> g </guid>',
        '<guid isPermaLink="TRUE">h</guid>',
        '<guid ispermalink="true">/i</guid>',
        "<GUID>j</GUID>",
        "<guid/>",
        "<pubDate>1 May 2026</pubDate>",
        "<description>D &lt;img src='/d.png'></description>",
        "<content:encoded><![CDATA[<p>E</p>]]></content:encoded>",
        '<enclosure url="/f.png" type="image/png"/>',
        "<category>F</category>",
        '<category domain="d"/>',
        "<comments>/c</comments>",
        "<dc:creator>G</dc:creator>",
        "<dc:subject>H</dc:subject>",
        "<x:y>z</x:y>",
        "tail",
        "<author/>",
        "<source>S</source>",
        '<media:content url="/m"/>',
        '<media:thumbnail url="t.jpg" width="1"/>',
        "<!-- c -->",
        "<pubDate/>",
    ]
)


@given(st.lists(PIECES, max_size=9))
def test_any_mixture_is_read_the_same_or_declined(pieces: list[str]) -> None:
    fast, reference = read_both(rss(f"<item>{''.join(pieces)}</item>{ITEM}"))
    assert fast in (None, reference)


def test_what_is_known_is_not_read_again() -> None:
    body = rss(ITEM + item('<guid isPermaLink="false">new</guid>')).encode()
    asked: list[str] = []

    def known(guids: Sequence[str]) -> set[str]:
        asked.extend(guids)
        return {"http://lantern.example/a"}

    feed = parse_feed(body, url=URL, now=NOW, known=known)
    assert asked == ["http://lantern.example/a", "new"]
    assert ([entry.guid for entry in feed.entries], feed.known_count) == (["new"], 1)
    slow = parse_feed(body.replace(b"<item>", b"<item><teaser/>"), url=URL, now=NOW, known=known)
    assert (slow.entries, slow.known_count) == (feed.entries, 1)


ENTITIES = [
    *("&", "&amp;", "&#8217;", "&#x2019;", "&nbsp;", "&copy", "&notit;", "&#99999999999;", "&#0;", "&#128;", "&x;"),
    *("&;", "&#10;", "&lt;b>", "; ", "é", "a", "#39;"),
]


@given(st.lists(st.sampled_from(ENTITIES), max_size=12).map("".join))
def test_entities_are_decoded_as_the_standard_library_does(text: str) -> None:
    assert strip_markup(text) == html.unescape(text)


@given(st.text(alphabet=st.sampled_from("ab \u00e9&;#<>\"'/=!-\n\x0b\xad\u200b"), max_size=60))
def test_lines_are_clean_by_either_way(text: str) -> None:
    line = clean_line(text)
    assert line == clean_line(line)
    assert line.isprintable()
    assert line == " ".join("".join(c for c in text if c.isspace() or c.isprintable()).split())


@pytest.mark.parametrize("control", ["\0", "\x01", "\x0c", "\x1f", "\ufffe", "\uffff", "\ud800"])
@pytest.mark.parametrize(
    "document",
    [
        "{}<rss><a b='x'>t</a></rss>",
        "<rss><a b='x{}y'>t</a></rss>",
        "<rss><a b='x'>t{}u</a></rss>",
        "<rss><a b='x'><![CDATA[t{}]]></a></rss>",
        "<!-- {} --><rss><!-- {} --><a b='x'>t</a></rss>",
        "<!DOCTYPE rss{}><rss><a b='x'>t</a></rss>",
        "<rss><a b='x'>t</a></rss>{}",
        "<rss><a b='x'>t</a></rss>{}<b/>",
    ],
)
def test_controls_are_dropped_wherever_they_stand(document: str, control: str) -> None:
    dirty, problem = parse_xml(document.format(*[control] * 2))
    clean, same_problem = parse_xml(document.format("", ""))
    assert dirty is not None
    assert clean is not None
    assert (etree.tostring(dirty), problem) == (etree.tostring(clean), same_problem)


BALANCED = st.recursive(
    st.sampled_from(
        [
            "Cranes",
            " on ",
            "the &amp; quay",
            "&lt;b&gt;",
            "a < b",
            "<br>",
            "<br/>",
            '<img src="a>b" alt=x>',
            "<!-- SC_OFF -->",
        ]
    ),
    lambda inner: st.tuples(
        st.sampled_from(["p", "div", "em", "strong", "a href='/x'", 'span class="y"', "ul", "li", "h2", "blockquote"]),
        st.lists(inner, max_size=4),
    ).map(lambda found: f"<{found[0]}>{''.join(found[1])}</{found[0].split()[0]}>"),
    max_leaves=12,
)


@given(BALANCED)
def test_plain_markup_is_stripped_as_a_browser_would(markup: str) -> None:
    # An empty hidden element makes the HTML parser do it.
    assert clean_html(markup, max_chars=4000) == clean_html(markup + "<script></script>", max_chars=4000)


def compare(body: bytes) -> str:
    """Say how both ways take a document."""
    text = decode_text(body).lstrip("\ufeff \t\r\n\0")
    root, problem = xmlfeed._find_feed(text)  # noqa: SLF001
    if root is None or problem:
        return "no feed or broken"
    fast, reference = read_both(text)
    if fast is None:
        return "declined"
    return "same" if fast == reference else "different"


def shared_documents() -> list[tuple[str, bytes]]:
    real = SHARED / "data" / "feeds" / "screenrant_feed_2023-04-12.xml.gz"
    found = [(real.name, gzip.decompress(real.read_bytes()))]
    for archive in sorted((SHARED / "data" / "feeds").glob("*.tar.gz")):
        with tarfile.open(archive) as tar:
            found += [
                (member.name, content.read())
                for member in tar
                if member.isfile() and (content := tar.extractfile(member)) and not member.name.endswith((".py", ".go"))
            ]
    attacks = SHARED / "suites" / "xml-attacks"
    return found + [(path.name, path.read_bytes()) for path in sorted(attacks.rglob("*")) if path.is_file()]


@pytest.mark.shared
@pytest.mark.skipif(not (SHARED / "data" / "feeds").is_dir(), reason="needs data/feeds of SETWIRE_SHARED")
def test_every_shared_feed_is_read_the_same_by_both() -> None:
    """The list of justified differences is empty."""
    documents = shared_documents()
    assert len(documents) > 2000
    verdicts = {name: compare(body) for name, body in documents}
    print(Counter(verdicts.values()))
    assert [name for name, verdict in verdicts.items() if verdict == "different"] == []
    assert sum(verdict == "same" for verdict in verdicts.values()) > 400
