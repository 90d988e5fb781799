"""Alembic's entry: runs the steps on the connection it is handed. There is no alembic.ini."""

from alembic import context
from sqlalchemy import Connection

from store.tables import Row


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Row.metadata, render_as_batch=True, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


_run(context.config.attributes["connection"])
