"""What is held: released when its time comes, or told in a digest, in one transaction each; and what a cap counts."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.orm import Session

from core.digests import Coverage, Silence
from core.values import (
    Delivery,
    DeliveryId,
    DeliveryState,
    EndpointId,
    FilmId,
    SourceId,
    StoryId,
    Subscription,
    SubscriptionId,
    TagKind,
)
from store import convert
from store.sql import change, chunks
from store.tables import articles, deliveries, endpoints, fetches, publishers, sources, story_tags, subscriptions

_CLOCK_SLACK = timedelta(hours=1)
_UNREACHABLE_SHARE = 0.5

Held = dict[tuple[SubscriptionId, EndpointId], list[Delivery]]


def due_held(tx: Session, *, now: datetime, limit: int) -> Held:
    """What is held and due, by subscription and endpoint, oldest first; at most `limit` groups.

    A group comes whole. What a clock that was ahead held is due as well; what a disabled endpoint is owed waits.
    """
    due = or_(deliveries.c.next_attempt_at <= now, deliveries.c.created_at > now + _CLOCK_SLACK)
    held = (text("deliveries.state = 'held'"), due, endpoints.c.disabled_at.is_(None))
    query = (
        select(deliveries, *(endpoints.c[name].label(f"endpoint_{name}") for name in endpoints.c.keys()))  # noqa: SIM118
        .join(endpoints, endpoints.c.endpoint_id == deliveries.c.endpoint_id)
        .where(*held)
        .order_by(deliveries.c.subscription_id, deliveries.c.endpoint_id, deliveries.c.created_at, deliveries.c.seq)
        .with_for_update(of=deliveries)
    )
    found: Held = {}
    for row in tx.execute(query).mappings():
        key = SubscriptionId(row["subscription_id"]), EndpointId(row["endpoint_id"])
        if key not in found and len(found) == limit:
            break
        endpoint = convert.endpoint_from_row({name: row[f"endpoint_{name}"] for name in endpoints.c.keys()})  # noqa: SIM118
        found.setdefault(key, []).append(convert.delivery_from_row(row, endpoint))
    return found


def release_held(tx: Session, delivery_ids: Collection[DeliveryId], *, now: datetime) -> int:
    """Owe what was held, now."""
    return _end_hold(tx, delivery_ids, {"state": DeliveryState.PENDING, "next_attempt_at": now})


def bundle_held(tx: Session, delivery_ids: Collection[DeliveryId], digest_id: DeliveryId, *, now: datetime) -> int:
    """Finish what a digest tells instead."""
    return _end_hold(
        tx,
        delivery_ids,
        {
            "state": DeliveryState.BUNDLED,
            "finished_at": now,
            "digest_id": digest_id,
            "state_reason": f"told in digest {digest_id}",
        },
    )


def _end_hold(tx: Session, delivery_ids: Collection[DeliveryId], changes: dict[str, Any]) -> int:
    held = deliveries.c.state == DeliveryState.HELD
    return sum(
        change(tx, update(deliveries).where(deliveries.c.delivery_id.in_(some), held).values(changes))
        for some in chunks(delivery_ids)
    )


def told_counts(
    tx: Session, names: Collection[SubscriptionId], *, since: datetime, until: datetime
) -> dict[tuple[SubscriptionId, EndpointId], int]:
    """How many alerts each endpoint was owed at once for these subscriptions in a time; digests do not count."""
    found: dict[tuple[SubscriptionId, EndpointId], int] = {}
    for some in chunks(names):
        query = (
            select(deliveries.c.subscription_id, deliveries.c.endpoint_id, func.count())
            .where(
                deliveries.c.subscription_id.in_(some),
                deliveries.c.created_at > since,
                deliveries.c.created_at <= until,
                deliveries.c.match_id.is_not(None),
                deliveries.c.hold.is_(None),
                deliveries.c.state != DeliveryState.CANCELLED,
            )
            .group_by(deliveries.c.subscription_id, deliveries.c.endpoint_id)
        )
        found.update({(SubscriptionId(s), EndpointId(e)): count for s, e, count in tx.execute(query)})
    return found


def known_subscription(tx: Session, subscription_id: SubscriptionId) -> Subscription | None:
    """A subscription, also one that was removed."""
    query = select(subscriptions).where(subscriptions.c.subscription_id == subscription_id)
    row = tx.execute(query).mappings().first()
    return convert.subscription_from_row(row) if row else None


def read_coverage(tx: Session, films: Collection[FilmId], *, since: datetime, until: datetime) -> Coverage:
    """Which polled sources failed in at least half of their checks in a period; those that told of `films` first."""
    polled = tx.execute(select(func.count()).where(sources.c.is_polled)).scalar() or 0
    failed = func.count().filter(fetches.c.error != "")
    query = (
        select(
            sources.c.source_id,
            sources.c.publisher_slug,
            publishers.c.name,
            func.max(fetches.c.error).label("error"),
            failed.label("failed_count"),
            func.count().label("check_count"),
        )
        .join(sources, sources.c.source_id == fetches.c.source_id)
        .join(publishers, publishers.c.slug == sources.c.publisher_slug)
        .where(sources.c.is_polled, fetches.c.started_at >= since, fetches.c.started_at <= until)
        .group_by(sources.c.source_id, sources.c.publisher_slug, publishers.c.name)
        .having(failed * 1.0 >= func.count() * _UNREACHABLE_SHARE)
        .order_by(sources.c.source_id)
    )
    rows = tx.execute(query).mappings().all()
    reporters = _reporters(tx, films) if rows and films else set()
    silences = [
        Silence(
            source_id=SourceId(row["source_id"]),
            publisher=row["name"],
            error=row["error"],
            failed_count=row["failed_count"],
            check_count=row["check_count"],
            reports=row["publisher_slug"] in reporters,
        )
        for row in rows
    ]
    return Coverage(source_count=polled, silences=tuple(sorted(silences, key=lambda silence: not silence.reports)))


def _reporters(tx: Session, films: Collection[FilmId]) -> set[str]:
    tagged = select(story_tags.c.story_id).where(story_tags.c.kind == TagKind.FILM, story_tags.c.ref.in_(films))
    query = select(articles.c.publisher_slug).where(articles.c.story_id.in_(tagged)).distinct()
    return set(tx.execute(query).scalars())


def digest_stories(tx: Session, digest_id: DeliveryId) -> list[StoryId]:
    """The stories a digest told, oldest first."""
    query = select(deliveries.c.story_id).where(deliveries.c.digest_id == digest_id).order_by(deliveries.c.created_at)
    return [StoryId(story_id) for story_id in tx.execute(query).scalars() if story_id is not None]
