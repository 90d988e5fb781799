"""Matches and deliveries as pages and commands show them."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import RowMapping, Select, and_, func, select
from sqlalchemy.orm import Session

from core.values import DeliveryId, DeliveryState, EndpointId, MatchId
from store import convert
from store.tables import attempts, deliveries, endpoints, matches, stories, subscriptions
from store.views import DeliveryDetail, DeliveryView, MatchView

_HIDDEN = ("endpoint_id", "secret", "old_secret", "added_at", "removed_at")


def latest_deliveries(
    tx: Session, *, limit: int, state: DeliveryState | None = None, endpoint_id: EndpointId | None = None
) -> list[DeliveryView]:
    """The newest deliveries, newest first."""
    query = _select_views().order_by(deliveries.c.created_at.desc(), deliveries.c.delivery_id.desc()).limit(limit)
    if state is not None:
        query = query.where(deliveries.c.state == state)
    if endpoint_id is not None:
        query = query.where(deliveries.c.endpoint_id == endpoint_id)
    return [_view(row) for row in tx.execute(query).mappings()]


def match_deliveries(tx: Session, match_ids: Collection[MatchId]) -> tuple[DeliveryView, ...]:
    """What was sent for these matches, oldest first."""
    query = _select_views().where(deliveries.c.match_id.in_(match_ids))
    rows = tx.execute(query.order_by(deliveries.c.created_at, deliveries.c.delivery_id)).mappings()
    return tuple(_view(row) for row in rows)


def delivery_detail(tx: Session, delivery_id: DeliveryId) -> DeliveryDetail | None:
    """One delivery with its attempts and the match that caused it."""
    row = tx.execute(_select_views().where(deliveries.c.delivery_id == delivery_id)).mappings().first()
    if row is None:
        return None
    tried = select(attempts).where(attempts.c.delivery_id == delivery_id).order_by(attempts.c.number)
    caused_by = match_views(tx, matches.c.match_id == row["match_id"])
    return DeliveryDetail(
        view=_view(row),
        attempts=tuple(convert.attempt_from_row(tried_row) for tried_row in tx.execute(tried).mappings()),
        match=next(iter(caused_by), None),
    )


def match_views(tx: Session, condition: Any) -> tuple[MatchView, ...]:
    """Matches that satisfy a condition, oldest first."""
    query = (
        select(matches, subscriptions.c.name.label("subscription_name"))
        .join(subscriptions, subscriptions.c.subscription_id == matches.c.subscription_id)
        .where(condition)
        .order_by(matches.c.match_id)
    )
    return tuple(
        MatchView(
            match_id=MatchId(row["match_id"]),
            match=convert.match_from_row(row),
            subscription_name=row["subscription_name"],
            matched_at=row["matched_at"],
        )
        for row in tx.execute(query).mappings()
    )


def _select_views() -> Select[Any]:
    last = (
        select(func.max(attempts.c.number))
        .where(attempts.c.delivery_id == deliveries.c.delivery_id)
        .correlate(deliveries)
        .scalar_subquery()
    )
    their_last = and_(attempts.c.delivery_id == deliveries.c.delivery_id, attempts.c.number == last)
    shown = [column for column in endpoints.c if column.name not in _HIDDEN]
    return (
        select(
            deliveries,
            *shown,
            stories.c.title.label("story_title"),
            subscriptions.c.subscription_id.label("subscription"),
            subscriptions.c.name.label("subscription_name"),
            attempts.c.words.label("last_words"),
            attempts.c.status.label("last_status"),
        )
        .join(endpoints, endpoints.c.endpoint_id == deliveries.c.endpoint_id)
        .outerjoin(stories, stories.c.story_id == deliveries.c.story_id)
        .outerjoin(matches, matches.c.match_id == deliveries.c.match_id)
        .outerjoin(
            subscriptions,
            subscriptions.c.subscription_id == func.coalesce(deliveries.c.subscription_id, matches.c.subscription_id),
        )
        .outerjoin(attempts, their_last)
    )


def _view(row: RowMapping) -> DeliveryView:
    endpoint = convert.endpoint_from_row({**row, "secret": "", "old_secret": ""})
    return DeliveryView(
        delivery=convert.delivery_from_row(row, endpoint),
        story_title=row["story_title"] or "",
        subscription_id=row["subscription"],
        subscription_name=row["subscription_name"] or "",
        finished_at=row["finished_at"],
        last_words=row["last_words"] or "",
        last_status=row["last_status"],
    )
