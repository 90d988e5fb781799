"""The links of mails and the form that asks for alerts: a GET changes nothing, a POST acts at once and once."""

import asyncio
import json
from collections.abc import Callable
from statistics import median
from time import perf_counter
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from fastapi import FastAPI

from core.links import Link, LinkAction, write_link
from core.values import (
    Cadence,
    Endpoint,
    EndpointId,
    EndpointKind,
    EventType,
    Subscription,
    SubscriptionId,
)
from store.deliveries import latest_deliveries
from store.engine import Store
from store.films import sync_topics, upsert_films
from store.links import latest_doubts, link_key
from store.subscriptions import (
    add_endpoint,
    add_subscription,
    all_endpoints,
    all_subscriptions,
    disable_endpoint,
    find_subscription,
    refused_endpoints,
)
from tests.schema import check_event
from tests.web.newsroom import FILMS, NOW, TOPICS

BASE = "https://wire.example"
SALT = SubscriptionId("salt")
ROSA, HOOK = EndpointId("rosa"), EndpointId("hook")
Post = Callable[..., httpx.Response]


@pytest.fixture
def post(app: FastAPI) -> Post:
    async def send(method: str, url: str, form: dict[str, str], client: str) -> httpx.Response:
        transport = httpx.ASGITransport(app=app, client=(client, 1))
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as opened:
            headers = {"content-type": "application/x-www-form-urlencoded"}
            return await opened.request(method, url, content=urlencode(form), headers=headers)

    def post_once(url: str, *, method: str = "POST", client: str = "198.51.100.1", **form: str) -> httpx.Response:
        return asyncio.run(send(method, url, form, client))

    return post_once


@pytest.fixture
def told(store: Store) -> Store:
    """One subscription that tells a mailbox and a webhook."""
    with store.write() as tx:
        upsert_films(tx, FILMS, now=NOW)
        sync_topics(tx, TOPICS, now=NOW)
        add_endpoint(tx, Endpoint(endpoint_id=ROSA, kind=EndpointKind.EMAIL, address="rosa@example.org"), now=NOW)
        add_endpoint(tx, Endpoint(endpoint_id=HOOK, kind=EndpointKind.WEBHOOK, address="https://a.example"), now=NOW)
        add_subscription(tx, Subscription(subscription_id=SALT, name="Salt", endpoints=(ROSA, HOOK)), now=NOW)
    return store


def link(store: Store, action: LinkAction, ref: str = "") -> str:
    made = Link(action=action, endpoint_id=ROSA, subscription_id=SALT, ref=ref, story_id=7)
    return write_link(made, key=link_key(store), base_url=BASE)


def subscription_of(store: Store) -> Subscription | None:
    with store.read() as tx:
        return find_subscription(tx, SALT)


def test_a_get_shows_a_button_and_changes_nothing(told: Store, post: Post) -> None:
    before = subscription_of(told)
    for action in (LinkAction.UNSUBSCRIBE, LinkAction.DIGEST):
        page = post(link(told, action), method="GET")
        assert page.status_code == 200
        assert '<form method="post"><button' in page.text
        assert page.headers["cache-control"] == "no-store"
    assert subscription_of(told) == before


def test_one_click_unsubscribes_one_address_for_good(told: Store, post: Post) -> None:
    for _ in range(2):
        page = post(link(told, LinkAction.UNSUBSCRIBE), **{"List-Unsubscribe": "One-Click"})
        assert page.status_code == 200
    found = subscription_of(told)
    assert found
    assert found.endpoints == (HOOK,)
    with told.read() as tx:
        assert refused_endpoints(tx, SALT) == {ROSA}


def test_mute_and_digest_change_the_subscription(told: Store, post: Post) -> None:
    ref = f"film:{FILMS[0].film_id}"
    post(link(told, LinkAction.MUTE, ref))
    post(link(told, LinkAction.DIGEST))
    found = subscription_of(told)
    assert found
    assert [mute.ref for mute in found.mutes] == [ref]
    assert found.mutes[0].until > NOW
    assert found.timing.cadence is Cadence.DAILY


def test_a_doubt_is_kept_once(told: Store, post: Post) -> None:
    for _ in range(2):
        post(link(told, LinkAction.WRONG_FILM, f"film:{FILMS[0].film_id}"))
    with told.read() as tx:
        [doubt] = latest_doubts(tx, limit=9)
    assert (doubt.story_id, doubt.film_id) == (7, FILMS[0].film_id)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_damaged_link_is_no_page(told: Store, post: Post, method: str) -> None:
    url = link(told, LinkAction.UNSUBSCRIBE)
    for damaged in (url[:-1], url + "A", url.replace("/u/", "/u/x")):
        answer = post(damaged, method=method)
        assert answer.status_code == 404
        assert "not one of ours" in answer.text


