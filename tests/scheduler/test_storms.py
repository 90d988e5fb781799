"""No storms: an import, a re-published archive, a mass edit or a wrong clock alert nobody; real news still does."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.editing import Windows
from core.storms import find_republished, text_key
from core.values import (
    Endpoint,
    EndpointId,
    EndpointKind,
    ParsedEntry,
    Publisher,
    PublisherSlug,
    Salience,
    Source,
    SourceId,
    SourceKind,
    Subscription,
    SubscriptionId,
)
from scheduler.desk import Desk, Models
from store.deliveries import delivery_counts
from store.engine import Store
from store.entries import desk_lag
from store.films import upsert_films
from store.intake import Parcel, take_in
from store.sources import sync_sources
from store.subscriptions import add_endpoint, add_subscription
from tests.scheduler.line import SALT

START = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)
LEDGER = Source(
    source_id=SourceId("ledger"),
    publisher=Publisher(slug=PublisherSlug("ledger"), name="Ledger"),
    kind=SourceKind.FEED,
    url="https://ledger.example/feed",
)
HOOK = Endpoint(endpoint_id=EndpointId("hook"), kind=EndpointKind.WEBHOOK, address="https://hook.example/")
SHIPS = ("Halcyon", "Marigold", "Tern", "Osprey", "Kestrel", "Avocet", "Curlew", "Petrel", "Skua", "Gannet")


def archive(count: int) -> list[ParsedEntry]:
    """Items of the last years, each on the film and on an event of its own, the newest first."""
    return [item(number, START - timedelta(hours=6 * number)) for number in range(1, count + 1)]


def item(number: int, at: datetime) -> ParsedEntry:
    ship, deck = SHIPS[number % 10], SHIPS[number // 10 % 10]
    return ParsedEntry(
        guid=f"guid-{number}",
        url=f"https://ledger.example/{number}",
        title=f"The Salt Meridian, day {number}: the {ship} meets the {deck}",
        summary=f"Scene {number * 7919 % 10007} of {number * 104729 % 10009} was shot off cape {number}.",
        published_at=at,
    )


@pytest.fixture
def stage(sqlite_store: Store) -> Store:
    with sqlite_store.write() as tx:
        sync_sources(tx, [LEDGER], now=START)
        upsert_films(tx, [SALT], now=START)
        add_endpoint(tx, HOOK, now=START)
        add_subscription(
            tx,
            Subscription(
                subscription_id=SubscriptionId("salt"),
                name="Salt",
                query="film:the-salt-meridian",
                saliences=tuple(Salience),
                production_only=False,
                endpoints=(HOOK.endpoint_id,),
            ),
            now=START,
        )
    return sqlite_store


def fetch(
    store: Store, items: list[ParsedEntry], *, at: datetime, is_first: bool = False, desk: Desk | None = None
) -> None:
    """Take in what one fetch brought, as the job does, and let the desk (a fresh one) edit all of it."""
    with store.write() as tx:
        take_in(tx, [Parcel(LEDGER, items, is_first)], now=at)
    desk = desk or build_desk(store)
    while desk.edit_batch(lambda: at):
        pass


def build_desk(store: Store) -> Desk:
    return Desk(
        store,
        models=Models(stories=None, tags=None),
        windows=Windows(),
        text_patience=timedelta(minutes=2),
        base_url="http://127.0.0.1:8080",
    )


def alerts(store: Store) -> int:
    with store.read() as tx:
        assert desk_lag(tx, now=START)[0] == 0
        return sum(delivery_counts(tx).values())


FRESH = [
    replace(
        item(20_000 + number, START),
        title=f"The Salt Meridian: {name}",
        summary=f"{name} was announced on Saturday by the studio's own {place}.",
    )
    for number, (name, place) in enumerate([
        ("Odile Brandtner joins the cast as the doctor", "harbour office"),
        ("a burning trawler closes the Korsund bridge", "fire brigade"),
        ("cameras stop for a week after the storm", "weather desk"),
        ("composer Ilse Varga replaces Tom Reyes", "orchestra"),
        ("first trailer leaks from a cinema in Lyon", "lawyers"),
    ])
]  # fmt: skip


@pytest.mark.timeout(600)
def test_ten_thousand_items_alert_nobody_and_five_real_ones_alert_five_times(stage: Store) -> None:
    known = archive(10_000)
    fetch(stage, known, at=START, is_first=True)
    assert alerts(stage) == 0, "first import"
    later = START + timedelta(hours=1)
    fetch(stage, [replace(i, guid=f"new-{i.guid}") for i in known], at=later)
    assert alerts(stage) == 0, "all GUIDs changed"
    fetch(stage, [replace(i, published_at=later) for i in known], at=later)
    assert alerts(stage) == 0, "all dates changed"
    moved = [
        replace(i, guid=f"moved-{i.guid}", url=f"https://ledger.example/archive/{n}", published_at=later)
        for n, i in enumerate(known)
    ]
    fetch(stage, [*moved[:5000], *FRESH[:2], *moved[5000:]], at=later)
    assert alerts(stage) == 2, "the archive under new addresses, GUIDs and dates, and two real ones inside"
    fetch(stage, [*FRESH, *moved], at=later + timedelta(minutes=5))
    assert alerts(stage) == 5


@pytest.mark.parametrize("is_restarted", [False, True], ids=["one desk", "a desk for each fetch"])
def test_a_clock_that_jumps_ahead_and_back_alerts_nobody(stage: Store, *, is_restarted: bool) -> None:
    desk = None if is_restarted else build_desk(stage)
    known = archive(40)
    fetch(stage, known, at=START, is_first=True, desk=desk)
    ahead = START + timedelta(days=4000)
    fetch(stage, [replace(i, guid=f"new-{i.guid}") for i in known] + [item(101, START)], at=ahead, desk=desk)
    assert alerts(stage) == 0
    back = START + timedelta(minutes=10)
    fetch(stage, known, at=back, desk=desk)
    assert alerts(stage) == 0
    fetch(stage, FRESH, at=back, desk=desk)
    assert alerts(stage) == 5
    copies = [replace(i, guid=f"copy-{i.guid}", url=f"{i.url}/copy") for i in FRESH[:4]]
    fetch(stage, copies, at=back + timedelta(minutes=5), desk=desk)
    assert alerts(stage) == 5, "the desk still knows a copy"


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        pytest.param(5, 5, 5, id="half of them"),
        pytest.param(5, 6, 0, id="less than half"),
        pytest.param(4, 0, 0, id="a few columns"),
        pytest.param(50, 3, 50, id="an archive and three real ones"),
    ],
)
def test_an_archive_is_told_by_numbers(old: int, new: int, found: int) -> None:
    keys = {f"g{n}": f"k{n}" for n in range(old + new)}
    assert len(find_republished(keys, {f"k{n}" for n in range(old)})) == found


def test_a_text_is_known_by_its_words_and_publisher() -> None:
    key = text_key("ledger", "Night Ferry: day one", "A crew.")
    assert key == text_key("ledger", "NIGHT FERRY – Day One", "a crew")
    assert key != text_key("dispatch", "Night Ferry: day one", "A crew.")
    assert text_key("ledger", "Trailer", "") is None
