"""When to ask a source again: often enough for the reader, seldom enough for the server."""

from datetime import datetime, timedelta

from core.values import Fetch, FetchOutcome, Pace

MAX_WAIT = timedelta(hours=24)
MAX_RETRY_AFTER = timedelta(days=7)
JITTER_SHARE = 0.1
# Outcomes that another try within the day will not change: the address is gone, or we must not ask at all.
_SETTLED = frozenset({FetchOutcome.GONE, FetchOutcome.REFUSED})
_MAX_DOUBLINGS = 20


def next_check_at(
    fetch: Fetch,
    *,
    now: datetime,
    own_interval: timedelta | None,
    error_count: int,
    floor: timedelta,
    default: timedelta,
    jitter: float,
) -> datetime:
    """Decide when a source is due after this fetch.

    Healthy: the operator's interval, else what the server asks (the longer of feed ttl and max-age), else `default`;
    never under `floor`, never over 24 h unless the operator says so. Failing: the same, doubled with each failure
    after the first, up to 24 h; `error_count` counts failures in a row, this one included.
    Retry-After (RFC 9110 10.2.3) is a lower bound in every case, believed up to 7 days.
    `jitter` in 0-1 adds up to 10 %, so that sources asked together drift apart; it never takes anything off.
    """
    interval = _healthy_wait(fetch.pace, own_interval=own_interval, floor=floor, default=default)
    wait = interval if fetch.outcome.is_healthy else _failing_wait(fetch.outcome, interval, error_count)
    if fetch.pace.retry_after is not None:
        wait = max(wait, min(fetch.pace.retry_after, MAX_RETRY_AFTER))
    return now + wait + wait * (JITTER_SHARE * min(max(jitter, 0.0), 1.0))


def _healthy_wait(pace: Pace, *, own_interval: timedelta | None, floor: timedelta, default: timedelta) -> timedelta:
    if own_interval:
        return max(floor, own_interval)
    asked = max(pace.ttl or timedelta(0), pace.max_age or timedelta(0))
    return max(floor, min(asked or default, MAX_WAIT))


def _failing_wait(outcome: FetchOutcome, interval: timedelta, error_count: int) -> timedelta:
    if outcome in _SETTLED:
        return max(interval, MAX_WAIT)
    doublings = min(max(error_count - 1, 0), _MAX_DOUBLINGS)
    return max(interval, min(interval * (1 << doublings), MAX_WAIT))
