"""Says when a failed delivery is tried again; it neither waits nor counts."""

from datetime import datetime, timedelta

# The schedule the Standard Webhooks specification 1.0.0 recommends ("Deliverability and reliability"): ten
# tries over about 75 hours, so that a receiver broken on Friday evening can be mended on Monday.
_DELAYS = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
_SPREAD = 0.2
_MAX_RETRY_AFTER = timedelta(hours=24)


def next_attempt_at(
    *, attempt_count: int, now: datetime, retry_after: timedelta | None = None, jitter: float
) -> datetime | None:
    """Choose the time of the next attempt, or None when it is time to give up.

    Shape: `attempt_count` is the number of attempts already made; after the tenth the answer is None.
    Unit and range: `jitter` 0-1 moves the delay by -20 % to +20 %. `retry_after` is a lower bound, believed up
    to 24 h.
    """
    if attempt_count >= len(_DELAYS):
        return None
    delay = _DELAYS[max(attempt_count, 0)] * (1 - _SPREAD + 2 * _SPREAD * min(max(jitter, 0.0), 1.0))
    asked = min(retry_after or timedelta(0), _MAX_RETRY_AFTER)
    return now + max(delay, asked)
