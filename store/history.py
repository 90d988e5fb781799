"""What is on record to explain an alert, or that there was none."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.values import ArticleId, Subscription, SubscriptionId
from store import convert
from store.sql import chunks
from store.tables import articles, subscriptions


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionHistory:
    """A subscription as it asks now, also when it was removed, and when its words last changed."""

    subscription: Subscription
    added_at: datetime
    changed_at: datetime | None
    removed_at: datetime | None


def subscription_history(tx: Session, subscription_id: SubscriptionId) -> SubscriptionHistory | None:
    query = select(subscriptions).where(subscriptions.c.subscription_id == subscription_id)
    row = tx.execute(query).mappings().first()
    if row is None:
        return None
    return SubscriptionHistory(
        subscription=convert.subscription_from_row(row),
        added_at=row["added_at"],
        changed_at=row["changed_at"],
        removed_at=row["removed_at"],
    )


def quiet_reasons(tx: Session, article_ids: Collection[ArticleId]) -> dict[ArticleId, str]:
    """Why nobody could be told of these articles; those of which somebody could are left out."""
    found: dict[ArticleId, str] = {}
    for some in chunks(article_ids):
        query = select(articles.c.article_id, articles.c.quiet_reason).where(articles.c.article_id.in_(some))
        found.update({ArticleId(name): reason for name, reason in tx.execute(query) if reason})
    return found
