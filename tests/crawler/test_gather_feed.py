"""One visit to a feed: what each kind of answer comes to."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import httpx
import pytest

from core.values import (
    FetchOutcome,
    Pace,
    Publisher,
    PublisherSlug,
    Source,
    SourceId,
    SourceKind,
    SourceState,
    Validators,
)
from crawler.feeds import Gathered, gather_feed
from crawler.fetch import FetchSettings, Gateway
from tests.crawler.servers import answer, serve

NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
URL = "https://lantern.example/feed"
FEED = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>Lantern Daily</title><ttl>30</ttl>
<item><guid isPermaLink="false">1</guid><title>Cranes on the harbour set of Saltmarsh</title><link>https://lantern.example/1</link></item>
<item><guid isPermaLink="false">2</guid><title>Night shoot moves inland</title><link>https://lantern.example/2</link></item>
</channel></rss>"""
SOURCE = Source(
    source_id=SourceId("lantern"),
    publisher=Publisher(slug=PublisherSlug("lantern"), name="Lantern Daily"),
    kind=SourceKind.FEED,
    url=URL,
)
FRESH = SourceState(source_id=SOURCE.source_id, next_check_at=NOW)
KNOWN = replace(FRESH, validators=Validators(etag='"1"', last_modified="yesterday"), body_sha256="0" * 64)

Handler = Callable[[httpx.Request], httpx.Response]


def gather(handler: Handler, state: SourceState = FRESH) -> Gathered:
    async def ask() -> Gathered:
        transport = httpx.MockTransport(handler)
        async with Gateway(settings=FetchSettings(), transport=transport) as gateway:
            return await gather_feed(SOURCE, state, gateway=gateway, now=lambda: NOW)

    return asyncio.run(ask())


def say(status: int = 200, *, content: bytes = FEED, **headers: str) -> Handler:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: httpx.Response(status, content=content, headers=named)


def paced(headers: dict[str, str]) -> Handler:
    return lambda _: httpx.Response(503, headers={name.replace("_", "-"): value for name, value in headers.items()})


def test_a_feed_is_read() -> None:
    gathered = gather(say(etag='"2"', last_modified="today", content_type="application/rss+xml"))
    fetch = gathered.fetch
    assert [entry.guid for entry in gathered.entries] == ["1", "2"]
    assert (fetch.outcome, fetch.status, fetch.entry_count, fetch.error) == (FetchOutcome.OK, 200, 2, "")
    assert (fetch.body_bytes, fetch.final_url) == (len(FEED), URL)
    assert fetch.validators == Validators(etag='"2"', last_modified="today")
    assert fetch.body_sha256 == sha256(FEED).hexdigest()
    assert fetch.pace.ttl == timedelta(minutes=30)


def test_a_new_document_voids_the_validators_it_does_not_bring() -> None:
    assert gather(say(etag='"2"'), KNOWN).fetch.validators == Validators(etag='"2"')


def test_the_same_body_again_is_not_parsed() -> None:
    state = replace(KNOWN, body_sha256=sha256(FEED).hexdigest())
    gathered = gather(say(etag='"3"'), state)
    assert (gathered.fetch.outcome, gathered.entries, gathered.fetch.entry_count) == (FetchOutcome.OK, (), 0)
    assert gathered.fetch.validators == Validators(etag='"3"')
    assert gathered.fetch.body_sha256 == state.body_sha256


@pytest.mark.parametrize(
    ("headers", "validators"),
    [
        pytest.param({}, KNOWN.validators, id="says nothing"),
        pytest.param({"etag": '"2"'}, Validators(etag='"2"', last_modified="yesterday"), id="changes one"),
    ],
)
def test_unchanged_keeps_what_is_known(headers: dict[str, str], validators: Validators) -> None:
    fetch = gather(say(304, content=b"", **headers), KNOWN).fetch
    assert (fetch.outcome, fetch.error) == (FetchOutcome.NOT_MODIFIED, "")
    assert (fetch.validators, fetch.body_sha256) == (validators, KNOWN.body_sha256)


PAGE = b"<!DOCTYPE html><html><head><title>Lantern</title></head><body>News</body></html>"
WALL = PAGE.replace(b"Lantern", b"Just a moment...")


