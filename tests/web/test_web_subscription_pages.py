"""The page of subscriptions: forms that try and save words, clicks on what is there, and what it does not show."""

from datetime import timedelta
from pathlib import Path

import pytest

from config.settings import Settings
from core.values import DeliveryState, EndpointId, Subscription, SubscriptionId
from store.deliveries import delivery_counts, latest_deliveries
from store.engine import Store
from store.links import confirm, endpoint_of_address
from store.subscriptions import all_endpoints, all_subscriptions, disable_endpoint, find_endpoint, find_subscription
from tests.web.client import TOKEN, Client, open_to_operator
from tests.web.newsroom import NOW, WATCH, WEBHOOK, fill

PAGE = "/subscriptions"
WISH = {"query": "film:harbour-lights NOT rumour", "token": TOKEN}


@pytest.fixture
def client(store: Store, settings: Settings) -> Client:
    fill(store)
    return Client(open_to_operator(store, settings))


def find(store: Store, name: str) -> Subscription | None:
    with store.read() as tx:
        return find_subscription(tx, SubscriptionId(name))


def test_the_page_lists_what_is_asked_for_and_what_became_of_it(client: Client) -> None:
    page = client.get(PAGE).text
    for said in (
        "Everything on Harbour Lights",
        "film harbour-lights · at once",
        "https://hooks.example/…",
        "20 min",
    ):
        assert said in page
    assert '<b class="num">1</b> <span>alert in 7 days</span>' in page
    for secret in ("T0PSECRET", WEBHOOK.secret, "rosa.quill"):
        assert secret not in page


def test_what_readers_asked_for_is_counted_and_not_shown(client: Client, store: Store) -> None:
    with store.write() as tx:
        mailbox = endpoint_of_address(tx, "ann@reader.example", now=NOW)
        assert confirm(tx, mailbox.endpoint_id, "film:tin-orchard", now=NOW) is not None
        endpoint_of_address(tx, "bob@never-confirmed.example", now=NOW)
    page = client.get(PAGE).text
    assert "1 subscription that readers asked for by mail" in page
    assert "reader.example" not in page
    assert "never-confirmed.example" not in page
    assert "The Tin Orchard" not in page


def test_words_are_tried_and_then_kept_with_a_new_address(client: Client, store: Store) -> None:
    tried = client.post(PAGE, data=WISH | {"do": "try", "mentions": "1"}).text
    assert "alerts of 5 articles" in tried
    assert "film: harbour-lights (about)" in tried
    assert "film:harbour-lights NOT rumour</textarea>" in tried
    assert find(store, "from-the-set") is None
    wish = WISH | {"do": "save", "name": "From the set", "address": "https://hooks.example/in", "cadence": "hourly"}
    saved = client.post(PAGE, data=wish)
    assert saved.headers["cache-control"] == "no-store"
    made = find(store, "from-the-set")
    assert made is not None
    with store.read() as tx:
        endpoint = find_endpoint(tx, made.endpoints[0])
    assert endpoint is not None
    assert endpoint.secret in saved.text
    assert endpoint.secret not in client.get(PAGE).text
    assert (made.query, made.timing.cadence) == ("film:harbour-lights NOT rumour", "hourly")
    again = client.post(PAGE, data=wish)
    assert (again.status_code, "would be told everything twice" in again.text) == (409, True)
    with store.read() as tx:
        assert len(all_endpoints(tx)) == 3


@pytest.mark.parametrize(
    ("address", "kind"), [("ann@example.org", "email"), ("https://x.example/in", "webhook"), ("mail", "")]
)
def test_an_address_says_itself_what_it_is(client: Client, store: Store, address: str, kind: str) -> None:
    answer = client.post(PAGE, data=WISH | {"do": "save", "name": "One", "address": address})
    made = find(store, "one")
    assert (made is not None) == bool(kind)
    assert answer.status_code == (200 if kind else 400)
    with store.read() as tx:
        added = [one for one in all_endpoints(tx) if one.address == address]
    assert [one.kind for one in added] == ([kind] if kind else [])


def test_a_mistake_is_pointed_at_and_what_was_written_stays(client: Client) -> None:
    answer = client.post(PAGE, data=WISH | {"do": "try", "query": "pier AND film:<b>", "name": "Mine", "updates": "1"})
    assert answer.status_code == 400
    assert "pier AND film:&lt;b&gt;</textarea>" in answer.text
    assert 'value="Mine"' in answer.text
    assert 'name="updates" value="1" checked' in answer.text
    assert "pier AND film:&lt;b&gt;\n              ^</pre>" in answer.text
    nobody = client.post(PAGE, data=WISH | {"do": "save", "name": "Mine"})
    assert "endpoints: nobody to tell; name at least one endpoint." in nobody.text


