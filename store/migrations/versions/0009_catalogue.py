"""The catalogue: dated aliases, roles, what each authority says of a film, and how the syncs stand."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("films", sa.Column("roles", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("film_aliases", sa.Column("since", sa.Text(), nullable=True))
    op.add_column("film_aliases", sa.Column("until", sa.Text(), nullable=True))
    op.create_table(
        "film_records",
        sa.Column("film_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("authority", sa.String(length=32), autoincrement=False, nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("record", sa.JSON(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["film_id"], ["films.film_id"], name=op.f("fk_film_records_film_id_films"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("film_id", "authority", name=op.f("pk_film_records")),
    )
    op.create_index(op.f("ix_film_records_authority_ref"), "film_records", ["authority", "ref"])
    op.create_table(
        "film_syncs",
        sa.Column("authority", sa.String(length=32), autoincrement=False, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("succeeded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_until_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failing_since_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("error_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("authority", name=op.f("pk_film_syncs")),
    )


def downgrade() -> None:
    op.drop_table("film_syncs")
    op.drop_index(op.f("ix_film_records_authority_ref"), "film_records")
    op.drop_table("film_records")
    for table, column in (("film_aliases", "until"), ("film_aliases", "since"), ("films", "roles")):
        with op.batch_alter_table(table) as batch:
            batch.drop_column(column)