@pytest.mark.parametrize(
    ("handler", "outcome", "words"),
    [
        pytest.param(say(304, content=b""), FetchOutcome.HTTP_ERROR, "to a first question", id="304 to everything"),
        pytest.param(say(401), FetchOutcome.BLOCKED, "asks for a login", id="401"),
        pytest.param(say(403), FetchOutcome.BLOCKED, "forbids us", id="403"),
        pytest.param(say(429), FetchOutcome.BLOCKED, "too often", id="429"),
        pytest.param(say(451), FetchOutcome.BLOCKED, "legal reasons", id="451"),
        pytest.param(say(503, content=WALL), FetchOutcome.BLOCKED, "challenge", id="wall with 503"),
        pytest.param(say(403, content=WALL), FetchOutcome.BLOCKED, "challenge", id="wall with 403"),
        pytest.param(say(200, content=WALL), FetchOutcome.BLOCKED, "challenge", id="wall with 200"),
        pytest.param(say(503, cf_mitigated="challenge"), FetchOutcome.BLOCKED, "challenge", id="wall by header"),
        pytest.param(say(404), FetchOutcome.HTTP_ERROR, "HTTP 404: there is nothing at", id="404"),
        pytest.param(say(410), FetchOutcome.GONE, "gone for good", id="410"),
        pytest.param(say(500), FetchOutcome.HTTP_ERROR, "in trouble", id="500"),
        pytest.param(say(204, content=b""), FetchOutcome.HTTP_ERROR, "HTTP 204", id="204"),
        pytest.param(say(302), FetchOutcome.HTTP_ERROR, "HTTP 302", id="redirect to nowhere"),
        pytest.param(say(302, location="/feed"), FetchOutcome.HTTP_ERROR, "circle", id="redirect loop"),
        pytest.param(say(302, location="http://10.0.0.1/"), FetchOutcome.REFUSED, "not a public", id="ssrf"),
        pytest.param(say(content=PAGE), FetchOutcome.NOT_A_FEED, "a web page, not a feed", id="html"),
        pytest.param(say(content=b""), FetchOutcome.NOT_A_FEED, "empty body", id="empty"),
        pytest.param(say(content=b"\x89PNG"), FetchOutcome.NOT_A_FEED, "no feed", id="picture"),
        pytest.param(say(content=bytes(11_000_000)), FetchOutcome.TOO_LARGE, "larger than", id="huge"),
    ],
)
def test_trouble_is_an_outcome_with_one_sentence(handler: Handler, outcome: FetchOutcome, words: str) -> None:
    gathered = gather(handler, FRESH)
    assert gathered.fetch.outcome is outcome
    assert words in gathered.fetch.error
    assert "\n" not in gathered.fetch.error
    assert gathered.entries == ()


@pytest.mark.parametrize("handler", [say(500), say(content=PAGE, etag='"page"'), say(429)], ids=["500", "html", "429"])
def test_trouble_keeps_what_is_known_of_the_last_good_document(handler: Handler) -> None:
    fetch = gather(handler, KNOWN).fetch
    assert (fetch.validators, fetch.body_sha256) == (KNOWN.validators, KNOWN.body_sha256)


def test_an_honest_page_with_a_comment_form_is_no_wall() -> None:
    form = PAGE.replace(
        b"News", b"<div class='g-recaptcha'></div><script src='/cdn-cgi/challenge-platform/x'></script>"
    )
    assert gather(say(content=form)).fetch.outcome is FetchOutcome.NOT_A_FEED


def test_a_move_for_good_is_told() -> None:
    def move(request: httpx.Request) -> httpx.Response:
        is_new = request.url.path == "/rss"
        return httpx.Response(200, content=FEED) if is_new else httpx.Response(301, headers={"Location": "/rss"})

    gathered = gather(move)
    assert gathered.fetch.final_url == "https://lantern.example/rss"
    assert gathered.problems == ("The source has moved for good to https://lantern.example/rss; change its URL.",)


