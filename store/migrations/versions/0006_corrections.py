"""Stories put together or taken apart later, the strands of a story, and who reported it first."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MERGED = "merged_into IS NOT NULL"


def upgrade() -> None:
    op.add_column("stories", sa.Column("first_outlet", sa.Text(), nullable=False, server_default=""))
    op.add_column("stories", sa.Column("merged_into", BIG_ID, nullable=True))
    op.add_column("articles", sa.Column("strand_id", BIG_ID, nullable=True))
    op.execute(
        "UPDATE stories SET first_outlet = coalesce((SELECT publishers.name FROM articles JOIN publishers "
        "ON publishers.slug = articles.publisher_slug WHERE articles.article_id = stories.first_article_id), '')"
    )
    op.create_table(
        "corrections",
        sa.Column("correction_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("story_id", BIG_ID, nullable=False),
        sa.Column("other_id", BIG_ID, nullable=False),
        sa.Column("article_ids", sa.JSON(), nullable=False),
        sa.Column("rest_ids", sa.JSON(), nullable=False),
        sa.Column("score", sa.Float(precision=53), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("corrected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("correction_id", name=op.f("pk_corrections")),
    )
    op.create_index(op.f("ix_corrections_story_id"), "corrections", ["story_id"], unique=False)
    op.create_index(op.f("ix_corrections_other_id"), "corrections", ["other_id"], unique=False)
    op.create_index(op.f("ix_corrections_kind_told_at"), "corrections", ["kind", "told_at"], unique=False)
    op.create_index(op.f("ix_matches_article_id"), "matches", ["article_id"], unique=False)
    op.create_index(
        "ix_stories_merged_into",
        "stories",
        ["merged_into"],
        unique=False,
        sqlite_where=sa.text(MERGED),
        postgresql_where=sa.text(MERGED),
    )


def downgrade() -> None:
    op.drop_index("ix_stories_merged_into", "stories")
    op.drop_index(op.f("ix_matches_article_id"), "matches")
    op.drop_table("corrections")
    op.execute("DELETE FROM meta WHERE name IN ('last_correction_id', 'catalogue_version')")
    op.drop_column("articles", "strand_id")
    op.drop_column("stories", "merged_into")
    op.drop_column("stories", "first_outlet")
