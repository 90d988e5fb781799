"""The laws and the tables of `core.cadence`."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.cadence import GONE_WAIT, JITTER_SHARE, MAX_RETRY_AFTER, MAX_WAIT, next_check_at
from core.values import Fetch, FetchOutcome, Pace, SourceId

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
FLOOR = timedelta(minutes=5)
DEFAULT = timedelta(minutes=15)

waits = st.none() | st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=400))
paces = st.builds(Pace, ttl=waits, max_age=waits, retry_after=waits)
calm_paces = st.builds(Pace, ttl=waits, max_age=waits)
outcomes = st.sampled_from(FetchOutcome)
counts = st.integers(min_value=0, max_value=10_000)
jitters = st.floats(min_value=0, max_value=1)
intervals = st.none() | st.timedeltas(min_value=timedelta(seconds=1), max_value=MAX_WAIT)


def wait_after(
    outcome: FetchOutcome = FetchOutcome.OK,
    *,
    pace: Pace | None = None,
    own_interval: timedelta | None = None,
    error_count: int = 0,
    jitter: float = 0.0,
) -> timedelta:
    fetch = Fetch(
        source_id=SourceId("gazette"),
        started_at=NOW,
        duration=timedelta(seconds=1),
        outcome=outcome,
        pace=pace or Pace(),
    )
    due_at = next_check_at(
        fetch,
        now=NOW,
        own_interval=own_interval,
        error_count=error_count,
        floor=FLOOR,
        default=DEFAULT,
        jitter=jitter,
    )
    return due_at - NOW


@given(outcomes, calm_paces, intervals, counts, jitters)
def test_wait_is_bounded_by_floor_and_cap(
    outcome: FetchOutcome, pace: Pace, own_interval: timedelta | None, error_count: int, jitter: float
) -> None:
    wait = wait_after(outcome, pace=pace, own_interval=own_interval, error_count=error_count, jitter=jitter)
    longest = GONE_WAIT if outcome is FetchOutcome.GONE else MAX_WAIT
    assert FLOOR <= wait <= longest * (1 + JITTER_SHARE)


@given(outcomes, paces, intervals, counts)
def test_wait_grows_with_the_errors(
    outcome: FetchOutcome, pace: Pace, own_interval: timedelta | None, error_count: int
) -> None:
    fewer, more = (
        wait_after(outcome, pace=pace, own_interval=own_interval, error_count=count)
        for count in (error_count, error_count + 1)
    )
    assert fewer <= more


@given(outcomes, paces, counts, jitters)
def test_retry_after_is_respected_up_to_seven_days(
    outcome: FetchOutcome, pace: Pace, error_count: int, jitter: float
) -> None:
    wait = wait_after(outcome, pace=pace, error_count=error_count, jitter=jitter)
    longest = GONE_WAIT if outcome is FetchOutcome.GONE else MAX_RETRY_AFTER
    assert wait >= min(pace.retry_after or timedelta(0), MAX_RETRY_AFTER)
    assert wait <= longest * (1 + JITTER_SHARE)


@given(outcomes, paces, intervals, counts, jitters)
def test_jitter_only_adds_and_at_most_a_tenth(
    outcome: FetchOutcome, pace: Pace, own_interval: timedelta | None, error_count: int, jitter: float
) -> None:
    plain = wait_after(outcome, pace=pace, own_interval=own_interval, error_count=error_count)
    spread = wait_after(outcome, pace=pace, own_interval=own_interval, error_count=error_count, jitter=jitter)
    assert plain <= spread <= plain * (1 + JITTER_SHARE) + timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("own_minutes", "ttl_minutes", "max_age_minutes", "waited_minutes"),
    [
        pytest.param(None, None, None, 15, id="default"),
        pytest.param(None, None, 0, 15, id="max-age 0 asks nothing"),
        pytest.param(None, 60, None, 60, id="ttl"),
        pytest.param(None, 10, 30, 30, id="the longer of both"),
        pytest.param(None, 1, None, 5, id="floor"),
        pytest.param(None, 100_000, None, 1440, id="cap"),
        pytest.param(20, 60, 60, 20, id="the operator wins"),
        pytest.param(1, None, None, 5, id="floor binds the operator"),
        pytest.param(4320, None, None, 4320, id="the operator may be slower than the cap"),
    ],
)
def test_healthy_source(
    own_minutes: int | None, ttl_minutes: int | None, max_age_minutes: int | None, waited_minutes: int
) -> None:
    own, ttl, max_age = (
        None if minutes is None else timedelta(minutes=minutes)
        for minutes in (own_minutes, ttl_minutes, max_age_minutes)
    )
    assert wait_after(own_interval=own, pace=Pace(ttl=ttl, max_age=max_age)) == timedelta(minutes=waited_minutes)


@pytest.mark.parametrize(
    ("outcome", "error_count", "waited_minutes"),
    [
        pytest.param(FetchOutcome.TIMEOUT, 1, 15, id="first failure"),
        pytest.param(FetchOutcome.TIMEOUT, 2, 30, id="second"),
        pytest.param(FetchOutcome.TIMEOUT, 5, 240, id="fifth"),
        pytest.param(FetchOutcome.TIMEOUT, 100, 1440, id="hundredth"),
        pytest.param(FetchOutcome.GONE, 1, 43_200, id="gone"),
        pytest.param(FetchOutcome.REFUSED, 1, 1440, id="refused"),
        pytest.param(FetchOutcome.NOT_MODIFIED, 0, 15, id="not modified is healthy"),
    ],
)
def test_failing_source(outcome: FetchOutcome, error_count: int, waited_minutes: int) -> None:
    assert wait_after(outcome, error_count=error_count) == timedelta(minutes=waited_minutes)
