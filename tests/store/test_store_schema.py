"""The schema: migrations make what the tables say, on both databases."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from store.connect import create, parse_url
from store.engine import migrate
from store.schema import revisions
from store.tables import Row


def test_migrated_schema_equals_the_tables(bare_url: str) -> None:
    assert migrate(bare_url) == revisions()
    engine = create(parse_url(bare_url))
    with engine.begin() as connection:
        options = {"compare_type": True, "render_as_batch": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Row.metadata) == []
    engine.dispose()


def test_migrated_indexes_have_the_conditions_of_the_tables(bare_url: str) -> None:
    migrate(bare_url)
    engine = create(parse_url(bare_url))
    found = inspect(engine)
    dialect = engine.dialect.name
    for table in Row.metadata.sorted_tables:
        wanted = {index.name: index.dialect_options[dialect]["where"] is not None for index in table.indexes}
        conditions = {
            index["name"]: bool(index.get("dialect_options", {}).get(f"{dialect}_where") is not None)
            for index in found.get_indexes(table.name)
            if not index.get("duplicates_constraint")
        }
        assert conditions == wanted
    engine.dispose()


def test_migrating_again_applies_nothing(store_url: str) -> None:
    assert migrate(store_url) == []
