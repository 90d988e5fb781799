"""What articles state of films: the facts of a story, and those each article gave."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("articles", sa.Column("facts", sa.JSON(), nullable=False, server_default="[]"))
    op.create_table(
        "story_facts",
        sa.Column("story_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("film_id", sa.Text(), nullable=False),
        sa.Column("certainty", sa.String(32), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("was", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("article_id", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["story_id"], ["stories.story_id"], name=op.f("fk_story_facts_story_id_stories"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("story_id", "position", name=op.f("pk_story_facts")),
    )
    op.create_index(op.f("ix_story_facts_film_id_kind"), "story_facts", ["film_id", "kind"])


    op.create_table(
        "feedback",
        sa.Column("feedback_id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("story_id", BIG_ID, nullable=False),
        sa.Column("article_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("said_by", sa.Text(), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("feedback_id", name=op.f("pk_feedback")),
        sa.UniqueConstraint("story_id", "article_id", "kind", "ref", name=op.f("uq_feedback_story_id_article_id_kind_ref")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_feedback_untold"),
        "feedback",
        ["feedback_id"],
        sqlite_where=sa.text("told_at IS NULL"),
        postgresql_where=sa.text("told_at IS NULL"),
    )


    op.create_table(
        "reviews",
        sa.Column("review_id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("cause", sa.String(32), nullable=False),
        sa.Column("story_id", BIG_ID, nullable=False),
        sa.Column("film_id", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(53), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("article_id", BIG_ID, nullable=False),
        sa.Column("said_by", sa.Text(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("review_id", name=op.f("pk_reviews")),
        sa.UniqueConstraint("story_id", "film_id", "cause", name=op.f("uq_reviews_story_id_film_id_cause")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_reviews_open"),
        "reviews",
        ["raised_at"],
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )


    op.create_table(
        "suggestions",
        sa.Column("suggestion_id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("phrase", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("people", sa.JSON(), nullable=False),
        sa.Column("article_count", sa.Integer(), nullable=False),
        sa.Column("outlets", sa.JSON(), nullable=False),
        sa.Column("days", sa.JSON(), nullable=False),
        sa.Column("sightings", sa.JSON(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("suggestion_id", name=op.f("pk_suggestions")),
        sa.UniqueConstraint("phrase", name=op.f("uq_suggestions_phrase")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_suggestions_last_seen_at"), "suggestions", ["last_seen_at"])


def downgrade() -> None:
    op.drop_table("suggestions")
    op.drop_table("reviews")
    op.drop_table("feedback")
    op.drop_table("story_facts")
    with op.batch_alter_table("articles") as batch:
        batch.drop_column("facts")
