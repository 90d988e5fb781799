"""Endpoints and sending again by the API: a secret is shown once, what is owed waits, and addresses stay masked."""

from datetime import timedelta
from typing import Any

import pytest

from config.settings import Settings
from core.values import DeliveryId, DeliveryState, Endpoint, EndpointId
from store.deliveries import claim_deliveries, delivery_detail
from store.engine import Store
from store.subscriptions import all_endpoints, disable_endpoint, find_endpoint
from tests.web.client import KEY, Client, open_to_operator
from tests.web.newsroom import NOW, WEBHOOK, fill

ROOT = "/api/v1/endpoints"
HOOK = {"kind": "webhook", "address": "https://hooks.example/in?key=open-sesame", "id": "desk"}


@pytest.fixture
def client(store: Store, settings: Settings) -> Client:
    fill(store)
    return Client(open_to_operator(store, settings), headers=KEY)


def find(store: Store, name: str) -> Endpoint:
    with store.read() as tx:
        found = find_endpoint(tx, EndpointId(name))
    assert found is not None
    return found


def state_of(store: Store, name: str) -> DeliveryState:
    with store.read() as tx:
        detail = delivery_detail(tx, DeliveryId(name))
    assert detail is not None
    return detail.view.delivery.state


def test_a_secret_is_shown_when_it_is_made_and_never_again(client: Client, store: Store) -> None:
    made = client.post(ROOT, json=HOOK)
    assert made.status_code == 201
    first = made.json()["secret"]
    assert first == find(store, "desk").secret
    second = client.post(f"{ROOT}/desk/rotate").json()["secret"]
    assert (find(store, "desk").secret, find(store, "desk").old_secret) == (second, first)
    assert find(store, "desk").old_secret_until_at == NOW + timedelta(days=1)
    client.post(f"{ROOT}/desk/test")
    reading = ("/endpoints", "/endpoints/desk", "/endpoints/desk/deliveries", "/deliveries", "/subscriptions")
    answers = [client.get(f"/api/v1{path}").text for path in reading]
    answers.append(client.patch(f"{ROOT}/desk", json={"enabled": True}).text)
    for secret in (first, second, WEBHOOK.secret, "open-sesame", "T0PSECRET", "rosa.quill"):
        assert not any(secret in answer for answer in answers)
    assert client.get(f"{ROOT}/desk").json()["address"] == "https://hooks.example/…"


def test_a_mail_address_of_the_operator_is_told_without_a_confirmation(client: Client, store: Store) -> None:
    made = client.post(ROOT, json={"kind": "email", "address": "ann@example.org"}).json()
    assert (made["secret"], made["address"], made["enabled"]) == ("", "a…@example.org", True)
    asked = {"name": "All", "endpoints": [made["id"]]}
    assert client.post("/api/v1/subscriptions", json=asked).status_code == 201
    assert client.get(f"{ROOT}/{made['id']}/deliveries").json() == {"deliveries": []}
    assert client.post(f"{ROOT}/{made['id']}/rotate").json()["error"].endswith("there is no secret to replace.")


@pytest.mark.parametrize(
    ("record", "status", "says"),
    [
        (
            {"kind": "fax", "address": "https://x.example/"},
            400,
            "kind: 'fax' is not known; write one of webhook, email, chat.",
        ),
        ({"kind": "email", "address": "ann"}, 400, "address: 'ann' is no mail address; write one such as"),
        ({"kind": "email", "address": "änn@example.org"}, 400, "address: 'änn@example.org' is no mail address"),
        ({"kind": "webhook", "address": "ftp://x.example"}, 400, "address: 'ftp://x.example' is no web address"),
        ({"kind": "webhook", "address": "http://x.example/"}, 400, "address: 'http://x.example/' is not encrypted"),
        ({"kind": "webhook", "address": "https://a\\b.example/"}, 400, "address: "),
        ({"kind": "chat", "address": "file:///etc/passwd"}, 400, "address: "),
        ({"kind": "webhook", "address": "https://x.example/", "secret": "x"}, 400, "secret: is no signing secret"),
        (HOOK | {"id": "hook"}, 409, "id: is taken by another endpoint"),
        ({"kind": "webhook", "address": WEBHOOK.address}, 409, "https://hooks.example/… is told already, as endpoint"),
        ({"kind": "email"}, 400, "address: "),
    ],
)
def test_a_mistake_is_one_sentence(
    client: Client, store: Store, record: dict[str, Any], status: int, says: str
) -> None:
    answer = client.post(ROOT, json=record)
    assert answer.status_code == status
    assert answer.json()["error"].startswith(says)
    with store.read() as tx:
        assert [one.endpoint_id for one in all_endpoints(tx)] == ["hook", "mail"]


def test_an_endpoint_is_enabled_again_and_told_elsewhere(client: Client, store: Store) -> None:
    with store.write() as tx:
        disable_endpoint(tx, WEBHOOK.endpoint_id, "the endpoint said that it is gone", now=NOW)
    shown = client.get(f"{ROOT}/hook").json()
    assert (shown["enabled"], shown["disabled_reason"]) == (False, "the endpoint said that it is gone")
    assert (shown["owed_count"], shown["subscriptions"]) == (1, ["harbour-watch"])
    changed = client.patch(f"{ROOT}/hook", json={"enabled": True, "address": "https://hooks.example/new"}).json()
    assert (changed["enabled"], changed["disabled_reason"]) == (True, "")
    assert find(store, "hook").address == "https://hooks.example/new"
    assert find(store, "hook").secret == WEBHOOK.secret
    with store.write() as tx:
        claim_deliveries(tx, now=NOW + timedelta(hours=1), limit=9, lease=timedelta(minutes=1))
    assert state_of(store, "msg_hook") is DeliveryState.SENDING
    assert client.patch(f"{ROOT}/hook", json={"kind": "email"}).status_code == 400
    assert client.patch(f"{ROOT}/nope", json={"enabled": True}).status_code == 404


