"""What commands share: their errors, their JSON switch, and the opening of the store they work on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from config.settings import Settings, load_settings
from store.engine import Session, Store, open_store

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="At most this many.")]


class CommandError(Exception):
    """What was asked cannot be done; one sentence says what, where and what to do."""


@contextmanager
def opened_store(settings: Settings | None = None) -> Iterator[Store]:
    """Open the store the settings name and close it again. Raises ConfigError, StoreError."""
    store = open_store((settings or load_settings()).database_url)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def reading() -> Iterator[Session]:
    with opened_store() as store, store.read() as tx:
        yield tx


@contextmanager
def writing() -> Iterator[Session]:
    with opened_store() as store, store.write() as tx:
        yield tx
