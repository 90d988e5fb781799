"""Texts from feeds are hostile: whatever a title, summary, author or address holds, no page gains markup by it."""

import json
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import quote

import pytest
from lxml import html
from markupsafe import escape

from store.engine import Store
from tests.web.conftest import Ask
from tests.web.newsroom import CALL_SHEET, Report, film_tag, topic_tag
from web.words import web_address

SUITE = Path(os.environ.get("SETWIRE_SHARED", "../shared")) / "suites" / "sanitizer" / "dompurify_expect.json"
OURS = (
    "<script>alert(1)</script>",
    "</title><script>alert(2)</script>",
    '"><img src=x onerror=alert(3)>',
    "' autofocus onfocus='alert(4)",
    "{{ 7 * 7 }}{% raw %}<b>",
    "<svg/onload=alert(5)>",
    "</li></ol></main><iframe srcdoc='<script>alert(6)</script>'>",
    "&lt;script&gt;alert(7)&lt;/script&gt;",
    "<a href=javascript:alert(8)>here</a>",
    "-->]]><script>alert(9)</script>",
    "\u202egnp.exe\u202c <b>bold</b>",
    "`${alert(10)}`",
)
SCHEMES = (
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "\x01javascript:alert(1)",
    "java\nscript:alert(1)",
    " javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "file:///etc/passwd",
    "//evil.example/x",
    "https:///no-host",
    "http://[broken",
    "https://good.example\\@evil.example/",
    "https://a.example/\u202ex",
)
FORBIDDEN = ("style", "srcdoc", "autofocus")
KNOWN_TAGS = re.compile(
    "html|head|meta|title|link|script|body|a|header|div|p|span|nav|ul|li|main|footer|h[123]|section|form|label|input|"
    "button|ol|article|time|code|q|b|d[ltd]|table|thead|tbody|t[rhd]|i"
)


def file_hostile(file: Callable[..., None], texts: Iterable[str]) -> None:
    file(
        [
            Report(
                title=text,
                story=number,
                summary=text,
                reasons=(text,),
                tags=(film_tag("harbour-lights", text), topic_tag("stunts", text)),
            )
            for number, text in enumerate(texts, 1)
        ]
    )


def assert_harmless(page: str) -> None:
    tree = html.fromstring(page)
    for node in tree.iter():
        assert isinstance(node.tag, str), f"a comment came in: {node.text}"
        assert KNOWN_TAGS.fullmatch(node.tag)
        assert not [name for name in map(str, node.attrib) if name.startswith("on") or name in FORBIDDEN]
    assert [node.get("src", "").partition("?")[0] for node in tree.cssselect("script")] == ["/static/setwire.js"]
    for node in tree.cssselect("[href]"):
        assert node.get("href", "").startswith(("/", "#", "https://", "http://"))


def test_our_strings_stay_text(file: Callable[..., None], ask: Ask) -> None:
    file_hostile(file, OURS)
    assert_harmless(ask("/").text)
    for number, text in enumerate(OURS, 1):
        page = ask(f"/stories/{number}").text
        assert_harmless(page)
        assert html.fromstring(page).findtext(".//h1") == text


@pytest.mark.parametrize("place", ["?film=", "?topic=", "?before=", "films?query=", "stories/", ""])
def test_a_hostile_address_stays_text(filled: Store, ask: Ask, place: str) -> None:
    for text in OURS:
        assert_harmless(ask(f"/{place}{quote(text, safe='')}").text)


@pytest.mark.parametrize("url", SCHEMES)
def test_only_web_addresses_are_followed(url: str) -> None:
    assert web_address(url) == ""


def test_other_addresses_are_shown_as_text(file: Callable[..., None], ask: Ask) -> None:
    file([Report(title=f"Story {number}", story=number, url=url) for number, url in enumerate(SCHEMES, 1)])
    assert_harmless(ask("/").text)
    for number, url in enumerate(SCHEMES, 1):
        page = ask(f"/stories/{number}").text
        assert_harmless(page)
        assert escape(url) in page


def test_every_outward_link_hides_where_the_reader_comes_from(file: Callable[..., None], ask: Ask) -> None:
    file([Report(title="A story", story=1), Report(title="A story", duplicate_of=1, outlet=CALL_SHEET)])
    outward = html.fromstring(ask("/stories/1").text).cssselect("[href^=http]")
    assert len(outward) == 3
    assert {node.get("rel") for node in outward} == {"noopener noreferrer nofollow"}


@pytest.mark.shared
@pytest.mark.skipif(not SUITE.is_file(), reason="needs the sanitizer suite of the shared material (SETWIRE_SHARED)")
def test_a_sanitizers_hostile_fragments_stay_text(file: Callable[..., None], ask: Ask) -> None:
    payloads = [case["payload"] for case in json.loads(SUITE.read_text(encoding="utf-8"))]
    file_hostile(file, payloads)
    address = "/"
    while address:
        page = ask(address).text
        assert_harmless(page)
        address = next((node.get("href", "") for node in html.fromstring(page).cssselect("[rel=next]")), "")
    for number in range(1, len(payloads) + 1, 16):
        assert_harmless(ask(f"/stories/{number}").text)
