"""New ways in: a source's own spider, its page selectors, publishers of entries, and WebSub subscriptions."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sources", sa.Column("spider", sa.Text(), nullable=False, server_default=""))
    op.add_column("sources", sa.Column("page", sa.JSON(), nullable=True))
    op.add_column("entries", sa.Column("publisher_slug", sa.Text(), nullable=True))
    op.create_table(
        "websub",
        sa.Column("subscription_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("hub", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pushed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.source_id"], name=op.f("fk_websub_source_id_sources")),
        sa.PrimaryKeyConstraint("subscription_id", name=op.f("pk_websub")),
        sa.UniqueConstraint("source_id", name=op.f("uq_websub_source_id")),
    )


def downgrade() -> None:
    op.drop_table("websub")
    for table, column in (
        ("entries", "publisher_slug"),
        ("sources", "page"),
        ("sources", "spider"),
    ):
        with op.batch_alter_table(table) as batch:
            batch.drop_column(column)
