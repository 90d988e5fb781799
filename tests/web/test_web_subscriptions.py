"""Subscriptions by the API: the same checks, sentences and matches as those of a file, and never what a file owns."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from config.problems import ConfigError
from config.settings import Settings
from config.subscriptions import load_subscriptions, write_subscription
from core.matching import SubscriptionIndex
from core.values import (
    Cadence,
    EventType,
    Mute,
    Salience,
    Subscription,
    SubscriptionId,
    Tier,
    Weekday,
)
from store.engine import Store
from store.films import all_topics, film_ids
from store.stories import load_window
from store.subscriptions import all_endpoints, find_subscription, refused_endpoints, unsubscribe
from tests.scheduler.test_corrections import AGAIN, STUNT, Newsroom
from tests.web.client import KEY, Client, open_to_operator
from tests.web.newsroom import FILMS, MAILBOX, NOW, TOPICS, WATCH, fill

SET = {"name": "From the set", "query": "film:harbour-lights NOT rumour", "endpoints": ["hook"]}
ROOT = "/api/v1/subscriptions"


@pytest.fixture
def client(store: Store, settings: Settings) -> Client:
    fill(store)
    return Client(open_to_operator(store, settings), headers=KEY)


def find(store: Store, name: str) -> Subscription:
    with store.read() as tx:
        found = find_subscription(tx, SubscriptionId(name))
    assert found is not None
    return found


def test_a_subscription_lives_from_post_to_delete(client: Client, store: Store) -> None:
    made = client.post(ROOT, json={**SET, "cadence": "daily", "at": "07:30", "zone": "Europe/Paris"})
    assert made.status_code == 201
    assert made.json()["id"] == "from-the-set"
    assert made.json()["speaks"] == "daily at 07:30 Europe/Paris"
    assert made.json()["asks_for"] == "query film:harbour-lights NOT rumour"
    assert client.get(f"{ROOT}/from-the-set").json() == made.json()
    changed = client.patch(f"{ROOT}/from-the-set", json={"cadence": None, "films": ["tin-orchard"], "enabled": False})
    assert changed.json() == made.json() | {
        "cadence": "at-once",
        "films": ["tin-orchard"],
        "enabled": False,
        "asks_for": "query film:harbour-lights NOT rumour; film tin-orchard",
        "speaks": "at once",
    }
    assert not find(store, "from-the-set").is_enabled
    assert client.delete(f"{ROOT}/from-the-set").status_code == 204
    gone = client.get(f"{ROOT}/from-the-set")
    assert (gone.status_code, "no subscription 'from-the-set'" in gone.text) == (404, True)


def test_one_that_was_removed_leaves_its_id_and_record_to_itself(client: Client) -> None:
    client.post(ROOT, json=SET)
    client.delete(f"{ROOT}/from-the-set")
    assert client.post(ROOT, json=SET).json()["id"] == "from-the-set-2"


def test_the_list_says_what_each_was_told_lately(client: Client) -> None:
    client.post(ROOT, json=SET)
    listed = client.get(f"{ROOT}?limit=1").json()
    assert listed["next"] == f"https://wire.example{ROOT}?after=from-the-set&limit=1"
    assert listed["subscriptions"][0]["last_delivery"] is None
    [watch] = client.get(listed["next"].removeprefix("https://wire.example")).json()["subscriptions"]
    assert (watch["id"], watch["alerts_last_week"]) == ("harbour-watch", 1)
    assert watch["last_delivery"]["state"] in ("retrying", "delivered")
    assert client.get(f"{ROOT}?after=harbour-watch").json() == {"subscriptions": [], "next": None}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nobody_reads_or_writes_without_the_token(client: Client, store: Store, method: str) -> None:
    for key in ("", "Bearer wrong"):
        answer = client.send(method, ROOT, json=SET, headers={"authorization": key})
        assert (answer.status_code, "operator's token" in answer.json()["error"]) == (403, True)
    with store.read() as tx:
        assert find_subscription(tx, SubscriptionId("from-the-set")) is None


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"query": "lifeboat AND film:salt"}, 400, "query: character 19: there is no film 'salt'."),
        ({"query": "(lifeboat"}, 400, "query: character 1: "),
        ({"films": ["nope"]}, 400, "films: there is no film 'nope'; known are "),
        ({"topics": ["stunt"]}, 400, "topics: there is no topic 'stunt'; did you mean 'stunts'?"),
        ({"endpoints": ["hok"]}, 400, "endpoints: there is no endpoint 'hok'; did you mean 'hook'?"),
        ({"endpoints": []}, 400, "endpoints: nobody to tell"),
        ({"min_tier": "gold"}, 400, "min_tier: 'gold' is not known; write one of"),
        ({"cadence": "daily", "zone": "Mars"}, 400, "zone: 'Mars' is no time zone; write one such as Europe/Paris."),
        ({"quiet_hours": "22:00"}, 400, "quiet_hours: '22:00' are no quiet hours; write them as 22:00-07:00."),
        ({"cap_per_hour": -1}, 400, "cap_per_hour: -1 is no count"),
        ({"qeury": "x"}, 400, "qeury: is no key of this record; did you mean 'query'?"),
        ({"words": "stunt"}, 400, "words: "),
        ({"enabled": "yes"}, 400, "enabled: "),
        ({"name": " "}, 400, "name: is missing; add it."),
        ({"id": "Not An Id"}, 400, "id: 'Not An Id' is no id"),
        ({"id": "harbour-watch"}, 409, "id: is taken by another subscription"),
    ],
)
def test_a_mistake_is_answered_as_a_file_would_be(
    client: Client, change: dict[str, Any], status: int, says: str
) -> None:
    answer = client.post(ROOT, json=SET | change)
    assert answer.status_code == status
    assert answer.json()["error"].startswith(says)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (ROOT, r'{"name": "Half", "words": ["\ud800"], "endpoints": ["hook"]}'),
        (f"{ROOT}/preview", r'{"not_words": ["\ud800"]}'),
        ("/api/v1/endpoints", r'{"kind": "email", "address": "a@b.example", "id": "a", "\ud800": "x"}'),
        (f"{ROOT}/harbour-watch/mutes", '{"ref": "film:harbour-lights", "until": "9999-12-31T23:59:59-12:00"}'),
        ("/api/v1/deliveries/replay", '{"since": "0001-01-01T00:00:00+14:00"}'),
    ],
)
def test_what_no_database_can_hold_is_refused(client: Client, path: str, body: str) -> None:
    before = client.get(ROOT).json()
    answer = client.post(path, content=body.encode())
    assert answer.status_code == 400
    assert len(answer.json()["error"]) > 20
    assert client.get(ROOT).json() == before


def test_a_mistake_in_a_query_is_pointed_at(client: Client) -> None:
    for path, body in ((ROOT, SET), (f"{ROOT}/preview", {})):
        answer = client.post(path, json={**body, "query": "lifeboat AND film:salt"}).json()
        assert answer["position"] == 18
        assert answer["pointer"].splitlines() == [
            "lifeboat AND film:salt",
            "                  ^ there is no film 'salt'",
        ]


def test_the_same_wish_for_the_same_endpoints_is_not_kept_twice(client: Client) -> None:
    assert client.post(ROOT, json=SET).status_code == 201
    again = client.post(ROOT, json=SET | {"name": "Another name"})
    assert (again.status_code, "from-the-set asks for the same" in again.text) == (409, True)
    assert client.post(ROOT, json=SET | {"endpoints": ["mail"]}).json()["id"] == "from-the-set-2"
    assert client.patch(f"{ROOT}/from-the-set-2", json={"endpoints": ["hook"]}).status_code == 409


def test_who_unsubscribed_is_not_brought_back(client: Client, store: Store) -> None:
    with store.write() as tx:
        unsubscribe(tx, WATCH.subscription_id, MAILBOX.endpoint_id, now=NOW)
    answer = client.patch(f"{ROOT}/harbour-watch", json={"endpoints": ["hook", "mail"]})
    assert (answer.status_code, "unsubscribed from harbour-watch by whoever reads it" in answer.text) == (409, True)
    with store.read() as tx:
        assert refused_endpoints(tx, WATCH.subscription_id) == {"mail"}


def test_a_film_is_muted_until_a_date_and_heard_again(client: Client, store: Store) -> None:
    path = f"{ROOT}/harbour-watch/mutes"
    day = {"ref": "topic:casting", "until": "2026-05-20"}
    assert client.post(path, json=day).json()["mutes"] == [{"ref": "topic:casting", "until": "2026-05-20T00:00:00Z"}]
    client.post(path, json=day | {"until": "2020-01-01"})
    until = (NOW + timedelta(days=3)).replace(tzinfo=None).isoformat()
    muted = client.post(path, json={"ref": "film:harbour-lights", "until": until}).json()
    assert muted["mutes"] == [{"ref": "film:harbour-lights", "until": "2026-05-21T14:30:00Z"}]
    assert find(store, "harbour-watch").mutes == (Mute(ref="film:harbour-lights", until=NOW + timedelta(days=3)),)
    assert client.patch(f"{ROOT}/harbour-watch", json={"words": ["pier"]}).json()["mutes"] == muted["mutes"]
    over = {"ref": "film:harbour-lights", "until": "2020-01-01T00:00:00Z"}
    assert client.post(path, json=over).json()["mutes"] == []
    assert "write film:ID or topic:SLUG" in client.post(path, json=over | {"ref": "person:x"}).json()["error"]
    assert "there is no film 'x'" in client.post(path, json=over | {"ref": "film:x"}).json()["error"]
    assert client.post(f"{ROOT}/nope/mutes", json=over).status_code == 404


def test_what_the_file_owns_is_changed_in_the_file_only(store: Store, settings: Settings, tmp_path: Path) -> None:
    fill(store)
    file = tmp_path / "ours.toml"
    file.write_text('[[endpoint]]\nid = "hook"\n[[subscription]]\nid = "harbour-watch"\n[[subscription]]\nid = "new"\n')
    client = Client(open_to_operator(store, settings, subscriptions_file=file), headers=KEY)
    before = find(store, "harbour-watch")
    tries = [
        client.patch(f"{ROOT}/harbour-watch", json={"enabled": False}),
        client.delete(f"{ROOT}/harbour-watch"),
        client.patch("/api/v1/endpoints/hook", json={"address": "https://hooks.example/other"}),
        client.post("/api/v1/endpoints/hook/rotate"),
    ]
    for answer in tries:
        assert (answer.status_code, "stands in ours.toml" in answer.json()["error"]) == (409, True)
    assert find(store, "harbour-watch") == before
    assert client.post(ROOT, json=SET | {"id": "new"}).status_code == 409
    assert client.get(f"{ROOT}/harbour-watch").json()["from_file"] is True
    until = {"ref": "film:harbour-lights", "until": "2030-01-01T00:00:00Z"}
    assert client.post(f"{ROOT}/harbour-watch/mutes", json=until).status_code == 200
    assert client.patch("/api/v1/endpoints/hook", json={"enabled": False}).json()["enabled"] is False
    file.write_text("no toml")
    assert "ours.toml" in client.delete(f"{ROOT}/harbour-watch").json()["error"]
    assert find(store, "harbour-watch").query == before.query


def test_a_preview_says_what_would_have_been_told_and_saves_nothing(client: Client, store: Store) -> None:
    asked = {"query": "film:harbour-lights OR film:tin-orchard", "saliences": ["about", "mentions"], "limit": 1}
    found = client.post(f"{ROOT}/preview", json=asked).json()
    assert (found["alert_count"], found["article_count"], len(found["alerts"])) == (3, 5, 1)
    assert found["alerts_per_week"] == 16.8
    assert found["alerts"][0]["reasons"] == ["film: harbour-lights (about)"]
    assert client.post(f"{ROOT}/preview", json={"days": 0}).status_code == 400
    with store.read() as tx:
        assert find_subscription(tx, SubscriptionId("preview")) is None


def test_one_made_by_the_api_is_told_by_the_running_desk_once(sqlite_store: Store, settings: Settings) -> None:
    room = Newsroom(sqlite_store)
    room.report("The night market opens by the river")
    client = Client(open_to_operator(sqlite_store, settings), headers=KEY)
    endpoint = client.post("/api/v1/endpoints", json={"kind": "email", "address": "ann@example.org", "id": "ann"})
    asked = {"id": "ann", "name": "Ann", "query": "stunt", "production_only": False, "endpoints": ["ann"]}
    assert (endpoint.status_code, client.post(ROOT, json=asked).status_code) == (201, 201)
    room.report(STUNT)
    assert room.told("ann") == [(2, "story.created", 2)]
    assert client.patch(f"{ROOT}/ann", json={"query": "stunt OR harbour"}).status_code == 200
    room.report(AGAIN, "call-sheet")
    assert room.told("ann") == [(2, "story.created", 2)]
    [owed] = client.get("/api/v1/endpoints/ann/deliveries").json()["deliveries"]
    assert (owed["story_id"], owed["subscription"], owed["state"]) == (2, "Ann", "pending")
    assert client.delete(f"{ROOT}/ann").status_code == 204
    [owed] = client.get("/api/v1/endpoints/ann/deliveries").json()["deliveries"]
    assert owed["state"] == "cancelled"


_SOME = {
    "query": st.sampled_from(["", "harbour", "film:harbour-lights OR pier", '"six weeks" AND NOT tier:press']),
    "films": st.lists(st.sampled_from([film.film_id for film in FILMS]), max_size=2, unique=True),
    "topics": st.lists(st.sampled_from([topic.slug for topic in TOPICS]), max_size=2, unique=True),
    "words": st.lists(st.sampled_from(["storms", "set gazette", "coast", 'a "quoted" word']), max_size=2),
    "not_words": st.lists(st.sampled_from(["trucks", "ferries"]), max_size=1),
    "outlets": st.lists(st.sampled_from(["call-sheet", "Set Gazette"]), max_size=1),
    "saliences": st.lists(st.sampled_from(list(map(str, Salience))), min_size=1, unique=True),
    "events": st.lists(st.sampled_from([str(EventType.STORY_CREATED), str(EventType.STORY_UPDATED)]), unique=True),
    "production_only": st.booleans(),
    "min_tier": st.sampled_from(list(map(str, Tier))),
    "cadence": st.sampled_from(list(map(str, Cadence))),
    "at": st.sampled_from(["08:00", "23:59"]),
    "weekday": st.sampled_from(list(map(str, Weekday))),
    "zone": st.sampled_from(["UTC", "Asia/Tokyo", "Mars/Base"]),
    "quiet_hours": st.sampled_from(["", "22:00-07:00", "9-5"]),
    "cap_per_hour": st.sampled_from([0, 12, -3]),
    "enabled": st.booleans(),
}


@given(wish=st.fixed_dictionaries({}, optional=_SOME))
@limits(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_api_and_a_file_make_the_same_subscription_of_the_same_words(
    client: Client, store: Store, tmp_path: Path, wish: dict[str, Any]
) -> None:
    """The same values and the same matches on the archive, or the same sentence."""
    record = wish | {"id": "wish", "endpoints": ["hook"]}
    file = tmp_path / "wish.toml"
    file.write_text("[[subscription]]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in record.items()))
    with store.read() as tx:
        films, topics = film_ids(tx), {topic.slug for topic in all_topics(tx)}
        endpoints = {endpoint.endpoint_id for endpoint in all_endpoints(tx)}
    answer = client.post(ROOT, json=record)
    try:
        [[declared], _] = load_subscriptions(file, films=films, topics=topics, endpoints=endpoints)
    except ConfigError as error:
        assert answer.status_code == 400
        says = "; ".join(f"{problem.key}: {problem.says}" for problem in error.problems)
        assert answer.json()["error"] == f"{says}."
        return
    assert answer.status_code == 201, answer.text
    made = find(store, "wish")
    assert made == declared
    assert {key: answer.json()[key] for key in write_subscription(declared)} == write_subscription(declared)
    assert _matches(store, made) == _matches(store, declared)
    assert client.delete(f"{ROOT}/wish").status_code == 204


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value) if isinstance(value, int) else "'" + str(value) + "'"


def _matches(store: Store, subscription: Subscription) -> list[tuple[object, ...]]:
    index = SubscriptionIndex([subscription])
    with store.read() as tx:
        window = load_window(tx, since=NOW - timedelta(days=7))
    pairs = [(window.stories[known.story_id], known.article) for known in window.articles if known.story_id]
    return [(story.story_id, *found) for story, article in pairs for found in index.match(story, article)]
