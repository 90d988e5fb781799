"""What visits teach of how a source publishes: its usual gap, and floods that are no news."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from core.values import Habit, ParsedEntry, SourceState

_FIRST_DATES = 30
_MIN_GAPS = 3
# A new gap moves the usual one by so much: a day of another rhythm is not yet another habit.
_WEIGHT = 0.2
_FLOOD = 50
_FLOOD_TIMES = 10


def learn_habit(habit: Habit, fresh: Sequence[ParsedEntry], *, now: datetime, is_first: bool) -> Habit:
    """Return the habit after a visit that brought `fresh` entries; the first visit learns from their dates."""
    if is_first:
        return _read_history(fresh, now=now)
    if not fresh:
        return habit
    if habit.last_entry_at is None:
        return Habit(gap=habit.gap, sample_count=habit.sample_count, last_entry_at=now)
    sample = max(now - habit.last_entry_at, timedelta(0)) / len(fresh)
    gap = sample if habit.gap is None else habit.gap + (sample - habit.gap) * _WEIGHT
    return Habit(gap=gap, sample_count=habit.sample_count + 1, last_entry_at=now)


def _read_history(fresh: Sequence[ParsedEntry], *, now: datetime) -> Habit:
    dates = sorted((min(e.published_at, now) for e in fresh if e.published_at), reverse=True)[:_FIRST_DATES]
    gaps = sorted(newer - older for newer, older in pairwise(dates))
    if len(gaps) < _MIN_GAPS:
        return Habit(last_entry_at=dates[0] if dates else None)
    return Habit(gap=gaps[len(gaps) // 2], sample_count=len(gaps), last_entry_at=dates[0])


def is_flood(state: SourceState, fresh_count: int, *, now: datetime) -> bool:
    """Whether so much is new at once that it cannot all be news: an archive was opened, or all ids have changed.

    Judged by what the source would usually bring in the time since the last visit.
    """
    if state.first_contact_at is None or state.last_fetch_at is None or fresh_count < _FLOOD:
        return False
    gap = state.habit.gap
    expected = (now - state.last_fetch_at) / gap if gap else 0.0
    return fresh_count > expected * _FLOOD_TIMES
