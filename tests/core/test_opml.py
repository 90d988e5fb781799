"""Source lists as OPML: ours come back as they were, strangers' are taken over, hostile ones do no harm."""

import time
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

import config
from config.sources import load_sources
from core.opml import MAX_BYTES, parse_opml, write_opml
from core.values import PageSelectors, Publisher, PublisherSlug, Render, Selectors, Source, SourceId, SourceKind, Tier

PIER = Publisher(
    slug=PublisherSlug("pier"), name="Pier & “Sea” <Diary>", tier=Tier.TRADE, homepage="https://pier.example"
)
SOURCES = (
    Source(
        source_id=SourceId("pier-film"),
        publisher=PIER,
        kind=SourceKind.LISTING,
        url="https://pier.example/film?a=1&b=2",
        language="pt-BR",
        interval=timedelta(minutes=45),
        full_text=True,
        selectors=Selectors(item="article.card", title='h2 > a[title="x"]::text', date="time"),
        page=PageSelectors(body="div.text"),
        enabled=False,
        seen_at="its front page",
    ),
    Source(
        source_id=SourceId("pier-own"),
        publisher=PIER,
        kind=SourceKind.LISTING,
        url="https://pier.example/own",
        spider="pier",
        render=Render.JAVASCRIPT,
        seen_at="a list",
    ),
)


def outline(attributes: str) -> bytes:
    return f'<opml version="1.0"><body><outline {attributes}/></body></opml>'.encode()


@pytest.mark.parametrize("sources", [SOURCES, tuple(load_sources(Path(config.__file__).parent / "sources.toml"))])
def test_our_settings_come_back(sources: tuple[Source, ...]) -> None:
    document = write_opml(sources)
    assert parse_opml(document.encode()).sources == sources
    assert ET.fromstring(document).tag == "opml"


def test_a_strangers_list_is_taken_over() -> None:
    listed = parse_opml(
        b"""<?xml version="1.0"?><opml version="1.1"><body><outline text="Film">
        <outline type="rss" text="Ledger" xmlUrl="https://ledger.example/feed" htmlUrl="https://ledger.example/"/>
        <outline title="Caf&#233; Noir" XMLURL="https://noir.example/rss"/>
        <outline text="Ledger" xmlurl="https://ledger.example/film"/>
        <outline text="Ledger again" xmlUrl="https://ledger.example/feed"/></outline></body></opml>"""
    )
    assert [(s.source_id, s.publisher.slug, s.publisher.name, s.url) for s in listed.sources] == [
        ("ledger", "ledger", "Ledger", "https://ledger.example/feed"),
        ("cafe-noir", "cafe-noir", "Café Noir", "https://noir.example/rss"),
        ("ledger-2", "ledger", "Ledger", "https://ledger.example/film"),
    ]
    assert listed.sources[0].publisher.homepage == "https://ledger.example/"
    assert {source.publisher.tier for source in listed.sources} == {Tier.PRESS}
    assert listed.problems == ()


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "ftp://x.example/",
        "https://a:b@x.example/",
        "https://x.example/\\a",
    ],
)
def test_what_cannot_be_a_source_is_told(url: str) -> None:
    listed = parse_opml(outline(f'xmlUrl="{url}"'))
    assert listed.sources == ()
    assert "cannot be a source" in listed.problems[0]


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            f'<!DOCTYPE opml [<!ENTITY l0 "ha">{LAUGHS}]><opml><outline text="&l9;" xmlUrl="&l9;"/></opml>',
            id="a billion laughs",
        ),
        pytest.param(
            '<!DOCTYPE opml [<!ENTITY x SYSTEM "file:///etc/passwd">]><opml><body><outline text="&x;" '
            'xmlUrl="https://x.example/&x;"/></body></opml>',
            id="external entity",
        ),
        pytest.param('<!DOCTYPE opml SYSTEM "http://127.0.0.1:1/x.dtd"><opml><body/></opml>', id="external DTD"),
        pytest.param("<opml><body>" + "<outline>" * 200_000, id="deep"),
        pytest.param("<opml><body>" + "<outline xmlUrl='x'/>" * 100_000, id="many"),
        pytest.param("<html><body>no</body></html>", id="a page"),
        pytest.param("x" * (MAX_BYTES + 1), id="large"),
        pytest.param("", id="empty"),
    ],
)
def test_a_hostile_list_does_no_harm(body: str) -> None:
    started = time.perf_counter()
    listed = parse_opml(body.encode())
    assert time.perf_counter() - started < 2
    assert "root:" not in str(listed)
    assert all(len(source.publisher.name) < 200 for source in listed.sources)


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: outline(f"xmlUrl='{text}'")))
def test_parse_opml_never_raises(body: bytes) -> None:
    parse_opml(body)


@given(name=st.text(max_size=80), item=st.text(min_size=1, max_size=80))
def test_any_words_survive_as_xml(name: str, item: str) -> None:
    publisher = Publisher(slug=PublisherSlug("x"), name=name)
    source = Source(
        source_id=SourceId("x"), publisher=publisher, kind=SourceKind.FEED, url="https://x.example/", seen_at=item
    )
    assert len(parse_opml(write_opml([source]).encode("utf-8", "ignore")).sources) == 1


def test_addresses_as_feed_readers_wrote_them_are_taken() -> None:
    listed = parse_opml(
        b'<opml><body><outline text="A" xmlUrl="feed://a.example/f"/><outline text="B" xmlUrl="feed:https://b.example/f"/>'
        b'<outline text="C" xmlUrl="https://c.example/film news"/></body></opml>'
    )
    assert [source.url for source in listed.sources] == [
        "http://a.example/f",
        "https://b.example/f",
        "https://c.example/film%20news",
    ]
    assert listed.problems == ()
