"""One service to a database: a second one would release the claims that the first works on."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from store.connect import StoreError, create, parse_url, show_url, speak_plainly

LOCK = 7385203615  # any number but the migrations'


@contextmanager
def alone_on(url: str) -> Iterator[None]:
    """Hold a PostgreSQL database for one service until the block ends or the connection does.

    An SQLite file is held by the lock on its folder. Raises StoreError when another service holds it.
    """
    address = parse_url(url)
    if address.get_backend_name() == "sqlite":
        yield
        return
    with speak_plainly(address):
        engine = create(address)
        try:
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                if not connection.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": LOCK}).scalar():
                    raise StoreError(f"Another setwire works on {show_url(address)}; stop it first.")
                yield
                connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
        finally:
            engine.dispose()
