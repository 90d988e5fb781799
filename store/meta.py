"""The version of what the desk is configured with: films, topics, subscriptions, endpoints."""

from sqlalchemy.orm import Session

from store.sql import add_one, read_number

VERSION = "config_version"


def config_version(tx: Session) -> int:
    """Grows with every change of films, topics, subscriptions or endpoints; 0 on an empty database."""
    return read_number(tx, VERSION)


def bump_config_version(tx: Session) -> None:
    """Tell the desk to load its configuration again."""
    add_one(tx, VERSION)
