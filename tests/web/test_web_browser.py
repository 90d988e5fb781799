"""A person with a browser: reads the front page, follows a film, opens a story, looks at the status."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect, sync_playwright

from config.settings import Settings
from store.engine import Store
from tests.web.client import TOKEN, open_to_operator
from tests.web.newsroom import NOW, fill
from web.app import create_app

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"needs Chromium at {CHROMIUM}"),
    pytest.mark.xdist_group("browser"),
]


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """Serve on a free loopback port; the socket listens before the server starts, so nobody need wait."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def address(filled: Store, settings: Settings) -> Iterator[str]:
    with serving(create_app(filled, settings=settings, now=lambda: NOW)) as base:
        yield base


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture(params=["script", "no-script"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A phone's window that lets no console message pass, with and without JavaScript."""
    for served in {"address", "desk"}.intersection(request.fixturenames):
        request.getfixturevalue(served)  # first, since what comes first ends last: no server goes under an open page
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=request.param == "script")
    opened = context.new_page()
    said: list[str] = []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    yield opened
    opened.wait_for_load_state()
    context.close()
    assert said == []


def test_a_reader_follows_a_film_to_a_story_and_looks_at_the_status(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator(".line")).to_have_count(3)

    page.locator(".line").first.get_by_role("link", name="The Tin Orchard", exact=True).click()
    expect(page).to_have_url(f"{address}/?film=tin-orchard")
    expect(page.locator(".line")).to_have_count(1)
    page.get_by_role("link", name="All film news").click()
    expect(page.locator(".line")).to_have_count(2)

    page.get_by_role("link", name="Rooftop chase closes three streets for The Tin Orchard", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Rooftop chase closes three streets for The Tin Orchard")
    expect(page.locator("q", has_text="seen from a balcony")).to_be_visible()

    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Status").click()
    expect(page.get_by_role("status").first).to_have_text("1 of 4 sources fails; deliveries are on time.")
    expect(page.get_by_role("row")).to_have_count(5)
    expect(page.get_by_role("img", name="Last 1 fetch: 0 answered, 1 failed")).to_be_visible()


def test_a_reader_finds_a_film_by_its_working_title(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("searchbox", name="Find a film").fill("beacon")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="Harbour Lights").click()
    expect(page.locator(".line")).to_have_count(2)


@pytest.mark.parametrize("width", [320, 1280])
def test_no_page_is_wider_than_the_window(browser: Browser, address: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    too_wide = []
    for path in ("/", "/stories/1", "/status", "/films?query=o", "/nowhere"):
        page.goto(f"{address}{path}")
        if page.evaluate("document.documentElement.scrollWidth") > width:
            too_wide.append(path)
    context.close()
    assert too_wide == []


@pytest.fixture
def desk(store: Store, settings: Settings) -> Iterator[str]:
    """The pages of an operator who has set a token."""
    fill(store)
    with serving(open_to_operator(store, settings)) as base:
        yield base


def test_an_operator_tries_words_keeps_them_and_pauses_them(page: Page, desk: str) -> None:
    page.goto(desk)
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Subscriptions").click()
    expect(page.get_by_role("heading", name="Everything on Harbour Lights")).to_be_visible()

    ask = page.locator("form", has=page.get_by_label("What has to be said"))
    ask.get_by_label("What has to be said").fill('film:tin-orchard OR "six weeks"')
    ask.get_by_label("Operator’s token").fill(TOKEN)
    ask.get_by_role("button", name="Try it").click()
    expect(page.get_by_role("status")).to_have_text("2 alerts of 5 articles in the last day: about 11.2 a week.")
    expect(page.locator(".trial li")).to_have_count(2)
    expect(ask.get_by_label("What has to be said")).to_have_value('film:tin-orchard OR "six weeks"')

    ask.get_by_label("Name, as it stands").fill("Rooftops")
    ask.get_by_label("or a new address").fill("ann@example.org")
    ask.get_by_label("Operator’s token").fill(TOKEN)
    ask.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved: Rooftops is told from now on.")

    row = page.locator(".watch", has=page.get_by_role("heading", name="Rooftops"))
    expect(row).to_contain_text("a…@example.org")
    row.get_by_text("Mute, test, pause, remove").click()
    row.get_by_label("Operator’s token").fill(TOKEN)
    row.get_by_role("button", name="Pause").click()
    expect(row.get_by_text("paused")).to_be_visible()


def test_an_operator_parts_a_story_on_its_page(page: Page, desk: str) -> None:
    page.goto(f"{desk}/stories/1")
    page.get_by_text("Wrong articles together").click()
    page.get_by_role("checkbox", name="is done with the coast").check()
    parts = page.locator("form", has=page.get_by_role("checkbox"))
    parts.get_by_label("Operator’s token").fill(TOKEN)
    parts.get_by_role("button", name="Part them").click()
    expect(page.get_by_text("is new and has 1 article; story 1 keeps 1.")).to_be_visible()
    page.get_by_role("link", name="Back").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("“Harbour Lights” is done with the coast")


@pytest.mark.parametrize("width", [320, 1280])
def test_no_page_of_the_operator_is_wider_than_the_window(browser: Browser, desk: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    too_wide = []
    for path in ("/subscriptions", "/review", "/stories/1", "/stories/1/correct"):
        page.goto(f"{desk}{path}")
        for summary in page.locator("summary").all():
            summary.click()
        if page.evaluate("document.documentElement.scrollWidth") > width:
            too_wide.append(path)
    context.close()
    assert too_wide == []
