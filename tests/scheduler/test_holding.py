"""What is held goes out once, in time, in one digest: through the real store, on a fake clock."""

import json
from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest

from core.values import (
    Cadence,
    Delivery,
    DeliveryState,
    EventType,
    Fetch,
    FetchOutcome,
    Mute,
    Publisher,
    PublisherSlug,
    Salience,
    SourceId,
    Subscription,
    SubscriptionId,
    Timing,
)
from scheduler.digests import release_due
from scheduler.why import explain
from store.deliveries import claim_deliveries, delivery_counts, latest_deliveries
from store.digests import digest_stories
from store.engine import Store
from store.intake import Parcel, take_in
from store.preview import preview_subscription
from store.sources import add_source, all_sources, record_fetch
from store.stories import latest_stories
from store.subscriptions import add_subscription, all_subscriptions, disable_endpoint, enable_endpoint
from tests.core.makers import subscription
from tests.scheduler.test_storms import FRESH, HOOK, LEDGER, START, build_desk, fetch, item, stage
from tests.schema import check_event

__all__ = ["stage"]

OWN_WORDS = (
    "Tomas Vargany {}boards the burning lifeboat of The Salt Meridian in Lisbon harbour",
    "Composer Ada Lindqvarn {}signs the winter opera score for Night Ferry to Korsund",
)


def retime(store: Store, timing: Timing, **changes: object) -> None:
    with store.write() as tx:
        [kept] = all_subscriptions(tx)
        changed: Subscription = replace(kept, timing=timing, **changes)  # type: ignore[arg-type]
        add_subscription(tx, changed, now=START)


def counts(store: Store) -> dict[str, int]:
    with store.read() as tx:
        return {state.value: count for state, count in delivery_counts(tx).items() if count}


def owed(store: Store, *, at: datetime) -> list[Delivery]:
    """Claim what is due, and let the lease run out at once."""
    with store.write() as tx:
        claims = claim_deliveries(tx, now=at, limit=10, lease=timedelta(0), each=500)
    return [delivery for claim in claims for delivery in claim.deliveries]


def release(store: Store, *, at: datetime) -> None:
    while release_due(store, lambda: at):
        pass


def first_contact(store: Store) -> None:
    fetch(store, [item(1, START)], at=START, is_first=True)


def test_a_daily_digest_tells_each_story_once(stage: Store) -> None:
    first_contact(stage)
    retime(stage, Timing(cadence=Cadence.DAILY, at=time(8), zone="Europe/Paris"))
    fetch(stage, FRESH, at=START)
    assert counts(stage) == {"held": 5}
    due = START.replace(hour=7) + timedelta(days=1)
    release(stage, at=due - timedelta(seconds=1))
    assert not owed(stage, at=due)
    for _ in range(3):
        release(stage, at=due)
    assert counts(stage) == {"pending": 1, "bundled": 5}
    [digest] = owed(stage, at=due)
    check_event(digest.payload)
    told = json.loads(digest.payload)
    assert (digest.event, told["type"], told["data"]["story_count"]) == (EventType.DIGEST, "digest", 5)
    assert {story["title"] for story in told["data"]["stories"]} == {i.title for i in FRESH}
    assert told["data"]["period"]["from"] == "2026-03-14T07:00:00.000Z"
    with stage.read() as tx:
        assert len(digest_stories(tx, digest.delivery_id)) == 5


def test_quiet_hours_hold_and_release_one_by_one(stage: Store) -> None:
    first_contact(stage)
    retime(stage, Timing(quiet_from=time(8), quiet_until=time(10)))
    fetch(stage, FRESH[:2], at=START)
    assert counts(stage) == {"held": 2}
    release(stage, at=START + timedelta(hours=1))
    assert {d.event for d in owed(stage, at=START + timedelta(hours=1))} == {EventType.STORY_CREATED}
    assert counts(stage) == {"sending": 2}