@pytest.mark.parametrize(
    ("headers", "pace"),
    [
        ({"retry_after": "120"}, Pace(retry_after=timedelta(minutes=2))),
        ({"retry_after": "Sat, 14 Mar 2026 09:36:53 GMT"}, Pace(retry_after=timedelta(minutes=10))),
        (
            {"retry_after": "Sat, 14 Mar 2026 08:10:00 GMT", "date": "Sat, 14 Mar 2026 08:00:00 GMT"},
            Pace(retry_after=timedelta(minutes=10)),
        ),
        ({"retry_after": "Sat, 14 Mar 2020 09:36:53 GMT"}, Pace(retry_after=timedelta(0))),
        ({"retry_after": "-5"}, Pace()),
        ({"retry_after": "soon"}, Pace()),
        ({"retry_after": "999999999999"}, Pace(retry_after=timedelta(days=365))),
        ({"retry_after": "9" * 5000}, Pace()),
        ({"cache_control": "public, max-age=600"}, Pace(max_age=timedelta(minutes=10))),
        ({"cache_control": "max-age=600", "age": "100"}, Pace(max_age=timedelta(seconds=500))),
        ({"cache_control": "no-cache, max-age=600"}, Pace()),
        ({"cache_control": "s-maxage=600"}, Pace()),
        ({"cache_control": "max-age=x"}, Pace()),
        ({"expires": "Sat, 14 Mar 2026 10:26:53 GMT"}, Pace(max_age=timedelta(hours=1))),
        (
            {"expires": "Sat, 14 Mar 2026 10:26:53 GMT", "cache_control": "max-age=60"},
            Pace(max_age=timedelta(minutes=1)),
        ),
        ({"expires": "0"}, Pace()),
        ({"expires": "Sat, 14 Mar 20260 10:26:53 GMT"}, Pace()),
    ],
)  # fmt: skip
def test_the_pace_a_server_asks_for(headers: dict[str, str], pace: Pace) -> None:
    assert gather(paced(headers)).fetch.pace == pace


def test_nothing_listens_and_over_the_wire() -> None:
    async def ask(url: str) -> Gathered:
        caps = FetchSettings(allow_private_hosts=frozenset({"127.0.0.1"}), deadline=timedelta(seconds=5))
        async with Gateway(settings=caps) as gateway:
            return await gather_feed(replace(SOURCE, url=url), FRESH, gateway=gateway, now=lambda: NOW)

    with serve({"/feed": answer(body=FEED, etag='"1"')}) as server:
        url = server.url + "/feed"
        assert asyncio.run(ask(url)).fetch.entry_count == 2
    fetch = asyncio.run(ask(url)).fetch
    assert fetch.outcome is FetchOutcome.UNREACHABLE
    assert fetch.error == "connection refused: nothing listens at 127.0.0.1; it is tried again later"


@pytest.mark.parametrize("url", ["", "file:///etc/passwd", "https://user:pw@lantern.example/", "http://[::1/"])
def test_a_source_with_an_impossible_address_is_refused(url: str) -> None:
    async def ask() -> Gathered:
        async with Gateway(settings=FetchSettings()) as gateway:
            return await gather_feed(replace(SOURCE, url=url), FRESH, gateway=gateway, now=lambda: NOW)

    assert asyncio.run(ask()).fetch.outcome is FetchOutcome.REFUSED


@pytest.mark.parametrize("place", [b"</title><link>https://lantern.example/2", b"shoot moves", b"/2</link></item>"])
def test_a_feed_that_breaks_off_is_asked_for_as_a_whole_again(place: bytes) -> None:
    """A half item is not told: its whole would be told again under its true guid."""
    cut = FEED[: FEED.rindex(place) + len(place)]
    half = gather(say(content=cut, etag='"2"'), KNOWN)
    is_closed = place.endswith(b"</item>")
    assert [entry.guid for entry in half.entries] == (["1", "2"] if is_closed else ["1"])
    assert half.fetch.validators == Validators()
    again = replace(KNOWN, validators=half.fetch.validators, body_sha256=half.fetch.body_sha256)
    assert [entry.guid for entry in gather(say(etag='"2"'), again).entries] == ["1", "2"]
    assert gather(say(content=cut, etag='"2"'), again).fetch.validators == Validators(etag='"2"'), "it always ends so"


def test_sloppy_feeds_that_end_keep_their_validators() -> None:
    sloppy = FEED.replace(b"Cranes on", b"Cranes & ropes on")
    gathered = gather(say(content=sloppy, etag='"2"'))
    assert gathered.problems
    assert gathered.fetch.validators == Validators(etag='"2"')


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("120.5", 120),
        ("120, 120", 120),
        ("120s", 120),
        ("99999999999999", 365 * 86_400),
        ("Saturday, 14-Mar-26 09:27:53 GMT", 60),
        ("Sat Mar 14 09:27:53 2026", 60),
        ("Sat, 14 Mar 2026 09:25:53 GMT", 0),
    ],
)
def test_a_wish_to_be_left_alone_is_read_however_it_is_written(value: str, seconds: int) -> None:
    assert gather(paced({"retry_after": value})).fetch.pace.retry_after == timedelta(seconds=seconds)


@pytest.mark.parametrize("value", ["-5", "soon", "1e3", "", "12 apples"])
def test_what_is_no_time_to_wait_is_none(value: str) -> None:
    assert gather(paced({"retry_after": value})).fetch.pace.retry_after is None
