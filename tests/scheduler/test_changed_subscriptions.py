"""A change of subscriptions or of the catalogue right before news: nothing is lost, late or told again."""

import time
from dataclasses import replace
from datetime import datetime

import pytest

from core.values import EndpointId, Film, FilmId, Subscription, SubscriptionId
from store import convert
from store.engine import Store
from store.films import upsert_films
from store.meta import bump_config_version
from store.sql import insert_new
from store.subscriptions import add_subscription, remove_subscription
from store.tables import subscriptions
from tests.scheduler.test_corrections import AGAIN, STUNT, Newsroom

MANY = 10_000
LATE_S = 2.0


def asked(number: int) -> Subscription:
    """One of thousands, each with a query of its own that this news does not satisfy."""
    name = SubscriptionId(f"other-{number}")
    query = f"(film:film-{number % 500} OR words-{number}) AND NOT rumour"
    return Subscription(subscription_id=name, name=name, query=query, endpoints=(EndpointId("email"),))


def add_many(store: Store, now: datetime) -> None:
    rows = [{**convert.subscription_to_columns(asked(number)), "added_at": now} for number in range(MANY)]
    with store.write() as tx:
        insert_new(tx, subscriptions, rows)
        bump_config_version(tx)


@pytest.fixture
def room(sqlite_store: Store) -> Newsroom:
    return Newsroom(sqlite_store)


@pytest.fixture
def busy(room: Newsroom) -> Newsroom:
    """A desk that works for 10,000 subscriptions and remembers a story."""
    add_many(room.store, room.at)
    room.report("The night market opens by the river")
    return room


def work_in_time(room: Newsroom) -> None:
    """Work until nothing is left, in less CPU time than an alert may take."""
    started = time.process_time()
    room.work()
    assert time.process_time() - started < LATE_S


def test_who_has_just_subscribed_is_told_in_time_and_who_has_just_left_is_not(busy: Newsroom) -> None:
    busy.file(STUNT)
    news = Subscription(
        subscription_id=SubscriptionId("fresh"), name="Fresh", query="stunt", production_only=False,
        endpoints=(EndpointId("email"),),
    )  # fmt: skip
    with busy.store.write() as tx:
        add_subscription(tx, news, now=busy.at)
        remove_subscription(tx, SubscriptionId("salt"), now=busy.at)
    work_in_time(busy)
    assert (busy.told("fresh"), busy.told("salt")) == ([(2, "story.created", 2)], [])


def test_a_changed_subscription_is_not_told_again_what_it_was_told(room: Newsroom) -> None:
    room.report(STUNT)
    told = room.told("salt")
    room.file(AGAIN, "call-sheet")
    with room.store.write() as tx:
        wider = Subscription(
            subscription_id=SubscriptionId("salt"), name="Salt and more", query="stunt OR harbour",
            production_only=False, endpoints=(EndpointId("webhook"),),
        )  # fmt: skip
        add_subscription(tx, wider, now=room.at)
    room.work()
    assert room.told("salt") == told
    assert room.story_of(2) == room.story_of(1), "the stories are still known"


def test_a_film_added_right_before_its_news_is_tagged_in_time(busy: Newsroom) -> None:
    busy.file("‘Copper Moth’ begins filming in the old depot")
    moth = Film(film_id=FilmId("copper-moth"), title="Copper Moth")
    wanted = replace(asked(0), subscription_id=SubscriptionId("moth"), query="film:copper-moth", production_only=False)
    with busy.store.write() as tx:
        upsert_films(tx, [moth], now=busy.at)
        add_subscription(tx, wanted, now=busy.at)
    work_in_time(busy)
    assert busy.told("moth") == [(2, "story.created", 2)]
