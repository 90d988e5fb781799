"""What one fetch does to our knowledge of a source. The cadence itself is `core.cadence`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from core.cadence import next_check_at
from core.habits import is_flood, learn_habit
from core.health import is_broken, is_silent
from core.services import lane_of
from core.values import Fetch, FetchOutcome, Move, ParsedEntry, Source, SourceKind, SourceState, Validators

VALIDATORS_LAST = timedelta(days=8)
MOVE_SIGHTINGS = 3
MOVE_LASTS = timedelta(days=1)


def advance_state(
    source: Source,
    state: SourceState,
    fetch: Fetch,
    *,
    now: datetime,
    floor: timedelta,
    default: timedelta,
    jitter: float,
    fresh: Sequence[ParsedEntry] = (),
) -> SourceState:
    """Return the state after `fetch`, which brought `fresh` entries.

    First contact is the first healthy answer, and never moves again. Validators are those of the last healthy answer:
    an error page's say nothing about the feed.
    """
    is_healthy = fetch.outcome.is_healthy
    is_first = is_healthy and state.first_contact_at is None
    is_flooded = is_flood(state, len(fresh), now=now)
    habit = state.habit if is_flooded else learn_habit(state.habit, fresh, now=now, is_first=is_first)
    error_count = 0 if is_healthy else state.error_count + 1
    after = replace(
        state,
        validators=fetch.validators if is_healthy else state.validators,
        body_sha256=fetch.body_sha256 or state.body_sha256,
        next_check_at=next_check_at(
            fetch,
            now=now,
            own_interval=source.interval,
            error_count=error_count,
            floor=floor,
            default=default,
            jitter=jitter,
            usual_gap=habit.gap,
        ),
        last_fetch_at=fetch.started_at,
        last_outcome=fetch.outcome,
        last_error=None if is_healthy else fetch.error,
        error_count=error_count,
        first_contact_at=state.first_contact_at or (fetch.started_at if is_healthy else None),
        failing_since_at=None if is_healthy else state.failing_since_at or fetch.started_at,
        document_at=fetch.started_at if fetch.outcome is FetchOutcome.OK else state.document_at,
        move=_follow_move(state.move, fetch, error_count=error_count, now=now),
        habit=habit,
        empty_count=_count_empty(source, state, fetch),
    )
    alarmed_at = (state.alarmed_at or now) if is_broken(after) else None
    silent_at = _follow_silence(state, after, now=now)
    if (alarmed_at, silent_at) == (state.alarmed_at, state.silent_at):
        return after
    return replace(after, alarmed_at=alarmed_at, silent_at=silent_at)


def _follow_silence(before: SourceState, after: SourceState, *, now: datetime) -> datetime | None:
    """Say since when the source's silence is known; one that does not answer is left at what it was."""
    if after.error_count:
        return before.silent_at
    return (before.silent_at or now) if is_silent(after, now=now) else None


def validators_to_send(state: SourceState, *, now: datetime) -> Validators:
    """Return what to ask "changed since?" with: nothing once 8 days have passed without a whole document.

    A server that wrongly says "not modified" for ever is found out that way.
    """
    if state.document_at is not None and now - state.document_at > VALIDATORS_LAST:
        return Validators()
    return state.validators


def address_of(source: Source, state: SourceState) -> str:
    """Return the address to ask: the one declared, or where it moved to for good."""
    return state.move.to if state.move and state.move.is_adopted else source.url


def lane_of_source(source: Source, state: SourceState) -> str:
    """Name what is asked one thing at a time, and rests as a whole: the source's host, or the service it is of."""
    return lane_of(urlsplit(address_of(source, state)).hostname or "")


def _follow_move(move: Move | None, fetch: Fetch, *, error_count: int, now: datetime) -> Move | None:
    """Believe a permanent redirect at its third sighting, a day after the first at the earliest.

    A new address that fails as often is given up, and the declared one is asked again.
    """
    if not fetch.outcome.is_healthy:
        is_lost = move is not None and move.is_adopted and error_count >= MOVE_SIGHTINGS
        return None if is_lost else move
    if not fetch.permanent_url:
        return move if move and move.is_adopted else None
    if move is None or move.to != fetch.permanent_url:
        return Move(to=fetch.permanent_url, count=1, since_at=now)
    is_adopted = move.count + 1 >= MOVE_SIGHTINGS and now - move.since_at >= MOVE_LASTS
    return replace(move, count=move.count + 1, is_adopted=is_adopted)


def _count_empty(source: Source, state: SourceState, fetch: Fetch) -> int:
    if source.kind is not SourceKind.LISTING or fetch.outcome is not FetchOutcome.OK:
        return state.empty_count
    return 0 if fetch.entry_count else state.empty_count + 1
