"""parse_feed on feeds of the world and on feedparser's own cases, where they concern what we read."""

import ast
import calendar
import gzip
import os
import re
import tarfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.parsing.feeds import parse_feed
from core.parsing.text import clean_html, clean_line, clean_title
from core.values import ParsedEntry, ParsedFeed

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SHARED = Path(os.environ.get("SETWIRE_SHARED", Path(__file__).parents[4] / "shared"))
FEEDS = SHARED / "data" / "feeds"
TEXT_NAMES = {"summary", "description", "content", "subtitle"}
CHECKED_NAMES = {"title", "link", "id", "guid", "author", *TEXT_NAMES}
BASE = "http://127.0.0.1:8097/tests/"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not FEEDS.is_dir(), reason="needs data/feeds of SETWIRE_SHARED"),
]


def read_members(archive: str) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(FEEDS / archive) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() else None
            if content and not member.name.endswith((".py", ".go")):
                yield member.name, content.read()


@pytest.mark.parametrize(
    ("archive", "least_feed_count"),
    [
        ("feedparser_tests.tar.gz", 2080),
        ("miniflux_reader_testdata.tar.gz", 15),
        ("netnewswire_rsparser_resources.tar.gz", 43),
    ],
)
def test_every_shared_feed_is_read(archive: str, least_feed_count: int) -> None:
    feeds = [parse_feed(body, url=BASE + name, now=NOW) for name, body in read_members(archive)]
    assert sum(feed.is_feed for feed in feeds) >= least_feed_count
    assert all(feed.is_feed or feed.problems for feed in feeds)


def test_a_real_feed_of_100_items_is_read_whole() -> None:
    body = gzip.decompress((FEEDS / "screenrant_feed_2023-04-12.xml.gz").read_bytes())
    feed = parse_feed(body, url="https://screenrant.com/feed/", now=NOW)
    assert len(feed.entries) == 100
    assert feed.problems == ()
    assert all(e.title and e.url and e.summary and e.author and e.published_at and e.image_url for e in feed.entries)


def test_feedparser_cases_hold_for_what_we_read() -> None:
    """The rest: a header Content-Location we are not given (2), CDF (3), ids made absolute (2), the angle brackets of
    HTML 4 (2), the shorter of two bodies (2), a comment left open (1), noise (1).
    """
    verdicts = Counter[str]()
    failures: list[str] = []
    for name, body in read_members("feedparser_tests.tar.gz"):
        for check in find_checks(body):
            feed = parse_feed(body, url=BASE + name, content_type=find_content_type(body), now=NOW)
            verdict = judge(check, feed, name)
            verdicts[verdict] += 1
            if verdict == "fail":
                failures.append(f"{name}: {check} against {feed.title!r} {feed.entries[:1]}")
    decided = verdicts["pass"] + verdicts["fail"]
    print(f"expectations: {verdicts}")
    print("\n".join(failures))
    assert decided > 600
    assert verdicts["pass"] >= 0.97 * decided, "\n".join(failures)


Check = tuple[str, int, str, object]


def find_checks(body: bytes) -> list[Check]:
    """Read `Expect:` as (entries or feed, index, field, literal) for every comparison that concerns a field of ours."""
    found = re.search(rb"Expect:\s*(.*?)\s*-->", body)
    if not found:
        return []
    try:
        tree = ast.parse(found[1].decode("utf-8", "ignore").removeprefix("not bozo and "), mode="eval")
    except SyntaxError:
        return []
    compares = [node for node in ast.walk(tree) if isinstance(node, ast.Compare)]
    return [check for node in compares if (check := read_compare(node))]


def read_compare(node: ast.Compare) -> Check | None:
    path = read_path(node.left)
    if not isinstance(node.ops[0], ast.Eq) or path is None:
        return None
    try:
        expected = ast.literal_eval(node.comparators[0])
    except ValueError:
        return None
    match path:
        case ["entries", int(index), str(name)] if name in CHECKED_NAMES and isinstance(expected, str):
            return "entries", index, name, expected
        case ["entries", int(index), "content", 0, "value"] if isinstance(expected, str):
            return "entries", index, "content", expected
        case ["entries", int(index), ("published_parsed" | "updated_parsed") as name]:
            return "entries", index, name, expected
        case ["feed", "title"] if isinstance(expected, str):
            return "feed", 0, "title", expected
    return None


def read_path(node: ast.expr) -> list[object] | None:
    match node:
        case ast.Name(id=name):
            return [name]
        case ast.Attribute(value=value, attr=name):
            inner = read_path(value)
            return None if inner is None else [*inner, name]
        case ast.Subscript(value=value, slice=ast.Constant(value=key)):
            inner = read_path(value)
            return None if inner is None else [*inner, key]
    return None


def find_content_type(body: bytes) -> str:
    found = re.search(rb"Header:\s+Content-type:(.*)", body, re.IGNORECASE)
    return found[1].decode("latin-1").strip() if found else ""


def judge(check: Check, feed: ParsedFeed, name: str) -> str:
    holder, index, field, expected = check
    if holder == "feed":
        return "pass" if feed.title == clean_title(str(expected)) else "fail"
    if index >= len(feed.entries):
        has_words = field in TEXT_NAMES | {"title"} and re.search(r"\w", clean_html(str(expected), max_chars=4000))
        is_wordless = field in TEXT_NAMES | {"title"}
        left_out = "no words are expected" if is_wordless else "link, id, author or date of an entry we leave out"
        return "fail" if has_words else left_out
    return judge_entry(feed.entries[index], field, expected, name)


def judge_entry(entry: ParsedEntry, field: str, expected: object, name: str) -> str:
    if field.endswith("_parsed"):
        return judge_date(entry, field, expected)
    text = str(expected)
    if field in TEXT_NAMES:
        plain = clean_html(text, max_chars=4000)
        return "pass" if plain in {entry.summary, entry.text} else "fail"
    if field == "link" and not text.startswith("http"):
        return "a link that is no web address is left out"
    got = {"title": entry.title, "link": entry.url, "author": entry.author}.get(field, entry.guid)
    wanted = clean_title(text) if field in {"title", "author"} else clean_line(text, max_chars=1000)
    return "pass" if got == wanted else "fail"


def judge_date(entry: ParsedEntry, field: str, expected: object) -> str:
    if not isinstance(expected, tuple):
        return "no literal date"
    at = datetime.fromtimestamp(calendar.timegm(time.struct_time(expected)), UTC)
    if at.year < 1990:
        return "a date before 1990 is not believed"
    return "pass" if entry.published_at == at else "fail"
