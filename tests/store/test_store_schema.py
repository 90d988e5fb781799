"""The schema: migrations make what the tables say, on both databases."""

from datetime import UTC, datetime

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, Table, inspect, text

from store.connect import create, make_folder, parse_url
from store.engine import migrate
from store.schema import revisions, upgrade
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


def test_older_stories_learn_who_reported_them_first(bare_url: str) -> None:
    address = parse_url(bare_url)
    make_folder(address)
    engine = create(address)
    with engine.begin() as connection:
        upgrade(connection, address, "0005")
        old = MetaData()
        old.reflect(connection, only=["publishers", "stories", "articles"])
        rows: dict[str, list[dict[str, object]]] = {
            "publishers": [{"slug": "lantern", "name": "The Lantern", "tier": "trade"}],
            "stories": [{"story_id": 7, "first_article_id": 3}, {"story_id": 8, "first_article_id": 4}],
            "articles": [{"article_id": 3, "publisher_slug": "lantern", "story_id": 7}],
        }
        for name, given in rows.items():
            connection.execute(old.tables[name].insert(), [blank(old.tables[name]) | row for row in given])
        upgrade(connection, address)
        found = connection.execute(text("SELECT first_outlet, merged_into FROM stories ORDER BY story_id")).all()
    engine.dispose()
    assert [tuple(row) for row in found] == [("The Lantern", None), ("", None)]


def blank(table: Table) -> dict[str, object]:
    """A row that says nothing where something must stand."""
    values: dict[type, object] = {datetime: datetime(2026, 3, 14, tzinfo=UTC), object: [0]}
    needed = [column for column in table.columns if not column.nullable and column.server_default is None]
    return {column.name: values.get(column.type.python_type) or column.type.python_type() for column in needed}


def test_migrating_again_applies_nothing(store_url: str) -> None:
    assert migrate(store_url) == []
