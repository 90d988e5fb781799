"""How sources did day by day, silence that was told, pages made by script, and pages behind a paywall."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sources", sa.Column("render", sa.Text(), nullable=False, server_default="plain"))
    op.add_column("sources", sa.Column("silent_at", sa.DateTime(timezone=True), nullable=True))
    for table in ("entries", "articles"):
        op.add_column(table, sa.Column("is_paywalled", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "source_days",
        sa.Column("source_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("answered_count", sa.Integer(), nullable=False),
        sa.Column("failed_count", sa.Integer(), nullable=False),
        sa.Column("blocked_count", sa.Integer(), nullable=False),
        sa.Column("entry_count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.source_id"], name=op.f("fk_source_days_source_id_sources")),
        sa.PrimaryKeyConstraint("source_id", "day", name=op.f("pk_source_days")),
    )
    op.create_index(op.f("ix_source_days_day"), "source_days", ["day"])


def downgrade() -> None:
    op.drop_table("source_days")
    for table, column in (
        ("articles", "is_paywalled"),
        ("entries", "is_paywalled"),
        ("sources", "silent_at"),
        ("sources", "render"),
    ):
        with op.batch_alter_table(table) as batch:
            batch.drop_column(column)
