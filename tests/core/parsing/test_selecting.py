"""Selectors in CSS and XPath: told apart, checked, and finding the same."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.parsing.pages import parse_listing, parse_page
from core.parsing.selecting import find_fault, is_xpath
from core.values import PageSelectors, Selectors

NOW = datetime(2026, 11, 23, tzinfo=UTC)
URL = "https://pier.example/diary/"
LISTING = b"""<html><body>
<a href="/about">About us</a>
<div class="card"><h2><a href="one">The tank is filled for <em>Saltmarsh</em></a></h2>
  <time datetime="2026-11-22T10:00:00Z">yesterday</time><img src="/one.jpg"><p class="lead">Two cranes.</p></div>
<div class="card" data-at="2026-11-21"><h2><a href="two">Doubles fall off the pier</a></h2></div>
</body></html>"""


@pytest.mark.parametrize(
    "selector", ["//div", "/html/body", "./a", "../a", ".//a", "(//a)[1]", "@href", ".", "./descendant::a"]
)
def test_xpath_is_known_by_its_beginning(selector: str) -> None:
    assert is_xpath(selector)
    assert find_fault(selector) == ""


@pytest.mark.parametrize(
    "selector",
    ["div", ".card", "#top", "a::attr(href)", "a::text", "*", "[data-at]", ":not(p)", "h2 > a", "child::text"],
)
def test_all_else_is_css(selector: str) -> None:
    assert not is_xpath(selector)
    assert find_fault(selector) == ""


@pytest.mark.parametrize("selector", ["//div[", "(//a", "./@", "div[", "a::nonsense", "//a[nope:x()"])
def test_a_fault_is_found_before_a_page_is(selector: str) -> None:
    assert find_fault(selector)


@given(st.text(st.sampled_from("/.()[]@a:*'\"1 =,|é\0-"), max_size=12))
def test_no_text_breaks_the_check_or_the_reading(selector: str) -> None:
    find_fault(selector)
    parse_listing(LISTING, url=URL, selectors=Selectors(item=selector or "a"), now=NOW)
    parse_listing(LISTING, url=URL, selectors=Selectors(item="div", title=selector, date=selector), now=NOW)
    parse_page(LISTING, url=URL, now=NOW, selectors=PageSelectors(body=selector, title=selector))


@pytest.mark.parametrize(
    ("item", "link", "title", "summary", "date", "image"),
    [
        ("div.card", "h2 a", "h2 a::text", ".lead", "time, [data-at]", "img"),
        ("//div[@class='card']", ".//h2/a/@href", ".//h2/a/text()", ".//p", ".//time/@datetime | ./@data-at", ".//img"),
        ("//div[h2/a]", "//a", "//h2", "//p[@class='lead']", "//time", "//img/@src"),
    ],
    ids=["css", "xpath", "xpath in the box"],
)
def test_both_find_the_same(item: str, link: str, title: str, summary: str, date: str, image: str) -> None:
    selectors = Selectors(item=item, link=link, title=title, summary=summary, date=date, image=image)
    feed = parse_listing(LISTING, url=URL, selectors=selectors, now=NOW)
    first, second = feed.entries
    assert (first.title, first.url) == ("The tank is filled for Saltmarsh", f"{URL}one")
    assert (first.summary, first.image_url) == ("Two cranes.", "https://pier.example/one.jpg")
    assert first.published_at == datetime(2026, 11, 22, 10, tzinfo=UTC)
    assert (second.title, second.url, feed.problems) == ("Doubles fall off the pier", f"{URL}two", ())


def test_an_xpath_that_counts_is_no_crash() -> None:
    feed = parse_listing(LISTING, url=URL, selectors=Selectors(item="//div", title="(count(.//a))"), now=NOW)
    assert [entry.title for entry in feed.entries] == ["1.0", "1.0"]


def test_a_broken_xpath_is_told_in_words() -> None:
    feed = parse_listing(LISTING, url=URL, selectors=Selectors(item="//div["), now=NOW)
    assert feed.problems[0].startswith("An XPath cannot be read: ")


def test_a_page_may_be_read_by_xpath() -> None:
    own = PageSelectors(title="//h2[1]/a", author="//p[@class='lead']", date="//time/@datetime")
    page = parse_page(LISTING, url=URL, now=NOW, selectors=own)
    assert (page.title, page.authors) == ("The tank is filled for Saltmarsh", ("Two cranes.",))
    assert page.published_at == datetime(2026, 11, 22, 10, tzinfo=UTC)
