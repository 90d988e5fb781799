"""The source list: a good file becomes values, and every mistake becomes a sentence with place and remedy."""

from datetime import timedelta
from pathlib import Path

import pytest

from config.problems import ConfigError
from config.sources import load_sources
from core.values import PageSelectors, Render, Selectors, SourceKind, Tier

PUBLISHER = """
[[publisher]]
slug = "kino"
name = "Kino Courier"
tier = "trade"
homepage = "https://kino.example"
"""
SOURCE = """
[[source]]
id = "kino-film"
publisher = "kino"
url = "https://kino.example/feed"
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "sources.toml"
    path.write_text(text, encoding="utf-8")
    return path


def complaints(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_sources(write(tmp_path, text))
    return [str(problem) for problem in caught.value.problems]


def test_reads_a_feed_with_its_defaults(tmp_path: Path) -> None:
    (source,) = load_sources(write(tmp_path, PUBLISHER + SOURCE))
    assert source.source_id == "kino-film"
    assert source.publisher.tier is Tier.TRADE
    assert source.publisher.homepage == "https://kino.example"
    assert (source.kind, source.language, source.interval) == (SourceKind.FEED, "en", None)
    assert (source.enabled, source.full_text, source.selectors) == (True, False, None)


def test_reads_a_listing_with_everything(tmp_path: Path) -> None:
    text = (
        PUBLISHER
        + SOURCE
        + """
