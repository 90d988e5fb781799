"""The version of what the desk is configured with, and which files it was taken from."""

from sqlalchemy.orm import Session

from store.sql import add_one, count_up, read_number, upsert
from store.tables import meta

VERSION = "config_version"
CATALOGUE = "catalogue_version"


def config_version(tx: Session) -> int:
    """Grows with every change of films, topics, subscriptions or endpoints; 0 on an empty database."""
    return read_number(tx, VERSION)


def bump_config_version(tx: Session) -> None:
    """Tell the desk to load subscriptions and endpoints again."""
    add_one(tx, VERSION)


def hold_config(tx: Session) -> None:
    """Let nobody else who holds it change subscriptions or endpoints before this transaction ends: none is lost."""
    count_up(tx, VERSION, by=0)


def catalogue_version(tx: Session) -> int:
    """Grows with every change of films or topics, as `config_version` does then; 0 on an empty database."""
    return read_number(tx, CATALOGUE)


def bump_catalogue_version(tx: Session) -> None:
    """Tell the desk to load its configuration again, films and topics too."""
    add_one(tx, CATALOGUE)
    bump_config_version(tx)


def taken_mark(tx: Session, file: str) -> int:
    """The mark of the `file` that was last taken over; 0 when none was."""
    return read_number(tx, f"taken_{file}")


def set_taken_mark(tx: Session, file: str, mark: int) -> None:
    """Remember which `file` was taken over, by a number that stands for its content (0 to 2^63 - 1)."""
    upsert(tx, meta, [{"name": f"taken_{file}", "number": mark}])
