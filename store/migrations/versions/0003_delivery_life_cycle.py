"""Order per endpoint, a full log of attempts, secrets being replaced, refusals, doubts, and the key of links."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OWED = "finished_at IS NULL"


def upgrade() -> None:
    op.add_column("endpoints", sa.Column("failing_since_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("endpoints", sa.Column("old_secret", sa.Text(), nullable=False, server_default=""))
    op.add_column("endpoints", sa.Column("old_secret_until_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("deliveries", sa.Column("seq", BIG_ID, nullable=False, server_default="0"))
    op.add_column("deliveries", sa.Column("given_up_count", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("attempts", sa.Column("request", sa.Text(), nullable=False, server_default=""))
    op.add_column("attempts", sa.Column("response", sa.Text(), nullable=False, server_default=""))
    op.add_column("meta", sa.Column("words", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "refusals",
        sa.Column("subscription_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("endpoint_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("subscription_id", "endpoint_id", name=op.f("pk_refusals")),
    )
    op.create_table(
        "doubts",
        sa.Column("story_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("film_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("endpoint_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("doubted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("story_id", "film_id", "endpoint_id", name=op.f("pk_doubts")),
    )
    op.execute(
        "UPDATE deliveries SET seq = counted.place FROM "
        "(SELECT delivery_id, row_number() OVER (ORDER BY created_at, delivery_id) AS place FROM deliveries) AS counted "
        "WHERE counted.delivery_id = deliveries.delivery_id"
    )
    op.execute("INSERT INTO meta (name, number) SELECT 'last_delivery_seq', count(*) FROM deliveries HAVING count(*) > 0")
    op.create_index(
        "ix_deliveries_owed",
        "deliveries",
        ["endpoint_id", "seq"],
        unique=False,
        sqlite_where=sa.text(OWED),
        postgresql_where=sa.text(OWED),
    )


def downgrade() -> None:
    op.drop_index("ix_deliveries_owed", "deliveries")
    op.drop_table("doubts")
    op.drop_table("refusals")
    op.execute("DELETE FROM meta WHERE name IN ('last_delivery_seq', 'link_key')")
    op.drop_column("meta", "words")
    op.drop_column("attempts", "response")
    op.drop_column("attempts", "request")
    op.drop_column("deliveries", "given_up_count")
    op.drop_column("deliveries", "seq")
    op.drop_column("endpoints", "old_secret_until_at")
    op.drop_column("endpoints", "old_secret")
    op.drop_column("endpoints", "failing_since_at")
