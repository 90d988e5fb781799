"""Listings made by script, in a real browser that has nothing but the gateway."""

import asyncio
import socket
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.values import FetchOutcome, Render, Selectors, Source
from crawler.browser import Renderer
from crawler.errors import BrowserError
from crawler.feeds import Gathered
from crawler.fetch import FetchSettings, Gateway
from tests.crawler.servers import Route, Server, answer, serve, slow
from tests.crawler.test_runner import HTML, crawl, settings, source

CHROMIUM = Path("/usr/bin/chromium")
needs_chromium = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"needs Chromium at {CHROMIUM}")
PAGE = b"""<!doctype html><html><head><title>Call sheet</title><link rel="icon" href="/icon.png">
<script src="/list.js"></script></head><body><main id="list">Loading</main><img src="/still.jpg">
<iframe src="/advert"></iframe></body></html>"""
LIST = b"""
fetch("/private/keys").catch(() => {});
fetch("/form", {method: "POST", body: "x"}).catch(() => {});
fetch("http://169.254.169.254/latest/").catch(() => {});
fetch("http://127.0.0.1:@CLOSED@/").catch(() => {});
new WebSocket("ws://127.0.0.1:@CLOSED@/");
document.cookie = "a=1";
fetch("/items.json").then(answer => answer.json()).then(items => {
  document.getElementById("list").innerHTML = items.map(
    item => `<article class="card"><a href="/diary/${item.slug}">${item.title}</a></article>`).join("");
});
"""
ITEMS = b"""[{"slug": "one", "title": "The water tank is filled for Saltmarsh"},
{"slug": "two", "title": "A stunt team rehearses on the pier"}]"""
ROBOTS = b"User-agent: *\nDisallow: /private\n"


def site(closed: int) -> dict[str, Route]:
    return {
        "/robots.txt": answer(body=ROBOTS),
        "/diary": answer(body=PAGE, content_type=HTML),
        "/list.js": answer(body=LIST.replace(b"@CLOSED@", b"%d" % closed), content_type="text/javascript"),
        "/items.json": slow(0.2, answer(body=ITEMS, content_type="application/json")),
    }


def listing(server: Server) -> Source:
    return replace(source(server.url + "/diary", selectors=Selectors(item="article.card")), render=Render.JAVASCRIPT)


def crawl_with(server: Server, browser: Path) -> Gathered:
    allowed = frozenset({f"127.0.0.1:{server.port}"})
    fetch = FetchSettings(allow_private_hosts=allowed, deadline=timedelta(seconds=15))
    return crawl(listing(server), settings(browser=str(browser), fetch=fetch))


@needs_chromium
@pytest.mark.browser
def test_a_list_made_by_script_is_read_and_nothing_else_is_asked_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, serve(site(other.getsockname()[1])) as server:
        other.setblocking(False)
        gathered = crawl_with(server, CHROMIUM)
        assert (gathered.fetch.outcome, gathered.fetch.error) == (FetchOutcome.OK, "")
        assert [entry.url for entry in gathered.entries] == [f"{server.url}/diary/{n}" for n in ("one", "two")]
        assert gathered.entries[1].title == "A stunt team rehearses on the pier"
        assert server.targets == ["/robots.txt", "/diary", "/list.js", "/items.json"]
        assert all(asked.headers["user-agent"].startswith(b"setwire/") for asked in server.asked)
        assert not any("cookie" in asked.headers or "referer" in asked.headers for asked in server.asked)
        with pytest.raises(BlockingIOError):  # neither fetch nor WebSocket reached the port beside
            other.accept()


@needs_chromium
@pytest.mark.browser
def test_without_a_browser_the_same_page_lists_nothing() -> None:
    with serve(site(1)) as server:
        gathered = crawl(replace(listing(server), render=Render.PLAIN))
    assert gathered.entries == ()
    assert gathered.fetch.outcome is FetchOutcome.OK


@needs_chromium
@pytest.mark.browser
def test_a_page_whose_list_never_comes_is_given_as_it_is() -> None:
    routes = {**site(1), "/list.js": answer(body=b"for (;;) {}", content_type="text/javascript")}
    fetch = FetchSettings(allow_private_hosts=frozenset({"127.0.0.1"}), deadline=timedelta(seconds=3))
    with serve(routes) as server:
        gathered = crawl(listing(server), settings(browser=str(CHROMIUM), fetch=fetch))
    assert gathered.entries == ()
    assert gathered.fetch.outcome is FetchOutcome.CRAWL_FAILED
    assert "the browser could not show" in gathered.fetch.error


def test_a_browser_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with serve(site(1)) as server:
        gathered = crawl_with(server, tmp_path / "chromium")
    assert gathered.fetch.outcome is FetchOutcome.CRAWL_FAILED
    assert "name one in SETWIRE_BROWSER" in gathered.fetch.error


def test_a_page_that_robots_forbids_is_shown_to_no_browser(tmp_path: Path) -> None:
    with serve({**site(1), "/robots.txt": answer(body=b"User-agent: *\nDisallow: /")}) as server:
        gathered = crawl_with(server, tmp_path / "chromium")
        assert gathered.fetch.outcome is FetchOutcome.BLOCKED
        assert server.targets == ["/robots.txt"]


def test_without_the_extra_the_sentence_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "playwright.async_api", None)

    async def render(server: Server) -> None:
        fetch = FetchSettings(allow_private_hosts=frozenset({"127.0.0.1"}))
        async with Gateway(settings=fetch) as gateway:
            renderer = Renderer(gateway, executable="", user_agent="setwire", deadline=timedelta(seconds=2))
            await renderer.render(server.url + "/diary", wait_for="")

    with serve(site(1)) as server, pytest.raises(BrowserError, match=r"install setwire\[javascript\]"):
        asyncio.run(render(server))


def test_nothing_of_the_browser_is_loaded_for_plain_pages() -> None:
    script = "import sys, crawler.handler; sys.exit('playwright' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
