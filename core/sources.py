"""What one fetch does to our knowledge of a source. The cadence itself is `core.cadence`."""

from dataclasses import replace
from datetime import datetime, timedelta

from core.cadence import next_check_at
from core.values import Fetch, Source, SourceState, Validators


def advance_state(
    source: Source,
    state: SourceState,
    fetch: Fetch,
    *,
    now: datetime,
    floor: timedelta,
    default: timedelta,
    jitter: float,
) -> SourceState:
    """Return the state after `fetch`. First contact is the first healthy answer, and never moves again.

    Validators are those of the last healthy answer: an error page's say nothing about the feed.
    """
    is_healthy = fetch.outcome.is_healthy
    error_count = 0 if is_healthy else state.error_count + 1
    return replace(
        state,
        validators=_newest(state.validators, fetch.validators) if is_healthy else state.validators,
        body_sha256=fetch.body_sha256 or state.body_sha256,
        next_check_at=next_check_at(
            fetch,
            now=now,
            own_interval=source.interval,
            error_count=error_count,
            floor=floor,
            default=default,
            jitter=jitter,
        ),
        last_fetch_at=fetch.started_at,
        last_outcome=fetch.outcome,
        last_error=None if is_healthy else fetch.error,
        error_count=error_count,
        first_contact_at=state.first_contact_at or (fetch.started_at if is_healthy else None),
        failing_since_at=None if is_healthy else state.failing_since_at or fetch.started_at,
    )


def _newest(held: Validators, given: Validators) -> Validators:
    """A 200 replaces both, a 304 often repeats only one (RFC 9110, 15.4.5): the gatherer hands over the final pair."""
    return given if given != Validators() else held
