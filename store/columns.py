"""Column types that mean the same on SQLite and PostgreSQL. Holds no tables."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Enum, Float, Integer, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

BIG_ID = BigInteger().with_variant(Integer(), "sqlite")
PLAIN_JSON = JSON(none_as_null=True)
Bind = Callable[[Any], Any]


class UtcDateTime(TypeDecorator[datetime]):
    """Aware in, aware UTC out; SQLite keeps the naive UTC text. A naive value raises ValueError."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Bind:
        return _write_time if dialect.name == "sqlite" else _in_utc

    def result_processor(self, dialect: Dialect, _coltype: object) -> Bind:
        return _read_time if dialect.name == "sqlite" else _in_utc


class Seconds(TypeDecorator[timedelta]):
    """A duration kept as seconds."""

    impl = Float(53)
    cache_ok = True

    def bind_processor(self, _dialect: Dialect) -> Bind:
        return _write_span

    def result_processor(self, _dialect: Dialect, _coltype: object) -> Bind:
        return _read_span


class PlainText(TypeDecorator[str]):
    """Text that both databases take: PostgreSQL refuses NUL, neither encodes a lone surrogate."""

    impl = Text
    cache_ok = True

    def bind_processor(self, _dialect: Dialect) -> Bind:
        return write_text


# What runs for each value of each row, hence as plain as can be.


def _write_time(value: datetime | None) -> str | None:
    if value is None:
        return None
    moment = value if value.tzinfo is UTC else _in_utc(value)
    assert moment is not None
    return moment.isoformat(" ", "microseconds")[:-6]  # without +00:00


def _read_time(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value + "+00:00")


def _in_utc(value: datetime | None) -> datetime | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone; the store keeps aware times only")
    return value.astimezone(UTC)


def _write_span(value: timedelta | None) -> float | None:
    return None if value is None else value.total_seconds()


def _read_span(value: float | None) -> timedelta | None:
    return None if value is None else timedelta(seconds=value)


def write_text(value: str | None) -> str | None:
    return value if value is None or (value.isascii() and "\x00" not in value) else clean_text(value)


def are_plain(texts: Sequence[str | None]) -> bool:
    """Whether `write_text` would leave all of them as they are; False only means that each takes a look of its own."""
    try:
        joined = "".join(texts)  # type: ignore[arg-type]  # one that is None is not plain
        return "\x00" not in joined and (joined.isascii() or bool(joined.encode()))
    except (TypeError, UnicodeEncodeError):
        return False


def clean_text(text: str) -> str:
    """Drop NULs and lone surrogates."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    return text if text.isascii() else text.encode("utf-8", "ignore").decode("utf-8")


@lru_cache(maxsize=2048)
def key_of(text: str) -> str:
    """Shorten any text to 32 hex digits (128 bits of SHA-256) for a unique index.

    PostgreSQL refuses an index row over 2,704 bytes, and feeds have GUIDs longer than that. What was asked for lately
    is remembered: a guid is looked up, and then stored.
    """
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def values_of(words: type[StrEnum]) -> Enum:
    """A text column that stores an enum's values, not its names."""
    return Enum(words, native_enum=False, create_constraint=False, length=32, values_callable=_list_values)


def _list_values(words: Any) -> Sequence[str]:
    return [word.value for word in words]


PLAIN_TEXT: TypeEngine[str] = PlainText()
UTC_DATE_TIME: TypeEngine[datetime] = UtcDateTime()
SECONDS: TypeEngine[timedelta] = Seconds()
