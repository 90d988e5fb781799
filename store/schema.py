"""The schema's revisions: where a database stands, and bringing it up to date. The steps are in `migrations/`."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import URL

from store.connect import StoreError, create, make_folder, parse_url, show_url, speak_plainly

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS = Path(__file__).parent / "migrations"
LOCK = 7385203614  # any number; two migrating processes must choose the same


def migrate(url: str) -> list[str]:
    """Bring a database to the newest schema, creating the SQLite file and its folder.

    Returns the revisions applied now, oldest first; empty when it was up to date. Raises StoreError.
    """
    address = parse_url(url)
    make_folder(address)
    with speak_plainly(address):
        engine = create(address)
        try:
            with engine.begin() as connection:
                return upgrade(connection, address)
        finally:
            engine.dispose()


def upgrade(connection: Connection, address: URL, target: str = "head") -> list[str]:
    """Apply what is missing up to `target`, inside the caller's transaction."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    before = current_revision(connection)
    refuse_newer(before, show_url(address))
    known = revisions()
    if before == known[-1] and target == "head":
        return []
    from alembic import command  # noqa: PLC0415 - half a second that only a migration is worth

    command.upgrade(_config(connection), target)
    after = current_revision(connection)
    start = known.index(before) + 1 if before else 0
    return known[start : known.index(after) + 1] if after else []


def revisions() -> list[str]:
    """All revisions this version knows, oldest first; each is a file `NUMBER_what_it_does.py`."""
    return sorted(path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def current_revision(connection: Connection) -> str | None:
    """Where the database stands; None when it never was setwire's."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return revision


def has_tables(connection: Connection) -> bool:
    """Whether anything of ours is there."""
    return inspect(connection).has_table("sources")


def refuse_newer(revision: str | None, shown: str) -> None:
    """Raise StoreError for a revision this version does not know."""
    if revision is not None and revision not in revisions():
        raise StoreError(
            f"{shown} has schema {revision}, newer than this setwire knows; install the newer setwire, "
            "or restore a backup of the older one."
        )


def check_current(connection: Connection, shown: str) -> None:
    """Raise StoreError unless the database has exactly our schema."""
    revision = current_revision(connection)
    refuse_newer(revision, shown)
    if revision is None:
        raise StoreError(f"{shown} has no tables of setwire yet; run `setwire migrate`.")
    if revision != revisions()[-1]:
        raise StoreError(f"{shown} has the older schema {revision}; run `setwire migrate`.")


def _config(connection: Connection) -> "Config":
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
