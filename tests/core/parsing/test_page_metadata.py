"""What article pages say of themselves, in the ways that publishers say it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from core.parsing.pages import parse_page
from core.values import ParsedPage

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
URL = "https://www.pier.example/film/day-one/"
PARAGRAPH = "<p>On day %d of the shoot the riggers of Saltmarsh hung a new wire above the pier, and both fell.</p>"
STORY = f"<article><h1>Day one wraps</h1>{''.join(PARAGRAPH % day for day in range(9))}</article>"


def read(head: str = "", *, body: str = STORY, html: str = "<html>") -> ParsedPage:
    document = f"<!doctype html>{html}<head><title>Day one wraps</title>{head}</head><body>{body}</body></html>"
    return parse_page(document.encode(), url=URL, now=NOW)


def stated(*nodes: dict[str, Any]) -> str:
    return f'<script type="application/ld+json">{json.dumps({"@graph": nodes})}</script>'


@pytest.mark.parametrize(
    "head",
    [
        stated({"@type": "NewsArticle", "isAccessibleForFree": "http://schema.org/False"}),
        stated({"@type": "NewsArticle", "isAccessibleForFree": "https://schema.org/False"}),
        stated({"@type": "WebPage", "isAccessibleForFree": False}, {"@type": "NewsArticle"}),
        stated({"@type": "WebPage", "hasPart": {"@type": "WebPageElement", "isAccessibleForFree": "False"}}),
        stated({"@type": "http://schema.org/NewsArticle", "isAccessibleForFree": False}),
    ],
)
def test_a_wall_is_seen_wherever_it_is_stated(head: str) -> None:
    assert read(head).is_paywalled


@pytest.mark.parametrize("value", [True, "True", "http://schema.org/True", None])
def test_a_free_page_stays_free(value: object) -> None:
    assert not read(stated({"@type": "WebPage", "isAccessibleForFree": value})).is_paywalled


@pytest.mark.parametrize(
    ("html", "head", "language"),
    [
        ("<html lang='en-GB'>", "", "en-gb"),
        ("<html xml:lang='fr'>", "", "fr"),
        ("<html lang=''>", "<meta property='og:locale' content='pt_BR'>", "pt-br"),
        ("<html>", "<meta http-equiv='Content-Language' content='de'>", "de"),
        ("<html>", stated({"@type": "NewsArticle", "inLanguage": "es"}), "es"),
        ("<html lang='%lang%'>", stated({"@type": "NewsArticle", "inLanguage": {"@id": "#x"}}), ""),
    ],
)
def test_the_language_is_found(html: str, head: str, language: str) -> None:
    assert read(head, html=html).language == language


def test_what_is_named_elsewhere_in_the_document_is_looked_up() -> None:
    page = read(
        stated(
            {"@type": "NewsArticle", "author": [{"@id": "#jo"}, {"@id": "#nobody"}], "image": {"@id": "#lead"}},
            {"@type": "Person", "@id": "#jo", "name": "Jo Doe"},
            {"@type": "ImageObject", "@id": "#lead", "url": "https://pier.example/lead.jpg"},
        )
    )
    assert (page.authors, page.image_url) == (("Jo Doe",), "https://pier.example/lead.jpg")


def test_names_that_name_themselves_do_no_harm() -> None:
    assert read(stated({"@type": "NewsArticle", "@id": "#a", "author": {"@id": "#a"}})).authors == ()


def test_a_linked_picture_stands_in() -> None:
    assert read("<link rel='image_src' href='/lead.jpg'>").image_url == "https://www.pier.example/lead.jpg"


@pytest.mark.parametrize(
    ("before", "behind"), [("//<![CDATA[\n", "\n//]]>"), ("/*<![CDATA[*/", "/*]]>*/"), ("<!--", "-->")]
)
def test_json_that_hides_from_old_browsers_is_read(before: str, behind: str) -> None:
    node = json.dumps({"@type": "NewsArticle", "headline": "Day one, in JSON"})
    head = f'<script type="application/ld+json">{before}{node}{behind}</script>'
    assert read(head).title == "Day one, in JSON"


def test_a_month_is_no_author() -> None:
    byline = "<div class='byline'>By <a>Jo Doe</a> | Nov 22, 2026 5:00 PM PT</div>"
    assert read(body=byline + STORY).authors == ("Jo Doe",)


def test_the_first_base_with_an_address_counts() -> None:
    head = "<base target='_blank'><base href='https://www.pier.example/x/'><link rel='canonical' href='one'>"
    assert read(head).canonical_url == "https://www.pier.example/x/one"
