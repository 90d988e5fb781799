"""Find what is leased without reading all that is owed."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    leased = sa.text("leased_until IS NOT NULL")
    op.create_index(
        "ix_deliveries_leased",
        "deliveries",
        ["endpoint_id", "leased_until"],
        sqlite_where=leased,
        postgresql_where=leased,
    )


def downgrade() -> None:
    op.drop_index("ix_deliveries_leased", "deliveries")
