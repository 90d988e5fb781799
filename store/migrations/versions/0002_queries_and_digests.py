"""Queries, cadence and mutes of subscriptions; held and bundled deliveries; why an entry or article stayed quiet."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("subscriptions", _text("query"))
    op.add_column("subscriptions", sa.Column("timing", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("subscriptions", sa.Column("mutes", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("subscriptions", sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("entries", _text("backlog_reason"))
    op.add_column("articles", sa.Column("text_key", sa.Text(), nullable=True))
    op.add_column("articles", _text("quiet_reason"))
    op.add_column("deliveries", sa.Column("subscription_id", sa.Text(), nullable=True))
    op.add_column("deliveries", sa.Column("hold", sa.String(32), nullable=True))
    op.add_column("deliveries", _text("state_reason"))
    op.add_column("deliveries", sa.Column("digest_id", sa.Text(), nullable=True))
    _add_partial_index("ix_articles_text_key", "articles", "text_key", where="text_key IS NOT NULL")
    _add_partial_index("ix_deliveries_held", "deliveries", "next_attempt_at", where="state = 'held'")
    _add_partial_index("ix_deliveries_digest_id", "deliveries", "digest_id", where="digest_id IS NOT NULL")
    op.create_index("ix_deliveries_subscription_id_created_at", "deliveries", ["subscription_id", "created_at"])


def _text(name: str) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=False, server_default="")


def _add_partial_index(name: str, table: str, column: str, *, where: str) -> None:
    op.create_index(name, table, [column], sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def downgrade() -> None:
    op.drop_index("ix_deliveries_subscription_id_created_at", "deliveries")
    op.drop_index("ix_deliveries_digest_id", "deliveries")
    op.drop_index("ix_deliveries_held", "deliveries")
    op.drop_index("ix_articles_text_key", "articles")
    for table, names in (
        ("deliveries", ("digest_id", "state_reason", "hold", "subscription_id")),
        ("articles", ("quiet_reason", "text_key")),
        ("entries", ("backlog_reason",)),
        ("subscriptions", ("changed_at", "mutes", "timing", "query")),
    ):
        for name in names:
            op.drop_column(table, name)
