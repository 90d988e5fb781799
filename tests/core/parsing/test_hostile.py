"""Bytes made to cost time or to reach out: all parsers answer soon, fetch nothing, open nothing."""

import os
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.parsing.feeds import parse_feed
from core.parsing.pages import parse_listing, parse_page
from core.parsing.sitemaps import parse_sitemap
from core.values import Selectors

NOW = datetime(2026, 6, 1, tzinfo=UTC)
URL = "https://reelgazette.example/feed"
ATTACKS = (
    Path(os.environ.get("SETWIRE_SHARED", Path(__file__).parents[4] / "shared"))
    / "suites"
    / "xml-attacks"
    / "xmltestdata"
)
SIZE = 200_000
# Processor time, on a slow and busy machine; measured 0.01-0.8 s. The attacks cost 10-120 s without their guards.
MAX_SECONDS = 5.0
RSS = "<rss version='2.0'><channel>"

PARSERS: dict[str, Callable[[bytes], object]] = {
    "feed": lambda body: parse_feed(body, url=URL, now=NOW),
    "sitemap": lambda body: parse_sitemap(body, url=URL, now=NOW),
    "page": lambda body: parse_page(body, url=URL, now=NOW),
    "listing": lambda body: parse_listing(body, url=URL, selectors=Selectors(item="div, p"), now=NOW),
}


def fill(piece: str, size: int = SIZE) -> str:
    return piece * (size // len(piece))


def item(title: str = "x", rest: str = "") -> str:
    return f"{RSS}<item><title>{title}</title>{rest}</item></channel></rss>"


HOSTILE = {
    "comments": fill("<!--"),
    "comments in a feed": RSS + fill("<!--"),
    "open CDATA": RSS + fill("<![CDATA["),
    "less-than signs": RSS + fill("<"),
    "ampersands": RSS + fill("&"),
    "open items": RSS + fill("<item>"),
    "nested elements": RSS + fill("<x>"),
    "empty elements": RSS + fill("<x/>", 1_000_000),
    "a prefix and nothing else": RSS + "<item><dc:>x</dc:><dc:a:b>x</dc:a:b><media:\u0660/></item>",
    "many attributes": "<rss " + " ".join(f"a{n}='1'" for n in range(30_000)) + ">" + item(),
    "many attributes in a page": "<div " + " ".join(f"a{n}='1'" for n in range(30_000)) + ">",
    "many namespaces": "<rss " + " ".join(f"xmlns:a{n}='http://a{n}'" for n in range(4_000)) + ">"
    + "<channel>" + "".join(f"<a{n % 4000}:x/>" for n in range(20_000)) + "</channel></rss>",
    "nested divs": item(rest=f"<description>{fill('&lt;div&gt;')}</description>"),
    "nested divs in a page": fill("<div>"),
    "nested formatting": fill("<b><p>"),
    "nested tables": fill("<table><tr><td><i>"),
    "open images": item(rest=f"<description>{fill('&lt;img ')}</description>"),
    "open tags in a title": item(title=fill("&lt;a ")),
    "endless footer": item(rest=f"<description>{fill('The post ')}</description>"),
    "endless date": item(rest=f"<pubDate>{fill('Mon, ')}</pubDate>"),
    "endless author": item(rest=f"<author>{fill('a@')}</author>"),
    "endless categories": item(rest=f"<category>{fill('a,')}</category>"),
    "endless doctype": "<!DOCTYPE a [" + fill("<!ENTITY a '") + "]>" + item(),
    "doctypes": fill("<!DOCTYPE a [ "),
    "wrong bytes": RSS + fill("\udcff"),
    "deep JSON": fill('{"items":[', 200_000),
    "deep JSON-LD": '<script type="application/ld+json">' + fill("["),
}  # fmt: skip


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("body", [pytest.param(text, id=name) for name, text in HOSTILE.items()])
def test_hostile_bytes_cost_little_time(body: str, parser: str) -> None:
    started = time.process_time()
    PARSERS[parser](body.encode("utf-8", "surrogateescape"))
    assert time.process_time() - started < MAX_SECONDS


def laughs(depth: int = 30) -> str:
    entities = "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, depth))
    return f"<!DOCTYPE rss [<!ENTITY a0 'ha'>{entities}]>" + item(title=f"x &a{depth - 1};")


@pytest.mark.parametrize("parser", PARSERS)
def test_entities_are_not_expanded(parser: str) -> None:
    answer = repr(PARSERS[parser](laughs().encode()))
    assert "haha" not in answer
    assert len(answer) < 5000


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize(
    "doctype",
    [
        pytest.param("<!DOCTYPE rss [<!ENTITY e SYSTEM '{where}'>]>", id="general entity"),
        pytest.param("<!DOCTYPE rss SYSTEM '{where}'>", id="external DTD"),
        pytest.param("<!DOCTYPE rss [<!ENTITY % e SYSTEM '{where}'> %e;]>", id="parameter entity"),
        pytest.param("<?xml-stylesheet href='{where}' type='text/xsl'?>", id="style sheet"),
        pytest.param(
            "<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='{where}' parse='text'/>", id="XInclude"
        ),
    ],
)
def test_nothing_is_fetched_or_opened(doctype: str, parser: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret words", encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        for where in (f"http://127.0.0.1:{server.getsockname()[1]}/e", secret.as_uri(), str(secret)):
            body = doctype.format(where=where) + item(title="x &e;")
            assert "secret words" not in repr(PARSERS[parser](body.encode()))
            assert "secret words" not in repr(PARSERS[parser](where.encode()))
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.shared
@pytest.mark.skipif(not ATTACKS.is_dir(), reason="needs suites/xml-attacks of SETWIRE_SHARED")
@pytest.mark.parametrize("parser", PARSERS)
def test_shared_xml_attacks_are_harmless(parser: str) -> None:
    started = time.process_time()
    for path in sorted(ATTACKS.iterdir()):
        content = path.read_bytes()
        assert len(repr(PARSERS[parser](content))) < 10_000 + 2 * len(content)
        wrapped = content.replace(b"<root>", b"<rss><channel><item><title>").replace(
            b"<bomb>", b"<rss><channel><item><title>"
        )
        assert len(repr(PARSERS[parser](wrapped))) < 10_000 + 2 * len(content)
    assert time.process_time() - started < MAX_SECONDS
