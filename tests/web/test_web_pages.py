"""What the pages say of a working day, of an empty house, and of trouble."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import pytest
from fastapi import FastAPI
from lxml import html

from config.settings import Settings
from core.catalogue import Authority, SyncState
from core.services import lane_of
from core.values import FetchOutcome
from core.websub import HubOffer
from crawler.rests import RestBook
from store.catalogue import keep_sync
from store.engine import Store
from store.websub import note_asking, note_lease, note_push, note_refusal
from tests.web.conftest import Ask, asker
from tests.web.newsroom import (
    HEALTHY,
    MERIDIAN,
    NOW,
    REPORTS,
    SECRET,
    WEBHOOK,
    Report,
    declare,
    fetch,
    file_reports,
    make_sources,
)
from web.app import create_app


def text_of(page: str, selector: str) -> list[str]:
    return [" ".join("".join(map(str, node.itertext())).split()) for node in html.fromstring(page).cssselect(selector)]


def headlines(page: str) -> list[str]:
    return text_of(page, ".line h3")


def hrefs(page: str, selector: str) -> list[str]:
    return [node.get("href", "") for node in html.fromstring(page).cssselect(selector)]


def test_front_page_shows_the_newest_production_stories_first(filled: Store, ask: Ask) -> None:
    page = ask("/").text
    assert headlines(page) == [
        "Rooftop chase closes three streets for The Tin Orchard",
        "Mara Lindqvist joins Ninth Ferry as the captain who never sails",
        "Harbour Lights wraps its lighthouse scenes after six weeks of storms",
    ]


def test_a_story_names_its_outlets_with_their_tier_and_its_tags_with_their_words(filled: Store, ask: Ask) -> None:
    page = ask("/?film=harbour-lights&topic=filming-wrap").text
    assert text_of(page, ".by .outlet") == ["The Call Sheet", "Set Gazette"]
    assert text_of(page, ".by .tier") == ["trade", "fan"]
    (chip,) = html.fromstring(page).cssselect(".line .chip.film")
    assert chip.get("title") == "“Harbour Lights”"


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 3),
        ("?production=0", 4),
        ("?film=harbour-lights", 2),
        ("?topic=set-photos", 2),
        ("?film=tin-orchard&topic=set-photos", 1),
        ("?film=tin-orchard&production=0", 2),
        ("?film=nobody-knows", 0),
        ("?topic=&film=", 3),
    ],
)
def test_filters_narrow_the_front_page(filled: Store, ask: Ask, query: str, count: int) -> None:
    assert len(headlines(ask(f"/{query}").text)) == count


def test_the_switch_and_chips_keep_the_other_filters(filled: Store, ask: Ask) -> None:
    page = ask("/?film=tin-orchard").text
    assert hrefs(page, ".switch a") == ["/?film=tin-orchard", "/?film=tin-orchard&production=0"]
    assert "/?film=tin-orchard&topic=stunts" in hrefs(page, ".topics a")
    assert hrefs(page, ".on a") == ["/"]


def test_older_stories_are_pages_without_gap_or_repeat(file: Callable[..., None], ask: Ask) -> None:
    file([Report(title=f"Unit {number} moves", story=number) for number in range(1, 71)])
    seen: list[str] = []
    address = "/"
    while address:
        page = ask(address).text
        seen += headlines(page)
        address = next(iter(hrefs(page, "[rel=next]")), "")
    assert seen == [f"Unit {number} moves" for number in range(70, 0, -1)]


def test_story_page_states_facts_with_certainty_sentence_and_outlet(filled: Store, ask: Ask) -> None:
    page = " ".join(ask("/stories/2").text.split())
    assert "What the articles state" in page
    assert '<b class="wild">Mara Lindqvist joins</b> <span class="why">Ninth Ferry, reported</span>' in page
    assert f"“Cameras roll in September in two harbours.” {MERIDIAN.name}" in page
    assert "What the articles state" not in ask("/stories/3").text


def test_story_page_explains_articles_duplicates_tags_and_alerts(filled: Store, ask: Ask) -> None:
    page = ask("/stories/1").text
    assert text_of(page, ".rows > li > h3")[:2] == [
        "Harbour Lights wraps its lighthouse scenes after six weeks of storms",
        "“Harbour Lights” is done with the coast",
    ]
    whys = text_of(page, ".why")
    assert "About the same film, both tell of the end of filming and 13 minutes apart (score 0.87)" in whys
    assert "The same headline and text (1.00)" in text_of(page, ".copies li")[0]
    assert any("pictures from the pier" in quote for quote in text_of(page, ".evidence q"))
    assert text_of(page, ".state") == ["will be tried again", "delivered"]
    assert "Everything on Harbour Lights" in page


@pytest.mark.parametrize("path", ["/stories/1", "/status", "/api/v1/deliveries", "/api/v1/stories/1"])
def test_no_page_gives_an_endpoint_away(filled: Store, ask: Ask, path: str) -> None:
    answer = ask(path).text
    assert "hooks.example/…" in answer
    for private in (SECRET, WEBHOOK.address, "T0PSECRET", "rosa.quill@example.org"):
        assert private not in answer


def test_status_puts_the_broken_first_and_says_so_on_top(filled: Store, ask: Ask) -> None:
    page = ask("/status").text
    assert text_of(page, ".verdict") == ["1 of 4 sources fails; deliveries are on time."]
    first = text_of(page, "tbody tr")[0]
    assert first.startswith(
        "Meridian Pictures official meridian-feed The server answered 403 Forbidden. Failing for 5 h, 3 tries."
    )
    assert "blocks us" in first
    strips = html.fromstring(page).cssselect("tbody .strip")
    assert strips[0].get("aria-label") == "Last 30 days: 1 blocked, 29 not asked"
    assert strips[1].get("aria-label") == "Last 1 fetch: 0 answered, 1 failed"
    assert [cell.get("class") for cell in strips[3]] == ["ok", "same"]
    assert "1 will be tried again" in text_of(page, ".key")[0]
    assert "502 Bad Gateway" in page


def test_status_draws_thirty_days_of_each_source(store: Store, ask: Ask) -> None:
    source = make_sources(1)[0]
    days = [(0, HEALTHY, 3), (1, HEALTHY, 0), (2, FetchOutcome.TIMEOUT, 0), (3, FetchOutcome.BLOCKED, 0)]
    with store.write() as tx:
        declare(tx, [source])
        for age, outcome, new in reversed(days):
            error = "" if outcome.is_healthy else "It says no"
            fetch(tx, source, outcome, age=timedelta(days=age, minutes=5), error=error, new=new)
    strip = html.fromstring(ask("/status").text).cssselect("tbody .strip.days")[0]
    assert [cell.get("class") for cell in strip] == ["none"] * 26 + ["wall", "bad", "same", "ok"]
    assert strip[-1].get("title") == "18 May: ok; 1 answered, 3 new"
    assert strip.get("aria-label") == "Last 30 days: 1 ok, 1 quiet, 1 failing, 1 blocked, 26 not asked"
    told = ask("/api/v1/sources").json()["sources"][0]["days"]
    assert [day["state"] for day in told] == ["blocked", "failing", "quiet", "ok"]


def test_status_says_how_a_hub_stands(store: Store, ask: Ask) -> None:
    pushed, asked, refused, plain = make_sources(4)
    offer = HubOffer(hub="https://hub.example/", topic="https://lantern.example/feed")
    with store.write() as tx:
        declare(tx, [pushed, asked, refused, plain])
        for source in (pushed, asked, refused):
            name = str(source.source_id)
            note_asking(tx, source.source_id, offer, subscription_id=name, secret="hush", now=NOW)
        note_lease(tx, str(pushed.source_id), NOW + timedelta(days=9))
        note_push(tx, str(pushed.source_id), now=NOW - timedelta(minutes=20))
        note_refusal(tx, str(refused.source_id), "hub.example denies it: no such topic")
    page = ask("/status")
    assert "Hub hub.example pushes; last 20 min ago." in page.text
    assert "Hub hub.example does not push: it has not answered yet." in page.text
    assert "Hub hub.example does not push: hub.example denies it: no such topic." in page.text
    hubs = {source["id"]: source["hub"] for source in ask("/api/v1/sources").json()["sources"]}
    assert hubs[plain.source_id] is None
    assert hubs[pushed.source_id]["is_pushing"] is True
    assert "hush" not in page.text + str(hubs)


def test_status_says_which_sources_wait_because_their_host_asked(store: Store, settings: Settings, ask: Ask) -> None:
    resting, other, off = make_sources(3)
    with store.write() as tx:
        declare(tx, [resting, other, replace(off, url=resting.url, enabled=False)])
    until = NOW + timedelta(minutes=40)
    lane = lane_of(f"{resting.publisher.slug}.example")
    RestBook(settings.shared_dir).hear(lane, 429, timedelta(minutes=40), now=NOW)
    said = "Its host asked us to wait, so nothing there is asked before 15:10 UTC."
    assert text_of(ask("/status").text, "tbody .error").count(said) == 1
    told = {source["id"]: source["rests_until"] for source in ask("/api/v1/sources").json()["sources"]}
    assert told == {
        resting.source_id: until.isoformat().replace("+00:00", "Z"),
        other.source_id: None,
        off.source_id: None,
    }


def test_a_story_says_which_article_is_behind_a_paywall(store: Store, ask: Ask) -> None:
    with store.write() as tx:
        declare(tx)
        file_reports(tx, [replace(REPORTS[0], is_paywalled=True), REPORTS[1]])
    assert [("paywall" in line) for line in text_of(ask("/stories/1").text, "p.by")[1:3]] == [True, False]
    told = ask("/api/v1/stories/1").json()["articles"]
    assert [article["is_paywalled"] for article in told] == [True, False]


def test_an_empty_house_says_so_and_names_the_demo(ask: Ask) -> None:
    (note,) = text_of(ask("/").text, ".note")
    assert note.startswith("No source is configured")
    assert "make demo" in note


def test_before_the_first_answer_the_page_says_when_it_tries_next(store: Store, ask: Ask) -> None:
    with store.write() as tx:
        declare(tx)
    (note,) = text_of(ask("/").text, ".note")
    assert note.startswith("No source has answered yet (0 of 4 asked); next try at 14:30 UTC (due now).")
    assert "make demo" in note


def test_without_a_network_front_page_and_status_say_so(store: Store, ask: Ask) -> None:
    sources = make_sources(46)
    with store.write() as tx:
        declare(tx, sources)
        for source in sources:
            fetch(tx, source, FetchOutcome.UNREACHABLE, error="The host could not be found.")
    for path in ("/", "/status"):
        (note,) = text_of(ask(path).text, ".note")
        assert note.startswith("None of the 46 sources can be reached; next try at 14:40 UTC (in 10 min).")
    assert text_of(ask("/status").text, ".verdict") == ["All 46 sources fail."]


def test_films_are_found_by_title_and_alias(filled: Store, ask: Ask) -> None:
    for query in ("harbour", "beacon"):
        assert hrefs(ask(f"/films?query={query}").text, ".rows a") == ["/?film=harbour-lights&production=0"]
    assert "No film of the catalogue is called “zzz”" in ask("/films?query=zzz").text
    assert "3 films in the catalogue" in ask("/films").text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere", 404),
        ("/stories/999", 404),
        ("/stories/0", 404),
        ("/stories/99999999999999999999999", 404),
        ("/stories/abc", 400),
        ("/?before=abc", 400),
        ("/?before=99999999999999999999999", 400),
        ("/?production=perhaps", 400),
        ("/static/nothing.css", 404),
        ("/static/../app.py", 404),
        ("/docs", 404),
    ],
)
def test_a_wrong_address_gets_one_clear_sentence(filled: Store, ask: Ask, path: str, status: int) -> None:
    answer = ask(path)
    assert answer.status_code == status
    (sentence, _) = text_of(answer.text, ".plain p")
    assert sentence.endswith(".")


def test_a_post_is_refused(ask: Ask) -> None:
    answer = ask("/", method="POST")
    assert answer.status_code == 405
    assert "only answers to GET" in answer.text


def test_a_database_in_trouble_is_a_503_that_says_when_to_return(store: Store, ask: Ask, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "newsroom.db") as connection:
        connection.execute("ALTER TABLE stories RENAME TO elsewhere")
    connection.close()
    for path in ("/", "/api/v1/stories"):
        answer = ask(path)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "5"
        assert "The database is busy or does not answer" in answer.text
        assert str(tmp_path) not in answer.text


def test_a_bug_is_a_500_page_with_all_safety_headers(store: Store, settings: Settings) -> None:
    app = create_app(store, settings=settings, now=lambda: NOW)

    @app.get("/broken", response_model=None)
    def show_bug() -> NoReturn:
        raise ZeroDivisionError

    answer = asker(app)("/broken")
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/", "/status", "/nowhere", "/api/v1/stories", "/healthz", "/static/setwire.css"])
def test_every_answer_is_guarded(filled: Store, ask: Ask, path: str) -> None:
    headers = ask(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8080", 200),
        ("localhost", 200),
        ("[::1]:8080", 200),
        ("wire.example", 200),
        ("WIRE.example:443", 200),
        ("evil.example", 400),
        ("127.0.0.1.evil.example", 400),
        ("wire.example@evil.example", 400),
        ("[::1", 400),
        ("", 400),
    ],
)
def test_only_our_own_names_are_answered(ask: Ask, host: str, status: int) -> None:
    answer = ask("/healthz", host=host)
    assert answer.status_code == status
    assert ("SETWIRE_BASE_URL" in answer.text) is (status == 400)


def test_head_is_get_without_a_body(filled: Store, ask: Ask) -> None:
    answer = ask("/", method="HEAD")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"].startswith("text/html")


def test_behind_a_prefix_all_links_carry_it(filled: Store, settings: Settings) -> None:
    app: FastAPI = create_app(
        filled, settings=settings.model_copy(update={"base_url": "https://a.example/wire"}), now=lambda: NOW
    )
    links = [link for link in hrefs(asker(app)("/").text, "[href]") if link.startswith("/")]
    assert all(link.startswith("/wire/") for link in links)


def test_late_deliveries_and_a_waiting_desk_are_in_the_verdict(filled: Store, settings: Settings) -> None:
    app = create_app(filled, settings=settings, now=lambda: NOW + timedelta(minutes=15))
    (verdict,) = text_of(asker(app)("/status").text, ".verdict")
    assert verdict == "1 of 4 sources fails; deliveries are 10 min late."


def test_status_says_how_the_syncs_of_the_catalogue_stand(filled: Store, ask: Ask) -> None:
    assert text_of(ask("/status").text, "#catalogue") == []
    trouble = "TMDB refuses us (401); check SETWIRE_TMDB_KEY against the key in your account there."
    state = SyncState(authority=Authority.TMDB, due_at=NOW + timedelta(hours=1))
    with filled.write() as tx:
        keep_sync(tx, replace(state, failing_since_at=NOW - timedelta(hours=2), error=trouble, error_count=2))
    page = ask("/status").text
    assert text_of(page, "#catalogue") == ["Catalogue"]
    (row,) = text_of(page, "[aria-labelledby=catalogue] li")
    assert "fails TMDB 0 films, never in step yet" in row
    assert f"{trouble} Failing for 2 h, 2 tries." in row
    assert "not endorsed or certified by TMDB" in row