def test_a_burst_is_the_cap_and_one_digest_of_the_rest(stage: Store) -> None:
    first_contact(stage)
    retime(stage, Timing(cap_per_hour=2))
    fetch(stage, FRESH[:1], at=START)
    fetch(stage, FRESH[1:], at=START + timedelta(minutes=5))
    assert counts(stage) == {"pending": 2, "held": 3}
    release(stage, at=START + timedelta(hours=1))
    [digest] = [d for d in owed(stage, at=START + timedelta(hours=1)) if d.event is EventType.DIGEST]
    data = json.loads(digest.payload)["data"]
    assert (data["story_count"], data["cause"]) == (3, "cap")


def test_a_muted_story_is_recorded_and_not_told(stage: Store) -> None:
    first_contact(stage)
    retime(stage, Timing(), mutes=(Mute(ref="film:the-salt-meridian", until=START + timedelta(days=1)),))
    fetch(stage, FRESH[:1], at=START)
    with stage.read() as tx:
        [view] = latest_deliveries(tx, limit=5)
    assert view.delivery.state is DeliveryState.CANCELLED
    assert view.delivery.state_reason.startswith("muted: film:the-salt-meridian until")
    fetch(stage, FRESH[1:2], at=START + timedelta(days=1))
    assert counts(stage) == {"cancelled": 1, "pending": 1}


def test_a_disabled_endpoint_gets_its_digest_when_it_is_back(stage: Store) -> None:
    first_contact(stage)
    retime(stage, Timing(cadence=Cadence.HOURLY))
    fetch(stage, FRESH, at=START)
    late = START + timedelta(days=3)
    with stage.write() as tx:
        disable_endpoint(tx, HOOK.endpoint_id, "down", now=START)
    release(stage, at=late)
    assert counts(stage) == {"held": 5}
    with stage.write() as tx:
        enable_endpoint(tx, HOOK.endpoint_id, now=late)
    release(stage, at=late)
    assert counts(stage) == {"pending": 1, "bundled": 5}


def test_what_a_clock_that_was_ahead_held_does_not_wait_for_years(stage: Store) -> None:
    first_contact(stage)
    retime(stage, Timing(cadence=Cadence.WEEKLY))
    fetch(
        stage, [replace(i, published_at=START + timedelta(days=4000)) for i in FRESH], at=START + timedelta(days=4000)
    )
    assert counts(stage) == {"held": 5}
    release(stage, at=START)
    assert counts(stage) == {"pending": 1, "bundled": 5}


def test_a_digest_says_which_sources_were_not_heard(stage: Store) -> None:
    first_contact(stage)
    retime(stage, Timing(cadence=Cadence.HOURLY))
    fetch(stage, FRESH, at=START)
    with stage.write() as tx:
        [(source, state)] = all_sources(tx)
        broken = Fetch(
            source_id=source.source_id,
            started_at=START + timedelta(minutes=10),
            duration=timedelta(seconds=1),
            outcome=FetchOutcome.TIMEOUT,
            error="No answer within 20 s.",
        )
        record_fetch(tx, broken, state)
    release(stage, at=START + timedelta(hours=1))
    [digest] = owed(stage, at=START + timedelta(hours=1))
    coverage = json.loads(digest.payload)["data"]["coverage"]
    assert (coverage["source_count"], coverage["unreachable_count"]) == (1, 1)
    assert coverage["unreachable"][0]["id"] == "ledger"
    assert coverage["unreachable"][0]["reports"] is True


def test_a_digest_survives_a_death_before_its_commit(stage: Store) -> None:
    first_contact(stage)
    retime(stage, Timing(cadence=Cadence.HOURLY))
    fetch(stage, FRESH, at=START)
    due = START + timedelta(hours=1)
    with pytest.raises(StopIteration):
        release_due(stage, iter([due]).__next__)
    assert counts(stage) == {"held": 5}
    release(stage, at=due)
    assert counts(stage) == {"pending": 1, "bundled": 5}


def why(store: Store, title: str) -> str:
    with store.read() as tx:
        story_id = next(v.story.story_id for v in latest_stories(tx, limit=50) if v.story.title == title)
        said = explain(tx, SubscriptionId("salt"), story_id)
    assert said is not None
    return "\n".join(said)