kind = "listing"
language = "pt-BR"
interval = "90m"
full_text = true
enabled = false
seen_at = "its front page"
selectors = { item = "article.card", link = "h2 a::attr(href)", date = "time" }
"""
    )
    (source,) = load_sources(write(tmp_path, text))
    assert source.kind is SourceKind.LISTING
    assert source.interval == timedelta(minutes=90)
    assert source.selectors == Selectors(item="article.card", link="h2 a::attr(href)", date="time")
    assert (source.full_text, source.enabled, source.seen_at) == (True, False, "its front page")


def test_reads_a_listing_with_a_spider_of_its_own_and_page_selectors(tmp_path: Path) -> None:
    text = PUBLISHER + SOURCE + 'kind = "listing"\nspider = "kino"\npage = { body = "div.text", date = "time" }'
    (source,) = load_sources(write(tmp_path, text))
    assert (source.spider, source.selectors) == ("kino", None)
    assert source.page == PageSelectors(body="div.text", date="time")


def test_reads_a_listing_made_by_script(tmp_path: Path) -> None:
    text = PUBLISHER + SOURCE + 'kind = "listing"\nrender = "javascript"\nselectors = { item = "li" }'
    (source,) = load_sources(write(tmp_path, text))
    assert source.render is Render.JAVASCRIPT


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "sources.toml"
    path.write_text(PUBLISHER + SOURCE, encoding="utf-8-sig")
    assert len(load_sources(path)) == 1


S = "sources.toml: source 'kino-film'"
P = "sources.toml: publisher 'kino'"
MISTAKES = [
    ("", ["sources.toml: source: there is none; add a [[source]] (docs/adding-a-source.md)"]),
    (
        PUBLISHER.replace("trade", "tabloid") + SOURCE,
        [f"{P}: tier: 'tabloid' is not known; write one of official, trade, press, fan"],
    ),
    (
        PUBLISHER.replace("https://kino.example", "kino.example") + SOURCE,
        [f"{P}: homepage: 'kino.example' is no web address; write one that starts with https://"],
    ),
    (PUBLISHER.replace('tier = "trade"', "") + SOURCE, [f"{P}: tier: is missing; add it"]),
    (PUBLISHER.replace("Kino Courier", " ") + SOURCE, [f"{P}: name: is missing; add it"]),
    (PUBLISHER + PUBLISHER + SOURCE, [f"{P}: slug: is taken by another publisher; choose another slug"]),
    (
        PUBLISHER + SOURCE.replace('"kino"', '"kono"'),
        [f"{S}: publisher: there is no publisher 'kono'; did you mean 'kino'?"],
    ),
    (SOURCE, [f"{S}: publisher: there is no publisher 'kino'; none is defined"]),
    (
        PUBLISHER + SOURCE.replace("https://", "ftp://"),
        [f"{S}: url: 'ftp://kino.example/feed' is no web address; write one that starts with https://"],
    ),
    (
        PUBLISHER + SOURCE.replace("https://kino", "https://me:pw@kino"),
        [f"{S}: url: 'https://me:pw@kino.example/feed' is no web address; write one that starts with https://"],
    ),
    (
        PUBLISHER + SOURCE.replace('id = "kino-film"', 'id = "Kino Film"'),
        ["sources.toml: source 'Kino Film': id: 'Kino Film' is no id; use small letters, digits and single hyphens"],
    ),
    (PUBLISHER + SOURCE.replace('id = "kino-film"', ""), ["sources.toml: source no. 1: id: is missing; add it"]),
    (
        PUBLISHER + SOURCE.replace('url = "https://kino.example/feed"', "url = 7"),
        [f"{S}: url: 7 is no text; put it in quotes"],
    ),
    (PUBLISHER + SOURCE + 'kind = "rss"', [f"{S}: kind: 'rss' is not known; write one of feed, sitemap, listing"]),
    (
        PUBLISHER + SOURCE + 'interval = "often"',
        [f"{S}: interval: 'often' is no duration; write a number and a unit, such as 30s, 5m, 2h or 7d"],
    ),
    (
        PUBLISHER + SOURCE + 'interval = "0m"',
        [f"{S}: interval: '0m' is no time at all; write a longer one, such as 30m"],
    ),
    (
        PUBLISHER + SOURCE + 'language = "english"',
        [f"{S}: language: 'english' is no language code; write one such as en, fr or pt-BR"],
    ),
    (
        PUBLISHER + SOURCE + 'enabled = "yes"',
        [f"{S}: enabled: 'yes' is neither true nor false; write one of them, without quotes"],
    ),
    (PUBLISHER + SOURCE + 'intervall = "5m"', [f"{S}: intervall: is no key of this record; did you mean 'interval'?"]),
    (
        PUBLISHER + SOURCE + 'kind = "listing"',
        [f'{S}: selectors: are missing, and a listing needs them; add {{ item = "..." }}'],
    ),
    (
        PUBLISHER + SOURCE + 'selectors = { item = "li" }',
        [f"{S}: selectors: are for listings, and this is a feed; remove them or set the kind"],
    ),
    (
        PUBLISHER + SOURCE + 'kind = "listing"\nselectors = "li"',
        [
            f"{S}: selectors: 'li' is no table; write it as {{ name = \"value\" }}",
            f"{S}: selectors: item: is missing; add it",
        ],
    ),
    (
        PUBLISHER + SOURCE + 'kind = "listing"\nselectors = { items = "li" }',
        [
            f"{S}: selectors: item: is missing; add it",
            f"{S}: selectors: items: is no key of this record; did you mean 'item'?",
        ],
    ),
    (
        PUBLISHER + SOURCE + 'kind = "listing"\nspider = "kino"\nselectors = { item = "li" }',
        [f"{S}: selectors: do nothing beside a spider; remove one of the two"],
    ),
    (
        PUBLISHER + SOURCE + 'render = "javascript"',
        [f"{S}: render: is for listings, and this is a feed; remove it or set the kind"],
    ),
    (
        PUBLISHER + SOURCE + 'spider = "kino"',
        [f"{S}: spider: is for listings, and this is a feed; remove it or set the kind"],
    ),
    (
        PUBLISHER + SOURCE + 'page = { text = "div" }',
        [f"{S}: page: text: is no key of this record; known are author, body, date, title"],
    ),
    (
        PUBLISHER + SOURCE + SOURCE.replace("/feed", "/other"),
        [f"{S}: id: is taken by another source; choose another id"],
    ),
    (
        PUBLISHER + SOURCE + SOURCE.replace("kino-film", "kino-two"),
        [
            S.replace("film", "two")
            + ": url: 'https://kino.example/feed' is read by another source already; remove one of them"
        ],
    ),
    ('source = "all"', ["sources.toml: source: is no list of records; write each as [[source]]"]),
    (PUBLISHER + SOURCE + "[[sauce]]", ["sources.toml: sauce: is no key of this record; did you mean 'source'?"]),
]


@pytest.mark.parametrize(("text", "sentences"), MISTAKES)
def test_a_mistake_is_a_sentence(tmp_path: Path, text: str, sentences: list[str]) -> None:
    assert complaints(tmp_path, text) == sentences


@pytest.mark.parametrize("selector", ["div[", "a::attr(", "li >", "p:nth-child(x)", "a::nonsense"])
def test_a_wrong_selector_is_a_sentence(tmp_path: Path, selector: str) -> None:
    text = PUBLISHER + SOURCE + f'kind = "listing"\nselectors = {{ item = "li", title = "{selector}" }}'
    (sentence,) = complaints(tmp_path, text)
    assert sentence.startswith(f"{S}: selectors: title: {selector!r} is no CSS selector (")


def test_toml_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    (sentence,) = complaints(tmp_path, "[[source]\nid =")
    assert sentence.startswith("sources.toml: is no valid TOML: ")
    assert "line 1" in sentence


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    with pytest.raises(ConfigError) as caught:
        load_sources(path)
    assert str(caught.value) == f"{path}: cannot be read (No such file or directory); name a readable file"


def test_a_file_that_is_no_text_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "sources.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is no UTF-8 text; save it as UTF-8"):
        load_sources(path)


def test_all_mistakes_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    text = PUBLISHER.replace("trade", "x") + SOURCE.replace("https", "htp") + 'kind = "y"\ninterval = "z"'
    assert len(complaints(tmp_path, text)) == 4


def test_selectors_may_be_xpath_and_are_checked_as_such(tmp_path: Path) -> None:
    listing = PUBLISHER + SOURCE + 'kind = "listing"\nselectors = { item = "//article", link = "%s" }'
    (source,) = load_sources(write(tmp_path, listing % ".//a/@href"))
    assert source.selectors == Selectors(item="//article", link=".//a/@href")
    (sentence,) = complaints(tmp_path, listing % ".//a[")
    assert sentence.startswith(f"{S}: selectors: link: './/a[' is no XPath (")
