"""Column types that mean the same on SQLite and PostgreSQL. Holds no tables."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Enum, Float, Integer, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

BIG_ID = BigInteger().with_variant(Integer(), "sqlite")
PLAIN_JSON = JSON(none_as_null=True)


class UtcDateTime(TypeDecorator[datetime]):
    """Aware in, aware UTC out; SQLite keeps the naive UTC text. A naive value raises ValueError."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; the store keeps aware times only")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Seconds(TypeDecorator[timedelta]):
    """A duration kept as seconds."""

    impl = Float(53)
    cache_ok = True

    def process_bind_param(self, value: timedelta | None, _dialect: Dialect) -> float | None:
        return None if value is None else value.total_seconds()

    def process_result_value(self, value: float | None, _dialect: Dialect) -> timedelta | None:
        return None if value is None else timedelta(seconds=value)


class PlainText(TypeDecorator[str]):
    """Text that both databases take: PostgreSQL refuses NUL, neither encodes a lone surrogate."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: Dialect) -> str | None:
        return value if value is None else clean_text(value)


def clean_text(text: str) -> str:
    """Drop NULs and lone surrogates."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    return text if text.isascii() else text.encode("utf-8", "ignore").decode("utf-8")


def key_of(text: str) -> str:
    """Shorten any text to 32 hex digits (128 bits of SHA-256) for a unique index.

    PostgreSQL refuses an index row over 2,704 bytes, and feeds have GUIDs longer than that.
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