def test_nothing_is_tried_saved_or_clicked_without_the_token(client: Client, store: Store) -> None:
    with store.read() as tx:
        before = all_subscriptions(tx), all_endpoints(tx), delivery_counts(tx)
    for path in (PAGE, f"{PAGE}/harbour-watch", "/endpoints/hook"):
        for do in ("try", "save", "remove", "rotate", "test", "missing"):
            form = {**WISH, "do": do, "name": "x", "endpoint": "hook", "token": "wrong"}
            assert client.post(path, data=form).status_code in (403, 429)
    with store.read() as tx:
        assert (all_subscriptions(tx), all_endpoints(tx), delivery_counts(tx)) == before


def test_without_a_token_in_the_settings_the_page_only_shows(filled: Store, settings: Settings) -> None:
    page = Client(open_to_operator(filled, settings, operator_token=settings.operator_token)).get(PAGE).text
    assert "Everything on Harbour Lights" in page
    assert "<form" not in page
    assert "SETWIRE_OPERATOR_TOKEN" in page


def test_a_subscription_is_paused_resumed_muted_tested_and_removed(client: Client, store: Store) -> None:
    path = f"{PAGE}/harbour-watch"

    def click(do: str, **fields: str) -> str:
        return client.post(path, data={"do": do, "token": TOKEN, **fields}).text

    assert "is paused" in click("pause")
    assert "paused</span>" in client.get(PAGE).text
    assert "is taken up again" in click("resume")
    found = find(store, "harbour-watch")
    assert found == WATCH
    until = (NOW + timedelta(days=4)).date().isoformat()
    assert "film:harbour-lights is muted until 22 May 2026" in click("mute", ref="film:harbour-lights", until=until)
    assert "nothing of <b" in client.get(PAGE).text
    assert "is heard again" in click("mute", ref="film:harbour-lights", until="2020-01-01")
    assert "is no day" in click("mute", ref="film:harbour-lights", until="soon")
    assert "A test alert is due now" in click("test")
    with store.read() as tx:
        assert [view.delivery.event for view in latest_deliveries(tx, limit=2)] == ["test", "test"]
    assert "Choose what to do" in click("dance")
    assert "is removed" in click("remove")
    assert find(store, "harbour-watch") is None
    assert client.post(path, data={"do": "pause", "token": TOKEN}).status_code == 404


def test_an_endpoint_is_enabled_rotated_and_sent_what_never_arrived(client: Client, store: Store) -> None:
    with store.write() as tx:
        disable_endpoint(tx, WEBHOOK.endpoint_id, f"{WEBHOOK.address} said that it is gone", now=NOW)
    page = client.get(PAGE).text
    assert "https://hooks.example/… said that it is gone" in page
    assert "T0PSECRET" not in page

    def click(do: str) -> str:
        return client.post("/endpoints/hook", data={"do": do, "token": TOKEN}).text

    assert "is told again" in click("enable")
    rotated = click("rotate")
    with store.read() as tx:
        hook = find_endpoint(tx, EndpointId("hook"))
    assert hook is not None
    assert (hook.disabled_at, hook.secret in rotated, WEBHOOK.secret in rotated) == (None, True, False)
    assert "0 deliveries of endpoint hook are due now" in click("missing")
    assert "is due now" in click("test")
    assert "is told nothing" in click("disable")
    with store.read() as tx:
        assert delivery_counts(tx)[DeliveryState.PENDING] == 1
    assert client.post("/endpoints/nope", data={"do": "test", "token": TOKEN}).status_code == 404


def test_the_file_s_own_are_marked_and_offer_no_change(store: Store, settings: Settings, tmp_path: Path) -> None:
    fill(store)
    file = tmp_path / "ours.toml"
    file.write_text('[[subscription]]\nid = "harbour-watch"\n[[endpoint]]\nid = "hook"\n')
    client = Client(open_to_operator(store, settings, subscriptions_file=file))
    page = client.get(PAGE).text
    assert 'title="Changed in the subscriptions file only"' in page
    assert 'value="pause"' not in page
    answer = client.post(f"{PAGE}/harbour-watch", data={"do": "pause", "token": TOKEN})
    assert (answer.status_code, "stands in ours.toml" in answer.text) == (409, True)