def requests_of(store: Store) -> list[str]:
    with store.read() as tx:
        views = latest_deliveries(tx, limit=99)
    asked = [view.delivery for view in views if view.delivery.event is EventType.SUBSCRIPTION_REQUESTED]
    for delivery in asked:
        check_event(delivery.payload)
    return [json.loads(delivery.payload)["data"]["url"] for delivery in asked]


def test_an_address_is_told_only_after_it_has_confirmed(told: Store, post: Post) -> None:
    film = FILMS[0].film_id
    assert post("/subscribe", email="new@example.org", film=film).status_code == 200
    with told.read() as tx:
        assert len(all_subscriptions(tx)) == 1
    [url] = requests_of(told)
    path = urlsplit(url).path
    assert post(path, method="GET").status_code == 200
    with told.read() as tx:
        assert len(all_subscriptions(tx)) == 1
    for _ in range(2):
        assert "Confirmed" in post(path).text
    with told.read() as tx:
        [begun] = [s for s in all_subscriptions(tx) if s.subscription_id != SALT]
        addresses = {e.endpoint_id: e.address for e in all_endpoints(tx)}
    assert begun.films == (film,)
    assert [addresses[name] for name in begun.endpoints] == ["new@example.org"]


def test_the_answer_is_the_same_for_known_and_unknown_addresses(told: Store, post: Post) -> None:
    with told.write() as tx:
        gone = Endpoint(endpoint_id=EndpointId("gone"), kind=EndpointKind.EMAIL, address="gone@example.org")
        add_endpoint(tx, gone, now=NOW)
        disable_endpoint(tx, gone.endpoint_id, "550", now=NOW)
    answers = [post("/subscribe", email=f"{name}@example.org") for name in ("rosa", "nobody", "gone")]
    assert len({(answer.status_code, answer.text) for answer in answers}) == 1
    assert len(requests_of(told)) == 2


def test_the_answer_takes_as_long_for_known_and_unknown_addresses(told: Store, app: FastAPI) -> None:
    """Up to the last byte of the answer: what is done with the address comes after it."""

    async def measure(address: str, client: str) -> float:
        body, done = urlencode({"email": address}).encode(), asyncio.get_running_loop().create_future()
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "https",
            "path": "/subscribe", "raw_path": b"/subscribe", "query_string": b"", "root_path": "",
            "headers": [(b"host", b"wire.example")], "client": (client, 1), "server": ("wire.example", 443),
        }  # fmt: skip

        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, object]) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body") and not done.done():
                done.set_result(perf_counter())

        started = perf_counter()
        await app(scope, receive, send)  # type: ignore[arg-type]
        return float(await done) - started

    async def run() -> tuple[list[float], list[float]]:
        known, unknown = [], []
        for n in range(100):
            known.append(await measure("rosa@example.org", f"k{n}"))
            unknown.append(await measure(f"nobody-{n}@example.org", f"u{n}"))
        return known, unknown

    known, unknown = asyncio.run(run())
    assert abs(median(known) - median(unknown)) < 0.25 * max(median(known), median(unknown))


def test_an_address_is_asked_three_times_a_day_and_a_client_ten_times(told: Store, post: Post) -> None:
    answers = [post("/subscribe", email="new@example.org").status_code for _ in range(11)]
    assert answers == [200] * 10 + [429]
    assert len(requests_of(told)) == 3
    assert post("/subscribe", email="new@example.org", client="198.51.100.2").status_code == 200


@pytest.mark.parametrize("address", ["", "no address", "a@b.example\r\nBcc: c@d.example", "a@b.example,c@d.example"])
def test_what_is_no_address_is_refused(told: Store, post: Post, address: str) -> None:
    assert post("/subscribe", email=address).status_code == 400
    assert requests_of(told) == []


def test_a_form_that_is_too_long_is_refused(told: Store, post: Post) -> None:
    assert post("/subscribe", email="a" * 5000).status_code == 413


def test_the_form_lists_the_topics(told: Store, post: Post) -> None:
    page = post("/subscribe", method="GET")
    assert TOPICS[0].name in page.text
