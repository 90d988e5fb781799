"""Publishers' own spiders, each on a page of our own writing in the shape of theirs.

`pages/NAME.html` is the page, `pages/NAME.json` what the spider makes of it: whoever adds a spider adds both.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from scrapy import Spider
from scrapy.http import HtmlResponse
from scrapy.settings import Settings
from scrapy.spiderloader import SpiderLoader

import config
from config.sources import load_sources
from core.values import ParsedEntry, Source
from crawler.spiders.base import SourceSpider

NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
PAGES = Path(__file__).parent / "pages"
HOUSE = {"listing", "sitemap", "article"}
LOADER = SpiderLoader.from_settings(Settings({"SPIDER_MODULES": ["crawler.spiders"]}))
OWN = sorted(set(LOADER.list()) - HOUSE)
SHIPPED = {source.spider: source for source in load_sources(Path(config.__file__).parent / "sources.toml")}
FIELDS = ("url", "title", "summary", "published_at", "image_url")


def build(name: str) -> tuple[SourceSpider, Source]:
    spider: type[Spider] = LOADER.load(name)
    assert issubclass(spider, SourceSpider)
    source = SHIPPED[name]
    return spider(source=source, now=NOW), source


def read(name: str, body: bytes) -> list[Any]:
    spider, source = build(name)
    return list(spider.parse(HtmlResponse(source.url, body=body, encoding="utf-8")))


def show(entry: ParsedEntry) -> dict[str, str]:
    """Give what a reader would see of an entry, empty fields left out."""
    at = entry.published_at.isoformat() if entry.published_at else ""
    values = {name: getattr(entry, name) for name in FIELDS} | {"published_at": at}
    return {name: value for name, value in values.items() if value}


def test_at_least_eight_publishers_have_their_own() -> None:
    assert len(OWN) >= 8


def test_every_page_belongs_to_a_spider() -> None:
    assert sorted(path.stem for path in PAGES.glob("*.html")) == OWN


@pytest.mark.parametrize("name", OWN)
def test_a_spider_reads_its_page(name: str) -> None:
    expected = json.loads((PAGES / f"{name}.json").read_text(encoding="utf-8"))
    found = read(name, (PAGES / f"{name}.html").read_bytes())
    assert [show(entry) for entry in found if isinstance(entry, ParsedEntry)] == expected
    assert len(expected) >= 2
    assert any("published_at" in entry for entry in expected) or name == "marvel"


@pytest.mark.parametrize("name", OWN)
def test_a_page_that_changed_is_a_problem_not_a_crash(name: str) -> None:
    found = read(name, b"<html><body><p>We have moved.</p></body></html>")
    assert not any(isinstance(one, ParsedEntry) for one in found)
    assert len(found) >= 1


@pytest.mark.parametrize("name", OWN)
def test_a_spider_ships_with_its_source_and_evidence(name: str) -> None:
    source = SHIPPED[name]
    assert len(source.seen_at) > 20
    assert not source.enabled or "answered" in source.seen_at


def test_every_spider_a_source_names_is_there() -> None:
    assert {name for name in SHIPPED if name} == set(OWN)
