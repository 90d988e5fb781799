"""Telling: order and fairness between endpoints, the schedule of retries, disabling, replay. The clock is ours."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from core.values import (
    Delivered,
    Delivery,
    DeliveryId,
    DeliveryState,
    Endpoint,
    EndpointGone,
    EndpointId,
    EndpointKind,
    EventType,
    Outcome,
    Retry,
    Subscription,
    SubscriptionId,
)
from core.webhooks import build_test_payload
from scheduler.embedded import EmbeddedDispatcher
from scheduler.gathering import owe_notice
from scheduler.jobs import Jobs
from scheduler.lanes import Lanes
from store.deliveries import add_deliveries, delivery_counts, delivery_detail, latest_deliveries, next_due_at, replay
from store.engine import Store
from store.housekeeping import Retention
from store.subscriptions import add_endpoint, add_subscription, enable_endpoint, find_endpoint
from tests.scheduler.line import Clock, Recorder, StepDispatcher, build_jobs, gateway

HOUR = timedelta(hours=1)
DELAYS = [
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(n * HOUR for n in (2, 5, 10, 14, 20, 24)),
]


def hook(name: str) -> Endpoint:
    return Endpoint(endpoint_id=EndpointId(name), kind=EndpointKind.WEBHOOK, address=f"https://{name}.example/")


def owe(store: Store, endpoint: Endpoint, count: int, *, now: datetime) -> list[DeliveryId]:
    payload = build_test_payload(at=now, endpoint=endpoint)
    owed = [owe_notice(endpoint, EventType.TEST, payload, now=now) for _ in range(count)]
    with store.write() as tx:
        if find_endpoint(tx, endpoint.endpoint_id) is None:
            add_endpoint(tx, endpoint, now=now)
        add_deliveries(tx, [(None, delivery) for delivery in owed])
    return [delivery.delivery_id for delivery in owed]


def tell(jobs: Jobs) -> None:
    assert isinstance(jobs.dispatcher, StepDispatcher)
    asyncio.run(jobs.dispatcher.run("tell"))


@dataclass(slots=True)
class Broken:
    """Fails every delivery and remembers when; `heals_at` it takes all."""

    clock: Clock
    heals_at: datetime | None = None
    tried_at: dict[DeliveryId, list[datetime]] = field(default_factory=lambda: defaultdict(list))

    async def send(self, delivery: Delivery, *, now: datetime) -> Outcome:
        self.tried_at[delivery.delivery_id].append(now)
        if self.heals_at is not None and now >= self.heals_at:
            return Delivered(status=204)
        return Retry(reason="The endpoint answered 500.", status=500)


@pytest.fixture
def clock(now: datetime) -> Clock:
    return Clock(now)


def stage(store: Store, sender: object, clock: Clock, operator: Endpoint | None = None) -> Jobs:
    jobs = build_jobs(store, gateway(), sender, clock)  # type: ignore[arg-type]
    jobs.operator, jobs.retention = operator, Retention()
    return jobs


def live(store: Store, jobs: Jobs, clock: Clock, until: datetime) -> Iterator[datetime]:
    """Let time pass from one thing that is due to the next, with the hourly housekeeping between."""
    while clock.moment < until:
        tell(jobs)
        yield clock.moment
        with store.read() as tx:
            due_at = next_due_at(tx)
        clock.moment = min(due_at or until, clock.moment + HOUR, until)
        asyncio.run(jobs.housekeep())


def test_ten_attempts_on_the_schedule_then_it_is_over(sqlite_store: Store, clock: Clock) -> None:
    sender = Broken(clock)
    [name] = owe(sqlite_store, hook("a"), 1, now=clock.moment)
    start = clock.moment
    for _ in live(sqlite_store, stage(sqlite_store, sender, clock), clock, start + 100 * HOUR):
        pass
    tried = sender.tried_at[name]
    assert len(tried) == 10
    for (earlier, later), delay in zip(pairwise(tried), DELAYS, strict=True):
        assert 0.8 * delay <= later - earlier <= 1.2 * delay + timedelta(seconds=1)
    with sqlite_store.read() as tx:
        detail = delivery_detail(tx, name)
    assert detail
    assert detail.view.delivery.state is DeliveryState.UNDELIVERABLE


def test_five_days_of_failure_disable_an_endpoint_and_its_owner_is_told(sqlite_store: Store, clock: Clock) -> None:
    start, sender = clock.moment, Broken(clock)
    mailbox = Endpoint(endpoint_id=EndpointId("mail"), kind=EndpointKind.EMAIL, address="owner@a.example")
    operator = Endpoint(endpoint_id=EndpointId("operator"), kind=EndpointKind.EMAIL, address="op@b.example")
    owe(sqlite_store, hook("a"), 1, now=start)
    with sqlite_store.write() as tx:
        add_endpoint(tx, mailbox, now=start)
        both = (EndpointId("a"), EndpointId("mail"))
        add_subscription(tx, Subscription(subscription_id=SubscriptionId("s"), name="S", endpoints=both), now=start)
    jobs = stage(sqlite_store, sender, clock, operator)
    for day, moment in enumerate(live(sqlite_store, jobs, clock, start + 130 * HOUR)):
        if day % 24 == 12:
            owe(sqlite_store, hook("a"), 1, now=moment)
    with sqlite_store.read() as tx:
        found = find_endpoint(tx, EndpointId("a"))
        notices = [v for v in latest_deliveries(tx, limit=99) if v.delivery.event is EventType.ENDPOINT_DISABLED]
    assert found
    assert found.disabled_at
    assert 119 * HOUR <= found.disabled_at - start <= 121 * HOUR
    assert {view.delivery.endpoint.address for view in notices} == {"owner@a.example", "op@b.example"}
    assert "5 days" in json.loads(notices[0].delivery.payload)["data"]["reason"]


def test_one_success_starts_the_five_days_anew(sqlite_store: Store, clock: Clock) -> None:
    start = clock.moment
    jobs = stage(sqlite_store, Broken(clock, heals_at=start + 60 * HOUR), clock)
    owe(sqlite_store, hook("a"), 1, now=start)
    for _ in live(sqlite_store, jobs, clock, start + 200 * HOUR):
        pass
    with sqlite_store.read() as tx:
        found = find_endpoint(tx, EndpointId("a"))
        assert delivery_counts(tx)[DeliveryState.DELIVERED] == 1
    assert found
    assert (found.disabled_at, found.failing_since_at) == (None, None)


def test_gone_disables_at_once_and_what_is_owed_waits(sqlite_store: Store, clock: Clock) -> None:
    recorder = Recorder()
    recorder.outcomes.append(EndpointGone(reason="The endpoint answered 410.", status=410))
    owe(sqlite_store, hook("a"), 3, now=clock.moment)
    jobs = stage(sqlite_store, recorder, clock)
    tell(jobs)
    assert len(recorder.told) == 1
    with sqlite_store.write() as tx:
        assert delivery_counts(tx)[DeliveryState.PENDING] == 2
        enable_endpoint(tx, EndpointId("a"), now=clock())
    tell(jobs)
    assert len(recorder.told) == 3


def test_an_endpoint_is_told_in_order_also_after_an_outage(sqlite_store: Store, clock: Clock) -> None:
    recorder, start = Recorder(), clock.moment
    names = owe(sqlite_store, hook("a"), 30, now=start)
    jobs = stage(sqlite_store, recorder, clock)
    recorder.outcomes.extend(Retry(reason="503") for _ in range(3))
    for _ in live(sqlite_store, jobs, clock, start + HOUR):
        pass
    delivered = [delivery.delivery_id for delivery in recorder.told[3:]]
    assert sorted(delivered) == sorted(names)
    late = {delivery.delivery_id for delivery in recorder.told[:3]}
    assert [name for name in delivered if name not in late] == [name for name in names if name not in late]


def test_what_never_arrived_is_replayed_with_all_its_attempts(sqlite_store: Store, clock: Clock) -> None:
    start, sender = clock.moment, Broken(clock)
    [name] = owe(sqlite_store, hook("a"), 1, now=start)
    jobs = stage(sqlite_store, sender, clock)
    for _ in live(sqlite_store, jobs, clock, start + 100 * HOUR):
        pass
    with sqlite_store.write() as tx:
        assert replay(tx, now=clock(), endpoint_id=EndpointId("b"), only_missing=True) == 0
        assert replay(tx, now=clock(), since=start + HOUR, only_missing=True) == 0
        assert replay(tx, now=clock(), endpoint_id=EndpointId("a"), since=start, only_missing=True) == 1
    sender.heals_at = clock.moment + timedelta(seconds=30)
    for _ in live(sqlite_store, jobs, clock, clock.moment + HOUR):
        pass
    assert len(sender.tried_at[name]) == 13
    with sqlite_store.write() as tx:
        assert delivery_counts(tx)[DeliveryState.DELIVERED] == 1
        assert replay(tx, now=clock(), only_missing=True) == 0
        assert replay(tx, now=clock(), since=start) == 1


@dataclass(slots=True)
class Crowd:
    """Endpoints named `dead` hang until let go; the others answer at once."""

    released: asyncio.Event = field(default_factory=asyncio.Event)
    served: asyncio.Event = field(default_factory=asyncio.Event)
    healthy: int = 0
    hanging: int = 0
    busy: set[str] = field(default_factory=set)

    async def send(self, delivery: Delivery, *, now: datetime) -> Outcome:
        del now
        name = delivery.endpoint.endpoint_id
        assert name not in self.busy, "two messages under way to one endpoint"
        self.busy.add(name)
        if name.startswith("dead"):
            self.hanging += 1
            await self.released.wait()
        else:
            self.healthy += 1
            if self.healthy == 40:
                self.served.set()
        self.busy.discard(name)
        return Delivered(status=204)


async def tick(jobs: Jobs) -> None:
    while True:
        jobs.dispatcher.enqueue("tell", unique="tell", lock="tell")
        await asyncio.sleep(0.2)


def test_dead_endpoints_slow_nobody(sqlite_store: Store, clock: Clock) -> None:
    for n in range(50):
        owe(sqlite_store, hook(f"dead-{n}"), 20, now=clock.moment)
    owe(sqlite_store, hook("well"), 40, now=clock.moment)

    async def run() -> Crowd:
        crowd = Crowd()
        jobs = stage(sqlite_store, crowd, clock)
        jobs.dispatcher = EmbeddedDispatcher(jobs.handlers(), report=lambda *_: None)
        ticks = asyncio.create_task(tick(jobs))
        async with asyncio.timeout(20):
            await crowd.served.wait()
        ticks.cancel()
        crowd.released.set()
        await jobs.dispatcher.stop(grace=timedelta(seconds=5))
        return crowd

    assert asyncio.run(run()).healthy == 40


def test_a_slow_lane_gives_up_its_place_and_not_its_socket() -> None:
    lanes = Lanes(room=2, most=3)
    lanes.move("a", 0.0)
    lanes.move("b", 0.0)
    assert lanes.count_free(0.5) == 0
    assert lanes.count_free(1.0) == 1
    lanes.move("c", 1.0)
    assert lanes.count_free(9.0) == 0
    lanes.close("a")
    assert lanes.count_free(9.0) == 1
