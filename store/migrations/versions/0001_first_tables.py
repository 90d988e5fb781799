"""The tables of the first release."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "endpoints",
        sa.Column("endpoint_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("endpoint_id", name=op.f("pk_endpoints")),
    )
    op.create_table(
        "films",
        sa.Column("film_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("search_title", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("directors", sa.JSON(), nullable=False),
        sa.Column("cast", sa.JSON(), nullable=False),
        sa.Column("franchise", sa.Text(), nullable=False),
        sa.Column("studio", sa.Text(), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("external_ids", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("film_id", name=op.f("pk_films")),
    )
    op.create_table(
        "meta",
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("number", BIG_ID, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_meta")),
    )
    op.create_table(
        "publishers",
        sa.Column("slug", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tier", sa.String(32), nullable=False),
        sa.Column("homepage", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_publishers")),
    )
    op.create_table(
        "stories",
        sa.Column("story_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("outlet", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("image_url", sa.Text(), nullable=False),
        sa.Column("first_article_id", BIG_ID, nullable=False),
        sa.Column("lead_article_id", BIG_ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("article_count", sa.Integer(), nullable=False),
        sa.Column("outlet_count", sa.Integer(), nullable=False),
        sa.Column("is_production_news", sa.Boolean(), nullable=False),
        sa.Column("is_backlog", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("story_id", name=op.f("pk_stories")),
    )
    op.create_index(op.f("ix_stories_updated_at"), "stories", ["updated_at"], unique=False)
    op.create_table(
        "subscriptions",
        sa.Column("subscription_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("films", sa.JSON(), nullable=False),
        sa.Column("topics", sa.JSON(), nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("not_words", sa.JSON(), nullable=False),
        sa.Column("outlets", sa.JSON(), nullable=False),
        sa.Column("saliences", sa.JSON(), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("production_only", sa.Boolean(), nullable=False),
        sa.Column("min_tier", sa.String(32), nullable=False),
        sa.Column("endpoints", sa.JSON(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("subscription_id", name=op.f("pk_subscriptions")),
    )
    op.create_table(
        "tombstones",
        sa.Column("kind", sa.String(32), autoincrement=False, nullable=False),
        sa.Column("source_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("buried_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", "source_id", "key", name=op.f("pk_tombstones")),
    )
    op.create_index(op.f("ix_tombstones_buried_at"), "tombstones", ["buried_at"], unique=False)
    op.create_table(
        "topics",
        sa.Column("slug", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("cues", sa.JSON(), nullable=False),
        sa.Column("blockers", sa.JSON(), nullable=False),
        sa.Column("is_production", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_topics")),
    )
    op.create_table(
        "articles",
        sa.Column("article_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("url_key", sa.Text(), nullable=False),
        sa.Column("canonical_url", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("publisher_slug", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("categories", sa.JSON(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("image_url", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_backlog", sa.Boolean(), nullable=False),
        sa.Column("story_id", BIG_ID, nullable=True),
        sa.Column("duplicate_of", BIG_ID, nullable=True),
        sa.Column("duplicate_score", sa.Float(53), nullable=False),
        sa.Column("duplicate_reason", sa.Text(), nullable=False),
        sa.Column("assignment_score", sa.Float(53), nullable=False),
        sa.Column("assignment_reasons", sa.JSON(), nullable=False),
        sa.Column("is_production_news", sa.Boolean(), nullable=False),
        sa.Column("production_score", sa.Float(53), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["publisher_slug"], ["publishers.slug"], name=op.f("fk_articles_publisher_slug_publishers")
        ),
        sa.ForeignKeyConstraint(["story_id"], ["stories.story_id"], name=op.f("fk_articles_story_id_stories")),
        sa.PrimaryKeyConstraint("article_id", name=op.f("pk_articles")),
        sa.UniqueConstraint("url_key", name=op.f("uq_articles_url_key")),
    )
    op.create_index(
        "ix_articles_duplicate_of",
        "articles",
        ["duplicate_of"],
        unique=False,
        sqlite_where=sa.text("duplicate_of IS NOT NULL"),
        postgresql_where=sa.text("duplicate_of IS NOT NULL"),
    )
    op.create_index(op.f("ix_articles_event_at"), "articles", ["event_at"], unique=False)
    op.create_index(op.f("ix_articles_first_seen_at"), "articles", ["first_seen_at"], unique=False)
    op.create_index(op.f("ix_articles_story_id"), "articles", ["story_id"], unique=False)
    op.create_table(
        "film_aliases",
        sa.Column("film_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("search_title", sa.Text(), nullable=False),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("needs_context", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["film_id"], ["films.film_id"], name=op.f("fk_film_aliases_film_id_films"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("film_id", "position", name=op.f("pk_film_aliases")),
    )
    op.create_table(
        "matches",
        sa.Column("match_id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("subscription_id", sa.Text(), nullable=False),
        sa.Column("story_id", BIG_ID, nullable=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("development", sa.Text(), nullable=False),
        sa.Column("article_id", BIG_ID, nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("matched_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["story_id"], ["stories.story_id"], name=op.f("fk_matches_story_id_stories")),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscriptions.subscription_id"],
            name=op.f("fk_matches_subscription_id_subscriptions"),
        ),
        sa.PrimaryKeyConstraint("match_id", name=op.f("pk_matches")),
        sa.UniqueConstraint(
            "subscription_id",
            "story_id",
            "event",
            "development",
            name=op.f("uq_matches_subscription_id_story_id_event_development"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_matches_matched_at"), "matches", ["matched_at"], unique=False)
    op.create_index(op.f("ix_matches_story_id"), "matches", ["story_id"], unique=False)
    op.create_table(
        "sources",
        sa.Column("source_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("publisher_slug", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("interval", sa.Float(53), nullable=True),
        sa.Column("full_text", sa.Boolean(), nullable=False),
        sa.Column("selectors", sa.JSON(), nullable=True),
        sa.Column("seen_at", sa.Text(), nullable=False),
        sa.Column("origin", sa.String(32), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("operator_enabled", sa.Boolean(), nullable=True),
        sa.Column("is_polled", sa.Boolean(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("body_sha256", sa.Text(), nullable=True),
        sa.Column("next_check_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_fetch_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_outcome", sa.String(32), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("error_count", sa.Integer(), nullable=False),
        sa.Column("first_contact_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failing_since_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["publisher_slug"], ["publishers.slug"], name=op.f("fk_sources_publisher_slug_publishers")
        ),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_sources")),
    )
    op.create_index(
        "ix_sources_due",
        "sources",
        ["next_check_at"],
        unique=False,
        sqlite_where=sa.text("is_polled"),
        postgresql_where=sa.text("is_polled"),
    )
    op.create_table(
        "story_tags",
        sa.Column("story_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(53), nullable=False),
        sa.Column("salience", sa.String(32), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["story_id"], ["stories.story_id"], name=op.f("fk_story_tags_story_id_stories"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("story_id", "position", name=op.f("pk_story_tags")),
    )
    op.create_index(op.f("ix_story_tags_kind_ref_story_id"), "story_tags", ["kind", "ref", "story_id"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("delivery_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("match_id", BIG_ID, nullable=True),
        sa.Column("endpoint_id", sa.Text(), nullable=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("story_id", BIG_ID, nullable=True),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["endpoint_id"], ["endpoints.endpoint_id"], name=op.f("fk_deliveries_endpoint_id_endpoints")
        ),
        sa.ForeignKeyConstraint(["match_id"], ["matches.match_id"], name=op.f("fk_deliveries_match_id_matches")),
        sa.ForeignKeyConstraint(["story_id"], ["stories.story_id"], name=op.f("fk_deliveries_story_id_stories")),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("match_id", "endpoint_id", name=op.f("uq_deliveries_match_id_endpoint_id")),
    )
    op.create_index(op.f("ix_deliveries_created_at"), "deliveries", ["created_at"], unique=False)
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["next_attempt_at"],
        unique=False,
        sqlite_where=sa.text("finished_at IS NULL"),
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.create_index(op.f("ix_deliveries_endpoint_id"), "deliveries", ["endpoint_id"], unique=False)
    op.create_index(
        "ix_deliveries_finished",
        "deliveries",
        ["finished_at"],
        unique=False,
        sqlite_where=sa.text("finished_at IS NOT NULL"),
        postgresql_where=sa.text("finished_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_deliveries_state_created_at"), "deliveries", ["state", "created_at"], unique=False)
    op.create_index(op.f("ix_deliveries_story_id"), "deliveries", ["story_id"], unique=False)
    op.create_table(
        "entries",
        sa.Column("entry_id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("guid", sa.Text(), nullable=False),
        sa.Column("guid_key", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("categories", sa.JSON(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("image_url", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_backlog", sa.Boolean(), nullable=False),
        sa.Column("text_state", sa.String(32), nullable=False),
        sa.Column("text_leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("article_id", BIG_ID, nullable=True),
        sa.Column("duplicate_reason", sa.Text(), nullable=False),
        sa.Column("quiet_reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.source_id"], name=op.f("fk_entries_source_id_sources")),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_entries")),
        sa.UniqueConstraint("source_id", "guid_key", name=op.f("uq_entries_source_id_guid_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_entries_edited",
        "entries",
        ["edited_at"],
        unique=False,
        sqlite_where=sa.text("edited_at IS NOT NULL"),
        postgresql_where=sa.text("edited_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_entries_first_seen_at_source_id"), "entries", ["first_seen_at", "source_id"], unique=False)
    op.create_index(
        "ix_entries_owed",
        "entries",
        ["entry_id"],
        unique=False,
        sqlite_where=sa.text("text_state = 'owed'"),
        postgresql_where=sa.text("text_state = 'owed'"),
    )
    op.create_index(
        "ix_entries_pending",
        "entries",
        ["entry_id"],
        unique=False,
        sqlite_where=sa.text("edited_at IS NULL"),
        postgresql_where=sa.text("edited_at IS NULL"),
    )
    op.create_table(
        "fetches",
        sa.Column("fetch_id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("duration", sa.Float(53), nullable=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body_bytes", BIG_ID, nullable=False),
        sa.Column("entry_count", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("body_sha256", sa.Text(), nullable=True),
        sa.Column("ttl", sa.Float(53), nullable=True),
        sa.Column("max_age", sa.Float(53), nullable=True),
        sa.Column("retry_after", sa.Float(53), nullable=True),
        sa.Column("final_url", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.source_id"], name=op.f("fk_fetches_source_id_sources")),
        sa.PrimaryKeyConstraint("fetch_id", name=op.f("pk_fetches")),
        sa.UniqueConstraint("source_id", "started_at", name=op.f("uq_fetches_source_id_started_at")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_fetches_started_at"), "fetches", ["started_at"], unique=False)
    op.create_table(
        "attempts",
        sa.Column("delivery_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("duration", sa.Float(53), nullable=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("retry_after", sa.Float(53), nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["deliveries.delivery_id"],
            name=op.f("fk_attempts_delivery_id_deliveries"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("delivery_id", "number", name=op.f("pk_attempts")),
    )
    op.create_index(op.f("ix_attempts_started_at"), "attempts", ["started_at"], unique=False)


def downgrade() -> None:
    op.drop_table("attempts")
    op.drop_table("fetches")
    op.drop_table("entries")
    op.drop_table("deliveries")
    op.drop_table("story_tags")
    op.drop_table("sources")
    op.drop_table("matches")
    op.drop_table("film_aliases")
    op.drop_table("articles")
    op.drop_table("topics")
    op.drop_table("tombstones")
    op.drop_table("subscriptions")
    op.drop_table("stories")
    op.drop_table("publishers")
    op.drop_table("meta")
    op.drop_table("films")
    op.drop_table("endpoints")
