"""When to ask a source again: often enough for the reader, seldom enough for the server."""

from datetime import datetime, timedelta

from core.values import Fetch, FetchOutcome, Pace

MAX_WAIT = timedelta(hours=24)
# A source that publishes once a week is still asked four times a day: its next week may be another.
MAX_LEARNED_WAIT = timedelta(hours=6)
# 410 means for good, but servers have been wrong about that.
GONE_WAIT = timedelta(days=30)
MAX_RETRY_AFTER = timedelta(days=7)
JITTER_SHARE = 0.1
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
    usual_gap: timedelta | None = None,
) -> datetime:
    """Decide when a source is due after this fetch.

    Healthy: the operator's interval, else the longer of what the server asks (feed ttl, sy:update*, max-age) and half
    of the `usual_gap` between two entries (up to 6 h), else `default`; never under `floor`, never over 24 h unless the
    operator says so. Failing: the same, doubled with each failure after the first, up to 24 h; `error_count` counts
    failures in a row, this one included. Gone: 30 days, unless the operator enables the source again.
    Retry-After (RFC 9110 10.2.3) is a lower bound in every case, believed up to 7 days.
    `jitter` in 0-1 adds up to 10 %, so that sources asked together drift apart; it never takes anything off.
    """
    interval = _healthy_wait(fetch.pace, own_interval=own_interval, usual_gap=usual_gap, floor=floor, default=default)
    wait = interval if fetch.outcome.is_healthy else _failing_wait(fetch.outcome, interval, error_count)
    if fetch.pace.retry_after is not None:
        wait = max(wait, min(fetch.pace.retry_after, MAX_RETRY_AFTER))
    return now + wait + wait * (JITTER_SHARE * min(max(jitter, 0.0), 1.0))


def _healthy_wait(
    pace: Pace,
    *,
    own_interval: timedelta | None,
    usual_gap: timedelta | None,
    floor: timedelta,
    default: timedelta,
) -> timedelta:
    if own_interval:
        return max(floor, own_interval)
    asked = max(pace.ttl or timedelta(0), pace.max_age or timedelta(0))
    learned = min(usual_gap / 2, MAX_LEARNED_WAIT) if usual_gap is not None else timedelta(0)
    return max(floor, min(max(asked, learned) or default, MAX_WAIT))


def _failing_wait(outcome: FetchOutcome, interval: timedelta, error_count: int) -> timedelta:
    if outcome is FetchOutcome.GONE:
        return max(interval, GONE_WAIT)
    if outcome is FetchOutcome.REFUSED:
        # Another try within the day will not change that we must not ask at all.
        return max(interval, MAX_WAIT)
    doublings = min(max(error_count - 1, 0), _MAX_DOUBLINGS)
    return max(interval, min(interval * (1 << doublings), MAX_WAIT))
