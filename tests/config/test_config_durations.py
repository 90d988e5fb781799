"""Durations and sizes: what people write is read, and what we write is read back."""

import contextlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.durations import format_duration, format_size, parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("30s", timedelta(seconds=30)),
        ("5m", timedelta(minutes=5)),
        ("2h", timedelta(hours=2)),
        ("7d", timedelta(days=7)),
        (" 1.5H ", timedelta(minutes=90)),
        ("0s", timedelta(0)),
    ],
)
def test_reads_a_duration(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize("text", ["", "5", "m", "5 min", "5min", "-5m", "1d2h", "٣m", "1e3s", None, 5, True])
def test_refuses_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match="is no duration; write a number and a unit"):
        parse_duration(text)


def test_refuses_a_duration_beyond_a_century() -> None:
    with pytest.raises(ValueError, match="longer than a hundred years"):
        parse_duration("40000d")


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=36_000)))
def test_a_written_duration_is_read_back(duration: timedelta) -> None:
    duration = timedelta(milliseconds=duration // timedelta(milliseconds=1))
    assert parse_duration(format_duration(duration)) == duration


@given(st.text(max_size=12))
def test_reading_a_duration_raises_nothing_but_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert parse_duration(text) >= timedelta(0)


@pytest.mark.parametrize(
    ("text", "size"),
    [("500000", 500_000), ("10MiB", 10 * 2**20), ("5 MB", 5_000_000), ("1gib", 2**30), ("0", 0), (12, 12)],
)
def test_reads_a_size(text: object, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MiB", "10 monkeys", "-1", "1.5MB", None, True])
def test_refuses_what_is_no_size(text: object) -> None:
    with pytest.raises(ValueError, match="is no size"):
        parse_size(text)


@given(st.integers(min_value=0, max_value=2**40))
def test_a_written_size_is_read_back(size: int) -> None:
    assert parse_size(format_size(size)) == size