def test_an_endpoint_that_nobody_names_is_removed_and_its_record_stays(client: Client, store: Store) -> None:
    inuse = client.delete(f"{ROOT}/hook")
    assert (inuse.status_code, "harbour-watch tells endpoint hook" in inuse.json()["error"]) == (409, True)
    client.patch("/api/v1/subscriptions/harbour-watch", json={"endpoints": ["mail"]})
    assert client.delete(f"{ROOT}/hook").status_code == 204
    assert [one["id"] for one in client.get(ROOT).json()["endpoints"]] == ["mail"]
    assert state_of(store, "msg_hook") is DeliveryState.CANCELLED
    assert "https://hooks.example/…" in client.get("/api/v1/stories/1").text
    again = client.post("/api/v1/deliveries/msg_hook/redeliver")
    assert (again.status_code, "was removed" in again.json()["error"]) == (409, True)
    assert client.post("/api/v1/deliveries/replay", json={"missing": True}).json() == {"due_count": 0}
    assert client.post(ROOT, json=HOOK | {"id": "hook"}).status_code == 409
    fresh = {"kind": "webhook", "address": WEBHOOK.address, "id": "hook-2"}
    assert client.post(ROOT, json=fresh).status_code == 201


def test_one_delivery_is_sent_again(client: Client, store: Store) -> None:
    path = "/api/v1/deliveries/{}/redeliver"
    assert state_of(store, "msg_mail") is DeliveryState.DELIVERED
    assert client.post(path.format("msg_mail")).json() == {"id": "msg_mail"}
    assert state_of(store, "msg_mail") is DeliveryState.PENDING
    with store.write() as tx:
        claim_deliveries(tx, now=NOW, limit=9, lease=timedelta(minutes=1))
    assert state_of(store, "msg_mail") is DeliveryState.SENDING
    assert "is on its way" in client.post(path.format("msg_mail")).json()["error"]
    assert client.post(path.format("nope")).status_code == 404


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"missing": True}, 0),
        ({"since": "2026-05-18T00:00:00"}, 1),
        ({"since": "2026-05-18T14:30:00Z"}, 0),
        ({"since": "2026-05-18T00:00:00", "endpoint": "hook"}, 0),
        ({"since": "2026-05-18T00:00:00", "endpoint": "mail"}, 1),
    ],
)
def test_what_was_made_since_a_time_is_sent_again(client: Client, asked: dict[str, Any], count: int) -> None:
    assert client.post("/api/v1/deliveries/replay", json=asked).json() == {"due_count": count}


@pytest.mark.parametrize(
    ("asked", "status", "says"),
    [
        ({}, 400, "give since, missing, or both"),
        ({"missing": True, "endpoint": "nope"}, 404, "no endpoint 'nope'"),
        ({"since": "yesterday"}, 400, "since: "),
        ({"misssing": True}, 400, "misssing: "),
    ],
)
def test_nothing_is_replayed_by_mistake(client: Client, asked: dict[str, Any], status: int, says: str) -> None:
    answer = client.post("/api/v1/deliveries/replay", json=asked)
    assert answer.status_code == status
    assert says in answer.json()["error"]


def test_the_list_comes_in_pages(client: Client) -> None:
    first = client.get(f"{ROOT}?limit=1").json()
    assert [one["id"] for one in first["endpoints"]] == ["hook"]
    assert first["next"] == f"https://wire.example{ROOT}?after=hook&limit=1"
    second = client.get(first["next"].removeprefix("https://wire.example")).json()
    assert ([one["id"] for one in second["endpoints"]], second["next"]) == (["mail"], None)


def test_a_test_alert_is_owed_and_found_among_its_deliveries(client: Client) -> None:
    due = client.post(f"{ROOT}/hook/test").json()["id"]
    found = client.get(f"{ROOT}/hook/deliveries").json()["deliveries"]
    assert {one["id"]: one["event"] for one in found} == {due: "test", "msg_hook": "story.created"}
    assert [one["id"] for one in client.get(f"{ROOT}/hook/deliveries?state=pending").json()["deliveries"]] == [due]
    assert client.get(f"{ROOT}/nope/deliveries").status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "endpoints"),
        ("GET", "endpoints/hook"),
        ("GET", "endpoints/hook/deliveries"),
        ("POST", "endpoints"),
        ("PATCH", "endpoints/hook"),
        ("DELETE", "endpoints/hook"),
        ("POST", "endpoints/hook/rotate"),
        ("POST", "endpoints/hook/test"),
        ("POST", "deliveries/msg_mail/redeliver"),
        ("POST", "deliveries/replay"),
    ],
)
def test_every_address_wants_the_token(store: Store, settings: Settings, method: str, path: str) -> None:
    fill(store)
    stranger = Client(open_to_operator(store, settings))
    assert stranger.send(method, f"/api/v1/{path}", json={}).status_code == 403