def test_every_silence_is_explained(stage: Store) -> None:
    first_contact(stage)
    retime(stage, Timing(cap_per_hour=1))
    strange = replace(item(900, START), title="A ferry leaves", summary="It is a ferry, and no film is on it.")
    old = replace(item(901, START - timedelta(days=9)), guid="old")
    copy = replace(FRESH[0], guid="copy", url="https://ledger.example/copy")
    fetch(stage, [*FRESH[:2], strange, old, copy], at=START)
    assert "backlog: imported at first contact" in why(stage, item(1, START).title)
    assert "not matched: missing: film:the-salt-meridian" in why(stage, strange.title)
    assert "old: published 9 days before" in why(stage, old.title)
    assert "duplicate" in why(stage, FRESH[0].title)
    assert "owed since 2026-03-14 09:00 UTC" in why(stage, FRESH[0].title)
    held = why(stage, FRESH[1].title)
    assert "held by the cap of 1 an hour; released at 2026-03-14 10:00 UTC" in held
    release(stage, at=START + timedelta(hours=1))
    assert "told in digest msg_" in why(stage, FRESH[1].title)
    retime(stage, Timing(), mutes=(Mute(ref="film:the-salt-meridian", until=START + timedelta(days=1)),))
    fetch(stage, FRESH[2:3], at=START)
    assert "muted: film:the-salt-meridian" in why(stage, FRESH[2].title)
    with stage.write() as tx:
        disable_endpoint(tx, HOOK.endpoint_id, "410 Gone", now=START)
    fetch(stage, FRESH[3:4], at=START)
    assert "endpoint disabled: 410 Gone" in why(stage, FRESH[3].title)
    retime(stage, Timing(), is_enabled=False)
    fetch(stage, FRESH[4:], at=START)
    assert "the subscription is paused" in why(stage, FRESH[4].title)


def test_a_preview_counts_a_story_once_however_many_report_it(stage: Store) -> None:
    """Three outlets report each of two events in their own words: six articles, two alerts."""
    for n in (1, 2, 3):
        gazette = replace(
            LEDGER,
            source_id=SourceId(f"gazette-{n}"),
            url=f"https://gazette-{n}.example/feed",
            publisher=Publisher(slug=PublisherSlug(f"gazette-{n}"), name=f"Gazette {n}"),
        )
        reports = [
            replace(
                item(event, START),
                guid=f"{n}-{event}",
                url=f"https://gazette-{n}.example/{event}",
                title=OWN_WORDS[event].format(("", "at last ", "as expected ")[n - 1]),
                summary=("", "Two tugs and a tide table.", "The harbour office has the permits.")[n - 1],
            )
            for event in (0, 1)
        ]
        with stage.write() as tx:
            add_source(tx, gazette, now=START)
            take_in(tx, [Parcel(gazette, reports, is_first=True)], now=START)
        build_desk(stage).edit_batch(lambda: START)
    with stage.read() as tx:
        found = preview_subscription(
            tx, subscription("p", saliences=tuple(Salience), production_only=False), now=START, days=7
        )
        story_count = len(latest_stories(tx, limit=100))
    assert (story_count, len(found.alerts), found.article_count) == (2, 2, 6)


def test_a_preview_counts_what_would_have_been_told(stage: Store) -> None:
    fetch(stage, [item(n, START - timedelta(hours=6 * n)) for n in range(1, 41)], at=START, is_first=True)
    asked = subscription(
        "p", query='film:the-salt-meridian AND "day 26"', saliences=tuple(Salience), production_only=False
    )
    with stage.read() as tx:
        found = preview_subscription(tx, asked, now=START, days=7)
        everything = preview_subscription(tx, replace(asked, query=""), now=START, days=7)
    [alert] = found.alerts
    assert alert.reasons == ("film: the-salt-meridian (about)", "words: day 26")
    assert (len(everything.alerts), everything.article_count) == (28, 28)
    assert everything.alerts_per_week == pytest.approx(28, abs=1)
