"""robots.txt read and remembered."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.errors import RobotsDisallowedError
from crawler.robots import RobotsBook, matches_pattern, parse_robots

SITE = "https://news.example"


def allows(robots: str, path: str, product: str = "setwire") -> bool:
    return parse_robots(robots.encode(), product=product).allows(SITE + path)


@pytest.mark.shared
def test_the_decisions_of_rfc_9309(robots_vectors: Path) -> None:
    cases = [case for case in json.loads(robots_vectors.read_text()) if not case["google_specific"]]
    wrong = [
        case["id"]
        for case in cases
        if parse_robots(case["robots_txt"].encode(), product=case["ua"]).allows(case["url"]) != case["allowed"]
    ]
    assert len(cases) == 72
    assert wrong == []


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/", "/any", True),
        ("/film", "/films/one", True),
        ("/film$", "/film", True),
        ("/film$", "/films", False),
        ("/*.pdf$", "/a/b.pdf", True),
        ("/*.pdf$", "/a/b.pdf?x", False),
        ("/*/set/*/day", "/a/set/b/day/2", True),
        ("/a*a$", "/a", False),
        ("/a*a$", "/aa", True),
        ("*", "/", True),
        ("$", "/", False),
        ("/a**b", "/axxb", True),
    ],
)
def test_a_pattern(pattern: str, path: str, matches: bool) -> None:
    assert matches_pattern(pattern, path) is matches


@pytest.mark.parametrize(
    ("robots", "path", "allowed"),
    [
        pytest.param("User-agent: *\nDisallow: /", "/robots.txt", True, id="itself"),
        pytest.param("User-agent: setwire\nUser-agent: b\nDisallow: /x", "/x", False, id="two names"),
        pytest.param("User-agent: *\nDisallow: /\n\nUser-agent: SetWire/2.0\nAllow: /", "/x", True, id="own group"),
        pytest.param("User-agent: setwire-images\nDisallow: /", "/x", True, id="another product"),
        pytest.param("User-agent: *\nDisallow:", "/x", True, id="empty rule"),
        pytest.param("Disallow: /", "/x", True, id="rule of nobody"),
        pytest.param("\ufeffUser-agent: *\nDisallow: /x # no", "/x", False, id="mark and comment"),
        pytest.param("User-agent: *\nDisallow: /x\nAllow: /x", "/x", True, id="a tie"),
        pytest.param("User-agent: *\nAllow: /x\nDisallow: /x/y", "/x/y", False, id="longest"),
        pytest.param("User-agent: *\nDisallow: /%66ilm", "/film", False, id="escaped rule"),
        pytest.param("User-agent: *\nDisallow: /film", "/%66ilm", False, id="escaped path"),
        pytest.param("User-agent: *\nDisallow: /kinobühne", "/kinob%c3%bchne", False, id="beyond ASCII"),
        pytest.param("User-agent: *\nDisallow: /*?page=", "/news?page=2", False, id="query"),
        pytest.param("User-agent: *\nDisallow: /a-%2A.html", "/a-*.html", False, id="a star that is meant"),
        pytest.param("User-agent: *\nDisallow: /a-%2A.html", "/a-b.html", True, id="no star but a letter"),
        pytest.param("User-agent: *\nDisallow: /a%24", "/a$/b", False, id="a dollar that is meant"),
        pytest.param("User-agent: *\nDisallow: /a$b", "/a$b/c", False, id="a dollar in the middle"),
        pytest.param("User-agent: *\nDisallow: /a$", "/a%24", True, id="the end is not a dollar"),
        pytest.param("User-agent: *\nSitemap: /s\nDisallow: /x\rCrawl-delay: 1", "/x", False, id="old line ends"),
    ],
)
def test_a_file(robots: str, path: str, allowed: bool) -> None:
    assert allows(robots, path) is allowed


@pytest.mark.parametrize(
    ("value", "seconds"), [("2", 2), ("0.5", 0.5), ("86400", 60), ("-3", 0), ("soon", 0), ("nan", 0), ("inf", 60)]
)
def test_a_crawl_delay_is_believed_up_to_a_minute(value: str, seconds: float) -> None:
    rules = parse_robots(f"User-agent: *\nCrawl-delay: {value}".encode(), product="setwire")
    assert rules.crawl_delay == timedelta(seconds=seconds)


@given(st.binary(max_size=300), st.text(alphabet="/*$%aA0é?", max_size=30))
def test_no_file_and_no_path_breaks_it(body: bytes, path: str) -> None:
    assert parse_robots(b"user-agent: *\ndisallow: " + body, product="setwire").allows(SITE + "/" + path) in (0, 1)


@given(st.text(alphabet="ab/", min_size=1, max_size=12))
def test_a_plain_pattern_is_a_prefix(path: str) -> None:
    assert all(matches_pattern(path[:end], path) for end in range(len(path) + 1))
    assert matches_pattern(path + "$", path)


class Site:
    """Answers robots.txt from a list, the last answer for ever, and counts."""

    def __init__(self, *answers: tuple[int, bytes] | None) -> None:
        self.answers = list(answers)
        self.count = 0
        self.time = 0.0

    async def fetch(self, url: str) -> tuple[int, bytes] | None:
        assert url == f"{SITE}/robots.txt"
        self.count += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def book(self) -> RobotsBook:
        return RobotsBook(fetch=self.fetch, product="setwire", clock=lambda: self.time)


def test_a_file_is_kept_for_a_day() -> None:
    async def visit() -> list[int]:
        site = Site((404, b""))
        book = site.book()
        counts = []
        for hours in (0, 23.9, 24.1):
            site.time = hours * 3600
            await asyncio.gather(*(book.admit(f"{SITE}/{n}") for n in range(3)))
            counts.append(site.count)
        return counts

    assert asyncio.run(visit()) == [1, 1, 2]


def test_a_host_in_trouble_is_asked_again_sooner() -> None:
    async def visit() -> timedelta:
        site = Site(None, (200, b"User-agent: *\nCrawl-delay: 3"))
        book = site.book()
        with pytest.raises(RobotsDisallowedError):
            await book.admit(f"{SITE}/a")
        site.time = 11 * 60
        return await book.admit(f"{SITE}/a")

    assert asyncio.run(visit()) == timedelta(seconds=3)
