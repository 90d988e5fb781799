"""What gathering learns of a source: its last whole document, its moves, its habit, empty pages, alarms."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("sources", sa.Column("document_at", WHEN, nullable=True))
    op.add_column("sources", sa.Column("moved_to", sa.Text(), nullable=True))
    op.add_column("sources", sa.Column("moved_count", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("sources", sa.Column("moved_since_at", WHEN, nullable=True))
    op.add_column("sources", sa.Column("move_adopted", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("sources", sa.Column("usual_gap", sa.Float(53), nullable=True))
    op.add_column("sources", sa.Column("news_count", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("sources", sa.Column("last_entry_at", WHEN, nullable=True))
    op.add_column("sources", sa.Column("empty_count", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("sources", sa.Column("alarmed_at", WHEN, nullable=True))
    op.create_table(
        "source_events",
        sa.Column("source_event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.source_id"], name=op.f("fk_source_events_source_id_sources")),
        sa.PrimaryKeyConstraint("source_event_id", name=op.f("pk_source_events")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_source_events_at"), "source_events", ["at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_source_events_at"), table_name="source_events")
    op.drop_table("source_events")
    for name in (
        "alarmed_at", "empty_count", "last_entry_at", "news_count", "usual_gap", "move_adopted", "moved_since_at",
        "moved_count", "moved_to", "document_at",
    ):  # fmt: skip
        op.drop_column("sources", name)
