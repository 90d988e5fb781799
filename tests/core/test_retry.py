"""The retry schedule: its table and its bounds."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.retry import next_attempt_at

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("attempt_count", "delay"),
    [
        (0, timedelta(0)),
        (1, timedelta(seconds=5)),
        (2, timedelta(minutes=5)),
        (3, timedelta(minutes=30)),
        (4, 2 * HOUR),
        (5, 5 * HOUR),
        (6, 10 * HOUR),
        (7, 14 * HOUR),
        (8, 20 * HOUR),
        (9, 24 * HOUR),
    ],
)
def test_delays_follow_the_schedule(attempt_count: int, delay: timedelta) -> None:
    assert next_attempt_at(attempt_count=attempt_count, now=NOW, jitter=0.5) == NOW + delay
    assert next_attempt_at(attempt_count=attempt_count, now=NOW, jitter=0) == NOW + delay * 0.8
    assert next_attempt_at(attempt_count=attempt_count, now=NOW, jitter=1) == NOW + delay * 1.2


def test_after_the_tenth_attempt_nothing_is_tried() -> None:
    assert next_attempt_at(attempt_count=10, now=NOW, jitter=0.5) is None
    assert next_attempt_at(attempt_count=11, now=NOW, retry_after=HOUR, jitter=0.5) is None


@pytest.mark.parametrize(
    ("retry_after", "delay"),
    [
        (timedelta(minutes=20), timedelta(minutes=20)),
        (timedelta(seconds=1), timedelta(minutes=5)),
        (timedelta(seconds=-60), timedelta(minutes=5)),
        (timedelta(days=30), 24 * HOUR),
        (None, timedelta(minutes=5)),
    ],
    ids=["longer", "shorter", "past", "absurd", "none"],
)
def test_retry_after_is_a_lower_bound_believed_up_to_a_day(retry_after: timedelta | None, delay: timedelta) -> None:
    assert next_attempt_at(attempt_count=2, now=NOW, retry_after=retry_after, jitter=0.5) == NOW + delay


@settings(deadline=None)
@given(
    attempt_count=st.integers(-3, 30),
    retry_after=st.none() | st.timedeltas(),
    jitter=st.floats(-1, 2),
)
def test_the_next_attempt_is_never_in_the_past_nor_beyond_29_hours(
    attempt_count: int, retry_after: timedelta | None, jitter: float
) -> None:
    at = next_attempt_at(attempt_count=attempt_count, now=NOW, retry_after=retry_after, jitter=jitter)
    assert (at is None) == (attempt_count >= 10)
    assert at is None or timedelta(0) <= at - NOW <= 1.2 * 24 * HOUR
